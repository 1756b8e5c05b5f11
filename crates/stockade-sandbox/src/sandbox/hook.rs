//! The shell that a client runs the hooks of packages with: it takes from a hook of a dependency what only the whole
//! install may do, and becomes the system's shell.
//!
//! A client that knows of a setting for its shell starts this program under the name of a shell. It runs before anything
//! of the package does, in the folder of the package, with the client's environment: so what it reads there is the
//! client's word.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
};
use serde::{Deserialize, Serialize};

use super::filter::rule;

/// Where the shell is in a sandbox.
pub const SHELL: &str = "/run/stockade/stockade-sh";
/// The variable that holds what a [`Hook`] may do.
pub const HOOK: &str = "STOCKADE_HOOK";
/// The shell that it becomes.
const SYSTEM_SHELL: &str = "/bin/sh";
/// The exit code of a shell that could not be one.
const NOT_RUN: i32 = 126;
/// The version of Landlock that knows of connections and of signals.
const LANDLOCK: ABI = ABI::V6;

/// What hooks may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// The name of the folders in which the packages are that this is for: not the project's own hooks.
    pub within: String,
    /// Where each gets a home and a place for temporary files of its own.
    pub temporary: PathBuf,
    /// Whether it may connect to what the whole install may.
    pub network: bool,
    /// Whether it is run also where not all of this can be enforced.
    pub despite_gaps: bool,
}

/// Becomes the system's shell, for the hook in whose folder this runs. Returns only if it could not, with an exit code
/// and what to say.
pub fn shell(arguments: &[OsString], folder: &Path, hook: Option<&str>) -> (i32, String) {
    #[expect(clippy::disallowed_methods, reason = "this is the crate that starts programs")]
    let mut command = Command::new(SYSTEM_SHELL);
    command.args(arguments).env_remove(HOOK);
    let outcome = match hook.map(serde_json::from_str::<Hook>) {
        None => Ok(()),
        Some(Ok(hook)) if hook.is_for(folder) => hook.narrow(folder, &mut command),
        // The project's own: what it starts may come to hooks of others.
        Some(Ok(_)) => {
            command.env(HOOK, hook.unwrap_or_default());
            Ok(())
        }
        Some(Err(error)) => Err(error.into()),
    };
    let error = outcome.map_or_else(|error| error, |()| command.exec());
    (NOT_RUN, format!("stockade: a hook in {} is not run: it cannot be confined: {error}", folder.display()))
}

/// True if a folder lies in one of this name.
pub(super) fn is_within(folder: &Path, name: &str) -> bool {
    folder.components().any(|part| part == Component::Normal(name.as_ref()))
}

impl Hook {
    /// The same, written down, with temporary files elsewhere.
    pub(super) fn moved(written: &str, temporary: &Path) -> Option<String> {
        let hook: Self = serde_json::from_str(written).ok()?;
        serde_json::to_string(&Self { temporary: temporary.to_owned(), ..hook }).ok()
    }

    fn is_for(&self, folder: &Path) -> bool {
        is_within(folder, &self.within)
    }

    fn narrow(&self, folder: &Path, command: &mut Command) -> io::Result<()> {
        let own = self.temporary.join(format!("hook-{}", std::process::id()));
        for part in [own.join("home"), own.join("tmp")] {
            std::fs::create_dir_all(part)?;
        }
        command.env("HOME", own.join("home")).env("TMPDIR", own.join("tmp"));
        match self.restrict(&[folder, &own]).map_err(io::Error::other)? {
            RulesetStatus::FullyEnforced => Ok(()),
            _ if self.despite_gaps => Ok(()),
            _ => Err(io::Error::other("this kernel's Landlock is too old for it (Linux 6.12 is needed)")),
        }
    }

    fn restrict(&self, write: &[&Path]) -> Result<RulesetStatus, RulesetError> {
        let all = AccessFs::from_all(LANDLOCK);
        let rules = Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(all)?;
        // The client that runs it would do much for a signal: open itself to a debugger, or end.
        let mut rules = rules.scope(Scope::from_all(LANDLOCK))?;
        if !self.network {
            rules = rules.handle_access(AccessNet::ConnectTcp)?;
        }
        let write = write.iter().copied().chain([Path::new("/dev")]).map(|path| (path, all));
        let paths = std::iter::once((Path::new("/"), AccessFs::from_read(LANDLOCK))).chain(write);
        let rules = rules.create()?.add_rules(paths.filter_map(|(path, access)| rule(path, access)))?;
        Ok(rules.restrict_self()?.ruleset)
    }
}
