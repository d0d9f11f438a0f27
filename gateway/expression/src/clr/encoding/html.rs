//! `WebUtility.HtmlEncode` and `WebUtility.HtmlDecode`.

use super::entities::ENTITIES;
use crate::clr::text::to_well_formed;

/// `HtmlEncode`: `< > & " '`, U+00A0–U+00FF and characters beyond the basic plane.
pub fn html_encode(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    for c in to_well_formed(text).chars() {
        match c {
            '<' => made.push_str("&lt;"),
            '>' => made.push_str("&gt;"),
            '&' => made.push_str("&amp;"),
            '"' => made.push_str("&quot;"),
            '\'' => made.push_str("&#39;"),
            '\u{a0}'..='\u{ff}' | '\u{10000}'.. => {
                let escape = format!("&#{};", u32::from(c));
                made.push_str(&escape);
            }
            c => made.push(c),
        }
    }
    made
}

/// `HtmlDecode`: numbers, and the entities of HTML 4 with `apos`; names are case-sensitive, `;` is demanded.
pub fn html_decode(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, entity) = rest.split_at(at);
        made.push_str(before);
        let body = entity.get(1..).unwrap_or_default();
        if let Some((c, end)) = body.find([';', '&']).and_then(|end| Some((decoded(body, end)?, end))) {
            made.push(c);
            rest = body.get(end + 1..).unwrap_or_default();
        } else {
            made.push('&');
            rest = body;
        }
    }
    made.push_str(rest);
    made
}

fn decoded(body: &str, end: usize) -> Option<char> {
    let name = body.get(..end)?;
    if !body.get(end..)?.starts_with(';') {
        return None;
    }
    let Some(number) = name.strip_prefix('#') else {
        let place = ENTITIES.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
        return ENTITIES.get(place).map(|(_, c)| *c);
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) if hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16),
        None if number.bytes().all(|byte| byte.is_ascii_digit()) => number.parse(),
        _ => return None,
    };
    char::from_u32(code.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn html_is_encoded_and_decoded_as_by_dotnet() {
        assert_eq!(
            html_encode("<a href=\"x\">'&\u{a0}éÿĀ😀"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#160;&#233;&#255;Ā&#128512;"
        );
        let encoded = "&lt;&gt;&amp;&quot;&apos;&#39;&#x41;&#X41;&eacute;&nbsp;&bogus;&lt&#;&#xD83D;&#128512;&#0;\
                       &#1114112;&Eacute;&euro;&alpha;&thetasym;&;&&lt;&aMp;&AMP;";
        let decoded = "<>&\"''AAé\u{a0}&bogus;&lt&#;&#xD83D;😀\0&#1114112;É€αϑ&;&<&aMp;&AMP;";
        assert_eq!(html_decode(encoded), decoded);
    }

    #[test]
    fn entities_are_sorted() {
        assert!(ENTITIES.is_sorted_by(|a, b| a.0 < b.0));
    }

    proptest! {
        #[test]
        fn encoded_text_reads_back(text: String) {
            prop_assert_eq!(html_decode(&html_encode(&text)), to_well_formed(&text).into_owned());
        }

        #[test]
        fn any_text_is_decoded(text in "[&#xa-f0-9;]{0,30}|.*") {
            let _ = html_decode(&text);
        }
    }
}
