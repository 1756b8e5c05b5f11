//! `stockade advisories`: feeds that answer, change, fail and fall silent; files and bundles that are brought.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use insta::assert_snapshot;
use serde_json::{Value, json};
use stockade_testkit::{Fault, FileServer, Guard, Output, Stall, zip_of};

use crate::serve::{serve, wait_until};
use crate::world::{World, seen};

const LOCKFILE: &str = r#"{
  "name": "demo", "lockfileVersion": 3,
  "packages": {
    "": { "name": "demo", "dependencies": { "right-demo": "^1.0.0" } },
    "node_modules/right-demo": { "version": "1.0.0" }
  }
}"#;
/// How many records a feed has.
const RECORDS: usize = 60;
/// Three days after the instant of the tests.
const LATER: &str = "2026-06-04T12:00:00Z";
/// How often an update is killed, each time a little later.
const KILLS: u64 = 10;
const PATIENCE: Duration = Duration::from_secs(20);

/// A record that condemns a version of a package, and is also called by the name of a vulnerability.
fn record(id: &str, package: &str, version: &str) -> String {
    let affected = json!([{"package": {"ecosystem": "npm", "name": package}, "versions": [version]}]);
    let modified = "2026-05-31T00:00:00Z";
    json!({"id": id, "modified": modified, "summary": "takes tokens", "aliases": ["CVE-2026-1"], "affected": affected})
        .to_string()
}

/// A zip of records about packages that nobody here has, and of one more.
fn zip(id: &str, package: &str, version: &str) -> Vec<u8> {
    let named = |id: &str, text: String| (format!("{id}.json"), text);
    let mut files: Vec<(String, String)> = (0..RECORDS)
        .map(|at| named(&format!("MAL-{at}"), record(&format!("MAL-{at}"), &format!("pad-{at}"), "1.0.0")))
        .collect();
    files.push(named(id, record(id, package, version)));
    zip_of(&files)
}

/// A feed of a zip, and a user whose settings name it.
fn world() -> Option<(World, FileServer)> {
    let world = World::or_skip()?;
    world.project.write("package-lock.json", LOCKFILE);
    let feed = FileServer::start();
    feed.put("/all.zip", zip("MAL-one", "left-demo", "9.9.9"));
    world.settings(&settings(&feed, &[("all.zip", "osv")]));
    Some((world, feed))
}

fn settings(feed: &FileServer, feeds: &[(&str, &str)]) -> String {
    feeds.iter().fold(String::new(), |mut text, (path, kind)| {
        let _ = write!(text, "[[advisories.feeds]]\nurl = \"{}{path}\"\nkind = \"{kind}\"\n", feed.url());
        text
    })
}

fn update(world: &World) -> Output {
    world.stockade(["advisories", "update"])
}

/// Stockade at another instant.
fn at(world: &World, instant: &str, arguments: &[&str]) -> Output {
    let mut command = world.project.command(env!("CARGO_BIN_EXE_stockade"));
    world.project.finish(command.args(["--now", instant, "--ecosystem", "npm"]).args(arguments))
}

#[test]
fn a_feed_is_fetched_when_it_changed_and_what_changed_is_laid_over() {
    let Some((world, feed)) = world() else { return };
    assert_snapshot!(seen(&world.stockade(["scan"])), @"
    looked at 1 release in 1 file, with 0 advisory records
    not looked at:
      there are no advisories; `stockade doctor` says where they are put
      advisories are not up to date: `http://127.0.0.1:[PORT]/all.zip` was never fetched; `stockade advisories update` fetches it
    status 2
    ");
    assert_snapshot!(seen(&update(&world)), @"
    http://127.0.0.1:[PORT]/all.zip  changed, 14933 bytes
    61 records, the newest of [INSTANT]
    status 0
    ");
    assert_snapshot!(seen(&update(&world)), @"
    http://127.0.0.1:[PORT]/all.zip  unchanged
    61 records, the newest of [INSTANT]
    status 0
    ");
    let asked = feed.requests();
    assert_eq!((asked.len(), asked[0].header("if-none-match")), (2, None));
    assert!(asked[1].header("if-none-match").is_some());
    assert!(world.stockade(["scan"]).ok());
    let before = world.json(["advisories", "status"]);
    assert_eq!((&before["records"], &before["overlays"], &before["gaps"]), (&json!(61), &json!(0), &json!([])));

    feed.put("/all.zip", zip("MAL-one", "right-demo", "1.0.0"));
    let changed = update(&world);
    assert!(changed.ok() && changed.stdout.contains("changed, "), "{changed}");
    let after = world.json(["advisories", "status"]);
    assert_eq!(after["overlays"], 1, "{after}");
    assert!(after["sequence"].as_u64() > before["sequence"].as_u64());
    let scan = world.stockade(["scan"]);
    assert!(scan.status == Some(1) && scan.stdout.contains("MAL-one"), "{scan}");
}

#[test]
fn a_feed_that_fails_keeps_what_is_there_and_is_a_gap_everywhere() {
    let Some((world, feed)) = world() else { return };
    assert!(update(&world).ok());
    for fault in [Fault::Status(403), Fault::Replace(b"<html>log in</html>".to_vec()), Fault::Truncate(100)] {
        feed.fault("/all.zip", fault.clone());
        let failed = update(&world);
        assert_eq!(failed.status, Some(2), "{fault:?}: {failed}");
        let scan = world.stockade(["scan"]);
        assert_eq!(scan.status, Some(2), "{fault:?}: {scan}");
        assert!(scan.stdout.contains("with 61 advisory records"), "{fault:?}: {scan}");
        assert!(scan.stdout.contains("all.zip` failed: "), "{fault:?}: {scan}");
    }
    feed.clear_faults();
    feed.fault("/all.zip", Fault::Status(403));
    assert_snapshot!(seen(&update(&world)), @"
    http://127.0.0.1:[PORT]/all.zip  failed: the upstream answered 403
    61 records, the newest of [INSTANT]
    missing:
      `http://127.0.0.1:[PORT]/all.zip` failed: the upstream answered 403; last answered [INSTANT]
    status 2
    ");
    let doctor = world.stockade(["doctor"]);
    assert!(doctor.status == Some(1) && doctor.stdout.contains("all.zip` failed: "), "{doctor}");
    let why = world.json(["why", "pkg:npm/left-demo@1.0.9"]);
    assert!(why.to_string().contains("advisories are not up to date"), "{why}");
    feed.clear_faults();
    assert!(update(&world).ok());
    assert!(world.stockade(["scan"]).ok());
}

#[test]
fn a_feed_that_is_silent_for_too_long_is_a_gap() {
    let Some((world, feed)) = world() else { return };
    assert!(update(&world).ok());
    assert_snapshot!(seen(&at(&world, LATER, &["scan"])), @"
    looked at 1 release in 1 file, with 61 advisory records, the newest of 2026-05-31
    not looked at:
      advisories are not up to date: `http://127.0.0.1:[PORT]/all.zip` is stale: last answered [INSTANT], more than 2 days ago
    status 2
    ");
    assert_eq!(at(&world, LATER, &["advisories", "status"]).status, Some(2));
    let text = format!("[advisories]\nmax-age = \"4d\"\n{}", settings(&feed, &[("all.zip", "osv")]));
    world.settings(&text);
    assert!(at(&world, LATER, &["scan"]).ok());
    assert!(at(&world, LATER, &["advisories", "update"]).ok());
    assert!(at(&world, "2026-06-08T11:00:00Z", &["scan"]).ok(), "it answered that nothing has changed");
}

#[test]
fn a_process_that_is_killed_leaves_what_was_there() {
    let Some((world, feed)) = world() else { return };
    assert!(update(&world).ok());
    feed.put("/all.zip", zip("MAL-one", "right-demo", "1.0.0"));
    feed.fault("/all.zip", Fault::Hang(Stall::MidBody));
    let mut killed = Guard::spawn(world.command().args(["advisories", "update"])).unwrap();
    assert!(feed.wait_for("/all.zip", 2, PATIENCE));
    std::thread::sleep(Duration::from_millis(200));
    killed.kill();
    assert!(world.stockade(["scan"]).ok(), "what was there is still there, and is not stale");
    feed.clear_faults();
    assert!(update(&world).ok());
    assert_eq!(world.stockade(["scan"]).status, Some(1));
    let folder = world.data().join("advisory-feeds");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(names.into_iter().all(|name| !name.starts_with('.')), "nothing half is kept");
}

#[test]
fn a_process_that_is_killed_at_any_moment_leaves_the_old_state_or_the_new() {
    let Some((world, feed)) = world() else { return };
    assert!(update(&world).ok());
    for kill in 0..KILLS {
        let (package, version) = if kill % 2 == 0 { ("right-demo", "1.0.0") } else { ("left-demo", "9.9.9") };
        feed.put("/all.zip", zip("MAL-one", package, version));
        let mut killed = Guard::spawn(world.command().args(["advisories", "update"])).unwrap();
        std::thread::sleep(Duration::from_millis(15 * kill));
        killed.kill();
        let scan = world.stockade(["scan"]);
        assert!(matches!(scan.status, Some(0 | 1)), "{kill}: {scan}");
    }
    assert!(update(&world).ok());
    let last = if KILLS % 2 == 1 { Some(1) } else { Some(0) };
    assert_eq!(world.stockade(["scan"]).status, last);
}

#[test]
fn scores_reports_of_use_and_lists_come_with_what_is_found() {
    let Some((world, feed)) = world() else { return };
    feed.put("/all.zip", zip("GHSA-one", "right-demo", "1.0.0"));
    feed.put("/scores.csv", "#model_version:v1\ncve,epss,percentile\nCVE-2026-1,0.5,0.75\n");
    feed.put("/used.json", json!({"vulnerabilities": [{"cveID": "CVE-2026-1"}]}).to_string());
    feed.put("/ours", "pkg:npm/right-demo@1.0.0 seen in our logs\n");
    let feeds = [("all.zip", "osv"), ("scores.csv", "epss"), ("used.json", "kev"), ("ours", "list")];
    world.settings(&settings(&feed, &feeds));
    let updated = update(&world);
    assert!(updated.ok(), "{updated}");
    let scan = world.json(["scan"]);
    let finding = |id: &str| {
        let findings = scan["findings"].as_array().unwrap().iter();
        findings.clone().find(|one| one["id"].as_str().unwrap().starts_with(id)).cloned().unwrap_or(Value::Null)
    };
    let known = finding("GHSA-one");
    assert_eq!((&known["probability"], &known["exploited"]), (&json!(0.5), &json!(true)), "{scan}");
    assert_eq!(finding("LOCAL-")["class"], "malicious", "{scan}");
}

/// A second machine, which reaches no feed.
fn apart(world: &World, settings: &str) -> Vec<String> {
    world.project.write("apart.toml", settings);
    ["--config", "apart.toml", "--data", "apart"].map(str::to_owned).to_vec()
}

#[test]
fn a_gateway_fetches_by_itself_if_it_is_told_to() {
    let Some((world, feed)) = world() else { return };
    feed.put("/all.zip", zip("MAL-one", "left-demo", "1.0.9"));
    let settings = settings(&feed, &[("all.zip", "osv")]);
    world.settings(&format!("[advisories]\nevery = \"1m\"\n{settings}"));
    let mut served = serve(&world, &["--listen", "127.0.0.1:0"]);
    let npm = || {
        let registry = format!("{}/npm/", served.url);
        world.project.run(["view", "left-demo@1.0.9", "version", "--prefer-online", "--registry", &registry])
    };
    assert!(wait_until(|| npm().stdout.trim().is_empty()), "it is known as malware, and not listed");
    assert_eq!(feed.count("/all.zip"), 1);
    assert!(world.data().join("advisory-feeds").is_dir());
    // It was asked a moment ago, whoever did.
    served.guard.kill();
    let again = serve(&world, &["--listen", "127.0.0.1:0"]);
    let log = || fs::read_to_string(&again.log).unwrap();
    assert!(wait_until(|| log().contains("fetched every 1 minute")), "{}", log());
    assert_eq!(feed.count("/all.zip"), 1);
}

#[test]
fn a_bundle_goes_to_a_machine_that_reaches_no_feed() {
    let Some((world, feed)) = world() else { return };
    feed.put("/all.zip", zip("MAL-one", "right-demo", "1.0.0"));
    assert_eq!(world.stockade(["advisories", "export", "out.zip"]).status, Some(2), "there is nothing yet");
    assert!(update(&world).ok());
    let exported = world.json(["advisories", "export", "out.zip"]);
    let key = exported["key"].as_str().unwrap().to_owned();
    let run = |settings: &str, arguments: &[&str]| {
        let global = apart(&world, settings);
        world.stockade(global.iter().map(String::as_str).chain(arguments.iter().copied()))
    };
    let refused = run("", &["advisories", "import", "out.zip"]);
    assert_eq!(refused.status, Some(2));
    assert!(refused.stderr.contains("which `trust` in `[advisories]` does not name"), "{refused}");
    assert_eq!(run("", &["scan"]).status, Some(2), "nothing was imported");
    let trust = format!("[advisories]\ntrust = [\"{key}\"]\n");
    let imported = run(&trust, &["advisories", "import", "out.zip"]);
    assert!(imported.ok(), "{imported}");
    let scan = run(&trust, &["scan"]);
    assert!(scan.status == Some(1) && scan.stdout.contains("MAL-one"), "{scan}");
    assert_eq!(feed.count("/all.zip"), 1, "the other machine asks nobody");
}

#[test]
fn files_are_imported_once_and_whole() {
    let Some(world) = World::or_skip() else { return };
    world.project.write("package-lock.json", LOCKFILE);
    fs::write(world.project.path().join("all.zip"), zip("MAL-one", "right-demo", "1.0.0")).unwrap();
    world.project.write("records/MAL-two.json", record("MAL-two", "right-demo", "1.0.0"));
    world.project.write("broken/MAL-3.json", "{");
    world.project.write("ours.txt", "pkg:npm/right-demo ours\n");
    let import = |arguments: &[&str]| world.stockade(["advisories", "import"].iter().chain(arguments));
    assert_snapshot!(seen(&import(&["all.zip"])), @"
    imported as ~/.local/share/stockade/advisories/all.osv
    61 records, the newest of [INSTANT]
    status 0
    ");
    assert_snapshot!(seen(&import(&["all.zip"])), @"
    stockade: `all.zip` was not imported: `all` was imported before; `--replace` replaces it, and `--as` gives another name
    status 2
    ");
    assert!(import(&["all.zip", "--replace"]).ok());
    assert!(import(&["all.zip", "--as", "npm"]).ok());
    assert!(import(&["records"]).ok());
    assert!(import(&["ours.txt"]).ok());
    assert_snapshot!(seen(&import(&["broken"])), @"
    stockade: `broken` was not imported: MAL-3.json: the record is not OSV: EOF while parsing an object at line 1 column 1
    status 2
    ");
    let ids: Vec<String> =
        world.json(["scan"])["findings"].as_array().unwrap().iter().map(ToString::to_string).collect();
    assert!(ids.iter().any(|one| one.contains("MAL-two")), "{ids:?}");
    let folder: PathBuf = world.data().join("advisories");
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["all.osv", "npm.osv", "ours.list", "records.osv"]);
    let nothing = world.stockade(["advisories", "update"]);
    assert!(nothing.status == Some(2) && nothing.stderr.contains("no feed is configured"), "{nothing}");
}
