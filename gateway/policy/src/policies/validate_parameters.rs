//! `validate-parameters` (`policies.md` B 1.2).

use std::sync::Arc;

use crate::catalogue::{AttributeDef, ChildDef, Content, Kind, MANY, PolicyDef, child, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::exchange::contract::parameter::Place;
use crate::fault::{Fault, Section};
use crate::message::query;
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::Ports;
use crate::validation::finding::{Action, conclude};
use crate::validation::parameters::{Actions, Values, add, check, without_contract};
use crate::xml::Element;

pub static VALIDATE_PARAMETERS: PolicyDef = PolicyDef {
    element: "validate-parameters",
    sections: &[Section::Inbound],
    attributes: &[
        required("specified-parameter-action", Action::DATATYPE).expression(),
        required("unspecified-parameter-action", Action::DATATYPE).expression(),
        optional("errors-variable-name", Kind::Text),
    ],
    content: Content::Elements(&[
        child("headers", (0, 1), BOTH, PARAMETERS),
        child("query", (0, 1), BOTH, PARAMETERS),
        child("path", (0, 1), SPECIFIED, PARAMETERS),
    ]),
    once: true,
    docs: "Checks path, query and header parameters against the operation's description: whether they are named there, \
           there if required, of the type and within the schema. `headers`, `query`, `path` override the actions for \
           their parameters, `parameter` for one: ignore, detect (noted in the trace and in the variable), prevent (400 \
           as well). Arrays are read in OpenAPI's default style. The subscription key counts as named.",
    compile,
};

const SPECIFIED: &[AttributeDef] = &[optional("specified-parameter-action", Action::DATATYPE).expression()];

const BOTH: &[AttributeDef] = &[
    optional("specified-parameter-action", Action::DATATYPE).expression(),
    optional("unspecified-parameter-action", Action::DATATYPE).expression(),
];

const PARAMETERS: Content = Content::Elements(&[PARAMETER]);

const PARAMETER: ChildDef = child(
    "parameter",
    (0, MANY),
    &[required("name", Kind::Text), required("action", Action::DATATYPE).expression()],
    Content::Empty,
);

struct ValidateParameters {
    headers: Actions,
    query: Actions,
    path: Actions,
    variable: Option<Arc<str>>,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let specified = c.text(element, "specified-parameter-action")?;
    let unspecified = c.text(element, "unspecified-parameter-action")?;
    let mut group = |name: &str| -> Option<Actions> {
        let Some(own) = element.child(name) else {
            let (specified, unspecified) = (specified.clone(), unspecified.clone());
            return Some(Actions { specified, unspecified, own: Vec::new() });
        };
        let mut action = |name, default: &TextArg| match own.attribute(name) {
            Some(_) => c.text(own, name),
            None => Some(default.clone()),
        };
        let specified = action("specified-parameter-action", &specified)?;
        let unspecified = action("unspecified-parameter-action", &unspecified)?;
        Some(Actions { specified, unspecified, own: Actions::own_of(own, c)? })
    };
    let (headers, query, path) = (group("headers"), group("query"), group("path"));
    let variable = c.literal(element, "errors-variable-name");
    Some(Step::sync(ValidateParameters { headers: headers?, query: query?, path: path?, variable }))
}

impl Policy for ValidateParameters {
    fn apply(&self, exchange: &mut Exchange, _: &dyn Ports) -> Result<Flow, Fault> {
        let Some(contract) = exchange.caller.operation_contract.clone() else {
            let finding = without_contract(Action::of(&self.query.specified, exchange)?);
            return conclude("validate-parameters", vec![finding], self.variable.as_ref(), exchange);
        };
        let api = exchange.caller.api.clone();
        let (key_header, key_query) =
            api.as_deref().map_or(("", ""), |api| (&*api.key_header, &*api.key_query));
        let path: Values = exchange
            .matched_parameters
            .iter()
            .map(|(name, value)| (name.to_string(), vec![value.clone()]))
            .filter(|(name, _)| !contract.query.iter().any(|own| *own.name == **name))
            .collect();
        let mut query = Values::new();
        for (name, value) in query::pairs(&exchange.request.url.query) {
            let name = query::decode(name);
            if name != key_query || contract.query.iter().any(|own| *own.name == *name) {
                add(&mut query, &name, query::decode(value).into_owned(), false);
            }
        }
        let mut headers = Values::new();
        for (name, value) in exchange.request.headers.iter() {
            if !name.eq_ignore_ascii_case(key_header) {
                add(&mut headers, name, String::from_utf8_lossy(value).into_owned(), true);
            }
        }
        let schemas = contract.schemas();
        let mut findings = check(&path, &contract.path, (Place::Path, schemas), &self.path, exchange)?;
        findings.extend(check(&query, &contract.query, (Place::Query, schemas), &self.query, exchange)?);
        findings.extend(check(
            &headers,
            &contract.headers,
            (Place::RequestHeader, schemas),
            &self.headers,
            exchange,
        )?);
        conclude("validate-parameters", findings, self.variable.as_ref(), exchange)
    }
}
