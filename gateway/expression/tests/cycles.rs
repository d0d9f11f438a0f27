//! What an evaluation makes is given back, also when it holds itself.

use gateway_expression::host::Fixture;
use gateway_expression::{Expected, Expression, Options, Value, compile};

fn compiled(text: &str) -> Expression {
    compile(text, Expected::Any, &Options { strict: false, ..Options::default() }).expect(text)
}

/// Rings of every kind of container, each a kilobyte at least, and what they give.
const RINGS: [(&str, &str); 11] = [
    (r"@{ var a = new List<object>(); a.Add(a); a.Add(new string('x', 1000)); return a.Count; }", "2"),
    (
        r"@{ var a = new List<object>(); var b = new List<object> { a, new string('x', 1000) }; a.AddRange(b); a.Add(b); return a.Count; }",
        "3",
    ),
    (r"@{ var a = new object[2]; a[0] = a; a[1] = new string('x', 1000); return a.Length; }", "2"),
    (
        r"@{ var a = new object[1][]; a[0] = new object[2]; a[0][0] = a; a[0][1] = new string('x', 1000); return 1; }",
        "1",
    ),
    (
        r#"@{ var d = new Dictionary<string, object>(); d["own"] = d; d["text"] = new string('x', 1000); return d.Count; }"#,
        "2",
    ),
    (
        r#"@{ var d = new Dictionary<string, List<object>> { { "a", new List<object> { new string('x', 1000) } } }; d["a"].Add(d); return d.Count; }"#,
        "1",
    ),
    (r"@{ var s = new HashSet<object>(); s.Add(s); s.Add(new string('x', 1000)); return s.Count; }", "2"),
    (
        r"@{ var text = new string('x', 1000); Func<int, int> f = null; f = n => n == 0 ? text.Length : f(n - 1); return f(3); }",
        "1000",
    ),
    (
        r"@{ Func<int> g = null; var text = new string('x', 1000); int F() { return g == null ? 0 : text.Length; } g = F; return g(); }",
        "1000",
    ),
    (
        r"@{ var a = new List<object>(); a.Add(a.Where(x => x != null)); a.Add(new string('x', 1000)); return a.Count; }",
        "2",
    ),
    (
        r"@{ var a = new List<object> { new string('x', 1000) }; var e = a.GetEnumerator(); a.Add(new { e, a }); a.Add(Tuple.Create(a, e)); return a.Count; }",
        "3",
    ),
];

#[test]
fn rings_are_given_back() {
    let host = Fixture::default();
    for (text, wanted) in RINGS {
        let expression = compiled(text);
        let run = || assert_eq!(expression.evaluate(&host).expect(text).to_text(), wanted, "{text}");
        // What the first one leaves for the next ones is no leak.
        run();
        let counted = allocation_counter::measure(|| (0..10_000).for_each(|_| run()));
        assert!(counted.bytes_current < 64 << 10, "{text} leaves {} bytes", counted.bytes_current);
    }
}

#[test]
fn rings_of_evaluations_that_fail_are_given_back() {
    let host = Fixture::default();
    for text in [
        r#"@{ var a = new List<object>(); a.Add(a); a.Add(new string('x', 1000)); throw new Exception("no"); }"#,
        r"@{ var a = new List<object>(); while (true) { a.Add(a); a.Add(new string('x', 1000)); } return 1; }",
        r#"@{ try { throw new Exception("own"); } catch (Exception e) { e.Data["e"] = e; e.Data["x"] = new string('x', 1000); } throw new Exception("no"); }"#,
    ] {
        let expression = compiled(text);
        assert!(expression.evaluate(&host).is_err(), "{text}");
        let counted = allocation_counter::measure(|| {
            (0..20).for_each(|_| drop(expression.evaluate(&host)));
        });
        assert!(counted.bytes_current < 16 << 10, "{text} leaves {} bytes", counted.bytes_current);
    }
}

#[test]
fn rings_in_results_and_variables_stay_whole_until_the_exchange_ends() {
    let make = compiled(r"@{ var a = new List<object> { 1 }; a.Add(a); return a; }");
    let grow = compiled(
        r#"@{ var a = (List<object>)context.Variables["a"]; var b = new List<object> { 5 }; b.Add(a); a.Add(b); return 0; }"#,
    );
    let read = compiled(
        r#"@{ var a = (List<object>)context.Variables["a"]; var own = (List<object>)a[1]; return own.Count + "," + ((List<object>)a[2])[0]; }"#,
    );
    let counted = allocation_counter::measure(|| {
        for _ in 0..1_000 {
            let mut host = Fixture::default();
            let list = make.evaluate(&host).expect("a list");
            host.put_variable("a", list);
            assert_eq!(grow.evaluate(&host).expect("a number").to_text(), "0");
            assert_eq!(read.evaluate(&host).expect("a text").to_text(), "3,5");
        }
    });
    assert!(counted.bytes_current < 16 << 10, "{} bytes are left", counted.bytes_current);
}

#[test]
fn plain_lists_are_not_noted() {
    let expression =
        compiled(r#"@{ var a = new List<string>(); a.Add("x"); a.AddRange("b,c".Split(',')); return a; }"#);
    let list = {
        let host = Fixture::default();
        expression.evaluate(&host).expect("a list")
    };
    assert!(matches!(list, Value::Object(_)));
    // The exchange has ended; the list is still whole.
    let mut host = Fixture::default();
    host.put_variable("a", list);
    let count = compiled(r#"@(((List<string>)context.Variables["a"]).Count)"#);
    assert_eq!(count.evaluate(&host).expect("a number").to_text(), "3");
}
