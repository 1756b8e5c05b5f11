//! The older description of a project, as one JSON document: `/pypi/PROJECT/json` and `/pypi/PROJECT/VERSION/json`.
//!
//! Tools that look for newer versions read it, and so do older releases of Poetry. It says what is needed of a release, and
//! beside that it lists files. What a registry says of the release is passed on; the list is made anew of the page that we
//! serve, because that is what was ruled on. Of the whole project it speaks of a release that may be had: whoever takes the
//! version from there asks for it next. Where a registry has no such documents, as many mirrors, what is needed is
//! not said: clients then look into the files' metadata.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use stockade_model::{Malformed, Release};

use super::path::encoded;
use super::{name, version};
use crate::{Advice, Described, Index, Summary};

pub(super) static SUMMARY: Summary = Summary { path, render };

/// The interface lies beside that of the pages. The whole project's document has thousands of files in it that we would not
/// look at, so that of a release is asked for.
fn path(release: &Release) -> String {
    format!("../pypi/{}/{}/json", release.package.name, encoded(&release.version))
}

/// What a registry says of a release. Other members of the document are not passed on: nobody knows where they lead.
#[derive(Default, Deserialize)]
struct Theirs {
    info: Map<String, Value>,
    #[serde(default)]
    last_serial: Value,
    #[serde(default)]
    vulnerabilities: Value,
}

/// The part of our own page that is read back.
#[derive(Deserialize)]
struct Page {
    files: Vec<File>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct File {
    filename: String,
    #[serde(default)]
    hashes: Map<String, Value>,
    #[serde(default)]
    requires_python: Value,
    #[serde(default)]
    size: Value,
    #[serde(default)]
    upload_time: Value,
    #[serde(default)]
    yanked: Value,
    url: String,
}

fn render(described: &Described<'_>) -> Result<Vec<u8>, Malformed> {
    let release = described.release;
    let malformed = |why| Malformed::new("the description of a release", &release.to_string(), why);
    let theirs = described.theirs.map(serde_json::from_slice::<Theirs>).transpose();
    let theirs = theirs.map_err(|_| malformed("it is not what it should be"))?;
    if theirs.as_ref().is_some_and(|theirs| !is_of(&theirs.info, release)) {
        return Err(malformed("it is of another release"));
    }
    let theirs = theirs.unwrap_or_default();
    let page: Page =
        serde_json::from_slice(described.index_document).map_err(|_| malformed("the page cannot be read"))?;
    let listed = listed(described.index);
    let mut releases: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for file in page.files {
        let Some((version, form)) = listed.get(file.filename.as_str()) else { continue };
        releases.entry(version).or_default().push(entry(file, form));
    }
    let urls = releases.get(release.version.as_str()).cloned().unwrap_or_default();
    let info = info(theirs.info, described, &urls);
    let mut document = json!({
        "info": info,
        "last_serial": theirs.last_serial,
        "urls": urls,
        "vulnerabilities": vulnerabilities(theirs.vulnerabilities, described.advice),
    });
    if let Some(members) = document.as_object_mut().filter(|_| described.whole) {
        members.insert("releases".to_owned(), json!(releases));
    }
    Ok(document.to_string().into_bytes())
}

/// What the registry knows of vulnerabilities, and ours after it. Where neither says anything it stays unsaid, since tools
/// take an empty list for an answer.
fn vulnerabilities(theirs: Value, ours: &[Advice]) -> Value {
    let known: Vec<Value> = match theirs {
        Value::Array(known) => known,
        theirs if ours.is_empty() => return theirs,
        _ => Vec::new(),
    };
    let ours = ours.iter().filter(|advice| !known.iter().any(|known| known["id"] == advice.id)).map(|advice| {
        json!({
            "id": advice.id,
            "aliases": advice.aliases,
            "summary": advice.title(),
            "details": advice.title(),
            "fixed_in": advice.fixed,
            "link": advice.url(),
            "source": "stockade",
            "withdrawn": null,
        })
    });
    let ours: Vec<Value> = ours.collect();
    Value::Array(known.into_iter().chain(ours).collect())
}

fn is_of(info: &Map<String, Value>, release: &Release) -> bool {
    let text = |key: &str| info.get(key).and_then(Value::as_str);
    let order = |text: &str| version::parse(text).ok();
    let same_version = text("version").and_then(order).zip(order(&release.version)).is_some_and(|(a, b)| a == b);
    same_version && text("name").is_some_and(|own| name::normalised(own) == release.package.name.as_str())
}

/// Version and form of each file, by its name.
fn listed(index: &Index) -> HashMap<&str, (&str, &str)> {
    let files = index.releases.iter().filter_map(|listed| Some((listed, listed.file.as_ref()?)));
    files.map(|(listed, file)| (file.name.as_str(), (listed.version.as_str(), file.form.as_str()))).collect()
}

/// A release is yanked if all of its files are.
fn info(mut info: Map<String, Value>, described: &Described<'_>, files: &[Value]) -> Map<String, Value> {
    let Described { release, base, .. } = described;
    let yanked = !files.is_empty() && files.iter().all(|file| file["yanked"] == true);
    let reason = files.first().filter(|_| yanked).map_or(Value::Null, |file| file["yanked_reason"].clone());
    let page = format!("{base}/simple/{}/", release.package.name);
    let own = format!("{base}/pypi/{}/{}/json", release.package.name, encoded(&release.version));
    let ours = [
        ("docs_url", Value::Null),
        ("download_url", Value::Null),
        ("package_url", json!(page)),
        ("project_url", json!(page)),
        ("release_url", json!(own)),
        ("yanked", json!(yanked)),
        ("yanked_reason", reason),
    ];
    info.extend(ours.map(|(key, value)| (key.to_owned(), value)));
    let python = files.first().map_or(Value::Null, |file| file["requires_python"].clone());
    for (key, value) in [
        ("name", json!(release.package.name.as_str())),
        ("version", json!(release.version)),
        ("summary", Value::Null),
        ("requires_dist", Value::Null),
        ("requires_python", python),
    ] {
        info.entry(key).or_insert(value);
    }
    info
}

/// A file as this interface describes it. It counts nothing, and has no detached signature.
fn entry(file: File, form: &str) -> Value {
    let File { filename, hashes, requires_python, size, upload_time, yanked, url } = file;
    let (kind, python) = kind(form);
    let at = upload_time.as_str().map(|at| at.split(['.', 'Z', '+']).next().unwrap_or(at).to_owned());
    json!({
        "comment_text": null,
        "downloads": -1,
        "filename": filename,
        "has_sig": false,
        "md5_digest": hashes.get("md5"),
        "digests": hashes,
        "packagetype": kind,
        "python_version": python,
        "requires_python": requires_python,
        "size": size,
        "upload_time": at,
        "upload_time_iso_8601": upload_time,
        "url": url,
        "yanked": !matches!(yanked, Value::Null | Value::Bool(false)),
        "yanked_reason": yanked.as_str(),
    })
}

/// What this interface calls a form, and the Python that it is for.
fn kind(form: &str) -> (&str, &str) {
    let (word, rest) = form.split_once('-').unwrap_or((form, ""));
    let python = || rest.rsplit('-').find(|part| part.starts_with("py")).unwrap_or("any");
    match word {
        "sdist" => ("sdist", "source"),
        "egg" => ("bdist_egg", python()),
        "wininst" => ("bdist_wininst", python()),
        "msi" => ("bdist_msi", python()),
        "dumb" => ("bdist_dumb", python()),
        "rpm" => ("bdist_rpm", "any"),
        "dmg" => ("bdist_dmg", "any"),
        "deb" | "other" => ("bdist_dumb", "any"),
        python => ("bdist_wheel", python),
    }
}
