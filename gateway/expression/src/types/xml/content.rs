//! What constructors and `Add` take: nodes, attributes, texts of values, sequences of all these.

use super::super::format::{date, offset};
use super::{Attribute, Node};
use crate::clr::time_span::TimeSpan;
use crate::clr::xml::{XNode, convert};
use crate::run::{Fault, Vm};
use crate::value::Value;

/// The text of a value in XML's form.
pub(super) fn text(vm: &mut Vm<'_>, value: &Value) -> Result<String, Fault> {
    Ok(match value {
        Value::Bool(v) => convert::boolean_text(*v).to_owned(),
        Value::F32(v) => convert::single_text(*v),
        Value::F64(v) => convert::double_text(*v),
        Value::Decimal(v) => convert::decimal_text(v),
        Value::DateTime(ticks, kind) => convert::date_text(date(*ticks, *kind)?),
        Value::DateTimeOffset(ticks, minutes) => convert::date_offset_text(offset(*ticks, *minutes)?),
        Value::TimeSpan(ticks) => convert::time_span_text(TimeSpan(*ticks)),
        other => vm.to_text(other)?.as_str().to_owned(),
    })
}

pub(super) fn add(vm: &mut Vm<'_>, target: &XNode, content: &Value, first: bool) -> Result<(), Fault> {
    if content.is_null() {
        return Ok(());
    }
    vm.charge(64)?;
    if let Some(node) = content.downcast::<Node>() {
        super::charge_copy(vm, &node.0)?;
        if first {
            target.add_first(&node.0)?;
        } else {
            target.add(&node.0)?;
        }
        return Ok(());
    }
    if let Some(attribute) = content.downcast::<Attribute>() {
        if first {
            return Err(Fault::argument("An attribute cannot be added to content.", ""));
        }
        target.add_attribute(&attribute.0)?;
        return Ok(());
    }
    if vm.is_sequence(content) {
        let mut items = vm.collect(content)?;
        if first {
            items.reverse();
        }
        for item in &items {
            add(vm, target, item, first)?;
        }
        return Ok(());
    }
    let text = text(vm, content)?;
    if first {
        target.add_first_text(&text)?;
    } else {
        target.add_text(&text)?;
    }
    Ok(())
}

/// The nodes of a content, for `AddAfterSelf` and its kin.
pub(super) fn nodes(vm: &mut Vm<'_>, content: &Value, into: &mut Vec<XNode>) -> Result<(), Fault> {
    if content.is_null() {
        return Ok(());
    }
    if let Some(node) = content.downcast::<Node>() {
        into.push(node.0.clone());
        return Ok(());
    }
    if vm.is_sequence(content) {
        for item in vm.collect(content)? {
            nodes(vm, &item, into)?;
        }
        return Ok(());
    }
    into.push(XNode::text(&text(vm, content)?));
    Ok(())
}
