//! What clients are told that there is.

use serde_json::json;
use stockade_testkit::{FakeRegistry, NOW, Package, hours_before};

use crate::world::{Setup, World, left_demo, malware};

const SHORT: &str = "accept: application/vnd.npm.install-v1+json";

fn world() -> World {
    let world = World::new();
    world.registry.publish_all(&left_demo());
    world
}

#[test]
fn a_claimed_name_is_never_looked_for_elsewhere() {
    let (public, own) = (FakeRegistry::start(), FakeRegistry::start());
    public.publish(&Package::new("acme-core").release("99.0.0"));
    own.publish(&Package::new("acme-core").release("1.0.0"));
    let claims = vec![("pkg:npm/acme-*".to_owned(), own.url())];
    let world = World::with(public, Setup { claims, ..Setup::default() });
    let listing = world.get("/acme-core").json();
    assert_eq!(listing["dist-tags"]["latest"], "1.0.0");
    assert_eq!(listing["versions"].as_object().unwrap().len(), 1);
    assert_eq!(world.get("/acme-core/-/acme-core-1.0.0.tgz").status, 200);
    assert_eq!(world.get("/acme-core/-/acme-core-99.0.0.tgz").status, 404);
    assert_eq!(world.get("/acme-secret").status, 404, "what is not there is not there");
    let audit = world.ask("POST", "/npm/-/npm/v1/security/advisories/bulk", &[], br#"{"acme-core":["1.0.0"]}"#);
    assert_eq!(audit.status, 200);
    assert_eq!(world.registry.requests().len(), 0, "the public registry never hears of it");
}

#[test]
fn a_young_release_is_steered_around_and_stays_listed() {
    let world = world();
    for headers in [&[][..], &[SHORT]] {
        let answer = world.get_with("/left-demo", headers);
        assert_eq!(answer.status, 200);
        let document = answer.json();
        assert_eq!(document["dist-tags"], json!({"latest": "1.0.9"}));
        assert!(document["versions"]["1.1.0"].is_object(), "lockfiles keep resolving");
        let restricted = &document["policyRestrictions"];
        assert_eq!(restricted["versions"], json!({"1.1.0": {"name": "left-demo", "version": "1.1.0"}}));
        let message = restricted["message"].as_str().unwrap();
        assert!(
            message.starts_with("held by stockade: `left-demo` 1.1.0 is 5 hours old; policy asks 72 hours\nhint: 1.0.9 is cleared\nsee:  http://127.0.0.1:"),
            "{message}"
        );
        assert_eq!(document["time"]["1.1.0"], "2026-06-01T07:00:00.000Z", "times are never altered");
        assert_eq!(
            document["versions"]["1.0.9"]["dist"]["tarball"],
            format!("{}/npm/left-demo/-/left-demo-1.0.9.tgz", world.root())
        );
        assert!(!answer.text().contains(&world.registry.address().to_string()), "no byte names the upstream");
    }
    assert_eq!(world.registry.count("/left-demo"), 1, "one fetch for both forms");
}

#[test]
fn forms_are_chosen_by_what_the_client_accepts() {
    let world = world();
    let full = world.get("/left-demo");
    let short = world.get_with("/left-demo", &[SHORT]);
    assert_eq!(full.header("content-type"), "application/json");
    assert_eq!(short.header("content-type"), "application/vnd.npm.install-v1+json");
    assert!(full.json()["versions"]["1.1.0"]["scripts"].is_object() && full.json()["readme"].is_string());
    assert!(short.json()["versions"]["1.1.0"]["scripts"].is_null());
    assert_eq!(short.json()["versions"]["1.1.0"]["hasInstallScript"], true);
    assert_ne!(full.header("etag"), short.header("etag"));
    assert!(short.header("vary").contains("accept"));
}

#[test]
fn a_scoped_package_is_found_in_every_encoding() {
    let world = World::new();
    world.registry.publish(&Package::new("@acme/left").release("1.0.0"));
    for path in ["/@acme/left", "/@acme%2fleft", "/@acme%2Fleft", "/%40acme%2fleft"] {
        assert_eq!(world.get(path).json()["name"], "@acme/left", "{path}");
        assert_eq!(world.get(&format!("{path}/-/left-1.0.0.tgz")).status, 200, "{path}");
    }
    assert_eq!(world.registry.count("/@acme/left"), 1);
}

#[test]
fn a_tag_is_our_own_and_changes_with_policy_and_time() {
    let world = world();
    let first = world.get("/left-demo");
    let tag = first.header("etag").to_owned();
    let again = || world.get_with("/left-demo", &[&format!("if-none-match: {tag}")]);
    let unchanged = again();
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    assert_eq!(unchanged.header("etag"), tag);
    world.pass(66);
    assert_eq!(again().status, 304, "71 hours are not 72");
    world.pass(1);
    let matured = again();
    assert_eq!(matured.status, 200, "the tag ends with the hold");
    assert_eq!(matured.json()["dist-tags"]["latest"], "1.1.0");
    assert!(matured.json().get("policyRestrictions").is_none());
    let world = world.restarted_with(Setup { policy: "cooldown.default = '30d'".to_owned(), ..Setup::default() });
    let stricter = world.get_with("/left-demo", &[&format!("if-none-match: {}", matured.header("etag"))]);
    assert_eq!(stricter.status, 200, "another policy, another tag");
    assert_eq!(stricter.json()["dist-tags"]["latest"], "1.0.9");
}

#[test]
fn a_body_that_is_asked_for_again_is_compressed() {
    let world = world();
    let gzip = "accept-encoding: gzip, deflate, br";
    let first = world.get_with("/left-demo", &[gzip]);
    assert_eq!(first.header("content-encoding"), "");
    let second = world.get_with("/left-demo", &[gzip]);
    assert_eq!(second.header("content-encoding"), "gzip");
    let mut unpacked = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*second.body), &mut unpacked).unwrap();
    assert_eq!(unpacked, first.body);
    assert_eq!(second.header("etag"), first.header("etag"));
    for refused in ["accept-encoding: identity", "accept-encoding: gzip;q=0", "x: y"] {
        assert_eq!(world.get_with("/left-demo", &[refused]).body, first.body, "{refused}");
    }
}

#[test]
fn a_head_is_the_head_of_the_whole() {
    let world = world();
    let (get, head) = (world.get("/left-demo"), world.ask("HEAD", "/npm/left-demo", &[], b""));
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), get.header("content-length"));
}

#[test]
fn a_large_document_is_read_from_disk_as_it_is_sent() {
    let world = World::new();
    let large = Package::new("large-demo");
    for minor in 0..60 {
        let readme = json!("long words ".repeat(4000));
        world.registry.publish(&large.release(&format!("1.{minor}.0")).listing_field("readme", readme));
    }
    let answer = world.get("/large-demo");
    assert!(answer.is_whole() && answer.body.len() > 2 * 1024 * 1024, "{}", answer.body.len());
    assert_eq!(answer.json()["versions"].as_object().unwrap().len(), 60);
    let packed = world.get_with("/large-demo", &["accept-encoding: gzip"]);
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert!(packed.body.len() < answer.body.len() / 20);
}

#[test]
fn malware_is_not_listed_and_its_tags_go_elsewhere() {
    let folder = malware("left-demo", "1.1.0");
    let setup = Setup { advisories: vec![folder.path().to_owned()], ..Setup::default() };
    let world = World::with(FakeRegistry::start(), setup);
    world.registry.publish_all(&left_demo());
    let document = world.get("/left-demo").json();
    assert!(document["versions"].get("1.1.0").is_none() && document["time"].get("1.1.0").is_none());
    assert_eq!(document["dist-tags"]["latest"], "1.0.9");
    let message = document["policyRestrictions"]["message"].as_str().unwrap();
    assert!(message.starts_with("denied by stockade: `left-demo` 1.1.0 is malware by `MAL-2026-0001`"), "{message}");
    assert!(document["policyRestrictions"]["versions"]["1.1.0"].is_object(), "npm then says so instead of nothing");
}

#[test]
fn an_advisory_that_arrives_counts_without_a_restart() {
    let folder = malware("other-demo", "9.9.9");
    let setup = Setup { advisories: vec![folder.path().to_owned()], ..Setup::default() };
    let world = World::with(FakeRegistry::start(), setup);
    world.registry.publish_all(&left_demo());
    assert_eq!(world.get(crate::world::OLD).status, 200);
    let record = std::fs::read_to_string(folder.path().join("MAL-2026-0001.json")).unwrap();
    let record = record.replace("other-demo", "left-demo").replace("9.9.9", "1.0.9").replace("0001", "0002");
    std::fs::write(folder.path().join("MAL-2026-0002.json"), record).unwrap();
    world.until(|world| world.get(crate::world::OLD).status == 403);
    assert!(world.get("/left-demo").json()["versions"].get("1.0.9").is_none());
}

#[test]
fn advisories_are_followed_into_the_depth_of_the_data_folder() {
    let world = World::new();
    world.registry.publish_all(&left_demo());
    assert_eq!(world.get(crate::world::OLD).status, 200);
    let deep = world.folder().join("advisories/osv/npm/left-demo");
    std::fs::create_dir_all(&deep).unwrap();
    let folder = malware("left-demo", "1.0.9");
    let record = std::fs::read(folder.path().join("MAL-2026-0001.json")).unwrap();
    std::fs::write(deep.join("MAL-2026-0001.json"), record).unwrap();
    world.until(|world| world.get(crate::world::OLD).status == 403);
}

#[test]
fn tags_stay_in_their_major_version_and_track() {
    let world = World::new();
    let demo = Package::new("track-demo");
    let young = hours_before(NOW, 1);
    world.registry.publish_all(&[
        demo.release("1.9.0"),
        demo.release("2.0.0"),
        demo.release("2.1.0").published(young),
        demo.release("1.9.1").published(young).tagged("v1"),
        demo.release("3.0.0-beta.1").tagged("old-beta"),
        demo.release("3.0.0-beta.2").published(young).tagged("beta"),
        demo.release("3.0.0-rc.1").published(young).tagged("rc"),
    ]);
    world.registry.tag("track-demo", "latest", "2.1.0");
    let tags = world.get("/-/package/track-demo/dist-tags").json();
    assert_eq!(tags["latest"], "2.0.0");
    assert_eq!(tags["v1"], "1.9.0", "a backport goes back in its own line, not to the newest by time");
    assert_eq!(tags["beta"], "3.0.0-beta.1");
    assert_eq!(tags["rc"], "3.0.0-rc.1", "nothing is cleared in its track: who asks for it gets the reason");
    assert_eq!(world.get("/track-demo").json()["dist-tags"], tags);
    assert_eq!(world.get("/track-demo/beta").json()["version"], "3.0.0-beta.1");
    let held = world.get("/track-demo/rc");
    assert_eq!(held.status, 403, "{}", held.text());
    assert!(held.phrase.starts_with("held by stockade: `track-demo` 3.0.0-rc.1 is"), "{}", held.phrase);
}

#[test]
fn one_release_can_be_asked_for_by_version_and_tag() {
    let world = world();
    assert_eq!(world.get("/left-demo/1.0.0").json()["version"], "1.0.0");
    assert_eq!(world.get("/left-demo/latest").json()["version"], "1.0.9");
    let held = world.get("/left-demo/1.1.0");
    assert_eq!((held.status, held.header("content-type")), (403, "application/problem+json"));
    assert_eq!(world.get("/left-demo/7.7.7").status, 404);
}

#[test]
fn an_audited_policy_lists_everything() {
    let world = World::with_policy("mode = 'audit'");
    world.registry.publish_all(&left_demo());
    let document = world.get("/left-demo").json();
    assert_eq!(document["dist-tags"]["latest"], "1.1.0");
    assert!(document.get("policyRestrictions").is_none());
    let sentence = || world.why("pkg:npm/left-demo@1.1.0").sentence;
    assert_eq!(sentence(), "would be held by stockade: `left-demo` 1.1.0 is 5 hours old; policy asks 72 hours");
    assert_eq!(world.get(crate::world::YOUNG).status, 200);
    assert!(sentence().starts_with("would be held by stockade: `left-demo` 1.1.0 runs code at its install"));
}
