//! Loggers and diagnostics of the configuration (`self-hosted-gateway.md` §3.5) rule what goes where: from the folder and
//! from the management plane.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use gateway_tests::{Api, Backend, Client, Config, Federation, Recorded, Reply, Running};
use serde_json::{Value, json};

use crate::application_insights::{KEY, fault};
use crate::collector::{World, body, identity, reply};
use crate::eventually;
use crate::local;

/// The ingestion of a component that asks for no token.
pub fn insights() -> Backend {
    Backend::start(|request| {
        let Some(text) = body(request).filter(|_| request.target == "/v2.1/track") else {
            return reply(404, "");
        };
        let items = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
        match items.filter_map(|item: Value| fault(&item)).next() {
            Some(fault) => reply(400, &fault),
            None => reply(200, ""),
        }
    })
}

pub fn items(service: &Backend) -> Vec<Value> {
    let texts: Vec<String> = service.seen().iter().map(|request| body(request).expect("gzip")).collect();
    let lines = texts.iter().flat_map(|text| text.lines());
    lines.map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

pub fn named<'i>(items: &'i [Value], name: &str) -> Vec<&'i Value> {
    items.iter().filter(|item| item["name"] == name).map(|item| &item["data"]["baseData"]).collect()
}

fn connection(service: &Backend) -> String {
    format!("InstrumentationKey={KEY};IngestionEndpoint={}", service.url())
}

fn insights_logger(config: &Config, name: &str, service: &Backend) {
    let properties = json!({
        "loggerType": "applicationInsights", "credentials": {"connectionString": connection(service)}
    });
    let file = format!("loggers/{name}/loggerInformation.json");
    config.file(&file, &json!({ "properties": properties }).to_string());
}

pub fn diagnostic(config: &Config, place: &str, name: &str, properties: &Value) {
    let file = format!("{place}diagnostics/{name}/diagnosticInformation.json");
    config.file(&file, &json!({ "properties": properties }).to_string());
}

/// A request through the gateway: everything that may hold a secret holds one.
fn post(gateway: &Running) {
    let answer = Client::connect(gateway.http()).request_with(
        "POST",
        "/shop/echo/7?page=2&tag=blue&access_token=hidden",
        &[
            ("Content-Type", "application/json"),
            ("Authorization", "Bearer hidden"),
            ("Ocp-Apim-Subscription-Key", "caller-primary"),
            ("Cookie", "session=hidden"),
            ("X-Trace", "yes"),
            ("X-Internal", "left out"),
            ("Request-Id", "|0af7651916cd43dd8448eb211c80319c.b7ad6b7169203331."),
        ],
        br#"{"name":"pen","password":"hidden","more":"abcdefghijklmnopqrstuvwxyz"}"#,
    );
    assert_eq!(answer.status, 200);
}

/// Headers, bodies, masks, name, address, correlation: of each message what its diagnostic asks for.
#[test]
fn diagnostic_of_an_api_says_what_application_insights_sees() {
    let service = insights();
    let wanted = |bytes: u32| {
        json!({
            "headers": ["Authorization", "Cookie", "Ocp-Apim-Subscription-Key", "Set-Cookie", "X-Trace", "X-Internal", "X-Answer"],
            "body": {"bytes": bytes},
            "dataMasking": {
                "headers": [{"value": "X-Internal", "mode": "Hide"}, {"value": "X-Answer", "mode": "Mask"}],
                "queryParams": [{"value": "page", "mode": "Mask"}, {"value": "tag", "mode": "Hide"}]
            }
        })
    };
    let side = |bytes| json!({"request": wanted(bytes), "response": wanted(bytes)});
    let more = |config: &Config| {
        config.subscription("caller", "/apis/shop", "active");
        insights_logger(config, "ai", &service);
        let properties = json!({
            "loggerId": "/loggers/ai", "operationNameFormat": "Url", "logClientIp": true, "verbosity": "information",
            "metrics": true, "httpCorrelationProtocol": "Legacy", "frontend": side(40), "backend": side(8192)
        });
        diagnostic(config, "apis/shop/", "applicationinsights", &properties);
        let policy = r#"<base /><trace source="p" severity="verbose"><message>quiet</message></trace>
            <trace source="p" severity="error"><message>loud</message></trace><emit-metric name="calls"><dimension name="API ID" /></emit-metric>"#;
        config.policy("apis/shop/operations/operation-4/policy.xml", policy, "", "", "");
    };
    let world = World::configured(more, &[]);
    post(&world.gateway);
    world.wait_for("application-insights:ai", 4);
    let items = items(&service);
    let text = format!("{items:?}");
    assert!(
        !text.contains("hidden") && !text.contains("caller-primary") && !text.contains("left out"),
        "{text}"
    );
    let (request, call) = (named(&items, "Request")[0], named(&items, "RemoteDependency")[0]);
    assert_eq!(request["name"], "POST /echo/{id}");
    let url = request["url"].as_str().expect("a URL");
    assert!(url.ends_with("/shop/echo/7?page=***&access_token=***"), "{url}");
    assert!(call["data"].as_str().is_some_and(|url| url.ends_with("/echo/7?page=***&access_token=***")));
    let shown = &request["properties"];
    for (property, value) in [
        ("Request-Authorization", "***"),
        ("Request-Cookie", "***"),
        ("Request-Ocp-Apim-Subscription-Key", "***"),
        ("Request-X-Trace", "yes"),
        ("Response-Set-Cookie", "***"),
        ("Response-X-Answer", "***"),
        // Forty bytes of it as it came; masked it is shorter.
        ("Request-Body", r#"{"name":"pen","password":"***","more""#),
    ] {
        assert_eq!(shown[property], value, "{property}: {shown}");
    }
    let whole = r#"{"name":"pen","password":"***","more":"abcdefghijklmnopqrstuvwxyz"}"#;
    assert_eq!(
        (&call["properties"]["Request-Body"], &call["properties"]["Response-Body"]),
        (&json!(whole), &json!(whole))
    );
    let messages: Vec<&Value> = named(&items, "Message").iter().map(|item| &item["message"]).collect();
    assert_eq!(messages, ["loud"]);
    assert_eq!(named(&items, "Metric")[0]["metrics"][0]["name"], "calls");
    let tags = &items[0]["tags"];
    assert_eq!(tags["ai.location.ip"], "127.0.0.1");
    // The older correlation, in and out.
    assert_eq!(tags["ai.operation.id"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(tags["ai.operation.parentId"], "b7ad6b7169203331");
    let backend = world.backend.only();
    let told = format!("|0af7651916cd43dd8448eb211c80319c.{}.", call["id"].as_str().expect("an id"));
    assert_eq!((backend.header("request-id"), backend.header("traceparent")), (Some(told.as_str()), None));
    assert!(String::from_utf8_lossy(&backend.body).contains("hidden"), "only telemetry is masked");
}

/// With the same logger the API's own diagnostic wins, with another one both hold; sampling is each one's own.
#[test]
fn service_and_api_diagnostics_go_to_the_loggers_they_name() {
    let (common, own) = (insights(), insights());
    let sampled = |logger: &str, percentage: f64, always: bool| {
        let mut properties = json!({
            "loggerId": format!("/loggers/{logger}"), "sampling": {"samplingType": "fixed", "percentage": percentage}
        });
        if always {
            properties["alwaysLog"] = json!("allErrors");
        }
        properties
    };
    let more = |config: &Config| {
        insights_logger(config, "common", &common);
        insights_logger(config, "own", &own);
        diagnostic(config, "", "applicationinsights", &sampled("common", 100.0, false));
        diagnostic(config, "apis/shop/", "applicationinsights", &sampled("own", 0.0, true));
    };
    // What the settings name is for requests without a diagnostic; here there are none.
    let settings = insights();
    let third = connection(&settings);
    let world = World::configured(more, &[("telemetry.application-insights.connection-string", &third)]);
    world.load("/shop/ok", 20);
    world.load("/shop/none", 3);
    world.load("/elsewhere", 2);
    world.wait_for("application-insights:common", 25 + 20);
    world.wait_for("application-insights:own", 3);
    let codes = |service: &Backend, code: &str| {
        named(&items(service), "Request").iter().filter(|item| item["responseCode"] == code).count()
    };
    assert_eq!((codes(&common, "200"), codes(&common, "404")), (20, 5));
    assert_eq!((codes(&own, "200"), codes(&own, "404")), (0, 3));
    assert!(settings.seen().is_empty());

    // The API's own one takes over the logger of the service.
    diagnostic(&world.config, "apis/shop/", "applicationinsights", &sampled("common", 0.0, false));
    eventually("the change is in force", || {
        world.load("/shop/none", 1);
        world.gateway.settled("gateway_export_items_total", &["application-insights:common", "sent"]);
        let before = codes(&common, "404");
        world.load("/shop/none", 1);
        std::thread::sleep(Duration::from_millis(2200));
        (codes(&common, "404") == before).then_some(())
    });
}

/// The table's columns of headers and bodies; the sink is the settings', the rules are the diagnostic's.
#[test]
fn azure_monitor_diagnostic_rules_the_sinks_of_the_settings() {
    let (service, identity) = (Backend::start(|_| reply(204, "")), identity());
    let (endpoint, metadata) = (service.url(), identity.url());
    let more = |config: &Config| {
        config.subscription("caller", "/apis/shop", "active");
        config.file(
            "loggers/azuremonitor/loggerInformation.json",
            r#"{"properties": {"loggerType": "azureMonitor"}}"#,
        );
        let message = json!({"headers": ["X-Trace", "Authorization", "X-Answer"], "body": {"bytes": 14}});
        let properties = json!({
            "loggerId": "/loggers/azuremonitor", "logClientIp": false,
            "frontend": {"request": message, "response": message}, "backend": {"request": message, "response": message}
        });
        diagnostic(config, "", "azuremonitor", &properties);
    };
    let world = World::configured(
        more,
        &[
            ("telemetry.azure-monitor.logs.endpoint", &endpoint),
            ("telemetry.azure-monitor.logs.rule", "dcr-1"),
            ("identity.source", "vm"),
            ("identity.metadata.host", &metadata),
        ],
    );
    post(&world.gateway);
    world.wait_for("azure-monitor-logs", 1);
    let rows: Vec<Value> =
        serde_json::from_str(&body(&service.only()).expect("gzip")).expect("an array of rows");
    let row = &rows[0];
    assert!(!row.to_string().contains("hidden"), "{row}");
    for request in ["RequestHeaders", "BackendRequestHeaders"] {
        assert_eq!(row[request], json!({"X-Trace": "yes", "Authorization": "***"}), "{row}");
    }
    for response in ["ResponseHeaders", "BackendResponseHeaders"] {
        assert_eq!(row[response], json!({"X-Answer": "42"}), "{row}");
    }
    for part in ["RequestBody", "ResponseBody", "BackendRequestBody", "BackendResponseBody"] {
        assert_eq!(row[part], r#"{"name":"pen","#, "{row}");
    }
    assert!(row["CallerIpAddress"].is_null());
}

/// Event Hubs' interface, with a shared access signature for the hub.
fn hub(request: &Recorded) -> Reply {
    let shown = request.header("authorization").unwrap_or_default().to_owned();
    let signed = shown.starts_with("SharedAccessSignature sr=http%3A%2F%2F127.0.0.1%3A")
        && shown.contains("%2Flogs&sig=")
        && shown.ends_with("&skn=send");
    match request.target == "/logs/messages?timeout=60&api-version=2014-01" {
        false => reply(404, ""),
        true if signed => reply(201, ""),
        true => reply(401, ""),
    }
}

/// Loggers and diagnostics of the management plane, to an event hub with a key; and gone again with the diagnostic.
#[test]
fn plane_gives_loggers_and_takes_them_away() {
    let (service, backend) = (Backend::start(hub), Backend::fixed("x"));
    let plane = Federation::start();
    let token = plane.gateway("a");
    plane.api("one", &backend.url(), &["a"]);
    let connection = format!(
        "Endpoint=sb://{}/;SharedAccessKeyName=send;SharedAccessKey=c2VjcmV0;UseDevelopmentEmulator=true",
        service.address()
    );
    plane.put(
        "loggers/hub",
        json!({"loggerType": "azureEventHub", "credentials": {"name": "logs", "connectionString": connection}}),
    );
    let body = json!({
        "loggerId": "/loggers/hub",
        "frontend": {"request": {"headers": ["X-Trace"]}}, "backend": {"response": {"body": {"bytes": 8}}}
    });
    plane.put("apis/one/diagnostics/azureeventhub", body);
    let endpoint = plane.endpoint();
    let gateway = Running::with(&[("config.service.endpoint", &endpoint), ("config.service.auth", &token)]);
    eventually("the API is served", || {
        (gateway.get("/one/item", &[("X-Trace", "yes")]).status == 200).then_some(())
    });
    let events = || local::events(&service);
    eventually("the event is there", || (!events().is_empty()).then_some(()));
    let event = &events()[0]["properties"];
    assert_eq!(event["requestHeaders"], json!({"X-Trace": "yes"}));
    assert_eq!(event["backendResponseBody"], "x");
    assert_eq!((&event["apiId"], &event["responseCode"]), (&json!("one"), &json!(200)));
    assert_eq!(gateway.metric("gateway_export_up", &["event-hubs:hub"]), 1.0);

    plane.delete("apis/one/diagnostics/azureeventhub");
    eventually("nothing goes there any more", || {
        let before = gateway.settled("gateway_export_items_total", &["event-hubs:hub"]);
        gateway.get("/one/item", &[]);
        std::thread::sleep(Duration::from_millis(1300));
        (gateway.settled("gateway_export_items_total", &["event-hubs:hub"]) == before).then_some(())
    });
}

/// A body that is asked for streams on: the backend has its beginning before the client has sent the end.
#[test]
fn body_that_is_logged_streams_on() {
    let service = insights();
    let more = |config: &Config| {
        insights_logger(config, "ai", &service);
        let message = json!({"body": {"bytes": 8192}});
        let side = json!({"request": message, "response": message});
        let properties = json!({"loggerId": "/loggers/ai", "frontend": side, "backend": side});
        diagnostic(config, "", "applicationinsights", &properties);
    };
    let world = World::configured(more, &[]);
    let large = vec![b'x'; 3 << 20];
    let answer = Client::connect(world.gateway.http()).request_with("POST", "/shop/echo/1", &[], &large);
    assert_eq!((answer.status, answer.body.len()), (200, large.len()));
    world.wait_for("application-insights:ai", 2);
    let items = items(&service);
    for (item, name) in [("Request", "Request-Body"), ("RemoteDependency", "Response-Body")] {
        let shown = &named(&items, item)[0]["properties"][name];
        assert_eq!(shown.as_str().map(str::len), Some(8192), "{item}");
    }
}

/// What is logged of a body is its text: out of its content codings, within the bound, and out of its charset.
#[test]
fn body_in_a_coding_is_logged_as_its_text() {
    let gzip = |text: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).expect("a body");
        encoder.finish().expect("a body")
    };
    let service = insights();
    let answer = gzip(br#"{"access_token":"hidden","answer":"done"}"#);
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        answer.len()
    );
    let coded = [head.as_bytes(), &answer].concat();
    let backend = Backend::start(move |_| Reply { bytes: coded.clone(), close: false });
    let more = |config: &Config| {
        config.api(&Api {
            name: "coded",
            path: "coded",
            service_url: &backend.url(),
            operations: &["POST /i"],
            more: "",
        });
        insights_logger(config, "ai", &service);
        let message = json!({"body": {"bytes": 48}});
        let side = json!({"request": message, "response": message});
        let properties = json!({"loggerId": "/loggers/ai", "frontend": side, "backend": side});
        diagnostic(config, "", "applicationinsights", &properties);
    };
    let world = World::configured(more, &[]);
    let told = [("Content-Type", "application/json; charset=iso-8859-1"), ("Content-Encoding", "gzip")];
    let asked = gzip(&[b"{\"password\":\"hidden\",\"name\":\"caf\xe9\"}", &[b' '; 9000][..]].concat());
    let answer = Client::connect(world.gateway.http()).request_with("POST", "/coded/i", &told, &asked);
    assert_eq!((answer.status, answer.header("content-encoding")), (200, Some("gzip")));
    assert_eq!(backend.only().body, asked, "what is forwarded stays as it is");
    world.wait_for("application-insights:ai", 2);
    let items = items(&service);
    assert!(!format!("{items:?}").contains("hidden"));
    let (request, call) = (named(&items, "Request")[0], named(&items, "RemoteDependency")[0]);
    for properties in [&request["properties"], &call["properties"]] {
        let shown = properties["Request-Body"].as_str().expect("a body");
        assert_eq!(shown.trim_end(), r#"{"password":"***","name":"café"}"#);
        assert_eq!(properties["Response-Body"], r#"{"access_token":"***","answer":"done"}"#);
    }
}
