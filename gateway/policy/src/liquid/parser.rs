//! Pieces into the tree of a template.

use std::mem;

use thiserror::Error;

use super::expression::{Cursor, Reason};
use super::lexer::{Piece, Placed, pieces};
use super::node::{Comparison, Condition, For, Node, NodeKind, Operand};

/// Nested blocks.
const DEPTH_MAX: usize = 64;

/// A compiled template.
#[derive(Debug)]
pub struct Template {
    pub(super) nodes: Vec<Node>,
}

/// Why a text is no template.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("Liquid syntax error on line {line}: {message}")]
pub struct ParseError {
    /// From 1, inside the template.
    pub line: u32,
    pub message: String,
}

impl Template {
    /// Compiles a template.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let pieces = pieces(text).map_err(|(message, line)| ParseError { line, message })?;
        let mut parser = Parser { pieces, at: 0, depth: 0 };
        let (nodes, end) = parser.nodes(&[])?;
        match end {
            None => Ok(Self { nodes }),
            Some((tag, line)) => Err(ParseError { line, message: format!("Unknown tag '{tag}'.") }),
        }
    }
}

struct Parser<'a> {
    pieces: Vec<Placed<'a>>,
    at: usize,
    depth: usize,
}

type Parsed<T> = Result<T, ParseError>;
/// The tag that ended a run of nodes, with its line.
type End<'a> = Option<(&'a str, u32)>;

fn at(line: u32) -> impl Fn(Reason) -> ParseError {
    move |message| ParseError { line, message }
}

impl<'a> Parser<'a> {
    /// Nodes up to a tag whose first word is one of `ends`, or to one that nothing opens.
    fn nodes(&mut self, ends: &[&str]) -> Parsed<(Vec<Node>, End<'a>)> {
        let mut nodes = Vec::new();
        while let Some((piece, line)) = self.pieces.get(self.at) {
            let line = *line;
            let tag = match piece {
                Piece::Text(text) => {
                    nodes.push(Node { line, kind: NodeKind::Text((*text).into()) });
                    self.at += 1;
                    continue;
                }
                Piece::Output(text) => {
                    let mut cursor = Cursor::new(text);
                    if !cursor.is_done() {
                        let expression = cursor.expression().map_err(at(line))?;
                        cursor.finish().map_err(at(line))?;
                        nodes.push(Node { line, kind: NodeKind::Output(expression) });
                    }
                    self.at += 1;
                    continue;
                }
                Piece::Tag(text) => *text,
            };
            self.at += 1;
            let word = tag.split_whitespace().next().unwrap_or_default();
            if ends.contains(&word) {
                return Ok((nodes, Some((tag, line))));
            }
            let arguments = tag.get(word.len()..).unwrap_or_default();
            match self.tag(word, arguments, line)? {
                Tag::Node(kind) => nodes.push(Node { line, kind }),
                Tag::Nothing => {}
                Tag::Unknown => return Ok((nodes, Some((tag, line)))),
            }
        }
        Ok((nodes, None))
    }

    /// The nodes of a block, and the tag that ends them, which must come.
    fn block(&mut self, opened: &str, line: u32, ends: &[&str]) -> Parsed<(Vec<Node>, (&'a str, u32))> {
        if self.depth >= DEPTH_MAX {
            return Err(at(line)(format!("Blocks are nested more than {DEPTH_MAX} deep.")));
        }
        self.depth += 1;
        let (nodes, end) = self.nodes(ends)?;
        self.depth -= 1;
        match end {
            Some((tag, tag_line)) if starts_with_one(tag, ends) => Ok((nodes, (tag, tag_line))),
            Some((tag, tag_line)) => Err(at(tag_line)(format!("Unknown tag '{tag}' inside '{opened}'."))),
            None => Err(at(line)(format!("'{opened}' tag was never closed."))),
        }
    }

    fn tag(&mut self, word: &str, arguments: &str, line: u32) -> Parsed<Tag> {
        let mut cursor = Cursor::new(arguments);
        let kind = match word {
            "if" | "unless" => self.branches(word, cursor, line)?,
            "case" => self.case(cursor, line)?,
            "for" => self.repeat(cursor, line, "endfor", false)?,
            "JSONArrayFor" => self.repeat(cursor, line, "endJSONArrayFor", true)?,
            "capture" => {
                let name = cursor.name().map_err(at(line))?;
                let (body, _) = self.block(word, line, &["endcapture"])?;
                NodeKind::Capture(name.into(), body)
            }
            "comment" => return self.comment(line).map(|()| Tag::Nothing),
            "assign" => assign(cursor).map_err(at(line))?,
            "cycle" => cycle(cursor).map_err(at(line))?,
            "increment" => NodeKind::Count(cursor.name().map_err(at(line))?.into(), 1),
            "decrement" => NodeKind::Count(cursor.name().map_err(at(line))?.into(), -1),
            "break" => NodeKind::Break,
            "continue" => NodeKind::Continue,
            _ => return Ok(Tag::Unknown),
        };
        Ok(Tag::Node(kind))
    }

    fn comment(&mut self, line: u32) -> Parsed<()> {
        while let Some((piece, _)) = self.pieces.get(self.at) {
            self.at += 1;
            if *piece == Piece::Tag("endcomment") {
                return Ok(());
            }
        }
        Err(at(line)("'comment' tag was never closed.".to_owned()))
    }

    fn branches(&mut self, word: &str, mut cursor: Cursor<'_>, line: u32) -> Parsed<NodeKind> {
        let first = cursor.condition().and_then(|condition| cursor.finish().map(|()| condition));
        let mut condition = first.map_err(at(line))?;
        if word == "unless" {
            condition = Condition::Not(Box::new(condition));
        }
        let close = format!("end{word}");
        let mut branches = Vec::new();
        let mut open = Some(condition);
        loop {
            let (body, (tag, tag_line)) = self.block(word, line, &["elsif", "elseif", "else", &close])?;
            branches.push((open.take(), body));
            let mut cursor = Cursor::new(tag);
            match cursor.word() {
                Some("elsif" | "elseif") => open = Some(cursor.condition().map_err(at(tag_line))?),
                Some("else") => {
                    let (body, _) = self.block(word, line, &[&close])?;
                    branches.push((None, body));
                    return Ok(NodeKind::If(branches));
                }
                _ => return Ok(NodeKind::If(branches)),
            }
        }
    }

    /// `case`/`when` as the branches of an `if`.
    fn case(&mut self, mut cursor: Cursor<'_>, line: u32) -> Parsed<NodeKind> {
        let value = cursor.operand().map_err(at(line))?;
        let ends = &["when", "else", "endcase"];
        let (_, (mut tag, mut tag_line)) = self.block("case", line, ends)?;
        let mut branches = Vec::new();
        loop {
            let mut cursor = Cursor::new(tag);
            let condition = match cursor.word() {
                Some("when") => Some(any_of(&value, cursor).map_err(at(tag_line))?),
                Some("else") => None,
                _ => return Ok(NodeKind::If(branches)),
            };
            let body;
            (body, (tag, tag_line)) = self.block("case", line, ends)?;
            branches.push((condition, body));
        }
    }

    fn repeat(
        &mut self,
        mut cursor: Cursor<'_>,
        line: u32,
        close: &str,
        json_array: bool,
    ) -> Parsed<NodeKind> {
        let mut found = head(&mut cursor, json_array).map_err(at(line))?;
        let opened = close.trim_start_matches("end");
        let (body, (tag, _)) = self.block(opened, line, &["else", close])?;
        found.body = body;
        if tag.starts_with("else") {
            (found.otherwise, _) = self.block(opened, line, &[close])?;
        }
        Ok(NodeKind::For(Box::new(found)))
    }
}

enum Tag {
    Node(NodeKind),
    Nothing,
    Unknown,
}

fn starts_with_one(tag: &str, words: &[&str]) -> bool {
    tag.split_whitespace().next().is_some_and(|word| words.contains(&word))
}

fn any_of(value: &Operand, mut cursor: Cursor<'_>) -> Result<Condition, Reason> {
    let equals = |operand| Condition::Compare(value.clone(), Comparison::Equal, operand);
    let mut condition = equals(cursor.operand()?);
    while cursor.take_word("or") || cursor.take(",") {
        condition = Condition::Or(Box::new(condition), Box::new(equals(cursor.operand()?)));
    }
    cursor.finish()?;
    Ok(condition)
}

fn head(cursor: &mut Cursor<'_>, json_array: bool) -> Result<For, Reason> {
    let variable = cursor.name()?.into();
    if !cursor.take_word("in") {
        return Err("A loop is written 'item in collection'.".to_owned());
    }
    let collection = cursor.operand()?;
    let mut found = For {
        variable,
        collection,
        limit: None,
        offset: None,
        reversed: false,
        json_array,
        body: Vec::new(),
        otherwise: Vec::new(),
    };
    while !cursor.is_done() {
        if cursor.take_word("reversed") {
            found.reversed = true;
            continue;
        }
        let name = cursor.name()?;
        if !cursor.take(":") {
            return Err(format!("'{name}' is no option of a loop; it takes limit, offset and reversed."));
        }
        let value = cursor.operand()?;
        match name {
            "limit" => found.limit = Some(value),
            "offset" => found.offset = Some(value),
            _ => {
                return Err(format!("'{name}' is no option of a loop; it takes limit, offset and reversed."));
            }
        }
        cursor.take(",");
    }
    Ok(found)
}

fn assign(mut cursor: Cursor<'_>) -> Result<NodeKind, Reason> {
    let name = cursor.name()?;
    if !cursor.take("=") {
        return Err("An assignment is written 'assign name = value'.".to_owned());
    }
    let value = cursor.expression()?;
    cursor.finish()?;
    Ok(NodeKind::Assign(name.into(), value))
}

fn cycle(mut cursor: Cursor<'_>) -> Result<NodeKind, Reason> {
    let text: Box<str> = cursor.rest().into();
    let mut values = vec![cursor.operand()?];
    let mut group = None;
    if cursor.take(":") {
        let first = mem::replace(&mut values, vec![cursor.operand()?]);
        group = Some(format!("{first:?}").into_boxed_str());
    }
    while cursor.take(",") {
        values.push(cursor.operand()?);
    }
    cursor.finish()?;
    Ok(NodeKind::Cycle(group.unwrap_or(text), values))
}
