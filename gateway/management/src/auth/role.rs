//! Roles: Azure's Owner, Contributor and Reader of the service.

use crate::contract::Operation;

/// What a principal may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Owner,
    /// Everything but giving rights.
    Contributor,
    /// GET and HEAD: no change, and no secret.
    Reader,
}

impl Role {
    /// Reads a role's name.
    pub fn parse(name: &str) -> Option<Self> {
        [("Owner", Self::Owner), ("Contributor", Self::Contributor), ("Reader", Self::Reader)]
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, role)| role)
    }

    /// Whether an operation is allowed. Actions that read secrets are writes, as in Azure.
    pub fn allows(self, operation: &Operation) -> bool {
        self != Self::Reader || !operation.is_write()
    }
}
