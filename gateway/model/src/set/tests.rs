//! Sets that do not fit together, and what is said about them.

use super::*;
use crate::resource::{BackendPool, BackendType, PoolMember, SubscriptionScope, VersioningScheme};
use crate::secret::Secret;

fn at(line: u32) -> Origin {
    Origin::new("f", line, 1)
}

fn api(id: &str, path: &str, line: u32) -> Api {
    Api { id: id.into(), path: path.into(), origin: at(line), ..Api::default() }
}

fn add<R: Resource>(set: &mut ResourceSet, resource: R) {
    set.insert(resource).unwrap_or_else(|duplicate| panic!("{duplicate}"));
}

/// `line:code:api` of every finding.
fn findings(set: &ResourceSet) -> Vec<String> {
    set.check()
        .iter()
        .map(|finding| {
            let api = finding.api.as_ref().map(|api| format!(":{api}")).unwrap_or_default();
            format!("{}:{}{api}", finding.origin.line, finding.code)
        })
        .collect()
}

#[test]
fn set_refuses_a_second_resource_of_a_name_without_case() {
    let mut set = ResourceSet::default();
    add(&mut set, api("Orders", "a", 1));
    let duplicate = set.insert(api("orders", "b", 2)).err().map(Diagnostic::from);
    assert_eq!(
        duplicate.map(|finding| finding.to_string()).as_deref(),
        Some("f:2:1: error[duplicate-resource]: API /apis/orders is already defined at f:1:1")
    );
    assert_eq!(set.apis.len(), 1);
}

#[test]
fn set_lists_what_belongs_together() {
    let mut set = ResourceSet::default();
    for (owner, name) in [("a", "z"), ("a", "b"), ("ab", "c"), ("a;rev=2", "d")] {
        let operation = Operation { api: owner.into(), id: name.into(), ..Operation::default() };
        add(&mut set, operation);
    }
    add(&mut set, Product { id: "p".into(), ..Product::default() });
    add(&mut set, ProductApi { product: "p".into(), api: "a".into(), origin: at(1) });
    let of = |api: &str| -> Vec<String> {
        set.operations_of(&api.into()).map(|operation| operation.id.to_string()).collect()
    };
    assert_eq!(
        (of("a"), of("ab"), of("a;rev=2")),
        (vec!["b".into(), "z".into()], vec!["c".into()], vec!["d".into()])
    );
    assert_eq!(set.products_of(&"A;rev=2".into()).count(), 1);
    assert_eq!(set.apis_of(&"P".into()).map(ApiId::as_str).collect::<Vec<_>>(), ["a"]);
}

#[test]
fn remove_api_takes_everything_of_that_revision_only() {
    let mut set = ResourceSet::default();
    for id in ["a", "a;rev=2"] {
        add(&mut set, api(id, "a", 1));
        add(&mut set, Operation { api: id.into(), id: "o".into(), ..Operation::default() });
        for scope in [PolicyScope::Api(id.into()), PolicyScope::Operation(id.into(), "o".into())] {
            add(
                &mut set,
                PolicyDocument {
                    scope,
                    text: "".into(),
                    format: crate::PolicyFormat::default(),
                    origin: at(1),
                },
            );
        }
    }
    set.remove_api(&"a;rev=2".into());
    assert_eq!((set.apis.len(), set.operations.len(), set.policies.len()), (1, 1, 2));
}

#[test]
fn check_finds_paths_written_twice_and_keeps_revisions_and_versions_apart() {
    let mut set = ResourceSet::default();
    let version = |id: &str, version: &str, line| Api {
        api_version: Some(version.into()),
        api_version_set_id: Some("/apiVersionSets/v".into()),
        ..api(id, "v", line)
    };
    add(&mut set, ApiVersionSet { id: "v".into(), ..ApiVersionSet::default() });
    add(&mut set, api("a", "orders", 1));
    add(&mut set, api("b", "/Orders/", 2));
    add(&mut set, Api { is_current_written: Some(false), ..api("a;rev=2", "orders", 3) });
    add(&mut set, version("c", "v1", 4));
    add(&mut set, version("d", "v2", 5));
    add(&mut set, version("e", "V1", 6));
    assert_eq!(findings(&set), ["2:api-path-duplicate:b", "6:api-path-duplicate:e"]);
}

#[test]
fn check_finds_broken_versions_and_revisions() {
    let mut set = ResourceSet::default();
    let header = VersioningScheme::Header;
    add(
        &mut set,
        ApiVersionSet {
            id: "h".into(),
            versioning_scheme: header,
            origin: at(1),
            ..ApiVersionSet::default()
        },
    );
    add(&mut set, Api { api_version: Some("v1".into()), ..api("a", "a", 2) });
    add(&mut set, Api { api_version_set_id: Some("/apiVersionSets/none".into()), ..api("b", "b", 3) });
    add(&mut set, Api { is_current_written: Some(true), ..api("c", "c", 4) });
    add(&mut set, Api { is_current_written: Some(true), ..api("c;rev=2", "c2", 5) });
    add(&mut set, api("d;rev=2", "d", 6));
    add(&mut set, Api { api_revision: Some("1".into()), ..api("b;rev=7", "b", 7) });
    assert_eq!(
        findings(&set),
        [
            "1:version-set-incomplete",
            "2:version-without-set:a",
            "3:version-set-missing:b",
            "5:revision-current-twice:c;rev=2",
            "6:revision-orphan:d;rev=2",
            "7:revision-duplicate:b;rev=7",
        ]
    );
}

#[test]
fn check_finds_broken_operations() {
    let mut set = ResourceSet::default();
    let operation = |id: &str, method: &str, template: &str, line| Operation {
        api: "a".into(),
        id: id.into(),
        method: method.into(),
        url_template: template.into(),
        origin: at(line),
        ..Operation::default()
    };
    add(&mut set, api("a", "a", 1));
    add(&mut set, operation("ok", "GET", "/x/{a}?b={b}", 2));
    add(&mut set, operation("same", "get", "/x/{a}?b={b}", 3));
    add(&mut set, operation("twice", "GET", "/{a}/{a}", 4));
    add(&mut set, operation("verb", "GE T", "/y", 5));
    add(&mut set, Operation { api: "gone".into(), ..operation("o", "GET", "/", 6) });
    assert_eq!(
        findings(&set),
        [
            "3:operation-duplicate:a",
            "4:template-parameter-twice:a",
            "5:operation-method:a",
            "6:operation-orphan:gone",
        ]
    );
}

#[test]
fn check_finds_references_to_nothing() {
    let mut set = ResourceSet::default();
    add(&mut set, api("a", "a", 1));
    add(&mut set, Product { id: "p".into(), origin: at(2), ..Product::default() });
    for (product, api, line) in [("p", "a", 3), ("p", "none", 4), ("none", "a", 5)] {
        add(&mut set, ProductApi { product: product.into(), api: api.into(), origin: at(line) });
    }
    for (group, line) in [("Developers", 6), ("none", 7)] {
        add(&mut set, ProductGroup { product: "p".into(), group: group.into(), origin: at(line) });
    }
    add(&mut set, GatewayApi { gateway: "g".into(), api: "none".into(), origin: at(8) });
    for (scope, line) in [("/products/none", 9), ("/apis/none", 10), ("/apis/a", 11), ("/apis", 12)] {
        let scope = SubscriptionScope::parse(scope).unwrap_or_else(|| panic!("{scope}"));
        let id = SubscriptionId::from(format!("s{line}"));
        add(&mut set, Subscription { id, scope, origin: at(line), ..Subscription::default() });
    }
    let logger_id = Some("/loggers/none".to_owned());
    add(
        &mut set,
        LogDiagnostic { id: "local".into(), logger_id, origin: at(13), ..LogDiagnostic::default() },
    );
    assert_eq!(
        findings(&set),
        [
            "4:reference-missing",
            "5:reference-missing",
            "7:reference-missing",
            "8:reference-missing",
            "9:reference-missing",
            "10:reference-missing",
            "13:logger-missing",
        ]
    );
}

#[test]
fn check_finds_keys_written_twice_and_does_not_show_them() {
    let mut set = ResourceSet::default();
    let subscription = |id: &str, primary: &str, secondary: &str, line| Subscription {
        id: id.into(),
        primary_key: Some(Secret::from(primary)),
        secondary_key: Some(Secret::from(secondary)),
        origin: at(line),
        ..Subscription::default()
    };
    add(&mut set, subscription("a", "k1", "k2", 1));
    add(&mut set, subscription("b", "sesame", "sesame", 2));
    add(&mut set, subscription("c", "k2", "k3", 3));
    assert_eq!(findings(&set), ["2:subscription-key-duplicate", "3:subscription-key-duplicate"]);
    assert!(!set.check().iter().any(|finding| finding.message.contains("sesame")));
}

#[test]
fn check_finds_broken_backends_and_two_open_products() {
    let mut set = ResourceSet::default();
    let pool = |id: &str, members: &[&str], line| Backend {
        id: id.into(),
        backend_type: BackendType::Pool,
        pool: Some(BackendPool {
            services: members
                .iter()
                .map(|id| PoolMember { id: (*id).into(), ..PoolMember::default() })
                .collect(),
            ..BackendPool::default()
        }),
        origin: at(line),
        ..Backend::default()
    };
    add(
        &mut set,
        Backend { id: "single".into(), url: "http://a".into(), origin: at(1), ..Backend::default() },
    );
    add(&mut set, Backend { id: "bare".into(), origin: at(2), ..Backend::default() });
    add(&mut set, pool("good", &["/backends/single"], 3));
    add(&mut set, pool("empty", &[], 4));
    add(&mut set, pool("nested", &["/backends/good"], 5));
    add(&mut set, pool("loose", &["/backends/none"], 6));
    add(&mut set, Backend { backend_type: "Mesh".into(), ..pool("kind", &[], 7) });
    add(&mut set, api("a", "a", 8));
    for (id, line) in [("p1", 9), ("p2", 10)] {
        let open =
            Product { id: id.into(), subscription_required: false, origin: at(line), ..Product::default() };
        add(&mut set, open);
        add(&mut set, ProductApi { product: id.into(), api: "a".into(), origin: at(line) });
    }
    assert_eq!(
        findings(&set),
        [
            "2:backend-url",
            "4:backend-pool-empty",
            "5:backend-pool-member",
            "6:backend-pool-member",
            "7:backend-type",
            "10:open-products",
        ]
    );
}

#[test]
fn check_finds_bad_named_values_and_fragments() {
    let mut set = ResourceSet::default();
    let value = |id: &str, name: &str, value: &str, line| NamedValue {
        id: id.into(),
        display_name: name.into(),
        value: Some(Secret::from(value)),
        origin: at(line),
        ..NamedValue::default()
    };
    add(&mut set, value("a", "Key.1", "v", 1));
    add(&mut set, value("b", "key.1", "v", 2));
    add(&mut set, value("c", "with blank", "v", 3));
    add(&mut set, value("d", "d", " ", 4));
    add(&mut set, value("e", "e", &"x".repeat(4097), 5));
    for (id, text, line) in [
        ("plain", "<fragment><!-- <include-fragment/> --><include-fragments/></fragment>", 20),
        ("nested", "<fragment>\n  <include-fragment fragment-id=\"plain\" /></fragment>", 30),
    ] {
        add(&mut set, PolicyFragment { id: id.into(), origin: at(line), ..PolicyFragment::default() });
        let scope = PolicyScope::Fragment(id.into());
        let format = crate::PolicyFormat::default();
        add(&mut set, PolicyDocument { scope, text: text.into(), format, origin: at(line) });
    }
    add(&mut set, PolicyFragment { id: "empty".into(), origin: at(40), ..PolicyFragment::default() });
    assert_eq!(
        findings(&set),
        [
            "2:named-value-duplicate",
            "3:named-value-name",
            "4:named-value-blank",
            "5:named-value-long",
            "31:fragment-nested",
            "40:fragment-without-policy",
        ]
    );
    assert_eq!(set.named_value("KEY.1").map(|value| value.id.as_str()), Some("a"));
}
