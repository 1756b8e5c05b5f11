//! A registry's index of one package, compact: what the policy needs to know of each release, and where the pieces of the
//! document lie, so that it is rendered by copying and never parsed again.

use std::ops::Range;

use jiff::Timestamp;
use stockade_model::{Clock, Integrity, Package, Release};

use crate::{Ecosystem, Version, by_id};

/// The releases of a package as its registry lists them.
#[derive(Debug, Clone)]
pub struct Index {
    /// The package.
    pub package: Package,
    /// The releases in the document's order.
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
}

/// One release in an index.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The version as the registry spells it.
    pub version: String,
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
    /// What could not be understood of this release.
    pub problems: Vec<Problem>,
    /// Where the release's object lies in the document.
    pub object: Range<u32>,
    /// Where an address lies in the document that must become ours, and what it becomes, in order.
    pub addresses: Vec<(Range<u32>, Address)>,
    /// The members of the object that an abbreviated index keeps: the key's number and the value's place.
    pub kept: Vec<(u8, Range<u32>)>,
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

impl Problem {
    /// A problem.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }
}

impl Index {
    /// The most releases that one index may list.
    pub const MAX_RELEASES: usize = 100_000;
    /// The most problems that are kept, of the document and of each release.
    pub const MAX_PROBLEMS: usize = 20;

    /// The release with this version.
    pub fn get(&self, version: &str) -> Option<&Listed> {
        self.releases.iter().find(|listed| listed.version == version)
    }

    /// The release as a subject.
    pub fn release(&self, listed: &Listed) -> Release {
        self.package.release(listed.version.clone())
    }

    /// The release that a file name in a request means: by our own spelling first, then by the upstream's.
    pub fn by_file(&self, file: &str, ours: impl Fn(&Listed) -> String) -> Option<&Listed> {
        let ours = |listed: &&Listed| file.contains(&listed.version) && ours(listed) == file;
        let upstream = |listed: &&Listed| listed.artifact.url.rsplit('/').next() == Some(file);
        self.releases.iter().find(ours).or_else(|| self.releases.iter().find(upstream))
    }

    /// When the release was published, and by whose clock.
    ///
    /// A mirror notes when it first saw a version, so an old version that somebody just asked for looks new. It is as old
    /// as a later version of the same line at least, and that bounds its time from above.
    pub fn published(&self, listed: &Listed) -> Option<(Timestamp, Clock)> {
        let stated = listed.published?;
        if !self.mirror_clock {
            return Some((stated, Clock::Registry));
        }
        let later = self.releases.iter().filter(|other| later_in_line(listed, other));
        let bound = later.filter_map(|other| Some((other.published?, &other.version))).min();
        match bound {
            Some((at, version)) if at < stated => Some((at, Clock::Mirror { bounded_by: Some(version.clone()) })),
            _ => Some((stated, Clock::Mirror { bounded_by: None })),
        }
    }

    /// True if the times of the settled past contradict the order of the versions: a mirror's clock.
    ///
    /// Only releases older than every other of their line by [`MIRROR_SLACK_HOURS`] count, each compared with the next
    /// later version of its line. One that was published long after its successor is odd; as many as
    /// [`MIRROR_MIN_INVERSIONS`], and a fifth of all pairs, is a clock that does not tell publish times. An attacker who
    /// has just taken a package over cannot bring this about, because the newest day of the index does not count.
    pub fn detect_mirror_clock(&self) -> bool {
        let Some(newest) = self.releases.iter().filter_map(|listed| listed.published).max() else { return false };
        let settled = newest - jiff::SignedDuration::from_hours(MIRROR_SETTLED_HOURS);
        let mut ordered: Vec<&Listed> = self
            .releases
            .iter()
            .filter(|listed| listed.published.is_some_and(|at| at < settled))
            .filter(|listed| listed.order.as_ref().is_some_and(|Version::SemVer(v)| v.pre.is_empty()))
            .collect();
        ordered.sort_by(|a, b| a.order.partial_cmp(&b.order).unwrap_or(std::cmp::Ordering::Equal));
        let slack = jiff::SignedDuration::from_hours(MIRROR_SLACK_HOURS);
        let (mut pairs, mut inversions) = (0, 0);
        for pair in ordered.windows(2).filter(|pair| later_in_line(pair[0], pair[1])) {
            pairs += 1;
            let (earlier, later) = (pair[0].published, pair[1].published);
            inversions += usize::from(earlier > later.map(|at| at + slack));
        }
        inversions >= MIRROR_MIN_INVERSIONS && inversions * 5 >= pairs
    }

    /// The version that a tag should name, given which releases are cleared: the tag's own if it is, else the highest
    /// cleared one below it in the same major version and prerelease track. Never by publish time.
    ///
    /// `cleared` has one entry for each release, in the index's order.
    pub fn repaired_tag(&self, tagged: &str, cleared: &[bool]) -> Option<&Listed> {
        let at = self.releases.iter().position(|listed| listed.version == tagged)?;
        if cleared.get(at) == Some(&true) {
            return self.releases.get(at);
        }
        let wanted = self.releases.get(at)?.order.as_ref()?;
        self.highest(cleared, |order| same_track(order, wanted) && order < wanted)
    }

    /// The highest cleared release whose version is wanted.
    pub fn highest(&self, cleared: &[bool], wanted: impl Fn(&Version) -> bool) -> Option<&Listed> {
        let cleared = self.releases.iter().zip(cleared).filter(|(_, cleared)| **cleared).map(|(listed, _)| listed);
        cleared
            .filter(|listed| listed.order.as_ref().is_some_and(&wanted))
            .max_by(|a, b| a.order.partial_cmp(&b.order).unwrap_or(std::cmp::Ordering::Equal))
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

/// True if `other` is a later version of the same line (major and minor) as `listed`, neither a prerelease.
fn later_in_line(listed: &Listed, other: &Listed) -> bool {
    let (Some(Version::SemVer(a)), Some(Version::SemVer(b))) = (&listed.order, &other.order) else { return false };
    a.major == b.major && a.minor == b.minor && a.pre.is_empty() && b.pre.is_empty() && a.patch < b.patch
}

/// True if both have the same major version and are on the same track: both releases, or prereleases of the same name.
fn same_track(a: &Version, b: &Version) -> bool {
    let (Version::SemVer(a), Version::SemVer(b)) = (a, b);
    let track = |version: &semver::Version| {
        let word = version.pre.as_str().split('.').next().unwrap_or_default().to_owned();
        word.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned()
    };
    a.major == b.major && a.pre.is_empty() == b.pre.is_empty() && track(a) == track(b)
}

/// How much of an index a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variant {
    /// Everything.
    Full,
    /// What an installer needs.
    Abbreviated,
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
        self.text(&serde_json::Value::from(text).to_string());
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
