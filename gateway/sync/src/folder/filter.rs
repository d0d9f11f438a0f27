//! The APIs of one gateway.

use std::collections::BTreeSet;

use gateway_model::{ApiId, Diagnostic, GatewayId, Origin, ResourceId};

use super::load::Loader;

/// Takes out the APIs that are not the gateway's, and findings about them. A gateway without a list of APIs
/// serves all (management-api.md §4.4).
pub(super) fn keep_gateway(loader: &mut Loader<'_>) {
    let Some(name) = &loader.settings.gateway else { return };
    let gateway = GatewayId::from(name.as_str());
    let Loader { set, found, assigned, .. } = loader;
    if !set.gateways.contains_key(&gateway) {
        let message = format!("gateway '{name}' is not in the folder");
        let finding =
            Diagnostic::warning("gateway-missing", Origin::start(format!("gateways/{name}")), message);
        found.push(finding.on(ResourceId::Gateway(gateway.clone())));
    }
    if !assigned.contains(&gateway) {
        return;
    }
    let kept: BTreeSet<ApiId> = set
        .gateway_apis
        .values()
        .filter(|link| link.gateway == gateway)
        .map(|link| link.api.clone())
        .collect();
    let is_kept = |api: &ApiId| kept.contains(&api.root());
    let others: Vec<ApiId> = set.apis.keys().filter(|api| !is_kept(api)).cloned().collect();
    for api in &others {
        set.remove_api(api);
    }
    set.product_apis.retain(|(_, api), _| is_kept(api));
    set.gateway_apis.retain(|(_, api), _| is_kept(api));
    set.tag_links.retain(|(_, target), _| match target {
        ResourceId::Api(api) | ResourceId::Operation(api, _) => is_kept(api),
        _ => true,
    });
    found.retain(|finding| finding.api.as_ref().is_none_or(is_kept));
}
