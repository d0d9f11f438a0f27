//! What goes out in a case, and what comes back for it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use gateway_expression::clr::crypto::Certificate;
use gateway_policy::certificates::ClientIdentity;
use gateway_policy::message::BufferBudget;
use gateway_policy::message::{Body, BodyError, BodyStream, Frame, Headers, Request, Response, Url};
use gateway_policy::ports::{LocalFuture, OutboundCall, SendError, Sender};

use crate::case::{Message, Scripted};
use crate::render;

/// The script of the backends, and what was sent to them.
#[derive(Clone, Debug, Default)]
pub struct Wire {
    pub script: Rc<RefCell<VecDeque<Scripted>>>,
    /// What went out, and waits, in order, as text.
    pub log: Rc<RefCell<Vec<String>>>,
}

impl Wire {
    /// The next scripted answer; 200 and empty when the script is over.
    pub fn answer(&self) -> Result<Response, SendError> {
        match self.script.borrow_mut().pop_front() {
            None => Ok(Response::new(200)),
            Some(Scripted::Answer(message)) => Ok(response_of(&message)),
            Some(Scripted::Error { reason, message }) => {
                Err(SendError { reason: reason_of(&reason), message })
            }
        }
    }

    pub async fn record(&self, kind: &str, url: &Url, request: &mut Request, options: &str) {
        let mut text = format!("--- {kind} {} {url}{options}\n", request.method);
        render::fields(&request.headers, &mut text);
        render::body(&mut request.body.take_or_share(), &mut text).await;
        self.log.borrow_mut().push(text);
    }
}

impl Sender for Wire {
    fn send(&self, mut call: OutboundCall) -> LocalFuture<'static, Result<Response, SendError>> {
        let wire = self.clone();
        Box::pin(async move {
            let url = call.request.url.clone();
            let options = call_options(&call);
            wire.record("send", &url, &mut call.request, &options).await;
            let mut response = wire.answer()?;
            response.body.buffer(&BufferBudget::of_one(u64::MAX)).await.unwrap();
            Ok(response)
        })
    }
}

/// What a call is made with beside its request.
pub fn call_options(call: &OutboundCall) -> String {
    let proxy = call.proxy.as_ref().map(|proxy| format!(" proxy={}:{}", proxy.host, proxy.port));
    format!(" timeout={:?}{}{}", call.timeout, shown(call.tls.identity.as_deref()), proxy.unwrap_or_default())
}

/// The certificate that is shown to the backend.
pub fn shown(identity: Option<&ClientIdentity>) -> String {
    identity.map_or_else(String::new, |identity| {
        format!(" certificate={}", Certificate::parse(&identity.chain[0]).unwrap().subject())
    })
}

fn reason_of(reason: &str) -> &'static str {
    match reason {
        "Timeout" => "Timeout",
        "BackendConnectionFailure" => "BackendConnectionFailure",
        other => panic!("no error of a call has the reason {other}"),
    }
}

fn response_of(message: &Message) -> Response {
    let (status, reason) = message.first.split_once(' ').unwrap_or((&message.first, ""));
    let mut response = Response::new(status.parse().unwrap());
    reason.clone_into(&mut response.reason);
    response.headers = headers_of(message);
    response.body = stream(&message.body);
    response
}

pub fn headers_of(message: &Message) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in &message.headers {
        headers.append(name, value.as_bytes()).unwrap();
    }
    headers
}

/// A body that arrives in pieces of five bytes.
pub fn stream(bytes: &[u8]) -> Body {
    if bytes.is_empty() {
        return Body::Empty;
    }
    let pieces = bytes.chunks(5).map(Bytes::copy_from_slice).collect();
    Body::Stream(Box::new(Pieces(pieces)))
}

struct Pieces(VecDeque<Bytes>);

impl BodyStream for Pieces {
    fn poll_frame(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Frame, BodyError>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::Data(piece))))
    }

    fn remaining(&self) -> Option<u64> {
        None
    }
}
