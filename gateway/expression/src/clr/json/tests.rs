//! Reading, writing, selecting and converting against what Newtonsoft.Json gave.

use proptest::prelude::*;

use super::*;
use crate::clr::date_time::DateTime;
use crate::clr::exception::{Error, Result};
use crate::clr::number::IntegerType;
use crate::clr::vectors::{outcome, rows};

fn token(text: &str) -> JToken {
    parse(text, DEPTH_DEFAULT).expect("JSON")
}

fn compact(token: &JToken) -> String {
    token.to_json(Formatting::None)
}

#[test]
fn documents_are_read_and_written_as_by_newtonsoft() {
    let mut wrong = Vec::new();
    for row in rows(include_str!("read.tsv")) {
        let [kind, text, expected] = row.as_slice() else { panic!("{row:?}") };
        let actual = match kind.as_str() {
            "object" => outcome(parse_object(text, DEPTH_DEFAULT).map(|token| compact(&token))),
            "array" => outcome(parse_array(text, DEPTH_DEFAULT).map(|token| compact(&token))),
            "indented" => outcome(parse(text, DEPTH_DEFAULT).map(|token| token.to_text())),
            _ => outcome(parse(text, DEPTH_DEFAULT).map(|token| compact(&token))),
        };
        if actual != *expected {
            wrong.push(format!("{kind} {text:?}:\n  {actual:?}\n  {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

const OBJECT: &str = "{\"a\":1,\"b\":{\"c\":[1,2,{\"d\":\"x\"}],\"a\":5},\"e f\":{\"g.h\":true},\"l\":[{\"n\":1,\
                      \"s\":\"one\",\"p\":1.5},{\"n\":2,\"s\":\"two\"},{\"n\":3,\"s\":\"three\",\"p\":null,\"q\":\
                      {\"n\":2}}],\"z\":null,\"t\":\"2024-01-31T10:00:00Z\"}";
const ARRAY: &str = "[1,2,3,4,5,[6,7],\"x\",null,{\"a\":[]}]";

#[test]
fn paths_select_what_newtonsoft_selects() {
    let mut wrong = Vec::new();
    for row in rows(include_str!("select.tsv")) {
        let [document, how, path, expected] = row.as_slice() else { panic!("{row:?}") };
        let root = token(if document == "o" { OBJECT } else { ARRAY });
        let actual = if how == "one" {
            let one = root.select_token(path, false, &mut 4_000_000);
            outcome(one.map(|found| found.map_or_else(|| "<null>".to_owned(), |found| compact(&found))))
        } else {
            let many = root.select_tokens(path, how == "1", &mut 4_000_000);
            outcome(many.map(|found| found.iter().map(compact).collect::<Vec<_>>().join(" ; ")))
        };
        if actual != *expected {
            wrong.push(format!("{document} {how} {path:?}:\n  {actual:?}\n  {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

fn sample() -> JToken {
    token(
        "{\"a\":1,\"b\":{\"c\":[1,2,3]},\"d\":null,\"e\":\"x\",\"f\":1.5,\"g\":true,\"h\":\"2024-01-31T10:00:00Z\",\
         \"i\":12345678901234567890}",
    )
}

fn shown(result: Result<Scalar>) -> String {
    outcome(result.map(|value| match value {
        Scalar::Null => "<null>".to_owned(),
        other => other.to_text(),
    }))
}

#[test]
fn casts_give_what_newtonsoft_gives() {
    use CastTarget as T;
    let int = T::Integer(IntegerType::Int32);
    let root = sample();
    let at = |name: &str| root.by_name(name).expect("an object");
    let of = |text: &str| Some(JToken::value(Scalar::from(text)));
    let convert = |token: Option<JToken>, target, nullable| {
        shown(cast(token.as_ref(), target, nullable, DateTime::MIN))
    };
    let table = [
        (convert(at("e"), int, false), "!System.FormatException: Input string was not in a correct format."),
        (convert(at("b"), int, false), "!System.ArgumentException: Can not convert Object to Int32."),
        (convert(at("d"), int, false), "!System.ArgumentException: Can not convert Null to Int32."),
        (convert(at("d"), int, true), "<null>"),
        (
            convert(at("zz"), int, false),
            "!System.ArgumentNullException: Value cannot be null. (Parameter 'value')",
        ),
        (convert(at("zz"), int, true), "<null>"),
        (convert(at("zz"), T::String, false), "<null>"),
        (convert(at("b"), T::String, false), "!System.ArgumentException: Can not convert Object to String."),
        (convert(at("d"), T::String, false), "<null>"),
        (convert(at("f"), T::String, false), "1.5"),
        (convert(at("g"), T::String, false), "True"),
        (convert(at("h"), T::String, false), "01/31/2024 10:00:00"),
        (convert(at("i"), T::String, false), "12345678901234567890"),
        (convert(at("f"), int, false), "2"),
        (convert(at("g"), int, false), "1"),
        (convert(at("h"), int, false), "!System.ArgumentException: Can not convert Date to Int32."),
        (
            convert(at("i"), int, false),
            "!System.OverflowException: Value was either too large or too small for an Int32.",
        ),
        (convert(at("a"), T::Boolean, false), "True"),
        (
            convert(at("e"), T::Boolean, false),
            "!System.FormatException: String 'x' was not recognized as a valid Boolean.",
        ),
        (
            convert(at("a"), T::DateTime, false),
            "!System.ArgumentException: Can not convert Integer to DateTime.",
        ),
        (convert(at("h"), T::DateTimeOffset, false), "01/31/2024 10:00:00 +00:00"),
        (convert(of("AQI="), T::Bytes, false), "System.Byte[]"),
        (
            convert(at("a"), T::Bytes, false),
            "!System.ArgumentException: Can not convert Integer to byte array.",
        ),
        (
            convert(of("ab"), T::Char, false),
            "!System.FormatException: String must be exactly one character long.",
        ),
        (convert(of(" 12 "), int, false), "12"),
        (
            convert(of("1.5"), int, false),
            "!System.FormatException: Input string was not in a correct format.",
        ),
        (convert(of("01:02:03"), T::TimeSpan, false), "01:02:03"),
        (convert(at("f"), T::Decimal, false), "1.5"),
        (convert(root.find_property("a"), int, false), "1"),
    ];
    for (index, (actual, expected)) in table.into_iter().enumerate() {
        assert_eq!(actual, expected, "row {index}");
    }
}

#[test]
fn values_change_type_as_convert_does() {
    use CastTarget as T;
    let convert = |value: Scalar, target| shown(change_type(&value, target, DateTime::MIN));
    let int = T::Integer(IntegerType::Int32);
    let table = [
        (
            convert(Scalar::Null, int),
            "!System.InvalidCastException: Null object cannot be converted to a value type.",
        ),
        (convert(Scalar::Null, T::String), "<null>"),
        (
            convert(Scalar::Integer(1), T::DateTime),
            "!System.InvalidCastException: Invalid cast from 'Int64' to 'DateTime'.",
        ),
        (
            convert(Scalar::Integer(1), T::Guid),
            "!System.InvalidCastException: Invalid cast from 'System.Int64' to 'System.Guid'.",
        ),
        (
            convert(Scalar::from("x"), T::Guid),
            "!System.InvalidCastException: Invalid cast from 'System.String' to 'System.Guid'.",
        ),
        (convert(Scalar::Float(1.5), int), "2"),
        (convert(Scalar::Bool(true), int), "1"),
        (convert(Scalar::from("x"), T::Char), "120"),
    ];
    for (index, (actual, expected)) in table.into_iter().enumerate() {
        assert_eq!(actual, expected, "row {index}");
    }
}

fn message<T>(result: Result<T>) -> String {
    result.err().map_or_else(String::new, |error: Error| error.message)
}

#[test]
fn indexers_refuse_what_newtonsoft_refuses() {
    let root = sample();
    let items = token("[1,\"2\",null,{\"x\":1}]");
    let value = root.by_name("a").unwrap().unwrap();
    assert!(root.by_name("zz").unwrap().is_none());
    assert_eq!(message(value.by_name("x")), "Cannot access child value on Newtonsoft.Json.Linq.JValue.");
    assert_eq!(
        message(root.by_index(0)),
        "Accessed JObject values with invalid key value: 0. Object property name expected."
    );
    assert_eq!(
        message(items.by_name("x")),
        "Accessed JArray values with invalid key value: \"x\". Int32 array index expected."
    );
    assert_eq!(
        message(items.by_index(9)),
        "Index was out of range. Must be non-negative and less than the size of the collection. (Parameter 'index')"
    );
}

#[test]
fn paths_of_nodes_are_newtonsofts() {
    let root = token("{\"a.b\":{\"c'd\":[1]},\"b\":{\"c\":[1,2]}}");
    assert_eq!(root.descendants().get(4).unwrap().path(), "['a.b']['c\\'d'][0]");
    assert_eq!(root.select_token("b.c[1]", false, &mut 4_000_000).unwrap().unwrap().path(), "b.c[1]");
    assert_eq!(root.path(), "");
    assert_eq!(root.find_property("b").unwrap().path(), "b");
}

#[test]
fn what_has_a_parent_is_copied_when_put_elsewhere() {
    let root = sample();
    let shared = root.by_name("b").unwrap().unwrap();
    let other = JToken::object();
    other.set_by_name("copy", &shared).unwrap();
    shared.by_name("c").unwrap().unwrap().add(&JToken::value(Scalar::Integer(4))).unwrap();
    assert_eq!(compact(&other), "{\"copy\":{\"c\":[1,2,3]}}");
    // A container put into itself is copied as well.
    other.set_by_name("self", &other.clone()).unwrap();
    assert_eq!(compact(&other), "{\"copy\":{\"c\":[1,2,3]},\"self\":{\"copy\":{\"c\":[1,2,3]}}}");
}

#[test]
fn containers_refuse_what_newtonsoft_refuses() {
    let root = sample();
    let items = token("[1]");
    let one = JToken::value(Scalar::Integer(1));
    let property = JToken::property("a", &one).unwrap();
    let exists = "Can not add property a to Newtonsoft.Json.Linq.JObject. Property with the same name already exists on \
                  object.";
    let table = [
        (
            message(items.add(&property)),
            "Can not add Newtonsoft.Json.Linq.JProperty to Newtonsoft.Json.Linq.JArray.",
        ),
        (message(root.add(&one)), "Can not add Newtonsoft.Json.Linq.JValue to Newtonsoft.Json.Linq.JObject."),
        (message(root.add_property("a", &one)), exists),
        (message(items.remove_at(10)), "Index is equal to or greater than Count. (Parameter 'index')"),
        (message(items.insert(10, &one)), "Index must be within the bounds of the List. (Parameter 'index')"),
        (message(JToken::null().remove()), "The parent is missing."),
        (
            message(root.by_name("a").unwrap().unwrap().remove()),
            "Cannot add or remove items from Newtonsoft.Json.Linq.JProperty.",
        ),
    ];
    for (actual, expected) in table {
        assert_eq!(actual, expected);
    }
}

#[test]
fn edits_change_the_tree() {
    let root = token("{\"a\":1,\"b\":2,\"c\":[1,2,3]}");
    assert!(root.remove_property("b") && !root.remove_property("b"));
    let items = root.by_name("c").unwrap().unwrap();
    items.child(0).unwrap().remove().unwrap();
    items.child(1).unwrap().replace(&JToken::null()).unwrap();
    items.child(0).unwrap().add_after_self(&JToken::value(Scalar::from("x"))).unwrap();
    items.add_first(&JToken::object()).unwrap();
    root.find_property("a").unwrap().set_property_value(&JToken::array()).unwrap();
    assert_eq!(compact(&root), "{\"a\":[],\"c\":[{},2,\"x\",null]}");
    let second = items.child(1).unwrap();
    assert_eq!(second.next().unwrap().to_text(), "x");
    assert!(second.previous().unwrap().same(&items.child(0).unwrap()));
    assert!(items.remove_item(&second) && !items.remove_item(&second));
    assert!(second.parent().is_none());
    items.clear();
    assert_eq!(compact(&root), "{\"a\":[],\"c\":[]}");
}

#[test]
fn merging_follows_the_settings() {
    let merged = |arrays, null_replaces| {
        let root = token("{\"a\":{\"x\":1,\"n\":1},\"l\":[1,{\"k\":1}],\"s\":1}");
        let other = token("{\"a\":{\"y\":2,\"n\":null},\"l\":[1,{\"m\":2},3],\"s\":[],\"t\":true}");
        root.merge(&other, MergeSettings { arrays, null_replaces, ignore_case: false }).unwrap();
        compact(&root)
    };
    let with = |list: &str, n: &str| {
        format!("{{\"a\":{{\"x\":1,\"n\":{n},\"y\":2}},\"l\":[{list}],\"s\":[],\"t\":true}}")
    };
    assert_eq!(merged(MergeArrays::Concat, false), with("1,{\"k\":1},1,{\"m\":2},3", "1"));
    assert_eq!(merged(MergeArrays::Union, true), with("1,{\"k\":1},{\"m\":2},3", "null"));
    assert_eq!(merged(MergeArrays::Replace, false), with("1,{\"m\":2},3", "1"));
    assert_eq!(merged(MergeArrays::Merge, false), with("1,{\"k\":1,\"m\":2},3", "1"));
}

#[test]
fn equality_is_deep_and_typed() {
    let equal = |a: &str, b: &str| deep_equals(Some(&token(a)), Some(&token(b)));
    assert!(equal("{a:1,b:2}", "{b:2,a:1}"));
    assert!(!equal("[1,2]", "[2,1]"));
    assert!(!equal("1", "1.0") && !equal("1", "\"1\"") && equal("\"a\"", "'a'"));
    assert!(!deep_equals(Some(&JToken::null()), None) && deep_equals(None, None));
    assert_eq!(compare_scalars(&Scalar::Integer(1), &Scalar::from("2")), Ok(-1));
}

#[test]
fn depth_is_bounded_everywhere() {
    let deep = |open: &str, close: &str, count: usize| open.repeat(count) + &close.repeat(count);
    assert!(parse(&deep("[", "]", 128), DEPTH_DEFAULT).is_ok());
    let error = parse(&deep("[", "]", 129), DEPTH_DEFAULT).unwrap_err();
    assert!(error.message.starts_with("The reader's MaxDepth of 128 has been exceeded."), "{error}");
    for open in ["[", "{\"a\":", "new X(", "[{a:"] {
        assert!(parse(&open.repeat(100_000), usize::MAX).is_err());
    }
    // Built from the inside out and from the outside in.
    let mut inner = JToken::array();
    let refused = (0..100_000).find(|_| {
        let outer = JToken::array();
        let full = outer.add(&inner).is_err();
        inner = outer;
        full
    });
    assert!(refused.is_some());
    let root = JToken::array();
    let mut last = root.clone();
    let refused = (0..100_000).find(|_| {
        let next = JToken::array();
        let full = last.add(&next).is_err();
        last = next;
        full
    });
    assert!(refused.is_some());
    assert_eq!(compact(&root.deep_clone()), compact(&root));
}

#[test]
fn large_documents_are_read_in_time() {
    let names: Vec<String> = (0..100_000).map(|index| format!("\"n{index}\":{index}")).collect();
    let root = token(&format!("{{{}}}", names.join(",")));
    assert_eq!(root.by_name("n99999").unwrap().unwrap().to_text(), "99999");
    let digits = "9".repeat(1_000_000);
    assert!(parse(&digits, DEPTH_DEFAULT).is_err());
    assert!(parse(&format!("\"{digits}\""), DEPTH_DEFAULT).is_ok());
    assert!(root.select_tokens(&"$..*".repeat(6), false, &mut 4_000_000).is_err() || root.count() == 100_000);
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        any::<f64>()
            .prop_filter("finite", |value| value.is_finite())
            .prop_map(|value| compact(&JToken::value(Scalar::Float(value)))),
        any::<String>().prop_map(|text| escaped(&text)),
    ];
    leaf.prop_recursive(6, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::btree_map("[a-z. ]{1,3}", inner, 0..5).prop_map(|members| {
                let members: Vec<String> =
                    members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(text in json()) {
        let first = token(&text);
        let again = token(&first.to_json(Formatting::Indented));
        prop_assert!(deep_equals(Some(&first), Some(&again)) || compact(&first) == compact(&again));
        prop_assert_eq!(compact(&first.deep_clone()), compact(&again));
        prop_assert_eq!(compact(&first), text);
    }

    #[test]
    fn every_node_is_found_by_its_path(text in json()) {
        let root = token(&text);
        for node in root.descendants().iter().filter(|node| node.token_type() != TokenType::Property) {
            let found = root.select_token(&node.path(), false, &mut 4_000_000).unwrap();
            prop_assert!(found.is_some_and(|found| found.same(node)), "{}", node.path());
        }
    }

    #[test]
    fn any_text_and_path_is_answered(text in "[\\[\\]{}:,\"'/*a-f0-9.eE+ \\\\u-]{0,40}|.{0,30}", path in "[$.@a-c*\\[\\]()?'&|=<>!~/0-9, :-]{0,24}") {
        let root = parse(&text, DEPTH_DEFAULT).unwrap_or_else(|_| token(OBJECT));
        let _ = root.select_tokens(&path, true, &mut 4_000_000);
        let _ = root.to_text();
    }
}
