//! Behaviour of the management plane through its listener.

mod arm;
