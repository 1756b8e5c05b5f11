//! Against the real npm registry, or the mirror that this machine's npm is configured for.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;
use stockade_testkit::{Npm, skipped};

const PATIENCE: Duration = Duration::from_mins(2);

/// The registry of the machine's own npm, if it answers.
fn registry(npm: &Npm) -> Option<String> {
    let ask = |arguments: &[&str]| {
        let mut command = Command::new(npm.program());
        let output = command.args(arguments).env("PATH", npm.path()).stdin(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    ask(&["view", "ms@2.1.3", "version", "--fetch-retries=0", "--fetch-timeout=20000"])?;
    ask(&["config", "get", "registry"])
}

#[test]
fn a_guarded_install_from_the_real_registry_is_as_good_as_a_plain_one() {
    let Some(npm) = Npm::usual_or_skip() else { return };
    let Some(registry) = registry(&npm) else {
        return skipped("nothing was installed from the real npm registry: it does not answer");
    };
    let manifest = json!({"dependencies": {"ms": "2.1.3", "lodash": "4.17.21"}});
    let project = npm.project(&manifest).registry(&registry);
    let stockade = |arguments: &[&str]| {
        project.finish_within(project.command(env!("CARGO_BIN_EXE_stockade")).args(arguments), PATIENCE)
    };
    let installed = stockade(&["run", "--", "npm", "install", "--no-audit"]);
    assert!(installed.ok(), "{installed}");
    assert!(installed.stderr.contains("2 packages served"), "{installed}");
    assert!(project.has("node_modules/ms/package.json") && project.has("node_modules/lodash/package.json"));
    let guarded = project.read("package-lock.json").unwrap();

    project.clean();
    std::fs::remove_file(project.path().join("package-lock.json")).unwrap();
    let plain = project.run(["install", "--no-audit"]);
    assert!(plain.ok(), "{plain}");
    assert_eq!(project.read("package-lock.json").unwrap(), guarded, "the lockfile does not tell them apart");

    project.clean();
    let again = stockade(&["run", "--", "npm", "ci", "--no-audit"]);
    assert!(again.ok(), "{again}");
    let why = stockade(&["why", "pkg:npm/ms@2.1.3"]);
    assert!(why.ok() && why.stdout.starts_with("cleared by stockade: `ms` 2.1.3"), "{why}");
    assert!(stockade(&["log", "verify"]).ok());
}
