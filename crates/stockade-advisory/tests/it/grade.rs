//! How well an advisory about malice fits, and what stops a release.

use serde_json::json;
use stockade_advisory::{Basis, Builder, Match, Origin, Question};
use stockade_model::Digest;

use super::*;

fn every() -> Value {
    range("SEMVER", &[("introduced", "0")])
}

fn blocked(advisories: &Advisories, versions: &[&str]) -> String {
    let blocks = |version: &&&str| about(advisories, version).matches.iter().any(Match::blocks_by_default);
    versions.iter().filter(blocks).copied().collect::<Vec<_>>().join(" ")
}

/// Records of hijacked packages list what is bad, and say "every version" in haste.
#[test]
fn a_stale_range_does_not_make_good_releases_malware() {
    for stale in ["0", "0.0.0", "0.0.0-0"] {
        let ranges = json!([range("SEMVER", &[("introduced", stale)])]);
        let hijack = of(&[record("MAL-2026-3432", json!({ "ranges": ranges, "versions": ["2.2.2", "2.2.3"] }))]);
        assert_eq!(affected(&hijack, &["2.2.1", "2.2.2", "2.2.3", "2.2.4", "3.0.0"]), "2.2.2 2.2.3");
        let because = &about(&hijack, "2.2.3").matches[0].because[0];
        assert_eq!((because.basis, because.range_suppressed), (Basis::Listed, true));
    }
    // What says it and lists the versions in two entries is the same.
    let mut twice = record("MAL-1", json!({ "ranges": [every()] }));
    let listed = record("MAL-1", json!({ "versions": ["2.2.2"] }))["affected"][0].clone();
    twice["affected"].as_array_mut().unwrap().push(listed);
    assert_eq!(affected(&of(&[twice]), &["2.2.1", "2.2.2"]), "2.2.2");
    // A vulnerability is evaluated by the letter.
    let vulnerable = of(&[record("GHSA-1", json!({ "ranges": [every()], "versions": ["2.2.2"] }))]);
    assert_eq!(affected(&vulnerable, &["2.2.1", "2.2.2"]), "2.2.1 2.2.2");
}

#[test]
fn a_package_that_is_malware_as_a_whole_is_blocked_as_a_whole() {
    let whole = of(&[record("MAL-1", json!({ "ranges": [every()] }))]);
    assert_eq!(blocked(&whole, &["0.0.1", "9.9.9", "not semver"]), "0.0.1 9.9.9 not semver");
    assert_eq!(about(&whole, "9.9.9").matches[0].because[0].basis, Basis::WholePackage);
}

#[test]
fn a_package_much_older_than_the_advisory_was_rather_hijacked() {
    let whole = of(&[record("MAL-1", json!({ "ranges": [every()] }))]);
    let asked = |first: &str| {
        let first_release = Some(first.parse().unwrap());
        let answer = ask(&whole, &Question { first_release, ..Question::version("1.0.0") });
        (said(&answer), answer.matches[0].because[0].basis, answer.matches[0].blocks_by_default())
    };
    let suspect = (vec!["MAL-1 suspect-wildcard".to_owned()], Basis::OlderPackage, false);
    assert_eq!(asked("2016-01-01T00:00:00Z"), suspect);
    assert_eq!(asked("2026-05-20T00:00:00Z"), (vec!["MAL-1 version".to_owned()], Basis::WholePackage, true));
}

#[test]
fn a_wildcard_beside_a_list_of_another_advisory_is_suspect() {
    let advisories = of(&[
        record("MAL-1", json!({ "ranges": [every()] })),
        record("GHSA-1", json!({ "versions": ["1.1.0"], "database_specific": { "cwe_ids": ["CWE-506"] } })),
    ]);
    assert_eq!(said(&about(&advisories, "1.0.0")), ["MAL-1 suspect-wildcard"]);
    assert_eq!(said(&about(&advisories, "1.1.0")), ["GHSA-1 version"]);
    assert_eq!(blocked(&advisories, &["1.0.0", "1.1.0", "1.2.0"]), "1.1.0");
}

/// One database says "from 0.3.10 on", another lists 0.3.10, and neither knows of the other.
#[test]
fn later_versions_of_an_open_range_are_unverified_where_versions_are_listed() {
    let open = record(
        "RUSTSEC-2026-0260",
        json!({
            "ranges": [range("SEMVER", &[("introduced", "0.3.10-0")])],
            "database_specific": { "categories": ["malicious"] },
        }),
    );
    let listed = record("MAL-2026-14336", json!({ "versions": ["0.3.10"] }));
    let both = of(&[open.clone(), listed]);
    assert_eq!(affected(&both, &["0.3.9", "0.3.10", "0.3.11"]), "0.3.10 0.3.11");
    assert_eq!(blocked(&both, &["0.3.9", "0.3.10", "0.3.11"]), "0.3.10");
    let answer = about(&both, "0.3.10");
    assert_eq!(answer.matches.len(), 1, "one attack is one match");
    assert_eq!(answer.matches[0].because.len(), 2);
    assert_eq!(about(&both, "0.3.11").matches[0].because[0].basis, Basis::LaterVersion);
    let plain = json!({ "ranges": [range("SEMVER", &[("introduced", "0.3.10"), ("last_affected", "0.3.12")])] });
    assert_eq!(blocked(&of(&[record("MAL-1", plain)]), &["0.3.9", "0.3.10", "0.3.11", "0.3.12"]), "0.3.10 0.3.12");
    // The first version of a range is named by it, alone too.
    let alone = of(&[open]);
    assert_eq!(said(&about(&alone, "0.3.10")), ["RUSTSEC-2026-0260 version"]);
    assert_eq!(said(&about(&alone, "0.3.11")), ["RUSTSEC-2026-0260 range"]);
    assert_eq!(blocked(&alone, &["0.3.10", "0.3.11"]), "0.3.10");
}

#[test]
fn event_stream_has_one_bad_release() {
    let affected_versions = json!({
        "versions": ["3.3.6"],
        "ranges": [range("SEMVER", &[("introduced", "3.3.6"), ("fixed", "4.0.0")])],
        "database_specific": { "cwe_ids": ["CWE-506"] },
    });
    let advisories = of(&[record("GHSA-mh6f-8j2x-4483", affected_versions)]);
    assert_eq!(affected(&advisories, &["3.3.5", "3.3.6", "3.3.7", "4.0.0"]), "3.3.6 3.3.7");
    assert_eq!(blocked(&advisories, &["3.3.5", "3.3.6", "3.3.7", "4.0.0"]), "3.3.6");
}

#[test]
fn the_registry_tells_a_release_from_a_name() {
    let advisories = of(&[record("MAL-1", json!({ "versions": ["1.0.0"] }))]);
    let from = |origin| {
        let answer = ask(&advisories, &Question { origin, ..Question::version("1.0.0") });
        (said(&answer), answer.matches[0].blocks_by_default())
    };
    assert_eq!(from(Origin::Default), (vec!["MAL-1 release".to_owned()], true));
    assert_eq!(from(Origin::Unknown), (vec!["MAL-1 version".to_owned()], true));
    assert_eq!(from(Origin::Other("registry.example")), (vec!["MAL-1 name-collision".to_owned()], false));
}

#[test]
fn bytes_are_known_whatever_they_are_called() {
    let (bad, good) = (Digest::of(b"bad"), Digest::of(b"good"));
    let mut builder = Builder::new();
    builder.add_list(format!("{bad} second stage\n{} \n", Digest::of(b"other").sri()).as_bytes()).unwrap();
    let mut file = Vec::new();
    assert_eq!(builder.finish(&header(1, None), &mut file).unwrap().problem_count, 0);
    let advisories = open(file);
    let with = |digests: &[Digest], origin| {
        let answer = ask(&advisories, &Question { digests, origin, ..Question::version("1.0.0") });
        answer.matches.iter().map(|found| (found.grade.blocks_by_default(), found.summary.clone())).collect::<Vec<_>>()
    };
    assert_eq!(with(&[good.clone(), bad], Origin::Other("a")), [(true, "second stage".to_owned())]);
    assert_eq!(with(&[good], Origin::Default), []);
    assert_eq!(with(&[Digest::of(b"other")], Origin::Default).len(), 1);
}

#[test]
fn only_the_first_three_grades_block_and_only_malice() {
    use stockade_advisory::Grade;
    let grades =
        [Grade::Hash, Grade::Release, Grade::Version, Grade::Range, Grade::SuspectWildcard, Grade::NameCollision];
    assert!(grades.is_sorted());
    assert_eq!(grades.map(Grade::blocks_by_default), [true, true, true, false, false, false]);
    let vulnerable = of(&[record("GHSA-1", json!({ "versions": ["1.0.0"] }))]);
    assert_eq!(blocked(&vulnerable, &["1.0.0"]), "");
}
