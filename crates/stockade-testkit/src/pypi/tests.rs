use std::io::{Cursor, Read as _, Write as _};
use std::net::TcpStream;

use super::*;
use crate::{Fault, NOW, hours_before};

/// The status, the head and the body of an answer.
fn get(registry: &PythonRegistry, path: &str, accept: &str) -> (u16, String, Vec<u8>) {
    let mut stream = TcpStream::connect(registry.address()).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\naccept: {accept}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let at = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..at].to_vec()).unwrap();
    (head[9..12].parse().unwrap(), head, bytes[at + 4..].to_vec())
}

fn page(registry: &PythonRegistry, path: &str) -> Value {
    serde_json::from_slice(&get(registry, path, JSON).2).unwrap()
}

fn path_of(registry: &PythonRegistry, url: &Value) -> String {
    url.as_str().unwrap().replace(registry.url().trim_end_matches('/'), "")
}

#[test]
fn a_page_has_the_indexs_shape_and_its_addresses_lead_to_files() {
    let registry = PythonRegistry::start();
    let wheel = Distribution::wheel("Left.Demo", "1.0").dependency("right-demo >=1").requires_python(">=3.8");
    let sdist = Distribution::sdist("left-demo", "1.0").published(hours_before(NOW, 5)).yanked("bad");
    registry.publish(&wheel);
    registry.publish(&sdist);
    let page = page(&registry, "/simple/left-demo/");
    assert_eq!((&page["name"], &page["versions"]), (&json!("left-demo"), &json!(["1.0"])));
    let [first, second] = page["files"].as_array().unwrap().as_slice() else { panic!("{page}") };
    assert_eq!(first["filename"], "left_demo-1.0-py3-none-any.whl");
    assert_eq!((&first["requires-python"], &first["yanked"]), (&json!(">=3.8"), &json!(false)));
    assert_eq!(second["upload-time"], "2026-06-01T07:00:00.000000Z");
    assert_eq!((&second["yanked"], &second["core-metadata"]), (&json!("bad"), &json!(false)));
    for (entry, file) in [(first, &wheel), (second, &sdist)] {
        let path = path_of(&registry, &entry["url"]);
        let (status, _, body) = get(&registry, &path, "");
        assert_eq!((status, sha256(&body)), (200, file.checksum()));
        assert_eq!(entry["hashes"]["sha256"], file.checksum());
    }
    let beside = format!("{}.metadata", path_of(&registry, &first["url"]));
    assert_eq!(sha256(&get(&registry, &beside, "").2), first["core-metadata"]["sha256"].as_str().unwrap());
    assert_eq!(get(&registry, &format!("{}.metadata", path_of(&registry, &second["url"])), "").0, 404);
}

#[test]
fn other_spellings_lead_to_the_page() {
    let registry = PythonRegistry::start_at("/api/python/all/");
    registry.publish(&Distribution::wheel("left-demo", "1.0"));
    for path in ["/api/python/all/simple/Left.Demo/", "/api/python/all/simple/left-demo"] {
        let (status, head, _) = get(&registry, path, JSON);
        assert_eq!(status, 301);
        assert!(head.contains(&format!("location: {}left-demo/", registry.index())), "{head}");
    }
    assert_eq!(get(&registry, "/api/python/all/simple/right-demo/", JSON).0, 404);
    let (_, head, body) = get(&registry, "/api/python/all/simple/left-demo/", "text/html");
    assert!(head.contains("content-type: text/html") && body.starts_with(b"<!DOCTYPE html>"));
}

#[test]
fn a_wheel_is_what_its_record_says() {
    let wheel = Distribution::wheel("left-demo", "1.0").file("evil.pth", "import os");
    let mut archive = zip::ZipArchive::new(Cursor::new(wheel.packed())).unwrap();
    let names: Vec<String> = archive.file_names().map(str::to_owned).collect();
    let mut record = String::new();
    archive.by_name("left_demo-1.0.dist-info/RECORD").unwrap().read_to_string(&mut record).unwrap();
    let recorded: Vec<&str> = record.lines().map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(names.len(), recorded.len());
    assert!(names.iter().all(|name| recorded.contains(&name.as_str())) && names.contains(&"evil.pth".to_owned()));
    assert_eq!(wheel.packed(), wheel.packed(), "building twice makes the same bytes");
}

#[test]
fn a_registry_can_change_and_fail() {
    let registry = PythonRegistry::start();
    registry.publish(&Distribution::wheel("left-demo", "1.0").without_time().without_metadata());
    registry.publish(&Distribution::wheel("left-demo", "1.1").listing_field("hashes", json!({})));
    registry.project_status("left_demo", "quarantined");
    let page = page(&registry, "/simple/left-demo/");
    assert!(page["files"][0].get("upload-time").is_none() && page["files"][1]["hashes"] == json!({}));
    assert_eq!(
        (&page["files"][0]["core-metadata"], &page["project-status"]["status"]),
        (&json!(false), &json!("quarantined"))
    );
    registry.fault("/simple/*", Fault::Status(503));
    assert_eq!(get(&registry, "/simple/left-demo/", JSON).0, 503);
    registry.clear_faults();
    registry.unpublish("left-demo", "1.0");
    registry.unpublish("left-demo", "1.1");
    assert_eq!(get(&registry, "/simple/left-demo/", JSON).0, 404);
    registry.require_password("ann", "secret");
    assert_eq!(get(&registry, "/simple/left-demo/", JSON).0, 401);
    assert_eq!(registry.count("/simple/*"), 4);
}
