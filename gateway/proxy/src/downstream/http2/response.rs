//! A response on its way out over HTTP/2.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gateway_policy::message::{Body, BodyStream, Frame, Headers, Response};
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::header::{CONTENT_LENGTH, DATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::downstream::timers::Timer;
use crate::service::Sent;
use crate::wire::{date, fields};

/// What is sent of a response.
struct Plan {
    /// Value for `content-length`; `None` leaves the field to the headers or out.
    length: Option<u64>,
    /// A HEAD or 304 may say how long the content would be.
    keep_length: bool,
    sends_body: bool,
}

impl Plan {
    fn new(is_head: bool, response: &Response) -> Self {
        let length = response.body.len();
        match response.status {
            204 => Self { length: None, keep_length: false, sends_body: false },
            304 => Self { length: None, keep_length: true, sends_body: false },
            205 => Self { length: Some(0), keep_length: false, sends_body: false },
            _ if is_head && length == Some(0) => Self { length: None, keep_length: true, sends_body: false },
            _ => Self { length, keep_length: false, sends_body: !is_head && length != Some(0) },
        }
    }
}

/// Sends a response; whether all of it went, and how much.
pub async fn send(
    respond: &mut SendResponse<Bytes>,
    response: Response,
    is_head: bool,
    stalled: Duration,
    timer: &Timer,
) -> Sent {
    let plan = Plan::new(is_head, &response);
    let (map, head_bytes) = header_map(&response.headers, &plan);
    let mut sent = Sent { head_bytes, ..Sent::default() };
    let mut head = http::Response::new(());
    *head.status_mut() = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *head.headers_mut() = map;
    let Ok(mut stream) = respond.send_response(head, !plan.sends_body) else { return sent };
    if !plan.sends_body {
        return Sent { complete: true, ..sent };
    }
    let mut sending = Sending { stream: &mut stream, timer, stalled, waiting: false };
    sent.complete = match response.body {
        Body::Empty | Body::Consumed => sending.stream.send_data(Bytes::new(), true).is_ok(),
        Body::Bytes(data) => sending.data(data, true, &mut sent.body_bytes).await,
        Body::Stream(body) => sending.body(body, &mut sent.body_bytes).await,
    };
    if !sent.complete {
        // The client must not take what it has for the whole (U-02).
        stream.send_reset(Reason::INTERNAL_ERROR);
    }
    sent
}

/// All values in one allocation, shared.
fn header_map(headers: &Headers, plan: &Plan) -> (HeaderMap, u64) {
    let mut map = HeaderMap::with_capacity(headers.len() + 2);
    let mut arena = BytesMut::with_capacity(headers.iter().map(|(_, value)| value.len()).sum());
    let mut bytes = 0;
    for (name, value) in headers.iter() {
        let keep_length = plan.keep_length && name.eq_ignore_ascii_case("content-length");
        if fields::is_hop_by_hop(name) && !keep_length {
            continue;
        }
        arena.extend_from_slice(value);
        let shared = arena.split().freeze();
        // Names and values of `Headers` are valid here too, but for control bytes, which are not worth failing for.
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_maybe_shared(shared))
        {
            bytes += (name.as_str().len() + value.len()) as u64;
            map.append(name, value);
        }
    }
    if !map.contains_key(DATE)
        && let Ok(value) = HeaderValue::from_bytes(&date::now())
    {
        map.insert(DATE, value);
    }
    if let Some(length) = plan.length {
        map.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    (map, bytes)
}

struct Sending<'a> {
    stream: &'a mut SendStream<Bytes>,
    timer: &'a Timer,
    stalled: Duration,
    /// The timer runs.
    waiting: bool,
}

impl Sending<'_> {
    /// Sends one piece as the client's window allows; `false` when it is gone or takes nothing for too long (H2-06).
    async fn data(&mut self, mut data: Bytes, last: bool, sent: &mut u64) -> bool {
        while !data.is_empty() {
            self.stream.reserve_capacity(data.len());
            if self.stream.capacity() == 0 {
                let granted = poll_fn(|cx| self.poll_capacity(cx)).await;
                self.waiting = false;
                if !granted {
                    return false;
                }
            }
            let piece = data.split_to(self.stream.capacity().min(data.len()));
            *sent += piece.len() as u64;
            if self.stream.send_data(piece, last && data.is_empty()).is_err() {
                return false;
            }
        }
        true
    }

    fn poll_capacity(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        match self.stream.poll_capacity(cx) {
            Poll::Ready(Some(Ok(0))) | Poll::Pending => {}
            Poll::Ready(granted) => return Poll::Ready(matches!(granted, Some(Ok(_)))),
        }
        if !self.waiting {
            self.waiting = true;
            self.timer.set(self.stalled);
        }
        if self.timer.poll_passed(cx) { Poll::Ready(false) } else { Poll::Pending }
    }

    async fn body(&mut self, mut body: Box<dyn BodyStream>, sent: &mut u64) -> bool {
        let mut left = body.remaining();
        loop {
            let frame = poll_fn(|cx| match body.poll_frame(cx) {
                Poll::Ready(frame) => Poll::Ready(Some(frame)),
                // Nobody may be there any more to wait for it with us.
                Poll::Pending => self.stream.poll_reset(cx).map(|_| None),
            })
            .await;
            match frame {
                Some(Some(Ok(Frame::Data(data)))) => {
                    let length = data.len() as u64;
                    left = match left.map(|left| left.checked_sub(length)) {
                        Some(None) => return false,
                        left => left.flatten(),
                    };
                    let last = left == Some(0);
                    if !self.data(data, last, sent).await {
                        return false;
                    }
                    if last {
                        return true;
                    }
                }
                Some(Some(Ok(Frame::Trailers(trailers)))) => return self.end(left, Some(&trailers)),
                Some(None) => return self.end(left, None),
                Some(Some(Err(_))) | None => return false,
            }
        }
    }

    /// A body shorter than announced must not look whole.
    fn end(&mut self, left: Option<u64>, trailers: Option<&Headers>) -> bool {
        if left.is_some_and(|left| left > 0) {
            return false;
        }
        let Some(trailers) = trailers else { return self.stream.send_data(Bytes::new(), true).is_ok() };
        let mut map = HeaderMap::with_capacity(trailers.len());
        for (name, value) in trailers.iter().filter(|(name, _)| !fields::is_forbidden_trailer(name)) {
            if let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value))
            {
                map.append(name, value);
            }
        }
        self.stream.send_trailers(map).is_ok()
    }
}
