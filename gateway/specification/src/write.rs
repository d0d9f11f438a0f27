//! Operations and schemas → definitions (management-api.md §3.4): what the readers of this crate read back as the same.

mod openapi;
mod operation;
mod schemas;
mod swagger;
mod wadl;
mod yaml;

use gateway_model::{Api, ApiSchema, Operation};
use serde_json::Value;

pub use yaml::yaml;

/// An API with what belongs to it.
#[derive(Clone, Debug, Default)]
pub struct Source {
    pub api: Api,
    /// In the order to be written.
    pub operations: Vec<Operation>,
    pub schemas: Vec<ApiSchema>,
    /// Base URLs on gateways, such as `https://gateway.example/orders/v1`; the first one counts where a format has one
    /// only. A path alone (`/orders`) where no host is known.
    pub servers: Vec<String>,
}

impl Source {
    /// OpenAPI 3.0.
    pub fn openapi(&self) -> Value {
        openapi::write(self)
    }

    /// OpenAPI 2.0.
    pub fn swagger(&self) -> Value {
        swagger::write(self)
    }

    /// WADL of 2009.
    pub fn wadl(&self) -> String {
        wadl::write(self)
    }

    fn version(&self) -> &str {
        self.api.api_version.as_deref().filter(|version| !version.is_empty()).unwrap_or("1.0")
    }
}
