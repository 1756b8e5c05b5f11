//! `stockade inventory`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::world::{World, seen};

/// How often an import is killed, each time a little later.
const KILLS: u64 = 6;

fn lockfile(left: Option<&str>) -> String {
    let mut packages = json!({
        "": { "name": "demo", "dependencies": { "right-demo": "^1.0.0" } },
        "node_modules/right-demo": { "version": "1.0.0" },
    });
    if let Some(left) = left {
        packages["node_modules/right-demo"]["dependencies"] = json!({ "left-demo": "^1.0.0" });
        packages["node_modules/left-demo"] = json!({ "version": left });
    }
    serde_json::to_string_pretty(&json!({ "name": "demo", "lockfileVersion": 3, "packages": packages })).unwrap()
}

/// The working folder is the project, so its name is given: it is another one in each run.
fn add(world: &World, project: &str, left: Option<&str>) {
    world.project.write("package-lock.json", lockfile(left));
    let added = world.stockade(["inventory", "add", "package-lock.json", "--project", project]);
    assert!(added.ok(), "{added}");
}

/// Runs git in the project, at an instant, as nobody in particular.
fn git(world: &World, at: &str, arguments: &[&str]) {
    let mut command = world.project.command("git");
    command.args(["-c", "user.name=alice", "-c", "user.email=alice@registry.example"]).args(arguments);
    command.envs([("GIT_AUTHOR_DATE", at), ("GIT_COMMITTER_DATE", at), ("GIT_CONFIG_GLOBAL", "/dev/null")]);
    let output = world.project.finish(&mut command);
    assert!(output.ok(), "{output}");
}

fn commit(world: &World, at: &str, left: Option<&str>) {
    world.project.write("package-lock.json", lockfile(left));
    git(world, at, &["add", "package-lock.json"]);
    git(world, at, &["commit", "--quiet", "--allow-empty", "--message", "change"]);
}

#[test]
fn who_has_it_is_said_with_the_way_to_it_and_since_when() {
    let Some(world) = World::or_skip() else { return };
    world.malware("left-demo", "1.1.0");
    add(&world, "web", Some("1.1.0"));
    add(&world, "api", Some("1.0.9"));
    assert_snapshot!(seen(&world.stockade(["inventory", "affected", "pkg:npm/left-demo"])), @r"
    have it now:
      api  pkg:npm/left-demo@1.0.9  since 2026-06-01, still there
        package-lock.json:11, by right-demo@1.0.0 > left-demo@1.0.9
      web  pkg:npm/left-demo@1.1.0  since 2026-06-01, still there
        package-lock.json:11, by right-demo@1.0.0 > left-demo@1.1.0
    asked of 2 projects, the oldest look of 2026-06-01
    status 1
    ");
    let expected = "have it now:\n  web  pkg:npm/left-demo@1.1.0";
    for what in ["pkg:npm/left-demo@1.1.0", "MAL-2026-1"] {
        let answer = world.stockade(["inventory", "affected", what]);
        assert_eq!(answer.status, Some(1), "{answer}");
        assert!(answer.stdout.contains(expected) && !answer.stdout.contains("api"), "{answer}");
    }
    assert_snapshot!(seen(&world.stockade(["inventory", "affected", "pkg:npm/left-demo@2.0.0"])), @r"
    asked of 2 projects, the oldest look of 2026-06-01
    nobody has it, and nobody had it
    status 0
    ");
    let answer = world.json(["inventory", "affected", "MAL-2026-1"]);
    let hit = &answer["hits"][0];
    assert_eq!((&hit["project"], &hit["now"], &hit["grade"]), (&json!("web"), &json!(true), &json!("version")));
    assert_eq!(hit["purl"], "pkg:npm/left-demo@1.1.0");
    let place = json!([{"file": "package-lock.json", "line": 11, "path": ["right-demo@1.0.0", "left-demo@1.1.0"]}]);
    assert_eq!(hit["places"], place);
    assert_eq!(world.registry.requests().len(), 0, "nobody is asked");
}

#[test]
fn what_was_there_for_one_commit_is_found_in_the_history() {
    let Some(world) = World::or_skip() else { return };
    git(&world, "2026-03-01T00:00:00Z", &["init", "--quiet"]);
    commit(&world, "2026-03-01T12:00:00Z", Some("1.0.9"));
    commit(&world, "2026-03-08T12:00:00Z", Some("1.1.0"));
    git(&world, "2026-03-09T12:00:00Z", &["checkout", "--quiet", "-b", "side"]);
    commit(&world, "2026-03-09T12:00:00Z", Some("1.1.1"));
    git(&world, "2026-03-10T12:00:00Z", &["checkout", "--quiet", "-"]);
    commit(&world, "2026-03-11T12:00:00Z", None);
    assert_snapshot!(seen(&world.stockade(["inventory", "add", "--git-history", "--project", "web"])), @r"
    web: 1 release in 1 file, on 2026-06-01: 3 came, 2 went; 3 looks of the history
    status 0
    ");
    assert_snapshot!(seen(&world.stockade(["inventory", "affected", "pkg:npm/left-demo@1.1.0"])), @r"
    had it:
      web  pkg:npm/left-demo@1.1.0  from 2026-03-08 to 2026-03-11
        package-lock.json:11, by right-demo@1.0.0 > left-demo@1.1.0
    asked of 1 project, the oldest look of 2026-06-01
    status 1
    ");
    let hit = &world.json(["inventory", "affected", "pkg:npm/left-demo@1.1.0"])["hits"][0];
    assert_eq!((&hit["since"], &hit["until"]), (&json!("2026-03-08T12:00:00Z"), &json!("2026-03-11T12:00:00Z")));
    assert_eq!(hit["now"], false);
    let never = world.stockade(["inventory", "affected", "pkg:npm/left-demo@1.1.1"]);
    assert_eq!(never.status, Some(0), "it was on a branch that does not lead here: {never}");
    assert_snapshot!(seen(&world.stockade(["inventory", "list", "--project", "web"])), @r"
    2026-03-01                 2 releases  1 file
    2026-03-08                 2 releases  1 file
    2026-03-11  to 2026-06-01  1 release   1 file
    status 0
    ");
    let again = world.stockade(["inventory", "add", "--git-history", "--project", "web"]);
    assert!(again.stdout.contains("as before"), "{again}");
}

#[test]
fn a_history_that_is_not_whole_is_no_clean_bill() {
    let Some(world) = World::or_skip() else { return };
    git(&world, "2026-03-01T00:00:00Z", &["init", "--quiet"]);
    commit(&world, "2026-03-01T12:00:00Z", Some("1.1.0"));
    commit(&world, "2026-03-08T12:00:00Z", None);
    let here = format!("file://{}", world.project.path().display());
    git(&world, "2026-03-08T12:00:00Z", &["clone", "--quiet", "--depth", "1", &here, "shallow"]);
    let added = world.stockade(["inventory", "add", "--git-history", "shallow"]);
    assert_eq!(added.status, Some(2), "{added}");
    assert_snapshot!(seen(&world.stockade(["inventory", "affected", "pkg:npm/left-demo"])), @r"
    asked of 1 project, the oldest look of 2026-06-01
    not read whole: shallow on 2026-03-08: the repository is a shallow clone; what was before its oldest commit is not there
    status 2
    ");
    std::fs::create_dir(world.project.path().join("bare")).unwrap();
    let none = world.stockade(["inventory", "add", "--git-history", "/"]);
    assert_eq!(none.status, Some(2), "{none}");
}

#[test]
fn a_stranger_s_repository_runs_nothing() {
    let Some(world) = World::or_skip() else { return };
    git(&world, "2026-03-01T00:00:00Z", &["init", "--quiet"]);
    commit(&world, "2026-03-01T12:00:00Z", Some("1.0.9"));
    let ran = world.project.path().join("ran");
    let script = format!("touch {}", ran.display());
    world.project.write("evil.sh", format!("#!/bin/sh\n{script}\n"));
    let evil = world.project.path().join("evil.sh");
    std::fs::set_permissions(&evil, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let evil = evil.to_string_lossy().into_owned();
    let keys = ["core.fsmonitor", "core.pager", "diff.external", "gpg.program", "core.sshCommand", "core.editor"];
    for key in keys {
        git(&world, "2026-03-01T12:00:00Z", &["config", key, &evil]);
    }
    git(&world, "2026-03-01T12:00:00Z", &["config", "log.showSignature", "true"]);
    std::fs::remove_file(&ran).unwrap_or_default();
    let added = world.stockade(["inventory", "add", "--git-history", "--project", "web"]);
    assert!(added.ok(), "{added}");
    assert!(!ran.exists(), "a program of the repository ran");
}

#[test]
fn what_was_not_read_is_said_with_every_answer() {
    let Some(world) = World::or_skip() else { return };
    assert_snapshot!(seen(&world.stockade(["inventory", "affected", "pkg:npm/left-demo"])), @r"
    asked of 0 projects
    there are no projects; `stockade inventory add` adds one
    status 2
    ");
    let whole = lockfile(Some("1.0.9"));
    world.project.write("package-lock.json", &whole[..whole.len() - 20]);
    let added = world.stockade(["inventory", "add", "package-lock.json", "--project", "web"]);
    assert_eq!(added.status, Some(2), "{added}");
    let answer = world.stockade(["inventory", "affected", "pkg:npm/elsewhere"]);
    assert_eq!(answer.status, Some(2), "{answer}");
    assert!(answer.stdout.contains("not read whole: web on 2026-06-01: package-lock.json: "), "{answer}");
    for file in ["package-lock.json", "package.json"] {
        std::fs::remove_file(world.project.path().join(file)).unwrap();
    }
    assert_snapshot!(seen(&world.stockade(["inventory", "add", "--project", "web"])), @r"
    stockade: there is no lockfile, no installed tree and no bill of materials that is known; nothing was written down
    hint: name them; `stockade inventory remove` forgets a project
    status 2
    ");
    assert_snapshot!(seen(&world.stockade(["inventory", "affected", "MAL-2026-7"])), @r"
    stockade: no advisory here is called `MAL-2026-7`
    hint: `stockade doctor` says where advisories are put
    status 2
    ");
    assert_snapshot!(seen(&world.stockade(["inventory", "remove", "nobody"])), @r"
    stockade: no project is called `nobody`
    hint: `stockade inventory list` shows them
    status 2
    ");
    assert!(world.stockade(["inventory", "remove", "web"]).ok());
    assert_snapshot!(seen(&world.stockade(["inventory", "list"])), @r"
    there are no projects; `stockade inventory add` adds one
    status 0
    ");
}

#[test]
fn a_bill_of_materials_is_a_project_of_its_own_and_old_looks_are_said() {
    let Some(world) = World::or_skip() else { return };
    let digest = stockade_model::Digest::of(b"left-demo 1.1.0");
    let bill = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "components": [{
            "type": "library", "name": "left-demo", "version": "1.1.0", "purl": "pkg:npm/left-demo@1.1.0",
            "hashes": [{"alg": "SHA-256", "content": digest.hex()}],
        }],
    });
    world.project.write("shop.cdx.json", bill.to_string());
    let added = ["inventory", "add", "shop.cdx.json", "--project", "shop", "--at", "2026-01-01"];
    assert!(world.stockade(added).ok());
    assert_snapshot!(seen(&world.stockade(["inventory", "affected", &digest.to_string()])), @r"
    have it now:
      shop  pkg:npm/left-demo@1.1.0  since 2026-01-01, still there
        shop.cdx.json
    asked of 1 project, the oldest look of 2026-01-01
    old: shop was last looked at on 2026-01-01
    status 1
    ");
    let late = world.stockade(["inventory", "add", "shop.cdx.json", "--at", "2030-01-01"]);
    assert_eq!(late.status, Some(2), "{late}");
}

#[test]
fn whenever_an_import_is_killed_the_next_one_completes_it() {
    let Some(world) = World::or_skip() else { return };
    git(&world, "2026-03-01T00:00:00Z", &["init", "--quiet"]);
    for hour in 0..60 {
        commit(&world, &format!("2026-03-0{}T{:02}:00:00Z", 1 + hour / 20, hour % 20), Some(&format!("1.{hour}.0")));
    }
    let import = |data: &Path| -> Command {
        let mut command = world.command();
        command.args(["--data", &data.to_string_lossy(), "inventory", "add", "--git-history", "--project", "web"]);
        command
    };
    let (killed, whole) = (world.data().join("killed"), world.data().join("whole"));
    for kill in 0..KILLS {
        let mut child = import(&killed).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(15 * kill));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let hits = |data: &Path| -> Value {
        let output = world.project.finish(&mut import(data));
        assert!(output.ok(), "{output}");
        let data = data.to_string_lossy();
        let mut answer = world.json(["--data", &data, "inventory", "affected", "pkg:npm/left-demo"]);
        answer["hits"].take()
    };
    let (killed, whole) = (hits(&killed), hits(&whole));
    assert_eq!(whole.as_array().unwrap().len(), 60);
    assert_eq!(killed, whole);
}
