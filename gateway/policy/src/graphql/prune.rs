//! A document without some of its fields.

use std::collections::BTreeSet;

use apollo_compiler::ast::Value;
use apollo_compiler::executable::{Argument, DirectiveList, Field, Selection, SelectionSet};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{ExecutableDocument, Name, Node, name};

use super::Schema;

/// Drops the fields that `is_dropped` names (type that holds it, field), with what stands below them; then the
/// fragments and variables that nothing uses any more, which a server would refuse. A selection set that loses
/// all its fields asks for `__typename`, since it cannot be empty.
pub fn prune(
    document: &ExecutableDocument,
    schema: &Schema,
    is_dropped: &mut dyn FnMut(&str, &Field) -> bool,
) -> ExecutableDocument {
    let mut pruned = document.clone();
    let mut pruner = Pruner { schema, is_dropped };
    let operations = &mut pruned.operations;
    for operation in operations.anonymous.iter_mut().chain(operations.named.values_mut()) {
        pruner.set(&mut operation.make_mut().selection_set);
    }
    for fragment in pruned.fragments.values_mut() {
        pruner.set(&mut fragment.make_mut().selection_set);
    }
    keep_used(&mut pruned);
    pruned
}

struct Pruner<'a> {
    schema: &'a Schema,
    is_dropped: &'a mut dyn FnMut(&str, &Field) -> bool,
}

impl Pruner<'_> {
    fn set(&mut self, set: &mut SelectionSet) {
        let before = set.selections.len();
        let owner = set.ty.clone();
        set.selections.retain_mut(|selection| match selection {
            Selection::Field(field) => {
                let keep = !(self.is_dropped)(&owner, field);
                if keep && !field.selection_set.is_empty() {
                    self.set(&mut field.make_mut().selection_set);
                }
                keep
            }
            Selection::InlineFragment(inline) => {
                self.set(&mut inline.make_mut().selection_set);
                true
            }
            Selection::FragmentSpread(_) => true,
        });
        let is_abstract = matches!(
            self.schema.0.types.get(&set.ty),
            Some(ExtendedType::Interface(_) | ExtendedType::Union(_))
        );
        let has_type_name = set.fields().any(|field| field.name == "__typename" && field.alias.is_none());
        if (set.selections.len() < before && set.selections.is_empty()) || (is_abstract && !has_type_name) {
            self.add_type_name(set);
        }
    }

    fn add_type_name(&self, set: &mut SelectionSet) {
        if let Ok(field) = set.new_field(&self.schema.0, name!("__typename")) {
            set.push(field);
        }
    }
}

/// Drops fragments that no operation reaches, and variables that an operation does not use.
fn keep_used(document: &mut ExecutableDocument) {
    let whole = document.clone();
    let mut reached = BTreeSet::new();
    let operations = &mut document.operations;
    for operation in operations.anonymous.iter_mut().chain(operations.named.values_mut()) {
        let mut uses = Uses { document: &whole, variables: BTreeSet::new(), fragments: BTreeSet::new() };
        uses.directives(&operation.directives);
        uses.set(&operation.selection_set);
        let Uses { variables, fragments, .. } = uses;
        operation.make_mut().variables.retain(|variable| variables.contains(&variable.name));
        reached.extend(fragments);
    }
    document.fragments.retain(|name, _| reached.contains(name));
}

struct Uses<'a> {
    document: &'a ExecutableDocument,
    variables: BTreeSet<Name>,
    fragments: BTreeSet<Name>,
}

impl<'a> Uses<'a> {
    fn set(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            self.directives(selection.directives());
            match selection {
                Selection::Field(field) => {
                    self.arguments(&field.arguments);
                    self.set(&field.selection_set);
                }
                Selection::InlineFragment(inline) => self.set(&inline.selection_set),
                Selection::FragmentSpread(spread) => {
                    if self.fragments.insert(spread.fragment_name.clone())
                        && let Some(fragment) = self.document.fragments.get(&spread.fragment_name)
                    {
                        self.directives(&fragment.directives);
                        self.set(&fragment.selection_set);
                    }
                }
            }
        }
    }

    fn directives(&mut self, directives: &DirectiveList) {
        for directive in directives {
            self.arguments(&directive.arguments);
        }
    }

    fn arguments(&mut self, arguments: &[Node<Argument>]) {
        for argument in arguments {
            self.value(&argument.value);
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Variable(name) => drop(self.variables.insert(name.clone())),
            Value::List(values) => values.iter().for_each(|value| self.value(value)),
            Value::Object(members) => members.iter().for_each(|(_, value)| self.value(value)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use apollo_compiler::ExecutableDocument;

    use super::*;

    #[test]
    fn prune_leaves_a_document_that_is_valid() {
        let schema = Schema::parse(
            "type Query { user(id: ID): User node: Node } interface Node { id: ID } type User implements Node { id: ID name(n: Int): String secret: String }",
        )
        .unwrap();
        let table = [
            ("{ user { id secret } }", "{ user { id } }"),
            ("{ user { secret } }", "{ user { __typename } }"),
            (
                "query($a: ID, $n: Int) { user(id: $a) { ...F } } fragment F on User { secret name(n: $n) }",
                "query($a: ID, $n: Int) { user(id: $a) { ...F } } fragment F on User { name(n: $n) }",
            ),
            ("{ node { id } }", "{ node { id __typename } }"),
        ];
        for (query, expected) in table {
            let document = ExecutableDocument::parse_and_validate(&schema.0, query, "q").unwrap();
            let pruned =
                prune(&document, &schema, &mut |owner, field| owner == "User" && field.name == "secret");
            assert_eq!(squeezed(&pruned), expected.replace("query(", "query ("), "{query}");
            pruned.validate(&schema.0).unwrap();
        }
    }

    #[test]
    fn prune_variables_and_fragments_go_with_the_field_that_used_them() {
        let schema = Schema::parse("type Query { a(x: Int): Int b: T } type T { c(y: Int): Int }").unwrap();
        let query = "query($x: Int, $y: Int) { a(x: $x) b { ...F } } fragment F on T { c(y: $y) }";
        let document = ExecutableDocument::parse_and_validate(&schema.0, query, "q").unwrap();
        let pruned = prune(&document, &schema, &mut |_, field| field.name == "b");
        assert_eq!(squeezed(&pruned), "query ($x: Int) { a(x: $x) }");
    }

    fn squeezed(document: &ExecutableDocument) -> String {
        document.to_string().split_whitespace().collect::<Vec<_>>().join(" ").replace("query($", "query ($")
    }
}
