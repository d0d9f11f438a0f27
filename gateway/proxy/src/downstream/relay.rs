//! Bytes both ways between two connections, for an accepted upgrade.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use super::link::Link;
use super::pipe::{Pipe, Pipes};
use super::timers::Timer;
use crate::tunnel::{Moved, Tunnel};
use crate::wire::ReadBuffer;

/// Relays between a client and its tunnel until both directions have ended or one has failed; what went up and
/// down. Silence is fine while both are open; once one has ended, the other has `idle` to follow.
pub async fn relay(
    link: &Link,
    timer: &Timer,
    tunnel: Tunnel,
    idle: Duration,
    pipes: &Pipes,
) -> (Moved, Moved) {
    let Tunnel(mut backend) = tunnel;
    let mut up = link.with(|ends| {
        let pipe = Pipe::starting_with(ends.input.data());
        ends.input = ReadBuffer::new();
        ends.outbox.release();
        pipe
    });
    let (mut down, mut is_ending) = (Pipe::default(), false);
    timer.clear();
    poll_fn(|cx| {
        let (up_done, down_done) = link.with(|ends| {
            (up.poll(&mut ends.io, &mut backend, pipes, cx), down.poll(&mut backend, &mut ends.io, pipes, cx))
        });
        match (up_done, down_done) {
            (Poll::Ready(Err(_)), _)
            | (_, Poll::Ready(Err(_)))
            | (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => return Poll::Ready(()),
            (Poll::Pending, Poll::Pending) => {}
            _ if !is_ending => {
                is_ending = true;
                timer.set(idle);
            }
            _ => {}
        }
        // Also shows the task to the timer, which wakes it when the worker's time is up.
        if timer.poll_passed(cx) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    (up.moved, down.moved)
}
