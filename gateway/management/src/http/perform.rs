//! One operation, whoever asks for it: a request, or a deployment that writes resource after resource.

use hyper::StatusCode;
use serde_json::Value;

use super::route::Found;
use super::{Management, arm};
use crate::arm_error::ArmError;
use crate::auth::Principal;
use crate::contract::{Method, Operation};
use crate::plane::ServiceName;
use crate::query::Query;
use crate::service::{self, Answer, Call, export, service_resource};

/// What is asked, without its body.
#[derive(Debug, Default)]
pub struct Asked {
    /// Decoded.
    pub segments: Vec<String>,
    pub query: Query,
    /// `http://127.0.0.1:8082`.
    pub base: String,
    pub if_match: Option<String>,
    pub if_none_match: Option<String>,
}

impl Management {
    /// The operation of a method and a path, if the principal may call it here.
    pub fn operation(
        &self,
        principal: &Principal,
        method: Method,
        asked: &Asked,
    ) -> Result<&'static Operation, ArmError> {
        let operation = match self.router.find(method, &asked.segments) {
            Found::Operation(operation) => export::operation(operation, &asked.query),
            Found::OtherMethods => return Err(method_not_allowed()),
            Found::Nothing => return Err(ArmError::not_found("Resource")),
        };
        if !principal.role.allows(operation) {
            let scope = format!("/{}", asked.segments.join("/"));
            return Err(forbidden(principal, &operation.action(), &scope));
        }
        if self.is_mirror && is_change(operation) {
            let message = "This service mirrors another one: change it there.";
            return Err(ArmError::conflict(message));
        }
        Ok(operation)
    }

    /// Does it.
    pub async fn perform(
        &self,
        principal: &Principal,
        operation: &'static Operation,
        asked: Asked,
        body: Value,
    ) -> Result<Answer, ArmError> {
        if operation.below_service().is_none() {
            return arm::provider(self, operation, &asked.segments, &body, &asked.base);
        }
        let [_, subscription, _, group, _, _, _, name, below @ ..] = asked.segments.as_slice() else {
            return Err(ArmError::not_found("Resource"));
        };
        let name = ServiceName {
            subscription: subscription.clone(),
            resource_group: group.clone(),
            name: name.clone(),
        };
        if operation.id == "ApiManagementService_CreateOrUpdate" && self.plane.service(&name).is_none() {
            return service_resource::create(&self.plane, principal, name, &body, &asked.base).await;
        }
        if operation.id == "ApiManagementService_Delete" && self.plane.service(&name).is_none() {
            return Ok(Answer::no_content());
        }
        let service = arm::service(self, &name)?;
        let call = Call {
            plane: &self.plane,
            service,
            operation,
            principal,
            path: below.join("/"),
            query: asked.query,
            base: asked.base,
            service_id: name.arm_id(),
            if_match: asked.if_match,
            if_none_match: asked.if_none_match,
            body,
        };
        service::run(call).await
    }
}

/// Whether an operation changes what is mirrored. Keys and tokens of gateways are the mirror's own.
fn is_change(operation: &Operation) -> bool {
    let is_own = operation.id.starts_with("Gateway_") && operation.method == Method::Post;
    let is_reading = operation.method == Method::Post && operation.id.contains("_List");
    operation.is_write() && !is_own && !is_reading
}

pub fn method_not_allowed() -> ArmError {
    ArmError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "MethodNotAllowed",
        "The requested resource does not support this http method.",
    )
}

pub fn forbidden(principal: &Principal, action: &str, scope: &str) -> ArmError {
    let message = format!(
        "The client '{0}' with object id '{0}' does not have authorization to perform action '{action}' over scope \
         '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
        principal.id
    );
    ArmError::new(StatusCode::FORBIDDEN, "AuthorizationFailed", message)
}
