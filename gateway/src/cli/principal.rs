//! `gateway principal`: who may sign in at the management plane, and what they may do there.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;
use gateway_management::auth::Role;
use gateway_management::auth::signing::TENANT;

use super::run::chain;
use super::sources::Sources;
use super::{EXIT_FAILED, EXIT_SETTINGS, fail};
use crate::management::vault::Vaults;
use crate::management::{open_plane, plane_settings};

#[derive(Debug, clap::Args)]
pub struct Principal {
    #[command(subcommand)]
    action: Action,
    /// SQLite file, or postgres://…, of the management plane, which may be running
    #[arg(long, value_name = "STORE", global = true)]
    store: Option<String>,
    #[command(flatten)]
    sources: Sources,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add a principal, and print its client id and secret
    Add {
        /// Owner, Contributor, Reader or `GatewayConfigurationReader`
        #[arg(long, value_name = "ROLE")]
        role: String,
        /// What to call it
        #[arg(long, default_value = "principal")]
        name: String,
    },
    /// Give a principal of the issuer in management.auth.issuer a role, by its object id there
    Assign {
        /// Claim `oid`, or `sub` where there is none
        #[arg(value_name = "ID")]
        id: String,
        /// Owner, Contributor, Reader or `GatewayConfigurationReader`
        #[arg(long, value_name = "ROLE")]
        role: String,
        /// What to call it
        #[arg(long, default_value = "principal")]
        name: String,
    },
    /// Print all principals
    List,
    /// Remove a principal; its tokens are worth nothing from then on
    Remove {
        #[arg(value_name = "ID")]
        id: String,
    },
}

impl Principal {
    pub fn execute(self) -> ExitCode {
        let settings = match self.sources.of_store(self.store) {
            Ok(settings) => settings,
            Err(code) => return code,
        };
        let of_plane = match plane_settings(&settings.management) {
            Ok(of_plane) => of_plane,
            Err(error) => return fail(EXIT_SETTINGS, chain(&error)),
        };
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return fail(EXIT_FAILED, format!("the runtime cannot be started: {error}")),
        };
        runtime.block_on(async {
            let vaults = Vaults::new(settings.management.vault, settings.identity, Vec::new());
            let plane = match open_plane(&of_plane, &settings.expressions, vaults, Vec::new()).await {
                Ok(plane) => Arc::new(plane),
                Err(error) => return fail(EXIT_FAILED, chain(&error)),
            };
            match self.action.run(&plane).await {
                Ok(()) => ExitCode::SUCCESS,
                Err(message) => fail(EXIT_FAILED, message),
            }
        })
    }
}

fn parse(role: &str) -> Result<Role, String> {
    let names: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
    Role::parse(role).ok_or_else(|| format!("'{role}' is no role: use one of {}", names.join(", ")))
}

impl Action {
    async fn run(self, plane: &gateway_management::Plane) -> Result<(), String> {
        match self {
            Self::Add { role, name } => {
                let role = parse(&role)?;
                let (id, secret) =
                    plane.add_principal(&name, role).await.map_err(|error| error.to_string())?;
                println!("tenant: {TENANT}\nclient id: {id}\nclient secret: {secret}\nrole: {}", role.name());
                Ok(())
            }
            Self::Assign { id, role, name } => {
                plane.assign_role(&id, &name, parse(&role)?).await.map_err(|error| error.to_string())
            }
            Self::List => {
                for entry in plane.principals() {
                    println!("{}\t{}\t{}", entry.id, entry.role.name(), entry.name);
                }
                Ok(())
            }
            Self::Remove { id } => match plane.remove_principal(&id).await {
                Ok(true) => Ok(()),
                Ok(false) => Err(format!("there is no principal '{id}'")),
                Err(error) => Err(error.to_string()),
            },
        }
    }
}
