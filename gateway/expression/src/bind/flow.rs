//! Definite assignment (C# specification §9.4).

use rustc_hash::{FxHashMap, FxHashSet};

use super::Binder;
use super::reach::{continues, takes_all};
use crate::code::{Call, Case, Handler, Node, Stmt, Target};
use crate::span::Span;
use crate::syntax::{Constant, Mode};

/// Variables that have a value; `None` stands for unreachable code, where all of them do.
type Set = Option<FxHashSet<u32>>;

/// The state after a condition, by its outcome.
struct Split {
    yes: Set,
    no: Set,
}

struct Flow<'a, 'b> {
    binder: &'a mut Binder<'b>,
    state: Set,
    /// States at the breaks of the enclosing loop or switch.
    breaks: Vec<Vec<Set>>,
    /// States at the gotos seen so far, by label.
    jumps: FxHashMap<u32, Vec<Set>>,
    /// The `out` parameters of the function at hand, and the place of its name.
    outs: (Vec<u32>, Span),
    /// Declared in code seen so far: others belong to functions outside.
    known: FxHashSet<u32>,
}

impl Binder<'_> {
    /// Reports CS0165 and, when the end can be reached, CS0161.
    pub(super) fn analyse(&mut self, body: &[Stmt], end: Option<Span>) {
        if !self.reports.is_empty() {
            return;
        }
        let mut flow = Flow {
            binder: self,
            state: Some(FxHashSet::default()),
            breaks: Vec::new(),
            jumps: FxHashMap::default(),
            outs: (Vec::new(), Span::default()),
            known: FxHashSet::default(),
        };
        flow.block(body);
        if let (Some(span), Some(_)) = (end, &flow.state) {
            self.report("CS0161", "not all code paths return a value".to_owned(), span);
        }
    }
}

/// What holds whichever way the code was reached.
fn join(a: Set, b: Set) -> Set {
    match (a, b) {
        (None, other) | (other, None) => other,
        (Some(a), Some(b)) => Some(a.intersection(&b).copied().collect()),
    }
}

impl Flow<'_, '_> {
    fn block(&mut self, body: &[Stmt]) {
        for stmt in body {
            self.stmt(stmt);
        }
    }

    fn assign(&mut self, id: u32) {
        self.known.insert(id);
        if let Some(state) = &mut self.state {
            state.insert(id);
        }
    }

    fn read(&mut self, id: u32, span: Span) {
        let Some(info) = self.binder.info(id) else { return };
        if info.assigned || !self.known.contains(&id) {
            return;
        }
        let name = info.name.clone();
        if self.state.as_ref().is_some_and(|state| !state.contains(&id)) {
            let message = format!("Use of unassigned local variable '{name}'");
            self.binder.report("CS0165", message, span);
            self.assign(id);
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Expr(node) => self.node(node),
            Stmt::Declare(local, value) => {
                self.known.insert(local.id);
                if let Some(value) = value {
                    self.node(value);
                    self.assign(local.id);
                } else if let Some(state) = &mut self.state {
                    state.remove(&local.id);
                }
            }
            Stmt::Block(body) => self.block(body),
            Stmt::If(condition, yes, no) => {
                let split = self.condition(condition);
                self.state = split.yes;
                self.stmt(yes);
                let after = std::mem::replace(&mut self.state, split.no);
                if let Some(no) = no {
                    self.stmt(no);
                }
                self.state = join(after, self.state.take());
            }
            Stmt::Return(value) => {
                if let Some(value) = value {
                    self.node(value);
                }
                self.leave();
                self.state = None;
            }
            Stmt::Throw(value) => {
                self.node(value);
                self.state = None;
            }
            Stmt::Rethrow | Stmt::Continue => self.state = None,
            Stmt::Break => {
                let state = self.state.take();
                if let Some(list) = self.breaks.last_mut() {
                    list.push(state);
                }
            }
            Stmt::Goto(label) => {
                let state = self.state.take();
                self.jumps.entry(*label).or_default().push(state);
            }
            Stmt::Label(label) => self.land(*label),
            Stmt::Switch { value, variable, cases } => {
                self.node(value);
                self.assign(variable.id);
                self.switch(cases);
            }
            Stmt::Try { body, handlers, finally } => self.try_statement(body, handlers, finally.as_deref()),
            Stmt::Using(_, body) => self.stmt(body),
            Stmt::LocalFunction(index) => self.local_function(*index),
            loops => self.loops(loops),
        }
    }

    /// Joins in the states of the jumps to a label. A jump from below has assigned no less than the label itself.
    fn land(&mut self, label: u32) {
        for state in self.jumps.remove(&label).unwrap_or_default() {
            self.state = join(self.state.take(), state);
        }
    }

    fn loops(&mut self, stmt: &Stmt) {
        self.breaks.push(Vec::new());
        match stmt {
            Stmt::While(condition, body) => {
                let split = self.condition(condition);
                self.state = split.yes;
                self.stmt(body);
                self.state = split.no;
            }
            Stmt::Do(body, condition) => {
                let before = self.state.clone();
                self.stmt(body);
                if self.state.is_none() && continues(body) {
                    self.state = before;
                }
                self.state = self.condition(condition).no;
            }
            Stmt::For { init, condition, step, body } => {
                self.block(init);
                let split = match condition {
                    Some(condition) => self.condition(condition),
                    None => Split { yes: self.state.take(), no: None },
                };
                self.state = split.yes.clone();
                self.stmt(body);
                if self.state.is_none() && continues(body) {
                    self.state = split.yes;
                }
                for node in step {
                    self.node(node);
                }
                self.state = split.no;
            }
            Stmt::ForEach { item, variable, source, body, convert } => {
                self.node(source);
                let before = self.state.clone();
                self.assign(item.id);
                self.assign(variable.id);
                if let Some(convert) = convert {
                    self.node(convert);
                }
                self.stmt(body);
                self.state = before;
            }
            _ => {}
        }
        self.join_breaks();
    }

    fn join_breaks(&mut self) {
        for state in self.breaks.pop().unwrap_or_default() {
            self.state = join(self.state.take(), state);
        }
    }

    fn switch(&mut self, cases: &[Case]) {
        self.breaks.push(Vec::new());
        let start = self.state.clone();
        let mut after: Set = if cases.iter().any(takes_all) { None } else { start.clone() };
        for case in cases {
            let mut entry: Set = if case.is_default { start.clone() } else { None };
            for condition in &case.conditions {
                self.state = start.clone();
                entry = join(entry, self.condition(condition).yes);
            }
            self.state = entry;
            self.land(case.label);
            self.block(&case.body);
            after = join(after, self.state.take());
        }
        self.state = after;
        self.join_breaks();
    }

    fn try_statement(&mut self, body: &[Stmt], handlers: &[Handler], finally: Option<&[Stmt]>) {
        let start = self.state.clone();
        self.block(body);
        let mut end = self.state.take();
        for handler in handlers {
            self.state = start.clone();
            if let Some(local) = handler.local {
                self.assign(local.id);
            }
            if let Some(filter) = &handler.filter {
                self.state = self.condition(filter).yes;
            }
            self.block(&handler.body);
            end = join(end, self.state.take());
        }
        let Some(finally) = finally else {
            self.state = end;
            return;
        };
        self.state = start;
        self.block(finally);
        self.state = match (end, self.state.take()) {
            (Some(a), Some(b)) => Some(a.union(&b).copied().collect()),
            _ => None,
        };
    }

    /// CS0177 where a function ends and an `out` parameter has no value yet.
    fn leave(&mut self) {
        let (outs, span) = (self.outs.0.clone(), self.outs.1);
        for id in outs {
            if self.state.as_ref().is_some_and(|state| !state.contains(&id)) {
                let name = self.binder.info(id).map(|i| i.name.to_string()).unwrap_or_default();
                let message = format!(
                    "The out parameter '{name}' must be assigned to before control leaves the current method"
                );
                self.binder.report("CS0177", message, span);
            }
        }
    }

    /// A local function's body sees what is assigned where it stands.
    fn local_function(&mut self, index: u32) {
        let Some(info) = self.binder.functions.get_mut(index as usize) else { return };
        let Some(code) = info.code.take() else { return };
        let span = info.span;
        let before = self.state.clone();
        // Captured variables are checked at calls by C#; here the body may assume them.
        let known = std::mem::take(&mut self.known);
        let outs = code.parameters.iter().zip(&code.modes).filter(|(_, mode)| **mode == Mode::Out);
        let outs: Vec<u32> = outs.map(|(local, _)| local.id).collect();
        self.known.extend(&outs);
        let outer = std::mem::replace(&mut self.outs, (outs, span));
        let breaks = std::mem::take(&mut self.breaks);
        self.block(&code.body);
        self.leave();
        self.breaks = breaks;
        self.outs = outer;
        self.known = known;
        self.state = before;
        if let Some(info) = self.binder.functions.get_mut(index as usize) {
            info.code = Some(code);
        }
    }

    /// A condition: what is assigned when it holds, and when it does not.
    fn condition(&mut self, node: &Node) -> Split {
        match node {
            Node::Const(Constant::Bool(true)) => Split { yes: self.state.take(), no: None },
            Node::Const(Constant::Bool(false)) => Split { yes: None, no: self.state.take() },
            Node::Not(inner) => {
                let split = self.condition(inner);
                Split { yes: split.no, no: split.yes }
            }
            Node::AndAlso(pair) => {
                let first = self.condition(&pair.0);
                self.state = first.yes;
                let second = self.condition(&pair.1);
                Split { yes: second.yes, no: join(first.no, second.no) }
            }
            Node::OrElse(pair) => {
                let first = self.condition(&pair.0);
                self.state = first.no;
                let second = self.condition(&pair.1);
                Split { yes: join(first.yes, second.yes), no: second.no }
            }
            Node::IsDeclare(parts) => {
                self.node(&parts.0);
                self.known.insert(parts.2.id);
                let no = self.state.clone();
                self.assign(parts.2.id);
                Split { yes: self.state.take(), no }
            }
            Node::Seq(effects, value) => {
                for effect in effects {
                    self.node(effect);
                }
                self.condition(value)
            }
            other => {
                self.node(other);
                let state = self.state.take();
                Split { yes: state.clone(), no: state }
            }
        }
    }

    fn nodes(&mut self, nodes: &[Node]) {
        for node in nodes {
            self.node(node);
        }
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Local(local) => self.read(local.id, local.span),
            Node::Assign(target, value) => self.assignment(target, value),
            Node::AndAlso(_) | Node::OrElse(_) | Node::Not(_) | Node::IsDeclare(_) => {
                let split = self.condition(node);
                self.state = join(split.yes, split.no);
            }
            Node::Choose(parts) => {
                let split = self.condition(&parts.0);
                self.state = split.yes;
                self.node(&parts.1);
                let after = std::mem::replace(&mut self.state, split.no);
                self.node(&parts.2);
                self.state = join(after, self.state.take());
            }
            Node::Coalesce(parts) => {
                self.node(&parts.0);
                self.assign(parts.1.id);
                let after = self.state.clone();
                self.node(&parts.3);
                let other = std::mem::replace(&mut self.state, after);
                self.node(&parts.2);
                self.state = join(self.state.take(), other);
            }
            Node::Conditional(parts) => {
                self.node(&parts.0);
                let before = self.state.clone();
                self.assign(parts.1.id);
                self.node(&parts.2);
                self.state = join(before, self.state.take());
            }
            Node::Throw(value) => {
                self.node(value);
                self.state = None;
            }
            Node::Call(call) => self.call(call),
            Node::CallLocal(call) => {
                self.nodes(&call.arguments);
                for (_, local) in &call.references {
                    self.assign(local.id);
                }
            }
            Node::Lambda { function, .. } => {
                let before = self.state.clone();
                let breaks = std::mem::take(&mut self.breaks);
                let outs = std::mem::take(&mut self.outs);
                self.block(&function.body);
                self.outs = outs;
                self.breaks = breaks;
                self.state = before;
            }
            other => crate::lower::children(other, &mut |child| self.node(child)),
        }
    }

    fn call(&mut self, call: &Call) {
        self.nodes(&call.arguments);
        for (_, local) in &call.references {
            self.assign(local.id);
        }
    }

    fn assignment(&mut self, target: &Target, value: &Node) {
        match target {
            Target::Local(local) => {
                self.node(value);
                self.assign(local.id);
            }
            Target::Discard => self.node(value),
            Target::Element(array, indexes) => {
                self.node(array);
                self.nodes(indexes);
                self.node(value);
            }
            Target::Member(call) => {
                self.nodes(&call.arguments);
                self.node(value);
            }
        }
    }
}
