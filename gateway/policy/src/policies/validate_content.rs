//! `validate-content` (`policies.md` B 1.1).

mod global;

use std::sync::Arc;

use crate::catalogue::{Content, Kind, MANY, PolicyDef, child, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::{BoolArg, IntArg, TextArg};
use crate::exchange::Exchange;
use crate::exchange::contract::{DefinitionError, OperationContract, same_type};
use crate::exchange::payload;
use crate::fault::{Fault, Section};
use crate::message::coding::{self, CodingError};
use crate::pipeline::{Flow, Step, WaitingPolicy};
use crate::ports::Ports;
use crate::validation::definition::{Definition, ValidateAs};
use crate::validation::finding::{Action, Finding, conclude};
use crate::validation::json_schema::Options;
use crate::xml::Element;

pub static VALIDATE_CONTENT: PolicyDef = PolicyDef {
    element: "validate-content",
    sections: &[Section::Inbound, Section::Outbound, Section::OnError],
    attributes: &[
        required("unspecified-content-type-action", Action::DATATYPE).expression(),
        required("max-size", Kind::Int(0, i32::MAX as i64)).expression(),
        required("size-exceeded-action", Action::DATATYPE).expression(),
        optional("errors-variable-name", Kind::Text),
    ],
    content: Content::Sequence(&[
        child(
            "content-type-map",
            (0, 1),
            &[
                optional("any-content-type-value", Kind::Text),
                optional("missing-content-type-value", Kind::Text),
            ],
            Content::Elements(&[child(
                "type",
                (0, MANY),
                &[
                    optional("from", Kind::Text),
                    optional("when", Kind::Bool).expression(),
                    required("to", Kind::Text),
                ],
                Content::Empty,
            )]),
        ),
        child(
            "content",
            (0, MANY),
            &[
                optional("type", Kind::Text),
                required("validate-as", Kind::OneOf(ValidateAs::NAMES)),
                optional("schema-id", Kind::Text),
                optional("schema-ref", Kind::Text),
                required("action", Action::DATATYPE),
                optional("allow-additional-properties", Kind::Bool),
                optional("case-insensitive-property-names", Kind::Bool),
            ],
            Content::Empty,
        ),
    ]),
    once: false,
    docs: "Checks the body of the request (inbound) or response: its size in bytes against `max-size`, its content type \
           against the operation's description, and its content against the API's schema of that type, or the global \
           schema `schema-id` (with `schema-ref`, a JSON pointer into it). `content-type-map` changes the content type \
           that counts: a `type` by `from` or `when`, else `missing-content-type-value`, else `any-content-type-value`. \
           Actions: ignore, detect (noted in the trace and in the variable), prevent (400 or 502 as well). \
           `allow-additional-properties` overrides the schema. JSON by JSON Schema 2020-12 or older, XML by XML Schema \
           1.1; `soap` is the payload of an envelope. An empty body fits. The body is buffered; one in \
           gzip, deflate or br is checked as what it holds, at most 100 times its length, and is sent on as it came.",
    compile,
};

struct ValidateContent {
    unspecified: TextArg,
    max_size: IntArg,
    size_exceeded: TextArg,
    variable: Option<Arc<str>>,
    map: TypeMap,
    rules: Vec<Rule>,
}

/// Which content type counts.
#[derive(Default)]
struct TypeMap {
    any: Option<Arc<str>>,
    missing: Option<Arc<str>>,
    types: Vec<MappedType>,
}

struct MappedType {
    from: Option<Arc<str>>,
    when: Option<BoolArg>,
    to: Arc<str>,
}

struct Rule {
    /// Empty = every content type that the description names.
    content_type: Arc<str>,
    validate_as: ValidateAs,
    action: Action,
    options: Options,
    /// The global schema with its name; `None` = the API's.
    schema: Option<(String, Arc<Definition>)>,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let map = element.child("content-type-map").map(|map| type_map(map, c)).unwrap_or_default();
    let contents = element.elements().filter(|child| &*child.name == "content");
    let rules: Vec<_> = contents.filter_map(|content| rule(content, c)).collect();
    let policy = ValidateContent {
        unspecified: c.text(element, "unspecified-content-type-action")?,
        max_size: c.int(element, "max-size")?,
        size_exceeded: c.text(element, "size-exceeded-action")?,
        variable: c.literal(element, "errors-variable-name"),
        map,
        rules,
    };
    (c.findings() == before).then(|| Step::waiting(policy))
}

fn type_map(element: &Element, c: &mut Compiler<'_>) -> TypeMap {
    let mut types = Vec::new();
    for own in element.elements() {
        let (from, when) = (c.literal(own, "from"), c.boolean(own, "when"));
        if own.attribute("from").is_some() == own.attribute("when").is_some() {
            c.error("xsd", own.at, "The element 'type' takes either the attribute 'from' or 'when'.");
        }
        types.extend(c.literal(own, "to").map(|to| MappedType { from, when, to }));
    }
    TypeMap {
        any: c.literal(element, "any-content-type-value"),
        missing: c.literal(element, "missing-content-type-value"),
        types,
    }
}

fn rule(element: &Element, c: &mut Compiler<'_>) -> Option<Rule> {
    let flag = |name| element.attribute(name).map(|_| c.literal_bool(element, name, false));
    let options = Options {
        allow_additional: flag("allow-additional-properties"),
        ignore_case: flag("case-insensitive-property-names").unwrap_or(false),
    };
    let validate_as = ValidateAs::parse(&c.literal(element, "validate-as")?)?;
    let schema = match element.attribute("schema-id") {
        Some(_) => Some(global::schema(element, validate_as, options, c)?),
        None => None,
    };
    Some(Rule {
        content_type: c.literal(element, "type").unwrap_or_default(),
        validate_as,
        action: Action::parse(&c.literal(element, "action")?)?,
        options,
        schema,
    })
}

impl WaitingPolicy for ValidateContent {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let mut findings = Vec::new();
        let unpacked = unpack(exchange, ports).await?;
        if let Some(finding) = self.size(unpacked.as_ref(), exchange, ports).await? {
            findings.push(finding);
        }
        let is_prevented = findings.iter().any(|finding| finding.action == Action::Prevent);
        if !is_prevented {
            findings.extend(self.content(unpacked.as_ref(), exchange, ports).await?);
        }
        conclude("validate-content", findings, self.variable.as_ref(), exchange)
    }
}

/// The first part of a row's text and its type: of the request or the response.
fn sides(exchange: &Exchange) -> (&'static str, &'static str) {
    if exchange.is_about_request() { ("Request", "RequestBody") } else { ("Response", "ResponseBody") }
}

impl ValidateContent {
    /// The size is known by the framing, or the body is read.
    async fn size(
        &self,
        unpacked: Option<&Unpacked>,
        exchange: &mut Exchange,
        ports: &dyn Ports,
    ) -> Result<Option<Finding>, Fault> {
        let action = Action::of(&self.size_exceeded, exchange)?;
        if action == Action::Ignore {
            return Ok(None);
        }
        let max = self.max_size.get(exchange)?;
        let mut more = "";
        let size = match (unpacked, length(exchange)) {
            (Some(Ok(content)), _) => content.len() as u64,
            (Some(Err(CodingError::TooLarge(at_least))), _) => {
                more = "more than ";
                *at_least
            }
            (_, Some(size)) => size,
            (_, None) => {
                exchange.buffer_payload(ports).await?;
                exchange.payload().len() as u64
            }
        };
        if more.is_empty() && i64::try_from(size).is_ok_and(|size| size <= max) {
            return Ok(None);
        }
        let (whose, kind) = sides(exchange);
        let text = |limit: &str| {
            format!("{whose}'s body is {more}{size} bytes long and it exceeds the {limit} of {max} bytes.")
        };
        let public = exchange.is_about_request().then(|| text("limit"));
        let row = (kind, "SizeLimit");
        Ok(Some(Finding::internal("", row, text("configured limit"), action).told(public)))
    }

    async fn content(
        &self,
        unpacked: Option<&Unpacked>,
        exchange: &mut Exchange,
        ports: &dyn Ports,
    ) -> Result<Vec<Finding>, Fault> {
        if length(exchange) == Some(0) {
            return Ok(Vec::new());
        }
        let content_type = self.content_type(exchange)?;
        let contract = exchange.caller.operation_contract.clone();
        let status = exchange.response.as_ref().map(|response| response.status);
        let status = status.filter(|_| !exchange.is_about_request());
        let described = contract.as_ref().and_then(|contract| contract.representation(status, &content_type));
        let own = self
            .rules
            .iter()
            .find(|rule| !rule.content_type.is_empty() && same_type(&rule.content_type, &content_type));
        let any = self.rules.iter().find(|rule| rule.content_type.is_empty());
        // A rule for every type holds for those that are described, or brings its own schema.
        let rule = own.or(any.filter(|rule| described.is_some() || rule.schema.is_some()));
        let Some(rule) = rule.filter(|rule| described.is_some() || rule.schema.is_some()) else {
            return self.unspecified(described.is_some(), &content_type, exchange);
        };
        if rule.action == Action::Ignore {
            return Ok(Vec::new());
        }
        let (name, definition) = match (&rule.schema, described.and_then(|own| own.described_by.as_ref())) {
            (Some((name, definition)), _) => (name.clone(), Ok(Arc::clone(definition))),
            (None, Some((schema, name))) => {
                let schemas = contract.as_deref().map(OperationContract::schemas);
                let found = schemas.map(|schemas| schemas.definition(schema, name, rule.options));
                (name.to_string(), found.unwrap_or(Err(DefinitionError::NoSchema)))
            }
            (None, None) => (String::new(), Err(DefinitionError::NoSchema)),
        };
        exchange.buffer_payload(ports).await?;
        match definition {
            Ok(definition) => Ok(unfit(rule, &definition, (&name, &content_type), unpacked, exchange)),
            Err(error) => Ok(vec![undefined(&error, &name, &content_type, rule.action, exchange)]),
        }
    }

    fn unspecified(
        &self,
        is_described: bool,
        content_type: &str,
        exchange: &Exchange,
    ) -> Result<Vec<Finding>, Fault> {
        if is_described {
            return Ok(Vec::new());
        }
        let (_, kind) = sides(exchange);
        let details = format!("Unspecified content type {content_type} is not allowed.");
        let public = exchange.is_about_request().then(|| details.clone());
        let action = Action::of(&self.unspecified, exchange)?;
        Ok(vec![Finding::internal(content_type, (kind, "Unspecified"), details, action).told(public)])
    }

    /// The content type that counts.
    fn content_type(&self, exchange: &Exchange) -> Result<String, Fault> {
        let sent = exchange.payload_type();
        for mapped in &self.map.types {
            let is_from = mapped.from.as_ref().is_some_and(|from| same_type(from, sent));
            let is_when = match &mapped.when {
                Some(when) => when.get(exchange)?,
                None => false,
            };
            if is_from || is_when {
                return Ok(mapped.to.to_string());
            }
        }
        let missing = self.map.missing.as_ref().filter(|_| sent.trim().is_empty());
        let counted = missing.or(self.map.any.as_ref()).map_or(sent, |mapped| mapped);
        Ok(counted.split(';').next().unwrap_or_default().trim().to_owned())
    }
}

/// The content of a body that has been compressed, or why it cannot be had.
type Unpacked = Result<Vec<u8>, CodingError>;

/// Takes the body out of its content codings; `None` where it is in none. It is sent on as it came.
async fn unpack(exchange: &mut Exchange, ports: &dyn Ports) -> Result<Option<Unpacked>, Fault> {
    let encoding = exchange.payload_headers().and_then(|headers| headers.joined("Content-Encoding"));
    let Some(encoding) = encoding.filter(|encoding| !coding::is_plain(encoding)) else { return Ok(None) };
    let encoding = encoding.into_owned();
    exchange.buffer_payload(ports).await?;
    let bytes_max = ports.buffer_budget().message_bytes_max;
    Ok(Some(coding::decode(exchange.payload(), &encoding, bytes_max)))
}

/// Bytes of the body, where they are known.
fn length(exchange: &Exchange) -> Option<u64> {
    if exchange.is_about_request() {
        exchange.request.body.len()
    } else {
        exchange.response.as_ref().map_or(Some(0), |response| response.body.len())
    }
}

/// Everything in the body that does not fit.
fn unfit(
    rule: &Rule,
    definition: &Definition,
    (name, content_type): (&str, &str),
    unpacked: Option<&Unpacked>,
    exchange: &Exchange,
) -> Vec<Finding> {
    let (whose, kind) = sides(exchange);
    let whose = whose.to_lowercase();
    let content = match unpacked {
        Some(Err(error)) => Err(error.to_string()),
        Some(Ok(content)) => Ok(&content[..]),
        None => Ok(exchange.payload()),
    };
    let checked = content.and_then(|content| {
        if content.is_empty() {
            return Ok(Vec::new());
        }
        definition.validate(&payload::decode(content, exchange.payload_type()), rule.validate_as)
    });
    match checked {
        Err(reason) => {
            let details =
                format!("Body of the {whose} cannot be validated for the content type {content_type}.\n\n{reason}");
            vec![Finding::internal("", (kind, "ValidationException"), details, rule.action)]
        }
        Ok(problems) => problems
            .into_iter()
            .map(|problem| {
                let details = format!(
                    "Body of the {whose} does not conform to the definition {name}, which is associated with the content type {content_type}.\n\n{problem}"
                );
                let public = exchange.is_about_request().then(|| details.clone());
                Finding::internal(content_type, (kind, "IncorrectMessage"), details, rule.action).told(public)
            })
            .collect(),
    }
}

fn undefined(
    error: &DefinitionError,
    name: &str,
    content_type: &str,
    action: Action,
    exchange: &Exchange,
) -> Finding {
    let (whose, kind) = sides(exchange);
    match error {
        DefinitionError::Missing(_) => {
            let details = format!(
                "API's schema does not contain definition {name}, which is associated with the content type {content_type}."
            );
            Finding::internal(content_type, (kind, "MissingDefinition"), details, action)
        }
        DefinitionError::Broken(reason) => {
            let whose = whose.to_lowercase();
            let details = format!(
                "Body of the {whose} cannot be validated for the content type {content_type}.\n\n{reason}"
            );
            Finding::internal("", (kind, "ValidationException"), details, action)
        }
        DefinitionError::NoSchema | DefinitionError::NoDefinitions => {
            Finding::internal("", ("ApiSchema", ""), error.to_string(), action)
        }
    }
}
