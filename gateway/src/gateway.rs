//! Starting and stopping a data plane: sockets, kernel path, workers, control thread.
//!
//! ```text
//! settings ─► telemetry ─► configuration ─► sockets ─► kernel path ─► workers ─► control (admin, timers, watch)
//! ```

mod control;
mod counts;
mod handover;
mod live;
mod outbound;
mod pulse;
mod worker;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use gateway_datapath::Datapath;
use gateway_policy::backend::BackendTls;
use gateway_policy::message::BufferBudget;
use gateway_policy::ports::ClientTrust;
use gateway_proxy::abuse::Abuse;
use gateway_proxy::debug::Debug;
use gateway_proxy::downstream::l4::Entrance;
use gateway_proxy::downstream::{Bound, ListenerSettings, TlsServer, bind};
use gateway_proxy::ports::built_in_cache::BuiltInCache;
use gateway_proxy::ports::caches::SharedCaches;
use gateway_proxy::ports::client_trust::ClientAuthorities;
use gateway_proxy::ports::concurrency::AtWork;
use gateway_proxy::ports::flights::Flights;
use gateway_proxy::ports::identity::IdentityTokens;
use gateway_proxy::ports::issuers::IssuerCache;
use gateway_proxy::ports::topics::Topics;
use gateway_proxy::tunnel::Shortcut;
use gateway_proxy::upstream::{Offer, Roots, UpstreamShared};
use gateway_proxy::worker::{InFlight, Shared};
use gateway_sync::folder::{FolderSettings, LoadOutcome, Watch, load, watch};
use gateway_telemetry::{Event, Instance, Listener, Telemetry};
use tokio::sync::watch as signal;

use crate::configuration::Applier;
use crate::plane_source::{self, Following, SharedState};
use crate::settings::{ListenAddress, Settings, Splice};
use crate::standing::{Opened, Standing, l4_name, specs};
use crate::start_error::StartError;
use crate::tls::Tls;
use control::Control;
use counts::Counts;
use handover::Handover;
use live::Live;
use pulse::Pulse;

/// Worker threads that these settings ask for.
pub fn worker_count(settings: &Settings) -> usize {
    worker::cpus(&settings.workers).len()
}

/// What brings changes; stops when dropped.
enum Source {
    Folder { _watch: Watch },
    Plane { _following: Following },
}

/// A running data plane. Stops when told to; dropping it does not stop it in an orderly way.
pub struct Gateway {
    addresses: Vec<(Listener, SocketAddr)>,
    routes: Vec<(String, SocketAddr)>,
    shared: Arc<Shared>,
    /// False → serving, true → draining.
    draining: signal::Sender<bool>,
    workers: Vec<JoinHandle<usize>>,
    control: Option<JoinHandle<()>>,
    counts: Option<JoinHandle<()>>,
    control_stop: signal::Sender<bool>,
    /// Turns true when another process has taken over.
    handed_over: signal::Receiver<bool>,
    source: Option<Source>,
    settings: Settings,
}

impl Gateway {
    /// Starts everything; returns once all listeners accept and the first configuration is in force, or found
    /// missing.
    pub fn start(
        settings: Settings,
        telemetry: Arc<Telemetry>,
        instance: &Instance,
    ) -> Result<Self, StartError> {
        let cpus = worker::cpus(&settings.workers);
        telemetry.event(&Event::GatewayStarting { version: &instance.version, workers: cpus.len() as u64 });
        let shared = Arc::new(shared(&settings, &telemetry, cpus.len())?);
        let counts = Counts::load(&settings, &shared)?;
        let mut handover = Handover::open(&settings)?;
        let listeners = Listeners::bind(&settings, &cpus, handover.offer.as_mut())?;
        let admin = control::bind_admin(settings.net.admin, handover.offer.as_mut())?;
        handover.check(&settings)?;
        let server = listeners.tls.as_ref().map(|tls| Arc::clone(&tls.server));
        let upstream = upstream_shared(&settings)?;
        let state = SharedState::default();
        let applier = applier(&settings, &shared, server.clone(), instance);
        let source = configure(&settings, applier, instance, &upstream, &state)?;
        handover.wait_for_configuration(&settings, &shared)?;
        let datapath = Arc::new(listeners.attach(&settings, &cpus, &handover)?);
        let (addresses, routes) = (listeners.addresses(admin.as_ref()), listeners.routes());
        let standing = listeners.standing(&settings)?;
        let kept = handover.keep(&standing, admin.as_ref(), &cpus, &datapath)?;
        let handed_over = handover.handed_over();
        let (draining, drained) = signal::channel(false);
        let common = worker::Common {
            settings: &settings,
            shared: &shared,
            upstream: &upstream,
            addresses: &addresses,
            draining: &drained,
            shortcut: shortcut(&settings, &datapath),
            handed_over: &handed_over,
        };
        let (control_stop, stopped) = signal::channel(false);
        outbound::spawn(&shared, &upstream)?;
        let counts = counts.spawn(Arc::clone(&upstream.tls), stopped.clone())?;
        // The last that can fail, as from here on connections may be ours.
        let workers = worker::spawn(listeners.opened, server, &cpus, &common)?;
        let live = Live::new(&settings, (standing, cpus), workers.changes, &datapath, &telemetry);
        let control = Control {
            shared: Arc::clone(&shared),
            datapath,
            health: settings.datapath.balance.health.clone(),
            offload: settings.datapath.policies,
            tls: listeners.tls,
            draining: drained,
            stopped,
            source: state,
            desk: handover.finish()?.zip(kept),
            pulse: Pulse::new(workers.beats),
            live,
            handed_over: handed_over.clone(),
        }
        .spawn(admin)?;
        announce(&telemetry, &addresses, &routes);
        Ok(Self {
            addresses,
            routes,
            shared,
            draining,
            workers: workers.threads,
            control: Some(control),
            counts: Some(counts),
            control_stop,
            handed_over,
            source,
            settings,
        })
    }

    /// Bound addresses by listener.
    pub fn addresses(&self) -> &[(Listener, SocketAddr)] {
        &self.addresses
    }

    /// The bound address of a listener.
    pub fn address(&self, listener: Listener) -> Option<SocketAddr> {
        self.addresses.iter().find(|(name, _)| *name == listener).map(|(_, address)| *address)
    }

    /// Listeners of L4 routes, by name, with their bound addresses.
    pub fn routes(&self) -> &[(String, SocketAddr)] {
        &self.routes
    }

    /// Turns true when another process has taken over, and this one should stop.
    pub fn handed_over(&self) -> signal::Receiver<bool> {
        self.handed_over.clone()
    }

    /// Drains as R-05 says: not ready, wait, stop accepting, finish what is in flight, stop.
    pub fn stop(mut self) {
        let timeout = self.settings.shutdown.timeout;
        let telemetry = Arc::clone(&self.shared.telemetry);
        let requests_in_flight = self.shared.requests_in_flight();
        // First not ready, then said: who reads the line and asks finds it true.
        let _ = self.draining.send(true);
        telemetry.event(&Event::GatewayStopping { requests_in_flight, deadline_seconds: timeout });
        // A worker that panicked has said so in the log.
        let cut: usize = self.workers.drain(..).filter_map(|worker| worker.join().ok()).sum();
        // The plane is told of the last requests too.
        self.source = None;
        let _ = self.control_stop.send(true);
        for thread in [self.control.take(), self.counts.take()].into_iter().flatten() {
            let _ = thread.join();
        }
        telemetry.event(&Event::GatewayStopped { connections_cut: cut as u64 });
        telemetry.close(Duration::from_secs(2));
    }
}

/// Says where it listens, routes first: `GatewayListening` is the last word of a start.
fn announce(telemetry: &Telemetry, addresses: &[(Listener, SocketAddr)], routes: &[(String, SocketAddr)]) {
    for (listener, address) in routes {
        telemetry.event(&Event::RouteListening { listener, address: *address });
    }
    telemetry.event(&Event::GatewayListening { addresses });
}

/// The kernel's way for L4 routes, where it is asked for and can be trusted.
fn shortcut(settings: &Settings, datapath: &Datapath) -> Option<Arc<dyn Shortcut>> {
    if settings.datapath.splice == Splice::Sockmap { crate::datapath::shortcut(datapath) } else { None }
}

fn applier(
    settings: &Settings,
    shared: &Arc<Shared>,
    tls: Option<Arc<TlsServer>>,
    instance: &Instance,
) -> Applier {
    let trusted_roots = shared.client_authorities.authorities().to_vec().into();
    let deployment = gateway_expression::host::Deployment { trusted_roots, ..deployment(settings, instance) };
    let (shared, expressions) = (Arc::clone(shared), settings.expressions.clone());
    Applier { shared, tls, deployment, expressions, overtaken: Vec::new() }
}

/// Brings the configuration of the folder or of the plane into force and follows it. Without either, and until it has one,
/// the gateway answers 503.
fn configure(
    settings: &Settings,
    mut applier: Applier,
    instance: &Instance,
    upstream: &UpstreamShared,
    state: &SharedState,
) -> Result<Option<Source>, StartError> {
    let config = &settings.config;
    if let Some(plane) = config.plane(&settings.identity) {
        let rules = BackendTls {
            validate_certificate_chain: config.service.validate_certificate,
            validate_certificate_name: config.service.validate_certificate,
            ..BackendTls::default()
        };
        let tls = upstream.tls.config(&rules, Offer::Http1);
        let tls = tls.ok_or_else(|| StartError::Setting("TLS to the plane cannot be set up".to_owned()))?;
        let following =
            plane_source::start(&plane, applier, instance, tls, upstream.clone(), Arc::clone(state));
        let following = following.map_err(StartError::Setting)?;
        return Ok(Some(Source::Plane { _following: following }));
    }
    let Some(dir) = config.folder.clone() else {
        tracing::warn!(
            event_type = "ConfigurationMissing",
            "neither a configuration folder nor a management plane is set; every request gets 503"
        );
        return Ok(None);
    };
    let folder = FolderSettings {
        dir,
        overrides: config.overrides.clone(),
        gateway: config.gateway.clone(),
        secrets_dir: config.secrets.clone(),
        env: config.environment.clone(),
    };
    let outcome = load(&folder);
    let first = LoadOutcome { diagnostics: outcome.diagnostics.clone(), set: outcome.set.clone(), ..outcome };
    applier.apply(first);
    watch(folder, &outcome, move |outcome| {
        applier.apply(outcome);
        applier.free_overtaken();
    })
    .map(|watch| Some(Source::Folder { _watch: watch }))
    .map_err(|source| StartError::Io { what: "the folder watch cannot start", source })
}

fn deployment(settings: &Settings, instance: &Instance) -> gateway_expression::host::Deployment {
    gateway_expression::host::Deployment {
        gateway_id: instance.gateway_id.clone(),
        region: settings.config.location.clone(),
        gateway: gateway_expression::host::Gateway {
            id: instance.gateway_id.clone(),
            instance_id: instance.instance_id.clone(),
            is_managed: false,
        },
        ..gateway_expression::host::Deployment::default()
    }
}

/// The traffic listeners, bound and not yet served.
struct Listeners {
    opened: Vec<Opened>,
    tls: Option<Tls>,
}

impl Listeners {
    /// Those that are offered are taken.
    fn bind(
        settings: &Settings,
        cpus: &[Option<usize>],
        mut offer: Option<&mut crate::handover::Offer>,
    ) -> Result<Self, StartError> {
        let net = &settings.net;
        let tls = match net.https {
            ListenAddress::At(_) => Some(Tls::start(net.tls_certificates.as_deref())?),
            ListenAddress::Off => None,
        };
        let (http, https) = (&settings.datapath.http_bindings, &settings.datapath.https_bindings);
        // Some may come while it serves.
        let of_https = Some(net.l4.routes.of(Entrance::Https).cloned().unwrap_or_default());
        let named = [(Listener::Http, net.http, http, None), (Listener::Https, net.https, https, of_https)];
        let named = named.into_iter().filter_map(|(listener, address, bindings, routes)| {
            Some((listener, listener.as_str().to_owned(), address.address()?, bindings.clone(), routes))
        });
        let passing = net.l4.routes.0.iter().filter_map(|(entrance, routes)| {
            let Entrance::At(address) = entrance else { return None };
            Some((Listener::L4, l4_name(*address), *address, Vec::new(), Some(Arc::clone(routes))))
        });
        let mut opened = Vec::new();
        for (listener, name, address, bindings, routes) in named.chain(passing) {
            let offered = match &mut offer {
                Some(offer) => offer.take(&name, address, cpus.len())?,
                None => None,
            };
            let bound = match offered {
                Some(bound) => bound,
                None => {
                    let preferred = worker::preferred_cpus(&settings.datapath, address, cpus);
                    bind(&ListenerSettings::new(name, address), &preferred)?
                }
            };
            let routes = routes.map(|routes| Arc::new(ArcSwap::new(routes)));
            opened.push(Opened { listener, bound, bindings, routes });
        }
        Ok(Self { opened, tls })
    }

    /// Copies for those who hand them over or change them; none where nobody does.
    fn standing(&self, settings: &Settings) -> Result<Standing, StartError> {
        let is_wanted = settings.origin.is_some() || settings.takeover.socket.is_some();
        let copies = self.opened.iter().filter(|_| is_wanted).map(Opened::try_clone);
        let copies = copies.collect::<Result<_, _>>();
        let failed = |source| StartError::Io { what: "a listening socket cannot be held twice", source };
        Ok(Arc::new(Mutex::new(copies.map_err(failed)?)))
    }

    /// Those that have a name each, the admin listener's last.
    fn addresses(&self, admin: Option<&Bound>) -> Vec<(Listener, SocketAddr)> {
        let named = self.opened.iter().filter(|one| one.listener != Listener::L4);
        let named = named.map(|one| (one.listener, one.bound.address));
        named.chain(admin.map(|bound| (Listener::Admin, bound.address))).collect()
    }

    /// Those of L4 routes.
    fn routes(&self) -> Vec<(String, SocketAddr)> {
        let routes = self.opened.iter().filter(|one| one.listener == Listener::L4);
        routes.map(|one| (one.bound.name.clone(), one.bound.address)).collect()
    }

    /// Starts the kernel path over the sockets.
    fn attach(
        &self,
        settings: &Settings,
        cpus: &[Option<usize>],
        handover: &Handover,
    ) -> Result<Datapath, StartError> {
        let specs = specs(&self.opened, cpus);
        let wanted = &settings.datapath;
        let proxies = settings.net.trusted_proxies.iter().map(gateway_proxy::upstream::Network::parts);
        let trusted =
            proxies.map(|(address, bits)| gateway_datapath::Prefix::around(address, bits)).collect();
        let settings = gateway_datapath::DatapathSettings {
            mode: wanted.mode,
            interfaces: (!wanted.interfaces.is_empty()).then(|| wanted.interfaces.clone()),
            xdp: wanted.xdp,
            steering: wanted.steering,
            shed: gateway_datapath::ShedSettings { trusted, ..wanted.shed.clone() },
            cookies: wanted.cookies.then_some(wanted.cookies_max),
            balance: wanted.balance.clone(),
            sockmap: wanted.splice == Splice::Sockmap,
            statistics: wanted.statistics,
            log: wanted.log,
        };
        Ok(Datapath::take_over(&settings, &specs, handover.handed())?)
    }
}

/// What the workers share.
fn shared(settings: &Settings, telemetry: &Arc<Telemetry>, workers: usize) -> Result<Shared, StartError> {
    Ok(Shared {
        snapshot: ArcSwapOption::empty(),
        telemetry: Arc::clone(telemetry),
        counters: Arc::new(counts::rate_counters(&settings.counts)),
        quotas: Arc::default(),
        at_work: AtWork::default(),
        caches: Arc::new(SharedCaches {
            vectors: Arc::default(),
            built_in: BuiltInCache::new(settings.counts.cache_bytes_max),
            flights: Flights::default(),
        }),
        issuers: IssuerCache::default(),
        identity: IdentityTokens::new(settings.identity.clone()),
        client_authorities: client_authorities(settings)?,
        budget: BufferBudget::new(settings.net.request_buffer_bytes_max, settings.net.buffer_bytes_max),
        forwarded_proto: settings.net.forwarded_proto,
        abuse: abuse(settings),
        debug: Debug::new(),
        dapr_port: settings.net.dapr_port,
        topics: Topics::default(),
        in_flight: (0..workers).map(|_| InFlight::default()).collect(),
    })
}

/// Whom to report to the kernel path, where that is asked for.
fn abuse(settings: &Settings) -> Option<Abuse> {
    let feedback = &settings.datapath.feedback;
    (!feedback.misdeeds.is_empty()).then(|| Abuse::new(feedback.clone()))
}

/// Whom client certificates may come from.
fn client_authorities(settings: &Settings) -> Result<ClientAuthorities, StartError> {
    let net = &settings.net;
    ClientAuthorities::read(net.client_roots.as_deref(), net.client_crls.as_deref())
        .map_err(|error| StartError::Setting(format!("setting net.server.tls.client: {error}")))
}

/// What workers share on their way to backends.
fn upstream_shared(settings: &Settings) -> Result<UpstreamShared, StartError> {
    let mut roots = Roots::system();
    if let Some(file) = &settings.net.backend_roots {
        roots.add_file(file).map_err(|error| {
            StartError::Setting(format!("setting net.client.tls.roots: {}: {error}", file.display()))
        })?;
    }
    Ok(UpstreamShared::new(roots))
}
