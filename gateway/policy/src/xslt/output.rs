//! Writes result trees: attributes until there is content, and the declarations that names need (XSLT 1.0 §7.1).

use std::sync::Arc;

use super::Error;
use super::tree::{Kind, QName, Tree, TreeBuilder, XML_NAMESPACE};

/// A tree under construction.
#[derive(Debug, Default)]
pub struct Output {
    builder: TreeBuilder,
    /// What each open element declares.
    open: Vec<Vec<(Arc<str>, Arc<str>)>>,
    /// The start tag that may still get attributes.
    pending: Option<Pending>,
    /// Where it is only written, empty text counts as content, as .NET's writer has it: `<a></a>`.
    is_result: bool,
}

#[derive(Debug)]
struct Pending {
    name: Arc<QName>,
    namespaces: Vec<(Arc<str>, Arc<str>)>,
    attributes: Vec<(Arc<QName>, String)>,
}

impl Output {
    /// The result itself.
    pub fn result() -> Self {
        Self { is_result: true, ..Self::default() }
    }

    pub fn start(&mut self, name: Arc<QName>) {
        self.flush();
        self.pending = Some(Pending { name, namespaces: Vec::new(), attributes: Vec::new() });
    }

    pub fn end(&mut self) {
        self.flush();
        self.open.pop();
        self.builder.end();
    }

    /// A declaration of the element that was started.
    pub fn namespace(&mut self, prefix: &Arc<str>, namespace: &str) {
        if let Some(pending) = &mut self.pending
            && !pending.namespaces.iter().any(|(known, _)| known == prefix)
        {
            pending.namespaces.push((Arc::clone(prefix), namespace.into()));
        }
    }

    /// An attribute of the element that was started; the last of a name stays.
    pub fn attribute(&mut self, name: Arc<QName>, value: String) -> Result<(), Error> {
        let Some(pending) = &mut self.pending else {
            return Err(Error::new(
                "Attribute and namespace nodes cannot be added to the parent element after a text, comment, pi, or sub-element node has already been added.",
            ));
        };
        pending.attributes.retain(|(known, _)| known.name != name.name);
        pending.attributes.push((name, value));
        Ok(())
    }

    pub fn text(&mut self, text: &str, is_raw: bool) {
        if !text.is_empty() || (self.is_result && self.pending.is_some()) {
            self.flush();
            self.builder.leaf(if is_raw { Kind::RawText } else { Kind::Text }, None, text);
        }
    }

    pub fn comment(&mut self, text: &str) {
        self.flush();
        // Two hyphens would end it (§7.4).
        let mut text = text.replace("--", "- -").replace("--", "- -");
        if text.ends_with('-') {
            text.push(' ');
        }
        self.builder.leaf(Kind::Comment, None, &text);
    }

    pub fn instruction(&mut self, name: Arc<QName>, text: &str) {
        self.flush();
        let text = text.trim_start().replace("?>", "? >");
        self.builder.leaf(Kind::Instruction, Some(name), &text);
    }

    pub fn finish(mut self) -> Tree {
        self.flush();
        self.builder.finish()
    }

    /// The namespace of a prefix among the open elements; the empty prefix has none at first.
    fn in_scope(&self, prefix: &str) -> Option<&str> {
        if prefix == "xml" {
            return Some(XML_NAMESPACE);
        }
        let declared = self.open.iter().rev().flatten().find(|(known, _)| **known == *prefix);
        declared.map(|(_, namespace)| &**namespace).or(prefix.is_empty().then_some(""))
    }

    /// Writes the start tag.
    fn flush(&mut self) {
        let Some(mut pending) = self.pending.take() else { return };
        let mut declared: Vec<(Arc<str>, Arc<str>)> = Vec::new();
        let own = &pending.name;
        if self.in_scope(&own.prefix) != Some(&*own.name.namespace) {
            declared.push((Arc::clone(&own.prefix), Arc::clone(&own.name.namespace)));
        }
        for (prefix, namespace) in &pending.namespaces {
            let is_known = declared.iter().any(|(known, _)| known == prefix)
                || (*own.prefix == **prefix && *own.name.namespace != **namespace);
            if !is_known && self.in_scope(prefix) != Some(&**namespace) {
                declared.push((Arc::clone(prefix), Arc::clone(namespace)));
            }
        }
        for (name, _) in &mut pending.attributes {
            if !name.name.namespace.is_empty() {
                let prefix = self.attribute_prefix(name, &mut declared);
                if prefix != name.prefix {
                    *name = Arc::new(QName { prefix, name: name.name.clone() });
                }
            }
        }
        self.builder.start(Arc::clone(&pending.name));
        for (prefix, namespace) in &declared {
            self.builder.attach(Kind::Namespace, Arc::new(QName::new("", "", prefix)), namespace);
        }
        for (name, value) in pending.attributes {
            self.builder.attach(Kind::Attribute, name, &value);
        }
        self.open.push(declared);
    }

    /// A prefix that means the attribute's namespace, which must not be the default.
    fn attribute_prefix(&self, name: &QName, declared: &mut Vec<(Arc<str>, Arc<str>)>) -> Arc<str> {
        let namespace = &name.name.namespace;
        let meaning = |prefix: &str, declared: &[(Arc<str>, Arc<str>)]| {
            let own =
                declared.iter().find(|(known, _)| **known == *prefix).map(|(_, found)| found.to_string());
            own.or_else(|| self.in_scope(prefix).map(str::to_owned))
        };
        if !name.prefix.is_empty() {
            match meaning(&name.prefix, declared) {
                Some(found) if found == **namespace => return Arc::clone(&name.prefix),
                Some(_) if declared.iter().any(|(known, _)| *known == name.prefix) => {}
                _ => {
                    declared.push((Arc::clone(&name.prefix), Arc::clone(namespace)));
                    return Arc::clone(&name.prefix);
                }
            }
        }
        let all = declared.iter().chain(self.open.iter().rev().flatten());
        let mut fits =
            all.filter(|(prefix, found)| !prefix.is_empty() && found == namespace).map(|(prefix, _)| prefix);
        let known = fits.find(|prefix| meaning(prefix, declared).as_deref() == Some(&**namespace)).cloned();
        known.unwrap_or_else(|| {
            let mut number = 0;
            while meaning(&format!("xp_{number}"), declared).is_some() {
                number += 1;
            }
            let made: Arc<str> = format!("xp_{number}").into();
            declared.push((Arc::clone(&made), Arc::clone(namespace)));
            made
        })
    }
}
