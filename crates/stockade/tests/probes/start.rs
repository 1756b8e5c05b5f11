//! How a run begins: the terminal, the keyring and the open files that a user's shell hands down; then the program.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use serde::{Deserialize, Serialize};
use stockade_testkit::kernel::{at, call};

use crate::place::{KEY, LEFT_OPEN, SECRET};
use crate::sys::{length, number, open, path};

/// What is started, and what it inherits.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Start {
    /// Where the number of this process goes.
    pub(crate) supervisor: PathBuf,
    /// What is left open: a file with a secret, and a folder with one below it.
    pub(crate) open: [PathBuf; 2],
    pub(crate) words: Vec<String>,
}

const JOIN_SESSION_KEYRING: i64 = 1;
const SESSION_KEYRING: i64 = -3;

pub(crate) fn start(plan: &str) -> ExitCode {
    let error = match prepare(plan) {
        Ok(mut command) => command.exec(),
        Err(error) => error,
    };
    println!("the run could not be started: {error}");
    ExitCode::FAILURE
}

fn prepare(plan: &str) -> io::Result<Command> {
    let plan: Start = serde_json::from_str(plan)?;
    std::fs::write(&plan.supervisor, std::process::id().to_string())?;
    call(libc::SYS_setsid, [])?;
    call(libc::SYS_ioctl, [0, libc::TIOCSCTTY.cast_signed(), 0])?;
    for file in &plan.open {
        let file = open(file, libc::O_RDONLY)?;
        call(libc::SYS_fcntl, [number(&file), libc::F_DUPFD.into(), LEFT_OPEN])?;
    }
    // Without keys there is nothing to steal, and the probe says so.
    let _ = plant_key();
    let (program, arguments) = plan.words.split_first().ok_or_else(|| io::Error::other("no program"))?;
    let mut command = Command::new(program);
    command.args(arguments);
    Ok(command)
}

fn plant_key() -> io::Result<()> {
    call(libc::SYS_keyctl, [JOIN_SESSION_KEYRING, 0])?;
    let (kind, name) = (path("user"), path(KEY));
    let arguments = [at(kind.as_slice()), at(name.as_slice()), at(SECRET), length(SECRET.as_bytes()), SESSION_KEYRING];
    call(libc::SYS_add_key, arguments).map(drop)
}
