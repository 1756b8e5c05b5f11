//! A program among strangers' code, in a world of its own: it sees the files that it was given, one network that ends at
//! us, and no other process.
//!
//! Whoever starts it ([`Jail::command`]) starts this program again as the *launcher*, which has one thread and nothing to
//! lose: it builds the world out of namespaces, hands the listeners of the new network to its parent, gives up every
//! privilege, and becomes the program. A launcher that cannot do one of its steps says which, and runs nothing.
//!
//! ```text
//! ours ── launcher (new user, mount, process, network and IPC namespaces)
//!          └── first process in there: builds the file system, waits for all
//!               └── the program: Landlock, filter of system calls, no privileges
//! ```
//!
//! Needs Linux 5.12 with unprivileged user namespaces.

mod files;
mod filter;
mod launch;
mod network;
mod relay;
mod talk;

use std::ffi::OsString;
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

pub use launch::launch;

/// What a program is started with, and what it may reach. Paths are absolute, without links.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The program: a path, or a name that is looked for in the `PATH` of [`Plan::environment`].
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Its whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Its working folder.
    pub folder: PathBuf,
    /// Files and folders that it may read and run.
    pub read: Vec<PathBuf>,
    /// Folders that it may write, read and run.
    pub write: Vec<PathBuf>,
    /// Files and folders inside [`Plan::write`] that it may only read.
    pub keep: Vec<PathBuf>,
    /// Files and folders that are empty for it.
    pub hide: Vec<PathBuf>,
    /// Folders that are empty when it starts, and forgotten afterwards: its home.
    pub blank: Vec<PathBuf>,
    /// Ports at which somebody listens for it on every address that there is, so that no connection leaves unseen.
    pub ports: Vec<u16>,
}

/// Why a program was not started. Nothing of it has run.
#[derive(Debug, thiserror::Error)]
pub enum JailError {
    /// A step that this system does not let us take.
    #[error("{0}")]
    Step(String),
    /// The launcher could not be talked to.
    #[error("the launcher could not be heard or told: {0}")]
    Io(#[from] io::Error),
    /// The plan cannot be written down.
    #[error("the plan of the sandbox cannot be written: {0}")]
    Plan(#[from] serde_json::Error),
}

/// What the network of the program ends at.
#[derive(Debug)]
pub struct Ends {
    /// A listener for each of [`Plan::ports`], in their order.
    pub streams: Vec<TcpListener>,
    /// Where questions for names arrive: port 53 of every address.
    pub names: UdpSocket,
}

/// A program that is about to be started.
#[derive(Debug)]
pub struct Jail {
    ours: UnixStream,
    theirs: OwnedFd,
    plan: Vec<u8>,
    ports: usize,
}

impl Jail {
    /// A jail for a plan.
    pub fn new(plan: &Plan) -> Result<Self, JailError> {
        let (ours, theirs) = UnixStream::pair()?;
        Ok(Self { ours, theirs: theirs.into(), plan: serde_json::to_vec(plan)?, ports: plan.ports.len() })
    }

    /// The command that starts `launcher` with these arguments and the number of a descriptor: a program of ours that
    /// calls [`launch`] with that number. The standard streams are the caller's to set.
    #[expect(clippy::disallowed_methods, reason = "this is the crate that starts programs")]
    pub fn command(&self, launcher: &Path, arguments: &[&str]) -> io::Result<Command> {
        let passed = rustix::io::fcntl_dupfd_cloexec(&self.theirs, FIRST_FREE)?;
        let mut command = Command::new(launcher);
        command.args(arguments).arg(std::os::fd::AsRawFd::as_raw_fd(&passed).to_string()).env_clear();
        let keep = move || Ok(rustix::io::fcntl_setfd(&passed, rustix::io::FdFlags::empty())?);
        // SAFETY: after a fork, only a system call is made.
        #[expect(unsafe_code, reason = "there is no other way to pass on a descriptor to one child alone")]
        unsafe {
            command.pre_exec(keep);
        }
        Ok(command)
    }

    /// Tells the launcher, which was started, what to do, and waits until the program runs.
    pub fn enter(self) -> Result<Ends, JailError> {
        let Self { mut ours, theirs, plan, ports } = self;
        drop(theirs);
        talk::send_plan(&mut ours, &plan)?;
        talk::receive_ends(&ours, ports)
    }
}

/// Above the standard streams, and what a shell may have opened.
const FIRST_FREE: i32 = 10;
