//! One file a policy, named like its element.

pub mod choose;
pub mod cors;
pub mod forward_request;
pub mod rate_limit_by_key;
pub mod return_response;
pub mod set_body;
pub mod set_header;
pub mod set_status;
pub mod set_variable;

use crate::catalogue::PolicyDef;

/// Every policy, in the order of the service's documentation.
pub static CATALOGUE: &[&PolicyDef] = &[
    &choose::CHOOSE,
    &cors::CORS,
    &forward_request::FORWARD_REQUEST,
    &rate_limit_by_key::RATE_LIMIT_BY_KEY,
    &return_response::RETURN_RESPONSE,
    &set_body::SET_BODY,
    &set_header::SET_HEADER,
    &set_status::SET_STATUS,
    &set_variable::SET_VARIABLE,
];
