// tidy: table
//! Contracts of the management API: what stands under `properties`, field by field.
//!
//! Source: management-api.md §1.13, §1.14. A field that a contract does not list is ignored, as Azure does.

use super::shape::{LONG, MANY, Shape, Type, field, mandatory, read_only};

/// `ApiContactInformation`.
pub static API_CONTACT_INFORMATION: Shape = Shape {
    name: "ApiContactInformation",
    fields: &[
        field("name", Type::Text(0, LONG)),
        field("url", Type::Text(0, LONG)),
        field("email", Type::Text(0, LONG)),
    ],
};

/// `ApiCreateOrUpdateParameter`.
pub static API_CREATE_OR_UPDATE_PARAMETER: Shape = Shape {
    name: "ApiCreateOrUpdateParameter",
    fields: &[
        field("description", Type::Text(0, LONG)),
        field("authenticationSettings", Type::Object(&AUTHENTICATION_SETTINGS_CONTRACT)),
        field("subscriptionKeyParameterNames", Type::Object(&SUBSCRIPTION_KEY_PARAMETER_NAMES_CONTRACT)),
        field("type", Type::OneOf(&["http", "soap", "websocket", "graphql", "odata", "grpc"])),
        field("apiRevision", Type::Text(1, 100)),
        field("apiVersion", Type::Text(0, 100)),
        field("isCurrent", Type::Bool),
        read_only("isOnline", Type::Bool),
        field("apiRevisionDescription", Type::Text(0, 256)),
        field("apiVersionDescription", Type::Text(0, 256)),
        field("apiVersionSetId", Type::Text(0, LONG)),
        field("subscriptionRequired", Type::Bool),
        field("termsOfServiceUrl", Type::Text(0, LONG)),
        field("contact", Type::Object(&API_CONTACT_INFORMATION)),
        field("license", Type::Object(&API_LICENSE_INFORMATION)),
        field("sourceApiId", Type::Text(0, LONG)),
        field("displayName", Type::Text(1, 300)),
        field("serviceUrl", Type::Text(0, 2000)),
        mandatory("path", Type::Text(0, 400)),
        field("protocols", Type::List(&Type::OneOf(&["http", "https", "ws", "wss"]), MANY)),
        field("apiVersionSet", Type::Object(&API_VERSION_SET_CONTRACT_DETAILS)),
        read_only("provisioningState", Type::Text(0, LONG)),
        field("value", Type::Text(0, LONG)),
        field(
            "format",
            Type::OneOf(&[
                "wadl-xml",
                "wadl-link-json",
                "swagger-json",
                "swagger-link-json",
                "wsdl",
                "wsdl-link",
                "openapi",
                "openapi+json",
                "openapi-link",
                "openapi+json-link",
                "graphql-link",
                "odata",
                "odata-link",
                "grpc",
                "grpc-link",
            ]),
        ),
        field("wsdlSelector", Type::Object(&API_CREATE_OR_UPDATE_PROPERTIES_WSDL_SELECTOR)),
        field("apiType", Type::OneOf(&["http", "soap", "websocket", "graphql", "odata", "grpc"])),
        field("translateRequiredQueryParameters", Type::OneOf(&["template", "query"])),
    ],
};

/// `ApiCreateOrUpdatePropertiesWsdlSelector`.
pub static API_CREATE_OR_UPDATE_PROPERTIES_WSDL_SELECTOR: Shape = Shape {
    name: "ApiCreateOrUpdatePropertiesWsdlSelector",
    fields: &[field("wsdlServiceName", Type::Text(0, LONG)), field("wsdlEndpointName", Type::Text(0, LONG))],
};

/// `ApiLicenseInformation`.
pub static API_LICENSE_INFORMATION: Shape = Shape {
    name: "ApiLicenseInformation",
    fields: &[field("name", Type::Text(0, LONG)), field("url", Type::Text(0, LONG))],
};

/// `ApiReleaseContract`.
pub static API_RELEASE_CONTRACT: Shape = Shape {
    name: "ApiReleaseContract",
    fields: &[
        field("apiId", Type::Text(0, LONG)),
        read_only("createdDateTime", Type::DateTime),
        read_only("updatedDateTime", Type::DateTime),
        field("notes", Type::Text(0, LONG)),
    ],
};

/// `ApiUpdateContract`.
pub static API_UPDATE_CONTRACT: Shape = Shape {
    name: "ApiUpdateContract",
    fields: &[
        field("description", Type::Text(0, LONG)),
        field("authenticationSettings", Type::Object(&AUTHENTICATION_SETTINGS_CONTRACT)),
        field("subscriptionKeyParameterNames", Type::Object(&SUBSCRIPTION_KEY_PARAMETER_NAMES_CONTRACT)),
        field("type", Type::OneOf(&["http", "soap", "websocket", "graphql", "odata", "grpc"])),
        field("apiRevision", Type::Text(1, 100)),
        field("apiVersion", Type::Text(0, 100)),
        field("isCurrent", Type::Bool),
        read_only("isOnline", Type::Bool),
        field("apiRevisionDescription", Type::Text(0, 256)),
        field("apiVersionDescription", Type::Text(0, 256)),
        field("apiVersionSetId", Type::Text(0, LONG)),
        field("subscriptionRequired", Type::Bool),
        field("termsOfServiceUrl", Type::Text(0, LONG)),
        field("contact", Type::Object(&API_CONTACT_INFORMATION)),
        field("license", Type::Object(&API_LICENSE_INFORMATION)),
        field("displayName", Type::Text(1, 300)),
        field("serviceUrl", Type::Text(1, 2000)),
        field("path", Type::Text(0, 400)),
        field("protocols", Type::List(&Type::OneOf(&["http", "https", "ws", "wss"]), MANY)),
    ],
};

/// `ApiVersionSetContract`.
pub static API_VERSION_SET_CONTRACT: Shape = Shape {
    name: "ApiVersionSetContract",
    fields: &[
        field("description", Type::Text(0, LONG)),
        field("versionQueryName", Type::Text(1, 100)),
        field("versionHeaderName", Type::Text(1, 100)),
        mandatory("displayName", Type::Text(1, 100)),
        mandatory("versioningScheme", Type::OneOf(&["Segment", "Query", "Header"])),
    ],
};

/// `ApiVersionSetContractDetails`.
pub static API_VERSION_SET_CONTRACT_DETAILS: Shape = Shape {
    name: "ApiVersionSetContractDetails",
    fields: &[
        field("id", Type::Text(0, LONG)),
        field("name", Type::Text(0, LONG)),
        field("description", Type::Text(0, LONG)),
        field("versioningScheme", Type::OneOf(&["Segment", "Query", "Header"])),
        field("versionQueryName", Type::Text(0, LONG)),
        field("versionHeaderName", Type::Text(0, LONG)),
    ],
};

/// `AuthenticationSettingsContract`.
pub static AUTHENTICATION_SETTINGS_CONTRACT: Shape = Shape {
    name: "AuthenticationSettingsContract",
    fields: &[
        field("oAuth2", Type::Object(&OAUTH2_AUTHENTICATION_SETTINGS_CONTRACT)),
        field("openid", Type::Object(&OPEN_ID_AUTHENTICATION_SETTINGS_CONTRACT)),
        field(
            "oAuth2AuthenticationSettings",
            Type::List(&Type::Object(&OAUTH2_AUTHENTICATION_SETTINGS_CONTRACT), MANY),
        ),
        field(
            "openidAuthenticationSettings",
            Type::List(&Type::Object(&OPEN_ID_AUTHENTICATION_SETTINGS_CONTRACT), MANY),
        ),
    ],
};

/// `AuthorizationServerContract`.
pub static AUTHORIZATION_SERVER_CONTRACT: Shape = Shape {
    name: "AuthorizationServerContract",
    fields: &[
        field("description", Type::Text(0, LONG)),
        field(
            "authorizationMethods",
            Type::List(
                &Type::OneOf(&["HEAD", "OPTIONS", "TRACE", "GET", "POST", "PUT", "PATCH", "DELETE"]),
                MANY,
            ),
        ),
        field("clientAuthenticationMethod", Type::List(&Type::OneOf(&["Basic", "Body"]), MANY)),
        field("tokenBodyParameters", Type::List(&Type::Object(&TOKEN_BODY_PARAMETER_CONTRACT), MANY)),
        field("tokenEndpoint", Type::Text(0, LONG)),
        field("supportState", Type::Bool),
        field("defaultScope", Type::Text(0, LONG)),
        field("bearerTokenSendingMethods", Type::List(&Type::OneOf(&["authorizationHeader", "query"]), MANY)),
        field("resourceOwnerUsername", Type::Text(0, LONG)),
        field("resourceOwnerPassword", Type::Text(0, LONG)),
        mandatory("displayName", Type::Text(1, 50)),
        field("useInTestConsole", Type::Bool),
        field("useInApiDocumentation", Type::Bool),
        mandatory("clientRegistrationEndpoint", Type::Text(0, LONG)),
        mandatory("authorizationEndpoint", Type::Text(0, LONG)),
        mandatory(
            "grantTypes",
            Type::List(
                &Type::OneOf(&[
                    "authorizationCode",
                    "implicit",
                    "resourceOwnerPassword",
                    "clientCredentials",
                ]),
                MANY,
            ),
        ),
        mandatory("clientId", Type::Text(0, LONG)),
        field("clientSecret", Type::Text(0, LONG)),
    ],
};

/// `BackendAuthorizationHeaderCredentials`.
pub static BACKEND_AUTHORIZATION_HEADER_CREDENTIALS: Shape = Shape {
    name: "BackendAuthorizationHeaderCredentials",
    fields: &[mandatory("scheme", Type::Text(1, 100)), mandatory("parameter", Type::Text(1, 300))],
};

/// `BackendBaseParametersPool`.
pub static BACKEND_BASE_PARAMETERS_POOL: Shape = Shape {
    name: "BackendBaseParametersPool",
    fields: &[field("services", Type::List(&Type::Object(&BACKEND_POOL_ITEM), MANY))],
};

/// `BackendCircuitBreaker`.
pub static BACKEND_CIRCUIT_BREAKER: Shape = Shape {
    name: "BackendCircuitBreaker",
    fields: &[field("rules", Type::List(&Type::Object(&CIRCUIT_BREAKER_RULE), 15))],
};

/// `BackendContract`.
pub static BACKEND_CONTRACT: Shape = Shape {
    name: "BackendContract",
    fields: &[
        field("title", Type::Text(1, 300)),
        field("description", Type::Text(1, 2000)),
        field("resourceId", Type::Text(1, 2000)),
        field("properties", Type::Object(&BACKEND_PROPERTIES)),
        field("credentials", Type::Object(&BACKEND_CREDENTIALS_CONTRACT)),
        field("proxy", Type::Object(&BACKEND_PROXY_CONTRACT)),
        field("tls", Type::Object(&BACKEND_TLS_PROPERTIES)),
        field("circuitBreaker", Type::Object(&BACKEND_CIRCUIT_BREAKER)),
        field("pool", Type::Object(&BACKEND_BASE_PARAMETERS_POOL)),
        field("type", Type::OneOf(&["Single", "Pool"])),
        field("url", Type::Text(1, 2000)),
        field("protocol", Type::OneOf(&["http", "soap"])),
    ],
};

/// `BackendCredentialsContract`.
pub static BACKEND_CREDENTIALS_CONTRACT: Shape = Shape {
    name: "BackendCredentialsContract",
    fields: &[
        field("certificateIds", Type::List(&Type::Text(0, LONG), 32)),
        field("certificate", Type::List(&Type::Text(0, LONG), 32)),
        field("query", Type::Map(&Type::List(&Type::Text(0, LONG), MANY))),
        field("header", Type::Map(&Type::List(&Type::Text(0, LONG), MANY))),
        field("authorization", Type::Object(&BACKEND_AUTHORIZATION_HEADER_CREDENTIALS)),
    ],
};

/// `BackendPoolItem`.
pub static BACKEND_POOL_ITEM: Shape = Shape {
    name: "BackendPoolItem",
    fields: &[
        mandatory("id", Type::Text(0, LONG)),
        field("weight", Type::Int(0, 100)),
        field("priority", Type::Int(0, 100)),
    ],
};

/// `BackendProperties`.
pub static BACKEND_PROPERTIES: Shape = Shape {
    name: "BackendProperties",
    fields: &[field("serviceFabricCluster", Type::Object(&BACKEND_SERVICE_FABRIC_CLUSTER_PROPERTIES))],
};

/// `BackendProxyContract`.
pub static BACKEND_PROXY_CONTRACT: Shape = Shape {
    name: "BackendProxyContract",
    fields: &[
        mandatory("url", Type::Text(1, 2000)),
        field("username", Type::Text(0, LONG)),
        field("password", Type::Text(0, LONG)),
    ],
};

/// `BackendServiceFabricClusterProperties`.
pub static BACKEND_SERVICE_FABRIC_CLUSTER_PROPERTIES: Shape = Shape {
    name: "BackendServiceFabricClusterProperties",
    fields: &[
        field("clientCertificateId", Type::Text(0, LONG)),
        field("clientCertificatethumbprint", Type::Text(0, LONG)),
        field("maxPartitionResolutionRetries", Type::Int(i64::MIN, i64::MAX)),
        mandatory("managementEndpoints", Type::List(&Type::Text(0, LONG), MANY)),
        field("serverCertificateThumbprints", Type::List(&Type::Text(0, LONG), MANY)),
        field("serverX509Names", Type::List(&Type::Object(&X509_CERTIFICATE_NAME), MANY)),
    ],
};

/// `BackendTlsProperties`.
pub static BACKEND_TLS_PROPERTIES: Shape = Shape {
    name: "BackendTlsProperties",
    fields: &[field("validateCertificateChain", Type::Bool), field("validateCertificateName", Type::Bool)],
};

/// `BodyDiagnosticSettings`.
pub static BODY_DIAGNOSTIC_SETTINGS: Shape =
    Shape { name: "BodyDiagnosticSettings", fields: &[field("bytes", Type::Int(0, 8192))] };

/// `CacheContract`.
pub static CACHE_CONTRACT: Shape = Shape {
    name: "CacheContract",
    fields: &[
        field("description", Type::Text(0, 2000)),
        mandatory("connectionString", Type::Text(0, 300)),
        mandatory("useFromLocation", Type::Text(0, 256)),
        field("resourceId", Type::Text(0, 2000)),
    ],
};

/// `CertificateCreateOrUpdateParameters`.
pub static CERTIFICATE_CREATE_OR_UPDATE_PARAMETERS: Shape = Shape {
    name: "CertificateCreateOrUpdateParameters",
    fields: &[
        field("data", Type::Text(0, LONG)),
        field("password", Type::Text(0, LONG)),
        field("keyVault", Type::Object(&KEY_VAULT_CONTRACT_PROPERTIES)),
    ],
};

/// `CircuitBreakerFailureCondition`.
pub static CIRCUIT_BREAKER_FAILURE_CONDITION: Shape = Shape {
    name: "CircuitBreakerFailureCondition",
    fields: &[
        field("count", Type::Int(i64::MIN, i64::MAX)),
        field("percentage", Type::Int(i64::MIN, i64::MAX)),
        field("interval", Type::Duration),
        field("statusCodeRanges", Type::List(&Type::Object(&FAILURE_STATUS_CODE_RANGE), 10)),
        field("errorReasons", Type::List(&Type::Text(0, LONG), 10)),
    ],
};

/// `CircuitBreakerRule`.
pub static CIRCUIT_BREAKER_RULE: Shape = Shape {
    name: "CircuitBreakerRule",
    fields: &[
        field("name", Type::Text(0, LONG)),
        field("failureCondition", Type::Object(&CIRCUIT_BREAKER_FAILURE_CONDITION)),
        field("tripDuration", Type::Duration),
        field("acceptRetryAfter", Type::Bool),
    ],
};

/// `DataMasking`.
pub static DATA_MASKING: Shape = Shape {
    name: "DataMasking",
    fields: &[
        field("queryParams", Type::List(&Type::Object(&DATA_MASKING_ENTITY), MANY)),
        field("headers", Type::List(&Type::Object(&DATA_MASKING_ENTITY), MANY)),
    ],
};

/// `DataMaskingEntity`.
pub static DATA_MASKING_ENTITY: Shape = Shape {
    name: "DataMaskingEntity",
    fields: &[field("value", Type::Text(0, LONG)), field("mode", Type::OneOf(&["Mask", "Hide"]))],
};

/// `DiagnosticContract`.
pub static DIAGNOSTIC_CONTRACT: Shape = Shape {
    name: "DiagnosticContract",
    fields: &[
        field("alwaysLog", Type::OneOf(&["allErrors"])),
        mandatory("loggerId", Type::Text(0, LONG)),
        field("sampling", Type::Object(&SAMPLING_SETTINGS)),
        field("frontend", Type::Object(&PIPELINE_DIAGNOSTIC_SETTINGS)),
        field("backend", Type::Object(&PIPELINE_DIAGNOSTIC_SETTINGS)),
        field("logClientIp", Type::Bool),
        field("httpCorrelationProtocol", Type::OneOf(&["None", "Legacy", "W3C"])),
        field("verbosity", Type::OneOf(&["verbose", "information", "error"])),
        field("operationNameFormat", Type::OneOf(&["Name", "Url"])),
        field("metrics", Type::Bool),
    ],
};

/// `FailureStatusCodeRange`.
pub static FAILURE_STATUS_CODE_RANGE: Shape = Shape {
    name: "FailureStatusCodeRange",
    fields: &[field("min", Type::Int(200, 599)), field("max", Type::Int(200, 599))],
};

/// `GatewayCertificateAuthorityContract`.
pub static GATEWAY_CERTIFICATE_AUTHORITY_CONTRACT: Shape =
    Shape { name: "GatewayCertificateAuthorityContract", fields: &[field("isTrusted", Type::Bool)] };

/// `GatewayContract`.
pub static GATEWAY_CONTRACT: Shape = Shape {
    name: "GatewayContract",
    fields: &[
        field("locationData", Type::Object(&RESOURCE_LOCATION_DATA_CONTRACT)),
        field("description", Type::Text(0, 1000)),
    ],
};

/// `GatewayHostnameConfigurationContract`.
pub static GATEWAY_HOSTNAME_CONFIGURATION_CONTRACT: Shape = Shape {
    name: "GatewayHostnameConfigurationContract",
    fields: &[
        field("hostname", Type::Text(0, LONG)),
        field("certificateId", Type::Text(0, LONG)),
        field("negotiateClientCertificate", Type::Bool),
        field("tls10Enabled", Type::Bool),
        field("tls11Enabled", Type::Bool),
        field("http2Enabled", Type::Bool),
    ],
};

/// `GlobalSchemaContract`.
pub static GLOBAL_SCHEMA_CONTRACT: Shape = Shape {
    name: "GlobalSchemaContract",
    fields: &[
        mandatory("schemaType", Type::OneOf(&["xml", "json"])),
        field("description", Type::Text(0, LONG)),
        field("value", Type::Any),
        field("document", Type::Any),
        read_only("provisioningState", Type::Text(0, LONG)),
    ],
};

/// `GroupCreateParameters`.
pub static GROUP_CREATE_PARAMETERS: Shape = Shape {
    name: "GroupCreateParameters",
    fields: &[
        mandatory("displayName", Type::Text(1, 300)),
        field("description", Type::Text(0, LONG)),
        field("type", Type::OneOf(&["custom", "system", "external"])),
        field("externalId", Type::Text(0, LONG)),
    ],
};

/// `HttpMessageDiagnostic`.
pub static HTTP_MESSAGE_DIAGNOSTIC: Shape = Shape {
    name: "HttpMessageDiagnostic",
    fields: &[
        field("headers", Type::List(&Type::Text(0, LONG), MANY)),
        field("body", Type::Object(&BODY_DIAGNOSTIC_SETTINGS)),
        field("dataMasking", Type::Object(&DATA_MASKING)),
    ],
};

/// `IdentityProviderContract`.
pub static IDENTITY_PROVIDER_CONTRACT: Shape = Shape {
    name: "IdentityProviderContract",
    fields: &[
        field("type", Type::OneOf(&["facebook", "google", "microsoft", "twitter", "aad", "aadB2C"])),
        field("signinTenant", Type::Text(0, LONG)),
        field("allowedTenants", Type::List(&Type::Text(0, LONG), 32)),
        field("authority", Type::Text(0, LONG)),
        field("signupPolicyName", Type::Text(1, LONG)),
        field("signinPolicyName", Type::Text(1, LONG)),
        field("profileEditingPolicyName", Type::Text(1, LONG)),
        field("passwordResetPolicyName", Type::Text(1, LONG)),
        field("clientLibrary", Type::Text(0, 16)),
        mandatory("clientId", Type::Text(1, LONG)),
        field("clientSecret", Type::Text(1, LONG)),
    ],
};

/// `KeyVaultContractProperties`.
pub static KEY_VAULT_CONTRACT_PROPERTIES: Shape = Shape {
    name: "KeyVaultContractProperties",
    fields: &[
        field("secretIdentifier", Type::Text(0, LONG)),
        field("identityClientId", Type::Text(0, LONG)),
        field("lastStatus", Type::Object(&KEY_VAULT_LAST_ACCESS_STATUS_CONTRACT_PROPERTIES)),
    ],
};

/// `KeyVaultLastAccessStatusContractProperties`.
pub static KEY_VAULT_LAST_ACCESS_STATUS_CONTRACT_PROPERTIES: Shape = Shape {
    name: "KeyVaultLastAccessStatusContractProperties",
    fields: &[
        field("code", Type::Text(0, LONG)),
        field("message", Type::Text(0, LONG)),
        field("timeStampUtc", Type::DateTime),
    ],
};

/// `LoggerContract`.
pub static LOGGER_CONTRACT: Shape = Shape {
    name: "LoggerContract",
    fields: &[
        mandatory("loggerType", Type::OneOf(&["azureEventHub", "applicationInsights", "azureMonitor"])),
        field("description", Type::Text(0, 256)),
        field("credentials", Type::Map(&Type::Text(0, LONG))),
        field("isBuffered", Type::Bool),
        field("resourceId", Type::Text(0, LONG)),
    ],
};

/// `NamedValueCreateContract`.
pub static NAMED_VALUE_CREATE_CONTRACT: Shape = Shape {
    name: "NamedValueCreateContract",
    fields: &[
        field("tags", Type::List(&Type::Text(0, LONG), 32)),
        field("secret", Type::Bool),
        mandatory("displayName", Type::Text(1, 256)),
        field("value", Type::Text(0, 4096)),
        field("keyVault", Type::Object(&KEY_VAULT_CONTRACT_PROPERTIES)),
    ],
};

/// `OAuth2AuthenticationSettingsContract`.
pub static OAUTH2_AUTHENTICATION_SETTINGS_CONTRACT: Shape = Shape {
    name: "OAuth2AuthenticationSettingsContract",
    fields: &[field("authorizationServerId", Type::Text(0, LONG)), field("scope", Type::Text(0, LONG))],
};

/// `OpenIdAuthenticationSettingsContract`.
pub static OPEN_ID_AUTHENTICATION_SETTINGS_CONTRACT: Shape = Shape {
    name: "OpenIdAuthenticationSettingsContract",
    fields: &[
        field("openidProviderId", Type::Text(0, LONG)),
        field("bearerTokenSendingMethods", Type::List(&Type::OneOf(&["authorizationHeader", "query"]), MANY)),
    ],
};

/// `OpenidConnectProviderContract`.
pub static OPENID_CONNECT_PROVIDER_CONTRACT: Shape = Shape {
    name: "OpenidConnectProviderContract",
    fields: &[
        mandatory("displayName", Type::Text(0, 50)),
        field("description", Type::Text(0, LONG)),
        mandatory("metadataEndpoint", Type::Text(0, LONG)),
        mandatory("clientId", Type::Text(0, LONG)),
        field("clientSecret", Type::Text(0, LONG)),
        field("useInTestConsole", Type::Bool),
        field("useInApiDocumentation", Type::Bool),
    ],
};

/// `OperationContract`.
pub static OPERATION_CONTRACT: Shape = Shape {
    name: "OperationContract",
    fields: &[
        field("templateParameters", Type::List(&Type::Object(&PARAMETER_CONTRACT), MANY)),
        field("description", Type::Text(0, 1000)),
        field("request", Type::Object(&REQUEST_CONTRACT)),
        field("responses", Type::List(&Type::Object(&RESPONSE_CONTRACT), MANY)),
        field("policies", Type::Text(0, LONG)),
        mandatory("displayName", Type::Text(1, 300)),
        mandatory("method", Type::Text(0, LONG)),
        mandatory("urlTemplate", Type::Text(1, 1000)),
    ],
};

/// `ParameterContract`.
pub static PARAMETER_CONTRACT: Shape = Shape {
    name: "ParameterContract",
    fields: &[
        mandatory("name", Type::Text(0, LONG)),
        field("description", Type::Text(0, LONG)),
        mandatory("type", Type::Text(0, LONG)),
        field("defaultValue", Type::Text(0, LONG)),
        field("required", Type::Bool),
        field("values", Type::List(&Type::Text(0, LONG), MANY)),
        field("schemaId", Type::Text(0, LONG)),
        field("typeName", Type::Text(0, LONG)),
        field("examples", Type::Map(&Type::Object(&PARAMETER_EXAMPLE_CONTRACT))),
    ],
};

/// `ParameterExampleContract`.
pub static PARAMETER_EXAMPLE_CONTRACT: Shape = Shape {
    name: "ParameterExampleContract",
    fields: &[
        field("summary", Type::Text(0, LONG)),
        field("description", Type::Text(0, LONG)),
        field("value", Type::Any),
        field("externalValue", Type::Text(0, LONG)),
    ],
};

/// `PipelineDiagnosticSettings`.
pub static PIPELINE_DIAGNOSTIC_SETTINGS: Shape = Shape {
    name: "PipelineDiagnosticSettings",
    fields: &[
        field("request", Type::Object(&HTTP_MESSAGE_DIAGNOSTIC)),
        field("response", Type::Object(&HTTP_MESSAGE_DIAGNOSTIC)),
    ],
};

/// `PolicyContract`.
pub static POLICY_CONTRACT: Shape = Shape {
    name: "PolicyContract",
    fields: &[
        mandatory("value", Type::Text(0, LONG)),
        field("format", Type::OneOf(&["xml", "xml-link", "rawxml", "rawxml-link"])),
    ],
};

/// `PolicyFragmentContract`.
pub static POLICY_FRAGMENT_CONTRACT: Shape = Shape {
    name: "PolicyFragmentContract",
    fields: &[
        mandatory("value", Type::Text(0, LONG)),
        field("description", Type::Text(0, 1000)),
        field("format", Type::OneOf(&["xml", "rawxml"])),
        read_only("provisioningState", Type::Text(0, LONG)),
    ],
};

/// `PortalDelegationSettings`.
pub static PORTAL_DELEGATION_SETTINGS: Shape = Shape {
    name: "PortalDelegationSettings",
    fields: &[
        field("url", Type::Text(0, LONG)),
        field("validationKey", Type::Text(0, LONG)),
        field("subscriptions", Type::Object(&SUBSCRIPTIONS_DELEGATION_SETTINGS_PROPERTIES)),
        field("userRegistration", Type::Object(&REGISTRATION_DELEGATION_SETTINGS_PROPERTIES)),
    ],
};

/// `PortalSigninSettings`.
pub static PORTAL_SIGNIN_SETTINGS: Shape =
    Shape { name: "PortalSigninSettings", fields: &[field("enabled", Type::Bool)] };

/// `PortalSignupSettings`.
pub static PORTAL_SIGNUP_SETTINGS: Shape = Shape {
    name: "PortalSignupSettings",
    fields: &[
        field("enabled", Type::Bool),
        field("termsOfService", Type::Object(&TERMS_OF_SERVICE_PROPERTIES)),
    ],
};

/// `ProductContract`.
pub static PRODUCT_CONTRACT: Shape = Shape {
    name: "ProductContract",
    fields: &[
        field("description", Type::Text(0, 1000)),
        field("terms", Type::Text(0, LONG)),
        field("subscriptionRequired", Type::Bool),
        field("approvalRequired", Type::Bool),
        field("subscriptionsLimit", Type::Int(i64::MIN, i64::MAX)),
        field("state", Type::OneOf(&["notPublished", "published"])),
        mandatory("displayName", Type::Text(1, 300)),
    ],
};

/// `RegistrationDelegationSettingsProperties`.
pub static REGISTRATION_DELEGATION_SETTINGS_PROPERTIES: Shape =
    Shape { name: "RegistrationDelegationSettingsProperties", fields: &[field("enabled", Type::Bool)] };

/// `RepresentationContract`.
pub static REPRESENTATION_CONTRACT: Shape = Shape {
    name: "RepresentationContract",
    fields: &[
        mandatory("contentType", Type::Text(0, LONG)),
        field("schemaId", Type::Text(0, LONG)),
        field("typeName", Type::Text(0, LONG)),
        field("formParameters", Type::List(&Type::Object(&PARAMETER_CONTRACT), MANY)),
        field("examples", Type::Map(&Type::Object(&PARAMETER_EXAMPLE_CONTRACT))),
    ],
};

/// `RequestContract`.
pub static REQUEST_CONTRACT: Shape = Shape {
    name: "RequestContract",
    fields: &[
        field("description", Type::Text(0, LONG)),
        field("queryParameters", Type::List(&Type::Object(&PARAMETER_CONTRACT), MANY)),
        field("headers", Type::List(&Type::Object(&PARAMETER_CONTRACT), MANY)),
        field("representations", Type::List(&Type::Object(&REPRESENTATION_CONTRACT), MANY)),
    ],
};

/// `ResolverContract`.
pub static RESOLVER_CONTRACT: Shape = Shape {
    name: "ResolverContract",
    fields: &[
        field("displayName", Type::Text(1, 300)),
        field("path", Type::Text(1, 300)),
        field("description", Type::Text(0, 1000)),
    ],
};

/// `ResourceLocationDataContract`.
pub static RESOURCE_LOCATION_DATA_CONTRACT: Shape = Shape {
    name: "ResourceLocationDataContract",
    fields: &[
        mandatory("name", Type::Text(0, 256)),
        field("city", Type::Text(0, 256)),
        field("district", Type::Text(0, 256)),
        field("countryOrRegion", Type::Text(0, 256)),
    ],
};

/// `ResponseContract`.
pub static RESPONSE_CONTRACT: Shape = Shape {
    name: "ResponseContract",
    fields: &[
        mandatory("statusCode", Type::Int(i64::MIN, i64::MAX)),
        field("description", Type::Text(0, LONG)),
        field("representations", Type::List(&Type::Object(&REPRESENTATION_CONTRACT), MANY)),
        field("headers", Type::List(&Type::Object(&PARAMETER_CONTRACT), MANY)),
    ],
};

/// `SamplingSettings`.
pub static SAMPLING_SETTINGS: Shape = Shape {
    name: "SamplingSettings",
    fields: &[field("samplingType", Type::OneOf(&["fixed"])), field("percentage", Type::Number(0, 100))],
};

/// `SchemaContract`.
pub static SCHEMA_CONTRACT: Shape = Shape {
    name: "SchemaContract",
    fields: &[
        mandatory("contentType", Type::Text(0, LONG)),
        read_only("provisioningState", Type::Text(0, LONG)),
        field(
            "document",
            Type::Object(&Shape {
                name: "SchemaContract.document",
                fields: &[
                    field("value", Type::Text(0, LONG)),
                    field("definitions", Type::Any),
                    field("components", Type::Any),
                ],
            }),
        ),
    ],
};

/// `SubscriptionCreateParameters`.
pub static SUBSCRIPTION_CREATE_PARAMETERS: Shape = Shape {
    name: "SubscriptionCreateParameters",
    fields: &[
        field("ownerId", Type::Text(0, LONG)),
        mandatory("scope", Type::Text(0, LONG)),
        mandatory("displayName", Type::Text(1, 100)),
        field("primaryKey", Type::Text(1, 256)),
        field("secondaryKey", Type::Text(1, 256)),
        field(
            "state",
            Type::OneOf(&["suspended", "active", "expired", "submitted", "rejected", "cancelled"]),
        ),
        field("allowTracing", Type::Bool),
    ],
};

/// `SubscriptionKeyParameterNamesContract`.
pub static SUBSCRIPTION_KEY_PARAMETER_NAMES_CONTRACT: Shape = Shape {
    name: "SubscriptionKeyParameterNamesContract",
    fields: &[field("header", Type::Text(0, LONG)), field("query", Type::Text(0, LONG))],
};

/// `SubscriptionUpdateParameters`.
pub static SUBSCRIPTION_UPDATE_PARAMETERS: Shape = Shape {
    name: "SubscriptionUpdateParameters",
    fields: &[
        field("ownerId", Type::Text(0, LONG)),
        field("scope", Type::Text(0, LONG)),
        field("expirationDate", Type::DateTime),
        field("displayName", Type::Text(0, LONG)),
        field("primaryKey", Type::Text(1, 256)),
        field("secondaryKey", Type::Text(1, 256)),
        field(
            "state",
            Type::OneOf(&["suspended", "active", "expired", "submitted", "rejected", "cancelled"]),
        ),
        field("stateComment", Type::Text(0, LONG)),
        field("allowTracing", Type::Bool),
    ],
};

/// `SubscriptionsDelegationSettingsProperties`.
pub static SUBSCRIPTIONS_DELEGATION_SETTINGS_PROPERTIES: Shape =
    Shape { name: "SubscriptionsDelegationSettingsProperties", fields: &[field("enabled", Type::Bool)] };

/// `TagContract`.
pub static TAG_CONTRACT: Shape =
    Shape { name: "TagContract", fields: &[mandatory("displayName", Type::Text(1, 160))] };

/// `TagDescriptionContract`.
pub static TAG_DESCRIPTION_CONTRACT: Shape = Shape {
    name: "TagDescriptionContract",
    fields: &[
        field("description", Type::Text(0, LONG)),
        field("externalDocsUrl", Type::Text(0, 2000)),
        field("externalDocsDescription", Type::Text(0, LONG)),
        field("tagId", Type::Text(0, LONG)),
        field("displayName", Type::Text(1, 160)),
    ],
};

/// `TermsOfServiceProperties`.
pub static TERMS_OF_SERVICE_PROPERTIES: Shape = Shape {
    name: "TermsOfServiceProperties",
    fields: &[
        field("text", Type::Text(0, LONG)),
        field("enabled", Type::Bool),
        field("consentRequired", Type::Bool),
    ],
};

/// `TokenBodyParameterContract`.
pub static TOKEN_BODY_PARAMETER_CONTRACT: Shape = Shape {
    name: "TokenBodyParameterContract",
    fields: &[mandatory("name", Type::Text(0, LONG)), mandatory("value", Type::Text(0, LONG))],
};

/// `UserCreateParameters`.
pub static USER_CREATE_PARAMETERS: Shape = Shape {
    name: "UserCreateParameters",
    fields: &[
        field("state", Type::OneOf(&["active", "blocked", "pending", "deleted"])),
        field("note", Type::Text(0, LONG)),
        field("identities", Type::List(&Type::Object(&USER_IDENTITY_CONTRACT), MANY)),
        mandatory("email", Type::Text(1, 254)),
        mandatory("firstName", Type::Text(1, 100)),
        mandatory("lastName", Type::Text(1, 100)),
        field("password", Type::Text(0, LONG)),
        field("appType", Type::OneOf(&["portal", "developerPortal"])),
        field("confirmation", Type::OneOf(&["signup", "invite"])),
    ],
};

/// `UserIdentityContract`.
pub static USER_IDENTITY_CONTRACT: Shape = Shape {
    name: "UserIdentityContract",
    fields: &[field("provider", Type::Text(0, LONG)), field("id", Type::Text(0, LONG))],
};

/// `WikiContract`.
pub static WIKI_CONTRACT: Shape = Shape {
    name: "WikiContract",
    fields: &[field("documents", Type::List(&Type::Object(&WIKI_DOCUMENTATION_CONTRACT), MANY))],
};

/// `WikiDocumentationContract`.
pub static WIKI_DOCUMENTATION_CONTRACT: Shape =
    Shape { name: "WikiDocumentationContract", fields: &[field("documentationId", Type::Text(0, LONG))] };

/// `X509CertificateName`.
pub static X509_CERTIFICATE_NAME: Shape = Shape {
    name: "X509CertificateName",
    fields: &[field("name", Type::Text(0, LONG)), field("issuerCertificateThumbprint", Type::Text(0, LONG))],
};

/// `ApiManagementServiceResource`, what stands under `properties`.
pub static SERVICE_PROPERTIES: Shape = Shape {
    name: "ApiManagementServiceProperties",
    fields: &[
        mandatory("publisherEmail", Type::Text(1, 100)),
        mandatory("publisherName", Type::Text(1, 100)),
        field("notificationSenderEmail", Type::Text(0, 100)),
        field("hostnameConfigurations", Type::List(&Type::Object(&HOSTNAME_CONFIGURATION), 100)),
        field("publicIpAddressId", Type::Text(0, LONG)),
        field("publicNetworkAccess", Type::OneOf(&["Enabled", "Disabled"])),
        field("configurationApi", Type::Any),
        field("virtualNetworkConfiguration", Type::Any),
        field("additionalLocations", Type::List(&Type::Any, 100)),
        field("customProperties", Type::Map(&Type::Text(0, LONG))),
        field("enableClientCertificate", Type::Bool),
        field("natGatewayState", Type::OneOf(&["Enabled", "Disabled"])),
        field("disableGateway", Type::Bool),
        field("virtualNetworkType", Type::OneOf(&["None", "External", "Internal"])),
        field("apiVersionConstraint", Type::Any),
        field("legacyPortalStatus", Type::OneOf(&["Enabled", "Disabled"])),
        field("developerPortalStatus", Type::OneOf(&["Enabled", "Disabled"])),
    ],
};

/// `HostnameConfiguration`.
pub static HOSTNAME_CONFIGURATION: Shape = Shape {
    name: "HostnameConfiguration",
    fields: &[
        mandatory(
            "type",
            Type::OneOf(&["Proxy", "Portal", "Management", "Scm", "DeveloperPortal", "ConfigurationApi"]),
        ),
        mandatory("hostName", Type::Text(1, 253)),
        field("keyVaultId", Type::Text(0, LONG)),
        field("identityClientId", Type::Text(0, LONG)),
        field("encodedCertificate", Type::Text(0, LONG)),
        field("certificatePassword", Type::Text(0, LONG)),
        field("defaultSslBinding", Type::Bool),
        field("negotiateClientCertificate", Type::Bool),
        field("certificate", Type::Any),
        field("certificateSource", Type::Text(0, LONG)),
        field("certificateStatus", Type::Text(0, LONG)),
    ],
};
