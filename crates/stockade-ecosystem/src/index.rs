//! A registry's index of one package, compact: what the policy needs to know of each release, and where the pieces of the
//! document lie, so that it is rendered by copying and never parsed again.

mod lookup;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::HashSet;
use std::ops::Range;

use jiff::{SignedDuration, Timestamp};
use stockade_model::{Clock, Integrity, Package, Release};

use crate::{Ecosystem, Version, by_id};
use lookup::Lookup;

/// The releases of a package as its registry lists them.
#[derive(Debug, Clone)]
pub struct Index {
    /// The package.
    pub package: Package,
    /// The releases in the document's order, no version twice; where releases have several files, these. The index finds
    /// them by their positions, so they are only to be read.
    pub releases: Vec<Listed>,
    /// The tags: name and version.
    pub tags: Vec<(String, String)>,
    /// When the registry last changed the document, as it says.
    pub modified: Option<String>,
    /// Instants by version or event, as the registry spells them: passed on unaltered.
    pub times: Vec<(String, String)>,
    /// What could not be understood of the document as a whole.
    pub problems: Vec<Problem>,
    /// True if the publish times are out of the order of the versions in a way that only a mirror's clock explains.
    pub mirror_clock: bool,
    /// The parts of the document that are passed on as they are: key and value.
    pub passed: Vec<(String, Range<u32>)>,
    /// The versions that the document lists apart from the releases' files, as it spells them.
    pub versions: Vec<String>,
    /// Where to find a release.
    pub(crate) lookup: Lookup,
    /// With a mirror's clock, for each release the position of the one that bounds its time.
    pub(crate) bounds: Vec<Option<u32>>,
}

/// One release in an index, or one file of it where a release has several.
#[derive(Debug, Clone, Default)]
pub struct Listed {
    /// The version as the registry spells it.
    pub version: String,
    /// The file, where a release has several.
    pub file: Option<File>,
    /// Its place in the order; `None` if it has none.
    pub order: Option<Version>,
    /// When it was published, as the registry says.
    pub published: Option<Timestamp>,
    /// Its file.
    pub artifact: Artifact,
    /// The account that published it.
    pub publisher: Option<String>,
    /// Code of it runs when it is installed.
    pub install_hook: bool,
    /// There is an attestation about its build.
    pub provenance: bool,
    /// The maintainers' words against using it.
    pub deprecated: Option<String>,
    /// What it asks of the version of its language.
    pub requires: Option<String>,
    /// What could not be understood of this release.
    pub problems: Vec<Problem>,
    /// Where the release's object lies in the document.
    pub object: Range<u32>,
    /// True if it cannot be passed on: its part of the document is not what it should be.
    pub unusable: bool,
    /// Where an address lies in the document that must become ours, and what it becomes, in order.
    pub addresses: Vec<(Range<u32>, Address)>,
    /// Members of the object that rendering reads again: the key's number in a list of the ecosystem's, and the value's
    /// place.
    pub kept: Vec<(u8, Range<u32>)>,
}

/// One of several files of a release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct File {
    /// Its name. No two files of a package have the same.
    pub name: String,
    /// What it is of a release, in words of its ecosystem (`sdist`, `py3-none-any`): like is compared with like.
    pub form: String,
    /// The digest that the index claims of the file's metadata, which lies beside it.
    pub metadata: Option<Integrity>,
}

/// An address in an index that has to be ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    /// The release's artifact.
    Artifact,
    /// The release's attestations.
    Attestations,
}

/// A file of a release, as its index describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Artifact {
    /// Where the upstream has it.
    pub url: String,
    /// The digests that the index claims.
    pub integrity: Option<Integrity>,
}

/// Something in a document that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong and where, for a person.
    pub what: String,
    /// The line, from 1, where that is known.
    pub line: Option<u32>,
}

impl Problem {
    /// A problem.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), line: None }
    }

    /// A problem in a line, counted from 1.
    pub fn at(line: u32, what: impl Into<String>) -> Self {
        Self { what: what.into(), line: Some(line) }
    }
}

impl Index {
    /// The most releases that one index may list.
    pub const MAX_RELEASES: usize = 100_000;
    /// The most problems that are kept, of the document and of each release.
    pub const MAX_PROBLEMS: usize = 20;

    /// An index of these releases, with nothing else in it yet.
    pub(crate) fn new(package: Package, releases: Vec<Listed>) -> Self {
        let mut index = Self {
            package,
            lookup: Lookup::of(&releases),
            releases,
            tags: Vec::new(),
            modified: None,
            times: Vec::new(),
            problems: Vec::new(),
            mirror_clock: false,
            passed: Vec::new(),
            versions: Vec::new(),
            bounds: Vec::new(),
        };
        index.mirror_clock = index.detect_mirror_clock();
        if index.mirror_clock {
            index.bounds = index.bounds();
        }
        index
    }

    /// The index of a package of which nothing is listed.
    pub fn empty(package: Package) -> Self {
        Self::new(package, Vec::new())
    }

    /// The release with this version, or the first of its files.
    pub fn get(&self, version: &str) -> Option<&Listed> {
        self.releases.get(self.position(version)?)
    }

    /// The place of the release with this version in the index's order, or of the first of its files.
    pub fn position(&self, version: &str) -> Option<usize> {
        self.positions(version).next()
    }

    /// The places of everything that is listed under this version.
    pub fn positions(&self, version: &str) -> impl Iterator<Item = usize> {
        self.lookup.version(&self.releases, version)
    }

    /// The place of this release, or of this file of it.
    pub fn position_of(&self, release: &Release) -> Option<usize> {
        let file = |at: &usize| self.releases[*at].file.as_ref().map(|file| file.name.as_str());
        self.positions(&release.version).find(|at| file(at) == release.file.as_deref())
    }

    /// The release, or the file of it, as a subject.
    pub fn release(&self, listed: &Listed) -> Release {
        let file = listed.file.as_ref().map(|file| file.name.clone());
        Release { file, ..self.package.release(listed.version.clone()) }
    }

    /// The release that a file name in a request means: by our own spelling first, then by the upstream's.
    pub fn by_file(&self, file: &str, ours: impl Fn(&Listed) -> String) -> Option<&Listed> {
        let upstream = self.lookup.file(&self.releases, file);
        // Nearly always both spell it alike, and the others need not be looked at.
        if upstream.is_some_and(|listed| ours(listed) == file) {
            return upstream;
        }
        let ours = |listed: &&Listed| file.contains(&listed.version) && ours(listed) == file;
        self.releases.iter().find(ours).or(upstream)
    }

    /// When the release was published, and by whose clock.
    ///
    /// A mirror notes when it first saw a version, so an old version that somebody just asked for looks new. It is as old
    /// as a later version of the same line at least, and that bounds its time from above. What a tag names is not bounded:
    /// an intruder could publish a version that was skipped, and would inherit the age of the one after it.
    pub fn published(&self, listed: &Listed) -> Option<(Timestamp, Clock)> {
        let stated = listed.published?;
        if !self.mirror_clock {
            return Some((stated, Clock::Registry));
        }
        let bound = self.position(&listed.version).and_then(|at| *self.bounds.get(at)?);
        let bound = bound.and_then(|at| self.releases.get(at as usize));
        match bound.and_then(|later| Some((later.published?, &later.version))) {
            Some((at, version)) if at < stated => Some((at, Clock::Mirror { bounded_by: Some(version.clone()) })),
            _ => Some((stated, Clock::Mirror { bounded_by: None })),
        }
    }

    /// Sets the tags. A release that one of them names is no longer bounded by later ones.
    pub(crate) fn tag(&mut self, tags: Vec<(String, String)>) {
        for (_, version) in &tags {
            if let Some(bound) = self.position(version).and_then(|at| self.bounds.get_mut(at)) {
                *bound = None;
            }
        }
        self.tags = tags;
    }

    /// For each release the later one of its line that was published first.
    fn bounds(&self) -> Vec<Option<u32>> {
        let mut bounds = vec![None; self.releases.len()];
        let mut run: Option<Run> = None;
        for at in self.lookup.ordered().rev() {
            let listed = &self.releases[at];
            let Some((line, patch)) = listed.line() else { continue };
            let mut here = run.filter(|run| run.line == line).unwrap_or(Run { line, patch, later: None, all: None });
            if here.patch != patch {
                here = Run { patch, later: here.all, ..here };
            }
            bounds[at] = here.later.map(|(_, at)| at);
            let own = listed.published.map(|published| (published, offset(at)));
            here.all = [here.all, own].into_iter().flatten().min();
            run = Some(here);
        }
        bounds
    }

    /// True if the times of the settled past contradict the order of the versions: a mirror's clock.
    ///
    /// The newest [`MIRROR_SETTLED_HOURS`] of the index do not count. Of the rest, each release is compared with the next
    /// later version of its line. One that was published [`MIRROR_SLACK_HOURS`] after its successor is odd; as many as
    /// [`MIRROR_MIN_INVERSIONS`], and a fifth of all pairs, is a clock that does not tell publish times. An attacker who
    /// has just taken a package over cannot bring this about, because what they publish is too new to count.
    pub fn detect_mirror_clock(&self) -> bool {
        let newest = self.releases.iter().filter_map(|listed| listed.published).max();
        let settled = newest.and_then(|at| at.checked_sub(SignedDuration::from_hours(MIRROR_SETTLED_HOURS)).ok());
        let Some(settled) = settled else { return false };
        let counted = self.lookup.ordered().filter_map(|at| {
            let listed = &self.releases[at];
            Some((listed.line()?, listed.published.filter(|at| *at < settled)?))
        });
        let slack = SignedDuration::from_hours(MIRROR_SLACK_HOURS);
        let (mut pairs, mut inversions) = (0, 0);
        let mut last = None;
        for ((line, patch), at) in counted {
            if let Some((_, _, earlier)) = last.filter(|(of, number, _)| *of == line && *number < patch) {
                pairs += 1;
                inversions += usize::from(at.duration_until(earlier) > slack);
            }
            last = Some((line, patch, at));
        }
        inversions >= MIRROR_MIN_INVERSIONS && inversions * 5 >= pairs
    }

    /// The version that a tag should name, given which releases are cleared: the tag's own if it is, else the highest
    /// cleared one below it in the same major version and prerelease track. Never by publish time.
    ///
    /// `cleared` has one entry for each release, in the index's order.
    pub fn repaired_tag(&self, tagged: &str, cleared: &[bool]) -> Option<&Listed> {
        let tagged = self.position(tagged)?;
        let mut track = std::iter::successors(Some(tagged), |at| self.lookup.below(*at));
        self.releases.get(track.find(|at| cleared.get(*at) == Some(&true))?)
    }

    /// The positions of what may be compared with `subject`, the most telling first: lower releases of its line, then the lower ones of other lines, the highest first. Within each, prereleases come last, and of a release's
    /// files the one of the same form comes first.
    pub fn before(&self, subject: &Listed) -> Vec<usize> {
        let Some(order) = subject.order.as_ref() else { return Vec::new() };
        let lower = |at: &usize| self.releases.get(*at).is_some_and(|listed| listed.cmp_order(subject).is_lt());
        let mut before: Vec<usize> = self.lookup.ordered().rev().filter(lower).collect();
        let of_another_form = |listed: &Listed| match (&listed.file, &subject.file) {
            (Some(other), Some(own)) => other.form != own.form,
            _ => false,
        };
        // Files of one release are next to each other now, and a stable sort leaves them so.
        for files in before.chunk_by_mut(|a, b| self.releases[*a].version == self.releases[*b].version) {
            files.sort_by_key(|at| of_another_form(&self.releases[*at]));
        }
        before.sort_by_key(|at| {
            let other = self.releases.get(*at).and_then(|listed| listed.order.as_ref());
            let apart = other.is_none_or(|other| other.line() != order.line());
            (apart, other.is_none_or(Version::is_prerelease))
        });
        before
    }

    /// What [`Index::repaired_tag`] says for a tag on each of the releases, by position. An index can have as many tags
    /// as releases, and all of them may have to be moved.
    pub(crate) fn repaired_tags(&self, cleared: &[bool]) -> Vec<Option<usize>> {
        let mut repaired: Vec<Option<usize>> =
            (0..self.releases.len()).map(|at| (cleared.get(at) == Some(&true)).then_some(at)).collect();
        for at in self.lookup.ordered().filter(|at| cleared.get(*at) != Some(&true)) {
            repaired[at] = self.lookup.below(at).and_then(|below| repaired[below]);
        }
        repaired
    }

    /// The highest cleared release whose version is wanted.
    pub fn highest(&self, cleared: &[bool], wanted: impl Fn(&Version) -> bool) -> Option<&Listed> {
        let is_cleared = |at: &usize| cleared.get(*at) == Some(&true);
        let highest_first = self.lookup.ordered().rev().filter(is_cleared).filter_map(|at| self.releases.get(at));
        highest_first.into_iter().find(|listed| listed.order.as_ref().is_some_and(&wanted))
    }

    /// The release that a package is described by: the highest that people would choose, else the highest cleared one, else
    /// the highest of those that are still listed.
    pub fn described_by(&self, standings: &[Standing]) -> Option<&Listed> {
        let is = |wanted: &dyn Fn(&Listed, Standing) -> bool| -> Vec<bool> {
            let each = self.releases.iter().zip(standings);
            each.map(|(listed, standing)| listed.is_usable() && wanted(listed, *standing)).collect()
        };
        let offered = is(&|listed, standing| standing == Standing::Cleared && listed.deprecated.is_none());
        let chosen = self.highest(&offered, |version| !version.is_prerelease());
        let cleared = || self.highest(&is(&|_, standing| standing == Standing::Cleared), |_| true);
        chosen.or_else(cleared).or_else(|| self.highest(&is(&|_, standing| standing != Standing::Removed), |_| true))
    }

    /// What is listed of this version, in any spelling of it.
    pub fn spelt(&self, version: &str) -> Option<&Listed> {
        let order = (self.ecosystem()?.version)(version).ok();
        self.get(version).or_else(|| self.releases.iter().find(|listed| order.is_some() && listed.order == order))
    }

    /// What has an order, the highest first.
    pub fn highest_first(&self) -> impl Iterator<Item = &Listed> {
        self.lookup.ordered().rev().filter_map(|at| self.releases.get(at))
    }

    /// The versions that clients choose unless they are steered: those that tags name, and in an index without tags the
    /// newest one of each line of development.
    pub fn first_choices(&self) -> HashSet<&str> {
        if !self.tags.is_empty() {
            return self.tags.iter().map(|(_, version)| version.as_str()).collect();
        }
        let mut lines = HashSet::new();
        let offered = self.highest_first().filter(|listed| listed.is_usable() && listed.deprecated.is_none());
        let first = offered.filter(|listed| {
            listed.order.as_ref().is_some_and(|version| !version.is_prerelease() && lines.insert(version.line()))
        });
        first.map(|listed| listed.version.as_str()).collect()
    }

    /// The ecosystem that this index belongs to.
    pub fn ecosystem(&self) -> Option<&'static Ecosystem> {
        by_id(self.package.ecosystem.as_str())
    }
}

/// How much later than its successor a version has to be published to count as out of order, in hours.
const MIRROR_SLACK_HOURS: i64 = 24;
/// How much of the newest past does not count, in hours: what a fresh intruder could have written.
const MIRROR_SETTLED_HOURS: i64 = 30 * 24;
/// How many inversions it takes.
const MIRROR_MIN_INVERSIONS: usize = 3;

/// A walk through the releases of one line, latest first.
#[derive(Clone, Copy)]
struct Run {
    line: [u64; 3],
    patch: u64,
    /// The first published of those with a later patch number.
    later: Option<(Timestamp, u32)>,
    /// The first published of all so far.
    all: Option<(Timestamp, u32)>,
}

impl Listed {
    /// True if the release can be passed on: its part of the document is what it should be.
    pub fn is_usable(&self) -> bool {
        !self.unusable
    }

    /// The name of its file, at the upstream if it has none of its own.
    fn upstream_file(&self) -> &str {
        let file = self.file.as_ref().map(|file| file.name.as_str());
        file.unwrap_or_else(|| self.artifact.url.rsplit('/').next().unwrap_or_default())
    }

    /// Its line (down to the minor version) and its number in it. Prereleases have none.
    fn line(&self) -> Option<([u64; 3], u64)> {
        let order = self.order.as_ref().filter(|order| !order.is_prerelease())?;
        let [epoch, major, minor, patch] = order.numbers();
        Some(([epoch, major, minor], patch))
    }

    /// Notes something that could not be understood.
    pub(crate) fn problem(&mut self, what: &str) {
        if self.problems.len() < Index::MAX_PROBLEMS {
            self.problems.push(Problem::new(what));
        }
    }

    /// Notes something that makes the release impossible to pass on: it will not be rendered.
    pub(crate) fn unusable(&mut self, what: &str) {
        self.problem(what);
        self.unusable = true;
    }

    fn cmp_order(&self, other: &Self) -> Ordering {
        self.order.partial_cmp(&other.order).unwrap_or(Ordering::Equal)
    }
}

/// In which form a client asks for an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variant {
    /// Everything, in the ecosystem's main format.
    Full,
    /// What an installer needs.
    Abbreviated,
    /// A web page.
    Html,
}

/// What is to become of a release in a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Listed as it is.
    Cleared,
    /// Listed for lockfiles, and marked so that resolvers choose another.
    Held,
    /// Not listed.
    Removed,
}

/// What the policy wants of a listing.
#[derive(Debug, Clone, Copy)]
pub struct Steering<'a> {
    /// One for each release of the index, in its order.
    pub standings: &'a [Standing],
    /// What a person is told who asks for a held release.
    pub message: &'a str,
    /// Our address of the ecosystem's mount, without a trailing `/`.
    pub base: &'a str,
    /// How much to write.
    pub variant: Variant,
}

/// A rendered document: pieces of the original and text of ours, in order. It is a fraction of the document's size, so it
/// can be kept, and the body can be sent without ever being whole in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rope {
    text: String,
    pieces: Vec<Piece>,
}

/// A piece of a [`Rope`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Bytes of the original document.
    Document(Range<u32>),
    /// Bytes of the rope's own text.
    Text(Range<u32>),
}

impl Rope {
    /// Adds text of ours.
    pub fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let start = offset(self.text.len());
        self.text.push_str(text);
        let end = offset(self.text.len());
        match self.pieces.last_mut() {
            Some(Piece::Text(range)) => range.end = end,
            _ => self.pieces.push(Piece::Text(start..end)),
        }
    }

    /// Adds text of ours as a JSON string.
    pub fn json(&mut self, text: &str) {
        if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
            self.text("\"");
            self.text(text);
            self.text("\"");
        } else {
            self.text(&serde_json::Value::from(text).to_string());
        }
    }

    /// Adds bytes of the original.
    pub fn document(&mut self, range: Range<u32>) {
        match self.pieces.last_mut() {
            Some(Piece::Document(last)) if last.end == range.start => last.end = range.end,
            _ if range.is_empty() => {}
            _ => self.pieces.push(Piece::Document(range)),
        }
    }

    /// The pieces in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The bytes of a text piece.
    pub fn text_of(&self, range: &Range<u32>) -> &[u8] {
        &self.text.as_bytes()[range.start as usize..range.end as usize]
    }

    /// The length of the whole in bytes.
    pub fn len(&self) -> u64 {
        let length = |piece: &Piece| match piece {
            Piece::Document(range) | Piece::Text(range) => u64::from(range.end - range.start),
        };
        self.pieces.iter().map(length).sum()
    }

    /// True if nothing was written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives back the memory that was only reserved: a rope is written once and kept for long.
    pub(crate) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.pieces.shrink_to_fit();
    }

    /// The bytes that the rope keeps in memory, about.
    pub fn weight(&self) -> usize {
        self.text.capacity() + self.pieces.capacity() * size_of::<Piece>()
    }

    /// The whole, given the document it was made of.
    pub fn flatten(&self, document: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.len()).unwrap_or_default());
        for piece in &self.pieces {
            match piece {
                Piece::Document(range) => bytes.extend_from_slice(&document[range.start as usize..range.end as usize]),
                Piece::Text(range) => bytes.extend_from_slice(self.text_of(range)),
            }
        }
        bytes
    }
}

/// An offset in a document; documents are limited to far less than 4 GiB.
pub(crate) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
