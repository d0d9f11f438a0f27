//! Stylesheets out of policy documents: the top level (XSLT 1.0 §2).

mod body;
mod declaration;
mod literal;
mod source;

use std::collections::HashMap;
use std::sync::Arc;

use super::Error;
use super::instruction::{Binding, Given, Namespaces};
use super::pattern;
use super::stylesheet::{AttributeSet, Key, Rule, Stylesheet, Template};
use super::tree::{Kind, Name, NodeData, QName, Tree};
use super::xpath::{self, Expr, Scope};
use crate::xml::Element;

pub const XSLT_NAMESPACE: &str = "http://www.w3.org/1999/XSL/Transform";

/// Compiles the element.
pub fn stylesheet(element: &Element) -> Result<Stylesheet, Error> {
    let tree = source::tree(element)?;
    let mut compiler = Compiler { tree: &tree, sheet: Stylesheet::default(), aliases: HashMap::new() };
    let root = tree.children(0).next().unwrap_or_default();
    if compiler.optional(root, "version").is_none() {
        return Err(Error::new("The attribute 'version' of 'xsl:stylesheet' is missing."));
    }
    let children: Vec<u32> = tree.children(root).collect();
    for child in &children {
        if compiler.is_xslt(*child, "namespace-alias") {
            compiler.alias(*child)?;
        }
    }
    for child in children {
        compiler.top_level(child)?;
    }
    for rules in compiler.sheet.rules.values_mut() {
        // Of equal ones the last wins.
        rules.reverse();
        rules.sort_by(|a, b| b.priority.total_cmp(&a.priority));
    }
    compiler.check_names()?;
    Ok(compiler.sheet)
}

struct Compiler<'t> {
    tree: &'t Tree,
    sheet: Stylesheet,
    /// Namespaces of the stylesheet that stand for others in the result, with the prefix there.
    aliases: HashMap<String, (String, String)>,
}

/// Where an expression stands.
struct At<'t> {
    tree: &'t Tree,
    index: u32,
}

impl Scope for At<'_> {
    fn namespace(&self, prefix: &str) -> Option<String> {
        self.tree.namespace_of(self.index, prefix).map(str::to_owned)
    }
}

impl<'t> Compiler<'t> {
    fn node(&self, at: u32) -> Option<&'t NodeData> {
        self.tree.get(at)
    }

    fn name(&self, at: u32) -> Option<&'t QName> {
        self.node(at).and_then(|node| node.name.as_deref())
    }

    fn is_xslt(&self, at: u32, local: &str) -> bool {
        self.name(at).is_some_and(|name| name.name.is(XSLT_NAMESPACE, local))
    }

    fn scope(&self, at: u32) -> At<'t> {
        At { tree: self.tree, index: at }
    }

    fn optional(&self, at: u32, name: &str) -> Option<&'t str> {
        self.tree.attribute(at, "", name)
    }

    fn required(&self, at: u32, name: &str) -> Result<&'t str, Error> {
        let written = self.name(at).map(QName::written).unwrap_or_default();
        self.optional(at, name)
            .ok_or_else(|| Error::new(format!("Missing mandatory attribute '{name}' of '{written}'.")))
    }

    fn expr(&self, at: u32, text: &str) -> Result<Expr, Error> {
        xpath::parse(text, &self.scope(at))
    }

    fn optional_expr(&self, at: u32, name: &str) -> Result<Option<Expr>, Error> {
        self.optional(at, name).map(|text| self.expr(at, text)).transpose()
    }

    /// A name of the stylesheet's: without prefix it is in no namespace.
    fn qname(&self, at: u32, text: &str) -> Result<Name, Error> {
        let text = text.trim();
        let (prefix, local) = text.split_once(':').unwrap_or(("", text));
        if !crate::markup::is_name(local) || (text.contains(':') && !crate::markup::is_name(prefix)) {
            return Err(Error::new(format!("'{text}' is an invalid QName.")));
        }
        if prefix.is_empty() {
            return Ok(Name::new("", local));
        }
        let namespace = self.tree.namespace_of(at, prefix);
        namespace
            .map(|namespace| Name::new(namespace, local))
            .ok_or_else(|| Error::new(format!("Prefix '{prefix}' is not declared.")))
    }

    fn qnames(&self, at: u32, attribute: Option<&str>) -> Result<Vec<Name>, Error> {
        attribute.unwrap_or_default().split_whitespace().map(|name| self.qname(at, name)).collect()
    }

    /// The nearest declaration of each prefix at an element.
    fn namespaces(&self, at: u32) -> Namespaces {
        let declared = self.tree.namespaces(at).into_iter().rev().filter_map(|index| self.node(index));
        declared
            .filter_map(|node| Some((Box::from(&*node.name.as_deref()?.name.local), node.value.clone())))
            .collect()
    }

    /// An error about an element of XSLT that stands where it may not, or that there is none of.
    fn misplaced(&self, at: u32) -> Error {
        let written = self.name(at).map(QName::written).unwrap_or_default();
        Error::new(format!("'{written}' cannot be used here, or is not supported by this gateway."))
    }

    fn top_level(&mut self, at: u32) -> Result<(), Error> {
        let Some(name) = self.name(at) else {
            let is_text = self.node(at).is_some_and(|node| node.kind == Kind::Text);
            return if is_text { Err(Error::new("Text cannot stand in 'xsl:stylesheet'.")) } else { Ok(()) };
        };
        if &*name.name.namespace != XSLT_NAMESPACE {
            if name.name.is("urn:schemas-microsoft-com:xslt", "script") {
                return Err(Error::new("Scripts ('msxsl:script') are not supported by this gateway."));
            }
            return Ok(());
        }
        match &*name.name.local {
            "template" => self.template(at),
            "param" | "variable" => {
                let binding = self.binding(at)?;
                if self.sheet.globals.iter().any(|known| known.name == binding.name) {
                    return Err(Error::new(format!(
                        "The variable or parameter '{}' was duplicated.",
                        binding.name.local
                    )));
                }
                self.sheet.globals.push(binding);
                Ok(())
            }
            "key" => {
                let name = self.qname(at, self.required(at, "name")?)?;
                let pattern = pattern::parse(self.required(at, "match")?, &self.scope(at))?;
                let value = self.expr(at, self.required(at, "use")?)?;
                self.sheet.keys.push(Key { name, pattern, value });
                Ok(())
            }
            "attribute-set" => {
                let name = self.qname(at, self.required(at, "name")?)?;
                let sets = self.qnames(at, self.optional(at, "use-attribute-sets"))?;
                let body = self.body(at)?;
                self.sheet.sets.entry(name).or_default().push(AttributeSet { sets, body });
                Ok(())
            }
            "output" => self.output(at),
            "strip-space" => self.spaces(at, true),
            "preserve-space" => self.spaces(at, false),
            "decimal-format" => self.decimal_format(at),
            "namespace-alias" => Ok(()),
            "import" | "include" => Err(Error::new(format!(
                "The XSLT element 'xsl:{}' is not supported by this gateway: nothing is ever loaded.",
                name.name.local
            ))),
            _ => Err(self.misplaced(at)),
        }
    }

    fn template(&mut self, at: u32) -> Result<(), Error> {
        let (matched, named) = (self.optional(at, "match"), self.optional(at, "name"));
        if matched.is_none() && named.is_none() {
            return Err(Error::new(
                "'xsl:template' must have either a 'match' attribute or a 'name' attribute.",
            ));
        }
        let body = Arc::new(self.body(at)?);
        let index = self.sheet.templates.len();
        self.sheet.templates.push(Template { body });
        if let Some(name) = named {
            let name = self.qname(at, name)?;
            let known = self.sheet.named.insert(name.clone(), index);
            if known.is_some() {
                return Err(Error::new(format!("'{}' is a duplicate template name.", name.local)));
            }
        }
        let Some(matched) = matched else { return Ok(()) };
        let mode = self.optional(at, "mode").map(|mode| self.qname(at, mode)).transpose()?;
        let priority = match self.optional(at, "priority") {
            Some(text) => {
                Some(xpath::number_of(text)).filter(|number| !number.is_nan()).ok_or_else(|| {
                    Error::new(format!("'{text}' is an invalid value for the 'priority' attribute."))
                })?
            }
            None => f64::NAN,
        };
        for pattern in pattern::parse(matched, &self.scope(at))?.alternatives {
            let priority = if priority.is_nan() { pattern.priority } else { priority };
            let rule = Rule { priority, pattern, template: index };
            self.sheet.rules.entry(mode.clone()).or_default().push(rule);
        }
        Ok(())
    }

    /// `xsl:variable`, `xsl:param` or `xsl:with-param`.
    fn binding(&mut self, at: u32) -> Result<Binding, Error> {
        let name = self.qname(at, self.required(at, "name")?)?;
        let has_content = self.tree.children(at).next().is_some();
        let value = match self.optional_expr(at, "select")? {
            Some(_) if has_content => {
                return Err(Error::new(format!(
                    "The variable or parameter '{}' cannot have both a 'select' attribute and non-empty content.",
                    name.local
                )));
            }
            Some(expr) => Given::Select(expr),
            None if has_content => Given::Body(self.body(at)?),
            None => Given::Empty,
        };
        Ok(Binding { name, value, is_parameter: self.is_xslt(at, "param") })
    }

    /// Templates that are called must be there; so must attribute sets.
    fn check_names(&self) -> Result<(), Error> {
        let bodies = self.sheet.templates.iter().map(|template| &*template.body);
        let sets = self.sheet.sets.values().flatten();
        let globals = self.sheet.globals.iter().filter_map(|global| match &global.value {
            Given::Body(body) => Some(body),
            _ => None,
        });
        for set in sets.clone() {
            self.check_sets(&set.sets)?;
        }
        for body in bodies.chain(sets.map(|set| &set.body)).chain(globals) {
            self.check_body(body)?;
        }
        Ok(())
    }
}
