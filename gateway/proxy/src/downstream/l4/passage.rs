//! One connection on its way through, counted when it ends.

use std::rc::Rc;
use std::time::{Duration, Instant};

use gateway_telemetry::metrics::labels::PassageEnd;

use super::super::Server;
use crate::service::{Client, Service};
use crate::tunnel::Moved;

/// A connection of an L4 route that has ended.
#[derive(Debug)]
pub struct Passed<'a> {
    pub client: &'a Client,
    /// Name in the `ClientHello`.
    pub server_name: Option<&'a str>,
    /// `host:port`; empty when none was reached.
    pub target: &'a str,
    pub end: PassageEnd,
    /// From the client, and to it.
    pub up: Moved,
    pub down: Moved,
    pub time: Duration,
}

/// Tells the service of the connection's begin, and when dropped of its end.
pub struct Passage<'a, S: Service> {
    server: &'a Rc<Server<S>>,
    client: &'a Client,
    name: Option<Box<str>>,
    begun: Instant,
    pub target: String,
    /// Until something else is known, it was cut.
    pub end: PassageEnd,
    pub up: Moved,
    pub down: Moved,
}

impl<'a, S: Service> Passage<'a, S> {
    pub fn begin(server: &'a Rc<Server<S>>, client: &'a Client, name: Option<Box<str>>) -> Self {
        server.service.passage_opened(client);
        Self {
            server,
            client,
            name,
            begun: Instant::now(),
            target: String::new(),
            end: PassageEnd::Cut,
            up: Moved::default(),
            down: Moved::default(),
        }
    }

    /// One that is over.
    pub fn refused(
        server: &'a Rc<Server<S>>,
        client: &'a Client,
        name: Option<Box<str>>,
        end: PassageEnd,
    ) -> Self {
        let mut passage = Self::begin(server, client, name);
        passage.end = end;
        passage
    }
}

impl<S: Service> Drop for Passage<'_, S> {
    fn drop(&mut self) {
        self.server.service.passage_closed(&Passed {
            client: self.client,
            server_name: self.name.as_deref(),
            target: &self.target,
            end: self.end,
            up: self.up,
            down: self.down,
            time: self.begun.elapsed(),
        });
    }
}
