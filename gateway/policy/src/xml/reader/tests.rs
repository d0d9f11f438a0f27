use super::super::expand;
use super::*;

fn parse(text: &str) -> Result<Element, ReadError> {
    read(&expand(text, &|name| (name == "nv").then_some("a value\nof two lines")), text, Limits::default())
}

fn attribute_of(text: &str) -> String {
    parse(text).unwrap().attribute("v").unwrap().value.clone()
}

#[test]
fn attribute_escaped_and_raw_expressions_read_the_same() {
    let expected = "@(context.Variables[\"a\"] == \"b\" && 1 < 2)";
    for text in [
        "<p v=\"@(context.Variables[&quot;a&quot;] == &quot;b&quot; &amp;&amp; 1 &lt; 2)\" />",
        "<p v=\"@(context.Variables[\"a\"] == \"b\" && 1 < 2)\" />",
        "<p v='@(context.Variables[\"a\"] == \"b\" && 1 < 2)' />",
        "<p v=\"@(context.Variables[\"a\"] == \"b\" &amp;&amp; 1 &lt; 2)\" />",
    ] {
        assert_eq!(attribute_of(text), expected, "{text}");
    }
}

#[test]
fn attribute_apostrophe_in_escaped_string_reads() {
    assert_eq!(attribute_of("<p v=\"@(&quot;it's&quot;)\"/>"), "@(\"it's\")");
}

#[test]
fn text_raw_generics_are_not_tags() {
    let element = parse("<p> @(context.Request.Body.As<JObject>(true)[\"x\"].ToString()) </p>").unwrap();
    assert_eq!(element.text().trim(), "@(context.Request.Body.As<JObject>(true)[\"x\"].ToString())");
    let block = parse("<p>@{ if (1 < 2) { return \"</p>\"; } return \"}\"; }</p>").unwrap();
    assert_eq!(block.text(), "@{ if (1 < 2) { return \"</p>\"; } return \"}\"; }");
}

#[test]
fn cdata_and_comments_are_content_and_nothing() {
    let element = parse("<p><!-- <q> --><![CDATA[@(\"<a>\")]]></p>").unwrap();
    assert_eq!(element.text(), "@(\"<a>\")");
}

#[test]
fn positions_are_of_the_submitted_text() {
    let element = parse("<p>\n  <q v=\"{{nv}}\"/>\n  <r/></p>").unwrap();
    let places: Vec<_> = element.elements().map(|e| (e.at.line, e.at.column)).collect();
    assert_eq!(places, [(2, 3), (3, 3)]);
}

#[test]
fn read_mistakes_name_the_place() {
    for (text, part, line, column) in [
        ("hello", "root level", 1, 1),
        ("<a>\n<b></c></a>", "does not match the end tag of 'c'", 2, 4),
        ("<a", "Unexpected end", 1, 3),
        ("<a><b>", "'b' is not closed", 1, 7),
        ("<a x=1/>", "must be quoted", 1, 6),
        ("<a x='1' x='2'/>", "duplicate attribute", 1, 10),
        ("<a v=\"@(f(1)\"/>", "", 1, 7),
        ("<a v=\"@(1) b\"/>", "mixed with other text", 1, 11),
        ("<!DOCTYPE a [<!ENTITY x 'y'>]><a/>", "DTD is prohibited", 1, 1),
        ("<a/><b/>", "multiple root", 1, 5),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.message.contains(part), "{text}: {}", error.message);
        assert_eq!((error.at.line, error.at.column), (line, column), "{text}: {}", error.message);
    }
}

#[test]
fn read_deep_nesting_is_refused() {
    let text = "<a>".repeat(100_000);
    let error = parse(&text).unwrap_err();
    assert!(
        error.message.contains("nested deeper") || error.message.contains("exceeds"),
        "{}",
        error.message
    );
}

proptest::proptest! {
    #[test]
    fn read_arbitrary_text_never_panics(text in "[<>a-c=\"'@(){}&;!\\[\\]\\-\\n/ é]{0,80}") {
        let _ = parse(&text);
    }
}
