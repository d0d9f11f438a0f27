//! Statements.

use super::{Fault, Limit, Vm};
use crate::code::{Handler, Local, Node, Stmt};
use crate::types::is_instance;
use crate::value::Value;

/// How a statement ended.
pub(super) enum Flow {
    Next,
    Break,
    Continue,
    /// On the way to a label.
    Goto(u32),
    /// The value waits in the machine.
    Return,
}

impl Vm<'_> {
    pub(crate) fn run_main(&mut self) -> Result<Value, Fault> {
        let main = &self.program.main;
        self.stack.resize(main.slots as usize, Value::Null);
        self.height = main.height;
        // The commonest body is one return.
        if let [Stmt::Return(Some(node))] = main.body.as_slice() {
            return self.evaluate(node);
        }
        self.run_body(&main.body)
    }

    pub(super) fn run_body(&mut self, body: &[Stmt]) -> Result<Value, Fault> {
        if let [Stmt::Return(Some(node))] = body {
            return self.evaluate(node);
        }
        match self.block(body)? {
            Flow::Return => Ok(std::mem::replace(&mut self.result, Value::Null)),
            _ => Ok(Value::Null),
        }
    }

    fn block(&mut self, body: &[Stmt]) -> Result<Flow, Fault> {
        let mut at = 0;
        while let Some(stmt) = body.get(at) {
            match self.execute(stmt)? {
                Flow::Next => at += 1,
                Flow::Goto(label) => {
                    self.steps(1)?;
                    match body.iter().position(|s| matches!(s, Stmt::Label(l) if *l == label)) {
                        Some(found) => at = found,
                        None => return Ok(Flow::Goto(label)),
                    }
                }
                other => return Ok(other),
            }
        }
        Ok(Flow::Next)
    }

    fn execute(&mut self, stmt: &Stmt) -> Result<Flow, Fault> {
        match stmt {
            Stmt::Expr(node) => self.effect(node)?,
            Stmt::Declare(local, value) => {
                let value = match value {
                    Some(node) => self.evaluate(node)?,
                    None => Value::Null,
                };
                self.declare(*local, value);
            }
            Stmt::Block(body) => return self.block(body),
            Stmt::If(condition, yes, no) => {
                if self.truth(condition)? {
                    return self.execute(yes);
                }
                if let Some(no) = no {
                    return self.execute(no);
                }
            }
            Stmt::Return(value) => {
                self.result = match value {
                    Some(node) => self.evaluate(node)?,
                    None => Value::Null,
                };
                return Ok(Flow::Return);
            }
            Stmt::Break => return Ok(Flow::Break),
            Stmt::Continue => return Ok(Flow::Continue),
            Stmt::Goto(label) => return Ok(Flow::Goto(*label)),
            Stmt::Throw(node) => {
                let value = self.evaluate(node)?;
                return Err(self.throw(&value));
            }
            Stmt::Rethrow => {
                return Err(self
                    .handled
                    .last()
                    .cloned()
                    .map_or_else(Fault::null_reference, Fault::Exception));
            }
            Stmt::LocalFunction(_) | Stmt::Label(_) => {}
            Stmt::Switch { value, variable, cases } => return self.switch(value, *variable, cases),
            Stmt::Try { body, handlers, finally } => {
                return self.try_statement(body, handlers, finally.as_deref());
            }
            Stmt::Using(local, body) => return self.using(*local, body),
            loops => return self.execute_loop(loops),
        }
        Ok(Flow::Next)
    }

    fn execute_loop(&mut self, stmt: &Stmt) -> Result<Flow, Fault> {
        match stmt {
            Stmt::While(condition, body) => {
                while self.truth(condition)? {
                    self.steps(1)?;
                    match self.execute(body)? {
                        Flow::Break => break,
                        leave @ (Flow::Return | Flow::Goto(_)) => return Ok(leave),
                        _ => {}
                    }
                }
            }
            Stmt::Do(body, condition) => loop {
                self.steps(1)?;
                match self.execute(body)? {
                    Flow::Break => break,
                    leave @ (Flow::Return | Flow::Goto(_)) => return Ok(leave),
                    _ => {}
                }
                if !self.truth(condition)? {
                    break;
                }
            },
            Stmt::For { init, condition, step, body } => {
                self.block(init)?;
                return self.for_rounds(condition.as_ref(), step, body);
            }
            Stmt::ForEach { item, convert, variable, source, body } => {
                let source = self.evaluate(source)?;
                return self.foreach(*item, convert.as_deref(), *variable, &source, body);
            }
            _ => {}
        }
        Ok(Flow::Next)
    }

    fn for_rounds(&mut self, condition: Option<&Node>, step: &[Node], body: &Stmt) -> Result<Flow, Fault> {
        loop {
            if let Some(condition) = condition
                && !self.truth(condition)?
            {
                return Ok(Flow::Next);
            }
            self.steps(1)?;
            match self.execute(body)? {
                Flow::Break => return Ok(Flow::Next),
                leave @ (Flow::Return | Flow::Goto(_)) => return Ok(leave),
                _ => {}
            }
            for node in step {
                self.effect(node)?;
            }
        }
    }

    fn foreach(
        &mut self,
        item: Local,
        convert: Option<&Node>,
        variable: Local,
        source: &Value,
        body: &Stmt,
    ) -> Result<Flow, Fault> {
        let mut iter = self.iterate(source)?;
        while let Some(value) = self.next(&mut *iter)? {
            self.declare(item, value);
            if let Some(convert) = convert {
                let value = self.evaluate(convert)?;
                self.declare(variable, value);
            }
            match self.execute(body)? {
                Flow::Break => break,
                leave @ (Flow::Return | Flow::Goto(_)) => return Ok(leave),
                _ => {}
            }
        }
        Ok(Flow::Next)
    }

    fn switch(&mut self, value: &Node, variable: Local, cases: &[crate::code::Case]) -> Result<Flow, Fault> {
        let value = self.evaluate(value)?;
        self.declare(variable, value);
        let mut chosen = None;
        'cases: for case in cases {
            for condition in &case.conditions {
                if self.truth(condition)? {
                    chosen = Some(case);
                    break 'cases;
                }
            }
        }
        let mut next = chosen.or_else(|| cases.iter().find(|case| case.is_default));
        while let Some(case) = next {
            self.steps(1)?;
            match self.block(&case.body)? {
                Flow::Break => break,
                Flow::Goto(label) => {
                    next = cases.iter().find(|case| case.label == label);
                    if next.is_none() {
                        return Ok(Flow::Goto(label));
                    }
                }
                other => return Ok(other),
            }
        }
        Ok(Flow::Next)
    }

    fn try_statement(
        &mut self,
        body: &[Stmt],
        handlers: &[Handler],
        finally: Option<&[Stmt]>,
    ) -> Result<Flow, Fault> {
        let mut outcome = self.block(body);
        if let Err(Fault::Exception(thrown)) = &outcome {
            let thrown = std::rc::Rc::clone(thrown);
            if let Some(handled) = self.handle(&thrown, handlers) {
                outcome = handled;
            }
        }
        let Some(finally) = finally else { return outcome };
        if matches!(outcome, Err(Fault::Limit(_))) {
            return outcome;
        }
        // A pending result must outlive what the finally block computes.
        let pending = std::mem::replace(&mut self.result, Value::Null);
        self.block(finally)?;
        self.result = pending;
        outcome
    }

    /// Runs the handler that takes the exception, if one does.
    fn handle(
        &mut self,
        thrown: &std::rc::Rc<super::Thrown>,
        handlers: &[Handler],
    ) -> Option<Result<Flow, Fault>> {
        let value = Value::Object(std::rc::Rc::clone(thrown) as std::rc::Rc<dyn crate::value::Object>);
        thrown.notes().borrow_mut().is_caught = true;
        for handler in handlers {
            if !is_instance(&value, &handler.ty) {
                continue;
            }
            if let Some(local) = handler.local {
                self.declare(local, value.clone());
            }
            if let Some(filter) = &handler.filter {
                match self.truth(filter) {
                    Ok(true) => {}
                    Err(limit @ Fault::Limit(_)) => return Some(Err(limit)),
                    // An exception in a filter counts as false.
                    Ok(false) | Err(_) => continue,
                }
            }
            self.handled.push(std::rc::Rc::clone(thrown));
            let outcome = self.block(&handler.body);
            self.handled.pop();
            return Some(outcome);
        }
        None
    }

    fn using(&mut self, local: Local, body: &Stmt) -> Result<Flow, Fault> {
        let outcome = self.execute(body);
        if matches!(outcome, Err(Fault::Limit(Limit::Steps | Limit::Time | Limit::Memory))) {
            return outcome;
        }
        // Nothing in the library holds anything but memory: Dispose has no effect that can be seen.
        let _ = local;
        outcome
    }
}
