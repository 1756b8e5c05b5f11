//! What is taken from the hook of a package before anything of the package runs: what only the whole command may do.
//!
//! A client that knows of a setting for its shell starts this program under the name of a shell ([`shell`]). Of others
//! the hooks are known when they begin, and this program is put in the place of theirs (`errand`). Either way it runs in the
//! folder and the environment that the client gave to the hook: what it reads there is the client's word.

use std::ffi::{OsStr, OsString};
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
use crate::profile::matches;

/// Where the shell is in a sandbox.
pub const SHELL: &str = "/run/stockade/stockade-sh";
/// The variable that holds what a [`Hook`] may do.
pub const HOOK: &str = "STOCKADE_HOOK";
/// The shell that it becomes.
const SYSTEM_SHELL: &str = "/bin/sh";
/// Where temporary files are, unless something else is said.
const TEMPORARY: &str = "/tmp";
/// The exit code of a hook that could not be run.
const NOT_RUN: i32 = 126;
/// The version of Landlock that knows of connections and of signals.
const LANDLOCK: ABI = ABI::V6;
/// How many folders one place may stand for.
const MAX_FOLDERS: usize = 64;

/// What hooks may do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// The ends of the folders in which the packages lie that this is for: not the project's own hooks. If there are none,
    /// it is for all.
    pub within: Vec<String>,
    /// The folders that it may write: see [`crate::profile::Hooks::write`]. If there are none, the package's own.
    pub write: Vec<String>,
    /// Folders that it may write if its arguments name them: see [`crate::profile::Hooks::named`].
    pub named: Vec<String>,
    /// Whether it may connect to what the whole command may.
    pub network: bool,
    /// Whether it is run also where not all of this can be enforced.
    pub despite_gaps: bool,
}

/// What a client gave to a hook.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// Its arguments, without the program.
    pub arguments: &'a [OsString],
    /// Its environment.
    pub environment: &'a [(OsString, OsString)],
    /// The folder of its package.
    pub folder: &'a Path,
}

impl Given<'_> {
    fn variable(&self, name: &str) -> Option<&OsStr> {
        self.environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_os_str())
    }
}

/// Becomes the system's shell, for a hook. Returns only if it could not, with an exit code and what to say.
pub fn shell(given: Given<'_>) -> (i32, String) {
    let hook = given.variable(HOOK).map(OsStr::to_string_lossy);
    #[expect(clippy::disallowed_methods, reason = "this is the crate that starts programs")]
    let mut command = Command::new(SYSTEM_SHELL);
    command.args(given.arguments).env_remove(HOOK);
    let outcome = match hook.as_deref().map(serde_json::from_str::<Hook>) {
        None => Ok(()),
        Some(Ok(hook)) if hook.is_for(given.folder) => hook.narrow(given, &mut command),
        // The project's own: what it starts may come to hooks of others.
        Some(Ok(_)) => {
            command.env(HOOK, hook.as_deref().unwrap_or_default());
            Ok(())
        }
        Some(Err(error)) => Err(error.into()),
    };
    let error = outcome.map_or_else(|error| error, |()| command.exec());
    not_run(given.folder, &error)
}

/// The exit code of a hook that is not run, and what is said of it.
pub(super) fn not_run(folder: &Path, why: &io::Error) -> (i32, String) {
    (NOT_RUN, format!("stockade: a hook in {} is not run: it cannot be confined: {why}", folder.display()))
}

impl Hook {
    /// True if this is for the hooks of a package that lies in this folder.
    pub(super) fn is_for(&self, folder: &Path) -> bool {
        self.within.is_empty() || self.within.iter().any(|within| lies_within(folder, within))
    }

    /// Takes from this process what hooks may not do.
    pub(super) fn narrow(&self, given: Given<'_>, command: &mut Command) -> io::Result<()> {
        let temporary = given.variable("TMPDIR").map_or(Path::new(TEMPORARY), Path::new);
        let own = temporary.join(format!("hook-{}", std::process::id()));
        for part in [own.join("home"), own.join("tmp")] {
            std::fs::create_dir_all(part)?;
        }
        let mut write = self.folders(given);
        command.env("HOME", own.join("home")).env("TMPDIR", own.join("tmp"));
        write.push(own);
        match self.restrict(&write).map_err(io::Error::other)? {
            RulesetStatus::FullyEnforced => Ok(()),
            _ if self.despite_gaps => Ok(()),
            _ => Err(io::Error::other("this kernel's Landlock is too old for it (Linux 6.12 is needed)")),
        }
    }

    /// The folders that a hook may write.
    fn folders(&self, given: Given<'_>) -> Vec<PathBuf> {
        if self.write.is_empty() {
            return vec![given.folder.to_owned()];
        }
        let all = |places: &[String]| places.iter().flat_map(|place| meant(place, given)).collect::<Vec<_>>();
        let is_named = |path: &PathBuf| given.arguments.iter().any(|argument| names(argument, path));
        let (mut write, named) = (all(&self.write), all(&self.named));
        write.extend(named.into_iter().filter(is_named));
        write
    }

    fn restrict(&self, write: &[PathBuf]) -> Result<RulesetStatus, RulesetError> {
        let all = AccessFs::from_all(LANDLOCK);
        let rules = Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(all)?;
        // The client that runs it would do much for a signal: open itself to a debugger, or end.
        let mut rules = rules.scope(Scope::from_all(LANDLOCK))?;
        if !self.network {
            rules = rules.handle_access(AccessNet::ConnectTcp)?;
        }
        let write = write.iter().map(PathBuf::as_path).chain([Path::new("/dev")]).map(|path| (path, all));
        let paths = std::iter::once((Path::new("/"), AccessFs::from_read(LANDLOCK))).chain(write);
        let rules = rules.create()?.add_rules(paths.filter_map(|(path, access)| rule(path, access)))?;
        Ok(rules.restrict_self()?.ruleset)
    }
}

/// True if a folder lies in one whose path ends like this.
pub(super) fn lies_within(folder: &Path, end: &str) -> bool {
    folder.ancestors().any(|above| above.ends_with(end))
}

/// The folders that are there and that a place stands for. No link is followed to one.
fn meant(place: &str, given: Given<'_>) -> Vec<PathBuf> {
    let (mut found, folder) = (Vec::new(), given.folder);
    for part in Path::new(place).components() {
        let name = part.as_os_str();
        match part {
            Component::CurDir => found.push(folder.to_owned()),
            Component::ParentDir if found.is_empty() => found.extend(folder.parent().map(Path::to_owned)),
            Component::ParentDir => found = found.iter().filter_map(|at| at.parent()).map(Path::to_owned).collect(),
            Component::Normal(_) => match name.to_str().map(|name| (name, name.strip_prefix('$'))) {
                Some((_, Some(name))) if found.is_empty() => {
                    found.extend(given.variable(name).map(PathBuf::from).filter(|value| value.is_absolute()));
                }
                Some((pattern, _)) if pattern.contains('*') => {
                    found = found.iter().flat_map(|at| with_names_like(at, pattern)).take(MAX_FOLDERS).collect();
                }
                _ => found.iter_mut().for_each(|at| at.push(name)),
            },
            Component::RootDir | Component::Prefix(_) => return Vec::new(),
        }
        if found.is_empty() {
            break;
        }
    }
    found.retain(|folder| folder.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()));
    found
}

/// Whether a path stands in an argument, such as a script for an interpreter, and goes no further there.
fn names(argument: &OsStr, path: &Path) -> bool {
    let (argument, path) = (argument.as_encoded_bytes(), path.as_os_str().as_encoded_bytes());
    let ends = |at: usize| !argument.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte));
    argument.windows(path.len()).enumerate().any(|(at, part)| part == path && ends(at + path.len()))
}

/// What in a folder has a name like this.
fn with_names_like(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let fits = |name: &OsStr| name.to_str().is_some_and(|name| matches(pattern, name));
    entries.flatten().filter(|entry| fits(&entry.file_name())).map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test makes what it looks at")]
    fn places_stand_for_folders_that_are_there() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for folder in ["build/one", "tmp1/deep", "tmp2", "other", "out/one-1/out", "out/scratch-2/out", "out/scratch-3"]
        {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        std::fs::write(root.join("tmp3"), "").unwrap();
        std::os::unix::fs::symlink(root.join("other"), root.join("tmp4")).unwrap();
        let out = root.join("out/one-1/out");
        let (environment, folder) = ([("OUT".into(), out.into_os_string())], root.join("build/one"));
        let given = Given { arguments: &[], environment: &environment, folder: &folder };
        let found = |place: &str| {
            let mut found = meant(place, given);
            found.sort();
            found.iter().map(|path| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(found("."), ["build/one"]);
        assert_eq!(found("../../tmp*"), ["tmp1", "tmp2"], "neither a file nor where a link leads");
        assert_eq!(found("$OUT"), ["out/one-1/out"]);
        assert_eq!(found("$OUT/../../scratch-*/out"), ["out/scratch-2/out"]);
        for nothing in ["$NONE", "$NONE/..", "/", "/etc", "one", "", "../../../../../../../../../../../none"] {
            assert_eq!(found(nothing), [""; 0], "{nothing}");
        }
    }

    #[test]
    fn an_argument_names_a_path_that_it_does_not_go_on_from() {
        let names = |argument: &str| names(OsStr::new(argument), Path::new("/c/.tmpA1"));
        assert!(names("/c/.tmpA1") && names("build('/c/.tmpA1', {})") && names("x=/c/.tmpA12:/c/.tmpA1"));
        assert!(!names("/c/.tmpA12") && !names("/c/.tmpA1.x") && !names("/c/.tmpA") && !names(""));
    }

    #[test]
    fn a_hook_is_for_packages_that_lie_where_it_says() {
        let hook =
            |within: &[&str]| Hook { within: within.iter().map(ToString::to_string).collect(), ..Hook::default() };
        let is_for = |within: &[&str], folder: &str| hook(within).is_for(Path::new(folder));
        assert!(is_for(&["node_modules"], "/p/node_modules/@scope/name"));
        assert!(!is_for(&["node_modules"], "/p/my_node_modules/name"));
        assert!(is_for(&["git/checkouts", "registry/src"], "/c/registry/src/index-1/name-1.0.0"));
        assert!(!is_for(&["registry/src"], "/p/registry/of/src"));
        assert!(is_for(&[], "/anything"));
    }
}
