//! A server that does nothing but accept, answer and close, with a worker on each core: what steering is worth before any HTTP.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::Context;
use gateway_benches::scratch::{LOAD_CORE, PROXY_CORE, on_core};
use gateway_datapath::{Binding, Datapath, DatapathSettings, Ingress, ListenerSpec, Worker};
use gateway_proxy::downstream::{ListenerSettings, bind};
use gateway_tests::namespaces::World;
use nix::sys::socket::{Shutdown, shutdown};

use crate::serving::PORT;

const CORES: [usize; 2] = [PROXY_CORE, LOAD_CORE];

/// Until it is dropped.
pub struct Accepting {
    pub world: World,
    sockets: Vec<Arc<TcpListener>>,
    workers: Vec<JoinHandle<()>>,
    _datapath: Option<Datapath>,
}

impl Accepting {
    /// The kernel's own choice: by hash, or by the sockets' option.
    pub fn plain(by_cpu: bool) -> anyhow::Result<Self> {
        Self::start(&CORES.map(|core| by_cpu.then_some(core)), None)
    }

    /// With all programs of the kernel path.
    pub fn steered(settings: &DatapathSettings) -> anyhow::Result<Self> {
        Self::start(&[None; 2], Some(settings))
    }

    fn start(preferred: &[Option<usize>; 2], settings: Option<&DatapathSettings>) -> anyhow::Result<Self> {
        let world = World::new().context("namespaces cannot be made here")?;
        let address = format!("[::]:{PORT}").parse()?;
        let bound = world.gateway.run(|| bind(&ListenerSettings::new("http", address), preferred))?;
        let sockets: Vec<_> = bound.sockets.into_iter().map(Arc::new).collect();
        let datapath = settings.map(|settings| {
            let settings = DatapathSettings { xdp: Ingress::Tcx, ..settings.clone() };
            let bindings = vec![Binding { address: "::".parse().expect("an address"), ports: PORT..=PORT }];
            let workers = CORES.into_iter().zip(&sockets).map(worker).collect();
            world.start(&settings, &[ListenerSpec { name: "http".to_owned(), bindings, workers }])
        });
        let serve = |(core, socket): (usize, &Arc<TcpListener>)| {
            let socket = Arc::clone(socket);
            thread::spawn(move || serve(core, &socket))
        };
        let workers = CORES.into_iter().zip(&sockets).map(serve).collect();
        Ok(Self { world, sockets, workers, _datapath: datapath })
    }
}

impl Drop for Accepting {
    fn drop(&mut self) {
        for socket in &self.sockets {
            // Wakes its worker, which ends.
            let _ = shutdown(socket.as_raw_fd(), Shutdown::Both);
        }
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
    }
}

fn worker((core, socket): (usize, &Arc<TcpListener>)) -> Worker<'_> {
    Worker { cpu: Some(core as u32), sockets: vec![socket.as_fd()] }
}

fn serve(core: usize, socket: &TcpListener) {
    on_core(core).expect("a core");
    socket.set_nonblocking(false).expect("a blocking socket");
    while let Ok((mut stream, _)) = socket.accept() {
        let mut request = [0; 256];
        // Who is gone needs no answer.
        let _ = stream.read(&mut request).and_then(|_| stream.write(b"hello"));
    }
}
