//! Links to definitions, which need no token: `GET /definitions/{ticket}`.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Response};

use crate::arm_error::ArmError;
use crate::plane::Plane;
use crate::service::export;

/// The answer to a link; `None` when the path is none.
pub fn answer(plane: &Plane, method: &Method, path: &str) -> Option<Result<Response<Full<Bytes>>, ArmError>> {
    let ticket = path.strip_prefix('/')?.strip_prefix(export::LINKS)?.strip_prefix('/')?;
    if method != Method::GET && method != Method::HEAD {
        return None;
    }
    Some(export::follow(plane, ticket).map(|(content_type, text)| {
        let body = if method == Method::HEAD { Bytes::new() } else { Bytes::from(text) };
        let mut response = Response::new(Full::new(body));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        // Text of a definition is nothing to be shown as a page of this origin.
        headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
        response
    }))
}
