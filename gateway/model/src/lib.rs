//! The resources of a gateway, as typed documents in the shape of the management API, and what is wrong with them.
//!
//! A change flows: source → [`ResourceSet`] → compile → snapshot. This crate is the middle that all of them share.
//! It reads no files and opens no sockets. Everything is sorted, so that equal input gives equal output.

mod arm_id;
pub mod diagnostic;
mod id;
mod origin;
mod policy;
pub mod resource;
mod secret;
mod set;
mod text;
pub mod usage;

pub use arm_id::{RESOURCE_ID_BYTES_MAX, ResourceId, ResourceIdError};
pub use diagnostic::{Diagnostic, Severity};
pub use id::{
    ApiId, BackendId, CacheId, CertificateId, FragmentId, GatewayId, GroupId, HostnameId, IdError,
    LogDiagnosticId, LoggerId, NAME_CHARS_MAX, NamedValueId, OperationId, ProductId, ResolverId, SchemaId,
    SubscriptionId, TagId, UserId, VersionSetId, check_name,
};
pub use origin::Origin;
pub use policy::{PolicyDocument, PolicyFormat, PolicyScope};
pub use resource::{
    Api, ApiSchema, ApiType, ApiVersionSet, Backend, BackendType, Cache, Certificate, Gateway, GatewayApi,
    GatewayHostname, Group, LogDiagnostic, LogDiagnosticScope, Logger, NamedValue, Operation, PolicyFragment,
    Product, ProductApi, ProductGroup, Protocol, Resolver, Resource, Schema, Service, Subscription,
    SubscriptionKeyParameterNames, SubscriptionScope, SubscriptionState, Tag, TagLink, User,
    VersioningScheme,
};
pub use secret::Secret;
pub use set::{Duplicate, ResourceSet};
