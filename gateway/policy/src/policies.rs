//! One file a policy, named like its element.

pub mod authentication_basic;
pub mod authentication_certificate;
pub mod authentication_managed_identity;
pub mod cache_lookup;
pub mod cache_lookup_value;
pub mod cache_remove_value;
pub mod cache_store;
pub mod cache_store_value;
pub mod cache_value;
pub mod check_header;
pub mod choose;
pub mod cors;
pub mod cross_domain;
pub mod dapr;
pub mod emit_metric;
pub mod find_and_replace;
pub mod forward_request;
pub mod http_data_source;
pub mod invoke_dapr_binding;
pub mod ip_filter;
pub mod json_to_xml;
pub mod jsonp;
pub mod limit_concurrency;
pub mod llm_content_safety;
pub mod llm_emit_token_metric;
pub mod llm_semantic_cache_lookup;
pub mod llm_semantic_cache_store;
pub mod llm_token_limit;
pub mod log_to_eventhub;
pub mod mock_response;
mod narrower;
pub mod proxy;
pub mod publish_event;
pub mod publish_to_dapr;
pub mod quota;
pub mod quota_by_key;
pub mod rate_limit;
pub mod rate_limit_by_key;
pub mod redirect_content_urls;
pub mod retry;
pub mod return_response;
pub mod rewrite_uri;
pub mod send_one_way_request;
pub mod send_request;
pub mod send_service_bus_message;
pub mod set_backend_service;
pub mod set_body;
pub mod set_header;
pub mod set_method;
pub mod set_query_parameter;
pub mod set_status;
pub mod set_variable;
pub mod trace;
pub mod validate_azure_ad_token;
pub mod validate_client_certificate;
pub mod validate_content;
pub mod validate_graphql_request;
pub mod validate_headers;
pub mod validate_jwt;
pub mod validate_odata_request;
pub mod validate_parameters;
pub mod validate_status_code;
pub mod wait;
pub mod xml_to_json;
pub mod xsl_transform;

use crate::catalogue::PolicyDef;

/// Every policy, by element name.
pub static CATALOGUE: &[&PolicyDef] = &[
    &authentication_basic::AUTHENTICATION_BASIC,
    &authentication_certificate::AUTHENTICATION_CERTIFICATE,
    &authentication_managed_identity::AUTHENTICATION_MANAGED_IDENTITY,
    &llm_emit_token_metric::AZURE_OPENAI_EMIT_TOKEN_METRIC,
    &llm_semantic_cache_lookup::AZURE_OPENAI_SEMANTIC_CACHE_LOOKUP,
    &llm_semantic_cache_store::AZURE_OPENAI_SEMANTIC_CACHE_STORE,
    &llm_token_limit::AZURE_OPENAI_TOKEN_LIMIT,
    &cache_lookup::CACHE_LOOKUP,
    &cache_lookup_value::CACHE_LOOKUP_VALUE,
    &cache_remove_value::CACHE_REMOVE_VALUE,
    &cache_store::CACHE_STORE,
    &cache_store_value::CACHE_STORE_VALUE,
    &cache_value::CACHE_VALUE,
    &check_header::CHECK_HEADER,
    &choose::CHOOSE,
    &cors::CORS,
    &cross_domain::CROSS_DOMAIN,
    &emit_metric::EMIT_METRIC,
    &find_and_replace::FIND_AND_REPLACE,
    &forward_request::FORWARD_REQUEST,
    &http_data_source::HTTP_DATA_SOURCE,
    &invoke_dapr_binding::INVOKE_DAPR_BINDING,
    &ip_filter::IP_FILTER,
    &json_to_xml::JSON_TO_XML,
    &jsonp::JSONP,
    &limit_concurrency::LIMIT_CONCURRENCY,
    &llm_content_safety::LLM_CONTENT_SAFETY,
    &llm_emit_token_metric::LLM_EMIT_TOKEN_METRIC,
    &llm_semantic_cache_lookup::LLM_SEMANTIC_CACHE_LOOKUP,
    &llm_semantic_cache_store::LLM_SEMANTIC_CACHE_STORE,
    &llm_token_limit::LLM_TOKEN_LIMIT,
    &log_to_eventhub::LOG_TO_EVENTHUB,
    &mock_response::MOCK_RESPONSE,
    &proxy::PROXY,
    &publish_event::PUBLISH_EVENT,
    &publish_to_dapr::PUBLISH_TO_DAPR,
    &quota::QUOTA,
    &quota_by_key::QUOTA_BY_KEY,
    &rate_limit::RATE_LIMIT,
    &rate_limit_by_key::RATE_LIMIT_BY_KEY,
    &redirect_content_urls::REDIRECT_CONTENT_URLS,
    &retry::RETRY,
    &return_response::RETURN_RESPONSE,
    &rewrite_uri::REWRITE_URI,
    &send_one_way_request::SEND_ONE_WAY_REQUEST,
    &send_request::SEND_REQUEST,
    &send_service_bus_message::SEND_SERVICE_BUS_MESSAGE,
    &set_backend_service::SET_BACKEND_SERVICE,
    &set_body::SET_BODY,
    &set_header::SET_HEADER,
    &set_method::SET_METHOD,
    &set_query_parameter::SET_QUERY_PARAMETER,
    &set_status::SET_STATUS,
    &set_variable::SET_VARIABLE,
    &trace::TRACE,
    &validate_azure_ad_token::VALIDATE_AZURE_AD_TOKEN,
    &validate_client_certificate::VALIDATE_CLIENT_CERTIFICATE,
    &validate_content::VALIDATE_CONTENT,
    &validate_graphql_request::VALIDATE_GRAPHQL_REQUEST,
    &validate_headers::VALIDATE_HEADERS,
    &validate_jwt::VALIDATE_JWT,
    &validate_odata_request::VALIDATE_ODATA_REQUEST,
    &validate_parameters::VALIDATE_PARAMETERS,
    &validate_status_code::VALIDATE_STATUS_CODE,
    &wait::WAIT,
    &xml_to_json::XML_TO_JSON,
    &xsl_transform::XSL_TRANSFORM,
];
