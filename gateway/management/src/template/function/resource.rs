//! Functions of resources and of where the deployment takes place.

use serde_json::{Value, json};

use super::{kind_of, text_at};
use crate::template::fault::{Need, Stop};
use crate::template::scope::{Scope, resource_id};

/// `None` is another function.
pub fn call(scope: &Scope<'_>, name: &str, values: &[Value]) -> Option<Result<Value, Stop>> {
    let made = match (name, values.len()) {
        ("resourcegroup", 0) => Ok(scope.resource_group()),
        ("subscription", 0) => Ok(scope.subscription()),
        ("deployment", 0) => Ok(scope.deployment()),
        ("environment", 0) => Ok(scope.environment()),
        ("tenant", 0) => {
            let tenant = &scope.surroundings.tenant;
            Ok(json!({"tenantId": tenant, "id": format!("/tenants/{tenant}"), "displayName": "gateway"}))
        }
        ("resourceid", 2..) => in_group(scope, values).map_err(Stop::from),
        ("subscriptionresourceid", 2..) => in_subscription(scope, values).map_err(Stop::from),
        ("tenantresourceid", 2..) => of_names("", values).map_err(Stop::from),
        ("extensionresourceid", 3..) => match values.split_first() {
            Some((Value::String(base), rest)) => of_names(base, rest).map_err(Stop::from),
            _ => Err("the first argument must be the id of a resource.".into()),
        },
        ("reference", 1..=3) => reference(scope, values),
        ("resourceinfo", 1) => text_at(values, 0).map_err(Stop::from).and_then(|name| {
            let id = known(scope, name)?;
            let name = id.rsplit('/').next().unwrap_or_default();
            Ok(json!({"id": id, "name": name}))
        }),
        (action, 2 | 3) if action.starts_with("list") => list(scope, action, values),
        _ => return None,
    };
    Some(made)
}

/// `resourceId([subscription], [group], type, name, …)`.
fn in_group(scope: &Scope<'_>, values: &[Value]) -> Result<Value, String> {
    let at = values.iter().position(|value| value.as_str().is_some_and(|text| text.contains('/')));
    let surroundings = scope.surroundings;
    let (group, subscription) = match at {
        Some(0) => (surroundings.group.as_str(), surroundings.subscription.as_str()),
        Some(1) => (text_at(values, 0)?, surroundings.subscription.as_str()),
        Some(2) => (text_at(values, 1)?, text_at(values, 0)?),
        _ => return Err("a type as in 'Microsoft.ApiManagement/service' is expected.".to_owned()),
    };
    let base = format!("/subscriptions/{subscription}/resourceGroups/{group}");
    of_names(&base, values.get(at.unwrap_or(0)..).unwrap_or_default())
}

fn in_subscription(scope: &Scope<'_>, values: &[Value]) -> Result<Value, String> {
    let is_type = |value: &Value| value.as_str().is_some_and(|text| text.contains('/'));
    let (subscription, rest) = match values.split_first() {
        Some((Value::String(id), rest)) if !values.first().is_some_and(is_type) => (id.as_str(), rest),
        _ => (scope.surroundings.subscription.as_str(), values),
    };
    of_names(&format!("/subscriptions/{subscription}"), rest)
}

/// A type and its names, below a base.
fn of_names(base: &str, values: &[Value]) -> Result<Value, String> {
    let kind = text_at(values, 0)?;
    let names: Vec<&str> = (1..values.len()).map(|at| text_at(values, at)).collect::<Result<_, _>>()?;
    let id = resource_id(base, kind, &names);
    let wanted = kind.split('/').count() - 1;
    id.map(Value::from)
        .ok_or_else(|| format!("the type '{kind}' requires {wanted} resource name argument(s), none of them empty; {} are given.", names.len()))
}

/// The id of a resource by id, symbol or name.
fn known(scope: &Scope<'_>, written: &str) -> Result<String, Stop> {
    if written.starts_with('/') {
        return Ok(written.to_owned());
    }
    let found = scope.resources.get(&written.to_ascii_lowercase());
    found.cloned().ok_or_else(|| format!("The resource '{written}' is not defined in the template.").into())
}

/// The properties of a resource, or with `'Full'` all of it.
fn reference(scope: &Scope<'_>, values: &[Value]) -> Result<Value, Stop> {
    let id = known(scope, text_at(values, 0)?)?;
    let version = match values.get(1) {
        Some(Value::String(version)) => Some(version.clone()),
        None | Some(Value::Null) => None,
        Some(other) => return Err(format!("the api-version must be a text, not {}.", kind_of(other)).into()),
    };
    let is_full = values.get(2).and_then(Value::as_str).is_some_and(|full| full.eq_ignore_ascii_case("full"));
    let need = Need::Resource { id, version };
    match scope.facts.get(&need) {
        Some(whole) if is_full => Ok(whole.clone()),
        Some(whole) => Ok(whole.get("properties").cloned().unwrap_or(Value::Null)),
        None => Err(Stop::Need(need)),
    }
}

/// `listSecrets(id, version)`, `listKeys`, `listValue`.
fn list(scope: &Scope<'_>, action: &str, values: &[Value]) -> Result<Value, Stop> {
    let (id, version) = (known(scope, text_at(values, 0)?)?, text_at(values, 1)?.to_owned());
    let need = Need::Action { id, action: action.to_owned(), version };
    scope.facts.get(&need).cloned().ok_or(Stop::Need(need))
}
