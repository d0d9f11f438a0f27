//! The `context` object model (expressions.md §2).

mod body;
mod records;
mod request;

pub(crate) use request::{split as split_url, url_text};

use super::{Allow, Args, Type, TypeTable, library, m};
use crate::host::Host;
use crate::run::{Fault, Vm};
use crate::value::{ContextPart, Kind, Value};

pub(super) static TABLES: &[&[TypeTable]] = &[TABLE, request::TABLE, records::TABLE, body::TABLE];

static TABLE: &[TypeTable] = &[TypeTable {
    header: "class Microsoft.Azure.ApiManagement.IGatewayContext",
    allow: Allow::All,
    members: &[
        m("IContextApi Api { get; }", |vm, _| Ok(part_if(vm.host.api().is_some(), ContextPart::Api))),
        m("IDeployment Deployment { get; }", |_, _| Ok(Value::Context(ContextPart::Deployment))),
        m("System.TimeSpan Elapsed { get; }", |vm, _| {
            Ok(Value::TimeSpan(vm.host.now_ticks() - vm.host.timestamp_ticks()))
        }),
        m("IGraphQL GraphQL { get; }", |vm, _| {
            Ok(part_if(vm.host.graphql().is_some(), ContextPart::GraphQl))
        }),
        m("ProxyError LastError { get; }", |vm, _| {
            Ok(part_if(vm.host.last_error().is_some(), ContextPart::LastError))
        }),
        m("IOperation Operation { get; }", |vm, _| {
            Ok(part_if(vm.host.operation().is_some(), ContextPart::Operation))
        }),
        m("IProduct Product { get; }", |vm, _| {
            Ok(part_if(vm.host.product().is_some(), ContextPart::Product))
        }),
        m("IRequest Request { get; }", |_, _| Ok(Value::Context(ContextPart::Request))),
        m("System.Guid RequestId { get; }", |vm, _| Ok(Value::Guid(guid(vm.host.request_id())))),
        m("IResponse Response { get; }", |vm, _| {
            Ok(part_if(vm.host.response_status().is_some(), ContextPart::Response))
        }),
        m("ISubscription Subscription { get; }", |vm, _| {
            Ok(part_if(vm.host.subscription().is_some(), ContextPart::Subscription))
        }),
        m("System.DateTime Timestamp { get; }", |vm, _| {
            Ok(Value::DateTime(vm.host.timestamp_ticks(), Kind::Utc))
        }),
        m("bool Tracing { get; }", |vm, _| Ok(Value::Bool(vm.host.tracing()))),
        m("IUser User { get; }", |vm, _| Ok(part_if(vm.host.user().is_some(), ContextPart::User))),
        m("IReadOnlyDictionary<string, object> Variables { get; }", |_, _| {
            Ok(Value::Context(ContextPart::Variables))
        }),
        m("IWorkspace Workspace { get; }", |vm, _| {
            Ok(part_if(vm.host.workspace().is_some(), ContextPart::Workspace))
        }),
        m("void Trace(string message)", |vm, a| {
            vm.host.trace("", a.opt_str(1).map_or("", |t| t.as_str()));
            Ok(Value::Null)
        }),
        m("void Trace(string source, object data)", |vm, a| {
            let text = vm.to_text(a.at(2))?;
            vm.host.trace(a.opt_str(1).map_or("", |t| t.as_str()), text.as_str());
            Ok(Value::Null)
        }),
    ],
}];

fn part_if(there: bool, part: ContextPart) -> Value {
    if there { Value::Context(part) } else { Value::Null }
}

/// The bytes of a GUID's hyphenated text; zeros when it is none.
fn guid(text: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    let mut digits = text.chars().filter_map(|c| c.to_digit(16));
    for byte in &mut bytes {
        let (Some(high), Some(low)) = (digits.next(), digits.next()) else { return [0; 16] };
        *byte = (high << 4 | low) as u8;
    }
    bytes
}

/// A type of the model.
pub(crate) fn model_type(name: &str) -> Type {
    library().named(&format!("{}.{name}", crate::bind::MODEL))
}

/// A text that the model gives.
pub(super) fn text(vm: &mut Vm<'_>, read: impl FnOnce(&dyn Host) -> Option<&str>) -> Result<Value, Fault> {
    let host = vm.host;
    match read(host) {
        Some(text) => vm.text(text),
        None => Ok(Value::Null),
    }
}

/// The part of the context that the receiver is.
pub(super) fn part(a: &Args<'_>) -> Option<ContextPart> {
    match a.this() {
        Value::Context(part) => Some(*part),
        _ => None,
    }
}

impl ContextPart {
    /// The static type that the model gives the part.
    pub(crate) fn ty(self) -> Type {
        let string_dictionary = |value: Type| {
            let def = library().by_full_name("System.Collections.Generic.IReadOnlyDictionary", 2);
            def.map_or(Type::OBJECT, |def| Type::generic(def, vec![Type::STRING, value]))
        };
        match self {
            Self::Context => model_type("IGatewayContext"),
            Self::Api => model_type("IContextApi"),
            Self::ApiServiceUrl | Self::Url | Self::OriginalUrl => model_type("IUrl"),
            Self::ApiKeyNames => model_type("ISubscriptionKeyParameterNames"),
            Self::Deployment => model_type("IDeployment"),
            Self::Gateway => model_type("IGateway"),
            Self::Certificates => string_dictionary(super::certificate_type()),
            Self::Sustainability => model_type("ISustainabilityInfo"),
            Self::GraphQl => model_type("IGraphQL"),
            Self::GraphQlArguments | Self::GraphQlParent => model_type("IGraphQLDataObject"),
            Self::LastError => model_type("ProxyError"),
            Self::Operation => model_type("IOperation"),
            Self::Product => model_type("IProduct"),
            Self::Request => model_type("IRequest"),
            Self::Response => model_type("IResponse"),
            Self::Subscription => model_type("ISubscription"),
            Self::User => model_type("IUser"),
            Self::Workspace => model_type("IWorkspace"),
            Self::RequestBody | Self::ResponseBody => model_type("IMessageBody"),
            Self::Variables => string_dictionary(Type::OBJECT),
            Self::MatchedParameters => string_dictionary(Type::STRING),
            Self::RequestHeaders | Self::ResponseHeaders | Self::Query | Self::OriginalQuery => {
                super::headers_type()
            }
        }
    }
}
