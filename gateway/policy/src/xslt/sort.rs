//! `xsl:sort` (XSLT 1.0 §10).

use std::cmp::Ordering;

use super::Error;
use super::instruction::{Sort, Template};
use super::xpath::{Context, Node};

/// What a node is sorted by.
enum Key {
    Number(f64),
    /// Without regard to case, then as written.
    Text(String, String),
}

struct Order {
    is_descending: bool,
    upper_first: bool,
}

/// The nodes in the order that the sorts ask for.
pub fn sorted(c: &Context<'_>, nodes: &[Node], sorts: &[Sort]) -> Result<Vec<Node>, Error> {
    if sorts.is_empty() {
        return Ok(nodes.to_vec());
    }
    let mut orders = Vec::new();
    let mut numbers = Vec::new();
    for sort in sorts {
        numbers.push(chosen(c, sort.is_number.as_ref(), "data-type", ["text", "number"])?);
        orders.push(Order {
            is_descending: chosen(c, sort.is_descending.as_ref(), "order", ["ascending", "descending"])?,
            upper_first: chosen(c, sort.upper_first.as_ref(), "case-order", ["lower-first", "upper-first"])?,
        });
    }
    let mut keyed = Vec::with_capacity(nodes.len());
    for (index, node) in nodes.iter().enumerate() {
        let inner = Context { node: *node, position: index + 1, size: nodes.len(), current: *node, ..*c };
        let mut keys = Vec::with_capacity(sorts.len());
        for (sort, is_number) in sorts.iter().zip(&numbers) {
            keys.push(if *is_number {
                Key::Number(inner.number(&sort.select)?)
            } else {
                let text = inner.string(&sort.select)?;
                Key::Text(text.to_lowercase(), text.to_string())
            });
        }
        keyed.push((keys, *node));
    }
    c.host.charge(nodes.len() as u64 * 16)?;
    keyed.sort_by(|(a, _), (b, _)| compare(a, b, &orders));
    Ok(keyed.into_iter().map(|(_, node)| node).collect())
}

/// Which of the two values an attribute has; the first is the default.
fn chosen(c: &Context<'_>, value: Option<&Template>, name: &str, values: [&str; 2]) -> Result<bool, Error> {
    let Some(value) = value else { return Ok(false) };
    let text = value.text(c)?;
    match values.iter().position(|known| *known == text) {
        Some(place) => Ok(place == 1),
        None => Err(Error::new(format!("'{text}' is an invalid value for the '{name}' attribute."))),
    }
}

fn compare(a: &[Key], b: &[Key], orders: &[Order]) -> Ordering {
    for ((a, b), order) in a.iter().zip(b).zip(orders) {
        let found = match (a, b) {
            // What is no number comes first.
            (Key::Number(a), Key::Number(b)) => {
                a.partial_cmp(b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
            }
            (Key::Text(a, as_written), Key::Text(b, other)) => a.cmp(b).then_with(|| {
                // Upper-case letters have the lower codes.
                let by_code = as_written.cmp(other);
                if order.upper_first { by_code } else { by_code.reverse() }
            }),
            _ => Ordering::Equal,
        };
        let found = if order.is_descending { found.reverse() } else { found };
        if found != Ordering::Equal {
            return found;
        }
    }
    Ordering::Equal
}
