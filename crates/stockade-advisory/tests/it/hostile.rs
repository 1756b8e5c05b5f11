//! Records and files that somebody wrote who wishes us no good.

use std::io::Write as _;

use serde_json::json;
use stockade_advisory::{Builder, Damage, MAX_RECORD};

use super::*;

#[test]
fn what_is_no_record_is_counted_and_does_not_hide_others() {
    let long = format!(r#"{{"id":"GHSA-1","details":"{}"}}"#, "a".repeat(MAX_RECORD));
    let deep = format!(r#"{{"id":"GHSA-1","database_specific":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let bad: [&[u8]; 15] = [
        b"",
        b"\xff\xfe",
        b"{\"id\":\"MAL-1\",\"credits\":\"\xff\"}",
        b"[]",
        b"null",
        b"{}",
        br#"{"id":""}"#,
        br#"{"id":"a\u0000b"}"#,
        br#"{"id":7}"#,
        br#"{"id":"MAL-1","affected":7}"#,
        br#"{"id":"MAL-1","affected":[{"package":{"name":"left-demo"}}]}"#,
        br#"{"id":"MAL-1","affected":[],"affected":[]}"#,
        br#"{"id":"MAL-1","affected":[{"ranges":[{"type":"SEMVER","events":[{"introduced":0}]}]}]}"#,
        long.as_bytes(),
        deep.as_bytes(),
    ];
    let mut builder = Builder::new();
    for record in bad {
        assert!(builder.add(record).is_err(), "{:?}", String::from_utf8_lossy(&record[..record.len().min(80)]));
    }
    builder.add(record("MAL-2", json!({ "versions": ["1.0.0"] })).to_string().as_bytes()).unwrap();
    let mut file = Vec::new();
    let built = builder.finish(&header(1, None), &mut file).unwrap();
    assert_eq!((built.records, built.problem_count), (1, 15));
    let advisories = open(file);
    assert_eq!((advisories.status().problems, advisories.status().first_problems.len()), (15, 15));
    assert_eq!(affected(&advisories, &["1.0.0"]), "1.0.0");
}

#[test]
fn what_is_wrong_in_a_record_leaves_the_rest_of_it() {
    let mut odd = record("MAL-1", json!({ "versions": ["1.0.0", "9".repeat(300)] }));
    odd["modified"] = json!("yesterday");
    odd["aliases"] = json!((0..1000).map(|alias| format!("CVE-2026-{alias}")).collect::<Vec<_>>());
    let nameless = json!({ "package": { "ecosystem": NPM.osv, "name": "../left" }, "versions": ["1.0.0"] });
    odd["affected"].as_array_mut().unwrap().push(nameless);
    let (file, built) = base(&[odd]);
    assert_eq!(built.problem_count, 4, "{:#?}", built.problems);
    assert_eq!(affected(&open(file), &["1.0.0"]), "1.0.0");
}

#[test]
fn texts_are_one_line_and_bounded() {
    let mut record = record("MAL-1", json!({ "versions": ["1.0.0"] }));
    record["summary"] = json!("");
    record["details"] = json!(format!("\n  bad\u{1b}[31m {}\nmore", "a".repeat(5_000)));
    let summary = about(&of(&[record]), "1.0.0").matches.remove(0).summary;
    assert!(summary.starts_with("bad[31m a") && summary.len() == 200, "{summary}");
}

fn sample() -> Vec<u8> {
    let records: Vec<Value> = (0..200)
        .map(|at| record_of(&NPM, &format!("left-{at}"), &format!("MAL-{at}"), json!({ "versions": ["1.0.0"] })))
        .collect();
    base(&records).0
}

/// Every byte of the file is vouched for: by its digest when it is opened, or when its page or its filter is read.
#[test]
fn damage_is_found_and_never_an_advisory_that_is_not() {
    let file = sample();
    let sound = open(file.clone());
    sound.verify().unwrap();
    let mut on_opening = 0;
    for at in (0..file.len()).step_by(61).chain(file.len() - 96..file.len()) {
        let mut damaged = file.clone();
        damaged[at] ^= 0x10;
        let Ok(advisories) = Advisories::open(Box::new(damaged), Vec::new()) else {
            on_opening += 1;
            continue;
        };
        // The head is for people and programs that look at files; nothing is decided by it.
        assert!(advisories.verify().is_err() || at < 16, "byte {at}");
        for package_number in (0..200).step_by(17) {
            let release = package("npm", &format!("left-{package_number}")).release("1.0.0");
            match advisories.about(&release) {
                Ok(answer) => assert_eq!(answer, sound.about(&release).unwrap(), "byte {at}"),
                Err(Damage::Page { .. } | Damage::Part("filter")) => {}
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert!(on_opening > 100);
}

#[test]
fn a_file_that_was_cut_or_is_another_is_refused() {
    let file = sample();
    for length in (0..file.len()).step_by(97) {
        assert!(Advisories::open(Box::new(file[..length].to_vec()), Vec::new()).is_err(), "{length}");
        assert!(Advisories::open(Box::new(file[length + 1..].to_vec()), Vec::new()).is_err(), "{length}");
    }
    let mut longer = file.clone();
    longer.push(0);
    assert!(matches!(Advisories::open(Box::new(longer), Vec::new()), Err(Damage::Foreign)));
    assert!(matches!(Advisories::open(Box::new(vec![0; 500]), Vec::new()), Err(Damage::Foreign)));
    let mut newer = file.clone();
    let at = newer.len() - 13;
    newer[at] = 99;
    assert!(matches!(Advisories::open(Box::new(newer), Vec::new()), Err(Damage::Format(99))));
}

/// Nor does a node of the directory end it: it has the pages of 160 kB.
#[test]
fn an_entry_may_be_longer_than_a_page() {
    let many: Vec<String> = (0..40_000).map(|patch| format!("1.0.{patch}")).collect();
    let mut records = vec![record("MAL-1", json!({ "versions": many }))];
    records.extend((0..300).map(|at| record(&format!("GHSA-{at}"), json!({ "versions": ["2.0.0"] }))));
    records.extend(
        (0..300)
            .map(|at| record_of(&NPM, &format!("left-{at}"), &format!("MAL-{at}x"), json!({ "versions": ["1.0.0"] }))),
    );
    let file = base(&records).0;
    assert!(file.len() > 500_000, "{}", file.len());
    let advisories = open(file);
    assert_eq!(affected(&advisories, &["1.0.39999", "1.0.40000"]), "1.0.39999");
    assert_eq!(about(&advisories, "2.0.0").matches.len(), 300);
    for at in 0..300 {
        assert_eq!(affected_in(&advisories, &package("npm", &format!("left-{at}")), &["1.0.0"]), "1.0.0");
    }
    assert!(advisories.of(&package("npm", "right")).unwrap().is_empty());
}

/// A mapped file would end the process here.
#[test]
fn a_file_that_is_cut_short_while_it_is_open_is_an_error() {
    let mut disk = tempfile::tempfile().unwrap();
    disk.write_all(&sample()).unwrap();
    let advisories = Advisories::open(Box::new(disk.try_clone().unwrap()), Vec::new()).unwrap();
    advisories.verify().unwrap();
    let release = package("npm", "left-7").release("1.0.0");
    assert_eq!(said(&advisories.about(&release).unwrap()), ["MAL-7 version"]);
    disk.set_len(100).unwrap();
    assert!(matches!(advisories.about(&release), Err(Damage::Io(_))));
    assert!(advisories.verify().is_err());
}

#[test]
fn nothing_is_a_file_too() {
    let advisories = of(&[]);
    advisories.verify().unwrap();
    assert_eq!(affected(&advisories, &["1.0.0"]), "");
    assert_eq!(advisories.status().records, 0);
}
