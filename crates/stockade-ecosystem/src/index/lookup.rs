//! The releases of an index in the orders in which they are looked for, made once: an index has thousands of releases,
//! hundreds of tags, and is asked for each tarball.

use std::collections::HashMap;

use super::Listed;
use crate::Version;

/// Positions in the list of releases. They hold as long as nobody changes the list.
#[derive(Debug, Clone)]
pub(crate) struct Lookup {
    /// All, by the version's text.
    by_version: Vec<u32>,
    /// All, by the name of the file in the upstream's address; equal ones in the document's order.
    by_file: Vec<u32>,
    /// Those that have an order, lowest first; equal ones in the document's order.
    by_order: Vec<u32>,
    /// For each release the highest one below it on its track.
    below: Vec<Option<u32>>,
}

impl Lookup {
    pub(super) fn of(releases: &[Listed]) -> Self {
        let all = || releases.iter().zip(0_u32..).map(|(_, at)| at);
        let mut by_version: Vec<u32> = all().collect();
        by_version.sort_by(|a, b| releases[*a as usize].version.cmp(&releases[*b as usize].version));
        let mut by_file: Vec<u32> = all().collect();
        by_file.sort_by(|a, b| releases[*a as usize].upstream_file().cmp(releases[*b as usize].upstream_file()));
        let mut by_order: Vec<u32> = all().filter(|at| releases[*at as usize].order.is_some()).collect();
        by_order.sort_by(|a, b| releases[*a as usize].cmp_order(&releases[*b as usize]));
        let below = below(releases, &by_order);
        Self { by_version, by_file, by_order, below }
    }

    /// The positions of what is listed under this version, in the document's order.
    pub(super) fn version(&self, releases: &[Listed], version: &str) -> impl Iterator<Item = usize> {
        let text = |at: &u32| releases.get(*at as usize).map_or("", |listed| listed.version.as_str());
        let start = self.by_version.partition_point(|at| text(at) < version);
        let end = start + self.by_version[start..].partition_point(|at| text(at) == version);
        self.by_version[start..end].iter().map(|at| *at as usize)
    }

    /// The first release whose file has this name at the upstream.
    pub(super) fn file<'a>(&self, releases: &'a [Listed], file: &str) -> Option<&'a Listed> {
        let lower = |at: &u32| releases.get(*at as usize).is_some_and(|listed| listed.upstream_file() < file);
        let at = *self.by_file.get(self.by_file.partition_point(lower))?;
        releases.get(at as usize).filter(|listed| listed.upstream_file() == file)
    }

    /// The positions of the releases that have an order, lowest first.
    pub(super) fn ordered(&self) -> impl DoubleEndedIterator<Item = usize> {
        self.by_order.iter().map(|at| *at as usize)
    }

    /// The position of the highest release below this one on its track.
    pub(super) fn below(&self, at: usize) -> Option<usize> {
        Some((*self.below.get(at)?)? as usize)
    }
}

/// For each release the highest one that is lower and on the same track. Versions that differ only in their build
/// metadata are equally high, so neither is below the other.
fn below(releases: &[Listed], by_order: &[u32]) -> Vec<Option<u32>> {
    let mut below = vec![None; releases.len()];
    let mut highest: HashMap<Track<'_>, u32> = HashMap::new();
    for &at in by_order {
        let listed = &releases[at as usize];
        let Some(track) = listed.order.as_ref().map(track) else { continue };
        below[at as usize] = highest.insert(track, at).and_then(|last| {
            let equal = releases[last as usize].cmp_order(listed).is_eq();
            if equal { below[last as usize] } else { Some(last) }
        });
    }
    below
}

/// What a tag follows: a major version, and in it the releases or the prereleases of one name.
type Track<'a> = ([u64; 2], &'a str, bool);

fn track(version: &Version) -> Track<'_> {
    let [epoch, major, ..] = version.numbers();
    ([epoch, major], version.word(), version.is_prerelease())
}
