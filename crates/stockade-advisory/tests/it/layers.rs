//! Overlays on a base.

use serde_json::json;
use stockade_advisory::{Builder, Damage, Ledger, Medium, Reading};

use super::*;

fn overlay(base: &Built, sequence: u64, records: &[Value], removed: &[&str]) -> Box<dyn Medium> {
    let mut builder = Builder::new();
    for record in records {
        builder.add(record.to_string().as_bytes()).unwrap();
    }
    for id in removed {
        builder.remove(id);
    }
    let mut file = Vec::new();
    builder.finish(&header(sequence, Some(&base.digest)), &mut file).unwrap();
    Box::new(file)
}

fn listed(id: &str, version: &str) -> Value {
    record(id, json!({ "versions": [version] }))
}

#[test]
fn an_overlay_replaces_records_and_leaves_the_others() {
    let (file, built) = base(&[listed("MAL-1", "1.0.0"), listed("MAL-2", "2.0.0"), listed("MAL-3", "3.0.0")]);
    let mut withdrawn = listed("MAL-2", "2.0.0");
    withdrawn["withdrawn"] = json!("2026-07-01T00:00:00Z");
    let first = overlay(&built, 2, &[listed("MAL-1", "1.0.1"), listed("MAL-4", "4.0.0")], &[]);
    let second = overlay(&built, 3, &[withdrawn, listed("MAL-4", "4.0.1")], &["MAL-3"]);
    let advisories = Advisories::open(Box::new(file), vec![first, second]).unwrap();
    let versions = ["1.0.0", "1.0.1", "2.0.0", "3.0.0", "4.0.0", "4.0.1"];
    assert_eq!(affected(&advisories, &versions), "1.0.1 4.0.1");
    assert_eq!(about(&advisories, "2.0.0").retracted[0].id, "MAL-2");
    let status = advisories.status();
    assert_eq!((status.overlays, status.sequence), (2, 3));
    advisories.verify().unwrap();
}

/// A record that speaks of another package now does not speak of the old one any more.
#[test]
fn an_overlay_replaces_a_record_under_every_name() {
    let (file, built) = base(&[listed("MAL-1", "1.0.0")]);
    let moved = record_of(&NPM, "right-demo", "MAL-1", json!({ "versions": ["1.0.0"] }));
    let advisories = Advisories::open(Box::new(file), vec![overlay(&built, 2, &[moved], &[])]).unwrap();
    assert_eq!(affected(&advisories, &["1.0.0"]), "");
    assert_eq!(affected_in(&advisories, &package("npm", "right-demo"), &["1.0.0"]), "1.0.0");
    // A record that speaks of no package, likewise.
    let (file, built) = base(&[listed("MAL-1", "1.0.0")]);
    let nowhere = json!({ "id": "MAL-1", "affected": [] });
    let advisories = Advisories::open(Box::new(file), vec![overlay(&built, 2, &[nowhere], &[])]).unwrap();
    assert_eq!(affected(&advisories, &["1.0.0"]), "");
}

#[test]
fn what_feeds_say_is_replaced_too() {
    let mut known = listed("GHSA-1", "1.0.0");
    known["aliases"] = json!(["CVE-2026-1"]);
    let mut builder = Builder::new();
    builder.add(known.to_string().as_bytes()).unwrap();
    builder.add_epss(b"CVE-2026-1,0.5,0.9\n").unwrap();
    let mut file = Vec::new();
    let built = builder.finish(&header(1, None), &mut file).unwrap();
    let mut builder = Builder::new();
    builder.add_epss(b"CVE-2026-1,0.25,0.8\n").unwrap();
    let mut newer = Vec::new();
    builder.finish(&header(2, Some(&built.digest)), &mut newer).unwrap();
    let advisories = Advisories::open(Box::new(file), vec![Box::new(newer)]).unwrap();
    assert_eq!(about(&advisories, "1.0.0").matches[0].likelihood.unwrap().probability, 0.25);
}

#[test]
fn overlays_belong_to_their_base_and_come_in_order() {
    let (file, built) = base(&[listed("MAL-1", "1.0.0")]);
    let (other, _) = base(&[listed("MAL-2", "1.0.0")]);
    let open = |base: &Vec<u8>, sequences: &[u64]| {
        let overlays = sequences.iter().map(|sequence| overlay(&built, *sequence, &[], &[])).collect();
        Advisories::open(Box::new(base.clone()), overlays).map(|_| ())
    };
    assert!(open(&file, &[2, 3]).is_ok());
    assert!(matches!(open(&other, &[2]), Err(Damage::Overlay { why: "it was made for another base", .. })));
    assert!(matches!(open(&file, &[3, 2]), Err(Damage::Overlay { sequence: 2, .. })));
    assert!(matches!(open(&file, &[2, 2]), Err(Damage::Overlay { sequence: 2, .. })));
    assert!(matches!(open(&file, &[1]), Err(Damage::Overlay { sequence: 1, .. })));
    let overlay = overlay(&built, 2, &[], &[]);
    assert!(matches!(Advisories::open(overlay, Vec::new()), Err(Damage::Overlay { sequence: 2, .. })));
}

#[test]
fn of_two_records_with_one_identifier_the_newer_counts() {
    let dated = |version: &str, modified: &str| {
        let mut record = listed("MAL-1", version);
        record["modified"] = json!(modified);
        record
    };
    let (old, new) = (dated("1.0.0", "2026-01-01T00:00:00Z"), dated("2.0.0", "2026-02-01T00:00:00Z"));
    for records in [[old.clone(), new.clone()], [new.clone(), old]] {
        let advisories = of(&records);
        assert_eq!(affected(&advisories, &["1.0.0", "2.0.0"]), "2.0.0");
        assert_eq!(advisories.status().records, 1);
    }
    let again = dated("3.0.0", "2026-02-01T00:00:00Z");
    assert_eq!(affected(&of(&[new, again]), &["2.0.0", "3.0.0"]), "3.0.0");
}

#[test]
fn what_changed_in_a_zip_is_told_without_reading_it() {
    let zip = |version: &str, with_third: bool| {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let mut records = vec![listed("MAL-1", "1.0.0"), listed("MAL-2", version)];
        if with_third {
            records.push(listed("MAL-3", "3.0.0"));
        }
        for record in records {
            let name = format!("{}.json", record["id"].as_str().unwrap());
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            std::io::Write::write_all(&mut zip, record.to_string().as_bytes()).unwrap();
        }
        zip.finish().unwrap()
    };
    let met = |reading: Reading, zip: &std::io::Cursor<Vec<u8>>| {
        let mut builder = Builder::reading(reading);
        builder.source("feed");
        builder.add_zip(zip.clone()).unwrap();
        builder
    };
    let (old, new) = (zip("2.0.0", true), zip("2.0.1", false));
    let before = met(Reading::All, &old).ledger();
    let before = Ledger::from_bytes(&before.to_bytes()).unwrap();
    assert!(before.changes(&met(Reading::Nothing, &old).ledger()).is_empty());
    let listing = met(Reading::Nothing, &new);
    assert_eq!(listing.records(), 0, "nothing is read");
    let changes = before.changes(&listing.ledger());
    assert_eq!((changes.places.len(), changes.before.len(), changes.whole), (1, 2, false));
    let found = met(Reading::Only(changes.places), &new);
    assert_eq!(found.records(), 1);
    assert!(found.ledger().ids().all(|id| changes.before.contains(&id)));
    let named = listing.ledger().named_by(&[&found.ledger(), &before]);
    assert!(named.changes(&met(Reading::All, &new).ledger()).is_empty());
    assert_eq!(named, met(Reading::All, &new).ledger());
    let mut cut = before.to_bytes();
    cut.pop();
    assert_eq!(Ledger::from_bytes(&cut), None);
    // Something that is no record changes as a whole.
    let mut builder = Builder::reading(Reading::All);
    assert!(builder.meet_whole(b"a"));
    let mut other = Builder::reading(Reading::Nothing);
    assert!(!other.meet_whole(b"b"));
    assert!(builder.ledger().changes(&other.ledger()).whole);
}
