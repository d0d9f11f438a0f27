//! Services of Azure that policies and backends call: Service Bus, Event Hubs, Service Fabric, managed identities.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gateway_tests::{Api, Authority, Backend, Config, Recorded, Reply, Running};

/// Tokens for what is asked for, as the metadata service of a machine gives them.
fn tokens() -> Backend {
    Backend::start(|request: &Recorded| {
        let query = request.target.split_once('?').map_or("", |(_, query)| query);
        let resource = query.split('&').find_map(|pair| pair.strip_prefix("resource=")).unwrap_or_default();
        let name = resource.rsplit("%2F").next().unwrap_or_default();
        Reply::ok(&format!(
            r#"{{"access_token":"token-for-{name}","expires_in":"3599","token_type":"Bearer"}}"#
        ))
    })
}

/// A service behind TLS: a gateway that takes everything and passes it on.
struct Secure {
    seen: Backend,
    authority: Authority,
    gateway: Running,
    _folders: (Config, tempfile::TempDir),
}

impl Secure {
    fn start(status: u16) -> Self {
        let (seen, config, authority) =
            (Backend::start(move |_| Reply::with(status, &[], "")), Config::new(), Authority::new());
        let url = seen.url();
        config.api(&Api { name: "all", path: "", service_url: &url, operations: &["POST /*"], more: "" });
        let certificates = tempfile::tempdir().expect("a folder");
        authority.issue(&["localhost"]).write(certificates.path(), "localhost");
        let folder = certificates.path().to_str().expect("a path").to_owned();
        let settings =
            [("net.https.address", "127.0.0.1:0"), ("net.server.tls.certificates", folder.as_str())];
        let gateway = Running::start(config.path(), &settings);
        Self { seen, authority, gateway, _folders: (config, certificates) }
    }

    fn host(&self) -> String {
        format!("localhost:{}", self.gateway.https().port())
    }
}

fn front(config: &Config, roots: Option<&Authority>, tokens: &Backend) -> Running {
    let root =
        roots.map(|authority| authority.root().to_str().expect("a path").to_owned()).unwrap_or_default();
    let url = tokens.url();
    let mut settings = vec![("identity.source", "vm"), ("identity.metadata.host", url.as_str())];
    if !root.is_empty() {
        settings.push(("net.client.tls.roots", &root));
    }
    Running::start(config.path(), &settings)
}

#[test]
fn service_bus_takes_messages_with_the_gateways_token() {
    let (service, tokens, backend) = (Secure::start(201), tokens(), Backend::fixed("ok"));
    let config = Config::new();
    config.api(&Api {
        name: "a",
        path: "a",
        service_url: &backend.url(),
        operations: &["POST /x"],
        more: "",
    });
    let inbound = format!(
        r#"<base /><send-service-bus-message queue-name="orders" namespace="{}">
           <message-properties><message-property name="Kind">new</message-property></message-properties>
           <payload>@(context.Request.Body.As<string>(preserveContent: true))</payload></send-service-bus-message>"#,
        service.host()
    );
    config.policy("apis/a/policy.xml", &inbound, "", "", "");
    let gateway = front(&config, Some(&service.authority), &tokens);
    let answer = gateway.client().request_with("POST", "/a/x", &[], b"{\"id\": 5}");
    assert_eq!((answer.status, backend.only().body), (200, b"{\"id\": 5}".to_vec()));
    let sent = service.seen.only();
    assert_eq!((sent.method.as_str(), sent.target.as_str()), ("POST", "/orders/messages"));
    assert_eq!((sent.header("kind"), sent.body.as_slice()), (Some("\"new\""), &b"{\"id\": 5}"[..]));
    assert_eq!(sent.header("authorization"), Some("Bearer token-for-servicebus.azure.net"));
}

#[test]
fn event_hub_takes_events_with_the_gateways_token() {
    let (service, tokens, backend) = (Secure::start(201), tokens(), Backend::fixed("ok"));
    let config = Config::new();
    config.api(&Api { name: "a", path: "a", service_url: &backend.url(), operations: &["GET /x"], more: "" });
    config.file(
        "loggers/hub/loggerInformation.json",
        &format!(
            r#"{{"properties": {{"loggerType": "azureEventHub", "credentials": {{"name": "logs", "endpointAddress": "{}", "identityClientId": "SystemAssigned"}}}}}}"#,
            service.host()
        ),
    );
    let inbound = r#"<base /><log-to-eventhub logger-id="hub">hello</log-to-eventhub>"#;
    config.policy("apis/a/policy.xml", inbound, "", "", "");
    let gateway = front(&config, Some(&service.authority), &tokens);
    assert_eq!(gateway.get("/a/x", &[]).status, 200);
    let begin = Instant::now();
    while service.seen.seen().is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(20), "no event comes");
        std::thread::sleep(Duration::from_millis(50));
    }
    let sent = service.seen.only();
    assert!(sent.target.starts_with("/logs/messages?"), "{}", sent.target);
    assert_eq!(sent.header("authorization"), Some("Bearer token-for-eventhubs.azure.net"));
}

#[test]
fn backend_entity_with_a_managed_identity_gets_its_token() {
    let (tokens, backend) = (tokens(), Backend::fixed("ok"));
    let config = Config::new();
    config.api(&Api { name: "a", path: "a", service_url: "", operations: &["GET /x"], more: "" });
    config.file(
        "backends/b/backendInformation.json",
        &format!(
            r#"{{"properties": {{"url": "{}", "protocol": "http", "credentials": {{"managedIdentity": {{"resource": "https://own.test"}}}}}}}}"#,
            backend.url()
        ),
    );
    config.policy("apis/a/policy.xml", r#"<base /><set-backend-service backend-id="b" />"#, "", "", "");
    let gateway = front(&config, None, &tokens);
    for _ in 0..3 {
        assert_eq!(gateway.get("/a/x", &[("Authorization", "Bearer of-the-client")]).status, 200);
    }
    assert!(
        backend.seen().iter().all(|seen| seen.header("authorization") == Some("Bearer token-for-own.test"))
    );
    assert_eq!(tokens.seen().len(), 1);
}

#[test]
fn service_of_a_fabric_is_found_and_found_again_when_it_moves() {
    let (first, second) = (Backend::fixed("first"), Backend::fixed("second"));
    let is_moved = Arc::new(AtomicUsize::new(0));
    let places = [first.url(), second.url()];
    let (moved, unlucky) = (Arc::clone(&is_moved), "http://127.0.0.1:9");
    let cluster = Backend::start(move |request: &Recorded| {
        assert!(request.target.starts_with("/Services/Shop~Orders/$/ResolvePartition?api-version=6.0"));
        let version = moved.fetch_add(1, Ordering::SeqCst);
        let url = [places[0].as_str(), unlucky, places[1].as_str()][version.min(2)];
        Reply::ok(&format!(
            r#"{{"Endpoints": [{{"Kind": "Stateless", "Address": "{{\"Endpoints\":{{\"\":\"{url}/base\"}}}}"}}], "Version": "{version}"}}"#
        ))
    });
    let config = Config::new();
    config.api(&Api { name: "a", path: "a", service_url: "", operations: &["GET /x"], more: "" });
    config.file(
        "backends/svc/backendInformation.json",
        &format!(
            r#"{{"properties": {{"url": "fabric:/Shop/Orders", "protocol": "http",
               "properties": {{"serviceFabricCluster": {{"managementEndpoints": ["{}"]}}}}}}}}"#,
            cluster.url()
        ),
    );
    let inbound = r#"<base /><set-backend-service backend-id="svc" sf-partition-key="@(context.Request.Headers.GetValueOrDefault("X-Key","1"))" sf-resolve-condition="@(context.LastError?.Reason == "BackendConnectionFailure")" />"#;
    config.policy("apis/a/policy.xml", inbound, "", "", "");
    let gateway = Running::start(config.path(), &[]);
    for _ in 0..3 {
        assert_eq!(gateway.get("/a/x", &[]).text(), "first");
    }
    assert_eq!(
        (cluster.seen().len(), first.seen()[0].target.as_str()),
        (1, "/base/x"),
        "the place is remembered"
    );
    let answer = gateway.get("/a/x", &[("X-Key", "2")]);
    assert_eq!(answer.text(), "second", "nobody listens at the first place of that partition");
    let asked: Vec<String> = cluster.seen().into_iter().map(|seen| seen.target).collect();
    assert!(asked[1].ends_with("PartitionKeyType=2&PartitionKeyValue=2"), "{asked:?}");
    assert!(asked[2].ends_with("PartitionKeyValue=2&PreviousRspVersion=1"), "{asked:?}");
}
