//! Every operation of the contract is called. The plane says at level debug which operation it takes; those of P0 and P1
//! that were not answered with success stand in `uncovered.txt`, which may only shrink.

pub mod steps;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gateway_management::contract::{Method, OPERATIONS, Operation, Priority};
use gateway_tests::key_vault::KeyVault;
use gateway_tests::plane::Plane;
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::access;

/// Keeps the operation of each `ManagementCall`.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<String>>>);

impl Calls {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Subscriber for Calls {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target().starts_with("gateway_management")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        if fields.is_call {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(fields.operation);
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Fields {
    is_call: bool,
    operation: Option<String>,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "event_type" => self.is_call = value == "ManagementCall",
            "operation" => self.operation = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

/// A counter and a trace, which only gateways can make.
fn told_by_a_gateway(plane: &Plane) {
    let asked = json!({"keyType": "primary", "expiry": steps::tomorrow()});
    let token = plane.must("POST", "gateways/g/generateToken", &asked).body["value"].take();
    let token = format!("GatewayKey {}", token.as_str().unwrap_or_default());
    let counter = json!({"key": "k\u{0}k\u{0}0", "start": 0, "calls": 1, "bytes": 1});
    let report = json!({"instanceId": "i", "sequence": 1, "quotas": [counter]});
    for (target, body, status) in
        [("/gateways/g/report", report, 200), ("/gateways/g/traces/t", json!({"traceId": "t"}), 204)]
    {
        let reply = plane.send("POST", target, &[("Authorization", &token)], body.to_string().as_bytes());
        assert_eq!(reply.status, status, "{target}: {}", reply.body);
    }
}

/// Operations that the audit log of a plane's store names.
fn audited(plane: &Plane) -> BTreeSet<String> {
    let store = rusqlite::Connection::open(plane.store()).expect("a store");
    let mut rows = store.prepare("SELECT DISTINCT operation FROM audit").expect("a statement");
    let names = rows.query_map((), |row| row.get(0)).expect("rows");
    names.collect::<Result<_, _>>().expect("texts")
}

/// Whether an operation changes something or gives a secret away. The others are asked by POST, and only read or try.
fn is_audited(id: &str) -> bool {
    const READING: &[&str] = &[
        "ApiManagementService_CheckNameAvailability",
        "Backend_Reconnect",
        // Written where the secret, or the second of its reading, is another one.
        "Certificate_RefreshSecret",
        "Deployments_Validate",
        "Deployments_WhatIf",
        "NamedValue_RefreshSecret",
        "PerformConnectivityCheckAsync",
        "PolicyFragment_ListReferences",
    ];
    OPERATIONS.iter().any(|operation| operation.id == id && operation.is_write()) && !READING.contains(&id)
}

/// P2 and workspaces: lists are empty, nothing is in them, and writes are refused as tools understand.
#[test]
fn operations_that_are_not_offered_say_so() {
    let plane = Plane::start(&[]);
    let before = plane.revision();
    let is_offered = |operation: &Operation| {
        operation.priority != Priority::P2 && !operation.path.starts_with("{S}/workspaces")
    };
    for operation in OPERATIONS.iter().filter(|operation| !is_offered(operation)) {
        let (method, path) = (access::method(operation), access::path(operation));
        if operation.id.starts_with("Deployments_") {
            continue;
        }
        let reply = plane.call(method, &path, &json!({"properties": {}}));
        let found = (reply.status, reply.code());
        match operation.method {
            Method::Head => assert_eq!(reply.status, 404, "{}", operation.id),
            Method::Get if operation.is_list() => {
                assert_eq!((reply.status, &reply.body["value"]), (200, &json!([])), "{}", operation.id);
            }
            Method::Get => assert_eq!(found, (404, "ResourceNotFound"), "{}", operation.id),
            _ => assert_eq!(found, (400, "MethodNotAllowedInPricingTier"), "{}", operation.id),
        }
    }
    assert_eq!(plane.revision(), before);
}

#[test]
fn operations_of_the_contract_are_called() {
    let calls = Calls::default();
    tracing::subscriber::set_global_default(calls.clone()).expect("the only subscriber of this process");
    let vault = KeyVault::start();
    vault.set("value", Ok("v"));
    vault.set("certificate", Ok(&STANDARD.encode(include_bytes!("clients/vault.pfx"))));
    let plane = Plane::start(&vault.settings());
    let (mut covered, mut refused) = (BTreeSet::new(), Vec::new());
    for step in steps::all() {
        if step.path == "quotas/k" && step.method == "GET" {
            told_by_a_gateway(&plane);
        }
        calls.take();
        let reply = plane.call(step.method, &step.path, &step.body);
        let called = calls.take();
        assert_eq!(called.len(), 1, "{} {}: {called:?} {}", step.method, step.path, reply.body);
        match reply.status {
            200..300 => covered.extend(called),
            status => refused.push(format!("{} {}: {status} {}", step.method, step.path, reply.messages())),
        }
    }
    let audited = audited(&plane);
    let unaudited: Vec<_> = covered.iter().filter(|id| is_audited(id) && !audited.contains(*id)).collect();
    assert!(unaudited.is_empty(), "not in the audit log: {unaudited:#?}");
    let wanted = OPERATIONS.iter().filter(|operation| operation.priority != Priority::P2);
    let missing: BTreeSet<&str> =
        wanted.map(|operation| operation.id).filter(|id| !covered.contains(*id)).collect();
    let listed: BTreeSet<&str> = include_str!("coverage/uncovered.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let new: Vec<_> = missing.difference(&listed).collect();
    assert!(new.is_empty(), "not covered: {new:#?}\nrefused: {refused:#?}");
    let old: Vec<_> = listed.difference(&missing).collect();
    assert!(old.is_empty(), "covered now: take them out of uncovered.txt: {old:#?}");
}
