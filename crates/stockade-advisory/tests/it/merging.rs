//! What is about the same is one match.

use serde_json::json;

use super::*;

fn vulnerability(id: &str, aliases: &[&str], score: &str, fixed: &str) -> Value {
    let mut record = record(id, json!({ "ranges": [range("SEMVER", &[("introduced", "0"), ("fixed", fixed)])] }));
    record["aliases"] = json!(aliases);
    record["summary"] = json!(format!("summary of {id}\nsecond line"));
    record["severity"] = json!([{ "type": "CVSS_V3", "score": score }]);
    record
}

const HIGH: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
const LOW: &str = "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N";

#[test]
fn aliases_join_vulnerabilities_across_a_third() {
    let advisories = of(&[
        vulnerability("GHSA-1", &["CVE-2026-1"], LOW, "1.2.0"),
        vulnerability("PYSEC-1", &["CVE-2026-2"], HIGH, "1.10.0"),
        vulnerability("GHSA-9", &[], LOW, "2.0.0"),
        vulnerability("SNYK-1", &["CVE-2026-1", "CVE-2026-2"], LOW, "1.2.0"),
    ]);
    let matches = about(&advisories, "1.0.0").matches;
    let ids: Vec<_> = matches.iter().map(|found| (found.id.as_str(), found.aliases.join(" "))).collect();
    let joined = "CVE-2026-1 CVE-2026-2 GHSA-1 SNYK-1".to_owned();
    assert_eq!(ids, [("PYSEC-1", joined), ("GHSA-9", String::new())]);
    assert_eq!(matches[0].severity.tenths, Some(98));
    assert_eq!(matches[0].summary, "summary of PYSEC-1");
    assert_eq!(matches[0].fixed, ["1.2.0", "1.10.0"], "fixes are in the order of versions");
}

#[test]
fn an_alias_that_is_a_record_joins_it() {
    let advisories =
        of(&[vulnerability("CVE-2026-1", &[], LOW, "1.2.0"), vulnerability("GHSA-1", &["CVE-2026-1"], LOW, "1.2.0")]);
    assert_eq!(about(&advisories, "1.0.0").matches.len(), 1);
}

#[test]
fn malice_and_a_vulnerability_of_one_name_stay_two() {
    let mut malice = record("MAL-1", json!({ "versions": ["1.0.0"] }));
    malice["aliases"] = json!(["GHSA-1"]);
    let matches = about(&of(&[vulnerability("GHSA-1", &[], HIGH, "1.2.0"), malice]), "1.0.0").matches;
    let ids: Vec<_> = matches.iter().map(|found| found.id.as_str()).collect();
    assert_eq!(ids, ["MAL-1", "GHSA-1"], "malice is first, though it has no score");
}

#[test]
fn a_release_is_known_as_a_fix() {
    let advisories = of(&[
        vulnerability("GHSA-1", &[], HIGH, "1.2.0"),
        vulnerability("GHSA-2", &[], HIGH, "1.3.0"),
        record("MAL-1", json!({ "ranges": [range("SEMVER", &[("introduced", "1.0.0"), ("fixed", "1.2.0")])] })),
        record(
            "GHSA-3",
            json!({ "ranges": [range("SEMVER", &[("introduced", "1.0.0"), ("fixed", "1.2.0")])], "versions": ["1.2.0"] }),
        ),
    ]);
    let fixes = |version: &str| advisories.fixes(&package("npm", "left-demo").release(version)).unwrap();
    // GHSA-3 names 1.2.0 as fix and as affected, so it is no fix.
    assert_eq!(fixes("1.2.0"), ["GHSA-1"]);
    assert_eq!(fixes("v1.3.0"), ["GHSA-2"]);
    assert!(fixes("1.2.1").is_empty());
}

#[test]
fn the_word_of_a_database_is_kept_where_there_is_no_vector() {
    let mut record = record("GHSA-1", json!({ "versions": ["1.0.0"] }));
    record["database_specific"] = json!({ "severity": "MODERATE" });
    let severity = about(&of(&[record]), "1.0.0").matches.remove(0).severity;
    assert_eq!((severity.tenths, severity.vector, severity.word.as_deref()), (None, None, Some("moderate")));
}

/// What the engine asks today: one line for each advisory about malice that stops.
#[test]
fn the_evidence_of_today_can_be_expressed() {
    let mut malice = record("MAL-1", json!({ "versions": ["1.0.0"] }));
    malice["summary"] = json!("steals tokens");
    let answer = about(&of(&[malice, vulnerability("GHSA-1", &[], HIGH, "1.2.0")]), "1.0.0");
    let evidence = answer.matches.iter().map(|found| stockade_model::Evidence::Advisory {
        id: found.id.clone(),
        malware: found.blocks_by_default(),
        summary: found.summary.clone(),
    });
    let lines: Vec<_> = evidence.map(|evidence| serde_json::to_value(evidence).unwrap()).collect();
    assert_eq!(lines[0], json!({ "kind": "advisory", "id": "MAL-1", "malware": true, "summary": "steals tokens" }));
    assert_eq!(lines[1]["malware"], false);
}
