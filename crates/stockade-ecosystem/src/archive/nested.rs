//! Archives in an archive: what is in them can be loaded, so it is looked at. The outer file stays in the tree too.
//!
//! Packages of libraries that read archives ship broken ones for their tests. What cannot be read there is no gap, or
//! those packages could never be cleared.

use bytes::Bytes;
use stockade_model::{Gap, Member};

use super::gaps::{Gaps, shown};
use super::place::{Root, place};
use super::role::is_test_or_doc;
use super::{Budget, contents};

/// How many archives may lie in each other, below the outermost.
const MAX_NESTING: usize = 2;
/// The most bytes that archives among tests unpack to, all of them: 64 MiB.
const MAX_TEST_DATA: usize = 64 << 20;
/// What stands between an archive and what is in it.
const INSIDE: &str = "!/";

/// Names of archives that are looked into.
const EXTENSIONS: &[&str] = &[
    "zip", "whl", "egg", "jar", "war", "ear", "aar", "pyz", "vsix", "hpi", "jpi", "xpi", "nupkg", "apk", "tar", "tgz",
    "gz", "crate",
];
/// Names of archives that cannot be looked into.
const CLOSED: &[&str] = &["tar.xz", "txz", "tar.bz2", "tbz2", "tar.zst", "7z", "rar"];

/// Adds what is in the archives among the files: first of those that may be loaded, so that test data cannot use up the
/// limits.
pub(super) fn unpack(members: &mut Vec<Member>, budget: &mut Budget, gaps: &mut Gaps) {
    for of_tests in [false, true] {
        if of_tests {
            budget.bytes = budget.bytes.min(MAX_TEST_DATA);
        }
        let mut at = 0;
        while let Some(member) = members.get(at) {
            at = at.saturating_add(1);
            if is_archive(&member.path) && is_test_or_doc(&member.path) == of_tests {
                let (path, bytes) = (member.path.clone(), member.bytes.clone());
                let mut inner = Gaps::default();
                members.extend(inside(&path, &bytes, budget, &mut inner));
                let inner = inner.into_vec().into_iter().filter(|_| !of_tests);
                gaps.extend(inner.map(|gap| Gap::new(gap.kind, format!("in {}: {}", shown(&path), gap.detail))));
            }
        }
    }
}

fn is_archive(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let ends = |extension: &&str| path.strip_suffix(*extension).is_some_and(|stem| stem.ends_with('.'));
    EXTENSIONS.iter().chain(CLOSED).any(ends)
}

fn inside(path: &str, bytes: &Bytes, budget: &mut Budget, gaps: &mut Gaps) -> Vec<Member> {
    if path.matches(INSIDE).count() >= MAX_NESTING {
        if super::is_archive(bytes) {
            gaps.limit(format!("it lies in {MAX_NESTING} archives, and was not looked into"));
        }
        return Vec::new();
    }
    let Some(entries) = contents(path, bytes, budget, gaps) else { return Vec::new() };
    let mut members = place(&entries, Root::Nothing, gaps);
    for member in &mut members {
        member.path = format!("{path}{INSIDE}{}", member.path);
    }
    members
}
