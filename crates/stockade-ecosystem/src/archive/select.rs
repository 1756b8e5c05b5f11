//! A few files of a zip archive, and of those in it, without unpacking the rest: who only wants to know what an archive is
//! made of needs a thousandth of it.
//!
//! What is not wanted is not judged. Where the directory at the end and the entries themselves disagree, that is said all
//! the same.

use bytes::Bytes;
use stockade_model::Gap;

use super::gaps::{Gaps, shown};
use super::{Budget, Kind, zip};

/// How many archives may lie in each other, below the outermost.
const MAX_NESTING: usize = 4;
/// The most archives in one.
const MAX_ARCHIVES: usize = 20_000;

/// What was selected.
pub(crate) struct Selected {
    /// The archive and those in it, of which something was selected or not.
    pub(crate) archives: Vec<OfArchive>,
    pub(crate) gaps: Vec<Gap>,
}

/// The wanted files of one archive.
pub(crate) struct OfArchive {
    /// Its path in the outermost; empty for that.
    pub(crate) place: String,
    /// Names and contents.
    pub(crate) files: Vec<(String, Bytes)>,
    /// It has other archives and nothing of its own but manifests.
    pub(crate) holds_only_archives: bool,
}

/// Reads the files that are wanted of a zip archive, and of those in it whose names are archives'.
pub(crate) fn select(bytes: &Bytes, is_wanted: fn(name: &str) -> bool, is_archive: fn(name: &str) -> bool) -> Selected {
    let mut gaps = Gaps::default();
    let mut budget = Budget::new(bytes.len());
    let mut archives: Vec<OfArchive> = Vec::new();
    let mut next = vec![(String::new(), bytes.clone(), 0)];
    while let Some((place, bytes, depth)) = next.pop() {
        if archives.len() >= MAX_ARCHIVES {
            gaps.limit(format!("it has more than {MAX_ARCHIVES} archives in it; the rest was not looked at"));
            break;
        }
        let mut of_this = Gaps::default();
        let limit = budget.limit(bytes.len());
        let (mut wanted, mut others) = (Vec::new(), 0_usize);
        let chosen = |name: &str| is_wanted(name) || is_archive(name);
        let entries = zip::read(&bytes, limit, &mut budget, &mut of_this, &mut |name| {
            let is_chosen = chosen(name);
            others = others
                .saturating_add(usize::from(!is_chosen && !name.ends_with('/') && !name.starts_with("META-INF/")));
            is_chosen
        });
        budget.bytes = budget.bytes.saturating_sub(super::unpacked(&entries));
        let mut inner = 0_usize;
        for entry in entries {
            let Kind::File(bytes) = entry.kind else { continue };
            if !is_archive(&entry.name) {
                wanted.push((entry.name, bytes));
                continue;
            }
            inner = inner.saturating_add(1);
            if depth >= MAX_NESTING {
                of_this
                    .limit(format!("{} lies in {MAX_NESTING} archives, and was not looked into", shown(&entry.name)));
                continue;
            }
            let place = if place.is_empty() { entry.name } else { format!("{place}!/{}", entry.name) };
            next.push((place, bytes, depth + 1));
        }
        let prefix = if place.is_empty() { String::new() } else { format!("in {}: ", shown(&place)) };
        let placed = |gap: Gap| Gap::new(gap.kind, format!("{prefix}{}", gap.detail));
        gaps.extend(of_this.into_vec().into_iter().map(placed));
        archives.push(OfArchive { place, files: wanted, holds_only_archives: inner > 0 && others == 0 });
    }
    Selected { archives, gaps: gaps.into_vec() }
}
