//! Secrets that are not kept in the folder: environment, or a folder with one secret a file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use gateway_model::Secret;

use super::FolderSettings;

/// Largest secret file, in bytes.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// The secret `name`: an environment variable, or else a file of that name in the secrets folder, whose last
/// line feed does not count.
pub(super) fn find(settings: &FolderSettings, name: &str) -> Option<Secret> {
    if let Some(value) = settings.env.get(name).filter(|value| !value.is_empty()) {
        return Some(Secret::from(value));
    }
    let text = read(&settings.secrets_dir.as_ref()?.join(name))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    (!text.is_empty()).then(|| Secret::from(text))
}

fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    // A file longer than the limit is cut, and then fits no key: better than none without a word.
    File::open(path).ok()?.take(SECRET_BYTES_MAX).read_to_string(&mut text).ok()?;
    Some(text)
}

/// `api-key.v2` → `API_KEY_V2`.
pub(super) fn upper_snake(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// Variable of a named value.
pub(super) fn named_value_variable(name: &str) -> String {
    format!("NAMED_VALUE_{}", upper_snake(name))
}

/// Variable of a cache's connection string.
pub(super) fn cache_variable(name: &str) -> String {
    format!("CACHE_{}_CONNECTION_STRING", upper_snake(name))
}

/// Variables of the two keys of a subscription.
pub(super) fn subscription_variables(name: &str) -> (String, String) {
    let name = upper_snake(name);
    (format!("SUBSCRIPTION_{name}_PRIMARY_KEY"), format!("SUBSCRIPTION_{name}_SECONDARY_KEY"))
}

/// Variables of a certificate: its PFX in base64, and the password of that.
pub(super) fn certificate_variables(name: &str) -> (String, String) {
    let name = upper_snake(name);
    (format!("CERTIFICATE_{name}_DATA"), format!("CERTIFICATE_{name}_PASSWORD"))
}
