//! Calls: library members, lambdas, local functions.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use smallvec::SmallVec;

use super::evaluate::constant_value;
use super::{Fault, HEIGHT_MAX, Limit, Vm};
use crate::code::{Call, Function, Local, LocalCall, Node};
use crate::types::{Args, MemberDef, Type};
use crate::value::{Holds, Value};

pub(super) type Values = SmallVec<[Value; 4]>;

/// A delegate: code and the variables it shares with where it was made.
pub struct Closure {
    pub(crate) ty: Type,
    kind: Kind,
}

enum Kind {
    Lambda { function: Arc<Function>, captured: Vec<Value> },
    Method { member: &'static MemberDef, types: Box<[Type]>, receiver: Option<Value> },
}

impl Drop for Closure {
    fn drop(&mut self) {
        match &mut self.kind {
            Kind::Lambda { captured, .. } => crate::value::release(std::mem::take(captured)),
            Kind::Method { receiver, .. } => crate::value::release(receiver.take()),
        }
    }
}

impl Closure {
    /// Whether two delegates call the same thing.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (
                Kind::Method { member: a, receiver: None, .. },
                Kind::Method { member: b, receiver: None, .. },
            ) => std::ptr::eq(*a, *b),
            _ => std::ptr::eq(self, other),
        }
    }
}

/// How much a native call may go through for an argument, in units of work.
fn extent(value: &Value) -> u64 {
    match value {
        Value::Str(text) => text.bytes() as u64 / 64,
        Value::Array(array) => array.len() as u64 / 16,
        Value::Object(object) => 32 + object.extent() as u64 / 16,
        _ => 0,
    }
}

impl Vm<'_> {
    pub(super) fn call(&mut self, call: &Call) -> Result<Value, Fault> {
        if !call.references.is_empty() {
            return self.call_by_reference(call);
        }
        match call.arguments.as_slice() {
            [only] => {
                let values = [self.argument(only)?];
                self.run_member(call, &values)
            }
            [first, second] => {
                let values = [self.argument(first)?, self.argument(second)?];
                self.run_member(call, &values)
            }
            many => {
                let values = self.values(many)?;
                self.run_member(call, &values)
            }
        }
    }

    fn run_member(&mut self, call: &Call, values: &[Value]) -> Result<Value, Fault> {
        self.enter_member(call, values)?;
        (call.member.run)(self, &Args { values, types: &call.types, member: call.member })
    }

    /// What each call of a member checks and costs.
    fn enter_member(&mut self, call: &Call, values: &[Value]) -> Result<(), Fault> {
        if call.checks_null && values.first().is_none_or(Value::is_null) {
            return Err(Fault::null_reference());
        }
        self.steps(1)?;
        self.work(values.iter().map(extent).sum())?;
        self.note_given(values)
    }

    /// Notes the containers of a call that may give them something: they may hold themselves afterwards.
    pub(super) fn note_given(&mut self, values: &[Value]) -> Result<(), Fault> {
        if values.len() < 2 {
            return Ok(());
        }
        let (mut given, mut holding) = (0, 0);
        for value in values {
            match value.holds() {
                Holds::Nothing => {}
                Holds::Fixed => holding += 1,
                Holds::Given => given += 1,
            }
        }
        if given == 0 || given + holding < 2 {
            return Ok(());
        }
        for container in values.iter().filter(|value| value.holds() == Holds::Given) {
            self.note(container)?;
        }
        Ok(())
    }

    #[cold]
    pub(super) fn note(&mut self, container: &Value) -> Result<(), Fault> {
        if self.cycles.note(container) { self.charge(32) } else { Ok(()) }
    }

    fn call_by_reference(&mut self, call: &Call) -> Result<Value, Fault> {
        let mut values = self.values(&call.arguments)?;
        self.enter_member(call, &values)?;
        let cells = self.reference_cells(&mut values, &call.references);
        let args = Args { values: &values, types: &call.types, member: call.member };
        let result = (call.member.run)(self, &args);
        self.write_back(&cells, &call.references)?;
        result
    }

    /// Sets a property or indexer: the value is the last argument.
    pub(super) fn call_setter(&mut self, call: &Call, values: &[Value]) -> Result<(), Fault> {
        if call.checks_null && values.first().is_none_or(Value::is_null) {
            return Err(Fault::null_reference());
        }
        self.steps(1)?;
        self.note_given(values)?;
        let args = Args { values, types: &call.types, member: call.member };
        match call.member.set {
            Some(set) => set(self, &args).map(|_| ()),
            None => Err(Fault::not_supported("The member is read-only.")),
        }
    }

    pub(super) fn values(&mut self, nodes: &[Node]) -> Result<Values, Fault> {
        let mut values = Values::with_capacity(nodes.len());
        for node in nodes {
            // Each kind pushes for itself: by a common place every value would be copied three times.
            match node {
                Node::Local(local) => values.push(self.local(*local)),
                Node::Const(constant) => values.push(constant_value(constant)),
                other => values.push(self.evaluate(other)?),
            }
        }
        Ok(values)
    }

    /// As `evaluate`: most arguments are variables and constants, which need no way through the others.
    #[inline]
    fn argument(&mut self, node: &Node) -> Result<Value, Fault> {
        match node {
            Node::Local(local) => Ok(self.local(*local)),
            Node::Const(constant) => Ok(constant_value(constant)),
            other => self.evaluate(other),
        }
    }

    fn reference_cells(
        &mut self,
        values: &mut Values,
        references: &[(usize, Local)],
    ) -> Vec<Rc<RefCell<Value>>> {
        let mut cells = Vec::with_capacity(references.len());
        for (position, _) in references {
            let Some(slot) = values.get_mut(*position) else { continue };
            let cell = Rc::new(RefCell::new(slot.clone()));
            *slot = Value::Cell(Rc::clone(&cell));
            cells.push(cell);
        }
        cells
    }

    fn write_back(
        &mut self,
        cells: &[Rc<RefCell<Value>>],
        references: &[(usize, Local)],
    ) -> Result<(), Fault> {
        for (cell, (_, local)) in cells.iter().zip(references) {
            let value = cell.borrow().clone();
            self.set_local(*local, value)?;
        }
        Ok(())
    }

    pub(super) fn call_local(&mut self, call: &LocalCall) -> Result<Value, Fault> {
        let Some(code) = self.program.functions.get(call.function as usize) else { return Ok(Value::Null) };
        let code = Arc::clone(code);
        let mut values = self.values(&call.arguments)?;
        let captured = self.cells(&call.captured);
        let cells = self.reference_cells(&mut values, &call.references);
        let result = self.enter(&code, &values, &captured);
        self.write_back(&cells, &call.references)?;
        result
    }

    fn cells(&mut self, locals: &[Local]) -> Vec<Value> {
        locals.iter().map(|local| self.cell(*local)).collect()
    }

    pub(super) fn lambda(&mut self, function: &Arc<Function>, ty: &Type, captured: &[Local]) -> Value {
        let captured = self.cells(captured);
        Value::Func(Rc::new(Closure {
            ty: ty.clone(),
            kind: Kind::Lambda { function: Arc::clone(function), captured },
        }))
    }

    pub(super) fn function_value(&mut self, function: u32, ty: &Type, captured: &[Local]) -> Value {
        match self.program.functions.get(function as usize) {
            Some(code) => {
                let code = Arc::clone(code);
                self.lambda(&code, ty, captured)
            }
            None => Value::Null,
        }
    }

    pub(super) fn method_value(&mut self, call: &Call, ty: &Type) -> Result<Value, Fault> {
        let values = self.values(&call.arguments)?;
        let receiver = values.into_iter().next();
        if call.checks_null && receiver.as_ref().is_none_or(Value::is_null) {
            return Err(Fault::null_reference());
        }
        let kind = Kind::Method { member: call.member, types: call.types.clone(), receiver };
        Ok(Value::Func(Rc::new(Closure { ty: ty.clone(), kind })))
    }

    /// Calls a delegate.
    pub(crate) fn call_function(&mut self, function: &Value, arguments: &[Value]) -> Result<Value, Fault> {
        let Value::Func(closure) = function else { return Err(Fault::null_reference()) };
        let closure = Rc::clone(closure);
        match &closure.kind {
            Kind::Lambda { function, captured } => self.enter(function, arguments, captured),
            Kind::Method { member, types, receiver } => {
                self.steps(1)?;
                let values: Values = receiver.iter().chain(arguments).cloned().collect();
                self.note_given(&values)?;
                (member.run)(self, &Args { values: &values, types, member })
            }
        }
    }

    /// Runs a function in a frame of its own.
    pub(super) fn enter(
        &mut self,
        code: &Function,
        arguments: &[Value],
        captured: &[Value],
    ) -> Result<Value, Fault> {
        self.steps(1)?;
        self.depth += 1;
        self.height += code.height;
        let base = std::mem::replace(&mut self.base, self.stack.len());
        let result = if self.depth > self.limits.depth || self.height > HEIGHT_MAX {
            Err(Fault::Limit(Limit::Depth))
        } else {
            self.stack.resize(self.base + code.slots as usize, Value::Null);
            for (local, value) in code.parameters.iter().zip(arguments) {
                self.bind_parameter(*local, value.clone());
            }
            for (local, value) in code.captured.iter().zip(captured) {
                self.put(local.slot, value.clone());
            }
            self.run_body(&code.body)
        };
        let result = self.return_references(code, arguments, result);
        self.stack.truncate(self.base);
        self.base = base;
        self.depth -= 1;
        self.height -= code.height;
        result
    }

    /// A by-reference parameter is a variable of the callee, copied back at the end.
    fn bind_parameter(&mut self, local: Local, value: Value) {
        let value = match value {
            Value::Cell(cell) => cell.borrow().clone(),
            other => other,
        };
        self.declare(local, value);
    }

    fn return_references(
        &mut self,
        code: &Function,
        arguments: &[Value],
        result: Result<Value, Fault>,
    ) -> Result<Value, Fault> {
        for (local, argument) in code.parameters.iter().zip(arguments) {
            if let Value::Cell(cell) = argument {
                let value = self.local(*local);
                *cell.borrow_mut() = value;
            }
        }
        result
    }
}
