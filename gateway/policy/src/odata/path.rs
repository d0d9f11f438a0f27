//! Resource paths (OData 4.01 URL conventions §4).

use super::Reason;
use super::model::{Model, Shape};
use crate::message::query::decode;

/// Segments of a path.
const SEGMENTS_MAX: usize = 64;

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum Target {
    /// The service document, the metadata, a batch: no query options apply.
    Service,
    /// A resource; its type where it is known.
    Resource(Option<Shape>),
}

/// Follows a path through the metadata.
pub fn resolve(model: &Model, path: &str) -> Result<Target, Reason> {
    let segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| decode(segment).into_owned())
        .collect();
    if segments.len() > SEGMENTS_MAX {
        return Err(format!("A path has at most {SEGMENTS_MAX} segments."));
    }
    let Some((first, rest)) = segments.split_first() else { return Ok(Target::Service) };
    match (first.as_str(), rest) {
        ("$metadata" | "$batch", []) => return Ok(Target::Service),
        ("$entity" | "$all", _) => return Ok(Target::Resource(None)),
        _ => {}
    }
    let (name, key) = split_key(first)?;
    let found =
        model.contained(name).ok_or_else(|| format!("The resource '{name}' is not part of the metadata."))?;
    let mut shape = found.map(|shape| keyed(shape, key, name)).transpose()?;
    for (index, segment) in rest.iter().enumerate() {
        let is_last = index + 1 == rest.len();
        shape = step(model, shape, segment, is_last)?;
    }
    Ok(Target::Resource(shape))
}

/// A segment's name and what stands in its parentheses.
fn split_key(segment: &str) -> Result<(&str, Option<&str>), Reason> {
    let Some((name, rest)) = segment.split_once('(') else { return Ok((segment, None)) };
    let key =
        rest.strip_suffix(')').ok_or_else(|| format!("The parentheses of '{segment}' are not closed."))?;
    let mut in_text = false;
    let mut depth = 0_i32;
    for c in key.chars() {
        match c {
            '\'' => in_text = !in_text,
            '(' if !in_text => depth += 1,
            ')' if !in_text => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return Err(format!("The parentheses of '{segment}' do not match."));
        }
    }
    if in_text || depth != 0 {
        return Err(format!("The key of '{segment}' is not closed."));
    }
    Ok((name, Some(key)))
}

/// The entity that a key picks out of a collection; the parameters of a function change nothing.
fn keyed(shape: Shape, key: Option<&str>, name: &str) -> Result<Shape, Reason> {
    match key {
        None => Ok(shape),
        Some(_) if !shape.is_collection || !shape.is_navigation => Ok(shape),
        Some(key) if key.trim().is_empty() => Err(format!("The key of '{name}' is empty.")),
        Some(_) => Ok(Shape { is_collection: false, ..shape }),
    }
}

fn step(model: &Model, shape: Option<Shape>, segment: &str, is_last: bool) -> Result<Option<Shape>, Reason> {
    let (name, key) = split_key(segment)?;
    let is_collection = shape.as_ref().is_none_or(|shape| shape.is_collection);
    match name {
        "$count" if is_collection && is_last => return Ok(Some(primitive("Edm.Int32"))),
        "$ref" if is_last => return Ok(shape),
        "$value" if is_last && shape.as_ref().is_none_or(|shape| !shape.is_collection) => {
            return Ok(Some(primitive("Edm.Stream")));
        }
        "$each" | "$filter" if is_collection => return Ok(shape),
        _ if name.starts_with('$') => return Err(format!("The segment '{segment}' is not allowed here.")),
        _ => {}
    }
    if name.contains('.') {
        if model.is_type(name) {
            let cast = shape.map(|shape| Shape { kind: model.qualified(name), ..shape });
            return cast.map(|cast| keyed(cast, key, name)).transpose();
        }
        if let Some(result) = model.operation(name) {
            return Ok(result);
        }
    }
    let Some(shape) = shape else { return Ok(None) };
    if shape.is_collection && shape.is_navigation {
        // Keys may be segments of their own (§4.3.6).
        return Ok(Some(Shape { is_collection: false, ..shape }));
    }
    if shape.is_collection {
        return Err(format!("The segment '{segment}' is not allowed behind a collection."));
    }
    let member = model.member(&shape.kind, name)?;
    member.map(|member| keyed(member, key, name)).transpose()
}

fn primitive(kind: &str) -> Shape {
    Shape { kind: kind.to_owned(), ..Shape::default() }
}
