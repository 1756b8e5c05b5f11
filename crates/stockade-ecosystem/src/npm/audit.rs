//! Bulk audits: which of these releases have advisories?
//!
//! The question is an object of names with lists of versions, the answer an object of names with lists of advisories.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use stockade_model::{Evidence, Malformed, Release};

use super::packument;
use crate::Audit;

pub(super) static AUDIT: Audit =
    Audit { path: "-/npm/v1/security/advisories/bulk", asked: packument::audited, question, answer };

fn question(releases: &[Release]) -> Vec<u8> {
    let mut asked: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for release in releases {
        asked.entry(release.package.name.as_str()).or_default().push(&release.version);
    }
    serde_json::to_vec(&asked).unwrap_or_default()
}

/// The registry's answer, each advisory as it was, and ours after it.
fn answer(theirs: &[u8], ours: &[(Release, Vec<Evidence>)]) -> Result<Vec<u8>, Malformed> {
    let malformed =
        |_| Malformed::new("an audit's answer", "", "it is not an object of names with lists of advisories");
    let mut merged: BTreeMap<String, Vec<Box<RawValue>>> = serde_json::from_slice(theirs).map_err(malformed)?;
    for (release, found) in ours {
        let list = merged.entry(release.package.name.as_str().to_owned()).or_default();
        for advisory in found.iter().filter_map(|evidence| advisory(release, evidence)) {
            list.push(serde_json::value::to_raw_value(&advisory).map_err(malformed)?);
        }
    }
    serde_json::to_vec(&merged).map_err(malformed)
}

/// An advisory of ours in the registry's shape. npm wants an `id`, and takes it for equal where ids are equal.
fn advisory(release: &Release, evidence: &Evidence) -> Option<Value> {
    let Evidence::Advisory { id, malware, summary } = evidence else { return None };
    let title = if *malware { format!("{id}: malware: {summary}") } else { format!("{id}: {summary}") };
    Some(json!({
        "id": format!("{id}@{}", release.version),
        "url": format!("urn:osv:{id}"),
        "title": title,
        "severity": if *malware { "critical" } else { "high" },
        "vulnerable_versions": release.version,
        "cwe": ["CWE-506"],
        "cvss": { "score": 0, "vectorString": null },
    }))
}

#[cfg(test)]
mod tests {
    use super::super::package;
    use super::*;

    #[test]
    fn a_question_has_each_name_once() {
        let left = package("left-demo").unwrap();
        let question =
            question(&[left.release("1.0.0"), package("@acme/a").unwrap().release("2.0.0"), left.release("1.1.0")]);
        assert_eq!(String::from_utf8(question).unwrap(), r#"{"@acme/a":["2.0.0"],"left-demo":["1.0.0","1.1.0"]}"#);
    }

    #[test]
    fn the_registrys_advisories_stay_as_they_are_and_ours_are_added() {
        let theirs = br#"{"left-demo":[{"id":1.0, "x" : "y"}]}"#;
        let evidence = Evidence::Advisory { id: "MAL-1".to_owned(), malware: true, summary: "steals".to_owned() };
        let ours = [(package("left-demo").unwrap().release("1.1.0"), vec![evidence])];
        let merged = String::from_utf8(answer(theirs, &ours).unwrap()).unwrap();
        assert!(merged.starts_with(r#"{"left-demo":[{"id":1.0, "x" : "y"},{"#), "{merged}");
        assert!(merged.contains(r#""title":"MAL-1: malware: steals""#), "{merged}");
        assert_eq!(answer(b"{}", &[]).unwrap(), b"{}");
        assert!(answer(b"[]", &[]).is_err());
    }
}
