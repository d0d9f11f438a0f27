//! The semantic cache in a Redis server with the search module: one index for each length of vectors, over hashes with
//! the partition as a tag (redis.io/docs/latest/develop/ai/search-and-query/vectors).

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use gateway_policy::ports::Entry;
use redis::{RedisError, Value};

use super::codec;
use super::link::{ANSWER_MAX, Link};

/// In front of the indexes and of their keys.
const PREFIX: &str = "gateway:vectors:";

/// The vectors that one server keeps.
pub struct RedisVectors {
    link: Rc<Link>,
    /// The server has no search module.
    is_plain: Cell<bool>,
}

/// What the server says of a question.
pub enum Answer {
    /// The entry, or that there is none.
    Known(Option<Arc<Entry>>),
    /// It keeps no vectors.
    CannotSearch,
}

/// What a search command brings.
enum Outcome {
    Found(Value),
    NoIndex,
    NoModule,
}

impl RedisVectors {
    pub fn new(link: Rc<Link>) -> Rc<Self> {
        Rc::new(Self { link, is_plain: Cell::new(false) })
    }

    /// As far as is known.
    pub fn can_search(&self) -> bool {
        !self.is_plain.get()
    }

    /// The entry of the nearest vector of a partition.
    pub async fn nearest(&self, partition: &str, vector: &[f32], distance_max: f64) -> Answer {
        if self.is_plain.get() {
            return Answer::CannotSearch;
        }
        let mut search = redis::cmd("FT.SEARCH");
        search.arg(index(vector.len()));
        search.arg(format!("(@partition:{{{partition}}})=>[KNN 1 @vector $question AS distance]"));
        search.arg("PARAMS").arg(2).arg("question").arg(bytes_of(vector));
        search.arg("SORTBY").arg("distance").arg("RETURN").arg(2).arg("distance").arg("content");
        search.arg("LIMIT").arg(0).arg(1).arg("DIALECT").arg(2);
        let outcome = self.link.ask(ANSWER_MAX, async move |mut connection| {
            sorted_out(search.query_async(&mut connection).await)
        });
        match outcome.await {
            None | Some(Outcome::NoIndex) => Answer::Known(None),
            Some(Outcome::Found(answer)) => {
                let found = nearest_of(&answer).filter(|(distance, _)| *distance <= distance_max);
                Answer::Known(found.and_then(|(_, content)| codec::decode(&content)).map(Arc::new))
            }
            Some(Outcome::NoModule) => {
                tracing::warn!(
                    event_type = "RedisWithoutSearch",
                    "the external cache has no search module: the semantic cache is in the gateway itself"
                );
                self.is_plain.set(true);
                Answer::CannotSearch
            }
        }
    }

    /// Stores an entry for its lifetime; makes the index where there is none.
    pub async fn set(&self, partition: &str, vector: &[f32], entry: &Entry) {
        let Some(content) = codec::encode(entry) else { return };
        let mut create = redis::cmd("FT.CREATE");
        create.arg(index(vector.len())).arg("ON").arg("HASH");
        create.arg("PREFIX").arg(1).arg(prefix(vector.len())).arg("SCHEMA").arg("partition").arg("TAG");
        create.arg("vector").arg("VECTOR").arg("FLAT").arg(6).arg("TYPE").arg("FLOAT32");
        create.arg("DIM").arg(vector.len()).arg("DISTANCE_METRIC").arg("COSINE");
        let key = key(partition, vector);
        let mut store = redis::pipe();
        store.atomic();
        store
            .cmd("HSET")
            .arg(&key)
            .arg("partition")
            .arg(partition)
            .arg("vector")
            .arg(bytes_of(vector))
            .arg("content")
            .arg(content)
            .ignore();
        store.cmd("PEXPIRE").arg(&key).arg(entry.lifetime_ms.max(1)).ignore();
        let _: Option<()> = self
            .link
            .ask(ANSWER_MAX, async move |mut connection| {
                // "Index already exists" is the usual answer.
                let made: Result<Value, RedisError> = create.query_async(&mut connection).await;
                if let Err(error) = made
                    && error.is_io_error()
                {
                    return Err(error);
                }
                store.query_async(&mut connection).await
            })
            .await;
    }
}

fn prefix(dimensions: usize) -> String {
    format!("{PREFIX}{dimensions}:")
}

fn index(dimensions: usize) -> String {
    format!("{PREFIX}{dimensions}")
}

fn key(partition: &str, vector: &[f32]) -> String {
    let mut text = prefix(vector.len());
    for byte in digest(&SHA256, &[partition.as_bytes(), &bytes_of(vector)].concat()).as_ref() {
        use std::fmt::Write;
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Little-endian, as the module reads them.
fn bytes_of(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// Errors that say something of the server, apart from those of the connection.
fn sorted_out(answer: Result<Value, RedisError>) -> Result<Outcome, RedisError> {
    let error = match answer {
        Ok(value) => return Ok(Outcome::Found(value)),
        Err(error) => error,
    };
    let text = error.to_string().to_ascii_lowercase();
    if text.contains("unknown command") {
        Ok(Outcome::NoModule)
    } else if text.contains("no such index") || text.contains("unknown index name") {
        Ok(Outcome::NoIndex)
    } else {
        Err(error)
    }
}

/// Distance and content of the first document: `[count, key, [field, value, …]]`.
fn nearest_of(answer: &Value) -> Option<(f64, Vec<u8>)> {
    let Value::Array(parts) = answer else { return None };
    let Some(Value::Array(fields)) = parts.get(2) else { return None };
    let field = |name: &[u8]| {
        let pair = fields.chunks_exact(2).find(|pair| bytes(&pair[0]) == Some(name))?;
        bytes(&pair[1])
    };
    let distance = std::str::from_utf8(field(b"distance")?).ok()?.trim().parse::<f64>().ok()?;
    Some((distance, field(b"content")?.to_vec()))
}

fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.as_bytes()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_of_answers_and_of_anything_else() {
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let fields = Value::Array(vec![text("distance"), text("0.05"), text("content"), text("x")]);
        let answer = Value::Array(vec![Value::Int(1), text("key"), fields]);
        assert_eq!(nearest_of(&answer), Some((0.05, b"x".to_vec())));
        let odd = Value::Array(vec![text("distance"), text("near"), text("content")]);
        for wrong in [
            Value::Nil,
            Value::Array(vec![Value::Int(0)]),
            Value::Array(vec![Value::Int(1), text("key"), odd]),
            Value::Array(vec![Value::Int(1), text("key"), text("distance")]),
        ] {
            assert_eq!(nearest_of(&wrong), None);
        }
    }
}
