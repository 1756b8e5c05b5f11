//! The index answers as the records do when they are read one by one, as the schema says.

use proptest::prelude::*;
use serde_json::json;
use stockade_advisory::Question;
use stockade_ecosystem::{ALL, Ecosystem};

use super::*;

/// The evaluation of the schema, on the JSON: versions are parsed and compared each time.
mod naive {
    use super::*;

    pub(super) fn is_affected(ecosystem: &Ecosystem, record: &Value, name: &str, version: &str) -> bool {
        let entries = record["affected"].as_array().unwrap();
        entries.iter().filter(|entry| entry["package"]["name"] == name).any(|entry| {
            let versions = entry["versions"].as_array();
            let parsed = (ecosystem.version)(version).unwrap();
            let listed = versions.is_some_and(|versions| {
                versions.iter().any(|listed| {
                    (ecosystem.version)(listed.as_str().unwrap())
                        .is_ok_and(|listed| listed.partial_cmp(&parsed) == Some(std::cmp::Ordering::Equal))
                })
            });
            listed
                || entry["ranges"]
                    .as_array()
                    .is_some_and(|ranges| ranges.iter().any(|range| in_range(ecosystem, range, version)))
        })
    }

    fn in_range(ecosystem: &Ecosystem, range: &Value, version: &str) -> bool {
        let parse = |text: &str| (ecosystem.version)(text).unwrap();
        let version = parse(version);
        let events: Vec<(&str, &str)> = range["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| {
                let (kind, version) = event.as_object().unwrap().iter().next().unwrap();
                (kind.as_str(), version.as_str().unwrap())
            })
            .collect();
        let limits: Vec<&str> = events.iter().filter(|(kind, _)| *kind == "limit").map(|(_, limit)| *limit).collect();
        if !limits.is_empty() && !limits.iter().any(|limit| *limit == "*" || version < parse(limit)) {
            return false;
        }
        let mut switches: Vec<(&str, &str)> = Vec::new();
        for (kind, version) in events.into_iter().filter(|(kind, _)| *kind != "limit") {
            // What is fixed where it was introduced never was.
            let begins = |(last, at): &(&str, &str)| *last == "introduced" && *at != "0" && parse(at) == parse(version);
            if kind == "fixed" && switches.last().is_some_and(begins) {
                switches.pop();
            } else {
                switches.push((kind, version));
            }
        }
        switches.sort_by(|(a_kind, a), (b_kind, b)| {
            let zero = |text: &str| text == "0";
            let order = match (zero(a), zero(b)) {
                (true, true) => std::cmp::Ordering::Equal,
                (true, false) => std::cmp::Ordering::Less,
                (false, true) => std::cmp::Ordering::Greater,
                (false, false) => parse(a).partial_cmp(&parse(b)).unwrap(),
            };
            order.then((*a_kind != "fixed").cmp(&(*b_kind != "fixed")))
        });
        let mut vulnerable = false;
        for (kind, at) in switches {
            match kind {
                "introduced" if at == "0" || version >= parse(at) => vulnerable = true,
                "fixed" if version >= parse(at) => vulnerable = false,
                "last_affected" if version > parse(at) => vulnerable = false,
                _ => {}
            }
        }
        vulnerable
    }
}

const VERSIONS: [&str; 14] = [
    "0.0.0",
    "0.9.0",
    "1.0.0-alpha1",
    "1.0.0-rc1",
    "1.0.0",
    "1.0.1",
    "1.1.0",
    "1.1.9",
    "1.2.0",
    "1.10.0",
    "2.0.0-beta2",
    "2.0.0",
    "2.1.0",
    "10.0.0",
];

fn version() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&VERSIONS[..])
}

/// Events in any order, a beginning among them.
fn events() -> impl Strategy<Value = Value> {
    let event = prop_oneof![
        3 => version().prop_map(|version| json!({ "introduced": version })),
        1 => Just(json!({ "introduced": "0" })),
        3 => version().prop_map(|version| json!({ "fixed": version })),
        2 => version().prop_map(|version| json!({ "last_affected": version })),
        1 => version().prop_map(|version| json!({ "limit": version })),
    ];
    let beginning = prop_oneof![Just("0"), version()].prop_map(|version| json!({ "introduced": version }));
    (beginning, prop::collection::vec(event, 0..5)).prop_map(|(beginning, mut events)| {
        events.push(beginning);
        Value::Array(events)
    })
}

fn entry() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(&["left", "right"][..]);
    let kind = prop::sample::select(&["SEMVER", "ECOSYSTEM"][..]);
    let range = (kind, events()).prop_map(|(kind, events)| json!({ "type": kind, "events": events }));
    (name, prop::collection::vec(range, 0..3), prop::collection::vec(version(), 0..3)).prop_map(
        |(name, ranges, versions)| json!({ "package": { "name": name }, "ranges": ranges, "versions": versions }),
    )
}

proptest! {
    #[test]
    fn the_index_answers_as_the_records_do(records in prop::collection::vec(prop::collection::vec(entry(), 1..4), 1..6)) {
        for ecosystem in ALL {
            let full = |name: &str| if ecosystem.purl_type == "maven" { format!("a:{name}") } else { name.to_owned() };
            let records: Vec<Value> = records.iter().enumerate().map(|(number, entries)| {
                let mut entries = entries.clone();
                for entry in &mut entries {
                    let name = full(entry["package"]["name"].as_str().unwrap());
                    entry["package"] = json!({ "ecosystem": ecosystem.osv, "name": name });
                }
                json!({ "id": format!("GHSA-{number}"), "affected": entries })
            }).collect();
            let advisories = open(base(&records).0);
            for name in ["left", "right"] {
                let name = full(name);
                let known = advisories.of(&package(ecosystem.id.as_str(), &name)).unwrap();
                for version in VERSIONS {
                    let answer = known.about(&Question::version(version)).unwrap();
                    let mut found: Vec<String> = answer.matches.iter().map(|found| found.id.clone()).collect();
                    found.sort();
                    let expected: Vec<String> = records.iter()
                        .filter(|record| naive::is_affected(ecosystem, record, &name, version))
                        .map(|record| record["id"].as_str().unwrap().to_owned())
                        .collect();
                    prop_assert_eq!(found, expected, "{} {} in {:#?}", ecosystem.osv, version, records);
                }
            }
        }
    }

    /// Anything for a record, in any split between a base and an overlay, is as if it had been read at once.
    #[test]
    fn a_base_and_an_overlay_answer_as_one_file(entries in prop::collection::vec(entry(), 1..8), split in 0_usize..8) {
        let records: Vec<Value> = entries.into_iter().enumerate().map(|(number, mut entry)| {
            entry["package"]["ecosystem"] = json!(NPM.osv);
            json!({ "id": format!("MAL-{}", number % 5), "modified": format!("2026-01-0{}T00:00:00Z", number + 1), "affected": [entry] })
        }).collect();
        let split = split.min(records.len());
        let (file, built) = base(&records[..split]);
        let mut builder = stockade_advisory::Builder::new();
        for record in &records[split..] {
            builder.add(record.to_string().as_bytes()).unwrap();
        }
        let mut overlay = Vec::new();
        builder.finish(&header(2, Some(&built.digest)), &mut overlay).unwrap();
        let two = Advisories::open(Box::new(file), vec![Box::new(overlay)]).unwrap();
        let one = open(base(&records).0);
        for name in ["left", "right"] {
            for version in VERSIONS {
                let release = package("npm", name).release(version);
                let (mut one, mut two) = (one.about(&release).unwrap(), two.about(&release).unwrap());
                one.unclear.sort_by(|a, b| a.id.cmp(&b.id));
                two.unclear.sort_by(|a, b| a.id.cmp(&b.id));
                prop_assert_eq!(one, two);
            }
        }
    }

    #[test]
    fn reading_records_is_total(bytes: Vec<u8>, text in "[\\[\\]{}:,\"a-z0-9 ]{0,60}") {
        let mut builder = stockade_advisory::Builder::new();
        let _ = builder.add(&bytes);
        let _ = builder.add(text.as_bytes());
        let _ = builder.add_zip(std::io::Cursor::new(&bytes));
        let _ = builder.add_list(&bytes);
        let _ = builder.add_epss(&bytes);
        let _ = Advisories::open(Box::new(bytes), Vec::new());
    }
}
