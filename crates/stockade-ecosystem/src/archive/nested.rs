//! Archives in an archive: what is in them can be loaded, so it is looked at. The outer file stays in the tree too.
//!
//! Packages of libraries that read archives ship broken ones for their tests. What cannot be read there is no gap, or
//! those packages could never be cleared.

use bytes::Bytes;
use stockade_model::Member;

use super::gaps::{Gaps, shown};
use super::place::{Root, place};
use super::role::is_test_or_doc;
use super::{Budget, contents};

/// How many archives may lie in each other, below the outermost.
const MAX_NESTING: usize = 2;
/// What stands between an archive and what is in it.
const INSIDE: &str = "!/";

/// Names of archives that are looked into.
const EXTENSIONS: &[&str] = &[
    "zip", "whl", "egg", "jar", "war", "ear", "aar", "pyz", "vsix", "hpi", "jpi", "xpi", "nupkg", "apk", "tar", "tgz",
    "gz", "crate", "npz",
];
/// Names of archives that cannot be looked into.
const CLOSED: &[&str] = &["tar.xz", "txz", "tar.bz2", "tbz2", "tar.zst", "7z", "rar"];

/// Adds what is in the archives among the files.
pub(super) fn unpack(members: &mut Vec<Member>, budget: &mut Budget, gaps: &mut Gaps) {
    let mut from = 0;
    for level in 0..=MAX_NESTING {
        let until = members.len();
        for at in from..until {
            let Some(member) = members.get(at).filter(|member| is_archive(&member.path)) else { continue };
            let (path, bytes) = (member.path.clone(), member.bytes.clone());
            let mut inner = Gaps::default();
            if level < MAX_NESTING {
                members.extend(inside(&path, &bytes, budget, &mut inner));
            } else if super::is_archive(&bytes) {
                inner.limit(format!("it lies in more than {MAX_NESTING} archives, and was not looked into"));
            }
            if !is_test_or_doc(&path) {
                let name = shown(&path);
                let inner = inner.into_vec().into_iter();
                gaps.extend(inner.map(|gap| stockade_model::Gap::new(gap.kind, format!("in {name}: {}", gap.detail))));
            }
        }
        from = until;
    }
}

fn is_archive(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let ends = |extension: &&str| path.strip_suffix(*extension).is_some_and(|stem| stem.ends_with('.'));
    EXTENSIONS.iter().chain(CLOSED).any(ends)
}

fn inside(path: &str, bytes: &Bytes, budget: &mut Budget, gaps: &mut Gaps) -> Vec<Member> {
    let Some(entries) = contents(path, bytes, budget, gaps) else { return Vec::new() };
    let mut members = place(&entries, Root::Nothing, gaps);
    for member in &mut members {
        member.path = format!("{path}{INSIDE}{}", member.path);
    }
    members
}
