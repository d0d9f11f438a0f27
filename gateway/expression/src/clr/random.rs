//! `System.Random`: the subtractive generator that .NET keeps for seeded instances (expressions.md §6.2).

use std::hash::{BuildHasher, Hasher, RandomState};

use super::exception::{Error, Result};

const BIG: i32 = i32::MAX;
const SEED: i32 = 161_803_398;
const SIZE: usize = 55;

/// A generator of numbers that are not for secrets.
#[derive(Debug, Clone)]
pub struct Random {
    /// A ring of which each number is the difference of two older ones.
    ring: [i32; SIZE],
    next: usize,
    behind: usize,
}

impl Random {
    /// `new Random(seed)`.
    pub fn new(seed: i32) -> Self {
        let mut ring = [0; SIZE];
        let mut older = SEED - if seed == i32::MIN { i32::MAX } else { seed.abs() };
        let mut newer: i32 = 1;
        let last = SIZE - 1;
        ring[last] = older;
        let mut place = 0;
        for _ in 1..SIZE {
            place = (place + 21) % SIZE;
            // The ring is counted from 1 in the original, hence the shift.
            let slot = (place + last) % SIZE;
            ring[slot] = newer;
            newer = wrapped(older - newer);
            older = ring[slot];
        }
        for _ in 1..5 {
            for place in 0..SIZE {
                let other = (place + 31) % SIZE;
                ring[place] = wrapped(ring[place].wrapping_sub(ring[other]));
            }
        }
        Self { ring, next: 0, behind: 21 }
    }

    /// `new Random()`: seeded from the operating system.
    pub fn from_entropy() -> Self {
        Self::new(RandomState::new().build_hasher().finish() as i32)
    }

    fn sample(&mut self) -> i32 {
        let mut value = self.ring[self.next].wrapping_sub(self.ring[self.behind]);
        if value == BIG {
            value -= 1;
        }
        let value = wrapped(value);
        self.ring[self.next] = value;
        self.next = (self.next + 1) % SIZE;
        self.behind = (self.behind + 1) % SIZE;
        value
    }

    /// `NextDouble()`: from 0 up to below 1.
    pub fn next_double(&mut self) -> f64 {
        f64::from(self.sample()) * (1.0 / f64::from(BIG))
    }

    /// `Next()`: from 0 up to below `int.MaxValue`.
    pub fn next_int(&mut self) -> i32 {
        self.sample()
    }

    /// `Next(max)`.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException` for a negative bound.
    pub fn next_below(&mut self, max: i32) -> Result<i32> {
        if max < 0 {
            return Err(Error::out_of_range("'maxValue' must be greater than zero.", "maxValue"));
        }
        Ok((self.next_double() * f64::from(max)) as i32)
    }

    /// `Next(min, max)`.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException` when `min` is above `max`.
    pub fn next_between(&mut self, min: i32, max: i32) -> Result<i32> {
        if min > max {
            return Err(Error::out_of_range("'minValue' cannot be greater than maxValue.", "minValue"));
        }
        let range = i64::from(max) - i64::from(min);
        let sample = if range <= i64::from(i32::MAX) { self.next_double() } else { self.wide_sample() };
        Ok(((sample * range as f64) as i64 + i64::from(min)) as i32)
    }

    /// A number from 0 up to below 1 that reaches all of a range wider than `int.MaxValue`.
    fn wide_sample(&mut self) -> f64 {
        let size = self.sample();
        let signed = if self.sample() % 2 == 0 { -size } else { size };
        (f64::from(signed) + f64::from(BIG - 1)) / (2.0 * f64::from(BIG) - 1.0)
    }

    /// `NextBytes(bytes)`.
    pub fn next_bytes(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.sample() as u8;
        }
    }
}

fn wrapped(value: i32) -> i32 {
    if value < 0 { value.wrapping_add(BIG) } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clr::number::format::double_text;

    fn run(seed: i32) -> String {
        let mut random = Random::new(seed);
        let first = (random.next_int(), random.next_below(100).unwrap(), random.next_between(-5, 5).unwrap());
        let wide = random.next_between(i32::MIN, i32::MAX).unwrap();
        let double = double_text(random.next_double());
        let last = (random.next_below(0).unwrap(), random.next_between(7, 7).unwrap());
        format!("{},{},{},{wide},{double},{},{}", first.0, first.1, first.2, last.0, last.1)
    }

    #[test]
    fn seeded_numbers_are_those_of_dotnet() {
        let table = [
            (0, "1559595546,81,2,1198642030,0.5588847946184151,0,7"),
            (42, "1434747710,14,-4,-1122627736,0.26259267528662117,0,7"),
            (-42, "1434747710,14,-4,-1122627736,0.26259267528662117,0,7"),
            (i32::MIN, "1559595546,81,2,1198642030,0.5588847936870925,0,7"),
            (i32::MAX, "1559595546,81,2,1198642030,0.5588847936870925,0,7"),
            (161_803_398, "1639093931,17,2,-12808403,0.18487275307293644,0,7"),
            (12345, "143337951,7,2,1097663220,0.827308291023275,0,7"),
        ];
        for (seed, expected) in table {
            assert_eq!(run(seed), expected, "{seed}");
        }
        let mut bytes = [0; 5];
        Random::new(9).next_bytes(&mut bytes);
        assert_eq!(bytes, [0xA2, 0xEA, 0x84, 0x1C, 0x5C]);
        assert_eq!(Random::new(42).next_below(100), Ok(66));
    }

    #[test]
    fn bounds_are_checked_with_dotnet_texts() {
        let mut random = Random::from_entropy();
        let error = random.next_below(-1).unwrap_err();
        assert_eq!(error.message, "'maxValue' must be greater than zero. (Parameter 'maxValue')");
        let error = random.next_between(5, 4).unwrap_err();
        assert_eq!(error.message, "'minValue' cannot be greater than maxValue. (Parameter 'minValue')");
    }
}
