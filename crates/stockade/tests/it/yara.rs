//! Rules of YARA, from a file in a folder to a refused install, with the workers that look for them.

use std::fs;
use std::path::PathBuf;

use stockade_testkit::{Output, Package, Release};

use crate::world::{World, seen};

/// A rule for an address that nobody has.
const BEACON: &str = r#"rule Evil_Beacon {
    meta:
        description = "talks to the beacon"
    strings:
        $host = "beacon.invalid"
    condition:
        $host
}
"#;

/// A rule that is not at its end for a long time.
const SLOW: &str = "rule slow { condition: for all i in (0..0x7fffffff) : (uint8(i % 8) < 256) }\n";

fn folder(world: &World, file: &str, text: &str) -> PathBuf {
    world.settings("[inspection]\nown-rules = \"team\"\n");
    let folder = world.settings_file().with_file_name("team");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(file), text).unwrap();
    folder
}

fn tarball(world: &World, release: &Release) -> String {
    let path = world.project.path().join(release.file_name());
    fs::write(&path, release.tarball()).unwrap();
    path.to_str().unwrap().to_owned()
}

fn planted() -> Release {
    Package::new("left-demo").release("1.0.9").file("lib/data.txt", "one\ntwo beacon.invalid\n")
}

fn inspect(world: &World, release: &Release) -> Output {
    let tarball = tarball(world, release);
    world.stockade(["inspect", &tarball])
}

#[test]
fn a_confined_worker_finds_what_a_rule_says() {
    let Some(world) = World::or_skip() else { return };
    folder(&world, "beacon.yar", BEACON);
    let output = inspect(&world, &planted());
    assert_eq!(output.status, Some(1), "{output}");
    assert!(output.stdout.starts_with("left-demo-1.0.9.tgz: 1 finding; asks to hold\n"), "{output}");
    let said = "matches the rule `Evil_Beacon` of YARA: talks to the beacon (lib/data.txt:2)";
    for part in ["evil-beacon", said, "two beacon.invalid"] {
        assert!(output.stdout.contains(part), "{part}: {output}");
    }
    let output = inspect(&world, &Package::new("left-demo").release("1.0.9"));
    assert_eq!(output.status, Some(0), "{output}");
}

#[test]
fn a_rule_that_cannot_be_compiled_stops_the_start() {
    let Some(world) = World::or_skip() else { return };
    folder(&world, "beacon.yar", &BEACON.replace("\"beacon.invalid\"", "\"beacon.invalid"));
    insta::assert_snapshot!(seen(&world.stockade(["serve", "--listen", "127.0.0.1:0"])), @"
    stockade: `~/.config/stockade/stockade.toml` cannot be used
      because the rules in `~/.config/stockade/team` cannot be used
      because the rule in `beacon.yar` cannot be used: line 5: syntax error: unclosed literal string
    hint: correct the rule, or take the file out of the folder: what ends in `.yar` or `.yara` there has to be YARA
    status 2
    ");
}

#[test]
fn what_takes_too_long_is_no_clean_answer() {
    let Some(world) = World::or_skip() else { return };
    folder(&world, "slow.yara", SLOW);
    let output = inspect(&world, &Package::new("left-demo").release("1.0.9"));
    assert_eq!(output.status, Some(2), "{output}");
    let said = "was not searched to its end with the rules of YARA: it takes longer than 4 seconds";
    assert!(output.stdout.contains(said), "{output}");
}

#[test]
fn a_new_rule_judges_what_was_let_in_before_and_a_policy_may_allow_it() {
    let Some(world) = World::or_skip() else { return };
    let install = || world.stockade(["run", "--", "npm", "install", "--no-audit"]);
    assert!(install().ok());
    assert!(world.installed("left-demo").is_some());
    world.project.clean();
    let rule = BEACON.replace("beacon.invalid", "module.exports");
    folder(&world, "beacon.yar", &rule);
    let output = install();
    assert!(!output.ok() && output.stderr.contains("matches the rule `Evil_Beacon` of YARA"), "{output}");
    assert_eq!(world.installed("left-demo"), None);
    world.settings("[inspection]\nown-rules = \"team\"\n[policy.inspection.rules]\nevil-beacon = \"allow\"\n");
    assert!(install().ok());
}
