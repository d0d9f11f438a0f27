//! `Uri.GetComponents`, `Uri.Compare` and the small predicates on names.

use super::{HostKind, Uri, authority, escape};
use crate::clr::encoding::unescape_data_string;
use crate::clr::exception::{Error, Result};

/// `UriFormat`, with .NET's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UriFormat {
    /// Escaped as on the wire.
    Escaped = 1,
    /// Nothing escaped.
    Unescaped = 2,
    /// Unescaped where that cannot change the meaning.
    SafeUnescaped = 3,
}

impl UriFormat {
    /// By its number.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`.
    pub fn by_number(number: i64) -> Result<Self> {
        match number {
            1 => Ok(Self::Escaped),
            2 => Ok(Self::Unescaped),
            0 | 3 => Ok(Self::SafeUnescaped),
            _ => Err(Error::out_of_range_for("format")),
        }
    }

    fn apply(self, text: &str) -> String {
        match self {
            Self::Escaped => text.to_owned(),
            Self::Unescaped => unescape_data_string(text),
            Self::SafeUnescaped => escape::display(text),
        }
    }
}

const SCHEME: u32 = 1;
const USER_INFO: u32 = 2;
const HOST: u32 = 4;
const PORT: u32 = 8;
const PATH: u32 = 0x10;
const QUERY: u32 = 0x20;
const FRAGMENT: u32 = 0x40;
const STRONG_PORT: u32 = 0x80;
const NORMALIZED_HOST: u32 = 0x100;
const ALL: u32 = 0x7f;
/// `UriComponents.SerializationInfoString`.
const SERIALIZATION: u32 = 0x8000_0000;

impl Uri {
    /// `GetComponents(components, format)`: `components` are the bits of `UriComponents`. A part asked for alone comes
    /// without its delimiter.
    ///
    /// # Errors
    /// `InvalidOperationException` for a relative URI; `ArgumentOutOfRangeException`.
    pub fn components(&self, components: u32, format: UriFormat) -> Result<String> {
        let wanted = if components & SERIALIZATION == 0 {
            components
        } else if components == SERIALIZATION {
            if self.parts.is_none() {
                return Ok(self.original.clone());
            }
            ALL
        } else {
            let text = "UriComponents.SerializationInfoString must not be combined with other UriComponents.";
            return Err(Error::out_of_range(text, "components"));
        };
        let parts = self.parts()?;
        let shows_port = parts.port >= 0 && (wanted & STRONG_PORT != 0 || parts.port != parts.default_port);
        if wanted == PORT || wanted == STRONG_PORT {
            return Ok(if shows_port { parts.port.to_string() } else { String::new() });
        }
        let mut made = String::new();
        if wanted & SCHEME != 0 {
            made += if wanted == SCHEME { parts.scheme.clone() } else { parts.scheme_part() }.as_str();
        }
        if wanted & USER_INFO != 0 {
            let user = format.apply(&parts.user_info);
            made += if wanted == USER_INFO { user.trim_end_matches('@') } else { &user };
        }
        if wanted & (HOST | NORMALIZED_HOST) != 0 {
            made += &parts.host;
        }
        if wanted & (PORT | STRONG_PORT) != 0 && shows_port {
            made.push(':');
            made += &parts.port.to_string();
        }
        let mut part = |bit: u32, text: &str, delimiter: char| {
            if wanted & bit != 0 {
                let text = format.apply(text);
                made += if wanted == bit { text.strip_prefix(delimiter).unwrap_or(&text) } else { &text };
            }
        };
        part(PATH, &parts.path, '/');
        part(QUERY, &parts.query, '?');
        part(FRAGMENT, &parts.fragment, '#');
        Ok(made)
    }

    /// `IsUnc`: a file of another machine.
    ///
    /// # Errors
    /// `InvalidOperationException` for a relative URI.
    pub fn is_unc(&self) -> Result<bool> {
        let parts = self.parts()?;
        Ok(parts.scheme == "file" && !parts.host.is_empty())
    }
}

/// `Uri.CheckHostName(name)`.
pub fn check_host_name(name: &str) -> HostKind {
    let is_ipv6 = |text: &str| text.parse::<std::net::Ipv6Addr>().is_ok();
    let inner = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if is_ipv6(inner.unwrap_or(name)) {
        return HostKind::Ipv6;
    }
    match authority::name(name) {
        Ok((_, kind @ (HostKind::Dns | HostKind::Ipv4))) => kind,
        _ => HostKind::Unknown,
    }
}

/// `Uri.CheckSchemeName(schemeName)`.
pub fn check_scheme_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// `Uri.HexUnescape` at a place counted in UTF-16 units: the character, and how many units it took.
pub fn hex_unescape(units: &[u16], at: usize) -> Option<(u16, usize)> {
    let digit = |place: usize| {
        let unit = units.get(place).and_then(|unit| u8::try_from(*unit).ok())?;
        char::from(unit).to_digit(16).map(|digit| digit as u16)
    };
    let first = *units.get(at)?;
    Some(match (digit(at + 1), digit(at + 2)) {
        (Some(high), Some(low)) if first == u16::from(b'%') => (high * 16 + low, 3),
        _ => (first, 1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_with_their_delimiters_unless_alone() {
        let uri = Uri::parse("https://u:p@h.com:8443/p%20a/b?q=1#f").unwrap();
        let of = |bits: u32| uri.components(bits, UriFormat::Escaped).unwrap();
        assert_eq!(of(SCHEME), "https");
        assert_eq!(of(PATH), "p%20a/b");
        assert_eq!(of(PATH | QUERY), "/p%20a/b?q=1");
        assert_eq!(of(QUERY), "q=1");
        assert_eq!(of(FRAGMENT), "f");
        assert_eq!(of(USER_INFO), "u:p");
        assert_eq!(of(HOST | PORT), "h.com:8443");
        assert_eq!(of(ALL), "https://u:p@h.com:8443/p%20a/b?q=1#f");
        assert_eq!(of(SERIALIZATION), of(ALL));
        assert_eq!(uri.components(PATH, UriFormat::Unescaped).unwrap(), "p a/b");
    }

    #[test]
    fn names_are_judged() {
        assert_eq!(check_host_name("a.b"), HostKind::Dns);
        assert_eq!(check_host_name("1.2.3.4"), HostKind::Ipv4);
        assert_eq!(check_host_name("::1"), HostKind::Ipv6);
        assert_eq!(check_host_name("a b"), HostKind::Unknown);
        assert!(check_scheme_name("net.tcp") && !check_scheme_name("1a") && !check_scheme_name(""));
        assert_eq!(hex_unescape(&[37, 52, 49], 0), Some((65, 3)));
        assert_eq!(hex_unescape(&[37, 52], 0), Some((37, 1)));
    }
}
