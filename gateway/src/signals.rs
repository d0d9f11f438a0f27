//! Signals: the first SIGTERM or SIGINT drains, the second exits at once.

use std::io;

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Handlers in place; to be installed before anyone may send a signal.
pub struct Signals {
    runtime: Runtime,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub fn install() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let guard = runtime.enter();
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        drop(guard);
        Ok(Self { runtime, terminate, interrupt })
    }

    /// Returns at the first signal, or when another process has taken over. From then on a signal ends the process with
    /// 1.
    pub fn wait(mut self, handed_over: Option<watch::Receiver<bool>>) -> io::Result<()> {
        self.next(handed_over);
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            self.next(None);
            std::process::exit(1);
        })?;
        Ok(())
    }

    fn next(&mut self, handed_over: Option<watch::Receiver<bool>>) {
        let Self { runtime, terminate, interrupt } = self;
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                () = until(handed_over) => {}
            }
        });
    }
}

/// Returns once it is true; never, if it cannot be any more.
async fn until(flag: Option<watch::Receiver<bool>>) {
    if let Some(mut flag) = flag
        && flag.wait_for(|flag| *flag).await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}
