//! The samples of the project load without a finding.

use std::path::Path;

use gateway_model::{ApiId, ApiType, PolicyScope, Secret, SubscriptionScope};
use gateway_sync::folder::{Environment, FolderSettings, load};

fn settings() -> FolderSettings {
    FolderSettings {
        dir: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples"),
        env: Environment::of([("ECHO_URL", "http://127.0.0.1:1")]),
        ..FolderSettings::default()
    }
}

#[test]
fn samples_load_without_a_finding() {
    let outcome = load(&settings());
    assert!(outcome.readable);
    let found: Vec<_> = outcome.diagnostics.iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn samples_hold_what_their_readme_says() {
    let set = load(&settings()).set;
    let ids = |api: &str| -> Vec<String> {
        set.operations_of(&ApiId::from(api)).map(|operation| operation.id.to_string()).collect()
    };
    assert_eq!(ids("echo"), ["get-anything", "get-item", "post-anything", "search"]);
    assert_eq!(ids("public"), ["get-time", "list-books"]);
    assert_eq!(ids("live"), ["onHandshake"]);
    assert_eq!(set.apis.get(&ApiId::from("live")).map(|api| &api.api_type), Some(&ApiType::WebSocket));
    assert_eq!(
        set.backends.get(&"echo".into()).map(|backend| backend.url.as_str()),
        Some("http://127.0.0.1:1")
    );
    let demo = set.subscriptions.get(&"demo-starter".into());
    assert_eq!(demo.map(|demo| &demo.scope), Some(&SubscriptionScope::Product("starter".into())));
    assert_eq!(demo.and_then(|demo| demo.primary_key.as_ref()).map(Secret::expose), Some("demo-starter-key"));
    assert!(set.policy(&PolicyScope::Fragment("correlation".into())).is_some());
    assert_eq!(set.policies.len(), 9);
    assert_eq!(
        set.named_value("GREETING").and_then(|value| value.value.as_ref()).map(Secret::expose),
        Some("hello from the gateway")
    );
}

#[test]
fn samples_without_echo_url_name_file_and_line() {
    let outcome = load(&FolderSettings { env: Environment::default(), ..settings() });
    let found: Vec<_> = outcome.diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "apis/live/apiInformation.json:14:19: error[variable-missing]: environment variable ECHO_URL of '{#[ECHO_URL]#}' is not set",
            "backends/echo/backendInformation.json:6:12: error[variable-missing]: environment variable ECHO_URL of '{#[ECHO_URL]#}' is not set",
        ]
    );
}

#[test]
fn samples_with_the_local_overrides_need_no_environment() {
    let overrides = Some(settings().dir.join("configuration.local.yaml"));
    let outcome = load(&FolderSettings { env: Environment::default(), overrides, ..settings() });
    assert_eq!(outcome.diagnostics, []);
}
