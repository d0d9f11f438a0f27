//! Protocol buffers, as far as services go: `package`, `service`, `rpc` (Protocol Buffers language, versions 2 and 3).

use std::sync::Arc;

use gateway_model::{Diagnostic, Operation, OperationId, Origin};

use crate::document::DOCUMENT_BYTES_MAX;
use crate::findings::Findings;
use crate::name::Names;
use crate::{Definition, Outcome, Settings};

/// Most operations of one document.
const OPERATIONS_MAX: usize = 10_000;

pub(crate) fn read(text: &str, file: &Arc<str>, settings: &Settings) -> Outcome {
    let mut findings = Findings::new(settings.api.clone());
    if text.len() > DOCUMENT_BYTES_MAX {
        let message = format!("the document has {} bytes; {DOCUMENT_BYTES_MAX} are allowed", text.len());
        let place = Origin::start(Arc::clone(file));
        return Outcome::failed(Diagnostic::error("document-limit", place, message), settings);
    }
    let tokens = match tokens(text, file) {
        Ok(tokens) => tokens,
        Err(error) => return Outcome::failed(error, settings),
    };
    let mut reader =
        Reader { tokens: &tokens, at: 0, package: "", names: Names::default(), operations: Vec::new() };
    let mut title = None;
    while let Some(token) = reader.next() {
        match token.text {
            "package" => reader.package = reader.next().map_or("", |name| name.text),
            "service" => {
                let name = reader.next().map_or("", |name| name.text);
                title.get_or_insert_with(|| name.to_owned());
                reader.service(name, settings, &mut findings);
            }
            // Whatever else has a body is no service.
            "{" => reader.skip_block(),
            _ => {}
        }
    }
    if reader.operations.is_empty() {
        let message = "the document has no service with an rpc";
        findings.error("definition-service", &Origin::start(Arc::clone(file)), message);
    }
    let definition = Definition { title, operations: reader.operations, ..Definition::default() };
    Outcome { definition: Some(definition), diagnostics: findings.finish() }
}

/// A word, a text or a sign.
#[derive(Clone, Debug)]
struct Token<'t> {
    text: &'t str,
    origin: Origin,
}

fn tokens<'t>(text: &'t str, file: &Arc<str>) -> Result<Vec<Token<'t>>, Diagnostic> {
    let start = Origin::start(Arc::clone(file));
    let mut tokens = Vec::new();
    let (mut line, mut line_start) = (1, 0);
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let column = text.get(line_start..at).unwrap_or_default().chars().count() as u32 + 1;
        let origin = Origin::new(Arc::clone(&start.file), line, column);
        let unclosed = |what: &str| {
            Err(Diagnostic::error("definition-syntax", origin.clone(), format!("the {what} is not closed")))
        };
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            match rest.find("*/") {
                Some(end) => end + 2,
                None => return unclosed("comment"),
            }
        } else if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            match end_of_text(rest, quote) {
                Some(end) => end,
                None => return unclosed("text"),
            }
        } else {
            let word =
                rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.'))).unwrap_or(rest.len());
            let first = rest.chars().next().map_or(1, char::len_utf8);
            let length = if word == 0 { first } else { word };
            let token = rest.get(..length).unwrap_or_default();
            if !token.trim().is_empty() {
                tokens.push(Token { text: token, origin });
            }
            length
        };
        for (newline, _) in rest.get(..length).unwrap_or_default().match_indices('\n') {
            line += 1;
            line_start = at + newline + 1;
        }
        at += length;
    }
    Ok(tokens)
}

/// Where a text in quotes ends; a backslash escapes.
fn end_of_text(text: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '\n' => return None,
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

struct Reader<'r, 't> {
    tokens: &'r [Token<'t>],
    at: usize,
    package: &'t str,
    names: Names,
    operations: Vec<Operation>,
}

impl<'t> Reader<'_, 't> {
    fn next(&mut self) -> Option<Token<'t>> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    /// Behind the brace that closes the one that has been read.
    fn skip_block(&mut self) {
        let mut depth = 1;
        while depth > 0 {
            match self.next().map(|token| token.text) {
                Some("{") => depth += 1,
                Some("}") => depth -= 1,
                Some(_) => {}
                None => return,
            }
        }
    }

    fn service(&mut self, service: &str, settings: &Settings, findings: &mut Findings) {
        if self.next().is_none_or(|token| token.text != "{") {
            return;
        }
        while let Some(token) = self.next() {
            match token.text {
                "}" => return,
                "{" => self.skip_block(),
                "rpc" => {
                    let Some(name) = self.next() else { return };
                    if self.operations.len() >= OPERATIONS_MAX {
                        return findings.error("document-limit", &name.origin, "too many operations");
                    }
                    self.rpc(service, &name, settings);
                }
                _ => {}
            }
        }
    }

    fn rpc(&mut self, service: &str, name: &Token<'t>, settings: &Settings) {
        let dot = if self.package.is_empty() { "" } else { "." };
        let template = format!("/{}{dot}{service}/{}", self.package, name.text);
        let Some(id) = self.names.take(Some(&format!("{service}-{}", name.text)), "post", &template) else {
            return;
        };
        self.operations.push(Operation {
            api: settings.api.clone(),
            id: OperationId::from(id),
            origin: name.origin.clone(),
            display_name: name.text.chars().take(300).collect(),
            method: "POST".to_owned(),
            url_template: template,
            ..Operation::default()
        });
    }
}
