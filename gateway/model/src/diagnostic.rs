//! What is wrong with a configuration, and where.

use std::collections::BTreeMap;
use std::fmt;

use crate::arm_id::ResourceId;
use crate::id::ApiId;
use crate::origin::Origin;

pub mod render;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The resource (and its API, where [`Diagnostic::api`] names one) is not served.
    Error,
    /// Served, but not quite as written.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// `error`, `warning` or `note`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One finding about a configuration. Ordered by place, so that a sorted list reads like the files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Diagnostic {
    /// Where it was written.
    pub origin: Origin,
    /// How bad it is.
    pub severity: Severity,
    /// Stable short name of the finding, in kebab case.
    pub code: &'static str,
    /// What is wrong, for a person; never holds a secret.
    pub message: Box<str>,
    /// The resource concerned.
    pub resource: Option<ResourceId>,
    /// The API that an error takes out; none when it takes out no API by itself.
    pub api: Option<ApiId>,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: &'static str, origin: Origin, message: impl Into<String>) -> Self {
        Self {
            origin,
            severity: Severity::Error,
            code,
            message: message.into().into_boxed_str(),
            resource: None,
            api: None,
        }
    }

    /// A warning.
    pub fn warning(code: &'static str, origin: Origin, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, origin, message) }
    }

    /// A note.
    pub fn note(code: &'static str, origin: Origin, message: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error(code, origin, message) }
    }

    /// Names the resource concerned; a resource inside an API names the API as well.
    #[must_use]
    pub fn on(mut self, resource: ResourceId) -> Self {
        if let ResourceId::Api(api)
        | ResourceId::Operation(api, _)
        | ResourceId::ApiSchema(api, _)
        | ResourceId::Resolver(api, _)
        | ResourceId::ApiLogDiagnostic(api, _) = &resource
        {
            self.api = Some(api.clone());
        }
        self.resource = Some(resource);
        self
    }

    /// Names the API that an error takes out.
    #[must_use]
    pub fn in_api(mut self, api: ApiId) -> Self {
        self.api = Some(api);
        self
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}[{}]: {}", self.origin, self.severity, self.code, self.message)
    }
}

/// Brings findings into the order of the files and drops repeated ones.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort();
    diagnostics.dedup();
}

/// The APIs that errors take out, each with its first error in file order.
pub fn broken_apis(diagnostics: &[Diagnostic]) -> BTreeMap<ApiId, &Diagnostic> {
    let mut broken: BTreeMap<ApiId, &Diagnostic> = BTreeMap::new();
    for diagnostic in diagnostics.iter().filter(|diagnostic| diagnostic.is_error()) {
        let Some(api) = &diagnostic.api else { continue };
        let first = broken.entry(api.clone()).or_insert(diagnostic);
        if diagnostic < *first {
            *first = diagnostic;
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diagnostic_display_is_file_line_column_severity_code_message() {
        let diagnostic =
            Diagnostic::warning("no-backend", Origin::new("apis/a/policy.xml", 3, 7), "no backend");
        assert_eq!(diagnostic.to_string(), "apis/a/policy.xml:3:7: warning[no-backend]: no backend");
    }

    #[test]
    fn sort_orders_by_place_and_drops_repeats() {
        let at = |line| Diagnostic::error("x", Origin::new("f", line, 1), "m");
        let mut list = vec![at(10), at(2), at(10), Diagnostic::error("x", Origin::new("a", 99, 1), "m")];
        sort(&mut list);
        let places: Vec<_> = list.iter().map(|d| d.origin.to_string()).collect();
        assert_eq!(places, ["a:99:1", "f:2:1", "f:10:1"]);
    }

    #[test]
    fn broken_apis_takes_errors_only_and_the_first_of_each_api() {
        let api = ApiId::from("a");
        let list = [
            Diagnostic::error("late", Origin::new("f", 9, 1), "m").in_api(api.clone()),
            Diagnostic::error("early", Origin::new("f", 1, 1), "m")
                .on(ResourceId::Operation(api.clone(), "o".into())),
            Diagnostic::warning("w", Origin::new("f", 1, 1), "m").in_api("b".into()),
            Diagnostic::error("global", Origin::new("f", 1, 1), "m"),
        ];
        let broken = broken_apis(&list);
        assert_eq!(broken.len(), 1);
        assert_eq!(broken.get(&api).map(|d| d.code), Some("early"));
    }
}
