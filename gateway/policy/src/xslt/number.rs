//! `xsl:number` (XSLT 1.0 §7.7).

use super::Error;
use super::instruction::{Level, Number};
use super::pattern::Pattern;
use super::tree::Kind;
use super::xpath::{Context, Node, data, number_text};

/// Digits of a number that is written in letters or Roman digits at most; a greater one is written in decimals.
const LETTERS_MAX: u64 = 1_000_000;
const ROMAN_MAX: u64 = 3999;

/// The text of the instruction.
pub fn text(c: &Context<'_>, number: &Number) -> Result<String, Error> {
    let numbers = match &number.value {
        Some(value) => {
            let value = c.number(value)?;
            let rounded = super::xpath::round(value);
            if !(0.5..1e15).contains(&value) {
                return Ok(number_text(value));
            }
            vec![rounded as u64]
        }
        None => counted(c, number)?,
    };
    let format = number.format.text(c)?;
    let separator = number.separator.as_ref().map(|text| text.text(c)).transpose()?;
    let size = number.size.as_ref().map(|text| text.text(c)).transpose()?;
    let group =
        separator.zip(size.and_then(|size| size.trim().parse::<usize>().ok()).filter(|size| *size > 0));
    Ok(written(&numbers, &format, group.as_ref().map(|(separator, size)| (separator.as_str(), *size))))
}

fn counted(c: &Context<'_>, number: &Number) -> Result<Vec<u64>, Error> {
    let mut found = Vec::new();
    if number.level == Level::Any {
        let count = any(c, number)?;
        return Ok(if count > 0 { vec![count] } else { found });
    }
    let mut at = Some(c.node);
    while let Some(node) = at {
        // What `from` matches bounds the search; itself it counts only as the node at hand.
        if node != c.node && matches(c, number.from.as_ref(), node)? {
            break;
        }
        if counts(c, number, node)? {
            found.push(place(c, number, node)?);
            if number.level == Level::Single {
                break;
            }
        }
        at = parent(c, node);
    }
    found.reverse();
    Ok(found)
}

/// How many nodes of the document up to this one count, behind the last that `from` matches.
fn any(c: &Context<'_>, number: &Number) -> Result<u64, Error> {
    let mut count = 0;
    for index in (0..=c.node.index).rev() {
        c.host.charge(1)?;
        let node = Node { tree: c.node.tree, index };
        let is_counted = data(c.host, node).is_some_and(|data| {
            index == c.node.index || !matches!(data.kind, Kind::Attribute | Kind::Namespace)
        });
        if is_counted && counts(c, number, node)? {
            count += 1;
        }
        if is_counted && matches(c, number.from.as_ref(), node)? {
            break;
        }
    }
    Ok(count)
}

/// The place of a node among its siblings that count.
fn place(c: &Context<'_>, number: &Number, node: Node) -> Result<u64, Error> {
    let Some(parent) = parent(c, node) else { return Ok(1) };
    let mut place = 1;
    let Some(tree) = c.host.tree(node.tree) else { return Ok(1) };
    for index in tree.children(parent.index).take_while(|index| *index < node.index) {
        c.host.charge(1)?;
        if counts(c, number, Node { tree: node.tree, index })? {
            place += 1;
        }
    }
    Ok(place)
}

fn parent(c: &Context<'_>, node: Node) -> Option<Node> {
    let own = data(c.host, node)?;
    (own.kind != Kind::Root).then_some(Node { tree: node.tree, index: own.parent })
}

fn matches(c: &Context<'_>, pattern: Option<&Pattern>, node: Node) -> Result<bool, Error> {
    pattern.map_or(Ok(false), |pattern| pattern.matches(&Context { node, current: node, ..*c }))
}

/// Whether a node counts: by the pattern, or as one of the kind and name of the node at hand.
fn counts(c: &Context<'_>, number: &Number, node: Node) -> Result<bool, Error> {
    if number.count.is_some() {
        return matches(c, number.count.as_ref(), node);
    }
    let (Some(own), Some(other)) = (data(c.host, c.node), data(c.host, node)) else { return Ok(false) };
    let name = |node: &super::tree::NodeData| node.name.as_deref().map(|name| name.name.clone());
    Ok(own.kind == other.kind && name(own) == name(other))
}

/// The numbers by a format: tokens of letters and digits with what stands between and around them.
fn written(numbers: &[u64], format: &str, group: Option<(&str, usize)>) -> String {
    let mut tokens: Vec<&str> = Vec::new();
    let mut marks: Vec<&str> = vec![""];
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        let is_token = first.is_alphanumeric();
        let end = rest.find(|c: char| c.is_alphanumeric() != is_token).unwrap_or(rest.len());
        let (part, behind) = rest.split_at(end);
        if is_token {
            tokens.push(part);
            marks.push("");
        } else if let Some(mark) = marks.last_mut() {
            *mark = part;
        }
        rest = behind;
    }
    let (prefix, suffix) =
        (marks.first().copied().unwrap_or_default(), marks.last().copied().unwrap_or_default());
    let mut made = prefix.to_owned();
    for (index, number) in numbers.iter().enumerate() {
        if index > 0 {
            // The last mark between tokens stands for all that follow.
            let between = marks.get(1..marks.len().saturating_sub(1)).unwrap_or_default();
            made.push_str(between.get(index - 1).or(between.last()).copied().unwrap_or("."));
        }
        let token = tokens.get(index).or(tokens.last()).copied().unwrap_or("1");
        made.push_str(&one(*number, token, group));
    }
    if !tokens.is_empty() || !numbers.is_empty() {
        made.push_str(if tokens.is_empty() { "" } else { suffix });
    }
    made
}

fn one(number: u64, token: &str, group: Option<(&str, usize)>) -> String {
    match token {
        "a" if (1..=LETTERS_MAX).contains(&number) => letters(number, b'a'),
        "A" if (1..=LETTERS_MAX).contains(&number) => letters(number, b'A'),
        "i" if (1..=ROMAN_MAX).contains(&number) => roman(number).to_ascii_lowercase(),
        "I" if (1..=ROMAN_MAX).contains(&number) => roman(number),
        _ => {
            let width = if token.chars().all(|c| c.is_ascii_digit()) { token.len().min(100) } else { 1 };
            let digits = format!("{number:0>width$}");
            let Some((separator, size)) = group else { return digits };
            let length = digits.len();
            let mut made = String::new();
            for (index, c) in digits.chars().enumerate() {
                if index > 0 && (length - index) % size == 0 {
                    made.push_str(separator);
                }
                made.push(c);
            }
            made
        }
    }
}

fn letters(mut number: u64, first: u8) -> String {
    let mut made = Vec::new();
    while number > 0 {
        number -= 1;
        made.push(first + (number % 26) as u8);
        number /= 26;
    }
    made.reverse();
    String::from_utf8(made).unwrap_or_default()
}

fn roman(mut number: u64) -> String {
    const DIGITS: &[(u64, &str)] = &[
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let mut made = String::new();
    for (value, digit) in DIGITS {
        while number >= *value {
            made.push_str(digit);
            number -= value;
        }
    }
    made
}
