//! Taking a URI apart, and joining references to a base (RFC 3986 §5).

use super::{HostKind, Parts, authority, escape, format_error};
use crate::clr::exception::Result;

/// Schemes .NET knows, with their ports; all but the last group need `//`.
const KNOWN: &[(&str, i32, bool)] = &[
    ("http", 80, true),
    ("https", 443, true),
    ("ws", 80, true),
    ("wss", 443, true),
    ("ftp", 21, true),
    ("gopher", 70, true),
    ("nntp", 119, true),
    ("telnet", 23, true),
    ("ldap", 389, true),
    ("net.tcp", 808, true),
    ("net.pipe", -1, true),
    ("file", -1, false),
    ("mailto", 25, false),
];

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// The scheme in front of the colon, when the text has the form of one.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let fits = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    fits.then_some((scheme, rest))
}

/// Whether a text has no scheme and is no path of the file system.
pub(super) fn is_relative(text: &str) -> bool {
    let text = trimmed(text);
    split_scheme(text).is_none() && !text.starts_with("\\\\")
}

pub(super) fn absolute(text: &str) -> Result<Parts> {
    if text.is_empty() {
        return Err(format_error("The URI is empty."));
    }
    let text = trimmed(text);
    if text.starts_with('/') {
        return Ok(file(String::new(), text));
    }
    if let Some(share) = text.strip_prefix("\\\\") {
        let share = share.replace('\\', "/");
        let (host, path) = share.split_at(share.find('/').unwrap_or(share.len()));
        return Ok(file(host.to_ascii_lowercase(), path));
    }
    let Some((scheme, rest)) = split_scheme(text) else {
        let colon = text.find(':');
        let bad_scheme =
            colon.is_some_and(|colon| text.find(['/', '?', '#']).is_none_or(|slash| slash > colon));
        return Err(format_error(if bad_scheme {
            "The URI scheme is not valid."
        } else {
            "The format of the URI could not be determined."
        }));
    };
    if scheme.len() == 1 {
        if !rest.starts_with(['/', '\\']) {
            return Err(format_error("A Dos path must be rooted, for example, 'c:\\\\'."));
        }
        return Ok(file(String::new(), &format!("/{}", text.replace('\\', "/"))));
    }
    with_scheme(&scheme.to_ascii_lowercase(), rest)
}

fn file(host: String, path: &str) -> Parts {
    let host_kind = if host.is_empty() { HostKind::Basic } else { HostKind::Dns };
    Parts {
        scheme: "file".to_owned(),
        has_authority: true,
        host,
        host_kind,
        port: -1,
        default_port: -1,
        path: escape::normalize(path),
        ..Parts::default()
    }
}

fn with_scheme(scheme: &str, rest: &str) -> Result<Parts> {
    let known = KNOWN.iter().find(|(name, ..)| *name == scheme);
    let default_port = known.map_or(-1, |(_, port, _)| *port);
    let mut parts = Parts { scheme: scheme.to_owned(), default_port, port: default_port, ..Parts::default() };
    let tail = match rest.strip_prefix("//") {
        Some(rest) => {
            let (host, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
            parts.has_authority = true;
            if scheme == "file" && host.is_empty() {
                parts.host_kind = HostKind::Basic;
            } else {
                authority::read(host, &mut parts)?;
            }
            tail
        }
        None if known.is_some_and(|(_, _, needs_host)| *needs_host) => {
            return Err(format_error("The Authority/Host could not be parsed."));
        }
        None if scheme == "mailto" => {
            let (address, tail) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
            if address.contains('@') {
                authority::read(address, &mut parts)?;
                tail
            } else {
                parts.port = -1;
                rest
            }
        }
        None => {
            parts.port = -1;
            rest
        }
    };
    let (tail, fragment) = tail.split_at(tail.find('#').unwrap_or(tail.len()));
    let (path, query) = tail.split_at(tail.find('?').unwrap_or(tail.len()));
    parts.fragment = escape::normalize(fragment);
    parts.query = escape::normalize(query);
    parts.path = escape::normalize(path);
    if parts.has_authority {
        parts.path = without_dots(&parts.path);
    }
    Ok(parts)
}

/// Removes `.` and `..` segments; an empty path becomes `/`.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            other => kept.push(other),
        }
    }
    format!("/{}", kept.join("/"))
}

/// The text of the reference's target.
pub(super) fn resolve(base: &Parts, reference: &str) -> String {
    let front = base.up_to_authority();
    if reference.is_empty() {
        return format!("{front}{}{}{}", base.path, base.query, base.fragment);
    }
    if reference.starts_with("//") {
        return format!("{}:{reference}", base.scheme);
    }
    match reference.chars().next() {
        Some('/') => format!("{front}{reference}"),
        Some('?') => format!("{front}{}{reference}", base.path),
        Some('#') => format!("{front}{}{}{reference}", base.path, base.query),
        _ => {
            let folder = base.path.rfind('/').and_then(|end| base.path.get(..=end)).unwrap_or("/");
            format!("{front}{folder}{reference}")
        }
    }
}

/// The way from one path to another.
pub(super) fn relative_path(from: &str, to: &str) -> String {
    let shared = from.bytes().zip(to.bytes()).take_while(|(a, b)| a == b).count();
    let folder = from.get(..shared).and_then(|same| same.rfind('/')).map_or(0, |slash| slash + 1);
    let up = from.get(folder..).unwrap_or_default().matches('/').count();
    let down = to.get(folder..).unwrap_or_default();
    if up == 0 && down.is_empty() && from != to {
        return "./".to_owned();
    }
    "../".repeat(up) + down
}
