//! Documents at rest: AES-256-GCM under a key that is not in the store.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::{hmac, rand};
use gateway_store::{Document, Reseal, ServiceContents};

/// First byte of what is sealed; JSON begins with `{`.
const SEALED: u8 = 1;
const KEY_ID_LEN: usize = 4;

/// Why a document cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("a key of the store must have 32 bytes")]
    KeyLength,
    #[error("there is no randomness")]
    Randomness,
    #[error("{0} was sealed with a key that is not among those given")]
    UnknownKey(String),
    #[error(
        "{0} is damaged, or was moved from another place: fill a new store with the last backup by `gateway manage --store FILE \
         --restore BACKUP`"
    )]
    Damaged(String),
}

struct Key {
    id: [u8; KEY_ID_LEN],
    key: LessSafeKey,
    /// Makes keys for other purposes.
    derive: hmac::Key,
}

/// Seals with the first key, opens with any: a new key goes to the front, and the old one can go when all is rewritten.
pub struct Sealer {
    keys: Vec<Key>,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealer({} keys)", self.keys.len())
    }
}

impl Sealer {
    /// Keys of 32 bytes, the one in use first.
    pub fn new(keys: &[Vec<u8>]) -> Result<Self, SealError> {
        let keys = keys
            .iter()
            .map(|bytes| {
                let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| SealError::KeyLength)?;
                let hash = digest(&SHA256, bytes);
                let id = hash.as_ref().first_chunk().copied().unwrap_or_default();
                let derive =
                    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, bytes), b"keys for other purposes");
                let derive = hmac::Key::new(hmac::HMAC_SHA256, derive.as_ref());
                Ok(Key { id, key: LessSafeKey::new(key), derive })
            })
            .collect::<Result<Vec<_>, SealError>>()?;
        if keys.is_empty() {
            return Err(SealError::KeyLength);
        }
        Ok(Self { keys })
    }

    /// A new key.
    pub fn new_key() -> Result<Vec<u8>, SealError> {
        let mut bytes = vec![0; 32];
        rand::fill(&mut bytes).map_err(|_| SealError::Randomness)?;
        Ok(bytes)
    }

    /// A key for a purpose, made of the key in use: another one once that is replaced.
    pub fn derived_key(&self, purpose: &str) -> Vec<u8> {
        let Some(key) = self.keys.first() else { return Vec::new() };
        hmac::sign(&key.derive, purpose.as_bytes()).as_ref().to_vec()
    }

    /// Seals a text for a place: it opens nowhere else.
    pub fn seal(&self, place: &str, text: &[u8]) -> Result<Vec<u8>, SealError> {
        let key = self.keys.first().ok_or(SealError::KeyLength)?;
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| SealError::Randomness)?;
        let mut body = text.to_vec();
        key.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad(place), &mut body)
            .map_err(|_| SealError::Damaged(place.to_owned()))?;
        let mut sealed = Vec::with_capacity(1 + KEY_ID_LEN + NONCE_LEN + body.len());
        sealed.push(SEALED);
        sealed.extend_from_slice(&key.id);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&body);
        Ok(sealed)
    }

    /// The documents of a service that an older key has sealed, sealed with the one in use.
    pub fn outdated(&self, contents: &ServiceContents) -> Result<Vec<Reseal>, SealError> {
        let current = self.keys.first().map(|key| key.id).unwrap_or_default();
        let is_outdated =
            |document: &&Document| !document.body.get(1..).is_some_and(|rest| rest.starts_with(&current));
        contents
            .documents
            .iter()
            .filter(is_outdated)
            .map(|document| {
                let text = self.open(&document.path, &document.body)?;
                let body = self.seal(&document.path, &text)?;
                let Document { path, version, .. } = document.clone();
                Ok(Reseal { service: contents.service.clone(), document: Document { path, version, body } })
            })
            .collect()
    }

    /// Opens what was sealed for a place.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let damaged = || SealError::Damaged(place.to_owned());
        let rest = sealed.strip_prefix(&[SEALED]).ok_or_else(damaged)?;
        let (id, rest) = rest.split_first_chunk::<KEY_ID_LEN>().ok_or_else(damaged)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(damaged)?;
        let key = self.keys.iter().find(|key| key.id == *id);
        let key = key.ok_or_else(|| SealError::UnknownKey(place.to_owned()))?;
        let mut body = body.to_vec();
        let text = key
            .key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), aad(place), &mut body)
            .map_err(|_| damaged())?;
        Ok(text.to_vec())
    }
}

fn aad(place: &str) -> Aad<Vec<u8>> {
    Aad::from(place.to_ascii_lowercase().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealer_opens_with_old_keys_and_at_the_same_place_only() {
        let (old, new) = (vec![1; 32], vec![2; 32]);
        let sealed =
            Sealer::new(std::slice::from_ref(&old)).and_then(|sealer| sealer.seal("apis/a", b"text"));
        let sealed = sealed.unwrap_or_default();
        assert!(!sealed.windows(4).any(|part| part == b"text"));
        let both = Sealer::new(&[new.clone(), old]).expect("two keys");
        assert_eq!(both.open("APIS/a", &sealed).expect("opens"), b"text");
        assert!(matches!(both.open("apis/b", &sealed), Err(SealError::Damaged(_))));
        let document = Document { path: "apis/a".to_owned(), version: 7, body: sealed.clone() };
        let contents = ServiceContents { documents: vec![document], ..ServiceContents::default() };
        let again = both.outdated(&contents).expect("resealed");
        let contents = ServiceContents { documents: vec![again[0].document.clone()], ..contents };
        assert_eq!(again[0].document.version, 7, "no change to anyone");
        assert!(both.outdated(&contents).expect("nothing").is_empty());
        let only_new = Sealer::new(&[new]).expect("one key");
        assert!(matches!(only_new.open("apis/a", &sealed), Err(SealError::UnknownKey(_))));
    }
}
