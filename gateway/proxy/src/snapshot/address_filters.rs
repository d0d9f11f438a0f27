//! Address filters that hold for every request, so that the kernel path may apply them before.
//!
//! A filter of the global scope counts if all its addresses are literal and if every effective policy comes to it
//! before anything that could answer: an API that leaves out `<base />`, or answers above it, keeps it out.

use std::collections::HashMap;
use std::sync::Arc;

use gateway_model::ApiId;
use gateway_policy::pipeline::{AddressFilter, Pipeline, Statement, Step};

use super::{ApiRoute, Pipelines};

/// A filter and the name it is counted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobalFilter {
    /// Its place in the policy, such as `ip-filter[1]`.
    pub name: String,
    pub filter: AddressFilter,
}

/// Statements that neither answer nor fail for a caller's sake.
const SILENT: [&str; 4] = ["ip-filter", "set-header", "set-query-parameter", "set-variable"];

/// The filters of the global pipeline that every other begins with, too.
pub fn find(global: &Pipeline, apis: &HashMap<ApiId, Arc<ApiRoute>>) -> Vec<GlobalFilter> {
    let serving = || apis.values().filter(|api| api.broken.is_none());
    let everywhere = |statement: &Arc<Statement>| {
        serving().all(|api| {
            let operations = api.operations.iter().map(|operation| &*operation.pipelines);
            operations.chain([&*api.pipelines]).all(|pipelines| all_begin_with(pipelines, statement))
        })
    };
    let filters = opening(global).filter_map(|statement| Some((statement, address_filter(statement)?)));
    filters
        .filter(|(statement, _)| everywhere(statement))
        .map(|(statement, filter)| GlobalFilter { name: statement.path.to_string(), filter })
        .collect()
}

fn all_begin_with(pipelines: &Pipelines, statement: &Arc<Statement>) -> bool {
    let in_products = pipelines.by_product.iter().map(|entry| &*entry.pipeline);
    let mut all = in_products.chain([&*pipelines.none]);
    all.all(|pipeline| opening(pipeline).any(|one| Arc::ptr_eq(one, statement)))
}

/// What runs before anything can answer.
fn opening(pipeline: &Pipeline) -> impl Iterator<Item = &Arc<Statement>> {
    let statements = pipeline.inbound.statements().iter();
    statements.take_while(|statement| SILENT.contains(&statement.element))
}

fn address_filter(statement: &Statement) -> Option<AddressFilter> {
    match &statement.step {
        Step::Sync(policy) if statement.on_handshake => policy.address_filter(),
        _ => None,
    }
}
