//! The external cache: entries of the cache policies in a Redis server, shared by all gateways that use it.

use std::rc::Rc;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use gateway_policy::ports::Entry;

use super::codec;
use super::link::{ANSWER_MAX, Link};

/// In front of the keys. They are hashed: of the same length whatever the policy's key, and without what it says.
const PREFIX: &str = "gateway:cache:";

fn name_of(key: &str) -> String {
    let mut name = PREFIX.to_owned();
    for byte in digest(&SHA256, key.as_bytes()).as_ref() {
        use std::fmt::Write;
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// The entry of a key; foreign bytes are none.
pub async fn get(link: &Rc<Link>, key: &str) -> Option<Arc<Entry>> {
    let name = name_of(key);
    let bytes: Option<Vec<u8>> = link
        .ask(ANSWER_MAX, async move |mut connection| {
            redis::cmd("GET").arg(name).query_async(&mut connection).await
        })
        .await?;
    codec::decode(&bytes?).map(Arc::new)
}

/// Stores an entry for its lifetime.
pub async fn set(link: &Rc<Link>, key: &str, entry: &Entry) {
    let Some(bytes) = codec::encode(entry) else { return };
    let (name, lifetime_ms) = (name_of(key), entry.lifetime_ms.max(1));
    let _: Option<()> = link
        .ask(ANSWER_MAX, async move |mut connection| {
            redis::cmd("SET")
                .arg(name)
                .arg(bytes)
                .arg("PX")
                .arg(lifetime_ms)
                .query_async(&mut connection)
                .await
        })
        .await;
}

/// Removes an entry.
pub async fn remove(link: &Rc<Link>, key: &str) {
    let name = name_of(key);
    let _: Option<()> = link
        .ask(ANSWER_MAX, async move |mut connection| {
            redis::cmd("DEL").arg(name).query_async(&mut connection).await
        })
        .await;
}
