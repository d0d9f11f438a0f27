use proptest::prelude::*;

use super::*;

const RAW: &str = r#"<!-- why -->
<policies><inbound>
    <base/>
    <!-- <a> -->
    <set-header name='X' exists-action="override">
      <value>@(context.Request.Headers.GetValueOrDefault("A", "") + "<&>")</value>
    </set-header>
    <choose><when condition="@(context.Variables.GetValueOrDefault<int>("n") > 1 && true)">
      <set-body>{"a": "b &amp; c"} </set-body></when></choose>
    <set-body template="liquid"><a> <b>{{body.x}}</b></a></set-body>
</inbound><outbound>
</outbound></policies>"#;

#[test]
fn respell_xml_escapes_and_indents() {
    let expected = "<!-- why -->\r\n<policies>\r\n\t<inbound>\r\n\t\t<base />\r\n\t\t<!-- <a> -->\r\n\
        \t\t<set-header name=\"X\" exists-action=\"override\">\r\n\
        \t\t\t<value>@(context.Request.Headers.GetValueOrDefault(\"A\", \"\") + \"&lt;&amp;&gt;\")</value>\r\n\
        \t\t</set-header>\r\n\t\t<choose>\r\n\
        \t\t\t<when condition=\"@(context.Variables.GetValueOrDefault&lt;int&gt;(&quot;n&quot;) &gt; 1 &amp;&amp; true)\">\r\n\
        \t\t\t\t<set-body>{\"a\": \"b &amp; c\"} </set-body>\r\n\t\t\t</when>\r\n\t\t</choose>\r\n\
        \t\t<set-body template=\"liquid\"><a> <b>{{body.x}}</b></a></set-body>\r\n\
        \t</inbound>\r\n\t<outbound />\r\n</policies>";
    assert_eq!(respell(RAW, Spelling::Xml), expected);
}

#[test]
fn respell_raw_brings_expressions_back() {
    let raw = respell(&respell(RAW, Spelling::Xml), Spelling::RawXml);
    assert!(
        raw.contains(r#"<when condition="@(context.Variables.GetValueOrDefault<int>("n") > 1 && true)">"#),
        "{raw}"
    );
    assert!(raw.contains(r#"("A", "") + "<&>")</value>"#), "{raw}");
    assert!(raw.contains("b &amp; c"), "{raw}");
}

#[test]
fn respell_keeps_a_text_that_is_no_document_yet() {
    for text in ["<policies {{attributes}} />", "", "<a>", "<!DOCTYPE a><a/>"] {
        assert_eq!(respell(text, Spelling::Xml), text);
    }
}

#[test]
fn respell_an_entity_inside_an_expression_stays_text() {
    let text = r#"<a b="@("&amp;amp;")" />"#;
    assert_eq!(respell(text, Spelling::RawXml), text);
    assert_eq!(respell(text, Spelling::Xml), r#"<a b="@(&quot;&amp;amp;&quot;)" />"#);
}

/// What a reader makes of a document, blanks between elements aside.
fn meaning(text: &str) -> Vec<String> {
    fn walk(nodes: &[Node], is_exact: bool, out: &mut Vec<String>) {
        for node in nodes {
            match node {
                Node::Text(text) if !is_exact && text.value.trim().is_empty() => {}
                Node::Text(text) => out.push(format!("text {:?}", text.value)),
                Node::Comment(comment) => out.push(comment.to_string()),
                Node::Element(element) => {
                    let attributes = element.attributes.iter().map(|a| (&a.name, &a.value));
                    out.push(format!("{} {:?}", element.name, attributes.collect::<Vec<_>>()));
                    walk(&element.children, is_exact || is_exact_inside(element), out);
                    out.push("end".to_owned());
                }
            }
        }
    }
    let nodes = read_with_comments(text, Limits::default()).unwrap_or_else(|error| panic!("{error}: {text}"));
    let mut out = Vec::new();
    walk(&nodes, false, &mut out);
    out
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z \"'&<>;{}@#\t\n]{0,12}".prop_map(|text| text.replace("@(", "").replace("@{", "")),
        Just("@(context.Request.Url.Path == \"/a\" && 1 < 2)".to_owned()),
        Just("@{ var x = \"a > b\";\r\n\treturn x + \"&amp;\" + '\"'; }".to_owned()),
        Just("@((List<string>)context.Variables[\"x\"])".to_owned()),
        Just("{{named-value}}".to_owned()),
    ]
}

fn element() -> impl Strategy<Value = String> {
    let name = prop_oneof![Just("choose"), Just("set-body"), Just("value"), Just("x")];
    let leaf = (name, value(), value(), any::<bool>()).prop_map(|(name, attribute, text, has_text)| {
        let attribute = escaped_attribute(&attribute);
        let text = if has_text { escaped_text(&text) } else { String::new() };
        format!("<{name} a=\"{attribute}\">{text}</{name}>")
    });
    leaf.prop_recursive(4, 24, 4, |inner| {
        (prop::collection::vec(inner, 0..4), any::<bool>(), any::<bool>()).prop_map(
            |(inner, comment, lines)| {
                let joint = if lines { "\n  " } else { "" };
                let comment = if comment { "<!-- c & d -->" } else { "" };
                format!("<when>{joint}{comment}{}{joint}</when>", inner.join(joint))
            },
        )
    })
}

proptest! {
    #[test]
    fn respell_changes_no_meaning_and_is_idempotent(text in element()) {
        let xml = respell(&text, Spelling::Xml);
        let raw = respell(&text, Spelling::RawXml);
        prop_assert_eq!(meaning(&xml), meaning(&text));
        prop_assert_eq!(meaning(&raw), meaning(&text));
        prop_assert_eq!(&respell(&xml, Spelling::Xml), &xml);
        prop_assert_eq!(&respell(&raw, Spelling::RawXml), &raw);
        prop_assert_eq!(&respell(&raw, Spelling::Xml), &xml);
        prop_assert_eq!(&respell(&xml, Spelling::RawXml), &raw);
    }
}
