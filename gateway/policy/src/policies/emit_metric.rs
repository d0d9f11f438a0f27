//! `emit-metric` (`policies.md` C 4.2), and the dimensions that `llm-emit-token-metric` shares with it.

use std::sync::Arc;

use gateway_expression::{Expected, Expression, is_expression};

use crate::catalogue::{
    ALL, AttributeDef, ChildDef, Content, Kind, MANY, PolicyDef, child, optional, required,
};
use crate::compile::Compiler;
use crate::compile::arguments::{TextArg, evaluate};
use crate::exchange::Exchange;
use crate::exchange::metric::Metric;
use crate::fault::Fault;
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::Ports;
use crate::xml::Element;

/// Dimensions besides those with a value of their own (`policies.md` §10).
const CUSTOM_MAX: usize = 10;

pub const NAMESPACE: AttributeDef = optional("namespace", Kind::Text);

pub const DIMENSION: ChildDef = child(
    "dimension",
    (1, MANY),
    &[required("name", Kind::Text), optional("value", Kind::Text).expression()],
    Content::Empty,
);

pub static EMIT_METRIC: PolicyDef = PolicyDef {
    element: "emit-metric",
    sections: ALL,
    attributes: &[required("name", Kind::Text), optional("value", Kind::Double).expression(), NAMESPACE],
    content: Content::Elements(&[DIMENSION]),
    once: false,
    docs: "Adds `value` (default 1) to a metric of that `name` and `namespace` (default API Management). A `dimension` \
           without `value` is one of API ID, Operation ID, Product ID, User ID, Subscription ID, Location, Gateway ID; at \
           most 10 others. `/metrics` shows `gateway_custom_NAME` as a summary. 64 metrics a request and 10,000 \
           combinations of values a process are kept, more are counted in `gateway_metric_overflows_total`.",
    compile,
};

/// A dimension, before its expression is evaluated.
#[derive(Debug)]
pub struct Dimension {
    name: Arc<str>,
    value: DimensionValue,
}

#[derive(Debug)]
enum DimensionValue {
    Given(TextArg),
    Known(fn(&Exchange) -> Option<&str>),
}

/// Dimensions that need no value.
type Known = (&'static str, fn(&Exchange) -> Option<&str>);
const KNOWN: &[Known] = &[
    ("API ID", |e| Some(&e.caller.api.as_ref()?.id)),
    ("Operation ID", |e| Some(&e.caller.operation.as_ref()?.id)),
    ("Product ID", |e| Some(&e.caller.product.as_ref()?.id)),
    ("User ID", |e| Some(&e.caller.user.as_ref()?.id)),
    ("Subscription ID", |e| Some(&e.caller.subscription.as_ref()?.id)),
    ("Location", |e| Some(&e.deployment.region)),
    ("Gateway ID", |e| Some(&e.deployment.gateway.id)),
];

/// And of language model metrics.
pub const BACKEND_ID: Known = ("Backend ID", |e| e.destination()?.id.as_deref());

impl Dimension {
    /// Reads the children; findings go to the compiler. At most `custom_max` may have a value of their own.
    pub fn compile_all(
        element: &Element,
        custom_max: usize,
        more: &[Known],
        c: &mut Compiler<'_>,
    ) -> Vec<Self> {
        let mut dimensions: Vec<Self> = Vec::new();
        for inner in element.elements() {
            let Some(name) = c.literal(inner, "name") else { continue };
            let value = match c.text(inner, "value") {
                Some(value) => DimensionValue::Given(value),
                None => {
                    if let Some((_, read)) = KNOWN.iter().chain(more).find(|(known, _)| *known == &*name) {
                        DimensionValue::Known(*read)
                    } else {
                        let text =
                            format!("The dimension '{name}' needs a value: it is none of the default ones.");
                        c.error("metric-dimension", inner.at, text);
                        continue;
                    }
                }
            };
            if dimensions.iter().any(|known| known.name == name) {
                c.error("metric-dimension", inner.at, format!("The dimension '{name}' stands there twice."));
            }
            dimensions.push(Self { name, value });
        }
        let custom = dimensions.iter().filter(|d| matches!(d.value, DimensionValue::Given(_))).count();
        if custom > custom_max {
            let text = format!("The metric has {custom} custom dimensions, {custom_max} are allowed.");
            c.error("metric-dimension", element.at, text);
        }
        dimensions
    }

    pub fn evaluate_all(all: &[Self], exchange: &Exchange) -> Result<Vec<(Arc<str>, String)>, Fault> {
        let evaluate = |dimension: &Self| -> Result<_, Fault> {
            let value = match &dimension.value {
                DimensionValue::Given(argument) => argument.get(exchange)?.into_owned(),
                DimensionValue::Known(read) => read(exchange).unwrap_or_default().to_owned(),
            };
            Ok((Arc::clone(&dimension.name), value))
        };
        all.iter().map(evaluate).collect()
    }

    /// Reads those that need no expression once more: of some the value is known late.
    pub fn read_again(all: &[Self], values: &mut [(Arc<str>, String)], exchange: &Exchange) {
        for (dimension, (_, value)) in all.iter().zip(values) {
            if let DimensionValue::Known(read) = &dimension.value {
                read(exchange).unwrap_or_default().clone_into(value);
            }
        }
    }
}

enum Number {
    Literal(f64),
    Expression(Expression),
}

struct EmitMetric {
    name: Arc<str>,
    namespace: Arc<str>,
    value: Number,
    dimensions: Vec<Dimension>,
}

/// The namespace, or its default.
pub fn namespace(element: &Element, c: &Compiler<'_>) -> Arc<str> {
    c.literal(element, "namespace").unwrap_or_else(|| "API Management".into())
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let value = match element.attribute("value") {
        None => Some(Number::Literal(1.0)),
        Some(value) if is_expression(&value.value) => {
            c.expression(&value.value, Expected::Double, value.at).map(Number::Expression)
        }
        Some(value) => value.value.trim().parse().ok().map(Number::Literal),
    };
    let policy = EmitMetric {
        name: c.literal(element, "name")?,
        namespace: namespace(element, c),
        value: value?,
        dimensions: Dimension::compile_all(element, CUSTOM_MAX, &[], c),
    };
    (c.findings() == before).then(|| Step::sync(policy))
}

impl Policy for EmitMetric {
    fn apply(&self, exchange: &mut Exchange, _: &dyn Ports) -> Result<Flow, Fault> {
        let value = match &self.value {
            Number::Literal(value) => *value,
            Number::Expression(expression) => evaluate(expression, exchange)?
                .to_text()
                .parse()
                .map_err(|_| Fault::expression("The value of the metric is no number."))?,
        };
        if !value.is_finite() {
            return Err(Fault::expression("The value of the metric is not finite."));
        }
        let dimensions = Dimension::evaluate_all(&self.dimensions, exchange)?;
        let (namespace, name) = (Arc::clone(&self.namespace), Arc::clone(&self.name));
        exchange.metrics.add(Metric { namespace, name, value, dimensions });
        Ok(Flow::Continue)
    }
}
