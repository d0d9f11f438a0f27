//! `XName` and `XNamespace`.

use std::fmt;
use std::rc::Rc;

use crate::clr::exception::{Error, ExceptionKind, Result};

/// `XNamespace.Xml`
pub const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";
/// `XNamespace.Xmlns`
pub const XMLNS_NAMESPACE: &str = "http://www.w3.org/2000/xmlns/";

/// A namespace and a local name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct XName {
    namespace: Rc<str>,
    local: Rc<str>,
}

impl XName {
    /// `XName.Get(expanded)` and the conversion from string: `local` or `{namespace}local`.
    ///
    /// # Errors
    /// `ArgumentException`, `XmlException`.
    pub fn parse(expanded: &str) -> Result<Self> {
        let invalid = || Error::argument(format!("'{expanded}' is an invalid expanded name."));
        if expanded.is_empty() {
            return Err(invalid());
        }
        match expanded.strip_prefix('{') {
            None => Self::new("", expanded),
            Some(rest) => {
                let (namespace, local) = rest.rsplit_once('}').ok_or_else(invalid)?;
                if namespace.is_empty() || local.is_empty() {
                    return Err(invalid());
                }
                Self::new(namespace, local)
            }
        }
    }

    /// `namespace + local`.
    ///
    /// # Errors
    /// `XmlException` when the local name is no name.
    pub fn new(namespace: &str, local: &str) -> Result<Self> {
        check_name(local)?;
        Ok(Self::trusted(namespace, local))
    }

    /// Of a name that was checked.
    pub(super) fn trusted(namespace: &str, local: &str) -> Self {
        Self { namespace: namespace.into(), local: local.into() }
    }

    /// `NamespaceName`.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// `LocalName`.
    pub fn local(&self) -> &str {
        &self.local
    }
}

impl fmt::Display for XName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            f.write_str(&self.local)
        } else {
            write!(f, "{{{}}}{}", self.namespace, self.local)
        }
    }
}

/// Whether a name without prefix may begin so (XML 1.0 §2.3).
pub(super) fn starts_name(c: char) -> bool {
    matches!(c,
        'A'..='Z' | 'a'..='z' | '_' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}'
        | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}')
}

/// Whether a name may go on so.
pub(super) fn continues_name(c: char) -> bool {
    starts_name(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

/// The text about a character that begins no name.
pub(super) fn bad_start(c: char) -> String {
    format!("Name cannot begin with the '{c}' character, hexadecimal value 0x{:02X}.", u32::from(c))
}

/// The text about a character inside a name.
pub(super) fn bad_inside(c: char) -> String {
    format!("The '{c}' character, hexadecimal value 0x{:02X}, cannot be included in a name.", u32::from(c))
}

pub(super) fn check_name(name: &str) -> Result<()> {
    let refuse = |text| Err(Error::new(ExceptionKind::Xml, text));
    let mut rest = name.chars();
    match rest.next() {
        None => return Err(Error::argument("The empty string '' is not a valid name.")),
        Some(first) if !starts_name(first) => return refuse(bad_start(first)),
        Some(_) => {}
    }
    match rest.find(|c| !continues_name(*c)) {
        Some(bad) => refuse(bad_inside(bad)),
        None => Ok(()),
    }
}
