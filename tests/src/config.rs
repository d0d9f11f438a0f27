//! A configuration folder under construction.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

/// An APIOps folder in a temporary place; gone when dropped.
pub struct Config {
    dir: TempDir,
}

/// An API of the folder.
pub struct Api<'a> {
    pub name: &'a str,
    pub path: &'a str,
    pub service_url: &'a str,
    /// `METHOD /template` each; the operation's name is `operation-N` by position, from 1.
    pub operations: &'a [&'a str],
    /// More members of `properties`, as JSON text without braces; may be empty.
    pub more: &'a str,
}

impl Config {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file, with its folders.
    pub fn file(&self, name: &str, text: &str) -> &Self {
        let path = self.dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, text).expect("a file");
        self
    }

    /// Adds an API that takes HTTP and HTTPS; no subscription is required unless `more` says so.
    pub fn api(&self, api: &Api<'_>) -> &Self {
        let Api { name, path, service_url, operations, more } = api;
        let comma = if more.is_empty() { "" } else { ", " };
        let required =
            if more.contains("subscriptionRequired") { "" } else { r#", "subscriptionRequired": false"# };
        self.file(
            &format!("apis/{name}/apiInformation.json"),
            &format!(
                r#"{{"properties": {{"displayName": "{name}", "path": "{path}", "protocols": ["http", "https"],
                "serviceUrl": "{service_url}", "apiRevision": "1", "isCurrent": true{required}{comma}{more}}}}}"#
            ),
        );
        for (at, operation) in operations.iter().enumerate() {
            let (method, template) = operation.split_once(' ').expect("METHOD /template");
            let number = at + 1;
            self.file(
                &format!("apis/{name}/operations/operation-{number}/operationInformation.json"),
                &format!(
                    r#"{{"properties": {{"displayName": "operation-{number}", "method": "{method}",
                    "urlTemplate": "{template}", "templateParameters": []}}}}"#
                ),
            );
        }
        self
    }

    /// Writes a policy document from its sections; an empty section holds `<base />`.
    pub fn policy(&self, file: &str, inbound: &str, backend: &str, outbound: &str, on_error: &str) -> &Self {
        let mut text = String::from("<policies>\n");
        for (name, content) in
            [("inbound", inbound), ("backend", backend), ("outbound", outbound), ("on-error", on_error)]
        {
            let content = if content.is_empty() { "<base />" } else { content };
            let _ = writeln!(text, "<{name}>{content}</{name}>");
        }
        text.push_str("</policies>\n");
        self.file(file, &text)
    }

    /// Adds a product with its APIs.
    pub fn product(&self, name: &str, subscription_required: bool, apis: &[&str]) -> &Self {
        self.file(
            &format!("products/{name}/productInformation.json"),
            &format!(
                r#"{{"properties": {{"displayName": "{name}", "state": "published",
                "subscriptionRequired": {subscription_required}, "approvalRequired": false}}}}"#
            ),
        );
        for api in apis {
            self.file(&format!("products/{name}/apis/{api}/productApiInformation.json"), "{}");
        }
        self
    }

    /// Adds an active subscription; its keys are `NAME-primary` and `NAME-secondary`.
    pub fn subscription(&self, name: &str, scope: &str, state: &str) -> &Self {
        self.file(
            &format!("subscriptions/{name}/subscriptionInformation.json"),
            &format!(
                r#"{{"properties": {{"displayName": "{name}", "scope": "{scope}", "state": "{state}",
                "primaryKey": "{name}-primary", "secondaryKey": "{name}-secondary"}}}}"#
            ),
        )
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}
