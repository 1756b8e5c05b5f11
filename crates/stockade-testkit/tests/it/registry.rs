//! What a registry answers when nothing is wrong.

use std::io::{Read as _, Write as _};
use std::thread;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::json;
use stockade_testkit::{FakeRegistry, Package};

use crate::wire::{ask, get, send};

const SHORT: &str = "accept: application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*";
const CLOSE: &str = "connection: close";

#[test]
fn names_are_found_in_every_encoding() {
    let registry = FakeRegistry::start();
    let left = Package::new("@acme/left").release("1.0.0");
    registry.publish(&left);
    for path in ["/@acme/left", "/@acme%2fleft", "/@acme%2Fleft", "/%40acme%2fleft"] {
        let answer = get(&registry, path);
        assert_eq!((answer.status, answer.json()["name"].as_str()), (200, Some("@acme/left")), "{path}");
    }
    for path in ["/@acme/left/-/left-1.0.0.tgz", "/@acme%2fleft/-/left-1.0.0.tgz"] {
        assert_eq!(get(&registry, path).body, left.tarball(), "{path}");
    }
    let dist = &get(&registry, "/@acme/left").json()["versions"]["1.0.0"]["dist"];
    assert_eq!(dist["tarball"], format!("{}@acme/left/-/left-1.0.0.tgz", registry.url()));
    assert_eq!(registry.count("/@acme/left"), 5, "the log has decoded paths");
    assert_eq!(registry.requests()[1].target, "/@acme%2fleft");
}

#[test]
fn the_accept_header_chooses_the_document() {
    let registry = FakeRegistry::start();
    registry.publish(&Package::new("left-demo").release("1.0.0"));
    let full = get(&registry, "/left-demo");
    assert_eq!(full.header("content-type"), "application/json");
    assert!(full.json().get("time").is_some());
    let short = ask(&registry, "/left-demo", &[SHORT, CLOSE]);
    assert_eq!(short.header("content-type"), "application/vnd.npm.install-v1+json");
    assert!(short.json().get("time").is_none() && short.json().get("modified").is_some());
    assert_ne!(short.header("etag"), full.header("etag"));
}

#[test]
fn what_a_client_has_is_not_sent_again() {
    let registry = FakeRegistry::start();
    let demo = Package::new("left-demo");
    registry.publish(&demo.release("1.0.0"));
    for path in ["/left-demo", "/left-demo/-/left-demo-1.0.0.tgz"] {
        let first = get(&registry, path);
        let tag = format!("if-none-match: {}", first.header("etag"));
        let second = ask(&registry, path, &[&tag, CLOSE]);
        assert_eq!((second.status, second.body.len()), (304, 0), "{path}");
        assert_eq!(second.header("etag"), first.header("etag"));
        let since = format!("if-modified-since: {}", first.header("last-modified"));
        assert_eq!(ask(&registry, path, &[&since, CLOSE]).status, 304, "{path}");
        let other = "if-none-match: \"other\"";
        assert_eq!(ask(&registry, path, &[other, &since, CLOSE]).status, 200, "a tag outweighs a date");
    }
    let before = get(&registry, "/left-demo");
    registry.publish(&demo.release("1.1.0"));
    let tag = format!("if-none-match: {}", before.header("etag"));
    let after = ask(&registry, "/left-demo", &[&tag, CLOSE]);
    assert_eq!((after.status, after.json()["dist-tags"]["latest"].as_str()), (200, Some("1.1.0")));
    assert_eq!(before.header("last-modified"), "Mon, 01 Jan 2024 00:00:00 GMT");
}

#[test]
fn a_registry_changes_while_it_runs() {
    let registry = FakeRegistry::start();
    let demo = Package::new("left-demo");
    assert_eq!(get(&registry, "/left-demo").status, 404);
    registry.publish_all([&demo.release("1.0.0"), &demo.release("1.1.0")]);
    registry.tag("left-demo", "stable", "1.0.0");
    let tags = get(&registry, "/-/package/left-demo/dist-tags").json();
    assert_eq!(tags, json!({"latest": "1.1.0", "stable": "1.0.0"}));
    assert_eq!(get(&registry, "/left-demo/stable").json()["version"], "1.0.0");
    registry.untag("left-demo", "stable");
    registry.unpublish("left-demo", "1.1.0");
    assert_eq!(get(&registry, "/left-demo/-/left-demo-1.1.0.tgz").status, 404);
    assert_eq!(get(&registry, "/left-demo").json()["dist-tags"], json!({"latest": "1.0.0"}));
    registry.unpublish("left-demo", "1.0.0");
    assert_eq!(get(&registry, "/left-demo").status, 404);
}

#[test]
fn the_paths_that_are_no_packages_answer() {
    let registry = FakeRegistry::start();
    registry.publish(&Package::new("@acme/left").release("1.0.0").attested().signed());
    assert_eq!(get(&registry, "/-/ping").body, b"{}");
    assert_eq!(get(&registry, "/-/npm/v1/keys").json()["keys"][0]["keyid"], "SHA256:stockade-testkit");
    let dist = get(&registry, "/@acme%2fleft").json()["versions"]["1.0.0"]["dist"].clone();
    let url = dist["attestations"]["url"].as_str().unwrap().to_owned();
    let path = url.strip_prefix(registry.url().trim_end_matches('/')).unwrap();
    assert_eq!(get(&registry, path).json()["attestations"][0]["predicateType"], "https://slsa.dev/provenance/v1");
    assert_eq!(get(&registry, "/-/npm/v1/attestations/@acme%2fleft@2.0.0").status, 404);
    let found = get(&registry, "/-/v1/search?text=acme%2Fl&size=5").json();
    assert_eq!(found["objects"][0]["package"]["name"], "@acme/left");
    assert_eq!(get(&registry, "/-/stage").status, 404);
    registry.keys(json!({"keys": []}));
    assert_eq!(get(&registry, "/-/npm/v1/keys").json(), json!({"keys": []}));
}

#[test]
fn an_audit_is_answered_as_set_and_its_body_can_be_read() {
    let registry = FakeRegistry::start();
    let asked = r#"{"left-demo":["1.0.0"]}"#;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(asked.as_bytes()).unwrap();
    let body = encoder.finish().unwrap();
    let head = format!(
        "POST /-/npm/v1/security/advisories/bulk HTTP/1.1\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n{CLOSE}\r\n\r\n",
        body.len()
    );
    let request = [head.as_bytes(), &body].concat();
    assert_eq!(send(&registry, &request).json(), json!({}));
    assert_eq!(registry.requests()[0].text(), asked);
    let answer = json!({"left-demo": [{"id": 1, "severity": "high"}]});
    registry.advisories(answer.clone());
    assert_eq!(send(&registry, &request).json(), answer);
    let chunked =
        b"POST /-/npm/v1/security/advisories/bulk HTTP/1.1\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    assert_eq!(send(&registry, chunked).status, 200);
    assert_eq!(registry.requests()[2].body, b"{}");
}

#[test]
fn without_the_token_nothing_is_answered() {
    let registry = FakeRegistry::start();
    registry.publish(&Package::new("left-demo").release("1.0.0"));
    registry.require_token("s3cr3t");
    assert_eq!(get(&registry, "/left-demo").status, 401);
    assert_eq!(get(&registry, "/-/ping").status, 401);
    assert_eq!(ask(&registry, "/left-demo", &["Authorization: Bearer wrong", CLOSE]).status, 401);
    assert_eq!(ask(&registry, "/left-demo", &["Authorization: Bearer s3cr3t", CLOSE]).status, 200);
    assert_eq!(registry.requests()[3].header("authorization"), Some("Bearer s3cr3t"));
}

#[test]
fn a_registry_can_be_below_a_path() {
    let registry = FakeRegistry::start_at("/api/npm/all");
    registry.publish(&Package::new("left-demo").release("1.0.0"));
    assert!(registry.url().ends_with("/api/npm/all/"));
    let answer = get(&registry, "/api/npm/all/left-demo");
    let url = answer.json()["versions"]["1.0.0"]["dist"]["tarball"].as_str().unwrap().to_owned();
    assert_eq!(url, format!("{}left-demo/-/left-demo-1.0.0.tgz", registry.url()));
    assert_eq!(get(&registry, "/left-demo").status, 404);
    assert_eq!(registry.count("/left-demo"), 2);
}

#[test]
fn a_connection_serves_several_requests_and_bodies_can_be_packed() {
    let registry = FakeRegistry::start();
    registry.publish(&Package::new("left-demo").release("1.0.0"));
    let two = b"GET /-/ping HTTP/1.1\r\n\r\nHEAD /left-demo HTTP/1.1\r\nconnection: close\r\n\r\n";
    let answer = send(&registry, two);
    assert!(answer.closed);
    assert!(String::from_utf8_lossy(&answer.body).starts_with("{}HTTP/1.1 200 OK\r\n"));
    assert_eq!(registry.requests().len(), 2);
    let plain = get(&registry, "/left-demo").body;
    registry.compress(true);
    let packed = ask(&registry, "/left-demo", &["accept-encoding: gzip, br", CLOSE]);
    assert_eq!(packed.header("content-encoding"), "gzip");
    let mut text = Vec::new();
    GzDecoder::new(packed.body.as_slice()).read_to_end(&mut text).unwrap();
    assert_eq!(text, plain);
}

#[test]
fn a_large_registry_is_quick() {
    let registry = FakeRegistry::start();
    for number in 0..1500 {
        registry.publish(&Package::new(format!("pkg-{number}")).release("1.0.0"));
    }
    let start = Instant::now();
    thread::scope(|scope| {
        for lane in 0..8 {
            let registry = &registry;
            scope.spawn(move || {
                for number in (lane..1500).step_by(8) {
                    assert_eq!(get(registry, &format!("/pkg-{number}")).status, 200);
                    assert_eq!(get(registry, &format!("/pkg-{number}/-/pkg-{number}-1.0.0.tgz")).status, 200);
                }
            });
        }
    });
    assert_eq!(registry.count("/pkg-*"), 3000);
    assert!(registry.max_concurrent("*") >= 1);
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}
