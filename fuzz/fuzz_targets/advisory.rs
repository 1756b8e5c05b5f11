//! A record of OSV, alone in an index; and the same bytes as everything else that is read into one, and as an index.

#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use stockade_advisory::{Advisories, Builder, Header, Question};
use stockade_ecosystem::ALL;
use stockade_model::Package;

fuzz_target!(|data: &[u8]| {
    if let Ok(foreign) = Advisories::open(Box::new(data.to_vec()), Vec::new()) {
        let _ = foreign.verify();
    }
    let mut feeds = Builder::new();
    let _ = feeds.add_zip(Cursor::new(data));
    let _ = feeds.add_list(data);
    let _ = feeds.add_epss(data);
    let _ = feeds.add_kev(data);
    finish(feeds).verify().unwrap();

    let mut builder = Builder::new();
    let is_read = builder.add(data).is_ok();
    let advisories = finish(builder);
    let status = advisories.status();
    assert_eq!(is_read, status.records == 1, "a record is there or is a problem");
    if !is_read {
        return assert_eq!(status.problems, 1);
    }
    let record: Value = serde_json::from_slice(data).unwrap();
    for entry in record["affected"].as_array().into_iter().flatten() {
        listed_versions_are_found(&advisories, entry, status.problems > 0);
    }
});

fn finish(builder: Builder) -> Advisories {
    let mut file = Vec::new();
    let header = Header { built: "2026-11-01T00:00:00Z".parse().unwrap(), sequence: 1, base: None };
    builder.finish(&header, &mut file).unwrap();
    Advisories::open(Box::new(file), Vec::new()).unwrap()
}

/// What is listed is a match, or taken back; a version that could not be read may only be missing if it was said.
fn listed_versions_are_found(advisories: &Advisories, entry: &Value, has_problems: bool) {
    let Some(ecosystem) = ALL.iter().find(|ecosystem| entry["package"]["ecosystem"] == ecosystem.osv) else { return };
    let Ok(name) = (ecosystem.name)(entry["package"]["name"].as_str().unwrap()) else { return assert!(has_problems) };
    let known = advisories.of(&Package { ecosystem: ecosystem.id.clone(), name }).unwrap();
    for version in entry["versions"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let answer = known.about(&Question::version(version)).unwrap();
        let found = answer.matches.len() + answer.retracted.len() + answer.unclear.len();
        assert!(found > 0 || has_problems || version.is_empty(), "{version} is listed");
        let _ = known.fixes(version).unwrap();
    }
}
