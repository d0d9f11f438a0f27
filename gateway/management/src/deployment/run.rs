//! One deployment: what its template plans, checked, and then done.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{DEPTH_MAX, Doing, KIND, Resources, invalid, invalid_stop, request};
use crate::arm_error::ArmError;
use crate::template::{
    Facts, Fault, Fuel, Need, Parameters, Planned, Scope, Stop, Surroundings, Template, names, outputs,
    parameters, planned,
};

/// Version by which resources are asked for where an expression names none.
const VERSION: &str = "2024-05-01";

/// What a deployment is made of.
#[derive(Clone, Debug)]
pub struct Started<'t> {
    pub template: Template<'t>,
    pub parameters: Parameters,
    pub surroundings: Surroundings,
    pub fuel: Arc<Fuel>,
    /// The template that declares what expressions name, where it is another: a deployment inside of it, evaluated outside.
    outer: Option<Template<'t>>,
    depth: usize,
}

impl<'t> Started<'t> {
    /// A deployment that a client asked for.
    pub fn new(
        template: Template<'t>,
        given: &Map<String, Value>,
        surroundings: Surroundings,
    ) -> Result<Self, ArmError> {
        let fuel = Arc::new(Fuel::default());
        let parameters =
            parameters(template, given, &surroundings, &fuel).map_err(|fault| invalid(&fault))?;
        Ok(Self { template, parameters, surroundings, fuel, outer: None, depth: 0 })
    }
}

/// What came of a deployment.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub surroundings: Surroundings,
    pub parameters: Map<String, Value>,
    pub outputs: Map<String, Value>,
    /// One for each resource that was tried: id, type, name, status of the answer, error.
    pub steps: Vec<Step>,
    /// Type and id of each resource, and what it waited for.
    pub plan: Vec<Value>,
    /// Why it ended early.
    pub error: Option<Value>,
}

/// A resource that was tried.
#[derive(Clone, Debug)]
pub struct Step {
    pub id: String,
    pub kind: String,
    pub name: String,
    pub status: u16,
    pub error: Option<Value>,
}

/// A deployment while it runs.
pub struct Run<'r, 't> {
    started: Started<'t>,
    resources: &'r dyn Resources,
    plan: Vec<Planned<'t>>,
    names: HashMap<String, String>,
    facts: Facts,
    done: Vec<bool>,
    steps: Vec<Step>,
}

/// Where a resource stands after it was tried.
enum Progress {
    Done,
    /// It asks for another resource of the template, which comes first.
    After(usize),
}

impl<'r, 't> Run<'r, 't> {
    /// Plans a deployment, and refuses what can be refused before anything is done.
    pub fn prepare(started: Started<'t>, resources: &'r dyn Resources) -> Result<Self, ArmError> {
        let mut run = Self {
            started,
            resources,
            plan: Vec::new(),
            names: HashMap::new(),
            facts: Facts::new(),
            done: Vec::new(),
            steps: Vec::new(),
        };
        run.plan = planned(run.started.template, &run.scope()).map_err(|fault| invalid(&fault))?;
        run.names = names(&run.plan);
        run.done = vec![false; run.plan.len()];
        for at in 0..run.plan.len() {
            run.check(at)?;
        }
        Ok(run)
    }

    fn scope(&self) -> Scope<'_> {
        let Started { template, parameters, surroundings, fuel, outer, .. } = &self.started;
        Scope::new(outer.unwrap_or(*template), parameters, surroundings, fuel, &self.facts, &self.names)
    }

    /// Refuses a resource that cannot be written, or whose expressions have faults that show already.
    fn check(&self, at: usize) -> Result<(), ArmError> {
        let Some(resource) = self.plan.get(at).filter(|it| !it.is_existing && !it.is_left_out) else {
            return Ok(());
        };
        if resource.kind.eq_ignore_ascii_case(KIND) {
            return match self.inner(resource) {
                Ok(inner) => Run::prepare(inner, self.resources).map(drop),
                Err(Failure::Asks(_)) => Ok(()),
                Err(Failure::Refused(error)) => Err(error),
            };
        }
        let body = match resource.body(&self.scope()) {
            Ok(body) => Some(body),
            Err(Stop::Need(_)) => None,
            Err(Stop::Fault(fault)) => return Err(invalid(&fault)),
        };
        let checked = self.resources.check(&resource.id, &resource.version, body.as_ref());
        checked.map_err(|error| about(error, resource))
    }

    /// Where it is done.
    pub fn surroundings(&self) -> &Surroundings {
        &self.started.surroundings
    }

    /// Ids of what is written.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.written().map(|resource| resource.id.as_str())
    }

    fn written(&self) -> impl Iterator<Item = &Planned<'t>> {
        self.plan.iter().filter(|resource| !resource.is_existing && !resource.is_left_out)
    }

    /// What each resource waits for.
    pub fn dependencies(&self) -> Vec<Value> {
        let of = |resource: &Planned<'_>| json!({"id": resource.id, "resourceType": resource.kind, "resourceName": resource.name});
        let waiting = self.written().filter(|resource| !resource.after.is_empty());
        let all = waiting.map(|resource| {
            let before = resource.after.iter().filter_map(|at| self.plan.get(*at)).map(of);
            let mut shown = json!({"dependsOn": before.collect::<Vec<_>>()});
            if let (Value::Object(shown), Value::Object(own)) = (&mut shown, of(resource)) {
                shown.extend(own);
            }
            shown
        });
        all.collect()
    }

    /// What is known of the deployment before it ran.
    pub fn outcome(&self) -> Outcome {
        Outcome {
            surroundings: self.started.surroundings.clone(),
            parameters: self.started.parameters.shown.clone(),
            outputs: Map::new(),
            steps: self.steps.clone(),
            plan: self.dependencies(),
            error: None,
        }
    }

    /// Does it, and keeps what came of it. Ends at the first resource that is refused; those before it stay.
    pub fn finish<'f>(mut self) -> Doing<'f, (Outcome, bool)>
    where
        'r: 'f,
        't: 'f,
    {
        Box::pin(async move {
            let result = self.apply().await;
            let mut outcome = self.outcome();
            match result {
                Ok(outputs) => outcome.outputs = outputs,
                Err(error) => outcome.error = Some(failed(&error, &outcome)),
            }
            let is_new = self.resources.keep(&outcome).await?;
            Ok((outcome, is_new))
        })
    }

    async fn apply(&mut self) -> Result<Map<String, Value>, ArmError> {
        for at in 0..self.plan.len() {
            self.apply_after_others(at).await?;
        }
        loop {
            let need = match outputs(self.started.template, &self.scope()) {
                Ok(outputs) => return Ok(outputs),
                Err(Stop::Need(need)) => need,
                Err(stop) => return Err(invalid_stop(stop)),
            };
            self.fetch(need).await?;
        }
    }

    /// A resource, and before it those that it waits for.
    async fn apply_after_others(&mut self, at: usize) -> Result<(), ArmError> {
        let mut waiting = vec![at];
        while let Some(&at) = waiting.last() {
            let is_done = |at: &usize| self.done.get(*at).copied().unwrap_or(true);
            if is_done(&at) {
                waiting.pop();
                continue;
            }
            let before = self.plan.get(at).and_then(|it| it.after.iter().copied().find(|at| !is_done(at)));
            let next = match before {
                Some(before) => Progress::After(before),
                None => self.one(at).await?,
            };
            match next {
                Progress::After(other) if waiting.contains(&other) => {
                    let Some(resource) = self.plan.get(at) else { return Ok(()) };
                    let message = format!("Circular dependency detected on resource: '{}'.", resource.id);
                    return Err(invalid(&resource.fault(message)));
                }
                Progress::After(other) => waiting.push(other),
                Progress::Done => {
                    if let Some(done) = self.done.get_mut(at) {
                        *done = true;
                    }
                }
            }
        }
        Ok(())
    }

    async fn one(&mut self, at: usize) -> Result<Progress, ArmError> {
        let Some(resource) = self.plan.get(at).filter(|it| !it.is_existing && !it.is_left_out).cloned()
        else {
            return Ok(Progress::Done);
        };
        let done = loop {
            let need = match self.attempt(&resource).await {
                Ok(status) => break Ok(status),
                Err(Failure::Refused(error)) => break Err(error),
                Err(Failure::Asks(need)) => need,
            };
            let is_it = |other: &Planned<'_>| other.id.eq_ignore_ascii_case(need.id());
            let other = (0..self.plan.len()).find(|at| self.plan.get(*at).is_some_and(is_it));
            match other.filter(|other| self.done.get(*other) == Some(&false)) {
                Some(other) => return Ok(Progress::After(other)),
                None => match self.fetch(need).await {
                    Ok(()) => {}
                    Err(error) => break Err(error),
                },
            }
        };
        let error = done.as_ref().err().map(|error| about(error.clone(), &resource));
        self.steps.push(Step {
            status: done.as_ref().copied().unwrap_or_else(|error| error.status.as_u16()),
            error: error.as_ref().map(|error| error.body()["error"].clone()),
            id: resource.id,
            kind: resource.kind,
            name: resource.name,
        });
        error.map_or(Ok(Progress::Done), Err)
    }

    /// Writes a resource; the status of the answer.
    async fn attempt(&self, resource: &Planned<'t>) -> Result<u16, Failure> {
        if resource.kind.eq_ignore_ascii_case(KIND) {
            let inner = self.inner(resource)?;
            let (outcome, is_new) = Run::prepare(inner, self.resources)?.finish().await?;
            return match outcome.error {
                None => Ok(if is_new { 201 } else { 200 }),
                Some(error) => Err(inside(&error).into()),
            };
        }
        let body = resource.body(&self.scope()).map_err(Failure::from)?;
        let answer = self.resources.put(&resource.id, &resource.version, body).await?;
        Ok(answer.status.as_u16())
    }

    /// The deployment that a resource is.
    fn inner(&self, resource: &Planned<'t>) -> Result<Started<'t>, Failure> {
        let depth = self.started.depth + 1;
        if depth > DEPTH_MAX {
            return Err(refused(resource, format!("Deployments are nested more than {DEPTH_MAX} deep.")));
        }
        let properties = resource.node.get("properties");
        let node = properties.and_then(|properties| properties.get("template"));
        let node = node.ok_or_else(|| {
            refused(resource, "The deployment has no 'properties.template'; links are not followed.")
        })?;
        let scope = self.scope();
        request::check_inner_mode(properties.and_then(|properties| properties.text("mode")))?;
        let template = Template::new(node).map_err(|fault| invalid(&fault))?;
        let around = &self.started.surroundings;
        let own = |member, outer: &String| {
            resource.member(&scope, member).map(|it| it.unwrap_or_else(|| outer.clone()))
        };
        let surroundings = Surroundings {
            deployment: resource.name.clone(),
            mode: request::INCREMENTAL,
            group: own("resourceGroup", &around.group)?,
            subscription: own("subscriptionId", &around.subscription)?,
            ..around.clone()
        };
        let fuel = Arc::clone(&self.started.fuel);
        let evaluated = resource.property(&scope, "expressionEvaluationOptions")?;
        let scope_name =
            evaluated.as_ref().and_then(|options| options.get("scope")?.as_str()).unwrap_or("outer");
        if !scope_name.eq_ignore_ascii_case("inner") {
            let outer = Some(self.started.outer.unwrap_or(self.started.template));
            let parameters = self.started.parameters.clone();
            return Ok(Started { template, parameters, surroundings, fuel, outer, depth });
        }
        let given = match resource.property(&scope, "parameters")? {
            Some(Value::Object(given)) => given,
            _ => Map::new(),
        };
        let parameters =
            parameters(template, &given, &surroundings, &fuel).map_err(|fault| invalid(&fault))?;
        Ok(Started { template, parameters, surroundings, fuel, outer: None, depth })
    }

    /// Asks for what an expression needs.
    async fn fetch(&mut self, need: Need) -> Result<(), ArmError> {
        let fact = match &need {
            Need::Resource { id, version } => {
                let planned = || {
                    self.plan.iter().find(|it| it.id.eq_ignore_ascii_case(id)).map(|it| it.version.as_str())
                };
                let version = version.as_deref().or_else(planned).unwrap_or(VERSION);
                self.resources.get(id, version).await?
            }
            Need::Action { id, action, version } => self.resources.act(id, action, version).await?,
        };
        self.facts.insert(need, fact);
        Ok(())
    }
}

/// Why a resource was not written.
enum Failure {
    Refused(ArmError),
    Asks(Need),
}

impl From<ArmError> for Failure {
    fn from(error: ArmError) -> Self {
        Self::Refused(error)
    }
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Fault(fault) => Self::Refused(invalid(&fault)),
            Stop::Need(need) => Self::Asks(need),
        }
    }
}

fn refused(resource: &Planned<'_>, message: impl Into<String>) -> Failure {
    let fault: Fault = resource.fault(message);
    Failure::Refused(invalid(&fault))
}

/// A refusal that says which resource of the template it is about.
fn about(error: ArmError, resource: &Planned<'_>) -> ArmError {
    let is_said = error.violation.is_some() || error.message.contains(&resource.id);
    if is_said {
        return error;
    }
    let message =
        format!("The resource '{}' ({}) was refused: {}", resource.id, resource.path, error.message);
    ArmError { message, ..error }
}

/// The refusal of a deployment inside another.
fn inside(error: &Value) -> ArmError {
    let details = error["details"].as_array().into_iter().flatten();
    let messages: Vec<&str> = details.filter_map(|detail| detail["message"].as_str()).collect();
    let message = format!("{} {}", error["message"].as_str().unwrap_or_default(), messages.join(" "));
    ArmError::new(hyper::StatusCode::CONFLICT, "DeploymentFailed", message)
}

/// `error` of a deployment.
fn failed(error: &ArmError, outcome: &Outcome) -> Value {
    let id =
        format!("{}/providers/{KIND}/{}", outcome.surroundings.group_id(), outcome.surroundings.deployment);
    let mut detail = error.body()["error"].clone();
    if let Some(step) = outcome.steps.last().filter(|step| step.error.is_some()) {
        detail["target"] = Value::from(step.id.as_str());
    }
    json!({
        "code": "DeploymentFailed", "target": id, "details": [detail],
        "message": "At least one resource deployment operation failed. Please list deployment operations for details.",
    })
}
