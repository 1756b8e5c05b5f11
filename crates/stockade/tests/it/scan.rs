//! `stockade scan`.

use insta::assert_snapshot;
use serde_json::json;

use crate::world::{World, seen};

const LOCKFILE: &str = r#"{
  "name": "demo", "lockfileVersion": 3,
  "packages": {
    "": { "name": "demo", "dependencies": { "right-demo": "^1.0.0" } },
    "node_modules/right-demo": { "version": "1.0.0", "dependencies": { "left-demo": "^1.0.0" } },
    "node_modules/left-demo": { "version": "1.1.0" }
  }
}"#;

/// A world without a client's part in it: no package manager is run.
fn world() -> Option<World> {
    let world = World::or_skip()?;
    world.project.write("package-lock.json", LOCKFILE);
    Some(world)
}

fn vulnerable(world: &World) {
    let folder = world.data().join("advisories");
    std::fs::create_dir_all(&folder).unwrap();
    let record = json!({
        "id": "GHSA-demo-demo-demo", "modified": "2026-05-31T00:00:00Z", "summary": "right-demo trusts everybody",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "affected": [{
            "package": {"ecosystem": "npm", "name": "right-demo"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.0.1"}]}],
        }],
    });
    std::fs::write(folder.join("GHSA.json"), record.to_string()).unwrap();
}

#[test]
fn what_is_malicious_or_vulnerable_is_said_with_the_way_to_it() {
    let Some(world) = world() else { return };
    world.malware("left-demo", "1.1.0");
    vulnerable(&world);
    assert_snapshot!(seen(&world.stockade(["scan"])), @r#"
    malicious  pkg:npm/left-demo@1.1.0  MAL-2026-1: Malicious code in left-demo (npm)
               ./package-lock.json:6, by right-demo@1.0.0 > left-demo@1.1.0
    vulnerable (9.8)  pkg:npm/right-demo@1.0.0  GHSA-demo-demo-demo: right-demo trusts everybody; fixed in 1.0.1
               ./package-lock.json:5
    looked at 2 releases in 1 file, with 2 advisory records, the newest of 2026-05-31
    status 1
    "#);
    let answer = world.json(["scan", "package-lock.json"]);
    let first = &answer["findings"][0];
    assert_eq!((&first["class"], &first["verdict"], &first["line"]), (&json!("malicious"), &json!("deny"), &json!(6)));
    assert_eq!(first["path"], json!(["right-demo@1.0.0", "left-demo@1.1.0"]));
    assert_eq!(answer["coverage"]["releases"], 2);
    assert_eq!(world.registry.requests().len(), 0, "nobody is asked");
}

#[test]
fn what_is_installed_counts_whatever_a_lockfile_says() {
    let Some(world) = World::or_skip() else { return };
    world.malware("left-demo", "1.1.0");
    world.project.write("node_modules/left-demo/package.json", r#"{"name": "left-demo", "version": "1.1.0"}"#);
    let record = "Metadata-Version: 2.1\nName: right-demo\nVersion: 1.0.0\n";
    world.project.write(".venv/lib/python3.13/site-packages/right_demo-1.0.0.dist-info/METADATA", record);
    let answer = world.stockade(["scan"]);
    assert_eq!(answer.status, Some(1), "{answer}");
    assert!(answer.stdout.contains("malicious  pkg:npm/left-demo@1.1.0"), "{answer}");
    assert!(answer.stdout.contains("looked at 2 releases in 2 files"), "{answer}");
}

#[test]
fn a_policy_says_what_a_finding_means() {
    let Some(world) = world() else { return };
    vulnerable(&world);
    assert_eq!(world.stockade(["scan"]).status, Some(0), "a vulnerable release is no attack");
    world.settings("[policy.advisories]\nvulnerable = \"hold\"\n");
    assert_eq!(world.stockade(["scan"]).status, Some(1));
    let exception = "[[policy.exception]]\nmatch = \"pkg:npm/right-demo\"\nreason = \"not reached\"\nby = \"alice\"\n\
        expires = 2026-12-31\nwaives = [\"advisory\"]\n";
    world.settings(&format!("[policy.advisories]\nvulnerable = \"hold\"\n{exception}"));
    assert_eq!(world.stockade(["scan"]).status, Some(0));
}

#[test]
fn what_was_not_looked_at_is_no_clean_bill() {
    let Some(world) = world() else { return };
    assert_snapshot!(seen(&world.stockade(["scan"])), @r#"
    looked at 2 releases in 1 file, with 0 advisory records
    not looked at:
      there are no advisories; `stockade doctor` says where they are put
    status 2
    "#);
    world.malware("other", "1.0.0");
    assert_eq!(world.stockade(["scan"]).status, Some(0));
    world.project.write(
        "package-lock.json",
        LOCKFILE.replace("\"node_modules/left-demo\"", "<<<<<<< HEAD\n\"node_modules/left-demo\""),
    );
    let broken = world.stockade(["scan"]);
    assert_eq!(broken.status, Some(2), "{broken}");
    assert!(broken.stdout.contains("package-lock.json"), "{broken}");
    std::fs::remove_file(world.project.path().join("package-lock.json")).unwrap();
    assert_snapshot!(seen(&world.stockade(["scan"])), @r#"
    looked at 0 releases in 0 files, with 1 advisory record
    there is no lockfile and no installed tree that is known; nothing was looked at
    status 2
    "#);
    assert_snapshot!(seen(&world.stockade(["scan", "nowhere"])), @r#"
    stockade: `nowhere` does not exist
    status 2
    "#);
}

#[test]
fn what_somebody_published_is_looked_for_in_every_file() {
    let Some(world) = world() else { return };
    world.project.write("node_modules/left-demo/package.json", r#"{"name": "left-demo", "version": "1.1.0"}"#);
    world.project.write("node_modules/left-demo/bundle.js", "one\nfetch('https://evil.example/x')\n");
    world.project.write("deep/er/setup_bun.js", "");
    let digest = "d2a84f4b8b650937ec8f73cd8be2c74add5a911ba64df27458ed8229da804a26";
    world.project.write("deep/hello.txt", "hello");
    let greeting = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    let list = format!(
        "# an attack\n{digest}\nsha256:{greeting}\nfile:setup_*.js\npkg:npm/left-demo@1.1.0\nhost:evil[.]example\n\
         string:nowhere to be found\n"
    );
    world.project.write("list.txt", &list);
    let sweep = ["scan", "--iocs", "list.txt", "."];
    assert_snapshot!(seen(&world.stockade(sweep)), @r#"
    sha256:…  ./deep/hello.txt  (line 3)
    file:setup_*.js  ./deep/er/setup_bun.js  (line 4)
    pkg:npm/left-demo@1.1.0  ./node_modules/left-demo/package.json:1  (line 5)
    pkg:npm/left-demo@1.1.0  ./package-lock.json:6  (line 5)
    host:evil.example  ./node_modules/left-demo/bundle.js:2  (line 6)
    looked for 6 indicators in 7 files, 643 bytes
    status 1
    "#);
    let answer = world.json(sweep);
    assert_eq!(answer["coverage"]["indicators"], 6);
    let host =
        answer["findings"].as_array().unwrap().iter().find(|finding| finding["indicator"]["kind"] == "host").unwrap();
    assert_eq!(
        host,
        &json!({
            "indicator": {"kind": "host", "value": "evil.example", "source": "line 6"},
            "file": "./node_modules/left-demo/bundle.js", "line": 2, "offset": 19, "more": false,
        })
    );
    assert_eq!(world.registry.requests().len(), 0, "nobody is asked");
}

#[test]
fn a_sweep_says_what_it_did_not_look_at_and_what_it_cannot_look_for() {
    let Some(world) = world() else { return };
    world.project.write("list.txt", "host:evil.example\n");
    let sweep = || world.stockade(["scan", "--iocs", "list.txt"]);
    let answer = sweep();
    assert_eq!(answer.status, Some(0), "{answer}");
    assert!(answer.stdout.ends_with("no finding\n"), "{answer}");
    world.project.write("package-lock.json", "<<<<<<< HEAD\n");
    assert_eq!(sweep().status, Some(0), "no release is looked for");
    world.project.write("list.txt", "host:evil.example\npkg:npm/left-demo@1.1.0\n");
    assert_eq!(sweep().status, Some(2), "a lockfile that cannot be read may hide what is looked for");
    world.project.write("list.txt", "host:evil.example\nevil.example\n");
    assert_snapshot!(seen(&sweep()), @r#"
    stockade: `list.txt` line 2: it is no indicator
    hint: a line is a digest (`sha256:……`, or its hexadecimal digits), `file:NAME`, `pkg:TYPE/NAME@VERSION`, `host:NAME`, `string:TEXT` or `"TEXT"`; `#` begins a remark
    status 2
    "#);
    world.project.write("list.txt", "# nothing\n");
    assert_eq!(sweep().status, Some(2));
    let record =
        json!({"id": "MAL-2026-2", "database_specific": {"iocs": {"domains": ["evil.example"], "wallets": ["x"]}}});
    world.project.write("list.txt", record.to_string());
    assert_eq!(sweep().status, Some(2), "a record that is not understood is not looked for");
    world.project.write("a.js", "evil.example");
    assert_eq!(sweep().status, Some(1));
}

#[test]
fn what_a_program_of_go_is_made_of_is_read_from_it() {
    let Some(world) = World::or_skip() else { return };
    let go = |arguments: &[&str]| {
        let mut command = world.project.command("go");
        let caches = world.project.home().join("go");
        command.args(arguments).env("GOCACHE", caches.join("cache")).env("GOPATH", &caches);
        command.env("GOFLAGS", "-mod=vendor").env("GOPROXY", "off").env("GOTOOLCHAIN", "local").env("CGO_ENABLED", "0");
        command.output()
    };
    if go(&["version"]).is_err() {
        return eprintln!("skipped: there is no go");
    }
    world.project.write("go.mod", "module example.org/demo\n\ngo 1.20\n\nrequire example.org/left v1.2.3\n");
    world
        .project
        .write("main.go", "package main\n\nimport \"example.org/left\"\n\nfunc main() { println(left.Left) }\n");
    world.project.write("vendor/modules.txt", "# example.org/left v1.2.3\n## explicit; go 1.20\nexample.org/left\n");
    world.project.write("vendor/example.org/left/left.go", "package left\n\nconst Left = 1\n");
    let built = go(&["build", "-o", "bin/demo", "."]).unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let answer = world.json(["scan", "bin"]);
    let file = &answer["coverage"]["files"][0];
    assert_eq!((&file["path"], &file["kind"]), (&json!("bin/demo"), &json!("go build info")), "{answer}");
    assert_eq!((&file["releases"], &file["problems"]), (&json!(2), &json!(null)), "the library and `left`");
}

#[test]
fn a_bill_of_materials_is_read_like_a_lockfile() {
    let Some(world) = World::or_skip() else { return };
    world.malware("left-demo", "1.1.0");
    let component = |name: &str, version: &str| {
        let purl = format!("pkg:npm/{name}@{version}");
        json!({"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl})
    };
    let mut bom = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": "demo", "name": "demo"}},
        "components": [
            component("right-demo", "1.0.0"), component("left-demo", "1.1.0"),
            {"type": "library", "bom-ref": "d", "name": "d", "version": "1", "purl": "pkg:deb/debian/d@1"},
        ],
        "dependencies": [
            {"ref": "demo", "dependsOn": ["pkg:npm/right-demo@1.0.0"]},
            {"ref": "pkg:npm/right-demo@1.0.0", "dependsOn": ["pkg:npm/left-demo@1.1.0"]},
        ],
    });
    world.project.write("demo.cdx.json", bom.to_string());
    assert_snapshot!(seen(&world.stockade(["scan"])), @r#"
    malicious  pkg:npm/left-demo@1.1.0  MAL-2026-1: Malicious code in left-demo (npm)
               ./demo.cdx.json:1, by right-demo@1.0.0 > left-demo@1.1.0
    looked at 2 releases in 1 file, with 1 advisory record
    left out:
      ./demo.cdx.json: 1 of its parts: of the kind `deb`, which is not known here
    status 1
    "#);
    bom["components"][1]["purl"] = json!("pkg:npm/left-demo");
    bom["components"][1].as_object_mut().unwrap().remove("version");
    world.project.write("demo.cdx.json", bom.to_string());
    let answer = world.stockade(["scan"]);
    assert_eq!(answer.status, Some(2), "{answer}");
    assert!(answer.stdout.contains("`left-demo`"), "{answer}");
}
