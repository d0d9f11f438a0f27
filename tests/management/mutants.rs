//! Calls that are nearly right: each call of `coverage::steps` with a piece of it changed, by the thousand. Whatever becomes
//! of one, the plane does not fail (no 5xx), a refusal says why in ARM's words and writes nothing, a read writes nothing,
//! and what was accepted is there after a restart.

use gateway_tests::passing::Numbers;
use gateway_tests::plane::{Plane, Reply, SERVICE, TOKEN, target};
use serde_json::{Map, Value, json};

use crate::coverage::steps::{self, Step};

/// Changed calls before each call that is right.
const MUTANTS: usize = 20;
/// Chooses the changes: the same in every run.
const SEED: u64 = 20_260;

/// A call that was changed.
struct Mutant {
    method: &'static str,
    path: String,
    body: Vec<u8>,
    headers: Vec<(&'static str, &'static str)>,
}

fn one_of<T: Copy>(numbers: &mut Numbers, from: &[T]) -> T {
    from[usize::try_from(numbers.below(from.len() as u64)).expect("a small number")]
}

/// A value that nobody expects.
fn odd_value(numbers: &mut Numbers) -> Value {
    let deep = (0..40).fold(json!(1), |inner, _| json!([inner]));
    let values = [
        Value::Null,
        json!(true),
        json!(-1),
        json!(0),
        json!(1.5e300),
        json!(u64::MAX),
        json!(""),
        json!(" "),
        json!("\u{0}"),
        json!("../../x"),
        json!("/apis/none"),
        json!("{{none}}"),
        json!("[concat('a')]"),
        json!("<policies><inbound>"),
        json!("2026-02-30T25:00:00Z"),
        json!("ü\u{202e}\u{1F600}"),
        json!("a".repeat(5_000)),
        json!([]),
        json!([null, {}, [1]]),
        json!({}),
        json!({"value": {"value": 1}}),
        deep,
    ];
    values[usize::try_from(numbers.below(values.len() as u64)).expect("a small number")].clone()
}

/// The same value with one place in it changed, taken out, or joined by another.
fn changed(value: &Value, numbers: &mut Numbers) -> Value {
    let at = |numbers: &mut Numbers, len: usize| usize::try_from(numbers.below(len as u64)).expect("a place");
    match value {
        Value::Object(members) if !members.is_empty() && numbers.below(8) > 0 => {
            let mut members: Map<String, Value> = members.clone();
            let name = members.keys().nth(at(numbers, members.len())).cloned().unwrap_or_default();
            match numbers.below(6) {
                0 => _ = members.remove(&name),
                1 => _ = members.insert(name.to_uppercase(), odd_value(numbers)),
                2 => _ = members.insert("notOfThis".to_owned(), odd_value(numbers)),
                _ => {
                    let inner = members.get(&name).map(|inner| changed(inner, numbers));
                    members.insert(name, inner.unwrap_or_default());
                }
            }
            Value::Object(members)
        }
        Value::Array(items) if !items.is_empty() && numbers.below(8) > 0 => {
            let mut items = items.clone();
            let place = at(numbers, items.len());
            match numbers.below(3) {
                0 => items.push(items[place].clone()),
                _ => items[place] = changed(&items[place], numbers),
            }
            Value::Array(items)
        }
        Value::String(text) if numbers.below(2) == 0 => {
            let middle = text.chars().count() / 2;
            json!(text.chars().take(middle).collect::<String>())
        }
        _ => odd_value(numbers),
    }
}

/// The same path with a segment or the query changed.
fn changed_path(path: &str, numbers: &mut Numbers) -> String {
    let (address, query) = path.split_once('?').unwrap_or((path, ""));
    let mut segments: Vec<&str> = address.split('/').collect();
    let place = usize::try_from(numbers.below(segments.len() as u64)).expect("a place");
    let odd =
        ["", "%2e%2e", "nothing", "a%2Fb", "%00", "policy", "apis", "A", "%F0%9F%98%80", "a;rev=2", "{x}"];
    match numbers.below(3) {
        0 => segments[place] = one_of(numbers, &odd),
        1 => segments.push(one_of(numbers, &odd)),
        _ if segments.len() > 1 => _ = segments.remove(place),
        _ => {}
    }
    let odd_queries = [
        "$filter=name%20eq",
        "$filter=((((name%20eq%20'a'",
        "$filter=contains(name,'x')%20and%20not%20(name%20ne%20null)",
        "$filter=timestamp%20ge%20datetime'2026-01-01T00:00:00Z'",
        "$top=0",
        "$top=-1",
        "$top=99999999999999999999",
        "$skip=18446744073709551615",
        "$skipToken=x",
        "$orderby=name%20sideways",
        "format=none&export=true",
        "deleteSubscriptions=maybe",
        "$select=%00",
        "tags=a,b&tags[0]=c",
        query,
        query,
        query,
    ];
    let query = one_of(numbers, &odd_queries);
    let joint = if query.is_empty() { "" } else { "?" };
    format!("{}{joint}{query}", segments.join("/"))
}

fn mutant(step: &Step, numbers: &mut Numbers) -> Mutant {
    let methods = ["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"];
    let tags = ["*", "\"0\"", "W/\"1\"", "nothing", "\"a\",\"b\""];
    let mut path = step.path.clone();
    let mut body = step.body.clone();
    let mut method = step.method;
    let mut headers = Vec::new();
    for _ in 0..=numbers.below(2) {
        match numbers.below(8) {
            0 => method = one_of(numbers, &methods),
            1 => headers.push((one_of(numbers, &["If-Match", "If-None-Match"]), one_of(numbers, &tags))),
            2 | 3 => path = changed_path(&path, numbers),
            _ => body = changed(&body, numbers),
        }
    }
    let mut body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    if numbers.below(16) == 0 {
        body.truncate(body.len() / 2);
    }
    Mutant { method, path, body, headers }
}

/// Whether it would take the service itself away, and with it what the others are tried on.
fn ends_the_service(mutant: &Mutant) -> bool {
    let target = target(&mutant.path);
    let address = target.split('?').next().unwrap_or_default().trim_end_matches('/');
    mutant.method == "DELETE" && address.eq_ignore_ascii_case(SERVICE)
}

fn try_mutant(plane: &Plane, mutant: &Mutant) -> Reply {
    let bearer = format!("Bearer {TOKEN}");
    let mut headers = vec![("Authorization", bearer.as_str())];
    headers.extend(mutant.headers.iter().copied());
    let before = plane.revision();
    let reply = plane.send(mutant.method, &target(&mutant.path), &headers, &mutant.body);
    let written = plane.revision() != before;
    let told = || {
        let body = String::from_utf8_lossy(&mutant.body);
        format!(
            "{} {} {:?} {body}\n-> {} {}",
            mutant.method, mutant.path, mutant.headers, reply.status, reply.body
        )
    };
    assert!(reply.status < 500, "the plane failed: {}", told());
    assert!(!(written && reply.status >= 400), "refused, and written: {}", told());
    assert!(!(written && matches!(mutant.method, "GET" | "HEAD")), "a read has written: {}", told());
    if reply.status >= 400 && mutant.method != "HEAD" {
        assert!(!reply.code().is_empty() && !reply.messages().is_empty(), "no ARM error: {}", told());
    }
    reply
}

/// What lists and single resources say.
fn contents(plane: &Plane) -> Vec<Value> {
    let lists =
        ["apis", "products", "users", "groups", "tags", "namedValues", "backends", "loggers", "gateways"];
    lists.iter().map(|list| plane.must("GET", list, &Value::Null).body).collect()
}

#[test]
fn calls_that_are_nearly_right_are_taken_or_refused_whole() {
    let plane = Plane::start(&[]);
    let mut numbers = Numbers::new(SEED);
    let (mut taken, mut refused) = (0, 0);
    for step in steps::all() {
        for _ in 0..MUTANTS {
            let mutant = mutant(&step, &mut numbers);
            if ends_the_service(&mutant) {
                continue;
            }
            match try_mutant(&plane, &mutant).status {
                ..400 => taken += 1,
                _ => refused += 1,
            }
        }
        // By now a mutant may have made what this call needs impossible, but not the plane.
        let reply = plane.call(step.method, &step.path, &step.body);
        assert!(reply.status < 500, "{} {}: {} {}", step.method, step.path, reply.status, reply.body);
    }
    assert!(taken > 500 && refused > 500, "{taken} taken, {refused} refused: no test of either");
    let before = contents(&plane);
    let plane = plane.restarted(&[]);
    assert_eq!(contents(&plane), before, "what was accepted is kept");
}
