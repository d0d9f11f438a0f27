//! The operations of `Microsoft.Resources/deployments`, in resource groups.

mod what_if;

use std::sync::Arc;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::perform::Asked;
use super::{Management, arm};
use crate::arm_error::{ArmError, Detail};
use crate::auth::Principal;
use crate::auth::signing::TENANT;
use crate::contract::{Kind, Method, Operation, is_known};
use crate::deployment::{self, Doing, Outcome, Request, Resources, Run, Started};
use crate::plane::Author;
use crate::query::Query;
use crate::service::Answer;
use crate::template::Surroundings;
use crate::tree::Record;

/// Longest name of a deployment.
const NAME_CHARS_MAX: usize = 64;

/// Whether an operation is one of these.
pub fn is_ours(operation: &Operation) -> bool {
    operation.id.starts_with("Deployment")
}

/// Does one. A deployment goes on when its client has left: what it made is known either way.
pub async fn answer(
    management: &Arc<Management>,
    principal: &Principal,
    operation: &'static Operation,
    asked: Asked,
    body: String,
) -> Result<Answer, ArmError> {
    let (management, principal) = (Arc::clone(management), principal.clone());
    let doing = tokio::spawn(async move { done(&management, &principal, operation, &asked, &body).await });
    doing.await.map_err(|error| ArmError::internal(&error))?
}

async fn done(
    management: &Management,
    principal: &Principal,
    operation: &'static Operation,
    asked: &Asked,
    body: &str,
) -> Result<Answer, ArmError> {
    let around = surroundings(management, asked)?;
    let plane = &management.plane;
    let found = || {
        let found = deployment::find(plane, &around.subscription, &around.group, &around.deployment);
        found.ok_or_else(|| absent(&around.deployment))
    };
    let show = |record: &Record| {
        let around = Surroundings { deployment: record.name().to_owned(), ..around.clone() };
        deployment::shown(&around, &record.properties)
    };
    let caller = Caller { management, principal, base: &asked.base, operation };
    match operation.id {
        "Deployments_CreateOrUpdate" => create(&caller, around, body).await,
        "Deployments_Validate" => validate(&caller, around, body),
        "Deployments_WhatIf" => what_if::answer(&caller, around, body).await,
        "Deployments_Get" => Ok(Answer::ok(show(&*found()?))),
        "Deployments_CheckExistence" => found().map(|_| Answer::no_content()),
        "Deployments_Delete" => match found() {
            Ok(record) => {
                deployment::remove(plane, caller.author(), &record).await?;
                Ok(Answer::new(StatusCode::NO_CONTENT, None, None))
            }
            Err(_) => Ok(Answer::no_content()),
        },
        "Deployments_ListByResourceGroup" => {
            let all = deployment::all(plane, &around.subscription, &around.group);
            let top = asked.query.get("$top").and_then(|top| top.parse().ok()).unwrap_or(usize::MAX);
            Ok(Answer::ok(
                json!({"value": all.iter().take(top).map(|record| show(record)).collect::<Vec<_>>()}),
            ))
        }
        "DeploymentOperations_List" => {
            let record = found()?;
            let shown = deployment::operations(&record)
                .map(|operation| deployment::shown_operation(&around, operation));
            Ok(Answer::ok(json!({"value": shown.collect::<Vec<_>>()})))
        }
        "DeploymentOperations_Get" => {
            let (record, wanted) = (found()?, asked.segments.last().map(String::as_str).unwrap_or_default());
            let operation =
                deployment::operations(&record).find(|operation| operation["operationId"] == wanted);
            let operation = operation.ok_or_else(|| ArmError::not_found("Deployment operation"))?;
            Ok(Answer::ok(deployment::shown_operation(&around, operation)))
        }
        "DeploymentStatus_Get" => {
            let record = found()?;
            let state = &record.properties["provisioningState"];
            let mut status = json!({"status": state});
            if let Some(error) = record.properties.get("error") {
                status["error"] = error.clone();
            }
            Ok(Answer::ok(status))
        }
        _ => Err(ArmError::not_in_tier()),
    }
}

/// Where a call is about: `/subscriptions/{}/resourceGroups/{}[/providers/Microsoft.Resources]/deployments/{}/…`.
fn surroundings(management: &Management, asked: &Asked) -> Result<Surroundings, ArmError> {
    let segment = |at: usize| asked.segments.get(at).cloned().unwrap_or_default();
    let is_named = |at: usize| segment(at).eq_ignore_ascii_case("deployments");
    let name = if is_named(4) { segment(5) } else { segment(7) };
    let group = arm::known_group(management, &segment(1), &segment(3))?;
    let is_part = |c: char| c.is_alphanumeric() || "-_.()".contains(c);
    if name.chars().count() > NAME_CHARS_MAX || !name.chars().all(is_part) {
        let message = format!(
            "The deployment name '{name}' is not valid: it has 1 to {NAME_CHARS_MAX} letters, digits, '-', '_', '.' and brackets."
        );
        return Err(ArmError::new(StatusCode::BAD_REQUEST, "InvalidDeploymentName", message));
    }
    Ok(Surroundings {
        subscription: segment(1),
        group,
        deployment: name,
        mode: deployment::INCREMENTAL,
        tenant: TENANT.to_owned(),
        base: asked.base.clone(),
        now: crate::plane::now(),
    })
}

fn absent(name: &str) -> ArmError {
    ArmError::new(
        StatusCode::NOT_FOUND,
        "DeploymentNotFound",
        format!("Deployment '{name}' could not be found."),
    )
}

async fn create(caller: &Caller<'_>, around: Surroundings, body: &str) -> Result<Answer, ArmError> {
    let request = Request::read(body)?;
    let run = prepared(caller, around, &request, caller)?;
    let (outcome, is_new) = run.finish().await?;
    let around = &outcome.surroundings;
    let record =
        deployment::find(&caller.management.plane, &around.subscription, &around.group, &around.deployment);
    let record = record.ok_or_else(|| absent(&around.deployment))?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let shown = deployment::shown(around, &record.properties);
    // Whoever waits for a deployment reads there why it failed.
    let polled = outcome.error.is_some().then(|| {
        let id = shown["id"].as_str().unwrap_or_default();
        let last = record.version;
        format!("{}{id}/operationStatuses/{last}?api-version=2025-04-01", around.base)
    });
    Ok(Answer { polled, ..Answer::new(status, None, Some(shown)) })
}

/// A deployment that can be done, by `resources`.
fn prepared<'r>(
    caller: &Caller<'_>,
    around: Surroundings,
    request: &'r Request,
    resources: &'r dyn Resources,
) -> Result<Run<'r, 'r>, ArmError> {
    let around = Surroundings { mode: request.mode, ..around };
    let run = Run::prepare(Started::new(request.template()?, &request.parameters, around)?, resources)?;
    if request.mode != deployment::INCREMENTAL {
        let is_named = |id: &str| run.ids().any(|named| named.eq_ignore_ascii_case(id));
        refuse_deletions(caller, run.surroundings(), is_named)?;
    }
    Ok(run)
}

/// The mode `Complete` deletes what stands in the group itself and is not named: services, and nothing in them (Azure's table "Complete
/// mode deletion"). A service is too much to lose by a template.
fn refuse_deletions(
    caller: &Caller<'_>,
    around: &Surroundings,
    is_named: impl Fn(&str) -> bool,
) -> Result<(), ArmError> {
    let services = arm::services_of(caller.management, &around.subscription, &around.group);
    match services.into_iter().find(|service| !is_named(&service.name.arm_id())) {
        Some(service) => {
            let message = format!(
                "The mode 'Complete' would delete the service '{}', which the template does not name, and services are not deleted \
                 by deployments: name it, or deploy in the mode 'Incremental'.",
                service.name.name
            );
            Err(ArmError::new(StatusCode::BAD_REQUEST, "InvalidTemplateDeployment", message))
        }
        None => Ok(()),
    }
}

fn validate(caller: &Caller<'_>, around: Surroundings, body: &str) -> Result<Answer, ArmError> {
    let request = Request::read(body)?;
    let run = prepared(caller, around, &request, caller)?;
    let ids: Vec<Value> = run.ids().map(|id| json!({ "id": id })).collect();
    let outcome = run.outcome();
    let mut properties = deployment::properties(&outcome, outcome.surroundings.now);
    for of_a_run in ["outputs", "outputResources"] {
        properties.shift_remove(of_a_run);
    }
    properties.insert("validatedResources".to_owned(), Value::Array(ids));
    Ok(Answer::ok(deployment::shown(&outcome.surroundings, &properties)))
}

/// Who deploys, and by which operations.
#[derive(Clone, Copy)]
struct Caller<'a> {
    management: &'a Management,
    principal: &'a Principal,
    base: &'a str,
    operation: &'static Operation,
}

impl Caller<'_> {
    fn author(&self) -> Author<'_> {
        Author { principal: &self.principal.id, operation: self.operation.id }
    }

    fn asked(&self, id: &str, version: &str) -> Asked {
        let segments = id.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect();
        let query = Query::parse("").with("api-version", version);
        Asked { segments, query: Query::parse(&query), base: self.base.to_owned(), ..Asked::default() }
    }

    async fn call(&self, method: Method, id: &str, version: &str, body: Value) -> Result<Answer, ArmError> {
        let asked = self.asked(id, version);
        let operation = self.management.operation(self.principal, method, &asked)?;
        if is_ours(operation) {
            return Box::pin(done(self.management, self.principal, operation, &asked, "")).await;
        }
        self.management.perform(self.principal, operation, asked, body).await
    }
}

impl Resources for Caller<'_> {
    fn check(&self, id: &str, version: &str, body: Option<&Value>) -> Result<(), ArmError> {
        let kind = type_of(id);
        if !kind.to_ascii_lowercase().starts_with("microsoft.apimanagement/service") {
            let message = format!(
                "The resource type '{kind}' is not deployed here: those of Microsoft.ApiManagement/service are."
            );
            return Err(ArmError::new(StatusCode::BAD_REQUEST, "InvalidResourceType", message));
        }
        if !is_known(version) {
            let message = format!(
                "No registered resource provider found for location 'local' and API version '{version}' for type '{kind}'. \
                 The supported api-versions are '{}'.",
                crate::contract::API_VERSIONS.join(", ")
            );
            return Err(ArmError::new(StatusCode::BAD_REQUEST, "NoRegisteredProviderFound", message));
        }
        let found = self.management.operation(self.principal, Method::Put, &self.asked(id, version));
        found.map_err(|error| match error.status {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => ArmError {
                details: vec![Detail::new(id, error.message)],
                ..ArmError::new(
                    StatusCode::BAD_REQUEST,
                    "InvalidResourceType",
                    format!("The resource type '{kind}' could not be found in the namespace 'Microsoft.ApiManagement' for api version '{version}'."),
                )
            },
            _ => error,
        })?;
        body.map_or(Ok(()), |body| check_members(id, body))
    }

    fn put<'a>(&'a self, id: &'a str, version: &'a str, body: Value) -> Doing<'a, Answer> {
        Box::pin(self.call(Method::Put, id, version, body))
    }

    fn get<'a>(&'a self, id: &'a str, version: &'a str) -> Doing<'a, Value> {
        Box::pin(async move {
            let answer = self.call(Method::Get, id, version, Value::Null).await?;
            Ok(answer.body.unwrap_or(Value::Null))
        })
    }

    fn act<'a>(&'a self, id: &'a str, action: &'a str, version: &'a str) -> Doing<'a, Value> {
        Box::pin(async move {
            let answer = self.call(Method::Post, &format!("{id}/{action}"), version, Value::Null).await?;
            Ok(answer.body.unwrap_or(Value::Null))
        })
    }

    fn keep<'a>(&'a self, outcome: &'a Outcome) -> Doing<'a, bool> {
        Box::pin(deployment::keep(&self.management.plane, self.author(), outcome))
    }
}

/// Refuses members of a wrong type, as the PUT will.
fn check_members(id: &str, body: &Value) -> Result<(), ArmError> {
    let below = id.split('/').skip(9).collect::<Vec<_>>().join("/");
    let Some(kind) = Kind::of(&below) else { return Ok(()) };
    let mut properties = body.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut details = Vec::new();
    kind.put.read(&mut properties, false, &mut details);
    if details.is_empty() { Ok(()) } else { Err(ArmError::validation(details)) }
}

/// `Microsoft.ApiManagement/service/apis` of an id.
fn type_of(id: &str) -> String {
    let below = id.rsplit_once("/providers/").map_or(id, |(_, below)| below);
    let mut segments = below.split('/');
    let namespace = segments.next().unwrap_or_default().to_owned();
    segments.step_by(2).fold(namespace, |kind, segment| format!("{kind}/{segment}"))
}
