//! Members that no resource serializes by itself: each is shown here on purpose.

use gateway_model::{Backend, Logger, Secret};
use indexmap::IndexMap;
use serde_json::{Map, Value};

/// Adds a secret member, if there is one.
pub(crate) fn put(properties: &mut Map<String, Value>, name: &str, secret: Option<&Secret>) {
    if let Some(secret) = secret {
        properties.insert(name.to_owned(), secret.expose().into());
    }
}

/// Credentials and proxy password of a backend.
pub(crate) fn backend(properties: &mut Map<String, Value>, backend: &Backend) {
    if let (Some(credentials), Some(Value::Object(out))) =
        (&backend.credentials, properties.get_mut("credentials"))
    {
        lists(out, "header", &credentials.header);
        lists(out, "query", &credentials.query);
        let authorization = credentials.authorization.as_ref();
        if let (Some(authorization), Some(Value::Object(out))) = (authorization, out.get_mut("authorization"))
        {
            put(out, "parameter", Some(&authorization.parameter));
        }
    }
    if let (Some(proxy), Some(Value::Object(out))) = (&backend.proxy, properties.get_mut("proxy")) {
        put(out, "password", proxy.password.as_ref());
    }
}

/// Credentials of a logger.
pub(crate) fn logger(properties: &mut Map<String, Value>, logger: &Logger) {
    if logger.credentials.is_empty() {
        return;
    }
    let credentials = logger.credentials.iter().map(|(name, secret)| (name.clone(), secret.expose().into()));
    properties.insert("credentials".to_owned(), Value::Object(credentials.collect()));
}

fn lists(out: &mut Map<String, Value>, name: &str, lists: &IndexMap<String, Vec<Secret>>) {
    if lists.is_empty() {
        return;
    }
    let values = |list: &[Secret]| -> Value { list.iter().map(Secret::expose).collect() };
    let lists = lists.iter().map(|(name, list)| (name.clone(), values(list)));
    out.insert(name.to_owned(), Value::Object(lists.collect()));
}
