//! Closed shapes read without allocating (expressions.md §9.2).

use gateway_expression::host::Fixture;
use gateway_expression::{Expected, Options, compile};

fn fixture() -> Fixture {
    let json = serde_json::from_str(include_str!("fixture.json")).unwrap_or_default();
    Fixture::parse(&json).unwrap_or_default()
}

#[test]
fn closed_conditions_allocate_nothing() {
    let host = fixture();
    for text in [
        r#"@(context.Request.Headers.GetValueOrDefault("X-Trace", "") == "on")"#,
        r#"@(context.Request.Headers.ContainsKey("Accept"))"#,
        r#"@(context.Variables.ContainsKey("text") && !context.Variables.ContainsKey("nothing"))"#,
        r#"@((string)context.Variables["text"] == "plain")"#,
        r#"@(context.Variables.GetValueOrDefault<string>("text", "") != "")"#,
        r#"@(((IResponse)context.Variables["reply"]).StatusCode == 202)"#,
        r"@(context.Response.StatusCode >= 200 && context.Response.StatusCode < 300)",
        r#"@(context.Request.MatchedParameters["cart"] == "main")"#,
        r#"@(context.Request.Method == "GET" || context.Request.Url.Path == "/")"#,
    ] {
        let expression = compile(text, Expected::Bool, &Options::default()).expect(text);
        assert!(expression.is_fast(), "{text}");
        let mut outcome = None;
        let counted = allocation_counter::measure(|| outcome = Some(expression.evaluate_bool(&host)));
        assert_eq!(outcome, Some(Ok(true)), "{text}");
        assert_eq!(counted.count_total, 0, "{text}");
    }
}

#[test]
fn closed_texts_allocate_nothing_but_the_callers_buffer() {
    let host = fixture();
    let mut out = String::with_capacity(256);
    for (text, wanted) in [
        (r#"@(context.Request.Headers.GetValueOrDefault("X-Trace", "none"))"#, "on"),
        (r#"@(context.Request.Headers.GetValueOrDefault("X-Missing", "none"))"#, "none"),
        (r#"@((string)context.Variables["text"])"#, "plain"),
        (r#"@(context.Variables.GetValueOrDefault<string>("missing", "other"))"#, "other"),
        (r#"@(context.Request.MatchedParameters["cart"])"#, "main"),
        (r"@(context.Subscription.Id)", "s-9"),
        (r#"@("k-" + (string)context.Variables["text"] + "-" + context.Api.Id)"#, "k-plain-shop"),
    ] {
        let expression = compile(text, Expected::String, &Options::default()).expect(text);
        out.clear();
        let counted = allocation_counter::measure(|| {
            let _ = expression.write_text(&host, &mut out);
        });
        assert_eq!(out, wanted, "{text}");
        assert_eq!(counted.count_total, 0, "{text}");
    }
}

#[test]
fn general_forms_allocate_no_more_than_what_they_make() {
    let host = fixture();
    for (text, most) in [
        (r#"@("a,b,c".Split(',')[1])"#, 5),
        (r#"@(DateTime.UtcNow.AddMinutes(5).ToString("yyyy-MM-ddTHH:mm:ssZ"))"#, 1),
        (r#"@((int)((JObject)context.Variables["doc"])["a"])"#, 0),
    ] {
        let expression = compile(text, Expected::Any, &Options::default()).expect(text);
        // What a thread keeps for the next evaluation is made by its first.
        expression.evaluate(&host).expect(text);
        let counted = allocation_counter::measure(|| drop(expression.evaluate(&host)));
        assert!(counted.count_total <= most, "{text}: {} of {most}", counted.count_total);
    }
}
