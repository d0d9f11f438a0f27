//! API definitions → operations, schemas and service URL.
//!
//! One file a format; [`document`] reads JSON and YAML for all of them, and for whoever needs places in errors.
//! Nothing here opens a file or an address: references outside the document are refused.

pub mod document;
