//! Reading, writing and editing XML against what .NET gave.

use proptest::prelude::*;

use super::*;
use crate::clr::date_time::{DateTime, DateTimeKind};
use crate::clr::exception::Result;
use crate::clr::number::IntegerType;
use crate::clr::time_span::TimeSpan;
use crate::clr::vectors::{outcome, rows};

fn name(expanded: &str) -> XName {
    XName::parse(expanded).unwrap()
}

fn element(text: &str) -> XNode {
    parse_element(text, false).unwrap()
}

#[test]
fn documents_are_read_and_written_as_by_dotnet() {
    let mut wrong = Vec::new();
    for row in rows(include_str!("xml.tsv")) {
        let [kind, text, expected] = row.as_slice() else { panic!("{row:?}") };
        let actual = match kind.as_str() {
            "compact" => outcome(parse_element(text, false).and_then(|node| node.to_compact())),
            "document" => outcome(parse_document(text, false).and_then(|node| node.to_text())),
            "value" => outcome(parse_element(text, false).map(|node| node.value())),
            "preserve" => outcome(parse_element(text, true).and_then(|node| node.to_text())),
            _ => outcome(parse_element(text, false).and_then(|node| node.to_text())),
        };
        if actual != *expected {
            wrong.push(format!("{kind} {text:?}:\n  {actual:?}\n  {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

/// An element of a name with attributes and children.
fn made(expanded: &str, attributes: &[(&str, &str)], children: &[XNode]) -> XNode {
    let node = XNode::element(&name(expanded));
    for (name, value) in attributes {
        let name = match name.strip_prefix("xmlns:") {
            Some(prefix) => XName::new(XMLNS_NAMESPACE, prefix).unwrap(),
            None => XName::parse(name).unwrap(),
        };
        node.add_attribute(&XAttribute::new(&name, value)).unwrap();
    }
    for child in children {
        node.add(child).unwrap();
    }
    node
}

#[test]
fn prefixes_are_found_or_made_up_as_by_dotnet() {
    let leaf = |expanded: &str| made(expanded, &[], &[]);
    let nested = made("g", &[("{urn:v}x", "1"), ("{urn:u}y", "1")], &[]);
    let table = [
        (leaf("{urn:u}e"), "<e xmlns=\"urn:u\" />"),
        (made("{urn:u}e", &[], &[leaf("{urn:u}f")]), "<e xmlns=\"urn:u\">\n  <f />\n</e>"),
        (made("{urn:u}e", &[], &[leaf("{urn:v}f")]), "<e xmlns=\"urn:u\">\n  <f xmlns=\"urn:v\" />\n</e>"),
        (made("{urn:u}e", &[], &[leaf("f")]), "<e xmlns=\"urn:u\">\n  <f xmlns=\"\" />\n</e>"),
        (made("{urn:u}e", &[("x", "1")], &[]), "<e x=\"1\" xmlns=\"urn:u\" />"),
        (made("{urn:u}e", &[("{urn:u}x", "1")], &[]), "<e p1:x=\"1\" xmlns:p1=\"urn:u\" xmlns=\"urn:u\" />"),
        (made("e", &[("{urn:u}x", "1")], &[]), "<e p1:x=\"1\" xmlns:p1=\"urn:u\" />"),
        (
            made("e", &[("{urn:u}x", "1"), ("{urn:v}y", "2")], &[]),
            "<e p1:x=\"1\" p2:y=\"2\" xmlns:p2=\"urn:v\" xmlns:p1=\"urn:u\" />",
        ),
        (
            made("e", &[], &[made("f", &[("{urn:u}x", "1")], &[nested])]),
            "<e>\n  <f p2:x=\"1\" xmlns:p2=\"urn:u\">\n    <g p4:x=\"1\" p2:y=\"1\" xmlns:p4=\"urn:v\" />\n  </f>\n</e>",
        ),
        (
            made("{urn:u}e", &[("xmlns:p", "urn:u")], &[leaf("{urn:u}f")]),
            "<p:e xmlns:p=\"urn:u\">\n  <p:f />\n</p:e>",
        ),
        (
            made("e", &[("xmlns:p", "urn:u")], &[made("{urn:u}f", &[("{urn:u}g", "1")], &[])]),
            "<e xmlns:p=\"urn:u\">\n  <p:f p:g=\"1\" />\n</e>",
        ),
        (made("{urn:u}e", &[("xmlns", "urn:u")], &[]), "<e xmlns=\"urn:u\" />"),
    ];
    for (node, expected) in table {
        assert_eq!(node.to_text().unwrap(), expected);
    }
    let inner = element("<p:a xmlns:p='u'><p:b/></p:a>").first_node().unwrap();
    assert!(inner.container().is_none(), "the tree above is gone");
    let outer = element("<p:a xmlns:p='u'><p:b/></p:a>");
    assert_eq!(outer.first_node().unwrap().to_text().unwrap(), "<p:b xmlns:p=\"u\" />");
    let clash = made("e", &[("xmlns", "urn:u")], &[]);
    assert!(
        clash
            .to_text()
            .unwrap_err()
            .message
            .starts_with("The prefix '' cannot be redefined from '' to 'urn:u'")
    );
}

#[test]
fn names_are_checked_as_by_dotnet() {
    let message = |text: &str| XName::parse(text).unwrap_err().message;
    let table = [
        ("1e", "Name cannot begin with the '1' character, hexadecimal value 0x31."),
        ("a b", "The ' ' character, hexadecimal value 0x20, cannot be included in a name."),
        ("", "'' is an invalid expanded name."),
        ("{u", "'{u' is an invalid expanded name."),
        ("{}e", "'{}e' is an invalid expanded name."),
        ("a:b", "The ':' character, hexadecimal value 0x3A, cannot be included in a name."),
    ];
    for (text, expected) in table {
        assert_eq!(message(text), expected, "{text}");
    }
    assert_eq!(name("{urn:u}e").to_string(), "{urn:u}e");
}

#[test]
fn content_is_escaped_as_by_dotnet() {
    let with = |child: XNode| made("e", &[], &[child]).to_text().map_err(|error| error.message);
    let table = [
        (with(XNode::text("<&>\"'\r\n\t")), "<e>&lt;&amp;&gt;\"'\n\t</e>"),
        (with(XNode::cdata("a]]>b")), "<e><![CDATA[a]]]]><![CDATA[>b]]></e>"),
        (with(XNode::comment("a--b")), "<e>\n  <!--a- -b-->\n</e>"),
        (with(XNode::instruction("t", "d")), "<e>\n  <?t d?>\n</e>"),
    ];
    for (actual, expected) in table {
        assert_eq!(actual.unwrap(), expected);
    }
    assert_eq!(
        with(XNode::text("\u{1}")).unwrap_err(),
        "'\u{1}', hexadecimal value 0x01, is an invalid character."
    );
    let attribute = made("e", &[("a", "<&>\"'\r\n\t")], &[]);
    assert_eq!(attribute.to_text().unwrap(), "<e a=\"&lt;&amp;&gt;&quot;'&#xD;&#xA;&#x9;\" />");
    assert_eq!(attribute.attributes()[0].to_string(), "a=\"&lt;&amp;&gt;&quot;'&#xD;&#xA;&#x9;\"");
}

#[test]
fn empty_elements_remember_their_end_tag() {
    let node = made("e", &[], &[]);
    assert_eq!(node.to_text().unwrap(), "<e />");
    node.add_text("").unwrap();
    assert_eq!(node.to_text().unwrap(), "<e></e>");
    node.add_text("x").unwrap();
    node.add_text("y").unwrap();
    assert_eq!((node.nodes().len(), node.value()), (1, "xy".to_owned()));
    node.first_node().unwrap().remove().unwrap();
    assert_eq!(node.to_text().unwrap(), "<e />");
}

#[test]
fn edits_change_the_tree_as_in_dotnet() {
    let root = element("<a x='1'><b>1</b><c><b>2</b></c>t</a>");
    assert_eq!((root.value().as_str(), root.descendants(None).len()), ("12t", 3));
    assert_eq!(root.descendants(Some(&name("b"))).iter().map(XNode::value).collect::<Vec<_>>(), ["1", "2"]);
    let b = root.first_element(&name("b")).unwrap();
    assert_eq!(b.next_node().unwrap().to_text().unwrap(), "<c>\n  <b>2</b>\n</c>");
    assert_eq!((b.ancestors(None).len(), b.nodes_after().len(), b.nodes_before().len()), (1, 2, 0));
    root.set_attribute_value(&name("y"), Some("true"));
    root.set_attribute_value(&name("x"), None);
    root.add(&XNode::element(&name("z"))).unwrap();
    root.add_first_text("first").unwrap();
    b.add_after_self(&XNode::element(&name("n"))).unwrap();
    root.first_element(&name("c")).unwrap().remove().unwrap();
    root.set_element_value(&name("q"), Some("5")).unwrap();
    root.set_element_value(&name("b"), None).unwrap();
    assert_eq!(root.to_compact().unwrap(), "<a y=\"true\">first<n />t<z /><q>5</q></a>");
    let copy = made("a", &[], std::slice::from_ref(&root.first_element(&name("q")).unwrap()));
    assert_eq!(copy.to_compact().unwrap(), "<a><q>5</q></a>");
    assert!(root.first_element(&name("q")).is_some(), "what has a parent is copied");
    root.first_element(&name("q")).unwrap().replace_with(&XNode::text("!")).unwrap();
    assert!(root.value().ends_with('!'));
}

#[test]
fn documents_refuse_what_dotnet_refuses() {
    let document = XNode::document(None);
    document.add(&XNode::element(&name("a"))).unwrap();
    let message = |result: Result<()>| result.unwrap_err().message;
    assert_eq!(
        message(document.add(&XNode::element(&name("b")))),
        "This operation would create an incorrectly structured document."
    );
    assert_eq!(message(document.add_text("x")), "Non-whitespace characters cannot be added to content.");
    assert_eq!(
        message(made("e", &[("a", "1")], &[]).add_attribute(&XAttribute::new(&name("a"), "2"))),
        "Duplicate attribute."
    );
    let declared =
        parse_document("<?xml version='1.0' encoding='utf-8' standalone='yes'?><a/>", false).unwrap();
    assert_eq!(
        declared.declaration().unwrap().to_string(),
        "<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\"?>"
    );
    assert!(parse_document("<!DOCTYPE a><a/>", false).unwrap_err().message.contains("DTD is prohibited"));
}

#[test]
fn equality_looks_at_everything_in_order() {
    let equal = |a: &str, b: &str| deep_equals(Some(&element(a)), Some(&element(b)));
    assert!(!equal("<a x='1' y='2'/>", "<a y='2' x='1'/>"));
    assert!(equal("<a><b/></a>", "<a> <b/> </a>"));
    assert!(!equal("<a></a>", "<a/>"));
    let split = made("a", &[], &[XNode::text("x"), XNode::text("y")]);
    assert!(deep_equals(Some(&split), Some(&element("<a>xy</a>"))));
}

#[test]
fn namespaces_are_looked_up() {
    let root = element("<a xmlns='u' xmlns:p='v'><b/></a>");
    let b = root.first_element(&name("{u}b")).unwrap();
    assert_eq!((b.default_namespace(), b.prefix_of_namespace("v")), ("u".to_owned(), Some("p".to_owned())));
    assert_eq!(b.namespace_of_prefix("p"), Some("v".to_owned()));
    assert!(root.attributes().iter().all(XAttribute::is_namespace_declaration));
}

#[test]
fn conversions_are_those_of_dotnet() {
    use convert::*;
    let span = |ticks| time_span_text(TimeSpan(ticks));
    assert_eq!(
        (span(905_000_000), span(-1_296_000_000_000)),
        ("PT1M30.5S".to_owned(), "-P1DT12H".to_owned())
    );
    assert_eq!((double_text(f64::INFINITY), double_text(1e20)), ("INF".to_owned(), "1E+20".to_owned()));
    let date = DateTime::from_date(2024, 1, 31).unwrap().at(10, 0, 0, 0).unwrap();
    assert_eq!(date_text(date.with_kind(DateTimeKind::Utc)), "2024-01-31T10:00:00Z");
    assert_eq!(date_text(date.add_ticks(1200).unwrap()), "2024-01-31T10:00:00.00012");
    let table = [
        (outcome(to_boolean(" true ")), "true"),
        (outcome(to_boolean("True")), "true"),
        (
            outcome(to_boolean("yes")),
            "!System.FormatException: The string 'yes' is not a valid Boolean value.",
        ),
        (outcome(to_integer(IntegerType::Int32, " 5 ")), "5"),
        (
            outcome(to_integer(IntegerType::Int32, "5.0")),
            "!System.FormatException: Input string was not in a correct format.",
        ),
        (
            outcome(to_integer(IntegerType::UInt32, "-1")),
            "!System.FormatException: Input string was not in a correct format.",
        ),
        (outcome(to_double("1,5")), "!System.FormatException: Input string was not in a correct format."),
        (outcome(to_double("1e3")), "1000"),
        (outcome(to_double("INF")), "inf"),
        (outcome(to_decimal("1.50")), "1.50"),
        (outcome(to_time_span("PT1M30.5S")), "00:01:30.5000000"),
        (outcome(to_time_span("-P1DT12H")), "-1.12:00:00"),
        (outcome(to_time_span("P1Y2M3D")), "428.00:00:00"),
        (
            outcome(to_time_span("00:01")),
            "!System.FormatException: The string '00:01' is not a valid TimeSpan value.",
        ),
    ];
    for (actual, expected) in table {
        assert_eq!(actual, expected);
    }
    assert_eq!(to_date_time("2024-01-31T10:00:00Z", date).unwrap().kind(), DateTimeKind::Utc);
    assert_eq!(to_date_time("2024-01-31T10:00:00+02:00", date).unwrap().kind(), DateTimeKind::Local);
}

#[test]
fn paths_select_nodes_and_attributes() {
    let document = parse_document(
        "<r><i n='1'>a</i><i n='2'>b<k/></i><j><i n='3'>c</i></j><p:q xmlns:p='u'/><!--x--></r>",
        false,
    )
    .unwrap();
    let found = |path: &str| {
        let found = select(&document, path).map_err(|error| error.message)?;
        Ok::<_, String>(found.iter().map(Selected::value).collect::<Vec<_>>().join(","))
    };
    let table = [
        ("/r/i", "a,b"),
        ("//i", "a,b,c"),
        ("r/i[2]", "b"),
        ("//i[@n='3']", "c"),
        ("//i[@n>1]/@n", "2,3"),
        ("/r/i[last()]", "b"),
        ("//k/..", "b"),
        ("//i[k]/text()", "b"),
        ("//i[not(k) and (@n=1 or @n='3')]", "a,c"),
        ("//*[local-name()='q']", ""),
        ("/r/comment()", "x"),
        ("//i[contains(., 'c')] | /r/i[1]", "c,a"),
        ("//j/preceding-sibling::i[1]", "b"),
        ("//i[position() < 2]", "a,c"),
        ("//i[string-length(.) = count(@n)]", "a,b,c"),
        ("descendant::k/ancestor::i/@n", "2"),
        ("/", "abc"),
    ];
    for (path, expected) in table {
        assert_eq!(found(path).as_deref(), Ok(expected), "{path}");
    }
    for path in ["", "//", "a[", "a[1", "'x'", "f()", "p:q", "a b", "@"] {
        assert!(found(path).is_err(), "{path}");
    }
}

#[test]
fn depth_and_size_are_bounded() {
    let deep = |count: usize| "<a>".repeat(count) + &"</a>".repeat(count);
    assert!(parse_element(&deep(256), false).is_ok());
    assert!(parse_element(&deep(257), false).is_err());
    assert!(parse_element(&"<a>".repeat(100_000), false).is_err());
    assert!(parse_element(&format!("<a>{}</a>", "<b/>".repeat(600_000)), false).is_err());
    assert!(parse_element(&format!("<a>{}</a>", "x".repeat(5_000_000)), false).is_ok());
    let root = XNode::element(&name("a"));
    let mut last = root.clone();
    let refused = (0..100_000).find(|_| {
        let next = XNode::element(&name("a"));
        let full = last.add(&next).is_err();
        last = next;
        full
    });
    assert!(refused.is_some());
    assert_eq!(root.deep_clone().to_text(), root.to_text());
}

fn xml() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "[a-c]{1,2}".prop_map(|name| format!("<{name}/>")),
        "[ -%'-;=-~é]{0,6}".prop_map(|text| text.replace("]]>", "")),
        "[a-z ]{0,4}".prop_map(|text| format!("<!--{text}-->")),
        "[a-z<& ]{0,4}".prop_map(|text| format!("<![CDATA[{text}]]>")),
    ];
    let tree = leaf.prop_recursive(4, 24, 4, |inner| {
        // From U+10F800 on stand the halves of characters (`clr::text`), which XML refuses.
        (
            "[a-c]",
            "[^<&\"\u{0}-\u{1f}\u{fffe}\u{ffff}\u{10f800}-\u{10ffff}]{0,4}",
            prop::collection::vec(inner, 0..4),
        )
            .prop_map(|(name, value, children)| {
                format!("<{name} x=\"{value}\">{}</{name}>", children.concat())
            })
    });
    tree.prop_map(|body| format!("<root>{body}</root>"))
}

proptest! {
    #[test]
    fn what_is_written_reads_back(text in xml()) {
        let first = element(&text);
        let again = element(&first.to_compact().unwrap());
        prop_assert!(deep_equals(Some(&first), Some(&again)), "{text}");
        prop_assert_eq!(again.to_text().unwrap(), first.to_text().unwrap());
        prop_assert!(deep_equals(Some(&first.deep_clone()), Some(&first)));
    }

    #[test]
    fn any_text_is_answered(text in "[<>/a-c=\"'&;#x1! ?\\[\\]-]{0,40}|.{0,20}", path in "[a-c/@.*\\[\\]()='0-9|<> ]{0,20}") {
        if let Ok(node) = parse_document(&format!("<a>{text}</a>"), true) {
            let _ = (node.to_text(), select(&node, &path));
        }
        let _ = parse_document(&text, false);
        let _ = convert::to_time_span(&text);
    }
}
