//! Which file of a folder is what (management-api.md §4.1).
//!
//! Section folders are compared without case and blanks, which covers `named values` (v7, v6) and `namedValues`
//! (cli) alike.

/// What a file is, by its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// Outside the sections: none of ours.
    Foreign,
    /// Inside a section, but nothing we know: probably a slip of the pen.
    Unknown,
    /// Known, and nothing that a gateway serves.
    Skipped,
    /// Inside a workspace.
    Workspace(&'a str),
    /// A document of a resource with one name.
    Resource(Kind, &'a str),
    /// Policy text of the service.
    GlobalPolicy,
    /// Policy text of a product.
    ProductPolicy(&'a str),
    /// Text of a fragment.
    FragmentPolicy(&'a str),
    /// One link: kind, owner, member.
    Link(LinkKind, &'a str, &'a str),
    /// A list of links: kind, owner.
    Links(LinkKind, &'a str),
    /// Host name of a gateway: gateway, name.
    GatewayHostname(&'a str, &'a str),
    /// A file of an API.
    Api(&'a str, ApiFile<'a>),
}

/// Resources with one name and one document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    NamedValue,
    Fragment,
    Backend,
    Logger,
    LogDiagnostic,
    VersionSet,
    Tag,
    Group,
    Gateway,
    Product,
    Subscription,
    Schema,
    Certificate,
    Cache,
    User,
}

/// Links between resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkKind {
    ProductApi,
    ProductGroup,
    GroupUser,
    GatewayApi,
    TagApi,
    TagProduct,
}

/// Files of an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ApiFile<'a> {
    /// `apiInformation.json`.
    Information,
    /// `policy.xml`.
    Policy,
    /// `specification.<extension>`.
    Specification(&'a str),
    /// `operations/<o>/policy.xml`.
    OperationPolicy(&'a str),
    /// `operations/<o>/operationInformation.json`.
    OperationInformation(&'a str),
    /// `diagnostics/<d>/diagnosticInformation.json`.
    LogDiagnostic(&'a str),
    /// `schemas/<s>/schemaInformation.json`.
    Schema(&'a str),
    /// `resolvers/<r>/resolverInformation.json`.
    Resolver(&'a str),
    /// `resolvers/<r>/policy.xml`.
    ResolverPolicy(&'a str),
    /// `tags/<t>/…TagInformation.json`.
    Tag(&'a str),
}

/// Says what the file at a path relative to the folder is.
pub(super) fn place(path: &str) -> Place<'_> {
    let segments: Vec<&str> = path.split('/').collect();
    let (section, rest) = match segments.as_slice() {
        ["policy.xml"] => return Place::GlobalPolicy,
        [section, rest @ ..] if !rest.is_empty() => (fold(section), rest),
        _ => return Place::Foreign,
    };
    match (section.as_str(), rest) {
        ("workspaces", [name, ..]) => Place::Workspace(name),
        ("policyrestrictions" | "documentations", _) => Place::Skipped,
        ("apis", [api, rest @ ..]) => api_place(api, rest),
        ("products", [product, rest @ ..]) => product_place(product, rest),
        ("groups", [group, "users.json"]) => Place::Links(LinkKind::GroupUser, group),
        ("groups", [group, "users", user, "groupUserInformation.json"]) => {
            Place::Link(LinkKind::GroupUser, group, user)
        }
        ("gateways", [gateway, rest @ ..]) => gateway_place(gateway, rest),
        ("tags", [tag, rest @ ..]) => tag_place(tag, rest),
        ("policyfragments", [name, "policy.xml"]) => Place::FragmentPolicy(name),
        (section, rest) => match (simple(section), rest) {
            (None, _) => Place::Foreign,
            (Some((kind, document)), [name, file]) if *file == document => Place::Resource(kind, name),
            _ => Place::Unknown,
        },
    }
}

/// Sections whose resources have a document and nothing else.
fn simple(section: &str) -> Option<(Kind, &'static str)> {
    Some(match section {
        "namedvalues" => (Kind::NamedValue, "namedValueInformation.json"),
        "policyfragments" => (Kind::Fragment, "policyFragmentInformation.json"),
        "backends" => (Kind::Backend, "backendInformation.json"),
        "loggers" => (Kind::Logger, "loggerInformation.json"),
        "diagnostics" => (Kind::LogDiagnostic, "diagnosticInformation.json"),
        "versionsets" => (Kind::VersionSet, "versionSetInformation.json"),
        "groups" => (Kind::Group, "groupInformation.json"),
        "subscriptions" => (Kind::Subscription, "subscriptionInformation.json"),
        "schemas" => (Kind::Schema, "schemaInformation.json"),
        // Ours: apiops has no folders for these.
        "certificates" => (Kind::Certificate, "certificateInformation.json"),
        "caches" => (Kind::Cache, "cacheInformation.json"),
        "users" => (Kind::User, "userInformation.json"),
        _ => return None,
    })
}

fn fold(section: &str) -> String {
    section.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_lowercase()).collect()
}

fn product_place<'a>(product: &'a str, rest: &[&'a str]) -> Place<'a> {
    match rest {
        ["productInformation.json"] => Place::Resource(Kind::Product, product),
        ["policy.xml"] => Place::ProductPolicy(product),
        ["apis.json"] => Place::Links(LinkKind::ProductApi, product),
        ["groups.json"] => Place::Links(LinkKind::ProductGroup, product),
        ["apis", api, "productApiInformation.json"] => Place::Link(LinkKind::ProductApi, product, api),
        ["groups", group, "productGroupInformation.json"] => {
            Place::Link(LinkKind::ProductGroup, product, group)
        }
        ["tags", tag, "productTagInformation.json" | "tagInformation.json"] => {
            Place::Link(LinkKind::TagProduct, tag, product)
        }
        ["wiki.md"] => Place::Skipped,
        _ => Place::Unknown,
    }
}

fn gateway_place<'a>(gateway: &'a str, rest: &[&'a str]) -> Place<'a> {
    match rest {
        ["gatewayInformation.json"] => Place::Resource(Kind::Gateway, gateway),
        ["apis.json"] => Place::Links(LinkKind::GatewayApi, gateway),
        ["apis", api, "gatewayApiInformation.json"] => Place::Link(LinkKind::GatewayApi, gateway, api),
        ["hostnameConfigurations", name, "hostnameConfigurationInformation.json"] => {
            Place::GatewayHostname(gateway, name)
        }
        _ => Place::Unknown,
    }
}

fn tag_place<'a>(tag: &'a str, rest: &[&'a str]) -> Place<'a> {
    match rest {
        ["tagInformation.json"] => Place::Resource(Kind::Tag, tag),
        ["apis", api, "tagApiInformation.json"] => Place::Link(LinkKind::TagApi, tag, api),
        ["products", product, "tagProductInformation.json"] => {
            Place::Link(LinkKind::TagProduct, tag, product)
        }
        _ => Place::Unknown,
    }
}

fn api_place<'a>(api: &'a str, rest: &[&'a str]) -> Place<'a> {
    let file = match rest {
        ["apiInformation.json"] => ApiFile::Information,
        ["policy.xml"] => ApiFile::Policy,
        ["operations", operation, "policy.xml"] => ApiFile::OperationPolicy(operation),
        ["operations", operation, "operationInformation.json"] => ApiFile::OperationInformation(operation),
        ["diagnostics", name, "diagnosticInformation.json"] => ApiFile::LogDiagnostic(name),
        ["schemas", name, "schemaInformation.json"] => ApiFile::Schema(name),
        ["tags", tag, "apiTagInformation.json" | "tagInformation.json"] => ApiFile::Tag(tag),
        ["resolvers", name, "resolverInformation.json"] => ApiFile::Resolver(name),
        ["resolvers", name, "policy.xml"] => ApiFile::ResolverPolicy(name),
        ["wiki.md"] | ["releases" | "tagDescriptions" | "issues", ..] => return Place::Skipped,
        [file] => match file.strip_prefix("specification.") {
            Some(extension) => ApiFile::Specification(extension),
            None => return Place::Unknown,
        },
        _ => return Place::Unknown,
    };
    Place::Api(api, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_knows_the_files_of_v7_v6_and_cli() {
        use ApiFile as A;
        use LinkKind as L;
        for (path, expected) in [
            ("policy.xml", Place::GlobalPolicy),
            ("named values/a/namedValueInformation.json", Place::Resource(Kind::NamedValue, "a")),
            ("namedValues/a/namedValueInformation.json", Place::Resource(Kind::NamedValue, "a")),
            ("policy fragments/f/policy.xml", Place::FragmentPolicy("f")),
            ("policyFragments/f/policyFragmentInformation.json", Place::Resource(Kind::Fragment, "f")),
            ("version sets/v/versionSetInformation.json", Place::Resource(Kind::VersionSet, "v")),
            ("products/p/policy.xml", Place::ProductPolicy("p")),
            ("products/p/apis/a/productApiInformation.json", Place::Link(L::ProductApi, "p", "a")),
            ("products/p/apis.json", Place::Links(L::ProductApi, "p")),
            ("groups/g/groupInformation.json", Place::Resource(Kind::Group, "g")),
            ("groups/g/users.json", Place::Links(L::GroupUser, "g")),
            ("groups/g/users/u/groupUserInformation.json", Place::Link(L::GroupUser, "g", "u")),
            ("gateways/g/apis.json", Place::Links(L::GatewayApi, "g")),
            ("tags/t/apis/a/tagApiInformation.json", Place::Link(L::TagApi, "t", "a")),
            ("apis/a/tags/t/apiTagInformation.json", Place::Api("a", A::Tag("t"))),
            ("products/p/tags/t/productTagInformation.json", Place::Link(L::TagProduct, "t", "p")),
            ("apis/a;rev=2/apiInformation.json", Place::Api("a;rev=2", A::Information)),
            ("apis/a/specification.yaml", Place::Api("a", A::Specification("yaml"))),
            ("apis/a/operations/o/policy.xml", Place::Api("a", A::OperationPolicy("o"))),
            ("apis/a/resolvers/r/resolverInformation.json", Place::Api("a", A::Resolver("r"))),
            ("apis/a/resolvers/r/policy.xml", Place::Api("a", A::ResolverPolicy("r"))),
            ("apis/a/releases/r/apiReleaseInformation.json", Place::Skipped),
            ("workspaces/w/apis/a/apiInformation.json", Place::Workspace("w")),
            ("apis/a/polcy.xml", Place::Unknown),
            ("backends/b/backendInfo.json", Place::Unknown),
            ("products/p/productInformation.json/x", Place::Unknown),
            ("configuration.prod.yaml", Place::Foreign),
            ("docs/readme.md", Place::Foreign),
            ("README.md", Place::Foreign),
        ] {
            assert_eq!(place(path), expected, "{path}");
        }
    }
}
