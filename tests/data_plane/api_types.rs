//! APIs that are not plain HTTP: GraphQL, SOAP, OData.

mod graphql;
mod odata;
mod soap;
mod subscriptions;
