//! The protocol of Python packages.

use jiff::SignedDuration;
use serde_json::Value;
use stockade_ecosystem::pypi::PYPI;
use stockade_engine::DecisionRequest;
use stockade_model::{Purl, Verdict};
use stockade_testkit::{Distribution, FakeRegistry, Fault, NOW, PythonRegistry, hours_before};

use crate::world::{Answer, Setup, World, malware_of};

const PAGE: &str = "/pypi/simple/left-demo/";
const JSON: &str = "accept: application/vnd.pypi.simple.v1+json";
const SENTENCE: &str = "held by stockade: `left-demo` 1.1.0 is 5 hours old; policy asks 72 hours";

fn old() -> Distribution {
    Distribution::wheel("left-demo", "1.0.9")
}

fn young() -> Distribution {
    Distribution::wheel("left-demo", "1.1.0").published(hours_before(NOW, 5))
}

fn world(registry: &PythonRegistry, setup: Setup) -> World {
    registry.publish(&old());
    registry.publish(&young());
    let others = vec![(PYPI.id.clone(), registry.index())];
    World::with(FakeRegistry::start(), Setup { others, ..setup })
}

fn get(world: &World, path: &str) -> Answer {
    world.ask("GET", path, &[JSON], b"")
}

/// The files of a page.
fn files(world: &World) -> Vec<Value> {
    get(world, PAGE).json()["files"].as_array().unwrap().clone()
}

/// Our path of a file.
fn path(world: &World, file: &Distribution) -> String {
    let files = files(world);
    let listed = files.iter().find(|listed| listed["filename"] == file.file_name()).unwrap();
    listed["url"].as_str().unwrap().strip_prefix(&world.root()).unwrap().to_owned()
}

#[test]
fn a_held_file_is_yanked_with_the_reason_and_the_rest_is_as_it_was() {
    let registry = PythonRegistry::start();
    let world = world(&registry, Setup::default());
    let files = files(&world);
    assert_eq!(files.len(), 2);
    let of = |file: &Distribution| files.iter().find(|listed| listed["filename"] == file.file_name()).unwrap();
    assert_eq!(of(&young())["yanked"], SENTENCE);
    assert_ne!(of(&old())["yanked"].as_str(), Some(SENTENCE));
    assert_eq!(of(&old())["hashes"]["sha256"], old().checksum());
    assert!(of(&young())["upload-time"].as_str().unwrap().starts_with("2026-"), "times are the registry's");
    let html = world.ask("GET", PAGE, &["accept: text/html"], b"");
    assert_eq!(html.header("content-type").split(';').next(), Some("text/html"));
    assert!(html.text().contains(&format!("data-yanked=\"{SENTENCE}\"")), "{}", html.text());
}

#[test]
fn the_metadata_beside_a_file_is_gated_as_the_file_is() {
    let registry = PythonRegistry::start();
    let world = world(&registry, Setup::default());
    let metadata = |file: &Distribution| get(&world, &format!("{}.metadata", path(&world, file)));
    let answer = metadata(&young());
    assert_eq!((answer.status, answer.phrase.as_str()), (403, SENTENCE));
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let answer = metadata(&old());
    assert_eq!((answer.status, answer.body == old().metadata()), (200, true), "{}", answer.text());
    assert_eq!(registry.count(&format!("*{}", old().file_name())), 0, "the file itself is not fetched for it");
    let decide = |file: &Distribution| {
        let release = format!("pkg:pypi/left-demo@1.1.0?file_name={}", file.file_name());
        let release = release.parse::<Purl>().unwrap().release().unwrap();
        let (reason, by) = ("read it".to_owned(), "alice".to_owned());
        let expires = Some(world.engine.now() + SignedDuration::from_hours(4));
        let request = DecisionRequest { release, verdict: Verdict::Allow, reason, by, expires };
        world.runtime.block_on(world.engine.decide(request)).unwrap();
    };
    decide(&young());
    assert_eq!(metadata(&young()).body, young().metadata(), "who approves of a file approves of its metadata");
    world.log_holds();
}

#[test]
fn a_file_leaves_once_it_is_cleared() {
    let registry = PythonRegistry::start();
    let world = world(&registry, Setup::default());
    let answer = get(&world, &path(&world, &young()));
    assert_eq!((answer.status, answer.phrase.as_str()), (403, SENTENCE));
    let answer = get(&world, &path(&world, &old()));
    assert_eq!((answer.status, answer.body == old().packed()), (200, true));
    world.pass(67);
    assert_eq!(get(&world, &path(&world, &young())).body, young().packed());
    assert_eq!(get(&world, "/pypi/files/left-demo/left_demo-9.9.9-py3-none-any.whl").status, 404);
}

#[test]
fn a_file_that_is_added_to_an_old_release_is_as_young_as_it_is() {
    let registry = PythonRegistry::start();
    let world = world(&registry, Setup::default());
    let late = Distribution::sdist("left-demo", "1.0.9").published(hours_before(NOW, 2));
    registry.publish(&late);
    let answer = get(&world, &path(&world, &late));
    assert_eq!(answer.phrase, "held by stockade: `left-demo` 1.0.9 is 2 hours old; policy asks 72 hours");
    assert_eq!(get(&world, &path(&world, &old())).status, 200, "the other file of the release is as old as it was");
}

#[test]
fn malware_is_on_no_page_and_its_files_are_denied() {
    let registry = PythonRegistry::start();
    let osv = malware_of(PYPI.osv, "left-demo", "1.0.9");
    let world = world(&registry, Setup { advisories: vec![osv.path().to_owned()], ..Setup::default() });
    assert_eq!(files(&world).len(), 1);
    let answer = get(&world, &format!("/pypi/files/left-demo/{}", old().file_name()));
    assert_eq!(answer.status, 403);
    assert!(answer.phrase.starts_with("denied by stockade: `left-demo` 1.0.9 is malware"), "{}", answer.phrase);
}

#[test]
fn other_bytes_than_the_page_claims_are_denied() {
    let registry = PythonRegistry::start();
    let world = world(&registry, Setup::default());
    let claimed = serde_json::json!({"sha256": old().checksum()});
    registry.publish(&old().raw_file("other").listing_field("hashes", claimed));
    let answer = get(&world, &path(&world, &old()));
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(answer.phrase.contains("is not what the index claims"), "{}", answer.phrase);
}

#[test]
fn what_is_said_of_a_files_origin_is_passed_on_unaltered() {
    for mount in ["/", "/api/python/all/"] {
        let registry = PythonRegistry::start_at(mount);
        let world = world(&registry, Setup::default());
        let attested = young().attested();
        registry.publish(&attested);
        let files = files(&world);
        let of = |file: &Distribution| files.iter().find(|listed| listed["filename"] == file.file_name()).unwrap();
        assert_eq!(of(&old())["provenance"], Value::Null);
        let address = of(&attested)["provenance"].as_str().unwrap().to_owned();
        let path = address.strip_prefix(&world.root()).unwrap();
        assert_eq!(path, "/pypi/integrity/left-demo/1.1.0/left_demo-1.1.0-py3-none-any.whl/provenance");
        let answer = get(&world, path);
        assert_eq!((answer.status, answer.text()), (200, attested.provenance().to_string()));
        let other = "/pypi/integrity/left-demo/1.0.9/left_demo-1.0.9-py3-none-any.whl/provenance";
        assert_eq!(get(&world, other).status, 404);
    }
}

#[test]
fn the_older_interface_is_steered_as_the_page_is() {
    let registry = PythonRegistry::start_at("/api/python/all/");
    let osv = malware_of(PYPI.osv, "left-demo", "1.0.8");
    registry.publish(&Distribution::wheel("left-demo", "1.0.8"));
    let world = world(&registry, Setup { advisories: vec![osv.path().to_owned()], ..Setup::default() });
    let whole = get(&world, "/pypi/pypi/Left.Demo/json").json();
    assert_eq!((&whole["info"]["version"], &whole["info"]["summary"]), (&"1.0.9".into(), &"what left-demo is".into()));
    let releases = whole["releases"].as_object().unwrap();
    assert_eq!(releases.keys().collect::<Vec<_>>(), ["1.0.9", "1.1.0"], "malware is gone");
    assert_eq!(whole["urls"][0]["digests"]["sha256"], old().checksum());
    assert_eq!(whole["urls"][0]["url"], format!("{}{}", world.root(), path(&world, &old())));
    assert_eq!(whole["releases"]["1.0.9"][0]["yanked"], false);
    let held = &whole["releases"]["1.1.0"][0];
    assert_eq!((&held["yanked"], &held["yanked_reason"]), (&true.into(), &SENTENCE.into()));

    let alone = get(&world, "/pypi/pypi/left-demo/1.1/json").json();
    assert_eq!((&alone["info"]["version"], &alone["info"]["yanked_reason"]), (&"1.1.0".into(), &SENTENCE.into()));
    assert_eq!((alone["urls"].as_array().unwrap().len(), alone.get("releases")), (1, None));
    let answer = get(&world, "/pypi/pypi/left-demo/1.0.8/json");
    assert!(answer.phrase.starts_with("denied by stockade: `left-demo` 1.0.8 is malware"), "{}", answer.phrase);
    assert_eq!(get(&world, "/pypi/pypi/left-demo/9.9/json").status, 404);
    assert_eq!(get(&world, "/pypi/pypi/nonesuch/json").status, 404);
    world.pass(67);
    let whole = get(&world, "/pypi/pypi/left-demo/json").json();
    assert_eq!((&whole["info"]["version"], &whole["urls"][0]["yanked"]), (&"1.1.0".into(), &false.into()));
}

#[test]
fn a_mirror_without_the_older_interface_has_one_here() {
    let registry = PythonRegistry::start();
    registry.fault("/pypi/*", Fault::Status(404));
    let world = world(&registry, Setup::default());
    let whole = get(&world, "/pypi/pypi/left-demo/json").json();
    assert_eq!((&whole["info"]["version"], &whole["info"]["requires_dist"]), (&"1.0.9".into(), &Value::Null));
    registry.fault("/pypi/*", Fault::Status(503));
    assert_eq!(get(&world, "/pypi/pypi/left-demo/1.1.0/json").status, 502, "a failure is not taken for an answer");
}

#[test]
fn no_answer_names_the_registry() {
    let registry = PythonRegistry::start();
    let world = world(&registry, Setup::default());
    let upstream = registry.address().to_string();
    registry.publish(&old().attested());
    let file = path(&world, &old());
    let (metadata, origin) = (format!("{file}.metadata"), "/pypi/integrity/left-demo/9/left_demo-9.tar.gz/provenance");
    let [whole, alone] = ["/pypi/pypi/left-demo/json", "/pypi/pypi/left-demo/1.1.0/json"];
    for path in [PAGE, "/pypi/simple/nonesuch/", &file, &metadata, "/pypi/simple/", origin, whole, alone] {
        for accept in [JSON, "accept: text/html"] {
            let answer = world.ask("GET", path, &[accept], b"");
            assert!(!answer.text().contains(&upstream), "{path}: {}", answer.text());
            assert!(!format!("{:?}", answer.headers).contains(&upstream), "{path}: {:?}", answer.headers);
        }
    }
}
