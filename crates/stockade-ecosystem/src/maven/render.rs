//! Writing `maven-metadata.xml`: the original's bytes without the versions that nobody shall choose.
//!
//! Maven knows no mark for a version that is to be avoided, so a held one is not listed, as if it were not published
//! yet. Only ranges and `LATEST` look here: a build that names its version never does, and a held file is refused with
//! its reason. `latest` and `release` name a cleared version too.

use std::ops::Range;

use super::metadata::{DOCUMENT, LATEST, RELEASE};
use crate::index::{Index, Listed, Rope, Standing, Steering};

pub(super) fn metadata(index: &Index, steering: &Steering<'_>) -> Rope {
    let standings = index.releases.iter().zip(steering.standings);
    let cleared: Vec<bool> =
        standings.map(|(listed, standing)| *standing == Standing::Cleared && listed.is_usable()).collect();
    let mut changes: Vec<(Range<u32>, String)> = Vec::new();
    for (listed, _) in index.releases.iter().zip(&cleared).filter(|(_, cleared)| !**cleared) {
        changes.extend(places(listed).map(|place| (place, String::new())));
    }
    for (tag, tagged) in &index.tags {
        if let Some(place) = place(index, tag)
            && let Some(written) = repointed(index, &cleared, tag, tagged)
        {
            changes.push((place, written));
        }
    }
    changes.sort_unstable_by_key(|(place, _)| place.start);
    let mut rope = Rope::default();
    let mut at = 0;
    for (place, text) in changes {
        rope.document(at..place.start);
        rope.text(&text);
        at = place.end;
    }
    rope.document(at..place(index, DOCUMENT).map_or(at, |whole| whole.end));
    rope.shrink();
    rope
}

/// Where a version is listed.
fn places(listed: &Listed) -> impl Iterator<Item = Range<u32>> {
    std::iter::once(listed.object.clone()).chain(listed.kept.iter().map(|(_, place)| place.clone()))
}

fn place(index: &Index, key: &str) -> Option<Range<u32>> {
    index.passed.iter().find(|(name, _)| name == key).map(|(_, place)| place.clone())
}

/// The element that takes the place of one whose version is not cleared; nothing if none is. `None`: it stays.
fn repointed(index: &Index, cleared: &[bool], tag: &str, tagged: &str) -> Option<String> {
    if index.position(tagged).is_some_and(|at| cleared.get(at) == Some(&true)) {
        return None;
    }
    let stable = || index.highest(cleared, |order| !order.is_prerelease());
    let highest = match tag {
        RELEASE => stable(),
        LATEST => index.repaired_tag(tagged, cleared).or_else(stable).or_else(|| index.highest(cleared, |_| true)),
        _ => None,
    };
    let element = |listed: &Listed| format!("<{tag}>{}</{tag}>", listed.version.replace('&', "&amp;"));
    Some(highest.map(element).unwrap_or_default())
}
