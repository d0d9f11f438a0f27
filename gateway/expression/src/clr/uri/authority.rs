//! `user@host:port`.

use std::net::Ipv6Addr;

use super::{HostKind, Parts, escape, format_error};
use crate::clr::exception::{Error, Result};

const LABEL_MAX: usize = 63;

fn bad_host() -> Error {
    format_error("The hostname could not be parsed.")
}

/// Fills in user information, host and port.
pub(super) fn read(authority: &str, parts: &mut Parts) -> Result<()> {
    let (user, rest) = match authority.split_once('@') {
        Some((user, rest)) => (Some(user), rest),
        None => (None, authority),
    };
    if let Some(user) = user {
        parts.user_info = escape::normalize(user) + "@";
    }
    let (host, port) = if let Some(inner) = rest.strip_prefix('[') {
        let (address, behind) = inner.split_once(']').ok_or_else(bad_host)?;
        let address = address.split('%').next().unwrap_or_default();
        let address: Ipv6Addr = address.parse().map_err(|_| bad_host())?;
        parts.host_kind = HostKind::Ipv6;
        (format!("[{address}]"), behind)
    } else {
        let end = rest.find(':').unwrap_or(rest.len());
        let (host, port) = rest.split_at(end);
        let (host, kind) = name(host)?;
        parts.host_kind = kind;
        (host, port)
    };
    parts.host = host;
    parts.port = match port.strip_prefix(':') {
        None if port.is_empty() => parts.default_port,
        None => return Err(bad_host()),
        Some("") => parts.default_port,
        Some(digits) => {
            let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u16>().ok());
            i32::from(number.flatten().ok_or_else(|| format_error("Invalid port specified."))?)
        }
    };
    Ok(())
}

/// A host name or an IPv4 address, in its usual form.
pub(super) fn name(host: &str) -> Result<(String, HostKind)> {
    if let Some(address) = ipv4(host) {
        let [a, b, c, d] = address.to_be_bytes();
        return Ok((format!("{a}.{b}.{c}.{d}"), HostKind::Ipv4));
    }
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let labels: Vec<&str> = host.strip_suffix('.').unwrap_or(host).split('.').collect();
    let valid = labels.iter().all(|label| !label.is_empty() && label.chars().all(is_part));
    if !valid {
        return Err(bad_host());
    }
    let is_dns = labels.iter().all(|label| label.len() <= LABEL_MAX && !label.starts_with('-'));
    Ok((host.to_ascii_lowercase(), if is_dns { HostKind::Dns } else { HostKind::Basic }))
}

/// One to four numbers, decimal, octal or hexadecimal; the last fills the bytes that are left.
fn ipv4(host: &str) -> Option<u32> {
    let parts: Vec<&str> = host.split('.').collect();
    let (last, front) = parts.split_last()?;
    if front.len() > 3 {
        return None;
    }
    let mut address: u64 = 0;
    for part in front {
        let number = number(part).filter(|number| *number < 256)?;
        address = address << 8 | number;
    }
    let room = 8 * (4 - front.len() as u32);
    let last = number(last).filter(|last| *last < 1 << room)?;
    u32::try_from(address << room | last).ok()
}

fn number(text: &str) -> Option<u64> {
    let (digits, base) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    u64::from_str_radix(digits, base).ok()
}
