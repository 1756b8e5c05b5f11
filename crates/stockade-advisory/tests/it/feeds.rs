//! Estimates and reports of use, one's own list, zips.

use std::io::{Cursor, Write as _};

use serde_json::json;
use stockade_advisory::{Builder, Class};

use super::*;

fn finished(builder: Builder) -> (Advisories, Built) {
    let mut file = Vec::new();
    let built = builder.finish(&header(1, None), &mut file).unwrap();
    (open(file), built)
}

#[test]
fn estimates_and_reports_of_use_follow_aliases() {
    let mut builder = Builder::new();
    let mut known = record("GHSA-1", json!({ "versions": ["1.0.0"] }));
    known["aliases"] = json!(["CVE-2026-1", "CVE-2026-2"]);
    builder.add(known.to_string().as_bytes()).unwrap();
    builder.add(record("GHSA-2", json!({ "versions": ["1.0.0"] })).to_string().as_bytes()).unwrap();
    let epss =
        "#model_version:v1,score_date:2026-11-01\ncve,epss,percentile\nCVE-2026-1,0.5,0.9\nCVE-2026-2,0.25,0.8\n";
    builder.add_epss(epss.as_bytes()).unwrap();
    builder.add_kev(json!({ "vulnerabilities": [{ "cveID": "CVE-2026-2", "x": 1 }] }).to_string().as_bytes()).unwrap();
    let (advisories, built) = finished(builder);
    assert_eq!(built.problem_count, 0);
    let matches = about(&advisories, "1.0.0").matches;
    let likelihood = matches[0].likelihood.unwrap();
    assert_eq!((likelihood.probability, likelihood.percentile, matches[0].exploited), (0.5, 0.9, true));
    assert_eq!((matches[1].likelihood, matches[1].exploited), (None, false));
}

#[test]
fn what_is_wrong_in_a_feed_is_a_problem() {
    let mut builder = Builder::new();
    builder.source("feed");
    builder.add_epss(b"CVE-2026-1,2.0,0.9\nCVE-2026-1\nGHSA-1,0.1,0.1\nCVE-2026-3,0.1,0.1\n").unwrap();
    assert!(builder.add_epss(b"\xff").is_err());
    assert!(builder.add_kev(b"[]").is_err());
    builder.add_kev(br#"{"vulnerabilities":[{"cveID":"what"}]}"#).unwrap();
    builder.add_list(b"left-demo\nsha1:0000000000000000000000000000000000000000 x\npkg:npm/../x@1 y\n").unwrap();
    let (_, built) = finished(builder);
    assert_eq!(built.problem_count, 9, "{:#?}", built.problems);
    assert!(built.problems[0].to_string().starts_with("feed: line 1: "), "{}", built.problems[0]);
}

#[test]
fn a_list_of_ones_own_is_malice() {
    let mut builder = Builder::new();
    let list = "# ours\n\npkg:npm/left-demo@1.1.0 stolen token\npkg:maven/org.acme/left-demo\tall of it\n";
    builder.add_list(list.as_bytes()).unwrap();
    let (advisories, built) = finished(builder);
    assert_eq!(built.problem_count, 0, "{:?}", built.problems);
    let answer = about(&advisories, "1.1.0");
    assert_eq!((answer.matches[0].class, answer.matches[0].summary.as_str()), (Class::Malicious, "stolen token"));
    assert!(answer.matches[0].blocks_by_default());
    assert_eq!(affected(&advisories, &["1.0.0", "1.1.0"]), "1.1.0");
    let whole = advisories.about(&package("maven", "org.acme:left-demo").release("7")).unwrap();
    assert!(whole.matches[0].blocks_by_default());
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn each_file_of_a_zip_is_read_for_itself() {
    let good = record("GHSA-1", json!({ "versions": ["1.0.0"] })).to_string();
    let other = record("GHSA-2", json!({ "versions": ["1.0.0"] })).to_string();
    let bytes = zip(&[
        ("GHSA-1.json", good.as_bytes()),
        ("bad.json", b"{"),
        ("README.md", b"# no record"),
        ("GHSA-2.JSON", other.as_bytes()),
    ]);
    let mut builder = Builder::new();
    builder.source("all.zip");
    builder.add_zip(Cursor::new(&bytes)).unwrap();
    assert_eq!(builder.records(), 2);
    let (advisories, built) = finished(builder);
    assert_eq!(built.problem_count, 1);
    assert!(
        built.problems[0].to_string().starts_with("all.zip: bad.json: the record is not OSV"),
        "{:?}",
        built.problems
    );
    let status = advisories.status();
    assert_eq!((status.records, status.problems), (2, 1));
    assert_eq!((status.sources[0].records, status.sources[0].problems), (2, 1));
}

#[test]
fn a_damaged_file_of_a_zip_does_not_hide_the_others() {
    let good = record("GHSA-1", json!({ "versions": ["1.0.0"] })).to_string();
    let mut bytes = zip(&[("a.json", good.replace("GHSA-1", "GHSA-7").as_bytes()), ("b.json", good.as_bytes())]);
    bytes[40] ^= 0xff;
    let mut builder = Builder::new();
    builder.add_zip(Cursor::new(&bytes)).unwrap();
    assert_eq!(builder.records(), 1);
    assert_eq!(finished(builder).1.problem_count, 1);
    let mut builder = Builder::new();
    assert!(builder.add_zip(Cursor::new(b"no zip")).is_err());
    assert!(builder.add_zip(Cursor::new(&bytes[..bytes.len() / 2])).is_err());
    assert_eq!(finished(builder).1.problem_count, 2);
}

/// A reader of zips keeps one of two files with one name, and nobody would know that there was another.
#[test]
fn two_files_of_one_name_are_a_problem() {
    let record = |id: &str| record(id, json!({ "versions": ["1.0.0"] })).to_string();
    let mut bytes = zip(&[("a.json", record("GHSA-1").as_bytes()), ("b.json", record("GHSA-2").as_bytes())]);
    let mut builder = Builder::new();
    builder.add_zip(Cursor::new(&bytes)).unwrap();
    assert_eq!((builder.records(), finished(builder).1.problem_count), (2, 0));
    for at in 0..bytes.len() - 6 {
        if &bytes[at..at + 6] == b"b.json" {
            bytes[at] = b'a';
        }
    }
    let mut builder = Builder::new();
    let _ = builder.add_zip(Cursor::new(&bytes));
    assert!(builder.records() < 2);
    let problems = finished(builder).1.problems;
    assert!(problems[0].what.contains("two files of one name"), "{problems:?}");
}
