//! `AsFormUrlEncodedContent()`: names with their values, in order (expressions.md §2.6).

use super::encoding::{escape_data_string, url_decode};
use super::text::to_well_formed;

/// The names of a form with all their values; a name stands where it came first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// Names compare exactly.
    pub entries: Vec<(String, Vec<String>)>,
}

impl Form {
    /// Reads `a=1&b=2`. `+` is a space; a part without `=` is a name with an empty value; empty parts are skipped.
    pub fn parse(text: &str) -> Self {
        let mut places = std::collections::HashMap::new();
        let mut entries: Vec<(String, Vec<String>)> = Vec::new();
        for part in text.trim_start_matches('?').split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (url_decode(name), url_decode(value));
            let place = *places.entry(name.clone()).or_insert(entries.len());
            match entries.get_mut(place) {
                Some((_, values)) => values.push(value),
                None => entries.push((name, vec![value])),
            }
        }
        Self { entries }
    }

    /// `dictionary[name]`.
    pub fn get(&self, name: &str) -> Option<&[String]> {
        self.entries.iter().find(|(known, _)| known == name).map(|(_, values)| values.as_slice())
    }

    /// `ToFormUrlEncodedContent()`: `a=1&a=3&b=2`, a space as `+`.
    pub fn to_content(&self) -> String {
        let pairs =
            self.entries.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
        let pairs: Vec<String> =
            pairs.map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        pairs.join("&")
    }

    /// `ToQueryString()`: the same behind a `?`.
    pub fn to_query(&self) -> String {
        format!("?{}", self.to_content())
    }
}

fn encoded(text: &str) -> String {
    escape_data_string(&to_well_formed(text)).unwrap_or_default().replace("%20", "+")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms_are_read_and_written() {
        let form = Form::parse("a=1&b=x+y%26&a=3&c&&=e&d=1=2");
        assert_eq!(form.get("a"), Some(["1".to_owned(), "3".to_owned()].as_slice()));
        assert_eq!(form.get("b"), Some(["x y&".to_owned()].as_slice()));
        assert_eq!(form.get("A"), None);
        assert_eq!(form.to_query(), "?a=1&a=3&b=x+y%26&c=&=e&d=1%3D2");
    }

    proptest! {
        #[test]
        fn forms_read_back(pairs in prop::collection::vec((".{0,6}", ".{0,6}"), 0..6)) {
            let mut form = Form::default();
            for (name, value) in &pairs {
                let name = to_well_formed(name).into_owned();
                let value = to_well_formed(value).into_owned();
                match form.entries.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, values)) => values.push(value),
                    None => form.entries.push((name, vec![value])),
                }
            }
            prop_assert_eq!(Form::parse(&form.to_content()), form.clone());
        }
    }
}
