//! The gateway: `start(settings)`.
