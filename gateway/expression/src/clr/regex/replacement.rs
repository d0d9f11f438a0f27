//! Replacement patterns: `$n`, `${n}`, `${name}`, `$&`, `$'`, `$_`, `$+`, `$$` and the one with a backtick.
//! What names no group stays as it is.

use super::groups::GroupTable;
use super::matching::Match;

#[derive(Debug)]
enum Piece {
    Text(String),
    Group(i32),
    Before,
    Behind,
    Whole,
    LastGroup,
}

/// A replacement pattern taken apart.
#[derive(Debug)]
pub(super) struct Replacement(Vec<Piece>);

impl Replacement {
    pub(super) fn parse(pattern: &str, groups: &GroupTable) -> Self {
        let mut pieces = Vec::new();
        let mut rest = pattern;
        while let Some(at) = rest.find('$') {
            let (text, tail) = rest.split_at(at);
            pieces.push(Piece::Text(text.to_owned()));
            let behind = tail.get(1..).unwrap_or_default();
            let (piece, used) = reference(behind, groups).unwrap_or((Piece::Text("$".to_owned()), 0));
            pieces.push(piece);
            rest = behind.get(used..).unwrap_or_default();
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Self(pieces)
    }

    pub(super) fn expand(&self, found: &Match) -> String {
        let (start, end) = found.span();
        let text = found.text();
        let mut made = String::new();
        for piece in &self.0 {
            made.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Group(number) => found
                    .group_span(*number)
                    .and_then(|(start, end)| text.get(start..end))
                    .unwrap_or_default(),
                Piece::Before => text.get(..start).unwrap_or_default(),
                Piece::Behind => text.get(end..).unwrap_or_default(),
                Piece::Whole => text,
                Piece::LastGroup => found.last_group_text(),
            });
        }
        made
    }
}

/// What stands behind a `$`, and how many bytes it takes.
fn reference(text: &str, groups: &GroupTable) -> Option<(Piece, usize)> {
    let simple = match text.chars().next()? {
        '$' => Some(Piece::Text("$".to_owned())),
        '&' => Some(Piece::Group(0)),
        '`' => Some(Piece::Before),
        '\'' => Some(Piece::Behind),
        '_' => Some(Piece::Whole),
        '+' => Some(Piece::LastGroup),
        _ => None,
    };
    if let Some(piece) = simple {
        return Some((piece, 1));
    }
    if let Some(inner) = text.strip_prefix('{') {
        let name = inner.get(..inner.find('}')?)?;
        let number = match name.parse::<i32>() {
            Ok(number) if name.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(number).filter(|n| groups.has_number(*n))
            }
            _ => groups.number_of(name),
        };
        return Some((Piece::Group(number?), name.len() + 2));
    }
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number = text.get(..digits)?.parse().ok().filter(|number| groups.has_number(*number))?;
    Some((Piece::Group(number), digits))
}
