//! What a command may do: a profile, in TOML that people read and write.
//!
//! A profile is a list of what is allowed; what it does not name is not there. Several can be put together: the base that
//! every command has, the one for the command, and what a user adds. A project can only take away.

mod environment;
mod place;
mod programs;
mod resolve;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

#[cfg(target_os = "linux")]
pub(crate) use place::matches;
pub use resolve::{Resolved, Surroundings};

/// What every command may do.
const BASE: &str = include_str!("base.toml");
/// What a command may do that no other profile is for.
const OTHER: &str = include_str!("other.toml");

/// What commands may do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Profile {
    /// What it is called in reports.
    #[serde(default)]
    pub name: String,
    /// The commands it is for: a program, and the words that follow it.
    #[serde(default, rename = "for", skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
    /// Files and folders. A place begins with `~`, `$PROJECT`, `$CACHE` (the client's), a variable, `/`, or `%` and the name of a program, for the
    /// folder that it was installed to; in its last part, `*` stands for anything.
    #[serde(default, skip_serializing_if = "is_default")]
    pub files: Files,
    /// Whom it may connect to.
    #[serde(default, skip_serializing_if = "is_default")]
    pub network: Network,
    /// Which variables it sees.
    #[serde(default, skip_serializing_if = "is_default")]
    pub environment: Environment,
    /// Which programs it may run.
    #[serde(default, skip_serializing_if = "is_default")]
    pub programs: Programs,
    /// What the hooks of packages may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hooks: Option<Hooks>,
}

/// Files and folders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Files {
    /// Are read, and run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<String>,
    /// Are written and read. One that ends in `/` is made if it is not there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub write: Vec<String>,
    /// Those of the written ones that are run as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub run: Vec<String>,
    /// Are only read, wherever they lie.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protect: Vec<String>,
    /// Are empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hide: Vec<String>,
    /// How the project is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Project>,
    /// Whether what is written to `/tmp` and to the home, which is forgotten, may be run.
    #[serde(default, skip_serializing_if = "is_default")]
    pub run_temporary: bool,
}

/// How the project is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Project {
    /// Not at all, but for what [`Files::write`] names.
    Read,
    /// In a layer of its own. When the command has ended, all but what is protected is taken over.
    Layer,
    /// As it is.
    Write,
}

/// Whom a command may connect to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Network {
    /// Hosts, by name, with a port unless it is 443: `registry.example:8443`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Ports on which this machine reaches what the command listens on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub publish: Vec<u16>,
    /// How many bytes may be sent to each of them in a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<u64>,
    /// Hosts that are not allowed, whatever else says that they are; `*` is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
}

/// Which variables a command sees.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Environment {
    /// Names; `*` at an end stands for anything. One that looks like that of a secret passes only if it is written out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pass: Vec<String>,
    /// Variables with the places that are their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Value>,
    /// Names that do not pass, whatever else says that they do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
}

/// A place that is a variable's value, if it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Value {
    /// The place.
    pub is: String,
    /// What has to be in it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub with: String,
}

/// Which programs a command may run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Programs {
    /// The only ones: names that are looked for in `PATH`, places, and `@` with the name of a group. Any if there are none.
    /// A name or place may be followed by ` sha256:` and the digest that the program has to have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// Groups of programs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, Vec<String>>,
    /// Those that may not be run, whatever else says that they may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
}

/// What the hooks of packages may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Hooks {
    /// The variable with the name of the package whose hook a process is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The variable with its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The ends of the paths of folders in which a client builds packages. `*` stands for anything, `$PACKAGE` for the
    /// package's name, and `$VERSION` for its version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<String>,
    /// The variable with the hook's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<String>,
    /// The name of the program that a hook begins with, where the client starts it by itself. `*` stands for anything. Each
    /// gets then what [`Hooks::write`] says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The variable that names the shell in which a client runs hooks. With it, each gets its own folder alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<String>,
    /// The ends of the paths of folders in which the packages lie whose hooks are confined: not the project's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<String>,
    /// Folders that a hook may write, if they are there. A place begins with `.`, the folder of its package, with `..`, or with
    /// `$` and a variable that its client gives it; `*` in a part stands for anything. The package's folder if there is
    /// none. Each has a home and a place for temporary files besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub write: Vec<String>,
    /// More of those, which it may write only if their paths stand in the arguments that its client starts it with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<String>,
    /// Whether they may connect to what the command may.
    #[serde(default, skip_serializing_if = "is_default")]
    pub network: bool,
}

/// What is wrong with a profile, or in the way of one.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The text is no profile.
    #[error("{0}")]
    Text(#[from] toml::de::Error),
    /// A place has no beginning that is known, or a `*` before its end.
    #[error(
        "`{0}` is no place: one begins with `~`, `$PROJECT`, `$` and a variable, `%` and a program, or `/`, and has `*` in \
         its last part only"
    )]
    Place(String),
    /// A group of programs is not there.
    #[error("there is no group `{0}` of programs")]
    Group(String),
    /// The project would be the home or the whole machine.
    #[error("`{0}` is no project: everything of yours lies in it")]
    Project(PathBuf),
    /// A program is another one than the profile was written for.
    #[error("`{0}` has the digest sha256:{1}, and the profile asks for another")]
    Digest(PathBuf, String),
    /// There is no such program.
    #[error("`{0}` is not installed")]
    Program(String),
    /// The program is one of those that may not be run.
    #[error("`{0}` may not be run here: it is denied")]
    Denied(String),
    /// A folder cannot be made or read.
    #[error("{0}: {1}")]
    Io(PathBuf, std::io::Error),
}

impl Profile {
    /// Reads a profile.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        Ok(toml::from_str(text)?)
    }

    /// The base of every profile.
    pub fn base() -> Result<Self, ProfileError> {
        Self::parse(BASE)
    }

    /// The profile of a command that no other is for.
    pub fn other() -> Result<Self, ProfileError> {
        Self::parse(OTHER)
    }

    /// How well it fits a command: the number of its words that are named; none if it is for others.
    pub fn fits(&self, program: &OsStr, arguments: &[impl AsRef<OsStr>]) -> Option<usize> {
        let name = Path::new(program).file_name().unwrap_or(program);
        let words = arguments.iter().map(AsRef::as_ref).filter(|word| !word.as_encoded_bytes().starts_with(b"-"));
        let words: Vec<&OsStr> = std::iter::once(name).chain(words).collect();
        let fit = |command: &String| {
            // What begins with a dash is no word of either.
            let wanted: Vec<&str> = command.split(' ').filter(|word| !word.starts_with('-')).collect();
            let fits = wanted.len() <= words.len() && wanted.iter().zip(&words).all(|(wanted, word)| *word == *wanted);
            fits.then_some(wanted.len())
        };
        self.commands.iter().filter_map(fit).max()
    }

    /// Whether it only takes away.
    pub fn only_takes_away(&self) -> bool {
        let Self { files, network, environment, programs, .. } = self.clone();
        let taken = Self {
            files: Files { protect: files.protect, hide: files.hide, ..Files::default() },
            network: Network { deny: network.deny, ..Network::default() },
            environment: Environment { deny: environment.deny, ..Environment::default() },
            programs: Programs { deny: programs.deny, ..Programs::default() },
            ..Self::default()
        };
        taken == *self
    }

    /// With what another allows, and takes away, besides.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        let Self { name, commands, files, network, environment, programs, hooks } = other;
        if !name.is_empty() {
            self.name = name;
        }
        self.commands.extend(commands);
        self.files.read.extend(files.read);
        self.files.write.extend(files.write);
        self.files.run.extend(files.run);
        self.files.protect.extend(files.protect);
        self.files.hide.extend(files.hide);
        self.files.project = files.project.or(self.files.project);
        self.files.run_temporary |= files.run_temporary;
        self.network.hosts.extend(network.hosts);
        self.network.publish.extend(network.publish);
        self.network.upload = network.upload.or(self.network.upload);
        self.network.deny.extend(network.deny);
        self.environment.pass.extend(environment.pass);
        self.environment.set.extend(environment.set);
        self.environment.deny.extend(environment.deny);
        self.programs.only.extend(programs.only);
        self.programs.groups.extend(programs.groups);
        self.programs.deny.extend(programs.deny);
        self.hooks = hooks.or(self.hooks);
        self
    }
}

impl Hooks {
    /// Whether each hook is confined by itself.
    pub fn confines(&self) -> bool {
        self.shell.is_some() || self.program.is_some()
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests;
