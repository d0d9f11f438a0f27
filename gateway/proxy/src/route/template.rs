//! URL templates of operations: `/customers/{id}/orders/{*rest}?date={date}` (`policies.md` §6.5).

use std::sync::Arc;

use thiserror::Error;

/// A template, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pub segments: Vec<Segment>,
    /// Query parameters that a request must carry.
    pub query: Vec<QueryParameter>,
    /// As written; breaks ties between templates.
    pub text: Arc<str>,
}

/// One path segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    Literal(Box<str>),
    /// `{name}`, with text around it where the template has some: `v{major}.json`.
    Parameter {
        prefix: Box<str>,
        name: Arc<str>,
        suffix: Box<str>,
    },
    /// `*` or `{*name}` at the end: the rest of the path, any depth, also empty.
    Rest(Option<Arc<str>>),
}

/// A query parameter of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryParameter {
    /// Compared without case.
    pub name: Box<str>,
    pub value: QueryValue,
}

/// What a query parameter must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryValue {
    /// Any value, bound to a parameter.
    Parameter(Arc<str>),
    /// Exactly this.
    Fixed(Box<str>),
}

/// Why a text is no template.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TemplateError {
    #[error("a brace in the URL template is not closed")]
    Brace,
    #[error("a parameter name in the URL template is empty")]
    EmptyName,
    #[error("a segment of the URL template has more than one parameter")]
    TwoParameters,
    #[error("a wildcard stands before the end of the URL template")]
    RestNotLast,
    #[error("a parameter name stands twice in the URL template")]
    Duplicate,
}

impl Template {
    /// Reads a template. A leading slash is optional; a trailing one is significant.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let mut segments = Vec::new();
        let inner = path.strip_prefix('/').unwrap_or(path);
        if !inner.is_empty() {
            for segment in inner.split('/') {
                if matches!(segments.last(), Some(Segment::Rest(_))) {
                    return Err(TemplateError::RestNotLast);
                }
                segments.push(parse_segment(segment)?);
            }
        }
        let query =
            query.split('&').filter(|pair| !pair.is_empty()).map(parse_query).collect::<Result<_, _>>()?;
        let template = Self { segments, query, text: text.into() };
        let mut names: Vec<_> = template.parameters().collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        if names.len() == count { Ok(template) } else { Err(TemplateError::Duplicate) }
    }

    /// Names of all parameters, path before query.
    pub fn parameters(&self) -> impl Iterator<Item = &Arc<str>> {
        let of_path = self.segments.iter().filter_map(|segment| match segment {
            Segment::Parameter { name, .. } => Some(name),
            Segment::Rest(name) => name.as_ref(),
            Segment::Literal(_) => None,
        });
        let of_query = self.query.iter().filter_map(|parameter| match &parameter.value {
            QueryValue::Parameter(name) => Some(name),
            QueryValue::Fixed(_) => None,
        });
        of_path.chain(of_query)
    }
}

fn parse_segment(text: &str) -> Result<Segment, TemplateError> {
    if text == "*" {
        return Ok(Segment::Rest(None));
    }
    let Some((prefix, rest)) = text.split_once('{') else {
        return if text.contains('}') {
            Err(TemplateError::Brace)
        } else {
            Ok(Segment::Literal(text.into()))
        };
    };
    let (name, suffix) = rest.split_once('}').ok_or(TemplateError::Brace)?;
    if suffix.contains('{') {
        return Err(TemplateError::TwoParameters);
    }
    if prefix.contains('}') || suffix.contains('}') || name.contains('{') {
        return Err(TemplateError::Brace);
    }
    match name.strip_prefix('*') {
        Some("") => Err(TemplateError::EmptyName),
        Some(rest_name) if prefix.is_empty() && suffix.is_empty() => {
            Ok(Segment::Rest(Some(rest_name.into())))
        }
        Some(_) => Err(TemplateError::RestNotLast),
        None if name.is_empty() => Err(TemplateError::EmptyName),
        None => Ok(Segment::Parameter { prefix: prefix.into(), name: name.into(), suffix: suffix.into() }),
    }
}

fn parse_query(pair: &str) -> Result<QueryParameter, TemplateError> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let value = match value.strip_prefix('{') {
        Some(rest) => {
            let name = rest.strip_suffix('}').ok_or(TemplateError::Brace)?;
            if name.is_empty() {
                return Err(TemplateError::EmptyName);
            }
            QueryValue::Parameter(name.into())
        }
        None => QueryValue::Fixed(value.into()),
    };
    Ok(QueryParameter { name: name.into(), value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_all_forms() {
        let template = Template::parse("/a/v{n}.json/{*rest}?date={date}&mode=fast").unwrap();
        assert_eq!(template.segments.len(), 3);
        assert_eq!(
            template.parameters().map(std::string::ToString::to_string).collect::<Vec<_>>(),
            ["n", "rest", "date"]
        );
        assert_eq!(Template::parse("/").unwrap().segments, []);
        assert_eq!(Template::parse("/a/").unwrap().segments.len(), 2);
        assert_eq!(Template::parse("/*").unwrap().segments, [Segment::Rest(None)]);
    }

    #[test]
    fn parse_mistakes_are_named() {
        for (text, error) in [
            ("/{a", TemplateError::Brace),
            ("/a}", TemplateError::Brace),
            ("/{}", TemplateError::EmptyName),
            ("/{a}{b}", TemplateError::TwoParameters),
            ("/*/a", TemplateError::RestNotLast),
            ("/{*a}/b", TemplateError::RestNotLast),
            ("/{a}/{a}", TemplateError::Duplicate),
            ("/{a}?x={a}", TemplateError::Duplicate),
        ] {
            assert_eq!(Template::parse(text), Err(error), "{text}");
        }
    }
}
