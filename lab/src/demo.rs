//! `cargo xtask demo`: an inert replay of how event-stream was taken over, against a registry that lives for a minute.
//!
//! A maintainer handed the package over, and the next patch release had one new dependency; the attack was in that. Here
//! both are ours, nothing in them does anything, and the registry, the projects and the gateway's data are temporary. The
//! first install is npm's own. The second is guarded, and nothing else differs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, anyhow, ensure};
use stockade_testkit::{FakeRegistry, Npm, Output, Package, Project, hours_before, tidy};

/// How old the hijacked release is.
const HOURS: i64 = 5;
/// What the project of the demonstration wants.
const MANIFEST: &str = r#"{"name":"your-project","private":true,"dependencies":{"stream-demo":"^3.3.4"}}"#;
/// What npm is asked in each of the projects. Its own vulnerability report has nothing to do with this.
const INSTALL: [&str; 3] = ["npm", "install", "--no-audit"];

pub(crate) fn run() -> anyhow::Result<()> {
    let npm = Npm::on_path().map_err(|why| anyhow!("the demonstration needs npm: {why}"))?;
    let stockade = build()?;
    let registry = FakeRegistry::start();
    publish(&registry);
    let project = || npm.project(MANIFEST).registry(&registry.url());

    say("a project wants `stream-demo` ^3.3.4; 3.3.6 is five hours old and has a new dependency, `flatmap-demo`");
    let plain = project();
    show(&plain, &INSTALL)?;
    show(&plain, &["npm", "ls", "--all"])?;

    say("the same project, guarded; nobody has noticed anything yet");
    let guarded = project().env("PATH", path_with(&stockade, &npm)?);
    show(&guarded, &guard(&INSTALL))?;
    show(&guarded, &["npm", "ls", "--all"])?;

    say("somebody insists");
    insist(&guarded)?;

    say("hours later a malware advisory names it, and somebody insists again");
    write_advisory(&guarded.home().join(".local/share/stockade/advisories"))?;
    insist(&guarded)
}

fn insist(project: &Project) -> anyhow::Result<()> {
    let insisting = show(project, &guard(&["npm", "install", "--no-audit", "stream-demo@3.3.6"]))?;
    ensure!(insisting.status == Some(1), "the hijacked release was installed: this is a bug");
    Ok(())
}

fn publish(registry: &FakeRegistry) {
    let published = hours_before(stockade_testkit::now(), HOURS);
    let (stream, flatmap) = (Package::new("stream-demo"), Package::new("flatmap-demo"));
    registry.publish_all(&[
        stream.release("3.3.4").publisher("the-maintainer"),
        stream.release("3.3.5").publisher("the-maintainer"),
        stream.release("3.3.6").publisher("right9-demo").dependency("flatmap-demo", "^0.1.0").published(published),
        flatmap
            .release("0.1.1")
            .publisher("right9-demo")
            .published(published)
            .file("index.js", "// inert: the real one decrypted a payload here and sent wallets to copay.invalid\n"),
    ]);
}

fn write_advisory(folder: &Path) -> anyhow::Result<()> {
    let record = serde_json::json!({
        "schema_version": "1.7.0",
        "id": "MAL-0000-0001",
        "summary": "steals wallets (a demonstration)",
        "affected": [
            {"package": {"ecosystem": "npm", "name": "stream-demo"}, "versions": ["3.3.6"]},
            {"package": {"ecosystem": "npm", "name": "flatmap-demo"}, "versions": ["0.1.1"]},
        ],
    });
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("MAL-0000-0001.json"), record.to_string()).context("the advisory could not be written")
}

fn build() -> anyhow::Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--locked", "--package", "stockade"]).current_dir(crate::root());
    ensure!(cargo.status()?.success(), "stockade could not be built");
    Ok(crate::target().join("debug"))
}

fn path_with(folder: &Path, npm: &Npm) -> anyhow::Result<std::ffi::OsString> {
    let old = npm.path();
    Ok(std::env::join_paths(std::iter::once(folder.to_owned()).chain(std::env::split_paths(&old)))?)
}

fn guard<'a>(command: &[&'a str]) -> Vec<&'a str> {
    ["stockade", "run", "--"].iter().copied().chain(command.iter().copied()).collect()
}

fn say(words: &str) {
    println!("\n# {words}");
}

/// Runs a command and shows it as a terminal would.
fn show(project: &Project, command: &[&str]) -> anyhow::Result<Output> {
    println!("\n$ {}", command.join(" "));
    let [program, arguments @ ..] = command else { return Err(anyhow!("there is nothing to run")) };
    let output = project.finish(project.command(program).args(arguments));
    let text = format!("{}{}", output.stdout, output.stderr);
    for line in tidy(&text).lines().filter(|line| !line.trim().is_empty()) {
        println!("{line}");
    }
    Ok(output)
}
