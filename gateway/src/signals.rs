//! Signals: the first SIGTERM or SIGINT drains, the second exits at once.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Returns at the first signal. From then on another one ends the process with 1.
pub fn wait() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(next())?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        if runtime.block_on(next()).is_ok() {
            std::process::exit(1);
        }
    })?;
    Ok(())
}

async fn next() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
