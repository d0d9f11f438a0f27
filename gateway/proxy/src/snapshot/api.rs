//! What a request finds: an API, an operation, and their effective policies.

use std::sync::Arc;

use gateway_expression::host::{Api, Operation, Product};
use gateway_model::{ApiId, ApiType, ProductId, Protocol};
use gateway_policy::backend::Backend;
use gateway_policy::exchange::contract::OperationContract;
use gateway_policy::graphql::GraphQlApi;
use gateway_policy::pipeline::Pipeline;
use gateway_telemetry::LabelId;

use crate::route::OperationTable;

/// One API revision.
#[derive(Debug)]
pub struct ApiRoute {
    pub id: ApiId,
    pub info: Arc<Api>,
    pub protocols: Vec<Protocol>,
    pub api_type: ApiType,
    /// Schema and resolvers of a GraphQL API.
    pub graphql: Option<Arc<GraphQlApi>>,
    pub subscription_required: bool,
    /// Products that hold the API.
    pub products: Vec<ProductId>,
    pub operations: OperationTable<Arc<OperationRoute>>,
    /// Service URL of the API.
    pub backend: Option<Arc<Backend>>,
    /// Policies of requests to the API that match no operation, by product.
    pub pipelines: Arc<Pipelines>,
    pub label: LabelId,
    /// Why the API cannot be served, when it never compiled: its answer is 503 with this text.
    pub broken: Option<Arc<str>>,
}

/// One operation.
#[derive(Debug)]
pub struct OperationRoute {
    pub info: Arc<Operation>,
    /// What the description promises, for `mock-response`.
    pub contract: Arc<OperationContract>,
    pub pipelines: Arc<Pipelines>,
    pub labels: Labels,
}

/// Metric labels of an operation; `by_product` goes along with [`Pipelines::by_product`].
#[derive(Debug)]
pub struct Labels {
    pub none: LabelId,
    pub by_product: Vec<LabelId>,
}

/// Effective policies without a product and in each product that holds the API.
#[derive(Debug, Default)]
pub struct Pipelines {
    pub none: Arc<Pipeline>,
    pub by_product: Vec<ProductPipeline>,
}

/// The effective policy in a product.
#[derive(Clone, Debug)]
pub struct ProductPipeline {
    pub id: ProductId,
    pub info: Arc<Product>,
    /// The product takes calls without a key.
    pub is_open: bool,
    pub pipeline: Arc<Pipeline>,
}

impl Pipelines {
    /// The entry of a product.
    pub fn of(&self, product: &ProductId) -> Option<&ProductPipeline> {
        self.by_product.iter().find(|entry| entry.id == *product)
    }

    /// The open product, of which an API has at most one.
    pub fn open(&self) -> Option<&ProductPipeline> {
        self.by_product.iter().find(|entry| entry.is_open)
    }
}
