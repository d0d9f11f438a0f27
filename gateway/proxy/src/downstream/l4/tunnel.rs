//! Bytes both ways between a client and its target.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use gateway_telemetry::metrics::labels::PassageEnd;
use tokio::net::TcpStream;

use super::Passing;
use super::passage::Passage;
use super::sockmap;
use crate::downstream::io::{close_in_order, reset_on_close};
use crate::downstream::pipe::{Pipe, Pipes};
use crate::downstream::timers::Timer;
use crate::service::Service;

/// Moves bytes until both sides have closed, one has failed, or nothing has come for too long.
pub async fn run<S: Service>(
    passage: &mut Passage<'_, S>,
    client: TcpStream,
    backend: TcpStream,
    passing: &Passing,
    timer: &Timer,
    pipes: &Pipes,
) {
    let idle = passing.settings.idle_timeout;
    // Whatever does not end well, also by being dropped here, ends with a reset on both sides: what was cut short
    // must not be taken for whole.
    reset_on_close(&client);
    reset_on_close(&backend);
    passage.end = match &passing.settings.shortcut {
        None => copy(passage, client, backend, timer, idle, pipes).await,
        Some(shortcut) => match sockmap::tie(&**shortcut, &client, &backend) {
            Ok(Some(tied)) => sockmap::run(passage, client, backend, &*tied, timer, idle).await,
            Ok(None) => copy(passage, client, backend, timer, idle, pipes).await,
            Err(error) => {
                tracing::warn!(%error, "two sockets were not tied by the kernel path");
                PassageEnd::Reset
            }
        },
    };
}

/// In user space, with `splice(2)` where it pays.
async fn copy<S: Service>(
    passage: &mut Passage<'_, S>,
    mut client: TcpStream,
    mut backend: TcpStream,
    timer: &Timer,
    idle: Duration,
    pipes: &Pipes,
) -> PassageEnd {
    let (mut up, mut down) = (Pipe::default(), Pipe::default());
    timer.set(idle);
    let end = poll_fn(|cx| {
        let before = passage.up.total() + passage.down.total();
        let done =
            (up.poll(&mut client, &mut backend, pipes, cx), down.poll(&mut backend, &mut client, pipes, cx));
        (passage.up, passage.down) = (up.moved, down.moved);
        if passage.up.total() + passage.down.total() != before {
            timer.set(idle);
        }
        match done {
            (Poll::Ready(Err(_)), _) | (_, Poll::Ready(Err(_))) => Poll::Ready(PassageEnd::Reset),
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => Poll::Ready(PassageEnd::Closed),
            _ if timer.poll_passed(cx) => Poll::Ready(PassageEnd::Idle),
            _ => Poll::Pending,
        }
    })
    .await;
    if end == PassageEnd::Closed {
        close_in_order(&client);
        close_in_order(&backend);
    }
    end
}
