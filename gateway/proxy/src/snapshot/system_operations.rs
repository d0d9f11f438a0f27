//! Operations that an API has by its kind, where none is written (`policies.md` §9).

use gateway_model::{Api, ApiType, Operation};

/// One endpoint for GraphQL; any method of any service for gRPC.
pub fn of(api: &Api) -> Vec<Operation> {
    let (name, methods, template): (_, &[_], _) = match api.api_type {
        ApiType::GraphQl => ("graphql", &["POST", "GET"], "/"),
        ApiType::Grpc => ("grpc", &["POST"], "/*"),
        _ => return Vec::new(),
    };
    let operation = |method: &&str| Operation {
        api: api.id.clone(),
        id: name.into(),
        origin: api.origin.clone(),
        display_name: name.to_owned(),
        method: (*method).to_owned(),
        url_template: template.to_owned(),
        ..Operation::default()
    };
    methods.iter().map(operation).collect()
}
