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
    /// How much files look like this format.
    pub likeness: fn(&Files<'_>) -> Likeness,
    /// Reads the manifests.
    pub read: fn(&Files<'_>, &mut Manifest),
    /// Whose a file is, in normal form, where a release has several artifacts.
    pub release: Option<ReleaseOf>,
}

/// The name and version of a release, of the name of a file in lower case.
pub type ReleaseOf = fn(&str) -> Option<(String, String)>;

/// How much files look like a format. Of several formats, the one they look like most is it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// Not at all: its manifest is missing.
    None,
    /// A manifest is there that a repository has too, whatever else is made of it.
    Some,
    /// What only a packer writes is there.
    Packed,
}

impl Likeness {
    /// The most that is true.
    pub(crate) fn of(some: bool, packed: bool) -> Self {
        if packed {
            Self::Packed
        } else if some {
            Self::Some
        } else {
            Self::None
        }
    }
}

/// Every format of every ecosystem. The first of those that look alike is it.
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
    let mut archive = Archive::of(file, bytes);
    let format = of_ecosystem().find(ends).or_else(|| archive.most_like(of_ecosystem()));
    let members = archive.place(format);
    archive.finish(members, format.as_slice())
}

/// An artifact of which nothing is known but its file. It is unpacked as what it looks like most, and every manifest
/// that is in it is read: which client it is for is not known, and a manifest of another format must not hide one.
pub fn open_any(file: &str, bytes: Bytes) -> Tree {
    let mut archive = Archive::of(file, bytes);
    let format = archive.most_like(FORMATS.iter().copied());
    let members = archive.place(format);
    let formats = alike(&members);
    archive.finish(members, &formats)
}

/// The files of a folder with their relative paths, and whether they are executable. All formats whose manifests are
/// there are read.
pub fn of_directory(files: Vec<(String, Bytes, bool)>) -> Tree {
    let held = files.iter().map(|(_, bytes, _)| bytes.len()).fold(0, usize::saturating_add);
    let file = |(name, bytes, executable)| Entry { name, kind: Kind::File(bytes), executable };
    let mut archive = Archive::new(files.into_iter().map(file).collect(), held);
    let members = archive.place(None);
    let formats = alike(&members);
    archive.finish(members, &formats)
}

/// Whether two different files are artifacts of one release, by their names: a source distribution and a wheel.
pub fn are_of_one_release(one: &str, other: &str) -> bool {
    let of = |file: &str| {
        let lower = file.to_ascii_lowercase();
        let formats = FORMATS.iter().filter(|format| format.extensions.iter().any(|end| lower.ends_with(end)));
        formats.filter_map(|format| format.release).find_map(|release| release(&lower))
    };
    one != other && of(one).is_some_and(|release| of(other) == Some(release))
}

/// The formats that files look like at all.
fn alike(members: &[Member]) -> Vec<&'static ArtifactFormat> {
    let files = Files::new(members);
    FORMATS.iter().copied().filter(|format| (format.likeness)(&files) > Likeness::None).collect()
}

/// An artifact on its way to a tree.
struct Archive {
    entries: Vec<Entry>,
    unpacked: bool,
    budget: Budget,
    gaps: Gaps,
}

impl Archive {
    /// Of entries that have so many bytes, or are to be unpacked from so many.
    fn new(entries: Vec<Entry>, held: usize) -> Self {
        Self { entries, unpacked: false, budget: Budget::new(held), gaps: Gaps::default() }
    }

    /// A file that is no archive is its only entry.
    fn of(file: &str, bytes: Bytes) -> Self {
        let mut archive = Self::new(Vec::new(), bytes.len());
        let entries = contents(file, &bytes, &mut archive.budget, &mut archive.gaps);
        archive.unpacked = entries.is_some();
        let name = file.rsplit(['/', '\\']).next().unwrap_or(file).to_owned();
        archive.entries = entries.unwrap_or_else(|| vec![Entry { name, kind: Kind::File(bytes), executable: false }]);
        archive
    }

    /// The format that the content looks like most.
    fn most_like<'f>(&self, formats: impl Iterator<Item = &'f ArtifactFormat>) -> Option<&'f ArtifactFormat> {
        let common = place(&self.entries, Root::Common, &mut Gaps::default());
        let plain = place(&self.entries, Root::Nothing, &mut Gaps::default());
        let (common, plain) = (Files::new(&common), Files::new(&plain));
        let mut most = (Likeness::None, None);
        for format in formats {
            let likeness = (format.likeness)(if format.root == Root::Nothing { &plain } else { &common });
            if likeness > most.0 {
                most = (likeness, Some(format));
            }
        }
        most.1
    }

    /// The files, below what stands above a package of this format.
    fn place(&mut self, format: Option<&ArtifactFormat>) -> Vec<Member> {
        let root = format.filter(|_| self.unpacked).map_or(Root::Nothing, |format| format.root);
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
