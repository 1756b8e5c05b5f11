//! What other readers of OSV get wrong, one by one.

use serde_json::json;
use stockade_advisory::{Basis, Builder, Class, Question};
use stockade_ecosystem::cargo::CARGO;
use stockade_ecosystem::maven::MAVEN;
use stockade_ecosystem::npm::NPM;
use stockade_ecosystem::pypi::PYPI;

use super::*;

const VERSIONS: [&str; 8] = ["0.9.0", "1.0.0-rc.1", "1.0.0", "1.1.0", "1.1.9", "1.2.0", "1.3.0", "2.0.0"];

fn by_range(events: &[(&str, &str)]) -> String {
    affected(&of(&[record("GHSA-1", json!({ "ranges": [range("SEMVER", events)] }))]), &VERSIONS)
}

#[test]
fn ranges_begin_and_end_where_their_events_say() {
    assert_eq!(by_range(&[("introduced", "1.1.0"), ("fixed", "1.2.0")]), "1.1.0 1.1.9");
    assert_eq!(by_range(&[("introduced", "1.1.0"), ("last_affected", "1.2.0")]), "1.1.0 1.1.9 1.2.0");
    assert_eq!(by_range(&[("introduced", "0"), ("fixed", "1.0.0")]), "0.9.0 1.0.0-rc.1");
    assert_eq!(by_range(&[("introduced", "1.2.0")]), "1.2.0 1.3.0 2.0.0");
    assert_eq!(
        by_range(&[("introduced", "0"), ("fixed", "1.0.0"), ("introduced", "1.3.0"), ("fixed", "2.0.0")]),
        "0.9.0 1.0.0-rc.1 1.3.0"
    );
}

#[test]
fn several_ranges_are_alternatives() {
    let ranges = json!({ "ranges": [
        range("SEMVER", &[("introduced", "1.0.0"), ("fixed", "1.1.0")]),
        range("ECOSYSTEM", &[("introduced", "1.3.0"), ("last_affected", "1.3.0")]),
    ] });
    assert_eq!(affected(&of(&[record("GHSA-1", ranges)]), &VERSIONS), "1.0.0 1.3.0");
}

/// Half of the records of Python have a range of commits first; one that is given up at it knows nothing.
#[test]
fn a_range_of_commits_is_passed_over() {
    let commits = json!({ "type": "GIT", "repo": "https://git.example/left", "events": [
        { "introduced": "0" }, { "fixed": "0123456789abcdef0123456789abcdef01234567" },
    ] });
    let versions = range("SEMVER", &[("introduced", "1.1.0"), ("fixed", "1.2.0")]);
    let both = of(&[record("GHSA-1", json!({ "ranges": [commits, versions] }))]);
    assert_eq!(affected(&both, &VERSIONS), "1.1.0 1.1.9");
    let listed = of(&[record("GHSA-1", json!({ "ranges": [commits], "versions": ["1.1.0"] }))]);
    assert_eq!(affected(&listed, &VERSIONS), "1.1.0");
    // Of nothing but commits it cannot be told.
    let alone = of(&[record("GHSA-1", json!({ "ranges": [commits] }))]);
    assert_eq!(affected(&alone, &["1.1.0"]), "1.1.0?");
    assert!(about(&alone, "1.1.0").unclear[0].why.contains("commits"));
}

#[test]
fn events_come_in_any_order() {
    assert_eq!(by_range(&[("fixed", "1.2.0"), ("introduced", "1.1.0")]), "1.1.0 1.1.9");
    assert_eq!(
        by_range(&[("introduced", "1.3.0"), ("introduced", "0"), ("fixed", "2.0.0"), ("fixed", "1.0.0")]),
        "0.9.0 1.0.0-rc.1 1.3.0"
    );
    // 0 is no version that is compared: it is before every one.
    assert_eq!(by_range(&[("fixed", "0.9.0"), ("introduced", "0")]), "");
}

/// "fixed 1.2, introduced 1.2" is two ranges that touch, whichever is written first.
#[test]
fn a_fix_and_a_beginning_at_one_version_touch() {
    let expected = "1.0.0 1.1.0 1.1.9 1.2.0";
    assert_eq!(
        by_range(&[("introduced", "1.0.0"), ("fixed", "1.2.0"), ("introduced", "1.2.0"), ("fixed", "1.3.0")]),
        expected
    );
    assert_eq!(
        by_range(&[("introduced", "1.2.0"), ("fixed", "1.3.0"), ("introduced", "1.0.0"), ("fixed", "1.2.0")]),
        expected
    );
    // One version alone.
    assert_eq!(by_range(&[("introduced", "1.1.0"), ("last_affected", "1.1.0")]), "1.1.0");
    // What was fixed where it was introduced never was.
    assert_eq!(by_range(&[("introduced", "1.1.0"), ("fixed", "1.1.0")]), "");
}

#[test]
fn a_limit_bounds_what_is_affected() {
    assert_eq!(by_range(&[("introduced", "1.0.0"), ("limit", "1.1.9")]), "1.0.0 1.1.0");
    assert_eq!(by_range(&[("introduced", "1.0.0"), ("limit", "*")]), "1.0.0 1.1.0 1.1.9 1.2.0 1.3.0 2.0.0");
    // Several limits are alternatives.
    assert_eq!(by_range(&[("introduced", "1.2.0"), ("limit", "1.3.0"), ("limit", "2.0.0")]), "1.2.0 1.3.0");
    assert_eq!(by_range(&[("introduced", "1.2.0"), ("last_affected", "2.0.0"), ("limit", "1.3.0")]), "1.2.0");
    assert_eq!(by_range(&[("introduced", "1.2.0"), ("limit", "1.0.0")]), "");
}

#[test]
fn listed_versions_count_besides_ranges() {
    let both = json!({
        "versions": ["0.9.0"],
        "ranges": [range("SEMVER", &[("introduced", "1.1.0"), ("fixed", "1.2.0")])],
    });
    assert_eq!(affected(&of(&[record("GHSA-1", both)]), &VERSIONS), "0.9.0 1.1.0 1.1.9");
}

/// The schema compares letters. `1.0` and `1.0.0` of Python are one release all the same, and it is told which it was.
#[test]
fn listed_versions_are_compared_by_letter_and_by_order() {
    for (ecosystem, name, listed, equal, other) in [
        (&PYPI, "left-demo", "1.0", "1.0.0", "1.0.1"),
        (&MAVEN, "org.acme:left-demo", "1.0", "1.0.0.Final", "1.0.1"),
        (&NPM, "left-demo", "1.0.0", "v1.0.0+build", "1.0.1"),
    ] {
        let advisories = of(&[record_of(ecosystem, name, "GHSA-1", json!({ "versions": [listed] }))]);
        let known = advisories.of(&package(ecosystem.id.as_str(), name)).unwrap();
        let basis = |version| {
            let answer = known.about(&Question::version(version)).unwrap();
            answer.matches.first().map(|found| found.because[0].basis)
        };
        assert_eq!(basis(listed), Some(Basis::Listed), "{}", ecosystem.osv);
        assert_eq!(basis(equal), Some(Basis::EqualVersion), "{}", ecosystem.osv);
        assert_eq!(basis(other), None, "{}", ecosystem.osv);
    }
    let nuget = of(&[in_osv("NuGet", "Left.Demo", "GHSA-1", json!({ "versions": ["1.0"] }))]);
    assert_eq!(affected_in(&nuget, &package("nuget", "left.demo"), &["1.0.0.0", "1.0.0.1"]), "1.0.0.0");
}

#[test]
fn names_are_compared_in_their_normal_form() {
    let advisories = of(&[record_of(&PYPI, "Left.Demo", "GHSA-1", json!({ "versions": ["1"] }))]);
    assert_eq!(affected_in(&advisories, &package(PYPI.id.as_str(), "left__demo"), &["1"]), "1");
    let advisories = of(&[record_of(&MAVEN, "org.acme:left", "GHSA-1", json!({ "versions": ["1"] }))]);
    assert_eq!(affected_in(&advisories, &package(MAVEN.id.as_str(), "org.acme/left"), &["1"]), "1");
}

#[test]
fn withdrawn_records_are_kept_and_match_nothing() {
    let mut withdrawn = record("MAL-1", json!({ "versions": ["1.1.0"] }));
    withdrawn["withdrawn"] = json!("2026-07-01T00:00:00Z");
    let answer = about(&of(&[withdrawn]), "1.1.0");
    assert!(answer.matches.is_empty() && answer.unclear.is_empty());
    let retracted = &answer.retracted[0];
    assert_eq!(retracted.id, "MAL-1");
    assert_eq!(retracted.withdrawn, Some("2026-07-01T00:00:00Z".parse().unwrap()));
    assert!(!retracted.blocks_by_default());
}

#[test]
fn related_records_are_not_the_same() {
    let mut a = record("GHSA-1", json!({ "versions": ["1.1.0"] }));
    let mut b = record("GHSA-2", json!({ "versions": ["1.1.0"] }));
    a["related"] = json!(["GHSA-2"]);
    b["upstream"] = json!(["GHSA-1"]);
    assert_eq!(about(&of(&[a.clone(), b.clone()]), "1.1.0").matches.len(), 2);
    a["aliases"] = json!(["CVE-2026-1"]);
    b["aliases"] = json!(["CVE-2026-1"]);
    let matches = about(&of(&[a, b]), "1.1.0").matches;
    assert_eq!(matches.len(), 1);
    assert_eq!(
        (matches[0].id.as_str(), &matches[0].aliases[..]),
        ("GHSA-1", &["CVE-2026-1".into(), "GHSA-2".into()][..])
    );
}

/// The database of Go has the ranges of what is no module's version in a place of its own.
#[test]
fn custom_ranges_of_go_count_where_the_range_says_nothing() {
    let affected = json!({
        "ranges": [range("SEMVER", &[("introduced", "0")])],
        "ecosystem_specific": { "custom_ranges": [range("ECOSYSTEM", &[("introduced", "2.9.0"), ("fixed", "2.9.12")])] },
    });
    let advisories = of(&[in_osv("Go", "mod.example/left", "GO-1", affected)]);
    let known = advisories.of(&package("golang", "mod.example/left")).unwrap();
    let basis = |version| known.about(&Question::version(version)).unwrap().matches[0].because[0].basis;
    assert_eq!(basis("v2.9.3"), Basis::Range);
    // Where it does not apply, the wide range still says that it may.
    assert_eq!(basis("v0.0.0-20230101000000-0123456789ab"), Basis::NoComparableRange);
    assert_eq!(said(&known.about(&Question::version("v2.9.12")).unwrap()), ["GO-1 suspect-wildcard"]);
    assert_eq!(known.about(&Question::version("v2.9.3")).unwrap().matches[0].fixed, ["2.9.12"]);
}

#[test]
fn versions_of_go_have_a_letter_that_advisories_leave_out() {
    let affected = json!({ "ranges": [range("SEMVER", &[("introduced", "1.1.0"), ("fixed", "1.2.0")])] });
    let advisories = of(&[in_osv("Go", "mod.example/left", "GO-1", affected)]);
    let versions = ["v1.0.9", "v1.1.0", "1.1.0", "v1.1.5+incompatible", "v1.2.0-rc.1", "v1.2.0"];
    let found = affected_in(&advisories, &package("golang", "mod.example/left"), &versions);
    assert_eq!(found, "v1.1.0 1.1.0 v1.1.5+incompatible v1.2.0-rc.1");
    let affected = json!({ "ranges": [range("SEMVER", &[("introduced", "1.21.0-0"), ("fixed", "1.21.3")])] });
    let stdlib = of(&[in_osv("Go", "stdlib", "GO-2", affected)]);
    let versions = ["go1.20.9", "go1.21rc2", "go1.21", "go1.21.2", "go1.21.3"];
    assert_eq!(affected_in(&stdlib, &package("golang", "stdlib"), &versions), "go1.21rc2 go1.21 go1.21.2");
}

#[test]
fn a_version_that_is_loose_is_compared_and_one_that_is_none_is_unclear() {
    let ranges = json!({ "ranges": [range("SEMVER", &[("introduced", "1.1.0"), ("fixed", "1.2.0")])] });
    let advisories = of(&[record("GHSA-1", ranges)]);
    assert_eq!(affected(&advisories, &["v1.1.5", "=1.1.5", "1.2.3.4", "latest"]), "v1.1.5 =1.1.5 1.2.3.4? latest?");
    // What says every version says it of what cannot be compared, too.
    let every = of(&[record("MAL-1", json!({ "ranges": [range("SEMVER", &[("introduced", "0")])] }))]);
    assert_eq!(affected(&every, &["1.2.3.4", "latest"]), "1.2.3.4 latest");
    // A list needs no order.
    let listed = of(&[record("GHSA-1", json!({ "versions": ["1.2.3.4"] }))]);
    assert_eq!(affected(&listed, &["1.2.3.4", "1.2.3.5"]), "1.2.3.4");
}

/// Records of Python without a list have only their ranges.
#[test]
fn a_record_without_a_list_has_its_ranges() {
    let ranges = json!({ "ranges": [range("ECOSYSTEM", &[("introduced", "0"), ("fixed", "1.2")])] });
    let advisories = of(&[record_of(&PYPI, "left-demo", "PYSEC-1", ranges)]);
    let versions = ["0.1.dev1", "1.2rc1", "1.2.0", "1.2.post1", "1!0"];
    assert_eq!(affected_in(&advisories, &package(PYPI.id.as_str(), "left-demo"), &versions), "0.1.dev1 1.2rc1");
}

#[test]
fn what_is_only_a_notice_is_no_vulnerability() {
    let affected = json!({
        "ranges": [range("SEMVER", &[("introduced", "0.0.0-0")])],
        "database_specific": { "informational": "unmaintained", "categories": [], "cvss": null },
    });
    let advisories = of(&[record_of(&CARGO, "left-demo", "RUSTSEC-1", affected)]);
    let answer = advisories.of(&package(CARGO.id.as_str(), "left-demo")).unwrap();
    let answer = answer.about(&Question::version("1.0.0")).unwrap();
    assert_eq!(answer.matches[0].class, Class::Notice);
    assert!(!answer.matches[0].blocks_by_default());
}

#[test]
fn what_follows_an_ecosystem_is_a_registry_or_a_release_of_a_distribution() {
    let listed = || json!({ "versions": ["1.0"] });
    let name = "org.acme:left-demo";
    let osv = format!("{}:https://maven.example/releases", MAVEN.osv);
    let elsewhere = of(&[in_osv(&osv, name, "GHSA-1", listed())]);
    let known = elsewhere.of(&package(MAVEN.id.as_str(), name)).unwrap();
    let of_origin = |origin| {
        let question = Question { origin, ..Question::version("1.0") };
        said(&known.about(&question).unwrap())
    };
    assert_eq!(of_origin(stockade_advisory::Origin::Default), ["GHSA-1 name-collision"]);
    assert_eq!(of_origin(stockade_advisory::Origin::Unknown), ["GHSA-1 version"]);
    assert_eq!(of_origin(stockade_advisory::Origin::Other("https://maven.example/releases")), ["GHSA-1 release"]);
    let debian = of(&[in_osv("Debian:12", "left", "DSA-1", listed())]);
    assert_eq!(affected_in(&debian, &package("Debian:12", "left"), &["1.0"]), "1.0");
    assert_eq!(affected_in(&debian, &package("Debian:11", "left"), &["1.0"]), "");
}

/// Of an ecosystem whose order is not known, ranges of SemVer can be evaluated all the same, and others cannot.
#[test]
fn an_ecosystem_that_nobody_knows_has_lists_and_ranges_of_semver() {
    let ranges = |kind| json!({ "ranges": [range(kind, &[("introduced", "1.0.0"), ("fixed", "1.2.0")])] });
    let swift = of(&[in_osv("SwiftURL", "git.example/left", "GHSA-1", ranges("SEMVER"))]);
    let versions = ["0.9.0", "1.1.0", "1.2.0", "main"];
    assert_eq!(affected_in(&swift, &package("SwiftURL", "git.example/left"), &versions), "1.1.0 main?");
    let (file, built) = base(&[in_osv("Unheard", "left", "X-1", ranges("ECOSYSTEM"))]);
    assert_eq!(built.problem_count, 1);
    assert_eq!(affected_in(&open(file), &package("Unheard", "left"), &["0.9.0", "1.1.0"]), "0.9.0? 1.1.0?");
    let listed = of(&[in_osv("Unheard", "left", "X-1", json!({ "versions": ["1.0.0+a"] }))]);
    assert_eq!(affected_in(&listed, &package("Unheard", "left"), &["1.0.0+a", "1.0.0+b", "1.0.0"]), "1.0.0+a");
}

#[test]
fn a_release_without_a_version_is_neither_affected_nor_unaffected() {
    let advisories = of(&[record("GHSA-1", json!({ "versions": ["1.0.0"] }))]);
    let answer = about(&advisories, "");
    assert!(answer.matches.is_empty());
    assert_eq!(answer.unclear[0].why, "the version is not known");
}

/// What databases add on their own decides nothing about versions.
#[test]
fn what_databases_add_does_not_change_what_is_affected() {
    let affected_versions = json!({
        "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "1.1.0" }, { "fixed": "1.2.0" }],
                     "database_specific": { "versions": "everything", "last_known_affected_version_range": "<= 9" } }],
        "database_specific": { "last_known_affected_version_range": "<= 9", "cwes": 7, "categories": { "a": [1] } },
        "ecosystem_specific": { "affects": { "arch": [], "os": [] }, "affected_functions": null, "imports": [{}] },
    });
    let mut record = record("GHSA-1", affected_versions);
    // The collection of malicious packages keeps what others once said. That is history, and says nothing of today.
    record["database_specific"] = json!({ "malicious-packages-origins": [{
        "source": "ghsa", "sha256": "00", "versions": ["1.0.0"],
        "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "0" }] }],
    }], "iocs": { "ips": 3, "files": [{ "paths": ["a"] }] }, "cwe_ids": null });
    assert_eq!(affected(&of(&[record]), &VERSIONS), "1.1.0 1.1.9");
}

#[test]
fn what_in_a_record_cannot_be_evaluated_is_a_problem_and_unclear() {
    for (ranges, expected) in [
        (range("SEMVER", &[("introduced", "1.1.0"), ("fixed", "one")]), "no place in the order"),
        (range("FUTURE", &[("introduced", "1.1.0")]), "unknown type"),
        (range("SEMVER", &[("fixed", "1.2.0")]), "without a version in which it was introduced"),
        (range("SEMVER", &[]), "without a version in which it was introduced"),
    ] {
        let mut builder = Builder::new();
        builder.source("test");
        let good = range("SEMVER", &[("introduced", "2.0.0")]);
        builder.add(record("GHSA-1", json!({ "ranges": [good, ranges] })).to_string().as_bytes()).unwrap();
        let mut file = Vec::new();
        let built = builder.finish(&header(1, None), &mut file).unwrap();
        assert!(built.problems[0].what.contains(expected), "{:?}", built.problems);
        let advisories = open(file);
        assert_eq!(affected(&advisories, &["1.0.0", "2.0.0"]), "1.0.0? 2.0.0");
        assert_eq!((advisories.status().problems, advisories.status().sources[0].problems), (1, 1));
    }
    let silent = of(&[record("GHSA-1", json!({}))]);
    assert_eq!(affected(&silent, &["1.0.0"]), "1.0.0?");
}

/// The registry of crates has no two names that differ in this alone, and records spell one as they like.
#[test]
fn a_crate_has_one_name_however_it_is_joined() {
    let versions = json!({ "versions": ["1.0.0"] });
    let advisories = of(&[record_of(&CARGO, "left_demo-x", "MAL-1", versions.clone()), record("MAL-2", versions)]);
    for name in ["left-demo-x", "left_demo_x", "left_demo-x"] {
        assert_eq!(affected_in(&advisories, &package(CARGO.id.as_str(), name), &["1.0.0"]), "1.0.0", "{name}");
    }
    assert_eq!(affected_in(&advisories, &package(NPM.id.as_str(), "left_demo"), &["1.0.0"]), "");
}
