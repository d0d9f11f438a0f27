//! Parameters and headers of a message against the operation's contract: the common part of validate-parameters and
//! validate-headers (`policies.md` B 1.2, B 1.3).

use super::finding::{Action, Finding};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::exchange::contract::parameter::{Mismatch, ParameterContract, Place};
use crate::exchange::contract::{DefinitionError, Schemas};
use crate::fault::Fault;
use crate::xml::Element;

/// Actions for the parameters of a place.
#[derive(Debug)]
pub struct Actions {
    pub specified: TextArg,
    pub unspecified: TextArg,
    /// Actions of single parameters, by name.
    pub own: Vec<(Box<str>, TextArg)>,
}

impl Actions {
    /// The action of a child element (`parameter`, `header`) by its name.
    pub fn own_of(element: &Element, c: &mut Compiler<'_>) -> Option<Vec<(Box<str>, TextArg)>> {
        let own = |child| Some((c.literal(child, "name")?.as_ref().into(), c.text(child, "action")?));
        element.elements().map(own).collect()
    }

    fn of(&self, name: &str, default: &TextArg, exchange: &Exchange) -> Result<Action, Fault> {
        let own =
            self.own.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, action)| action);
        Action::of(own.unwrap_or(default), exchange)
    }
}

/// Values found in a message, by the name first seen.
pub type Values = Vec<(String, Vec<String>)>;

/// Adds a value; names are one whatever their case is where `ignore_case` says so.
pub fn add(values: &mut Values, name: &str, value: String, ignore_case: bool) {
    let same = |known: &str| if ignore_case { known.eq_ignore_ascii_case(name) } else { known == name };
    match values.iter_mut().find(|(known, _)| same(known)) {
        Some((_, all)) => all.push(value),
        None => values.push((name.to_owned(), vec![value])),
    }
}

/// Checks the parameters of one place.
pub fn check(
    values: &Values,
    contracts: &[ParameterContract],
    (place, schemas): (Place, &Schemas),
    actions: &Actions,
    exchange: &Exchange,
) -> Result<Vec<Finding>, Fault> {
    let mut findings = Vec::new();
    let is_header = matches!(place, Place::RequestHeader | Place::ResponseHeader);
    let same = |a: &str, b: &str| if is_header { a.eq_ignore_ascii_case(b) } else { a == b };
    for (name, given) in values {
        let Some(contract) = contracts.iter().find(|contract| same(&contract.name, name)) else {
            let action = actions.of(name, &actions.unspecified, exchange)?;
            let details = format!("Unspecified {} {name} is not allowed.", label(place));
            findings.push(finding(name, place, "Unspecified", (details, None), action));
            continue;
        };
        let action = actions.of(name, &actions.specified, exchange)?;
        if action != Action::Ignore
            && let Err(mismatch) = contract.check(given, place, schemas)
        {
            findings.push(unfit(name, place, mismatch, action));
        }
    }
    for contract in contracts.iter().filter(|contract| contract.required) {
        if !values.iter().any(|(name, _)| same(name, &contract.name)) {
            let action = actions.of(&contract.name, &actions.specified, exchange)?;
            let whose = if place == Place::ResponseHeader { "Response" } else { "Request" };
            let details =
                format!("{whose} does not contain the required {} {}.", label(place), contract.name);
            findings.push(finding(&contract.name, place, "IncorrectMessage", (details, None), action));
        }
    }
    Ok(findings)
}

/// The finding where the API has no contract at all.
pub fn without_contract(action: Action) -> Finding {
    Finding::internal("", ("ApiSchema", ""), DefinitionError::NoSchema.to_string(), action)
}

fn label(place: Place) -> &'static str {
    match place {
        Place::Path => "path parameter",
        Place::Query => "query parameter",
        Place::RequestHeader | Place::ResponseHeader => "header",
    }
}

fn kind(place: Place) -> &'static str {
    match place {
        Place::Path => "PathParameter",
        Place::Query => "QueryParameter",
        Place::RequestHeader => "RequestHeader",
        Place::ResponseHeader => "ResponseHeader",
    }
}

/// Details, and the words for the client where they differ; of responses the client learns nothing.
fn finding(
    name: &str,
    place: Place,
    rule: &'static str,
    (details, public): (String, Option<String>),
    action: Action,
) -> Finding {
    let public = (place != Place::ResponseHeader).then(|| public.unwrap_or_else(|| details.clone()));
    Finding::internal(name, (kind(place), rule), details, action).told(public)
}

fn unfit(name: &str, place: Place, mismatch: Mismatch, action: Action) -> Finding {
    let label = label(place);
    match mismatch {
        Mismatch::Multiple => {
            let whose = if place == Place::ResponseHeader { "Response" } else { "Request" };
            let details = format!("{whose} cannot contain multiple values for the {label} {name}.");
            finding(name, place, "IncorrectMessage", (details, None), action)
        }
        Mismatch::Unfit(problem) => {
            let rest = format!("alue of the {label} {name} does not conform to the definition.\n\n{problem}");
            finding(
                name,
                place,
                "IncorrectMessage",
                (format!("V{rest}"), Some(format!("The v{rest}"))),
                action,
            )
        }
        Mismatch::Unparsable(reason) => {
            let details = format!(
                "Value of the {label} {name} cannot be parsed according to the definition.\n\n{reason}"
            );
            let public = format!(
                "The value of the {label} {name} couldn't be parsed according to the definition.\n\n{reason}"
            );
            finding(name, place, "IncorrectMessage", (details, Some(public)), action)
        }
        Mismatch::Definition(DefinitionError::Missing(definition)) => {
            let details = format!(
                "API's schema does not contain definition {definition}, which is associated with the {label} {name}."
            );
            Finding::internal(name, (kind(place), "MissingDefinition"), details, action)
        }
        Mismatch::Definition(DefinitionError::Broken(reason)) => {
            let mut label = label.to_owned();
            label.get_mut(..1).into_iter().for_each(str::make_ascii_uppercase);
            let details = format!("{label} {name} cannot be validated.\n\n{reason}");
            Finding::internal(name, (kind(place), "ValidationError"), details, action)
        }
        Mismatch::Definition(error) => Finding::internal("", ("ApiSchema", ""), error.to_string(), action),
    }
}
