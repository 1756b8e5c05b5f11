use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use stockade_model::Digest;

use super::*;
use crate::Registry as _;
use crate::cargo::Protocol;

fn packed(manifest: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(manifest.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, "Acme-1.0.0/Cargo.toml", manifest.as_bytes()).unwrap();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&tar.into_inner().unwrap()).unwrap();
    gzip.finish().unwrap()
}

fn document() -> Value {
    json!({
        "name": "Acme", "vers": "1.0.0", "description": "ours", "links": null, "rust_version": "1.80",
        "deps": [
            { "name": "left", "version_req": "^1", "features": [], "optional": false, "default_features": true,
              "target": null, "kind": "normal", "registry": null, "explicit_name_in_toml": "other" },
            { "name": "right", "version_req": "2", "features": ["x"], "optional": true, "default_features": false,
              "target": "cfg(unix)", "kind": "build", "registry": "https://registry.example/index" },
        ],
        "features": { "default": ["std"], "std": [], "new": ["dep:right"] },
    })
}

fn sent(document: &Value, file: &[u8]) -> Vec<u8> {
    let document = document.to_string();
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_le_bytes();
    [&length(document.as_bytes())[..], document.as_bytes(), &length(file)[..], file].concat()
}

fn changes(method: &str, path: &str, body: Vec<u8>) -> Result<Vec<Change>, Malformed> {
    Crates.changes(&Request { method, path, accept: "" }, "", &body.into())
}

fn publish(document: &Value, file: &[u8]) -> Result<Vec<Change>, Malformed> {
    changes("PUT", "/api/v1/crates/new", sent(document, file))
}

const MANIFEST: &str = "[package]\nname = \"Acme\"\nversion = \"1.0.0\"\n";

#[test]
fn a_publication_becomes_a_line_of_the_index() {
    let made = publish(&document(), &packed(MANIFEST)).unwrap();
    let [Change::Publish(publication)] = made.as_slice() else { panic!("{made:?}") };
    assert_eq!(publication.release, package("acme").unwrap().release("1.0.0"));
    let file = HostedFile {
        release: publication.release.clone(),
        digests: vec![Digest::of(&publication.bytes)],
        size: 1,
        at: Timestamp::from_second(1_800_000_000).unwrap(),
        by: "alice".to_owned(),
        entry: publication.entry.clone(),
        discouraged: None,
    };
    let yanked =
        HostedFile { discouraged: Some(String::new()), entry: file.entry.replace("1.0.0", "1.0.1"), ..file.clone() };
    let hosted = Hosted { revision: "7".to_owned(), files: vec![file, yanked], tags: Vec::new() };
    let lines = Crates.index(&publication.release.package, &hosted);
    let index = Protocol.index(&publication.release.package, &lines).unwrap();
    assert_eq!((index.problems.as_slice(), index.releases.len()), (&[][..], 2));
    assert!(index.releases.iter().all(|listed| listed.is_usable() && listed.published.is_some()), "{index:?}");
    assert_eq!(index.releases.iter().map(|listed| listed.deprecated.is_some()).collect::<Vec<_>>(), [false, true]);
    let first: Value = serde_json::from_slice(lines.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    assert_eq!(
        first["deps"],
        json!([
            { "name": "other", "package": "left", "req": "^1", "features": [], "optional": false, "default_features": true,
              "target": null, "kind": "normal", "registry": null },
            { "name": "right", "req": "2", "features": ["x"], "optional": true, "default_features": false,
              "target": "cfg(unix)", "kind": "build", "registry": "https://registry.example/index" },
        ])
    );
    assert_eq!((&first["v"], &first["features2"]), (&json!(2), &json!({ "new": ["dep:right"] })));
    assert_eq!(
        (&first["features"], &first["rust_version"]),
        (&json!({ "default": ["std"], "std": [] }), &json!("1.80"))
    );
    assert_eq!((&first["name"], &first["yanked"], &first["links"]), (&json!("Acme"), &json!(false), &Value::Null));
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let why = |change: fn(&mut Value)| {
        let mut document = document();
        change(&mut document);
        publish(&document, &packed(MANIFEST)).unwrap_err().why
    };
    assert_eq!(why(|d| d["name"] = json!(1)), "it names no crate");
    assert_eq!(why(|d| d["vers"] = json!(null)), "it names no version");
    assert_eq!(why(|d| d["vers"] = json!("1.0.1")), "the `Cargo.toml` in the file names another crate or version");
    assert_eq!(why(|d| d["name"] = json!("acme")), "the `Cargo.toml` in the file names another crate or version");
    assert_eq!(why(|d| d["deps"] = json!([{ "name": "left" }])), "a dependency in it cannot be read");
    assert_eq!(why(|d| d["deps"] = json!([1])), "a dependency in it cannot be read");
    let file = |bytes: &[u8]| publish(&document(), bytes).unwrap_err().why;
    assert_eq!(file(b"none"), "there is no `Cargo.toml` in the file");
    assert_eq!(file(&packed("[package")), "the `Cargo.toml` in the file is not TOML");
    let whole = sent(&document(), &packed(MANIFEST));
    let lengths = "it is not two lengths with what they count";
    for cut in [0, 3, 4, 20, whole.len() - 1] {
        assert_eq!(changes("PUT", "/api/v1/crates/new", whole[..cut].to_vec()).unwrap_err().why, lengths, "{cut}");
    }
    let more = [whole, vec![0]].concat();
    assert_eq!(changes("PUT", "/api/v1/crates/new", more).unwrap_err().why, lengths);
    assert_eq!(changes("PUT", "/api/v1/crates/new", vec![0xff; 64]).unwrap_err().why, lengths);
}

#[test]
fn a_release_is_yanked_and_no_longer() {
    let discourage = |why: Option<&str>| Change::Discourage {
        release: package("acme").unwrap().release("1.0.0+b"),
        why: why.map(str::to_owned),
    };
    assert_eq!(changes("DELETE", "/api/v1/crates/Acme/1.0.0+b/yank", Vec::new()).unwrap(), [discourage(Some(""))]);
    assert_eq!(changes("PUT", "/api/v1/crates/acme/1.0.0%2Bb/unyank", Vec::new()).unwrap(), [discourage(None)]);
}

#[test]
fn a_refusal_is_in_cargos_form() {
    let refusal = Refusal {
        status: 409,
        title: "refused by stockade".to_owned(),
        sentence: "refused by stockade: `acme` 1.0.0 is there".to_owned(),
        hint: None,
        see: None,
    };
    assert_eq!(Crates.refusal("/index/config.json", &refusal), None);
    let body = Crates.refusal("/api/v1/crates/new", &refusal).unwrap().body;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body, json!({ "errors": [{ "detail": "refused by stockade: `acme` 1.0.0 is there" }] }));
}
