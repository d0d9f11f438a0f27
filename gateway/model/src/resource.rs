//! The resources, in the shape of the REST contracts.
//!
//! Every struct is what stands under `properties` of the document, plus the name(s) and the place it was
//! written at, which are not part of the document. Members that we do not use are kept in `extra` so that
//! writing a resource back loses nothing. Secrets are read and never written.
//! Source: management-api.md §1.13, §1.14.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::arm_id::ResourceId;
use crate::origin::Origin;
use crate::set::ResourceSet;
use crate::text::text_enum;

mod api;
mod backend;
mod duration;
mod gateway;
mod log;
mod operation;
mod product;
mod resolver;
pub mod schema;
mod service;
mod subscription;
mod user;
mod value;
mod version_set;

pub use api::{Api, ApiType, Protocol, SubscriptionKeyParameterNames};
pub use backend::{
    Backend, BackendAuthorization, BackendCredentials, BackendPool, BackendProperties, BackendProtocol,
    BackendProxy, BackendTls, BackendType, CircuitBreaker, CircuitBreakerRule, FailureCondition, PoolMember,
    ServiceFabricCluster, StatusCodeRange, X509Name,
};
pub use duration::IsoDuration;
pub use gateway::{Gateway, GatewayApi, GatewayHostname, GatewayLocation};
pub use log::{
    BodyLogging, DataMasking, HttpLogging, LogDiagnostic, LogDiagnosticScope, Logger, LoggerType,
    MaskedEntity, PipelineLogging, Sampling,
};
pub use operation::{Operation, Parameter, ParameterExample, Representation, Request, Response};
pub use product::{Product, ProductApi, ProductGroup, ProductState};
pub use resolver::Resolver;
pub use schema::{ApiSchema, Schema, SchemaDocument, SchemaType};
pub use service::{HostnameConfiguration, Service};
pub use subscription::{Subscription, SubscriptionScope, SubscriptionState};
pub use user::{Group, GroupType, GroupUser, User, UserIdentity, UserState};
pub use value::{Cache, Certificate, KeyVault, NamedValue, PolicyFragment, Tag, TagLink};
pub use version_set::{ApiVersionSet, VersioningScheme};

/// Members of a document that have no field of their own, in the order written.
pub type Extra = serde_json::Map<String, Value>;

/// A resource that lives in a [`ResourceSet`].
pub trait Resource: Clone + Sized {
    /// Its name, with the names of its parents.
    type Key: Clone + Ord;

    /// The key in its table.
    fn key(&self) -> Self::Key;

    /// Its id.
    fn id(&self) -> ResourceId;

    /// Where it was written.
    fn origin(&self) -> &Origin;

    /// Its table.
    fn table(set: &ResourceSet) -> &BTreeMap<Self::Key, Self>;

    /// Its table, to add to.
    fn table_mut(set: &mut ResourceSet) -> &mut BTreeMap<Self::Key, Self>;
}

/// Implements [`Resource`]: `table, key type, key expression, id expression`.
macro_rules! resource {
    ($type:ty, $table:ident, $key:ty, |$this:ident| $key_expression:expr, $id_expression:expr) => {
        impl crate::resource::Resource for $type {
            type Key = $key;

            fn key(&self) -> Self::Key {
                let $this = self;
                $key_expression
            }

            fn id(&self) -> crate::arm_id::ResourceId {
                let $this = self;
                $id_expression
            }

            fn origin(&self) -> &crate::origin::Origin {
                &self.origin
            }

            fn table(set: &crate::set::ResourceSet) -> &std::collections::BTreeMap<Self::Key, Self> {
                &set.$table
            }

            fn table_mut(
                set: &mut crate::set::ResourceSet,
            ) -> &mut std::collections::BTreeMap<Self::Key, Self> {
                &mut set.$table
            }
        }
    };
}

use resource;

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_true(value: &bool) -> bool {
    *value
}
