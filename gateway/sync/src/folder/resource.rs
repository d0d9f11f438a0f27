//! Resources with one document each.

use gateway_model::resource::{Cache, Certificate, Group, PolicyFragment, Schema, User};
use gateway_model::{
    ApiVersionSet, Backend, BackendId, CacheId, CertificateId, Diagnostic, FragmentId, Gateway,
    GatewayHostname, GatewayId, GroupId, HostnameId, LogDiagnostic, LogDiagnosticId, LogDiagnosticScope,
    Logger, LoggerId, NamedValue, NamedValueId, Origin, Product, ProductId, ResourceId, SchemaId,
    Subscription, SubscriptionId, Tag, TagId, UserId, VersionSetId,
};

use super::layout::Kind;
use super::load::{Content, Loader, bad_name};
use super::secret;

/// Reads a document into a resource whose only parent is the service.
macro_rules! read {
    ($loader:ident, $content:ident, $name:ident, $type:ident, $id:ident, $variant:ident, $section:literal, $mandatory:expr) => {
        match $id::parse($name) {
            Err(error) => {
                $loader.found.push(bad_name($content.0, $name, &error.to_string()));
                None
            }
            Ok(id) => {
                let address = format!("{}/{}", $section, $name);
                let resource = ResourceId::$variant(id.clone());
                $loader.typed::<$type>($content, &address, &resource, $mandatory).map(|value| $type {
                    id,
                    origin: Origin::start($content.0.clone()),
                    ..value
                })
            }
        }
    };
}

impl Loader<'_> {
    /// Reads the document of a resource and adds it to the set.
    pub(super) fn resource(&mut self, kind: Kind, name: &str, content: Content<'_>) {
        macro_rules! add {
            ($type:ident, $id:ident, $variant:ident, $section:literal, $mandatory:expr) => {
                if let Some(value) = read!(self, content, name, $type, $id, $variant, $section, $mandatory) {
                    self.insert(value);
                }
            };
        }
        match kind {
            Kind::NamedValue => self.named_value(name, content),
            Kind::Fragment => add!(PolicyFragment, FragmentId, Fragment, "policyFragments", &[]),
            Kind::Backend => add!(Backend, BackendId, Backend, "backends", &[]),
            Kind::Logger => add!(Logger, LoggerId, Logger, "loggers", &["loggerType"]),
            Kind::LogDiagnostic => {
                self.log_diagnostic(LogDiagnosticScope::Global, name, content, "diagnostics");
            }
            Kind::VersionSet => {
                add!(
                    ApiVersionSet,
                    VersionSetId,
                    VersionSet,
                    "versionSets",
                    &["displayName", "versioningScheme"]
                );
            }
            Kind::Tag => add!(Tag, TagId, Tag, "tags", &["displayName"]),
            Kind::Group => add!(Group, GroupId, Group, "groups", &["displayName"]),
            Kind::Gateway => add!(Gateway, GatewayId, Gateway, "gateways", &[]),
            Kind::Product => add!(Product, ProductId, Product, "products", &["displayName"]),
            Kind::Subscription => self.subscription(name, content),
            Kind::Schema => add!(Schema, SchemaId, Schema, "schemas", &["schemaType"]),
            Kind::Certificate => self.certificate(name, content),
            Kind::Cache => self.cache(name, content),
            Kind::User => add!(User, UserId, User, "users", &["email", "firstName", "lastName"]),
        }
    }

    /// An external cache; without a connection string, that of environment or secrets folder.
    fn cache(&mut self, name: &str, content: Content<'_>) {
        let Some(mut cache) = read!(self, content, name, Cache, CacheId, Cache, "caches", &[]) else {
            return;
        };
        if cache.connection_string.is_none() {
            cache.connection_string = secret::find(self.settings, &secret::cache_variable(name));
        }
        self.insert(cache);
    }

    /// A named value; without a value, the one of environment or secrets folder.
    fn named_value(&mut self, name: &str, content: Content<'_>) {
        let mandatory = &["displayName"];
        let Some(mut value) =
            read!(self, content, name, NamedValue, NamedValueId, NamedValue, "namedValues", mandatory)
        else {
            return;
        };
        if value.value.is_none() {
            let variables = [name, &value.display_name].map(secret::named_value_variable);
            value.value = variables.iter().find_map(|variable| secret::find(self.settings, variable));
            if value.value.is_none() {
                let [variable, _] = variables;
                let message = format!("named value '{name}' has no value: neither here nor in {variable}");
                let finding = Diagnostic::warning("named-value-without-value", value.origin.clone(), message);
                self.found.push(finding.on(ResourceId::NamedValue(value.id.clone())));
            }
        }
        self.insert(value);
    }

    /// A certificate; data and password that are not written come from environment or secrets folder.
    fn certificate(&mut self, name: &str, content: Content<'_>) {
        let read = read!(self, content, name, Certificate, CertificateId, Certificate, "certificates", &[]);
        let Some(mut certificate) = read else { return };
        let (data, password) = secret::certificate_variables(name);
        if certificate.data.is_none() {
            certificate.data = secret::find(self.settings, &data);
        }
        if certificate.password.is_none() {
            certificate.password = secret::find(self.settings, &password);
        }
        self.insert(certificate);
    }

    /// A subscription; keys that are neither written nor hashed come from environment or secrets folder.
    fn subscription(&mut self, name: &str, content: Content<'_>) {
        let mandatory = &["scope"];
        let Some(mut subscription) = read!(
            self,
            content,
            name,
            Subscription,
            SubscriptionId,
            Subscription,
            "subscriptions",
            mandatory
        ) else {
            return;
        };
        let (primary, secondary) = secret::subscription_variables(name);
        if subscription.primary_key.is_none() && subscription.primary_key_hash.is_none() {
            subscription.primary_key = secret::find(self.settings, &primary);
        }
        if subscription.secondary_key.is_none() && subscription.secondary_key_hash.is_none() {
            subscription.secondary_key = secret::find(self.settings, &secondary);
        }
        self.check_keys(&subscription, &primary);
        self.insert(subscription);
    }

    fn check_keys(&mut self, subscription: &Subscription, variable: &str) {
        let resource = ResourceId::Subscription(subscription.id.clone());
        let hashes = [
            ("primaryKeyHash", &subscription.primary_key_hash),
            ("secondaryKeyHash", &subscription.secondary_key_hash),
        ];
        for (member, hash) in hashes {
            let Some(hash) = hash else { continue };
            if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                let message = format!("{member} must be a SHA-256 in 64 hex digits");
                let finding = Diagnostic::error("key-hash-invalid", subscription.origin.clone(), message);
                self.found.push(finding.on(resource.clone()));
            }
        }
        let Subscription { primary_key, secondary_key, primary_key_hash, secondary_key_hash, .. } =
            subscription;
        let keyless = primary_key.is_none() && secondary_key.is_none();
        if keyless && primary_key_hash.is_none() && secondary_key_hash.is_none() {
            let message =
                format!("subscription '{}' has no key: neither here nor in {variable}", subscription.id);
            let finding =
                Diagnostic::warning("subscription-without-key", subscription.origin.clone(), message);
            self.found.push(finding.on(resource));
        }
    }

    /// A diagnostic of the service or of an API; `section` is the address of its parent's list.
    pub(super) fn log_diagnostic(
        &mut self,
        scope: LogDiagnosticScope,
        name: &str,
        content: Content<'_>,
        section: &str,
    ) {
        let id = match LogDiagnosticId::parse(name) {
            Ok(id) => id,
            Err(error) => return self.found.push(bad_name(content.0, name, &error.to_string())),
        };
        let resource = match &scope {
            LogDiagnosticScope::Global => ResourceId::LogDiagnostic(id.clone()),
            LogDiagnosticScope::Api(api) => ResourceId::ApiLogDiagnostic(api.clone(), id.clone()),
        };
        let address = format!("{section}/{name}");
        if let Some(value) = self.typed::<LogDiagnostic>(content, &address, &resource, &[]) {
            self.insert(LogDiagnostic { scope, id, origin: Origin::start(content.0.clone()), ..value });
        }
    }

    /// A host name of a gateway (our extension of the folder).
    pub(super) fn gateway_hostname(&mut self, gateway: &str, name: &str, content: Content<'_>) {
        let ids = GatewayId::parse(gateway).and_then(|gateway| Ok((gateway, HostnameId::parse(name)?)));
        let (gateway, id) = match ids {
            Ok(ids) => ids,
            Err(error) => return self.found.push(bad_name(content.0, name, &error.to_string())),
        };
        let address = format!("gateways/{gateway}/hostnameConfigurations/{name}");
        let resource = ResourceId::GatewayHostname(gateway.clone(), id.clone());
        if let Some(value) = self.typed::<GatewayHostname>(content, &address, &resource, &["hostname"]) {
            self.insert(GatewayHostname { gateway, id, origin: Origin::start(content.0.clone()), ..value });
        }
    }
}
