//! Expressions: `[concat(parameters('a'), '-x').b[0]]`.

/// Deepest nesting.
const DEPTH_MAX: usize = 64;
/// Longest expression, in bytes: ARM's limit.
const BYTES_MAX: usize = 24_576;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    Text(String),
    Integer(i64),
    Call { name: String, arguments: Vec<Expression> },
    Member(Box<Expression>, String),
    Index(Box<Expression>, Box<Expression>),
}

/// What a text of a template is.
#[derive(Clone, Debug, PartialEq)]
pub enum Text<'t> {
    /// As it stands.
    Literal(&'t str),
    Expression(Expression),
}

/// Reads a text: an expression where it stands in brackets, and `[[` begins a literal with one.
pub fn text(written: &str) -> Result<Text<'_>, String> {
    if written.starts_with("[[") {
        return Ok(Text::Literal(written.get(1..).unwrap_or_default()));
    }
    let Some(inner) = written.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        return Ok(Text::Literal(written));
    };
    if inner.len() > BYTES_MAX {
        return Err(format!("The expression is longer than {BYTES_MAX} bytes."));
    }
    let mut reader = Reader { text: inner, at: 0, depth: 0 };
    let expression = reader.expression()?;
    reader.skip_space();
    match reader.peek() {
        None => Ok(Text::Expression(expression)),
        Some(found) => Err(reader.error(&format!("'{found}' is not expected after the expression"))),
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// Skips blanks and takes a character, if it is the next.
    fn take(&mut self, wanted: char) -> bool {
        self.skip_space();
        let is_next = self.peek() == Some(wanted);
        if is_next {
            self.at += wanted.len_utf8();
        }
        is_next
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        if self.take(wanted) {
            return Ok(());
        }
        let found = self.peek().map_or("the end".to_owned(), |found| format!("'{found}'"));
        Err(self.error(&format!("'{wanted}' is expected, not {found}")))
    }

    /// A fault at this place; the first character after the bracket is 1, as in Azure's messages.
    fn error(&self, what: &str) -> String {
        let position = self.text.get(..self.at).unwrap_or_default().chars().count() + 1;
        format!(
            "Unable to parse language expression '{}': {what} at position '{position}'.",
            shortened(self.text)
        )
    }

    fn expression(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error(&format!("nesting deeper than {DEPTH_MAX}")));
        }
        let mut expression = self.primary()?;
        let mut parts = 0;
        loop {
            if self.take('.') {
                self.skip_space();
                let name = self.word();
                if name.is_empty() {
                    return Err(self.error("the name of a member is expected"));
                }
                expression = Expression::Member(Box::new(expression), name);
            } else if self.take('[') {
                let index = self.expression()?;
                self.expect(']')?;
                expression = Expression::Index(Box::new(expression), Box::new(index));
            } else {
                self.depth -= 1;
                return Ok(expression);
            }
            parts += 1;
            if parts > DEPTH_MAX {
                return Err(self.error(&format!("more than {DEPTH_MAX} members of members")));
            }
        }
    }

    fn primary(&mut self) -> Result<Expression, String> {
        self.skip_space();
        match self.peek() {
            Some('\'') => self.quoted().map(Expression::Text),
            Some('0'..='9' | '-' | '+') => self.integer(),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => self.call(),
            Some(c) => Err(self.error(&format!("'{c}' begins no expression"))),
            None => Err(self.error("an expression is expected")),
        }
    }

    /// A text in quotes, where a doubled quote stands for one.
    fn quoted(&mut self) -> Result<String, String> {
        let start = self.at;
        let mut value = String::new();
        loop {
            self.at += 1;
            let Some(end) = self.rest().find('\'') else {
                self.at = start;
                return Err(self.error("a text has no closing quote"));
            };
            value.push_str(self.rest().get(..end).unwrap_or_default());
            self.at += end + 1;
            if self.peek() != Some('\'') {
                return Ok(value);
            }
            value.push('\'');
        }
    }

    fn integer(&mut self) -> Result<Expression, String> {
        let rest = self.rest();
        let is_part = |(at, c): (usize, char)| c.is_ascii_digit() || at == 0;
        let length = rest.char_indices().take_while(|found| is_part(*found)).count();
        let number = rest.get(..length).unwrap_or_default().parse();
        let number = number.map_err(|_| self.error("this is no whole number of 64 bits"))?;
        self.at += length;
        Ok(Expression::Integer(number))
    }

    fn word(&mut self) -> String {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$');
        let length = self.rest().find(|c| !is_part(c)).unwrap_or(self.rest().len());
        let word = self.rest().get(..length).unwrap_or_default().to_owned();
        self.at += length;
        word
    }

    /// `name(…)` or `namespace.name(…)`.
    fn call(&mut self) -> Result<Expression, String> {
        let mut name = self.word();
        if self.peek() == Some('.') {
            self.at += 1;
            name = format!("{name}.{}", self.word());
        }
        self.expect('(')?;
        let mut arguments = Vec::new();
        if self.take(')') {
            return Ok(Expression::Call { name, arguments });
        }
        loop {
            arguments.push(self.expression()?);
            if !self.take(',') {
                self.expect(')')?;
                return Ok(Expression::Call { name, arguments });
            }
        }
    }
}

fn shortened(text: &str) -> String {
    const CHARS_MAX: usize = 120;
    let mut short: String = text.chars().take(CHARS_MAX).collect();
    if text.chars().count() > CHARS_MAX {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syntax_reads_calls_members_and_indices() {
        let call = |name: &str, arguments| Expression::Call { name: name.to_owned(), arguments };
        let Ok(Text::Expression(read)) = text("[ a('it''s', -2).b [ c() ] ]") else { panic!("not read") };
        let arguments = vec![Expression::Text("it's".to_owned()), Expression::Integer(-2)];
        let member = Expression::Member(Box::new(call("a", arguments)), "b".to_owned());
        assert_eq!(read, Expression::Index(Box::new(member), Box::new(call("c", Vec::new()))));
        assert_eq!(text("[[x]"), Ok(Text::Literal("[x]")));
        assert_eq!(text("[x"), Ok(Text::Literal("[x")));
        assert_eq!(text("x]"), Ok(Text::Literal("x]")));
        let own = text("[contoso.name('x')]");
        assert_eq!(own, Ok(Text::Expression(call("contoso.name", vec![Expression::Text("x".to_owned())]))));
    }

    #[test]
    fn syntax_errors_name_their_position() {
        for (written, what) in [
            ("[concat('a' 'b')]", "')' is expected, not ''' at position '12'."),
            ("[concat('a']", "')' is expected, not the end at position '11'."),
            ("['a]", "a text has no closing quote at position '1'."),
            ("[parameters]", "'(' is expected, not the end at position '11'."),
            ("[]", "an expression is expected at position '1'."),
            ("[1 2]", "'2' is not expected after the expression at position '3'."),
            ("[99999999999999999999]", "this is no whole number of 64 bits at position '1'."),
            ("[a().]", "the name of a member is expected at position '5'."),
        ] {
            let error = text(written).err().unwrap_or_else(|| panic!("{written} is read"));
            assert!(error.ends_with(what), "{written}: {error}");
        }
        assert!(text(&format!("[{}1{}]", "a(".repeat(1_000), ")".repeat(1_000))).is_err());
        assert!(text(&format!("[a(){}]", "[0]".repeat(1_000))).is_err());
    }
}
