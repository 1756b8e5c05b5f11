//! Packages that are published here: what twine and uv upload, and the project page that is made of what is hosted.
//!
//! An upload is one form for each file. What it says besides the file is what the metadata inside say too, and is only
//! compared: what clients are told is read from the file's name and its metadata.

#[cfg(test)]
mod tests;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use stockade_model::{Algorithm, Digest, Integrity, Malformed, Package};

use super::{file, name, package, version};
use crate::archive::{Root, extension, unpack};
use crate::form::{self, Part};
use crate::hosting::{Answer, Change, Hosted, HostedFile, Hosting, Publication};
use crate::{Request, Version};

/// How packages of Python are hosted.
pub(super) struct PyPi;

impl Hosting for PyPi {
    fn changes(&self, _request: &Request<'_>, content_type: &str, body: &Bytes) -> Result<Vec<Change>, Malformed> {
        let parts = form::parts(content_type, body)?;
        Ok(vec![Change::Publish(publication(&parts)?)])
    }

    fn changed(&self, _changes: &[Change], _notes: &[String]) -> Answer {
        Answer { status: 200, content_type: "text/plain", body: Vec::new() }
    }

    fn index(&self, package: &Package, hosted: &Hosted) -> Vec<u8> {
        let mut versions: Vec<&str> = hosted.files.iter().map(|file| file.release.version.as_str()).collect();
        versions.sort_unstable();
        versions.dedup();
        let files: Vec<Value> = hosted.files.iter().map(listed).collect();
        let page = json!({
            "meta": { "api-version": "1.1" },
            "name": package.name.as_str(),
            "versions": versions,
            "files": files,
        });
        page.to_string().into_bytes()
    }
}

fn publication(parts: &[Part]) -> Result<Publication, Malformed> {
    let field = |wanted: &str| parts.iter().find(|part| part.name == wanted && part.file.is_none())?.text();
    let said = |wanted: &str| field(wanted).unwrap_or_default();
    let project = said("name");
    let malformed = |why| Malformed::new("an upload", project, why);
    if said(":action") != "file_upload" || said("protocol_version") != "1" {
        return Err(malformed("it is none of the kind that twine and uv make"));
    }
    if parts.iter().any(|part| part.name == "attestations") {
        return Err(malformed("attestations are not taken in here"));
    }
    let mut contents = parts.iter().filter(|part| part.name == "content");
    let (Some(content), None) = (contents.next(), contents.next()) else {
        return Err(malformed("it has no file, or several"));
    };
    let package = package(project)?;
    let name = content.file.as_deref().unwrap_or_default();
    let parsed = file::parse(package.name.as_str(), name)
        .map_err(|_| malformed("the name of the file is none of this project"))?;
    if !is_offered(name) {
        return Err(malformed("only wheels and source distributions (`.tar.gz`, `.zip`) are taken in here"));
    }
    let order = version::parse(said("version"))?;
    if parsed.order.as_ref() != Some(&order) {
        return Err(malformed("the name of the file has another version"));
    }
    let metadata = Metadata::of(name, &content.bytes).ok_or_else(|| malformed("there are no metadata in the file"))?;
    if name::normalised(&metadata.name) != package.name.as_str()
        || version::parse(&metadata.version).ok() != Some(order.clone())
    {
        return Err(malformed("the metadata in the file name another project or version"));
    }
    let claimed = said("sha256_digest");
    let claimed = match claimed {
        "" => None,
        hex => {
            let digest = Digest::from_hex(Algorithm::Sha256, hex).map_err(|_| malformed("its SHA-256 is none"))?;
            Integrity::from_digests(vec![digest])
        }
    };
    // As the name of the file spells it: the form may say `1.0.0` of `left-1.0.tar.gz`.
    let Some(Version::Pep440(spelt)) = parsed.order else { return Err(malformed("its version has no order")) };
    let mut entry = Map::new();
    entry.extend(metadata.requires_python.map(|wanted| (REQUIRES.to_owned(), json!(wanted))));
    let release = package.release(spelt.to_string()).with_file(name.to_owned());
    let (bytes, entry) = (content.bytes.clone(), Value::Object(entry).to_string());
    Ok(Publication { release, bytes, claimed, entry, tags: Vec::new() })
}

/// Of what there was once, these are what today's tools build.
fn is_offered(name: &str) -> bool {
    [".whl", ".tar.gz", ".zip"].iter().any(|ending| name.ends_with(ending))
}

const REQUIRES: &str = "requires-python";

/// What the core metadata in a file say of it.
struct Metadata {
    name: String,
    version: String,
    requires_python: Option<String>,
}

impl Metadata {
    /// Reads `METADATA` of a wheel or `PKG-INFO` of a source distribution.
    fn of(file: &str, bytes: &Bytes) -> Option<Self> {
        let tree = unpack(bytes, Root::Nothing);
        let is_wheel = extension(file) == "whl";
        let is_it = |path: &str| match path.split_once('/') {
            Some((folder, "METADATA")) => is_wheel && folder.ends_with(".dist-info"),
            Some((_, "PKG-INFO")) => !is_wheel,
            _ => false,
        };
        let mut found = tree.members.iter().filter(|member| is_it(&member.path));
        let (Some(member), None) = (found.next(), found.next()) else { return None };
        let text = String::from_utf8_lossy(&member.bytes);
        let field = |wanted: &str| {
            let mut lines = text.lines().take_while(|line| !line.is_empty());
            let value = lines.find_map(|line| line.split_once(':').filter(|(key, _)| key.eq_ignore_ascii_case(wanted)));
            value.map(|(_, value)| value.trim().to_owned())
        };
        let (name, version) = (field("Name")?, field("Version")?);
        Some(Self { name, version, requires_python: field("Requires-Python").filter(|wanted| !wanted.is_empty()) })
    }
}

/// A file as a page lists it.
fn listed(file: &HostedFile) -> Value {
    let name = file.release.file.as_deref().unwrap_or_default();
    let mut listed = match serde_json::from_str(&file.entry) {
        Ok(Value::Object(entry)) => entry,
        _ => Map::new(),
    };
    let hashes: Map<String, Value> =
        file.hex(Algorithm::Sha256).map(|hex| ("sha256".to_owned(), json!(hex))).into_iter().collect();
    listed.insert("filename".to_owned(), json!(name));
    listed.insert("url".to_owned(), json!(name));
    listed.insert("hashes".to_owned(), Value::Object(hashes));
    listed.insert("size".to_owned(), json!(file.size));
    listed.insert("upload-time".to_owned(), json!(file.at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()));
    listed.insert("yanked".to_owned(), file.discouraged.as_ref().map_or(json!(false), |why| json!(why)));
    Value::Object(listed)
}
