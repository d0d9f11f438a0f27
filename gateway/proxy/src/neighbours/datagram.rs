//! The wire format between gateways, version 1.
//!
//! ```text
//! "gwn" version(1) kind(1) sender(16) sequence(8) sent(8, ms since 1970) payload… tag(16)
//! counters: any number of  id(16) period(4, ms) n(1) n × [age(1) calls(4)]
//! ```
//!
//! Numbers are big-endian. The tag is HMAC-SHA-256 over all in front of it, cut to half (RFC 2104 §5), with a key made
//! of the common secret and the name of the gateway resource: others' datagrams do not verify.

use std::time::Duration;

use aws_lc_rs::hmac;

use crate::ports::counters::{Change, CounterId, SenderId};

const MARK: &[u8; 4] = b"gwn\x01";
const TAG: usize = 16;
const HEAD: usize = MARK.len() + 1 + 16 + 8 + 8;
/// Longest datagram: what passes every network unfragmented.
const BYTES_MAX: usize = 1200;
/// Longest entry: all ages.
const CHANGE_BYTES_MAX: usize = 16 + 4 + 1 + 65 * 5;

/// What a datagram is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Heartbeat = 1,
    Counters = 2,
}

/// A datagram that has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub kind: Kind,
    pub sender: SenderId,
    pub sequence: u64,
    /// Milliseconds since 1970 by the sender's clock.
    pub sent_ms: u64,
    pub changes: Vec<Change>,
}

/// Gateways that share counters.
pub struct Group {
    key: hmac::Key,
}

impl Group {
    /// Those with this secret and this name of the gateway resource.
    pub fn new(secret: &[u8], gateway: &str) -> Self {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let key = hmac::sign(&secret, gateway.as_bytes());
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()) }
    }

    /// One datagram; `payload` holds encoded changes.
    fn seal(&self, kind: Kind, sender: SenderId, sequence: u64, sent_ms: u64, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + payload.len() + TAG);
        bytes.extend_from_slice(MARK);
        bytes.push(kind as u8);
        bytes.extend_from_slice(&sender);
        bytes.extend_from_slice(&sequence.to_be_bytes());
        bytes.extend_from_slice(&sent_ms.to_be_bytes());
        bytes.extend_from_slice(payload);
        let tag = hmac::sign(&self.key, &bytes);
        bytes.extend_from_slice(tag.as_ref().get(..TAG).unwrap_or_default());
        bytes
    }

    pub fn heartbeat(&self, sender: SenderId, sequence: u64, sent_ms: u64) -> Vec<u8> {
        self.seal(Kind::Heartbeat, sender, sequence, sent_ms, &[])
    }

    /// As many datagrams as the changes need; `sequence` numbers them.
    pub fn counters(
        &self,
        sender: SenderId,
        mut sequence: impl FnMut() -> u64,
        sent_ms: u64,
        changes: &[Change],
    ) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        let mut payload = Vec::new();
        for change in changes {
            if payload.len() + CHANGE_BYTES_MAX + HEAD + TAG > BYTES_MAX {
                datagrams.push(self.seal(Kind::Counters, sender, sequence(), sent_ms, &payload));
                payload.clear();
            }
            write(change, &mut payload);
        }
        if !payload.is_empty() {
            datagrams.push(self.seal(Kind::Counters, sender, sequence(), sent_ms, &payload));
        }
        datagrams
    }

    /// Verifies and reads a datagram; `None` for anything that is not whole and of this group.
    pub fn open(&self, bytes: &[u8]) -> Option<Message> {
        let (sealed, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG)?)?;
        let expected = hmac::sign(&self.key, sealed);
        aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_ref().get(..TAG)?, tag).ok()?;
        let mut input = Input(sealed.strip_prefix(MARK)?);
        let kind = match input.byte()? {
            1 => Kind::Heartbeat,
            2 => Kind::Counters,
            _ => return None,
        };
        let sender = input.array()?;
        let sequence = u64::from_be_bytes(input.array()?);
        let sent_ms = u64::from_be_bytes(input.array()?);
        let mut changes = Vec::new();
        while !input.0.is_empty() {
            changes.push(read(&mut input)?);
        }
        Some(Message { kind, sender, sequence, sent_ms, changes })
    }
}

fn write(change: &Change, out: &mut Vec<u8>) {
    out.extend_from_slice(&change.id);
    out.extend_from_slice(&u32::try_from(change.period.as_millis()).unwrap_or(u32::MAX).to_be_bytes());
    // One an age, of which there are 65.
    let count = change.calls.len().min(usize::from(u8::MAX));
    out.push(count as u8);
    for (age, calls) in change.calls.iter().take(count) {
        out.push(*age);
        out.extend_from_slice(&calls.to_be_bytes());
    }
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }
}

fn read(input: &mut Input<'_>) -> Option<Change> {
    let id: CounterId = input.array()?;
    let period = Duration::from_millis(u64::from(u32::from_be_bytes(input.array()?)));
    let count = input.byte()?;
    let calls: Option<Vec<_>> =
        (0..count).map(|_| Some((input.byte()?, u32::from_be_bytes(input.array()?)))).collect();
    Some(Change { id, period, calls: calls? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn change(number: u8) -> Change {
        let calls = (0..number % 65).map(|age| (age, u32::from(number) + 1)).collect();
        Change { id: [number; 16], period: Duration::from_mins(5), calls }
    }

    #[test]
    fn open_gives_back_what_was_sealed_in_small_datagrams() {
        let group = Group::new(b"secret", "gw");
        let changes: Vec<_> = (0..100).map(change).collect();
        let mut numbers = 0..;
        let datagrams = group.counters([7; 16], || numbers.next().unwrap(), 5, &changes);
        assert!(datagrams.len() > 1 && datagrams.iter().all(|bytes| bytes.len() <= BYTES_MAX));
        let opened: Vec<_> = datagrams.iter().map(|bytes| group.open(bytes).unwrap()).collect();
        assert!(opened.iter().all(|message| (message.sender, message.sent_ms) == ([7; 16], 5)));
        assert!(opened.windows(2).all(|pair| pair[0].sequence < pair[1].sequence));
        assert_eq!(opened.into_iter().flat_map(|message| message.changes).collect::<Vec<_>>(), changes);
    }

    #[test]
    fn open_of_others_or_changed_is_nothing() {
        let group = Group::new(b"secret", "gw");
        let bytes = group.counters([7; 16], || 1, 5, &[change(3)]).remove(0);
        assert!(group.open(&bytes).is_some());
        assert!(Group::new(b"secret", "other").open(&bytes).is_none());
        assert!(Group::new(b"other", "gw").open(&bytes).is_none());
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(group.open(&changed).is_none(), "byte {at}");
            assert!(group.open(&bytes[..at]).is_none(), "cut at {at}");
        }
    }

    proptest! {
        #[test]
        fn open_sealed_nonsense_is_nothing_or_a_message(payload in proptest::collection::vec(any::<u8>(), 0..80)) {
            let group = Group::new(b"secret", "gw");
            let bytes = group.seal(Kind::Counters, [1; 16], 1, 1, &payload);
            if let Some(message) = group.open(&bytes) {
                let mut written = Vec::new();
                message.changes.iter().for_each(|change| write(change, &mut written));
                prop_assert_eq!(written, payload);
            }
        }
    }
}
