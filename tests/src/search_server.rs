//! A server that speaks RESP as far as the semantic cache needs it, with the commands of Redis' search module: it takes no
//! argument that the module would not, and keeps what it was told.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// The server; its threads end with the process.
pub struct SearchServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Index: prefix of its keys, and numbers of a vector.
    indexes: BTreeMap<String, (String, usize)>,
    /// Key: field and value.
    hashes: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    commands: Vec<String>,
}

type Words = Vec<Vec<u8>>;

impl SearchServer {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, state }
    }

    /// As a `Cache` resource has it.
    pub fn connection_string(&self) -> String {
        self.address.to_string()
    }

    /// Names of the commands that have come, in order.
    pub fn commands(&self) -> Vec<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).commands.clone()
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>) {
    let Ok(mut output) = stream.try_clone() else { return };
    let mut input = BufReader::new(stream);
    let mut queued: Option<Vec<Words>> = None;
    while let Some(words) = read(&mut input) {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let name = text(&words[0]).to_ascii_uppercase();
        state.commands.push(name.clone());
        let reply = match (name.as_str(), &mut queued) {
            ("MULTI", _) => {
                queued = Some(Vec::new());
                "+OK\r\n".to_owned().into_bytes()
            }
            ("EXEC", Some(waiting)) => {
                let replies: Vec<_> = waiting.drain(..).map(|words| state.answer(&words)).collect();
                queued = None;
                [format!("*{}\r\n", replies.len()).into_bytes(), replies.concat()].concat()
            }
            (_, Some(waiting)) => {
                waiting.push(words);
                b"+QUEUED\r\n".to_vec()
            }
            (_, None) => state.answer(&words),
        };
        drop(state);
        if output.write_all(&reply).is_err() {
            return;
        }
    }
}

/// One command: an array of bulk strings.
fn read(input: &mut BufReader<TcpStream>) -> Option<Words> {
    let count = line(input)?.strip_prefix('*')?.parse().ok()?;
    (0..count)
        .map(|_| {
            let length: usize = line(input)?.strip_prefix('$')?.parse().ok()?;
            let mut word = vec![0; length + 2];
            input.read_exact(&mut word).ok()?;
            word.truncate(length);
            Some(word)
        })
        .collect()
}

fn line(input: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    (input.read_line(&mut line).ok()? > 0).then(|| line.trim_end().to_owned())
}

fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

fn bulk(bytes: &[u8]) -> Vec<u8> {
    [format!("${}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

fn floats(bytes: &[u8]) -> Vec<f64> {
    bytes
        .chunks_exact(4)
        .map(|four| f64::from(f32::from_le_bytes(four.try_into().expect("four bytes"))))
        .collect()
}

impl State {
    fn answer(&mut self, words: &[Vec<u8>]) -> Vec<u8> {
        let name = text(&words[0]).to_ascii_uppercase();
        let answered = match name.as_str() {
            "SELECT" | "CLIENT" | "PING" => Ok(b"+OK\r\n".to_vec()),
            "HSET" => self.hash(words),
            "PEXPIRE" => match text(&words[2]).parse::<u64>() {
                Ok(1..) => Ok(b":1\r\n".to_vec()),
                _ => Err("ERR value is not an integer or out of range".to_owned()),
            },
            "FT.CREATE" => self.create(words),
            "FT.SEARCH" => self.search(words),
            other => Err(format!("ERR unknown command '{other}'")),
        };
        answered.unwrap_or_else(|error| format!("-{error}\r\n").into_bytes())
    }

    fn hash(&mut self, words: &[Vec<u8>]) -> Result<Vec<u8>, String> {
        let fields = words.get(2..).unwrap_or_default();
        if fields.is_empty() || fields.len() % 2 == 1 {
            return Err("ERR wrong number of arguments for 'hset' command".to_owned());
        }
        let hash = self.hashes.entry(text(&words[1])).or_default();
        hash.extend(fields.chunks_exact(2).map(|pair| (text(&pair[0]), pair[1].clone())));
        Ok(format!(":{}\r\n", fields.len() / 2).into_bytes())
    }

    /// `FT.CREATE index ON HASH PREFIX 1 prefix SCHEMA field TAG field VECTOR FLAT 6 …`.
    fn create(&mut self, words: &[Vec<u8>]) -> Result<Vec<u8>, String> {
        let words: Vec<String> = words.iter().map(|word| text(word)).collect();
        let index = words.get(1).cloned().unwrap_or_default();
        if self.indexes.contains_key(&index) {
            return Err("Index already exists".to_owned());
        }
        let prefix = words.get(6).cloned().unwrap_or_default();
        let dimensions: usize = words.get(17).and_then(|word| word.parse().ok()).unwrap_or(0);
        let expected = format!(
            "FT.CREATE {index} ON HASH PREFIX 1 {prefix} SCHEMA partition TAG vector VECTOR FLAT 6 TYPE FLOAT32 DIM {dimensions} DISTANCE_METRIC COSINE"
        );
        if words.join(" ") != expected || dimensions == 0 || prefix.is_empty() {
            return Err(format!("Invalid field type for: {}", words.join(" ")));
        }
        self.indexes.insert(index, (prefix, dimensions));
        Ok(b"+OK\r\n".to_vec())
    }

    /// `FT.SEARCH index "(@partition:{…})=>[KNN 1 @vector $name AS distance]" PARAMS 2 name blob …`.
    fn search(&mut self, words: &[Vec<u8>]) -> Result<Vec<u8>, String> {
        let word = |at: usize| words.get(at).map(|word| text(word)).unwrap_or_default();
        let (prefix, dimensions) =
            self.indexes.get(&word(1)).ok_or_else(|| format!("{}: no such index", word(1)))?;
        let query = word(2);
        let partition = query
            .strip_prefix("(@partition:{")
            .and_then(|rest| rest.strip_suffix("})=>[KNN 1 @vector $question AS distance]"))
            .filter(|partition| partition.bytes().all(|byte| byte.is_ascii_alphanumeric()))
            .ok_or_else(|| format!("Syntax error at offset 0 near {query}"))?;
        let tail: Vec<String> = words.iter().skip(7).map(|word| text(word)).collect();
        let is_well_formed = [word(3), word(4), word(5)] == ["PARAMS", "2", "question"]
            && tail.join(" ") == "SORTBY distance RETURN 2 distance content LIMIT 0 1 DIALECT 2";
        if !is_well_formed {
            return Err(format!("Unknown argument in {}", tail.join(" ")));
        }
        let question = floats(&words[6]);
        if question.len() != *dimensions {
            return Err(
                "Error parsing vector similarity query: query vector blob size does not match".to_owned()
            );
        }
        let own = self.hashes.iter().filter(|(key, hash)| {
            key.starts_with(prefix) && hash.get("partition").is_some_and(|own| text(own) == *partition)
        });
        let nearest = own
            .map(|(key, hash)| (distance(&question, &floats(&hash["vector"])), key, &hash["content"]))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        let Some((distance, key, content)) = nearest else { return Ok(b"*1\r\n:0\r\n".to_vec()) };
        let fields =
            [bulk(b"distance"), bulk(distance.to_string().as_bytes()), bulk(b"content"), bulk(content)];
        Ok([b"*3\r\n:1\r\n".to_vec(), bulk(key.as_bytes()), b"*4\r\n".to_vec(), fields.concat()].concat())
    }
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    1.0 - dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}
