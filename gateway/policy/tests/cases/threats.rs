//! What an attacker tries against policies, tokens and caches (`reliability-security.md` §5.5–5.7), and where each is
//! shown to fail: a row that nobody tests fails here, and so does one whose test is gone.

use std::path::Path;

use gateway_policy::catalogue::CATALOGUE;

/// Id, what is tried, and files with a text that stands in each: the name of a test, or a line of a case.
const ROWS: &[(&str, &str, &[(&str, &str)])] = &[
    (
        "X-01",
        "XML that expands or loads",
        &[
            ("gateway/policy/src/markup.rs", "read_refuses_what_expands_or_loads"),
            ("gateway/policy/src/validation/xml_schema.rs", "hostile_schemas_are_refused"),
            ("gateway/policy/tests/cases/xml-to-json/hostile.case", "<!ENTITY"),
            ("gateway/policy/tests/cases/set-body/liquid-hostile.case", "<!DOCTYPE"),
            ("gateway/policy/tests/cases/validate-content/xml.case", "<!DOCTYPE"),
            ("gateway/expression/src/clr/xml/tests.rs", "DOCTYPE"),
            ("gateway/specification/tests/formats.rs", "DOCTYPE"),
        ],
    ),
    (
        "X-02",
        "JSON that is deep, large or none",
        &[
            ("gateway/expression/src/clr/json/tests.rs", "depth_is_bounded_everywhere"),
            ("gateway/expression/src/clr/json/tests.rs", "large_documents_are_read_in_time"),
            ("gateway/policy/src/validation/json_schema.rs", "hostile_bodies_are_bounded"),
            ("gateway/policy/tests/cases/set-body/malformed-json.case", "no JSON"),
        ],
    ),
    (
        "X-03",
        "names that would be markup",
        &[
            ("gateway/policy/tests/cases/json-to-xml/hostile.case", "!DOCTYPE"),
            ("gateway/policy/tests/cases/xml-to-json/hostile.case", "escaped"),
            ("gateway/policy/src/convert/json_to_xml.rs", "convert_gives_xml_whatever_the_names"),
        ],
    ),
    (
        "X-04",
        "expressions without end",
        &[
            ("gateway/expression/tests/forms.rs", "hostile_expressions_end_within_their_budgets"),
            ("gateway/expression/tests/forms.rs", "long_native_calls_end_within_their_time"),
            ("gateway/expression/tests/forms.rs", "exceeded_limits_pass_every_handler"),
            ("tests/data_plane/policies.rs", "endless_expression_costs_one_request"),
        ],
    ),
    (
        "X-05",
        "reflection, files, network, threads",
        &[
            ("gateway/expression/tests/members.rs", "every_allowed_member_binds"),
            ("gateway/policy/tests/cases/set-variable/refused.case", "System.IO.File"),
        ],
    ),
    (
        "X-06",
        "line breaks and NUL through policies",
        &[
            ("gateway/policy/tests/cases/set-header/line-breaks.case", "X-06"),
            ("gateway/policy/tests/cases/set-status/hostile-reason.case", "X-06"),
            ("gateway/policy/tests/cases/rewrite-uri/line-breaks.case", "X-06"),
            ("gateway/policy/tests/cases/set-query-parameter/line-breaks.case", "X-06"),
            ("tests/data_plane/policies.rs", "line_breaks_never_reach_the_wire"),
        ],
    ),
    (
        "X-07",
        "documents that nest, loop or are large",
        &[
            ("gateway/policy/src/xml/reader/tests.rs", "read_deep_nesting_is_refused"),
            ("gateway/policy/tests/cases/include-fragment/refused.case", "fragment-nested"),
        ],
    ),
    (
        "X-08",
        "storms of calls",
        &[
            ("gateway/policy/tests/cases/retry/nested-calls-are-bounded.case", "X-08"),
            ("gateway/policy/tests/cases/retry/rounds-are-bounded.case", "X-08"),
            ("gateway/policy/tests/cases/wait/refused.case", "1 to 64 statements"),
            ("gateway/proxy/tests/upstream/call.rs", "one_way_calls_are_sent_and_bounded"),
        ],
    ),
    (
        "X-09",
        "calls that lead inside",
        &[
            ("gateway/proxy/src/upstream/guard.rs", "guard_refuses_what_leads_inside"),
            ("gateway/proxy/tests/upstream/call.rs", "call_link_local_and_own_listeners_are_refused"),
            ("gateway/proxy/tests/upstream/dns.rs", "name_that_leads_inside_is_refused_after_resolution"),
            ("gateway/proxy/tests/upstream/redirect.rs", "redirect_inside_is_refused"),
            ("gateway/proxy/tests/upstream/redirect.rs", "redirect_to_another_host_brings_no_credentials"),
            ("gateway/policy/tests/cases/send-request/hostile-url.case", "file:"),
        ],
    ),
    (
        "X-10",
        "GraphQL bombs and batches",
        &[
            ("gateway/policy/tests/cases/validate-graphql-request/hostile.case", "circles of fragments"),
            ("gateway/policy/src/graphql/schema.rs", "parse_deep_nesting_is_refused"),
        ],
    ),
    (
        "J-01",
        "`alg` none, missing or no text",
        &[
            ("gateway/policy/tests/cases/validate-jwt/keys.case", "NoNe"),
            ("gateway/policy/src/jose/signed.rs", "parse_hostile_tokens_are_refused"),
        ],
    ),
    (
        "J-02",
        "a key for another algorithm",
        &[
            ("gateway/policy/tests/cases/validate-jwt/keys.case", "rs-public"),
            ("gateway/policy/src/jose/signed.rs", "verify_keys_are_chosen_by_kid"),
            ("gateway/policy/src/jose/key_set.rs", "key_set_leaves_out_what_cannot_check_signatures"),
        ],
    ),
    (
        "J-03",
        "hostile and unknown `kid`",
        &[
            ("gateway/policy/tests/cases/validate-jwt/keys.case", "../../etc/passwd"),
            ("gateway/proxy/src/ports/slot.rs", "step_another_value_is_sought_once_in_five_minutes"),
            (
                "tests/data_plane/tokens.rs",
                "validate_jwt_issuer_that_never_answered_refuses_without_delay_or_flood",
            ),
        ],
    ),
    (
        "J-04",
        "keys in the token, unknown `crit`",
        &[
            ("gateway/policy/tests/cases/validate-jwt/keys.case", "jku"),
            ("gateway/policy/tests/cases/validate-jwt/keys.case", "crit"),
            ("gateway/policy/src/jose/signed.rs", "b64"),
        ],
    ),
    (
        "J-05",
        "times of the wrong type, edges of the skew",
        &[
            ("gateway/policy/tests/cases/validate-jwt/lifetime.case", "1e308"),
            ("gateway/policy/tests/cases/validate-jwt/lifetime.case", "edge:"),
        ],
    ),
    (
        "J-06",
        "audience and issuer that are nearly right",
        &[
            ("gateway/policy/tests/cases/validate-jwt/lifetime.case", "apix"),
            ("gateway/policy/tests/cases/validate-jwt/lifetime.case", "issuer:"),
        ],
    ),
    (
        "J-07",
        "signatures of odd shapes, weak keys",
        &[
            ("gateway/policy/src/jose/signed.rs", "verify_ecdsa_in_another_shape_is_refused"),
            ("gateway/policy/src/jose/key.rs", "weak_keys_are_refused"),
        ],
    ),
    (
        "J-08",
        "encrypted tokens that cost",
        &[
            (
                "gateway/policy/src/jose/encrypted.rs",
                "decrypt_what_is_not_supported_is_refused_before_any_work",
            ),
            ("gateway/policy/src/jose/encrypted.rs", "decrypt_reads_the_example_of_the_rfc"),
            ("gateway/policy/tests/cases/validate-jwt/encrypted.case", "twice:"),
            ("gateway/policy/tests/cases/validate-jwt/encrypted.case", "bomb:"),
        ],
    ),
    (
        "J-09",
        "members twice, base64 of another alphabet",
        &[
            ("gateway/policy/src/jose/object.rs", "parse_repeated_names_and_other_values_are_refused"),
            ("gateway/policy/src/jose/signed.rs", "parse_hostile_tokens_are_refused"),
        ],
    ),
    (
        "J-10",
        "tokens of a mebibyte, ten thousand claims",
        &[
            ("gateway/policy/src/jose/signed.rs", "parse_large_tokens_are_refused"),
            ("gateway/policy/src/jose/object.rs", "MEMBERS_MAX"),
        ],
    ),
    (
        "J-11",
        "issuers that are down, slow or change their keys",
        &[
            ("tests/data_plane/tokens.rs", "validate_jwt_follows_the_issuers_keys_and_outlives_it"),
            (
                "gateway/proxy/src/ports/slot.rs",
                "step_value_is_fetched_ahead_of_its_end_and_kept_while_the_source_is_down",
            ),
            ("gateway/policy/src/jose/key_set.rs", "discovery_needs_issuer_and_keys"),
        ],
    ),
    (
        "K-01",
        "subscription keys that are nearly right",
        &[
            ("tests/data_plane/access.rs", "wrong_key_on_an_open_api_is_refused_and_a_missing_one_is_not"),
            ("tests/data_plane/access.rs", "header_is_looked_at_before_the_query"),
        ],
    ),
    (
        "K-03",
        "Basic credentials with a colon",
        &[
            ("gateway/policy/tests/cases/authentication-basic/colon.case", "colon"),
            ("tests/data_plane/snippets.rs", "ada:pa:ss"),
        ],
    ),
    (
        "T-03",
        "client certificates that must not pass",
        &[
            ("gateway/policy/tests/cases/validate-client-certificate/expired-and-revoked.case", "Revoked"),
            ("gateway/policy/tests/cases/validate-client-certificate/trust.case", "validate-trust"),
            ("tests/data_plane/certificates.rs", "certificates_are_shown_to_backends_and_checked_of_clients"),
        ],
    ),
    (
        "T-04",
        "backends whose certificates are wrong",
        &[("gateway/proxy/tests/upstream/tls.rs", "tls_checks_hold_unless_switched_off")],
    ),
    (
        "C-01",
        "fields that the key does not hold",
        &[
            ("gateway/policy/tests/cases/cache-lookup/poisoning.case", "X-Forwarded-Host"),
            ("tests/data_plane/caching.rs", "evil.test"),
        ],
    ),
    (
        "C-02",
        "Vary: * and Vary on others",
        &[
            ("gateway/policy/tests/cases/cache-store/what-is-kept.case", "Vary: *"),
            ("gateway/policy/tests/cases/cache-lookup/varies.case", "Vary: Accept, X-Kind"),
        ],
    ),
    (
        "C-03",
        "answers to one caller",
        &[
            ("gateway/policy/tests/cases/cache-lookup/authorization.case", "Authorization"),
            ("gateway/policy/tests/cases/cache-lookup/groups.case", "groups"),
        ],
    ),
    (
        "C-04",
        "answers that must not be kept",
        &[
            ("gateway/policy/tests/cases/cache-store/what-is-kept.case", "Set-Cookie"),
            ("tests/data_plane/caching.rs", "truncated_answer_is_not_kept"),
        ],
    ),
    (
        "C-05",
        "keys that collide",
        &[
            ("gateway/policy/tests/cases/cache-lookup/poisoning.case", "/a%0a"),
            ("gateway/policy/tests/cases/cache-lookup/groups.case", "X-A: X-B"),
        ],
    ),
    ("C-06", "stampede", &[("tests/data_plane/caching.rs", "stampede_is_one_call_to_the_backend")]),
    (
        "C-07",
        "an external cache that is away or lies",
        &[
            ("tests/data_plane/caching.rs", "redis_away_is_a_miss_and_comes_back"),
            ("gateway/proxy/src/redis/codec.rs", "decode_foreign_and_damaged_bytes_are_nothing"),
        ],
    ),
];

/// Where a policy meets a hostile value, when its folder has no case of that name: a case, and what stands in it.
const HOSTILE: &[(&str, &str, &str)] = &[
    ("authentication-certificate", "authentication-certificate/forms.case", "../nowhere"),
    ("authentication-managed-identity", "authentication-managed-identity/no-token.case", "X-Resource"),
    ("azure-openai-emit-token-metric", "llm-token-limit/hostile.case", "<llm-emit-token-metric>"),
    ("azure-openai-semantic-cache-lookup", "llm-semantic-cache-lookup/failures.case", "no dialog"),
    ("azure-openai-semantic-cache-store", "llm-semantic-cache-lookup/failures.case", "no dialog"),
    ("azure-openai-token-limit", "llm-token-limit/hostile.case", "1e308"),
    ("cache-lookup", "cache-lookup/poisoning.case", "evil.test"),
    ("cache-lookup-value", "cache-store-value/hostile-keys.case", "<cache-lookup-value"),
    ("cache-remove-value", "cache-store-value/hostile-keys.case", "<cache-remove-value"),
    ("cache-store", "cache-store/what-is-kept.case", "Set-Cookie"),
    ("cors", "cors/preflight.case", "evil.example"),
    ("forward-request", "forward-request/failures.case", "error"),
    ("include-fragment", "include-fragment/refused.case", "fragment-nested"),
    ("invoke-dapr-binding", "invoke-dapr-binding/invoked.case", "../shutdown"),
    ("jsonp", "jsonp/callback.case", "alert(document.cookie)"),
    ("llm-content-safety", "llm-content-safety/no-judgement.case", "<html>"),
    ("llm-emit-token-metric", "llm-token-limit/hostile.case", "<llm-emit-token-metric>"),
    ("llm-semantic-cache-lookup", "llm-semantic-cache-lookup/failures.case", "no dialog"),
    ("llm-semantic-cache-store", "llm-semantic-cache-lookup/failures.case", "no dialog"),
    ("log-to-eventhub", "log-to-eventhub/logged.case", "%0d%0aX"),
    ("proxy", "proxy/where.case", "passwd"),
    ("publish-event", "publish-event/published.case", "id=\"missing\""),
    ("publish-to-dapr", "publish-to-dapr/published.case", "x/../y"),
    ("quota", "quota/refused.case", "error["),
    ("quota-by-key", "quota-by-key/conditions.case", "hostile key"),
    ("rate-limit", "rate-limit/refused.case", "error["),
    ("redirect-content-urls", "redirect-content-urls/both-ways.case", "evil"),
    ("retry", "retry/rounds-are-bounded.case", "X-08"),
    ("rewrite-uri", "rewrite-uri/line-breaks.case", "X-06"),
    ("send-request", "send-request/hostile-url.case", "passwd"),
    ("send-service-bus-message", "send-service-bus-message/failures.case", "../$management"),
    ("set-backend-service", "set-backend-service/where.case", "evil.test"),
    ("set-body", "set-body/liquid-hostile.case", "<!DOCTYPE"),
    ("set-header", "set-header/line-breaks.case", "X-06"),
    ("set-query-parameter", "set-query-parameter/line-breaks.case", "X-06"),
    ("set-status", "set-status/hostile-reason.case", "X-06"),
    ("validate-azure-ad-token", "validate-azure-ad-token/places.case", "evil"),
    ("validate-client-certificate", "validate-client-certificate/trust.case", "validate-trust"),
    ("validate-content", "validate-content/xml.case", "evil.dtd"),
    ("validate-jwt", "validate-jwt/keys.case", "../../etc/passwd"),
    ("validate-odata-request", "validate-odata-request/requests.case", "(((((((((("),
    ("validate-parameters", "validate-parameters/parameters.case", "%0d%0aX=1"),
    ("wait", "wait/refused.case", "1 to 64 statements"),
    ("xsl-transform", "xsl-transform/orders.case", "<!DOCTYPE"),
];

#[test]
fn policies_each_meet_a_hostile_value() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let own: Vec<String> = crate::files()
        .iter()
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("hostile")))
        .filter_map(|path| Some(path.parent()?.file_name()?.to_string_lossy().into_owned()))
        .collect();
    let holds = |(_, file, needle): &&(&str, &str, &str)| {
        std::fs::read_to_string(root.join(file)).is_ok_and(|text| text.contains(needle))
    };
    let elsewhere: Vec<&str> = HOSTILE.iter().filter(holds).map(|(element, ..)| *element).collect();
    let missing: Vec<_> = CATALOGUE
        .iter()
        .map(|def| def.element)
        .filter(|element| !own.iter().any(|own| own == element) && !elsewhere.contains(element))
        .collect();
    assert!(missing.is_empty(), "no case with a hostile value: {missing:#?}");
}

#[test]
fn threats_each_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut missing = Vec::new();
    for (id, what, places) in ROWS {
        for (file, needle) in *places {
            let text = std::fs::read_to_string(root.join(file)).unwrap_or_default();
            if !text.contains(needle) {
                missing.push(format!("{id} ({what}): '{needle}' is not in {file}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
