//! The formats of artifacts, and opening an artifact as what it is.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use stockade_model::{Code, EcosystemId, Gap, Member, Need, NeedFrom, NeedRole, Start, Tree, Trigger};

use super::gaps::Gaps;
use super::place::{Root, place};
use super::{Budget, Entry, Kind, contents, tools, unpack_nested};

/// The most starts and the most needs that are taken from the manifests of one artifact.
const MAX_STATED: usize = 20_000;

/// A format of artifacts: how it is recognised, and what its manifests say.
pub struct ArtifactFormat {
    /// What it is called: `wheel`.
    pub name: &'static str,
    /// Whose artifacts are of this format.
    pub ecosystem: EcosystemId,
    /// How names of its files end, in lower case.
    pub extensions: &'static [&'static str],
    /// What stands above the package.
    pub root: Root,
    /// Whether files are of this format. If several formats agree, the first in [`FORMATS`] is it.
    pub is: fn(&Files<'_>) -> bool,
    /// Reads the manifests.
    pub read: fn(&Files<'_>, &mut Manifest),
}

/// Every format of every ecosystem, the most specific first.
pub static FORMATS: &[&ArtifactFormat] =
    &[&crate::npm::TARBALL, &crate::pypi::WHEEL, &crate::pypi::SDIST, &crate::cargo::CRATE, &crate::maven::JAR];

/// The files of a tree by their paths, for those who read manifests.
pub struct Files<'a> {
    /// All of them.
    pub members: &'a [Member],
    by_path: HashMap<&'a str, usize>,
}

impl<'a> Files<'a> {
    /// Of these files.
    pub fn new(members: &'a [Member]) -> Self {
        let by_path = members.iter().enumerate().map(|(at, member)| (member.path.as_str(), at)).collect();
        Self { members, by_path }
    }

    /// The file at a path.
    pub fn get(&self, path: &str) -> Option<&'a Member> {
        self.by_path.get(path).and_then(|&at| self.members.get(at))
    }

    /// Whether there is a file at a path.
    pub fn has(&self, path: &str) -> bool {
        self.by_path.contains_key(path)
    }

    /// The content of a file as text.
    pub(crate) fn text(&self, path: &str, manifest: &mut Manifest) -> Option<String> {
        let member = self.get(path)?;
        let text = super::lossy(&member.bytes);
        if text.is_none() {
            manifest.gaps.limit(format!("{} is too large for a manifest, and was not read", super::shown(path)));
        }
        text
    }

    /// The paths of all files.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.members.iter().map(|member| member.path.as_str())
    }
}

/// What manifests say, as it is found.
#[derive(Debug, Default)]
pub struct Manifest {
    starts: Vec<Start>,
    needs: Vec<Need>,
    known: HashSet<(Trigger, Code)>,
    known_needs: HashSet<Need>,
    pub(crate) gaps: Gaps,
}

impl Manifest {
    /// Code starts here. The first manifest that says so names it.
    pub(crate) fn start(&mut self, trigger: Trigger, name: &str, code: Code, path: &str, line: u32) {
        if self.starts.len() >= MAX_STATED {
            return self.gaps.limit(format!("the manifests start more than {MAX_STATED} pieces of code"));
        }
        if self.known.insert((trigger, code.clone())) {
            self.starts.push(Start { trigger, name: name.to_owned(), code, path: path.to_owned(), line });
        }
    }

    /// A package is needed.
    pub(crate) fn need(&mut self, name: &str, wanted: &str, from: NeedFrom, role: NeedRole) {
        if self.needs.len() >= MAX_STATED {
            return self.gaps.limit(format!("the manifests need more than {MAX_STATED} packages"));
        }
        let need = Need { name: name.to_owned(), wanted: wanted.to_owned(), from, role };
        if self.known_needs.insert(need.clone()) {
            self.needs.push(need);
        }
    }
}

/// An artifact of a known ecosystem. The name of its file tells the format.
pub fn open(ecosystem: &str, file: &str, bytes: Bytes) -> Tree {
    let of_ecosystem = || FORMATS.iter().copied().filter(|format| format.ecosystem.as_str() == ecosystem);
    let lower = file.to_ascii_lowercase();
    let ends = |format: &&ArtifactFormat| format.extensions.iter().any(|extension| lower.ends_with(extension));
    let format = of_ecosystem().find(ends);
    opened(file, bytes, |archive| format.or_else(|| archive.is_of(of_ecosystem())))
}

/// An artifact of which nothing is known but its file. A file that is no archive is a tree of one.
pub fn open_any(file: &str, bytes: Bytes) -> Tree {
    opened(file, bytes, |archive| archive.is_of(FORMATS.iter().copied()))
}

/// The files of a folder with their relative paths, and whether they are executable. All formats whose manifests are
/// there are read.
pub fn of_directory(files: Vec<(String, Bytes, bool)>) -> Tree {
    let file = |(name, bytes, executable)| Entry { name, kind: Kind::File(bytes), executable };
    let mut archive = Archive::new();
    archive.entries = files.into_iter().map(file).collect();
    let members = archive.place(Root::Nothing);
    let files = Files::new(&members);
    let formats = FORMATS.iter().copied().filter(|format| (format.is)(&files)).collect::<Vec<_>>();
    archive.finish(members, &formats)
}

fn opened<'f>(file: &str, bytes: Bytes, format: impl FnOnce(&Archive) -> Option<&'f ArtifactFormat>) -> Tree {
    let mut archive = Archive::new();
    let entries = contents(file, &bytes, &mut archive.budget, &mut archive.gaps);
    let is_archive = entries.is_some();
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file).to_owned();
    archive.entries = entries.unwrap_or_else(|| vec![Entry { name, kind: Kind::File(bytes), executable: false }]);
    let format = format(&archive);
    let root = format.filter(|_| is_archive).map_or(Root::Nothing, |format| format.root);
    let members = archive.place(root);
    archive.finish(members, format.as_slice())
}

/// An artifact on its way to a tree.
struct Archive {
    entries: Vec<Entry>,
    budget: Budget,
    gaps: Gaps,
}

impl Archive {
    fn new() -> Self {
        Self { entries: Vec::new(), budget: Budget::new(), gaps: Gaps::default() }
    }

    /// The first of the formats that the content is of.
    fn is_of<'f>(&self, mut formats: impl Iterator<Item = &'f ArtifactFormat>) -> Option<&'f ArtifactFormat> {
        let common = place(&self.entries, Root::Common, &mut Gaps::default());
        let plain = place(&self.entries, Root::Nothing, &mut Gaps::default());
        let (common, plain) = (Files::new(&common), Files::new(&plain));
        formats.find(|format| (format.is)(if format.root == Root::Nothing { &plain } else { &common }))
    }

    fn place(&mut self, root: Root) -> Vec<Member> {
        place(&self.entries, root, &mut self.gaps)
    }

    fn finish(mut self, mut members: Vec<Member>, formats: &[&ArtifactFormat]) -> Tree {
        let mut manifest = Manifest::default();
        {
            let files = Files::new(&members);
            for format in formats {
                (format.read)(&files, &mut manifest);
            }
            tools::read(&files, &mut manifest);
        }
        unpack_nested(&mut members, &mut self.budget, &mut self.gaps);
        let Manifest { starts, needs, gaps, .. } = manifest;
        self.gaps.extend(gaps.into_vec());
        Tree { members, starts, needs, gaps: distinct(self.gaps.into_vec()) }
    }
}

fn distinct(mut gaps: Vec<Gap>) -> Vec<Gap> {
    let mut seen = HashSet::new();
    gaps.retain(|gap| seen.insert(gap.detail.clone()));
    gaps
}
