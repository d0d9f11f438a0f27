//! Policies: what there is, where they are, who includes a fragment.

use gateway_policy::catalogue::CATALOGUE;
use serde_json::json;

use super::super::{Call, Outcome, entity, list};
use crate::arm_error::ArmError;
use crate::contract::Kind;
use crate::tree::{By, mention};

/// Bits of `scope`: Tenant 1, Product 2, Api 4, Operation 8.
const SCOPES: &[(&str, u32)] = &[("Tenant", 1), ("Product", 2), ("Api", 4), ("Operation", 8), ("All", 15)];

/// Every policy that the gateway has.
pub fn descriptions(call: &Call<'_>) -> Outcome {
    let asked = match call.query.get("scope") {
        None => 15,
        Some(name) => {
            let known = SCOPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            known.map(|(_, bits)| *bits).ok_or_else(|| {
                let names: Vec<_> = SCOPES.iter().map(|(name, _)| *name).collect();
                ArmError::field(
                    "scope",
                    format!("'scope' must be one of {}; it is '{name}'.", names.join(", ")),
                )
            })?
        }
    };
    let items = CATALOGUE.iter().filter_map(|policy| {
        let scope = if policy.element == "cross-domain" { 1 } else { 15 };
        (scope & asked != 0).then(|| {
            json!({
                "id": format!("{}/policyDescriptions/{}", call.service_id, policy.element),
                "type": "Microsoft.ApiManagement/service/policyDescriptions", "name": policy.element,
                "properties": {"description": policy.docs, "scope": scope},
            })
        })
    });
    list::values_page(call, items.collect())
}

/// The ids of all policy documents.
pub fn all(call: &Call<'_>) -> Outcome {
    let tree = call.service.tree();
    let documents =
        tree.all().filter(|record| Kind::of(&record.path).is_some_and(|kind| kind.entity == "Policy"));
    let items = documents.map(|record| {
        let id = format!("{}/{}", call.service_id, record.path);
        // Without policy restrictions every document complies.
        json!({
            "id": id, "type": "Microsoft.ApiManagement/service/allPolicies", "name": record.name(),
            "properties": {"referencePolicyId": id, "complianceState": "Compliant"},
        })
    });
    list::values_page(call, items.collect())
}

/// The policies that include a fragment.
pub fn references(call: &Call<'_>) -> Outcome {
    let tree = call.service.tree();
    let record = entity::find(&tree, call.above(1))?;
    let users = tree.having(By::Attribute, &mention::attribute_value("fragment-id", record.name()));
    let items = users.filter(|user| user.name() == "policy").map(|user| {
        let kind = Kind::of(&user.path).map(Kind::arm_type).unwrap_or_default();
        json!({"id": format!("{}/{}", call.service_id, user.path), "type": kind, "name": user.name()})
    });
    list::values_page(call, items.collect())
}
