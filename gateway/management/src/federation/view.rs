//! The view of one gateway at one revision.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use gateway_sync::protocol::{Document, Documents, GatewaySecret, ProtocolError, Tag};

use super::lock;
use super::offer::{self, Offer};

/// Steps back that differences are made for.
const STEPS_MAX: usize = 64;
/// Documents of a difference at most; more are sent as the whole view, of which most chunks are known.
const DIFFERENCE_DOCUMENTS_MAX: usize = 2_000;

/// How a view came about from the one before.
struct Step {
    from: Tag,
    changed: Vec<Arc<str>>,
    removed: Vec<Arc<str>>,
}

/// What a gateway is to serve.
pub struct View {
    pub tag: Tag,
    pub documents: Documents,
    /// Latest last.
    steps: VecDeque<Arc<Step>>,
    /// By the secret that they are made for: a gateway has two.
    offers: Mutex<Vec<(GatewaySecret, Arc<Offer>)>>,
    /// Chunks of the view before, which a gateway may be fetching.
    _kept: Vec<Arc<Offer>>,
}

impl View {
    pub fn new(epoch: u64, revision: u64, documents: Documents, previous: Option<&Self>) -> Self {
        let tag = Tag { epoch, revision, hash: documents.hash() };
        let mut steps = VecDeque::new();
        let mut kept = Vec::new();
        if let Some(previous) = previous {
            steps.clone_from(&previous.steps);
            let (changed, removed) = previous.documents.difference(&documents);
            let changed = changed.iter().map(|document| Arc::clone(&document.path)).collect();
            steps.push_back(Arc::new(Step { from: previous.tag, changed, removed }));
            if steps.len() > STEPS_MAX {
                steps.pop_front();
            }
            kept = lock(&previous.offers).iter().map(|(_, offer)| Arc::clone(offer)).collect();
        }
        Self { tag, documents, steps, offers: Mutex::default(), _kept: kept }
    }

    /// The whole view for a gateway with a secret.
    pub fn offer(&self, gateway: &str, secret: &GatewaySecret) -> Result<Arc<Offer>, ProtocolError> {
        let mut offers = lock(&self.offers);
        if let Some((_, offer)) = offers.iter().find(|(known, _)| known.bytes() == secret.bytes()) {
            return Ok(Arc::clone(offer));
        }
        let offer = Arc::new(offer::whole(gateway, self.tag, &self.documents, secret)?);
        offers.push((secret.clone(), Arc::clone(&offer)));
        Ok(offer)
    }

    /// The signed difference to a view that was this gateway's before; `None` when the whole view is the better answer.
    pub fn difference(
        &self,
        gateway: &str,
        base: Tag,
        secret: &GatewaySecret,
    ) -> Option<Result<String, ProtocolError>> {
        let at = self.steps.iter().position(|step| step.from == base)?;
        let steps = || self.steps.iter().skip(at);
        let mut changed = Documents::default();
        let mut removed = Vec::new();
        for path in steps().flat_map(|step| &step.changed) {
            if let Some(document) = self.documents.get(path) {
                changed.put(Arc::clone(document));
            }
        }
        for path in steps().flat_map(|step| &step.removed) {
            if self.documents.get(path).is_none() {
                removed.push(path.to_string());
            }
        }
        if changed.len() + removed.len() > DIFFERENCE_DOCUMENTS_MAX {
            return None;
        }
        let changed: Vec<Arc<Document>> = changed.iter().map(Arc::clone).collect();
        Some(offer::difference(gateway, (base, self.tag), &changed, removed, secret))
    }
}
