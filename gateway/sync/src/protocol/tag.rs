//! Names of views.

use std::fmt;
use std::str::FromStr;

/// `"{epoch}-{revision}-{hash}"`, the name of a view. Ordered by age: a new epoch begins when the plane's store is restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    pub epoch: u64,
    /// Last revision of the service that touched the view.
    pub revision: u64,
    /// Hash of the documents.
    pub hash: u64,
}

impl Tag {
    /// Whether what this names must not be replaced by what `other` names.
    pub fn is_newer_than(&self, other: &Self) -> bool {
        (self.epoch, self.revision) > (other.epoch, other.revision)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}-{}-{:016x}\"", self.epoch, self.revision, self.hash)
    }
}

/// Not a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("EPOCH-REVISION-HASH is expected")]
pub struct NotATag;

impl FromStr for Tag {
    type Err = NotATag;

    fn from_str(text: &str) -> Result<Self, NotATag> {
        let mut parts = text.trim().trim_matches('"').split('-');
        let (Some(epoch), Some(revision), Some(hash), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NotATag);
        };
        Ok(Self {
            epoch: epoch.parse().map_err(|_| NotATag)?,
            revision: revision.parse().map_err(|_| NotATag)?,
            hash: u64::from_str_radix(hash, 16).map_err(|_| NotATag)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_reads_what_it_writes_and_nothing_else() {
        let tag = Tag { epoch: 3, revision: 17, hash: 0xab };
        assert_eq!(tag.to_string(), "\"3-17-00000000000000ab\"");
        assert_eq!(tag.to_string().parse(), Ok(tag));
        for bad in ["", "*", "1-2", "1-2-x", "1-2-3-4", "-1-2-3"] {
            assert_eq!(bad.parse::<Tag>(), Err(NotATag), "{bad}");
        }
        assert!(Tag { epoch: 4, revision: 1, hash: 0 }.is_newer_than(&tag));
        assert!(!tag.is_newer_than(&tag));
    }
}
