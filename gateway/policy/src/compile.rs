//! Documents to statements: schema check, expressions, containers. All findings of a document at once.

pub mod arguments;
mod document;
mod effective;
mod schema;

use std::sync::Arc;

use gateway_expression::{Expected, Expression, Options};
use gateway_model::resource::Schema;
use gateway_model::{BackendId, Diagnostic, Origin};

pub use document::{CompiledDocument, check_fragment, compile_document, compile_resolver};
pub use effective::{default_global, effective};

use crate::backend::{Backend, Backends};
use crate::catalogue::{self, Content};
use crate::certificates::Certificates;
use crate::event_hub::EventHub;
use crate::fault::{Scope, Section};
use crate::pipeline::{Block, Needs, Statement, Step};
use crate::xml::{Element, Node, Position};

/// What documents refer to by name. Implemented over the resource set that is being compiled.
pub trait Lookup {
    /// Value of a named value by its display name.
    fn named_value(&self, name: &str) -> Option<&str>;
    /// Text and file of a policy fragment.
    fn fragment(&self, id: &str) -> Option<(&str, Arc<str>)>;
    /// A backend entity.
    fn backend(&self, id: &str) -> Option<Arc<Backend>> {
        self.backends().get(&BackendId::from(id)).cloned()
    }
    /// A schema of the service.
    fn schema(&self, id: &str) -> Option<&Schema> {
        let _ = id;
        None
    }
    /// All backend entities of the configuration that the document belongs to.
    fn backends(&self) -> Arc<Backends>;
    /// The event hub of a logger, or why the logger cannot be used; `None` where there is no such logger.
    fn event_hub(&self, logger: &str) -> Option<Result<Arc<EventHub>, String>>;
    /// All certificates of the configuration.
    fn certificates(&self) -> Arc<Certificates>;
    /// How expressions are compiled, and what each evaluation may spend.
    fn expressions(&self) -> Options {
        Options::default()
    }
    /// Whether the URL template of the one operation that the document is for has a parameter of that name; `None` where
    /// it is for several, or nobody knows.
    fn has_template_parameter(&self, name: &str) -> Option<bool> {
        let _ = name;
        None
    }
}

/// State of compiling one document.
pub struct Compiler<'a> {
    pub lookup: &'a dyn Lookup,
    pub scope: Scope,
    pub section: Section,
    diagnostics: &'a mut Vec<Diagnostic>,
    /// File that positions belong to: the document's, or a fragment's while inside one.
    file: Arc<str>,
    /// Body reads of the statement being compiled.
    needs: Needs,
    /// Elements from the section down, for `LastError.Path`.
    path: String,
    /// Inside an included fragment: no further include.
    in_fragment: bool,
    /// The statement that findings name.
    statement: (Box<str>, Position),
}

impl<'a> Compiler<'a> {
    pub fn new(
        lookup: &'a dyn Lookup,
        scope: Scope,
        file: Arc<str>,
        diagnostics: &'a mut Vec<Diagnostic>,
    ) -> Self {
        Self {
            lookup,
            scope,
            section: Section::Inbound,
            diagnostics,
            file,
            needs: Needs::default(),
            path: String::new(),
            in_fragment: false,
            statement: ("policies".into(), Position::default()),
        }
    }

    /// Reports a mistake, in the service's words: the statement that is wrong and where it stands, then the text.
    pub fn error(&mut self, code: &'static str, at: Position, message: impl std::fmt::Display) {
        let (element, place) = &self.statement;
        let text = format!(
            "Error in element '{element}' on line {}, column {}: {message}",
            place.line, place.column
        );
        self.diagnostics.push(Diagnostic::error(code, self.origin(at), text));
    }

    /// Reports a `{{name}}` that no named value answers to.
    pub fn named_value_missing(&mut self, name: &str, at: Position) {
        self.error("named-value-missing", at, format!("Cannot find a property '{name}'."));
    }

    /// Reports something that works, but not as its author may think.
    pub fn warning(&mut self, code: &'static str, at: Position, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic::warning(code, self.origin(at), message.into()));
    }

    fn origin(&self, at: Position) -> Origin {
        Origin::new(Arc::clone(&self.file), at.line, at.column)
    }

    /// Number of findings so far; a container compares it to know whether its content failed.
    pub fn findings(&self) -> usize {
        self.diagnostics.len()
    }

    /// Takes over the body reads noted so far: the policy buffers for itself, at another time than before it runs.
    pub fn take_needs(&mut self) -> Needs {
        std::mem::take(&mut self.needs)
    }

    /// Notes that the statement reads bodies beyond what its expressions say.
    pub fn need(&mut self, needs: Needs) {
        self.needs |= needs;
    }

    /// Compiles one expression of the statement at hand.
    pub fn expression(&mut self, text: &str, expected: Expected, at: Position) -> Option<Expression> {
        match gateway_expression::compile(text.trim(), expected, &self.lookup.expressions()) {
            Ok(expression) => {
                self.needs |= Needs::of(&expression);
                Some(expression)
            }
            Err(findings) => {
                for finding in findings {
                    let message = format!(
                        "{} [{},{}: {}]",
                        finding.message, finding.line, finding.column, finding.code
                    );
                    self.error("expression", at, message);
                }
                None
            }
        }
    }

    /// Compiles the statements inside a container.
    pub fn block(&mut self, parent: &Element) -> Block {
        let outer_needs = std::mem::take(&mut self.needs);
        let outer_statement = self.statement.clone();
        let path_length = self.path.len();
        let mut statements = Vec::new();
        for (element, index) in numbered(parent) {
            self.path.truncate(path_length);
            self.push_path(&element.name, index);
            self.statement_into(element, &mut statements);
        }
        self.path.truncate(path_length);
        self.statement = outer_statement;
        self.needs = outer_needs;
        Block::new(statements)
    }

    /// Enters a child that is part of a statement's path, such as `when[2]`.
    pub fn within<T>(&mut self, element: &Element, index: usize, compile: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        self.push_path(&element.name, index);
        let result = compile(self);
        self.path.truncate(length);
        result
    }

    /// Elements from the section down to where the compiler is, as `LastError.Path` shows them.
    pub fn path(&self) -> Arc<str> {
        self.path.as_str().into()
    }

    fn push_path(&mut self, name: &str, index: usize) {
        use std::fmt::Write;
        let slash = if self.path.is_empty() { "" } else { "/" };
        let _ = write!(self.path, "{slash}{name}[{index}]");
    }

    /// Compiles one element of a section or container; `include-fragment` may add several.
    pub(crate) fn statement_into(&mut self, element: &Element, statements: &mut Vec<Arc<Statement>>) {
        self.statement = (element.name.clone(), element.at);
        if &*element.name == "include-fragment" {
            return self.include_fragment(element, statements);
        }
        let Some(def) = catalogue::find(&element.name) else {
            return self.unknown(element);
        };
        if !def.sections.contains(&self.section) {
            let message = format!(
                "Policy is not allowed in the '{}' section. Allowed: {}.",
                self.section.as_str(),
                def.sections.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(", ")
            );
            return self.error("policy-section", element.at, message);
        }
        if !schema::check(element, def.attributes, &def.content, self) {
            return self.look_inside(element, &def.content);
        }
        self.needs = Needs::default();
        let Some(step) = (def.compile)(element, self) else { return };
        statements.push(Arc::new(self.finish(element, def.element, step)));
    }

    /// Finds what is wrong with the statements inside an element that is wrong itself.
    fn look_inside(&mut self, element: &Element, content: &Content) {
        match content {
            Content::Policies | Content::SomePolicies(_) => drop(self.block(element)),
            Content::Elements(children) | Content::Sequence(children) | Content::TextOrElements(children) => {
                for inner in element.elements() {
                    let def = children.iter().find(|def| def.element == &*inner.name);
                    def.into_iter().for_each(|def| self.look_inside(inner, &def.content));
                }
            }
            Content::Empty | Content::Text { .. } | Content::Template | Content::Any => {}
        }
    }

    fn finish(&mut self, element: &Element, name: &'static str, step: Step) -> Statement {
        Statement {
            element: name,
            id: element.attribute("id").map(|id| id.value.as_str().into()),
            scope: self.scope,
            path: self.path(),
            origin: self.origin(element.at),
            span: element.span.clone(),
            // A container reads bodies only in the branch it takes: its statements buffer for themselves.
            needs: std::mem::take(&mut self.needs),
            on_handshake: !catalogue::NOT_ON_HANDSHAKE.contains(&name),
            step,
        }
    }

    fn unknown(&mut self, element: &Element) {
        if let Some((name, missing)) = catalogue::REFUSED.iter().find(|(name, _)| *name == &*element.name) {
            let text = format!("The policy '{name}' is not supported by this gateway: it needs {missing}.");
            self.error("policy-unsupported", element.at, text);
        } else {
            let text = format!("The policy '{}' is unknown.", element.name);
            self.error("policy-unknown", element.at, text);
        }
    }

    /// Inserts a fragment's statements as they are (`policies.md` §8).
    fn include_fragment(&mut self, element: &Element, statements: &mut Vec<Arc<Statement>>) {
        let Some((text, file)) = self.fragment(element) else { return };
        let outer_file = std::mem::replace(&mut self.file, file);
        self.in_fragment = true;
        if let Some(root) = document::read_fragment(&text, self) {
            let path_length = self.path.len();
            for (child, index) in numbered(&root) {
                self.path.truncate(path_length);
                self.push_path(&child.name, index);
                self.statement_into(child, statements);
            }
            self.path.truncate(path_length);
        }
        self.in_fragment = false;
        self.file = outer_file;
    }

    /// Text and file of the fragment that an `include-fragment` names.
    fn fragment(&mut self, element: &Element) -> Option<(String, Arc<str>)> {
        let Some(id) = element.attribute("fragment-id") else {
            self.error("xsd", element.at, "The required attribute 'fragment-id' is missing.");
            return None;
        };
        if self.in_fragment {
            let text = "A policy fragment cannot include another fragment.";
            self.error("fragment-nested", element.at, text);
            return None;
        }
        let Some((text, file)) = self.lookup.fragment(&id.value) else {
            let message = format!("The policy fragment '{}' does not exist.", id.value);
            self.error("fragment-missing", id.at, message);
            return None;
        };
        Some((text.to_owned(), file))
    }

    /// The element with what its fragments hold in their places: for content that is no statements. What stands in a
    /// fragment is found at the place where it is included.
    pub(crate) fn with_fragments(&mut self, element: &Element) -> Element {
        let mut whole = Element { children: Vec::new(), ..element.clone() };
        for node in &element.children {
            let Node::Element(include) = node else {
                whole.children.push(node.clone());
                continue;
            };
            if &*include.name != "include-fragment" {
                whole.children.push(node.clone());
                continue;
            }
            let Some((text, file)) = self.fragment(include) else { continue };
            let outer = (std::mem::replace(&mut self.file, file), self.statement.clone());
            let root = document::read_fragment(&text, self);
            (self.file, self.statement) = outer;
            for mut inner in root.into_iter().flat_map(|root| root.children) {
                inner.place(include.at);
                whole.children.push(inner);
            }
        }
        whole
    }
}

/// Child elements with their 1-based number among siblings of the same name.
pub(crate) fn numbered(parent: &Element) -> impl Iterator<Item = (&Element, usize)> {
    let elements: Vec<&Element> = parent.elements().collect();
    (0..elements.len()).map(move |at| {
        let same = elements[..at].iter().filter(|sibling| sibling.name == elements[at].name).count();
        (elements[at], same + 1)
    })
}

/// Whether a node is text that shows.
fn visible_text(node: &Node) -> bool {
    matches!(node, Node::Text(text) if !text.value.trim().is_empty())
}

/// Names in a list of what an element may hold.
fn expected_names(content: &Content) -> String {
    match content {
        Content::Elements(children) | Content::Sequence(children) | Content::TextOrElements(children) => {
            children.iter().map(|child| child.element).collect::<Vec<_>>().join(", ")
        }
        Content::SomePolicies(names) => names.join(", "),
        Content::Empty | Content::Text { .. } | Content::Template | Content::Policies | Content::Any => {
            String::new()
        }
    }
}
