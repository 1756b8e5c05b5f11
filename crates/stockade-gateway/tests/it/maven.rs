//! The protocol of Maven repositories.

use jiff::SignedDuration;
use sha1::Digest as _;
use stockade_ecosystem::maven::MAVEN;
use stockade_engine::DecisionRequest;
use stockade_model::{Purl, Verdict};
use stockade_testkit::{FakeRegistry, MavenRegistry, MavenRelease, NOW, hours_before};

use crate::world::{Answer, Setup, World, malware_of};

const NAME: &str = "org.acme:left-demo";
const FOLDER: &str = "/maven/org/acme/left-demo";

fn old() -> MavenRelease {
    MavenRelease::new(NAME, "1.0.9")
}

fn young() -> MavenRelease {
    MavenRelease::new(NAME, "1.1.0").published(hours_before(NOW, 5))
}

fn world(registry: &MavenRegistry, setup: Setup) -> World {
    registry.publish(&old());
    registry.publish(&young());
    let others = vec![(MAVEN.id.clone(), registry.url())];
    World::with(FakeRegistry::start(), Setup { others, ..setup })
}

fn get(world: &World, path: &str) -> Answer {
    world.ask("GET", path, &[], b"")
}

fn file(version: &str, ending: &str) -> String {
    format!("{FOLDER}/{version}/left-demo-{version}{ending}")
}

pub(crate) fn sha1(bytes: &[u8]) -> String {
    hex::encode(sha1::Sha1::digest(bytes))
}

#[test]
fn metadata_lists_what_is_cleared_and_its_checksum_is_of_what_is_served() {
    let registry = MavenRegistry::start();
    let world = world(&registry, Setup::default());
    let path = format!("{FOLDER}/maven-metadata.xml");
    let metadata = get(&world, &path);
    assert!(metadata.text().contains("<version>1.0.9</version>"), "{}", metadata.text());
    assert!(!metadata.text().contains("1.1.0"), "{}", metadata.text());
    assert_eq!(get(&world, &format!("{path}.sha1")).text(), sha1(&metadata.body));
    world.pass(67);
    let metadata = get(&world, &path);
    assert!(metadata.text().contains("<release>1.1.0</release>"), "{}", metadata.text());
    assert_eq!(get(&world, &format!("{path}.sha1")).text(), sha1(&metadata.body));
}

#[test]
fn files_are_ruled_on_by_the_dates_of_their_release_and_compared_with_the_checksums_beside_them() {
    let registry = MavenRegistry::start();
    let world = world(&registry, Setup::default());
    for ending in [".pom", ".jar"] {
        let answer = get(&world, &file("1.1.0", ending));
        let sentence = "held by stockade: `org.acme/left-demo` 1.1.0 is 5 hours old by the date of its files; policy asks 72 hours";
        assert_eq!((answer.status, answer.phrase.as_str()), (403, sentence), "never 404, which clients keep");
        let answer = get(&world, &file("1.0.9", ending));
        assert_eq!((answer.status, Some(answer.body.clone())), (200, old().bytes(ending)), "{}", answer.text());
        assert_eq!(get(&world, &file("1.0.9", &format!("{ending}.sha1"))).text(), sha1(&answer.body));
    }
    assert_eq!(get(&world, &file("1.0.9", ".module")).status, 404, "what is not there is 404");
    assert_eq!(get(&world, &file("1.1.0", ".jar.sha1")).status, 403, "a checksum is gated as its file is");
    world.log_holds();
}

#[test]
fn other_bytes_than_the_checksum_says_are_denied() {
    let registry = MavenRegistry::start();
    let world = world(&registry, Setup::default());
    registry.place("org/acme/left-demo/1.0.9/left-demo-1.0.9.jar", "other");
    registry.place("org/acme/left-demo/1.0.9/left-demo-1.0.9.jar.sha1", sha1(&old().bytes(".jar").unwrap()));
    let answer = get(&world, &file("1.0.9", ".jar"));
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(answer.phrase.contains("is not what the index claims"), "{}", answer.phrase);
}

#[test]
fn only_the_checksum_that_lies_beside_one_file_of_a_release_is_asked_for_beside_the_next() {
    let registry = MavenRegistry::start();
    let world = world(&registry, Setup::default());
    let asked = |ending: &str| registry.count(&format!("/org/acme/left-demo/1.0.9/left-demo-1.0.9{ending}"));
    registry.sums(&["sha1", "md5"]);
    assert_eq!(get(&world, &file("1.0.9", ".pom")).status, 200);
    assert_eq!([".pom.sha512", ".pom.sha256", ".pom.sha1"].map(asked), [1, 1, 1]);
    assert_eq!(get(&world, &file("1.0.9", ".jar")).status, 200);
    assert_eq!([".jar.sha512", ".jar.sha256", ".jar.sha1"].map(asked), [0, 0, 1]);
    // Where that is not there, the others are.
    registry.publish(&old().attached("-sources.jar", "sources"));
    registry.sums(&["sha512"]);
    assert_eq!(get(&world, &file("1.0.9", "-sources.jar")).status, 200);
    assert_eq!(["-sources.jar.sha512", "-sources.jar.sha1"].map(asked), [1, 2]);
}

#[test]
fn files_need_no_metadata() {
    let registry = MavenRegistry::start();
    let world = world(&registry, Setup::default());
    registry.remove("org/acme/left-demo/maven-metadata.xml");
    assert_eq!(get(&world, &file("1.0.9", ".pom")).status, 200);
    assert_eq!(get(&world, &file("1.1.0", ".pom")).status, 403);
    assert_eq!(get(&world, &format!("{FOLDER}/maven-metadata.xml")).status, 404);
}

#[test]
fn without_a_date_a_release_is_as_old_as_it_is_known() {
    let registry = MavenRegistry::start();
    let world = world(&registry, Setup::default());
    registry.publish(&MavenRelease::new("org.acme:bare", "1.0").without_time());
    registry.remove("org/acme/bare/maven-metadata.xml");
    let path = "/maven/org/acme/bare/1.0/bare-1.0.pom";
    let answer = get(&world, path);
    assert!(answer.phrase.contains("since it was first seen; policy asks 72 hours"), "{}", answer.phrase);
    world.pass(72);
    assert_eq!(get(&world, path).status, 200);
}

#[test]
fn malware_is_in_no_metadata_and_its_files_are_denied() {
    let registry = MavenRegistry::start();
    let osv = malware_of(MAVEN.osv, "org.acme:left-demo", "1.0.9");
    let world = world(&registry, Setup { advisories: vec![osv.path().to_owned()], ..Setup::default() });
    assert!(!get(&world, &format!("{FOLDER}/maven-metadata.xml")).text().contains("1.0.9"));
    let answer = get(&world, &file("1.0.9", ".pom"));
    assert_eq!(answer.status, 403);
    assert!(
        answer.phrase.starts_with("denied by stockade: `org.acme/left-demo` 1.0.9 is malware"),
        "{}",
        answer.phrase
    );
}

#[test]
fn a_release_that_is_a_build_description_alone_can_be_decided_on() {
    let registry = MavenRegistry::start();
    let world = world(&registry, Setup::default());
    registry.publish(&MavenRelease::new("org.acme:bom", "3").only_pom().published(hours_before(NOW, 5)));
    let path = "/maven/org/acme/bom/3/bom-3.pom";
    let release = "pkg:maven/org.acme/bom@3".parse::<Purl>().unwrap().release().unwrap();
    let decide = || {
        let (reason, by) = ("read it".to_owned(), "alice".to_owned());
        let expires = Some(world.engine.now() + SignedDuration::from_hours(4));
        let request = DecisionRequest { release: release.clone(), verdict: Verdict::Allow, reason, by, expires };
        world.runtime.block_on(world.engine.decide(request))
    };
    assert!(decide().is_err(), "nobody knows a file of it yet");
    assert_eq!(get(&world, path).status, 403);
    assert!(world.why("pkg:maven/org.acme/bom@3").sentence.contains("is 5 hours old"));
    assert_eq!(decide().unwrap().len(), 1);
    assert_eq!(get(&world, path).status, 200);
    world.log_holds();
}

const SNAPSHOT: &str = "2.0-SNAPSHOT";

fn build(stamp: &str) -> MavenRelease {
    MavenRelease::new(NAME, SNAPSHOT).build(stamp).file("a/A.class", stamp)
}

#[test]
fn each_build_of_a_snapshot_is_a_file_with_a_date_of_its_own() {
    let registry = MavenRegistry::start_at("/maven2");
    let world = world(&registry, Setup::default());
    let [first, second] = ["20260501.120000-1", "20260601.070000-2"];
    registry.publish(&build(first));
    registry.publish(&build(second).published(hours_before(NOW, 5)));
    let path = format!("{FOLDER}/{SNAPSHOT}/maven-metadata.xml");
    let metadata = get(&world, &path);
    assert!(metadata.text().contains("<value>2.0-20260601.070000-2</value>"), "{}", metadata.text());
    assert_eq!(get(&world, &format!("{path}.sha1")).text(), sha1(&metadata.body));
    let file = |stamp: &str, ending: &str| format!("{FOLDER}/{SNAPSHOT}/left-demo-2.0-{stamp}{ending}");
    for ending in [".pom", ".jar"] {
        let answer = get(&world, &file(first, ending));
        assert_eq!((answer.status, Some(answer.body)), (200, build(first).bytes(ending)));
        let answer = get(&world, &file(second, ending));
        assert!(answer.phrase.contains("is 5 hours old by the date of its files"), "{}", answer.phrase);
    }
    registry.publish(&build("20260601.080000-3").without_time());
    let answer = get(&world, &file("20260601.080000-3", ".jar"));
    assert!(answer.phrase.contains("since it was first seen"), "no older build lends it a date: {}", answer.phrase);
    world.pass(67);
    assert_eq!(get(&world, &file(second, ".jar")).status, 200);
    registry.publish(&build(first).file("a/A.class", "other"));
    assert_eq!(Some(get(&world, &file(first, ".jar")).body), build(first).bytes(".jar"), "it is pinned under its name");
    world.log_holds();
}

#[test]
fn a_file_that_changes_under_one_name_is_refused_with_what_now_and_is_no_tampering() {
    let registry = MavenRegistry::start();
    let world = world(&registry, Setup::default());
    registry.publish(&MavenRelease::new(NAME, SNAPSHOT));
    let phrase = "held by stockade: `org.acme/left-demo`: `left-demo-2.0-SNAPSHOT.jar` changes under one name, so no ruling \
                  on it holds; deploy snapshots with a timestamp";
    for bytes in ["one", "other"] {
        registry.publish(&MavenRelease::new(NAME, SNAPSHOT).attached(".jar", bytes));
        for ending in ["", ".sha1"] {
            let answer = get(&world, &file(SNAPSHOT, &format!(".jar{ending}")));
            assert_eq!((answer.status, answer.phrase.as_str()), (403, phrase));
        }
    }
    assert_eq!(get(&world, &file(SNAPSHOT, ".module")).status, 404, "what is not there is 404");
}

/// A release with a build description of its own.
fn described(name: &str, version: &str, rest: &str) -> MavenRelease {
    let (group, artifact) = name.split_once(':').unwrap();
    let pom = format!(
        "<project><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>{rest}</project>"
    );
    MavenRelease::new(name, version).attached(".pom", pom)
}

fn needed(name: &str, rest: &str) -> String {
    format!("<dependency><groupId>org.acme</groupId><artifactId>{name}</artifactId>{rest}</dependency>")
}

fn pom(name: &str, version: &str) -> String {
    format!("/org/acme/{name}/{version}/{name}-{version}.pom")
}

fn fetched(registry: &MavenRegistry, path: &str) -> usize {
    registry.requests().iter().filter(|seen| seen.method == "GET" && seen.path == path).count()
}

#[test]
fn what_a_build_description_names_is_fetched_before_it_is_asked_for_if_it_may_leave() {
    let registry = MavenRegistry::start();
    let osv = malware_of(MAVEN.osv, "org.acme:bad", "1.0");
    let world = world(&registry, Setup { advisories: vec![osv.path().to_owned()], ..Setup::default() });
    let list = |entries: &[String]| {
        format!("<dependencyManagement><dependencies>{}</dependencies></dependencyManagement>", entries.concat())
    };
    let asks = |entries: &[String]| format!("<dependencies>{}</dependencies>", entries.concat());
    let version = "<version>1.0</version>";
    let import = needed("bom", &format!("{version}<type>pom</type><scope>import</scope>"));
    registry.publish(&described("org.acme:parent", "1.0", &list(&[needed("left", version), import])));
    registry.publish(&described("org.acme:bom", "1.0", &list(&[needed("right", version)])));
    registry.publish(&described("org.acme:left", "1.0", &asks(&[needed("deep", version)])));
    for name in ["org.acme:right", "org.acme:deep", "org.acme:bad", "org.acme:tests"] {
        registry.publish(&MavenRelease::new(name, "1.0"));
    }
    registry.publish(&MavenRelease::new("org.acme:young", "1.0").published(hours_before(NOW, 5)));
    let parent = format!("<parent><groupId>org.acme</groupId><artifactId>parent</artifactId>{version}</parent>");
    let needs = [
        needed("left", ""),
        needed("right", ""),
        needed("bad", version),
        needed("young", version),
        needed("absent", version),
        needed("tests", &format!("{version}<scope>test</scope>")),
    ];
    registry.publish(&described("org.acme:app", "1.0", &(parent + &asks(&needs))));

    assert_eq!(get(&world, &format!("/maven{}", pom("app", "1.0"))).status, 200);
    let expected = ["parent", "bom", "left", "right", "deep"];
    for name in expected {
        world.until(|_| fetched(&registry, &pom(name, "1.0")) == 1);
    }
    // What is held or malware is not even fetched, nor what no client asks for.
    world.until(|_| registry.count("/org/acme/absent/*") > 0 && registry.count(&pom("young", "1.0")) > 0);
    for name in ["bad", "young", "tests"] {
        assert_eq!(fetched(&registry, &pom(name, "1.0")), 0, "{name}");
    }
    assert_eq!(registry.count("/org/acme/tests/*"), 0);
    // Nobody was given any of it yet. Who asks now waits for nothing.
    let digest = |name: &str| {
        let bytes = get(&world, &format!("/maven{}", pom(name, "1.0"))).body;
        stockade_model::Digest::of(&bytes)
    };
    let served =
        |digest: &stockade_model::Digest| world.runtime.block_on(world.engine.store().served(digest)).unwrap().len();
    let left = described("org.acme:left", "1.0", &asks(&[needed("deep", version)])).bytes(".pom").unwrap();
    assert_eq!(served(&stockade_model::Digest::of(&left)), 0);
    for name in expected {
        assert_eq!(served(&digest(name)), 1, "{name}");
        assert_eq!(fetched(&registry, &pom(name, "1.0")), 1, "{name}");
    }
    assert_eq!(get(&world, &format!("/maven{}", pom("bad", "1.0"))).status, 403);
    world.log_holds();
}

#[test]
fn a_repository_that_makes_up_packages_does_not_lead_on_for_ever() {
    let registry = MavenRegistry::start();
    let world = world(&registry, Setup::default());
    let next = |at: usize| {
        let needs = needed(&format!("step{}", at + 1), "<version>1.0</version>");
        described(&format!("org.acme:step{at}"), "1.0", &format!("<dependencies>{needs}</dependencies>"))
    };
    for at in 0..12 {
        registry.publish(&next(at));
    }
    assert_eq!(get(&world, &format!("/maven{}", pom("step0", "1.0"))).status, 200);
    world.until(|_| fetched(&registry, &pom("step8", "1.0")) == 1);
    // Where the way ended it goes on when somebody comes there.
    assert_eq!(registry.count("/org/acme/step9/*"), 0);
    assert_eq!(get(&world, &format!("/maven{}", pom("step8", "1.0"))).status, 200);
    world.until(|_| fetched(&registry, &pom("step11", "1.0")) == 1);
}

#[test]
fn no_answer_names_the_repository() {
    let registry = MavenRegistry::start();
    let world = world(&registry, Setup::default());
    let upstream = registry.address().to_string();
    let metadata = format!("{FOLDER}/maven-metadata.xml");
    for path in [
        metadata.as_str(),
        "/maven/no/such/maven-metadata.xml",
        &file("1.0.9", ".jar"),
        &file("1.1.0", ".jar"),
        &file("9.9", ".pom"),
    ] {
        let answer = get(&world, path);
        assert!(!answer.text().contains(&upstream), "{path}: {}", answer.text());
        assert!(!format!("{:?}", answer.headers).contains(&upstream), "{path}: {:?}", answer.headers);
    }
}
