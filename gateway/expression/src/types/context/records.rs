//! Plain records of the model (expressions.md §2.2).

use std::any::Any;

use super::super::collection::new_list;
use super::super::{Allow, Args, Type, TypeTable, m};
use super::{model_type, part_if, text};
use crate::host::{Api, Group, Host, Identity};
use crate::run::{Fault, Vm};
use crate::value::{ContextPart, Kind, Object, Value};

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "class Microsoft.Azure.ApiManagement.IApi",
        allow: Allow::All,
        members: &[
            m("string Id { get; }", |vm, a| api_text(vm, a, |api| &api.id)),
            m("string Name { get; }", |vm, a| api_text(vm, a, |api| &api.name)),
            m("string Path { get; }", |vm, a| api_text(vm, a, |api| &api.path)),
            m("IEnumerable<string> Protocols { get; }", |vm, a| {
                let list = api(vm.host, a, |api| api.protocols.iter().map(|p| Value::str(p)).collect())?;
                new_list(vm, Type::STRING, list)
            }),
            m("IUrl ServiceUrl { get; }", |vm, _| {
                let there = vm.host.api().is_some_and(|api| !api.service_url.is_empty());
                Ok(part_if(there, ContextPart::ApiServiceUrl))
            }),
            m("ISubscriptionKeyParameterNames SubscriptionKeyParameterNames { get; }", |_, _| {
                Ok(Value::Context(ContextPart::ApiKeyNames))
            }),
        ],
    },
    TypeTable {
        header: "class Microsoft.Azure.ApiManagement.IContextApi : Microsoft.Azure.ApiManagement.IApi",
        allow: Allow::All,
        members: &[
            m("bool IsCurrentRevision { get; }", |vm, a| {
                Ok(Value::Bool(api(vm.host, a, |api| api.is_current_revision)?))
            }),
            m("string Revision { get; }", |vm, a| api_text(vm, a, |api| &api.revision)),
            m("string Version { get; }", |vm, a| api_text(vm, a, |api| &api.version)),
        ],
    },
    TypeTable {
        header: "class Microsoft.Azure.ApiManagement.ISubscriptionKeyParameterNames",
        allow: Allow::All,
        members: &[
            m("string Header { get; }", |vm, _| text(vm, |h| h.api().map(|api| api.key_header.as_str()))),
            m("string Query { get; }", |vm, _| text(vm, |h| h.api().map(|api| api.key_query.as_str()))),
        ],
    },
    TypeTable {
        header: "class Microsoft.Azure.ApiManagement.IDeployment",
        allow: Allow::All,
        members: &[
            m("IReadOnlyDictionary<string, X509Certificate2> Certificates { get; }", |_, _| {
                Ok(Value::Context(ContextPart::Certificates))
            }),
            m("IGateway Gateway { get; }", |_, _| Ok(Value::Context(ContextPart::Gateway))),
            m("string GatewayId { get; }", |vm, _| text(vm, |h| Some(&h.deployment().gateway_id))),
            m("string Region { get; }", |vm, _| text(vm, |h| Some(&h.deployment().region))),
            m("string ServiceId { get; }", |vm, _| text(vm, |h| Some(&h.deployment().service_id))),
            m("string ServiceName { get; }", |vm, _| text(vm, |h| Some(&h.deployment().service_name))),
            m("ISustainabilityInfo SustainabilityInfo { get; }", |_, _| {
                Ok(Value::Context(ContextPart::Sustainability))
            }),
        ],
    },
    TypeTable {
        header: "class Microsoft.Azure.ApiManagement.IGateway",
        allow: Allow::All,
        members: &[
            m("string Id { get; }", |vm, _| text(vm, |h| Some(&h.deployment().gateway.id))),
            m("string InstanceId { get; }", |vm, _| text(vm, |h| Some(&h.deployment().gateway.instance_id))),
            m("bool IsManaged { get; }", |vm, _| Ok(Value::Bool(vm.host.deployment().gateway.is_managed))),
        ],
    },
    TypeTable {
        header: "enum Microsoft.Azure.ApiManagement.CarbonIntensityCategory { VeryLow, Low, Medium, High, VeryHigh, NotAvailable }",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "class Microsoft.Azure.ApiManagement.ISustainabilityInfo",
        allow: Allow::All,
        members: &[m("CarbonIntensityCategory CurrentCarbonIntensity { get; }", |vm, _| {
            let value = i64::from(vm.host.deployment().carbon_intensity);
            let def = model_type("CarbonIntensityCategory").def();
            Ok(def.map_or(Value::Null, |def| Value::Enum(def, value)))
        })],
    },
    TypeTable {
        header: "class Microsoft.Azure.ApiManagement.IOperation",
        allow: Allow::All,
        members: &[
            m("string Id { get; }", |vm, _| text(vm, |h| h.operation().map(|o| o.id.as_str()))),
            m("string Method { get; }", |vm, _| text(vm, |h| h.operation().map(|o| o.method.as_str()))),
            m("string Name { get; }", |vm, _| text(vm, |h| h.operation().map(|o| o.name.as_str()))),
            m("string UrlTemplate { get; }", |vm, _| {
                text(vm, |h| h.operation().map(|o| o.url_template.as_str()))
            }),
        ],
    },
    TypeTable {
        header: "enum Microsoft.Azure.ApiManagement.ProductState { NotPublished, Published }",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "class Microsoft.Azure.ApiManagement.IProduct",
        allow: Allow::All,
        members: &[
            m("IEnumerable<IApi> Apis { get; }", |vm, _| {
                let host = vm.host;
                let list = host.product().map(|p| {
                    p.apis.iter().map(|api| Value::object(Record::Api(Box::new(api.clone())))).collect()
                });
                new_list(vm, model_type("IApi"), list.unwrap_or_default())
            }),
            m("bool ApprovalRequired { get; }", |vm, _| {
                product(vm.host, |p| Value::Bool(p.approval_required))
            }),
            m("IEnumerable<IGroup> Groups { get; }", |vm, _| {
                let list = groups(vm.host.product().map(|p| p.groups.as_slice()));
                new_list(vm, model_type("IGroup"), list)
            }),
            m("string Id { get; }", |vm, _| text(vm, |h| h.product().map(|p| p.id.as_str()))),
            m("string Name { get; }", |vm, _| text(vm, |h| h.product().map(|p| p.name.as_str()))),
            m("ProductState State { get; }", |vm, _| {
                let state = model_type("ProductState").def();
                product(vm.host, |p| {
                    state.map_or(Value::Null, |def| Value::Enum(def, i64::from(p.published)))
                })
            }),
            m("int? SubscriptionsLimit { get; }", |vm, _| {
                product(vm.host, |p| p.subscriptions_limit.map_or(Value::Null, Value::I32))
            }),
            m("int? SubscriptionLimit { get; }", |vm, _| {
                product(vm.host, |p| p.subscriptions_limit.map_or(Value::Null, Value::I32))
            }),
            m("bool SubscriptionRequired { get; }", |vm, _| {
                product(vm.host, |p| Value::Bool(p.subscription_required))
            }),
        ],
    },
    TypeTable {
        header: "class Microsoft.Azure.ApiManagement.IGroup",
        allow: Allow::All,
        members: &[
            m("string Id { get; }", |vm, a| {
                vm.text(record(a, |r| if let Record::Group(g) = r { Some(&g.id) } else { None })?)
            }),
            m("string Name { get; }", |vm, a| {
                vm.text(record(a, |r| if let Record::Group(g) = r { Some(&g.name) } else { None })?)
            }),
        ],
    },
    TypeTable {
        header: "class Microsoft.Azure.ApiManagement.IUserIdentity",
        allow: Allow::All,
        members: &[
            m("string Id { get; }", |vm, a| {
                vm.text(record(a, |r| if let Record::Identity(i) = r { Some(&i.id) } else { None })?)
            }),
            m("string Provider { get; }", |vm, a| {
                vm.text(record(a, |r| if let Record::Identity(i) = r { Some(&i.provider) } else { None })?)
            }),
        ],
    },
    TypeTable {
        header: "class Microsoft.Azure.ApiManagement.ISubscription",
        allow: Allow::All,
        members: &[
            m("System.DateTime CreatedDate { get; }", |vm, _| {
                vm.host
                    .subscription()
                    .map(|s| Value::DateTime(s.created_ticks, Kind::Utc))
                    .ok_or_else(Fault::null_reference)
            }),
            m("System.DateTime? EndDate { get; }", |vm, _| {
                Ok(date(vm.host.subscription().and_then(|s| s.end_ticks)))
            }),
            m("System.DateTime? StartDate { get; }", |vm, _| {
                Ok(date(vm.host.subscription().and_then(|s| s.start_ticks)))
            }),
            m("string Id { get; }", |vm, _| text(vm, |h| h.subscription().map(|s| s.id.as_str()))),
            m("string Key { get; }", |vm, _| text(vm, |h| h.subscription().map(|s| s.key.as_str()))),
            m("string Name { get; }", |vm, _| text(vm, |h| h.subscription().map(|s| s.name.as_str()))),
            m("string PrimaryKey { get; }", |vm, _| {
                text(vm, |h| h.subscription().map(|s| s.primary_key.as_str()))
            }),
            m("string SecondaryKey { get; }", |vm, _| {
                text(vm, |h| h.subscription().map(|s| s.secondary_key.as_str()))
            }),
        ],
    },
    TypeTable {
        header: "class Microsoft.Azure.ApiManagement.IUser",
        allow: Allow::All,
        members: &[
            m("string Email { get; }", |vm, _| text(vm, |h| h.user().map(|u| u.email.as_str()))),
            m("string FirstName { get; }", |vm, _| text(vm, |h| h.user().map(|u| u.first_name.as_str()))),
            m("string Id { get; }", |vm, _| text(vm, |h| h.user().map(|u| u.id.as_str()))),
            m("string LastName { get; }", |vm, _| text(vm, |h| h.user().map(|u| u.last_name.as_str()))),
            m("string Note { get; }", |vm, _| text(vm, |h| h.user().map(|u| u.note.as_str()))),
            m("IEnumerable<IGroup> Groups { get; }", |vm, _| {
                let list = groups(vm.host.user().map(|u| u.groups.as_slice()));
                new_list(vm, model_type("IGroup"), list)
            }),
            m("IEnumerable<IUserIdentity> Identities { get; }", |vm, _| {
                let host = vm.host;
                let list = host.user().map(|u| {
                    u.identities.iter().map(|i| Value::object(Record::Identity(i.clone()))).collect()
                });
                new_list(vm, model_type("IUserIdentity"), list.unwrap_or_default())
            }),
            m("System.DateTime RegistrationDate { get; }", |vm, _| {
                vm.host
                    .user()
                    .map(|u| Value::DateTime(u.registration_ticks, Kind::Utc))
                    .ok_or_else(Fault::null_reference)
            }),
        ],
    },
    TypeTable {
        header: "class Microsoft.Azure.ApiManagement.IWorkspace",
        allow: Allow::All,
        members: &[
            m("string Id { get; }", |vm, _| text(vm, |h| h.workspace().map(|w| w.id.as_str()))),
            m("string Name { get; }", |vm, _| text(vm, |h| h.workspace().map(|w| w.name.as_str()))),
        ],
    },
    TypeTable {
        header: "class Microsoft.Azure.ApiManagement.ProxyError",
        allow: Allow::All,
        members: &[
            m("string Source { get; }", |vm, _| text(vm, |h| h.last_error().map(|e| e.source.as_str()))),
            m("string Reason { get; }", |vm, _| text(vm, |h| h.last_error().map(|e| e.reason.as_str()))),
            m("string Message { get; }", |vm, _| text(vm, |h| h.last_error().map(|e| e.message.as_str()))),
            m("string Scope { get; }", |vm, _| text(vm, |h| h.last_error().map(|e| e.scope.as_str()))),
            m("string Section { get; }", |vm, _| text(vm, |h| h.last_error().map(|e| e.section.as_str()))),
            m("string Path { get; }", |vm, _| text(vm, |h| h.last_error().map(|e| e.path.as_str()))),
            m("string PolicyId { get; }", |vm, _| text(vm, |h| h.last_error().map(|e| e.policy_id.as_str()))),
        ],
    },
    TypeTable {
        header: "class Microsoft.Azure.ApiManagement.IGraphQL",
        allow: Allow::All,
        members: &[
            m("IGraphQLDataObject Arguments { get; }", |_, _| {
                Ok(Value::Context(ContextPart::GraphQlArguments))
            }),
            m("IGraphQLDataObject GraphQLArguments { get; }", |_, _| {
                Ok(Value::Context(ContextPart::GraphQlArguments))
            }),
            m("IGraphQLDataObject Parent { get; }", |_, _| Ok(Value::Context(ContextPart::GraphQlParent))),
        ],
    },
    TypeTable {
        header: "class Microsoft.Azure.ApiManagement.IGraphQLDataObject",
        allow: Allow::All,
        members: &[m("JToken this[string name] { get; }", |vm, a| {
            let is_parent = matches!(a.this(), Value::Context(ContextPart::GraphQlParent));
            let Some((arguments, parent)) = vm.host.graphql() else { return Err(Fault::null_reference()) };
            let text = if is_parent { parent } else { arguments };
            super::super::json_member(text, a.str(1)?.as_str())
        })],
    },
];

/// A record that the model holds many of.
enum Record {
    Api(Box<Api>),
    Group(Group),
    Identity(Identity),
}

impl Object for Record {
    fn ty(&self) -> Type {
        model_type(match self {
            Self::Api(_) => "IApi",
            Self::Group(_) => "IGroup",
            Self::Identity(_) => "IUserIdentity",
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn record<'a>(a: &Args<'a>, read: impl FnOnce(&'a Record) -> Option<&'a String>) -> Result<&'a str, Fault> {
    a.object::<Record>(0).ok().and_then(read).map(String::as_str).ok_or_else(Fault::null_reference)
}

fn groups(list: Option<&[Group]>) -> Vec<Value> {
    list.unwrap_or_default().iter().map(|g| Value::object(Record::Group(g.clone()))).collect()
}

/// The API that the receiver is: the context's, or one of a product.
fn api<T>(host: &dyn Host, a: &Args<'_>, read: impl FnOnce(&Api) -> T) -> Result<T, Fault> {
    if let Some(Record::Api(api)) = a.this().downcast::<Record>() {
        return Ok(read(api));
    }
    host.api().map(read).ok_or_else(Fault::null_reference)
}

fn api_text(vm: &mut Vm<'_>, a: &Args<'_>, read: impl FnOnce(&Api) -> &String) -> Result<Value, Fault> {
    let found = api(vm.host, a, |api| Value::str(read(api)))?;
    Ok(found)
}

fn product(host: &dyn Host, read: impl FnOnce(&crate::host::Product) -> Value) -> Result<Value, Fault> {
    host.product().map(read).ok_or_else(Fault::null_reference)
}

fn date(ticks: Option<i64>) -> Value {
    ticks.map_or(Value::Null, |ticks| Value::DateTime(ticks, Kind::Utc))
}
