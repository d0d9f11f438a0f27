//! Schemas: text to types, once a configuration.

use apollo_compiler::parser::Parser;
use apollo_compiler::validation::Valid;

/// Tokens in a schema of 4 MiB, the service's bound (`policies.md` B 1.0), and then some.
const TOKENS_MAX: usize = 2_000_000;
/// Nesting of types and values; deeper ones are attacks on the parser's stack.
const RECURSION_MAX: usize = 64;

/// A valid schema.
#[derive(Debug)]
pub struct Schema(pub(super) Valid<apollo_compiler::Schema>);

/// What is wrong with a schema, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// 1-based; 1:1 when the whole text is meant.
    pub line: u32,
    /// 1-based, in characters.
    pub column: u32,
    pub message: String,
}

impl Schema {
    /// Reads and validates a schema in the schema definition language; all findings at once.
    pub fn parse(text: &str) -> Result<Self, Vec<Finding>> {
        let mut parser = Parser::new().token_limit(TOKENS_MAX).recursion_limit(RECURSION_MAX);
        let schema = parser.parse_schema(text, "schema.graphql").and_then(apollo_compiler::Schema::validate);
        match schema {
            Ok(schema) => Ok(Self(schema)),
            Err(errors) => Err(errors
                .errors
                .iter()
                .map(|error| {
                    let at = error.line_column_range().map(|range| range.start);
                    Finding {
                        line: at.map_or(1, |at| at.line as u32),
                        column: at.map_or(1, |at| at.column as u32),
                        message: error.error.to_string(),
                    }
                })
                .collect()),
        }
    }

    /// Whether there is a subscription of that name.
    pub fn has_subscription(&self, field: &str) -> bool {
        let root = self.0.schema_definition.subscription.as_ref();
        root.is_some_and(|root| self.has_field(root.as_str(), field))
    }

    /// Whether an object or interface type has a field.
    pub fn has_field(&self, owner: &str, field: &str) -> bool {
        self.0.type_field(owner, field).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Schema;

    #[test]
    fn parse_names_the_place_of_what_is_wrong() {
        for (text, line, part) in [
            ("type Query { a: Missing }", 1, "Missing"),
            ("type Query {\n  a: Int\n  a: Int\n}", 3, "a"),
            ("type Query {", 1, ""),
        ] {
            let findings = Schema::parse(text).unwrap_err();
            assert!(findings.iter().any(|f| f.line == line && f.message.contains(part)), "{findings:?}");
        }
        assert!(Schema::parse("type Query { a: Int }").unwrap().has_field("Query", "a"));
    }

    #[test]
    fn parse_deep_nesting_is_refused() {
        let deep = format!("type Query {{ a: {}Int{} }}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(Schema::parse(&deep).is_err());
    }
}
