//! Packuments: read, steered and written again.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::{Index as Pick, select};
use serde_json::{Map, Value, json};
use stockade_ecosystem::npm::NPM;
use stockade_ecosystem::{AuditForm, Index, Registry, Request, Rope, Route, Standing, Steering, Variant};
use stockade_model::Package;

use crate::routes::name;

const BASE: &str = "http://127.0.0.1:4873/mount";
const MESSAGE: &str = "held by stockade: it is \"young\"";

fn registry() -> &'static dyn Registry {
    NPM.registry.unwrap()
}

fn package(name: &str) -> Package {
    Package { ecosystem: NPM.id.clone(), name: (NPM.name)(name).unwrap() }
}

fn steering(standings: &[Standing], variant: Variant) -> Steering<'_> {
    Steering { standings, message: MESSAGE, base: BASE, variant }
}

fn parsed(rope: &Rope, document: &[u8]) -> Value {
    let bytes = rope.flatten(document);
    assert_eq!(rope.len(), bytes.len() as u64);
    serde_json::from_slice(&bytes).unwrap()
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().into_iter().flat_map(Map::keys).map(String::as_str).collect()
}

/// What holds of every rendered document.
fn check_rendered(index: &Index, standings: &[Standing], document: &[u8]) {
    for variant in [Variant::Full, Variant::Abbreviated] {
        let steering = steering(standings, variant);
        let json = parsed(&registry().render(index, &steering), document);
        let versions = keys(&json["versions"]);
        for (tag, version) in json["dist-tags"].as_object().unwrap() {
            assert!(versions.contains(version.as_str().unwrap()), "{tag} names {version}, which is not listed");
            let manifest =
                parsed(&registry().render_manifest(index, &steering, version.as_str().unwrap()).unwrap(), document);
            assert_eq!(manifest["version"], *version);
        }
        let tags: Value = serde_json::from_slice(&registry().render_tags(index, &steering).unwrap()).unwrap();
        assert_eq!(tags, json["dist-tags"]);
        let with = |wanted: Standing| -> BTreeSet<&str> {
            let standings = index.releases.iter().zip(standings);
            let those = standings.filter(|(listed, standing)| **standing == wanted && listed.is_usable());
            those.map(|(listed, _)| listed.version.as_str()).collect()
        };
        let refused = index.releases.iter().zip(standings).filter(|(_, standing)| **standing != Standing::Cleared);
        let refused: BTreeSet<&str> = refused.map(|(listed, _)| listed.version.as_str()).collect();
        assert_eq!(keys(&json["policyRestrictions"]["versions"]), refused);
        let listed: BTreeSet<&str> = with(Standing::Held).union(&with(Standing::Cleared)).copied().collect();
        assert_eq!(versions, listed);
    }
}

fn standing() -> impl Strategy<Value = Standing> {
    select(vec![Standing::Cleared, Standing::Cleared, Standing::Held, Standing::Removed])
}

/// Any JSON but fractions, which `Value` does not keep exactly, most of it in the words of packuments.
fn json() -> impl Strategy<Value = Value> {
    let text = || {
        prop_oneof![
            4 => select(vec![
                "a", "1.0.0", "1.0.1", "2.0.0-rc.1", "x", "sha512-AAAA", "2024-01-01T00:00:00Z", "-009999-01-02T01:59:59Z",
                "9999-12-30T22:00:00Z", "https://upstream.example/a",
            ]).prop_map(str::to_owned),
            1 => any::<String>(),
        ]
    };
    let key = prop_oneof![
        9 => select(vec![
            "name", "version", "versions", "dist", "dist-tags", "time", "tarball", "attestations", "url", "scripts",
            "install", "integrity", "shasum", "latest", "1.0.0", "1.0.1", "modified", "_npmUser", "deprecated",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from)
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            4 => proptest::collection::vec((key.clone(), inner), 0..8).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Replaces some of what a good packument of `a` has by anything.
fn damaged() -> impl Strategy<Value = Value> {
    const PLACES: [&str; 12] = [
        "/versions",
        "/versions/1.0.0",
        "/versions/1.0.0/name",
        "/versions/1.0.0/version",
        "/versions/1.0.0/dist",
        "/versions/1.0.0/dist/tarball",
        "/versions/1.0.0/dist/attestations",
        "/versions/1.0.0/scripts",
        "/versions/1.0.1",
        "/dist-tags",
        "/time",
        "/name",
    ];
    let manifest = |version: &str| json!({"name": "a", "version": version, "scripts": {}, "dist": {"tarball": "https://upstream.example/a.tgz", "attestations": {"url": "x"}}});
    let good = json!({"name": "a", "versions": {"1.0.0": manifest("1.0.0"), "1.0.1": manifest("1.0.1")},
        "dist-tags": {"latest": "1.0.1", "old": "1.0.0", "none": "3.0.0"}, "time": {"1.0.0": "2024-01-01T00:00:00Z"}});
    proptest::collection::vec((select(&PLACES[..]), json()), 0..3).prop_map(move |changes| {
        let mut document = good.clone();
        for (place, value) in changes {
            if let Some(slot) = document.pointer_mut(place) {
                *slot = value;
            }
        }
        document
    })
}

#[derive(Debug, Clone)]
struct Made {
    name: String,
    releases: BTreeMap<String, (Value, Standing)>,
    tags: BTreeMap<String, String>,
}

impl Made {
    fn document(&self) -> Vec<u8> {
        let versions: Map<String, Value> =
            self.releases.iter().map(|(version, (manifest, _))| (version.clone(), manifest.clone())).collect();
        let times: Map<String, Value> =
            self.releases.keys().map(|version| (version.clone(), json!("2024-01-01T00:00:00.000Z"))).collect();
        json!({"name": self.name, "dist-tags": self.tags, "versions": versions, "time": times}).to_string().into_bytes()
    }

    /// The standings in the order of an index of the document.
    fn standings(&self, index: &Index) -> Vec<Standing> {
        index.releases.iter().map(|listed| self.releases[&listed.version].1).collect()
    }

    /// The manifest as clients shall see it.
    fn expected(&self, version: &str) -> Value {
        let mut manifest = self.releases[version].0.clone();
        let bare = self.name.rsplit('/').next().unwrap();
        manifest["dist"]["tarball"] = json!(format!("{BASE}/{}/-/{bare}-{version}.tgz", self.name));
        if let Some(url) = manifest.pointer_mut("/dist/attestations/url") {
            let name = self.name.replace('/', "%2f");
            *url = json!(format!("{BASE}/-/npm/v1/attestations/{name}@{version}"));
        }
        manifest
    }
}

fn version() -> impl Strategy<Value = String> {
    let end = select(vec!["", "", "-alpha.1", "-alpha.2", "-rc1", "-rc2", "-0", "+build.1", "-rc.1+b"]);
    (0..3_u8, 0..3_u8, 0..4_u8, end).prop_map(|(major, minor, patch, end)| format!("{major}.{minor}.{patch}{end}"))
}

/// A good packument with anything beside what is read.
fn made() -> impl Strategy<Value = Made> {
    let release = (json(), any::<bool>(), any::<bool>(), standing());
    let releases = proptest::collection::btree_map(version(), release, 0..12);
    let tags =
        proptest::collection::vec((select(vec!["latest", "next", "beta", "\"odd\" \\"]), any::<Pick>(), 0..8_u8), 0..4);
    (name(), releases, tags).prop_map(|(name, releases, tags)| {
        let releases: BTreeMap<String, (Value, Standing)> = releases
            .into_iter()
            .map(|(version, (extra, attested, hook, standing))| {
                let mut manifest = json!({
                    "name": name, "version": version, "extra": extra, "bin": extra,
                    "dist": {"tarball": format!("https://upstream.example/{name}/-/x-{version}.tgz"), "extra": extra},
                });
                if attested {
                    manifest["dist"]["attestations"] = json!({"url": "https://upstream.example/a", "extra": extra});
                }
                if hook {
                    manifest["scripts"] = json!({"install": "node x"});
                }
                (version, (manifest, standing))
            })
            .collect();
        let versions: Vec<&String> = releases.keys().collect();
        let tagged = |pick: Pick, dangling: u8| match dangling {
            0 => "9.9.9".to_owned(),
            _ if versions.is_empty() => "1.0.0".to_owned(),
            _ => (*pick.get(&versions)).clone(),
        };
        let tags = tags.into_iter().map(|(tag, pick, dangling)| (tag.to_owned(), tagged(pick, dangling))).collect();
        Made { name, releases, tags }
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = registry().index(&package("a"), &bytes);
        for form in [AuditForm::Names, AuditForm::Tree] {
            let _ = (registry().audit(form).unwrap().asked)(&bytes);
        }
    }

    #[test]
    fn any_value_is_read_or_refused(value in json(), standings in proptest::collection::vec(standing(), 0..8)) {
        let document = value.to_string().into_bytes();
        for form in [AuditForm::Names, AuditForm::Tree] {
            let audit = registry().audit(form).unwrap();
            let _ = ((audit.asked)(&document), (audit.answer)(&document, &document, &[]));
        }
        if let Ok(index) = registry().index(&package("a"), &document) {
            check_rendered(&index, &standings, &document);
        }
    }

    #[test]
    fn a_damaged_packument_is_still_rendered_as_one(value in damaged(), standings in proptest::collection::vec(standing(), 0..4)) {
        let document = value.to_string().into_bytes();
        if let Ok(index) = registry().index(&package("a"), &document) {
            check_rendered(&index, &standings, &document);
        }
    }

    #[test]
    fn a_cut_packument_is_refused(made in made(), cut in any::<Pick>()) {
        let document = made.document();
        let cut = cut.index(document.len());
        prop_assert!(registry().index(&package(&made.name), &document[..cut]).is_err());
    }

    #[test]
    fn what_is_rendered_is_the_original_steered(made in made()) {
        let document = made.document();
        let index = registry().index(&package(&made.name), &document).unwrap();
        prop_assert!(index.problems.is_empty() && index.releases.iter().all(|listed| listed.problems.is_empty()));
        let standings = made.standings(&index);
        check_rendered(&index, &standings, &document);
        let full = parsed(&registry().render(&index, &steering(&standings, Variant::Full)), &document);
        let short = parsed(&registry().render(&index, &steering(&standings, Variant::Abbreviated)), &document);
        for (version, (manifest, standing)) in &made.releases {
            let (full, short) = (&full["versions"][version], &short["versions"][version]);
            if *standing == Standing::Removed {
                prop_assert!(full.is_null() && short.is_null());
                continue;
            }
            let mut expected = made.expected(version);
            if *standing == Standing::Held {
                let why = Value::from("held by stockade: `stockade why` says until when");
                prop_assert_eq!(&short["deprecated"], &why);
                expected["deprecated"] = why;
            }
            prop_assert_eq!(full, &expected);
            for key in ["name", "version", "bin", "dist"] {
                prop_assert_eq!(&short[key], &expected[key]);
            }
            let hook = manifest.get("scripts").is_some();
            prop_assert_eq!(short.get("hasInstallScript"), hook.then_some(&Value::Bool(true)));
        }
    }

    #[test]
    fn what_is_all_cleared_is_as_it_was(made in made()) {
        let document = made.document();
        let index = registry().index(&package(&made.name), &document).unwrap();
        let standings = vec![Standing::Cleared; index.releases.len()];
        let json = parsed(&registry().render(&index, &steering(&standings, Variant::Full)), &document);
        let versions: Map<String, Value> =
            made.releases.keys().map(|version| (version.clone(), made.expected(version))).collect();
        prop_assert_eq!(&json["versions"], &Value::Object(versions));
        prop_assert_eq!(json.get("policyRestrictions"), None);
        for (tag, version) in made.tags.iter().filter(|(_, version)| made.releases.contains_key(*version)) {
            prop_assert_eq!(&json["dist-tags"][tag], version);
        }
    }

    #[test]
    fn a_repaired_tag_stays_on_its_track_and_goes_down(made in made()) {
        let index = registry().index(&package(&made.name), &made.document()).unwrap();
        let standings = made.standings(&index);
        let cleared: Vec<bool> = standings.iter().map(|standing| *standing == Standing::Cleared).collect();
        for listed in &index.releases {
            let Some(repaired) = index.repaired_tag(&listed.version, &cleared) else { continue };
            let at = index.position(&repaired.version).unwrap();
            prop_assert!(cleared[at]);
            prop_assert!(repaired.order <= listed.order);
            prop_assert_eq!(repaired.version.split('.').next(), listed.version.split('.').next());
            prop_assert_eq!(repaired.version.contains('-'), listed.version.contains('-'));
        }
    }

    #[test]
    fn our_address_leads_back_to_the_release(made in made()) {
        let document = made.document();
        let index = registry().index(&package(&made.name), &document).unwrap();
        let standings = vec![Standing::Cleared; index.releases.len()];
        let json = parsed(&registry().render(&index, &steering(&standings, Variant::Abbreviated)), &document);
        for listed in &index.releases {
            let dist = &json["versions"][&listed.version]["dist"];
            let path = dist["tarball"].as_str().unwrap().strip_prefix(BASE).unwrap();
            let route = registry().route(&Request { method: "GET", path, accept: "" });
            let Route::Artifact { package, file } = route else { panic!("{path} is {route:?}") };
            prop_assert_eq!(&package, &index.package);
            prop_assert_eq!(&file, &registry().artifact_file(&index.release(listed)));
            let found = index.by_file(&file, |listed| registry().artifact_file(&index.release(listed))).unwrap();
            prop_assert_eq!(&found.version, &listed.version);
            if let Some(url) = dist.pointer("/attestations/url").and_then(Value::as_str) {
                let path = url.strip_prefix(BASE).unwrap();
                let route = registry().route(&Request { method: "GET", path, accept: "" });
                let Route::Forward { about: Some(release), .. } = route else { panic!("{path} is {route:?}") };
                prop_assert_eq!(release, index.release(listed));
            }
        }
    }
}
