//! Every document compiles, but those that are damaged where they are published.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;

/// Published files that no gateway takes as they are, and what is wrong with each.
const DAMAGED: &[(&str, &str)] = &[
    ("Call out to an HTTP endpoint and cache the response.policy.xml", "quotation marks torn out of texts"),
    ("DELETE a from to blobStorage account.xml", "`MatchedParameters(…)`: a dictionary is called"),
    ("GET a file from blobStorage account.xml", "`MatchedParameters(…)`, sections out of order"),
    ("Generate Azure Relay Token.policy.xml", "the backend's address is left empty"),
    (
        "Get OAuth2 access token from AAD using client id and certificate using key vault manage identity.xml",
        "`{{cachetime}]`, and `RSACng`, which expressions may not use",
    ),
    ("Loopback request for service at same API Management service.xml", "quotation marks torn out of texts"),
    ("PUT a file to blobStorage account.xml", "`MatchedParameters(…)`: a dictionary is called"),
    (
        "Pre-authorize requests based on HTTP method with validate-jwt.policy.xml",
        "quotation marks torn out of texts",
    ),
    ("Query CosmosDB.policy.xml", "a placeholder in braces where the host stands"),
    ("Return a blob URL signed with a user delegation SAS token.xml", "`AddSeconds` with a text"),
];

/// What the documents' named values must be, where a word does not do.
const VALUES: &[(&str, &str)] = &[
    ("alternate-host", "https://host.test"),
    ("alternate-path-and-query", "/path"),
    ("authorizationserver", "https://host.test"),
    ("authorizer-url", "https://host.test"),
    ("backend-url-1", "https://host.test"),
    ("backend-url-2", "https://host.test"),
    ("base64-encoded-hashing-secret", "MDEyMzQ1Njc4OWFiY2RlZg=="),
    ("bff-baseurl", "https://host.test"),
    ("bff-timeout", "10"),
    ("cookieencryptionkey", "1"),
    ("mytrafficsplitapp_trafficbaseurloverride", "https://host.test"),
    ("mytrafficsplitapp_trafficsplitweight", "50"),
    ("my-send-request", "https://host.test"),
    ("refreshtokenexpirationinseconds", "60"),
    ("sapoauthrefreshexpiry", "60"),
    ("sapoauthserveradressfortokenendpoint", "host.test"),
    ("sapsfoauthserveradressfortokenendpoint", "host.test"),
    ("sessioncookieexpirationinseconds", "60"),
    ("signing-key", "MDEyMzQ1Njc4OWFiY2RlZg=="),
    ("tokenencryptionkey", "1"),
];

/// Named values that a document asks for, by their lower-case names.
fn asked(text: &str) -> BTreeMap<String, String> {
    let names = text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")).map(|(name, _)| name);
    let is_name = |name: &&str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
    };
    names.filter(is_name).map(|name| (name.to_ascii_lowercase(), name.to_owned())).collect()
}

fn documents(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(documents(&entry.path()));
        } else if entry.path().extension().is_some_and(|extension| extension == "xml") {
            let text = fs::read_to_string(entry.path()).unwrap().trim_start_matches('\u{feff}').to_owned();
            found.insert(entry.file_name().into_string().unwrap(), text);
        }
    }
    found
}

/// Complaints of `gateway check` about the document, as a policy of a product: the one scope where all policies may stand.
fn complaints(name: &str, text: &str, fragments: &[(&str, &str)]) -> Option<String> {
    let config = Config::new();
    config.api(&Api { name: "a", path: "a", service_url: "http://b.test", operations: &["GET /"], more: "" });
    config.product("p", true, &["a"]);
    let mut values = asked(text);
    for (fragment, text) in fragments {
        values.extend(asked(text));
        config.file(
            &format!("policyFragments/{fragment}/policyFragmentInformation.json"),
            r#"{"properties":{}}"#,
        );
        config.file(&format!("policyFragments/{fragment}/policy.xml"), text);
    }
    for (lower, name) in &values {
        let value = VALUES.iter().find(|(known, _)| known == lower).map_or("word", |(_, value)| value);
        named_value(&config, name, value);
    }
    let included = format!(r#"<base /><include-fragment fragment-id="{}" />"#, name.trim_end_matches(".xml"));
    match fragments.iter().any(|(_, fragment)| *fragment == text) {
        true => drop(config.policy("products/p/policy.xml", &included, "", "", "")),
        false => drop(config.file("products/p/policy.xml", text)),
    }
    let output = gateway_tests::process::run(&["check", config.path().to_str().unwrap()]);
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn snippets_compile_but_the_damaged() {
    let all = documents(&folder());
    assert!(all.len() >= 25, "{} documents", all.len());
    let fragments: Vec<_> = all
        .iter()
        .filter(|(_, text)| text.contains("<fragment"))
        .map(|(name, text)| (name.trim_end_matches(".xml"), text.as_str()))
        .collect();
    let refused: BTreeMap<&str, String> = all
        .iter()
        .filter_map(|(name, text)| Some((name.as_str(), complaints(name, text, &fragments)?)))
        .collect();
    let damaged: BTreeSet<&str> =
        DAMAGED.iter().map(|(name, _)| *name).filter(|name| all.contains_key(*name)).collect();
    assert_eq!(refused.keys().copied().collect::<BTreeSet<_>>(), damaged, "{refused:#?}");
}
