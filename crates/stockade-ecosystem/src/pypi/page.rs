//! Reading a project page (PEP 691, 700, 714, 740, 792).
//!
//! A page lists files, not releases: thousands of them, each with an address, digests and a time. The document is walked
//! once; of a file is kept what the policy needs, and where the few values lie that are written anew for clients.
//!
//! pip takes a file's name from the end of its address, uv from `filename`. A page on which the two differ shows each of
//! them something else, so what clients get from us ends in `filename`, whatever the address was.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;

use jiff::Timestamp;
use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use stockade_model::{Algorithm, Digest, Integrity, Malformed, Package};

use super::file::{self, Foreign};
use super::{name, path, version};
use crate::index::{File, Index, Listed, Problem, offset};
use crate::json::{self, Collect, IfObject, Members, Places, Text, Walk, object, string};

/// A part of a file's object that rendering writes anew; its number stands in [`Listed::kept`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The beginning of the address, up to the path below the host: ours.
    Host,
    /// The end of the address, behind the path: nothing.
    Query,
    /// The whole address as a JSON string, if its path cannot be kept: ours in its short form.
    Address,
    /// The value of `yanked`.
    Yanked,
    /// A value that becomes `false`: what it speaks of is not offered.
    False,
    /// A value that becomes `null`.
    Null,
    /// The beginning of an address, up to the path of a document that is passed on: ours.
    Mount,
}

impl Part {
    const ALL: [Self; 7] = [Self::Host, Self::Query, Self::Address, Self::Yanked, Self::False, Self::Null, Self::Mount];

    /// The part with this number.
    pub(super) fn of(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// The longest text that is kept of a reason or of a requirement, in characters.
const MAX_KEPT_TEXT: usize = 300;
/// Members of a page that lead to other indexes: clients would go there, past us. (PEP 708, which was rejected.)
const ELSEWHERE: [&str; 2] = ["alternate-locations", "tracks"];
/// What stands for a reason if a file was yanked without one.
const NO_REASON: &str = "it was yanked without a reason";

/// Reads a project page. What is wrong with one file is said there; an error means that the document as a whole is none.
pub(super) fn read(package: &Package, document: &[u8]) -> Result<Index, Malformed> {
    let malformed = |why| Malformed::new("a project page", package.name.as_str(), why);
    let text = std::str::from_utf8(document).map_err(|_| malformed("the document is not UTF-8"))?;
    let places = Places::new(text);
    let walk = Page { project: package.name.as_str(), places: &places };
    let top = json::document(text, walk).map_err(|error| malformed(not_readable(&error)))?;
    let mut top = top.ok_or_else(|| malformed("the document is not an object"))?;
    match top.others.get("name").and_then(string) {
        Some(own) if name::normalised(&own) == package.name.as_str() => {}
        Some(_) => return Err(malformed("the document is of another package")),
        None => return Err(malformed("the document names no package")),
    }
    let mut problems = repeated_members(&top);
    match api_version(&top.others) {
        Some((1, _)) => {}
        Some(_) => return Err(malformed("the document is of another version of the interface than 1")),
        None => problems.push(Problem::new("`meta.api-version` is not a version")),
    }
    let mut files = top.files.take().ok_or_else(|| malformed("the document has no `files`"))?;
    if files.listed.len() > Index::MAX_RELEASES {
        return Err(malformed("it lists more than 100,000 files"));
    }
    if files.others > 0 {
        problems.push(Problem::new(format!("{} of its `files` are not objects", files.others)));
    }
    drop_repeated(&mut files.listed);
    let versions = top.others.get("versions").map_or_else(Vec::new, |raw| texts(raw, &mut problems));
    spell(&mut files.listed, &versions);
    if status(&top.others).as_deref() == Some("quarantined") {
        files.listed.iter_mut().for_each(|listed| listed.unusable("its project is quarantined by the registry"));
    }
    let passed = top.others.effective().filter(|(key, _)| !ELSEWHERE.contains(key));
    let passed = passed.map(|(key, value)| (key.to_owned(), places.of(value))).collect();
    Ok(Index { problems, passed, versions, ..Index::new(package.clone(), files.listed) })
}

fn not_readable(error: &serde_json::Error) -> &'static str {
    if error.is_data() {
        "`files` is not an array, or an object has more than 200,000 members"
    } else {
        "the document is not JSON, which is the only form of an index that has the times of files"
    }
}

fn repeated_members(top: &Top<'_>) -> Vec<Problem> {
    let files = (top.times > 1).then_some("files");
    let repeated = files.into_iter().chain(top.others.repeated());
    let problem = |key: &str| {
        let key: String = key.chars().take(Malformed::SHOWN).collect();
        Problem::new(format!("the member `{}` is there twice", key.escape_debug()))
    };
    repeated.take(Index::MAX_PROBLEMS).map(problem).collect()
}

/// The version of the interface that the page is of: the major one is the promise.
fn api_version(others: &Members<'_>) -> Option<(u32, u32)> {
    let meta = others.get("meta").and_then(object)?;
    let version = meta.get("api-version").and_then(string)?;
    let (major, minor) = version.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// What the registry says of the project as a whole (PEP 792).
fn status(others: &Members<'_>) -> Option<String> {
    let status = others.get("project-status")?;
    let status = object(status)?.get("status").and_then(string)?;
    Some(status.into_owned())
}

/// A name that is listed twice is one file, which is not passed on: who knows which of them a client takes.
fn drop_repeated(files: &mut Vec<Listed>) {
    let mut unseen: HashMap<String, bool> = HashMap::with_capacity(files.len());
    for name in files.iter().filter_map(file_name) {
        unseen.entry(name.to_owned()).and_modify(|repeated| *repeated = true).or_insert(false);
    }
    unseen.retain(|_, repeated| *repeated);
    files.retain_mut(|listed| {
        let Some(first) = file_name(listed).and_then(|name| unseen.get_mut(name)) else { return true };
        listed.unusable("its name is listed twice");
        std::mem::take(first)
    });
}

fn file_name(listed: &Listed) -> Option<&str> {
    Some(listed.file.as_ref()?.name.as_str())
}

/// Gives all files of a release the same version: as the page lists it, else in its normal form. In names of files it is
/// spelt in several ways.
fn spell(files: &mut [Listed], versions: &[String]) {
    let mut spelt = HashMap::new();
    for text in versions {
        if let Ok(crate::Version::Pep440(order)) = version::parse(text) {
            spelt.entry(order).or_insert(text);
        }
    }
    for listed in files {
        if let Some(crate::Version::Pep440(order)) = &listed.order {
            listed.version = spelt.get(order).map_or_else(|| order.to_string(), |text| (*text).clone());
        }
    }
}

/// The elements of an array that are strings; others are a problem.
fn texts(raw: &RawValue, problems: &mut Vec<Problem>) -> Vec<String> {
    let Ok(elements) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) else {
        problems.push(Problem::new("`versions` is not an array"));
        return Vec::new();
    };
    let elements = elements.get(..Index::MAX_RELEASES).unwrap_or(&elements);
    let texts: Vec<String> = elements.iter().filter_map(|raw| Some(string(raw)?.into_owned())).collect();
    if texts.len() < elements.len() {
        problems.push(Problem::new("an entry of `versions` is not text"));
    }
    texts
}

/// Walks through a page. `files` is nearly all of it and is read in passing, one file at a time.
struct Page<'c> {
    project: &'c str,
    places: &'c Places<'c>,
}

/// The members of a page.
struct Top<'a> {
    /// The last `files`, and how many there were.
    files: Option<Files>,
    times: usize,
    others: Members<'a>,
}

impl<'de> Walk<'de> for Page<'_> {
    type Value = Top<'de>;

    fn walk<A: MapAccess<'de>>(self, mut map: A) -> Result<Top<'de>, A::Error> {
        let mut top = Top { files: None, times: 0, others: Members(Vec::new()) };
        while let Some(Text(key)) = map.next_key()? {
            if key == "files" {
                top.files = Some(map.next_value_seed(EachFile { project: self.project, places: self.places })?);
                top.times += 1;
            } else {
                json::limit(top.others.0.len())?;
                top.others.0.push((key, map.next_value()?));
            }
        }
        Ok(top)
    }
}

/// The files of a page, and how many entries were none.
struct Files {
    listed: Vec<Listed>,
    others: usize,
}

/// Walks through the files; those above the limit are not kept, except for one that tells of it.
struct EachFile<'c> {
    project: &'c str,
    places: &'c Places<'c>,
}

impl<'de> DeserializeSeed<'de> for EachFile<'_> {
    type Value = Files;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Files, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for EachFile<'_> {
    type Value = Files;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of files")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Files, A::Error> {
        let mut files = Files { listed: Vec::new(), others: 0 };
        while files.listed.len() <= Index::MAX_RELEASES {
            match seq.next_element_seed(IfObject(Collect))? {
                Some(Some(members)) => files.listed.push(entry(self.project, &members, self.places)),
                Some(None) => files.others += 1,
                None => return Ok(files),
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(files)
    }
}

fn entry(project: &str, members: &Members<'_>, places: &Places<'_>) -> Listed {
    let mut listed = Listed { install_hook: true, ..Listed::default() };
    match members.get("filename").and_then(string) {
        Some(name) => read_name(project, &name, &mut listed),
        None => listed.unusable("its `filename` is not text"),
    }
    match places.of_object(members) {
        Some(place) => listed.object = place,
        None => listed.unusable("its entry is empty, or begins with an escape"),
    }
    if members.repeated().is_empty() {
        read_members(members, &mut listed, places);
    } else {
        listed.unusable("a member of its entry is there twice");
    }
    listed.kept.sort_by_key(|(_, place)| place.start);
    listed
}

/// Without a version that can be read, a file has what stands in its place, so that it can be spoken of.
fn read_name(project: &str, name: &str, listed: &mut Listed) {
    let shown: String = name.chars().take(MAX_KEPT_TEXT).collect();
    let (version, form) = match file::parse(project, name) {
        Ok(parsed) => {
            if parsed.order.is_none() {
                listed.problem("the version in its name does not follow PEP 440");
            }
            listed.order = parsed.order;
            listed.install_hook = parsed.runs;
            (parsed.version, parsed.form)
        }
        Err(foreign) => {
            listed.unusable(match foreign {
                Foreign::Forbidden => "its name has a character that no file's name has, or too many of them",
                Foreign::Project => "its name is not that of a file of this project",
            });
            (shown.clone(), String::new())
        }
    };
    listed.version = if version.is_empty() { shown.clone() } else { version };
    listed.file = Some(File { name: shown, form, metadata: None });
}

fn read_members(members: &Members<'_>, listed: &mut Listed, places: &Places<'_>) {
    read_address(members, listed, places);
    listed.artifact.integrity = integrity(members.get("hashes"), listed);
    let present = |key: &str| members.get(key).filter(|raw| raw.get() != "null");
    if let Some(raw) = present("upload-time") {
        listed.published = string(raw).and_then(|text| text.parse::<Timestamp>().ok());
        if listed.published.is_none() {
            listed.problem("its `upload-time` is not an RFC 3339 instant");
        }
    }
    if let Some(raw) = present("requires-python") {
        listed.requires = string(raw).map(|text| cut(&text));
        if listed.requires.is_none() {
            listed.problem("its `requires-python` is not text");
        }
    }
    if let Some(raw) = members.get("yanked") {
        listed.kept.push((Part::Yanked as u8, places.of(raw)));
        listed.deprecated = yanked(raw);
    }
    if let Some(raw) = members.get("provenance") {
        read_provenance(raw, listed, places);
    }
    if let Some(raw) = members.get("gpg-sig") {
        listed.kept.push((Part::False as u8, places.of(raw)));
    }
    read_metadata(members, listed, places);
}

fn read_address(members: &Members<'_>, listed: &mut Listed, places: &Places<'_>) {
    let Some((raw, url)) = members.get("url").and_then(|raw| Some((raw, string(raw)?))) else {
        listed.unusable("its `url` is not an address");
        return;
    };
    let place = places.of(raw);
    let path = file_name(listed).and_then(|name| path::original(&url, name));
    match path {
        // Escapes make the text longer than what it stands for, and its parts cannot be copied.
        Some(path) if raw.get().len() == url.len() + 2 => {
            let at = |at: usize| place.start + 1 + offset(at);
            listed.kept.push((Part::Host as u8, at(0)..at(path.start)));
            listed.kept.push((Part::Query as u8, at(path.end)..at(url.len())));
        }
        _ => listed.kept.push((Part::Address as u8, place)),
    }
    listed.artifact.url = url.into_owned();
}

/// The attestations of a file (PEP 740) are offered where their address is of the shape that we know how to ask for.
fn read_provenance(raw: &RawValue, listed: &mut Listed, places: &Places<'_>) {
    listed.provenance = raw.get().starts_with('"');
    let place = places.of(raw);
    let url = string(raw).filter(|url| raw.get().len() == url.len() + 2);
    let own = url.as_deref().zip(file_name(listed)).and_then(|(url, name)| path::attestations(url, name));
    listed.kept.push(match own {
        Some(start) => (Part::Mount as u8, place.start + 1..place.start + 1 + offset(start)),
        None => (Part::Null as u8, place),
    });
}

/// The digests that we know. What the index claims with others only, nobody can check.
fn integrity(hashes: Option<&RawValue>, listed: &mut Listed) -> Option<Integrity> {
    let Some(hashes) = hashes.and_then(object) else {
        listed.problem("its `hashes` are not an object");
        return None;
    };
    if !hashes.repeated().is_empty() {
        listed.unusable("a member of its `hashes` is there twice");
        return None;
    }
    let mut digests = Vec::new();
    for (algorithm, digest) in &hashes.0 {
        let Ok(algorithm) = algorithm.parse::<Algorithm>() else { continue };
        match string(digest).and_then(|text| Digest::from_hex(algorithm, &text).ok()) {
            Some(digest) => digests.push(digest),
            None => listed.problem("one of its `hashes` is not a digest"),
        }
    }
    let claim = Integrity::from_digests(digests);
    if !claim.as_ref().is_some_and(|claim| claim.strongest().proves()) {
        listed.problem("none of its `hashes` is one that proves anything");
    }
    claim
}

/// The words of whoever yanked it. As in Python, an empty text is no.
fn yanked(raw: &RawValue) -> Option<String> {
    match raw.get() {
        "false" | "null" | "\"\"" | "0" => None,
        _ => Some(string(raw).map_or_else(|| NO_REASON.to_owned(), |text| cut(&text))),
    }
}

/// The metadata beside a file (PEP 658, 714) are offered where the index says which digest they have, in one voice.
fn read_metadata(members: &Members<'_>, listed: &mut Listed, places: &Places<'_>) {
    let values = ["core-metadata", "dist-info-metadata"].map(|key| members.get(key));
    let claims: Vec<(&RawValue, Option<Digest>)> =
        values.into_iter().flatten().map(|raw| (raw, described(raw))).collect();
    let claimed = claims.iter().find_map(|(_, digest)| digest.clone());
    let agreed = claimed.filter(|claimed| claims.iter().all(|(_, own)| own.as_ref().is_none_or(|own| own == claimed)));
    if agreed.is_none() && claims.iter().any(|(_, digest)| digest.is_some()) {
        listed.problem("`core-metadata` and `dist-info-metadata` claim different digests");
    }
    for (raw, digest) in claims {
        if agreed.is_none() || digest.is_none() {
            listed.kept.push((Part::False as u8, places.of(raw)));
        }
    }
    if let Some(file) = listed.file.as_mut() {
        file.metadata = agreed.and_then(|digest| Integrity::from_digests(vec![digest]));
    }
}

fn described(raw: &RawValue) -> Option<Digest> {
    let hashes = object(raw).filter(|hashes| hashes.repeated().is_empty())?;
    Digest::from_hex(Algorithm::Sha256, &hashes.get(Algorithm::Sha256.name()).and_then(string)?).ok()
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_KEPT_TEXT).collect()
}
