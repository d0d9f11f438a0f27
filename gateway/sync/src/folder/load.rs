//! Folder → resource set and findings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use gateway_model::{
    ApiId, Diagnostic, GatewayId, Origin, PolicyDocument, PolicyFormat, PolicyScope, Resource, ResourceId,
    ResourceSet, diagnostic,
};
use gateway_specification::document::{Node, Syntax};
use serde::de::DeserializeOwned;

use super::api::ApiFiles;
use super::layout::{Place, place};
use super::overrides::Overrides;
use super::substitute::substitute;
use super::tree::Tree;
use super::{FolderSettings, LoadOutcome, api, document, filter};

/// Everything that loading one folder collects.
pub(super) struct Loader<'a> {
    pub(super) settings: &'a FolderSettings,
    pub(super) overrides: Overrides,
    pub(super) set: ResourceSet,
    pub(super) found: Vec<Diagnostic>,
    /// Gateways with a list of APIs, be it an empty one.
    pub(super) assigned: BTreeSet<GatewayId>,
    /// Whether the set may replace another one: see [`LoadOutcome::readable`].
    readable: bool,
}

/// A file of the folder.
pub(super) type Content<'a> = (&'a Arc<str>, &'a [u8]);

/// Reads the folder. Never fails: what is wrong is in the diagnostics. The set has revision 1.
pub fn load(settings: &FolderSettings) -> LoadOutcome {
    match read(settings) {
        Ok(sources) => sources.load(settings),
        Err(unreadable) => unreadable.outcome(),
    }
}

/// All bytes that a load depends on.
pub(super) struct Sources {
    folder: Tree,
    /// The override file and the secrets: not searched for resources.
    beside: Tree,
}

/// Name under which findings about the override file appear when its path has no file name.
const OVERRIDES: &str = "overrides";

/// The folder itself cannot be read.
pub(super) struct Unreadable(Diagnostic);

impl Unreadable {
    pub(super) fn outcome(self) -> LoadOutcome {
        LoadOutcome {
            set: ResourceSet::default(),
            diagnostics: vec![self.0],
            readable: false,
            content_hash: UNREADABLE_HASH,
        }
    }
}

/// Hash of an unreadable folder.
pub(super) const UNREADABLE_HASH: u64 = 0;

/// Reads all bytes.
pub(super) fn read(settings: &FolderSettings) -> Result<Sources, Unreadable> {
    let folder = Tree::read(&settings.dir).map_err(|error| {
        let message = format!("the configuration folder cannot be read: {error}");
        let origin = Origin::start(settings.dir.to_string_lossy());
        Unreadable(Diagnostic::error("folder-unreadable", origin, message))
    })?;
    let mut beside = Tree::default();
    if let Some(path) = &settings.overrides {
        beside.read_one(path, &overrides_name(path));
    }
    if let Some(dir) = &settings.secrets_dir {
        match Tree::read(dir) {
            Ok(secrets) => beside.files.extend(secrets.files.into_iter().map(|(name, text)| {
                let name: Arc<str> = format!("secrets/{name}").into();
                (name, text)
            })),
            Err(error) => beside.found.push(Diagnostic::error(
                "folder-unreadable",
                Origin::start(dir.to_string_lossy()),
                format!("the secrets folder cannot be read: {error}"),
            )),
        }
    }
    Ok(Sources { folder, beside })
}

fn overrides_name(path: &Path) -> String {
    path.file_name().map_or_else(|| OVERRIDES.to_owned(), |name| name.to_string_lossy().into_owned())
}

impl Sources {
    /// Equal bytes, equal hash.
    pub(super) fn content_hash(&self) -> u64 {
        self.folder.content_hash() ^ self.beside.content_hash().rotate_left(1)
    }

    /// Makes resources of the bytes.
    pub(super) fn load(&self, settings: &FolderSettings) -> LoadOutcome {
        let mut loader = Loader {
            settings,
            overrides: Overrides::default(),
            set: ResourceSet { revision: 1, ..ResourceSet::default() },
            found: self.folder.found.iter().chain(&self.beside.found).cloned().collect(),
            assigned: BTreeSet::new(),
            readable: !self.folder.section_missing,
        };
        loader.unreadable_files();
        loader.read_overrides(&self.beside);
        let apis = loader.read_files(&self.folder);
        api::load(&mut loader, &apis);
        let unused = loader.overrides.unused();
        loader.found.extend(unused);
        loader.found.extend(loader.set.check());
        filter::keep_gateway(&mut loader);
        diagnostic::sort(&mut loader.found);
        LoadOutcome {
            set: loader.set,
            diagnostics: loader.found,
            readable: loader.readable,
            content_hash: self.content_hash(),
        }
    }
}

impl Loader<'_> {
    /// A file or folder that cannot be read belongs to an API, or is a policy, or is just missing.
    fn unreadable_files(&mut self) {
        let mut scopes = Vec::new();
        for finding in &mut self.found {
            let file = &finding.origin.file;
            let mut segments = file.split('/');
            if let (Some("apis"), Some(api)) = (segments.next(), segments.next())
                && let Ok(api) = ApiId::parse(api)
            {
                finding.api = Some(api);
            }
            scopes.extend(match place(file) {
                Place::GlobalPolicy => Some((PolicyScope::Global, finding.origin.clone())),
                Place::ProductPolicy(name) => {
                    Some((PolicyScope::Product(name.into()), finding.origin.clone()))
                }
                _ => None,
            });
        }
        for (scope, origin) in scopes {
            self.insert(unreadable_policy(scope, origin));
        }
    }

    /// With overrides missing, requests could go anywhere: then nothing of the load may be used.
    fn read_overrides(&mut self, beside: &Tree) {
        let Some(path) = &self.settings.overrides else { return };
        let name: Arc<str> = overrides_name(path).into();
        let mut found = Vec::new();
        match beside.files.get(&name).map(|content| document::tree(&name, content, Syntax::Yaml, &mut found))
        {
            Some(Ok(root)) => self.overrides = Overrides::of(root, &mut found),
            Some(Err(error)) => found.push(error),
            None => self.readable = false,
        }
        self.readable &= !found.iter().any(Diagnostic::is_error);
        self.found.append(&mut found);
    }

    /// Reads everything but APIs, whose files are handed back.
    fn read_files<'t>(&mut self, tree: &'t Tree) -> BTreeMap<ApiId, ApiFiles<'t>> {
        let mut apis: BTreeMap<ApiId, ApiFiles<'t>> = BTreeMap::new();
        let mut workspaces = BTreeSet::new();
        for (file, content) in &tree.files {
            let content: Content<'t> = (file, content);
            match place(file) {
                Place::Foreign | Place::Skipped => {}
                Place::Unknown => self.found.push(Diagnostic::warning(
                    "file-unknown",
                    Origin::start(file.clone()),
                    "the file has no place in an APIOps folder and is ignored",
                )),
                Place::Workspace(name) => {
                    if workspaces.insert(name) {
                        let message = format!("workspace '{name}' is not served yet");
                        self.found.push(Diagnostic::warning(
                            "workspace-not-served",
                            Origin::start(format!("workspaces/{name}")),
                            message,
                        ));
                    }
                }
                Place::Resource(kind, name) => self.resource(kind, name, content),
                Place::GlobalPolicy => self.policy(PolicyScope::Global, content, "policies/policy"),
                Place::ProductPolicy(name) => {
                    let address = format!("products/{name}/policies/policy");
                    self.policy(PolicyScope::Product(name.into()), content, &address);
                }
                Place::FragmentPolicy(name) => {
                    let address = format!("policyFragments/{name}");
                    self.policy(PolicyScope::Fragment(name.into()), content, &address);
                }
                Place::Link(kind, owner, member) => self.link(kind, owner, member, content),
                Place::Links(kind, owner) => self.links(kind, owner, content),
                Place::GatewayHostname(gateway, name) => self.gateway_hostname(gateway, name, content),
                Place::Api(name, api_file) => match ApiId::parse(name) {
                    Ok(api) => {
                        let twice = apis.entry(api.clone()).or_default().add(api_file, content);
                        self.found.extend(twice.map(|twice| twice.on(ResourceId::Api(api))));
                    }
                    Err(error) => self.found.push(bad_name(file, name, &error.to_string())),
                },
            }
        }
        apis
    }

    /// Policy text, or that of the override at `address`.
    pub(super) fn policy(&mut self, scope: PolicyScope, (file, content): Content<'_>, address: &str) {
        let mut origin = Origin::start(file.clone());
        let mut text = match document::text(file, content) {
            Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text).to_owned(),
            Err(error) => {
                self.found.push(error.on(scope.resource()));
                return self.insert(unreadable_policy(scope, origin));
            }
        };
        let mut format = PolicyFormat::RawXml;
        if let Some(over) = self.overrides.take(address)
            && let Some(value) = over.get("value")
        {
            text = value.to_text().unwrap_or_default();
            origin = value.origin.clone();
            format = over.text("format").map_or(format, PolicyFormat::from);
        }
        let (replaced, unresolved) = substitute(&text, &self.settings.env);
        let complete = unresolved.is_empty();
        for token in unresolved {
            let place = origin.advance(&text, token.offset);
            self.found.push(document::missing_variable(&token.name, place).on(scope.resource()));
        }
        if !complete {
            return self.insert(unreadable_policy(scope, origin));
        }
        let text = replaced.unwrap_or(text).into();
        self.insert(PolicyDocument { scope, text, format, origin });
    }

    /// Adds a resource, or says which one has its name already.
    pub(super) fn insert<R: Resource>(&mut self, resource: R) {
        if let Err(duplicate) = self.set.insert(resource) {
            self.found.push(duplicate.into());
        }
    }

    /// Properties of a document, with the override at `address` and with variables. None after an error. Every
    /// finding is one about `resource`.
    pub(super) fn properties(
        &mut self,
        (file, content): Content<'_>,
        address: &str,
        resource: &ResourceId,
    ) -> Option<Node> {
        let over = self.overrides.take(address);
        let mut found = Vec::new();
        let read = document::tree(file, content, Syntax::Json, &mut found).and_then(document::properties);
        let properties = match read {
            Ok(properties) => {
                let mut properties = properties.unwrap_or_else(|| document::no_properties(file));
                if let Some(over) = over {
                    properties.merge(over);
                }
                document::resolve(&mut properties, &self.settings.env, &mut found);
                // With half of its texts a resource could send requests anywhere. APIs are taken out by the finding.
                let complete = !found.iter().any(Diagnostic::is_error);
                (complete || is_api(resource)).then_some(properties)
            }
            Err(error) => {
                found.push(error);
                None
            }
        };
        self.found.extend(found.into_iter().map(|finding| finding.on(resource.clone())));
        properties
    }

    /// Typed properties of a document, see [`Loader::properties`] and [`document::typed`].
    pub(super) fn typed<T: DeserializeOwned>(
        &mut self,
        content: Content<'_>,
        address: &str,
        resource: &ResourceId,
        mandatory: &[&str],
    ) -> Option<T> {
        let properties = self.properties(content, address, resource)?;
        match document::typed(&properties, mandatory) {
            Ok(value) => Some(value),
            Err(error) => {
                self.found.push(error.on(resource.clone()));
                None
            }
        }
    }
}

/// A document that cannot be read must not be one that is missing: without its policies an API could be open.
/// An empty one does not compile, so that what runs under it keeps its last good version or is not served.
fn unreadable_policy(scope: PolicyScope, origin: Origin) -> PolicyDocument {
    PolicyDocument { scope, text: "".into(), format: PolicyFormat::RawXml, origin }
}

/// Whether an error about a resource names an API, which is then not served.
fn is_api(resource: &ResourceId) -> bool {
    matches!(
        resource,
        ResourceId::Api(_) | ResourceId::Operation(..) | ResourceId::ApiSchema(..) | ResourceId::Resolver(..)
    )
}

/// The finding about a folder whose name cannot be one.
pub(super) fn bad_name(file: &Arc<str>, name: &str, error: &str) -> Diagnostic {
    Diagnostic::error("name-invalid", Origin::start(file.clone()), format!("'{name}': {error}"))
}
