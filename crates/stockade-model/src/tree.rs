//! The content of one artifact: bounded, in memory, read-only, and where its code starts to run.
//!
//! Whoever unpacks an artifact knows its ecosystem: which file is the manifest, which commands a client runs at the
//! install, what is loaded at an import. Whoever inspects it knows languages. A [`Tree`] is what the first tells the
//! second, so that neither needs the other's knowledge.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::Gap;

/// The files of an artifact with what its manifests say of them. Paths are relative, with `/`, and never leave the tree.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// The files, in the order of the archive. No path twice: of duplicates the last one is here, as an extraction would
    /// leave it, and a gap says so.
    pub members: Vec<Member>,
    /// Where code starts to run.
    pub starts: Vec<Start>,
    /// What the manifest asks to be installed with it.
    pub needs: Vec<Need>,
    /// What could not be unpacked or understood.
    pub gaps: Vec<Gap>,
}

/// One file.
#[derive(Debug, Clone)]
pub struct Member {
    /// The path inside the package.
    pub path: String,
    /// The content: slices of one buffer per archive.
    pub bytes: Bytes,
    /// The archive marks it as executable.
    pub executable: bool,
}

/// When code runs, the earliest first: the earlier, the less a user did to ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// While the package is installed or built.
    Install,
    /// At every start of the interpreter or virtual machine, whether or not the package is used.
    Start,
    /// When the package is loaded.
    Import,
    /// When the user runs one of its commands.
    Command,
    /// When something of it is called.
    Call,
    /// Tests, examples and documentation: nothing of the package runs it.
    Never,
}

impl Trigger {
    /// `install`, `start`, `import`, `command`, `call`, `never`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Start => "start",
            Self::Import => "import",
            Self::Command => "command",
            Self::Call => "call",
            Self::Never => "never",
        }
    }
}

/// A place where code of the package starts to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// When.
    pub trigger: Trigger,
    /// What the manifest calls it: `postinstall`, `setup.py`, `main`, `build.rs`.
    pub name: String,
    /// What runs.
    pub code: Code,
    /// The file that says so.
    pub path: String,
    /// The line there, from 1; 0 if the file as a whole says so.
    pub line: u32,
}

/// What runs at a start.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// A file of the tree.
    File(String),
    /// A command for a shell.
    Shell(String),
    /// A line of Python.
    Python(String),
}

/// Something that a manifest asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Need {
    /// The name of the package, as the manifest spells it, or in its ecosystem's normal form if there is one.
    pub name: String,
    /// The range, address or path.
    pub wanted: String,
    /// Where it comes from.
    pub from: NeedFrom,
    /// What for.
    pub role: NeedRole,
}

/// Where a needed package comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NeedFrom {
    /// A registry.
    Registry,
    /// A registry, under another name than it is used by.
    Alias,
    /// A repository.
    Git,
    /// An address of an archive.
    Url,
    /// A path.
    Path,
}

/// What a needed package is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NeedRole {
    /// It is installed with the package.
    Run,
    /// It is installed if it can be.
    Optional,
    /// It is used when the package is built, where that happens on the user's machine.
    Build,
    /// The user is asked to bring it.
    Peer,
    /// It is contained in the artifact.
    Bundled,
}

impl Tree {
    /// The file at a path.
    pub fn get(&self, path: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.path == path)
    }
}
