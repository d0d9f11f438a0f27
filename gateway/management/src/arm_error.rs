//! Errors in ARM's envelope (management-api.md §2.6).

use hyper::StatusCode;
use serde_json::{Value, json};

/// An answer that refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status} {code}: {message}")]
pub struct ArmError {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
    pub details: Vec<Detail>,
    /// Where in a template it is.
    pub violation: Option<Violation>,
}

/// A place in a template, as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
    /// `properties.template.resources[2]`.
    pub path: String,
}

/// One fault of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The member, element or parameter.
    pub target: String,
    pub message: String,
}

impl Detail {
    pub fn new(target: impl Into<String>, message: impl Into<String>) -> Self {
        Self { target: target.into(), message: message.into() }
    }
}

impl ArmError {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), details: Vec::new(), violation: None }
    }

    /// 400 with what is wrong, member by member.
    pub fn validation(details: Vec<Detail>) -> Self {
        Self {
            details,
            ..Self::new(
                StatusCode::BAD_REQUEST,
                "ValidationError",
                "One or more fields contain incorrect values:",
            )
        }
    }

    /// 400 about one member.
    pub fn field(target: &str, message: impl Into<String>) -> Self {
        Self::validation(vec![Detail::new(target, message)])
    }

    /// 404, with the kind that was looked for: `Api not found.`
    pub fn not_found(entity: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "ResourceNotFound", format!("{entity} not found."))
    }

    /// 412.
    pub fn precondition() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "PreconditionFailed",
            "Resource was modified since last retrieval.",
        )
    }

    /// 409.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "Conflict", message)
    }

    /// 500; the cause goes to the log, not to the client.
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(event_type = "ManagementFault", error = %cause, "a call of the management plane failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalServerError",
            "The call failed inside the service; its log says why.",
        )
    }

    /// 400, which tools read as "this tier does not have it" and step over (management-api.md §1.2).
    pub fn not_in_tier() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "MethodNotAllowedInPricingTier",
            "Method not allowed in SelfHosted pricing tier",
        )
    }

    /// The body.
    pub fn body(&self) -> Value {
        let details = self.details.iter().map(
            |detail| json!({"code": "ValidationError", "target": detail.target, "message": detail.message}),
        );
        let details = if self.details.is_empty() { Value::Null } else { Value::Array(details.collect()) };
        let mut error = json!({"code": self.code, "message": self.message, "details": details});
        if let Some(Violation { line, column, path }) = &self.violation {
            let info = json!({"lineNumber": line, "linePosition": column, "path": path});
            error["additionalInfo"] = json!([{"type": "TemplateViolation", "info": info}]);
        }
        json!({ "error": error })
    }
}
