//! What a deployment would change: it is done in a copy of the plane, and the two are compared.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::{Caller, prepared, type_of};
use crate::arm_error::ArmError;
use crate::contract::{Kind, Method};
use crate::deployment::{Doing, Outcome, Request, Resources, delta};
use crate::http::arm;
use crate::plane::{Plane, Service, ServiceName};
use crate::service::Answer;
use crate::template::Surroundings;

/// Version by which resources are shown that the template does not name.
const VERSION: &str = "2024-05-01";

/// The answer to `whatIf`: 200 also where the deployment would fail, with `error`.
pub async fn answer(caller: &Caller<'_>, around: Surroundings, body: &str) -> Result<Answer, ArmError> {
    let request = Request::read(body)?;
    let _place = caller.management.drafts.acquire().await.map_err(|error| ArmError::internal(&error))?;
    // Two copies: what others write meanwhile is no change of this deployment.
    let before = caller.management.draft().await?;
    let after = before.draft().await?;
    let dry = Dry {
        real: caller,
        before: Caller { management: &before, ..*caller },
        after: Caller { management: &after, ..*caller },
        written: Mutex::default(),
    };
    let (outcome, _) = prepared(caller, around, &request, &dry)?.finish().await?;
    if let Some(error) = outcome.error {
        return Ok(Answer::ok(json!({"status": "Failed", "error": error})));
    }
    let mut changes = Vec::new();
    for (id, version) in dry.touched(&outcome.surroundings) {
        changes.extend(dry.change(&id, &version, request.shows_payloads).await);
    }
    Ok(Answer::ok(json!({"status": "Succeeded", "properties": {"changes": changes}})))
}

/// Writes to a copy, and remembers what.
struct Dry<'a> {
    real: &'a Caller<'a>,
    before: Caller<'a>,
    after: Caller<'a>,
    /// Id and version of each resource that was written.
    written: Mutex<Vec<(String, String)>>,
}

impl Dry<'_> {
    /// What was written, then what changed with it (an import replaces operations), then what the group has besides.
    fn touched(&self, around: &Surroundings) -> Vec<(String, String)> {
        let mut touched = self.written.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for after in self.after.management.plane.services() {
            // A new service comes with what each has.
            let Some(before) = self.before.management.plane.service(&after.name) else { continue };
            let paths = differences(&before, &after);
            let id = after.name.arm_id();
            touched.extend(paths.into_iter().map(|path| (format!("{id}/{path}"), VERSION.to_owned())));
        }
        let services = arm::services_of(self.before.management, &around.subscription, &around.group);
        touched.extend(services.iter().map(|service| (service.name.arm_id(), VERSION.to_owned())));
        let mut known = HashSet::new();
        touched.retain(|(id, _)| known.insert(id.to_ascii_lowercase()));
        touched
    }

    /// One of `changes`; `None` for what is neither before nor after.
    async fn change(&self, id: &str, version: &str, shows_payloads: bool) -> Option<Value> {
        let before = shown(&self.before, id, version).await;
        let after = shown(&self.after, id, version).await;
        let is_written = || {
            let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            written.iter().any(|(other, _)| other.eq_ignore_ascii_case(id))
        };
        let found = delta(before.as_ref().unwrap_or(&Value::Null), after.as_ref().unwrap_or(&Value::Null));
        let kind = match (&before, &after) {
            (None, None) => return None,
            (None, Some(_)) => "Create",
            (Some(_), None) => "Delete",
            // What differs may be a secret, which nobody is shown.
            _ if !found.is_empty() || self.differs(id) => "Modify",
            _ if is_written() => "NoChange",
            _ => "Ignore",
        };
        let mut change = json!({"resourceId": id, "changeType": kind});
        if shows_payloads {
            change["before"] = before.unwrap_or_default();
            change["after"] = after.unwrap_or_default();
            change["delta"] = if kind == "Modify" { Value::from(found) } else { Value::Null };
        }
        Some(change)
    }

    /// Whether the documents of a resource differ.
    fn differs(&self, id: &str) -> bool {
        let Some((name, path)) = placed(id) else { return false };
        let document = |caller: &Caller<'_>| {
            let service = caller.management.plane.service(&name)?;
            let tree = service.tree();
            tree.get(&path).map(|record| record.properties.clone())
        };
        document(&self.before) != document(&self.after)
    }
}

/// Paths of the resources that two states of a service do not have alike.
fn differences(before: &Service, after: &Service) -> Vec<String> {
    if after.tree().revision == 0 {
        return Vec::new();
    }
    let (before, after) = (before.tree(), after.tree());
    let changed = after.all().filter(|record| {
        let old = before.get(&record.path);
        old.is_none_or(|old| !Arc::ptr_eq(old, record) && old.properties != record.properties)
    });
    let gone = before.all().filter(|record| after.get(&record.path).is_none());
    let all = changed.chain(gone).filter(|record| Kind::of(&record.path).is_some());
    all.map(|record| record.path.to_string()).collect()
}

/// Service and path below it of an id.
fn placed(id: &str) -> Option<(ServiceName, String)> {
    let segments: Vec<&str> = id.split('/').collect();
    let ["", _, subscription, _, group, _, _, _, name, below @ ..] = segments.as_slice() else { return None };
    let [subscription, resource_group, name] = [subscription, group, name].map(|it| (*it).to_owned());
    Some((ServiceName { subscription, resource_group, name }, below.join("/")))
}

/// A resource as a client sees it, without what changes with every write.
async fn shown(caller: &Caller<'_>, id: &str, version: &str) -> Option<Value> {
    let mut body = match caller.get(id, version).await {
        Ok(body) => body,
        // There is no GET of what ties two resources together.
        Err(_) => {
            let (name, path) = placed(id)?;
            caller.management.plane.service(&name)?.tree().get(&path)?;
            json!({"id": id, "name": id.rsplit('/').next(), "type": type_of(id)})
        }
    };
    if let Value::Object(members) = &mut body {
        members.shift_remove("etag");
        members.insert("apiVersion".to_owned(), Value::from(version));
    }
    Some(body)
}

impl Resources for Dry<'_> {
    fn check(&self, id: &str, version: &str, body: Option<&Value>) -> Result<(), ArmError> {
        self.after.check(id, version, body)
    }

    fn put<'a>(&'a self, id: &'a str, version: &'a str, body: Value) -> Doing<'a, Answer> {
        Box::pin(async move {
            let answer = self.after.call(Method::Put, id, version, body).await?;
            let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            written.push((id.to_owned(), version.to_owned()));
            Ok(answer)
        })
    }

    fn get<'a>(&'a self, id: &'a str, version: &'a str) -> Doing<'a, Value> {
        self.after.get(id, version)
    }

    /// What reveals a secret is in the audit log of the plane itself.
    fn act<'a>(&'a self, id: &'a str, action: &'a str, version: &'a str) -> Doing<'a, Value> {
        Box::pin(async move {
            let shown = self.after.act(id, action, version).await?;
            let plane = &self.real.management.plane;
            if let Some((name, path)) = placed(id)
                && let Some(service) = plane.service(&name)
            {
                let note = Plane::note(&service, self.real.author(), &format!("{path}/{action}"));
                plane.store.note(note).await.map_err(|error| ArmError::internal(&error))?;
            }
            Ok(shown)
        })
    }

    /// Nothing came of it.
    fn keep<'a>(&'a self, _: &'a Outcome) -> Doing<'a, bool> {
        Box::pin(async { Ok(true) })
    }
}
