//! Newtonsoft's lenient JSON reader, token by token, with its positions and messages.
//!
//! Lenient means: comments, single quotes, unquoted names, trailing commas, `undefined`, `NaN`, `Infinity`,
//! hexadecimal and octal integers, `new Name(…)`.

use std::rc::Rc;

use super::position;
use super::scalar::Scalar;
use crate::clr::exception::{Error, ExceptionKind, Result};

/// What the reader finds.
#[derive(Debug)]
pub(super) enum Event {
    StartObject,
    StartArray,
    StartConstructor(Rc<str>),
    Name(Rc<str>),
    Value(Scalar),
    Comment(Rc<str>),
    EndObject,
    EndArray,
    EndConstructor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    Object,
    Array,
    Constructor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Property,
    ObjectStart,
    Object,
    ItemsStart,
    Items,
    PostValue,
    Finished,
}

/// An open container and what was read last in it.
struct Frame {
    container: Container,
    name: Option<Rc<str>>,
    /// Index of the last item begun; none yet = `None`.
    index: Option<usize>,
}

/// The reader.
pub(super) struct Lexer<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) line: usize,
    pub(super) line_start: usize,
    state: State,
    frames: Vec<Frame>,
    depth_max: usize,
    /// Whether strings that look like dates become dates.
    pub(super) dates: bool,
    /// Whether numbers and truth values stay what was written.
    pub(super) as_written: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str, depth_max: usize) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
            line_start: 0,
            state: State::Start,
            frames: Vec::new(),
            depth_max,
            dates: true,
            as_written: false,
        }
    }

    /// The byte at a place; beyond the end `None`.
    pub(super) fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn current_char(&self) -> char {
        self.rest().chars().next().unwrap_or('\0')
    }

    /// Open containers.
    pub(super) fn depth(&self) -> usize {
        self.frames.len()
    }

    fn container(&self) -> Option<Container> {
        self.frames.last().map(|frame| frame.container)
    }

    /// `JsonReaderException` at the present position.
    pub(super) fn error(&self, message: &str) -> Error {
        let column = self.text.get(self.line_start..self.at).map_or(0, |line| line.encode_utf16().count());
        let line = if self.state == State::Start && column == 0 { 0 } else { self.line };
        let text = format!("{message} Path '{}', line {line}, position {column}.", self.path());
        Error::new(ExceptionKind::JsonReader, text)
    }

    fn path(&self) -> String {
        let at_start = matches!(self.state, State::ObjectStart | State::ItemsStart);
        let shown = self.frames.len() - usize::from(at_start && !self.frames.is_empty());
        let mut path = String::new();
        for frame in self.frames.iter().take(shown) {
            match (frame.container, &frame.name, frame.index) {
                (Container::Object, Some(name), _) => position::push_name(&mut path, name),
                (Container::Array | Container::Constructor, _, Some(index)) => {
                    position::push_index(&mut path, index);
                }
                _ => {}
            }
        }
        path
    }

    pub(super) fn unexpected(&self, what: &str) -> Error {
        self.error(&format!("{what}: {}.", self.current_char()))
    }

    /// The next token; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Event>> {
        loop {
            let event = match self.state {
                State::Start | State::Property | State::ItemsStart | State::Items => return self.value(),
                State::ObjectStart | State::Object => return self.member(),
                State::PostValue => self.behind_value()?,
                State::Finished => return self.behind_end(),
            };
            if let Some(event) = event {
                return Ok(event);
            }
        }
    }

    /// Skips white space and zero characters, counting lines.
    pub(super) fn spaces(&mut self) {
        while let Some(byte) = self.byte() {
            match byte {
                b'\n' => self.new_line(),
                0 | b' ' | b'\t' | b'\r' => self.at += 1,
                0x80.. => {
                    let c = self.current_char();
                    if !c.is_whitespace() {
                        return;
                    }
                    self.at += c.len_utf8();
                }
                other if other.is_ascii_whitespace() || other == 0x0b || (0x1c..=0x1f).contains(&other) => {
                    self.at += 1;
                }
                _ => return,
            }
            if byte == b'\r' && self.byte() != Some(b'\n') {
                self.line += 1;
                self.line_start = self.at;
            }
        }
    }

    pub(super) fn new_line(&mut self) {
        self.at += 1;
        self.line += 1;
        self.line_start = self.at;
    }

    fn value(&mut self) -> Result<Option<Event>> {
        self.spaces();
        let Some(byte) = self.byte() else { return Ok(None) };
        let event = match byte {
            b'"' | b'\'' => {
                let text = self.quoted(byte)?;
                let date = if self.dates { super::date::date_of(&text)? } else { None };
                let value = date.map_or(Scalar::String(text), Scalar::Date);
                self.finish_value(value)
            }
            b't' => self.word("true", "boolean", Scalar::Bool(true))?,
            b'f' => self.word("false", "boolean", Scalar::Bool(false))?,
            b'n' => return self.null_or_constructor().map(Some),
            b'N' => self.word("NaN", "NaN", Scalar::Float(f64::NAN))?,
            b'I' => self.word("Infinity", "Infinity", Scalar::Float(f64::INFINITY))?,
            b'u' => self.word("undefined", "undefined", Scalar::Undefined)?,
            b'-' if self.rest().starts_with("-I") => {
                self.word("-Infinity", "-Infinity", Scalar::Float(f64::NEG_INFINITY))?
            }
            b'-' | b'.' | b'0'..=b'9' => {
                let start = self.at;
                let number = self.number()?;
                let written = self.text.get(start..self.at).filter(|_| self.as_written);
                self.finish_value(written.map_or(number, Scalar::from))
            }
            b'/' => Event::Comment(self.comment()?),
            b'{' => self.open(Container::Object, Event::StartObject)?,
            b'[' => self.open(Container::Array, Event::StartArray)?,
            b']' => return self.close(Container::Array).map(Some),
            b')' => return self.close(Container::Constructor).map(Some),
            // The comma is left for the next call, so that several make several values.
            b',' => self.finish_value(Scalar::Undefined),
            _ => return Err(self.unexpected("Unexpected character encountered while parsing value")),
        };
        Ok(Some(event))
    }

    fn null_or_constructor(&mut self) -> Result<Event> {
        match self.text.as_bytes().get(self.at + 1) {
            Some(b'u') => self.word("null", "null", Scalar::Null),
            Some(b'e') => {
                let name = self.constructor_name()?;
                self.open_behind(Container::Constructor, Event::StartConstructor(name))
            }
            Some(_) => Err(self.unexpected("Unexpected character encountered while parsing value")),
            None => {
                self.at += 1;
                Err(self.error("Unexpected end when reading JSON."))
            }
        }
    }

    /// A literal word, which a separator must follow.
    fn word(&mut self, word: &str, kind: &str, value: Scalar) -> Result<Event> {
        if self.matches(word)? {
            let as_written = self.as_written && !matches!(value, Scalar::Null | Scalar::Undefined);
            Ok(self.finish_value(if as_written { Scalar::from(word) } else { value }))
        } else {
            Err(self.error(&format!("Error parsing {kind} value.")))
        }
    }

    /// Whether the word stands here with a separator behind it; goes as far as it does.
    pub(super) fn matches(&mut self, word: &str) -> Result<bool> {
        let rest = self.rest().as_bytes();
        let same = word.bytes().zip(rest).take_while(|(a, b)| a == *b).count();
        if same < word.len() {
            if rest.len() < word.len() {
                self.at = self.text.len();
                return Err(self.error("Unexpected end when reading JSON."));
            }
            self.at += same;
            return Ok(false);
        }
        self.at += word.len();
        Ok(self.at_separator())
    }

    fn at_separator(&self) -> bool {
        match self.current_char() {
            '\0' | '}' | ']' | ',' => true,
            '/' => matches!(self.text.as_bytes().get(self.at + 1), Some(b'/' | b'*')),
            ')' => self.container() == Some(Container::Constructor),
            c => c.is_whitespace(),
        }
    }

    /// Notes that a value begins in the open container.
    fn count_value(&mut self) {
        if let Some(frame) = self.frames.last_mut()
            && frame.container != Container::Object
        {
            frame.index = Some(frame.index.map_or(0, |index| index + 1));
        }
    }

    fn finish_value(&mut self, value: Scalar) -> Event {
        self.count_value();
        self.after_value();
        Event::Value(value)
    }

    fn after_value(&mut self) {
        self.state = if self.frames.is_empty() { State::Finished } else { State::PostValue };
    }

    fn open(&mut self, container: Container, event: Event) -> Result<Event> {
        self.at += 1;
        self.open_behind(container, event)
    }

    fn open_behind(&mut self, container: Container, event: Event) -> Result<Event> {
        self.count_value();
        self.state = if container == Container::Object { State::ObjectStart } else { State::ItemsStart };
        self.frames.push(Frame { container, name: None, index: None });
        if self.frames.len() > self.depth_max {
            return Err(
                self.error(&format!("The reader's MaxDepth of {} has been exceeded.", self.depth_max))
            );
        }
        Ok(event)
    }

    fn close(&mut self, container: Container) -> Result<Event> {
        self.at += 1;
        let open = self.frames.pop().map(|frame| frame.container);
        if open == Some(container) {
            self.after_value();
            return Ok(match container {
                Container::Object => Event::EndObject,
                Container::Array => Event::EndArray,
                Container::Constructor => Event::EndConstructor,
            });
        }
        self.state = State::PostValue;
        let open = open.map_or_else(|| "None".to_owned(), |open| format!("{open:?}"));
        Err(self.error(&format!("JsonToken End{container:?} is not valid for closing JsonType {open}.")))
    }

    /// Inside an object: a name, a comment or the end.
    fn member(&mut self) -> Result<Option<Event>> {
        self.spaces();
        let Some(byte) = self.byte() else { return Ok(None) };
        let name: Rc<str> = match byte {
            b'}' => return self.close(Container::Object).map(Some),
            b'/' => return Ok(Some(Event::Comment(self.comment()?))),
            b'"' | b'\'' => self.quoted(byte)?,
            _ => self.bare_name()?,
        };
        self.spaces();
        if self.byte() != Some(b':') {
            return Err(
                self.unexpected("Invalid character after parsing property name. Expected ':' but got")
            );
        }
        self.at += 1;
        self.state = State::Property;
        if let Some(frame) = self.frames.last_mut() {
            frame.name = Some(Rc::clone(&name));
        }
        Ok(Some(Event::Name(name)))
    }

    /// Behind a value: a comma (nothing yet), the end of the container, a comment. Outer `None` = go on.
    #[expect(clippy::option_option, reason = "going on and the end of the text are different things")]
    fn behind_value(&mut self) -> Result<Option<Option<Event>>> {
        self.spaces();
        Ok(Some(match self.byte() {
            None => None,
            Some(b'}') => Some(self.close(Container::Object)?),
            Some(b']') => Some(self.close(Container::Array)?),
            Some(b')') => Some(self.close(Container::Constructor)?),
            Some(b'/') => Some(Event::Comment(self.comment()?)),
            Some(b',') => {
                self.at += 1;
                self.state = match self.container() {
                    Some(Container::Object) => State::Object,
                    _ => State::Items,
                };
                return Ok(None);
            }
            Some(_) => {
                return Err(self.unexpected("After parsing a value an unexpected character was encountered"));
            }
        }))
    }

    fn behind_end(&mut self) -> Result<Option<Event>> {
        self.spaces();
        match self.byte() {
            None => Ok(None),
            Some(b'/') => Ok(Some(Event::Comment(self.comment()?))),
            Some(_) => {
                Err(self.unexpected("Additional text encountered after finished reading JSON content"))
            }
        }
    }
}
