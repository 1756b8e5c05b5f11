use serde_json::{Value, json};

use super::*;
use crate::index::{Piece, Standing::*};
use crate::npm::{package, packument};

const BASE: &str = "http://127.0.0.1:4873/mount";

/// A packument of `@acme/left` as registries write them, with white space where somebody else put it.
fn document(versions: &[&str], tags: &str) -> String {
    let manifests: Vec<String> =
        versions.iter().map(|version| format!(r#""{version}" : {}"#, manifest(version))).collect();
    let times: Vec<String> =
        versions.iter().map(|version| format!(r#""{version}":"2024-01-01T00:00:00.000Z""#)).collect();
    format!(
        r#"{{"_id":"@acme/left","_rev":"7-x","name":"@acme/left","dist-tags":{tags},
        "versions": {{{}}},
        "time":{{"created":"2024-01-01T00:00:00.000Z","modified":"2024-02-01T00:00:00+00:00",{},"0.0.1":"2023-01-01T00:00:00.000Z"}},
        "policyRestrictions":{{"message":"theirs","versions":{{}}}},"readme":"caf\u00e9 \ud83d\ude00","license":"MIT"}}"#,
        manifests.join(" , "),
        times.join(","),
    )
}

/// Numbers, escapes and white space that a parser would not write again as they are.
fn manifest(version: &str) -> String {
    format!(
        r#"{{ "name":"@acme/left", "version":"{version}","big":12345678901234567890123,"f":1.0e2,"text":"\u0041\/b",
          "dependencies":{{"b":"^1.0.0","a":"1"}},"scripts":{{"postinstall":"node x"}},"_hasShrinkwrap":false,
          "dist" : {{"integrity":"sha512-{}==","shasum":"{}","fileCount":3,
            "tarball" : "https://upstream.example/@acme/left/-/left-{version}.tgz",
            "attestations":{{"provenance":{{"predicateType":"https://slsa.example/v1"}},"url":"https:\/\/upstream.example/-/a"}},
            "signatures":[{{"keyid":"SHA256:x","sig":"MEUC/+="}}]}},
          "_npmUser":{{"name":"ann"}} }}"#,
        "A".repeat(86),
        "0".repeat(40),
    )
}

fn ours(version: &str) -> String {
    let upstream = r#""https://upstream.example/@acme/left/-/left-VERSION.tgz""#.replace("VERSION", version);
    manifest(version).replace(&upstream, &format!(r#""{BASE}/@acme/left/-/left-{version}.tgz""#)).replace(
        r#""https:\/\/upstream.example/-/a""#,
        &format!(r#""{BASE}/-/npm/v1/attestations/@acme%2fleft@{version}""#),
    )
}

/// A document with what is to become of its releases.
struct Case {
    document: String,
    index: Index,
    standings: Vec<Standing>,
}

impl Case {
    fn new(releases: &[(&str, Standing)], tags: &str) -> Self {
        let versions: Vec<&str> = releases.iter().map(|(version, _)| *version).collect();
        Self::of(document(&versions, tags), releases.iter().map(|(_, standing)| *standing).collect())
    }

    fn of(document: String, standings: Vec<Standing>) -> Self {
        let index = packument::read(&package("@acme/left").unwrap(), document.as_bytes()).unwrap();
        Self { document, index, standings }
    }

    fn steering(&self, variant: Variant) -> Steering<'_> {
        Steering { standings: &self.standings, message: "held: too \"young\"", base: BASE, variant }
    }

    /// The rendered document; that it is JSON, as long as it says, and free of upstream's host, is checked here.
    fn text(&self, variant: Variant) -> String {
        let rope = super::packument(&self.index, &self.steering(variant));
        let bytes = rope.flatten(self.document.as_bytes());
        assert_eq!(rope.len(), bytes.len() as u64);
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains("upstream.example"), "{text}");
        let tags = super::tags(&self.index, &self.steering(variant));
        assert!(text.contains(std::str::from_utf8(&tags).unwrap()));
        text
    }

    fn json(&self, variant: Variant) -> Value {
        serde_json::from_str(&self.text(variant)).unwrap()
    }

    fn manifest(&self, wanted: &str) -> Option<String> {
        let rope = super::manifest(&self.index, &self.steering(Variant::Full), wanted)?;
        Some(String::from_utf8(rope.flatten(self.document.as_bytes())).unwrap())
    }
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_cleared_manifest_is_the_originals_bytes_with_our_addresses() {
    let case = Case::new(&[("1.0.0", Cleared), ("1.1.0-rc.1+b", Cleared)], r#"{"latest":"1.0.0"}"#);
    let text = case.text(Variant::Full);
    for version in ["1.0.0", "1.1.0-rc.1+b"] {
        assert!(text.contains(&format!(r#""{version}":{}"#, ours(version))), "{text}");
        assert_eq!(case.manifest(version).unwrap(), ours(version));
    }
    assert_eq!(case.manifest("latest").unwrap(), ours("1.0.0"));
}

#[test]
fn a_whole_document_has_all_that_is_not_ours_to_write() {
    let case = Case::new(&[("1.0.0", Cleared)], r#"{"latest":"1.0.0"}"#);
    let json = case.json(Variant::Full);
    assert_eq!(keys(&json), ["_id", "_rev", "dist-tags", "license", "name", "readme", "time", "versions"]);
    assert_eq!((&json["name"], &json["license"]), (&json!("@acme/left"), &json!("MIT")));
    assert!(case.text(Variant::Full).contains(r#""readme":"caf\u00e9 \ud83d\ude00""#));
}

#[test]
fn times_are_passed_on_unaltered_but_for_those_of_what_was_removed() {
    let case = Case::new(&[("1.0.0", Cleared), ("1.1.0", Held), ("1.2.0", Removed)], "{}");
    let original: Value = serde_json::from_str(&case.document).unwrap();
    for variant in [Variant::Full, Variant::Abbreviated] {
        let json = case.json(variant);
        let mut expect = original["time"].clone();
        expect.as_object_mut().unwrap().remove("1.2.0").unwrap();
        assert_eq!(json["time"], expect);
        let modified = json.get("modified");
        assert_eq!(modified, (variant == Variant::Abbreviated).then_some(&expect["modified"]));
    }
}

#[test]
fn an_abbreviated_manifest_has_what_an_installer_needs() {
    let case = Case::new(&[("1.0.0", Cleared)], r#"{"latest":"1.0.0"}"#);
    let json = case.json(Variant::Abbreviated);
    assert_eq!(keys(&json), ["dist-tags", "modified", "name", "time", "versions"]);
    let manifest = &json["versions"]["1.0.0"];
    assert_eq!(
        keys(manifest),
        ["_hasShrinkwrap", "_npmUser", "dependencies", "dist", "hasInstallScript", "name", "version"]
    );
    let full = &case.json(Variant::Full)["versions"]["1.0.0"];
    for key in keys(manifest).into_iter().filter(|key| *key != "hasInstallScript") {
        assert_eq!(manifest[key], full[key], "{key}");
    }
    assert_eq!(manifest["hasInstallScript"], true);
}

#[test]
fn a_held_release_is_listed_and_restricted() {
    for variant in [Variant::Full, Variant::Abbreviated] {
        let case = Case::new(&[("1.0.0", Cleared), ("1.1.0", Held)], r#"{"latest":"1.1.0"}"#);
        let json = case.json(variant);
        assert_eq!(keys(&json["versions"]), ["1.0.0", "1.1.0"]);
        let restrictions = json!({
            "message": "held: too \"young\"",
            "versions": {"1.1.0": {"name": "@acme/left", "version": "1.1.0"}},
        });
        assert_eq!(json["policyRestrictions"], restrictions);
        assert_eq!(json["dist-tags"], json!({"latest": "1.0.0"}));
        assert_eq!(case.manifest("1.1.0").unwrap(), ours("1.1.0"));
        assert_eq!(case.manifest("latest").unwrap(), ours("1.0.0"));
    }
}

#[test]
fn of_a_removed_release_nothing_is_left_but_the_reason() {
    for variant in [Variant::Full, Variant::Abbreviated] {
        let case = Case::new(&[("1.0.0", Cleared), ("1.1.0", Removed)], r#"{"latest":"1.1.0","bad":"1.1.0"}"#);
        let json = case.json(variant);
        assert_eq!(
            json["policyRestrictions"]["versions"],
            json!({"1.1.0": {"name": "@acme/left", "version": "1.1.0"}})
        );
        assert_eq!((json["versions"].get("1.1.0"), json["time"].get("1.1.0")), (None, None));
        assert_eq!(json["dist-tags"], json!({"latest": "1.0.0", "bad": "1.0.0"}));
        assert_eq!(case.manifest("1.1.0"), None);
        assert_eq!(case.manifest("latest").unwrap(), ours("1.0.0"));
    }
}

#[test]
fn tags_name_what_a_client_may_have() {
    let check = |releases: &[(&str, Standing)], tags: Value, expect: Value| {
        let case = Case::new(releases, &tags.to_string());
        assert_eq!(case.json(Variant::Full)["dist-tags"], expect, "{releases:?} {tags}");
    };
    let latest = |version: &str| json!({"latest": version});
    check(&[("1.0.0", Cleared)], json!({}), json!({}));
    check(&[("1.0.0", Cleared), ("2.0.0", Held)], latest("2.0.0"), latest("2.0.0"));
    check(&[("1.0.0", Cleared), ("2.0.0", Removed)], latest("2.0.0"), latest("1.0.0"));
    check(&[("1.0.0", Cleared), ("2.0.0", Removed)], json!({"next": "2.0.0"}), json!({}));
    check(&[("1.0.0", Cleared), ("1.0.1", Removed)], json!({"next": "1.0.1"}), json!({"next": "1.0.0"}));
    // A tag of nothing is none, but `latest` has to be there.
    check(&[("1.0.0", Cleared)], json!({"latest": "7.0.0", "next": "7.0.0"}), latest("1.0.0"));
    // What is left is not always a cleared release.
    check(&[("1.0.0-rc.1", Cleared), ("2.0.0", Removed)], latest("2.0.0"), latest("1.0.0-rc.1"));
    check(&[("1.0.0", Held), ("1.1.0", Held), ("2.0.0", Removed)], latest("2.0.0"), latest("1.1.0"));
    check(&[("1.0.0", Removed), ("2.0.0", Removed)], latest("2.0.0"), json!({}));
    check(
        &[("1.0.0", Cleared), ("2.0.0-beta.1", Cleared), ("2.0.0-beta.2", Held)],
        json!({"latest": "1.0.0", "beta": "2.0.0-beta.2", "\"x\\": "1.0.0"}),
        json!({"latest": "1.0.0", "beta": "2.0.0-beta.1", "\"x\\": "1.0.0"}),
    );
}

#[test]
fn a_release_that_cannot_be_passed_on_is_not_listed_whatever_its_standing() {
    for standing in [Cleared, Held] {
        let document = document(&["1.0.0", "1.1.0"], r#"{"latest":"1.1.0","next":"1.1.0","only":"1.1.0"}"#);
        let document = document.replace(r#""version":"1.1.0""#, r#""version":"1.1.1""#);
        let case = Case::of(document, vec![Cleared, standing]);
        let json = case.json(Variant::Full);
        assert_eq!(keys(&json["versions"]), ["1.0.0"]);
        assert_eq!(json["policyRestrictions"]["versions"].get("1.1.0").is_some(), standing == Held);
        assert_eq!(json["dist-tags"], json!({"latest": "1.0.0", "next": "1.0.0", "only": "1.0.0"}));
        assert_eq!(case.manifest("1.1.0"), None);
    }
    let document = document(&["1.0.0", "2.0.0"], r#"{"next":"2.0.0"}"#);
    let case = Case::of(document.replace(r#""version":"2.0.0""#, r#""version":"3.0.0""#), vec![Cleared, Held]);
    assert_eq!(case.json(Variant::Full)["dist-tags"], json!({}), "a tag must not name what is not listed");
}

#[test]
fn without_a_standing_a_release_is_not_listed() {
    let mut case = Case::new(&[("1.0.0", Cleared), ("1.1.0", Cleared)], r#"{"latest":"1.1.0"}"#);
    case.standings.pop();
    assert_eq!(keys(&case.json(Variant::Full)["versions"]), ["1.0.0"]);
    assert_eq!(case.manifest("1.1.0"), None);
    case.standings.clear();
    assert_eq!(case.json(Variant::Full)["versions"], json!({}));
}

#[test]
fn a_version_goes_before_a_tag_of_its_name() {
    let case = Case::new(
        &[("1.0.0", Cleared), ("1.1.0", Cleared), ("1.2.0", Removed)],
        r#"{"1.0.0":"1.1.0","1.2.0":"1.1.0"}"#,
    );
    assert_eq!(case.manifest("1.0.0").unwrap(), ours("1.0.0"));
    assert_eq!(case.manifest("1.2.0"), None);
    assert_eq!(case.manifest("3.0.0"), None);
}

#[test]
fn an_attestation_without_an_address_gets_none() {
    let document = document(&["1.0.0"], "{}").replace(r#","url":"https:\/\/upstream.example/-/a""#, "");
    let json = Case::of(document, vec![Cleared]).json(Variant::Full);
    let attestations = &json["versions"]["1.0.0"]["dist"]["attestations"];
    assert_eq!(*attestations, json!({"provenance": {"predicateType": "https://slsa.example/v1"}}));
}

#[test]
fn a_hostile_version_stays_inside_its_string() {
    let version = r#"1\"},\"x\":{\""#;
    let document = document(&["V"], r#"{"latest":"V"}"#).replace("left-V", "left").replace('V', version);
    for standing in [Cleared, Held] {
        let case = Case::of(document.clone(), vec![standing]);
        let json = case.json(Variant::Full);
        assert_eq!(keys(&json["versions"]), [r#"1"},"x":{""#]);
        let tarball = json["versions"][r#"1"},"x":{""#]["dist"]["tarball"].as_str().unwrap();
        assert_eq!(tarball, format!("{BASE}/@acme/left/-/left-1%22%7D%2C%22x%22%3A%7B%22.tgz"));
    }
}

#[test]
fn most_of_a_rendered_document_is_not_copied() {
    let versions: Vec<String> = (0..100).map(|patch| format!("1.0.{patch}")).collect();
    let releases: Vec<(&str, Standing)> = versions.iter().map(|version| (version.as_str(), Cleared)).collect();
    let case = Case::new(&releases, "{}");
    let rope = super::packument(&case.index, &case.steering(Variant::Full));
    assert!((rope.weight() as u64) < rope.len() / 2, "{} of {}", rope.weight(), rope.len());
    assert!(rope.pieces().iter().any(|piece| matches!(piece, Piece::Document(_))));
}
