//! Real clients, several versions of each, each run in a world of its own.
//!
//! What clients do is the ground truth of a gateway, and they differ from version to version. So tests run real ones,
//! with a home, a cache and a configuration that nobody else uses. Where a client cannot be had (no Node.js, no network),
//! the test that wants it says so in one line and passes: a machine that cannot look must not look like one that did.

mod npm;
mod others;
mod project;

use std::fmt;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::proc::Guard;

pub use npm::Npm;
pub use others::Other;
pub use project::Project;

/// How long a client may take before it is killed.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long the installation of a client may take.
pub(crate) const INSTALLATION: Duration = Duration::from_mins(5);

/// Says in one line what a test did not look at. It goes past the capture of the test harness: a gap that nobody sees is
/// as bad as one that is not there.
pub fn skipped(why: &str) {
    // Where nobody listens there is nobody to tell.
    let _ = writeln!(io::stderr(), "skipped: {why}");
}

/// What a client said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its exit code; `None` if it was killed.
    pub status: Option<i32>,
    /// What it said on standard output.
    pub stdout: String,
    /// What it said on standard error.
    pub stderr: String,
}

impl Output {
    /// Whether it ended well.
    pub fn ok(&self) -> bool {
        self.status == Some(0)
    }
}

/// For the message of an assertion.
impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {:?}\n--- stdout\n{}\n--- stderr\n{}", self.status, self.stdout, self.stderr)
    }
}

/// Runs a command to its end. After two minutes it is killed, with everything that it started.
pub fn finished(command: &mut Command) -> Output {
    finish(command, PATIENCE).unwrap_or_else(|why| panic!("{why}"))
}

/// Runs a command to its end, or to the end of our patience.
pub(crate) fn finish(command: &mut Command, patience: Duration) -> Result<Output, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut guard = Guard::spawn(command).map_err(|error| format!("`{name}` could not be started: {error}"))?;
    let stdout = collect(guard.child().stdout.take());
    let stderr = collect(guard.child().stderr.take());
    let status = guard.wait(patience).and_then(|status| status.code());
    // Ends what still holds the pipes.
    guard.kill();
    Ok(Output { status, stdout: stdout.join().unwrap_or_default(), stderr: stderr.join().unwrap_or_default() })
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// What `--version` says, without a `v`.
fn version_of(program: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = finish(Command::new(program).args(arguments).arg("--version"), PATIENCE)?;
    if !output.ok() {
        return Err(format!("`{}` does not run: {}", program.display(), output.stderr.lines().next().unwrap_or("")));
    }
    Ok(output.stdout.trim().trim_start_matches('v').to_owned())
}

/// Where clients for tests are kept: `STOCKADE_TEST_CACHE`, else a folder in Cargo's target folder.
pub(crate) fn cache() -> PathBuf {
    if let Some(folder) = std::env::var_os("STOCKADE_TEST_CACHE") {
        return PathBuf::from(folder);
    }
    let program = std::env::current_exe().unwrap_or_default();
    let target = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists()).map(Path::to_path_buf);
    let beside_us = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    target.unwrap_or_else(beside_us).join("test-clients")
}
