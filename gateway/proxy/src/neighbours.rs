//! Gateways that tell each other what they have counted (`self-hosted-gateway.md` §2.9): by datagrams between instances
//! that find each other by a name, or through a Redis server.
//!
//! Each tells its own share of every counter that has changed, [`EXCHANGE_INTERVAL`] after the change at the latest, and
//! counts the shares of the others beside its own. Shares are states, not differences: one that is lost or comes twice
//! does no harm. So in any window
//!
//! - calls that come to one gateway are limited exactly,
//! - calls that come to several are admitted up to the limit and what the others admit before they hear of it: at most
//!   the calls that arrive within one interval and one way of the network, and never more than the limit times the
//!   number of gateways (of partitions, while the network is cut),
//! - a gateway that starts again hears of the others' shares as soon as one of them hears its heartbeat; its own former
//!   share still counts at the others.

mod datagram;
mod exchange;
pub mod redis_stream;
pub mod udp;

use std::time::Duration;

pub use datagram::{Group, Kind, Message};
pub use exchange::Exchange;

/// How often changes are told.
pub const EXCHANGE_INTERVAL: Duration = Duration::from_millis(100);
