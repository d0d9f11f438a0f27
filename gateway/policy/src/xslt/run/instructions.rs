//! What each instruction does.

use std::rc::Rc;
use std::sync::Arc;

use super::{Done, Focus, Transformation};
use crate::markup;
use crate::xslt::Error;
use crate::xslt::instruction::{Binding, Body, Instruction, Literal, Namespaces, Sort, Template};
use crate::xslt::number;
use crate::xslt::sort::sorted;
use crate::xslt::tree::{Kind, Name, QName, XML_NAMESPACE};
use crate::xslt::xpath::{Axis, Expr, Host, Node, Test, Value, data, select};

impl<'s> Transformation<'s> {
    pub(super) fn instruction(&mut self, instruction: &'s Instruction, focus: &Focus<'s>) -> Done {
        self.charge(1)?;
        match instruction {
            Instruction::Text { text, is_raw } => self.write_text(text, *is_raw),
            Instruction::ValueOf { select, is_raw } => {
                let text = self.context(focus).string(select)?;
                self.write_text(&text, *is_raw)
            }
            Instruction::Literal(literal) => self.literal(literal, focus),
            Instruction::CopyOf(select) => self.copy_of(select, focus),
            Instruction::Copy { sets, body } => self.copy(sets, body, focus),
            Instruction::Element { name, namespace, scope, sets, body } => {
                let name = self.made_name(name, namespace.as_ref(), scope, true, focus)?;
                self.start(Arc::new(name))?;
                self.attribute_sets(sets, focus)?;
                self.content(body, focus)
            }
            Instruction::Attribute { name, namespace, scope, body } => {
                let name = self.made_name(name, namespace.as_ref(), scope, false, focus)?;
                let value = self.text_of(body, focus)?;
                self.attribute(Arc::new(name), value)
            }
            Instruction::Comment(body) => self.comment(body, focus),
            Instruction::ProcessingInstruction { name, body } => {
                self.processing_instruction(name, body, focus)
            }
            Instruction::ApplyTemplates { select, mode, sorts, parameters } => {
                self.apply_templates(select.as_ref(), mode.as_ref(), (sorts, parameters), focus)
            }
            // There are no imports: what they would override is built in.
            Instruction::ApplyImports => self.built_in(focus),
            Instruction::CallTemplate { name, parameters } => {
                let given = self.parameters(parameters, focus)?;
                match self.sheet.named.get(name) {
                    Some(index) => self.template(*index, focus, &given),
                    None => Ok(()),
                }
            }
            Instruction::ForEach { select, sorts, body } => self.for_each(select, sorts, body, focus),
            Instruction::If { test, body } => {
                if self.context(focus).boolean(test)? {
                    self.execute(body, focus)
                } else {
                    Ok(())
                }
            }
            Instruction::Choose { branches, otherwise } => self.choose(branches, otherwise, focus),
            Instruction::Variable(binding) => {
                let value = self.given(&binding.value, focus)?;
                self.locals.push((&binding.name, value));
                Ok(())
            }
            Instruction::Number(number) => {
                let text = number::text(&self.context(focus), number)?;
                self.write_text(&text, false)
            }
            Instruction::Message { body, terminates } => {
                let text = self.text_of(body, focus)?;
                if *terminates { Err(Error::new(text)) } else { Ok(()) }
            }
        }
    }

    fn comment(&mut self, body: &'s Body, focus: &Focus<'s>) -> Done {
        let text = self.text_of(body, focus)?;
        self.spend(text.len())?;
        if let Some(output) = self.outputs.last_mut() {
            output.comment(&text);
        }
        Ok(())
    }

    fn choose(&mut self, branches: &'s [(Expr, Body)], otherwise: &'s Body, focus: &Focus<'s>) -> Done {
        for (test, body) in branches {
            if self.context(focus).boolean(test)? {
                return self.execute(body, focus);
            }
        }
        self.execute(otherwise, focus)
    }

    fn start(&mut self, name: Arc<QName>) -> Done {
        self.spend(name.name.local.len())?;
        if let Some(output) = self.outputs.last_mut() {
            output.start(name);
        }
        Ok(())
    }

    fn attribute(&mut self, name: Arc<QName>, value: String) -> Done {
        self.spend(value.len())?;
        self.outputs.last_mut().map_or(Ok(()), |output| output.attribute(name, value))
    }

    /// What is in an element, and its end.
    fn content(&mut self, body: &'s Body, focus: &Focus<'s>) -> Done {
        self.execute(body, focus)?;
        if let Some(output) = self.outputs.last_mut() {
            output.end();
        }
        Ok(())
    }

    fn literal(&mut self, literal: &'s Literal, focus: &Focus<'s>) -> Done {
        self.start(Arc::clone(&literal.name))?;
        if let Some(output) = self.outputs.last_mut() {
            for (name, namespace) in &literal.namespaces {
                output.namespace(&name.name.local, namespace);
            }
        }
        self.attribute_sets(&literal.sets, focus)?;
        for (name, value) in &literal.attributes {
            let value = value.text(&self.context(focus))?;
            self.attribute(Arc::clone(name), value)?;
        }
        self.content(&literal.body, focus)
    }

    /// The attributes of sets; they see top-level variables only (§7.1.4).
    fn attribute_sets(&mut self, sets: &'s [Name], focus: &Focus<'s>) -> Done {
        if sets.is_empty() {
            return Ok(());
        }
        let frame = std::mem::replace(&mut self.frame, self.locals.len());
        let sheet = self.sheet;
        self.descend()?;
        for set in sets.iter().filter_map(|name| sheet.sets.get(name)).flatten() {
            self.attribute_sets(&set.sets, focus)?;
            self.execute(&set.body, focus)?;
        }
        self.depth_left += 1;
        self.frame = frame;
        Ok(())
    }

    fn copy(&mut self, sets: &'s [Name], body: &'s Body, focus: &Focus<'s>) -> Done {
        let kind = data(self, focus.node).map(|node| node.kind);
        match kind {
            Some(Kind::Root) => self.execute(body, focus),
            Some(Kind::Element) => {
                self.copy_one(focus.node)?;
                self.attribute_sets(sets, focus)?;
                self.content(body, focus)
            }
            _ => self.copy_one(focus.node),
        }
    }

    fn copy_of(&mut self, select: &'s Expr, focus: &Focus<'s>) -> Done {
        match self.context(focus).value(select)? {
            Value::Nodes(nodes) => {
                for node in nodes.iter() {
                    self.copy_deep(*node)?;
                }
                Ok(())
            }
            Value::Fragment(tree) => self.copy_deep(Node { tree, index: 0 }),
            other => {
                let text = other.string(self)?;
                self.write_text(&text, false)
            }
        }
    }

    fn processing_instruction(&mut self, name: &'s Template, body: &'s Body, focus: &Focus<'s>) -> Done {
        let name = name.text(&self.context(focus))?;
        if !markup::is_name(&name) || name.eq_ignore_ascii_case("xml") {
            return Err(Error::new(format!("'{name}' is an invalid name for a processing instruction.")));
        }
        let text = self.text_of(body, focus)?;
        self.spend(text.len())?;
        if let Some(output) = self.outputs.last_mut() {
            output.instruction(Arc::new(QName::new("", "", &name)), &text);
        }
        Ok(())
    }

    /// The name that `xsl:element` or `xsl:attribute` makes (§7.1.2, §7.1.3).
    fn made_name(
        &self,
        name: &Template,
        namespace: Option<&Template>,
        scope: &Namespaces,
        is_element: bool,
        focus: &Focus<'s>,
    ) -> Result<QName, Error> {
        let context = self.context(focus);
        let written = name.text(&context)?;
        let (prefix, local) = written.split_once(':').unwrap_or(("", &written));
        let is_name = markup::is_name(local) && (!written.contains(':') || markup::is_name(prefix));
        if !is_name || (!is_element && written == "xmlns") {
            return Err(Error::new(format!("'{written}' is an invalid QName.")));
        }
        if let Some(namespace) = namespace {
            let namespace = namespace.text(&context)?;
            let prefix = if namespace.is_empty() || prefix == "xmlns" { "" } else { prefix };
            return Ok(QName::new(prefix, &namespace, local));
        }
        if prefix.is_empty() && !is_element {
            return Ok(QName::new("", "", local));
        }
        let found = scope.iter().find(|(known, _)| **known == *prefix).map(|(_, namespace)| &**namespace);
        match found {
            Some(namespace) => Ok(QName::new(prefix, namespace, local)),
            None if prefix.is_empty() => Ok(QName::new("", "", local)),
            None if prefix == "xml" => Ok(QName::new(prefix, XML_NAMESPACE, local)),
            None => Err(Error::new(format!("Prefix '{prefix}' is not defined."))),
        }
    }

    fn apply_templates(
        &mut self,
        chosen: Option<&'s Expr>,
        mode: Option<&'s Name>,
        (sorts, parameters): (&'s [Sort], &'s [Binding]),
        focus: &Focus<'s>,
    ) -> Done {
        let context = self.context(focus);
        let nodes: Rc<[Node]> = match chosen {
            Some(chosen) => context.nodes(chosen)?,
            None => select(self, focus.node, Axis::Child, &Test::Node)?.into(),
        };
        let nodes = sorted(&context, &nodes, sorts)?;
        let given = self.parameters(parameters, focus)?;
        self.apply_all(&nodes, mode, &given)
    }

    fn for_each(&mut self, chosen: &'s Expr, sorts: &'s [Sort], body: &'s Body, focus: &Focus<'s>) -> Done {
        let context = self.context(focus);
        let nodes = sorted(&context, &context.nodes(chosen)?, sorts)?;
        let size = nodes.len();
        for (index, node) in nodes.into_iter().enumerate() {
            self.execute(body, &Focus { node, position: index + 1, size, ..*focus })?;
        }
        Ok(())
    }
}
