//! Settings of L4 routes: connections that pass through.

use std::str::FromStr;
use std::time::Duration;

use gateway_proxy::downstream::l4::{Entrance, RouteTable};

use super::{ListenAddress, NetSettings, SettingError};

const ROUTES: &str = "net.l4.routes";

/// L4 routes and their limits.
#[derive(Clone, Debug, Default)]
pub struct L4Settings {
    pub routes: RouteTable,
    /// For each target.
    pub connect_timeout: Duration,
    /// Without a byte either way.
    pub idle_timeout: Duration,
    /// Of all routes together; `None` = as many as `connections_max` lets in.
    pub connections_max: Option<usize>,
}

/// How bytes of L4 routes and `WebSocket` tunnels are moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Splice {
    /// Read and written.
    Copy,
    /// By `splice(2)` where much comes at a time.
    #[default]
    Splice,
    /// L4 routes from socket to socket in the kernel, where its self-test passes; otherwise as `Splice`.
    Sockmap,
}

impl FromStr for Splice {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "copy" => Ok(Self::Copy),
            "splice" => Ok(Self::Splice),
            "sockmap" => Ok(Self::Sockmap),
            _ => Err("copy, splice or sockmap is expected"),
        }
    }
}

impl NetSettings {
    /// Routes and listeners do not take each other's places.
    pub(super) fn check_routes(&self) -> Result<(), SettingError> {
        let wrong = |value: String, reason: String| SettingError { name: ROUTES.to_owned(), value, reason };
        for (entrance, _) in &self.l4.routes.0 {
            match entrance {
                Entrance::Https if self.https == ListenAddress::Off => {
                    let reason =
                        "there is no HTTPS listener (net.https.address is off): give the route ADDR:PORT";
                    return Err(wrong("https".to_owned(), reason.to_owned()));
                }
                Entrance::Https => {}
                Entrance::At(address) if address.port() != 0 => {
                    let own = ListenAddress::At(*address);
                    let remedies = [
                        ("net.http.address", self.http, "give the route another port"),
                        (
                            "net.https.address",
                            self.https,
                            "write https in place of the address, and the names",
                        ),
                        ("admin.address", self.admin, "give the route another port"),
                    ];
                    if let Some((name, _, remedy)) = remedies.iter().find(|(_, taken, _)| *taken == own) {
                        return Err(wrong(address.to_string(), format!("{name} is there: {remedy}")));
                    }
                }
                Entrance::At(_) => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::{Given, Settings};

    fn complaint(pairs: &[(&str, &str)]) -> String {
        let given: Vec<_> =
            pairs.iter().map(|(n, v)| Given { name: (*n).to_owned(), value: (*v).to_owned() }).collect();
        match Settings::from_given(&given) {
            Ok((settings, _)) => settings.check().err().map(|error| error.to_string()).unwrap_or_default(),
            Err(errors) => errors[0].to_string(),
        }
    }

    #[test]
    fn check_routes_that_cannot_be_are_named_with_a_remedy() {
        for (routes, https, expected) in [
            ("[::]:8080 -> a:1", "off", "net.http.address is there: give the route another port"),
            ("[::]:8443 -> a:1", "[::]:8443", "net.https.address is there: write https in place"),
            ("127.0.0.1:9090 -> a:1", "off", "admin.address is there"),
            ("https x -> a:1", "off", "there is no HTTPS listener"),
            (":1 -> a", "off", "route \":1 -> a\": the target a is not HOST:PORT"),
            ("https x -> a:1, :9443 * -> b:2", "[::]:8443", ""),
            ("127.0.0.1:0 -> a:1", "off", ""),
        ] {
            let complaint = complaint(&[("net.l4.routes", routes), ("net.https.address", https)]);
            let is_named = complaint.is_empty() || complaint.contains("setting net.l4.routes");
            assert!(complaint.contains(expected) && is_named, "{routes}: {complaint}");
            assert_eq!(expected.is_empty(), complaint.is_empty(), "{routes}: {complaint}");
        }
    }
}
