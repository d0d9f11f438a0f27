//! L4 routes: which connections go through to which targets, as a setting says it.
//!
//! ```text
//! [::]:5432 -> db1.internal:5432 db2.internal:5432
//! [::]:8443 api.example.com *.apps.example.com -> 10.0.0.5:443 proxy-protocol
//! https legacy.example.com -> 10.0.0.6:443
//! ```
//!
//! A listener, the server names of TLS connections that take this route (none: every connection, whatever it
//! speaks; `*`: those that no other route names), `->`, the targets in the order they are tried.

use std::collections::HashMap;
use std::net::{Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use thiserror::Error;

/// Listeners that routes may open.
const LISTENERS_MAX: usize = 32;
/// Targets of one route.
const TARGETS_MAX: usize = 16;
/// A target that could not be reached is tried last for so long.
const DOWN: Duration = Duration::from_secs(10);

const ARROW: &str = "->";
const PROXY_PROTOCOL: &str = "proxy-protocol";
const ANY_NAME: &str = "*";
const HTTPS: &str = "https";

/// A route that cannot be, and what to do about it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("route {route:?}: {reason}")]
pub struct RouteError {
    pub route: String,
    pub reason: String,
}

/// Where connections come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// A listener of the routes' own.
    At(SocketAddr),
    /// The HTTPS listener, which serves the names that no route has.
    Https,
}

/// All routes, by entrance, in the order they were given.
#[derive(Clone, Debug, Default)]
pub struct RouteTable(pub Vec<(Entrance, Arc<Routes>)>);

/// The routes of one entrance.
#[derive(Debug, Default)]
pub struct Routes {
    exact: HashMap<Box<str>, Arc<Route>>,
    /// Keyed by what follows `*.`, which stands for one label.
    wildcard: HashMap<Box<str>, Arc<Route>>,
    other: Option<Arc<Route>>,
    raw: Option<Arc<Route>>,
}

/// One route.
#[derive(Debug)]
pub struct Route {
    pub targets: Vec<Target>,
    /// Targets are told of the client in version 2 of the PROXY protocol.
    pub proxy_protocol: bool,
}

/// A host as in a URL, and a port.
#[derive(Debug)]
pub struct Target {
    pub host: Box<str>,
    pub port: u16,
    /// When it could not be reached.
    failed: Mutex<Option<Instant>>,
}

impl RouteTable {
    /// Reads routes separated by commas.
    pub fn parse(text: &str) -> Result<Self, RouteError> {
        let mut entrances: Vec<(Entrance, Routes)> = Vec::new();
        for route in text.split(',').map(str::trim).filter(|route| !route.is_empty()) {
            let fail = |reason: String| RouteError { route: route.to_owned(), reason };
            let (entrance, names, route) = parse_route(route).map_err(fail)?;
            let place = match entrances.iter().position(|(known, _)| *known == entrance) {
                Some(place) => place,
                None => {
                    entrances.push((entrance, Routes::default()));
                    entrances.len() - 1
                }
            };
            if entrances.len() > LISTENERS_MAX {
                return Err(fail(format!(
                    "more than {LISTENERS_MAX} listeners: join routes on one by their names"
                )));
            }
            if let Some((_, routes)) = entrances.get_mut(place) {
                routes.add(&names, Arc::new(route)).map_err(fail)?;
            }
        }
        Ok(Self(entrances.into_iter().map(|(entrance, routes)| (entrance, Arc::new(routes))).collect()))
    }

    /// The routes of an entrance.
    pub fn of(&self, entrance: Entrance) -> Option<&Arc<Routes>> {
        self.0.iter().find(|(known, _)| *known == entrance).map(|(_, routes)| routes)
    }
}

impl Routes {
    fn add(&mut self, names: &[&str], route: Arc<Route>) -> Result<(), String> {
        if names.is_empty() {
            let is_first = self.exact.is_empty() && self.wildcard.is_empty() && self.other.is_none();
            if !is_first || self.raw.is_some() {
                return Err("another route has this listener, and one without names would take all its \
                            connections: give the names, or `*` for those that no route has"
                    .to_owned());
            }
            self.raw = Some(route);
            return Ok(());
        }
        if self.raw.is_some() {
            return Err("the listener's first route has no names and takes all connections: give it its names, or `*`"
                .to_owned());
        }
        for name in names {
            let taken = if *name == ANY_NAME {
                self.other.replace(Arc::clone(&route)).is_some()
            } else {
                let name = host(name).ok_or_else(|| format!("{name} is no host name"))?;
                match name.strip_prefix("*.") {
                    Some(parent) => self.wildcard.insert(parent.into(), Arc::clone(&route)).is_some(),
                    None => self.exact.insert(name, Arc::clone(&route)).is_some(),
                }
            };
            if taken {
                return Err(format!("another route of this listener has {name}: name it once"));
            }
        }
        Ok(())
    }

    /// True when no connection takes a route.
    pub fn is_empty(&self) -> bool {
        self.raw.is_none() && self.other.is_none() && self.exact.is_empty() && self.wildcard.is_empty()
    }

    /// The route of every connection, whatever it speaks.
    pub fn raw(&self) -> Option<&Arc<Route>> {
        self.raw.as_ref()
    }

    /// The route of a name, lower-case; `None`: of a client that names none.
    pub fn find(&self, name: Option<&str>) -> Option<&Arc<Route>> {
        let named = name.and_then(|name| {
            let parent = name.split_once('.').map(|(_, parent)| parent);
            self.exact.get(name).or_else(|| self.wildcard.get(parent?))
        });
        named.or(self.other.as_ref())
    }
}

impl Route {
    /// The targets in the order to try them: those that failed a moment ago last.
    pub fn in_order(&self, now: Instant) -> Vec<&Target> {
        let (up, down): (Vec<_>, Vec<_>) = self.targets.iter().partition(|target| !target.is_down(now));
        [up, down].concat()
    }
}

impl Target {
    /// Remembers whether it could be reached.
    pub fn reached(&self, was_reached: bool, now: Instant) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = (!was_reached).then_some(now);
    }

    fn is_down(&self, now: Instant) -> bool {
        let failed = *self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.is_some_and(|failed| now.saturating_duration_since(failed) < DOWN)
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

fn parse_route(text: &str) -> Result<(Entrance, Vec<&str>, Route), String> {
    const FORM: &str = "LISTENER [NAME …] -> HOST:PORT … [proxy-protocol] is expected";
    let (from, to) = text.split_once(ARROW).ok_or(FORM)?;
    let mut from = from.split_whitespace();
    let entrance = entrance(from.next().ok_or(FORM)?)?;
    let names: Vec<_> = from.collect();
    if entrance == Entrance::Https && (names.is_empty() || names.contains(&ANY_NAME)) {
        return Err(
            "the HTTPS listener serves what no route names: give the names that pass through".to_owned()
        );
    }
    let mut words: Vec<_> = to.split_whitespace().collect();
    let proxy_protocol = words.last() == Some(&PROXY_PROTOCOL);
    if proxy_protocol {
        words.pop();
    }
    if words.is_empty() || words.len() > TARGETS_MAX {
        return Err(format!("1 to {TARGETS_MAX} targets are expected behind {ARROW}"));
    }
    let targets = words.into_iter().map(target).collect::<Result<_, _>>()?;
    Ok((entrance, names, Route { targets, proxy_protocol }))
}

fn entrance(word: &str) -> Result<Entrance, String> {
    if word == HTTPS {
        return Ok(Entrance::Https);
    }
    let full = if word.starts_with(':') { format!("[::]{word}") } else { word.to_owned() };
    SocketAddr::from_str(&full)
        .map(Entrance::At)
        .map_err(|_| format!("the listener {word} is neither ADDR:PORT nor https"))
}

fn target(word: &str) -> Result<Target, String> {
    let wrong = || format!("the target {word} is not HOST:PORT");
    let (name, port) = word.rsplit_once(':').ok_or_else(wrong)?;
    let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?;
    let host = match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(|_| name.into()),
        None => host(name).filter(|name| !name.contains('*')),
    };
    Ok(Target { host: host.ok_or_else(wrong)?, port, failed: Mutex::default() })
}

/// A host name in lower case, where it can be one; a first label `*` is let through.
fn host(name: &str) -> Option<Box<str>> {
    let name = name.trim_end_matches('.');
    let rest = name.strip_prefix("*.").unwrap_or(name);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_label = |label: &str| !label.is_empty() && label.len() <= 63 && label.bytes().all(fits);
    (name.len() <= 253 && rest.split('.').all(is_label)).then(|| name.to_ascii_lowercase().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_target(routes: &Routes, name: Option<&str>) -> Option<String> {
        routes.find(name).map(|route| route.targets[0].to_string())
    }

    #[test]
    fn find_exact_before_wildcard_before_other() {
        let table = RouteTable::parse(
            "127.0.0.1:443 API.example. -> one:1, 127.0.0.1:443 *.example -> [::1]:2 b:3,\
             127.0.0.1:443 * -> three:3 proxy-protocol, https x.example -> four:4, :5432 -> db.internal:5432",
        )
        .unwrap();
        let at = |text: &str| Entrance::At(text.parse().unwrap());
        let routes = table.of(at("127.0.0.1:443")).unwrap();
        for (name, expected) in [
            (Some("api.example"), "one:1"),
            (Some("b.example"), "[::1]:2"),
            (Some("c.b.example"), "three:3"),
            (Some("example"), "three:3"),
            (None, "three:3"),
        ] {
            assert_eq!(first_target(routes, name).as_deref(), Some(expected), "{name:?}");
        }
        assert!(routes.find(None).unwrap().proxy_protocol && routes.raw().is_none());
        let https = table.of(Entrance::Https).unwrap();
        assert_eq!(first_target(https, Some("x.example")).as_deref(), Some("four:4"));
        assert_eq!((first_target(https, Some("y.example")), first_target(https, None)), (None, None));
        let raw = table.of(at("[::]:5432")).unwrap().raw().unwrap();
        assert_eq!(raw.targets[0].to_string(), "db.internal:5432");
    }

    #[test]
    fn parse_what_cannot_be_names_the_route_and_the_remedy() {
        for (text, reason) in [
            (":1", "is expected"),
            (":1 a.example", "is expected"),
            ("-> a:1", "is expected"),
            ("here -> a:1", "neither ADDR:PORT nor https"),
            (":1 ->", "1 to 16 targets"),
            (":1 -> a", "not HOST:PORT"),
            (":1 -> a:0", "not HOST:PORT"),
            (":1 -> a:70000", "not HOST:PORT"),
            (":1 -> ::1:80", "not HOST:PORT"),
            (":1 -> [::g]:80", "not HOST:PORT"),
            (":1 -> *.a:80", "not HOST:PORT"),
            (":1 a_b$ -> a:80", "no host name"),
            (":1 * a..b -> a:80", "no host name"),
            ("https -> a:1", "give the names"),
            ("https * -> a:1", "give the names"),
            (":1 -> a:1, :1 -> b:1", "give the names"),
            (":1 x -> a:1, :1 -> b:1", "give the names"),
            (":1 -> a:1, :1 x -> b:1", "its names, or `*`"),
            (":1 x -> a:1, :1 X -> b:1", "name it once"),
            (":1 * -> a:1, :1 * -> b:1", "name it once"),
        ] {
            let error = RouteTable::parse(text).unwrap_err();
            assert!(error.reason.contains(reason), "{text}: {error}");
            assert!(text.ends_with(&error.route), "{text}: {error}");
        }
        let many: Vec<_> = (1..=33).map(|port| format!(":{port} -> a:1")).collect();
        assert!(RouteTable::parse(&many.join(",")).unwrap_err().reason.contains("32 listeners"));
        assert!(RouteTable::parse(" , ").unwrap().0.is_empty());
    }

    #[test]
    fn in_order_a_target_that_failed_comes_last_for_a_while() {
        let table = RouteTable::parse(":1 -> a:1 b:1").unwrap();
        let route = table.0[0].1.raw().unwrap();
        let now = Instant::now();
        let order = |now| route.in_order(now).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(order(now), ["a:1", "b:1"]);
        route.targets[0].reached(false, now);
        assert_eq!(order(now), ["b:1", "a:1"]);
        assert_eq!(order(now + DOWN), ["a:1", "b:1"]);
        route.targets[0].reached(true, now);
        assert_eq!(order(now), ["a:1", "b:1"]);
    }
}
