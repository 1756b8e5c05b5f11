//! Audits by real clients, answered from the advisories of this machine: the registry is away, or has no audits.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use stockade_testkit::{Distribution, Npm, Other, Output, PythonRegistry, PythonTool};

use crate::serve::serve;
use crate::world::World;

const PIP_AUDIT: &str = "2.10.1";

/// Records of an ecosystem's packages, and so many that they are a database.
fn database(data: &Path, ecosystem: &str) {
    let folder = data.join("advisories");
    fs::create_dir_all(&folder).unwrap();
    let put = |record: &Value| {
        fs::write(folder.join(format!("{}.json", record["id"].as_str().unwrap())), record.to_string()).unwrap();
    };
    let of = |id: &str, name: &str| {
        json!({
            "id": id, "summary": format!("{name} may be attacked"), "aliases": [format!("CVE-{id}")],
            "affected": [{
                "package": {"ecosystem": ecosystem, "name": name},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1.0.0"}, {"fixed": "1.1.0"}]}],
            }],
        })
    };
    put(&of("GHSA-2222-3333-4444", "left-demo"));
    (0..100).for_each(|number| put(&of(&format!("OTHER-{number}"), &format!("other-{number}"))));
}

fn world(npm: &Npm) -> World {
    let world = World::with(npm);
    database(&world.data(), "npm");
    world
}

fn tells(client: &str, audit: &Output) {
    assert_ne!(audit.status, Some(0), "{client}: {audit}");
    assert!(format!("{audit}").contains("left-demo may be attacked"), "{client}: {audit}");
}

#[test]
fn every_npm_is_told_what_the_advisories_of_this_machine_say() {
    for npm in Npm::installed() {
        let world = world(&npm);
        let install = world.stockade(["run", "--", "npm", "install"]);
        assert!(install.ok() && install.stdout.contains("1 high severity vulnerability"), "{npm}: {install}");
        let report = world.stockade(["-q", "run", "--", "npm", "audit", "--json"]);
        tells("npm", &report);
        let report: Value = serde_json::from_str(&report.stdout).unwrap();
        let via = &report["vulnerabilities"]["left-demo"]["via"][0];
        assert_eq!((&via["range"], &via["severity"]), (&json!("1.0.9"), &json!("high")), "{npm}");
        assert_eq!(world.registry.count("*security*"), 0, "{npm}: nobody else was asked");
    }
}

#[test]
fn other_clients_are_told_too() {
    for other in Other::all() {
        let Some(world) = crate::clients::world(&other) else { continue };
        database(&world.data(), "npm");
        let install = world.stockade(["run", "--", other.name(), "install"]);
        assert!(install.ok(), "{other}: {install}");
        let words = if other.name() == "yarn" { vec!["yarn", "npm", "audit"] } else { vec![other.name(), "audit"] };
        tells(other.name(), &world.stockade([&["run", "--"], words.as_slice()].concat()));
        assert_eq!(world.registry.count("*security*"), 0, "{other}: nobody else was asked");
    }
}

#[test]
fn without_advisories_and_without_a_registry_an_audit_fails() {
    let Some(world) = World::or_skip() else { return };
    assert!(world.stockade(["run", "--", "npm", "install", "--no-audit"]).ok());
    world.malware("right-demo", "1.0.0");
    world.registry.offline(true);
    let audit = world.stockade(["run", "--", "npm", "audit"]);
    assert_ne!(audit.status, Some(0), "{audit}");
    assert!(!audit.stdout.contains("found 0 vulnerabilities"), "{audit}");
}

/// What pip-audit finds is what the index has, release by release.
#[test]
fn pip_audit_is_told_what_the_index_has() {
    let Some(tool) = PythonTool::or_skip("pip-audit", PIP_AUDIT) else { return };
    let Some(world) = World::or_skip() else { return };
    database(&world.data(), "PyPI");
    let registry = PythonRegistry::start();
    registry.publish(&Distribution::wheel("left-demo", "1.0.9"));
    world.settings(&format!("[upstream.pypi]\nurl = \"{}\"\n", registry.index()));
    let served = serve(&world, &["--listen", "127.0.0.1:0"]);
    let folder = world.project.path();
    let audit = |wanted: &str| {
        fs::write(folder.join("requirements.txt"), wanted).unwrap();
        let mut command = std::process::Command::new(tool.program());
        command.current_dir(&folder).env("HOME", world.project.home());
        command.args(["-r", "requirements.txt", "--no-deps", "--disable-pip", "--vulnerability-service", "osv"]);
        command.args(["--osv-url", &format!("{}/osv/v1/query", served.url), "-f", "json", "--progress-spinner", "off"]);
        stockade_testkit::finished(&mut command)
    };
    let found = audit("left-demo==1.0.9\nother-7==1.0.5\nother-8==1.1.0\nright-demo==1.0.0\n");
    assert_eq!(found.status, Some(1), "{found}");
    let report: Value = serde_json::from_str(&found.stdout).unwrap();
    let ids = report["dependencies"].as_array().unwrap().iter().map(|dependency| {
        let vulns = dependency["vulns"].as_array().unwrap();
        // It shows one of the names of each.
        let names = vulns.iter().map(|vuln| format!("{} {}", vuln["id"], vuln["aliases"]));
        let all: Vec<String> = names.collect();
        format!("{} {}", dependency["name"].as_str().unwrap(), all.join(" "))
    });
    let ids: Vec<String> = ids.collect();
    let expected = [
        r#"left-demo "CVE-GHSA-2222-3333-4444" ["GHSA-2222-3333-4444"]"#,
        r#"other-7 "CVE-OTHER-7" ["OTHER-7"]"#,
        "other-8 ",
        "right-demo ",
    ];
    assert_eq!(ids, expected);
    assert_eq!(report["dependencies"][0]["vulns"][0]["fix_versions"], json!(["1.1.0"]));
    let fine = audit("right-demo==1.0.0\n");
    assert!(fine.ok(), "{fine}");

    // Where nobody looked, it does not say that there is nothing.
    fs::remove_dir_all(world.data().join("advisories")).unwrap();
    fs::create_dir_all(world.data().join("advisories")).unwrap();
    assert!(crate::serve::wait_until(|| !audit("right-demo==1.0.0\n").ok()));
}
