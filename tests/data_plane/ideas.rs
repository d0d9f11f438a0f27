//! What people do with policies: twenty documents after the shape of those that are published for Azure API Management,
//! each from the listener to the backend and back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gateway_tests::{Answer, Api, Backend, Config, Issuer, Recorded, Reply, Running};

/// The sections of a document; an empty one is inherited.
#[derive(Default)]
struct Document<'a> {
    inbound: &'a str,
    backend: &'a str,
    outbound: &'a str,
    on_error: &'a str,
}

/// An API at `/a` with the document, in front of a backend.
struct Served {
    gateway: Running,
    backend: Backend,
    _config: Config,
}

impl Served {
    fn new(document: &Document<'_>, backend: Backend) -> Self {
        let config = Config::new();
        let url = backend.url();
        let operations = ["GET /item/{id}", "POST /item/{id}", "GET /item"];
        config.api(&Api { name: "a", path: "a", service_url: &url, operations: &operations, more: "" });
        config.product("gold", true, &["a"]).subscription("sub", "/products/gold", "active");
        let with_base = |text: &str| if text.is_empty() { String::new() } else { format!("<base />{text}") };
        config.policy(
            "apis/a/policy.xml",
            &with_base(document.inbound),
            document.backend,
            &with_base(document.outbound),
            &with_base(document.on_error),
        );
        Self { gateway: Running::start(config.path(), &[]), backend, _config: config }
    }

    fn inbound(inbound: &str) -> Self {
        Self::new(&Document { inbound, ..Document::default() }, Backend::fixed("ok"))
    }

    fn get(&self, headers: &[(&str, &str)]) -> Answer {
        self.gateway.get("/a/item/5", headers)
    }

    fn post(&self, content_type: &str, body: &str) -> Answer {
        self.gateway.client().request_with(
            "POST",
            "/a/item/5",
            &[("Content-Type", content_type)],
            body.as_bytes(),
        )
    }
}

fn until(what: impl Fn() -> bool) {
    let begin = Instant::now();
    while !what() {
        assert!(begin.elapsed() < Duration::from_secs(20), "it does not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn idea_01_correlation_id_where_the_caller_brings_none() {
    let served = Served::inbound(
        r#"<set-header name="X-Correlation-Id" exists-action="skip"><value>@{ var id = context.RequestId; return id.ToString("N"); }</value></set-header>"#,
    );
    served.get(&[]);
    served.get(&[("X-Correlation-Id", "mine")]);
    let seen = served.backend.seen();
    assert_eq!(seen[0].header("x-correlation-id").map(str::len), Some(32));
    assert_eq!(seen[1].header("x-correlation-id"), Some("mine"));
}

#[test]
fn idea_02_another_backend_after_a_failure() {
    let spare = Backend::fixed("spare");
    let backend = format!(
        r#"<retry condition="@(context.Response == null || context.Response.StatusCode >= 500)" count="2" interval="0">
             <choose><when condition="@(context.Variables.GetValueOrDefault<int>("attempt") > 0)"><set-backend-service base-url="{}" /></when></choose>
             <set-variable name="attempt" value="@(context.Variables.GetValueOrDefault<int>("attempt") + 1)" />
             <forward-request buffer-request-body="true" />
           </retry>"#,
        spare.url()
    );
    let failing = Backend::start(|_| Reply::with(503, &[], "down"));
    let served = Served::new(&Document { backend: &backend, ..Document::default() }, failing);
    assert_eq!(served.post("text/plain", "body").text(), "spare");
    assert_eq!((served.backend.seen().len(), spare.only().body), (1, b"body".to_vec()));
}

#[test]
fn idea_03_value_of_another_service_kept_in_the_cache() {
    let rates = Backend::fixed(r#"{"rate": 1.25}"#);
    let served = Served::inbound(&format!(
        r#"<cache-lookup-value key="@("rate-" + context.Request.MatchedParameters["id"])" variable-name="rate" />
           <choose><when condition="@(!context.Variables.ContainsKey("rate"))">
             <send-request mode="new" response-variable-name="answer" timeout="10" ignore-error="false"><set-url>{}/rate</set-url><set-method>GET</set-method></send-request>
             <set-variable name="rate" value="@(((IResponse)context.Variables["answer"]).Body.As<JObject>()["rate"].ToString())" />
             <cache-store-value key="@("rate-" + context.Request.MatchedParameters["id"])" value="@((string)context.Variables["rate"])" duration="60" />
           </when></choose>
           <set-header name="X-Rate" exists-action="override"><value>@((string)context.Variables["rate"])</value></set-header>"#,
        rates.url()
    ));
    for _ in 0..4 {
        assert_eq!(served.get(&[]).status, 200);
    }
    assert!(served.backend.seen().iter().all(|seen| seen.header("x-rate") == Some("1.25")));
    assert_eq!(rates.seen().len(), 1);
}

#[test]
fn idea_04_token_made_and_signed_here() {
    let served = Served::inbound(
        r#"<set-header name="Authorization" exists-action="override"><value>@{
             var head = Convert.ToBase64String(Encoding.UTF8.GetBytes("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"));
             var claims = Convert.ToBase64String(Encoding.UTF8.GetBytes(new JObject(new JProperty("sub", context.Request.MatchedParameters["id"])).ToString(Newtonsoft.Json.Formatting.None)));
             var signed = (head.TrimEnd('=') + "." + claims.TrimEnd('=')).Replace('+', '-').Replace('/', '_');
             using (var mac = new System.Security.Cryptography.HMACSHA256(Convert.FromBase64String("c2VjcmV0"))) {
               var signature = Convert.ToBase64String(mac.ComputeHash(Encoding.UTF8.GetBytes(signed)));
               return "Bearer " + signed + "." + signature.TrimEnd('=').Replace('+', '-').Replace('/', '_');
             }
           }</value></set-header>"#,
    );
    served.get(&[]);
    let seen = served.backend.only();
    let token = seen.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, b"secret");
    aws_lc_rs::hmac::verify(&key, signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap(), br#"{"sub":"5"}"#);
}

#[test]
fn idea_05_body_encrypted_and_decrypted() {
    let cipher = "Convert.FromBase64String(\"MDEyMzQ1Njc4OWFiY2RlZg==\")";
    let inbound = format!(
        r#"<set-body>@{{
             byte[] hidden = context.Request.Body.As<byte[]>().Encrypt("Aes", {cipher}, {cipher});
             return Convert.ToBase64String(hidden);
           }}</set-body>"#
    );
    let outbound = format!(
        r#"<set-body>@{{
             byte[] plain = Convert.FromBase64String(context.Response.Body.As<string>()).Decrypt("Aes", {cipher}, {cipher});
             return Encoding.UTF8.GetString(plain);
           }}</set-body>"#
    );
    let document = Document { inbound: &inbound, outbound: &outbound, ..Document::default() };
    let served =
        Served::new(&document, Backend::start(|seen| Reply::ok(&String::from_utf8_lossy(&seen.body))));
    assert_eq!(served.post("text/plain", "a secret").text(), "a secret");
    let sent = STANDARD.decode(served.backend.only().body).unwrap();
    assert!(sent.len() == 16 && sent != b"a secret", "one block");
}

#[test]
fn idea_06_value_out_of_an_xml_body() {
    let served = Served::inbound(
        r#"<set-header name="X-Name" exists-action="override"><value>@{
             XNamespace ns = "urn:orders";
             var body = context.Request.Body.As<XElement>(preserveContent: true);
             return (string)body.Descendants(ns + "customer").First().Attribute("name");
           }</value></set-header>"#,
    );
    let body = r#"<order xmlns="urn:orders"><customer name="Ada" /><customer name="Bob" /></order>"#;
    served.post("application/xml", body);
    let seen = served.backend.only();
    assert_eq!((seen.header("x-name"), seen.body.as_slice()), (Some("Ada"), body.as_bytes()));
}

#[test]
fn idea_07_addresses_behind_a_proxy_that_names_them() {
    let served = Served::inbound(
        r#"<choose><when condition="@{
             var allowed = new[] { "203.0.113.7", "203.0.113.8" };
             var from = context.Request.Headers.GetValueOrDefault("X-Forwarded-For", "").Split(',').Last().Trim().Split(':')[0];
             return !allowed.Contains(from);
           }"><return-response><set-status code="403" reason="Not here" /></return-response></when></choose>"#,
    );
    assert_eq!(served.get(&[("X-Forwarded-For", "198.51.100.1, 203.0.113.7:4711")]).status, 200);
    let refused = served.get(&[("X-Forwarded-For", "203.0.113.7, 198.51.100.1")]);
    assert_eq!((refused.status, refused.reason.as_str()), (403, "Not here"));
    assert_eq!((served.get(&[]).status, served.backend.seen().len()), (403, 1));
}

#[test]
fn idea_08_less_of_the_answer_outside_of_a_product() {
    let outbound = r#"<choose><when condition="@(context.Response.StatusCode == 200 && !(context.Product?.Name ?? "").Equals("gold"))">
        <set-body>@{ var body = context.Response.Body.As<JObject>(); foreach (var key in new[] { "secret", "cost" }) { body.Property(key)?.Remove(); } return body.ToString(Newtonsoft.Json.Formatting.None); }</set-body>
      </when></choose>"#;
    let backend = Backend::start(|_| {
        Reply::with(200, &[("Content-Type", "application/json")], r#"{"id":1,"secret":2,"cost":3}"#)
    });
    let served = Served::new(&Document { outbound, ..Document::default() }, backend);
    assert_eq!(served.get(&[]).text(), r#"{"id":1}"#);
    let gold = served.get(&[("Ocp-Apim-Subscription-Key", "sub-primary")]);
    assert_eq!(gold.text(), r#"{"id":1,"secret":2,"cost":3}"#);
}

#[test]
fn idea_09_host_of_the_gateway_for_links_of_the_backend() {
    let served = Served::inbound(
        r#"<set-header name="Forwarded" exists-action="override"><value>@($"proto={context.Request.OriginalUrl.Scheme};host={context.Request.OriginalUrl.Host};prefix=/{context.Api.Path}")</value></set-header>"#,
    );
    served.get(&[("Host", "api.example")]);
    assert_eq!(served.backend.only().header("forwarded"), Some("proto=http;host=api.example;prefix=/a"));
}

#[test]
fn idea_10_access_token_of_another_service_sent_along() {
    let tokens = Backend::start(|request: &Recorded| {
        assert_eq!(request.body, b"grant_type=client_credentials&client_id=me&scope=a%20b");
        Reply::with(
            200,
            &[("Content-Type", "application/json")],
            r#"{"access_token": "t-1", "expires_in": 300}"#,
        )
    });
    let served = Served::inbound(&format!(
        r#"<cache-lookup-value key="token" variable-name="token" />
           <choose><when condition="@(!context.Variables.ContainsKey("token"))">
             <send-request mode="new" response-variable-name="answer" timeout="20" ignore-error="false">
               <set-url>{}/token</set-url><set-method>POST</set-method>
               <set-header name="Content-Type" exists-action="override"><value>application/x-www-form-urlencoded</value></set-header>
               <set-body>@("grant_type=client_credentials&client_id=me&scope=" + Uri.EscapeDataString("a b"))</set-body>
             </send-request>
             <set-variable name="answer" value="@(((IResponse)context.Variables["answer"]).Body.As<JObject>())" />
             <set-variable name="token" value="@((string)((JObject)context.Variables["answer"])["access_token"])" />
             <cache-store-value key="token" value="@((string)context.Variables["token"])" duration="@((int)((JObject)context.Variables["answer"])["expires_in"] - 10)" />
           </when></choose>
           <set-header name="Authorization" exists-action="override"><value>@("Bearer " + (string)context.Variables["token"])</value></set-header>"#,
        tokens.url()
    ));
    for _ in 0..3 {
        assert_eq!(served.get(&[]).status, 200);
    }
    assert!(served.backend.seen().iter().all(|seen| seen.header("authorization") == Some("Bearer t-1")));
    assert_eq!(tokens.seen().len(), 1);
}

#[test]
fn idea_11_token_against_forgery_fetched_before_a_change() {
    let backend = Backend::start(|request| match request.method.as_str() {
        "HEAD" => Reply::with(
            200,
            &[("X-CSRF-Token", "abc"), ("Set-Cookie", "s=1; Path=/"), ("Set-Cookie", "t=2")],
            "",
        ),
        _ => Reply::ok("changed"),
    });
    let inbound = format!(
        r#"<choose><when condition="@(context.Request.Method != "GET")">
             <send-request mode="new" response-variable-name="fetched" timeout="10" ignore-error="false">
               <set-url>{}/</set-url><set-method>HEAD</set-method>
               <set-header name="X-CSRF-Token" exists-action="override"><value>Fetch</value></set-header>
             </send-request>
             <set-header name="X-CSRF-Token" exists-action="override"><value>@(((IResponse)context.Variables["fetched"]).Headers.GetValueOrDefault("X-CSRF-Token"))</value></set-header>
             <set-header name="Cookie" exists-action="override"><value>@{{
               var set = ((IResponse)context.Variables["fetched"]).Headers["Set-Cookie"];
               return string.Join("; ", set.Select(cookie => cookie.Split(';')[0]));
             }}</value></set-header>
           </when></choose>"#,
        backend.url()
    );
    let served = Served::new(&Document { inbound: &inbound, ..Document::default() }, backend);
    assert_eq!(served.post("text/plain", "x").text(), "changed");
    let seen = served.backend.seen();
    let sent = seen.iter().find(|seen| seen.method == "POST").unwrap();
    assert_eq!((sent.header("x-csrf-token"), sent.header("cookie")), (Some("abc"), Some("s=1; t=2")));
}

#[test]
fn idea_12_all_fields_of_the_request_shown() {
    let served = Served::inbound(
        r#"<return-response><set-status code="200" /><set-header name="Content-Type" exists-action="override"><value>text/plain</value></set-header>
           <set-body>@(string.Join("\n", context.Request.Headers.Where(h => h.Key.StartsWith("X-")).OrderBy(h => h.Key).Select(h => h.Key + "=" + string.Join("|", h.Value))))</set-body></return-response>"#,
    );
    assert_eq!(served.get(&[("X-B", "2"), ("X-A", "1"), ("X-A", "3")]).text(), "X-A=1|3\nX-B=2");
}

#[test]
fn idea_13_errors_reported_elsewhere_without_waiting() {
    let log = Backend::start(|_| {
        std::thread::sleep(Duration::from_millis(300));
        Reply::with(500, &[], "")
    });
    let on_error = format!(
        r#"<send-one-way-request mode="new"><set-url>{}/errors</set-url><set-method>POST</set-method>
             <set-body>@(new JObject(new JProperty("source", context.LastError.Source), new JProperty("reason", context.LastError.Reason), new JProperty("path", context.Request.OriginalUrl.Path)).ToString(Newtonsoft.Json.Formatting.None))</set-body>
           </send-one-way-request>"#,
        log.url()
    );
    let document = Document {
        inbound: r#"<check-header name="X-Needed" failed-check-httpcode="400" failed-check-error-message="X-Needed is missing" ignore-case="true" />"#,
        on_error: &on_error,
        ..Document::default()
    };
    let served = Served::new(&document, Backend::fixed("ok"));
    let begin = Instant::now();
    assert_eq!(served.get(&[]).status, 400);
    assert!(begin.elapsed() < Duration::from_millis(250), "nobody waits for the log");
    until(|| !log.seen().is_empty());
    let expected = r#"{"source":"check-header","reason":"HeaderNotFound","path":"/a/item/5"}"#;
    assert_eq!(String::from_utf8_lossy(&log.only().body), expected);
}

#[test]
fn idea_14_long_work_looks_like_one_call() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let backend = Backend::start(move |request| match request.target.as_str() {
        "/item/5" => Reply::with(202, &[("Location", "/jobs/1")], ""),
        "/jobs/1" if count.fetch_add(1, Ordering::SeqCst) < 2 => Reply::with(202, &[], "working"),
        "/jobs/1" => Reply::ok("done"),
        other => panic!("{other}"),
    });
    let outbound = format!(
        r#"<choose><when condition="@(context.Response.StatusCode == 202)">
             <set-variable name="job" value="@("{}" + context.Response.Headers.GetValueOrDefault("Location"))" />
             <retry condition="@(((IResponse)context.Variables["polled"]).StatusCode == 202)" count="5" interval="0">
               <send-request mode="new" response-variable-name="polled" timeout="10"><set-url>@((string)context.Variables["job"])</set-url><set-method>GET</set-method></send-request>
             </retry>
             <return-response response-variable-name="polled" />
           </when></choose>"#,
        backend.url()
    );
    let served = Served::new(&Document { outbound: &outbound, ..Document::default() }, backend);
    let answer = served.post("text/plain", "work");
    assert_eq!((answer.status, answer.text().as_str(), asked.load(Ordering::SeqCst)), (200, "done", 3));
}

#[test]
fn idea_15_claims_of_a_token_read_by_an_expression() {
    let issuer = Issuer::start();
    let served = Served::inbound(
        r#"<set-header name="X-Audience" exists-action="override"><value>@{
             Jwt jwt;
             var value = context.Request.Headers.GetValueOrDefault("Authorization", "").Split(' ').Last();
             return value.TryParseJwt(out jwt) ? string.Join(",", jwt.Audiences) : "none";
           }</value></set-header>"#,
    );
    served.get(&[("Authorization", &format!("Bearer {}", issuer.token("shop")))]);
    served.get(&[("Authorization", "Bearer nonsense")]);
    let seen = served.backend.seen();
    assert_eq!((seen[0].header("x-audience"), seen[1].header("x-audience")), (Some("shop"), Some("none")));
}

#[test]
fn idea_16_basic_credentials_checked_here() {
    let served = Served::inbound(
        r#"<choose><when condition="@{
             BasicAuthCredentials given;
             var value = context.Request.Headers.GetValueOrDefault("Authorization", "");
             return !value.TryParseBasic(out given) || given.UserId != "ada" || given.Password != "pa:ss";
           }"><return-response><set-status code="401" /><set-header name="WWW-Authenticate" exists-action="override"><value>Basic realm="orders"</value></set-header></return-response></when></choose>
           <set-header name="Authorization" exists-action="delete" />"#,
    );
    let with = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
    assert_eq!(served.get(&[("Authorization", &with("ada:pa:ss"))]).status, 200);
    let refused = served.get(&[("Authorization", &with("ada:other"))]);
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Basic realm=\"orders\"")));
    assert_eq!((served.get(&[]).status, served.backend.only().header("authorization")), (401, None));
}

#[test]
fn idea_17_other_claims_for_other_methods_and_own_words_for_errors() {
    let issuer = Issuer::start();
    let inbound = format!(
        r#"<choose><when condition="@(new[] {{ "POST", "PUT" }}.Contains(context.Request.Method))">
             <validate-jwt header-name="Authorization"><openid-config url="{0}" /><required-claims><claim name="role"><value>editor</value></claim></required-claims></validate-jwt>
           </when><otherwise><validate-jwt header-name="Authorization"><openid-config url="{0}" /></validate-jwt></otherwise></choose>"#,
        issuer.configuration()
    );
    let on_error = r#"<choose><when condition="@(context.LastError.Source == "validate-jwt" && context.LastError.Reason == "TokenClaimNotFound")">
        <return-response><set-status code="403" reason="Forbidden" /><set-body>editors only</set-body></return-response></when></choose>"#;
    let document = Document { inbound: &inbound, on_error, ..Document::default() };
    let served = Served::new(&document, Backend::fixed("ok"));
    let authorization = format!("Bearer {}", issuer.token("shop"));
    assert_eq!(served.get(&[("Authorization", &authorization)]).status, 200);
    let mut client = served.gateway.client();
    let refused = client.request_with("POST", "/a/item/5", &[("Authorization", &authorization)], b"x");
    assert_eq!((refused.status, refused.text().as_str()), (403, "editors only"));
    assert_eq!(served.get(&[]).text(), r#"{ "statusCode": 401, "message": "JWT not present." }"#);
}

#[test]
fn idea_18_shares_by_chance() {
    let others = [Backend::fixed("one"), Backend::fixed("two")];
    let served = Served::inbound(&format!(
        r#"<set-variable name="place" value="@(new Random(context.RequestId.GetHashCode()).Next(1, 3))" />
           <choose><when condition="@(context.Variables.GetValueOrDefault<int>("place") == 1)"><set-backend-service base-url="{}" /></when>
           <otherwise><set-backend-service base-url="{}" /></otherwise></choose>"#,
        others[0].url(),
        others[1].url()
    ));
    for _ in 0..80 {
        assert_eq!(served.get(&[]).status, 200);
    }
    let shares = others.map(|other| other.seen().len());
    assert!(shares.iter().sum::<usize>() == 80 && shares.iter().all(|share| *share >= 15), "{shares:?}");
}

#[test]
fn idea_19_another_status_for_a_method_that_is_not_there() {
    let served = Served::new(&Document::default(), Backend::fixed("ok"));
    let config = Config::new();
    let operations = ["GET /item"];
    config.api(&Api {
        name: "a",
        path: "a",
        service_url: &served.backend.url(),
        operations: &operations,
        more: "",
    });
    config.policy(
        "policy.xml",
        " ",
        "<forward-request />",
        " ",
        r#"<choose><when condition="@(context.LastError.Source == "configuration" && context.LastError.Reason == "OperationNotFound" && context.Api != null)">
             <return-response><set-status code="405" reason="Method not allowed" /></return-response></when></choose>"#,
    );
    let gateway = Running::start(config.path(), &[]);
    assert_eq!(gateway.client().request("DELETE", "/a/item", &[]).status, 405);
    assert_eq!((gateway.get("/a/item", &[]).status, gateway.get("/b", &[]).status), (200, 404));
}

#[test]
fn idea_20_large_bodies_and_far_regions_go_elsewhere() {
    let (large, far) = (Backend::fixed("large"), Backend::fixed("far"));
    let served = Served::inbound(&format!(
        r#"<choose>
             <when condition="@(int.Parse(context.Request.Headers.GetValueOrDefault("Content-Length", "0")) > 1000)"><set-backend-service base-url="{}" /></when>
             <when condition="@("far".Equals(context.Request.Headers.GetValueOrDefault("X-Region"), StringComparison.OrdinalIgnoreCase))"><set-backend-service base-url="{}" /></when>
           </choose>
           <set-header name="X-Subscription" exists-action="override"><value>@(context.Subscription?.Id ?? "none")</value></set-header>
           <set-header name="X-Product" exists-action="override"><value>@(context.Product?.Id ?? "none")</value></set-header>"#,
        large.url(),
        far.url()
    ));
    assert_eq!(served.post("text/plain", &"x".repeat(2000)).text(), "large");
    assert_eq!(served.get(&[("X-Region", "FAR")]).text(), "far");
    assert_eq!(served.get(&[("Ocp-Apim-Subscription-Key", "sub-secondary")]).text(), "ok");
    let seen = served.backend.only();
    assert_eq!((seen.header("x-subscription"), seen.header("x-product")), (Some("sub"), Some("gold")));
    assert_eq!(large.only().header("x-subscription"), Some("none"));
}
