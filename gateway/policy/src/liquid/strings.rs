//! Filters on texts.

use gateway_expression::clr::encoding;
use gateway_expression::clr::text::{to_lower, to_upper};

/// `Capitalize`: the first letter of every word in upper case, as .NET's title case has it.
pub fn capitalize(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_word = false;
    for c in text.chars() {
        let shown = c.to_string();
        out.push_str(&if in_word { shown } else { to_upper(&shown) });
        in_word = c.is_alphanumeric() || c == '\'';
    }
    out
}

pub fn downcase(text: &str) -> String {
    to_lower(text)
}

pub fn upcase(text: &str) -> String {
    to_upper(text)
}

pub fn escape(text: &str) -> String {
    encoding::html_encode(text)
}

pub fn url_encode(text: &str) -> String {
    encoding::url_encode(text)
}

pub fn url_decode(text: &str) -> String {
    encoding::url_decode(text)
}

pub fn newline_to_br(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "<br />\n")
}

pub fn strip_newlines(text: &str) -> String {
    text.replace(['\r', '\n'], "")
}

/// `StripHtml`: scripts, comments and tags are left out.
pub fn strip_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        out.push_str(rest.get(..at).unwrap_or_default());
        let tag = rest.get(at..).unwrap_or_default();
        let close = if tag.starts_with("<!--") {
            "-->"
        } else if tag.get(..7).is_some_and(|name| name.eq_ignore_ascii_case("<script")) {
            "</script>"
        } else {
            ">"
        };
        let Some(end) = tag.find(close) else {
            out.push_str(tag);
            return out;
        };
        rest = tag.get(end + close.len()..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// `Truncate`: at most `length` characters, the ending included.
pub fn truncate(text: &str, length: usize, ending: &str) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    let kept = length.saturating_sub(ending.chars().count());
    text.chars().take(kept).chain(ending.chars()).collect()
}

/// `TruncateWords`: at most `count` words.
pub fn truncate_words(text: &str, count: usize, ending: &str) -> String {
    let mut words = text.split_whitespace();
    let kept: Vec<_> = words.by_ref().take(count.max(1)).collect();
    if words.next().is_none() { text.to_owned() } else { format!("{}{ending}", kept.join(" ")) }
}

/// `Slice`: characters from `start` on; a negative start counts from the end.
pub fn slice(text: &str, start: i64, length: usize) -> String {
    let count = text.chars().count() as i64;
    let start = if start < 0 { start + count } else { start };
    match usize::try_from(start) {
        Ok(start) => text.chars().skip(start).take(length).collect(),
        Err(_) => String::new(),
    }
}
