//! A program among strangers' code, in a world of its own: it sees the files that it was given, one network that ends at
//! us, and no other process; and somebody watches what it starts and whom it calls.
//!
//! Whoever starts it ([`Sandbox::command`]) starts this program again as the *launcher*, which has one thread and nothing
//! to lose: it builds the world out of namespaces, hands the listeners of the new network to its parent, gives up every
//! privilege, and becomes the program. A launcher that cannot do one of its steps says which, and runs nothing.
//!
//! ```text
//! ours ── launcher (new user, mount, process, network and IPC namespaces)
//!          └── first process in there: builds the file system, waits for all
//!               └── the program: Landlock, filter of system calls, no privileges
//! ```
//!
//! Needs Linux 5.12 with unprivileged user namespaces. Where there are none, root has a second wall instead ([`Kept`]).

mod calls;
mod door;
mod emulate;
mod errand;
mod files;
mod filter;
mod folder;
mod group;
mod hook;
mod launch;
mod layer;
mod network;
mod opened;
mod plain;
mod process;
mod relay;
mod talk;
mod watch;

use std::ffi::OsString;
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use group::Group;
use serde::{Deserialize, Serialize};

pub use door::Door;
pub use emulate::Destinations;
pub use errand::errand;
pub use files::is_everybodys;
pub use group::Kept;
pub use hook::{Given, HOOK, Hook, SHELL, shell};
pub use launch::launch;
pub use layer::{Change, Kind, changes, forget, keep};
pub use watch::{Cause, Deed, Event, HookNames, Past, Watched};

/// What a program is started with, and what it may reach. Paths are absolute, without links, and there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Folders that it may write and read, of which nothing can be run.
    pub data: Vec<PathBuf>,
    /// Folders whose changes are kept apart from them.
    pub layers: Vec<Layer>,
    /// Files and folders inside of those that it may only read.
    pub keep: Vec<PathBuf>,
    /// Files and folders that are empty for it.
    pub hide: Vec<PathBuf>,
    /// Folders that are empty when it starts, and forgotten afterwards: its home.
    pub blank: Vec<PathBuf>,
    /// Folders of which it sees the names in them, and nothing else.
    pub list: Vec<PathBuf>,
    /// What keeps it apart.
    pub tier: Tier,
    /// Files that have this text for it, whatever is in them.
    pub texts: Vec<(PathBuf, String)>,
    /// Links in those, or in `/run`, and where they lead.
    pub links: Vec<(PathBuf, PathBuf)>,
    /// Whether what is forgotten afterwards may be run.
    pub run_blank: bool,
    /// Programs, and folders of programs, that are the only ones that it may run; all if there is no list.
    pub programs: Option<Vec<PathBuf>>,
    /// Whether there is a way into its network.
    pub door: bool,
    /// Ports at which somebody listens for it on every address that there is, so that no connection leaves unseen.
    pub ports: Vec<u16>,
}

/// What keeps a program apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// A world of its own, and Landlock in it.
    #[default]
    Namespaces,
    /// Landlock, a filter of system calls, and connections that are made for it: [`Plan::without_namespaces`] makes such
    /// a plan.
    Landlock,
    /// Nothing. What it does is watched, files that it opens included.
    Observe,
}

/// A folder whose changes are kept apart: they can be looked at, and kept or forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// The folder.
    pub folder: PathBuf,
    /// Where the changes are: an empty folder, on a file system that can hold them (not on one over a network).
    pub changes: PathBuf,
    /// An empty folder on the same file system as the changes.
    pub work: PathBuf,
}

/// Why a program was not started. Nothing of it has run.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A step that this system does not let us take.
    #[error("{0}")]
    Step(String),
    /// Something that this system cannot do for it.
    #[error("{}", .0.join("; "))]
    Gaps(Vec<String>),
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
    /// Where questions for names arrive: port 53 of every address. Without namespaces they come over streams.
    pub names: Option<UdpSocket>,
    /// Where connections were meant to go, if all come to one listener.
    pub to: Option<Destinations>,
}

/// A program that runs.
#[derive(Debug)]
pub struct Entered {
    /// Its network.
    pub ends: Ends,
    /// What this system could not do for it, in words.
    pub gaps: Vec<String>,
    /// The way into its network, if the plan has one and it has a network of its own.
    pub door: Option<Door>,
    /// The control group that keeps its connections as well, where it has no network of its own and we may make one.
    pub kept: Option<Kept>,
}

/// A program that is about to be started. Its launcher can be started before anybody knows what it is to do.
#[derive(Debug)]
pub struct Sandbox {
    ours: UnixStream,
    theirs: OwnedFd,
    tier: Tier,
    group: Option<Arc<Group>>,
}

impl Tier {
    /// Whether the program has a network of its own.
    fn has_network(self) -> bool {
        self == Self::Namespaces
    }

    fn word(self) -> &'static str {
        match self {
            Self::Namespaces => "namespaces",
            Self::Landlock => "landlock",
            Self::Observe => "observe",
        }
    }
}

impl Plan {
    /// The same for a system that gives nobody namespaces. `private` is an empty folder that is forgotten afterwards.
    pub fn without_namespaces(&self, private: &Path) -> io::Result<Self> {
        plain::plan(self, private)
    }
}

impl Sandbox {
    /// A sandbox that nothing is in yet.
    pub fn new(tier: Tier) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        // In a network of its own nothing is left to be kept; and who has no rights to one does without.
        let group = (tier == Tier::Landlock).then(Group::new).and_then(Result::ok).map(Arc::new);
        Ok(Self { ours, theirs: theirs.into(), tier, group })
    }

    /// The command that starts `launcher` with these arguments and two more: a program of ours that hands those two to
    /// [`launch`]. The standard streams are the caller's to set.
    #[expect(clippy::disallowed_methods, reason = "this is the crate that starts programs")]
    pub fn command(&self, launcher: &Path, arguments: &[&str]) -> io::Result<Command> {
        let passed = rustix::io::fcntl_dupfd_cloexec(&self.theirs, FIRST_FREE)?;
        let mut command = Command::new(launcher);
        let number = std::os::fd::AsRawFd::as_raw_fd(&passed).to_string();
        command.args(arguments).args([&number, self.tier.word()]).env_clear();
        let entrance = self.group.as_ref().and_then(|group| group.entrance().ok());
        let keep = move || {
            // Whether it is in there will be looked at.
            let _ = entrance.as_ref().map(|entrance| rustix::io::write(entrance, b"0"));
            Ok(rustix::io::fcntl_setfd(&passed, rustix::io::FdFlags::empty())?)
        };
        // SAFETY: after a fork, only system calls are made.
        #[expect(unsafe_code, reason = "there is no other way to pass on a descriptor to one child alone")]
        unsafe {
            command.pre_exec(keep);
        }
        Ok(command)
    }

    /// Tells the launcher, which was started, what to do, and waits until the program runs. What the program does is
    /// told to `watched`, on a thread that ends with it. If there is something that this system cannot do, the program runs
    /// only with `despite_gaps`.
    pub fn enter(self, plan: &Plan, watched: Watched, despite_gaps: bool) -> Result<Entered, SandboxError> {
        let Self { mut ours, theirs, tier, group } = self;
        drop(theirs);
        if plan.tier != tier {
            return Err(SandboxError::Step("the launcher was started for another plan".to_owned()));
        }
        match talk::send_plan(&mut ours, &serde_json::to_vec(plan)?) {
            // A launcher that has failed before it was told anything has said why.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                return Err(talk::receive_ready(&mut ours).err().unwrap_or(error.into()));
            }
            sent => sent?,
        }
        let (listener, gaps) = talk::receive_ready(&mut ours)?;
        if !gaps.is_empty() && !despite_gaps {
            return Err(SandboxError::Gaps(gaps));
        }
        let group = group.filter(|group| group.is_entered());
        let (emulation, ends) = (!plan.tier.has_network()).then(|| outside(plan, group.clone())).transpose()?.unzip();
        let watch = listener.map(|listener| watch::start(listener, watched, emulation, group.clone())).transpose()?;
        talk::send_go(&ours)?;
        let (ports, door) = if plan.tier.has_network() { (plan.ports.len(), plan.door) } else { (0, false) };
        let (own, line) = talk::receive_ends(&mut ours, ports, door)?;
        let kept = group.map(|group| Kept { group, watch });
        Ok(Entered { ends: ends.unwrap_or(own), gaps, door: line.map(Door::new), kept })
    }
}

/// What makes connections for a program without a network of its own, and where they end.
fn outside(plan: &Plan, group: Option<Arc<Group>>) -> io::Result<(emulate::Emulation, Ends)> {
    let sockets = plan.write.iter().chain(&plan.data).chain(&plan.blank).cloned().collect();
    let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))?;
    let to = Destinations::default();
    let observes = plan.tier == Tier::Observe;
    let emulation = emulate::Emulation::new(listener.local_addr()?.port(), to.clone(), sockets, observes, group)?;
    Ok((emulation, Ends { streams: vec![listener], names: None, to: Some(to) }))
}

/// Above the standard streams, and what a shell may have opened.
const FIRST_FREE: i32 = 10;
