//! Reading an index file: one JSON object a line, one line a release.
//!
//! cargo reads a line into a structure whose members may each be there once, skips a line that it cannot read, and says
//! nothing about it. So a line that it would read in another way than we do, or that we do not understand, is not passed on
//! at all. What lies between the braces of the others stays as it is: rendering copies lines.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use jiff::Timestamp;
use serde_json::value::RawValue;
use stockade_model::{Algorithm, Digest, Integrity, Malformed, Package};

use super::{name, version};
use crate::Version;
use crate::index::{Artifact, Index, Listed, Problem, offset};
use crate::json::{self, Collect, Members, Places, string};

/// The number in [`Listed::kept`] of the value of `yanked`.
pub(super) const YANKED: u8 = 0;
/// The number in [`Listed::kept`] of the place behind the brace, where a line has no `yanked`.
pub(super) const BRACE: u8 = 1;

/// The longest line in bytes. Crates with thousands of features have lines of some 100 KB.
const MAX_LINE: usize = 4 * 1024 * 1024;

/// Reads an index file. What is wrong with one line is said there; an error means that the document as a whole is none.
pub(super) fn read(package: &Package, document: &[u8]) -> Result<Index, Malformed> {
    let malformed = |why| Malformed::new("an index file", package.name.as_str(), why);
    let (mut releases, mut problems) = (Vec::new(), Vec::new());
    for (number, place) in lines(document) {
        if releases.len() == Index::MAX_RELEASES {
            return Err(malformed("it lists more than 100,000 releases"));
        }
        match line(package, document, place) {
            Ok(listed) => releases.push(listed),
            Err(why) if problems.len() < Index::MAX_PROBLEMS => {
                problems.push(Problem::new(format!("line {number} {why}")));
            }
            Err(_) => {}
        }
    }
    if releases.is_empty() {
        return Err(malformed("no line of it is a release"));
    }
    refuse_other_spellings(&mut releases);
    refuse_repeated(&mut releases);
    Ok(Index { problems, ..Index::new(package.clone(), releases) })
}

/// The lines that are not blank, with their numbers. The place of one has its end in it.
fn lines(document: &[u8]) -> impl Iterator<Item = (usize, Range<usize>)> {
    let lines = document.split_inclusive(|byte| *byte == b'\n').scan(0, |start, line| {
        let place = *start..*start + line.len();
        *start = place.end;
        Some(place)
    });
    (1..).zip(lines).filter(|(_, place)| !document[place.clone()].trim_ascii().is_empty())
}

/// What a line says, or why nobody knows which release it is about.
fn line(package: &Package, document: &[u8], place: Range<usize>) -> Result<Listed, &'static str> {
    if place.len() > MAX_LINE {
        return Err("is longer than 4 MiB");
    }
    let text = std::str::from_utf8(&document[place.clone()]).map_err(|_| "is not UTF-8")?;
    let members = json::document(text, Collect).map_err(|_| "is not JSON")?.ok_or("is not an object")?;
    let stated = members.get("vers").and_then(string).ok_or("names no version")?;
    let order = version::read(&stated).map_err(|_| "has a version that does not follow SemVer")?;
    let mut listed = Listed {
        version: stated.into_owned(),
        order: Some(Version::SemVer(order)),
        object: offset(place.start)..offset(place.end),
        ..Listed::default()
    };
    if members.repeated().is_empty() {
        entry(package, &members, &mut listed);
        keep_yanked(&members, text, place.start, &mut listed);
    } else {
        listed.unusable("a member of its line is there twice");
    }
    Ok(listed)
}

fn entry(package: &Package, members: &Members<'_>, listed: &mut Listed) {
    let spelt = members.get("name").and_then(string).unwrap_or_default();
    if name::parse(&spelt).is_ok_and(|name| name == package.name) {
        listed.artifact.url = address(&spelt, &listed.version);
    } else {
        listed.unusable("its line names another crate");
    }
    listed.artifact.integrity = members.get("cksum").and_then(checksum);
    if listed.artifact.integrity.is_none() {
        listed.unusable("its `cksum` is not a SHA-256");
    }
    listed.install_hook = members.get("links").is_some_and(is_stated);
    let Some(stated) = members.get("pubtime").filter(|raw| is_stated(raw)) else { return };
    listed.published = string(stated).and_then(|text| instant(&text));
    if listed.published.is_none() {
        listed.problem("its `pubtime` is not an instant of the form `YYYY-MM-DDThh:mm:ssZ`");
    }
}

fn is_stated(raw: &RawValue) -> bool {
    raw.get() != "null"
}

/// What cargo appends to the address of files, so that it begins with the crate's name as the registry spells it. See
/// [`spelling`].
fn address(spelt: &str, version: &str) -> String {
    format!("{spelt}/{version}/download")
}

/// The name of a crate as the registry spells it. Files are found under no other spelling.
pub(super) fn spelling(file: &Artifact) -> &str {
    file.url.split('/').next().unwrap_or_default()
}

fn checksum(raw: &RawValue) -> Option<Integrity> {
    let digest = Digest::from_hex(Algorithm::Sha256, &string(raw)?).ok()?;
    Integrity::from_digests(vec![digest])
}

/// An instant in the one form that cargo reads.
fn instant(text: &str) -> Option<Timestamp> {
    const FORM: &[u8] = b"0000-00-00T00:00:00Z";
    let fits = |(byte, form): (u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == *form };
    let is_of_form = text.len() == FORM.len() && text.bytes().zip(FORM).all(fits);
    text.parse().ok().filter(|_| is_of_form)
}

/// Where rendering writes that the release is held, and what the maintainers say.
fn keep_yanked(members: &Members<'_>, line: &str, start: usize, listed: &mut Listed) {
    let within = |place: Range<u32>| place.start + offset(start)..place.end + offset(start);
    let Some(yanked) = members.get("yanked") else {
        // Before the brace there is only white space.
        let behind = offset(line.find('{').map_or(0, |at| at + 1));
        listed.kept.push((BRACE, within(behind..behind)));
        return;
    };
    match yanked.get() {
        "true" => listed.deprecated = Some("yanked".to_owned()),
        "false" | "null" => {}
        _ => listed.unusable("its `yanked` is neither true nor false"),
    }
    listed.kept.push((YANKED, within(Places::new(line).of(yanked))));
}

/// A crate has one spelling, which is the first one that is of this crate: who finds another has found another file.
fn refuse_other_spellings(releases: &mut [Listed]) {
    let Some(first) = releases.iter().find(|listed| listed.is_usable()) else { return };
    let first = spelling(&first.artifact).to_owned();
    let others = releases.iter_mut().filter(|listed| listed.is_usable() && spelling(&listed.artifact) != first);
    others.for_each(|listed| listed.unusable("its line spells the crate in another way than the ones before"));
}

/// A version is there once, whatever its build metadata is. Where it is not, none is passed on: who knows which of them a
/// client takes. Of lines with the same version only one stays in the index.
fn refuse_repeated(releases: &mut Vec<Listed>) {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for listed in releases.iter() {
        *counts.entry(without_build(&listed.version).to_owned()).or_default() += 1;
    }
    let mut seen = HashSet::new();
    releases.retain_mut(|listed| {
        if counts.get(without_build(&listed.version)).is_none_or(|count| *count == 1) {
            return true;
        }
        listed.unusable("the version is listed twice");
        seen.insert(listed.version.clone())
    });
}

fn without_build(version: &str) -> &str {
    version.split('+').next().unwrap_or_default()
}
