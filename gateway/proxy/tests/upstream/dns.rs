//! Names, asked of a scripted name server on loopback.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use gateway_proxy::upstream::{NameServers, Roots, Upstream, UpstreamSettings, UpstreamShared};
use tokio::net::UdpSocket;

use crate::support::{answering, exchange, forward, on_worker, request};

/// What the name server says.
#[derive(Clone)]
enum Say {
    Addresses { v4: Vec<[u8; 4]>, ttl: u32 },
    NoSuchName,
    Failure,
}

struct NameServer {
    address: SocketAddr,
    say: Rc<RefCell<Say>>,
    /// Questions for IPv4 addresses.
    asked: Rc<Cell<usize>>,
}

impl NameServer {
    async fn start(say: Say) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let (say, asked) = (Rc::new(RefCell::new(say)), Rc::new(Cell::new(0)));
        let (says, asks) = (Rc::clone(&say), Rc::clone(&asked));
        tokio::task::spawn_local(async move {
            let mut packet = [0; 1500];
            loop {
                let (length, from) = socket.recv_from(&mut packet).await.unwrap();
                let answer = answer(&packet[..length], &says.borrow(), &asks);
                socket.send_to(&answer, from).await.unwrap();
            }
        });
        Self { address, say, asked }
    }

    fn upstream(&self) -> Rc<Upstream> {
        Upstream::new(UpstreamSettings::default(), &self.shared())
    }

    fn shared(&self) -> UpstreamShared {
        UpstreamShared {
            name_servers: NameServers::Given(vec![self.address]),
            ..UpstreamShared::new(Roots::none())
        }
    }
}

/// A response to a query with one question (RFC 1035 §4).
fn answer(query: &[u8], say: &Say, asked: &Cell<usize>) -> Vec<u8> {
    let name_end = 12 + query[12..].iter().position(|byte| *byte == 0).unwrap() + 1;
    let question = &query[12..name_end + 4];
    let is_v4 = question[question.len() - 3] == 1;
    if is_v4 {
        asked.set(asked.get() + 1);
    }
    let (code, addresses, ttl) = match say {
        Say::Addresses { v4, ttl } if is_v4 => (0, v4.as_slice(), *ttl),
        Say::Addresses { .. } => (0, &[][..], 0),
        Say::NoSuchName => (3, &[][..], 0),
        Say::Failure => (2, &[][..], 0),
    };
    let mut response =
        vec![query[0], query[1], 0x85, 0x80 | code, 0, 1, 0, addresses.len() as u8, 0, 0, 0, 0];
    response.extend_from_slice(question);
    for address in addresses {
        response.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1]);
        response.extend_from_slice(&ttl.to_be_bytes());
        response.extend_from_slice(&[0, 4]);
        response.extend_from_slice(address);
    }
    response
}

const CLOSING: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn name_is_asked_once_while_its_answer_holds() {
    on_worker(async {
        let names = NameServer::start(Say::Addresses { v4: vec![[127, 0, 0, 1]], ttl: 60 }).await;
        let backend = answering(CLOSING).await;
        let url = format!("http://backend.test:{}", backend.address.port());
        let upstream = names.upstream();
        for _ in 0..3 {
            assert_eq!(forward(&upstream, &mut exchange(request("GET", "/"), &url)).await.unwrap().1, "ok");
        }
        assert_eq!((backend.connections.get(), names.asked.get()), (3, 1));
        assert!(
            backend.last_request().contains(&format!("Host: backend.test:{}\r\n", backend.address.port()))
        );
    });
}

#[test]
fn answers_are_shared_by_the_workers() {
    on_worker(async {
        let names = NameServer::start(Say::Addresses { v4: vec![[127, 0, 0, 1]], ttl: 60 }).await;
        let backend = answering(CLOSING).await;
        let url = format!("http://backend.test:{}", backend.address.port());
        let shared = names.shared();
        for _ in 0..2 {
            let worker = Upstream::new(UpstreamSettings::default(), &shared);
            forward(&worker, &mut exchange(request("GET", "/"), &url)).await.unwrap();
        }
        assert_eq!((names.asked.get(), Arc::strong_count(&shared.dns)), (1, 1));
    });
}

#[test]
fn no_such_name_is_a_connection_failure_and_believed_for_a_while() {
    on_worker(async {
        let names = NameServer::start(Say::NoSuchName).await;
        let upstream = names.upstream();
        for _ in 0..3 {
            let mut exchange = exchange(request("GET", "/"), "http://missing.test/");
            let fault = forward(&upstream, &mut exchange).await.unwrap_err();
            assert_eq!((fault.status, fault.error.reason.as_str()), (500, "BackendConnectionFailure"));
            assert!(
                fault
                    .error
                    .message
                    .starts_with("the name of the backend could not be resolved: missing.test (")
            );
        }
        assert_eq!((names.asked.get(), upstream.counters().failed_resolve.get()), (1, 3));
    });
}

#[test]
fn last_good_addresses_serve_while_the_name_server_fails() {
    on_worker(async {
        // TTL 0 counts as one second.
        let names = NameServer::start(Say::Addresses { v4: vec![[127, 0, 0, 1]], ttl: 0 }).await;
        let backend = answering(CLOSING).await;
        let url = format!("http://backend.test:{}", backend.address.port());
        let upstream = names.upstream();
        forward(&upstream, &mut exchange(request("GET", "/"), &url)).await.unwrap();
        *names.say.borrow_mut() = Say::Failure;
        tokio::time::sleep(Duration::from_millis(1_050)).await;
        for _ in 0..2 {
            assert_eq!(forward(&upstream, &mut exchange(request("GET", "/"), &url)).await.unwrap().1, "ok");
        }
        assert_eq!(upstream.counters().stale_addresses.get(), 1, "asked again only after a while");
    });
}

#[test]
fn dead_addresses_are_passed_over_and_the_others_take_turns() {
    on_worker(async {
        let v4 = vec![[127, 0, 0, 2], [127, 0, 0, 1], [127, 0, 0, 3]];
        let names = NameServer::start(Say::Addresses { v4, ttl: 60 }).await;
        // Listens on 127.0.0.1 alone: the other two refuse.
        let backend = answering(CLOSING).await;
        let url = format!("http://backend.test:{}", backend.address.port());
        let upstream = names.upstream();
        for _ in 0..6 {
            assert_eq!(forward(&upstream, &mut exchange(request("GET", "/"), &url)).await.unwrap().1, "ok");
        }
        assert_eq!(backend.connections.get(), 6);
    });
}

#[test]
fn name_that_leads_inside_is_refused_after_resolution() {
    on_worker(async {
        let names = NameServer::start(Say::Addresses { v4: vec![[169, 254, 169, 254]], ttl: 60 }).await;
        let upstream = names.upstream();
        let url = gateway_policy::message::Url::parse("http://rebound.test/latest").unwrap();
        let request = gateway_policy::message::Request { url, ..request("GET", "/") };
        let call = gateway_policy::ports::OutboundCall::new(request, Duration::from_secs(5));
        let error = upstream.call(call).await.unwrap_err();
        assert_eq!(error.message, "the address of rebound.test must not be called by policies");
        assert_eq!(names.asked.get(), 1);
    });
}
