//! How deep a query goes.

use apollo_compiler::ExecutableDocument;
use apollo_compiler::executable::{Selection, SelectionSet};
use rustc_hash::FxHashMap;

/// Whether any operation of a valid document has fields more than `max` levels deep; fragments count where they
/// are used. Introspection counts as any other field.
pub fn deeper_than(document: &ExecutableDocument, max: usize) -> bool {
    let mut walk = Walk { document, fragments: FxHashMap::default() };
    document.operations.iter().any(|operation| walk.depth(&operation.selection_set) > max)
}

/// Depths of fragments are kept: a fragment used a thousand times is walked once.
struct Walk<'a> {
    document: &'a ExecutableDocument,
    fragments: FxHashMap<&'a str, usize>,
}

impl<'a> Walk<'a> {
    fn depth(&mut self, set: &'a SelectionSet) -> usize {
        let mut deepest = 0;
        for selection in &set.selections {
            let depth = match selection {
                Selection::Field(field) => 1 + self.depth(&field.selection_set),
                Selection::InlineFragment(inline) => self.depth(&inline.selection_set),
                Selection::FragmentSpread(spread) => self.fragment(spread.fragment_name.as_str()),
            };
            deepest = deepest.max(depth);
        }
        deepest
    }

    fn fragment(&mut self, name: &'a str) -> usize {
        if let Some(known) = self.fragments.get(name) {
            return *known;
        }
        let Some(fragment) = self.document.fragments.get(name) else { return 0 };
        // Validation has refused cycles; this keeps one from running away all the same.
        self.fragments.insert(name, 0);
        let depth = self.depth(&fragment.selection_set);
        self.fragments.insert(name, depth);
        depth
    }
}
