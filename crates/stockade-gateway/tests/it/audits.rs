//! Audits and OSV queries that our own advisories answer, and who was given what turned out to be malware.

use serde_json::{Value, json};
use stockade_ecosystem::cargo::CARGO;
use stockade_ecosystem::maven::MAVEN;
use stockade_ecosystem::pypi::PYPI;
use stockade_testkit::{
    CrateRegistry, CrateRelease, Distribution, FakeRegistry, MavenRegistry, MavenRelease, PythonRegistry,
};
use tempfile::TempDir;

use crate::hosting::{send, token};
use crate::world::{Answer, OLD, Setup, World, left_demo, malware};

const BULK: &str = "/npm/-/npm/v1/security/advisories/bulk";
const QUICK: &str = "/npm/-/npm/v1/security/audits/quick";

/// A folder with these records, and as many of other packages of the ecosystem as make a database.
fn database(ecosystem: &str, records: &[Value]) -> TempDir {
    let folder = TempDir::with_prefix("stockade-osv-").unwrap();
    let others = (0..100).map(|number| vulnerable(ecosystem, &format!("OTHER-{number}"), &format!("other-{number}")));
    for record in others.chain(records.iter().cloned()) {
        let id = record["id"].as_str().unwrap();
        std::fs::write(folder.path().join(format!("{id}.json")), record.to_string()).unwrap();
    }
    folder
}

/// From 1.0.0 on, fixed in 1.1.0.
fn vulnerable(ecosystem: &str, id: &str, name: &str) -> Value {
    json!({
        "id": id, "summary": "may be attacked", "aliases": ["CVE-2026-1"], "modified": "2026-01-01T00:00:00Z",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "affected": [{
            "package": {"ecosystem": ecosystem, "name": name},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1.0.0"}, {"fixed": "1.1.0"}]}],
        }],
    })
}

fn world(folder: &TempDir) -> World {
    let setup = Setup { advisories: vec![folder.path().to_owned()], ..Setup::default() };
    let world = World::with(FakeRegistry::start(), setup);
    world.registry.publish_all(&left_demo());
    world
}

fn audit(world: &World, path: &str, question: &Value) -> Answer {
    world.ask("POST", path, &[], question.to_string().as_bytes())
}

#[test]
fn a_database_answers_audits_alone_and_nobody_is_told() {
    let folder = database("npm", &[vulnerable("npm", "GHSA-1", "left-demo")]);
    let world = world(&folder);
    world.registry.offline(true);
    let question = json!({"left-demo": ["1.0.9", "1.1.0"], "right-demo": ["1.0.0"]});
    let answer = audit(&world, BULK, &question);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let left = &answer.json()["left-demo"];
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(left[0]["title"], "GHSA-1: may be attacked");
    assert_eq!((&left[0]["severity"], &left[0]["vulnerable_versions"]), (&json!("critical"), &json!("1.0.9")));
    assert_eq!(left[0]["cvss"]["score"], 9.8);
    assert_eq!(answer.json().get("right-demo"), None);
    assert_eq!(world.registry.requests().len(), 0);

    world.registry.offline(false);
    assert_eq!(world.get("/left-demo").status, 200);
    let versions = audit(&world, BULK, &question).json()["left-demo"][0]["vulnerable_versions"].clone();
    assert_eq!(versions, ">=1.0.0 <=1.0.9", "what the registry lists is known by now");
}

#[test]
fn an_older_client_is_answered_a_report_about_its_tree() {
    let folder = database("npm", &[vulnerable("npm", "GHSA-1", "left-demo")]);
    let world = world(&folder);
    let left = json!({"version": "1.0.9", "integrity": "sha512-x"});
    let tree = json!({"name": "mine", "requires": {}, "dependencies": {
        "a": {"version": "1.0.0", "integrity": "sha512-y", "dependencies": {"left-demo": left}},
    }});
    for path in [QUICK, "/npm/-/npm/v1/security/audits"] {
        let report = audit(&world, path, &tree).json();
        let advisory = report["advisories"].as_object().unwrap().values().next().unwrap().clone();
        assert_eq!(advisory["findings"], json!([{"version": "1.0.9", "paths": ["a>left-demo"]}]));
        assert_eq!((&advisory["module_name"], &advisory["patched_versions"]), (&json!("left-demo"), &json!(">=1.1.0")));
        assert_eq!(report["metadata"]["vulnerabilities"]["critical"], 1);
    }
    assert_eq!(audit(&world, QUICK, &json!([])).status, 400);
    assert_eq!(world.registry.requests().len(), 0);
}

#[test]
fn what_is_no_database_is_added_to_what_the_registry_says() {
    let folder = malware("left-demo", "1.0.9");
    let world = world(&folder);
    world.registry.advisories(json!({"a": [{"id": 7, "severity": "low", "vulnerable_versions": "<2.0.0"}]}));
    let tree = json!({"dependencies": {
        "a": {"version": "1.0.0", "integrity": "x"}, "left-demo": {"version": "1.0.9", "integrity": "x"},
    }});
    let report = audit(&world, QUICK, &tree).json();
    let counts = &report["metadata"]["vulnerabilities"];
    assert_eq!((&counts["low"], &counts["critical"]), (&json!(1), &json!(1)), "{report}");
    assert_eq!(world.registry.requests()[0].text(), r#"{"a":["1.0.0"],"left-demo":["1.0.9"]}"#);
    world.registry.offline(true);
    assert_eq!(audit(&world, QUICK, &tree).status, 502);
}

#[test]
fn a_database_that_could_not_be_read_whole_does_not_answer_alone() {
    let folder = database("npm", &[]);
    std::fs::write(folder.path().join("broken.json"), "{").unwrap();
    let world = world(&folder);
    let question = json!({"left-demo": ["1.0.9"]});
    assert_eq!(audit(&world, BULK, &question).status, 200);
    assert_eq!(world.registry.requests().len(), 1);
    world.registry.offline(true);
    assert_eq!(audit(&world, BULK, &question).status, 502);
}

#[test]
fn osv_is_asked_here_as_it_is_there() {
    let folder = database("PyPI", &[vulnerable("PyPI", "PYSEC-2026-1", "left-demo")]);
    let world = world(&folder);
    let ask = |path: &str, query: &Value| world.ask("POST", path, &[], query.to_string().as_bytes());
    let query = |name: &str, version: &str| json!({"package": {"name": name, "ecosystem": "PyPI"}, "version": version});
    let found = ask("/osv/v1/query", &query("Left.Demo", "1.0.9")).json();
    assert_eq!(found["vulns"][0]["id"], "PYSEC-2026-1");
    assert_eq!(found["vulns"][0]["aliases"], json!(["CVE-2026-1"]));
    let events = &found["vulns"][0]["affected"][0]["ranges"][0]["events"];
    assert_eq!(events, &json!([{"introduced": "1.0.9"}, {"fixed": "1.1.0"}]));
    assert_eq!(found["vulns"][0]["affected"][0]["package"], json!({"ecosystem": "PyPI", "name": "left-demo"}));
    let by_purl = ask("/osv/v1/query", &json!({"package": {"purl": "pkg:pypi/left-demo@1.0.9"}})).json();
    assert_eq!(by_purl, found);
    assert_eq!(ask("/osv/v1/query", &query("left-demo", "1.1.0")).text(), "{}");
    let batch =
        json!({"queries": [query("left-demo", "1.1.0"), query("left-demo", "1.0.0"), query("right-demo", "1.0.0")]});
    let results = ask("/osv/v1/querybatch", &batch).json()["results"].clone();
    assert_eq!(results, json!([{}, {"vulns": [{"id": "PYSEC-2026-1"}]}, {}]));

    for (query, status) in [
        (json!({"commit": "1f"}), 400),
        (json!({"package": {"name": "left-demo", "ecosystem": "Nowhere"}, "version": "1"}), 400),
        (json!({"package": {"name": "left-demo", "ecosystem": "PyPI"}}), 400),
        (json!([]), 400),
        // Of npm's packages there is no record, so that "nothing" would be no answer.
        (json!({"package": {"name": "left-demo", "ecosystem": "npm"}, "version": "1.0.0"}), 503),
    ] {
        let answer = ask("/osv/v1/query", &query);
        assert_eq!(answer.status, status, "{query}: {}", answer.text());
        assert!(answer.json()["message"].is_string());
    }
    assert_eq!(ask("/osv/v1/vulns", &json!({})).status, 404);
    assert_eq!(world.ask("GET", "/osv/v1/query", &[], b"").status, 403);
}

#[test]
fn the_older_description_of_a_release_says_what_is_known_of_it() {
    let folder = database("PyPI", &[vulnerable("PyPI", "PYSEC-2026-1", "left-demo")]);
    let registry = PythonRegistry::start();
    registry.publish(&Distribution::wheel("left-demo", "1.0.9"));
    let others = vec![(PYPI.id.clone(), registry.index())];
    let setup = Setup { advisories: vec![folder.path().to_owned()], others, ..Setup::default() };
    let world = World::with(FakeRegistry::start(), setup);
    let described = world.ask("GET", "/pypi/pypi/left-demo/1.0.9/json", &[], b"").json();
    assert_eq!(described["vulnerabilities"][0]["id"], "PYSEC-2026-1");
    assert_eq!(described["vulnerabilities"][0]["fixed_in"], json!(["1.1.0"]));
}

#[test]
fn who_was_given_what_is_now_malware_is_known_when_the_record_comes() {
    let folder = malware("right-demo", "9.9.9");
    let world = world(&folder);
    assert_eq!(world.get(OLD).status, 200);
    let metric = |world: &World| {
        let text = world.ask("GET", "/metrics", &[], b"").text();
        text.lines().find_map(|line| line.strip_prefix("stockade_served_malware ")).unwrap().to_owned()
    };
    assert_eq!(metric(&world), "0");
    let new = malware("left-demo", "1.0.9");
    std::fs::rename(new.path().join("MAL-2026-0001.json"), folder.path().join("MAL-2026-0002.json")).unwrap();
    world.until(|world| world.get(OLD).status == 403);
    world.until(|world| metric(world) == "1");
    let store = world.engine.store().clone();
    let found =
        world.runtime.block_on(stockade_engine::ServedMalware::all(&store, &world.engine.advisories())).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id, "MAL-2026-0001");
    assert_eq!((found[0].release.to_string().as_str(), found[0].given.len()), ("left-demo@1.0.9", 1));
    assert_eq!(found[0].given[0].principal, "127.0.0.1");
    let listed = send(&world, "GET", "/api/v1/malware", Some(&token(&world, 1, &["read"])), "").json();
    assert_eq!(listed, serde_json::to_value(&found).unwrap());
    // Taken back.
    std::fs::remove_file(folder.path().join("MAL-2026-0002.json")).unwrap();
    world.until(|world| metric(world) == "0");
}

#[test]
fn a_record_that_comes_stops_what_was_given_out_a_moment_ago_in_every_ecosystem() {
    let (crates, maven, python) = (CrateRegistry::start(), MavenRegistry::start(), PythonRegistry::start());
    crates.publish(&CrateRelease::new("left-demo", "1.0.9"));
    maven.publish(&MavenRelease::new("org.acme:left-demo", "1.0.9"));
    python.publish(&Distribution::wheel("left-demo", "1.0.9"));
    let others =
        vec![(CARGO.id.clone(), crates.index()), (MAVEN.id.clone(), maven.url()), (PYPI.id.clone(), python.index())];
    let folder = TempDir::with_prefix("stockade-osv-").unwrap();
    let setup = Setup { advisories: vec![folder.path().to_owned()], others, ..Setup::default() };
    let world = World::with(FakeRegistry::start(), setup);
    world.registry.publish_all(&left_demo());
    let page = world.ask("GET", "/pypi/simple/left-demo/", &["accept: application/vnd.pypi.simple.v1+json"], b"");
    let wheel = page.json()["files"][0]["url"].as_str().unwrap().strip_prefix(&world.root()).unwrap().to_owned();
    let files = [
        ("npm", "left-demo", format!("/npm{OLD}")),
        (CARGO.osv, "left-demo", "/cargo/crates/left-demo/1.0.9/download".to_owned()),
        (MAVEN.osv, "org.acme:left-demo", "/maven/org/acme/left-demo/1.0.9/left-demo-1.0.9.jar".to_owned()),
        (PYPI.osv, "left-demo", wheel),
    ];
    let status = |world: &World, path: &str| world.ask("GET", path, &[], b"").status;
    for (ecosystem, _, path) in &files {
        assert_eq!(status(&world, path), 200, "{ecosystem}");
    }
    for (number, (ecosystem, name, _)) in files.iter().enumerate() {
        let record = json!({
            "id": format!("MAL-2026-{number}"), "summary": "steals",
            "affected": [{"package": {"ecosystem": ecosystem, "name": name}, "versions": ["1.0.9"]}],
        });
        std::fs::write(folder.path().join(format!("{number}.json")), record.to_string()).unwrap();
    }
    world.until(|world| files.iter().all(|(.., path)| status(world, path) == 403));
    world.until(|world| {
        world.ask("GET", "/metrics", &[], b"").text().lines().any(|line| line == "stockade_served_malware 4")
    });
}
