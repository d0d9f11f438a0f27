//! Query options (OData 4.01 URL conventions §5).

use super::Reason;
use super::expression::{self, Scope};
use super::model::{Model, Shape};
use super::path::Target;
use crate::message::query::{decode, pairs};

/// Expanded resources inside each other.
const EXPAND_MAX: usize = 8;

/// Checks the query of a request.
pub fn check(model: &Model, target: &Target, query: &str) -> Result<(), Reason> {
    let mut seen = Vec::new();
    for (name, value) in pairs(query) {
        let (name, value) = (decode(name).into_owned(), decode(value).into_owned());
        if !name.starts_with('$') {
            continue;
        }
        if seen.contains(&name) {
            return Err(format!("The query option '{name}' must not stand twice."));
        }
        let Target::Resource(shape) = target else {
            if name == "$format" {
                continue;
            }
            return Err(format!("The query option '{name}' is not allowed here."));
        };
        option(model, shape.as_ref(), (&name, &value), 0)?;
        seen.push(name);
    }
    Ok(())
}

fn option(
    model: &Model,
    shape: Option<&Shape>,
    (name, value): (&str, &str),
    depth: usize,
) -> Result<(), Reason> {
    let kind = shape.map(|shape| shape.kind.as_str());
    let on_collection = shape.is_none_or(|shape| shape.is_collection);
    let number = || match value.parse::<u32>() {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("The value '{value}' of the query option '{name}' is no whole number.")),
    };
    match name {
        "$top" | "$skip" | "$index" => number(),
        "$levels" if value == "max" => Ok(()),
        "$levels" => number(),
        "$count" if !on_collection => Err(format!("The query option '{name}' is for collections only.")),
        "$count" if matches!(value, "true" | "false") => Ok(()),
        "$count" => Err(format!("The value '{value}' of the query option '{name}' must be true or false.")),
        "$select" => select(model, kind, value),
        "$expand" => expand(model, kind, value, depth),
        "$orderby" => split(value, ',').into_iter().try_for_each(|item| {
            let item = item.trim();
            let item = item.strip_suffix(" asc").or_else(|| item.strip_suffix(" desc")).unwrap_or(item);
            expression::check(&Scope { model, kind }, item)
        }),
        "$filter" if !on_collection => Err(format!("The query option '{name}' is for collections only.")),
        "$filter" => expression::check(&Scope { model, kind }, value),
        "$format" | "$search" | "$skiptoken" | "$deltatoken" | "$apply" | "$compute" | "$schemaversion"
        | "$id"
            if !value.trim().is_empty() =>
        {
            Ok(())
        }
        "$format" | "$search" | "$skiptoken" | "$deltatoken" | "$apply" | "$compute" | "$schemaversion"
        | "$id" => Err(format!("The query option '{name}' has no value.")),
        _ => Err(format!("The query option '{name}' is unknown.")),
    }
}

fn select(model: &Model, kind: Option<&str>, value: &str) -> Result<(), Reason> {
    for item in split(value, ',') {
        let item = item.trim();
        let (path, _) = item.split_once('(').unwrap_or((item, ""));
        if path.is_empty() {
            return Err("The query option '$select' has an empty item.".to_owned());
        }
        let is_all = path == "*" || path.strip_suffix(".*").is_some_and(|name| model.is_namespace(name));
        if !is_all && model.operation(path).is_none() {
            follow(model, kind, path)?;
        }
    }
    Ok(())
}

/// The type that a path of members leads to.
pub fn follow(model: &Model, kind: Option<&str>, path: &str) -> Result<Option<Shape>, Reason> {
    let mut kind = kind.map(str::to_owned);
    let mut shape = None;
    for part in path.split('/') {
        if part.contains('.') && model.is_type(part) {
            kind = Some(model.qualified(part));
            continue;
        }
        if matches!(part, "$count" | "$value" | "$ref") {
            return Ok(Some(Shape { kind: "Edm.Int32".to_owned(), ..Shape::default() }));
        }
        let Some(own) = &kind else { return Ok(None) };
        shape = model.member(own, part)?;
        kind = shape.as_ref().map(|shape| shape.kind.clone());
    }
    Ok(shape)
}

fn expand(model: &Model, kind: Option<&str>, value: &str, depth: usize) -> Result<(), Reason> {
    if depth >= EXPAND_MAX {
        return Err(format!("Resources are expanded more than {EXPAND_MAX} deep."));
    }
    for item in split(value, ',') {
        let item = item.trim();
        let (path, options) = match item.split_once('(') {
            Some((path, rest)) => {
                let inner = rest.strip_suffix(')');
                (path, inner.ok_or_else(|| format!("The parentheses of '{item}' are not closed."))?)
            }
            None => (item, ""),
        };
        if path == "*" || path.starts_with("*/") {
            continue;
        }
        let shape = follow(model, kind, path.trim_end_matches("/$ref").trim_end_matches("/$count"))?;
        if shape.as_ref().is_some_and(|shape| !shape.is_navigation && shape.kind.starts_with("Edm.")) {
            return Err(format!("The property '{path}' cannot be expanded."));
        }
        for option_text in split(options, ';').into_iter().filter(|text| !text.trim().is_empty()) {
            let Some((name, value)) = option_text.trim().split_once('=') else {
                return Err(format!("The option '{option_text}' of '{path}' has no value."));
            };
            option(model, shape.as_ref(), (name, value), depth + 1)?;
        }
    }
    Ok(())
}

/// Splits where neither parentheses nor quotes are open.
fn split(text: &str, by: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth, mut in_text) = (0, 0_i32, false);
    for (at, c) in text.char_indices() {
        match c {
            '\'' => in_text = !in_text,
            '(' if !in_text => depth += 1,
            ')' if !in_text => depth -= 1,
            c if c == by && !in_text && depth == 0 => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}
