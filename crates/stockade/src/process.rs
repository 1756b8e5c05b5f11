//! Clients and git that are asked, and commands that are waited for. What runs in the sandbox is started by its own crate.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::process::{Child, Command};

/// How long a client may take to print its configuration.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many characters of a client's complaint are repeated.
const MAX_COMPLAINT: usize = 200;
/// What a shell adds to the number of the signal that ended a process.
const KILLED: i32 = 128;
/// The code of a process of which not even the signal is known.
const UNKNOWN: u8 = 255;

/// A folder in which no project's code is found.
pub(crate) const OUTSIDE: &str = "/";

/// What a program prints, with these variables added to its environment, in this folder or the working one; `None` if it is
/// not installed.
pub(crate) async fn ask<A: AsRef<OsStr>>(
    program: &OsStr,
    arguments: &[A],
    environment: &[(String, String)],
    folder: Option<&str>,
) -> anyhow::Result<Option<String>> {
    let shown = || {
        let words: Vec<_> = arguments.iter().map(|word| word.as_ref().to_string_lossy()).collect();
        format!("`{} {}`", program.display(), words.join(" "))
    };
    let mut command = command(program);
    command.args(arguments).envs(environment.iter().cloned()).stdin(Stdio::null()).kill_on_drop(true);
    if let Some(folder) = folder {
        command.current_dir(folder);
    }
    let output = match tokio::time::timeout(PATIENCE, command.output()).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Ok(Err(error)) => return Err(error).with_context(|| format!("{} could not be started", shown())),
        Err(_) => bail!("{} did not answer within {} seconds", shown(), PATIENCE.as_secs()),
    };
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        let complaint: String = complaint.lines().next().unwrap_or_default().chars().take(MAX_COMPLAINT).collect();
        bail!("{} failed: {complaint}", shown());
    }
    let printed = String::from_utf8(output.stdout).ok();
    printed.map(Some).with_context(|| format!("{} printed what is not UTF-8", shown()))
}

/// True if there is a program of this name, or at this place.
pub(crate) fn is_installed(program: &OsStr) -> bool {
    let program = Path::new(program);
    let path = crate::settings::variable("PATH").unwrap_or_default();
    let in_place = program.components().nth(1).is_some();
    if in_place { program.is_file() } else { std::env::split_paths(&path).any(|folder| folder.join(program).is_file()) }
}

/// Starts a command without a sandbox.
///
/// It has our terminal. With `data_is_ours`, what it prints goes to standard error, so that standard output stays ours.
pub(crate) fn start_bare(
    words: &[OsString],
    environment: Vec<(String, String)>,
    data_is_ours: bool,
) -> anyhow::Result<Child> {
    let [program, arguments @ ..] = words else { bail!("there is no command to run") };
    let mut command = command(program);
    command.args(arguments).envs(environment);
    if data_is_ours {
        command.stdout(io::stderr());
    }
    command.spawn().with_context(|| format!("`{}` could not be started", program.display()))
}

/// Starts a command that the sandbox has made.
#[cfg(any(target_os = "linux", target_os = "macos"))]
pub(crate) fn spawn(command: std::process::Command) -> io::Result<Child> {
    Command::from(command).spawn()
}

/// Waits for a child, however long it takes, and gives its exit code as a shell would.
///
/// An interrupt from the terminal reaches the child without us, because it is in our process group; we only must not end
/// before it does. A request to end that somebody sent to us alone is passed on.
pub(crate) async fn wait(mut child: Child) -> anyhow::Result<u8> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut interrupt, mut hangup) = (signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?);
        let mut terminate = signal(SignalKind::terminate())?;
        loop {
            tokio::select! {
                status = child.wait() => return Ok(code(status?)),
                _ = interrupt.recv() => {}
                _ = hangup.recv() => pass_on(&child, rustix::process::Signal::HUP),
                _ = terminate.recv() => pass_on(&child, rustix::process::Signal::TERM),
            }
        }
    }
    #[cfg(not(unix))]
    Ok(code(child.wait().await?))
}

#[cfg(unix)]
fn pass_on(child: &Child, signal: rustix::process::Signal) {
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw);
    // A child that has ended needs no signal any more.
    let _ = pid.map(|pid| rustix::process::kill_process(pid, signal));
}

fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    let code = status.code().or(signal.map(|signal| KILLED + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(UNKNOWN)
}

#[expect(
    clippy::disallowed_methods,
    reason = "clients are asked for their configuration, git for a history, and a client runs bare if the user says so; all \
              else starts in the sandbox"
)]
pub(crate) fn command(program: &OsStr) -> Command {
    Command::new(program)
}
