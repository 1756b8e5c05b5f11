//! Writing a packument: the original's bytes with our addresses, steered.
//!
//! Held releases stay in `versions`, so that lockfiles keep resolving, and stand in `policyRestrictions` too: npm prefers
//! any other release that satisfies the range, and says the message if there is none. For clients that do not read that,
//! they are `deprecated`: pnpm, Yarn and Bun then prefer any other release too. Dist-tags that name a held release name the
//! highest cleared one of the same major version and prerelease track instead.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::ops::Range;

use crate::index::{Address, Index, Listed, Rope, Standing, Steering, Variant};
use crate::npm::packument::KEPT;
use crate::npm::route::{TARBALL_END, attestations_start, encoded, tarball_start};

pub(super) fn packument(index: &Index, steering: &Steering<'_>) -> Rope {
    let ours = Addresses::new(index, steering.base);
    let mut rope = Rope::default();
    rope.text("{\"name\":");
    rope.json(index.package.name.as_str());
    rope.text(",\"dist-tags\":");
    write_tags(&mut rope, index, steering);
    rope.text(",\"versions\":{");
    let mut first = true;
    for (listed, standing) in rendered(index, steering) {
        separate(&mut rope, &mut first);
        rope.json(&listed.version);
        rope.text(":");
        let held = standing == Standing::Held;
        match steering.variant {
            Variant::Full | Variant::Html if held => deprecated(&mut rope, listed, &ours),
            Variant::Full | Variant::Html => copy(&mut rope, listed, listed.object.clone(), &ours),
            Variant::Abbreviated => abbreviated(&mut rope, listed, held, &ours),
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
    rope.shrink();
    rope
}

/// A version goes before a tag of the same name.
pub(super) fn manifest(index: &Index, steering: &Steering<'_>, wanted: &str) -> Option<Rope> {
    let at = index.position(wanted).or_else(|| {
        let (_, at) = repaired(index, steering).into_iter().find(|(tag, _)| *tag == wanted)?;
        Some(at)
    })?;
    let listed = index.releases.get(at)?;
    if !is_rendered(listed, *steering.standings.get(at)?) {
        return None;
    }
    let mut rope = Rope::default();
    copy(&mut rope, listed, listed.object.clone(), &Addresses::new(index, steering.base));
    Some(rope)
}

pub(super) fn tags(index: &Index, steering: &Steering<'_>) -> Vec<u8> {
    let mut rope = Rope::default();
    write_tags(&mut rope, index, steering);
    rope.flatten(&[])
}

/// The releases that are listed, with their standing.
fn rendered<'a>(index: &'a Index, steering: &'a Steering<'_>) -> impl Iterator<Item = (&'a Listed, Standing)> {
    let standings = steering.standings.iter().copied();
    index.releases.iter().zip(standings).filter(|(listed, standing)| is_rendered(listed, *standing))
}

/// One without a place for our address cannot be passed on.
fn is_rendered(listed: &Listed, standing: Standing) -> bool {
    standing != Standing::Removed && listed.is_usable()
}

/// What is held, and what is not even listed: npm reads the restrictions of versions that it does not find otherwise, and
/// says the message instead of "no matching version".
fn restrictions(rope: &mut Rope, index: &Index, steering: &Steering<'_>) {
    let standings = index.releases.iter().zip(steering.standings);
    let mut refused = standings.filter(|(_, standing)| **standing != Standing::Cleared).peekable();
    if refused.peek().is_none() {
        return;
    }
    rope.text(",\"policyRestrictions\":{\"message\":");
    rope.json(steering.message);
    rope.text(",\"versions\":{");
    let mut first = true;
    for (listed, _) in refused {
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

/// The member by which resolvers avoid a release.
const DEPRECATED: &str = "deprecated";
/// What stands there of one that is held. Some print it beside what they choose all the same.
const HELD: &str = "held by stockade: `stockade why` says until when";

/// Of two members with one name, the last one counts.
fn deprecated(rope: &mut Rope, listed: &Listed, ours: &Addresses) {
    let Range { start, end } = listed.object;
    copy(rope, listed, start..end.saturating_sub(1), ours);
    rope.text(",\"deprecated\":");
    rope.json(HELD);
    rope.text("}");
}

fn abbreviated(rope: &mut Rope, listed: &Listed, held: bool, ours: &Addresses) {
    rope.text("{");
    let mut first = true;
    if held {
        separate(rope, &mut first);
        rope.text("\"deprecated\":");
        rope.json(HELD);
    }
    for (number, place) in &listed.kept {
        let Some(key) = KEPT.get(usize::from(*number)).filter(|key| !(held && **key == DEPRECATED)) else { continue };
        separate(rope, &mut first);
        rope.json(key);
        rope.text(":");
        copy(rope, listed, place.clone(), ours);
    }
    if listed.install_hook {
        separate(rope, &mut first);
        rope.text("\"hasInstallScript\":true");
    }
    rope.text("}");
}

/// Copies a part of the document and puts our addresses in the places of the upstream's.
fn copy(rope: &mut Rope, listed: &Listed, part: Range<u32>, ours: &Addresses) {
    let mut at = part.start;
    let inside = |place: &Range<u32>| part.start <= place.start && place.end <= part.end;
    for (place, address) in listed.addresses.iter().filter(|(place, _)| inside(place)) {
        rope.document(at..place.start);
        ours.write(rope, *address, &listed.version);
        at = place.end;
    }
    rope.document(at..part.end);
}

/// Our addresses of a package's releases, as JSON strings up to where the version stands.
struct Addresses {
    tarball: String,
    attestations: String,
}

impl Addresses {
    fn new(index: &Index, base: &str) -> Self {
        let name = index.package.name.as_str();
        let open = |start: String| {
            let json = serde_json::Value::from(start).to_string();
            json.strip_suffix('"').map(str::to_owned).unwrap_or_default()
        };
        Self { tarball: open(tarball_start(base, name)), attestations: open(attestations_start(base, name)) }
    }

    fn write(&self, rope: &mut Rope, address: Address, version: &str) {
        let (start, end) = match address {
            Address::Artifact => (&self.tarball, TARBALL_END),
            Address::Attestations => (&self.attestations, ""),
        };
        rope.text(start);
        // Percent-encoded text has nothing that JSON escapes.
        encoded(version).for_each(|part| rope.text(part));
        rope.text(end);
        rope.text("\"");
    }
}

fn separate(rope: &mut Rope, first: &mut bool) {
    if !std::mem::take(first) {
        rope.text(",");
    }
}

fn write_tags(rope: &mut Rope, index: &Index, steering: &Steering<'_>) {
    rope.text("{");
    let mut first = true;
    for (tag, at) in repaired(index, steering) {
        separate(rope, &mut first);
        rope.json(tag);
        rope.text(":");
        rope.json(&index.releases[at].version);
    }
    rope.text("}");
}

/// The tags, each with the position of a cleared release where its track has one.
///
/// Where it has none, a tag goes on naming the held release: who asks for it gets the reason and not another major
/// version. A tag whose release was removed goes too, except `latest`, without which some clients fail: it names the
/// highest release that is left.
fn repaired<'a>(index: &'a Index, steering: &Steering<'_>) -> Vec<(&'a str, usize)> {
    let stands = |wanted: fn(Standing) -> bool| -> Vec<bool> {
        let standings = index.releases.iter().zip(steering.standings);
        standings.map(|(listed, standing)| wanted(*standing) && is_rendered(listed, *standing)).collect()
    };
    let cleared = stands(|standing| standing == Standing::Cleared);
    let rendered = stands(|_| true);
    let repaired = index.repaired_tags(&cleared);
    let name = |(tag, tagged): &'a (String, String)| {
        let tagged = index.position(tagged);
        let own = tagged.and_then(|at| repaired[at]).or(tagged.filter(|at| rendered.get(*at) == Some(&true)));
        let left = || (tag == "latest").then(|| highest_left(index, &[&cleared, &rendered]))?;
        Some((tag.as_str(), own.or_else(left)?))
    };
    index.tags.iter().filter_map(name).collect()
}

/// The highest release of the first of these choices that has one; a prerelease only if there is nothing else.
fn highest_left(index: &Index, choices: &[&[bool]]) -> Option<usize> {
    choices.iter().find_map(|choice| {
        let stable = index.highest(choice, |order| !order.is_prerelease());
        index.position(&stable.or_else(|| index.highest(choice, |_| true))?.version)
    })
}
