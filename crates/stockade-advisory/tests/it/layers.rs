//! Overlays on a base.

use serde_json::json;
use stockade_advisory::{Builder, Damage, Medium};

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
