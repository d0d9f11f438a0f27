//! One call of everything, in an order in which each can succeed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const CLIENT_PFX: &[u8] = include_bytes!("../../../gateway/policy/tests/cases/keys/client.pfx");
const POLICY: &str = "<policies><inbound><base /></inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>";
const GLOBAL: &str =
    "<policies><inbound /><backend><forward-request /></backend><outbound /><on-error /></policies>";

/// A deployment of nothing, and what is asked of it.
fn deployments() -> Vec<Step> {
    let group = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg1";
    let all = format!("{group}/providers/Microsoft.Resources/deployments");
    let tag = json!({
        "type": "Microsoft.ApiManagement/service/tags", "apiVersion": "2024-05-01", "name": "apim1/deployed",
        "properties": {"displayName": "deployed"},
    });
    let template = json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0",
        "resources": [tag],
    });
    let body = json!({"properties": {"mode": "Incremental", "template": template}});
    vec![
        step("POST", &format!("{all}/d/validate"), body.clone()),
        step("PUT", &format!("{all}/d"), body.clone()),
        step("GET", &all, Value::Null),
        step("GET", &format!("{all}/d"), Value::Null),
        step("HEAD", &format!("{all}/d"), Value::Null),
        step("GET", &format!("{all}/d/operationStatuses/1"), Value::Null),
        step("POST", &format!("{all}/d/whatIf"), body),
        step("GET", &format!("{group}/deployments/d/operations"), Value::Null),
        step("GET", &format!("{all}/d/operations/0000000000000001"), Value::Null),
        step("DELETE", &format!("{all}/d"), Value::Null),
        step("DELETE", "tags/deployed", Value::Null),
    ]
}

/// A call.
pub struct Step {
    pub method: &'static str,
    /// Below the service, or whole where it begins with a slash.
    pub path: String,
    pub body: Value,
}

fn step(method: &'static str, path: &str, body: Value) -> Step {
    Step { method, path: path.to_owned(), body }
}

/// A resource: its path, the properties of a PUT, and those of a PATCH where there is one.
struct Resource(&'static str, Value, Option<Value>);

fn resources() -> Vec<Resource> {
    let policy = || json!({"value": POLICY, "format": "rawxml"});
    let diagnostic =
        || (json!({"loggerId": "/loggers/l"}), Some(json!({"loggerId": "/loggers/l", "verbosity": "error"})));
    let mut all = shared();
    let (made, changed) = diagnostic();
    all.push(Resource("diagnostics/applicationinsights", made, changed));
    all.extend([
        Resource(
            "apis/a",
            json!({"displayName": "A", "path": "a", "protocols": ["https"], "serviceUrl": "http://127.0.0.1:9"}),
            Some(json!({"description": "d"})),
        ),
        Resource(
            "apis/a/operations/o",
            json!({"displayName": "O", "method": "GET", "urlTemplate": "/o"}),
            Some(json!({"description": "d"})),
        ),
        Resource("apis/a/operations/o/policies/policy", policy(), None),
        Resource("apis/a/operations/o/tags/t", Value::Null, None),
        Resource("apis/a/policies/policy", policy(), None),
        Resource("apis/a/releases/r", json!({"apiId": "/apis/a", "notes": "n"}), Some(json!({"notes": "m"}))),
        Resource(
            "apis/a/schemas/s",
            json!({"contentType": "application/vnd.oai.openapi.components+json", "document": {"components": {}}}),
            None,
        ),
        Resource("apis/a/tags/t", Value::Null, None),
        Resource("apis/a/tagDescriptions/t", json!({"description": "d"}), None),
        Resource("apis/a/wikis/default", json!({"documents": []}), Some(json!({"documents": [{"documentationId": "d"}]}))),
        Resource(
            "apis/g",
            json!({"displayName": "G", "path": "g", "protocols": ["https"], "type": "graphql", "serviceUrl": "http://127.0.0.1:9"}),
            None,
        ),
        Resource("apis/g/resolvers/r", json!({"displayName": "R", "path": "Query/r"}), Some(json!({"description": "d"}))),
        Resource(
            "apis/g/resolvers/r/policies/policy",
            json!({"value": "<http-data-source><http-request><set-method>GET</set-method><set-url>http://127.0.0.1:9/</set-url></http-request></http-data-source>", "format": "rawxml"}),
            None,
        ),
    ]);
    let (made, changed) = diagnostic();
    all.push(Resource("apis/a/diagnostics/applicationinsights", made, changed));
    all.extend(people());
    all
}

/// What belongs to the service as a whole.
fn shared() -> Vec<Resource> {
    let server = json!({
        "displayName": "S", "clientRegistrationEndpoint": "https://s.example/r", "clientId": "c", "clientSecret": "s",
        "authorizationEndpoint": "https://s.example/a", "grantTypes": ["authorizationCode"],
    });
    let provider = json!({"displayName": "O", "metadataEndpoint": "https://o.example", "clientId": "c"});
    let changed = || Some(json!({"description": "d"}));
    vec![
        Resource(
            "namedValues/n",
            json!({"displayName": "n", "value": "v", "secret": true}),
            Some(json!({"tags": ["t"]})),
        ),
        Resource("backends/b", json!({"url": "http://127.0.0.1:9", "protocol": "http"}), changed()),
        Resource("certificates/c", json!({"data": STANDARD.encode(CLIENT_PFX), "password": "secret"}), None),
        Resource(
            "caches/default",
            json!({"connectionString": "localhost", "useFromLocation": "default"}),
            changed(),
        ),
        Resource(
            "loggers/l",
            json!({"loggerType": "applicationInsights", "credentials": {"instrumentationKey": "k"}}),
            changed(),
        ),
        Resource("tags/t", json!({"displayName": "T"}), Some(json!({"displayName": "U"}))),
        Resource("policyFragments/f", json!({"value": "<fragment />", "format": "rawxml"}), None),
        Resource("policies/policy", json!({"value": GLOBAL, "format": "rawxml"}), None),
        Resource("schemas/s", json!({"schemaType": "json", "document": {"type": "object"}}), None),
        Resource(
            "apiVersionSets/v",
            json!({"displayName": "V", "versioningScheme": "Segment"}),
            Some(json!({"description": "d"})),
        ),
        Resource("authorizationServers/s", server, changed()),
        Resource("openidConnectProviders/o", provider, changed()),
        Resource(
            "identityProviders/google",
            json!({"clientId": "c", "clientSecret": "s"}),
            Some(json!({"clientId": "d"})),
        ),
    ]
}

/// Products, users and gateways.
fn people() -> Vec<Resource> {
    let changed = || Some(json!({"description": "d"}));
    vec![
        Resource("products/p", json!({"displayName": "P", "state": "published"}), changed()),
        Resource("products/p/apis/a", Value::Null, None),
        Resource("products/p/groups/guests", Value::Null, None),
        Resource("products/p/policies/policy", json!({"value": POLICY, "format": "rawxml"}), None),
        Resource("products/p/tags/t", Value::Null, None),
        Resource(
            "products/p/wikis/default",
            json!({"documents": []}),
            Some(json!({"documents": [{"documentationId": "d"}]})),
        ),
        Resource(
            "users/u",
            json!({"email": "u@x.example", "firstName": "U", "lastName": "V"}),
            Some(json!({"note": "n"})),
        ),
        Resource("groups/g", json!({"displayName": "G"}), changed()),
        Resource("groups/g/users/u", Value::Null, None),
        Resource(
            "subscriptions/s",
            json!({"displayName": "S", "scope": "/products/p", "ownerId": "/users/u", "state": "active"}),
            Some(json!({"state": "suspended"})),
        ),
        Resource("gateways/g", json!({"locationData": {"name": "L"}}), changed()),
        Resource("gateways/g/apis/a", Value::Null, None),
        Resource(
            "gateways/g/hostnameConfigurations/h",
            json!({"hostname": "*", "certificateId": "/certificates/c"}),
            None,
        ),
        Resource("gateways/g/certificateAuthorities/c", json!({"isTrusted": true}), None),
        Resource("tags/t/productLinks/l", json!({"productId": "/products/q"}), None),
        Resource("tags/t/apiLinks/l", json!({"apiId": "/apis/g"}), None),
        Resource("tags/t/operationLinks/l", json!({"operationId": "/apis/a/operations/q"}), None),
        Resource("products/q/apiLinks/l", json!({"apiId": "/apis/g"}), None),
        Resource("products/q/groupLinks/l", json!({"groupId": "/groups/g"}), None),
    ]
}

/// What lies in a key vault, read again.
fn in_vault() -> Vec<Step> {
    let vault = |name| json!({"secretIdentifier": format!("https://v.vault.azure.net/secrets/{name}")});
    let value = json!({"displayName": "kept", "keyVault": vault("value")});
    vec![
        step("PUT", "namedValues/kept", json!({"properties": value})),
        step("POST", "namedValues/kept/refreshSecret", Value::Null),
        step("DELETE", "namedValues/kept", Value::Null),
        step("PUT", "certificates/kept", json!({"properties": {"keyVault": vault("certificate")}})),
        step("POST", "certificates/kept/refreshSecret", Value::Null),
        step("DELETE", "certificates/kept", Value::Null),
    ]
}

/// The settings of the portal, each changed and read.
fn portal_settings() -> Vec<Step> {
    let mut all = Vec::new();
    for setting in ["signin", "signup", "delegation"] {
        let path = format!("portalsettings/{setting}");
        let (made, changed) = match setting {
            "delegation" => (json!({}), json!({"url": "https://delegation.example"})),
            _ => (json!({"enabled": false}), json!({"enabled": true})),
        };
        all.push(step("PUT", &path, json!({"properties": made})));
        all.push(step("PATCH", &path, json!({"properties": changed})));
        all.push(step("HEAD", &path, Value::Null));
        all.push(step("GET", &path, Value::Null));
    }
    all
}

/// Calls that are neither PUT, PATCH, DELETE nor a plain read of one of the resources.
fn others() -> Vec<Step> {
    let key = || json!({"keyType": "primary"});
    let soon = tomorrow();
    let mut all = vec![
        step("GET", "regions", Value::Null),
        step("GET", "settings", Value::Null),
        step("GET", "settings/public", Value::Null),
        step("GET", "apisByTags", Value::Null),
        step("GET", "apis/a/revisions", Value::Null),
        step("GET", "apis/a/operationsByTags", Value::Null),
        step("GET", "apis/a/products", Value::Null),
        step("GET", "apis/a?export=true&format=openapi-link", Value::Null),
        step("GET", "productsByTags", Value::Null),
        step("GET", "tagResources", Value::Null),
        step("GET", "policyDescriptions", Value::Null),
        step("GET", "allPolicies", Value::Null),
        step("GET", "products/p/subscriptions", Value::Null),
        step("GET", "users/u/groups", Value::Null),
        step("GET", "users/u/subscriptions", Value::Null),
        step("GET", "users/u/subscriptions/s", Value::Null),
        step("GET", "users/u/identities", Value::Null),
        step("GET", "portalsettings", Value::Null),
        step("POST", "policyFragments/f/listReferences", Value::Null),
        step("POST", "subscriptions/s/regeneratePrimaryKey", Value::Null),
        step("POST", "subscriptions/s/regenerateSecondaryKey", Value::Null),
        step("POST", "subscriptions/s/listSecrets", Value::Null),
        step("POST", "users/u/generateSsoUrl", Value::Null),
        step("POST", "users/u/token", json!({"properties": {"keyType": "primary", "expiry": soon}})),
        step("POST", "namedValues/n/listValue", Value::Null),
        step("POST", "backends/b/reconnect", json!({"properties": {"after": "PT3S"}})),
        step("POST", "gateways/g/listKeys", Value::Null),
        step("GET", "gateways/g/instances", Value::Null),
        step("GET", "quotas/k", Value::Null),
        step("PATCH", "quotas/k", json!({"properties": {"callsCount": 0}})),
        step("GET", "quotas/k/periods/0_PT0S", Value::Null),
        step("PATCH", "quotas/k/periods/0_PT0S", json!({"properties": {"callsCount": 0}})),
        step("POST", "gateways/g/listTrace", json!({"traceId": "t"})),
        step(
            "POST",
            "gateways/g/listDebugCredentials",
            json!({"apiId": "/apis/a", "purposes": ["tracing"], "credentialsExpireAfter": "PT1H"}),
        ),
        step("POST", "gateways/g/invalidateDebugCredentials", Value::Null),
        step("POST", "gateways/g/regenerateKey", key()),
        step("POST", "gateways/g/generateToken", json!({"keyType": "primary", "expiry": soon})),
        step("POST", "authorizationServers/s/listSecrets", Value::Null),
        step("POST", "openidConnectProviders/o/listSecrets", Value::Null),
        step("POST", "identityProviders/google/listSecrets", Value::Null),
        step("POST", "portalsettings/delegation/listSecrets", Value::Null),
        step(
            "POST",
            "connectivityCheck",
            json!({"destination": {"address": "127.0.0.1", "port": 9}, "protocol": "TCP"}),
        ),
    ];
    for report in ["byApi", "byUser", "byOperation", "byProduct", "byGeo", "bySubscription", "byRequest"] {
        all.push(step("GET", &format!("reports/{report}"), Value::Null));
    }
    all.push(step("GET", "reports/byTime?interval=PT15M", Value::Null));
    all.extend(portal_settings());
    all.extend(in_vault());
    all
}

/// A time ahead, as clients write it.
pub fn tomorrow() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_secs();
    // Days since 1970 to a date would need a calendar: `date` has one.
    let output = std::process::Command::new("date")
        .args(["-u", "-d", &format!("@{}", now + 86_400), "+%Y-%m-%dT%H:%M:%SZ"])
        .output()
        .expect("the time of tomorrow");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The service and the provider.
fn service() -> Vec<Step> {
    let provider = "/subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.ApiManagement";
    let group = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg1/providers/Microsoft.ApiManagement";
    let second = format!("{group}/service/second");
    let body = json!({
        "location": "local", "sku": {"name": "Developer", "capacity": 1},
        "properties": {"publisherEmail": "a@b.example", "publisherName": "A"},
    });
    vec![
        step("GET", "", Value::Null),
        step("GET", &format!("{provider}/service"), Value::Null),
        step("GET", &format!("{group}/service"), Value::Null),
        step("GET", "/providers/Microsoft.ApiManagement/operations", Value::Null),
        step("POST", &format!("{provider}/checkNameAvailability"), json!({"name": "second"})),
        step("GET", &format!("{provider}/locations/local/operationStatuses/x"), Value::Null),
        step("GET", &format!("{provider}/locations/local/operationResults/x"), Value::Null),
        step("PUT", &second, body),
        step("PATCH", &second, json!({"tags": {"a": "b"}})),
        step("DELETE", &second, Value::Null),
    ]
}

/// Everything.
pub fn all() -> Vec<Step> {
    let mut all = service();
    let properties =
        |value: &Value| if value.is_null() { Value::Null } else { json!({ "properties": value }) };
    for Resource(path, made, changed) in &resources() {
        if path.contains("/q/") || path.contains("productLinks") {
            all.push(step("PUT", "products/q", json!({"properties": {"displayName": "Q"}})));
        }
        if path.contains("operationLinks") {
            let body = json!({"properties": {"displayName": "Q", "method": "GET", "urlTemplate": "/q"}});
            all.push(step("PUT", "apis/a/operations/q", body));
        }
        all.push(step("PUT", path, properties(made)));
        all.extend(changed.as_ref().map(|changed| step("PATCH", path, properties(changed))));
        let has_head = !path.contains("Links/");
        all.extend(has_head.then(|| step("HEAD", path, Value::Null)));
        let is_link = made.is_null() && !path.contains("/tags/");
        all.extend((!is_link).then(|| step("GET", path, Value::Null)));
        let collection = path.rsplit_once('/').map_or("", |(collection, _)| collection);
        all.push(step("GET", collection, Value::Null));
    }
    all.extend(others());
    all.extend(deployments());
    for Resource(path, _, _) in resources().iter().rev() {
        let query = if path.starts_with("apis/") && path.matches('/').count() == 1 {
            "?deleteRevisions=true"
        } else {
            ""
        };
        all.push(step("DELETE", &format!("{path}{query}"), Value::Null));
    }
    all
}
