//! Redirects (RFC 9110 §15.4): where they lead, and with which method.

use gateway_policy::message::{Method, Response, Scheme, Url, UrlError};

/// Redirects of one request.
pub const REDIRECTS_MAX: usize = 10;

/// Where a response sends us.
#[derive(Debug, PartialEq, Eq)]
pub struct Redirect {
    pub to: Url,
    pub method: Method,
    /// The body goes along; else it is dropped.
    pub keeps_body: bool,
}

/// What a response asks for: `None` when it is no redirect that may be followed. From `https` none leads back to
/// `http`.
pub fn of(response: &Response, from: &Url, method: &Method) -> Result<Option<Redirect>, UrlError> {
    let keeps_method = match response.status {
        301 | 302 => *method != Method::Post,
        303 => matches!(method, Method::Get | Method::Head),
        307 | 308 => true,
        _ => return Ok(None),
    };
    let Some(location) = response.headers.get_str("location") else { return Ok(None) };
    let to = resolve(location, from)?;
    if from.scheme == Scheme::Https && to.scheme == Scheme::Http {
        return Ok(None);
    }
    let method = if keeps_method { method.clone() } else { Method::Get };
    Ok(Some(Redirect { to, method, keeps_body: keeps_method }))
}

/// Whether another server is meant, which gets no credentials.
pub fn is_foreign(from: &Url, to: &Url) -> bool {
    (from.scheme, &from.host, from.port) != (to.scheme, &to.host, to.port)
}

/// A reference in relation to the URL it was given for (RFC 3986 §5.2). Dot segments stay for the normaliser.
fn resolve(reference: &str, from: &Url) -> Result<Url, UrlError> {
    let reference = reference.split_once('#').map_or(reference, |(before, _)| before);
    let scheme_end = reference.find([':', '/', '?']).filter(|at| reference.get(*at..=*at) == Some(":"));
    if scheme_end.is_some() {
        return Url::parse(reference);
    }
    if let Some(rest) = reference.strip_prefix("//") {
        return Url::parse(&format!("{}://{rest}", from.scheme.as_str()));
    }
    if reference.bytes().any(|byte| byte <= b' ' || byte == 0x7f || byte == b'\\') {
        return Err(UrlError::Characters);
    }
    let (path, query) = reference.split_once('?').unwrap_or((reference, ""));
    let path = if path.is_empty() {
        from.path.clone()
    } else if path.starts_with('/') {
        path.to_owned()
    } else {
        let folder = from.path.rfind('/').map_or("/", |at| from.path.get(..=at).unwrap_or("/"));
        format!("{folder}{path}")
    };
    let query = if reference.is_empty() { &from.query } else { query };
    Ok(Url { path, query: query.to_owned(), ..from.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirect(status: u16, location: &str, method: &Method) -> Option<(String, String, bool)> {
        let from = Url::parse("https://a.example/x/y?q=1").unwrap();
        let mut response = Response::new(status);
        response.headers.append("Location", location.as_bytes()).unwrap();
        let redirect = of(&response, &from, method).unwrap()?;
        Some((redirect.to.to_string(), redirect.method.to_string(), redirect.keeps_body))
    }

    #[test]
    fn of_methods_follow_the_status() {
        for (status, method, then, keeps) in [
            (301, Method::Post, "GET", false),
            (302, Method::Post, "GET", false),
            (302, Method::Put, "PUT", true),
            (303, Method::Put, "GET", false),
            (303, Method::Head, "HEAD", true),
            (307, Method::Post, "POST", true),
            (308, Method::Delete, "DELETE", true),
        ] {
            let found = redirect(status, "/z", &method).unwrap();
            assert_eq!(
                found,
                ("https://a.example/z".to_owned(), then.to_owned(), keeps),
                "{status} {method}"
            );
        }
        assert_eq!(redirect(300, "/z", &Method::Get), None);
        assert_eq!(redirect(304, "/z", &Method::Get), None);
    }

    #[test]
    fn of_locations_are_resolved() {
        for (location, to) in [
            ("https://b.example/z", "https://b.example/z"),
            ("//b.example:8443/z", "https://b.example:8443/z"),
            ("z?r=2", "https://a.example/x/z?r=2"),
            ("?r=2", "https://a.example/x/y?r=2"),
            ("/z#part", "https://a.example/z"),
        ] {
            assert_eq!(redirect(302, location, &Method::Get).unwrap().0, to, "{location}");
        }
    }

    #[test]
    fn of_downgrades_are_not_followed_and_bad_locations_fail() {
        assert_eq!(redirect(302, "http://a.example/", &Method::Get), None);
        let from = Url::parse("http://a.example/").unwrap();
        for location in ["ftp://a/", "file:///etc/passwd", "http://u@b/", "/a b", "gopher:x"] {
            let mut response = Response::new(302);
            response.headers.append("Location", location.as_bytes()).unwrap();
            assert!(of(&response, &from, &Method::Get).is_err(), "{location}");
        }
    }
}
