//! What the programs log reaches the gateway's own log.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use gateway_datapath::{DatapathSettings, Ingress, List, ShedSettings};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::counting::{listener, settings};
use crate::frames::{SYN, TCP, ethernet, ipv4, tcp};
use crate::shedding::{add, start, syn};
use gateway_tests::namespaces::{World, eventually};

/// Keeps level and fields of one target's events.
#[derive(Clone)]
struct Kept {
    target: &'static str,
    events: Arc<Mutex<Vec<String>>>,
}

impl Kept {
    fn of(target: &'static str) -> Self {
        Self { target, events: Arc::default() }
    }
}

impl Subscriber for Kept {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == self.target
    }

    fn event(&self, event: &Event<'_>) {
        struct Message(String);
        impl Visit for Message {
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                match field.name() {
                    "message" => self.0 = format!("{value:?}{}", self.0),
                    name => self.0 += &format!(" {name}={value:?}"),
                }
            }
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        self.events.lock().unwrap().push(format!("{} {}", event.metadata().level(), message.0));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn records(log: bool) -> Option<Vec<String>> {
    let world = World::new()?;
    let wanted = DatapathSettings { log, ..settings(Ingress::Native) };
    let datapath = world.start(&wanted, &[listener("http", "::", 8080..=8080)]);
    let whole = ethernet(0x0800, &ipv4(TCP, 0, 0, &tcp(8080, SYN, &[])));
    world.send(&[whole[..30].to_vec(), whole]);
    let kept = Kept::of("gateway_datapath::program");
    tracing::subscriber::with_default(kept.clone(), || {
        let both = || {
            let counters = datapath.counters();
            counters.listeners.iter().map(|one| one.total("in").0).sum::<u64>() >= 2
        };
        assert!(eventually(both));
        // Records are handed on before the figures are read.
        datapath.counters();
    });
    let records = kept.events.lock().unwrap().clone();
    Some(records)
}

#[test]
fn log_record_of_a_program_is_a_tracing_event() {
    let Some(records) = records(true) else { return };
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert!(record.starts_with("DEBUG packet not understood: 30 bytes"), "{record}");
}

#[test]
fn log_switched_off_says_nothing() {
    let Some(records) = records(false) else { return };
    assert!(records.is_empty(), "{records:?}");
}

#[test]
fn log_record_of_a_dropped_packet_names_source_and_rule() {
    let Some(world) = World::new() else { return };
    let datapath = start(&world, Ingress::Native, ShedSettings::default());
    add(&datapath, List::Deny, &["203.0.113.0/24"]);
    let kept = Kept::of("gateway_datapath::drop");
    tracing::subscriber::with_default(kept.clone(), || {
        world.send(&vec![syn("203.0.113.7"); 5]);
        let seen = || {
            datapath.tick();
            !kept.events.lock().unwrap().is_empty()
        };
        assert!(eventually(seen));
    });
    let records = kept.events.lock().unwrap().clone();
    for part in ["INFO packet dropped", "rule=\"command\"", "source=203.0.113.7", "port=8080"] {
        assert!(records[0].contains(part), "{part} in {records:?}");
    }
    assert_eq!(datapath.counters().dropped("command").0, 5);
    assert!(records.len() < 5, "a sample, not each of them: {records:?}");
}
