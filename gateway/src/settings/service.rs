//! Settings of the plane that the configuration comes from.

use std::path::PathBuf;
use std::time::Duration;

use gateway_model::Secret;
use gateway_proxy::ports::identity::{IdentitySettings, TokenSource};
use gateway_sync::plane::Pace;
use gateway_sync::protocol::Token;

use super::{ConfigSettings, SettingError};
use crate::plane_source::{PlaneAuth, PlaneSettings};
use crate::plane_transport::Endpoint;
use crate::sign_in::SignInSettings;

/// The management plane that the configuration comes from.
#[derive(Clone, Debug)]
pub struct ServiceSettings {
    pub endpoint: Option<Endpoint>,
    pub auth: Option<Auth>,
    /// The application that signs in, with [`Auth::Application`].
    pub application: IdentitySettings,
    /// What its token is asked for.
    pub audience: String,
    pub validate_certificate: bool,
    /// Until an answer begins, beyond what the plane may hold a request.
    pub timeout: Duration,
    pub pace: Pace,
    /// Between two reports of what was used; zero: none.
    pub report: Duration,
    /// Requests that a report tells of one by one.
    pub report_requests: usize,
    pub backup: Option<PathBuf>,
}

/// How the gateway shows the plane who it is.
#[derive(Clone, Debug)]
pub enum Auth {
    /// `GatewayKey` and a token.
    Token(Secret),
    /// An application of Entra, by secret or certificate.
    Application,
    /// A federated token, by the settings of the gateway's own identity.
    Workload,
}

impl ConfigSettings {
    /// Name of the gateway resource: as set, or as the token says.
    pub fn gateway_name(&self) -> String {
        let of_token = || {
            let Some(Auth::Token(token)) = &self.service.auth else { return None };
            Some(Token::parse(token.expose())?.gateway.to_owned())
        };
        self.gateway.clone().or_else(of_token).unwrap_or_default()
    }

    /// The plane to follow, where one is set. `identity` is the gateway's own.
    pub fn plane(&self, identity: &IdentitySettings) -> Option<PlaneSettings> {
        let service = &self.service;
        let sign_in = |source, settings: &IdentitySettings| {
            PlaneAuth::SignIn(SignInSettings {
                gateway: self.gateway.clone().unwrap_or_default(),
                identity: IdentitySettings { source, ..settings.clone() },
                audience: service.audience.clone(),
            })
        };
        let auth = match service.auth.as_ref()? {
            Auth::Token(token) => PlaneAuth::Token(token.clone()),
            Auth::Application => sign_in(TokenSource::Client, &service.application),
            Auth::Workload => sign_in(TokenSource::Workload, identity),
        };
        Some(PlaneSettings {
            endpoint: service.endpoint.clone()?,
            auth,
            backup: service.backup.clone(),
            timeout: service.timeout,
            pace: service.pace,
            report: service.report,
        })
    }

    /// A sign-in by another issuer says everything that a token says by itself.
    pub(super) fn check_sign_in(&self, identity: &IdentitySettings) -> Result<(), SettingError> {
        let service = &self.service;
        let (of, names) = match &service.auth {
            None | Some(Auth::Token(_)) => return Ok(()),
            Some(Auth::Application) => (
                &service.application,
                ["config.service.auth.azureAd.tenantId", "config.service.auth.azureAd.clientId"],
            ),
            Some(Auth::Workload) => (identity, ["azure.tenant.id", "azure.client.id"]),
        };
        let proof = match &service.auth {
            Some(Auth::Workload) => ("azure.federated.token.file", of.federated_token_file.is_some()),
            _ => (
                "config.service.auth.azureAd.clientSecret",
                of.client_secret.is_some() || of.client_certificate.is_some(),
            ),
        };
        let needed = [
            ("gateway.name", self.gateway.is_some()),
            (names[0], of.tenant.is_some()),
            (names[1], of.client_id.is_some()),
            proof,
        ];
        match needed.iter().find(|(_, is_there)| !is_there) {
            None => Ok(()),
            Some((name, _)) => Err(SettingError {
                name: (*name).to_owned(),
                value: String::new(),
                reason: "config.service.auth needs it".to_owned(),
            }),
        }
    }
}
