//! Policy texts and where they apply.

use std::fmt;
use std::sync::Arc;

use crate::arm_id::ResourceId;
use crate::id::{ApiId, FragmentId, OperationId, ProductId, ResolverId};
use crate::origin::Origin;
use crate::text::text_enum;

/// Where a policy document applies. Ordered from outside in; fragments last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyScope {
    /// All APIs.
    Global,
    /// Requests in the context of a product.
    Product(ProductId),
    /// One API revision.
    Api(ApiId),
    /// One operation of an API revision.
    Operation(ApiId, OperationId),
    /// One field of a GraphQL API. The document's root is a data source, and nothing is inherited.
    Resolver(ApiId, ResolverId),
    /// Wherever the fragment is included.
    Fragment(FragmentId),
}

impl PolicyScope {
    /// `global`, `product`, `api`, `operation` (as in `context.LastError.Scope`), `resolver` or `fragment`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Product(_) => "product",
            Self::Api(_) => "api",
            Self::Operation(..) => "operation",
            Self::Resolver(..) => "resolver",
            Self::Fragment(_) => "fragment",
        }
    }

    /// The resource that the document belongs to.
    pub fn resource(&self) -> ResourceId {
        match self {
            Self::Global => ResourceId::Service,
            Self::Product(product) => ResourceId::Product(product.clone()),
            Self::Api(api) => ResourceId::Api(api.clone()),
            Self::Operation(api, operation) => ResourceId::Operation(api.clone(), operation.clone()),
            Self::Resolver(api, resolver) => ResourceId::Resolver(api.clone(), resolver.clone()),
            Self::Fragment(fragment) => ResourceId::Fragment(fragment.clone()),
        }
    }
}

impl fmt::Display for PolicyScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => f.write_str("global"),
            _ => write!(f, "{}", self.resource()),
        }
    }
}

text_enum! {
    /// How the expressions of a policy document are written.
    #[derive(Default)]
    PolicyFormat {
        #[default]
        RawXml = "rawxml",
        Xml = "xml",
    }
}

/// A policy document as written.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyDocument {
    /// Where it applies.
    pub scope: PolicyScope,
    /// The text.
    pub text: Arc<str>,
    /// How expressions are written. Files say nothing about it: they are [`PolicyFormat::RawXml`], and a reader
    /// of that format reads escaped expressions as well.
    pub format: PolicyFormat,
    /// Where the text begins.
    pub origin: Origin,
}

impl PolicyDocument {
    /// The place of byte `offset` of the text.
    pub fn origin_at(&self, offset: usize) -> Origin {
        self.origin.advance(&self.text, offset)
    }
}
