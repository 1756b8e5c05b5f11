//! Inspecting and comparing, from outside: real files, a registry, and workers that have to be limited.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use stockade_engine::inspection::Inspector;
use stockade_testkit::{Output, Package, Release};

use crate::world::{World, hijacked, sarif, seen};

/// A release as a file in the project's folder.
fn file(world: &World, release: &Release) -> String {
    let path = world.project.path().join(release.file_name());
    fs::write(&path, release.tarball()).unwrap();
    path.to_str().unwrap().to_owned()
}

fn first_line(output: &Output) -> &str {
    output.stdout.lines().next().unwrap_or_default()
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output}"))
}

fn plain() -> Release {
    Package::new("left-demo").release("1.0.9")
}

#[test]
fn a_file_a_folder_and_a_release_are_inspected_alike() {
    let Some(world) = World::or_skip() else { return };
    let tarball = file(&world, &plain());
    let folder = world.project.path().join("unpacked");
    fs::create_dir_all(folder.join(".git")).unwrap();
    fs::write(folder.join("package.json"), plain().manifest().to_string()).unwrap();
    fs::write(folder.join("index.js"), "module.exports = 1;\n").unwrap();
    let purl = "pkg:npm/left-demo@1.0.9";
    for (subject, name) in
        [(tarball.as_str(), "left-demo-1.0.9.tgz"), (folder.to_str().unwrap(), "unpacked"), (purl, "left-demo 1.0.9")]
    {
        let output = world.stockade(["inspect", subject]);
        assert_eq!((first_line(&output), output.status), (&*format!("{name}: no finding"), Some(0)), "{output}");
        let whole = json(&world.stockade(["--format", "json", "inspect", subject]));
        let files = whole["inspection"]["files"].as_array().unwrap();
        let paths: Vec<&str> = files.iter().map(|file| file["path"].as_str().unwrap()).collect();
        assert!(paths.contains(&"index.js") && paths.contains(&"package.json"), "{paths:?}");
    }
    assert!(!world.project.path().join("stolen").exists());
}

#[test]
fn what_is_held_can_be_looked_at_and_nothing_of_it_runs() {
    let Some(world) = World::or_skip() else { return };
    let whole = json(&world.stockade(["--format", "json", "inspect", "pkg:npm/left-demo@1.1.0"]));
    assert_eq!(whole["subject"], "left-demo 1.1.0");
    assert_eq!(whole["inspection"]["starts"][0]["name"], "postinstall");
    assert!(!world.project.path().join("stolen").exists());
}

#[test]
fn a_difference_names_the_hook_that_is_new() {
    let Some(world) = World::or_skip() else { return };
    let (old, new) = (file(&world, &plain()), file(&world, &hijacked().dependency("right-demo", "^1.0.0")));
    let output = world.stockade(["diff", &old, &new]);
    assert!(first_line(&output).starts_with("left-demo-1.0.9.tgz -> left-demo-1.1.0.tgz: gains "), "{output}");
    for part in ["`postinstall`: `node steal.js`", "`right-demo ^1.0.0`", "changed, "] {
        assert!(output.stdout.contains(part), "{part}: {output}");
    }
    let output = world.stockade(["diff", &old, &old]);
    let unchanged = "left-demo-1.0.9.tgz -> left-demo-1.0.9.tgz: gains nothing; no finding";
    assert_eq!((first_line(&output), output.status), (unchanged, Some(0)), "{output}");
}

#[test]
fn artifacts_of_one_release_are_compared_by_what_only_one_has() {
    let Some(world) = World::or_skip() else { return };
    let of = |file: &str, release: &Release| {
        let path = world.project.path().join(file);
        fs::write(&path, release.tarball()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (names, code) = (["left_demo-1.0.9.tar.gz", "left_demo-1.0.9-py3-none-any.whl"], "index.js");
    let built = plain().file(code, "module.exports = (a, b) => a + b\n");
    let hijacked = built.clone().file("extra.js", "const c = require('child_process')\nc.execSync('collect --all')\n");
    let (sdist, wheel) = (of(names[0], &built), of(names[1], &hijacked));
    let output = world.stockade(["diff", &sdist, &wheel]);
    let said = format!("{} | {}: has 1 file of code of its own, 1 of which can do something; ", names[0], names[1]);
    assert!(first_line(&output).starts_with(&said), "{output}");
    for part in ["one-artifact-alone", "`extra.js`: runs programs: `collect --all`", "extra.js:2"] {
        assert!(output.stdout.contains(part), "{part}: {output}");
    }
    assert_eq!(output.status, Some(1), "{output}");
    let output = world.stockade(["diff", &wheel, &sdist]);
    let said = format!("{} | {}: has no code of its own; no finding", names[1], names[0]);
    assert_eq!((first_line(&output), output.status), (&*said, Some(0)), "{output}");
    assert!(output.stdout.contains(&format!("code only in {}:", names[1])), "{output}");
}

#[test]
fn what_the_source_has_not_is_listed_with_code_first() {
    const CODE: &str = "module.exports = 1;\n";
    let Some(world) = World::or_skip() else { return };
    let release = || plain().file("index.js", CODE);
    let checkout = world.project.path().join("checkout");
    for (path, text) in [
        ("package.json", format!("{:#}\n", plain().manifest())),
        ("index.js", CODE.to_owned()),
        ("test/index.js", "require('..');\n".to_owned()),
        (".git/config", "[core]\n".to_owned()),
    ] {
        fs::create_dir_all(checkout.join(path).parent().unwrap()).unwrap();
        fs::write(checkout.join(path), text).unwrap();
    }
    let (own, clean) = (checkout.to_str().unwrap(), file(&world, &release()));
    let output = world.stockade(["diff", own, &clean]);
    assert_eq!(output.status, Some(0), "{output}");
    assert!(!output.stdout.contains("not in checkout:"), "{output}");
    let packed = file(&world, &release().file("m4/host.m4", "x\n").file("lib/tool.js", "eval(process.argv[2]);\n"));
    let output = world.stockade(["diff", own, &packed]);
    let listed: Vec<&str> =
        output.stdout.lines().skip_while(|line| *line != "not in checkout:").skip(1).take(2).map(str::trim).collect();
    assert_eq!(listed, ["`lib/tool.js`", "`m4/host.m4`"], "{output}");
}

#[test]
fn every_format_is_what_it_says() {
    let Some(world) = World::or_skip() else { return };
    let tarball = file(&world, &hijacked().file("<script>alert(1)</script>.js", "eval(process.argv[2]);\n"));
    let written = |format: &str| world.stockade(["--format", format, "inspect", "-v", &tarball]).stdout;
    let sarif = sarif(&written("sarif"));
    assert_eq!(sarif["version"], "2.1.0");
    assert!(written("markdown").starts_with("### stockade: left-demo-1.1.0.tgz: "));
    let page = written("html");
    assert!(page.starts_with("<!doctype html>") && !page.contains("<script"));
    let output = world.stockade(["--format", "sarif", "held"]);
    assert!(output.stderr.contains("this command has no such format"), "{output}");
    assert_eq!(output.status, Some(2));
}

#[test]
fn what_cannot_be_looked_at_is_not_nothing() {
    let Some(world) = World::or_skip() else { return };
    let garbage = world.project.path().join("left-demo-1.0.0.tgz");
    fs::write(&garbage, [0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]).unwrap();
    let output = world.stockade(["inspect", garbage.to_str().unwrap()]);
    assert_eq!(output.status, Some(2), "{output}");
    assert!(output.stdout.contains("could not look:"), "{output}");
    let output = world.stockade(["inspect", "no/such/file"]);
    insta::assert_snapshot!(seen(&output), @"
    stockade: `no/such/file` is no file, no folder and no package URL
    hint: name a file, a folder, or a release such as `pkg:TYPE/NAME@VERSION`
    status 2
    ");
}

#[test]
fn rules_of_ones_own_are_added_and_have_to_be_rules() {
    let Some(world) = World::or_skip() else { return };
    let tarball = file(&world, &plain());
    let folder = world.project.path().join("rules");
    fs::create_dir_all(&folder).unwrap();
    let folder_name = folder.to_str().unwrap();
    let output = world.stockade(["inspect", &tarball, "--rules", folder_name]);
    assert!(output.stderr.contains("there are none"), "{output}");
    fs::write(folder.join("a.md"), "no rule\n").unwrap();
    let output = world.stockade(["inspect", &tarball, "--rules", folder_name]);
    assert_eq!(output.status, Some(2), "{output}");
    assert!(output.stderr.contains("a.md"), "{output}");
}

#[cfg(not(feature = "yara"))]
#[test]
fn rules_of_yara_are_refused_by_a_build_without_it() {
    let Some(world) = World::or_skip() else { return };
    let folder = world.project.path().join("rules");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("a.yar"), "rule a { condition: true }\n").unwrap();
    insta::assert_snapshot!(seen(&world.stockade(["inspect", &file(&world, &plain()), "--rules", "rules"])), @"
    stockade: the rules in `rules` cannot be used
      because `a.yar` has rules of YARA, and this build of stockade reads none
    hint: build one that does with `cargo build --release --features yara`, or move the file out of the folder
    status 2
    ");
}

/// A rule that minds every file that ends in `.js`.
const NO_SCRIPTS: &str = "# scripts\n\nWe want none.\n\n```toml\nverdict = \"hold\"\nscore = 50\n\
                          sentence = \"brings a script\"\n\n[[any]]\nfile = [\".js\"]\n```\n";

#[test]
fn rules_of_the_settings_are_everybodys() {
    let Some(world) = World::or_skip() else { return };
    world.settings("[inspection]\nown-rules = \"team\"\n");
    let folder = world.settings_file().with_file_name("team");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("no-scripts.md"), NO_SCRIPTS).unwrap();
    let tarball = file(&world, &plain());
    let output = world.stockade(["inspect", &tarball]);
    assert_eq!((first_line(&output), output.status), ("left-demo-1.0.9.tgz: 1 finding; asks to hold", Some(1)));
    let output = world.stockade(["run", "--", "npm", "install", "--no-audit"]);
    assert!(!output.ok() && output.stderr.contains("left-demo` 1.0.9 brings a script (index.js)"), "{output}");
    assert_eq!(world.installed("left-demo"), None);
    let doctor = world.stockade(["doctor"]);
    assert!(doctor.stdout.lines().any(|line| line.contains("rules") && line.contains("team")), "{doctor}");
}

#[test]
fn a_rule_that_cannot_be_used_stops_the_start() {
    let Some(world) = World::or_skip() else { return };
    world.settings("[inspection]\nown-rules = \"team\"\n");
    let folder = world.settings_file().with_file_name("team");
    let served = || seen(&world.stockade(["serve", "--listen", "127.0.0.1:0"]));
    insta::assert_snapshot!(served(), @"
    stockade: `~/.config/stockade/stockade.toml` cannot be used
      because the rules in `~/.config/stockade/team` cannot be used
      because it is no folder
    hint: name a folder with rules: files that end in `.md`
    status 2
    ");
    fs::create_dir_all(&folder).unwrap();
    insta::assert_snapshot!(served(), @"
    stockade: `~/.config/stockade/stockade.toml` cannot be used
      because the rules in `~/.config/stockade/team` cannot be used
      because there are none
    hint: a rule is a file that ends in `.md`
    status 2
    ");
    fs::write(folder.join("no-scripts.md"), NO_SCRIPTS.replace("score", "scores")).unwrap();
    insta::assert_snapshot!(served(), @"
    stockade: `~/.config/stockade/stockade.toml` cannot be used
      because the rules in `~/.config/stockade/team` cannot be used
      because the rule in `no-scripts.md` cannot be used: line 7: unknown field `scores`, expected one of `verdict`, `score`, `sentence`, `scope`, `against`, `all`, `any`, `none`
    hint: correct the file, or take it out of the folder: every file there that ends in `.md` has to be a rule
    status 2
    ");
}

/// A file of zeros, as large as it says, in a few thousandths of that.
fn bomb(megabytes: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let zeros = vec![0; 1 << 20];
    (0..megabytes).for_each(|_| encoder.write_all(&zeros).unwrap());
    encoder.finish().unwrap()
}

/// A text, in bytes, of which three copies do not fit into a worker: 150 MiB.
const LARGE: usize = 150 << 20;

fn inspector(patience: Duration) -> Inspector {
    Inspector::with_patience(PathBuf::from(env!("CARGO_BIN_EXE_stockade")), 1, patience)
}

#[tokio::test]
async fn a_bomb_is_a_gap_and_the_next_artifact_is_inspected() {
    let inspector = inspector(Duration::from_mins(1));
    let outcome = inspector.inspect_any("bomb.tgz", bomb(1024).into(), Vec::new()).await;
    let gaps = outcome.map_or_else(|gap| vec![gap], |inspection| inspection.gaps);
    assert!(!gaps.is_empty());
    let outcome = inspector.inspect("npm", "left-demo-1.0.9.tgz", plain().tarball().into(), Vec::new()).await.unwrap();
    assert!(outcome.files.iter().any(|file| file.path == "index.js"));
    let again =
        inspector.inspect("npm", "left-demo-1.0.9.tgz", plain().tarball().into(), vec![Arc::new(outcome.clone())]);
    assert_eq!(again.await, Ok(outcome), "what was seen before is not another thing");
}

#[tokio::test]
async fn what_takes_more_memory_than_there_is_is_a_gap_and_the_next_artifact_is_inspected() {
    let inspector = inspector(Duration::from_mins(2));
    // Text begins like this, and each byte that is none becomes three that stand for it.
    let mut text = vec![b'a'; 1024];
    text.resize(LARGE, 0xff);
    let files = vec![("a.txt".to_owned(), text.into(), false)];
    let gap = inspector.inspect_folder("large", files, Vec::new()).await.unwrap_err();
    assert!(gap.detail.ends_with("it takes more memory than an inspection may use"), "{gap:?}");
    let outcome = inspector.inspect("npm", "left-demo-1.0.9.tgz", plain().tarball().into(), Vec::new()).await.unwrap();
    assert!(outcome.files.iter().any(|file| file.path == "index.js"));
}

#[tokio::test]
async fn a_worker_that_takes_too_long_is_ended() {
    let inspector = inspector(Duration::ZERO);
    let gap = inspector.inspect_any("a.tgz", plain().tarball().into(), Vec::new()).await.unwrap_err();
    assert!(gap.detail.starts_with("`a.tgz` could not be inspected: it took longer than 0 seconds"), "{gap:?}");
}

#[tokio::test]
async fn a_worker_can_do_nothing_but_compute_where_the_system_can_take_the_rest_away() {
    let missing = inspector(Duration::from_secs(20)).confinement().await.unwrap();
    if cfg!(target_os = "linux") {
        assert!(missing.iter().all(|gap| gap.contains("Landlock")), "system calls are filtered: {missing:?}");
    }
}

#[test]
fn a_worker_that_nobody_talks_to_ends_quietly() {
    let Some(world) = World::or_skip() else { return };
    let mut worker = world.command();
    worker.arg("inspect-worker").env("MIMALLOC_ARENA_RESERVE", "0").stdin(std::process::Stdio::null());
    let output = world.project.finish(&mut worker);
    assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""), "{output}");
}
