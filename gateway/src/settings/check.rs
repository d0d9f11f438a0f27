//! What can be seen to be wrong before any socket is bound.

use std::path::PathBuf;

use super::{ConfigSettings, SettingError, Settings};

impl Settings {
    /// There is one source of configuration, and it is whole.
    fn check_source(&self) -> Result<(), SettingError> {
        let wrong = |name: &str, reason: &str| SettingError {
            name: name.to_owned(),
            value: String::new(),
            reason: reason.to_owned(),
        };
        let ConfigSettings { folder, service, .. } = &self.config;
        match (&service.endpoint, &service.auth, folder) {
            (Some(_), None, _) => Err(wrong("config.service.auth", "config.service.endpoint needs it")),
            (None, Some(_), _) => Err(wrong("config.service.endpoint", "config.service.auth needs it")),
            (Some(_), Some(_), Some(_)) => {
                Err(wrong("config.folder", "the configuration comes from config.service.endpoint already"))
            }
            _ => self.config.check_sign_in(&self.identity),
        }
    }

    /// What can be seen before any socket is bound: files that must be there.
    pub fn check(&self) -> Result<(), SettingError> {
        let missing = |name: &str, path: &PathBuf, kind: &str| SettingError {
            name: name.to_owned(),
            value: path.display().to_string(),
            reason: format!("there is no such {kind}"),
        };
        self.check_source()?;
        self.net.check_routes()?;
        match &self.config.folder {
            Some(path) if !path.is_dir() => return Err(missing("config.folder", path, "folder")),
            _ => {}
        }
        match &self.config.overrides {
            Some(path) if !path.is_file() => return Err(missing("config.overrides", path, "file")),
            _ => {}
        }
        match &self.net.tls_certificates {
            Some(path) if !path.is_dir() => {
                return Err(missing("net.server.tls.certificates", path, "folder"));
            }
            _ => {}
        }
        let shed = &self.datapath.shed;
        for (name, files) in
            [("datapath.deny.files", &shed.deny_files), ("datapath.allow.files", &shed.allow_files)]
        {
            for file in files {
                gateway_datapath::read_prefixes(file).map_err(|error| SettingError {
                    name: name.to_owned(),
                    value: file.display().to_string(),
                    reason: error.to_string(),
                })?;
            }
        }
        Ok(())
    }
}
