//! Events of GraphQL subscriptions, from whichever worker they come to all that have somebody who listens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::sync::broadcast;

/// Events that a listener may be behind; then it misses some, and is told.
const BEHIND_MAX: usize = 256;

/// Who listens to what; a topic exists for as long as somebody does.
#[derive(Debug, Default)]
pub struct Topics(Mutex<HashMap<Box<str>, broadcast::Sender<Arc<Value>>>>);

impl Topics {
    pub fn publish(&self, topic: &str, event: &Arc<Value>) {
        let mut topics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = topics.get(topic) else { return };
        // An error says that nobody listens any more.
        if sender.send(Arc::clone(event)).is_err() {
            topics.remove(topic);
        }
    }

    pub fn subscribe(&self, topic: &str) -> broadcast::Receiver<Arc<Value>> {
        let mut topics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = topics.get(topic) {
            return sender.subscribe();
        }
        topics.retain(|_, sender| sender.receiver_count() > 0);
        let (sender, receiver) = broadcast::channel(BEHIND_MAX);
        topics.insert(topic.into(), sender);
        receiver
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn publish_reaches_all_who_listen_and_nobody_else() {
        let topics = Topics::default();
        let event = Arc::new(Value::from(5));
        topics.publish("a", &event);
        let (mut one, mut two, mut other) =
            (topics.subscribe("a"), topics.subscribe("a"), topics.subscribe("b"));
        topics.publish("a", &event);
        assert_eq!((one.try_recv(), two.try_recv()), (Ok(Arc::clone(&event)), Ok(Arc::clone(&event))));
        assert!(one.try_recv().is_err() && other.try_recv().is_err());
    }

    #[test]
    fn topics_go_with_their_last_listener() {
        let topics = Topics::default();
        drop(topics.subscribe("a"));
        topics.publish("a", &Arc::default());
        assert!(topics.0.lock().unwrap().is_empty());
        drop(topics.subscribe("a"));
        let _kept = topics.subscribe("b");
        assert_eq!(topics.0.lock().unwrap().len(), 1);
    }
}
