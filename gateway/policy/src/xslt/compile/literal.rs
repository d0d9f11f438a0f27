//! Literal result elements (XSLT 1.0 §7.1).

use std::sync::Arc;

use super::{Compiler, XSLT_NAMESPACE};
use crate::xslt::Error;
use crate::xslt::instruction::{Body, Instruction, Literal};
use crate::xslt::tree::{Kind, QName, XML_NAMESPACE};

impl Compiler<'_> {
    /// A literal result element; an extension element runs its fallback.
    pub(super) fn literal(&mut self, at: u32) -> Result<Body, Error> {
        let Some(name) = self.name(at) else { return Ok(Vec::new()) };
        if self.excluded(at, "extension-element-prefixes").contains(&name.name.namespace.to_string()) {
            let mut body = Vec::new();
            self.unknown(at, &mut body)?;
            return Ok(body);
        }
        let mut attributes = Vec::new();
        let mut sets = Vec::new();
        for index in self.tree.attached(at, Kind::Attribute) {
            let (Some(node), Some(name)) = (self.node(index), self.name(index)) else { continue };
            if &*name.name.namespace == XSLT_NAMESPACE {
                match &*name.name.local {
                    "use-attribute-sets" => sets = self.qnames(at, Some(&node.value))?,
                    "exclude-result-prefixes" | "extension-element-prefixes" | "version" => {}
                    other => {
                        return Err(Error::new(format!(
                            "'xsl:{other}' is an invalid attribute for '{}'.",
                            self.written(at)
                        )));
                    }
                }
                continue;
            }
            attributes.push((Arc::new(self.aliased(name)), self.avt(at, &node.value)?));
        }
        let literal = Literal {
            name: Arc::new(self.aliased(name)),
            namespaces: self.literal_namespaces(at),
            attributes,
            sets,
            body: self.body(at)?,
        };
        Ok(vec![Instruction::Literal(Box::new(literal))])
    }

    fn aliased(&self, name: &QName) -> QName {
        match self.aliases.get(&*name.name.namespace) {
            Some((prefix, namespace)) => QName::new(prefix, namespace, &name.name.local),
            None => name.clone(),
        }
    }

    /// The declarations that a literal result element brings along.
    fn literal_namespaces(&self, at: u32) -> Vec<(Arc<QName>, Box<str>)> {
        let mut excluded = self.excluded(at, "exclude-result-prefixes");
        excluded.extend(self.excluded(at, "extension-element-prefixes"));
        let mut found = Vec::new();
        for index in self.tree.namespaces(at) {
            let (Some(node), Some(name)) = (self.node(index), self.name(index)) else { continue };
            let namespace = &*node.value;
            let is_alias = self.aliases.values().any(|(_, target)| target == namespace);
            if matches!(namespace, XML_NAMESPACE) || (namespace == XSLT_NAMESPACE && !is_alias) {
                continue;
            }
            if let Some((prefix, target)) = self.aliases.get(namespace) {
                found.push((Arc::new(QName::new("", "", prefix)), Box::from(target.as_str())));
            } else if !excluded.iter().any(|known| known == namespace) {
                found.push((Arc::new(QName::new("", "", &name.name.local)), node.value.clone()));
            }
        }
        found
    }

    /// Namespaces that an attribute of the element or of one above it names by their prefixes.
    fn excluded(&self, at: u32, attribute: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut index = at;
        while index != 0 {
            let is_xslt = self.name(index).is_some_and(|name| &*name.name.namespace == XSLT_NAMESPACE);
            let text = self.tree.attribute(index, if is_xslt { "" } else { XSLT_NAMESPACE }, attribute);
            for prefix in text.unwrap_or_default().split_whitespace() {
                let prefix = if prefix == "#default" { "" } else { prefix };
                found.extend(self.tree.namespace_of(index, prefix).map(str::to_owned));
            }
            index = self.node(index).map_or(0, |node| node.parent);
        }
        found
    }
}
