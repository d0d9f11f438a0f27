//! Behind a response: getting the rest of its request out of the way, or closing without losing the response.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::AsyncWrite;

use super::link::Link;
use super::timers::Timer;
use crate::wire::Part;

/// Read and thrown away so that an answer is not lost to a reset, or a connection to a body nobody wanted.
const DISCARD_BYTES_MAX: usize = 64 << 10;
/// Time for that.
const DISCARD_TIME: Duration = Duration::from_secs(1);

/// Gets the rest of a request body out of the way, if it is little and comes soon; whether it is.
pub async fn settle(link: &Link, timer: &Timer) -> bool {
    let (done, hopeless) = link.with(|ends| {
        let too_much = ends.body.remaining().is_some_and(|left| left > DISCARD_BYTES_MAX as u64);
        (ends.body.is_done(), too_much || ends.broken.is_some())
    });
    if done || hopeless {
        return done && !hopeless;
    }
    // From here on the body is ours: a stream that somebody still holds is dead.
    link.with(|ends| ends.request += 1);
    timer.set(DISCARD_TIME);
    let mut discarded = 0;
    poll_fn(|cx| {
        link.with(|ends| {
            loop {
                match ends.poll_part(cx) {
                    Poll::Ready(Ok(Part::Data(data))) => {
                        discarded += data.len();
                        if discarded > DISCARD_BYTES_MAX {
                            return Poll::Ready(false);
                        }
                    }
                    Poll::Ready(Ok(Part::End(_))) => return Poll::Ready(true),
                    Poll::Ready(Ok(Part::More)) => {}
                    Poll::Ready(Err(_)) => return Poll::Ready(false),
                    Poll::Pending if timer.poll_passed(cx) => return Poll::Ready(false),
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
    })
    .await
}

/// Closes our side and reads a little on, so that the kernel does not answer late bytes of the client with a reset
/// that would destroy the response in flight.
pub async fn linger(link: &Link, timer: &Timer) {
    timer.set(DISCARD_TIME);
    let (mut is_shut, mut discarded) = (false, 0);
    poll_fn(|cx| {
        link.with(|ends| {
            if !is_shut {
                match Pin::new(&mut ends.io).poll_shutdown(cx) {
                    Poll::Ready(Ok(())) => is_shut = true,
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => {}
                }
            }
            loop {
                discarded += ends.input.len();
                ends.input.consume(usize::MAX);
                match ends.input.poll_fill(&mut ends.io, cx) {
                    Poll::Ready(Ok(1..)) if discarded <= DISCARD_BYTES_MAX => {}
                    Poll::Ready(_) => return Poll::Ready(()),
                    Poll::Pending if timer.poll_passed(cx) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
    })
    .await;
}
