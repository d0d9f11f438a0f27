//! Calls of other servers from the plane's runtime of many threads.

use std::future::Future;

use tokio::runtime::Builder;
use tokio::task::{LocalSet, spawn_blocking};

/// Runs what must stay on one thread, as connections of the upstream do, on a thread of its own.
pub async fn apart<T, F>(work: impl FnOnce() -> F + Send + 'static) -> Result<T, String>
where
    T: Send + 'static,
    F: Future<Output = Result<T, String>> + 'static,
{
    let task = spawn_blocking(move || {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        LocalSet::new().block_on(&runtime, work())
    });
    task.await.map_err(|error| error.to_string())?
}
