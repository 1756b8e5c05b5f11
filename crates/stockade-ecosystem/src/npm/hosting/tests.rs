use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;

use super::*;
use crate::Registry as _;
use crate::npm::{Protocol, package};

fn tarball(manifest: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(manifest.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, "package/package.json", manifest.as_bytes()).unwrap();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&tar.into_inner().unwrap()).unwrap();
    gzip.finish().unwrap()
}

fn left() -> Package {
    package("@acme/left").unwrap()
}

/// What npm sends, with one thing after the other changed in it.
fn publication(change: impl FnOnce(&mut Value)) -> Result<Vec<Change>, Malformed> {
    let bytes = tarball(r#"{"name":"@acme/left","version":"1.0.0"}"#);
    let mut document = json!({
        "_id": "@acme/left",
        "name": "@acme/left",
        "dist-tags": { "latest": "1.0.0" },
        "versions": { "1.0.0": {
            "name": "@acme/left", "version": "1.0.0", "main": "a.js", "_npmUser": { "name": "mallory" },
            "dist": { "integrity": "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
                      "tarball": "http://127.0.0.1:4873/npm/@acme/left/-/left-1.0.0.tgz" },
        } },
        "access": null,
        "_attachments": { "@acme/left-1.0.0.tgz": { "data": STANDARD.encode(bytes) } },
    });
    change(&mut document);
    changes("PUT", "/@acme%2fleft", &document.to_string())
}

fn changes(method: &str, path: &str, body: &str) -> Result<Vec<Change>, Malformed> {
    Npm.changes(&Request { method, path, accept: "" }, "application/json", &Bytes::copy_from_slice(body.as_bytes()))
}

#[test]
fn a_publication_is_a_manifest_tags_and_a_tarball() {
    let made = publication(|_| {}).unwrap();
    let [Change::Publish(publication)] = made.as_slice() else { panic!("{made:?}") };
    assert_eq!(publication.release, left().release("1.0.0"));
    assert_eq!(publication.tags, ["latest"]);
    assert!(publication.claimed.is_some());
    let entry: Value = serde_json::from_str(&publication.entry).unwrap();
    assert_eq!((&entry["main"], &entry["dist"]), (&json!("a.js"), &Value::Null));
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let why = |change: fn(&mut Value)| publication(change).unwrap_err().why;
    let other = |manifest: &str| STANDARD.encode(tarball(manifest));
    let attached = |data: String| {
        let made = publication(|document| document["_attachments"]["@acme/left-1.0.0.tgz"]["data"] = json!(data));
        made.unwrap_err().why
    };
    assert_eq!(why(|d| d["name"] = json!("left")), "it names another package");
    assert_eq!(
        why(|d| d["versions"]["1.0.0"]["version"] = json!("1.0.1")),
        "its manifest names another package or version"
    );
    assert_eq!(why(|d| d["versions"]["1.0.1"] = json!({})), "one release is published at a time");
    assert_eq!(why(|d| d["versions"] = json!([])), "its `versions` is not an object");
    assert_eq!(why(|d| d["dist-tags"]["beta"] = json!("0.9.0")), "a tag of it names another version");
    assert_eq!(why(|d| d["dist-tags"] = json!({ "^1": "1.0.0" })), "it could be taken for a version or an address");
    assert_eq!(why(|d| d["dist-tags"] = json!({ "latest": 1 })), "its `dist-tags` is not an object of texts");
    assert_eq!(
        why(|d| d["_attachments"]["@acme/left-1.0.0.sigstore"] = json!({})),
        "it has more than a tarball; attestations are not taken in here"
    );
    assert_eq!(
        why(|d| d["versions"]["1.0.0"]["dist"]["integrity"] = json!("md5-x")),
        "the digest in its `dist` cannot be read"
    );
    let named = "the `package.json` in the tarball names another package or version";
    assert_eq!(attached(other(r#"{"name":"@acme/right","version":"1.0.0"}"#)), named);
    assert_eq!(attached(other(r#"{"name":"@acme/left","version":"1.0.1"}"#)), named);
    assert_eq!(attached(other("[")), "the `package.json` in the tarball is not JSON");
    assert_eq!(attached(STANDARD.encode(b"none")), "there is no `package.json` in the tarball");
    assert_eq!(attached("%".to_owned()), "the tarball is not in base64");
    assert!(changes("PUT", "/@acme%2fleft", "{").is_err());
    assert!(changes("GET", "/@acme%2fleft", "{}").is_err());
}

#[test]
fn a_document_without_a_tarball_is_the_state_of_the_package() {
    let body = r#"{"name":"@acme/left","_rev":"7","dist-tags":{"latest":"1.0.0"},"versions":
        {"1.0.0":{"deprecated":"use right"},"1.1.0":{"deprecated":""}}}"#;
    let state = Change::State {
        package: left(),
        revision: Some("7".to_owned()),
        releases: vec![("1.0.0".to_owned(), Some("use right".to_owned())), ("1.1.0".to_owned(), None)],
        tags: vec![("latest".to_owned(), "1.0.0".to_owned())],
    };
    for path in ["/@acme%2fleft", "/@acme/left/-rev/7"] {
        assert_eq!(changes("PUT", path, body).unwrap().as_slice(), std::slice::from_ref(&state));
    }
}

#[test]
fn tags_are_set_and_files_and_packages_taken_off() {
    let tag = |version: Option<&str>| Change::Tag {
        package: left(),
        tag: "beta".to_owned(),
        version: version.map(str::to_owned),
    };
    let address = "/-/package/@acme%2fleft/dist-tags/beta";
    assert_eq!(changes("PUT", address, "\"1.0.0\"").unwrap(), [tag(Some("1.0.0"))]);
    assert_eq!(changes("DELETE", address, "").unwrap(), [tag(None)]);
    assert!(changes("PUT", address, "1").is_err());
    let unlist = |version: Option<&str>| Change::Unlist { package: left(), version: version.map(str::to_owned) };
    assert_eq!(changes("DELETE", "/@acme/left/-/left-1.0.0.tgz/-rev/7", "").unwrap(), [unlist(Some("1.0.0"))]);
    assert_eq!(changes("DELETE", "/@acme/left/-rev/7", "").unwrap(), [unlist(None)]);
}

#[test]
fn what_is_hosted_is_a_packument() {
    let file = |version: &str, entry: &str, discouraged: Option<&str>| HostedFile {
        release: left().release(version),
        digests: vec![Digest::of(b"x"), Digest::from_hex(Algorithm::Sha512, &"ab".repeat(64)).unwrap()],
        size: 1,
        at: Timestamp::from_second(1_800_000_000).unwrap(),
        by: "alice".to_owned(),
        entry: entry.to_owned(),
        discouraged: discouraged.map(str::to_owned),
    };
    let files = vec![
        file("1.0.0", r#"{"main":"a.js","deprecated":"old words","_npmUser":{"name":"mallory"}}"#, None),
        file("1.10.0", r#"{"scripts":{"postinstall":"node x"}}"#, Some("use right")),
        file("2.0.0-rc.1", "broken", None),
    ];
    let hosted = Hosted { revision: "7".to_owned(), files, tags: vec![("beta".to_owned(), "1.0.0".to_owned())] };
    let document = Npm.index(&left(), &hosted);
    let index = Protocol.index(&left(), &document).unwrap();
    assert_eq!(index.problems, []);
    assert_eq!(index.tags, [("beta", "1.0.0"), ("latest", "1.10.0")].map(|(a, b)| (a.to_owned(), b.to_owned())));
    let seen: Vec<_> = index
        .releases
        .iter()
        .map(|listed| (listed.version.as_str(), listed.install_hook, listed.deprecated.as_deref(), listed.is_usable()))
        .collect();
    let expected =
        [("1.0.0", false, None, true), ("1.10.0", true, Some("use right"), true), ("2.0.0-rc.1", false, None, true)];
    assert_eq!(seen, expected);
    assert!(index.releases.iter().all(|listed| listed.publisher.as_deref() == Some("alice")));
    assert!(index.releases.iter().all(|listed| listed.artifact.integrity.is_some() && listed.problems.is_empty()));
    assert_eq!(serde_json::from_slice::<Value>(&document).unwrap()["_rev"], "7");
}

#[test]
fn a_password_is_read() {
    let body = br#"{"_id":"org.couchdb.user:alice","name":"alice","password":"stockade_x","type":"user","roles":[]}"#;
    assert_eq!(Npm.password(body).unwrap().reveal(), "stockade_x");
    for body in ["{", "{}", r#"{"password":""}"#, r#"{"password":1}"#] {
        assert!(Npm.password(body.as_bytes()).is_err(), "{body}");
    }
}
