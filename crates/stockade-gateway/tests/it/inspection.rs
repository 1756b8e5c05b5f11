//! What is in a file, and what is in it that was in none before.

use jiff::SignedDuration;
use stockade_engine::DecisionRequest;
use stockade_model::{Evidence, Purl, Verdict};
use stockade_testkit::{FakeRegistry, Fault, NOW, Package, Release, hours_before};

use crate::world::{Answer, Setup, World};

/// The rule about code that begins to run at the install.
const HOOK: &str = "install-hook-gained";
/// Past the cooldown, and still young: in days.
const DAYS: i64 = 5;

fn old(version: &str) -> Release {
    Package::new("left-demo").release(version)
}

fn new(version: &str) -> Release {
    old(version).published(hours_before(NOW, DAYS * 24))
}

/// A release that runs code when it is installed.
fn hooked(version: &str) -> Release {
    new(version).script("postinstall", "node collect.js").file("collect.js", "module.exports = 1\n")
}

fn file(version: &str) -> String {
    format!("/left-demo/-/left-demo-{version}.tgz")
}

fn world(releases: &[Release]) -> World {
    let world = World::new();
    world.registry.publish_all(releases);
    world
}

/// The version that a release was compared with, and whether it was found that it began to run code at its install.
fn found(world: &World, version: &str) -> (Option<String>, bool) {
    let why = world.why(&format!("pkg:npm/left-demo@{version}"));
    let inspection = why.evidence.iter().find_map(|evidence| match evidence {
        Evidence::Inspection { against, findings, .. } => Some((against.clone(), findings)),
        _ => None,
    });
    let (against, findings) = inspection.unwrap_or_else(|| panic!("{version} was not inspected: {why:?}"));
    (against, findings.iter().any(|finding| finding.rule == HOOK))
}

fn approve(world: &World, version: &str) {
    let release = format!("pkg:npm/left-demo@{version}").parse::<Purl>().unwrap().release().unwrap();
    let (reason, by) = ("reviewed".to_owned(), "alice".to_owned());
    let expires = Some(NOW + SignedDuration::from_hours(24));
    let request = DecisionRequest { release, verdict: Verdict::Allow, reason, by, expires };
    world.runtime.block_on(world.engine.decide(request)).unwrap();
}

fn inspections(world: &World) -> u64 {
    world.engine.inspected().files
}

#[track_caller]
fn held_for_its_hook(answer: &Answer) {
    assert_eq!(answer.status, 403, "{}", answer.text());
    let words = "runs code at its install that no cleared release ran";
    assert!(answer.text().contains(words), "{}", answer.text());
}

#[test]
fn what_a_release_gained_holds_it_and_the_one_before_is_offered() {
    let world = world(&[old("1.0.0"), hooked("1.0.1")]);
    assert_eq!(world.get(&file("1.0.0")).status, 200);
    let answer = world.get(&file("1.0.1"));
    held_for_its_hook(&answer);
    assert!(
        answer.phrase.starts_with("held by stockade: `left-demo` 1.0.1 runs code at its install"),
        "{}",
        answer.phrase
    );
    let error = answer.json()["error"].as_str().unwrap().to_owned();
    assert!(error.contains("package.json:"), "the place is said: {error}");
    assert!(error.contains("\nhint: 1.0.0 is cleared\n"), "{error}");
    assert_eq!(found(&world, "1.0.1"), (Some("1.0.0".to_owned()), true));
    assert_eq!(found(&world, "1.0.0"), (None, false));

    let document = world.get("/left-demo").json();
    assert_eq!(document["dist-tags"]["latest"], "1.0.0", "the listing steers around it");
    assert!(document["versions"].get("1.0.1").is_some(), "and lockfiles go on resolving");
    assert!(document["policyRestrictions"]["versions"].get("1.0.1").is_some());

    let see = answer.json()["instance"].as_str().unwrap().to_owned();
    let path = see.strip_prefix(&world.root()).unwrap();
    let replayed = world.ask("GET", path, &["accept: application/json"], b"").json();
    assert_eq!(replayed["replayed"], true, "from the log alone");
    let of_content = replayed["evidence"].as_array().unwrap().iter().find(|one| one["kind"] == "inspection").unwrap();
    assert_eq!(of_content["findings"][0]["path"], "package.json");
    assert!(world.ask("GET", path, &[], b"").text().contains("its content was compared with 1.0.0"));

    let held = world.runtime.block_on(world.engine.held()).unwrap();
    assert!(held[0].sentence.contains("runs code at its install"), "{held:?}");
    world.log_holds();
}

#[test]
fn a_young_release_is_compared_with_one_that_has_to_be_fetched() {
    let world = world(&[old("0.9.0"), old("1.0.0"), hooked("1.0.1"), old("2.0.0")]);
    held_for_its_hook(&world.get(&file("1.0.1")));
    assert_eq!(found(&world, "1.0.1").0.as_deref(), Some("1.0.0"));
    assert_eq!((world.registry.count(&file("1.0.0")), world.registry.count(&file("0.9.0"))), (1, 0));
    let pin = "pkg:npm/left-demo@1.0.0".parse::<Purl>().unwrap().release().unwrap();
    let digest = world.runtime.block_on(world.engine.store().pin(&pin)).unwrap().unwrap().sha256;
    assert!(world.runtime.block_on(world.engine.store().served(&digest)).unwrap().is_empty(), "nobody was given it");
    assert_eq!(world.get(&file("1.0.0")).status, 200);
    assert_eq!(world.registry.count(&file("1.0.0")), 1, "it is fetched once");
}

#[test]
fn one_that_was_published_with_it_is_not_what_it_is_compared_with() {
    let one_day_before = hooked("1.0.1").published(hours_before(NOW, DAYS * 24 + 24));
    let world = world(&[old("1.0.0"), one_day_before, hooked("1.0.2")]);
    held_for_its_hook(&world.get(&file("1.0.2")));
    assert_eq!(found(&world, "1.0.2").0.as_deref(), Some("1.0.0"));
}

#[test]
fn what_is_old_is_inspected_alone_if_nothing_is_at_hand() {
    let world = world(&[old("1.0.0"), old("1.0.1").script("postinstall", "node index.js")]);
    assert_eq!(world.get(&file("1.0.1")).status, 200);
    assert_eq!(found(&world, "1.0.1"), (None, false));
    assert_eq!(world.registry.count(&file("1.0.0")), 0);
}

#[test]
fn what_is_old_is_compared_with_the_very_release_before_it_and_no_other() {
    let hooked = |version: &str| old(version).script("postinstall", "node index.js");
    let world =
        world(&[old("1.0.0"), hooked("1.1.0"), hooked("1.2.0"), hooked("2.0.0"), old("3.0.0"), hooked("2.0.1")]);
    for (version, status) in [("1.0.0", 200), ("3.0.0", 200), ("1.2.0", 200), ("2.0.0", 200)] {
        assert_eq!(world.get(&file(version)).status, status, "{version}");
    }
    assert_eq!(found(&world, "1.2.0"), (None, false), "1.1.0 is between, and nobody has it");
    assert_eq!(found(&world, "2.0.0"), (None, false), "it is of another line");
    assert_eq!(world.get(&file("2.0.1")).status, 200);
    assert_eq!(found(&world, "2.0.1"), (Some("2.0.0".to_owned()), false));
    world.registry.publish_all(&[old("4.0.0").script("preinstall", "node index.js")]);
    world.registry.publish_all(&[old("4.0.1").script("install", "node other.js")]);
    world.pass(1);
    assert_eq!((world.get(&file("4.0.0")).status, world.get(&file("4.0.1")).status), (200, 403));
}

#[test]
fn a_young_release_of_another_line_is_compared_with_one_of_its_own() {
    let world = world(&[old("1.0.0"), old("2.0.0"), hooked("1.0.1")]);
    assert_eq!(world.get(&file("2.0.0")).status, 200);
    held_for_its_hook(&world.get(&file("1.0.1")));
    assert_eq!(found(&world, "1.0.1").0.as_deref(), Some("1.0.0"));
}

#[test]
fn a_first_release_is_inspected_alone() {
    let world = world(&[hooked("1.0.0")]);
    let answer = world.get(&file("1.0.0"));
    assert_eq!(answer.status, 200, "{}", answer.phrase);
    assert_eq!(found(&world, "1.0.0").0, None);
}

#[test]
fn what_cannot_be_unpacked_is_held() {
    let world = world(&[old("1.0.0").raw_tarball(*b"no archive")]);
    let answer = world.get(&file("1.0.0"));
    assert_eq!(answer.status, 403);
    assert!(answer.phrase.contains("was not fully looked at (`inspection`): "), "{}", answer.phrase);
    let listing = world.get("/left-demo").json();
    assert!(listing["policyRestrictions"]["versions"].get("1.0.0").is_some(), "what is known of it is in the listing");
    let world = world.restarted_with(Setup { policy: "[gaps]\ninspection = 'allow'".to_owned(), ..Setup::default() });
    assert_eq!(world.get(&file("1.0.0")).status, 200);
}

#[test]
fn what_cannot_be_compared_now_is_held_and_compared_at_the_next_request() {
    let world = world(&[old("1.0.0"), new("1.0.1")]);
    world.registry.fault(&file("1.0.0"), Fault::Status(500));
    let answer = world.get(&file("1.0.1"));
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("could not be compared with 1.0.0, the release before it"), "{}", answer.text());
    world.registry.clear_faults();
    assert_eq!(world.get(&file("1.0.1")).status, 200);
    assert_eq!(found(&world, "1.0.1").0.as_deref(), Some("1.0.0"));
    assert_eq!(inspections(&world), 2, "what was found in the file itself was kept");
}

#[test]
fn what_is_known_is_not_looked_at_again() {
    let world = world(&[old("1.0.0"), hooked("1.0.1")]);
    assert_eq!(world.get(&file("1.0.0")).status, 200);
    held_for_its_hook(&world.get(&file("1.0.1")));
    for _ in 0..3 {
        assert_eq!(world.get(&file("1.0.0")).status, 200);
        held_for_its_hook(&world.get(&file("1.0.1")));
    }
    assert_eq!(inspections(&world), 2);
    let world = world.restarted();
    assert_eq!(world.get(&file("1.0.0")).status, 200);
    held_for_its_hook(&world.get(&file("1.0.1")));
    assert_eq!((inspections(&world), world.registry.count("/left-demo/-/*")), (0, 2));
}

#[test]
fn what_was_cleared_before_anything_was_inspected_is_inspected_now() {
    let off = || Setup { policy: "[inspection]\nenabled = false".to_owned(), ..Setup::default() };
    let world = World::with(FakeRegistry::start(), off());
    world.registry.publish_all(&[old("1.0.0"), hooked("1.0.1")]);
    assert_eq!((world.get(&file("1.0.0")).status, world.get(&file("1.0.1")).status), (200, 200));
    assert_eq!(inspections(&world), 0, "the policy wants nothing to be inspected");
    let world = world.restarted();
    held_for_its_hook(&world.get(&file("1.0.1")));
    assert_eq!(world.get(&file("1.0.0")).status, 200);
    assert_eq!(world.registry.count("/left-demo/-/*"), 2, "from what is on disk");
    let world = world.restarted_with(off());
    assert_eq!(world.get(&file("1.0.1")).status, 200, "who does not want to know is not told");
}

#[test]
fn what_a_person_approved_is_usual_for_the_releases_after_it() {
    let world = world(&[old("1.0.0"), hooked("1.0.1"), hooked("1.0.2")]);
    assert_eq!(world.get(&file("1.0.0")).status, 200);
    held_for_its_hook(&world.get(&file("1.0.1")));
    held_for_its_hook(&world.get(&file("1.0.2")));
    approve(&world, "1.0.1");
    assert_eq!(world.get(&file("1.0.1")).status, 200);
    let answer = world.get(&file("1.0.2"));
    assert_eq!(answer.status, 200, "{}", answer.phrase);
    assert_eq!(found(&world, "1.0.2").0.as_deref(), Some("1.0.1"));
    world.log_holds();
}

#[test]
fn malware_is_no_release_to_compare_with() {
    let world = world(&[old("1.0.0"), hooked("1.0.1"), hooked("1.0.2")]);
    assert_eq!(world.get(&file("1.0.0")).status, 200);
    approve(&world, "1.0.1");
    assert_eq!(world.get(&file("1.0.1")).status, 200);
    let folder = crate::world::malware("left-demo", "1.0.1");
    let world = world.restarted_with(Setup { advisories: vec![folder.path().to_owned()], ..Setup::default() });
    held_for_its_hook(&world.get(&file("1.0.2")));
    assert_eq!(found(&world, "1.0.2").0.as_deref(), Some("1.0.0"));
}

#[test]
fn audit_records_and_serves() {
    let world = World::with_policy("mode = 'audit'");
    world.registry.publish_all(&[old("1.0.0"), hooked("1.0.1")]);
    assert_eq!(world.get(&file("1.0.1")).status, 200);
    let why = world.why("pkg:npm/left-demo@1.0.1");
    assert!(why.sentence.starts_with("would be held by stockade: `left-demo` 1.0.1 runs code"), "{}", why.sentence);
}

#[test]
fn a_package_that_nobody_needed_before_must_be_old_enough() {
    let world = world(&[
        old("1.0.0"),
        new("1.0.1").dependency("plain-demo", "^1.0.0"),
        new("1.0.2").dependency("grown-demo", "1"),
    ]);
    world.registry.publish(&Package::new("plain-demo").release("1.0.0").published(hours_before(NOW, 18)));
    world.registry.publish(&Package::new("grown-demo").release("1.0.0"));
    assert_eq!(world.get(&file("1.0.0")).status, 200);
    let answer = world.get(&file("1.0.1"));
    assert_eq!(
        (answer.status, answer.phrase.as_str()),
        (
            403,
            "held by stockade: `left-demo` 1.0.1 began to need `plain-demo`, which is 18 hours old; 30 days are asked"
        )
    );
    assert_eq!(world.get(&file("1.0.2")).status, 200);
    world.pass(30 * 24);
    assert_eq!(world.get(&file("1.0.1")).status, 200, "time lifts it");
}

#[test]
fn a_need_that_cannot_be_looked_at_is_held_until_it_can() {
    let world = world(&[old("1.0.0"), new("1.0.1").dependency("plain-demo", "^1.0.0")]);
    assert_eq!(world.get(&file("1.0.0")).status, 200);
    let answer = world.get(&file("1.0.1"));
    assert!(
        answer.text().contains("it began to need `plain-demo`, whose index could not be looked at"),
        "{}",
        answer.text()
    );
    world.registry.publish(&Package::new("plain-demo").release("1.0.0"));
    assert_eq!(world.get(&file("1.0.1")).status, 200);
}

#[test]
fn a_scope_may_bring_its_own_packages() {
    let world = World::new();
    let left = Package::new("@acme/left");
    let young = |release: Release| release.published(hours_before(NOW, DAYS * 24));
    world.registry.publish_all(&[
        left.release("1.0.0"),
        young(left.release("1.0.1").dependency("@acme/right", "1")),
        young(Package::new("@acme/right").release("1.0.0")),
    ]);
    assert_eq!(world.get("/@acme/left/-/left-1.0.0.tgz").status, 200);
    let answer = world.get("/@acme/left/-/left-1.0.1.tgz");
    assert_eq!(answer.status, 200, "{}", answer.phrase);
}

#[test]
fn a_new_release_of_what_is_used_is_inspected_before_it_is_asked_for() {
    let world = world(&[old("1.0.0")]);
    world.registry.publish(&Package::new("other-demo").release("1.0.0").published(hours_before(NOW, 1)));
    assert_eq!(world.get(&file("1.0.0")).status, 200);
    world.registry.publish(&old("1.0.1").published(hours_before(NOW, 5)).script("postinstall", "node index.js"));
    world.pass(1);
    world.get("/left-demo");
    world.get("/other-demo");
    world.until(|world| inspections(world) == 2);
    world.until(|world| {
        world.why("pkg:npm/left-demo@1.0.1").evidence.iter().any(|one| matches!(one, Evidence::Inspection { .. }))
    });
    assert_eq!(found(&world, "1.0.1"), (Some("1.0.0".to_owned()), true));
    assert_eq!(world.registry.count("/other-demo/-/*"), 0, "nobody uses it");
    assert_eq!(world.get(&file("1.0.1")).status, 403);
    let metrics = world.ask("GET", "/metrics", &[], b"").text();
    for line in
        ["stockade_inspections_total 2", "stockade_inspection_gaps_total 0", "stockade_inspection_seconds_count 2"]
    {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}

#[test]
fn a_release_that_is_held_can_be_looked_at_and_nothing_leaves() {
    let world = world(&[old("1.0.0"), old("1.0.1").published(hours_before(NOW, 5)).script("install", "node index.js")]);
    let release = "pkg:npm/left-demo@1.0.1".parse::<Purl>().unwrap().release().unwrap();
    assert_eq!(world.runtime.block_on(world.engine.look_at(&release)).unwrap(), []);
    assert_eq!(found(&world, "1.0.1"), (Some("1.0.0".to_owned()), true));
    let why = world.why("pkg:npm/left-demo@1.0.1");
    let rules: Vec<&str> = why.ruling.reasons.iter().map(|reason| reason.rule.as_str()).collect();
    assert_eq!((rules.first(), rules.last()), (Some(&HOOK), Some(&"cooldown")));
    world.log_holds();
}

#[test]
fn a_store_of_the_first_version_gets_the_new_tables() {
    let world = world(&[old("1.0.0")]);
    assert_eq!(world.get(&file("1.0.0")).status, 200);
    let connection = rusqlite::Connection::open(world.folder().join("stockade.db")).unwrap();
    let of_the_first_version = "
        DROP TABLE inspections; DROP TABLE assessments; DROP INDEX served_of; DROP TABLE freezes;
        DROP TABLE dates; DROP TABLE claims;
        DROP TABLE hosted; DROP TABLE hosted_tags; DROP TABLE hosted_packages; DROP TABLE tokens;
        DROP TABLE inventory_blocks; DROP TABLE inventory_segments; DROP TABLE inventory_snapshots; DROP TABLE inventory_projects;
        DROP TABLE inventory_digests; DROP TABLE inventory_components;
        DROP INDEX rulings_of; CREATE INDEX rulings_of ON rulings (ecosystem, name, version, seq);
        ALTER TABLE rulings DROP COLUMN file; ALTER TABLE decisions DROP COLUMN file; ALTER TABLE served DROP COLUMN file;
        CREATE TABLE old (ecosystem TEXT, name TEXT, version TEXT, sha256 TEXT, digests TEXT, size INTEGER, at INTEGER,
                          PRIMARY KEY (ecosystem, name, version)) STRICT;
        INSERT INTO old SELECT ecosystem, name, version, sha256, digests, size, at FROM pins;
        DROP TABLE pins; ALTER TABLE old RENAME TO pins;
        PRAGMA user_version = 1";
    connection.execute_batch(of_the_first_version).unwrap();
    drop(connection);
    let world = world.restarted();
    assert_eq!(world.get(&file("1.0.0")).body, old("1.0.0").tarball(), "the pin is the same");
    assert_eq!(world.get(&file("1.0.0")).status, 200);
    assert_eq!(inspections(&world), 1);
    assert_eq!(found(&world, "1.0.0").0, None);
    world.log_holds();
}

#[test]
fn many_at_once_are_one_inspection() {
    let world = world(&[old("1.0.0"), hooked("1.0.1")]);
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..10).map(|_| scope.spawn(|| world.get(&file("1.0.1")))).collect();
        for answer in asking {
            held_for_its_hook(&answer.join().unwrap());
        }
    });
    assert_eq!(inspections(&world), 2);
}

/// A rule of a team's own, which says this of a release that brings a file like `beacon.wav`.
fn own_rule(sentence: &str) -> Setup {
    let table = format!("verdict = 'hold'\nscore = 50\nsentence = '{sentence}'\n\n[[any]]\nfile = ['.wav']\n");
    let rule = ("no-sounds.md".to_owned(), format!("# sounds\n\nWe ship none.\n\n```toml\n{table}```\n"));
    Setup { rules: vec![rule], ..Setup::default() }
}

#[test]
fn a_rule_of_ones_own_holds_at_the_gate_and_one_that_changes_judges_again() {
    let world = world(&[old("1.0.0").file("beacon.wav", "RIFF")]);
    assert_eq!(world.get(&file("1.0.0")).status, 200, "no rule minds");
    let world = world.restarted_with(own_rule("brings a sound"));
    let answer = world.get(&file("1.0.0"));
    assert_eq!(answer.status, 403);
    assert!(answer.phrase.contains("`left-demo` 1.0.0 brings a sound (beacon.wav)"), "{}", answer.phrase);
    assert_eq!(world.why("pkg:npm/left-demo@1.0.0").ruling.reasons[0].rule.as_str(), "no-sounds");
    let listing = world.get("/left-demo").json();
    assert!(listing["policyRestrictions"]["versions"].get("1.0.0").is_some(), "and is steered around");
    assert_eq!((inspections(&world), world.registry.count(&file("1.0.0"))), (0, 1), "from what was found before");
    let world = world.restarted_with(own_rule("still brings a sound"));
    assert!(world.get(&file("1.0.0")).phrase.contains("1.0.0 still brings a sound"));
    let allowed = "[inspection.rules]\nno-sounds = 'allow'".to_owned();
    let world = world.restarted_with(Setup { policy: allowed, ..own_rule("still brings a sound") });
    assert_eq!(world.get(&file("1.0.0")).status, 200, "the policy speaks of it as of any rule");
    let world = world.restarted();
    assert_eq!(world.get(&file("1.0.0")).status, 200, "a rule that is gone holds nothing");
    assert_eq!(inspections(&world), 0);
}
