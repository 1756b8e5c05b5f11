//! Records in, a file, answers out: always through the bytes of a file.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without ends it")]
#![expect(clippy::needless_pass_by_value, reason = "`json!` makes values to be given away")]
#![expect(clippy::float_cmp, reason = "what is read is what was written")]

mod class;
mod feeds;
mod grade;
mod hostile;
mod layers;
mod merging;
mod properties;
mod traps;

use std::fmt::Write as _;

use serde_json::{Value, json};
use stockade_advisory::{Advisories, Answer, Builder, Built, Header, Question};
use stockade_ecosystem::npm::NPM;
use stockade_ecosystem::{ALL, Ecosystem, by_id};
use stockade_model::{EcosystemId, Name, Package};

/// The time at which files of tests are made.
const BUILT: &str = "2026-11-01T00:00:00Z";

/// The header of a file.
fn header(sequence: u64, base: Option<&str>) -> Header {
    Header { built: BUILT.parse().unwrap(), sequence, base: base.map(str::to_owned) }
}

/// A base of these records, which all can be read.
fn base(records: &[Value]) -> (Vec<u8>, Built) {
    let mut builder = Builder::new();
    for record in records {
        builder.add(record.to_string().as_bytes()).unwrap();
    }
    let mut file = Vec::new();
    let built = builder.finish(&header(1, None), &mut file).unwrap();
    (file, built)
}

/// A base of these records, opened.
fn of(records: &[Value]) -> Advisories {
    let (file, built) = base(records);
    assert_eq!(built.problem_count, 0, "{:?}", built.problems);
    open(file)
}

/// A file without overlays, opened.
fn open(file: Vec<u8>) -> Advisories {
    Advisories::open(Box::new(file), Vec::new()).unwrap()
}

/// A package of an ecosystem that need not be one of ours.
fn package(ecosystem: &str, name: &str) -> Package {
    let normal = by_id(ecosystem).map_or_else(|| Name::normalised(name), |known| (known.name)(name).unwrap());
    Package { ecosystem: EcosystemId::read(ecosystem), name: normal }
}

/// What is said of a version of `left-demo`.
fn about(advisories: &Advisories, version: &str) -> Answer {
    ask(advisories, &Question::version(version))
}

/// What is said of a question about `left-demo`.
fn ask(advisories: &Advisories, question: &Question<'_>) -> Answer {
    advisories.of(&package(NPM.id.as_str(), "left-demo")).unwrap().about(question).unwrap()
}

/// A record about `left-demo`.
fn record(id: &str, affected: Value) -> Value {
    record_of(&NPM, "left-demo", id, affected)
}

/// A record about a package.
fn record_of(ecosystem: &Ecosystem, name: &str, id: &str, affected: Value) -> Value {
    in_osv(ecosystem.osv, name, id, affected)
}

/// A record about a package of an ecosystem that OSV has this name for.
fn in_osv(osv: &str, name: &str, id: &str, mut affected: Value) -> Value {
    affected["package"] = json!({ "ecosystem": osv, "name": name });
    json!({ "id": id, "modified": "2026-06-01T00:00:00Z", "published": "2026-06-01T00:00:00Z", "affected": [affected] })
}

/// A range of versions.
fn range(kind: &str, events: &[(&str, &str)]) -> Value {
    let events: Vec<Value> = events.iter().map(|(event, version)| json!({ *event: version })).collect();
    json!({ "type": kind, "events": events })
}

/// Which of these versions of `left-demo` an advisory matches; `?` follows those of which it cannot be told.
fn affected(advisories: &Advisories, versions: &[&str]) -> String {
    affected_in(advisories, &package(NPM.id.as_str(), "left-demo"), versions)
}

/// Which of these versions of a package an advisory matches.
fn affected_in(advisories: &Advisories, package: &Package, versions: &[&str]) -> String {
    let known = advisories.of(package).unwrap();
    let mut line = String::new();
    for version in versions {
        let answer = known.about(&Question::version(version)).unwrap();
        let mark = if answer.unclear.is_empty() { "" } else { "?" };
        if !answer.matches.is_empty() || !mark.is_empty() {
            write!(line, " {version}{mark}").unwrap();
        }
    }
    line.trim_start().to_owned()
}

/// Identifiers and grades of matches: `MAL-1 range`.
fn said(answer: &Answer) -> Vec<String> {
    let grade = |grade| serde_json::to_value(grade).unwrap().as_str().unwrap().to_owned();
    answer.matches.iter().map(|found| format!("{} {}", found.id, grade(found.grade))).collect()
}

#[test]
fn every_ecosystem_has_its_own_name_in_records() {
    for ecosystem in ALL {
        let name = if ecosystem.purl_type == "maven" { "org.acme:left-demo" } else { "left-demo" };
        let advisories = of(&[record_of(ecosystem, name, "GHSA-1", json!({ "versions": ["1.1.0"] }))]);
        let found = affected_in(&advisories, &package(ecosystem.id.as_str(), name), &["1.0.0", "1.1.0"]);
        assert_eq!(found, "1.1.0", "{}", ecosystem.osv);
    }
    for (osv, id) in [("Go", "golang"), ("RubyGems", "gem"), ("NuGet", "nuget"), ("Packagist", "composer")] {
        let affected = json!({ "ranges": [range("ECOSYSTEM", &[("introduced", "1.1.0"), ("fixed", "1.2.0")])] });
        let advisories = of(&[in_osv(osv, "left-demo", "GHSA-1", affected)]);
        let found = affected_in(&advisories, &package(id, "left-demo"), &["1.0.0", "1.1.0", "1.1.9", "1.2.0"]);
        assert_eq!(found, "1.1.0 1.1.9", "{osv}");
    }
    let affected = json!({ "ranges": [range("ECOSYSTEM", &[("introduced", "1.1.0"), ("fixed", "2")])] });
    let actions = of(&[in_osv("GitHub Actions", "Acme/Left", "GHSA-1", affected)]);
    let versions = ["v1.0.0", "v1.1.0", "1.9.9", "v2.0.0", "v1", "main"];
    // Which release a tag that is moved or a branch is on, is not known.
    assert_eq!(affected_in(&actions, &package("github", "acme/left"), &versions), "v1.1.0 1.9.9 v1? main?");
}
