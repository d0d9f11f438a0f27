//! The semantic cache in the process: shared by the workers, bounded, gone with it. Every vector is compared, so their
//! number bounds the time of a look-up.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use gateway_policy::ports::{Entry, cosine_distance};

/// Vectors kept; 2,000 of 1,536 numbers are compared in about a millisecond.
const ITEMS_MAX: usize = 2_000;
const BYTES_MAX: usize = 32 << 20;

/// The store; the oldest go first.
#[derive(Debug, Default)]
pub struct VectorStore(RwLock<Items>);

#[derive(Debug, Default)]
struct Items {
    list: VecDeque<Item>,
    bytes: usize,
}

#[derive(Debug)]
struct Item {
    partition: String,
    vector: Arc<[f32]>,
    entry: Arc<Entry>,
    until: Instant,
}

impl Item {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.partition.len() + self.vector.len() * 4 + self.entry.size_bytes()
    }
}

impl VectorStore {
    /// The entry nearest to a vector, unless it is further than `distance_max`.
    pub fn nearest(&self, partition: &str, vector: &[f32], distance_max: f64) -> Option<Arc<Entry>> {
        let (now, items) = (Instant::now(), self.0.read().unwrap_or_else(PoisonError::into_inner));
        let mut best: Option<(f64, &Item)> = None;
        for item in items.list.iter().filter(|item| item.partition == partition && item.until > now) {
            let distance = cosine_distance(&item.vector, vector);
            if distance <= distance_max && best.is_none_or(|(least, _)| distance < least) {
                best = Some((distance, item));
            }
        }
        best.map(|(_, item)| Arc::clone(&item.entry))
    }

    pub fn set(&self, partition: String, vector: Arc<[f32]>, entry: Entry) {
        let now = Instant::now();
        let until = now + Duration::from_millis(entry.lifetime_ms);
        let item = Item { partition, vector, entry: Arc::new(entry), until };
        let mut items = self.0.write().unwrap_or_else(PoisonError::into_inner);
        items.bytes += item.bytes();
        items.list.push_back(item);
        let is_over = |items: &Items| items.list.len() > ITEMS_MAX || items.bytes > BYTES_MAX;
        while is_over(&items) || items.list.front().is_some_and(|item| item.until <= now) {
            let Some(oldest) = items.list.pop_front() else { break };
            items.bytes -= oldest.bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use gateway_expression::Portable;
    use gateway_policy::ports::Cached;

    use super::*;

    fn entry(text: &str, lifetime_ms: u64) -> Entry {
        Entry { content: Cached::Value(Portable::Str(text.into())), stored_ms: 0, lifetime_ms }
    }

    fn found(store: &VectorStore, partition: &str, vector: [f32; 2], max: f64) -> Option<usize> {
        store.nearest(partition, &vector, max).map(|entry| entry.size_bytes())
    }

    #[test]
    fn nearest_of_the_partition_within_the_distance() {
        let store = VectorStore::default();
        for (partition, vector, text) in
            [("a", [1.0, 0.0], "x"), ("a", [1.0, 1.0], "xx"), ("b", [0.0, 1.0], "xxx")]
        {
            store.set(partition.to_owned(), Arc::from(vector), entry(text, 60_000));
        }
        let sizes = ["x", "xx"].map(|text| entry(text, 0).size_bytes());
        assert_eq!(found(&store, "a", [1.0, 0.1], 0.05), Some(sizes[0]));
        assert_eq!(found(&store, "a", [1.0, 0.9], 0.05), Some(sizes[1]));
        assert_eq!(found(&store, "a", [0.0, 1.0], 0.05), None, "it is in another partition");
        assert_eq!(found(&store, "c", [1.0, 0.0], 2.0), None);
    }

    #[test]
    fn set_lets_the_oldest_and_the_expired_go() {
        let store = VectorStore::default();
        store.set("a".to_owned(), Arc::from([1.0, 0.0]), entry("x", 0));
        assert_eq!(found(&store, "a", [1.0, 0.0], 2.0), None);
        for number in 0..=ITEMS_MAX {
            store.set(number.to_string(), Arc::from([1.0, 0.0]), entry("x", 60_000));
        }
        assert_eq!(store.0.read().unwrap().list.len(), ITEMS_MAX);
        assert_eq!(found(&store, "0", [1.0, 0.0], 2.0), None);
        assert!(found(&store, "1", [1.0, 0.0], 2.0).is_some());
        for _ in 0..20 {
            store.set("b".to_owned(), Arc::from([1.0]), entry(&"x".repeat(2 << 20), 60_000));
        }
        assert!(store.0.read().unwrap().bytes <= BYTES_MAX);
    }
}
