//! Packages that are published here: what npm sends, and the packument that is made of what is hosted.
//!
//! npm publishes with one document: the manifest, the tags and the tarball in base64. To deprecate or to take off a release
//! it reads the whole packument, changes it, and writes it back.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use stockade_model::{Algorithm, Digest, Integrity, Malformed, Package, Secret};

use super::route::{self, Written};
use super::version;
use crate::archive::{Root, unpack};
use crate::hosting::{Answer, Change, Hosted, HostedFile, Hosting, Publication, Told};
use crate::{Request, Version};

/// How packages of npm are hosted.
pub(super) struct Npm;

type Object = Map<String, Value>;

impl Hosting for Npm {
    fn changes(&self, request: &Request<'_>, _content_type: &str, body: &Bytes) -> Result<Vec<Change>, Malformed> {
        match route::written(request) {
            Some(Written::Document(package)) => document(&package, body),
            Some(Written::Package(package)) => Ok(vec![Change::Unlist { package, version: None }]),
            Some(Written::File(package, file)) => {
                let start = route::tarball_name(package.name.as_str());
                let version = file.strip_prefix(&start).and_then(|rest| rest.strip_suffix(route::TARBALL_END));
                let version = version.ok_or_else(|| malformed(&package, "the file is none of this package"))?;
                Ok(vec![Change::Unlist { version: Some(version.to_owned()), package }])
            }
            Some(Written::Tag(package, tag)) => {
                let version = if request.method == "PUT" { Some(tagged(&package, body)?) } else { None };
                Ok(vec![Change::Tag { package, tag: checked_tag(tag)?, version }])
            }
            None => Err(Malformed::new("a request", request.path, "it changes nothing")),
        }
    }

    fn changed(&self, changes: &[Change], _notes: &[String]) -> Answer {
        let created = changes.iter().any(|change| matches!(change, Change::Publish(_)));
        Answer::json(if created { 201 } else { 200 }, &json!({ "ok": true, "success": true }))
    }

    fn index(&self, package: &Package, hosted: &Hosted) -> Vec<u8> {
        let versions: Object = hosted.files.iter().map(|file| (file.release.version.clone(), manifest(file))).collect();
        let mut time: Object =
            hosted.files.iter().map(|file| (file.release.version.clone(), json!(spelt(file.at)))).collect();
        let instants = || hosted.files.iter().map(|file| file.at);
        time.extend(instants().min().map(|at| ("created".to_owned(), json!(spelt(at)))));
        time.extend(instants().max().map(|at| ("modified".to_owned(), json!(spelt(at)))));
        let mut publishers: Vec<&str> = hosted.files.iter().map(|file| file.by.as_str()).collect();
        publishers.sort_unstable();
        publishers.dedup();
        let maintainers: Vec<Value> = publishers.iter().map(|name| json!({ "name": name })).collect();
        let document = json!({
            "_id": package.name.as_str(),
            "_rev": hosted.revision,
            "name": package.name.as_str(),
            "dist-tags": tags(hosted),
            "versions": versions,
            "time": time,
            "maintainers": maintainers,
        });
        document.to_string().into_bytes()
    }

    fn password(&self, body: &[u8]) -> Result<Secret, Malformed> {
        let wrong = |why| Malformed::new("a request", "to log in", why);
        let document: Value = serde_json::from_slice(body).map_err(|_| wrong("it is not JSON"))?;
        let password = document.get("password").and_then(Value::as_str).filter(|password| !password.is_empty());
        password.map(Secret::new).ok_or_else(|| wrong("it has no password"))
    }

    fn told(&self, told: &Told<'_>) -> Option<Answer> {
        Some(match told {
            Told::Who(name) => Answer::json(200, &json!({ "username": name })),
            Told::LoggedIn(token) => Answer::json(201, &json!({ "ok": true, "token": token.reveal() })),
            Told::Revoked => Answer::json(200, &json!({ "ok": true })),
            Told::Tokens(tokens) => {
                let shown = tokens.iter().map(|token| {
                    json!({
                        "key": token.id,
                        "token": token.id,
                        "name": token.name,
                        "cidr_whitelist": null,
                        "readonly": token.only_reads,
                        "created": spelt(token.since),
                    })
                });
                let shown: Vec<Value> = shown.collect();
                Answer::json(200, &json!({ "objects": shown, "total": tokens.len(), "urls": {} }))
            }
            Told::Packages(packages) => {
                let rights: Object =
                    packages.iter().map(|package| (package.name.to_string(), json!("write"))).collect();
                Answer::json(200, &Value::Object(rights))
            }
            Told::Found(_) => return None,
            Told::Publishers(names) => {
                let rights: Object = names.iter().map(|name| (name.clone(), json!("write"))).collect();
                Answer::json(200, &Value::Object(rights))
            }
        })
    }
}

/// What a document that npm writes asks for: a new release if there is a tarball in it, else the state of the package.
fn document(package: &Package, body: &[u8]) -> Result<Vec<Change>, Malformed> {
    let document: Value = serde_json::from_slice(body).map_err(|_| malformed(package, "it is not JSON"))?;
    let Value::Object(mut document) = document else { return Err(malformed(package, "it is not an object")) };
    if document.get("name").and_then(Value::as_str) != Some(package.name.as_str()) {
        return Err(malformed(package, "it names another package"));
    }
    let tags = texts(package, document.get("dist-tags"))?;
    let attachments = document.remove("_attachments");
    let versions = match document.remove("versions") {
        Some(Value::Object(versions)) => versions,
        None => Object::new(),
        Some(_) => return Err(malformed(package, "its `versions` is not an object")),
    };
    match attachments {
        Some(Value::Object(attachments)) if !attachments.is_empty() => {
            Ok(vec![Change::Publish(publication(package, versions, &attachments, tags)?)])
        }
        _ => {
            let releases = versions.into_iter().map(|(version, manifest)| {
                let why = manifest.get("deprecated").and_then(Value::as_str).filter(|why| !why.is_empty());
                (version, why.map(str::to_owned))
            });
            let revision = document.get("_rev").and_then(Value::as_str).map(str::to_owned);
            Ok(vec![Change::State { package: package.clone(), revision, releases: releases.collect(), tags }])
        }
    }
}

fn publication(
    package: &Package,
    versions: Object,
    attachments: &Object,
    tags: Vec<(String, String)>,
) -> Result<Publication, Malformed> {
    let mut versions = versions.into_iter();
    let (Some((version, Value::Object(mut manifest))), None) = (versions.next(), versions.next()) else {
        return Err(malformed(package, "one release is published at a time"));
    };
    check_version(package, &version)?;
    let says = |key: &str, text: &str| manifest.get(key).and_then(Value::as_str) == Some(text);
    if !says("name", package.name.as_str()) || !says("version", &version) {
        return Err(malformed(package, "its manifest names another package or version"));
    }
    let mut attachments = attachments.iter();
    let (Some((file, attachment)), None) = (attachments.next(), attachments.next()) else {
        return Err(malformed(package, "it has more than a tarball; attestations are not taken in here"));
    };
    if *file != format!("{}-{version}{}", package.name, route::TARBALL_END) {
        return Err(malformed(package, "what is attached is not the release's tarball"));
    }
    let data = attachment.get("data").and_then(Value::as_str);
    let bytes = data.and_then(|data| STANDARD.decode(data).ok()).map(Bytes::from);
    let bytes = bytes.ok_or_else(|| malformed(package, "the tarball is not in base64"))?;
    agrees(package, &version, &bytes)?;
    let claimed = claimed(package, manifest.remove("dist").as_ref())?;
    let mut named = Vec::new();
    for (tag, of) in tags {
        if of != version {
            return Err(malformed(package, "a tag of it names another version"));
        }
        named.push(checked_tag(tag)?);
    }
    let release = package.release(version);
    let entry = Value::Object(manifest).to_string();
    Ok(Publication { release, bytes, claimed, entry, tags: named })
}

/// A manifest that says something else than the tarball's own is how a reader is shown one thing and given another.
fn agrees(package: &Package, version: &str, bytes: &Bytes) -> Result<(), Malformed> {
    let tree = unpack(bytes, Root::First);
    let text = tree.get("package.json").map(|member| String::from_utf8_lossy(&member.bytes).into_owned());
    let text = text.ok_or_else(|| malformed(package, "there is no `package.json` in the tarball"))?;
    let own: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|_| malformed(package, "the `package.json` in the tarball is not JSON"))?;
    let said = |key: &str| own.get(key).and_then(Value::as_str).map(str::trim);
    let same_version = said("version").is_some_and(|own| own.trim_start_matches(['v', '=']) == version);
    if said("name") != Some(package.name.as_str()) || !same_version {
        return Err(malformed(package, "the `package.json` in the tarball names another package or version"));
    }
    Ok(())
}

fn check_version(package: &Package, text: &str) -> Result<Version, Malformed> {
    let strict = semver::Version::parse(text).is_ok();
    let order = version::parse(text)?;
    if strict { Ok(order) } else { Err(malformed(package, "its version does not follow SemVer")) }
}

fn claimed(package: &Package, dist: Option<&Value>) -> Result<Option<Integrity>, Malformed> {
    let member = |key: &str| dist.and_then(|dist| dist.get(key)).and_then(Value::as_str);
    let wrong = |_| malformed(package, "the digest in its `dist` cannot be read");
    if let Some(integrity) = member("integrity") {
        return Integrity::parse(integrity).map(Some).map_err(wrong);
    }
    let shasum = member("shasum").map(|hex| Digest::from_hex(Algorithm::Sha1, hex)).transpose().map_err(wrong)?;
    Ok(shasum.and_then(|digest| Integrity::from_digests(vec![digest])))
}

/// The version in the body of a request that sets a tag: a bare JSON string.
fn tagged(package: &Package, body: &[u8]) -> Result<String, Malformed> {
    serde_json::from_slice(body).map_err(|_| malformed(package, "the version for the tag is not a JSON string"))
}

/// A tag that reads as a range would hide versions.
fn checked_tag(tag: String) -> Result<String, Malformed> {
    let is_range = tag.chars().all(|c| c.is_ascii_digit() || "vxX*.<>=~^|- ".contains(c));
    let is_plain = tag.chars().all(|c| c.is_ascii_graphic() && !"/%\\\"".contains(c));
    if tag.is_empty() || tag.len() > MAX_TAG || is_range || !is_plain || version::parse(&tag).is_ok() {
        return Err(Malformed::new("a dist-tag", &tag, "it could be taken for a version or an address"));
    }
    Ok(tag)
}

/// The longest dist-tag in bytes.
const MAX_TAG: usize = 100;

fn texts(package: &Package, object: Option<&Value>) -> Result<Vec<(String, String)>, Malformed> {
    let Some(object) = object else { return Ok(Vec::new()) };
    let wrong = || malformed(package, "its `dist-tags` is not an object of texts");
    let pair = |(tag, version): (&String, &Value)| Some((tag.clone(), version.as_str()?.to_owned()));
    object.as_object().ok_or_else(wrong)?.iter().map(|member| pair(member).ok_or_else(wrong)).collect()
}

fn malformed(package: &Package, why: &'static str) -> Malformed {
    Malformed::new("a publication", package.name.as_str(), why)
}

/// The manifest as it was published, with what is ours to say of it.
fn manifest(file: &HostedFile) -> Value {
    let (name, version) = (file.release.package.name.as_str(), file.release.version.as_str());
    let mut manifest = match serde_json::from_str(&file.entry) {
        Ok(Value::Object(manifest)) => manifest,
        _ => Object::new(),
    };
    let mut dist = Object::new();
    dist.insert("tarball".to_owned(), json!(route::tarball(name, version)));
    dist.extend(file.hex(Algorithm::Sha1).map(|hex| ("shasum".to_owned(), json!(hex))));
    let strongest = file.digests.iter().find(|digest| digest.algorithm() == Algorithm::Sha512);
    let integrity = strongest.and_then(|digest| Integrity::from_digests(vec![digest.clone()]));
    dist.extend(integrity.map(|integrity| ("integrity".to_owned(), json!(integrity.to_string()))));
    manifest.insert("name".to_owned(), json!(name));
    manifest.insert("version".to_owned(), json!(version));
    manifest.insert("dist".to_owned(), Value::Object(dist));
    manifest.insert("_npmUser".to_owned(), json!({ "name": file.by }));
    match &file.discouraged {
        Some(why) => drop(manifest.insert("deprecated".to_owned(), json!(why))),
        None => drop(manifest.remove("deprecated")),
    }
    Value::Object(manifest)
}

/// The tags, with a `latest` in any case: clients look for it.
fn tags(hosted: &Hosted) -> Object {
    let mut tags: Object = hosted.tags.iter().map(|(tag, version)| (tag.clone(), json!(version))).collect();
    if !tags.contains_key(LATEST) {
        let versions = hosted.files.iter().map(|file| file.release.version.as_str());
        let ordered = versions.filter_map(|version| Some((version::parse(version).ok()?, version)));
        let highest = ordered.reduce(|a, b| {
            let key = |of: &(Version, &str)| !of.0.is_prerelease();
            let higher = key(&b).cmp(&key(&a)).then(b.0.partial_cmp(&a.0).unwrap_or(std::cmp::Ordering::Equal));
            if higher.is_gt() { b } else { a }
        });
        tags.extend(highest.map(|(_, version)| (LATEST.to_owned(), json!(version))));
    }
    tags
}

const LATEST: &str = "latest";

/// An instant as registries spell it.
fn spelt(at: jiff::Timestamp) -> Cow<'static, str> {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string().into()
}
