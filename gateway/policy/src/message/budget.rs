//! What policies may hold in memory (`reliability-security.md` §4.1).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::BodyError;

/// Limits on buffered bodies: of one message, and of all messages that share this budget. Cheap to clone.
#[derive(Clone, Debug)]
pub struct BufferBudget {
    /// Of one message; default 4 MiB.
    pub message_bytes_max: u64,
    total: Arc<Total>,
}

#[derive(Debug)]
struct Total {
    bytes_max: u64,
    held: AtomicU64,
}

impl Default for BufferBudget {
    /// 4 MiB a message, 256 MiB together.
    fn default() -> Self {
        Self::new(4 << 20, 256 << 20)
    }
}

impl BufferBudget {
    pub fn new(message_bytes_max: u64, total_bytes_max: u64) -> Self {
        let total = Arc::new(Total { bytes_max: total_bytes_max, held: AtomicU64::new(0) });
        Self { message_bytes_max, total }
    }

    /// Of one message alone.
    pub fn of_one(message_bytes_max: u64) -> Self {
        Self::new(message_bytes_max, u64::MAX)
    }

    /// Nothing held yet.
    pub fn hold(&self) -> Held {
        Held { total: Arc::clone(&self.total), bytes: 0 }
    }

    /// Bytes held now by all messages.
    pub fn held(&self) -> u64 {
        self.total.held.load(Ordering::Relaxed)
    }
}

/// A part of the budget; given back when dropped.
#[derive(Debug)]
pub struct Held {
    total: Arc<Total>,
    bytes: u64,
}

impl Held {
    /// Takes more of the budget, or nothing when it is used up.
    pub fn grow(&mut self, bytes: u64) -> Result<(), BodyError> {
        let before = self.total.held.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.total.bytes_max {
            self.total.held.fetch_sub(bytes, Ordering::Relaxed);
            return Err(BodyError::NoRoom);
        }
        self.bytes += bytes;
        Ok(())
    }

    /// The bytes that were paid for; the last copy of them gives the budget back.
    pub fn freeze(self, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Owned { bytes, _held: self })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.total.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

struct Owned {
    bytes: Bytes,
    _held: Held,
}

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_is_given_back_with_the_last_copy() {
        let budget = BufferBudget::new(10, 10);
        let mut first = budget.hold();
        first.grow(6).expect("room");
        let bytes = first.freeze(Bytes::from_static(b"sixsix"));
        let copy = bytes.clone();
        drop(bytes);
        assert_eq!(budget.clone().hold().grow(5), Err(BodyError::NoRoom));
        assert_eq!((budget.held(), &*copy), (6, &b"sixsix"[..]));
        drop(copy);
        assert_eq!(budget.held(), 0);
    }
}
