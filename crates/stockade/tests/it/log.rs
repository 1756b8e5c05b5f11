//! `stockade log` and `stockade doctor`.

use insta::assert_snapshot;
use rusqlite::Connection;

use crate::world::{World, seen};

#[test]
fn the_log_tells_what_happened_and_who_was_given_what() {
    let Some(world) = World::or_skip() else { return };
    assert_snapshot!(seen(&world.stockade(["log", "verify"])), @"
    stockade: there is no log in ~/.local/share/stockade
    hint: nothing was recorded there yet; `--data` names another folder
    status 2
    ");
    assert!(world.stockade(["run", "--", "npm", "install", "--no-audit"]).ok());
    assert_snapshot!(seen(&world.stockade(["log", "show"])), @"
    5  [INSTANT]  served  pkg:npm/left-demo@1.0.9  127.0.0.1
    4  [INSTANT]  ruling  cleared by stockade: `left-demo` 1.0.9
    3  [INSTANT]  pin     pkg:npm/left-demo@1.0.9
    2  [INSTANT]  ruling  held by stockade: `left-demo` 1.1.0 is 5 hours old; policy asks 72 hours
    1  [INSTANT]  policy  sha256:…
    status 0
    ");
    let entries = world.json(["log", "show", "-n", "2"]);
    assert_eq!(entries.as_array().map(Vec::len), Some(2));
    let served = entries.as_array().unwrap().iter().find(|entry| entry["kind"] == "served").unwrap();
    let digest = served["body"]["digest"].as_str().unwrap();
    let output = world.stockade(["log", "served", digest]);
    assert_snapshot!(seen(&output), @"
    [INSTANT]  127.0.0.1  pkg:npm/left-demo@1.0.9
    status 0
    ");
    let nobody = world.stockade(["log", "served", &format!("sha256:{}", "0".repeat(64))]);
    assert!(nobody.ok() && nobody.stderr.contains("nobody was given"), "{nobody}");
    assert_eq!(world.stockade(["log", "served", "md5:0"]).status, Some(2));
}

#[test]
fn who_was_given_what_is_now_malware_can_be_asked() {
    let Some(world) = World::or_skip() else { return };
    assert!(world.stockade(["run", "--", "npm", "install", "--no-audit"]).ok());
    let unknown = world.stockade(["log", "served", "--malware"]);
    assert_eq!(unknown.status, Some(2), "{unknown}");
    assert!(unknown.stderr.contains("there are no advisories"), "{unknown}");
    world.malware("right-demo", "1.0.0");
    let none = world.stockade(["log", "served", "--malware"]);
    assert!(none.ok() && none.stderr.contains("nothing malware that was given out"), "{none}");
    world.malware("left-demo", "1.0.9");
    assert_snapshot!(seen(&world.stockade(["log", "served", "--malware"])), @"
    pkg:npm/left-demo@1.0.9  MAL-2026-1  Malicious code in left-demo (npm)
      [INSTANT]  127.0.0.1  pkg:npm/left-demo@1.0.9  sha256:…
    status 1
    ");
    let report = world.json(["log", "served", "--malware"]);
    assert_eq!(report[0]["id"], "MAL-2026-1");
    assert_eq!(report[0]["given"][0]["principal"], "127.0.0.1");
    assert!(report[0]["given"][0]["digest"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(world.stockade(["log", "served"]).status, Some(2));
}

#[test]
fn a_log_that_was_tampered_with_is_found_out() {
    let Some(world) = World::or_skip() else { return };
    assert_eq!(world.stockade(["why", "pkg:npm/left-demo@1.1.0"]).status, Some(1));
    let verified = world.json(["log", "verify"]);
    assert_eq!(verified["entries"], 2);
    let end = format!("{}:{}", verified["head"]["seq"], verified["head"]["hash"].as_str().unwrap());
    assert!(world.stockade(["log", "verify", "--expect", &end]).ok());
    let other = format!("2:{}", "0".repeat(64));
    assert_snapshot!(seen(&world.stockade(["log", "verify", "--expect", &other])), @"
    the log was tampered with: entry 2 is not the one that was expected: the log was rewritten
    status 1
    ");
    assert_eq!(world.stockade(["log", "verify", "--expect", "two"]).status, Some(2));

    let store = Connection::open(world.data().join("stockade.db")).unwrap();
    store.execute("UPDATE log SET body = replace(body, 'hold', 'allow') WHERE seq = 2", []).unwrap();
    assert_snapshot!(seen(&world.stockade(["log", "verify"])), @"
    the log was tampered with: entry 2 does not follow from the one before it: it was edited or moved
    status 1
    ");
    let checks = world.json(["doctor"]);
    let log = checks.as_array().unwrap().iter().find(|check| check["what"] == "log").unwrap();
    assert_eq!(log["state"], "fail");
    assert_eq!(world.stockade(["-q", "doctor"]).status, Some(1));
    store.pragma_update(None, "foreign_keys", false).unwrap();
    store.execute("DELETE FROM log WHERE seq = 1", []).unwrap();
    assert_snapshot!(seen(&world.stockade(["log", "verify", "--format", "json"])), @r#"
    {
      "fault": "missing",
      "seq": 1
    }
    status 1
    "#);
}

#[test]
fn a_ruling_that_was_edited_does_not_replay() {
    let Some(world) = World::or_skip() else { return };
    let id = world.json(["why", "pkg:npm/left-demo@1.1.0"])[0]["id"].as_str().unwrap().to_owned();
    let store = Connection::open(world.data().join("stockade.db")).unwrap();
    store.execute("UPDATE log SET body = replace(body, '5 hours', '5 years') WHERE kind = 'ruling'", []).unwrap();
    let output = world.stockade(["explain", &id]);
    assert_eq!(output.status, Some(2), "{output}");
    assert!(output.stdout.contains("replayed: NOT the same"), "{output}");
}
