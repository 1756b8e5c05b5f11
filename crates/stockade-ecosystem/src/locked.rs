//! What a project has: the releases that a lockfile names, and those that lie in an installed tree.
//!
//! A compromised release is found by its name and version, but told from another one by its digest and by the registry
//! that it came from: a private package may have the name of a public one. So a reader keeps all that a file says of an
//! entry: the digest, the address, what needs it, what it is for, and the line.
//!
//! A file that cannot be read to its end is one that hides something, by accident or not. So a reader returns the entries
//! that it understood and every problem, and a caller that has problems cannot say that nothing was found.

mod document;
mod graph;
mod json;
mod lines;
mod out;
pub(crate) mod toml;

use stockade_model::{Integrity, Release};

use crate::Problem;

pub(crate) use document::read;
pub(crate) use graph::{Graph, keep, mark_direct, spread};
pub(crate) use json::json;
pub(crate) use lines::Lines;
pub(crate) use out::{Out, address, git_address};

/// The most bytes of a file that is read: 128 MiB. The largest lockfiles that people commit have a tenth.
const MAX_BYTES: usize = 128 << 20;
/// The most entries that are kept of a file. A lockfile of 20,000 is a large one.
const MAX_ENTRIES: usize = 200_000;
/// The most edges that are kept of a file: ten for each of the most entries.
const MAX_NEEDS: usize = 2_000_000;
/// The most problems that are kept of a file, in words; of the others, their number.
const MAX_PROBLEMS: usize = 100;
/// The most bytes that name a licence.
const MAX_LICENCE: usize = 200;

/// What was understood, and every problem.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parsed<T> {
    /// What was understood.
    pub value: T,
    /// What was not. If there is none, all of the file was.
    pub problems: Vec<Problem>,
    /// What was understood and somebody should know: that a name can be moved to other code, say.
    pub notices: Vec<Problem>,
    /// The files of which it takes more. A reader of one file does not see them.
    pub includes: Vec<Include>,
}

/// A file that is part of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    /// Its path, relative to the folder of the file that includes it.
    pub path: String,
    /// The line, from 1, that includes it.
    pub line: u32,
}

/// A sort of file that names releases.
pub struct Lockfile {
    /// What people call it: the usual name of the file.
    pub name: &'static str,
    /// True if the file at this path is one. The path is relative to anything, with `/`.
    pub matches: fn(path: &str) -> bool,
    /// Reads one.
    pub parse: fn(bytes: &[u8]) -> Parsed<Vec<Locked>>,
}

/// A sort of file of which several are read together: one takes from others what it does not say itself.
pub struct Linked {
    /// The file, and how one is read that has no others beside it.
    pub file: &'static Lockfile,
    /// Where those are of which one takes more: paths of files or folders, relative to its own folder.
    pub leads: fn(bytes: &[u8]) -> Vec<String>,
    /// Reads several. Each has its path, relative to anything or to nothing, with `/`.
    pub parse: ReadTogether,
}

/// See [`Linked::parse`].
type ReadTogether = fn(files: &[(&str, &[u8])]) -> Vec<Parsed<Vec<Locked>>>;

/// A sort of file that says what is wanted. What was chosen, a lockfile says, in the same folder or in one above it.
pub struct Manifest {
    /// The file. Its reader gives the releases that it names exactly, and a problem for whatever it leaves open.
    pub file: Lockfile,
    /// Which lockfiles make it needless to read it.
    pub answered_by: &'static [&'static Lockfile],
    /// The folders below its own in which such a lockfile may lie, too, or a list of all that is installed.
    pub below: &'static [&'static str],
}

/// True of a file below a folder of this name, at any depth. What an installed package has for its own development asks
/// for nothing here.
pub(crate) fn is_below(path: &str, folder: &str) -> bool {
    path.rsplit('/').skip(1).any(|part| part == folder)
}

/// How it is found out which releases are installed: from the files by which installers know them.
pub struct ReadInstalled {
    /// True if the file at this path names what is installed. The path has `/`, and the names of the last few folders are
    /// enough.
    pub matches: fn(path: &str) -> bool,
    /// Reads what such a file names.
    pub parse: fn(path: &str, bytes: &[u8]) -> Parsed<Vec<Locked>>,
    /// True if the file at this path lists the installed files of a release with their digests.
    pub lists: fn(path: &str) -> bool,
    /// Reads such a list.
    pub files: fn(bytes: &[u8]) -> Parsed<Vec<InstalledFile>>,
}

/// A file as its installer wrote it down. One with another digest was changed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledFile {
    /// The path as it is listed: relative to the folder that the list's folder is in.
    pub path: String,
    /// The digest, where there is one that counts.
    pub integrity: Option<Integrity>,
    /// The line in the list, from 1.
    pub line: u32,
}

/// A release that a file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locked {
    /// The release, name and version in their normal form.
    pub release: Release,
    /// What its file must hash to; of several files, what each may hash to.
    pub integrity: Option<Integrity>,
    /// Where it comes from.
    pub origin: Origin,
    /// The licence that it declares, as it is written, where the file repeats it.
    pub licence: Option<String>,
    /// The line, from 1, where the entry begins.
    pub line: u32,
    /// What it is for.
    pub scope: Scope,
    /// True if the project itself asks for it; `None` where the file does not tell.
    pub direct: Option<bool>,
    /// The entries that it needs, as their places in the list, sorted. Where the file names several that may be meant, all
    /// of them are.
    pub needs: Vec<u32>,
}

impl Locked {
    pub(crate) fn new(release: Release, line: u32) -> Self {
        let origin = Origin::Registry(None);
        Self {
            release,
            integrity: None,
            origin,
            licence: None,
            line,
            scope: Scope::Unknown,
            direct: None,
            needs: Vec::new(),
        }
    }

    /// True if what it is can be changed without a change of this file: a repository of sources is named, and no commit.
    pub fn is_movable(&self) -> bool {
        matches!(&self.origin, Origin::Git(address) if !address.contains('#'))
    }
}

/// What a file says of a licence, if it says so in a few words: some have the whole text there.
pub(crate) fn licence(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty() && text.len() <= MAX_LICENCE && !text.contains('\n')).then(|| text.to_owned())
}

/// Where a release comes from. Addresses are as they are written, without what may be a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A registry: its address, or that of the file, whichever the format has; `None` where it has neither, which means
    /// the one that the client is configured for.
    Registry(Option<String>),
    /// A file at an address that no registry gave.
    Url(String),
    /// A repository of sources, with the commit behind a `#` where it is known.
    Git(String),
    /// A place in the file system.
    Path(String),
    /// The artifact of the release that needs it.
    Bundled,
}

/// What a release is for, the weightiest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Running the project.
    Run,
    /// The file does not tell, so it is to be taken as for running.
    Unknown,
    /// Building the project, or the program that builds it.
    Build,
    /// Running it, if it can be had or is asked for.
    Optional,
    /// Developing and testing it.
    Dev,
}
