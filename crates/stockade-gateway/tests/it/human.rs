//! What people ask and decide, and the log of it.

use jiff::SignedDuration;
use stockade_engine::{DecisionRequest, EngineError};
use stockade_model::{Purl, Verdict};
use stockade_testkit::{NOW, Package};

use crate::world::{OLD, World, YOUNG, left_demo};

const YOUNG_PURL: &str = "pkg:npm/left-demo@1.1.0";

fn world() -> World {
    let world = World::new();
    world.registry.publish_all(&left_demo());
    world
}

fn decide(
    world: &World,
    purl: &str,
    verdict: Verdict,
    hours: Option<i64>,
) -> Result<stockade_engine::Decision, EngineError> {
    let release = purl.parse::<Purl>().unwrap().release().unwrap();
    let expires = hours.map(|hours| world.engine.now() + SignedDuration::from_hours(hours));
    let (reason, by) = ("we need the fix".to_owned(), "alice".to_owned());
    let request = DecisionRequest { release, verdict, reason, by, expires };
    let mut decisions = world.runtime.block_on(world.engine.decide(request))?;
    assert_eq!(decisions.len(), 1, "a release has one file here");
    Ok(decisions.remove(0))
}

#[test]
fn an_approval_counts_at_once_for_these_bytes_and_ends() {
    let world = world();
    assert_eq!(world.get(YOUNG).status, 403);
    decide(&world, YOUNG_PURL, Verdict::Allow, Some(4)).unwrap();
    assert_eq!(world.get("/left-demo").json()["dist-tags"]["latest"], "1.1.0");
    assert_eq!(world.get(YOUNG).body, left_demo()[2].tarball());
    world.pass(4);
    assert_eq!(world.get(YOUNG).status, 403, "it has ended");
    assert_eq!(world.get("/left-demo").json()["dist-tags"]["latest"], "1.0.9");
    world.log_holds();
}

#[test]
fn an_approval_does_not_cover_other_bytes() {
    let world = world();
    decide(&world, YOUNG_PURL, Verdict::Allow, Some(48)).unwrap();
    world.registry.publish(&left_demo()[2].clone().file("index.js", "other()"));
    world.pass(1);
    assert_eq!(world.get(YOUNG).status, 403);
    let pinned = world.why(YOUNG_PURL);
    assert_eq!(pinned.ruling.verdict, Verdict::Hold, "{pinned:?}");
}

#[test]
fn an_approval_of_what_the_index_claims_nothing_of_looks_at_the_bytes_first() {
    let world = World::new();
    world.registry.publish(&Package::new("bare-demo").release("1.0.0").without_integrity());
    let path = "/bare-demo/-/bare-demo-1.0.0.tgz";
    assert_eq!(world.get(path).status, 403);
    let decision = decide(&world, "pkg:npm/bare-demo@1.0.0", Verdict::Allow, Some(4)).unwrap();
    assert_eq!(
        decision.digest,
        stockade_model::Digest::of(&Package::new("bare-demo").release("1.0.0").without_integrity().tarball())
    );
    assert_eq!(world.get(path).status, 200);
}

#[test]
fn a_denial_stays_until_it_is_taken_back() {
    let world = world();
    assert_eq!(world.get(OLD).status, 200);
    decide(&world, "pkg:npm/left-demo@1.0.9", Verdict::Deny, None).unwrap();
    let answer = world.get(OLD);
    assert_eq!(answer.phrase, "denied by stockade: `left-demo` 1.0.9 was denied by `alice`: we need the fix");
    assert_eq!(world.get("/left-demo").json()["dist-tags"]["latest"], "1.0.0");
    decide(&world, "pkg:npm/left-demo@1.0.9", Verdict::Allow, Some(1)).unwrap();
    assert_eq!(world.get(OLD).status, 200, "of two decisions about the same bytes the newer counts");
}

#[test]
fn a_decision_replaces_one_that_named_the_same_bytes_by_another_digest() {
    let world = World::with_policy("mode = 'audit'");
    world.registry.publish_all(&left_demo());
    let denied = decide(&world, YOUNG_PURL, Verdict::Deny, None).unwrap();
    assert_eq!(world.get(YOUNG).status, 200, "an audit lets it in, and with that its bytes are pinned");
    let approved = decide(&world, YOUNG_PURL, Verdict::Allow, Some(4)).unwrap();
    assert_ne!(denied.digest, approved.digest);
    let why = world.why(YOUNG_PURL);
    assert_eq!(why.ruling.verdict, Verdict::Allow, "{why:?}");
}

#[test]
fn decisions_that_would_do_nothing_are_refused() {
    let world = world();
    assert!(decide(&world, YOUNG_PURL, Verdict::Allow, None).unwrap_err().to_string().contains("needs an end"));
    assert!(decide(&world, YOUNG_PURL, Verdict::Allow, Some(-1)).unwrap_err().to_string().contains("is over already"));
    assert!(matches!(decide(&world, "pkg:npm/left-demo@7.7.7", Verdict::Deny, None), Err(EngineError::NoRelease(_))));
}

#[test]
fn a_ruling_replays_bit_for_bit() {
    let world = world();
    let see = world.get(YOUNG).json()["instance"].as_str().unwrap().to_owned();
    let id = see.rsplit('/').next().unwrap();
    world.pass(1000);
    let explained = world.runtime.block_on(world.engine.explain(&id[..10])).unwrap();
    assert!(explained.replayed, "{explained:?}");
    assert_eq!((explained.at, explained.id.as_str()), (NOW, id));
    assert_eq!(explained.sentence, "held by stockade: `left-demo` 1.1.0 is 5 hours old; policy asks 72 hours");
    assert!(world.runtime.block_on(world.engine.explain("zzzz")).is_err());
}

#[test]
fn what_is_held_ends_with_time_and_decisions() {
    let world = world();
    let held = || world.runtime.block_on(world.engine.held()).unwrap();
    assert!(held().is_empty());
    world.get("/left-demo");
    assert_eq!(held().iter().map(|why| why.purl.to_string()).collect::<Vec<_>>(), [YOUNG_PURL]);
    decide(&world, YOUNG_PURL, Verdict::Allow, Some(1)).unwrap();
    assert!(held().is_empty());
    world.pass(1);
    assert_eq!(held().len(), 1);
    world.pass(70);
    assert!(held().is_empty(), "it has matured");
}

#[test]
fn asking_again_does_not_fill_the_log() {
    let world = world();
    let entries = || world.runtime.block_on(world.engine.store().newest_entries(1)).unwrap()[0].seq;
    world.get("/left-demo");
    world.get(YOUNG);
    world.get(OLD);
    let before = entries();
    for _ in 0..5 {
        world.get("/left-demo");
        world.get(YOUNG);
        world.get(OLD);
    }
    assert_eq!(entries(), before);
    let world = world.restarted();
    world.get("/left-demo");
    world.get(OLD);
    let after = world.runtime.block_on(world.engine.store().newest_entries(1)).unwrap()[0].seq;
    assert!(after <= before + 2, "{before} {after}");
}

#[test]
fn a_log_that_grows_while_it_is_checked_holds_together() {
    let world = world();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                decide(&world, YOUNG_PURL, Verdict::Deny, None).unwrap();
            }
        });
        let check = || world.runtime.block_on(world.engine.store().verify_log(None)).unwrap();
        let faults: Vec<_> = (0..300).filter_map(|_| check().err()).collect();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(faults.is_empty(), "{} of 300: {}", faults.len(), faults[0]);
    });
}

#[test]
fn an_edited_removed_or_reordered_entry_is_found() {
    let world = world();
    world.get("/left-demo");
    world.get(OLD);
    decide(&world, YOUNG_PURL, Verdict::Allow, Some(4)).unwrap();
    world.log_holds();
    for (edit, fault) in [
        ("UPDATE log SET body = replace(body, 'alice', 'mallory') WHERE kind = 'decision'", "was edited or moved"),
        ("UPDATE log SET at = at + 1 WHERE seq = 2", "entry 2 does not follow"),
        ("DELETE FROM log WHERE seq = 2", "entry 2 is missing"),
        ("DELETE FROM log WHERE seq = (SELECT max(seq) FROM log)", "its end was cut off"),
        (
            "UPDATE log SET seq = -seq WHERE seq IN (2, 3); UPDATE log SET seq = 5 + seq WHERE seq < 0",
            "does not follow",
        ),
    ] {
        let folder = tempfile::TempDir::new().unwrap();
        let copy = folder.path().join("stockade.db");
        let original = rusqlite::Connection::open(world.folder().join("stockade.db")).unwrap();
        original.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
        let connection = rusqlite::Connection::open(&copy).unwrap();
        connection.execute_batch(&format!("PRAGMA foreign_keys = off; {edit}")).unwrap();
        let store = stockade_engine::Store::open(folder.path()).unwrap();
        let found = world.runtime.block_on(store.verify_log(None)).unwrap().unwrap_err();
        assert!(found.to_string().contains(fault), "{edit}: {found}");
    }
}
