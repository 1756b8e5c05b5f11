//! Writing a packument: the original's bytes with our addresses, steered.
//!
//! Held releases stay in `versions`, so that lockfiles keep resolving, and stand in `policyRestrictions` too: npm prefers
//! any other release that satisfies the range, and says the message if there is none. Dist-tags that name a held release
//! name the highest cleared one of the same major version and prerelease track instead.

use std::collections::HashSet;
use std::ops::Range;

use crate::index::{Address, Index, Listed, Rope, Standing, Steering, Variant};
use crate::npm::packument::KEPT;
use crate::npm::route::{attestations_url, tarball_url};

pub(super) fn packument(index: &Index, steering: &Steering<'_>) -> Rope {
    let mut rope = Rope::default();
    rope.text("{\"name\":");
    rope.json(index.package.name.as_str());
    rope.text(",\"dist-tags\":");
    rope.text(&json_of_tags(index, steering));
    rope.text(",\"versions\":{");
    let mut first = true;
    for (listed, _) in rendered(index, steering) {
        separate(&mut rope, &mut first);
        rope.json(&listed.version);
        rope.text(":");
        match steering.variant {
            Variant::Full => copy(&mut rope, index, listed, listed.object.clone(), steering.base),
            Variant::Abbreviated => abbreviated(&mut rope, index, listed, steering.base),
        }
    }
    rope.text("}");
    restrictions(&mut rope, index, steering);
    times(&mut rope, index, steering);
    if steering.variant == Variant::Full {
        for (key, place) in &index.passed {
            rope.text(",");
            rope.json(key);
            rope.text(":");
            rope.document(place.clone());
        }
    }
    rope.text("}");
    rope
}

pub(super) fn manifest(index: &Index, steering: &Steering<'_>, wanted: &str) -> Option<Rope> {
    let tags = repaired(index, steering);
    let version = tags.iter().find(|(tag, _)| *tag == wanted).map_or(wanted, |(_, version)| version);
    let (listed, _) = rendered(index, steering).find(|(listed, _)| listed.version == version)?;
    let mut rope = Rope::default();
    copy(&mut rope, index, listed, listed.object.clone(), steering.base);
    Some(rope)
}

pub(super) fn tags(index: &Index, steering: &Steering<'_>) -> Vec<u8> {
    json_of_tags(index, steering).into_bytes()
}

/// The releases that are listed, with their standing. One without a place for our address cannot be passed on.
fn rendered<'a>(index: &'a Index, steering: &'a Steering<'_>) -> impl Iterator<Item = (&'a Listed, Standing)> {
    let standings = steering.standings.iter().copied();
    index
        .releases
        .iter()
        .zip(standings)
        .filter(|(listed, standing)| *standing != Standing::Removed && !listed.addresses.is_empty())
}

fn restrictions(rope: &mut Rope, index: &Index, steering: &Steering<'_>) {
    let mut held = rendered(index, steering).filter(|(_, standing)| *standing == Standing::Held).peekable();
    if held.peek().is_none() {
        return;
    }
    rope.text(",\"policyRestrictions\":{\"message\":");
    rope.json(steering.message);
    rope.text(",\"versions\":{");
    let mut first = true;
    for (listed, _) in held {
        separate(rope, &mut first);
        rope.json(&listed.version);
        rope.text(":{\"name\":");
        rope.json(index.package.name.as_str());
        rope.text(",\"version\":");
        rope.json(&listed.version);
        rope.text("}");
    }
    rope.text("}}");
}

/// `time`, in the abbreviated form too: clients with an age gate of their own then need not fetch the whole.
fn times(rope: &mut Rope, index: &Index, steering: &Steering<'_>) {
    if let (Some(modified), Variant::Abbreviated) = (&index.modified, steering.variant) {
        rope.text(",\"modified\":");
        rope.json(modified);
    }
    rope.text(",\"time\":{");
    let mut first = true;
    let standings = index.releases.iter().zip(steering.standings);
    let removed: HashSet<&str> = standings
        .filter(|(_, standing)| **standing == Standing::Removed)
        .map(|(listed, _)| listed.version.as_str())
        .collect();
    for (key, at) in index.times.iter().filter(|(key, _)| !removed.contains(key.as_str())) {
        separate(rope, &mut first);
        rope.json(key);
        rope.text(":");
        rope.json(at);
    }
    rope.text("}");
}

fn abbreviated(rope: &mut Rope, index: &Index, listed: &Listed, base: &str) {
    rope.text("{");
    let mut first = true;
    for (number, place) in &listed.kept {
        let Some(key) = KEPT.get(usize::from(*number)) else { continue };
        separate(rope, &mut first);
        rope.json(key);
        rope.text(":");
        copy(rope, index, listed, place.clone(), base);
    }
    if listed.install_hook {
        separate(rope, &mut first);
        rope.text("\"hasInstallScript\":true");
    }
    rope.text("}");
}

/// Copies a part of the document and puts our addresses in the places of the upstream's.
fn copy(rope: &mut Rope, index: &Index, listed: &Listed, part: Range<u32>, base: &str) {
    let mut at = part.start;
    let inside = |place: &Range<u32>| part.start <= place.start && place.end <= part.end;
    for (place, address) in listed.addresses.iter().filter(|(place, _)| inside(place)) {
        rope.document(at..place.start);
        let name = index.package.name.as_str();
        rope.json(&match address {
            Address::Artifact => tarball_url(base, name, &listed.version),
            Address::Attestations => attestations_url(base, name, &listed.version),
        });
        at = place.end;
    }
    rope.document(at..part.end);
}

fn separate(rope: &mut Rope, first: &mut bool) {
    if !std::mem::take(first) {
        rope.text(",");
    }
}

fn json_of_tags(index: &Index, steering: &Steering<'_>) -> String {
    let tags = repaired(index, steering).into_iter();
    let tags: serde_json::Map<String, serde_json::Value> =
        tags.map(|(tag, version)| (tag.to_owned(), version.into())).collect();
    serde_json::Value::Object(tags).to_string()
}

/// The tags, each naming a cleared release where its track has one.
///
/// Where it has none, a tag goes on naming the held release: who asks for it gets the reason and not another major
/// version. A tag whose release was removed goes too, except `latest`, without which some clients fail: it names the
/// highest release that is left.
fn repaired<'a>(index: &'a Index, steering: &Steering<'_>) -> Vec<(&'a str, &'a str)> {
    let standings = index.releases.iter().zip(steering.standings);
    let cleared: Vec<bool> =
        standings.map(|(listed, standing)| *standing == Standing::Cleared && !listed.addresses.is_empty()).collect();
    let is_held = |version: &str| {
        let at = index.releases.iter().position(|listed| listed.version == version)?;
        (steering.standings.get(at) == Some(&Standing::Held)).then(|| &index.releases[at])
    };
    let mut tags = Vec::with_capacity(index.tags.len());
    for (tag, tagged) in &index.tags {
        let left = || (tag == "latest").then(|| index.highest(&cleared, |order| !order.is_prerelease()))?;
        let version = index.repaired_tag(tagged, &cleared).or_else(|| is_held(tagged)).or_else(left);
        if let Some(listed) = version {
            tags.push((tag.as_str(), listed.version.as_str()));
        }
    }
    tags
}
