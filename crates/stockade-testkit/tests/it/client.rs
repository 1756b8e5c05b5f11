//! The real npm against the fake registry.

use std::time::{Duration, Instant};

use serde_json::json;
use stockade_testkit::{FakeRegistry, Fault, Npm, Package, tidy};

fn registry() -> FakeRegistry {
    let registry = FakeRegistry::start();
    registry.publish(
        &Package::new("left-demo").release("1.0.0").file("bin.js", "#!/usr/bin/env node\n").bin("left", "bin.js"),
    );
    registry.publish(&Package::new("@acme/left").release("1.0.0").dependency("left-demo", "^1.0.0"));
    registry
}

#[test]
fn every_version_installs_and_installs_again_from_the_lockfile() {
    for npm in Npm::installed() {
        let registry = registry();
        let project = npm.project(json!({"dependencies": {"@acme/left": "^1.0.0"}})).registry(&registry.url());
        let output = project.run(["install"]);
        assert!(output.ok(), "{npm}: {output}");
        let index = project.read("node_modules/@acme/left/index.js");
        assert_eq!(index.as_deref(), Some("module.exports = \"@acme/left 1.0.0\";\n"), "{npm}");
        assert!(project.has("node_modules/.bin/left"), "{npm}");
        let lockfile = project.read("package-lock.json").unwrap();
        assert!(lockfile.contains(&format!("{}left-demo/-/left-demo-1.0.0.tgz", registry.url())), "{npm}: {lockfile}");
        assert_eq!(registry.count("/-/npm/v1/security/advisories/bulk"), 1, "{npm}: {:?}", registry.requests());
        let agent = registry.requests()[0].header("user-agent").unwrap().to_owned();
        assert!(agent.starts_with(&format!("npm/{} ", npm.number())), "{npm}: {agent}");

        project.clean();
        registry.clear_requests();
        let output = project.run(["ci"]);
        assert!(output.ok(), "{npm}: {output}");
        assert_eq!((registry.count("/left-demo"), registry.count("/left-demo/-/*")), (0, 1), "{npm}");
    }
}

#[test]
fn a_script_of_a_package_runs_where_the_client_runs_scripts() {
    let Some(npm) = Npm::usual_or_skip() else { return };
    let registry = FakeRegistry::start();
    let script = "require('fs').writeFileSync('ran', process.version)";
    registry
        .publish(&Package::new("left-demo").release("1.0.0").file("x.js", script).script("postinstall", "node x.js"));
    let project = npm.project(json!({"dependencies": {"left-demo": "*"}})).registry(&registry.url());
    let output = project.run(["install"]);
    assert!(output.ok(), "{output}");
    assert_eq!(project.has("node_modules/left-demo/ran"), npm.major() < 12, "{output}");
}

#[test]
fn a_client_has_a_world_of_its_own() {
    let Some(npm) = Npm::usual_or_skip() else { return };
    let project = npm.project("{}").registry("http://registry.example/").env("npm_config_loglevel", "http");
    let asked = |key: &str| project.run(["config", "get", key]).stdout.trim().to_owned();
    assert_eq!(asked("registry"), "http://registry.example/");
    assert_eq!(asked("loglevel"), "http");
    assert_eq!(asked("userconfig"), project.home().join(".npmrc").to_string_lossy());
    assert!(asked("cache").starts_with(&*project.home().parent().unwrap().to_string_lossy()));
    let command = project.finish(project.command("npm").arg("--version"));
    assert_eq!(command.stdout.trim(), npm.number());
}

#[test]
fn a_token_reaches_the_registry() {
    let Some(npm) = Npm::usual_or_skip() else { return };
    let registry = registry();
    registry.require_token("s3cr3t");
    let project = npm.project("{}").registry(&registry.url());
    assert!(!project.run(["install", "left-demo"]).ok());
    let project = npm.project("{}").registry(&registry.url()).token(&registry.url(), "s3cr3t");
    let output = project.run(["install", "left-demo"]);
    assert!(output.ok(), "{output}");
}

#[test]
fn the_client_finds_other_bytes_and_says_so() {
    let Some(npm) = Npm::usual_or_skip() else { return };
    let registry = registry();
    registry.fault("/left-demo/-/*", Fault::Corrupt);
    let project = npm.project("{}").registry(&registry.url()).config("fetch-retries", "0");
    let output = project.run(["install", "left-demo"]);
    assert!(!output.ok());
    assert!(tidy(&output.stderr).contains("EINTEGRITY"), "{output}");
}

#[test]
fn a_program_that_does_not_end_is_ended() {
    let Some(npm) = Npm::usual_or_skip() else { return };
    let project = npm.project(json!({"scripts": {"wait": "node -e \"setTimeout(() => {}, 600000)\""}}));
    let start = Instant::now();
    let output = project.finish_within(project.command("npm").args(["run", "wait"]), Duration::from_secs(2));
    assert_eq!(output.status, None, "{output}");
    assert!(start.elapsed() < Duration::from_mins(1));
}
