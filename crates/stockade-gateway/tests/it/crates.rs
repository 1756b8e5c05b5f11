//! The protocol of crates.

use stockade_ecosystem::cargo::CARGO;
use stockade_testkit::{CrateRegistry, CrateRelease, FakeRegistry, NOW, hours_before};

use crate::world::{Answer, Setup, World, malware_of};

const INDEX: &str = "/cargo/index/le/ft/left-demo";

fn old() -> CrateRelease {
    CrateRelease::new("left-demo", "1.0.9")
}

fn young() -> CrateRelease {
    CrateRelease::new("left-demo", "1.1.0").published(hours_before(NOW, 5))
}

fn world(registry: &CrateRegistry, setup: Setup) -> World {
    registry.publish(&old());
    registry.publish(&young());
    let others = vec![(CARGO.id.clone(), registry.index())];
    World::with(FakeRegistry::start(), Setup { others, ..setup })
}

fn get(world: &World, path: &str) -> Answer {
    world.ask("GET", path, &[], b"")
}

fn file(version: &str) -> String {
    format!("/cargo/crates/left-demo/{version}/download")
}

#[test]
fn a_held_release_is_yanked_in_the_index_and_every_other_byte_is_the_registrys() {
    let registry = CrateRegistry::start();
    let world = world(&registry, Setup::default());
    let expect = old().line() + &young().line().replace("\"yanked\":false", "\"yanked\":true");
    assert_eq!(get(&world, INDEX).text(), expect);
    world.pass(67);
    assert_eq!(get(&world, INDEX).text(), old().line() + &young().line());
    world.log_holds();
}

#[test]
fn a_clients_first_question_is_answered_with_our_addresses() {
    let registry = CrateRegistry::start();
    let world = world(&registry, Setup::default());
    let configuration = get(&world, "/cargo/index/config.json").json();
    let dl = configuration["dl"].as_str().unwrap();
    assert!(dl.starts_with(&format!("{}/cargo/crates", world.root())), "{dl}");
}

#[test]
fn a_file_leaves_once_it_is_cleared_and_its_refusal_is_short_text() {
    let registry = CrateRegistry::start();
    let world = world(&registry, Setup::default());
    let answer = get(&world, &file("1.1.0"));
    let sentence = "held by stockade: `left-demo` 1.1.0 is 5 hours old; policy asks 72 hours";
    assert_eq!((answer.status, answer.phrase.as_str()), (403, sentence));
    assert!(answer.text().starts_with(sentence) && answer.body.len() <= 512, "{}", answer.text());
    assert_eq!(registry.count("/crates/left-demo/1.1.0/*"), 0, "what is held is not even fetched");
    let answer = get(&world, &file("1.0.9"));
    assert_eq!((answer.status, answer.body == old().packed()), (200, true));
    world.pass(67);
    assert_eq!(get(&world, &file("1.1.0")).body, young().packed());
}

#[test]
fn malware_is_in_no_index_and_its_file_is_denied() {
    let registry = CrateRegistry::start();
    let osv = malware_of(CARGO.osv, "left-demo", "1.0.9");
    let world = world(&registry, Setup { advisories: vec![osv.path().to_owned()], ..Setup::default() });
    assert!(!get(&world, INDEX).text().contains("1.0.9"));
    let answer = get(&world, &file("1.0.9"));
    assert_eq!(answer.status, 403);
    assert!(answer.text().starts_with("denied by stockade: `left-demo` 1.0.9 is malware by `MAL-2026-0001`"));
}

#[test]
fn other_bytes_than_the_index_claims_are_denied() {
    let registry = CrateRegistry::start();
    let world = world(&registry, Setup::default());
    let line = old().line();
    registry.publish(&old().file("src/lib.rs", "pub fn other() {}").raw_line(line.trim_end()));
    let answer = get(&world, &file("1.0.9"));
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("is not what the index claims"), "{}", answer.text());
    world.log_holds();
}

#[test]
fn no_answer_names_the_registry() {
    let registry = CrateRegistry::start();
    let world = world(&registry, Setup::default());
    let upstream = registry.address().to_string();
    for path in [
        "/cargo/index/config.json",
        INDEX,
        "/cargo/index/no/ne/nonesuch",
        &file("1.0.9"),
        &file("1.1.0"),
        &file("9.9.9"),
    ] {
        let answer = get(&world, path);
        assert!(!answer.text().contains(&upstream), "{path}: {}", answer.text());
        assert!(!format!("{:?}", answer.headers).contains(&upstream), "{path}: {:?}", answer.headers);
    }
    assert_eq!(get(&world, "/cargo/index/no/ne/nonesuch").status, 404);
}
