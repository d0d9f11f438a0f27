//! One HTTP/1.1 connection as its task and the body of the present request share it.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll};

use gateway_policy::message::{BodyError, BodyStream, Frame};

use super::io::ClientIo;
use super::outbox::Outbox;
use super::timers::{Pace, Timer};
use crate::wire::{BodyReader, Part, ReadBuffer, WireError};

/// Both ends of the connection, borrowed for the length of a poll and never across one.
#[derive(Debug)]
pub struct Link(RefCell<Ends>);

/// Where `100 Continue` of the present request stands (RFC 9110 §10.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interim {
    /// Not asked for, or sent, or too late.
    None,
    /// To be sent when the body is first asked for.
    Due,
    /// On its way out.
    Sending,
}

/// What both the connection's task and a request body work on.
#[derive(Debug)]
pub struct Ends {
    pub io: ClientIo,
    pub input: ReadBuffer,
    pub outbox: Outbox,
    /// Of the present request.
    pub body: BodyReader,
    /// Counts requests; a body stream of an earlier one is dead.
    pub request: u64,
    pub interim: Interim,
    /// Bytes of the present request, head and content.
    pub request_bytes: u64,
    /// The client closed its sending side.
    pub input_ended: bool,
    /// What was wrong with the body of the present request.
    pub broken: Option<WireError>,
}

impl Link {
    pub fn new(io: ClientIo) -> Rc<Self> {
        Rc::new(Self(RefCell::new(Ends {
            io,
            input: ReadBuffer::new(),
            outbox: Outbox::default(),
            body: BodyReader::Done,
            request: 0,
            interim: Interim::None,
            request_bytes: 0,
            input_ended: false,
            broken: None,
        })))
    }

    /// Runs `work` on the ends. Must not be called from inside itself.
    pub fn with<T>(&self, work: impl FnOnce(&mut Ends) -> T) -> T {
        work(&mut self.0.borrow_mut())
    }

    /// The ends, once nobody else holds the link.
    pub fn into_ends(self: Rc<Self>) -> Option<Ends> {
        Rc::into_inner(self).map(|link| link.0.into_inner())
    }
}

impl Ends {
    /// The next part of the request body, reading as needed.
    pub fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Result<Part, BodyError>> {
        loop {
            match self.body.next(&mut self.input) {
                Ok(Part::More) => {}
                Ok(part) => {
                    if let Part::Data(data) = &part {
                        self.request_bytes += data.len() as u64;
                    }
                    return Poll::Ready(Ok(part));
                }
                Err(error) => {
                    self.broken = Some(error);
                    return Poll::Ready(Err(BodyError::Malformed(error.reason())));
                }
            }
            if self.interim != Interim::None && self.poll_interim(cx).is_err() {
                return Poll::Ready(Err(BodyError::Lost));
            }
            match self.input.poll_fill(&mut self.io, cx) {
                Poll::Ready(Ok(0)) => {
                    self.input_ended = true;
                    return Poll::Ready(Err(BodyError::Lost));
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Err(BodyError::Lost)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl Ends {
    /// Sends `100 Continue` without waiting for it to be gone.
    fn poll_interim(&mut self, cx: &mut Context<'_>) -> std::io::Result<()> {
        if self.interim == Interim::Due {
            self.outbox.small().extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
            self.interim = Interim::Sending;
        }
        while !self.outbox.is_empty() {
            match self.outbox.poll_write(&mut self.io, cx) {
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => return Ok(()),
            }
        }
        self.interim = Interim::None;
        Ok(())
    }
}

/// The body of one request, as the service reads it.
pub struct RequestBody {
    link: Rc<Link>,
    request: u64,
    pace: Pace,
    timer: Timer,
    done: bool,
}

impl RequestBody {
    /// The body of the request that `link` is at.
    pub fn new(link: &Rc<Link>, pace: Pace, timer: Timer) -> Self {
        let request = link.with(|ends| ends.request);
        Self { link: Rc::clone(link), request, pace, timer, done: false }
    }
}

impl BodyStream for RequestBody {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, BodyError>>> {
        if self.done {
            return Poll::Ready(None);
        }
        let part = self.link.with(|ends| {
            // The response is out, and the connection has moved on without this body.
            if ends.request == self.request { ends.poll_part(cx) } else { Poll::Ready(Err(BodyError::Lost)) }
        });
        let frame = match part {
            Poll::Ready(Ok(Part::Data(data))) => {
                self.pace.progress(data.len(), &self.timer);
                return Poll::Ready(Some(Ok(Frame::Data(data))));
            }
            Poll::Ready(Ok(Part::End(trailers))) => trailers.map(|trailers| Ok(Frame::Trailers(*trailers))),
            Poll::Ready(Err(error)) => Some(Err(error)),
            Poll::Ready(Ok(Part::More)) => return Poll::Pending,
            Poll::Pending if !self.pace.poll_too_slow(&self.timer, cx) => return Poll::Pending,
            Poll::Pending => {
                self.link.with(|ends| ends.broken = Some(WireError::BodyTimeout));
                Some(Err(BodyError::TooSlow))
            }
        };
        self.done = true;
        Poll::Ready(frame)
    }

    fn remaining(&self) -> Option<u64> {
        if self.done {
            return Some(0);
        }
        self.link.with(|ends| if ends.request == self.request { ends.body.remaining() } else { Some(0) })
    }
}
