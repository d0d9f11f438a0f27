//! `gateway expression`: policy expressions by JSON lines.

use std::io::{self, BufRead, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use gateway_expression::{Options, lines};

use super::{EXIT_FAILED, EXIT_SETTINGS, fail};

/// Longest line that is read, 16 MiB; a longer one is answered and skipped.
const LINE_MAX: u64 = 16 << 20;
/// Stack of the thread that answers: a debug build's frames are several times those of a release build.
const STACK_BYTES: usize = 64 << 20;

#[derive(Debug, clap::Args)]
pub struct Expression {
    /// JSON file with the `context`; a line's own `ctx` replaces top-level keys
    #[arg(long, value_name = "FILE")]
    fixture: Option<PathBuf>,
    /// Also accept types and members that Azure's allow-list refuses
    #[arg(long)]
    lenient: bool,
}

impl Expression {
    pub fn execute(self) -> ExitCode {
        let fixture = match self.fixture.as_deref().map(read_fixture).transpose() {
            Ok(fixture) => fixture.unwrap_or_else(|| serde_json::json!({})),
            Err(message) => return fail(EXIT_SETTINGS, message),
        };
        let worker = thread::Builder::new().name("expression".to_owned()).stack_size(STACK_BYTES);
        let options = Options { strict: !self.lenient, ..Options::default() };
        let run = move || answer_all(&mut io::stdin().lock(), &mut io::stdout().lock(), &fixture, &options);
        match worker.spawn(run).map(thread::JoinHandle::join) {
            Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
            // The reader has seen enough.
            Ok(Ok(Err(error))) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Ok(Ok(Err(error))) | Err(error) => fail(EXIT_FAILED, error),
            Ok(Err(_)) => fail(EXIT_FAILED, "the answering thread has ended"),
        }
    }
}

/// One answer for each line that is not blank, flushed before the next line is read.
fn answer_all(
    input: &mut dyn BufRead,
    output: &mut dyn Write,
    fixture: &serde_json::Value,
    options: &Options,
) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if Read::take(&mut *input, LINE_MAX).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let answer = if line.len() as u64 >= LINE_MAX && !line.ends_with(b"\n") {
            skip_line(input)?;
            lines::refusal("the line is longer than 16 MiB")
        } else {
            match std::str::from_utf8(&line) {
                Ok(text) if text.trim().is_empty() => continue,
                Ok(text) => lines::answer(text, fixture, options),
                Err(_) => lines::refusal("the line is not UTF-8"),
            }
        };
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
}

fn skip_line(input: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let (used, done) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(end) => (end + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(used);
        if done {
            return Ok(());
        }
    }
}

fn read_fixture(file: &std::path::Path) -> Result<serde_json::Value, String> {
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("--fixture {}: {error}", file.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("--fixture {}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_all_answers_lines_that_are_no_requests_and_goes_on() {
        let mut input: Vec<u8> = b"{\"id\":1,\"expr\":\"@(1)\"}\n\nnot json\n[1]\n\xff\xfe\n".to_vec();
        input.extend(vec![b'x'; LINE_MAX as usize + 10]);
        input.extend(b"\n{\"id\":2,\"expr\":\"@(2)\"}\n{\"id\":3,\"expr\":\"1 + 2 // bare\"}");
        let mut output = Vec::new();
        let options = Options::default();
        answer_all(&mut input.as_slice(), &mut output, &serde_json::json!({}), &options).unwrap_or_default();
        let answers: Vec<serde_json::Value> = String::from_utf8_lossy(&output)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_default())
            .collect();
        let values: Vec<_> = answers.iter().map(|a| a.get("value").and_then(|v| v.as_str())).collect();
        assert_eq!(values, [Some("1"), None, None, None, None, Some("2"), Some("3")]);
        assert!(answers.iter().all(|a| a.get("value").is_some() != a.get("diagnostics").is_some()));
    }
}
