//! One document: its sections and what they inherit.

use std::sync::Arc;

use gateway_model::Diagnostic;

use super::{Compiler, Lookup, numbered};
use crate::catalogue;
use crate::fault::{Scope, Section};
use crate::pipeline::Statement;
use crate::policies::http_data_source::{self, HttpDataSource};
use crate::xml::{self, Element, Limits, Node, Position};

/// A part of a section.
#[derive(Clone, Debug)]
pub enum Item {
    /// `<base />`: the parent scope's section stands here.
    Base,
    Statement(Arc<Statement>),
}

/// A compiled document. A section that is missing inherits as if it held only `<base />`.
#[derive(Debug)]
pub struct CompiledDocument {
    pub scope: Scope,
    sections: [Option<Vec<Item>>; 4],
}

impl CompiledDocument {
    /// The parts of a section; `None` when the document leaves it out.
    pub fn section(&self, section: Section) -> Option<&[Item]> {
        self.sections[section as usize].as_deref()
    }
}

/// Compiles one document; `None` when it has errors, which are in `diagnostics` then, all of them.
pub fn compile_document(
    text: &str,
    file: Arc<str>,
    scope: Scope,
    lookup: &dyn Lookup,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<CompiledDocument> {
    let errors_before = errors(diagnostics);
    let mut compiler = Compiler::new(lookup, scope, file, diagnostics);
    let root = read_root(text, Limits::default(), "policies", &mut compiler)?;
    let mut document = CompiledDocument { scope, sections: [None, None, None, None] };
    let mut latest = None;
    for element in root.elements() {
        compiler.statement = (element.name.clone(), element.at);
        let Some(section) = Section::ALL.into_iter().find(|section| section.as_str() == &*element.name)
        else {
            let text = format!(
                "The element 'policies' has invalid child element '{}'. List of possible elements expected: 'inbound, backend, outbound, on-error'.",
                element.name
            );
            compiler.error("xsd", element.at, text);
            continue;
        };
        if latest.is_some_and(|latest| section <= latest) {
            let text = "Sections stand once each, in the order inbound, backend, outbound, on-error.";
            compiler.error("xsd", element.at, text);
        }
        latest = Some(section);
        document.sections[section as usize] = Some(compile_section(element, section, &mut compiler));
    }
    (errors(diagnostics) == errors_before).then_some(document)
}

/// Compiles the document of a resolver, whose root is a data source; `None` when it has errors.
pub fn compile_resolver(
    text: &str,
    file: Arc<str>,
    lookup: &dyn Lookup,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<HttpDataSource> {
    let before = errors(diagnostics);
    let mut compiler = Compiler::new(lookup, Scope::Resolver, file, diagnostics);
    let mut root = read_root(text, Limits::default(), "http-data-source", &mut compiler)?;
    for child in &mut root.children {
        if let Node::Element(request) = child
            && &*request.name == "http-request"
        {
            *request = compiler.with_fragments(request);
        }
    }
    let def = &http_data_source::HTTP_DATA_SOURCE;
    compiler.push_path(def.element, 1);
    let source = super::schema::check(&root, def.attributes, &def.content, &mut compiler)
        .then(|| HttpDataSource::compile(&root, &mut compiler))?;
    source.filter(|_| errors(diagnostics) == before)
}

fn errors(diagnostics: &[Diagnostic]) -> usize {
    diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count()
}

/// Reads a text, reports what is wrong with it, and checks the root's name.
fn read_root(text: &str, limits: Limits, name: &str, compiler: &mut Compiler<'_>) -> Option<Element> {
    let lookup = compiler.lookup;
    let expanded = xml::expand(text, &|name| lookup.named_value(name));
    let root = match xml::read(&expanded, text, limits) {
        Ok(root) => root,
        Err(error) => {
            let Position { line, column } = error.at;
            compiler.statement = (name.into(), error.at);
            compiler.error("xml", error.at, format!("{} Line {line}, position {column}.", error.message));
            return None;
        }
    };
    compiler.statement = (root.name.clone(), root.at);
    if &*root.name != name {
        if let Some((refused, missing)) =
            catalogue::REFUSED.iter().find(|(refused, _)| *refused == &*root.name)
        {
            let text =
                format!("The policy '{refused}' is not supported by this gateway: it needs {missing}.");
            compiler.error("policy-unsupported", root.at, text);
            return None;
        }
        compiler.error(
            "xsd",
            root.at,
            format!("The '{}' element is not declared; '{name}' is expected.", root.name),
        );
        return None;
    }
    if root.children.iter().any(super::visible_text) {
        compiler.error("xsd", root.text_at(), format!("The element '{name}' cannot contain text."));
    }
    Some(root)
}

/// Reads a fragment: any policies, no sections, no `base`.
pub(super) fn read_fragment(text: &str, compiler: &mut Compiler<'_>) -> Option<Element> {
    let limits = Limits { bytes_max: 512 << 10, ..Limits::default() };
    let root = read_root(text, limits, "fragment", compiler)?;
    let misplaced =
        |name: &str| name == "base" || Section::ALL.iter().any(|section| section.as_str() == name);
    for element in root.elements().filter(|element| misplaced(&element.name)) {
        let text = format!("A policy fragment cannot contain '{}'.", element.name);
        compiler.error("fragment-content", element.at, text);
    }
    Some(root)
}

/// Judges a fragment by itself. Nobody knows where it will be included, so it is compiled in each section, and what is
/// wrong in every place is told. Elements that are no policies may be the content of one.
pub fn check_fragment(text: &str, file: &Arc<str>, lookup: &dyn Lookup, found: &mut Vec<Diagnostic>) {
    let mut reader = Compiler::new(lookup, Scope::Global, Arc::clone(file), found);
    let Some(root) = read_fragment(text, &mut reader) else { return };
    for section in Section::ALL {
        let mut own = Vec::new();
        let mut compiler = Compiler::new(lookup, Scope::Global, Arc::clone(file), &mut own);
        (compiler.section, compiler.in_fragment) = (section, true);
        drop(compiler.block(&root));
        for finding in own {
            let depends_on_place = matches!(finding.code, "policy-section" | "policy-unknown");
            if !depends_on_place && !found.contains(&finding) {
                found.push(finding);
            }
        }
    }
}

fn compile_section(parent: &Element, section: Section, compiler: &mut Compiler<'_>) -> Vec<Item> {
    compiler.section = section;
    if parent.children.iter().any(super::visible_text) {
        compiler.error(
            "xsd",
            parent.text_at(),
            format!("The element '{}' cannot contain text.", parent.name),
        );
    }
    if section == Section::Backend && parent.elements().count() > 1 {
        let text = "The 'backend' section may contain one policy only.";
        compiler.error("backend-section", parent.at, text);
    }
    let mut items = Vec::new();
    for (element, index) in numbered(parent) {
        if &*element.name == "base" {
            items.push(Item::Base);
            continue;
        }
        compiler.statement = (element.name.clone(), element.at);
        if index == 2 && catalogue::find(&element.name).is_some_and(|def| def.once) {
            let text = format!("The policy '{}' may stand only once in a section.", element.name);
            compiler.error("policy-once", element.at, text);
        }
        compiler.path.clear();
        compiler.push_path(&element.name, index);
        let mut statements = Vec::new();
        compiler.statement_into(element, &mut statements);
        items.extend(statements.into_iter().map(Item::Statement));
    }
    items
}
