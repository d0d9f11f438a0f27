//! A gateway's end of the protocol, against a plane that says whatever the test wants.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use gateway_sync::plane::{
    Client, Follower, Pace, Request, Response, Round, RoundError, Telling, Trace, Transport, View, follow,
    tell,
};
use gateway_sync::protocol::{
    Chunk, Document, Documents, GatewaySecret, Heartbeat, MANIFEST_TYPE, Manifest, ProtocolError, Report,
    Reported, Tag, name_of, pack,
};
use tokio::time::Instant;

/// Answers by target; everything else is 404.
#[derive(Default)]
struct Fake {
    answers: HashMap<String, Response>,
    /// Target and time of every request.
    seen: Vec<(String, Instant)>,
    is_down: bool,
}

#[derive(Clone, Default)]
struct Plane(Rc<RefCell<Fake>>);

impl Transport for Plane {
    async fn send(&self, request: Request<'_>) -> Result<Response, String> {
        let mut fake = self.0.borrow_mut();
        fake.seen.push((request.target.to_owned(), Instant::now()));
        if fake.is_down {
            return Err("refused".to_owned());
        }
        let path = request.target.split('?').next().unwrap_or_default();
        // What is asked for with a difference in mind, where there is such an answer.
        let with_difference = format!("{path} since");
        let target = if request.target.contains("since=") && fake.answers.contains_key(&with_difference) {
            with_difference
        } else {
            path.to_owned()
        };
        let missing = Response { status: 404, ..Response::default() };
        Ok(fake.answers.get(&target).cloned().unwrap_or(missing))
    }
}

const CONFIGURATION: &str = "/gateways/edge/configuration";

fn secret() -> GatewaySecret {
    GatewaySecret::of_key("key")
}

fn view(revision: u64, names: &[&str]) -> (Documents, Tag) {
    let mut documents = Documents::default();
    for name in names {
        documents.put(Arc::new(Document::new(format!("apis/{name}"), format!("{{\"path\":\"{name}\"}}"))));
    }
    let tag = Tag { epoch: 1, revision, hash: documents.hash() };
    (documents, tag)
}

fn signed(manifest: &Manifest) -> Response {
    let body = manifest.sign(&secret()).expect("signed").into_bytes();
    Response { status: 200, content_type: MANIFEST_TYPE.to_owned(), body, ..Response::default() }
}

impl Plane {
    fn answer(&self, target: &str, response: Response) {
        self.0.borrow_mut().answers.insert(target.to_owned(), response);
    }

    /// Offers a view in one chunk, sealed or not.
    fn offer(&self, (documents, tag): &(Documents, Tag), sealed: bool) {
        let packed = pack(documents.iter());
        let bytes = if sealed { secret().seal("chunk", &packed).expect("sealed") } else { packed };
        let name = name_of(&bytes);
        let chunk = Chunk { sha256: name.clone(), bytes: bytes.len() as u64, sealed, data: None };
        let manifest = Manifest {
            gateway: "edge".to_owned(),
            tag: tag.to_string(),
            chunks: vec![chunk],
            ..Manifest::default()
        };
        self.answer(CONFIGURATION, signed(&manifest));
        self.answer(&format!("/chunks/{name}"), Response { status: 200, body: bytes, ..Response::default() });
    }

    fn requests(&self, part: &str) -> Vec<Instant> {
        let fake = self.0.borrow();
        fake.seen.iter().filter(|(target, _)| target.contains(part)).map(|(_, at)| *at).collect()
    }
}

fn client(plane: &Plane) -> Client<Plane> {
    Client::new(plane.clone(), "edge", secret(), None)
}

async fn changed(client: &mut Client<Plane>) -> View {
    match client.round(Duration::ZERO).await {
        Ok(Round::Changed(view)) => view,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn round_takes_a_view_and_fetches_a_chunk_once() {
    let plane = Plane::default();
    for sealed in [false, true] {
        let mut client = client(&plane);
        plane.offer(&view(1, &["a", "b"]), sealed);
        assert_eq!(changed(&mut client).await.documents.len(), 2);
        assert!(matches!(client.round(Duration::ZERO).await, Ok(Round::Unchanged)), "the same tag");
        let fetched = plane.requests("/chunks/").len();
        // The same chunk under a newer tag is known.
        plane.offer(&view(2, &["a", "b"]), sealed);
        assert_eq!(changed(&mut client).await.tag.revision, 2);
        assert_eq!(plane.requests("/chunks/").len(), fetched);
    }
}

#[tokio::test]
async fn round_refuses_what_cannot_be_trusted_and_keeps_what_it_has() {
    let plane = Plane::default();
    let mut client = client(&plane);
    plane.offer(&view(5, &["a"]), false);
    changed(&mut client).await;

    let page = |status, content_type: &str, body: &str| Response {
        status,
        content_type: content_type.to_owned(),
        body: body.as_bytes().to_vec(),
        ..Response::default()
    };
    let forged =
        GatewaySecret::of_key("other").sign("{\"gateway\":\"edge\",\"tag\":\"1-9-00\",\"chunks\":[]}");
    let of_another = secret().sign("{\"gateway\":\"other\",\"tag\":\"1-9-00\",\"chunks\":[]}");
    let refused = page(401, "application/json", "{\"error\":{\"message\":\"expired\"}}");
    for (answer, expected) in [
        (page(200, "text/html", "<html>sign in</html>"), RoundError::NotAPlane("text/html".to_owned())),
        (page(200, MANIFEST_TYPE, "half of"), RoundError::Unusable(ProtocolError::Malformed("a signature"))),
        (page(200, MANIFEST_TYPE, &forged), RoundError::Unusable(ProtocolError::Signature)),
        (page(200, MANIFEST_TYPE, &of_another), RoundError::Unusable(ProtocolError::Signature)),
        (refused, RoundError::Refused("expired".to_owned())),
        (page(500, "", ""), RoundError::Status(500)),
        (page(503, "", ""), RoundError::Busy(None)),
    ] {
        plane.answer(CONFIGURATION, answer);
        assert_eq!(client.round(Duration::ZERO).await.expect_err("refused"), expected);
    }
    plane.offer(&view(4, &["b"]), false);
    assert!(matches!(client.round(Duration::ZERO).await, Err(RoundError::Older { .. })));
    // A chunk that is not what the manifest names.
    let (documents, tag) = view(6, &["c"]);
    plane.offer(&(documents, Tag { hash: 1, ..tag }), false);
    let error = client.round(Duration::ZERO).await.expect_err("refused");
    assert_eq!(error, RoundError::Unusable(ProtocolError::Hash));
    plane.offer(&view(7, &["d"]), false);
    assert_eq!(changed(&mut client).await.tag.revision, 7);
}

#[tokio::test]
async fn difference_that_leads_elsewhere_is_followed_by_the_whole_view() {
    let plane = Plane::default();
    let mut client = client(&plane);
    let first = view(1, &["a", "b"]);
    plane.offer(&first, false);
    changed(&mut client).await;

    let second = view(2, &["a", "c"]);
    let added = pack([&Arc::new(Document::new("apis/c", "{\"path\":\"c\"}"))]);
    let mut difference = Manifest {
        gateway: "edge".to_owned(),
        tag: second.1.to_string(),
        base: Some(first.1.to_string()),
        removed: vec!["apis/b".to_owned()],
        chunks: vec![Chunk {
            sha256: name_of(&added),
            bytes: added.len() as u64,
            sealed: false,
            data: Some(base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &added)),
        }],
    };
    plane.answer(&format!("{CONFIGURATION} since"), signed(&difference));
    let view_now = changed(&mut client).await;
    assert!(view_now.documents.get("apis/b").is_none() && view_now.documents.get("apis/c").is_some());

    // One that forgets a removal: the hash shows it.
    let third = view(3, &["c"]);
    difference.base = Some(second.1.to_string());
    difference.tag = third.1.to_string();
    difference.removed.clear();
    plane.answer(&format!("{CONFIGURATION} since"), signed(&difference));
    plane.offer(&third, false);
    assert_eq!(changed(&mut client).await.documents.len(), 1);
}

#[derive(Default)]
struct Told {
    links: Vec<bool>,
    applied: Vec<u64>,
}

struct Listener(Rc<RefCell<Told>>);

impl Follower for Listener {
    fn apply(&mut self, view: &View) {
        self.0.borrow_mut().applied.push(view.tag.revision);
    }

    fn link(&mut self, available: bool, _message: &str) {
        self.0.borrow_mut().links.push(available);
    }

    fn heartbeat(&self) -> Heartbeat {
        Heartbeat::default()
    }
}

fn pace(wait: u64) -> Pace {
    Pace {
        pause: Duration::from_secs(10),
        wait: Duration::from_secs(wait),
        heartbeat: Duration::from_mins(1),
    }
}

/// Row 24: a plane that is only polled is asked each 10 s; row 23: a heartbeat each 60 s.
#[tokio::test(start_paused = true)]
async fn follow_polls_each_ten_seconds_and_beats_each_minute() {
    let plane = Plane::default();
    let told = Rc::new(RefCell::new(Told::default()));
    plane.offer(&view(1, &["a"]), false);
    plane.answer("/gateways/edge/heartbeat", Response { status: 204, ..Response::default() });
    for wait in [0, 25] {
        plane.0.borrow_mut().seen.clear();
        let following = follow(client(&plane), plane.clone(), "edge", pace(wait), Listener(Rc::clone(&told)));
        let _ = tokio::time::timeout(Duration::from_mins(10), following).await;
        // A plane that does not hold requests is not asked more often for that.
        let polls = plane.requests("configuration").len();
        assert!((59..=62).contains(&polls), "{polls} with wait {wait}");
        let beats = plane.requests("heartbeat");
        assert!((9..=11).contains(&beats.len()), "{}", beats.len());
        for pair in beats.windows(2) {
            assert!((pair[1] - pair[0]).abs_diff(Duration::from_mins(1)) < Duration::from_secs(1));
        }
    }
    assert_eq!(told.borrow().applied, [1, 1]);
}

/// Row 29: one event a change of state, back-off with a bound; row 37: back within 10 s.
#[tokio::test(start_paused = true)]
async fn follow_backs_off_says_so_once_and_comes_back() {
    let plane = Plane::default();
    let told = Rc::new(RefCell::new(Told::default()));
    plane.offer(&view(1, &["a"]), false);
    let follower = Listener(Rc::clone(&told));
    let following = follow(client(&plane), plane.clone(), "edge", pace(0), follower);
    let events = async {
        tokio::time::sleep(Duration::from_secs(25)).await;
        plane.0.borrow_mut().is_down = true;
        plane.0.borrow_mut().seen.clear();
        tokio::time::sleep(Duration::from_mins(30)).await;
        let asked = plane.requests("configuration");
        assert!((180..2_000).contains(&asked.len()), "{}", asked.len());
        for pair in asked.windows(2) {
            assert!(pair[1] - pair[0] <= Duration::from_millis(10_100));
        }
        plane.offer(&view(2, &["b"]), false);
        plane.0.borrow_mut().is_down = false;
        tokio::time::sleep(Duration::from_secs(11)).await;
    };
    tokio::select! {
        () = following => {}
        () = events => {}
    }
    assert_eq!(told.borrow().links, [true, false, true]);
    assert_eq!(told.borrow().applied, [1, 2]);
}

/// Numbers reports for as long as there are some, and remembers which were taken.
struct Numbered {
    left: RefCell<std::ops::RangeInclusive<u64>>,
    traces: RefCell<Vec<&'static str>>,
    taken: Rc<RefCell<Vec<u64>>>,
}

impl Telling for Numbered {
    fn report(&self) -> Option<Report> {
        let sequence = self.left.borrow_mut().next()?;
        Some(Report { sequence, ..Report::default() })
    }

    fn taken(&self, report: &Report, _answer: &Reported) {
        self.taken.borrow_mut().push(report.sequence);
    }

    fn trace(&self) -> Option<Trace> {
        self.traces.borrow_mut().pop().map(|id| (id.into(), "{}".into()))
    }
}

/// A report that fails is sent again until it is taken, those behind it wait; one that is refused for good makes room.
#[tokio::test(start_paused = true)]
async fn tell_repeats_what_was_not_taken_and_tells_the_rest_at_the_end() {
    let plane = Plane::default();
    let answer = |status| Response { status, body: b"{}".to_vec(), ..Response::default() };
    plane.answer("/gateways/edge/report", answer(503));
    plane.answer("/gateways/edge/traces/t", answer(204));
    let taken = Rc::new(RefCell::new(Vec::new()));
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let source =
        Numbered { left: RefCell::new(1..=4), traces: RefCell::new(vec!["t"]), taken: Rc::clone(&taken) };
    let telling = tell(plane.clone(), "edge", Duration::from_secs(30), source, stopping);
    let events = async {
        tokio::time::sleep(Duration::from_secs(100)).await;
        assert_eq!((plane.requests("report").len(), plane.requests("traces").len()), (3, 1));
        assert!(taken.borrow().is_empty());
        plane.answer("/gateways/edge/report", answer(200));
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(*taken.borrow(), [1, 2, 3, 4]);
        stop.send(true).expect("still telling");
    };
    tokio::join!(telling, events);

    let source = Numbered { left: RefCell::new(5..=6), traces: RefCell::default(), taken: Rc::clone(&taken) };
    let (stop, stopping) = tokio::sync::watch::channel(false);
    plane.answer("/gateways/edge/report", answer(400));
    stop.send(true).expect("listened to");
    let before = plane.requests("report").len();
    tell(plane.clone(), "edge", Duration::from_secs(30), source, stopping).await;
    assert_eq!(plane.requests("report").len() - before, 2, "each once");
    assert_eq!(taken.borrow().len(), 4);
}
