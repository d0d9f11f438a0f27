//! What gateways report, as the store keeps it: what could be a secret is sealed, and found by keyed digests.
//!
//! The key is the plane's own, in the directory: it outlives those of the store.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gateway_model::usage::{LoggedRequest, Place, QUARTER, Usage};
use gateway_policy::ports::CounterName;
use gateway_store::figures::{Counter, NEVER, Note, StoredRequest, USAGE_DAYS};
use gateway_sync::protocol::{GatewaySecret, ProtocolError, QuotaChange};

use crate::arm_error::ArmError;
use crate::plane::{Author, Plane, Service, now};
use crate::seal::Sealer;

/// Where the directory keeps the key.
const PATH: &str = "keys/figures";
/// No figure of one report is higher: sums over all of them stay within what the store can hold.
const FIGURE_MAX: u64 = 1 << 40;
/// Texts of a report are cut at this length.
const TEXT_BYTES_MAX: usize = 256;
const URL_BYTES_MAX: usize = 2_048;
const DAY: i64 = 86_400;

impl Plane {
    /// What seals and opens what gateways report.
    pub async fn figures(&self) -> Result<Figures, ArmError> {
        self.figures.get_or_try_init(|| Figures::open(self)).await.cloned()
    }

    /// An entry of the audit log for what changes no document.
    pub fn note(service: &Service, author: Author<'_>, path: &str) -> Note {
        Note {
            service: service.name.key(),
            principal: author.principal.to_owned(),
            operation: author.operation.to_owned(),
            path: path.to_owned(),
            at: now(),
        }
    }
}

/// Seals and opens.
#[derive(Clone, Debug)]
pub struct Figures(GatewaySecret);

impl Figures {
    /// With the key of the directory; a new one where there is none.
    pub async fn open(plane: &Plane) -> Result<Self, ArmError> {
        let kept = plane.directory.tree().get(PATH).and_then(|record| record.text("key").map(str::to_owned));
        let text = match kept {
            Some(kept) => kept,
            None => Self::create(plane).await?,
        };
        let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        let bytes = bytes.ok_or_else(|| ArmError::internal(&"the key of the figures cannot be read"))?;
        Ok(Self(GatewaySecret::new(&bytes)))
    }

    /// Makes a key and keeps it; another node may have been faster, then its key is the one.
    async fn create(plane: &Plane) -> Result<String, ArmError> {
        let fresh = STANDARD.encode(Sealer::new_key().map_err(|error| ArmError::internal(&error))?);
        let author = Author { principal: "system", operation: "FiguresKey_Create" };
        plane
            .write(&plane.directory, author, |tx| {
                if let Some(kept) = tx.get(PATH).and_then(|record| record.text("key").map(str::to_owned)) {
                    return Ok(kept);
                }
                let members = [("key".to_owned(), fresh.clone().into())];
                tx.put(PATH, members.into_iter().collect());
                Ok(fresh.clone())
            })
            .await
    }

    /// A row that the store can sum, of a gateway in a region.
    pub fn usage(mut row: Usage, region: &str) -> Usage {
        let now = now();
        row.at = row.at.clamp(now - USAGE_DAYS * DAY, now + DAY).div_euclid(QUARTER) * QUARTER;
        row.figures.clamp(FIGURE_MAX);
        bounded(&mut row.place, region);
        row
    }

    /// A request, sealed.
    pub fn request(&self, mut request: LoggedRequest, region: &str) -> Result<StoredRequest, ProtocolError> {
        let now = now();
        request.at = request.at.clamp((now - USAGE_DAYS * DAY) * 1_000, (now + DAY) * 1_000);
        bounded(&mut request.place, region);
        for text in [&mut request.id, &mut request.method, &mut request.ip, &mut request.cache] {
            cut(text, TEXT_BYTES_MAX);
        }
        cut(&mut request.url, URL_BYTES_MAX);
        let text = serde_json::to_vec(&request).map_err(|_| ProtocolError::Malformed("a request"))?;
        Ok(StoredRequest { at: request.at, id: request.id, body: self.seal("request", &text)? })
    }

    /// The request that was sealed; `None` when it is damaged.
    pub fn opened_request(&self, stored: &StoredRequest) -> Option<LoggedRequest> {
        serde_json::from_slice(&self.0.open("request", &stored.body).ok()?).ok()
    }

    /// A counter under its digests.
    pub fn counter(&self, change: &QuotaChange) -> Result<Counter, ProtocolError> {
        let name = CounterName::of(&change.key);
        Ok(Counter {
            id: self.digest("counter", &change.key),
            name: name.map(|name| self.group(&name.group)).unwrap_or_default(),
            start: change.start,
            end: change.end.unwrap_or(NEVER),
            calls: change.calls.min(FIGURE_MAX),
            bytes: change.bytes.min(FIGURE_MAX),
            sets: 0,
            body: self.seal("counter", change.key.as_bytes())?,
        })
    }

    /// What people call a counter; `None` when it is damaged.
    pub fn counter_name(&self, counter: &Counter) -> Option<CounterName> {
        let key = self.0.open("counter", &counter.body).ok()?;
        CounterName::of(&String::from_utf8(key).ok()?)
    }

    /// The digest under which the counters of a name are found.
    pub fn group(&self, name: &str) -> String {
        self.digest("counters", name)
    }

    pub fn seal(&self, purpose: &str, text: &[u8]) -> Result<Vec<u8>, ProtocolError> {
        self.0.seal(purpose, text)
    }

    pub fn opened(&self, purpose: &str, body: &[u8]) -> Option<Vec<u8>> {
        self.0.open(purpose, body).ok()
    }

    fn digest(&self, purpose: &str, text: &str) -> String {
        let tag = self.0.tag(purpose, text.as_bytes());
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(tag)
    }
}

fn bounded(place: &mut Place, region: &str) {
    region.clone_into(&mut place.region);
    for part in place.parts_mut() {
        cut(part, TEXT_BYTES_MAX);
        // PostgreSQL takes no NUL in a text.
        part.retain(|c| c != '\0');
    }
}

fn cut(text: &mut String, bytes_max: usize) {
    text.truncate(text.floor_char_boundary(bytes_max));
}
