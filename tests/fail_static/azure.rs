//! A hub before a service that answers as Azure does: the envelopes, pages and refusals of the public specification's examples
//! (api-version 2024-05-01), with full ids, `null` for what is not set, and what Azure does not show. The service is ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gateway_tests::plane::{TOKEN, target};
use gateway_tests::process::Process;
use gateway_tests::{Answer, Backend, Client, Recorded, Reply, Running};
use serde_json::{Value, json};

use crate::eventually;
use crate::namespaces::in_an_hour;

const SERVICE: &str =
    "/subscriptions/subid/resourceGroups/rg1/providers/Microsoft.ApiManagement/service/apimService1";
const BEARER: &str = "a-token-of-entra";
const CHALLENGE: &str = "Bearer authorization_uri=\"https://login.windows.example/contoso\", error=\"invalid_token\", \
                         error_description=\"The access token is invalid.\"";

/// How the service is at the moment.
#[derive(Clone, Copy)]
enum Mood {
    /// The token has expired.
    Refuses = 0,
    /// Every twentieth call is one too many.
    Answers = 1,
    Fails = 2,
}

/// The service, and the requests that it got.
struct Azure {
    mood: Arc<AtomicU64>,
    server: Backend,
}

impl Azure {
    fn start(backend: String) -> Self {
        let (mood, calls) = (Arc::new(AtomicU64::new(0)), AtomicU64::new(0));
        let at = Arc::clone(&mood);
        let server = Backend::start(move |request| {
            let number = calls.fetch_add(1, Ordering::Relaxed);
            let is_known = request.header("authorization") == Some(&format!("Bearer {BEARER}"));
            match at.load(Ordering::Relaxed) {
                mood if mood == Mood::Refuses as u64 || !is_known => {
                    let body = error(
                        "ExpiredAuthenticationToken",
                        "The access token expiry UTC time is earlier than now.",
                    );
                    Reply::with(401, &[("WWW-Authenticate", CHALLENGE)], &body.to_string())
                }
                mood if mood == Mood::Fails as u64 => {
                    Reply::with(500, &[], &error("InternalServerError", "Please try again.").to_string())
                }
                _ if number % 20 == 19 => {
                    let body = error("TooManyRequests", "The request is being throttled.");
                    Reply::with(429, &[("Retry-After", "1")], &body.to_string())
                }
                _ => answer(request, &backend),
            }
        });
        Self { mood, server }
    }

    fn is(&self, mood: Mood) {
        self.mood.store(mood as u64, Ordering::Relaxed);
    }
}

fn error(code: &str, message: &str) -> Value {
    json!({"error": {"code": code, "message": message, "details": null}})
}

fn answer(request: &Recorded, backend: &str) -> Reply {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let path = path.strip_prefix(&format!("{SERVICE}/")).unwrap_or("elsewhere");
    if !query.contains("api-version=2024-05-01") {
        let body = error("MissingApiVersionParameter", "The api-version query parameter is required.");
        return Reply::with(400, &[], &body.to_string());
    }
    let found = match request.method.as_str() {
        "GET" => apis(path, query, backend).or_else(|| others(path)).or_else(|| single(path)),
        "POST" => secret(path),
        _ => None,
    };
    match found {
        Some((200, body)) if body.get("id").is_some() => {
            Reply::with(200, &[("ETag", "\"AAAAAAAAAAE=\"")], &body.to_string())
        }
        Some((status, body)) => Reply::with(status, &[], &body.to_string()),
        None => Reply::with(404, &[], &error("ResourceNotFound", "Resource not found.").to_string()),
    }
}

fn item(path: &str, properties: Value) -> Value {
    let kind: Vec<&str> = path.split('/').step_by(2).collect();
    json!({
        "id": format!("{SERVICE}/{path}"), "type": format!("Microsoft.ApiManagement/service/{}", kind.join("/")),
        "name": path.rsplit('/').next(), "properties": properties,
    })
}

fn api(collection: &str, name: &str, backend: &str) -> Value {
    item(
        &format!("{collection}/{name}"),
        json!({
            "displayName": name, "apiRevision": "1", "description": null, "subscriptionRequired": true, "path": name,
            "serviceUrl": backend, "protocols": ["http"], "authenticationSettings": null, "isCurrent": true,
            "subscriptionKeyParameterNames": {"header": "Ocp-Apim-Subscription-Key", "query": "subscription-key"},
            "apiVersionSetId": null, "provisioningState": null,
        }),
    )
}

fn apis(path: &str, query: &str, backend: &str) -> Option<(u16, Value)> {
    let items = match path {
        // Two pages: the token of the second is Azure's own affair.
        "apis" if query.contains("$skipToken=WyIxIl0=") => vec![api("apis", "second", backend)],
        "apis" => {
            let next = format!(
                "https://management.azure.example{SERVICE}/apis?api-version=2024-05-01&$skipToken=WyIxIl0="
            );
            return Some((
                200,
                json!({"value": [api("apis", "first", backend)], "count": 2, "nextLink": next}),
            ));
        }
        "apis/first/operations" | "apis/second/operations" => vec![item(
            &format!("{path}/get"),
            json!({
                "displayName": "Get", "method": "GET", "urlTemplate": "/resource", "templateParameters": [],
                "description": null, "responses": [], "policies": null,
                "request": {"description": null, "queryParameters": [], "headers": [], "representations": []},
            }),
        )],
        "gateways/gw1/apis" => ["first", "second"].map(|name| api(path, name, backend)).into(),
        "products/starter/apis" => vec![api(path, "first", backend)],
        _ => return None,
    };
    Some(page(&items))
}

fn others(path: &str) -> Option<(u16, Value)> {
    let items = match path {
        "namedValues" => vec![
            item(
                "namedValues/hidden",
                json!({"displayName": "hidden", "tags": null, "secret": true, "provisioningState": null}),
            ),
            item(
                "namedValues/vault",
                json!({
                    "displayName": "vault", "secret": true, "tags": [],
                    "keyVault": {
                        "secretIdentifier": "https://contoso.vault.example/secrets/s", "identityClientId": null,
                        "lastStatus": {"code": "Success", "timeStampUtc": "2026-09-11T00:54:31.8024882Z"},
                    },
                }),
            ),
        ],
        "certificates" => vec![item(
            "certificates/cert1",
            json!({"subject": "CN=mutual", "thumbprint": "AA11", "expirationDate": "2028-03-17T21:55:07+00:00"}),
        )],
        "products" => vec![item(
            "products/starter",
            json!({
                "displayName": "Starter", "description": null, "terms": "", "subscriptionRequired": true,
                "approvalRequired": false, "subscriptionsLimit": 1, "state": "published",
            }),
        )],
        "subscriptions" => vec![
            item("subscriptions/master", json!({"scope": format!("{SERVICE}/"), "state": "active"})),
            item(
                "subscriptions/s1",
                json!({
                    "ownerId": null, "scope": format!("{SERVICE}/products/starter"), "displayName": null,
                    "state": "active", "createdDate": "2026-06-02T17:59:06.223Z", "startDate": null,
                    "expirationDate": null, "endDate": null, "notificationDate": null, "stateComment": null,
                    "allowTracing": false,
                }),
            ),
        ],
        "gateways" => vec![item(
            "gateways/gw1",
            json!({
                "description": "my gateway 1",
                "locationData": {"name": "my location", "city": null, "district": null, "countryOrRegion": null},
            }),
        )],
        "caches" => {
            let message = "Method not allowed in Consumption pricing tier";
            return Some((400, error("MethodNotAllowedInPricingTier", message)));
        }
        _ => return None,
    };
    Some(page(&items))
}

fn page(items: &[Value]) -> (u16, Value) {
    (200, json!({"value": items, "count": items.len(), "nextLink": ""}))
}

fn single(path: &str) -> Option<(u16, Value)> {
    let value = match path {
        "apis/first/policies/policy" => {
            "<policies>\r\n  <inbound>\r\n    <base />\r\n    <set-header name=\"X-Key\" exists-action=\"override\">\r\n      \
             <value>{{hidden}}</value>\r\n    </set-header>\r\n  </inbound>\r\n  <backend>\r\n    <base />\r\n  \
             </backend>\r\n  <outbound>\r\n    <base />\r\n  </outbound>\r\n  <on-error>\r\n    <base />\r\n  \
             </on-error>\r\n</policies>"
        }
        "policies/policy" => {
            "<policies>\r\n  <inbound />\r\n  <backend>\r\n    <forward-request />\r\n  </backend>\r\n  <outbound />\r\n\
             </policies>"
        }
        _ => return None,
    };
    Some((200, item(path, json!({"format": "rawxml", "value": value}))))
}

fn secret(path: &str) -> Option<(u16, Value)> {
    Some(match path {
        "namedValues/hidden/listValue" => (200, json!({"value": "hidden value"})),
        "namedValues/vault/listValue" => (
            403,
            error(
                "AuthorizationFailed",
                "The client does not have authorization to perform action 'listValue'.",
            ),
        ),
        "subscriptions/s1/listSecrets" => (200, json!({"primaryKey": "key-1", "secondaryKey": "key-2"})),
        _ => return None,
    })
}

/// The hub as an operator starts it.
struct Hub {
    process: Process,
    address: std::net::SocketAddr,
    _folder: tempfile::TempDir,
}

impl Hub {
    fn start(service: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("hub.db").display().to_string();
        let settings = [
            format!("management.auth.static-token={TOKEN}"),
            format!("management.mirror.token={BEARER}"),
            "management.mirror.interval=0.2".to_owned(),
        ];
        let mut words = vec!["--store", &store, "--mirror", service];
        words.extend(settings.iter().flat_map(|setting| ["--set", setting]));
        let process = Process::manage(&words);
        let address = Process::address(&process.line_with("\"management\":\""), "management");
        Self { process, address, _folder: folder }
    }

    fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        let authorization = format!("Bearer {TOKEN}");
        let fields = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        Client::connect(self.address).request_with(method, &target(path), &fields, body.as_bytes())
    }

    /// A gateway with a token of the hub's own.
    fn gateway(&self) -> Running {
        let expiry = json!({"keyType": "primary", "expiry": in_an_hour()}).to_string();
        let answer = self.call("POST", "gateways/gw1/generateToken", &expiry);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let token: Value = serde_json::from_slice(&answer.body).expect("JSON");
        let token = token["value"].as_str().expect("a token");
        Running::with(&[
            ("config.service.endpoint", &format!("http://{}", self.address)),
            ("config.service.auth", &format!("GatewayKey {token}")),
            ("config.service.poll", "1"),
        ])
    }
}

#[test]
fn hub_serves_a_service_in_the_shapes_of_azure() {
    let backend = Backend::fixed("ok");
    let azure = Azure::start(backend.url());
    let hub = Hub::start(&format!("{}{SERVICE}", azure.server.url()));
    let told = hub.process.line_with("MirrorState");
    assert!(
        told.contains("\"available\":false") && told.contains("401: ExpiredAuthenticationToken"),
        "{told}"
    );

    azure.is(Mood::Answers);
    let mut told = [(); 2].map(|()| hub.process.line_with("MirrorDocument"));
    told.sort_by_key(|line| line.contains("namedValues"));
    assert!(told[0].contains("certificates/cert1") && told[0].contains("private key"), "{told:?}");
    assert!(
        told[1].contains("namedValues/vault") && told[1].contains("403: AuthorizationFailed"),
        "{told:?}"
    );
    hub.process.line_with("\"available\":true");
    let gateway = hub.gateway();
    let get = |target: &str, key: &str| gateway.get(target, &[("Ocp-Apim-Subscription-Key", key)]).status;
    eventually("the API is served", Duration::from_secs(15), || get("/first/resource", "key-1") == 200);
    assert_eq!(backend.seen().last().and_then(|request| request.header("X-Key")), Some("hidden value"));
    assert_eq!(get("/first/resource", "key-2"), 200);
    assert_eq!(get("/first/resource", "key-3"), 401);
    // From the second page; the product of the key does not hold it.
    assert_eq!(get("/second/resource", "key-1"), 401);
    assert_eq!(get("/first/nothing", "key-1"), 404);

    let refused = hub.call("DELETE", "apis/first", "");
    assert_eq!(refused.status, 409, "{}", refused.text());
    azure.is(Mood::Fails);
    let told = hub.process.line_with("MirrorState");
    assert!(told.contains("\"available\":false") && told.contains("500: InternalServerError"), "{told}");
    assert_eq!(get("/first/resource", "key-1"), 200);

    let asked = azure.server.seen();
    let writes = asked.iter().filter(|request| {
        let path = request.target.split('?').next().unwrap_or_default();
        request.method != "GET" && !path.ends_with("/listValue") && !path.ends_with("/listSecrets")
    });
    assert_eq!(writes.map(|request| &request.target).collect::<Vec<_>>(), Vec::<&String>::new());
}
