//! What the programs log reaches the gateway's own log.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use gateway_datapath::{DatapathSettings, Ingress};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::counting::{listener, settings};
use crate::frames::{SYN, TCP, ethernet, ipv4, tcp};
use gateway_tests::namespaces::{World, eventually};

/// Keeps level and message of the programs' events.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<String>>>);

impl Subscriber for Kept {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "gateway_datapath::program"
    }

    fn event(&self, event: &Event<'_>) {
        struct Message(String);
        impl Visit for Message {
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0.lock().unwrap().push(format!("{} {}", event.metadata().level(), message.0));
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
    let kept = Kept::default();
    tracing::subscriber::with_default(kept.clone(), || {
        let both = || {
            let counters = datapath.counters();
            counters.listeners.iter().map(|one| one.total("in").0).sum::<u64>() >= 2
        };
        assert!(eventually(both));
        // Records are handed on before the figures are read.
        datapath.counters();
    });
    let records = kept.0.lock().unwrap().clone();
    Some(records)
}

#[test]
fn log_record_of_a_program_is_a_tracing_event() {
    let Some(records) = records(true) else { return };
    assert_eq!(records, ["DEBUG packet not understood: 30 bytes"]);
}

#[test]
fn log_switched_off_says_nothing() {
    let Some(records) = records(false) else { return };
    assert!(records.is_empty(), "{records:?}");
}
