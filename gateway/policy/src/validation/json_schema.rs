//! JSON Schema, and the schemas of OpenAPI documents.

use std::collections::BTreeMap;

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use super::json_message::problems;
use super::{PROBLEMS_MAX, Problem};
use super::{json_rewrite, json_walk};

/// Steps that a pattern may take on one text before the text counts as not matching.
const BACKTRACK_MAX: usize = 100_000;

/// Bytes of a compiled pattern.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// What a policy changes in a schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// Overrides `additionalProperties` of all objects.
    pub allow_additional: Option<bool>,
    /// Property names are compared without regard to case.
    pub ignore_case: bool,
}

/// A compiled JSON schema.
#[derive(Debug)]
pub struct JsonSchema {
    validator: Validator,
    ignore_case: bool,
}

impl JsonSchema {
    /// Compiles a schema document; the error says what is wrong with it. Nothing is ever loaded: `$ref` reaches only
    /// into the document itself.
    pub fn compile(document: &Value, options: Options) -> Result<Self, String> {
        let rewritten = json_rewrite::rewrite(document, options);
        json_walk::check(&rewritten)?;
        let patterns =
            PatternOptions::fancy_regex().backtrack_limit(BACKTRACK_MAX).size_limit(PATTERN_BYTES_MAX);
        let validator = jsonschema::options()
            .with_pattern_options(patterns)
            .should_validate_formats(true)
            .offline()
            .build(&rewritten)
            .map_err(|error| format!("{error} (at {})", error.instance_path()))?;
        Ok(Self { validator, ignore_case: options.ignore_case })
    }

    /// What in the text does not fit; the error says why it is no JSON.
    pub fn validate(&self, text: &str) -> Result<Vec<Problem>, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Ok(self.validate_value(value, text))
    }

    /// The same for a value that has been read before, out of `text`.
    pub fn validate_value(&self, value: Value, text: &str) -> Vec<Problem> {
        let value = if self.ignore_case { lower_names(value) } else { value };
        if self.validator.is_valid(&value) {
            return Vec::new();
        }
        problems(self.validator.iter_errors(&value).take(PROBLEMS_MAX), text, self.ignore_case)
    }
}

/// Recursion ends where the reader's depth limit does.
fn lower_names(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<_, _> =
                members.into_iter().map(|(name, value)| (name.to_lowercase(), lower_names(value))).collect();
            Value::Object(sorted.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(lower_names).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(schema: &str, options: Options) -> Result<JsonSchema, String> {
        JsonSchema::compile(&serde_json::from_str(schema).unwrap(), options)
    }

    fn told(schema: &str, text: &str) -> String {
        let found = compile(schema, Options::default()).unwrap().validate(text).unwrap();
        found.iter().map(Problem::to_string).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn problems_are_told_as_newtonsoft_does() {
        for (schema, text, expected) in [
            (
                r#"{"type":"string"}"#,
                "1",
                "Invalid type. Expected String but got Integer. Line: 1, Position: 1",
            ),
            (
                r#"{"properties":{"a":{"type":["integer","null"]}}}"#,
                "{\n  \"a\": \"x\"\n}",
                "Invalid type. Expected Integer, Null but got String. Line: 2, Position: 10",
            ),
            (
                r#"{"required":["a","b"]}"#,
                "{\"c\":1}",
                "Required properties are missing from object: a, b. Line: 1, Position: 1",
            ),
            (
                r#"{"properties":{},"additionalProperties":false}"#,
                "{\"c\":1}",
                "Property 'c' has not been defined and the schema does not allow additional properties. Line: 1, Position: 5",
            ),
            (
                r#"{"items":{"minimum":3}}"#,
                "[3,2]",
                "Integer 2 is less than minimum value of 3. Line: 1, Position: 4",
            ),
            (r#"{"maximum":3}"#, "3.5", "Float 3.5 exceeds maximum value of 3. Line: 1, Position: 3"),
            (
                r#"{"minLength":3}"#,
                "\"ab\"",
                "String 'ab' is less than minimum length of 3. Line: 1, Position: 4",
            ),
            (r#"{"maxLength":1}"#, "\"ab\"", "String 'ab' exceeds maximum length of 1. Line: 1, Position: 4"),
            (
                r#"{"pattern":"^a$"}"#,
                "\"b\"",
                "String 'b' does not match regex pattern '^a$'. Line: 1, Position: 3",
            ),
            (
                r#"{"format":"date-time"}"#,
                "\"b\"",
                "String 'b' does not validate against format 'date-time'. Line: 1, Position: 3",
            ),
            (r#"{"enum":["a"]}"#, "\"b\"", "Value \"b\" is not defined in enum. Line: 1, Position: 3"),
            (r#"{"const":1}"#, "2", "Value 2 does not match const. Line: 1, Position: 1"),
        ] {
            assert_eq!(told(schema, text), expected, "{schema}");
        }
    }

    #[test]
    fn problems_of_counts_and_choices() {
        for (schema, text, expected) in [
            (r#"{"multipleOf":2}"#, "3", "Integer 3 is not a multiple of 2. Line: 1, Position: 1"),
            (
                r#"{"minItems":2}"#,
                "[1]",
                "Array item count 1 is less than minimum count of 2. Line: 1, Position: 1",
            ),
            (
                r#"{"maxItems":0}"#,
                "[1]",
                "Array item count 1 exceeds maximum count of 0. Line: 1, Position: 1",
            ),
            (r#"{"uniqueItems":true}"#, "[1,1]", "Non-unique array item at index 1. Line: 1, Position: 1"),
            (
                r#"{"maxProperties":0}"#,
                "{\"a\":1}",
                "Object property count 1 exceeds maximum count of 0. Line: 1, Position: 1",
            ),
            (
                r#"{"oneOf":[{},{}]}"#,
                "1",
                "JSON is valid against more than one schema from 'oneOf'. Line: 1, Position: 1",
            ),
            (
                r#"{"anyOf":[false]}"#,
                "1",
                "JSON does not match any schemas from 'anyOf'. Line: 1, Position: 1",
            ),
            (r#"{"not":{}}"#, "1", "JSON is valid against schema from 'not'. Line: 1, Position: 1"),
        ] {
            assert_eq!(told(schema, text), expected, "{schema}");
        }
    }

    #[test]
    fn openapi_has_its_own_words() {
        let refers =
            |own: &str| format!(r##"{{"$ref":"#/components/schemas/T","components":{{"schemas":{own}}}}}"##);
        let pets = r##"{"T":{"oneOf":[{"$ref":"#/components/schemas/Cat"},{"$ref":"#/components/schemas/Dog"}],
            "discriminator":{"propertyName":"kind","mapping":{"d":"#/components/schemas/Dog"}}},
            "Cat":{"type":"object","properties":{"kind":{"type":"string"},"n":{"type":"integer"}}},
            "Dog":{"type":"object","properties":{"kind":{"type":"string"},"n":{"type":"string"}}}}"##;
        for (schema, text, fits) in [
            (refers(r#"{"T":{"type":"string","nullable":true}}"#), "null", true),
            (refers(r#"{"T":{"type":"string","nullable":true,"enum":["a"]}}"#), "null", true),
            (
                refers(
                    r##"{"T":{"nullable":true,"allOf":[{"$ref":"#/components/schemas/U"}]},"U":{"type":"integer"}}"##,
                ),
                "null",
                true,
            ),
            (refers(r#"{"T":{"type":"string"}}"#), "null", false),
            (refers(r#"{"T":{"type":"integer","minimum":1,"exclusiveMinimum":true}}"#), "1", false),
            (refers(r#"{"T":{"type":"integer","minimum":1,"exclusiveMinimum":false}}"#), "1", true),
            (refers(pets), r#"{"kind":"Cat","n":1}"#, true),
            (refers(pets), r#"{"kind":"d","n":"x"}"#, true),
            (refers(pets), r#"{"kind":"Cat","n":"x"}"#, false),
            (refers(pets), r#"{"kind":"Fish"}"#, false),
            (refers(pets), r#"{"n":1}"#, false),
        ] {
            assert_eq!(told(&schema, text).is_empty(), fits, "{schema} {text}");
        }
    }

    #[test]
    fn options_change_the_schema() {
        let closed = r#"{"properties":{"Name":{"properties":{"a":{}}}},"required":["Name"],"additionalProperties":false}"#;
        let of = |allow_additional, ignore_case, text: &str| {
            let options = Options { allow_additional, ignore_case };
            compile(closed, options).unwrap().validate(text).unwrap().is_empty()
        };
        assert!(of(Some(true), false, r#"{"Name":{},"x":1}"#));
        assert!(!of(Some(false), false, r#"{"Name":{"x":1}}"#));
        assert!(of(None, false, r#"{"Name":{"x":1}}"#));
        assert!(of(None, true, r#"{"NAME":{}}"#) && !of(None, false, r#"{"NAME":{}}"#));
    }

    #[test]
    fn hostile_schemas_are_refused() {
        let wide = (0..40).fold("true".to_owned(), |inner, _| {
            format!(r#"{{"allOf":[{inner},{inner}]}}"#).chars().take(20_000).collect()
        });
        assert!(serde_json::from_str::<Value>(&wide).is_err());
        let doubling: Vec<_> = (0..40)
            .map(|n| {
                format!(
                    r##""d{n}":{{"allOf":[{{"$ref":"#/$defs/d{m}"}},{{"$ref":"#/$defs/d{m}"}}]}}"##,
                    m = n + 1
                )
            })
            .collect();
        let doubling = format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d40":{{}}}}}}"##, doubling.join(","));
        for schema in [
            r##"{"$ref":"#"}"##,
            r##"{"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"}]},"b":{"not":{"$ref":"#/$defs/a"}}}}"##,
            r#"{"$ref":"http://attacker.test/schema"}"#,
            r#"{"$ref":"file:///etc/passwd"}"#,
            r##"{"properties":{"a":{"$ref":"#/$defs/none"}}}"##,
            r##"{"$dynamicRef":"#a"}"##,
            r#"{"pattern":"(((((((((a{99}){99}){99}){99}){99}){99}){99}){99}){99})"}"#,
            r#"{"type":"strange"}"#,
            doubling.as_str(),
        ] {
            assert!(compile(schema, Options::default()).is_err(), "{}", schema.get(..80).unwrap_or(schema));
        }
    }

    #[test]
    fn hostile_bodies_are_bounded() {
        let recursive = compile(r##"{"items":{"$ref":"#"}}"##, Options::default()).unwrap();
        assert!(recursive.validate(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))).is_err());
        assert!(recursive.validate(&format!("{}{}", "[".repeat(100), "]".repeat(100))).unwrap().is_empty());
        let slow = compile(r#"{"pattern":"^(a+)+\\1?$"}"#, Options::default()).unwrap();
        let started = std::time::Instant::now();
        assert!(!slow.validate(&format!("\"{}!\"", "a".repeat(5000))).unwrap().is_empty());
        assert!(started.elapsed().as_secs() < 5);
        for text in ["", "{", "[1,]", "NaN", "\"\u{1}\"", "\"\\ud800\"", "1 2", "\u{feff}1"] {
            assert!(recursive.validate(text).is_err(), "{text:?}");
        }
    }
}
