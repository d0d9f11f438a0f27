//! APIs that are not plain HTTP: GraphQL, SOAP, WebSocket, gRPC.

mod graphql;
mod soap;
mod subscriptions;
