//! Starting programs of ours again.

use std::path::Path;
use std::process::{Command, Stdio};

/// What our allocator reserves ahead: nothing. What it had reserved when a worker is given its limits would count against
/// them, and would not be limited.
const RESERVES_NOTHING: (&str, &str) = ("MIMALLOC_ARENA_RESERVE", "0");

/// A command that is a program of ours, with a pipe to each of its streams and nothing of ours besides: no environment but
/// that, no working folder.
#[expect(clippy::disallowed_methods, reason = "this is the crate that starts programs, and it is one of ours")]
pub fn ourselves(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    let (name, value) = RESERVES_NOTHING;
    command.args(arguments).env_clear().env(name, value).current_dir(root());
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        // Whoever lists processes sees whose this is, whatever path leads to the program. An interrupt from a terminal is
        // for the supervisor, who decides what becomes of this one.
        command.arg0("stockade").process_group(0);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A folder that is always there and that nobody minds being used.
fn root() -> &'static Path {
    Path::new(if cfg!(windows) { "C:\\" } else { "/" })
}
