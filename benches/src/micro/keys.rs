//! Finding a subscription by its key.

use std::hint::black_box;
use std::sync::Arc;

use gateway_benches::workload::key_of;
use gateway_model::SubscriptionScope;
use gateway_proxy::keys::{KeyEntry, KeyIndex, digest_of};

use crate::timing::Measure;

pub fn rows(measure: &mut Measure<'_>) {
    for count in [1_000, 100_000] {
        let mut index = KeyIndex::default();
        for number in 0..count {
            let entry = KeyEntry {
                scope: SubscriptionScope::AllApis,
                is_active: true,
                allow_tracing: false,
                subscription: Arc::default(),
                user: None,
            };
            index.add(digest_of(key_of(number).as_bytes()), entry);
        }
        let keys: Vec<String> = (0..64).map(|number| key_of(number * (count / 64))).collect();
        let mut turn = 0;
        measure(&format!("key of {count}"), &mut || {
            turn += 1;
            black_box(index.find(black_box(keys[turn % keys.len()].as_bytes())));
        });
    }
}
