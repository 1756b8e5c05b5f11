//! Crates that are published here: what cargo sends, and the index file that is made of what is hosted.
//!
//! cargo publishes with two lengths: JSON about the release, and its file. The JSON becomes a line of the index, in which
//! some things are called otherwise than in the request.

#[cfg(test)]
mod tests;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use stockade_model::{Algorithm, Malformed, Package};

use super::route::{self, Api};
use super::{package, version};
use crate::archive::{Root, unpack};
use crate::hosting::{Answer, Change, Hosted, HostedFile, Hosting, Publication, Told};
use crate::{Denial, Refusal, Request};

/// How crates are hosted.
pub(super) struct Crates;

type Object = Map<String, Value>;

impl Hosting for Crates {
    fn changes(&self, request: &Request<'_>, _content_type: &str, body: &Bytes) -> Result<Vec<Change>, Malformed> {
        match route::of_api(request) {
            Some(Api::Publish) => Ok(vec![Change::Publish(publication(body)?)]),
            Some(Api::Yank(release)) => Ok(vec![Change::Discourage { release, why: Some(String::new()) }]),
            Some(Api::Unyank(release)) => Ok(vec![Change::Discourage { release, why: None }]),
            None => Err(Malformed::new("a request", request.path, "it changes nothing")),
        }
    }

    fn changed(&self, changes: &[Change], notes: &[String]) -> Answer {
        if changes.iter().any(|change| matches!(change, Change::Publish(_))) {
            let warnings = json!({ "invalid_categories": [], "invalid_badges": [], "other": notes });
            return Answer::json(200, &json!({ "warnings": warnings }));
        }
        Answer::json(200, &json!({ "ok": true }))
    }

    fn index(&self, _package: &Package, hosted: &Hosted) -> Vec<u8> {
        let mut lines = String::new();
        for file in &hosted.files {
            lines.push_str(&line(file).to_string());
            lines.push('\n');
        }
        lines.into_bytes()
    }

    fn told(&self, told: &Told<'_>) -> Option<Answer> {
        match told {
            Told::Publishers(names) => {
                let users = names.iter().enumerate().map(|(at, name)| json!({ "id": at, "login": name, "name": null }));
                let users: Vec<Value> = users.collect();
                Some(Answer::json(200, &json!({ "users": users })))
            }
            Told::Found(found) => {
                let crates: Vec<Value> =
                    found.iter().filter_map(|(package, hosted)| summary(package, hosted)).collect();
                Some(Answer::json(200, &json!({ "crates": crates, "meta": { "total": crates.len() } })))
            }
            _ => None,
        }
    }

    /// cargo reads refusals of its API as JSON.
    fn refusal(&self, path: &str, refusal: &Refusal) -> Option<Denial> {
        if !path.starts_with("/api/") {
            return None;
        }
        let hint = refusal.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        let detail = format!("{}{hint}", refusal.sentence);
        Some(Denial {
            status: refusal.status,
            phrase: Denial::phrase_of(&refusal.sentence),
            content_type: "application/json",
            body: json!({ "errors": [{ "detail": detail }] }).to_string().into_bytes(),
        })
    }
}

/// The two halves of what cargo sends: each has its length before it, in four bytes, the lowest first.
fn halves(body: &Bytes) -> Option<(Bytes, Bytes)> {
    let half = |at: usize| {
        let length = body.get(at..at + 4)?;
        let length = usize::try_from(u32::from_le_bytes(length.try_into().ok()?)).ok()?;
        let end = (at + 4).checked_add(length).filter(|end| *end <= body.len())?;
        Some((body.slice(at + 4..end), end))
    };
    let (document, at) = half(0)?;
    let (file, end) = half(at)?;
    (end == body.len()).then_some((document, file))
}

fn publication(body: &Bytes) -> Result<Publication, Malformed> {
    let none = |why| Malformed::new("a publication", "of a crate", why);
    let (document, bytes) = halves(body).ok_or_else(|| none("it is not two lengths with what they count"))?;
    let document: Value = serde_json::from_slice(&document).map_err(|_| none("what it says is not JSON"))?;
    let said = |key: &str| document.get(key).and_then(Value::as_str);
    let spelt = said("name").ok_or_else(|| none("it names no crate"))?;
    let package = package(spelt)?;
    let stated = said("vers").ok_or_else(|| none("it names no version"))?;
    version::read(stated)?;
    agrees(spelt, stated, &bytes)?;
    let malformed = |why| Malformed::new("a publication", spelt, why);
    let mut entry = Object::new();
    entry.insert("name".to_owned(), json!(spelt));
    entry.insert("vers".to_owned(), json!(stated));
    let needs = document.get("deps").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let needs: Option<Vec<Value>> = needs.iter().map(need).collect();
    entry.insert("deps".to_owned(), json!(needs.ok_or_else(|| malformed("a dependency in it cannot be read"))?));
    features(&document, &mut entry);
    for key in ["links", "rust_version", "description"] {
        if let Some(text) = said(key) {
            entry.insert(key.to_owned(), json!(text));
        }
    }
    let release = package.release(stated);
    Ok(Publication { release, bytes, claimed: None, entry: Value::Object(entry).to_string(), tags: Vec::new() })
}

/// A crate whose `Cargo.toml` says something else than the request is not what its user thinks.
fn agrees(name: &str, version: &str, bytes: &Bytes) -> Result<(), Malformed> {
    let malformed = |why| Malformed::new("a publication", name, why);
    let tree = unpack(bytes, Root::Common);
    let manifest = tree.get("Cargo.toml").ok_or_else(|| malformed("there is no `Cargo.toml` in the file"))?;
    let manifest: toml::Table = String::from_utf8_lossy(&manifest.bytes)
        .parse()
        .map_err(|_| malformed("the `Cargo.toml` in the file is not TOML"))?;
    let own = |key: &str| manifest.get("package")?.get(key)?.as_str();
    if own("name") != Some(name) || own("version") != Some(version) {
        return Err(malformed("the `Cargo.toml` in the file names another crate or version"));
    }
    Ok(())
}

/// A dependency as the index has it. A renamed one has its own name in `package`.
fn need(stated: &Value) -> Option<Value> {
    let mut need = stated.as_object()?.clone();
    let name = need.remove("name")?;
    let wanted = need.remove("version_req")?;
    match need.remove("explicit_name_in_toml") {
        Some(Value::String(renamed)) => {
            need.insert("name".to_owned(), json!(renamed));
            need.insert("package".to_owned(), name);
        }
        _ => drop(need.insert("name".to_owned(), name)),
    }
    need.insert("req".to_owned(), wanted);
    (need.get("name")?.is_string() && need.get("req")?.is_string()).then_some(Value::Object(need))
}

/// Features in the syntax of Rust 1.60 stand apart, so that older clients do not stumble over them.
fn features(document: &Value, entry: &mut Object) {
    let all = document.get("features").and_then(Value::as_object).cloned().unwrap_or_default();
    let is_new = |values: &Value| {
        let texts = values.as_array().into_iter().flatten().filter_map(Value::as_str);
        texts.into_iter().any(|text| text.starts_with("dep:") || text.contains("?/"))
    };
    let (new, old): (Object, Object) = all.into_iter().partition(|(_, values)| is_new(values));
    entry.insert("features".to_owned(), Value::Object(old));
    if !new.is_empty() {
        entry.insert("features2".to_owned(), Value::Object(new));
        entry.insert("v".to_owned(), json!(2));
    }
}

/// A line of the index.
fn line(file: &HostedFile) -> Value {
    let mut line = entry(file);
    line.remove("description");
    line.insert("cksum".to_owned(), json!(file.hex(Algorithm::Sha256)));
    line.insert("yanked".to_owned(), json!(file.discouraged.is_some()));
    line.insert("pubtime".to_owned(), json!(file.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()));
    Value::Object(line)
}

fn entry(file: &HostedFile) -> Object {
    match serde_json::from_str(&file.entry) {
        Ok(Value::Object(entry)) => entry,
        _ => Object::new(),
    }
}

/// What a search shows of a crate: the highest version that is not yanked.
fn summary(package: &Package, hosted: &Hosted) -> Option<Value> {
    let usable = hosted.files.iter().filter(|file| file.discouraged.is_none());
    let ordered = usable.filter_map(|file| Some((version::read(&file.release.version).ok()?, file)));
    let (_, newest) = ordered.max_by(|(a, _), (b, _)| a.pre.is_empty().cmp(&b.pre.is_empty()).then(a.cmp(b)))?;
    let entry = entry(newest);
    let name = entry.get("name").cloned().unwrap_or_else(|| json!(package.name.as_str()));
    Some(json!({ "name": name, "max_version": newest.release.version, "description": entry.get("description") }))
}
