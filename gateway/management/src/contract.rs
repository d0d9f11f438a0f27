//! What the interface promises: operations, kinds of resources, the shape of their properties, versions.

mod kind;
mod kinds;
mod operation;
mod operations;
mod shape;
mod shapes;
mod version;

pub use kind::Kind;
pub use kinds::{KINDS, PORTAL_SETTINGS, PortalSetting};
pub use operation::{Method, Operation, Priority};
pub use operations::OPERATIONS;
pub use shape::{Field, Shape, Type};
pub use shapes::SERVICE_PROPERTIES;
pub use version::{API_VERSIONS, is_known};
