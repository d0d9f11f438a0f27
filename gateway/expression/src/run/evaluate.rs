//! Values of nodes.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Fault, Vm};
use crate::code::{Local, Node, Number, Target, WhenNull};
use crate::syntax::{Binary, Constant};
use crate::text::Text;
use crate::types::{Type, default_value, is_instance};
use crate::value::{Array, Holds, Value};

impl Vm<'_> {
    pub(crate) fn evaluate(&mut self, node: &Node) -> Result<Value, Fault> {
        match node {
            Node::Const(constant) => Ok(constant_value(constant)),
            Node::Local(local) => Ok(self.local(*local)),
            Node::Call(call) => self.call(call),
            Node::Context(part) => Ok(Value::Context(*part)),
            Node::Cast(ty, value) => {
                let value = self.evaluate(value)?;
                cast(value, ty)
            }
            Node::Concat(parts) => self.concat(parts),
            Node::Arithmetic { number: Number::I32, .. } => self.integer(node).map(Value::I32),
            Node::Arithmetic { operator, number, checked, operands } => {
                let a = self.evaluate(&operands.0)?;
                let b = self.evaluate(&operands.1)?;
                super::arithmetic::binary(*operator, *number, *checked, &a, &b)
            }
            Node::Compare { .. }
            | Node::StringEquals(..)
            | Node::Same(..)
            | Node::AndAlso(_)
            | Node::OrElse(_)
            | Node::Not(_) => self.truth(node).map(Value::Bool),
            Node::Choose(parts) => {
                if self.truth(&parts.0)? {
                    self.evaluate(&parts.1)
                } else {
                    self.evaluate(&parts.2)
                }
            }
            Node::Assign(target, value) => self.assign(target, value),
            Node::Seq(effects, value) => {
                for effect in effects {
                    self.effect(effect)?;
                }
                self.evaluate(value)
            }
            other => self.evaluate_rare(other),
        }
    }

    fn evaluate_rare(&mut self, node: &Node) -> Result<Value, Fault> {
        match node {
            Node::Logic(operator, operands) => {
                let a = self.truth(&operands.0)?;
                let b = self.truth(&operands.1)?;
                Ok(Value::Bool(logic(*operator, a, b)))
            }
            Node::Logic3(operator, operands) => {
                let a = self.evaluate(&operands.0)?;
                let b = self.evaluate(&operands.1)?;
                Ok(logic3(*operator, &a, &b))
            }
            Node::Negate(number, checked, value) => {
                let value = self.evaluate(value)?;
                super::arithmetic::negate(*number, *checked, &value)
            }
            Node::Complement(number, value) => {
                let value = self.evaluate(value)?;
                Ok(super::arithmetic::complement(*number, &value))
            }
            Node::Coalesce(parts) => {
                let value = self.evaluate(&parts.0)?;
                if value.is_null() {
                    return self.evaluate(&parts.3);
                }
                self.declare(parts.1, value);
                self.evaluate(&parts.2)
            }
            Node::Conditional(parts) => {
                let receiver = self.evaluate(&parts.0)?;
                if receiver.is_null() {
                    return Ok(Value::Null);
                }
                self.declare(parts.1, receiver);
                self.evaluate(&parts.2)
            }
            Node::Lifted(operands, operation, when_null) => self.lifted(operands, operation, *when_null),
            Node::Convert { from, to, checked, value } => {
                let value = self.evaluate(value)?;
                super::convert::numeric(*from, *to, *checked, &value)
            }
            Node::Unwrap(value) => match self.evaluate(value)? {
                Value::Null => Err(Fault::invalid_operation("Nullable object must have a value.")),
                value => Ok(value),
            },
            Node::Is(ty, value) => {
                let value = self.evaluate(value)?;
                Ok(Value::Bool(is_instance(&value, ty)))
            }
            Node::As(ty, value) => {
                let value = self.evaluate(value)?;
                Ok(if is_instance(&value, ty) { value } else { Value::Null })
            }
            Node::IsDeclare(parts) => {
                let value = self.evaluate(&parts.0)?;
                let found = is_instance(&value, &parts.1);
                if found {
                    self.declare(parts.2, value);
                }
                Ok(Value::Bool(found))
            }
            other => self.evaluate_object(other),
        }
    }

    fn evaluate_object(&mut self, node: &Node) -> Result<Value, Fault> {
        match node {
            Node::Enum(def, value) => Ok(Value::Enum(*def, *value)),
            Node::Default(ty) => Ok(default_value(ty)),
            Node::TypeOf(ty) => Ok(crate::types::type_value(ty)),
            Node::CallLocal(call) => self.call_local(call),
            Node::Lambda { function, ty, captured } => Ok(self.lambda(function, ty, captured)),
            Node::FunctionValue { function, ty, captured } => {
                Ok(self.function_value(*function, ty, captured))
            }
            Node::MethodValue { call, ty } => self.method_value(call, ty),
            Node::NewArray(element, sizes) => self.new_array(element, sizes),
            Node::Array(element, items, lengths) => {
                let items = self.values(items)?.into_vec();
                self.elements(items.len())?;
                let array = match lengths.as_slice() {
                    [_] | [] => Array::new(element.clone(), items),
                    many => Array::rectangular(element.clone(), many.to_vec(), items),
                };
                Ok(Value::Array(Rc::new(array)))
            }
            Node::Element(array, indexes) => {
                let (array, index) = self.element(array, indexes)?;
                array.get(index).ok_or_else(Fault::index)
            }
            Node::Fields(ty, items) => {
                let items = self.values(items)?.into_vec();
                self.charge(items.len() * 24)?;
                Ok(crate::types::record(ty.clone(), items))
            }
            Node::Field(record, index) => {
                let record = self.evaluate(record)?;
                crate::types::record_field(&record, *index).ok_or_else(Fault::null_reference)
            }
            Node::Throw(value) => {
                let value = self.evaluate(value)?;
                Err(self.throw(&value))
            }
            _ => Ok(Value::Null),
        }
    }

    /// Runs a node for what it does: a value that nobody takes is not made.
    pub(super) fn effect(&mut self, node: &Node) -> Result<(), Fault> {
        match node {
            Node::Assign(target, value) if let Target::Local(local) = &**target => {
                let value = self.evaluate(value)?;
                self.set_local(*local, value)?;
            }
            Node::Seq(effects, value) => {
                for effect in effects {
                    self.effect(effect)?;
                }
                self.effect(value)?;
            }
            Node::Local(_) => {}
            other => {
                self.evaluate(other)?;
            }
        }
        Ok(())
    }

    pub(super) fn local(&self, local: Local) -> Value {
        match self.stack.get(self.base + local.slot as usize) {
            Some(Value::Cell(cell)) if local.cell => cell.borrow().clone(),
            Some(value) => value.clone(),
            None => Value::Null,
        }
    }

    /// Assigns a variable.
    pub(super) fn set_local(&mut self, local: Local, value: Value) -> Result<(), Fault> {
        if !local.cell {
            self.put(local.slot, value);
            return Ok(());
        }
        let cell = self.cell(local);
        if value.holds() != Holds::Nothing {
            self.note(&cell)?;
        }
        if let Value::Cell(cell) = cell {
            *cell.borrow_mut() = value;
        }
        Ok(())
    }

    /// Gives a variable a new life: closures made before keep the old one.
    pub(super) fn declare(&mut self, local: Local, value: Value) {
        let value = if local.cell { Value::Cell(Rc::new(RefCell::new(value))) } else { value };
        self.put(local.slot, value);
    }

    pub(super) fn put(&mut self, slot: u32, value: Value) {
        if let Some(place) = self.stack.get_mut(self.base + slot as usize) {
            *place = value;
        }
    }

    /// The cell of a captured variable; one that was never declared starts as null.
    pub(super) fn cell(&mut self, local: Local) -> Value {
        if let Some(found @ Value::Cell(_)) = self.stack.get(self.base + local.slot as usize) {
            return found.clone();
        }
        let cell = Value::Cell(Rc::new(RefCell::new(Value::Null)));
        self.put(local.slot, cell.clone());
        cell
    }

    fn assign(&mut self, target: &Target, value: &Node) -> Result<Value, Fault> {
        match target {
            Target::Local(local) => {
                let value = self.evaluate(value)?;
                self.set_local(*local, value.clone())?;
                Ok(value)
            }
            Target::Discard => self.evaluate(value),
            Target::Element(array, indexes) => {
                let array = self.evaluate(array)?;
                let indexes = self.values(indexes)?;
                let value = self.evaluate(value)?;
                let (array, index) = element_of(&array, &indexes)?;
                if !stores(&array, &value) {
                    return Err(crate::clr::Error::of(crate::clr::ExceptionKind::ArrayTypeMismatch).into());
                }
                if array.element().may_hold() && value.holds() != Holds::Nothing {
                    self.note(&Value::Array(Rc::clone(&array)))?;
                }
                if array.set(index, value.clone()) { Ok(value) } else { Err(Fault::index()) }
            }
            Target::Member(call) => {
                let mut values = self.values(&call.arguments)?;
                let value = self.evaluate(value)?;
                values.push(value.clone());
                self.call_setter(call, &values)?;
                Ok(value)
            }
        }
    }

    fn element(&mut self, array: &Node, indexes: &[Node]) -> Result<(Rc<Array>, usize), Fault> {
        let array = self.evaluate(array)?;
        let indexes = self.values(indexes)?;
        element_of(&array, &indexes)
    }

    fn new_array(&mut self, element: &Type, sizes: &[Node]) -> Result<Value, Fault> {
        let sizes = self.values(sizes)?;
        let mut lengths = Vec::with_capacity(sizes.len());
        for size in &sizes {
            let size = size.as_i64().unwrap_or_default();
            let size = usize::try_from(size).map_err(|_| Fault::overflow())?;
            lengths.push(size);
        }
        let count = lengths.iter().try_fold(1usize, |all, n| all.checked_mul(*n)).unwrap_or(usize::MAX);
        if *element == Type::BYTE {
            self.charge(count)?;
            return Ok(Value::bytes(vec![0; count]));
        }
        self.elements(count)?;
        self.charge(count.saturating_mul(24))?;
        let items = vec![default_value(element); count];
        let array = match lengths.as_slice() {
            [_] => Array::new(element.clone(), items),
            _ => Array::rectangular(element.clone(), lengths, items),
        };
        Ok(Value::Array(Rc::new(array)))
    }

    fn concat(&mut self, parts: &[Node]) -> Result<Value, Fault> {
        let mut values = self.values(parts)?;
        let (mut size, mut texts) = (0, 0);
        for value in &mut values {
            if !matches!(value, Value::Null | Value::Str(_)) {
                *value = Value::Str(self.to_text(value)?);
            }
            if let Value::Str(text) = value {
                size += text.bytes();
                texts += 1;
            }
        }
        if texts == 1 {
            return Ok(values.into_iter().find(|value| !value.is_null()).unwrap_or(Value::Null));
        }
        if size > self.memory_left() {
            return Err(Fault::Limit(super::Limit::Memory));
        }
        let joined = Text::written(|out| {
            out.reserve(size);
            for value in &values {
                if let Value::Str(text) = value {
                    text.append_to(out);
                }
            }
        });
        self.text(joined)
    }

    fn lifted(
        &mut self,
        operands: &[(Node, Local)],
        operation: &Node,
        when_null: WhenNull,
    ) -> Result<Value, Fault> {
        let mut nulls = 0;
        for (node, local) in operands {
            let value = self.evaluate(node)?;
            nulls += usize::from(value.is_null());
            self.declare(*local, value);
        }
        if nulls == 0 {
            return self.evaluate(operation);
        }
        Ok(match when_null {
            WhenNull::Null => Value::Null,
            WhenNull::False => Value::Bool(false),
            WhenNull::Equal => Value::Bool(nulls == operands.len()),
            WhenNull::NotEqual => Value::Bool(nulls != operands.len()),
        })
    }

    pub(super) fn throw(&mut self, value: &Value) -> Fault {
        match value {
            Value::Object(object) => {
                let object: Rc<dyn std::any::Any> = Rc::clone(object) as Rc<dyn std::any::Any>;
                match object.downcast::<super::Thrown>() {
                    Ok(thrown) => Fault::Exception(thrown),
                    Err(_) => Fault::null_reference(),
                }
            }
            _ => Fault::null_reference(),
        }
    }
}

fn element_of(array: &Value, indexes: &[Value]) -> Result<(Rc<Array>, usize), Fault> {
    let Value::Array(array) = array else { return Err(Fault::null_reference()) };
    let mut position = 0usize;
    for (length, index) in array.lengths().iter().zip(indexes) {
        let index = index.as_i64().and_then(|i| usize::try_from(i).ok()).filter(|i| i < length);
        position = position * length + index.ok_or_else(Fault::index)?;
    }
    Ok((Rc::clone(array), position))
}

/// Whether an array takes a value: one that is known by a base type (`object[] a = new string[1]`) refuses others.
fn stores(array: &Array, value: &Value) -> bool {
    let element = array.element();
    value.is_null()
        || *element == Type::OBJECT
        || is_instance(value, element)
        // What a sequence or a delegate is at run time may say less than its static type.
        || element.is_interface()
        || element.is_delegate()
}

/// A reference cast or unboxing.
pub(crate) fn cast(value: Value, ty: &Type) -> Result<Value, Fault> {
    if value.is_null() {
        return if ty.accepts_null() { Ok(value) } else { Err(Fault::null_reference()) };
    }
    if is_instance(&value, ty) { Ok(value) } else { Err(Fault::invalid_cast(&value, ty)) }
}

pub(crate) fn constant_value(constant: &Constant) -> Value {
    match constant {
        Constant::Null => Value::Null,
        Constant::Bool(v) => Value::Bool(*v),
        Constant::Char(v) => Value::Char(*v),
        Constant::I8(v) => Value::I8(*v),
        Constant::U8(v) => Value::U8(*v),
        Constant::I16(v) => Value::I16(*v),
        Constant::U16(v) => Value::U16(*v),
        Constant::I32(v) => Value::I32(*v),
        Constant::U32(v) => Value::U32(*v),
        Constant::I64(v) => Value::I64(*v),
        Constant::U64(v) => Value::U64(*v),
        Constant::F32(v) => Value::F32(*v),
        Constant::F64(v) => Value::F64(*v),
        Constant::Decimal(v) => Value::Decimal(*v),
        Constant::Str(text) => Value::Str(Text::shared(text)),
    }
}

fn logic(operator: Binary, a: bool, b: bool) -> bool {
    match operator {
        Binary::And => a & b,
        Binary::Or => a | b,
        Binary::Eq => a == b,
        _ => a != b,
    }
}

/// Three-valued `&` and `|`.
fn logic3(operator: Binary, a: &Value, b: &Value) -> Value {
    let decisive = operator == Binary::Or;
    match (a.as_bool(), b.as_bool()) {
        (Some(x), Some(y)) => Value::Bool(logic(operator, x, y)),
        (Some(x), None) | (None, Some(x)) if x == decisive => Value::Bool(decisive),
        _ => Value::Null,
    }
}
