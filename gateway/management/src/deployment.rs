//! Deployments of templates (`Microsoft.Resources/deployments`, management-api.md §2.9): checked as a whole, then applied
//! resource by resource, each by the operation that a client would have called.

mod delta;
mod record;
mod request;
mod run;

pub use delta::delta;
pub use record::{all, find, keep, operations, properties, remove, shown, shown_operation};
pub use request::{INCREMENTAL, Request};
pub use run::{Outcome, Run, Started};

use std::future::Future;
use std::pin::Pin;

use serde_json::Value;

use crate::arm_error::{ArmError, Violation};
use crate::service::Answer;
use crate::template::{Fault, Stop};

/// The type of a deployment.
pub const KIND: &str = "Microsoft.Resources/deployments";
/// Deployments inside deployments.
const DEPTH_MAX: usize = 5;

/// A future of [`Resources`].
pub type Doing<'a, T> = Pin<Box<dyn Future<Output = Result<T, ArmError>> + Send + 'a>>;

/// The operations of the interface, with the rights of whoever deploys.
pub trait Resources: Send + Sync {
    /// Refuses a resource that could not be written: unknown type or version, no right, members of a wrong type. The body is
    /// not known where it depends on what the deployment makes.
    fn check(&self, id: &str, version: &str, body: Option<&Value>) -> Result<(), ArmError>;

    /// PUT.
    fn put<'a>(&'a self, id: &'a str, version: &'a str, body: Value) -> Doing<'a, Answer>;

    /// GET.
    fn get<'a>(&'a self, id: &'a str, version: &'a str) -> Doing<'a, Value>;

    /// POST of an action, `listSecrets`.
    fn act<'a>(&'a self, id: &'a str, action: &'a str, version: &'a str) -> Doing<'a, Value>;

    /// Keeps what came of a deployment.
    fn keep<'a>(&'a self, outcome: &'a Outcome) -> Doing<'a, bool>;
}

/// The refusal of a template.
pub fn invalid(fault: &Fault) -> ArmError {
    let message = format!("Deployment template validation failed: '{}'", fault.message);
    let error = ArmError::new(hyper::StatusCode::BAD_REQUEST, "InvalidTemplate", message);
    let (line, column) = fault.place.unwrap_or_default();
    let path = format!("properties.template.{}", fault.path);
    ArmError { violation: Some(Violation { line, column, path }), ..error }
}

/// The same of an evaluation that asks for what cannot be asked now.
fn invalid_stop(stop: Stop) -> ArmError {
    match stop {
        Stop::Fault(fault) => invalid(&fault),
        Stop::Need(need) => invalid(&Fault::new(format!("'{}' cannot be asked for here.", need.id()))),
    }
}
