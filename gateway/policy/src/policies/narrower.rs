//! `api` and `operation` inside `rate-limit` and `quota`: limits on a part of what the policy covers.

use std::sync::Arc;

use crate::compile::Compiler;
use crate::exchange::Caller;
use crate::xml::Element;

/// A limit on one API or operation.
pub struct Narrower<L> {
    id: Option<Arc<str>>,
    name: Option<Arc<str>>,
    limit: L,
    operations: Vec<Narrower<L>>,
}

impl<L> Narrower<L> {
    /// Reads the children of a policy.
    pub fn compile_all(
        element: &Element,
        c: &mut Compiler<'_>,
        limit: &dyn Fn(&Element, &mut Compiler<'_>) -> L,
    ) -> Vec<Self> {
        element.elements().map(|child| Self::compile(child, c, limit)).collect()
    }

    fn compile(
        element: &Element,
        c: &mut Compiler<'_>,
        limit: &dyn Fn(&Element, &mut Compiler<'_>) -> L,
    ) -> Self {
        let (id, name) = (c.literal(element, "id"), c.literal(element, "name"));
        if id.is_none() && name.is_none() {
            let text = format!("The element '{}' needs the attribute 'id' or 'name'.", element.name);
            c.error("xsd", element.at, text);
        }
        let operations = Self::compile_all(element, c, limit);
        Self { id, name, limit: limit(element, c), operations }
    }

    /// `id` wins over `name` when both are given.
    fn means(&self, id: &str, name: &str) -> bool {
        match (&self.id, &self.name) {
            (Some(own), _) => own.eq_ignore_ascii_case(id),
            (None, Some(own)) => **own == *name,
            (None, None) => false,
        }
    }

    /// Every limit that applies to a call, operations first, each with the name of its place.
    pub fn visit(apis: &[Self], caller: &Caller, found: &mut dyn FnMut(&L, String)) {
        let Some(api) = caller.api.as_deref() else { return };
        let operation = caller.operation.as_deref();
        for narrow in apis.iter().filter(|narrow| narrow.means(&api.id, &api.name)) {
            let place = format!("api\0{}", api.id);
            if let Some(operation) = operation {
                for inner in
                    narrow.operations.iter().filter(|inner| inner.means(&operation.id, &operation.name))
                {
                    found(&inner.limit, format!("{place}\0{}", operation.id));
                }
            }
            found(&narrow.limit, place);
        }
    }
}
