//! Names of resources: one type a kind, compared without ASCII case, kept as first written.
//!
//! Source: management-api.md §1.15 (limits) and §2.1 (comparison).

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Longest name accepted for any resource, in characters (management-api.md §1.15).
pub const NAME_CHARS_MAX: usize = 256;

/// Why a text cannot name a resource.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing was written.
    #[error("a name must not be empty")]
    Empty,
    /// More characters than [`NAME_CHARS_MAX`].
    #[error("a name of {0} characters is longer than {NAME_CHARS_MAX}")]
    Long(usize),
    /// A character that no resource name may hold.
    #[error("a name must not contain {0:?}")]
    Character(char),
    /// `.` and `..` would walk through folders.
    #[error("'.' and '..' are not names")]
    Dots,
}

/// Checks a name against the pattern that all resource kinds share: `^[^*#&+:<>?]+$`, no slash, no control
/// character, at most [`NAME_CHARS_MAX`] characters.
pub fn check_name(name: &str) -> Result<(), IdError> {
    if name.is_empty() {
        return Err(IdError::Empty);
    }
    if name == "." || name == ".." {
        return Err(IdError::Dots);
    }
    let chars = name.chars().count();
    if chars > NAME_CHARS_MAX {
        return Err(IdError::Long(chars));
    }
    match name.chars().find(|c| c.is_control() || "*#&+:<>?/\\".contains(*c)) {
        Some(c) => Err(IdError::Character(c)),
        None => Ok(()),
    }
}

fn compare_without_case(a: &str, b: &str) -> Ordering {
    a.bytes().map(|byte| byte.to_ascii_lowercase()).cmp(b.bytes().map(|byte| byte.to_ascii_lowercase()))
}

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps a name that is known to be good.
            pub fn new(name: impl Into<Arc<str>>) -> Self {
                Self(name.into())
            }

            /// Checks a name from outside, see [`check_name`].
            pub fn parse(name: &str) -> Result<Self, IdError> {
                check_name(name)?;
                Ok(Self(name.into()))
            }

            /// The name as first written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self("".into())
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self::new(name)
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self::new(name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.eq_ignore_ascii_case(&other.0)
            }
        }

        impl Eq for $name {}

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                compare_without_case(&self.0, &other.0)
            }
        }

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                for byte in self.0.bytes() {
                    state.write_u8(byte.to_ascii_lowercase());
                }
                state.write_u8(0xff);
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(deserializer).map(Self::from)
            }
        }
    )+};
}

ids! {
    /// Name of an API; `x` is the current revision, `x;rev=2` another one.
    ApiId,
    /// Name of an operation inside its API.
    OperationId,
    /// Name of a GraphQL resolver inside its API.
    ResolverId,
    /// Name of a product.
    ProductId,
    /// Name of a subscription (not its key).
    SubscriptionId,
    /// Name of a user.
    UserId,
    /// Name of a group.
    GroupId,
    /// Name of a named value resource; policies use its display name.
    NamedValueId,
    /// Name of a policy fragment.
    FragmentId,
    /// Name of a backend.
    BackendId,
    /// Name of an API version set.
    VersionSetId,
    /// Name of a self-hosted gateway resource.
    GatewayId,
    /// Name of a host name configuration of a gateway.
    HostnameId,
    /// Name of a certificate.
    CertificateId,
    /// Name of a logger.
    LoggerId,
    /// Name of a diagnostic (`applicationinsights`, `azuremonitor`, `local`, …).
    LogDiagnosticId,
    /// Name of a schema.
    SchemaId,
    /// Name of a tag.
    TagId,
    /// Name of an external cache.
    CacheId,
}

impl ApiId {
    /// The API without its revision suffix: `x` for `x;rev=2`.
    #[must_use]
    pub fn root(&self) -> Self {
        match self.split_revision() {
            Some((root, _)) => Self::new(root),
            None => self.clone(),
        }
    }

    /// The revision of the suffix: `2` for `x;rev=2`, none for `x`.
    pub fn revision(&self) -> Option<&str> {
        self.split_revision().map(|(_, revision)| revision)
    }

    /// Revision `revision` of the same API: `x;rev=3`.
    #[must_use]
    pub fn with_revision(&self, revision: &str) -> Self {
        Self::new(format!("{};rev={revision}", self.root()))
    }

    fn split_revision(&self) -> Option<(&str, &str)> {
        const MARK: &str = ";rev=";
        let at = self.0.to_ascii_lowercase().rfind(MARK)?;
        Some((self.0.get(..at)?, self.0.get(at + MARK.len()..)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn ids_differing_in_case_are_one_key_and_keep_the_first_writing() {
        let mut map = BTreeMap::new();
        map.insert(ApiId::from("Orders"), 1);
        assert_eq!(map.get(&ApiId::from("oRDERS")), Some(&1));
        map.insert(ApiId::from("ORDERS"), 2);
        assert_eq!(map.keys().next().map(ApiId::as_str), Some("Orders"));
    }

    #[test]
    fn api_id_splits_root_and_revision() {
        let id = ApiId::from("orders;REV=12");
        assert_eq!((id.root().as_str(), id.revision()), ("orders", Some("12")));
        assert_eq!(ApiId::from("orders").revision(), None);
        assert_eq!(id.with_revision("3").as_str(), "orders;rev=3");
    }

    #[test]
    fn check_name_refuses_what_could_leave_a_folder_or_break_an_address() {
        for (name, good) in [
            ("orders", true),
            ("orders;rev=2", true),
            ("named value with blanks", true),
            ("ümlaut.v1_x", true),
            ("", false),
            (".", false),
            ("..", false),
            ("a/b", false),
            ("a\\b", false),
            ("a\0b", false),
            ("a?b", false),
            ("a+b", false),
        ] {
            assert_eq!(check_name(name).is_ok(), good, "{name:?}");
        }
        assert_eq!(check_name(&"x".repeat(257)), Err(IdError::Long(257)));
        assert!(check_name(&"ü".repeat(256)).is_ok());
    }
}
