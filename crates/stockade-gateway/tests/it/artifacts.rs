//! What leaves, to whom, and what does not.

use std::thread;
use std::time::Duration;

use stockade_testkit::{FakeRegistry, Fault, NOW, Package, Stall, hours_before};

use crate::world::{OLD, Setup, World, YOUNG, left_demo, malware};

fn world() -> World {
    let world = World::new();
    world.registry.publish_all(&left_demo());
    world
}

#[test]
fn a_fix_of_what_was_given_out_need_not_wait() {
    let folder = tempfile::TempDir::with_prefix("stockade-osv-").unwrap();
    let record = serde_json::json!({
        "id": "GHSA-demo-demo-demo", "modified": "2026-05-31T00:00:00Z", "summary": "left-demo trusts everybody",
        "affected": [{
            "package": {"ecosystem": "npm", "name": "left-demo"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.1.0"}]}],
        }],
    });
    std::fs::write(folder.path().join("GHSA.json"), record.to_string()).unwrap();
    let advisories = vec![folder.path().to_owned()];
    let world = World::with(FakeRegistry::start(), Setup { advisories, ..Setup::default() });
    let left = Package::new("left-demo");
    world.registry.publish(&left.release("1.0.9"));
    world.registry.publish(&left.release("1.1.0").published(hours_before(NOW, 5)));
    assert_eq!(world.get(YOUNG).status, 403, "nobody was given what it fixes");
    assert_eq!(world.get(OLD).status, 200, "vulnerable is not malicious");
    assert_eq!(world.get(YOUNG).status, 200);
    let why = world.why("pkg:npm/left-demo@1.1.0");
    let sentence =
        "is 5 hours old, and need not wait: it fixes `GHSA-demo-demo-demo` of 1.0.9, which was given out here";
    assert_eq!(why.ruling.reasons[0].sentence, sentence);
}

#[test]
fn cleared_bytes_leave_as_they_are_and_are_fetched_once() {
    let world = world();
    let [_, old, _] = left_demo();
    for _ in 0..3 {
        let answer = world.get(OLD);
        assert_eq!((answer.status, answer.is_whole()), (200, true));
        assert_eq!(answer.body, old.tarball());
    }
    assert_eq!(world.registry.count(OLD), 1);
    let world = world.restarted();
    assert_eq!(world.get(OLD).body, old.tarball());
    assert_eq!(world.registry.count(OLD), 1, "what was fetched stays");
    world.log_holds();
}

#[test]
fn a_part_of_a_file_leaves_for_who_wants_a_part() {
    let small = Package::new("small-demo").release("1.0.0");
    // Too large to be kept in memory, as it cannot be compressed.
    let noise = (0..1 << 20_u32).map(|at: u32| at.wrapping_mul(at).wrapping_mul(2_654_435_761).to_be_bytes()[1]);
    let large = Package::new("large-demo").release("1.0.0").file("noise.bin", noise.collect::<Vec<u8>>());
    let world = World::new();
    world.registry.publish_all(&[small.clone(), large.clone()]);
    for (name, release) in [("small-demo", small), ("large-demo", large)] {
        let (path, whole) = (format!("/{name}/-/{name}-1.0.0.tgz"), release.tarball());
        let etag = world.get(&path).header("etag").to_owned();
        let size = whole.len();
        let answer = world.get_with(&path, &["range: bytes=-100"]);
        assert_eq!((answer.status, &answer.body[..]), (206, &whole[size - 100..]), "{name}");
        assert_eq!(answer.header("content-range"), format!("bytes {}-{}/{size}", size - 100, size - 1));
        let answer = world.get_with(&path, &["range: bytes=5-9", &format!("if-range: {etag}")]);
        assert_eq!((answer.status, &answer.body[..]), (206, &whole[5..10]));
        let answer = world.get_with(&path, &["range: bytes=5-9", "if-range: \"other\""]);
        assert_eq!((answer.status, answer.body.len()), (200, size), "a part of other bytes is of no use");
        let answer = world.get_with(&path, &[&format!("range: bytes={size}-")]);
        assert_eq!((answer.status, answer.header("content-range")), (416, &*format!("bytes */{size}")));
        let answer = world.ask("HEAD", &format!("/npm{path}"), &[], b"");
        assert_eq!((answer.header("content-length"), answer.header("accept-ranges")), (&*size.to_string(), "bytes"));
    }
}

#[test]
fn a_held_file_is_refused_on_every_carrier_and_never_fetched() {
    let world = world();
    let answer = world.get(YOUNG);
    let sentence = "held by stockade: `left-demo` 1.1.0 is 5 hours old; policy asks 72 hours";
    assert_eq!((answer.status, answer.phrase.as_str()), (403, sentence));
    assert_eq!(answer.header("content-type"), "application/problem+json", "exactly, without a parameter");
    assert_eq!(answer.header("cache-control"), "no-store");
    let problem = answer.json();
    assert_eq!((problem["detail"].as_str(), problem["status"].as_u64()), (Some(sentence), Some(403)));
    assert_eq!(problem["title"], "held by stockade");
    let see = problem["instance"].as_str().unwrap();
    assert_eq!(problem["error"], format!("{sentence}\nhint: 1.0.9 is cleared\nsee:  {see}"));
    assert!(answer.text().find(sentence).unwrap() < 200, "clients cut long bodies");
    assert_eq!(world.registry.count("/left-demo/-/*"), 0, "what is held is not even fetched");
    let page = world.ask("GET", see.strip_prefix(&world.root()).unwrap(), &[], b"");
    assert!(page.text().starts_with(sentence), "{}", page.text());
    assert_eq!(page.header("x-content-type-options"), "nosniff");
}

#[test]
fn the_file_obeys_the_same_ruling_as_the_listing() {
    let world = World::new();
    let young = Package::new("left-demo").release("1.1.0").published(hours_before(NOW, 5));
    world.registry.publish_all(&[Package::new("left-demo").release("1.0.9"), young]);
    assert_eq!(world.get(YOUNG).status, 403, "without ever asking for the listing, as a lockfile install does");
    world.pass(67);
    assert_eq!(world.get(YOUNG).status, 200);
}

#[test]
fn malware_is_denied_everywhere() {
    let folder = malware("left-demo", "1.0.9");
    let setup = || Setup { advisories: vec![folder.path().to_owned()], ..Setup::default() };
    let world = World::with(FakeRegistry::start(), setup());
    world.registry.publish_all(&left_demo());
    for path in [OLD, "/left-demo/1.0.9"] {
        let answer = world.get(path);
        assert_eq!(
            (answer.status, answer.phrase.as_str()),
            (403, "denied by stockade: `left-demo` 1.0.9 is malware by `MAL-2026-0001`: malicious code in left-demo"),
            "{path}"
        );
    }
}

/// A list names digests: who publishes the same bytes under another name has gained nothing.
#[test]
fn bytes_on_a_list_are_denied_whatever_they_are_called() {
    let folder = tempfile::TempDir::with_prefix("stockade-list-").unwrap();
    let setup = || Setup { advisories: vec![folder.path().to_owned()], ..Setup::default() };
    let fresh = || {
        let world = World::with(FakeRegistry::start(), setup());
        world.registry.publish_all(&left_demo());
        world
    };
    let world = fresh();
    assert_eq!(world.get(OLD).status, 200);
    let old: stockade_model::Purl = "pkg:npm/left-demo@1.0.9".parse().unwrap();
    let pin = world.runtime.block_on(world.engine.store().pin(&old.release().unwrap())).unwrap().unwrap();
    let list = |digest: &stockade_model::Digest| {
        std::fs::write(folder.path().join("ours.list"), format!("{digest} stolen token\n")).unwrap();
    };
    let is_denied = |world: &World| {
        let answer = world.get(OLD);
        answer.status == 403
            && answer.phrase.contains("1.0.9 is malware by `LOCAL-")
            && answer.phrase.contains("stolen token")
    };
    list(&pin.sha256);
    world.until(is_denied);
    let (store, advisories) = (world.engine.store().clone(), world.engine.advisories());
    let served = stockade_engine::ServedMalware::all(&store, &advisories);
    assert_eq!(world.runtime.block_on(served).unwrap().len(), 1, "and who has it is known");

    // The index claims another algorithm, so it is known when the bytes arrive.
    let world = fresh();
    assert!(is_denied(&world));
    assert!(is_denied(&world));

    // It claims this one, so they are not even fetched, and nobody is steered to them.
    list(pin.digests.iter().max_by_key(|digest| digest.algorithm()).unwrap());
    let world = fresh();
    assert!(is_denied(&world));
    assert_eq!(world.registry.count(OLD), 0);
    assert!(world.get("/left-demo").json()["versions"].get("1.0.9").is_none());
}

#[test]
fn malware_that_was_served_before_is_served_no_more() {
    let world = world();
    assert_eq!(world.get(OLD).status, 200);
    let folder = malware("left-demo", "1.0.9");
    let world = world.restarted_with(Setup { advisories: vec![folder.path().to_owned()], ..Setup::default() });
    assert_eq!(world.get(OLD).status, 403);
    let pinned: stockade_model::Purl = "pkg:npm/left-demo@1.0.9".parse().unwrap();
    let digest = world.runtime.block_on(world.engine.store().pin(&pinned.release().unwrap())).unwrap().unwrap().sha256;
    let served = world.runtime.block_on(world.engine.store().served(&digest)).unwrap();
    assert_eq!(served.len(), 1, "and who has it is known");
    assert_eq!(served[0].principal, "127.0.0.1");
}

#[test]
fn many_at_once_are_one_fetch() {
    let world = world();
    world.registry.fault(OLD, Fault::Hang(Stall::MidBody));
    let answers: Vec<_> = thread::scope(|scope| {
        let asking: Vec<_> = (0..20).map(|_| scope.spawn(|| world.get(OLD))).collect();
        assert!(world.registry.wait_for(OLD, 1, Duration::from_secs(5)));
        thread::sleep(Duration::from_millis(150));
        world.registry.clear_faults();
        asking.into_iter().map(|asking| asking.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.is_whole()));
    assert_eq!((world.registry.count(OLD), world.registry.max_concurrent(OLD)), (1, 1));
}

#[test]
fn a_replaced_release_is_tampering_for_ever() {
    let world = world();
    let [_, old, _] = left_demo();
    assert_eq!(world.get(OLD).status, 200);
    world.registry.publish(&old.file("index.js", "evil()"));
    world.pass(1);
    let document = world.get("/left-demo").json();
    assert!(document["policyRestrictions"]["versions"].get("1.0.9").is_some(), "the listing steers around it");
    let answer = world.get(OLD);
    assert_eq!(answer.status, 403);
    assert!(
        answer.phrase.starts_with("denied by stockade: `left-demo` 1.0.9 was replaced: its bytes are `sha512:"),
        "{}",
        answer.phrase
    );
    world.pass(24 * 365);
    assert_eq!(world.get(OLD).status, 403, "time does not heal it");
    let world = world.restarted();
    assert_eq!(world.get(OLD).status, 403);
    world.log_holds();
}

#[test]
fn bytes_that_are_not_what_the_index_claims_reach_nobody() {
    let world = world();
    let [_, old, _] = left_demo();
    let evil = left_demo()[1].clone().file("index.js", "evil()").tarball();
    for fault in [Fault::Corrupt, Fault::Replace(evil), Fault::WrongLength(3), Fault::WrongLength(-3)] {
        world.registry.fault(OLD, fault.clone());
        let answer = world.get(OLD);
        assert_eq!(answer.status, 403, "{fault:?}");
        assert!(answer.phrase.contains("is not what the index claims"), "{}", answer.phrase);
        assert!(world.files("objects").is_empty() && world.files("quarantine").is_empty(), "{fault:?}");
    }
    let metrics = world.ask("GET", "/metrics", &[], b"").text();
    assert!(metrics.contains("stockade_tampering_total 4"), "{metrics}");
    world.registry.clear_faults();
    assert_eq!(world.get(OLD).body, old.tarball(), "the right bytes are served once they are there");
    world.log_holds();
}

#[test]
fn a_download_that_breaks_off_is_an_error_and_leaves_nothing() {
    let world = world();
    for fault in [Fault::Truncate(40), Fault::TruncateChunked(40), Fault::Drop] {
        world.registry.fault(OLD, fault.clone());
        let answer = world.get(OLD);
        assert_eq!(answer.status, 502, "{fault:?}");
        assert!(
            answer.phrase.starts_with("stockade could not look: `left-demo`: the upstream did not answer"),
            "{}",
            answer.phrase
        );
        assert!(world.files("objects").is_empty() && world.files("quarantine").is_empty());
    }
    let held = world.runtime.block_on(world.engine.held()).unwrap();
    assert!(held[0].sentence.contains("was not fully looked at (`unreachable`)"), "the gap is on record: {held:?}");
    world.registry.clear_faults();
    assert_eq!(world.get(OLD).status, 200);
    assert!(world.runtime.block_on(world.engine.held()).unwrap().is_empty());
}

#[test]
fn what_the_index_claims_nothing_of_is_a_gap() {
    let world = World::new();
    let demo = Package::new("old-demo");
    world.registry.publish_all(&[
        demo.release("1.0.0").without_integrity(),
        demo.release("1.0.1").only_shasum(),
        demo.release("1.0.2").without_time(),
    ]);
    let bare = world.get("/old-demo/-/old-demo-1.0.0.tgz");
    assert_eq!(bare.status, 403);
    assert!(bare.phrase.contains("(`no-integrity`): the index claims no digest for it"), "{}", bare.phrase);
    assert_eq!(world.get("/old-demo/-/old-demo-1.0.1.tgz").status, 200, "SHA-1 is weak and still something");
    let timeless = world.get("/old-demo/-/old-demo-1.0.2.tgz");
    assert!(timeless.phrase.contains("(`no-time`)"), "{}", timeless.phrase);
    assert_eq!(world.registry.count("/old-demo/-/old-demo-1.0.0.tgz"), 0);
}

#[test]
fn a_damaged_file_is_noticed_and_fetched_again() {
    let world = world();
    assert_eq!(world.get(OLD).status, 200);
    let [file] = <[_; 1]>::try_from(world.files("objects")).unwrap();
    std::fs::write(file, b"bit rot").unwrap();
    let world = world.restarted();
    assert_eq!(world.get(OLD).body, left_demo()[1].tarball());
    assert_eq!(world.registry.count(OLD), 2);
}

#[test]
fn a_file_that_nobody_lists_is_not_there() {
    let world = world();
    let answer = world.get("/left-demo/-/left-demo-9.9.9.tgz");
    assert_eq!(
        (answer.status, answer.phrase.contains("no file `left-demo-9.9.9.tgz`")),
        (404, true),
        "{}",
        answer.phrase
    );
    world.registry.publish(&Package::new("left-demo").release("9.9.9"));
    world.pass(1);
    assert_eq!(world.get("/left-demo/-/left-demo-9.9.9.tgz").status, 200, "a new release is found");
    assert_eq!(world.get("/right-demo/-/right-demo-1.0.0.tgz").status, 404);
}

#[test]
fn addresses_in_documents_lead_nowhere_else() {
    let elsewhere = FakeRegistry::start();
    elsewhere.publish_all(&left_demo());
    let there = format!("{}left-demo/-/left-demo-1.0.9.tgz", elsewhere.url());
    let [_, old, _] = left_demo();
    for url in [
        there.as_str(),
        "http://127.0.0.1:1/x.tgz",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "//x",
        "ftp://a.example/x",
    ] {
        let world = World::new();
        world.registry.publish(&old.clone().tarball_url(url));
        let answer = world.get(OLD);
        assert_eq!(answer.status, 403, "{url}: {}", answer.phrase);
        assert!(answer.phrase.contains("neither an upstream nor an allowed artifact host"), "{}", answer.phrase);
    }
    let world = World::new();
    world.registry.publish(&old);
    world.registry.fault(OLD, Fault::Redirect(there));
    assert_eq!(world.get(OLD).status, 502, "a redirect is looked at, too");
    assert_eq!(elsewhere.requests().len(), 0);
}

#[test]
fn an_allowed_host_that_resolves_to_this_machine_is_not_reached() {
    let elsewhere = FakeRegistry::start();
    let port = elsewhere.address().port();
    let setup =
        Setup { artifact_hosts: vec![format!("localhost:{port}"), format!("127.0.0.1:{port}")], ..Setup::default() };
    let world = World::with(FakeRegistry::start(), setup);
    let [_, old, _] = left_demo();
    for host in ["localhost", "127.0.0.1"] {
        world
            .registry
            .publish(&old.clone().tarball_url(&format!("http://{host}:{port}/left-demo/-/left-demo-1.0.9.tgz")));
        world.pass(1);
        assert_ne!(world.get(OLD).status, 200, "{host}");
    }
    assert_eq!(elsewhere.requests().len(), 0);
}

#[test]
fn credentials_go_to_their_own_registry_only() {
    let (public, acme) = (FakeRegistry::start(), FakeRegistry::start());
    acme.require_token("t0ken");
    acme.publish(&Package::new("@acme/left").release("1.0.0"));
    public.publish_all(&left_demo());
    let place = acme.url().replace("http:", "");
    let setup = Setup {
        scopes: vec![("@acme".to_owned(), acme.url())],
        credentials: format!("{place}:_authToken=t0ken\n"),
        ..Setup::default()
    };
    let world = World::with(public, setup);
    assert_eq!(world.get("/@acme/left/-/left-1.0.0.tgz").status, 200);
    assert_eq!(world.get(OLD).status, 200);
    assert_eq!(world.get("/@acme/other").status, 404);
    assert!(world.registry.requests().iter().all(|seen| seen.header("authorization").is_none()));
    assert_eq!(world.registry.count("/@acme*"), 0, "a scope with a registry of its own is looked for nowhere else");
    let database = std::fs::read(world.folder().join("stockade.db")).unwrap();
    assert!(!database.windows(6).any(|bytes| bytes == b"t0ken"), "no secret reaches the store");
}

#[test]
fn malware_that_is_imported_is_denied_while_the_gateway_runs() {
    use stockade_engine::advisories::{Sources, import};
    let world = world();
    assert_eq!(world.get(OLD).status, 200);
    let folder = malware("left-demo", "1.0.9");
    let file = folder.path().join("MAL-2026-0001.json");
    import(&Sources::default(), world.folder(), &file, (None, false)).unwrap();
    // What makes the index is another process; the gateway sees that there is another one.
    stockade_engine::Advisories::open(&Sources::default(), world.folder(), NOW).unwrap();
    let start = std::time::Instant::now();
    while world.get(OLD).status == 200 {
        assert!(start.elapsed() < Duration::from_secs(5), "it was not noticed");
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(world.get(OLD).status, 403);
    assert!(start.elapsed() < Duration::from_secs(2), "it took {:?}", start.elapsed());
}
