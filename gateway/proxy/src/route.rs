//! Which API and operation a request is for (`policies.md` §6): path, version, revision, then method and template.
//!
//! Everything is matched on the canonical, still encoded path; what matched is also what is forwarded.

mod operations;
mod template;

pub use operations::{OperationMatch, OperationTable};
pub use template::{Template, TemplateError};

use std::sync::Arc;

use rustc_hash::FxHashMap;

use gateway_policy::message::{Headers, Scheme, Url};

use crate::snapshot::ApiRoute;

/// All APIs by path. Keys come from the configuration alone, so a fast hash serves.
#[derive(Debug, Default)]
pub struct Router {
    /// By lower-case path without slashes at its ends.
    paths: FxHashMap<Box<str>, ApiPath>,
    /// Most segments of any path; longer prefixes need no look.
    segments_max: usize,
}

/// The APIs that share a path: versions of one API.
#[derive(Debug, Default)]
struct ApiPath {
    /// The version without identifier.
    original: Option<ApiRevisions>,
    versions: Vec<Version>,
}

#[derive(Debug)]
struct Version {
    place: VersionPlace,
    identifier: Box<str>,
    revisions: ApiRevisions,
}

/// Where a version identifier stands in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionPlace {
    Segment,
    Query(Box<str>),
    Header(Box<str>),
}

/// Revisions of one version of an API.
#[derive(Debug, Default)]
struct ApiRevisions {
    current: Option<Arc<ApiRoute>>,
    by_number: Vec<(Box<str>, Arc<ApiRoute>)>,
}

/// Where an API is reached.
#[derive(Clone, Debug)]
pub struct Address {
    pub path: String,
    pub version: Option<(VersionPlace, String)>,
    pub revision: String,
    pub is_current: bool,
}

/// The API of a request and the rest of its path, which operations match.
#[derive(Debug)]
pub struct ApiMatch<'a> {
    pub route: &'a Arc<ApiRoute>,
    /// Begins with `/` unless empty.
    pub operation_path: &'a str,
}

impl Router {
    /// Adds an API. `false` when another one has the same path, version and revision.
    pub fn add(&mut self, address: &Address, route: Arc<ApiRoute>) -> bool {
        let key = address.path.trim_matches('/').to_ascii_lowercase();
        self.segments_max = self.segments_max.max(key.split('/').count());
        let path = self.paths.entry(key.into()).or_default();
        let revisions = match &address.version {
            None => path.original.get_or_insert_default(),
            Some((place, identifier)) => path.version(place, identifier),
        };
        revisions.add(address, route)
    }

    /// Finds the API of a request; the longest matching path wins.
    pub fn find<'a>(&'a self, url: &'a Url, headers: &Headers) -> Option<ApiMatch<'a>> {
        let mut ends = [0_usize; 32];
        let count = prefix_ends(&url.path, self.segments_max, &mut ends);
        let mut lower = String::new();
        for &end in ends[..count].iter().rev() {
            let prefix = url.path.get(1..end).unwrap_or_default();
            let (prefix, revision) = split_revision(prefix);
            let key = lower_case(prefix, &mut lower);
            let Some(path) = self.paths.get(key) else { continue };
            let rest = url.path.get(end..).unwrap_or_default();
            if let Some(found) = path.find(revision, rest, url, headers) {
                return Some(found);
            }
        }
        None
    }
}

/// Ends of the prefixes of 0, 1, … whole segments of a path; how many there are. The empty prefix comes first.
fn prefix_ends(path: &str, segments_max: usize, ends: &mut [usize; 32]) -> usize {
    let most = segments_max.min(ends.len() - 1);
    let mut count = 1;
    for at in memchr::memchr_iter(b'/', path.as_bytes()).skip(1).chain([path.len()]) {
        if count > most {
            break;
        }
        if at > 1 {
            ends[count] = at;
            count += 1;
        }
    }
    count
}

/// Cuts `;rev=N` off the end of a prefix.
fn split_revision(text: &str) -> (&str, Option<&str>) {
    if memchr::memchr(b';', text.as_bytes()).is_none() {
        return (text, None);
    }
    match text.rsplit_once(";rev=") {
        Some((before, revision)) if !revision.contains('/') => (before, Some(revision)),
        _ => (text, None),
    }
}

/// The text in lower case; copies only when it has to.
fn lower_case<'a>(text: &'a str, buffer: &'a mut String) -> &'a str {
    if !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return text;
    }
    buffer.clear();
    buffer.push_str(text);
    buffer.make_ascii_lowercase();
    buffer
}

impl ApiPath {
    fn version(&mut self, place: &VersionPlace, identifier: &str) -> &mut ApiRevisions {
        let same = |version: &Version| version.place == *place && *version.identifier == *identifier;
        let at = if let Some(at) = self.versions.iter().position(same) {
            at
        } else {
            let revisions = ApiRevisions::default();
            self.versions.push(Version { place: place.clone(), identifier: identifier.into(), revisions });
            self.versions.len() - 1
        };
        &mut self.versions[at].revisions
    }

    fn find<'a>(
        &'a self,
        revision: Option<&str>,
        rest: &'a str,
        url: &'a Url,
        headers: &Headers,
    ) -> Option<ApiMatch<'a>> {
        for version in &self.versions {
            let (revision, rest) = match &version.place {
                VersionPlace::Segment => {
                    let (segment, rest) = first_segment(rest);
                    let (segment, own) = split_revision(segment);
                    if *segment != *version.identifier {
                        continue;
                    }
                    (own.or(revision), rest)
                }
                VersionPlace::Query(name) if query_has(&url.query, name, &version.identifier) => {
                    (revision, rest)
                }
                VersionPlace::Header(name) if headers.get(name) == Some(version.identifier.as_bytes()) => {
                    (revision, rest)
                }
                VersionPlace::Query(_) | VersionPlace::Header(_) => continue,
            };
            if let Some(route) = version.revisions.find(revision) {
                return Some(ApiMatch { route, operation_path: rest });
            }
        }
        let route = self.original.as_ref()?.find(revision)?;
        Some(ApiMatch { route, operation_path: rest })
    }
}

/// The first segment of a rest that begins with `/`, and what follows.
fn first_segment(rest: &str) -> (&str, &str) {
    let inner = rest.strip_prefix('/').unwrap_or(rest);
    inner.split_at(inner.find('/').unwrap_or(inner.len()))
}

fn query_has(query: &str, name: &str, value: &str) -> bool {
    query.split('&').any(|pair| {
        let (n, v) = pair.split_once('=').unwrap_or((pair, ""));
        n.eq_ignore_ascii_case(name) && v == value
    })
}

impl ApiRevisions {
    fn add(&mut self, address: &Address, route: Arc<ApiRoute>) -> bool {
        let taken = self.by_number.iter().any(|(number, _)| **number == *address.revision);
        if taken || (address.is_current && self.current.is_some()) {
            return false;
        }
        if address.is_current {
            self.current = Some(Arc::clone(&route));
        }
        self.by_number.push((address.revision.as_str().into(), route));
        true
    }

    fn find(&self, revision: Option<&str>) -> Option<&Arc<ApiRoute>> {
        match revision {
            None => self.current.as_ref(),
            Some(number) => {
                self.by_number.iter().find(|(known, _)| **known == *number).map(|(_, route)| route)
            }
        }
    }
}

/// Whether an API with these protocols takes a request that came by this scheme.
pub fn takes_scheme(protocols: &[gateway_model::Protocol], scheme: Scheme) -> bool {
    use gateway_model::Protocol;
    protocols.iter().any(|protocol| match protocol {
        Protocol::Http | Protocol::Ws => scheme == Scheme::Http,
        Protocol::Https | Protocol::Wss => scheme == Scheme::Https,
        Protocol::Other(_) => false,
    })
}
