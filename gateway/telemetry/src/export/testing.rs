//! A world for tests of exporters: answers by a script, keeps what was sent, runs on tokio's virtual clock.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gateway_model::Secret;
use tokio::time::Instant;

use super::{HttpRequest, HttpResponse, Limits, LocalFuture, Outbound, Pipeline, Spec};
use crate::event::RequestEvent;
use crate::metrics::{Buckets, Registry};
use crate::sink::{Instance, Sink, Telemetry};
use crate::{Event, Url};

type Script = dyn Fn(usize, &HttpRequest) -> Result<HttpResponse, String>;

/// The other side of an [`Outbound`].
pub struct World {
    pub sent: RefCell<Vec<(Duration, HttpRequest)>>,
    /// Seconds by which the time of day has jumped.
    pub jump: Cell<i64>,
    answer: Box<Script>,
    began: Instant,
}

/// Where the virtual clock begins.
pub fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_hours(500_000)
}

impl World {
    /// `answer`: of the request with this number.
    pub fn new(answer: impl Fn(usize, &HttpRequest) -> Result<HttpResponse, String> + 'static) -> Rc<Self> {
        Rc::new(Self {
            sent: RefCell::default(),
            jump: Cell::new(0),
            answer: Box::new(answer),
            began: Instant::now(),
        })
    }

    /// The time of day.
    pub fn time(&self) -> SystemTime {
        let jump = Duration::from_secs(self.jump.get().unsigned_abs());
        let now = start() + self.began.elapsed();
        if self.jump.get() < 0 { now - jump } else { now + jump }
    }

    /// Seconds since the beginning of each request.
    pub fn times(&self) -> Vec<u64> {
        self.sent.borrow().iter().map(|(time, _)| time.as_secs()).collect()
    }

    /// Bodies that were sent, uncompressed.
    pub fn bodies(&self) -> Vec<String> {
        self.sent.borrow().iter().map(|(_, request)| super::lines::gunzip(&request.body)).collect()
    }
}

impl Outbound for World {
    fn send(&self, request: HttpRequest) -> LocalFuture<'_, Result<HttpResponse, String>> {
        let mut sent = self.sent.borrow_mut();
        let answer = (self.answer)(sent.len(), &request);
        sent.push((self.began.elapsed(), request));
        Box::pin(async { answer })
    }

    fn token<'a>(
        &'a self,
        audience: &'a str,
        client_id: Option<&'a str>,
    ) -> LocalFuture<'a, Result<Arc<str>, String>> {
        Box::pin(async move { Ok(format!("{audience} {}", client_id.unwrap_or("system")).into()) })
    }

    fn signature(&self, resource: &str, name: &str, key: &Secret) -> Result<String, String> {
        Ok(format!("SharedAccessSignature {resource} {name} {}", key.expose()))
    }

    fn now(&self) -> SystemTime {
        self.time()
    }
}

/// An answer with a status, `Retry-After` when not empty, and a body.
pub fn answer(status: u16, retry_after: &str, body: &str) -> Result<HttpResponse, String> {
    let headers = match retry_after {
        "" => Vec::new(),
        value => vec![("Retry-After".to_owned(), value.to_owned())],
    };
    Ok(HttpResponse { status, headers, body: body.as_bytes().to_vec() })
}

/// A sink that keeps the lines of [`Event::LinkState`].
#[derive(Default)]
pub struct States(pub std::sync::Mutex<Vec<String>>);

impl Sink for Arc<States> {
    fn name(&self) -> &'static str {
        "states"
    }
    fn request(&self, _: usize, _: &RequestEvent<'_>) {}
    fn event(&self, event: &Event<'_>) {
        if let Event::LinkState { link, message, available } = event {
            self.0.lock().unwrap().push(format!("{link} {available}: {message}"));
        }
    }
    fn close(&self, _: Duration) {}
}

/// A pipeline that runs beside the test.
pub struct Bench {
    pub telemetry: Arc<Telemetry>,
    pub pipeline: Arc<Pipeline>,
    pub states: Arc<States>,
}

/// Runs `act` beside a pipeline with one exporter, on the virtual clock.
pub fn run<F: Future<Output = ()>>(
    limits: Limits,
    spec: Spec,
    world: &Rc<World>,
    act: impl FnOnce(Bench) -> F,
) {
    let registry = Arc::new(Registry::new(1, Buckets::default(), Arc::new(Instance::default())));
    let pipeline = Pipeline::new(limits, Arc::clone(&registry));
    let states = Arc::new(States::default());
    let sinks: Vec<Box<dyn Sink>> = vec![Box::new(Arc::clone(&pipeline)), Box::new(Arc::clone(&states))];
    let telemetry = Arc::new(Telemetry::new(registry, sinks));
    pipeline.add(spec);
    let bench = Bench { telemetry: Arc::clone(&telemetry), pipeline: Arc::clone(&pipeline), states };
    let outbound: Rc<dyn Outbound> = Rc::<World>::clone(world);
    let act = act(bench);
    block_on(async move {
        let running = tokio::task::spawn_local(async move { pipeline.run(outbound, telemetry).await });
        act.await;
        running.await.unwrap();
    });
}

/// A current-thread runtime whose clock jumps to the next timer.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, future)
}

/// A plain request for an API, with a status.
pub fn request(status: u16) -> RequestEvent<'static> {
    let url = Url { scheme: "https", authority: "api.test", target: "/shop/items?id=7&sig=secret" };
    RequestEvent {
        correlation_id: uuid::Uuid::new_v4(),
        response_code: status,
        api_id: Some("shop"),
        api_revision: Some("1"),
        operation_id: Some("get-items"),
        total_time: Duration::from_millis(30),
        ..RequestEvent::new([127, 0, 0, 1].into(), start(), "GET", url)
    }
}
