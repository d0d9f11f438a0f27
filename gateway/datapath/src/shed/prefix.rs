//! Networks as people write them, and the same as keys of the tries.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An address with the number of its leading bits that count; the others are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix {
    address: IpAddr,
    bits: u8,
}

/// Why a text is no prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    #[error("`{0}` is no address and no network such as 203.0.113.0/24 or 2001:db8::/32")]
    Syntax(String),
    #[error("`{text}` has bits set behind its first {bits}: `{network}` is meant?")]
    HostBits { text: String, bits: u8, network: Prefix },
}

impl Prefix {
    /// The network of the first `bits` bits around `address`, at most all of them.
    pub fn around(address: IpAddr, bits: u8) -> Self {
        match address {
            IpAddr::V4(v4) => {
                let bits = bits.min(32);
                let word = u32::from(v4) & u32::MAX.checked_shl(u32::from(32 - bits)).unwrap_or(0);
                Self { address: IpAddr::V4(Ipv4Addr::from(word)), bits }
            }
            IpAddr::V6(v6) => {
                let bits = bits.min(128);
                let word = u128::from(v6) & u128::MAX.checked_shl(u32::from(128 - bits)).unwrap_or(0);
                Self { address: IpAddr::V6(Ipv6Addr::from(word)), bits }
            }
        }
    }

    /// One address. A mapped one (RFC 4291 §2.5.5.2) is the IPv4 address that packets carry.
    pub fn host(address: IpAddr) -> Self {
        Self::around(address.to_canonical(), 128)
    }

    pub fn address(self) -> IpAddr {
        self.address
    }

    pub fn bits(self) -> u8 {
        self.bits
    }

    /// True when every address of `other` is in this one.
    pub fn covers(self, other: Self) -> bool {
        self.address.is_ipv4() == other.address.is_ipv4()
            && self.bits <= other.bits
            && Self::around(other.address, self.bits) == self
    }

    /// True when they share an address.
    pub fn overlaps(self, other: Self) -> bool {
        self.covers(other) || other.covers(self)
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let syntax = || PrefixError::Syntax(text.to_owned());
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| syntax())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => return Ok(Self::host(address)),
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                bits.parse().map_err(|_| syntax())?
            }
            Some(_) => return Err(syntax()),
        };
        if bits > most {
            return Err(syntax());
        }
        let network = Self::around(address, bits);
        if network.address != address {
            return Err(PrefixError::HostBits { text: text.to_owned(), bits, network });
        }
        Ok(network)
    }
}

impl TryFrom<String> for Prefix {
    type Error = PrefixError;

    fn try_from(text: String) -> Result<Self, PrefixError> {
        text.parse()
    }
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> Self {
        prefix.to_string()
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = if self.address.is_ipv4() { 32 } else { 128 };
        if self.bits == whole {
            write!(formatter, "{}", self.address)
        } else {
            write!(formatter, "{}/{}", self.address, self.bits)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    #[test]
    fn prefix_reads_back_as_written() {
        for text in ["203.0.113.7", "203.0.113.0/24", "0.0.0.0/0", "2001:db8::/32", "::/0", "2001:db8::1"] {
            assert_eq!(prefix(text).to_string(), text);
        }
        assert_eq!(prefix("203.0.113.7/32").to_string(), "203.0.113.7");
        assert_eq!(prefix("::ffff:203.0.113.7").to_string(), "203.0.113.7");
    }

    #[test]
    fn prefix_that_is_none_is_refused() {
        for text in
            ["", "203.0.113", "203.0.113.0/33", "2001:db8::/129", "203.0.113.0/+8", "203.0.113.0/", "x/8"]
        {
            assert_eq!(text.parse::<Prefix>(), Err(PrefixError::Syntax(text.to_owned())), "{text}");
        }
        let error = "203.0.113.7/24".parse::<Prefix>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`203.0.113.7/24` has bits set behind its first 24: `203.0.113.0/24` is meant?"
        );
    }

    #[test]
    fn covers_and_overlaps_by_table() {
        let table = [
            ("203.0.113.0/24", "203.0.113.7", true, true),
            ("203.0.113.7", "203.0.113.0/24", false, true),
            ("203.0.113.0/24", "203.0.114.0/24", false, false),
            ("0.0.0.0/0", "203.0.113.0/24", true, true),
            ("::/0", "203.0.113.0/24", false, false),
            ("2001:db8::/32", "2001:db8:1::/48", true, true),
        ];
        for (left, right, covers, overlaps) in table {
            let (left, right) = (prefix(left), prefix(right));
            assert_eq!((left.covers(right), left.overlaps(right)), (covers, overlaps), "{left} {right}");
            assert_eq!(right.overlaps(left), overlaps);
        }
    }
}
