//! From bound tree to code: slots for variables, cells for what closures share, heights for the stack bound.

mod parts;
mod visit;

pub(crate) use parts::settle;
pub(crate) use visit::children;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::bind::{LocalFunctionInfo, LocalInfo};
use crate::code::{Function, Local, Node, Program, Stmt};
use crate::types::Type;

/// Facts that all functions of a program share while they are lowered.
struct Lowering<'a> {
    infos: &'a [LocalInfo],
    /// Whether a variable is used by a function that does not declare it.
    shared: Vec<bool>,
    /// For each local function the variables of others that it needs, by id.
    needs: Vec<Vec<u32>>,
    keys: Vec<u32>,
}

/// The frame of a function: a slot for each variable.
#[derive(Default)]
struct Frame {
    slots: FxHashMap<u32, u32>,
}

impl Frame {
    fn slot(&mut self, id: u32) -> u32 {
        let next = self.slots.len() as u32;
        *self.slots.entry(id).or_insert(next)
    }
}

/// Lowers the main body and every local function.
pub(crate) fn program(
    body: Vec<Stmt>,
    infos: &[LocalInfo],
    functions: Vec<LocalFunctionInfo>,
    result: Type,
) -> Program {
    let mut keys = Vec::new();
    let mut codes = Vec::new();
    for info in functions {
        keys.push(info.key);
        codes.push(info.code.unwrap_or_else(|| empty(info.key)));
    }
    let mut main = Function { body, ..empty(0) };
    let mut lowering =
        Lowering { infos, shared: vec![false; infos.len()], needs: vec![Vec::new(); codes.len()], keys };
    lowering.find_needs(&codes);
    lowering.find_shared(&main, &codes);
    lowering.function(&mut main, 0, &[]);
    let mut done = Vec::with_capacity(codes.len());
    for (index, mut code) in codes.into_iter().enumerate() {
        let key = lowering.keys.get(index).copied().unwrap_or_default();
        let captured = lowering.needs.get(index).cloned().unwrap_or_default();
        lowering.function(&mut code, key, &captured);
        done.push(Arc::new(code));
    }
    Program { main, functions: done, result }
}

fn empty(key: u32) -> Function {
    Function {
        parameters: Vec::new(),
        modes: Vec::new(),
        body: Vec::new(),
        captured: Vec::new(),
        slots: key,
        height: 0,
    }
}

impl Lowering<'_> {
    fn owner(&self, id: u32) -> u32 {
        self.infos.get(id as usize).map_or(0, |info| info.owner)
    }

    /// Variables that a body uses and that belong elsewhere, nested lambdas included.
    fn free(&self, body: &[Stmt], own: &mut Vec<u32>) -> Vec<u32> {
        let mut found = Vec::new();
        visit::locals(body, &mut |use_| match use_ {
            visit::Use::Local(id) => found.push(id),
            visit::Use::Function(index) => {
                found.extend(self.needs.get(index as usize).into_iter().flatten().copied());
            }
            visit::Use::Enter(key) => own.push(key),
        });
        found.retain(|id| !own.contains(&self.owner(*id)));
        found.sort_unstable();
        found.dedup();
        found
    }

    /// What local functions need grows through their calls of each other: to a fixed point.
    fn find_needs(&mut self, codes: &[Function]) {
        loop {
            let mut grown = false;
            for (index, code) in codes.iter().enumerate() {
                let mut own = vec![self.keys.get(index).copied().unwrap_or_default()];
                let free = self.free(&code.body, &mut own);
                if self.needs.get(index).is_some_and(|known| *known != free) {
                    grown = true;
                    if let Some(known) = self.needs.get_mut(index) {
                        *known = free;
                    }
                }
            }
            if !grown {
                return;
            }
        }
    }

    fn find_shared(&mut self, main: &Function, codes: &[Function]) {
        let mut shared: Vec<u32> = self.needs.iter().flatten().copied().collect();
        for body in std::iter::once(&main.body).chain(codes.iter().map(|c| &c.body)) {
            visit::lambdas(body, &mut |key, body| {
                let mut own = vec![key];
                shared.extend(self.free(body, &mut own));
            });
        }
        for id in shared {
            if let Some(flag) = self.shared.get_mut(id as usize) {
                *flag = true;
            }
        }
    }

    fn function(&self, code: &mut Function, key: u32, captured: &[u32]) {
        let mut frame = Frame::default();
        for local in &mut code.parameters {
            self.place(local, &mut frame);
        }
        code.captured = captured
            .iter()
            .map(|id| Local {
                id: *id,
                slot: frame.slot(*id),
                cell: true,
                span: crate::span::Span::default(),
            })
            .collect();
        code.height = visit::height(&code.body);
        self.stmts(&mut code.body, key, &mut frame);
        code.slots = frame.slots.len() as u32;
    }

    fn place(&self, local: &mut Local, frame: &mut Frame) {
        local.slot = frame.slot(local.id);
        local.cell = self.shared.get(local.id as usize).copied().unwrap_or_default();
    }

    fn placed(&self, id: u32, frame: &mut Frame) -> Local {
        let mut local = Local { id, slot: 0, cell: true, span: crate::span::Span::default() };
        self.place(&mut local, frame);
        local
    }

    fn stmts(&self, body: &mut [Stmt], key: u32, frame: &mut Frame) {
        for stmt in body {
            self.stmt(stmt, key, frame);
        }
    }

    fn stmt(&self, stmt: &mut Stmt, key: u32, frame: &mut Frame) {
        visit::stmt_parts_mut(stmt, &mut |part| match part {
            visit::PartMut::Local(local) => self.place(local, frame),
            visit::PartMut::Node(node) => self.node(node, key, frame),
            visit::PartMut::Stmt(stmt) => self.stmt(stmt, key, frame),
        });
    }

    #[expect(clippy::only_used_in_recursion, reason = "each level has its own key")]
    fn node(&self, node: &mut Node, key: u32, frame: &mut Frame) {
        visit::node_locals_mut(node, &mut |local| self.place(local, frame));
        match node {
            Node::Lambda { function, captured, .. } => {
                let inner = function.slots;
                let mut own = vec![inner];
                let free = self.free(&function.body, &mut own);
                *captured = free.iter().map(|id| self.placed(*id, frame)).collect();
                self.function(Arc::make_mut(function), inner, &free);
            }
            Node::CallLocal(call) => {
                let needs = self.needs.get(call.function as usize).cloned().unwrap_or_default();
                call.captured = needs.iter().map(|id| self.placed(*id, frame)).collect();
            }
            Node::FunctionValue { function, captured, .. } => {
                let needs = self.needs.get(*function as usize).cloned().unwrap_or_default();
                *captured = needs.iter().map(|id| self.placed(*id, frame)).collect();
            }
            _ => {}
        }
        if !matches!(node, Node::Lambda { .. }) {
            visit::children_mut(node, &mut |child| self.node(child, key, frame));
        }
    }
}
