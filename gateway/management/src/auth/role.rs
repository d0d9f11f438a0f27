//! Roles: Azure's Owner, Contributor and Reader of the service, and the one of gateways.

use crate::contract::Operation;

/// What a principal may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Owner,
    /// Everything but giving rights, which is done by commands.
    Contributor,
    /// GET and HEAD: no change, and no secret.
    Reader,
    /// The data action `gateways/getConfiguration`: the configuration of a gateway, and nothing of this interface.
    Gateway,
    /// A caller that is known and has no role.
    None,
}

impl Role {
    /// Roles that can be given.
    pub const ALL: &[Self] = &[Self::Owner, Self::Contributor, Self::Reader, Self::Gateway];

    /// The name: Azure's.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "Owner",
            Self::Contributor => "Contributor",
            Self::Reader => "Reader",
            Self::Gateway => "GatewayConfigurationReader",
            Self::None => "None",
        }
    }

    /// Reads a role's name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.name().eq_ignore_ascii_case(name))
    }

    /// Whether an operation is allowed. Actions that read secrets are writes, as in Azure.
    pub fn allows(self, operation: &Operation) -> bool {
        match self {
            Self::Owner | Self::Contributor => true,
            Self::Reader => !operation.is_write(),
            Self::Gateway | Self::None => false,
        }
    }

    /// Whether the service, its group and its subscription can be seen.
    pub fn sees(self) -> bool {
        matches!(self, Self::Owner | Self::Contributor | Self::Reader)
    }

    /// Whether the configuration of gateways can be fetched.
    pub fn is_gateway(self) -> bool {
        matches!(self, Self::Owner | Self::Gateway)
    }
}
