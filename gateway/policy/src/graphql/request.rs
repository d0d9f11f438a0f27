//! What a request asks: GraphQL over HTTP, and the operation in it.

use apollo_compiler::ExecutableDocument;
use apollo_compiler::executable;
use apollo_compiler::parser::Parser;
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::Valid;
use serde_json::{Value, json};

use super::{Schema, json_response};
use crate::exchange::Exchange;
use crate::message::{Method, Response, query};

/// Tokens of a query; a body of 100 KiB holds fewer.
const TOKENS_MAX: usize = 50_000;
/// Nesting of selections and values in a query.
const RECURSION_MAX: usize = 64;

/// The parameters of a GraphQL request.
#[derive(Debug, Default)]
pub struct GraphQlRequest {
    pub query: String,
    pub operation_name: Option<String>,
    pub variables: JsonMap,
}

/// Why a request as a whole cannot be answered.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestError {
    /// Entries of `errors`.
    pub errors: Vec<Value>,
}

impl RequestError {
    pub fn new(message: impl Into<String>) -> Self {
        Self { errors: vec![json!({ "message": message.into() })] }
    }

    /// `errors` and no `data`, 400.
    pub fn response(&self) -> Response {
        json_response(400, json!({ "errors": self.errors }).to_string().into_bytes())
    }
}

/// Reads the request: the JSON body of POST, or the query of GET.
pub fn read(exchange: &Exchange) -> Result<GraphQlRequest, RequestError> {
    if exchange.request.method == Method::Get {
        return from_query(&exchange.request.url.query);
    }
    let body: Value = serde_json::from_slice(exchange.request.body.buffered())
        .map_err(|error| RequestError::new(format!("The request body is not valid JSON: {error}.")))?;
    GraphQlRequest::of_json(body)
}

impl GraphQlRequest {
    /// Reads `{"query": …, "operationName": …, "variables": …}`.
    pub fn of_json(body: Value) -> Result<Self, RequestError> {
        let Value::Object(members) = body else {
            return Err(RequestError::new("The request body must be one JSON object with a member 'query'."));
        };
        let text = |name: &str| match members.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(RequestError::new(format!("The member '{name}' must be a string."))),
        };
        Ok(GraphQlRequest {
            query: text("query")?.ok_or_else(|| RequestError::new("The member 'query' is missing."))?,
            operation_name: text("operationName")?,
            variables: variables(members.get("variables").cloned().unwrap_or(Value::Null))?,
        })
    }
}

fn from_query(text: &str) -> Result<GraphQlRequest, RequestError> {
    let value = |name: &str| {
        let found = query::pairs(text).find(|(found, _)| query::is_named(found, name))?;
        Some(query::decode(found.1).into_owned()).filter(|value| !value.is_empty())
    };
    let given = match value("variables") {
        None => Value::Null,
        Some(text) => serde_json::from_str(&text).map_err(|error| {
            RequestError::new(format!("The parameter 'variables' is not valid JSON: {error}."))
        })?,
    };
    Ok(GraphQlRequest {
        query: value("query").ok_or_else(|| RequestError::new("The parameter 'query' is missing."))?,
        operation_name: value("operationName"),
        variables: variables(given)?,
    })
}

fn variables(given: Value) -> Result<JsonMap, RequestError> {
    match given {
        Value::Null => Ok(JsonMap::new()),
        Value::Object(_) => {
            serde_json::from_value(given).map_err(|error| RequestError::new(format!("variables: {error}")))
        }
        _ => Err(RequestError::new("'variables' must be an object.")),
    }
}

/// An operation that fits the schema, with its variables.
#[derive(Debug)]
pub struct Operation {
    pub document: Valid<ExecutableDocument>,
    pub name: Option<String>,
    pub variables: Valid<JsonMap>,
}

impl Operation {
    /// Parses and validates the document, and coerces the variables of the operation it asks for.
    pub fn new(schema: &Schema, request: &GraphQlRequest) -> Result<Self, RequestError> {
        let mut parser = Parser::new().token_limit(TOKENS_MAX).recursion_limit(RECURSION_MAX);
        let document = parser
            .parse_executable(&schema.0, &request.query, "query")
            .and_then(|document| document.validate(&schema.0))
            .map_err(|invalid| RequestError {
                errors: invalid.errors.iter().map(|error| json!(error.unstable_to_json_compat())).collect(),
            })?;
        let name = request.operation_name.clone();
        let fail = |error: apollo_compiler::request::RequestError| RequestError {
            errors: vec![json!(error.to_graphql_error(&document.sources))],
        };
        let operation = document.operations.get(name.as_deref()).map_err(fail)?;
        let variables = coerce_variable_values(&schema.0, operation, &request.variables).map_err(fail)?;
        Ok(Self { document, name, variables })
    }

    /// Values of the variables that an operation declares.
    pub fn values_of(&self, asked: &executable::Operation) -> serde_json::Map<String, Value> {
        let values = asked.variables.iter().filter_map(|variable| {
            let value = self.variables.get(variable.name.as_str())?;
            Some((variable.name.to_string(), json!(value)))
        });
        values.collect()
    }

    /// The operation asked for.
    pub fn get(&self) -> Option<&executable::Operation> {
        self.document.operations.get(self.name.as_deref()).ok().map(|operation| &**operation)
    }
}
