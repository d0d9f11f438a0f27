//! Conditions of JSONPath: `[?(@.a > 1 && @.b)]`.

use super::equality::{compare_scalars, values_equal};
use super::node::{JToken, TokenType};
use super::path::Step;
use super::scalar::Scalar;
use super::select::Selection;
use crate::clr::exception::Result;
use crate::clr::regex::{Regex, RegexOptions};
use crate::clr::{encoding, guid};

#[derive(Debug, Clone, Copy)]
pub(super) enum Operator {
    Equals,
    StrictEquals,
    NotEquals,
    StrictNotEquals,
    Less,
    LessOrEquals,
    Greater,
    GreaterOrEquals,
    Regex,
}

#[derive(Debug)]
pub(super) enum Operand {
    Path(Vec<Step>),
    Value(Scalar),
}

#[derive(Debug)]
pub(super) enum Condition {
    Exists(Operand),
    Compare(Operand, Operator, Operand),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

impl Condition {
    /// Joins terms from the left: each change of the operator opens a group that goes to the end.
    pub(super) fn join(terms: Vec<Self>, joints: &[char]) -> Self {
        let mut groups: Vec<(char, Vec<Self>)> = Vec::new();
        for (index, term) in terms.into_iter().enumerate() {
            // The last term belongs to the group that is open.
            if let Some(joint) = joints.get(index)
                && groups.last().is_none_or(|(open, _)| open != joint)
            {
                groups.push((*joint, Vec::new()));
            }
            match groups.last_mut() {
                Some((_, group)) => group.push(term),
                None => return term,
            }
        }
        let mut inner: Option<Self> = None;
        while let Some((joint, mut group)) = groups.pop() {
            group.extend(inner.take());
            inner = Some(if joint == '&' { Self::All(group) } else { Self::Any(group) });
        }
        inner.unwrap_or(Self::All(Vec::new()))
    }

    pub(super) fn is_match(&self, token: &JToken, selection: &mut Selection<'_>) -> Result<bool> {
        Ok(match self {
            Self::Exists(operand) => !operand.evaluate(token, selection)?.is_empty(),
            Self::All(conditions) => {
                for condition in conditions {
                    if !condition.is_match(token, selection)? {
                        return Ok(false);
                    }
                }
                true
            }
            Self::Any(conditions) => {
                for condition in conditions {
                    if condition.is_match(token, selection)? {
                        return Ok(true);
                    }
                }
                false
            }
            Self::Compare(left, operator, right) => {
                let left = left.evaluate(token, selection)?;
                if left.is_empty() {
                    return Ok(false);
                }
                let right = right.evaluate(token, selection)?;
                for left in &left {
                    for right in &right {
                        selection.step()?;
                        if compare(left, *operator, right)? {
                            return Ok(true);
                        }
                    }
                }
                false
            }
        })
    }
}

impl Operand {
    fn evaluate(&self, token: &JToken, selection: &mut Selection<'_>) -> Result<Vec<JToken>> {
        match self {
            Self::Value(value) => Ok(vec![JToken::value(value.clone())]),
            Self::Path(steps) => selection.walk(steps, token, false),
        }
    }
}

fn compare(left: &JToken, operator: Operator, right: &JToken) -> Result<bool> {
    let (Some(left), Some(right)) = (left.scalar(), right.scalar()) else {
        // Only values can be compared; containers are unlike everything.
        return Ok(matches!(operator, Operator::NotEquals | Operator::StrictNotEquals));
    };
    Ok(match operator {
        Operator::Equals => loosely_equal(&left, &right),
        Operator::NotEquals => !loosely_equal(&left, &right),
        Operator::StrictEquals => strictly_equal(&left, &right),
        Operator::StrictNotEquals => !strictly_equal(&left, &right),
        Operator::Less => compare_scalars(&left, &right)? < 0,
        Operator::LessOrEquals => compare_scalars(&left, &right)? <= 0,
        Operator::Greater => compare_scalars(&left, &right)? > 0,
        Operator::GreaterOrEquals => compare_scalars(&left, &right)? >= 0,
        Operator::Regex => matches_regex(&left, &right)?,
    })
}

fn are_numbers(left: &Scalar, right: &Scalar) -> bool {
    matches!(
        (left.token_type(), right.token_type()),
        (TokenType::Integer, TokenType::Float) | (TokenType::Float, TokenType::Integer)
    )
}

fn strictly_equal(left: &Scalar, right: &Scalar) -> bool {
    if are_numbers(left, right) {
        return compare_scalars(left, right).is_ok_and(|order| order == 0);
    }
    values_equal(left, right)
}

/// A text in the path equals what a date, bytes or the like would be written as.
fn loosely_equal(left: &Scalar, right: &Scalar) -> bool {
    if strictly_equal(left, right) {
        return true;
    }
    let Scalar::String(expected) = right else { return false };
    let written = match left {
        Scalar::Date(_) | Scalar::DateOffset(_) => {
            let json = JToken::value(left.clone()).to_json(super::writer::Formatting::None);
            json.trim_matches('"').to_owned()
        }
        Scalar::Bytes(bytes) => encoding::to_base64(bytes),
        Scalar::Guid(bytes) => guid::text(bytes),
        Scalar::TimeSpan(span) => span.to_string(),
        Scalar::Uri(text) => text.to_string(),
        _ => return false,
    };
    written == **expected
}

/// `value =~ /pattern/options`.
fn matches_regex(left: &Scalar, right: &Scalar) -> Result<bool> {
    let (Scalar::String(input), Scalar::String(literal)) = (left, right) else { return Ok(false) };
    let body = literal.strip_prefix('/').unwrap_or(literal);
    let (pattern, letters) = body.rsplit_once('/').unwrap_or((body, ""));
    let mut options = RegexOptions::NONE;
    for letter in letters.chars() {
        options = options.with(match letter {
            'i' => RegexOptions::IGNORE_CASE,
            'm' => RegexOptions::MULTILINE,
            's' => RegexOptions::SINGLELINE,
            'x' => RegexOptions::EXPLICIT_CAPTURE,
            _ => RegexOptions::NONE,
        });
    }
    Regex::new(pattern, options)?.is_match(input)
}
