//! Kinds of resources.

use super::shape::Shape;
use crate::service::rules::Rules;

/// A kind of resource: where it stands, what it holds, what is special about it.
pub struct Kind {
    /// Collection below the service; `{}` stands for a name: `apis/{}/operations`.
    pub collection: &'static str,
    /// Name in messages: `Api` as in "Api not found."
    pub entity: &'static str,
    /// Properties of a PUT.
    pub put: &'static Shape,
    /// Properties of a PATCH.
    pub patch: &'static Shape,
    /// Members that no GET shows (`credentials.authorization` names a member inside one).
    pub secrets: &'static [&'static str],
    /// Members that hold ids of resources of the service; kept short, shown in full.
    pub ids: &'static [&'static str],
    /// What is special.
    pub rules: &'static dyn Rules,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kind").field("collection", &self.collection).finish_non_exhaustive()
    }
}

impl Kind {
    /// The kind of resource that stands at a path below the service; `None` for no known collection.
    pub fn of(path: &str) -> Option<&'static Self> {
        let (collection, _) = path.rsplit_once('/')?;
        Self::of_collection(collection)
    }

    /// The kind of the resources in a collection.
    pub fn of_collection(collection: &str) -> Option<&'static Self> {
        super::KINDS.iter().find(|kind| {
            let mut segments = collection.split('/');
            let fits = kind.collection.split('/').all(|pattern| {
                segments
                    .next()
                    .is_some_and(|segment| pattern == "{}" || pattern.eq_ignore_ascii_case(segment))
            });
            fits && segments.next().is_none()
        })
    }

    /// ARM's type: `Microsoft.ApiManagement/service/apis/operations`.
    pub fn arm_type(&self) -> String {
        let segments = self.collection.split('/').filter(|segment| *segment != "{}");
        format!("Microsoft.ApiManagement/service/{}", segments.collect::<Vec<_>>().join("/"))
    }
}
