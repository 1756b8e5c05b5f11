//! Registries that fail, lie, or are not there.

use std::time::{Duration, Instant};

use stockade_testkit::{Fault, Package, Stall};

use crate::world::{OLD, World, left_demo};

fn raw(body: impl Into<Vec<u8>>) -> Fault {
    Fault::RawBody { body: body.into(), content_type: "application/json".to_owned() }
}

#[test]
fn each_failure_of_the_upstream_has_its_own_clear_answer() {
    let world = World::new();
    world.registry.publish_all(&left_demo());
    let cases = [
        (Fault::Status(404), 404, "not found: `left-demo`: the upstream has no such thing (404)"),
        (Fault::Status(500), 502, "stockade could not look: `left-demo`: the upstream answered 500"),
        (Fault::Status(401), 403, "held by stockade: `left-demo`: the upstream answered 401"),
        (Fault::Drop, 502, "stockade could not look: `left-demo`: the upstream did not answer: "),
        (Fault::Hang(Stall::BeforeHeaders), 502, "stockade could not look: `left-demo`: the upstream did not answer: "),
        (Fault::Hang(Stall::MidBody), 502, "stockade could not look: `left-demo`: the upstream did not answer: "),
        (Fault::Truncate(50), 502, "stockade could not look: `left-demo`: the upstream did not answer: "),
    ];
    for (fault, status, phrase) in cases {
        world.registry.fault("/left-demo", fault.clone());
        let start = Instant::now();
        let answer = world.get("/left-demo");
        assert_eq!(answer.status, status, "{fault:?}: {}", answer.phrase);
        assert!(answer.phrase.starts_with(phrase), "{fault:?}: {}", answer.phrase);
        assert!(answer.json()["detail"].as_str().unwrap().starts_with(phrase), "{fault:?}: {}", answer.text());
        assert!(start.elapsed() < Duration::from_secs(5), "{fault:?}");
        world.registry.clear_faults();
    }
    world.registry.fault("/left-demo", Fault::RetryAfter(429, "7".to_owned()));
    let busy = world.get("/left-demo");
    assert_eq!((busy.status, busy.header("retry-after")), (429, "7"));
    world.registry.clear_faults();
    assert_eq!(world.get("/left-demo").status, 200, "nothing wrong was kept");
}

#[test]
fn a_failure_that_passes_is_not_noticed() {
    let world = World::new();
    world.registry.publish_all(&left_demo());
    world.registry.fault_times("/left-demo", Fault::Status(503), 1);
    assert_eq!(world.get("/left-demo").status, 200);
}

#[test]
fn documents_that_are_none_are_refused_with_a_reason() {
    let world = World::new();
    world.registry.publish_all(&left_demo());
    let deep = format!("{{\"name\":\"left-demo\",\"x\":{}", "[".repeat(100_000));
    let cases: [(&str, Vec<u8>); 7] = [
        ("nothing", b"".to_vec()),
        ("html", b"<!doctype html><h1>portal</h1>".to_vec()),
        ("a list", b"[]".to_vec()),
        ("deep", deep.into_bytes()),
        ("another package", b"{\"name\":\"right-demo\",\"versions\":{}}".to_vec()),
        ("versions of another type", b"{\"name\":\"left-demo\",\"versions\":[1]}".to_vec()),
        ("not UTF-8", b"{\"name\":\"left-demo\",\"x\":\"\xff\"}".to_vec()),
    ];
    for (what, body) in cases {
        world.registry.fault("/left-demo", raw(body));
        let answer = world.get("/left-demo");
        assert_eq!(answer.status, 403, "{what}");
        assert!(
            answer.phrase.starts_with("held by stockade: `left-demo`: `left-demo` is not a packument"),
            "{what}: {}",
            answer.phrase
        );
        world.registry.clear_faults();
    }
    assert_eq!(world.get("/left-demo").status, 200);
}

#[test]
fn one_broken_release_does_not_break_its_package() {
    let world = World::new();
    let demo = Package::new("left-demo");
    world.registry.publish_all(&left_demo());
    world.registry.publish(&demo.release("not-a-version"));
    world.registry.publish(&demo.release("2.0.0").listing_field("dist", serde_json::json!(7)));
    world.registry.publish(&demo.release("2.0.1").listing_field("name", serde_json::json!("right-demo")));
    world.registry.tag("left-demo", "latest", "1.0.9");
    let document = world.get("/left-demo").json();
    assert_eq!(document["dist-tags"]["latest"], "1.0.9");
    assert!(document["versions"].get("2.0.0").is_none() && document["versions"].get("2.0.1").is_none());
    assert!(document["policyRestrictions"]["versions"].get("not-a-version").is_some());
    assert_eq!(world.get(OLD).status, 200);
}

#[test]
fn a_member_that_is_there_twice_shows_nobody_two_faces() {
    let world = World::new();
    world.registry.publish_all(&left_demo());
    let honest = world.get("/left-demo").text();
    let twice = honest.replacen("\"dist\":{", "\"dist\":{\"tarball\":\"http://evil.invalid/x.tgz\"},\"dist\":{", 1);
    let upstream = twice.replace(&format!("{}/npm/", world.root()), &world.registry.url());
    world.registry.fault("/left-demo", raw(upstream));
    world.pass(1);
    let document = world.get("/left-demo");
    assert!(!document.text().contains("evil.invalid"));
    assert!(document.json()["versions"].get("1.0.0").is_none());
}

#[test]
fn a_document_beyond_the_limit_is_refused() {
    let world = World::new();
    world.registry.publish_all(&left_demo());
    let huge = format!("{{\"name\":\"left-demo\",\"readme\":\"{}\"}}", "x".repeat(65 * 1024 * 1024));
    world.registry.fault("/left-demo", raw(huge));
    let answer = world.get("/left-demo");
    assert_eq!(answer.status, 403);
    assert!(
        answer.phrase.starts_with("held by stockade: `left-demo`: the upstream's answer is longer than"),
        "{}",
        answer.phrase
    );
    assert!(world.files("quarantine").is_empty() && world.files("documents").is_empty());
}

#[test]
fn without_the_upstream_the_cache_goes_on_and_says_so() {
    let world = World::new();
    world.registry.publish_all(&left_demo());
    let fresh = world.get("/left-demo");
    assert_eq!(world.get(OLD).status, 200);
    world.registry.offline(true);
    world.pass(2);
    let world = world.restarted();
    let stale = world.get("/left-demo");
    assert_eq!(stale.status, 200);
    assert_eq!(stale.json()["versions"].as_object().unwrap().len(), 3);
    assert_eq!(
        stale.header("npm-notice"),
        "stockade: `left-demo`: the upstream did not answer; this is its index of 2026-06-01T12:00:00Z"
    );
    assert_eq!(stale.header("cache-control"), "no-store", "npm prints a notice only of what it does not store");
    assert_eq!(fresh.header("npm-notice"), "");
    assert_eq!(world.get(OLD).status, 200);
    let other = world.get("/left-demo/-/left-demo-1.0.0.tgz");
    assert_eq!(other.status, 502, "what is not here cannot be had");
    let why = world.why("pkg:npm/left-demo@1.0.9");
    assert!(why.gaps[0].detail.contains("the upstream did not answer"), "{why:?}");
    world.registry.offline(false);
    world.pass(1);
    assert_eq!(world.get("/left-demo").header("npm-notice"), "");
}

#[test]
fn what_another_process_has_learnt_is_not_overlooked() {
    let world = World::new();
    world.registry.publish_all(&left_demo());
    assert!(world.get("/left-demo").json()["versions"].get("2.0.0").is_none());
    world.registry.publish(&Package::new("left-demo").release("2.0.0"));
    world.pass(1);
    let other = world.second_engine();
    let package = stockade_ecosystem::npm::NPM.id.clone();
    let name = stockade_ecosystem::npm::parse_name("left-demo").unwrap();
    let package = stockade_model::Package { ecosystem: package, name };
    assert_eq!(world.runtime.block_on(other.listing(&package)).unwrap().rulings.standings.len(), 4);
    let fetches = world.registry.count("/left-demo");
    let listed = world.get("/left-demo");
    assert!(listed.json()["versions"].get("2.0.0").is_some(), "{}", listed.text());
    assert_eq!(world.registry.count("/left-demo"), fetches, "and it is not asked for twice");
}

#[test]
fn a_policy_may_refuse_an_index_that_is_out_of_date() {
    let world = World::with_policy("gaps.stale = 'hold'");
    world.registry.publish_all(&left_demo());
    world.get("/left-demo");
    world.registry.offline(true);
    world.pass(1);
    let document = world.get("/left-demo").json();
    assert_eq!(document["policyRestrictions"]["versions"].as_object().unwrap().len(), 3);
}

#[test]
fn an_index_that_turns_bad_leaves_the_last_good_one() {
    let world = World::new();
    world.registry.publish_all(&left_demo());
    world.get("/left-demo");
    world.registry.fault("/left-demo", raw("<html>"));
    world.pass(1);
    let answer = world.get("/left-demo");
    assert_eq!(answer.status, 200);
    assert!(answer.header("npm-notice").contains("the upstream's new index cannot be used"), "{answer:?}");
    let world = world.restarted();
    assert_eq!(world.get("/left-demo").status, 200);
}

#[test]
fn what_the_upstream_no_longer_has_is_not_there() {
    let world = World::new();
    world.registry.publish_all(&left_demo());
    assert_eq!(world.get("/left-demo").status, 200);
    world.registry.fault("/left-demo", Fault::Status(404));
    world.pass(1);
    assert_eq!(world.get("/left-demo").status, 404);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_that_loses_nothing() {
    let Some(disk) = SmallDisk::mount() else {
        return stockade_testkit::skipped("a full disk was not tried: mounting a small one needs root");
    };
    let world = World::with_data(disk.path());
    world.registry.publish_all(&left_demo());
    let large = Package::new("large-demo").release("1.0.0").file("noise.bin", noise(3 * 1024 * 1024));
    world.registry.publish(&large);
    assert_eq!(world.get(OLD).status, 200);
    let answer = world.get("/large-demo/-/large-demo-1.0.0.tgz");
    assert_eq!(answer.status, 500, "{}", answer.phrase);
    assert!(answer.phrase.contains("No space left"), "{}", answer.phrase);
    assert_eq!(world.files("objects").len(), 1, "nothing half");
    assert!(world.files("quarantine").is_empty());
    assert_eq!(world.get(OLD).status, 200);
    world.log_holds();
}

/// Bytes that do not compress.
#[cfg(target_os = "linux")]
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

#[cfg(target_os = "linux")]
struct SmallDisk(tempfile::TempDir);

#[cfg(target_os = "linux")]
impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::TempDir::with_prefix("stockade-disk-").unwrap();
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(folder.path());
        let mounted = mount.stderr(std::process::Stdio::null()).status().is_ok_and(|status| status.success());
        mounted.then(|| Self(folder))
    }

    fn path(&self) -> &std::path::Path {
        self.0.path()
    }
}

#[cfg(target_os = "linux")]
impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}
