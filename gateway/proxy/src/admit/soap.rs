//! Operations of SOAP APIs: all are POST to one path, told apart by the SOAP action (`policies.md` §9).

use std::borrow::Cow;

use gateway_policy::message::{Headers, Request, query};

/// The query to match templates such as `/?soapAction=…` by: the request's own, with the action of SOAP 1.1's
/// header or of SOAP 1.2's content type behind it.
pub fn query(request: &Request) -> Cow<'_, str> {
    let own = request.url.query.as_str();
    if query::contains(own, "soapAction") {
        return Cow::Borrowed(own);
    }
    match action(&request.headers) {
        // Fixed values are compared as written in the template, so the action is not encoded; one with an `&`
        // could pose as another parameter and matches nothing.
        Some(action) if !action.contains('&') => {
            let separator = if own.is_empty() { "" } else { "&" };
            Cow::Owned(format!("{own}{separator}soapAction={action}"))
        }
        _ => Cow::Borrowed(own),
    }
}

/// `SOAPAction: "…"` (SOAP 1.1 §6.1.1), or `action="…"` of `application/soap+xml` (RFC 3902).
fn action(headers: &Headers) -> Option<&str> {
    if let Some(action) = headers.get_str("SOAPAction") {
        return Some(action.trim().trim_matches('"'));
    }
    let content_type = headers.get_str("Content-Type")?;
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("action").then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use gateway_policy::message::{Body, Method, Url};

    use super::*;

    #[test]
    fn query_holds_the_action_of_either_version() {
        for (name, value, own, expected) in [
            ("SOAPAction", "\"http://t/Get\"", "", "soapAction=http://t/Get"),
            ("SOAPAction", "Get", "a=1", "a=1&soapAction=Get"),
            ("SOAPAction", "Get", "soapaction=Put", "soapaction=Put"),
            ("SOAPAction", "Get&x=1", "", ""),
            ("Content-Type", "application/soap+xml; charset=utf-8; action=\"Get\"", "", "soapAction=Get"),
            ("Content-Type", "text/xml", "", ""),
        ] {
            let mut headers = Headers::new();
            headers.append(name, value.as_bytes()).unwrap();
            let url = Url::parse(&format!("http://h/?{own}")).unwrap();
            let request = Request { method: Method::Post, url, headers, body: Body::Empty };
            assert_eq!(query(&request), expected, "{name}: {value} ?{own}");
        }
    }
}
