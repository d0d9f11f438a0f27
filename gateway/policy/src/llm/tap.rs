//! Reads a streamed answer as it goes by.

use std::rc::Rc;
use std::task::{Context, Poll};

use super::meter::TokenMeter;
use super::sse::Events;
use crate::message::{Body, BodyError, BodyStream, Frame};

/// A body of server-sent events that tells the meter what it sees.
struct Tap {
    inner: Box<dyn BodyStream>,
    events: Events,
    meter: Rc<TokenMeter>,
}

/// Lets the meter see the events of a body.
pub fn tap(body: Body, meter: &Rc<TokenMeter>) -> Body {
    match body {
        Body::Stream(inner) => {
            Body::Stream(Box::new(Tap { inner, events: Events::default(), meter: Rc::clone(meter) }))
        }
        body => {
            Events::default().push(body.buffered(), |data| meter.see_event(data));
            body
        }
    }
}

impl BodyStream for Tap {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, BodyError>>> {
        let polled = self.inner.poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(Frame::Data(data)))) => {
                self.events.push(data, |data| self.meter.see_event(data));
            }
            // The last event may stand without the empty line behind it.
            Poll::Ready(None) => self.events.push(b"\n\n", |data| self.meter.see_event(data)),
            _ => {}
        }
        polled
    }

    fn remaining(&self) -> Option<u64> {
        self.inner.remaining()
    }
}
