//! What a command does of which nothing is kept from it: what a profile would have kept, and what a profile would have to
//! allow.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use stockade_sandbox::profile::Resolved;
use stockade_sandbox::sandbox::is_everybodys;

/// How many different files are remembered. What is beyond is a gap.
const MAX_FILES: usize = 100_000;
/// Where the kernel says what is listened on, on this machine. Source: `proc_pid_net(5)`.
const LISTENERS: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];
/// What stands there for a socket that is listened on.
const LISTENING: &str = "0A";
/// The columns of the address and of the state.
const LOCAL: usize = 1;
const STATE: usize = 3;

/// What is seen of a command that nothing is kept from.
#[derive(Debug, Default)]
pub(super) struct Audit {
    resolved: Resolved,
    project: PathBuf,
    home: PathBuf,
    /// Ports of this machine that somebody else listens on.
    taken: BTreeSet<u16>,
    /// What it did with which file.
    pub(super) files: BTreeMap<PathBuf, Use>,
    /// Whom it connected to.
    pub(super) hosts: BTreeSet<(String, u16)>,
    /// Whether there was more than is remembered.
    pub(super) overflowed: bool,
}

/// What was done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    Read,
    Written,
}

/// Why a profile would not have let something be done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("it is empty in the sandbox")]
    Hidden,
    #[error("nothing of it is in the sandbox")]
    NotThere,
    #[error("it is protected")]
    Protected,
    #[error("it would be forgotten afterwards")]
    Forgotten,
    #[error("it can only be read")]
    OnlyRead,
}

impl Refusal {
    /// Whether an argument can allow it.
    pub(super) fn allowable(self) -> bool {
        !matches!(self, Self::Hidden | Self::Protected)
    }
}

impl Audit {
    /// `gateway` is where it may connect to whoever listens there.
    pub(super) fn new(resolved: &Resolved, project: &Path, home: &Path, gateway: Option<SocketAddr>) -> Self {
        let mut taken = taken();
        if let Some(gateway) = gateway {
            taken.remove(&gateway.port());
        }
        Self {
            resolved: resolved.clone(),
            project: project.to_owned(),
            home: home.to_owned(),
            taken,
            ..Self::default()
        }
    }

    /// Remembers what was done with a file, and says why the profile would not have let it; nothing if it would, or if the
    /// same was seen before.
    pub(super) fn used(&mut self, path: &Path, does: Use) -> Option<Refusal> {
        if self.files.get(path).is_some_and(|known| *known >= does) {
            return None;
        }
        if self.files.len() >= MAX_FILES {
            self.overflowed = true;
            return None;
        }
        self.files.insert(path.to_owned(), does);
        self.refusal(path, does)
    }

    /// Why a profile would not have let something be done with a file.
    fn refusal(&self, path: &Path, does: Use) -> Option<Refusal> {
        let lies_in = |folders: &[PathBuf]| folders.iter().any(|folder| path.starts_with(folder));
        let in_project = path.starts_with(&self.project);
        // Who has no home has the root.
        let in_home = self.home.parent().is_some() && path.starts_with(&self.home);
        if lies_in(&self.resolved.hide) {
            return Some(Refusal::Hidden);
        }
        let written = lies_in(&self.resolved.write) || lies_in(&self.resolved.data);
        match does {
            Use::Read if written || in_project || lies_in(&self.resolved.read) => None,
            Use::Read if is_everybodys(path) && !in_home => None,
            Use::Read => Some(Refusal::NotThere),
            Use::Written if is_temporary(path) && !in_project && !in_home => None,
            Use::Written if in_project && self.is_protected(path) => Some(Refusal::Protected),
            Use::Written if written || (in_project && self.resolved.layer) => None,
            Use::Written if in_home => Some(Refusal::Forgotten),
            Use::Written => Some(Refusal::OnlyRead),
        }
    }

    fn is_protected(&self, path: &Path) -> bool {
        path.strip_prefix(&self.project).is_ok_and(|path| self.resolved.is_protected(path))
    }

    /// True if somebody of this machine's listens at a port.
    pub(super) fn is_taken(&self, port: u16) -> bool {
        self.taken.contains(&port)
    }
}

/// True for places that every program has of its own, to be forgotten.
fn is_temporary(path: &Path) -> bool {
    ["/tmp", "/var/tmp", "/dev", "/run"].iter().any(|folder| path.starts_with(folder))
}

fn taken() -> BTreeSet<u16> {
    let texts = LISTENERS.iter().filter_map(|path| crate::files::read_text(Path::new(path)).ok().flatten());
    texts.flat_map(|text| text.lines().filter_map(listened_on).collect::<Vec<_>>()).collect()
}

/// The port that a line of the kernel's says is listened on.
fn listened_on(line: &str) -> Option<u16> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (_, port) = words.get(LOCAL)?.rsplit_once(':')?;
    (*words.get(STATE)? == LISTENING).then(|| u16::from_str_radix(port, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_profile_would_keep_from_a_program_is_said_once() {
        let resolved = Resolved {
            read: vec!["/users/me/.tool".into()],
            data: vec!["/users/me/.cache/tool".into()],
            hide: vec!["/users/me/project/.env".into()],
            layer: true,
            ..Resolved::default()
        };
        let mut audit = Audit::new(&resolved, Path::new("/users/me/project"), Path::new("/users/me"), None);
        let checks = [
            ("/usr/lib/x.so", Use::Read, None),
            ("/users/me/.tool/x", Use::Read, None),
            ("/users/me/.tool/x", Use::Written, Some(Refusal::Forgotten)),
            ("/users/me/.ssh/id", Use::Read, Some(Refusal::NotThere)),
            ("/users/me/.ssh/id", Use::Read, None),
            ("/users/me/project/.env", Use::Read, Some(Refusal::Hidden)),
            ("/users/me/project/out", Use::Written, None),
            ("/users/me/.cache/tool/a", Use::Written, None),
            ("/tmp/a", Use::Written, None),
            ("/usr/lib/x.so", Use::Written, Some(Refusal::OnlyRead)),
        ];
        for (path, does, expected) in checks {
            assert_eq!(audit.used(Path::new(path), does), expected, "{path}");
        }
        assert_eq!(audit.files[Path::new("/usr/lib/x.so")], Use::Written);
    }

    #[test]
    fn ports_that_are_listened_on_are_known() {
        let line = "   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1";
        assert_eq!(listened_on(line), Some(5432));
        assert_eq!(listened_on(&line.replace(" 0A ", " 01 ")), None);
        assert_eq!(listened_on("  sl  local_address rem_address   st"), None);
    }
}
