//! `gateway audit`: who changed what at the management plane, and who read which secret.

use std::process::ExitCode;

use gateway_store::Store;
use gateway_store::figures::Audited;

use super::run::chain;
use super::sources::Sources;
use super::{EXIT_FAILED, fail};

#[derive(Debug, clap::Args)]
pub struct Audit {
    /// SQLite file, or postgres://…, of the management plane, which may be running
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// How many entries, of the newest
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    last: u32,
    #[command(flatten)]
    sources: Sources,
}

impl Audit {
    pub fn execute(self) -> ExitCode {
        let settings = match self.sources.of_store(self.store) {
            Ok(settings) => settings,
            Err(code) => return code,
        };
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return fail(EXIT_FAILED, format!("the runtime cannot be started: {error}")),
        };
        match runtime
            .block_on(async { Store::open(&settings.management.store).await?.audited(self.last).await })
        {
            Ok(entries) => {
                entries.iter().rev().for_each(|entry| println!("{}", line(entry)));
                ExitCode::SUCCESS
            }
            Err(error) => fail(EXIT_FAILED, chain(&error)),
        }
    }
}

/// Time, principal, operation, service, revision and paths, between tabs.
fn line(entry: &Audited) -> String {
    let time = jiff::Timestamp::from_second(entry.at).unwrap_or_default();
    let Audited { principal, operation, service, revision, paths, .. } = entry;
    let fields =
        [time.to_string(), principal.clone(), operation.clone(), service.clone(), revision.to_string()];
    let fields = fields.into_iter().chain([paths.replace('\n', " ")]);
    // What callers are called comes from issuers of tokens: it is text, and no command to a terminal.
    fields.map(|field| field.replace(char::is_control, "?")).collect::<Vec<_>>().join("\t")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_one_line() {
        let entry = Audited {
            at: 0,
            service: "s/rg/apim".to_owned(),
            revision: 3,
            principal: "x\u{1b}[2J\n".to_owned(),
            operation: "Api_Delete".to_owned(),
            paths: "apis/a\napis/a/operations/b".to_owned(),
        };
        let expected = "1970-01-01T00:00:00Z\tx?[2J?\tApi_Delete\ts/rg/apim\t3\tapis/a apis/a/operations/b";
        assert_eq!(line(&entry), expected);
    }
}
