//! `validate-graphql-request` (`policies.md` B 1.6).

use std::sync::Arc;

use apollo_compiler::executable::Field;
use gateway_expression::Value;
use serde_json::json;

use crate::catalogue::{Content, Kind, MANY, PolicyDef, child, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::{IntArg, TextArg};
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::graphql::{GraphQlApi, Operation, RequestError, deeper_than, read_request, without_fields};
use crate::message::Body;
use crate::pipeline::{Flow, Step, WaitingPolicy};
use crate::ports::Ports;
use crate::xml::Element;

pub static VALIDATE_GRAPHQL_REQUEST: PolicyDef = PolicyDef {
    element: "validate-graphql-request",
    sections: &[Section::Inbound],
    attributes: &[
        optional("error-variable-name", Kind::Text),
        required("max-size", Kind::Int(1, i32::MAX as i64)).expression(),
        optional("max-depth", Kind::Int(1, i32::MAX as i64)).expression(),
    ],
    content: Content::Elements(&[child(
        "authorize",
        (0, 1),
        &[],
        Content::Elements(&[child(
            "rule",
            (1, MANY),
            &[
                required("path", Kind::Text),
                // The literal is checked by hand, since the same words come out of expressions.
                optional("action", Kind::Text).expression(),
            ],
            Content::Empty,
        )]),
    )]),
    once: true,
    docs: "Checks a request of a GraphQL API against its schema: size in bytes, depth of fields (`max-depth`, default \
           6), types, variables. What does not fit is a request error: 400, `{\"errors\": …}`, nothing is forwarded. \
           `rule` decides about fields by `path`, `/Type/field`, with `*` for any name and `/__*` for introspection; \
           the first rule that fits and does not say `ignore` counts: `allow` (default), `remove` (the field is taken \
           out and becomes a field error), `reject` (request error). All errors go to the variable `GraphQLErrors` \
           and to `error-variable-name`.",
    compile,
};

struct ValidateGraphQlRequest {
    variable: Option<Arc<str>>,
    max_size: IntArg,
    max_depth: IntArg,
    rules: Vec<Rule>,
}

struct Rule {
    owner: Box<str>,
    field: Box<str>,
    action: TextArg,
}

/// What the rules say of a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Allow,
    Remove,
    Reject,
    Ignore,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let variable = c.literal(element, "error-variable-name");
    let max_size = c.int(element, "max-size");
    let max_depth = c.int(element, "max-depth").unwrap_or(IntArg::Literal(6));
    let rules = element.child("authorize").into_iter().flat_map(Element::elements);
    let rules = rules.filter_map(|rule| Rule::compile(rule, c)).collect();
    let policy = ValidateGraphQlRequest { variable, max_size: max_size?, max_depth, rules };
    (c.findings() == before).then(|| Step::waiting(policy))
}

impl Rule {
    fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Self> {
        let path = element.attribute("path")?;
        let parts = path.value.strip_prefix('/').map(|path| path.split_once('/').unwrap_or(("*", path)));
        let Some((owner, field)) = parts.filter(|(owner, field)| !owner.is_empty() && !field.is_empty())
        else {
            let text = format!("'{}' is not a path: '/Type/field' is expected.", path.value);
            c.error("path-invalid", path.at, text);
            return None;
        };
        let action = match element.attribute("action") {
            None => TextArg::Literal("allow".into()),
            Some(action) => {
                let compiled = c.text_of(&action.value, action.at)?;
                if let Some(literal) = compiled.literal()
                    && action_of(literal).is_none()
                {
                    let text = format!(
                        "The 'action' attribute is invalid - '{literal}' is none of allow, remove, reject, ignore."
                    );
                    c.error("xsd", action.at, text);
                    return None;
                }
                compiled
            }
        };
        Some(Self { owner: owner.into(), field: field.into(), action })
    }

    fn fits(&self, owner: &str, field: &str) -> bool {
        fits(&self.owner, owner) && fits(&self.field, field)
    }
}

/// `*` at the end stands for any rest.
fn fits(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |prefix| name.starts_with(prefix))
}

fn action_of(text: &str) -> Option<Action> {
    match text {
        "allow" => Some(Action::Allow),
        "remove" => Some(Action::Remove),
        "reject" => Some(Action::Reject),
        "ignore" => Some(Action::Ignore),
        _ => None,
    }
}

impl ValidateGraphQlRequest {
    /// The outer result is a fault of the policy's own expressions.
    fn check(&self, api: &GraphQlApi, exchange: &mut Exchange) -> Result<Result<(), RequestError>, Fault> {
        let max_size = self.max_size.get(exchange)?.max(0).unsigned_abs();
        let max_depth = self.max_depth.get(exchange)?.max(0).unsigned_abs() as usize;
        let size = exchange.request.body.len().unwrap_or(0) + exchange.request.url.query.len() as u64;
        if size > max_size {
            let text = format!("The request is {size} bytes long and exceeds the limit of {max_size} bytes.");
            return Ok(Err(RequestError::new(text)));
        }
        let request = match read_request(exchange) {
            Ok(request) => request,
            Err(error) => return Ok(Err(error)),
        };
        let operation = match Operation::new(&api.schema, &request) {
            Ok(operation) => operation,
            Err(error) => return Ok(Err(error)),
        };
        if deeper_than(&operation.document, max_depth) {
            let text = format!("The query is nested more than {max_depth} levels deep.");
            return Ok(Err(RequestError::new(text)));
        }
        if self.rules.is_empty() {
            return Ok(Ok(()));
        }
        self.authorize(api, &operation, exchange)
    }

    /// Takes out what the rules remove; an error when they reject.
    fn authorize(
        &self,
        api: &GraphQlApi,
        operation: &Operation,
        exchange: &mut Exchange,
    ) -> Result<Result<(), RequestError>, Fault> {
        let actions = self.actions(exchange)?;
        let mut rejected = Vec::new();
        let mut removed = Vec::new();
        let kept = without_fields(&operation.document, &api.schema, &mut |owner: &str, field: &Field| {
            let text = format!("Access to the field {owner}.{} is not allowed.", field.name);
            match self.decide(&actions, owner, &field.name) {
                Action::Allow | Action::Ignore => return false,
                Action::Remove => removed.push(json!({ "message": text })),
                Action::Reject => rejected.push(json!({ "message": text })),
            }
            true
        });
        if !rejected.is_empty() {
            return Ok(Err(RequestError { errors: rejected }));
        }
        if !removed.is_empty() {
            let variables = kept
                .operations
                .get(operation.name.as_deref())
                .map(|asked| operation.values_of(asked))
                .unwrap_or_default();
            let body = json!({
                "query": kept.to_string(), "operationName": operation.name, "variables": variables,
            });
            exchange.request.method = crate::message::Method::Post;
            exchange.request.url.query.clear();
            exchange.set_request_body(Body::from(body.to_string()));
            exchange.graphql_errors = removed;
        }
        Ok(Ok(()))
    }

    /// The action of each rule; an unknown word of an expression rejects.
    fn actions(&self, exchange: &Exchange) -> Result<Vec<Action>, Fault> {
        self.rules
            .iter()
            .map(|rule| Ok(action_of(&rule.action.get(exchange)?).unwrap_or(Action::Reject)))
            .collect()
    }

    fn decide(&self, actions: &[Action], owner: &str, field: &str) -> Action {
        // `__typename` says nothing that the schema does not.
        let fitting = self.rules.iter().zip(actions).filter(|(rule, _)| rule.fits(owner, field));
        fitting.map(|(_, action)| *action).find(|action| *action != Action::Ignore).unwrap_or(Action::Allow)
    }

    fn keep_errors(&self, errors: &[serde_json::Value], exchange: &mut Exchange) {
        if errors.is_empty() {
            return;
        }
        let value = Value::str(&json!(errors).to_string());
        exchange.set_variable(&Arc::from("GraphQLErrors"), value.clone());
        if let Some(name) = &self.variable {
            exchange.set_variable(name, value);
        }
    }
}

impl WaitingPolicy for ValidateGraphQlRequest {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let Some(api) = exchange.caller.graphql.clone() else {
            return Err(Fault::internal(
                "validate-graphql-request",
                "GraphQLSchemaMissing",
                "The API has no GraphQL schema.",
            ));
        };
        // A subscription's handshake carries no query; its messages go through the tunnel.
        if exchange.upgrade {
            return Ok(Flow::Continue);
        }
        exchange.buffer_request(ports).await?;
        match self.check(&api, exchange)? {
            Ok(()) => {
                self.keep_errors(&exchange.graphql_errors.clone(), exchange);
                Ok(Flow::Continue)
            }
            Err(error) => {
                self.keep_errors(&error.errors, exchange);
                exchange.respond(error.response());
                Ok(Flow::Respond)
            }
        }
    }
}
