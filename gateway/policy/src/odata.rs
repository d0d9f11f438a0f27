//! OData requests against an API's metadata (OData 4.01 part 2: URL conventions; CSDL XML 4.01).

mod expression;
mod model;
mod path;
mod query;

pub use model::Model;

/// Why a request does not fit the metadata.
pub type Reason = String;

/// Checks the path below the API's base and the query of a request.
pub fn check(model: &Model, path: &str, query: &str) -> Result<(), Reason> {
    let target = path::resolve(model, path)?;
    query::check(model, &target, query)
}

#[cfg(test)]
mod tests;
