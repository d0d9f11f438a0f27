//! `validate-odata-request` (`policies.md` B 1.5).

use std::sync::Arc;

use crate::catalogue::{Content, Kind, PolicyDef, optional};
use crate::compile::Compiler;
use crate::exchange::Exchange;
use crate::exchange::contract::DefinitionError;
use crate::fault::{Fault, Scope, Section};
use crate::odata;
use crate::pipeline::{Flow, Step, WaitingPolicy};
use crate::ports::Ports;
use crate::validation::finding::{Action, Finding, conclude};
use crate::xml::Element;

pub static VALIDATE_ODATA_REQUEST: PolicyDef = PolicyDef {
    element: "validate-odata-request",
    sections: &[Section::Inbound],
    attributes: &[
        optional("error-variable-name", Kind::Text),
        optional("default-odata-version", Kind::OneOf(VERSIONS)),
        optional("min-odata-version", Kind::OneOf(VERSIONS)),
        optional("max-odata-version", Kind::OneOf(VERSIONS)),
        optional("max-size", Kind::Int(1, i32::MAX as i64)),
    ],
    content: Content::Empty,
    once: true,
    docs: "Checks the path, the query options and the OData-Version of a request against the API's OData metadata (CSDL), \
           and the size of its body in bytes against `max-size`. Without an OData-Version field the request is of \
           `default-odata-version` (4.0). What does not fit is refused with 400, noted in the trace and in the variable. \
           Not at operation scope. Bodies are not checked but for their size; `$apply`, `$compute` and `$search` are \
           not read.",
    compile,
};

const VERSIONS: &[&str] = &["4.0", "4.01"];

struct ValidateOdataRequest {
    variable: Option<Arc<str>>,
    default_version: Arc<str>,
    min_version: Option<Arc<str>>,
    max_version: Option<Arc<str>>,
    max_size: Option<u64>,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    if c.scope == Scope::Operation {
        c.error(
            "policy-scope",
            element.at,
            "Policy is not allowed in this scope. Allowed: global, product, api.",
        );
        return None;
    }
    Some(Step::waiting(ValidateOdataRequest {
        variable: c.literal(element, "error-variable-name"),
        default_version: c.literal(element, "default-odata-version").unwrap_or_else(|| "4.0".into()),
        min_version: c.literal(element, "min-odata-version"),
        max_version: c.literal(element, "max-odata-version"),
        max_size: c.literal(element, "max-size").and_then(|size| size.parse().ok()),
    }))
}

impl WaitingPolicy for ValidateOdataRequest {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let mut findings = Vec::new();
        if let Some(max) = self.max_size {
            if exchange.request.body.len().is_none() {
                exchange.buffer_request(ports).await?;
            }
            let size = exchange.request.body.len().unwrap_or_default();
            if size > max {
                let text =
                    format!("Request's body is {size} bytes long and it exceeds the limit of {max} bytes.");
                findings.push(finding("RequestBody", "SizeLimit", text));
            }
        }
        findings.extend(self.version(exchange).err().map(|text| finding("RequestHeader", "Version", text)));
        findings.extend(url(exchange));
        conclude("validate-odata-request", findings, self.variable.as_ref(), exchange)
    }
}

fn finding(kind: &'static str, rule: &'static str, text: String) -> Finding {
    Finding::public("", (kind, rule), text, Action::Prevent)
}

/// The path and the query against the metadata of the API.
fn url(exchange: &Exchange) -> Option<Finding> {
    let contract = exchange.caller.operation_contract.as_deref();
    let Some(metadata) = contract.and_then(|contract| contract.schemas().metadata()) else {
        let text = DefinitionError::NoSchema.to_string();
        return Some(Finding::internal("", ("ApiSchema", ""), text, Action::Prevent));
    };
    match metadata {
        Ok(model) => {
            let url = &exchange.request.url;
            let checked = odata::check(model, &url.path, &url.query);
            checked.err().map(|text| finding("RequestUrl", "IncorrectMessage", text))
        }
        Err(reason) => Some(Finding::internal("", ("ApiSchema", ""), reason.clone(), Action::Prevent)),
    }
}

impl ValidateOdataRequest {
    fn version(&self, exchange: &Exchange) -> Result<(), String> {
        let headers = &exchange.request.headers;
        let sent = headers.get_str("OData-Version").map_or(&*self.default_version, str::trim);
        let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
        let version = number(sent).ok_or_else(|| format!("The OData-Version '{sent}' is no version."))?;
        let least = self.min_version.as_deref().and_then(number);
        let most = self.max_version.as_deref().and_then(number);
        if least.is_some_and(|least| version < least) || most.is_some_and(|most| version > most) {
            return Err(format!("The OData-Version '{sent}' is not allowed."));
        }
        Ok(())
    }
}
