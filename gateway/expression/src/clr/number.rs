//! Numbers as .NET prints, reads, rounds and converts them (expressions.md §6.2), invariant culture.
//!
//! Integers of every width travel as `i128` beside their [`IntegerType`], so that one function serves
//! `sbyte` to `ulong`.

pub mod convert;
mod custom;
pub mod decimal;
mod digits;
pub mod format;
pub mod math;
pub mod parse;
mod standard;

use super::exception::{Error, Result};

/// The eight integral CLR types (`char` converts as `UInt16` and is not listed).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IntegerType {
    /// `sbyte`
    SByte,
    /// `byte`
    Byte,
    /// `short`
    Int16,
    /// `ushort`
    UInt16,
    /// `int`
    Int32,
    /// `uint`
    UInt32,
    /// `long`
    Int64,
    /// `ulong`
    UInt64,
}

impl IntegerType {
    /// Every type, narrow before wide.
    pub const ALL: [Self; 8] = [
        Self::SByte,
        Self::Byte,
        Self::Int16,
        Self::UInt16,
        Self::Int32,
        Self::UInt32,
        Self::Int64,
        Self::UInt64,
    ];

    /// Width in bits.
    pub fn bits(self) -> u32 {
        match self {
            Self::SByte | Self::Byte => 8,
            Self::Int16 | Self::UInt16 => 16,
            Self::Int32 | Self::UInt32 => 32,
            Self::Int64 | Self::UInt64 => 64,
        }
    }

    /// Whether the type holds negative values.
    pub fn is_signed(self) -> bool {
        matches!(self, Self::SByte | Self::Int16 | Self::Int32 | Self::Int64)
    }

    /// Smallest value.
    pub fn min(self) -> i128 {
        if self.is_signed() { -(1 << (self.bits() - 1)) } else { 0 }
    }

    /// Largest value.
    pub fn max(self) -> i128 {
        if self.is_signed() { (1 << (self.bits() - 1)) - 1 } else { (1 << self.bits()) - 1 }
    }

    /// The value, or `OverflowException` with this type's text.
    pub fn check(self, value: i128) -> Result<i128> {
        if (self.min()..=self.max()).contains(&value) { Ok(value) } else { Err(self.overflow()) }
    }

    /// The low bits of a value, as an unchecked cast keeps them.
    pub fn wrap(self, value: i128) -> i128 {
        match self {
            Self::SByte => i128::from(value as i8),
            Self::Byte => i128::from(value as u8),
            Self::Int16 => i128::from(value as i16),
            Self::UInt16 => i128::from(value as u16),
            Self::Int32 => i128::from(value as i32),
            Self::UInt32 => i128::from(value as u32),
            Self::Int64 => i128::from(value as i64),
            Self::UInt64 => i128::from(value as u64),
        }
    }

    /// The `OverflowException` of parsing and converting.
    pub fn overflow(self) -> Error {
        let name = match self {
            Self::SByte => "a signed byte",
            Self::Byte => "an unsigned byte",
            Self::Int16 => "an Int16",
            Self::UInt16 => "a UInt16",
            Self::Int32 => "an Int32",
            Self::UInt32 => "a UInt32",
            Self::Int64 => "an Int64",
            Self::UInt64 => "a UInt64",
        };
        Error::overflow(format!("Value was either too large or too small for {name}."))
    }
}

#[cfg(test)]
mod tests;
