//! Writing a project page: the original's bytes with our addresses, steered.
//!
//! Held files stay, so that lockfiles and pins find them, and are *yanked*: pip and uv choose another version unless one is
//! named exactly, and then they say the reason. What is removed is gone from the files, and its version from `versions`
//! when nothing of it is left.
//!
//! Three members of a file speak of something beside it. Its metadata are offered where the page claims their digest, else
//! clients fetch the file itself. The attestations of its origin are offered at our address, if the registry has them where
//! registries have them. A detached signature is not; no installer asks for it. What is not offered is written as `false`
//! or `null`, which say that there is nothing.

mod html;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use super::page::Part;
use super::path::{encoded, files_start};
use super::version;
use crate::Version;
use crate::index::{Index, Listed, Rope, Standing, Steering, Variant};

/// The longest reason in characters: it stands once for each file, and on one line of a terminal.
const MAX_REASON: usize = 200;

pub(super) fn page(index: &Index, steering: &Steering<'_>) -> Rope {
    let mut rope = Rope::default();
    match steering.variant {
        Variant::Html => html::write(&mut rope, index, steering),
        Variant::Full | Variant::Abbreviated => json(&mut rope, index, steering),
    }
    rope.shrink();
    rope
}

fn json(rope: &mut Rope, index: &Index, steering: &Steering<'_>) {
    let left = left(index, steering);
    rope.text("{");
    for (key, place) in &index.passed {
        rope.json(key);
        rope.text(":");
        match left.as_ref().filter(|_| key == "versions") {
            Some(left) => rope.text(&serde_json::Value::from(left.as_slice()).to_string()),
            None => rope.document(place.clone()),
        }
        rope.text(",");
    }
    rope.text("\"files\":[");
    let start = serde_json::Value::from(files_start(steering.base, index.package.name.as_str())).to_string();
    let start = start.trim_matches('"');
    let mount = serde_json::Value::from(format!("{}/", steering.base)).to_string();
    let mount = mount.trim_matches('"');
    let mut first = true;
    for (listed, standing) in rendered(index, steering) {
        if !std::mem::take(&mut first) {
            rope.text(",");
        }
        let reason = (standing == Standing::Held).then(|| reason(index, listed, steering.message));
        file(rope, listed, &Ours { mount, start }, reason.as_deref());
    }
    rope.text("]}");
}

/// The files that are listed, with their standing.
fn rendered<'a>(index: &'a Index, steering: &'a Steering<'_>) -> impl Iterator<Item = (&'a Listed, Standing)> {
    let standings = steering.standings.iter().copied();
    let listed = index.releases.iter().zip(standings);
    listed.filter(|(listed, standing)| *standing != Standing::Removed && listed.is_usable())
}

/// How our addresses begin, as they stand in a JSON string.
struct Ours<'a> {
    /// The mount's own.
    mount: &'a str,
    /// That of the project's files.
    start: &'a str,
}

/// Copies a file's object and writes our words in their places.
fn file(rope: &mut Rope, listed: &Listed, ours: &Ours<'_>, reason: Option<&str>) {
    let mut at = listed.object.start;
    let is_stated = listed.kept.iter().any(|(number, _)| Part::of(*number) == Some(Part::Yanked));
    if let Some(reason) = reason.filter(|_| !is_stated) {
        rope.text("{\"yanked\":");
        rope.json(reason);
        rope.text(",");
        at += 1;
    }
    for (number, place) in &listed.kept {
        let Some(part) = Part::of(*number).filter(|part| *part != Part::Yanked || reason.is_some()) else { continue };
        rope.document(at..place.start);
        match part {
            Part::Host => rope.text(ours.start),
            Part::Mount => rope.text(ours.mount),
            Part::Query => {}
            Part::Address => {
                rope.text("\"");
                rope.text(ours.start);
                encoded(name(listed)).for_each(|part| rope.text(part));
                rope.text("\"");
            }
            Part::Yanked => rope.json(reason.unwrap_or_default()),
            Part::False => rope.text("false"),
            Part::Null => rope.text("null"),
        }
        at = place.end;
    }
    rope.document(at..listed.object.end);
}

fn name(listed: &Listed) -> &str {
    listed.file.as_ref().map_or("", |file| file.name.as_str())
}

/// The entries of `versions` that stay, or `None` if all do. What goes is a version of which there were files and is none.
fn left<'a>(index: &'a Index, steering: &Steering<'_>) -> Option<Vec<&'a str>> {
    let left: HashSet<&str> = rendered(index, steering).map(|(listed, _)| listed.version.as_str()).collect();
    let gone = |listed: &&Listed| !left.contains(listed.version.as_str());
    let gone: HashSet<&pep440_rs::Version> =
        index.releases.iter().filter(gone).filter_map(|listed| pep440(listed.order.as_ref()?)).collect();
    if gone.is_empty() {
        return None;
    }
    // A version can be there in several spellings.
    let stays = |text: &&str| {
        let order = version::parse(text).ok();
        !order.as_ref().and_then(pep440).is_some_and(|order| gone.contains(order))
    };
    Some(index.versions.iter().map(String::as_str).filter(stays).collect())
}

fn pep440(version: &Version) -> Option<&pep440_rs::Version> {
    if let Version::Pep440(version) = version { Some(version) } else { None }
}

/// Why a file is held, on one line. The message has a sentence for each release that people are likely to ask for; a file
/// of none of them gets no other's.
fn reason(index: &Index, listed: &Listed, message: &str) -> String {
    let start = format!("`{}` {}", index.package.name, listed.version);
    let speaks_of = |line: &&str| {
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || "._+!-".contains(c));
        line.contains(name(listed)) || line.split_once(&start).is_some_and(|(_, rest)| ends(rest))
    };
    let fallback = || format!("held by stockade: see `stockade held` for {}", listed.version);
    let line = message.lines().find(speaks_of).map_or_else(fallback, str::to_owned);
    let plain = line.chars().map(|c| if c.is_control() { ' ' } else { c });
    if line.chars().count() <= MAX_REASON {
        return plain.collect();
    }
    plain.take(MAX_REASON - 3).chain("...".chars()).collect()
}
