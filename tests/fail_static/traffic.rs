//! Traffic that does not stop, and a log of how each request was answered.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gateway_tests::Client;

/// Between two requests of a client.
const PACE: Duration = Duration::from_millis(2);
/// A client that the machine has held up for so long opens another connection: the kept one may have been let go.
const HELD_UP: Duration = Duration::from_millis(500);

/// Two clients that ask without end: one keeps its connection as long as the gateway lets it, one opens one for each request.
pub struct Traffic {
    stop: Arc<AtomicBool>,
    log: Arc<Mutex<Log>>,
    clients: Vec<JoinHandle<()>>,
}

/// What was asked, by step.
#[derive(Default)]
pub struct Log {
    steps: Vec<Step>,
}

/// A part of the log with a name. A request belongs to the step that it was sent in.
pub struct Step {
    pub name: &'static str,
    pub good: u64,
    /// Why requests failed.
    pub bad: Vec<String>,
    slowest: Duration,
    /// From one request of a client to its next.
    longest_pause: Duration,
    /// Values of `X-Mark` in the answers.
    pub marks: BTreeSet<String>,
}

impl Traffic {
    /// Asks for a target about 800 times a second; an answer is good when `is_good` says so.
    pub fn start(
        gateway: SocketAddr,
        target: &'static str,
        is_good: impl Fn(u16, &str) -> bool + Clone + Send + 'static,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let log = Arc::new(Mutex::new(Log { steps: vec![Step::new("start")] }));
        let client = |keeps: bool| {
            let (stop, log, is_good) = (Arc::clone(&stop), Arc::clone(&log), is_good.clone());
            std::thread::spawn(move || ask(gateway, target, keeps, &stop, &log, is_good))
        };
        let clients = vec![client(true), client(false)];
        Self { stop, log, clients }
    }

    /// What is sent from now on belongs to a step of this name.
    pub fn step(&self, name: &'static str) {
        lock(&self.log).steps.push(Step::new(name));
    }

    /// How many answers of this step were good so far.
    pub fn good(&self) -> u64 {
        lock(&self.log).steps.last().map_or(0, |step| step.good)
    }

    /// Stops. How many answers were good; panics when one was not.
    pub fn stop(self) -> u64 {
        self.log().iter().map(|step| step.good).sum()
    }

    /// Stops. The log by steps; panics when a request failed.
    pub fn log(mut self) -> Vec<Step> {
        self.stop.store(true, Ordering::Relaxed);
        self.clients.drain(..).for_each(|client| client.join().expect("its end"));
        let log = std::mem::take(&mut *lock(&self.log));
        assert!(log.steps.iter().all(|step| step.bad.is_empty()), "requests failed\n{log}");
        log.steps
    }
}

impl Step {
    fn new(name: &'static str) -> Self {
        let (slowest, longest_pause) = (Duration::ZERO, Duration::ZERO);
        Self { name, good: 0, bad: Vec::new(), slowest, longest_pause, marks: BTreeSet::new() }
    }
}

fn ask(
    gateway: SocketAddr,
    target: &str,
    keeps: bool,
    stop: &AtomicBool,
    log: &Mutex<Log>,
    is_good: impl Fn(u16, &str) -> bool,
) {
    let mut kept = None;
    let mut last = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let step = lock(log).steps.len() - 1;
        let sent = Instant::now();
        if sent - last > HELD_UP {
            kept = None;
        }
        let answer = exchange(gateway, target, keeps, &mut kept);
        let outcome = match answer {
            Ok(answer) if is_good(answer.status, &answer.text()) => {
                Ok(answer.header("x-mark").map(str::to_owned))
            }
            Ok(answer) => Err(format!("{} {}", answer.status, answer.text())),
            Err(failure) => Err(failure.to_owned()),
        };
        let mut log = lock(log);
        let step = &mut log.steps[step];
        step.slowest = step.slowest.max(sent.elapsed());
        step.longest_pause = step.longest_pause.max(sent - last);
        last = sent;
        match outcome {
            Ok(mark) => {
                step.good += 1;
                step.marks.extend(mark);
            }
            Err(failure) => {
                let client = if keeps { "one connection" } else { "a connection each" };
                step.bad.push(format!("{client}: {failure}"));
                kept = None;
            }
        }
        drop(log);
        std::thread::sleep(PACE);
    }
}

/// One request. Nothing is asked twice: a connection that was kept and ends without an answer is a failed request.
fn exchange(
    gateway: SocketAddr,
    target: &str,
    keeps: bool,
    kept: &mut Option<Client>,
) -> Result<gateway_tests::Answer, &'static str> {
    let mut client = match kept.take() {
        Some(client) => client,
        None => Client::over(TcpStream::connect(gateway).map_err(|_| "no connection")?),
    };
    let close = if keeps { "" } else { "Connection: close\r\n" };
    let request = format!("GET {target} HTTP/1.1\r\nHost: gateway.example\r\n{close}\r\n");
    if !client.try_send(request.as_bytes()) {
        return Err("cannot be sent");
    }
    let answer = client.answer(false).ok_or("no answer")?;
    *kept = (keeps && answer.header("connection") != Some("close")).then_some(client);
    Ok(answer)
}

/// A row of a table for each step.
impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        summary(&self.steps).fmt(f)
    }
}

/// A row of a table for each step that something was sent in, and the first failure.
pub fn summary(steps: &[Step]) -> String {
    let mut text = String::from(
        "| step | requests | failed | slowest, ms | longest pause, ms | marks |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for step in steps.iter().filter(|step| step.good > 0 || !step.bad.is_empty()) {
        let bad = step.bad.len();
        let [slowest, pause] = [step.slowest, step.longest_pause].map(|one| one.as_millis());
        let marks = step.marks.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let all = step.good + bad as u64;
        text += &format!("| {} | {all} | {bad} | {slowest} | {pause} | {marks} |\n", step.name);
    }
    let first = steps.iter().flat_map(|step| &step.bad).next();
    text + &first.map(|first| format!("the first: {first}\n")).unwrap_or_default()
}

fn lock(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}
