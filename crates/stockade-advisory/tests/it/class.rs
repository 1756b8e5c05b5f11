//! Malice is a class of its own, whatever says it.

use serde_json::{Value, json};
use stockade_advisory::Class;

use super::*;

fn class(id: &str, affected_specific: Value, specific: Value) -> Class {
    let mut record = record(id, json!({ "versions": ["1.0.0"], "database_specific": affected_specific }));
    record["database_specific"] = specific;
    about(&of(&[record]), "1.0.0").matches[0].class
}

#[test]
fn any_mark_of_malice_does() {
    assert_eq!(class("MAL-2026-1", json!(null), json!(null)), Class::Malicious);
    assert_eq!(class("GHSA-1", json!(null), json!({ "cwe_ids": ["CWE-79", "CWE-506"] })), Class::Malicious);
    assert_eq!(
        class("GHSA-1", json!({ "cwes": [{ "cweId": "CWE-507", "name": "x" }] }), json!(null)),
        Class::Malicious
    );
    assert_eq!(class("RUSTSEC-1", json!({ "categories": ["malicious"] }), json!(null)), Class::Malicious);
    assert_eq!(class("GHSA-1", json!(null), json!({ "type": "malware" })), Class::Malicious);
    assert_eq!(class("X-1", json!(null), json!({ "kind": "compromise" })), Class::Malicious);
    for cwe in ["CWE-506", "CWE-507", "CWE-508", "CWE-509", "CWE-510", "CWE-512"] {
        assert_eq!(class("GHSA-1", json!(null), json!({ "cwe_ids": [cwe] })), Class::Malicious);
    }
}

#[test]
fn what_is_not_malice_is_a_vulnerability_or_a_notice() {
    assert_eq!(class("GHSA-1", json!(null), json!({ "cwe_ids": ["CWE-79"], "type": "reviewed" })), Class::Vulnerable);
    assert_eq!(class("GHSA-MAL-1", json!(null), json!(null)), Class::Vulnerable);
    assert_eq!(class("GHSA-1", json!(null), json!({ "cwe_ids": ["CWE-511"] })), Class::Vulnerable);
    assert_eq!(class("RUSTSEC-1", json!({ "informational": "unsound" }), json!(null)), Class::Notice);
    assert_eq!(
        class("RUSTSEC-1", json!({ "informational": null, "categories": ["dos"] }), json!(null)),
        Class::Vulnerable
    );
    assert_eq!(
        class("RUSTSEC-1", json!({ "informational": "notice", "categories": ["malicious"] }), json!(null)),
        Class::Malicious
    );
}

/// A record may speak of a package that was taken over, and of one that has a hole because of it.
#[test]
fn malice_in_one_package_is_not_malice_in_the_other() {
    let mut record = record("GHSA-1", json!({ "versions": ["1.0.0"] }));
    let other = json!({
        "package": { "ecosystem": stockade_ecosystem::npm::NPM.osv, "name": "right-demo" },
        "versions": ["1.0.0"],
        "database_specific": { "cwes": [{ "cweId": "CWE-506" }] },
    });
    record["affected"].as_array_mut().unwrap().push(other);
    let advisories = of(&[record]);
    let class = |name| {
        let package = package("npm", name);
        advisories.about(&package.release("1.0.0")).unwrap().matches[0].class
    };
    assert_eq!((class("left-demo"), class("right-demo")), (Class::Vulnerable, Class::Malicious));
}
