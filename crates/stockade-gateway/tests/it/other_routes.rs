//! What is passed on, and what is not offered.

use std::io::Write as _;

use serde_json::json;
use stockade_testkit::{FakeRegistry, Package};

use crate::world::{Setup, World, left_demo, malware};

const BULK: &str = "/npm/-/npm/v1/security/advisories/bulk";

#[test]
fn keys_attestations_and_searches_are_passed_on() {
    let world = World::new();
    world.registry.publish(&Package::new("left-demo").release("1.0.0").attested().signed());
    assert_eq!(world.get("/-/npm/v1/keys").json()["keys"][0]["keyid"], "SHA256:stockade-testkit");
    let attestations = world.get("/-/npm/v1/attestations/left-demo@1.0.0").json();
    assert_eq!(attestations["attestations"][0]["bundle"]["subject"], "pkg:npm/left-demo@1.0.0");
    assert_eq!(world.get("/-/v1/search?text=left&size=5").json()["total"], 1);
    assert_eq!(world.get("/-/ping").text(), "{}");
    let listed = world.get("/left-demo").json();
    let dist = &listed["versions"]["1.0.0"]["dist"];
    assert_eq!(dist["signatures"][0]["keyid"], "SHA256:stockade-testkit");
    assert_eq!(dist["attestations"]["url"], format!("{}/npm/-/npm/v1/attestations/left-demo@1.0.0", world.root()));
}

#[test]
fn an_audit_has_the_registrys_answer_and_our_malware() {
    let folder = malware("left-demo", "1.0.9");
    let setup = Setup { advisories: vec![folder.path().to_owned()], ..Setup::default() };
    let world = World::with(FakeRegistry::start(), setup);
    world.registry.advisories(json!({"right-demo": [{"id": 7, "severity": "low"}]}));
    let question = json!({"left-demo": ["1.0.9"], "right-demo": ["1.0.0"]}).to_string();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(question.as_bytes()).unwrap();
    let answer = world.ask("POST", BULK, &["content-encoding: gzip"], &encoder.finish().unwrap());
    assert_eq!(answer.status, 200, "{}", answer.phrase);
    assert_eq!(answer.json()["right-demo"][0]["id"], 7);
    assert_eq!(answer.json()["left-demo"][0]["title"], "MAL-2026-0001: malware: malicious code in left-demo");
    assert_eq!(world.registry.requests()[0].text(), question, "the question is passed on");
}

#[test]
fn an_audit_tells_nobody_of_names_that_are_not_theirs() {
    let acme = FakeRegistry::start();
    let setup = Setup { scopes: vec![("@acme".to_owned(), acme.url())], ..Setup::default() };
    let world = World::with(FakeRegistry::start(), setup);
    let question = json!({"@acme/secret-project": ["1.0.0"], "left-demo": ["1.0.0"]}).to_string();
    assert_eq!(world.ask("POST", BULK, &[], question.as_bytes()).status, 200);
    assert_eq!(world.registry.requests()[0].text(), r#"{"left-demo":["1.0.0"]}"#);
}

#[test]
fn an_audit_that_could_not_be_made_is_no_empty_list() {
    let world = World::new();
    world.registry.offline(true);
    let question = json!({"left-demo": ["1.0.0"]}).to_string();
    let answer = world.ask("POST", BULK, &[], question.as_bytes());
    assert_eq!(answer.status, 502);
    assert!(answer.json()["error"].as_str().unwrap().starts_with("stockade could not look: audit: "));
}

#[test]
fn audits_have_limits() {
    let world = World::new();
    for (body, status) in [(&b"[]"[..], 400), (b"no json", 400), (b"{\"a b\":[\"1\"]}", 400)] {
        assert_eq!(world.ask("POST", BULK, &[], body).status, status);
    }
    assert_eq!(world.ask("POST", BULK, &["content-encoding: gzip"], b"no gzip").status, 413);
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..40 {
        bomb.write_all(&vec![b' '; 1024 * 1024]).unwrap();
    }
    assert_eq!(world.ask("POST", BULK, &["content-encoding: gzip"], &bomb.finish().unwrap()).status, 413);
}

#[test]
fn paths_that_are_not_canonical_are_malformed() {
    let world = World::new();
    world.registry.publish_all(&left_demo());
    for path in [
        "/left-demo/../x",
        "/left-demo%2f..%2fx",
        "/%2e%2e/x",
        "/left-demo%00",
        "/left-demo%252f",
        "//left-demo",
        "/left-demo/",
    ] {
        assert_eq!(world.get(path).status, 400, "{path}");
    }
    assert_eq!(world.registry.requests().len(), 0, "nothing of it went upstream");
}

#[test]
fn what_is_not_offered_is_refused_and_never_proxied() {
    let world = World::new();
    for (method, path) in
        [("PATCH", "/npm/left-demo"), ("DELETE", "/npm/left-demo"), ("GET", "/npm/-/all"), ("PUT", "/npm/-/user")]
    {
        let answer = world.ask(method, path, &[], b"");
        assert_eq!(answer.status, 403, "{method} {path}");
        assert!(answer.json()["error"].as_str().unwrap().starts_with("refused by stockade: "));
    }
    let outside = world.ask("GET", "/nowhere", &[], b"");
    assert_eq!(outside.status, 403);
    let error = outside.json()["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("refused by stockade: this gateway has its registries below `/npm/`, `/"), "{error}");
    assert_eq!(world.ask("GET", "/api/v2/x", &[], b"").status, 404);
    assert_eq!(world.ask("POST", "/healthz", &[], b"").status, 405);
    assert_eq!(world.registry.requests().len(), 0);
}

#[test]
fn a_foreign_name_does_not_open_our_own_addresses() {
    let world = World::new();
    let status = |host: &str| {
        let mut stream = std::net::TcpStream::connect(world.root().trim_start_matches("http://")).unwrap();
        write!(stream, "GET /api/v1/status HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut stream, &mut text).unwrap();
        text.split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!(status("evil.example"), "421");
    assert_eq!(status("localhost:4873"), "200");
    assert_eq!(status("[::1]:4873"), "200");
    assert_eq!(world.ask("GET", "/healthz", &[], b"").text(), "ok\n");
    assert_eq!(world.ask("GET", "/readyz", &[], b"").status, 200);
}
