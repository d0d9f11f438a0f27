//! `gateway explain DIR --api A --operation O [--product P]`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use gateway_model::diagnostic::render;
use gateway_model::{ApiId, OperationId, PolicyScope, ProductId, ResourceSet};
use gateway_policy::compile::{CompiledDocument, default_global, effective};
use gateway_policy::fault::Section;
use gateway_policy::pipeline::{Pipeline, Statement};
use gateway_proxy::snapshot::Snapshot;

use super::sources::Sources;
use super::{EXIT_FAILED, EXIT_SETTINGS, Source, fail};
use crate::configuration;

#[derive(Debug, clap::Args)]
pub struct Explain {
    /// Configuration folder
    dir: PathBuf,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    settings: Sources,
    /// API name
    #[arg(long)]
    api: String,
    /// Operation name
    #[arg(long)]
    operation: String,
    /// Product name, for a request in the product's context
    #[arg(long)]
    product: Option<String>,
}

impl Explain {
    pub fn execute(self) -> ExitCode {
        let expressions = match self.settings.expressions() {
            Ok(expressions) => expressions,
            Err(code) => return code,
        };
        let folder = self.source.folder(self.dir.clone());
        let (set, compiled) = configuration::load_and_compile(&folder, &expressions);
        if let Err(message) = self.check_names(&set) {
            return fail(EXIT_SETTINGS, message);
        }
        let documents = match self.documents(&set, &compiled.snapshot) {
            Ok(documents) => documents,
            Err(scope) => {
                eprint!("{}", render::render(&compiled.diagnostics, render::Format::Text));
                return fail(EXIT_FAILED, format!("the policy of {scope} does not compile"));
            }
        };
        let pipeline = effective(&documents.iter().map(|document| &**document).collect::<Vec<_>>());
        print!("{}", show(&pipeline, &texts(&set)));
        ExitCode::SUCCESS
    }

    fn check_names(&self, set: &ResourceSet) -> Result<(), String> {
        let api = ApiId::from(self.api.as_str());
        if !set.apis.contains_key(&api) {
            return Err(format!("--api {:?}: there is no such API", self.api));
        }
        if !set.operations.contains_key(&(api.clone(), OperationId::from(self.operation.as_str()))) {
            let names: Vec<_> = set.operations_of(&api).map(|operation| operation.id.to_string()).collect();
            return Err(format!("--operation {:?}: the API has {}", self.operation, names.join(", ")));
        }
        if let Some(product) = &self.product
            && !set.products.contains_key(&ProductId::from(product.as_str()))
        {
            return Err(format!("--product {product:?}: there is no such product"));
        }
        Ok(())
    }

    /// Documents in effect, outermost first; the scope of one that does not compile.
    fn documents(
        &self,
        set: &ResourceSet,
        snapshot: &Snapshot,
    ) -> Result<Vec<Arc<CompiledDocument>>, PolicyScope> {
        let api = ApiId::from(self.api.as_str());
        let product = self.product.as_deref().map(|name| PolicyScope::Product(name.into()));
        let operation = PolicyScope::Operation(api.clone(), self.operation.as_str().into());
        let scopes = [Some(PolicyScope::Global), product, Some(PolicyScope::Api(api)), Some(operation)];
        let mut documents = Vec::new();
        for scope in scopes.into_iter().flatten() {
            match snapshot.document(&scope) {
                Some(document) => documents.push(Arc::clone(document)),
                None if set.policy(&scope).is_some() => return Err(scope),
                None if scope == PolicyScope::Global => documents.push(Arc::new(default_global())),
                None => {}
            }
        }
        Ok(documents)
    }
}

/// Texts of the files that statements come from.
fn texts(set: &ResourceSet) -> BTreeMap<Arc<str>, Arc<str>> {
    set.policies
        .values()
        .map(|document| (Arc::clone(&document.origin.file), Arc::clone(&document.text)))
        .collect()
}

fn show(pipeline: &Pipeline, texts: &BTreeMap<Arc<str>, Arc<str>>) -> String {
    let mut out = String::from("<policies>\n");
    for section in Section::ALL {
        let statements = pipeline.block(section).statements();
        if statements.is_empty() {
            out.push_str(&format!("  <{} />\n", section.as_str()));
            continue;
        }
        out.push_str(&format!("  <{}>\n", section.as_str()));
        for statement in statements {
            out.push_str(&format!("    <!-- {}: {} -->\n", statement.scope.as_str(), statement.origin));
            out.push_str(&indent(source(statement, texts)));
        }
        out.push_str(&format!("  </{}>\n", section.as_str()));
    }
    out.push_str("</policies>\n");
    out
}

fn source<'a>(statement: &Statement, texts: &'a BTreeMap<Arc<str>, Arc<str>>) -> &'a str {
    let text = texts.get(&statement.origin.file).and_then(|text| text.get(statement.span.clone()));
    text.unwrap_or("<forward-request />")
}

/// Four blanks before each line; the lines keep their depth below the first.
fn indent(text: &str) -> String {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let common = text.lines().skip(1).filter(|line| !line.trim().is_empty()).map(depth).min().unwrap_or(0);
    let mut out = String::new();
    for (at, line) in text.lines().enumerate() {
        let line = if at == 0 { line } else { line.get(common.min(depth(line))..).unwrap_or_default() };
        out.push_str("    ");
        out.push_str(line);
        out.push('\n');
    }
    out
}
