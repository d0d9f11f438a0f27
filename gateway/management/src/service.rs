//! What the operations mean.

mod action;
pub mod built_in;
pub mod download;
mod entity;
pub mod export;
mod filter;
mod import;
mod list;
mod narrow;
mod policy_format;
pub mod rules;
pub mod service_resource;
mod shown;
pub mod transaction;

pub(crate) use shown::refuse_foreign;

use std::sync::Arc;

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::arm_error::ArmError;
use crate::auth::Principal;
use crate::contract::{Kind, Method, Operation, Priority};
use crate::plane::{Author, Plane, Service};
use crate::query::Query;
use crate::tree::Properties;

/// A call of an operation about one service.
pub struct Call<'a> {
    pub plane: &'a Plane,
    pub service: Arc<Service>,
    pub operation: &'static Operation,
    pub principal: &'a Principal,
    /// Path below the service, decoded: `apis/orders;rev=2`.
    pub path: String,
    pub query: Query,
    pub body: Value,
    pub if_match: Option<String>,
    pub if_none_match: Option<String>,
    /// ARM id of the service, in the case of the request.
    pub service_id: String,
    /// `http://127.0.0.1:8082`.
    pub base: String,
}

/// An answer that does not refuse.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    /// Revision of the resource.
    pub etag: Option<u64>,
    pub body: Option<Value>,
    /// Where what came of it is told once more, for clients that poll.
    pub polled: Option<String>,
}

impl Answer {
    pub fn new(status: StatusCode, etag: Option<u64>, body: Option<Value>) -> Self {
        Self { status, etag, body, polled: None }
    }

    /// 200 with a body.
    pub fn ok(body: Value) -> Self {
        Self::new(StatusCode::OK, None, Some(body))
    }

    /// 204.
    pub fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT, None, None)
    }

    /// With the `ETag` of a revision.
    #[must_use]
    pub fn with_etag(self, version: u64) -> Self {
        Self { etag: Some(version), ..self }
    }
}

/// What operations answer.
pub type Outcome = Result<Answer, ArmError>;

impl Call<'_> {
    /// For the audit log.
    pub fn author(&self) -> Author<'_> {
        Author { principal: &self.principal.id, operation: self.operation.id }
    }

    /// Segments of the path.
    pub fn segments(&self) -> Vec<&str> {
        self.path.split('/').collect()
    }

    /// The path without its last `count` segments.
    pub fn above(&self, count: usize) -> &str {
        let mut path = self.path.as_str();
        for _ in 0..count {
            path = path.rsplit_once('/').map_or("", |(above, _)| above);
        }
        path
    }

    /// The members under `properties` of the body; none for an empty body.
    pub fn properties(&self) -> Result<Properties, ArmError> {
        match self.body.get("properties") {
            Some(Value::Object(properties)) => Ok(properties.clone()),
            None | Some(Value::Null) => Ok(Properties::new()),
            Some(_) => Err(ArmError::field("properties", "'properties' must be an object.")),
        }
    }
}

/// Does what a call asks for.
pub async fn run(mut call: Call<'_>) -> Outcome {
    let is_put = call.operation.method == Method::Put;
    let path = {
        let tree = call.service.tree();
        rules::api::addressed(&|path| tree.get(path).cloned(), &call.path, is_put)
    };
    call.path = path;
    if let Some(action) = action::find(call.operation.id) {
        let answer = action(&call).await?;
        if action::reveals(call.operation.id) {
            let note = Plane::note(&call.service, call.author(), &call.path);
            call.plane.store.note(note).await.map_err(|error| ArmError::internal(&error))?;
        }
        return Ok(answer);
    }
    // Workspaces wait, whatever their priority.
    if call.operation.priority == Priority::P2 || call.operation.path.starts_with("{S}/workspaces") {
        return absent(call.operation);
    }
    let is_collection = Kind::of_collection(&call.path).is_some();
    match call.operation.method {
        Method::Get if is_collection => list::collection(&call),
        Method::Get => entity::get(&call),
        Method::Head => entity::head(&call),
        Method::Put => entity::put(&call).await,
        Method::Patch => entity::patch(&call).await,
        Method::Delete => entity::delete(&call).await,
        Method::Post => Err(ArmError::not_in_tier()),
    }
}

/// What is known and not offered: lists are empty, nothing is in them, and writes are not of this tier. Tools step over
/// each.
pub(crate) fn absent(operation: &Operation) -> Outcome {
    match operation.method {
        Method::Get if operation.is_list() => Ok(Answer::ok(json!({"value": [], "count": 0}))),
        Method::Get | Method::Head => Err(ArmError::not_found("Resource")),
        _ => Err(ArmError::not_in_tier()),
    }
}

/// A time as answers have it: RFC 3339 in UTC.
pub(crate) fn time(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string()
}
