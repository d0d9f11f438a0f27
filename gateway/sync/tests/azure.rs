//! A service as Azure answers: the shapes of the public specification's examples for api-version 2024-05-01, with `null` for what
//! is not set, full ids, pages, and what it does not show.

use std::cell::RefCell;
use std::collections::BTreeSet;

use gateway_model::{Diagnostic, ResourceSet};
use gateway_sync::arm::{Kind, Service, changes};
use gateway_sync::folder::{WriteSettings, files};
use gateway_sync::plane::{Request, Response, Transport};
use serde_json::{Value, json};

const SERVICE: &str =
    "/subscriptions/subid/resourceGroups/rg1/providers/Microsoft.ApiManagement/service/apimService1";

/// What was asked.
#[derive(Default)]
struct Azure(RefCell<BTreeSet<String>>);

impl Transport for &Azure {
    async fn send(&self, request: Request<'_>) -> Result<Response, String> {
        let (path, query) = request.target.split_once('?').unwrap_or((request.target, ""));
        let path = path.strip_prefix(&format!("{SERVICE}/")).unwrap_or(path);
        self.0.borrow_mut().insert(format!("{} {path}", request.method));
        assert!(query.contains("api-version=2024-05-01"), "{}", request.target);
        let (status, body) = answer(request.method, path, query);
        let content_type = "application/json".to_owned();
        Ok(Response { status, content_type, retry_after: None, body: body.to_string().into_bytes() })
    }
}

fn item(path: &str, properties: Value) -> Value {
    let kind: Vec<&str> = path.split('/').step_by(2).collect();
    json!({
        "id": format!("{SERVICE}/{path}"), "type": format!("Microsoft.ApiManagement/service/{}", kind.join("/")),
        "name": path.rsplit('/').next(), "properties": properties,
    })
}

fn page(items: &[Value]) -> (u16, Value) {
    (200, json!({"value": items, "count": items.len(), "nextLink": ""}))
}

fn api(name: &str) -> Value {
    item(
        &format!("apis/{name}"),
        json!({
            "displayName": name, "apiRevision": "1", "description": null, "subscriptionRequired": true, "path": name,
            "serviceUrl": "http://echoapi.example/api", "protocols": ["https"], "authenticationSettings": null,
            "subscriptionKeyParameterNames": {"header": "Ocp-Apim-Subscription-Key", "query": "subscription-key"},
            "isCurrent": true, "apiVersionSetId": null, "provisioningState": null,
        }),
    )
}

fn policy(path: &str) -> (u16, Value) {
    let value = "<policies>\r\n  <inbound>\r\n    <base />\r\n  </inbound>\r\n</policies>";
    (200, item(path, json!({"format": "rawxml", "value": value})))
}

fn refused(status: u16, code: &str, message: &str) -> (u16, Value) {
    (status, json!({"error": {"code": code, "message": message, "details": null}}))
}

fn answer(method: &str, path: &str, query: &str) -> (u16, Value) {
    let found =
        of_apis(method, path, query).or_else(|| of_secrets(method, path)).or_else(|| of_people(method, path));
    found.unwrap_or_else(|| refused(404, "ResourceNotFound", "Resource not found."))
}

fn of_apis(method: &str, path: &str, query: &str) -> Option<(u16, Value)> {
    Some(match (method, path) {
        ("GET", "apis") if query.contains("$skip=1") => page(&[api("second")]),
        ("GET", "apis") => {
            let next = format!("https://management.example{SERVICE}/apis?api-version=2024-05-01&$skip=1");
            (200, json!({"value": [api("first")], "count": 2, "nextLink": next}))
        }
        ("GET", "apis/first/revisions") => {
            let revision = |name: &str, is_current: bool| {
                json!({
                    "apiId": format!("/apis/{name}"), "apiRevision": "1", "createdDateTime": "2026-12-13T19:58:40Z",
                    "isOnline": true, "isCurrent": is_current, "privateUrl": "/first",
                })
            };
            page(&[revision("first;rev=2", false), revision("first", true)])
        }
        ("GET", "apis/first;rev=2") => (200, api("first;rev=2")),
        ("GET", "apis/first/operations") => page(&[item(
            "apis/first/operations/get",
            json!({
                "displayName": "Get", "method": "GET", "urlTemplate": "/resource", "templateParameters": [], "description": null,
                "request": {"queryParameters": [], "headers": [], "representations": []}, "responses": [], "policies": null,
            }),
        )]),
        ("GET", "apis/first/operations/get/policies/policy" | "policies/policy") => policy(path),
        _ => return None,
    })
}

fn of_secrets(method: &str, path: &str) -> Option<(u16, Value)> {
    Some(match (method, path) {
        ("GET", "namedValues") => page(&[
            item(
                "namedValues/plain",
                json!({"displayName": "plain", "value": "v", "tags": ["t"], "secret": false, "provisioningState": null}),
            ),
            item("namedValues/hidden", json!({"displayName": "hidden", "tags": null, "secret": true})),
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
        ]),
        ("POST", "namedValues/hidden/listValue") => (200, json!({"value": "hidden value"})),
        ("POST", "namedValues/vault/listValue") => refused(403, "AuthorizationFailed", "no right"),
        ("GET", "certificates") => page(&[item(
            "certificates/cert1",
            json!({"subject": "CN=mutual", "thumbprint": "AA11", "expirationDate": "2028-03-17T21:55:07+00:00"}),
        )]),
        _ => return None,
    })
}

fn of_people(method: &str, path: &str) -> Option<(u16, Value)> {
    Some(match (method, path) {
        ("GET", "groups") => page(&[
            item(
                "groups/developers",
                json!({"displayName": "Developers", "builtIn": true, "type": "system", "externalId": null}),
            ),
            item(
                "groups/team",
                json!({"displayName": "Team", "description": null, "builtIn": false, "type": "custom", "externalId": null}),
            ),
        ]),
        ("GET", "users") => page(&[
            item(
                "users/1",
                json!({"firstName": "Administrator", "lastName": "", "email": "a@live.example", "state": "active"}),
            ),
            item(
                "users/ann",
                json!({
                    "firstName": "Ann", "lastName": "N", "email": "ann@live.example", "state": "active", "note": null, "groups": null,
                    "registrationDate": "2026-01-30T21:33:00.363Z", "identities": [{"provider": "Basic", "id": "ann@live.example"}],
                }),
            ),
        ]),
        ("GET", "groups/team/users") => page(&[item("groups/team/users/ann", json!({"firstName": "Ann"}))]),
        ("GET", "products") => page(&[item(
            "products/starter",
            json!({
                "displayName": "Starter", "description": "d", "terms": "", "subscriptionRequired": true, "approvalRequired": false,
                "subscriptionsLimit": 1, "state": "published",
            }),
        )]),
        ("GET", "products/starter/apis") => {
            page(&[item("products/starter/apis/first", json!({"displayName": "first"}))])
        }
        ("GET", "subscriptions") => page(&[
            item("subscriptions/master", json!({"scope": format!("{SERVICE}/"), "state": "active"})),
            item(
                "subscriptions/s1",
                json!({
                    "ownerId": format!("{SERVICE}/users/ann"), "scope": format!("{SERVICE}/products/starter"), "displayName": "S1",
                    "state": "active", "createdDate": "2026-06-02T17:59:06.223Z", "startDate": null, "stateComment": null,
                    "allowTracing": false,
                }),
            ),
        ]),
        ("POST", "subscriptions/s1/listSecrets") => {
            (200, json!({"primaryKey": "key-1", "secondaryKey": "key-2"}))
        }
        ("GET", "caches") => {
            refused(400, "MethodNotAllowedInPricingTier", "Method not allowed in Consumption pricing tier")
        }
        _ => return None,
    })
}

fn read(with_secrets: bool) -> (ResourceSet, Vec<Diagnostic>, BTreeSet<String>) {
    let azure = Azure::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let read = runtime.block_on(Service::new(&azure, SERVICE, with_secrets).read());
    let (set, findings) = read.expect("a service");
    (set, findings, azure.0.into_inner())
}

#[test]
fn service_in_the_shapes_of_azure_is_read_whole() {
    let (set, findings, _) = read(true);
    let apis: Vec<String> = set.apis.values().map(|api| api.id.to_string()).collect();
    assert_eq!(apis, ["first", "first;rev=2", "second"]);
    assert_eq!((set.operations.len(), set.products.len(), set.product_apis.len()), (1, 1, 1));
    let secrets: Vec<_> = set
        .named_values
        .values()
        .map(|value| value.value.as_ref().map(|it| it.expose().to_owned()))
        .collect();
    assert_eq!(secrets, [Some("hidden value".to_owned()), Some("v".to_owned()), None]);
    let subscription = set.subscriptions.values().next().expect("a subscription");
    assert_eq!(subscription.primary_key.as_ref().map(gateway_model::Secret::expose), Some("key-1"));
    let people: Vec<_> = set.users.values().map(|user| user.email.as_str()).collect();
    assert_eq!((people, set.group_users.len(), set.groups.len()), (vec!["ann@live.example"], 1, 1));
    let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("certificates/cert1") && told[0].contains("private key"), "{}", told[0]);
    assert!(
        told[1].contains("namedValues/vault") && told[1].contains("403: AuthorizationFailed: no right"),
        "{}",
        told[1]
    );
}

#[test]
fn pull_without_secrets_asks_for_none_and_for_nobody() {
    let (set, findings, asked) = read(false);
    assert!(findings.is_empty(), "{findings:?}");
    assert!(asked.iter().all(|call| call.starts_with("GET ") && !call.contains("users")), "{asked:?}");
    assert!(set.users.is_empty() && set.group_users.is_empty());
    let owner = set.subscriptions.values().next().and_then(|it| it.owner_id.clone());
    assert_eq!(owner.as_deref(), Some("/users/ann"), "as APIOps has it");
}

#[test]
fn folder_without_people_removes_nobody() {
    let service = read(true).0;
    let deleted = |folder: &ResourceSet| -> Vec<String> {
        let steps = changes(&service, folder, true).into_iter();
        let paths = steps.filter(|step| step.kind == Kind::Delete).map(|step| step.document.0);
        paths.filter(|path| path.contains("users")).collect()
    };
    let mut folder = service.clone();
    folder.users.clear();
    folder.group_users.clear();
    assert_eq!(deleted(&folder), Vec::<String>::new());
    folder.users = service.users.clone();
    assert_eq!(deleted(&folder), ["groups/team/users/ann"]);
}

#[test]
fn folder_of_a_service_is_the_same_bytes_every_time() {
    let write = || files(&read(true).0, WriteSettings { secrets: true }).expect("files");
    let (one, other) = (write(), write());
    assert_eq!(one, other);
    let names: Vec<&str> = one.keys().map(String::as_str).collect();
    for name in ["users/ann/userInformation.json", "groups/team/users/ann/groupUserInformation.json"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let user = one
        .iter()
        .find(|(name, _)| name.as_str() == "users/ann/userInformation.json")
        .map(|(_, text)| text.as_str());
    assert!(user.is_some_and(|text| text.contains("ann@live.example") && !text.contains("registrationDate")));
}
