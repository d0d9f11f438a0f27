//! Templates as `DotLiquid` runs them.

use gateway_expression::clr::date_time::{DateTime, DateTimeKind};
use gateway_expression::clr::json;

use super::{Limits, Scope, Template, Value};

struct Names(Value);

impl Scope for Names {
    fn get(&self, name: &str) -> Option<Value> {
        (name == "body").then(|| self.0.clone())
    }
    fn now(&self) -> DateTime {
        DateTime::from_date(2024, 1, 31).unwrap().with_kind(DateTimeKind::Utc)
    }
}

fn render_with(template: &str, body: Value, limits: Limits) -> Result<String, String> {
    let template = Template::parse(template).map_err(|error| error.to_string())?;
    template.render(&Names(body), limits).map_err(|error| error.to_string())
}

fn render(template: &str) -> String {
    let body = r#"{"name":"john smith","n":7,"d":2.5,"t":true,"z":null,"list":[3,1,2],"when":"2024-01-31T10:05:06Z",
        "rows":[{"k":"b","v":2},{"k":"a","v":1}],"e":"","html":"<b>a & b</b>","Case":1}"#;
    let body = Value::of_json(&json::parse(body, 64).unwrap());
    render_with(template, body, Limits::default()).unwrap_or_else(|error| error)
}

#[test]
fn outputs_and_paths() {
    for (template, expected) in [
        (
            "{{body.name}}|{{ body['n'] }}|{{body.list[0]}}|{{body.list[-1]}}|{{body.rows[1].k}}",
            "john smith|7|3|2|a",
        ),
        ("{{body.missing.deeper}}|{{nothing}}|{{body.z}}|{{}}", "|||"),
        ("{{body.t}}|{{body.d}}|{{body.list}}|{{body.when}}", "true|2.5|312|01/31/2024 10:05:06"),
        ("{{body.list.size}}{{body.name.size}}{{body.list.first}}{{body.list.last}}", "31032"),
        ("{{body.case}}{{body.Case}}", "1"),
        ("{{ 'a' }}{{ \"b\" }}{{ 1.5 }}{{ -2 }}{{ true }}{{ nil }}", "ab1.5-2true"),
        (
            "a {%- assign x = 'y' -%} b{{x}}{% comment %} {{ }} {% endcomment %}{% raw %}{{x}}{% endraw %}",
            "aby{{x}}",
        ),
    ] {
        assert_eq!(render(template), expected, "{template}");
    }
}

#[test]
fn blocks() {
    for (template, expected) in [
        ("{% if body.n > 5 and body.t %}a{% else %}b{% endif %}", "a"),
        ("{% if body.missing %}a{% elsif body.e %}empty is true{% endif %}", "empty is true"),
        ("{% unless body.z %}none{% else %}some{% endunless %}", "none"),
        ("{% if false and true or true %}a{% else %}b{% endif %}", "b"),
        ("{% if body.name contains 'smith' %}1{% endif %}{% if body.list contains 2 %}2{% endif %}", "12"),
        (
            "{% if body.name startswith 'john' %}1{% endif %}{% if body.rows[0] haskey 'k' %}2{% endif %}",
            "12",
        ),
        (
            "{% if body.e == empty %}1{% endif %}{% if body.z == nil %}2{% endif %}{% if body.n != 8 %}3{% endif %}",
            "123",
        ),
        ("{% case body.n %}{% when 6, 7 %}hit{% when 8 %}miss{% else %}other{% endcase %}", "hit"),
        (
            "{% for x in body.list %}{{forloop.index}}{{x}}{% unless forloop.last %};{% endunless %}{% endfor %}",
            "13;21;32",
        ),
        ("{% for x in (1..4) reversed limit: 2 offset: 1 %}{{x}}{% endfor %}", "32"),
        ("{% for x in body.none %}x{% else %}none{% endfor %}", "none"),
        (
            "{% for x in body.list %}{% if x == 1 %}{% continue %}{% endif %}{% if x == 2 %}{% break %}{% endif %}{{x}}{% endfor %}",
            "3",
        ),
        ("{% for p in body.rows[0] %}{{p[0]}}={{p[1]}};{% endfor %}", "k=b;v=2;"),
        ("{% for p in body.rows[0] %}{{p.Key}}={{p.Value}};{{p}};{% endfor %}", "k=b;[k, b];v=2;[v, 2];"),
        (
            "[{% JSONArrayFor r in body.rows %}{\"k\":\"{{r.k}}\"}{% endJSONArrayFor %}]",
            r#"[{"k":"b"},{"k":"a"}]"#,
        ),
        (
            "[{% JSONArrayFor r in body.rows[0] %}{{r.k}}{% endJSONArrayFor %}][{% JSONArrayFor r in body.z %}x{% endJSONArrayFor %}]",
            "[b][]",
        ),
        ("{% capture c %}<{{body.n}}>{% endcapture %}{{c}}{{c}}", "<7><7>"),
        ("{% cycle 'a','b' %}{% cycle 'a','b' %}{% cycle 'a','b' %}{% cycle g: 1, 2 %}", "aba1"),
        ("{% increment i %}{% increment i %}{% decrement j %}", "01-1"),
        ("{% for x in (1..2) %}{% assign seen = x %}{% endfor %}{{seen}}{{x}}", "2"),
    ] {
        assert_eq!(render(template), expected, "{template}");
    }
}

#[test]
fn filters_of_numbers_and_lists() {
    for (template, expected) in [
        (
            "{{-3 | Abs}}|{{2 | AtLeast: 5}}|{{9 | AtMost: 5}}|{{7 | DividedBy: 2}}|{{7.0 | DividedBy: 2}}",
            "3|5|5|3|3.5",
        ),
        (
            "{{7 | Minus: 2}}|{{7 | Modulo: 4}}|{{7 | Plus: 1}}|{{'5' | Times: 2}}|{{2.567 | Round: 1}}|{{2.5 | Round}}",
            "5|3|8|10|2.6|2",
        ),
        ("{{2.1 | Ceil}}|{{2.9 | Floor}}|{{1234.5 | Currency}}", "3|2|¤1,234.50"),
        (
            "{{body.list | Sort | Join: ','}}|{{body.rows | Sort: 'k' | Map: 'k' | Join}}|{{body.list | First}}{{body.list | Last}}",
            "1,2,3|a b|32",
        ),
        (
            "{{'a,b,,a' | Split: ',' | Uniq | Join: '-'}}|{{body.list | Size}}|{{body.rows | Map: 'x' | Compact | Size}}",
            "a-b|3|0",
        ),
        (
            "{{body.list | Reverse | Join: ''}}|{{body.list | Concat: body.list | Size}}|{{body.list | Slice: 1, 2 | Join}}",
            "213|6|1 2",
        ),
    ] {
        assert_eq!(render(template), expected, "{template}");
    }
}

#[test]
fn filters_of_texts() {
    for (template, expected) in [
        (
            "{{body.name | Append: '!' | Prepend: '>'}}|{{body.name | Capitalize}}|{{body.name | Upcase | Downcase}}",
            ">john smith!|John Smith|john smith",
        ),
        (
            "{{body.z | Default: 'x'}}|{{body.e | Default: 'y'}}|{{body.n | Default: 1}}|{{false | Default: 2}}",
            "x|y|7|2",
        ),
        (
            "{{body.html | Escape}}|{{body.html | H}}|{{body.html | StripHtml}}",
            "&lt;b&gt;a &amp; b&lt;/b&gt;|&lt;b&gt;a &amp; b&lt;/b&gt;|a & b",
        ),
        (
            "{{' a ' | Lstrip}}|{{' a ' | Rstrip}}|{{' a ' | Strip}}|{{'a\nb' | NewlineToBr}}|{{'a\r\nb' | StripNewlines}}",
            "a | a|a|a<br />\nb|ab",
        ),
        (
            r#"{{'a"b' | Replace: '"', '\"' | Replace: '\\', '\\'}}|{{'a1b22' | Replace: '([0-9])+', '<$1>' | ReplaceFirst: '.', 'z'}}"#,
            r#"a\\"b|z<1>b<2>"#,
        ),
        (
            "{{'aXbX' | Remove: 'X'}}|{{'aXbX' | RemoveFirst: 'X'}}|{{'aXbX' | Replace: 'X', '.'}}|{{'aXbX' | ReplaceFirst: 'X', '.'}}",
            "ab|abX|a.b.|a.bX",
        ),
        (
            "{{'abcdef' | Slice: 1, 3}}|{{'abcdef' | Slice: -2, 2}}|{{'abcdef' | Size}}|{{'abcdef' | Truncate: 5}}|{{'a b c' | TruncateWords: 2}}",
            "bcd|ef|6|ab...|a b...",
        ),
        ("{{'a b/c' | UrlEncode}}|{{'a+b%2Fc' | UrlDecode}}|{{'a b' | url_encode}}", "a+b%2Fc|a b/c|a+b"),
        (
            "{{body.when | Date: 'yyyyMMddTHH:mm:ssZ'}}|{{'2024-02-03' | Date: 'dd.MM.yyyy'}}|{{'now' | Date: 'yyyy'}}|{{'no' | Date: 'yyyy'}}",
            "20240131T10:05:06Z|03.02.2024|2024|no",
        ),
    ] {
        assert_eq!(render(template), expected, "{template}");
    }
}

#[test]
fn xml_is_found_by_local_names() {
    let text = r#"<s:Envelope xmlns:s="urn:s" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><s:Body>
        <r id="5"><i><n>1</n></i><i><n>2</n></i></r><one><i><n>3</n></i></one><nil xsi:nil="true"/><e/></s:Body></s:Envelope>"#;
    let document = crate::markup::read(text).unwrap();
    let render = |template: &str, nil: Value| {
        render_with(template, Value::of_xml(&document, &nil), Limits::default()).unwrap()
    };
    for (template, expected) in [
        (
            "{{body.Envelope.Body.r['@id']}}{{body.envelope.body.r.@id}}|{{body.envelope.body.r.i[1].n}}",
            "55|2",
        ),
        ("[{% JSONArrayFor x in body.envelope.body.r.i %}{{x.n}}{% endJSONArrayFor %}]", "[1,2]"),
        ("[{% JSONArrayFor x in body.envelope.body.one %}{{x.n}}{% endJSONArrayFor %}]", "[3]"),
        (
            "{% if body.envelope.body.nil %}{{body.envelope.body.nil.size}}{% else %}null{% endif %}|{{body.envelope.body.e}}",
            "0|",
        ),
    ] {
        assert_eq!(render(template, Value::text("")), expected, "{template}");
    }
    assert_eq!(render("{% if body.envelope.body.nil %}x{% else %}null{% endif %}", Value::Nil), "null");
}

#[test]
fn mistakes_are_named_with_their_line() {
    for (template, expected) in [
        ("\n{{ a | Nope }}", "Liquid syntax error on line 2: Unknown filter 'Nope'."),
        ("{% if a %}", "Liquid syntax error on line 1: 'if' tag was never closed."),
        ("{% nope %}", "Liquid syntax error on line 1: Unknown tag 'nope'."),
        ("{% endif %}", "Liquid syntax error on line 1: Unknown tag 'endif'."),
        ("{% include 'file' %}", "Liquid syntax error on line 1: Unknown tag 'include 'file''."),
        (
            "{% for x of y %}{% endfor %}",
            "Liquid syntax error on line 1: A loop is written 'item in collection'.",
        ),
        ("{{ 'a }}", "Liquid syntax error on line 1: The text 'a is not closed."),
        ("{{ a b }}", "Liquid syntax error on line 1: 'b' is unexpected."),
        ("\n\n{{ 1 | DividedBy: 0 }}", "Liquid error on line 3: Attempted to divide by zero."),
    ] {
        assert_eq!(render(template), expected, "{template}");
    }
}

#[test]
fn hostile_templates_are_stopped() {
    let limits = Limits { bytes_max: 10_000, steps_max: 10_000 };
    let nested = "{% if a %}".repeat(100) + &"{% endif %}".repeat(100);
    for template in [
        "{% for i in (1..1000000000000) %}{% endfor %}",
        "{% for i in (1..9000) %}{% for j in (1..9000) %}{% endfor %}{% endfor %}",
        "{% assign a = 'xxxxxxxxxx' %}{% for i in (1..60) %}{% assign a = a | Append: a %}{% endfor %}",
        "{% assign a = 'x' %}{% for i in (1..60) %}{% capture b %}{{a}}{{a}}{% endcapture %}{% assign a = b %}{% endfor %}",
        "{% assign a = body.l %}{% for i in (1..60) %}{% assign a = a | Concat: a %}{% endfor %}",
        "{{ 'x' | Replace: 'x', body.long | Replace: 'y', body.long }}{{ 'now' | Date: body.long }}",
        nested.as_str(),
    ] {
        let long = format!(r#"{{"l":[1,2],"long":"{}"}}"#, "y".repeat(5000));
        let body = Value::of_json(&json::parse(&long, 64).unwrap());
        assert!(render_with(template, body, limits).is_err(), "{}", template.get(..60).unwrap_or(template));
    }
}

proptest::proptest! {
    #[test]
    fn any_template_ends(template in "(\\{\\{|\\}\\}|\\{%|%\\}|if|for|x|in|\\.|\\[|\\||:|'|[a-z0-9 -]){0,40}") {
        let _ = render_with(&template, Value::Nil, Limits::default());
    }
}
