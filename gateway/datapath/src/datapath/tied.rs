//! The way from socket to socket, for those who relay.

use std::sync::Arc;

use super::Datapath;
use crate::splice::Sockmap;

impl Datapath {
    /// The map that ties sockets. Error: one line, why there is none.
    pub fn sockmap(&self) -> Result<Arc<Sockmap>, String> {
        let loaded = &self.active()?.loaded;
        loaded.sockmap.clone().unwrap_or_else(|| Err("the sockmap was not asked for".to_owned()))
    }
}
