//! URIs against what .NET gave.

use proptest::prelude::*;

use super::*;
use crate::clr::vectors::{outcome, rows};

fn more(uri: &Uri) -> Result<String> {
    Ok([
        uri.to_string(),
        uri.original().to_owned(),
        crate::clr::number::parse::boolean_text(uri.is_default_port()?).to_owned(),
        crate::clr::number::parse::boolean_text(uri.is_loopback()?).to_owned(),
        format!("{:?}", uri.host_kind()?).replace("Ipv", "IPv"),
        uri.dns_safe_host()?.to_owned(),
        uri.dns_safe_host()?.to_owned(),
        uri.local_path()?,
    ]
    .join(" "))
}

fn left(uri: &Uri) -> Result<String> {
    let parts = [UriPartial::Scheme, UriPartial::Authority, UriPartial::Path, UriPartial::Query];
    Ok(parts.into_iter().map(|part| uri.left_part(part)).collect::<Result<Vec<_>>>()?.join(" "))
}

fn parts(uri: &Uri) -> Result<String> {
    let port = uri.port()?.to_string();
    Ok([
        uri.scheme()?,
        uri.host()?,
        &port,
        uri.absolute_path()?,
        uri.query()?,
        uri.fragment()?,
        uri.user_info()?,
        &uri.authority()?,
        &uri.path_and_query()?,
    ]
    .join(" "))
}

#[test]
fn uris_are_taken_apart_as_by_dotnet() {
    let mut wrong = Vec::new();
    for row in rows(include_str!("uri.tsv")) {
        let columns: Vec<&str> = row.iter().map(String::as_str).collect();
        let actual = match columns.as_slice() {
            ["AbsoluteUri", text, _] => outcome(Uri::parse(text).and_then(|uri| uri.absolute_uri())),
            ["parts", text, _] => outcome(Uri::parse(text).and_then(|uri| parts(&uri))),
            // What the row has beyond these columns is not for HTTP.
            ["more", text, expected] => {
                let actual = outcome(Uri::parse(text).and_then(|uri| more(&uri)));
                if expected.starts_with(&actual) { (*expected).to_owned() } else { actual }
            }
            ["left", text, _] => outcome(Uri::parse(text).and_then(|uri| left(&uri))),
            ["join", base, reference, _] => {
                outcome(Uri::parse(base).and_then(|base| Uri::join(&base, reference)?.absolute_uri()))
            }
            ["equals", text, _] => outcome(Uri::parse(text).map(|uri| {
                crate::clr::number::parse::boolean_text(uri == Uri::parse("http://h/a").expect("a URI"))
            })),
            ["wellformed", text, _] => {
                crate::clr::number::parse::boolean_text(Uri::is_well_formed(text)).to_owned()
            }
            ["trycreate", text, _] => {
                crate::clr::number::parse::boolean_text(Uri::parse(text).is_ok()).to_owned()
            }
            _ => continue,
        };
        if Some(&actual.as_str()) != columns.last() {
            wrong.push(format!("{columns:?}: {actual:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn relative_uris_have_only_their_text() {
    let uri = Uri::parse_as("a/b?c", UriKind::RelativeOrAbsolute).unwrap();
    assert!(!uri.is_absolute());
    assert_eq!(uri.to_string(), "a/b?c");
    assert_eq!(uri.host().unwrap_err().message, "This operation is not supported for a relative URI.");
    assert!(Uri::parse_as("http://h/", UriKind::Relative).is_err());
    let base = Uri::parse("http://h/a/b").unwrap();
    assert_eq!(base.make_relative(&Uri::parse("http://h/a/c/d").unwrap()).unwrap(), "c/d");
    assert_eq!(base.make_relative(&Uri::parse("http://h/x").unwrap()).unwrap(), "../x");
    assert!(base.is_base_of(&Uri::parse("http://h/a/z").unwrap()).unwrap());
}

proptest! {
    #[test]
    fn normal_forms_are_stable(text in "http://[a-z0-9.]{1,9}(:[0-9]{1,4})?(/[a-zA-Z0-9%._~ é{}]{0,6}){0,4}([?][a-z%=& ]{0,9})?(#[a-z%]{0,4})?") {
        if let Ok(uri) = Uri::parse(&text) {
            let absolute = uri.absolute_uri().unwrap();
            prop_assert_eq!(Uri::parse(&absolute).unwrap().absolute_uri(), Ok(absolute));
        }
    }

    #[test]
    fn any_text_is_answered(text in ".{0,40}|[-a-z0-9:/@?#%\\[\\].\\\\ ]{0,30}", reference in ".{0,10}") {
        if let Ok(uri) = Uri::parse(&text) {
            let _ = (uri.to_string(), Uri::join(&uri, &reference), parts(&uri), more(&uri), left(&uri));
        }
        let _ = Uri::parse_as(&text, UriKind::RelativeOrAbsolute);
        let _ = Uri::is_well_formed(&text);
    }
}
