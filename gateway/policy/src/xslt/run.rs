//! Runs a stylesheet over a document (XSLT 1.0 §5, §6, §11).

mod copy;
mod host;
mod instructions;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::instruction::{Binding, Body, Given, Instruction};
use super::output::Output;
use super::stylesheet::Stylesheet;
use super::tree::{Kind, Name, Tree};
use super::xpath::{Context, Node, Value, data};
use super::{Error, Limits};

/// Result trees may take so many times the bytes of the result.
const TREES_PER_RESULT: usize = 4;

/// What a node costs beside its text, in bytes.
const NODE_BYTES: usize = 64;

/// One run of a stylesheet.
pub struct Transformation<'s> {
    sheet: &'s Stylesheet,
    trees: Vec<Tree>,
    globals: Vec<Global>,
    locals: Vec<(&'s Name, Value)>,
    /// Where the locals of the template at work begin.
    frame: usize,
    outputs: Vec<Output>,
    /// Values to nodes, by tree and key.
    keys: RefCell<HashMap<(u32, usize), Rc<Index>>>,
    /// The global whose value an expression asked for before it was there.
    missing: Cell<Option<usize>>,
    steps_left: Cell<u64>,
    bytes_left: usize,
    depth_left: u32,
}

type Index = HashMap<String, Vec<Node>>;

/// A top-level variable or parameter.
enum Global {
    Unset,
    /// Its value is being worked out.
    Busy,
    Set(Value),
}

/// Where instructions run.
#[derive(Clone, Copy)]
struct Focus<'s> {
    node: Node,
    position: usize,
    size: usize,
    mode: Option<&'s Name>,
}

type Done = Result<(), Error>;

impl<'s> Transformation<'s> {
    pub fn new(sheet: &'s Stylesheet, source: Tree, parameters: &[(String, String)], limits: Limits) -> Self {
        let source = copy::stripped(sheet, source);
        let given = |binding: &Binding| {
            let name = &binding.name;
            let found = parameters.iter().rev().find(|(known, _)| binding.is_parameter && name.is("", known));
            found.map_or(Global::Unset, |(_, value)| Global::Set(Value::text(value)))
        };
        Self {
            sheet,
            trees: vec![source],
            globals: sheet.globals.iter().map(given).collect(),
            locals: Vec::new(),
            frame: 0,
            outputs: Vec::new(),
            keys: RefCell::default(),
            missing: Cell::new(None),
            steps_left: Cell::new(limits.steps),
            bytes_left: limits.bytes.saturating_mul(TREES_PER_RESULT),
            depth_left: limits.depth,
        }
    }

    /// The result.
    pub fn run(mut self) -> Result<Tree, Error> {
        for index in 0..self.globals.len() {
            self.global(index)?;
        }
        let focus = Focus { node: Node { tree: 0, index: 0 }, position: 1, size: 1, mode: None };
        self.outputs.push(Output::result());
        self.apply(&focus, Rc::new(Vec::new()))?;
        Ok(self.outputs.pop().unwrap_or_default().finish())
    }

    /// Works out a global; one that it needs first.
    fn global(&mut self, index: usize) -> Done {
        if !matches!(self.globals.get(index), Some(Global::Unset)) {
            return Ok(());
        }
        let sheet = self.sheet;
        let Some(binding) = sheet.globals.get(index) else { return Ok(()) };
        let root = Node { tree: 0, index: 0 };
        let focus = Focus { node: root, position: 1, size: 1, mode: None };
        self.descend()?;
        let value = loop {
            self.set_global(index, Global::Busy);
            let (locals, frame, outputs) = (self.locals.len(), self.frame, self.outputs.len());
            self.frame = locals;
            let found = self.given(&binding.value, &focus);
            self.locals.truncate(locals);
            self.outputs.truncate(outputs);
            self.frame = frame;
            match (found, self.missing.take()) {
                (Err(_), Some(needed)) => {
                    self.set_global(index, Global::Busy);
                    self.global(needed)?;
                }
                (found, _) => break found?,
            }
        };
        self.depth_left += 1;
        self.set_global(index, Global::Set(value));
        Ok(())
    }

    fn set_global(&mut self, index: usize, value: Global) {
        if let Some(slot) = self.globals.get_mut(index) {
            *slot = value;
        }
    }

    fn context<'c>(&'c self, focus: &Focus<'s>) -> Context<'c> {
        Context {
            host: self,
            node: focus.node,
            position: focus.position,
            size: focus.size,
            current: focus.node,
        }
    }

    fn descend(&mut self) -> Done {
        self.depth_left = self.depth_left.checked_sub(1).ok_or_else(|| {
            Error::new("The stylesheet nests templates too deeply: it probably never ends.")
        })?;
        Ok(())
    }

    /// Runs instructions; what they bind is gone behind them.
    fn execute(&mut self, body: &'s [Instruction], focus: &Focus<'s>) -> Done {
        self.descend()?;
        let locals = self.locals.len();
        for instruction in body {
            self.instruction(instruction, focus)?;
        }
        self.locals.truncate(locals);
        self.depth_left += 1;
        Ok(())
    }

    /// What instructions write, as a tree of its own.
    fn fragment(&mut self, body: &'s Body, focus: &Focus<'s>) -> Result<u32, Error> {
        self.outputs.push(Output::default());
        self.execute(body, focus)?;
        let tree = self.outputs.pop().unwrap_or_default().finish();
        self.trees.push(tree);
        Ok(self.trees.len() as u32 - 1)
    }

    /// The text that instructions write.
    fn text_of(&mut self, body: &'s Body, focus: &Focus<'s>) -> Result<String, Error> {
        self.outputs.push(Output::default());
        self.execute(body, focus)?;
        let tree = self.outputs.pop().unwrap_or_default().finish();
        Ok(tree.string_value(0))
    }

    fn given(&mut self, value: &'s Given, focus: &Focus<'s>) -> Result<Value, Error> {
        match value {
            Given::Select(expr) => self.context(focus).value(expr),
            Given::Body(body) => Ok(Value::Fragment(self.fragment(body, focus)?)),
            Given::Empty => Ok(Value::text("")),
        }
    }

    fn parameters(
        &mut self,
        bindings: &'s [Binding],
        focus: &Focus<'s>,
    ) -> Result<Rc<Vec<(&'s Name, Value)>>, Error> {
        let mut found = Vec::with_capacity(bindings.len());
        for binding in bindings {
            found.push((&binding.name, self.given(&binding.value, focus)?));
        }
        Ok(Rc::new(found))
    }

    /// Applies the rule that fits the node, or the built-in one (§5.8).
    fn apply(&mut self, focus: &Focus<'s>, parameters: Rc<Vec<(&'s Name, Value)>>) -> Done {
        let sheet = self.sheet;
        let rules = sheet.rules.get(&focus.mode.cloned()).map_or(&[][..], Vec::as_slice);
        for rule in rules {
            if rule.pattern.matches(&self.context(focus))? {
                return self.template(rule.template, focus, &parameters);
            }
        }
        self.built_in(focus)
    }

    /// The rule for what no template matches: content is gone through, text copied.
    fn built_in(&mut self, focus: &Focus<'s>) -> Done {
        let Some(node) = data(self, focus.node) else { return Ok(()) };
        match node.kind {
            Kind::Root | Kind::Element => {
                self.descend()?;
                let tree = focus.node.tree;
                let children: Vec<Node> = self
                    .trees
                    .get(tree as usize)
                    .into_iter()
                    .flat_map(|own| own.children(focus.node.index))
                    .map(|index| Node { tree, index })
                    .collect();
                self.apply_all(&children, focus.mode, &Rc::new(Vec::new()))?;
                self.depth_left += 1;
                Ok(())
            }
            Kind::Text | Kind::RawText | Kind::Attribute => {
                let text = node.value.clone();
                self.write_text(&text, false)
            }
            _ => Ok(()),
        }
    }

    fn apply_all(
        &mut self,
        nodes: &[Node],
        mode: Option<&'s Name>,
        parameters: &Rc<Vec<(&'s Name, Value)>>,
    ) -> Done {
        let size = nodes.len();
        for (index, node) in nodes.iter().enumerate() {
            let focus = Focus { node: *node, position: index + 1, size, mode };
            self.apply(&focus, Rc::clone(parameters))?;
        }
        Ok(())
    }

    /// Runs a template: its parameters have the values given, or their own.
    fn template(&mut self, index: usize, focus: &Focus<'s>, given: &[(&'s Name, Value)]) -> Done {
        let sheet = self.sheet;
        let body: &'s Arc<Body> = match sheet.templates.get(index) {
            Some(template) => &template.body,
            None => return Ok(()),
        };
        let (locals, frame) = (self.locals.len(), self.frame);
        self.frame = locals;
        let mut rest = body.as_slice();
        while let Some((Instruction::Variable(binding), behind)) = rest.split_first() {
            if !binding.is_parameter {
                break;
            }
            let passed =
                given.iter().find(|(name, _)| **name == binding.name).map(|(_, value)| value.clone());
            let value = match passed {
                Some(value) => value,
                None => self.given(&binding.value, focus)?,
            };
            self.locals.push((&binding.name, value));
            rest = behind;
        }
        self.execute(rest, focus)?;
        self.locals.truncate(locals);
        self.frame = frame;
        Ok(())
    }

    fn spend(&mut self, bytes: usize) -> Done {
        let left = self.bytes_left.checked_sub(bytes.saturating_add(NODE_BYTES));
        self.bytes_left = left.ok_or_else(|| Error::new("The result of the stylesheet is too large."))?;
        Ok(())
    }

    fn write_text(&mut self, text: &str, is_raw: bool) -> Done {
        self.spend(text.len())?;
        if let Some(output) = self.outputs.last_mut() {
            output.text(text, is_raw);
        }
        Ok(())
    }
}
