//! Whether the resources of a set fit together.

use super::ResourceSet;
use crate::diagnostic::{Diagnostic, sort};

mod api;
mod reference;
mod value;

pub(super) fn check(set: &ResourceSet) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    api::check(set, &mut found);
    reference::check(set, &mut found);
    value::check(set, &mut found);
    sort(&mut found);
    found
}
