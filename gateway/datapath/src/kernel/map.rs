//! Maps: single updates, and batched reads of per-CPU arrays.

use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use gateway_common::map::Plain;

use super::bpf::{Attribute, Command, call, map_entries, map_sizes};

/// `BPF_ANY`.
const ANY: u64 = 0;

/// A map of `V` under keys that the caller knows.
#[derive(Debug)]
pub struct Map<V> {
    fd: OwnedFd,
    value: PhantomData<V>,
}

#[repr(C)]
struct ElementAttribute {
    map_fd: u32,
    pad: u32,
    key: u64,
    value: u64,
    flags: u64,
}
// SAFETY: as the element commands' part of `union bpf_attr`.
unsafe impl Attribute for ElementAttribute {}

#[repr(C)]
struct BatchAttribute {
    in_batch: u64,
    out_batch: u64,
    keys: u64,
    values: u64,
    count: u32,
    map_fd: u32,
    elem_flags: u64,
    flags: u64,
}
// SAFETY: as `struct { ... } batch` of `union bpf_attr`.
unsafe impl Attribute for BatchAttribute {}

impl<V: Copy> Map<V> {
    /// Another descriptor of the same map.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self::new(self.fd.try_clone()?))
    }

    /// `V` has the size of the map's values: the object was built from the same `gateway_common`.
    pub fn new(fd: OwnedFd) -> Self {
        Self { fd, value: PhantomData }
    }

    /// Sets the value under `key`, which has the size of the map's keys.
    pub fn update<K: Copy>(&self, key: &K, value: &V) -> io::Result<()> {
        self.element(Command::MapUpdate, key, std::ptr::from_ref(value) as u64, ANY)
    }

    /// Refuses a map whose keys or values have another size than ours: it came from another process.
    pub fn expect_sizes(&self, key: usize) -> io::Result<()> {
        let found = map_sizes(self.fd.as_fd())?;
        if found == (key as u32, size_of::<V>() as u32) {
            return Ok(());
        }
        Err(io::Error::other(format!("a map of {found:?} bytes, not of {key} and {}", size_of::<V>())))
    }

    /// How many entries it has room for.
    pub fn entries(&self) -> io::Result<u32> {
        map_entries(self.fd.as_fd())
    }

    /// Removes the entry under `key`, which has the size of the map's keys; fine if there is none.
    pub fn delete<K: Copy>(&self, key: &K) -> io::Result<()> {
        match self.element(Command::MapDelete, key, 0, ANY) {
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
            other => other,
        }
    }

    fn element<K: Copy>(&self, command: Command, key: &K, value: u64, flags: u64) -> io::Result<()> {
        let mut attribute = ElementAttribute {
            map_fd: self.fd.as_raw_fd() as u32,
            pad: 0,
            key: std::ptr::from_ref(key) as u64,
            value,
            flags,
        };
        call(command, &mut attribute).map(drop)
    }

    /// Sets many values in one call (Linux 5.6).
    pub fn update_all<K: Copy>(&self, entries: &[(K, V)]) -> io::Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let (keys, values): (Vec<K>, Vec<V>) = entries.iter().copied().unzip();
        let mut attribute = BatchAttribute {
            in_batch: 0,
            out_batch: 0,
            keys: keys.as_ptr() as u64,
            values: values.as_ptr() as u64,
            count: entries.len() as u32,
            map_fd: self.fd.as_raw_fd() as u32,
            elem_flags: 0,
            flags: 0,
        };
        call(Command::MapUpdateBatch, &mut attribute).map(drop)
    }
}

impl<V: Plain + Default> Map<V> {
    /// The value under `key`, which has the size of the map's keys. Not for per-CPU maps.
    pub fn get<K: Copy>(&self, key: &K) -> io::Result<V> {
        let mut value = V::default();
        self.element(Command::MapLookup, key, std::ptr::from_mut(&mut value) as u64, ANY)?;
        Ok(value)
    }

    /// The first `count` entries of a per-CPU array, each with its values on all possible CPUs, in one call.
    pub fn per_cpu(&self, count: u32) -> io::Result<Vec<Vec<V>>> {
        const { assert!(size_of::<V>().is_multiple_of(8), "the kernel rounds per-CPU values up to 8 bytes") };
        let cpus = aya::util::nr_cpus().map_err(|(_, error)| error)?;
        let mut keys = vec![0_u32; count as usize];
        let mut values = vec![V::default(); count as usize * cpus];
        let mut cursor = 0_u32;
        let mut attribute = BatchAttribute {
            in_batch: 0,
            out_batch: std::ptr::from_mut(&mut cursor) as u64,
            keys: keys.as_mut_ptr() as u64,
            values: values.as_mut_ptr() as u64,
            count,
            map_fd: self.fd.as_raw_fd() as u32,
            elem_flags: 0,
            flags: 0,
        };
        match call(Command::MapLookupBatch, &mut attribute) {
            // The end of the map, reached exactly.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {}
            other => drop(other?),
        }
        if attribute.count != count {
            return Err(io::Error::other(format!("{} entries of {count} read", attribute.count)));
        }
        Ok(values.chunks_exact(cpus).map(<[V]>::to_vec).collect())
    }

    /// The same, summed over CPUs, for values that are nothing but counters.
    pub fn totals(&self, count: u32) -> io::Result<Vec<V>> {
        let sum = |values: &Vec<V>| {
            let mut sum = V::default();
            for value in values {
                add(&mut sum, value);
            }
            sum
        };
        Ok(self.per_cpu(count)?.iter().map(sum).collect())
    }
}

/// Adds word by word.
fn add<V: Plain>(sum: &mut V, one: &V) {
    const { assert!(size_of::<V>().is_multiple_of(8) && align_of::<V>() == 8, "counters of 64 bits") };
    let words = size_of::<V>() / 8;
    // SAFETY: `Plain` has no padding and takes every bit pattern; length and alignment are asserted above.
    let (sum, one) = unsafe {
        let sum = std::slice::from_raw_parts_mut(std::ptr::from_mut(sum).cast::<u64>(), words);
        (sum, std::slice::from_raw_parts(std::ptr::from_ref(one).cast::<u64>(), words))
    };
    for (sum, one) in sum.iter_mut().zip(one) {
        *sum = sum.wrapping_add(*one);
    }
}

impl<V> AsFd for Map<V> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
