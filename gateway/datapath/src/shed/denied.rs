//! Denied IPv4 prefixes once more: the hash that `gateway_common::prefixes` reads, which takes as much room as its entries need.
//!
//! A copy of it all is kept here, and each change goes to the kernel a bucket at a time. A program that reads meanwhile
//! finds an entry at its old place or at its new one: what is moved is copied first, and taken away last.

use std::io;

use gateway_common::map::{PrefixBucket, prefix_buckets};
use gateway_common::prefixes::{buckets, entry, name_of};

use crate::kernel::Map;

/// Where the programs read.
pub trait Readers {
    fn write(&self, changed: &[(u32, PrefixBucket)]) -> io::Result<()>;
    fn read(&self, bucket: u32) -> io::Result<PrefixBucket>;
    fn use_mask(&self, mask: u32) -> io::Result<()>;
}

/// The maps `DENY4_BUCKETS` and `DENY4_MASK`.
#[derive(Debug)]
pub struct InKernel {
    pub buckets: Map<PrefixBucket>,
    pub mask: Map<u32>,
}

impl Readers for InKernel {
    fn write(&self, changed: &[(u32, PrefixBucket)]) -> io::Result<()> {
        self.buckets.update_all(changed)
    }

    fn read(&self, bucket: u32) -> io::Result<PrefixBucket> {
        self.buckets.get(&bucket)
    }

    fn use_mask(&self, mask: u32) -> io::Result<()> {
        self.mask.update(&0_u32, &mask)
    }
}

/// Names of prefixes with their rules.
#[derive(Debug)]
pub struct Denied<R> {
    readers: R,
    buckets: Vec<PrefixBucket>,
    entries: u32,
    entries_max: u32,
}

/// In use from the beginning.
const BUCKETS_MIN: u32 = 16;
/// Entries for each bucket before there are more of them: a half of its places.
const FILLED: u32 = 4;

impl<R: Readers> Denied<R> {
    pub fn new(readers: R, entries_max: u32) -> io::Result<Self> {
        let buckets = BUCKETS_MIN.min(prefix_buckets(entries_max));
        readers.use_mask(buckets - 1)?;
        let buckets = vec![PrefixBucket::default(); buckets as usize];
        Ok(Self { readers, buckets, entries: 0, entries_max })
    }

    /// Adds an entry, or changes its rule. Error: there is no room, or the kernel refuses.
    pub fn put(&mut self, name: u64, rule: u32) -> io::Result<()> {
        if let Some((bucket, place)) = self.find(name) {
            return self.set(bucket, place, entry(name, rule));
        }
        if self.entries == self.entries_max {
            return Err(no_room());
        }
        if self.entries >= self.count() * FILLED {
            self.double()?;
        }
        let (bucket, place) = self.room_for(name).ok_or_else(no_room)?;
        self.set(bucket, place, entry(name, rule))?;
        self.entries += 1;
        Ok(())
    }

    /// Fine if there is none.
    pub fn remove(&mut self, name: u64) -> io::Result<()> {
        if let Some((bucket, place)) = self.find(name) {
            self.set(bucket, place, 0)?;
            self.entries -= 1;
        }
        Ok(())
    }

    /// What the kernel has.
    pub fn rule(&self, name: u64) -> io::Result<Option<u32>> {
        for bucket in buckets(name, self.count() - 1) {
            if let Some(rule) = self.readers.read(bucket)?.rule(name) {
                return Ok(Some(rule));
            }
        }
        Ok(None)
    }

    fn count(&self) -> u32 {
        self.buckets.len() as u32
    }

    fn find(&self, name: u64) -> Option<(u32, usize)> {
        buckets(name, self.count() - 1).into_iter().find_map(|number| {
            let place = self.bucket(number).0.iter().position(|entry| name_of(*entry) == name)?;
            Some((number, place))
        })
    }

    /// In the emptier one of its two buckets. That fills them so evenly that none is full while half of all places are free.
    fn room_for(&self, name: u64) -> Option<(u32, usize)> {
        let filled = |number: &u32| self.bucket(*number).0.iter().filter(|entry| **entry != 0).count();
        let number = buckets(name, self.count() - 1).into_iter().min_by_key(filled)?;
        let place = self.bucket(number).0.iter().position(|entry| *entry == 0)?;
        Some((number, place))
    }

    fn bucket(&self, number: u32) -> &PrefixBucket {
        &self.buckets[number as usize]
    }

    fn set(&mut self, number: u32, place: usize, entry: u64) -> io::Result<()> {
        let mut bucket = *self.bucket(number);
        bucket.0[place] = entry;
        self.readers.write(&[(number, bucket)])?;
        self.buckets[number as usize] = bucket;
        Ok(())
    }

    /// Twice as many buckets, unless there are no more.
    fn double(&mut self) -> io::Result<()> {
        let count = self.count();
        if count == prefix_buckets(self.entries_max) {
            return Ok(());
        }
        let mut stay = self.buckets.clone();
        let mut go = vec![PrefixBucket::default(); stay.len()];
        for (number, (stay, go)) in (0..).zip(stay.iter_mut().zip(&mut go)) {
            for (stay, go) in stay.0.iter_mut().zip(&mut go.0) {
                let after = buckets(name_of(*stay), count * 2 - 1);
                if *stay != 0 && !after.contains(&number) {
                    std::mem::swap(stay, go);
                }
            }
        }
        self.readers.write(&numbered(count, &go))?;
        self.readers.use_mask(count * 2 - 1)?;
        self.buckets.extend(go);
        // A reader that still goes by the old mask has long finished, and would let a packet pass.
        self.readers.write(&numbered(0, &stay))?;
        self.buckets[..stay.len()].copy_from_slice(&stay);
        Ok(())
    }
}

fn numbered(first: u32, buckets: &[PrefixBucket]) -> Vec<(u32, PrefixBucket)> {
    (first..).zip(buckets.iter().copied()).collect()
}

fn no_room() -> io::Error {
    io::Error::from_raw_os_error(libc::ENOSPC)
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;

    use gateway_common::prefixes::name;

    use super::*;

    /// What the programs see; every name in `watched` is there at each moment.
    struct Memory {
        buckets: RefCell<Vec<PrefixBucket>>,
        mask: Cell<u32>,
        watched: RefCell<BTreeMap<u64, u32>>,
    }

    impl Memory {
        fn new(entries_max: u32) -> Self {
            let buckets = vec![PrefixBucket::default(); prefix_buckets(entries_max) as usize];
            Self { buckets: RefCell::new(buckets), mask: Cell::new(0), watched: RefCell::default() }
        }

        fn look(&self, name: u64) -> Option<u32> {
            let kept = self.buckets.borrow();
            buckets(name, self.mask.get()).into_iter().find_map(|number| kept[number as usize].rule(name))
        }

        fn check(&self) {
            for (name, rule) in &*self.watched.borrow() {
                assert_eq!(self.look(*name), Some(*rule), "{name:x}");
            }
        }
    }

    impl Readers for &Memory {
        fn write(&self, changed: &[(u32, PrefixBucket)]) -> io::Result<()> {
            for (number, bucket) in changed {
                self.buckets.borrow_mut()[*number as usize] = *bucket;
                if changed.len() < 100 {
                    self.check();
                }
            }
            self.check();
            Ok(())
        }

        fn read(&self, bucket: u32) -> io::Result<PrefixBucket> {
            Ok(self.buckets.borrow()[bucket as usize])
        }

        fn use_mask(&self, mask: u32) -> io::Result<()> {
            self.mask.set(mask);
            self.check();
            Ok(())
        }
    }

    #[test]
    fn put_many_all_are_found_at_every_moment() {
        let memory = Memory::new(1000);
        let mut denied = Denied::new(&memory, 1000).unwrap();
        for number in 0..1000_u32 {
            let (name, rule) = (name((number * 77_777).to_be(), number % 3), number % 1000);
            if denied.find(name).is_none() {
                denied.put(name, rule).unwrap();
                memory.watched.borrow_mut().insert(name, rule);
            }
        }
        let all = memory.watched.borrow().clone();
        assert!(all.len() > 950);
        for (name, rule) in &all {
            assert_eq!(denied.rule(*name).unwrap(), Some(*rule));
            memory.watched.borrow_mut().remove(name);
            denied.remove(*name).unwrap();
            denied.remove(*name).unwrap();
            assert_eq!((denied.rule(*name).unwrap(), memory.look(*name)), (None, None));
        }
        assert_eq!(denied.entries, 0);
        assert!(memory.buckets.borrow().iter().all(|bucket| *bucket == PrefixBucket::default()));
    }

    #[test]
    fn put_beyond_the_room_is_refused_and_a_change_is_not() {
        for room in [1, 4, 5, 64, 100] {
            let memory = Memory::new(room);
            let mut denied = Denied::new(&memory, room).unwrap();
            for number in 0..room {
                denied.put(name(number.to_be(), 0), 16).unwrap();
            }
            let refused = denied.put(name(room.to_be(), 0), 16).unwrap_err();
            assert_eq!(refused.raw_os_error(), Some(libc::ENOSPC));
            denied.put(name(0, 0), 17).unwrap();
            assert_eq!(memory.look(name(0, 0)), Some(17));
            denied.remove(name(0, 0)).unwrap();
            denied.put(name(room.to_be(), 0), 16).unwrap();
        }
    }

    #[test]
    fn put_a_million_fits() {
        let room = 1 << 20;
        let memory = Memory::new(room);
        let mut denied = Denied::new(&memory, room).unwrap();
        for number in 0..room {
            denied.put(name(number.wrapping_mul(2_654_435_761).to_be(), 0), 16).unwrap();
        }
    }
}
