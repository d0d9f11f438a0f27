//! Whether changes can have touched a view: a quick no spares a gateway the computation, and its caller the wait.

use gateway_sync::protocol::Documents;

use crate::plane::Service;

/// Whether a change after a revision can make another view of one that holds these documents.
pub fn may(service: &Service, since: u64, view: &Documents, gateway: &str) -> bool {
    // What is too long ago to be remembered may have touched anything.
    let Some(paths) = service.changed_since(since) else { return true };
    paths.iter().any(|path| touches(path, view, gateway))
}

fn touches(path: &str, view: &Documents, gateway: &str) -> bool {
    let segments: Vec<&str> = path.split('/').collect();
    let holds = |path: &str| view.get(path).is_some();
    let serves = |api: &str| {
        let root = api.split(";rev=").next().unwrap_or(api);
        holds(&format!("gateways/{gateway}/apis/{root}"))
    };
    let is = |segment: &str, name: &str| segment.eq_ignore_ascii_case(name);
    match segments.as_slice() {
        [kind, api, ..] if is(kind, "apis") => serves(api),
        [kind, of, ..] if is(kind, "gateways") => is(of, gateway),
        [kind, product, below, api] if is(kind, "products") && is(below, "apis") => {
            holds(&format!("products/{product}")) || serves(api)
        }
        [kind, name, ..] if is(kind, "products") => holds(&format!("products/{name}")),
        [kind, _, below, user] if is(kind, "groups") && is(below, "users") => holds(&format!("users/{user}")),
        [kind, name, ..] if is(kind, "groups") => holds(&format!("groups/{name}")),
        [kind, ..] if is(kind, "users") || is(kind, "apiVersionSets") || is(kind, "tags") => holds(path),
        [kind, ..] => !["authorizationServers", "openidConnectProviders", "identityProviders"]
            .iter()
            .any(|other| is(kind, other)),
        [] => false,
    }
}
