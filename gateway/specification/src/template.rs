//! URL templates: path, path parameters, and required query parameters.

use gateway_model::Origin;
use gateway_model::resource::Parameter;

use crate::findings::Findings;

/// Builds the template of one operation.
pub(crate) struct Template {
    path: String,
    names: Vec<String>,
    declared: Vec<Parameter>,
    query: Vec<Parameter>,
}

impl Template {
    pub(crate) fn new(path: &str) -> Self {
        let names = path.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
        Self {
            path: path.to_owned(),
            names: names.map(|(name, _)| name.to_owned()).collect(),
            declared: Vec::new(),
            query: Vec::new(),
        }
    }

    /// A parameter of the path; always required.
    pub(crate) fn declare_path(
        &mut self,
        mut parameter: Parameter,
        origin: &Origin,
        findings: &mut Findings,
    ) {
        if !self.names.contains(&parameter.name) {
            let message = format!("path parameter '{}' does not occur in '{}'", parameter.name, self.path);
            findings.warning("definition-parameter", origin, message);
            return;
        }
        parameter.required = true;
        self.declared.push(parameter);
    }

    /// A required query parameter; given back when its name is that of a path parameter.
    pub(crate) fn add_query(&mut self, parameter: Parameter) -> Option<Parameter> {
        if self.names.iter().any(|name| name.eq_ignore_ascii_case(&parameter.name)) {
            return Some(parameter);
        }
        self.query.push(parameter);
        None
    }

    /// The template and its parameters in the order of the template.
    pub(crate) fn finish(mut self, origin: &Origin, findings: &mut Findings) -> (String, Vec<Parameter>) {
        let mut template = self.path.clone();
        let mut parameters = Vec::new();
        for name in &self.names {
            let declared = self.declared.iter().position(|parameter| parameter.name == *name);
            parameters.push(if let Some(at) = declared {
                self.declared.swap_remove(at)
            } else {
                let message =
                    format!("'{{{name}}}' of '{}' is no declared parameter; it is taken as text", self.path);
                findings.warning("definition-parameter", origin, message);
                Parameter {
                    name: name.clone(),
                    parameter_type: "string".to_owned(),
                    required: true,
                    ..Parameter::default()
                }
            });
        }
        for parameter in self.query {
            template.push(if template.contains('?') { '&' } else { '?' });
            template.extend([parameter.name.as_str(), "={", &parameter.name, "}"]);
            parameters.push(parameter);
        }
        (template, parameters)
    }
}
