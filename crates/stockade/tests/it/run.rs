//! `stockade run`.

use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use serde_json::{Value, json};
use stockade_testkit::{Guard, NOW, Npm, Package, hours_before};

use crate::world::{World, contents, hijacked, seen, summary};

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_plain_install_takes_the_hijacked_release_and_a_guarded_one_does_not() {
    let Some(world) = World::or_skip() else { return };
    assert!(world.project.run(["install"]).ok());
    assert_eq!(world.installed("left-demo").as_deref(), Some("1.1.0"));
    world.project.clean();
    std::fs::remove_file(world.project.path().join("package-lock.json")).unwrap();

    let home = contents(&world.project.home());
    let output = world.stockade(["run", "--", "npm", "install"]);
    assert_snapshot!(seen(&output), @"
    added 1 package, and audited 2 packages in [TIME]

    found 0 vulnerabilities
    stockade: through a gateway for this run, in a sandbox (profile: npm install)
    stockade: 1 package served ([N] bytes), 1 steered around
      held  pkg:npm/left-demo@1.1.0  is 5 hours old; policy asks 72 hours
            until [INSTANT]; 1.0.9 is cleared
            why: stockade explain [RULING]
    status 0
    ");
    assert_eq!(world.installed("left-demo").as_deref(), Some("1.0.9"));
    assert_eq!(contents(&world.project.home()), home, "a run changes no file of the user's");
}

#[test]
fn a_policy_that_only_records_lets_everything_in_and_tells_what_it_would_have_refused() {
    let Some(world) = World::or_skip() else { return };
    world.settings("[policy]\nmode = \"audit\"\n");
    let output = world.stockade(["run", "--", "npm", "install", "--no-audit", "--ignore-scripts"]);
    assert_eq!(world.installed("left-demo").as_deref(), Some("1.1.0"));
    assert_snapshot!(summary(&output), @"
    stockade: 1 package served ([N] bytes), 1 only recorded
      would be held  pkg:npm/left-demo@1.1.0  runs code at its install that no cleared release ran: `node steal.js` (package.json:7)
                     why: stockade explain [RULING]
    status 0
    ");
}

#[test]
fn a_hijacked_release_that_is_old_enough_is_held_for_what_it_gained() {
    let Some(world) = World::or_skip() else { return };
    let later = |arguments: &[&str]| {
        let mut command = world.project.command(env!("CARGO_BIN_EXE_stockade"));
        world.project.finish(command.args(["--now", &hours_before(NOW, -100).to_string()]).args(arguments))
    };
    world.project.write("package.json", json!({"dependencies": {"left-demo": "1.1.0"}}).to_string());
    let output = later(&["run", "--", "npm", "install", "--no-audit"]);
    assert!(
        output.stderr.contains("runs code at its install that no cleared release ran: `node steal.js`"),
        "{output}"
    );
    assert!(!world.project.has("node_modules/left-demo") && !world.project.has("stolen"), "{output}");
    // From then on the listing steers around it.
    world.project.write("package.json", json!({"dependencies": {"left-demo": "^1.0.0"}}).to_string());
    let output = later(&["run", "--", "npm", "install", "--no-audit"]);
    assert!(output.ok(), "{output}");
    assert_eq!(world.installed("left-demo").as_deref(), Some("1.0.9"));
    assert!(later(&["approve", "pkg:npm/left-demo@1.1.0", "--reason", "reviewed"]).ok());
    let output = later(&["run", "--", "npm", "update", "--no-audit", "--ignore-scripts"]);
    assert!(output.ok(), "{output}");
    assert_eq!(world.installed("left-demo").as_deref(), Some("1.1.0"));
}

#[test]
fn an_exact_wish_for_a_held_release_is_answered_with_the_reason() {
    let Some(world) = World::or_skip() else { return };
    world.project.write("package.json", json!({"dependencies": {"left-demo": "1.1.0"}}).to_string());
    let output = world.stockade(["run", "npm", "install"]);
    assert_snapshot!(seen(&output), @"
    stockade: through a gateway for this run, in a sandbox (profile: npm install)
    npm error code E403
    npm error 403 Could not download left-demo@1.1.0 due to policy violations:
    npm error 403 held by stockade: `left-demo` 1.1.0 is 5 hours old; policy asks 72 hours
    npm error 403 hint: 1.0.9 is cleared
    npm error 403 see:  stockade explain [RULING]
    npm error 403 In most cases, you or one of your dependencies are requesting a package version that is forbidden by your security policy, or on a server you do not have access to.
    stockade: 0 packages served, 1 steered around
      held  pkg:npm/left-demo@1.1.0  is 5 hours old; policy asks 72 hours
            until [INSTANT]; 1.0.9 is cleared
            why: stockade explain [RULING]
    status 1
    ");
    assert!(!world.project.has("node_modules/left-demo"));
}

#[test]
fn a_lockfile_that_names_a_held_release_is_answered_with_the_reason() {
    let Some(world) = World::or_skip() else { return };
    assert!(world.project.run(["install"]).ok());
    world.project.clean();
    let lockfile = world.project.read("package-lock.json");
    let output = world.stockade(["run", "--", "npm", "ci"]);
    assert_snapshot!(seen(&output), @"
    stockade: through a gateway for this run, in a sandbox (profile: npm install)
    npm error code E403
    npm error 403 403 held by stockade: `left-demo` 1.1.0 is 5 hours old; policy asks 72 hours - GET http://127.0.0.1:[PORT]/npm/left-demo/-/left-demo-1.1.0.tgz - held by stockade: `left-demo` 1.1.0 is 5 hours old; policy asks 72 hours
    npm error 403 hint: 1.0.9 is cleared
    npm error 403 see:  stockade explain [RULING]
    npm error 403 In most cases, you or one of your dependencies are requesting a package version that is forbidden by your security policy, or on a server you do not have access to.
    stockade: 0 packages served, 1 refused
      held  pkg:npm/left-demo@1.1.0  is 5 hours old; policy asks 72 hours
            until [INSTANT]; 1.0.9 is cleared
            why: stockade explain [RULING]
    status 1
    ");
    assert_eq!(world.project.read("package-lock.json"), lockfile);
    assert!(!world.project.has("node_modules/left-demo"));
}

#[test]
fn what_the_client_has_in_its_own_cache_is_asked_for_all_the_same() {
    for npm in Npm::installed() {
        let world = World::with(&npm);
        assert!(world.project.run(["install", "--no-audit"]).ok(), "{npm}");
        std::fs::remove_dir_all(world.project.path().join("node_modules")).unwrap();
        let output = world.stockade(["run", "--", "npm", "ci", "--no-audit"]);
        assert_eq!(output.status, Some(1), "{npm}: {output}");
        assert!(!world.project.has("node_modules/left-demo"), "{npm}: {output}");
    }
}

#[test]
fn malware_is_not_listed_and_whoever_asks_for_it_is_told() {
    let Some(world) = World::or_skip() else { return };
    world.malware("left-demo", "1.1.0");
    let output = world.stockade(["run", "--", "npm", "install"]);
    assert_snapshot!(summary(&output), @"
    stockade: 1 package served ([N] bytes), 1 steered around
      denied  pkg:npm/left-demo@1.1.0  is malware by `MAL-2026-1`: Malicious code in left-demo (npm)
              1.0.9 is cleared
              why: stockade explain [RULING]
    status 0
    ");
    assert_eq!(world.installed("left-demo").as_deref(), Some("1.0.9"));
    let output = world.stockade(["run", "--", "npm", "install", "left-demo@1.1.0"]);
    assert_snapshot!(seen(&output), @"
    stockade: through a gateway for this run, in a sandbox (profile: npm install)
    npm error code E403
    npm error 403 Could not download left-demo@1.1.0 due to policy violations:
    npm error 403 denied by stockade: `left-demo` 1.1.0 is malware by `MAL-2026-1`: Malicious code in left-demo (npm)
    npm error 403 hint: 1.0.9 is cleared
    npm error 403 see:  stockade explain [RULING]
    npm error 403 In most cases, you or one of your dependencies are requesting a package version that is forbidden by your security policy, or on a server you do not have access to.
    stockade: 0 packages served, 1 steered around
      denied  pkg:npm/left-demo@1.1.0  is malware by `MAL-2026-1`: Malicious code in left-demo (npm)
              1.0.9 is cleared
              why: stockade explain [RULING]
    status 1
    ");
}

#[test]
fn an_optional_dependency_that_was_refused_is_not_passed_over() {
    let Some(world) = World::or_skip() else { return };
    world.project.write("package.json", json!({"optionalDependencies": {"left-demo": "^1.0.0"}}).to_string());
    assert!(world.project.run(["install"]).ok());
    world.project.clean();
    let output = world.stockade(["run", "--", "npm", "ci"]);
    assert_snapshot!(seen(&output), @"
    up to date, audited 1 package in [TIME]

    found 0 vulnerabilities
    stockade: through a gateway for this run, in a sandbox (profile: npm install)
    stockade: 0 packages served, 1 refused
      held  pkg:npm/left-demo@1.1.0  is 5 hours old; policy asks 72 hours
            until [INSTANT]; 1.0.9 is cleared
            why: stockade explain [RULING]
      `npm` ended well without it; this ends with 1
    status 1
    ");
}

#[test]
fn a_report_is_for_programs_too_and_standard_output_is_only_that() {
    let Some(world) = World::or_skip() else { return };
    let mut report = world.json(["run", "--", "npm", "install"]);
    for notice in report["steered"].as_array_mut().unwrap() {
        notice["ruling"] = "[RULING]".into();
    }
    report["bytes"] = "[BYTES]".into();
    // They differ by machine.
    assert!(!report["sandbox"]["programs"].take().as_array().unwrap().is_empty());
    assert_snapshot!(serde_json::to_string_pretty(&report).unwrap(), @r#"
    {
      "audited": [],
      "bytes": "[BYTES]",
      "command_status": 0,
      "gateway": "embedded",
      "refused": [],
      "sandbox": {
        "blocked": [],
        "changes": [
          {
            "change": "added",
            "fate": "kept",
            "path": "package-lock.json"
          }
        ],
        "connections": [],
        "control_group": false,
        "dropped": 0,
        "gaps": [],
        "held": [],
        "profile": "npm install",
        "programs": null,
        "tier": "namespaces",
        "variables": [],
        "written": []
      },
      "served": 1,
      "stale": null,
      "status": 0,
      "steered": [
        {
          "instead": "1.0.9",
          "purl": "pkg:npm/left-demo@1.1.0",
          "ruling": "[RULING]",
          "sentence": "held by stockade: `left-demo` 1.1.0 is 5 hours old; policy asks 72 hours",
          "until": "2026-06-04T07:00:00Z",
          "verdict": "hold"
        }
      ]
    }
    "#);
}

#[test]
fn what_the_client_ends_with_is_what_we_end_with() {
    let Some(world) = World::or_skip() else { return };
    world.project.write("package.json", json!({"scripts": {"three": "exit 3"}}).to_string());
    assert_eq!(world.stockade(["-q", "run", "--", "npm", "run", "three"]).status, Some(3));
    let output = world.stockade(["run", "--unsandboxed", "--", "make", "all"]);
    assert_snapshot!(seen(&output), @"
    stockade: `make` is no client that stockade can point at a gateway
    hint: the clients are `npm`, `npx`, `pnpm`, `pnpx`, `yarn`, `yarnpkg`, `bun`, `bunx`, `pip`, `pip3`, `uv`, `uvx`, `poetry`, `cargo`, `mvn`, `gradle`, `gradlew`; anything can be run in a sandbox
    status 2
    ");
    let output = world.stockade(["run"]);
    assert_eq!(output.status, Some(2), "{output}");
}

#[test]
fn a_request_to_end_reaches_the_client() {
    let Some(world) = World::or_skip() else { return };
    let script = "require('fs').writeFileSync('started', ''); setTimeout(() => {}, 600000)";
    world.project.write("wait.js", script);
    world.project.write("package.json", json!({"scripts": {"wait": "exec node wait.js"}}).to_string());
    let mut command = world.command();
    command.args(["-q", "run", "--", "npm", "run", "wait"]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut guard = Guard::spawn(&mut command).unwrap();
    let start = Instant::now();
    while !world.project.has("started") && start.elapsed() < PATIENCE {
        sleep(Duration::from_millis(10));
    }
    guard.signal("TERM");
    let status = guard.wait(PATIENCE).expect("it ends before the client's ten minutes are over");
    assert_eq!(status.code(), Some(128 + 15));
}

#[test]
fn without_the_registry_what_is_there_is_used_and_said_to_be_old() {
    let Some(world) = World::or_skip() else { return };
    assert!(world.stockade(["run", "--", "npm", "install"]).ok());
    world.project.clean();
    world.registry.offline(true);
    let mut later = world.project.command(env!("CARGO_BIN_EXE_stockade"));
    later.args(["--now", &hours_before(NOW, -1).to_string(), "run", "--", "npm", "install", "--no-audit"]);
    std::fs::remove_file(world.project.path().join("package-lock.json")).unwrap();
    let output = world.project.finish(&mut later);
    assert_snapshot!(summary(&output), @"
    stockade: 1 package served ([N] bytes), 1 steered around
      not up to date: the upstream did not answer; this is its index of [INSTANT]
      held  pkg:npm/left-demo@1.1.0  is 6 hours old; policy asks 72 hours
            until [INSTANT]; 1.0.9 is cleared
            why: stockade explain [RULING]
    status 0
    ");
    assert_eq!(world.installed("left-demo").as_deref(), Some("1.0.9"));
}

#[test]
fn an_address_in_the_place_of_a_version_is_not_fetched_past_the_gateway() {
    for npm in Npm::installed() {
        let world = World::with(&npm);
        let url = format!("{}left-demo/-/left-demo-1.1.0.tgz", world.registry.url());
        world.project.write("package.json", json!({"dependencies": {"left-demo": url}}).to_string());
        let output = world.stockade(["run", "--", "npm", "install", "--no-audit"]);
        assert_eq!(output.status, Some(1), "{npm}: {output}");
        assert!(!world.project.has("node_modules/left-demo"), "{npm}: {output}");
        assert_eq!(world.registry.count("/left-demo/-/*"), 0, "{npm}");
    }
}

#[test]
fn an_argument_cannot_send_the_client_past_the_gateway() {
    let Some(world) = World::or_skip() else { return };
    let other = format!("--@acme:registry={}", world.registry.url());
    let output = world.stockade(["run", "--", "npm", "install", &other]);
    assert_snapshot!(seen(&output), @"
    stockade: an argument sends `npm` to another registry, past the gateway
    hint: leave it out, or write the address into the client's configuration
    status 2
    ");
    let output = world.stockade(["run", "--", "npm", "install", "--reg", &world.registry.url()]);
    assert_eq!(output.status, Some(2), "{output}");
    assert!(!world.project.has("node_modules"));
    assert_eq!(world.registry.count("*"), 0);
}

#[test]
fn a_command_that_is_fetched_to_be_run_is_guarded_too() {
    let Some(world) = World::or_skip() else { return };
    let demo = |version: &str| {
        let file = format!("#!/usr/bin/env node\nconsole.log('{version}')\n");
        Package::new("demo-command").release(version).file("bin.js", file).bin("demo-command", "bin.js")
    };
    world.registry.publish(&demo("1.0.0"));
    world.registry.publish(&demo("1.0.1").published(hours_before(NOW, 1)));
    let output = world.stockade(["run", "--", "npx", "--yes", "demo-command"]);
    assert_eq!((output.status, output.stdout.as_str()), (Some(0), "1.0.0\n"), "{output}");
    assert_eq!(world.registry.count("/config"), 0, "the client was asked, and nothing was run instead");
}

#[test]
fn a_scope_with_a_registry_of_its_own_goes_through_the_gateway_to_that_registry() {
    let Some(world) = World::or_skip() else { return };
    let acme = stockade_testkit::FakeRegistry::start();
    acme.publish(&Package::new("@acme/left").release("2.0.0"));
    acme.publish(&Package::new("@acme/left").release("2.1.0").published(hours_before(NOW, 1)));
    acme.require_token("s3cr3t");
    // As projects have it: the scope is the project's, the token is in the environment.
    let place = acme.url().trim_start_matches("http:").to_owned();
    world.project.write(".npmrc", format!("@acme:registry={}\n{place}:_authToken=${{ACME_TOKEN}}\n", acme.url()));
    let World { registry, project } = world;
    let world = World { registry, project: project.env("ACME_TOKEN", "s3cr3t") };
    world.project.write("package.json", json!({"dependencies": {"@acme/left": "^2.0.0"}}).to_string());
    let output = world.stockade(["run", "--", "npm", "install"]);
    assert!(output.ok(), "{output}");
    assert_eq!(world.installed("@acme/left").as_deref(), Some("2.0.0"));
    assert_eq!(world.registry.count("/@acme/left"), 0, "the name is not told to others");
    let lockfile = world.project.read("package-lock.json").unwrap();
    assert!(lockfile.contains(&format!("{}@acme/left/-/left-2.0.0.tgz", acme.url())), "{lockfile}");
    assert!(!format!("{output}").contains("s3cr3t"), "{output}");
}

#[test]
fn bytes_that_were_replaced_are_not_those_that_were_approved() {
    let Some(world) = World::or_skip() else { return };
    let approve = ["approve", "pkg:npm/left-demo@1.1.0", "--reason", "looked at it"];
    assert!(world.stockade(approve).ok());
    let output = world.stockade(["run", "--", "npm", "install"]);
    assert!(output.ok(), "{output}");
    assert_eq!(world.installed("left-demo").as_deref(), Some("1.1.0"));

    world.registry.publish(&hijacked().file("more.js", "// and more"));
    world.project.clean();
    std::fs::remove_file(world.project.path().join("package-lock.json")).unwrap();
    world.project.write("package.json", json!({"dependencies": {"left-demo": "1.1.0"}}).to_string());
    let mut later = world.project.command(env!("CARGO_BIN_EXE_stockade"));
    later.args(["--now", &hours_before(NOW, -1).to_string(), "run", "--", "npm", "install"]);
    let output = world.project.finish(&mut later);
    assert_snapshot!(summary(&output), @"
    stockade: 0 packages served, 1 steered around
      denied  pkg:npm/left-demo@1.1.0  was replaced: its bytes are `sha512:…`, and `sha256:…` was first seen at [INSTANT]
              1.0.9 is cleared
              why: stockade explain [RULING]
    status 1
    ");
    assert!(!world.project.has("node_modules/left-demo"));
}

#[test]
fn the_clients_other_commands_work_through_the_gateway() {
    for npm in Npm::installed() {
        let world = World::with(&npm);
        let run = |arguments: &[&str]| world.stockade([&["run", "--quiet", "--", "npm"], arguments].concat());
        let json = |arguments: &[&str]| -> Value {
            let output = run(arguments);
            serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{npm}: {error}: {output}"))
        };
        let viewed = run(&["view", "left-demo", "dist-tags.latest"]);
        assert_eq!(viewed.stdout.trim(), "1.0.9", "{npm}: {viewed}");
        let tags = run(&["dist-tag", "ls", "left-demo"]);
        assert_eq!(tags.stdout.trim(), "latest: 1.0.9", "{npm}: {tags}");
        assert!(run(&["ping"]).ok(), "{npm}");
        assert_eq!(json(&["search", "left", "--json"])[0]["name"], "left-demo", "{npm}");
        assert!(run(&["install"]).ok(), "{npm}");
        assert_eq!(json(&["outdated", "--json"]), json!({}), "{npm}: what is held is nothing to update to");

        // What is installed turns out to be malware: npm's own report says so.
        world.malware("left-demo", "1.0.9");
        let audit = json(&["audit", "--json"]);
        let title = audit["vulnerabilities"]["left-demo"]["via"][0]["title"].as_str();
        assert_eq!(title, Some("MAL-2026-1: malware: Malicious code in left-demo (npm)"), "{npm}: {audit}");
    }
}
