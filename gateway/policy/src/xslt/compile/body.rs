//! Instructions (XSLT 1.0 §5 to §13).

use super::{Compiler, XSLT_NAMESPACE};
use crate::xslt::Error;
use crate::xslt::instruction::{Binding, Body, Given, Instruction, Level, Number, Sort, Template};
use crate::xslt::tree::{Kind, Name, QName};
use crate::xslt::{pattern, template, xpath};

impl Compiler<'_> {
    /// The instructions in an element, `xsl:param`, `xsl:sort` and `xsl:with-param` being read by those that have them.
    pub(super) fn body(&mut self, at: u32) -> Result<Body, Error> {
        let children: Vec<u32> = self.tree.children(at).collect();
        let mut body = Vec::with_capacity(children.len());
        let takes_parameters = self.is_xslt(at, "template");
        let mut only_parameters = true;
        for child in children {
            let is_parameter = self.is_xslt(child, "param");
            if is_parameter && !(takes_parameters && only_parameters) {
                return Err(self.misplaced(child));
            }
            only_parameters &= is_parameter;
            self.instruction(child, &mut body)?;
        }
        Ok(body)
    }

    fn instruction(&mut self, at: u32, body: &mut Body) -> Result<(), Error> {
        let Some(node) = self.node(at) else { return Ok(()) };
        if node.kind != Kind::Element {
            if node.kind == Kind::Text {
                body.push(Instruction::Text { text: node.value.clone(), is_raw: false });
            }
            return Ok(());
        }
        let name = self.name(at).map(|name| &name.name);
        let Some(local) = name.filter(|name| &*name.namespace == XSLT_NAMESPACE).map(|name| &*name.local)
        else {
            let literal = self.literal(at)?;
            body.extend(literal);
            return Ok(());
        };
        body.push(match local {
            "text" => self.text(at)?,
            "value-of" => Instruction::ValueOf {
                select: self.expr(at, self.required(at, "select")?)?,
                is_raw: self.is_raw(at)?,
            },
            "copy-of" => Instruction::CopyOf(self.expr(at, self.required(at, "select")?)?),
            "copy" => Instruction::Copy { sets: self.sets(at)?, body: self.body(at)? },
            "element" | "attribute" => self.made(at)?,
            "comment" => Instruction::Comment(self.body(at)?),
            "processing-instruction" => Instruction::ProcessingInstruction {
                name: self.avt(at, self.required(at, "name")?)?,
                body: self.body(at)?,
            },
            "apply-templates" => {
                let (sorts, parameters) = self.sorts_and_parameters(at)?;
                Instruction::ApplyTemplates {
                    select: self.optional_expr(at, "select")?,
                    mode: self.optional(at, "mode").map(|mode| self.qname(at, mode)).transpose()?,
                    sorts,
                    parameters,
                }
            }
            "apply-imports" => Instruction::ApplyImports,
            "call-template" => {
                let name = self.qname(at, self.required(at, "name")?)?;
                Instruction::CallTemplate { name, parameters: self.sorts_and_parameters(at)?.1 }
            }
            "for-each" => self.for_each(at)?,
            "if" => {
                Instruction::If { test: self.expr(at, self.required(at, "test")?)?, body: self.body(at)? }
            }
            "choose" => self.choose(at)?,
            "variable" | "param" => Instruction::Variable(self.binding(at)?),
            "number" => Instruction::Number(Box::new(self.number(at)?)),
            "message" => Instruction::Message {
                terminates: self.yes_no(at, "terminate")?.unwrap_or(false),
                body: self.body(at)?,
            },
            // What it stands for is known here.
            "fallback" => return Ok(()),
            _ => return self.unknown(at, body),
        });
        Ok(())
    }

    /// `xsl:element` or `xsl:attribute`.
    fn made(&mut self, at: u32) -> Result<Instruction, Error> {
        let name = self.avt(at, self.required(at, "name")?)?;
        let namespace = self.optional_avt(at, "namespace")?;
        let (scope, body) = (self.namespaces(at), self.body(at)?);
        Ok(if self.is_xslt(at, "element") {
            Instruction::Element { name, namespace, scope, sets: self.sets(at)?, body }
        } else {
            Instruction::Attribute { name, namespace, scope, body }
        })
    }

    /// An element that a later version may have runs its `xsl:fallback` (§2.5).
    pub(super) fn unknown(&mut self, at: u32, body: &mut Body) -> Result<(), Error> {
        let children: Vec<u32> =
            self.tree.children(at).filter(|child| self.is_xslt(*child, "fallback")).collect();
        if children.is_empty() {
            return Err(self.misplaced(at));
        }
        for child in children {
            body.extend(self.body(child)?);
        }
        Ok(())
    }

    pub(super) fn avt(&self, at: u32, text: &str) -> Result<Template, Error> {
        template::parse(text, &self.scope(at))
    }

    fn optional_avt(&self, at: u32, name: &str) -> Result<Option<Template>, Error> {
        self.optional(at, name).map(|text| self.avt(at, text)).transpose()
    }

    fn sets(&self, at: u32) -> Result<Vec<Name>, Error> {
        self.qnames(at, self.optional(at, "use-attribute-sets"))
    }

    pub(super) fn yes_no(&self, at: u32, name: &str) -> Result<Option<bool>, Error> {
        match self.optional(at, name).map(str::trim) {
            None => Ok(None),
            Some("yes") => Ok(Some(true)),
            Some("no") => Ok(Some(false)),
            Some(other) => {
                Err(Error::new(format!("'{other}' is an invalid value for the '{name}' attribute.")))
            }
        }
    }

    fn is_raw(&self, at: u32) -> Result<bool, Error> {
        Ok(self.yes_no(at, "disable-output-escaping")?.unwrap_or(false))
    }

    fn text(&self, at: u32) -> Result<Instruction, Error> {
        if let Some(child) = self
            .tree
            .children(at)
            .find(|child| self.node(*child).is_some_and(|node| node.kind == Kind::Element))
        {
            return Err(self.misplaced(child));
        }
        Ok(Instruction::Text { text: self.tree.string_value(at).into(), is_raw: self.is_raw(at)? })
    }

    fn for_each(&mut self, at: u32) -> Result<Instruction, Error> {
        let select = self.expr(at, self.required(at, "select")?)?;
        let children: Vec<u32> = self.tree.children(at).collect();
        let (mut sorts, mut body) = (Vec::new(), Vec::new());
        for child in children {
            if self.is_xslt(child, "sort") && body.is_empty() {
                sorts.push(self.sort(child)?);
            } else {
                self.instruction(child, &mut body)?;
            }
        }
        Ok(Instruction::ForEach { select, sorts, body })
    }

    fn choose(&mut self, at: u32) -> Result<Instruction, Error> {
        let children: Vec<u32> = self.tree.children(at).collect();
        let (mut branches, mut otherwise) = (Vec::new(), None);
        for child in children {
            if self.is_xslt(child, "when") && otherwise.is_none() {
                branches.push((self.expr(child, self.required(child, "test")?)?, self.body(child)?));
            } else if self.is_xslt(child, "otherwise") && otherwise.is_none() {
                otherwise = Some(self.body(child)?);
            } else if self.node(child).is_some_and(|node| node.kind == Kind::Element) {
                return Err(self.misplaced(child));
            }
        }
        if branches.is_empty() {
            return Err(Error::new(
                "An 'xsl:choose' element must contain at least one 'xsl:when' child element.",
            ));
        }
        Ok(Instruction::Choose { branches, otherwise: otherwise.unwrap_or_default() })
    }

    fn sorts_and_parameters(&mut self, at: u32) -> Result<(Vec<Sort>, Vec<Binding>), Error> {
        let children: Vec<u32> = self.tree.children(at).collect();
        let (mut sorts, mut parameters) = (Vec::new(), Vec::<Binding>::new());
        for child in children {
            if self.is_xslt(child, "sort") && self.is_xslt(at, "apply-templates") {
                sorts.push(self.sort(child)?);
            } else if self.is_xslt(child, "with-param") {
                let binding = self.binding(child)?;
                if parameters.iter().any(|known| known.name == binding.name) {
                    return Err(Error::new(format!(
                        "Value of parameter '{}' cannot be specified more than once.",
                        binding.name.local
                    )));
                }
                parameters.push(binding);
            } else if self.node(child).is_some_and(|node| matches!(node.kind, Kind::Element | Kind::Text)) {
                return Err(self.misplaced(child));
            }
        }
        Ok((sorts, parameters))
    }

    fn sort(&self, at: u32) -> Result<Sort, Error> {
        Ok(Sort {
            select: self.expr(at, self.optional(at, "select").unwrap_or("."))?,
            is_number: self.optional_avt(at, "data-type")?,
            is_descending: self.optional_avt(at, "order")?,
            upper_first: self.optional_avt(at, "case-order")?,
        })
    }

    fn number(&self, at: u32) -> Result<Number, Error> {
        let level = match self.optional(at, "level").unwrap_or("single") {
            "single" => Level::Single,
            "multiple" => Level::Multiple,
            "any" => Level::Any,
            other => {
                return Err(Error::new(format!("'{other}' is an invalid value for the 'level' attribute.")));
            }
        };
        let read = |name: &str| {
            self.optional(at, name).map(|text| pattern::parse(text, &self.scope(at))).transpose()
        };
        Ok(Number {
            level,
            count: read("count")?,
            from: read("from")?,
            value: self.optional(at, "value").map(|text| xpath::parse(text, &self.scope(at))).transpose()?,
            format: self.avt(at, self.optional(at, "format").unwrap_or("1"))?,
            separator: self.optional_avt(at, "grouping-separator")?,
            size: self.optional_avt(at, "grouping-size")?,
        })
    }

    /// Refuses calls of templates and attribute sets that there are none of.
    pub(super) fn check_body(&self, body: &Body) -> Result<(), Error> {
        let given = |bindings: &[Binding]| -> Result<(), Error> {
            for binding in bindings {
                if let Given::Body(body) = &binding.value {
                    self.check_body(body)?;
                }
            }
            Ok(())
        };
        for instruction in body {
            match instruction {
                Instruction::CallTemplate { name, parameters } => {
                    if !self.sheet.named.contains_key(name) {
                        return Err(Error::new(format!(
                            "The named template '{}' does not exist.",
                            name.local
                        )));
                    }
                    given(parameters)?;
                }
                Instruction::ApplyTemplates { parameters, .. } => given(parameters)?,
                Instruction::Variable(binding) => given(std::slice::from_ref(binding))?,
                Instruction::Literal(literal) => {
                    self.check_sets(&literal.sets)?;
                    self.check_body(&literal.body)?;
                }
                Instruction::Copy { sets, body } | Instruction::Element { sets, body, .. } => {
                    self.check_sets(sets)?;
                    self.check_body(body)?;
                }
                Instruction::Attribute { body, .. }
                | Instruction::Comment(body)
                | Instruction::ProcessingInstruction { body, .. }
                | Instruction::ForEach { body, .. }
                | Instruction::If { body, .. }
                | Instruction::Message { body, .. } => self.check_body(body)?,
                Instruction::Choose { branches, otherwise } => {
                    for (_, body) in branches {
                        self.check_body(body)?;
                    }
                    self.check_body(otherwise)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn check_sets(&self, sets: &[Name]) -> Result<(), Error> {
        match sets.iter().find(|name| !self.sheet.sets.contains_key(name)) {
            Some(name) => {
                Err(Error::new(format!("A reference to attribute set '{}' cannot be resolved.", name.local)))
            }
            None => Ok(()),
        }
    }

    /// As messages call an element.
    pub(super) fn written(&self, at: u32) -> String {
        self.name(at).map(QName::written).unwrap_or_default()
    }
}
