//! `cargo xtask check`: what has to pass before a change goes in, and exactly what continuous integration runs.
//!
//! A step is one line in [`STEPS`]. The first that fails ends the run and says how to repeat it alone. What cannot be
//! looked at is said in a plain line: it is a gap, and a silent pass would hide it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

/// The release of cargo-deny that is installed where none is.
const CARGO_DENY: &str = "0.20.2";
/// Without the way from every crate to us, which is hundreds of lines; `cargo deny check` shows it.
const SHORT: &str = "--hide-inclusion-graph";
/// How long the advisory database may take to arrive.
const ADVISORIES_DEADLINE: Duration = Duration::from_mins(1);
/// How often a process with a deadline is asked whether it has ended.
const POLL: Duration = Duration::from_millis(50);

struct Step {
    name: &'static str,
    what: &'static str,
    run: fn() -> anyhow::Result<()>,
}

const STEPS: &[Step] = &[
    Step { name: "prepare", what: "the foreign tools that tests drive", run: prepare },
    Step { name: "fmt", what: "cargo fmt --all --check", run: fmt },
    Step { name: "clippy", what: "cargo clippy --workspace --all-targets --locked -- -D warnings", run: clippy },
    Step { name: "test", what: "cargo test --workspace --locked", run: test },
    Step { name: "tidy", what: "the repository's own rules", run: crate::tidy::run },
    Step { name: "deny", what: "licences, sources, bans and advisories of the dependencies", run: deny },
    Step { name: "yara", what: "tests of rules of YARA, which the default build has not", run: yara },
];

/// Runs all steps, or the one that is named.
pub(crate) fn run(args: &[&str]) -> anyhow::Result<()> {
    let start = Instant::now();
    let steps = chosen(args)?;
    for step in &steps {
        perform(step)?;
    }
    if steps.len() > 1 {
        println!("check: all {} steps passed in {}", steps.len(), seconds(start.elapsed()));
    }
    Ok(())
}

fn chosen(args: &[&str]) -> anyhow::Result<Vec<&'static Step>> {
    let [name] = args else {
        ensure!(args.is_empty(), "`check` takes one step or none");
        return Ok(STEPS.iter().collect());
    };
    let step = STEPS.iter().find(|step| step.name == *name).with_context(|| {
        let names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        format!("`{name}` is no step of `check`; the steps are {}", names.join(", "))
    })?;
    Ok(vec![step])
}

fn perform(step: &Step) -> anyhow::Result<()> {
    println!("check {}: {}", step.name, step.what);
    let start = Instant::now();
    let outcome = (step.run)();
    let took = seconds(start.elapsed());
    outcome.with_context(|| format!("step `{0}` failed after {took} (alone: `cargo xtask check {0}`)", step.name))?;
    println!("check {}: passed in {took}", step.name);
    Ok(())
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// Makes sure that the clients which the tests drive are here. Their absence fails nothing: the tests that need them
/// say that they did not run.
fn prepare() -> anyhow::Result<()> {
    let missing = missing_clients();
    if !missing.is_empty() && can_install_packages() {
        let packages: Vec<&str> = missing.iter().flat_map(|client| client.packages).copied().collect();
        println!("check prepare: installing {} with apt-get", packages.join(", "));
        let install = [&["install", "-y"], packages.as_slice()].concat();
        // A failure shows in what is missing afterwards.
        let _ = succeeds("apt-get", &["update"])? && succeeds("apt-get", &install)?;
    }
    for Foreign { program, .. } in missing_clients() {
        println!("check prepare: `{program}` not found, so the tests that drive it will be skipped");
    }
    Ok(())
}

/// A program that tests drive, and Debian's packages of it.
struct Foreign {
    program: &'static str,
    packages: &'static [&'static str],
}

const CLIENTS: [Foreign; 5] = [
    Foreign { program: "node", packages: &["nodejs"] },
    Foreign { program: "npm", packages: &["npm"] },
    Foreign { program: "pip", packages: &["python3-pip", "python3-venv"] },
    Foreign { program: "mvn", packages: &["maven"] },
    Foreign { program: "gradle", packages: &["gradle"] },
];

fn missing_clients() -> Vec<&'static Foreign> {
    CLIENTS.iter().filter(|client| !answers(client.program, &["--version"])).collect()
}

fn can_install_packages() -> bool {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    root && Path::new("/etc/debian_version").exists() && answers("apt-get", &["--version"])
}

fn fmt() -> anyhow::Result<()> {
    cargo(&["fmt", "--all", "--check"])
}

fn clippy() -> anyhow::Result<()> {
    cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
}

fn test() -> anyhow::Result<()> {
    cargo(&["test", "--workspace", "--locked"])
}

/// The feature changes the features of what much rests on, so that it is built again: only what the rules need. Their way
/// through a worker is tested with `cargo test --features stockade/yara -p stockade yara`, which builds the rest again
/// too, and would double the time of a clean check.
fn yara() -> anyhow::Result<()> {
    cargo(&["test", "--locked", "--package=stockade-inspect", "--features=yara", "yara"])
}

fn deny() -> anyhow::Result<()> {
    if !answers("cargo", &["deny", "--version"]) {
        println!("check deny: installing cargo-deny {CARGO_DENY}, once");
        // Not optimised: that takes a quarter of the time, and what it looks at is small.
        let hasty = ["--debug", "--config", "profile.dev.debug=false"];
        cargo(&[["install", "cargo-deny", "--locked", "--version", CARGO_DENY].as_slice(), &hasty].concat())?;
    }
    // cargo-deny reads the manifests of all platforms; without this it would miss those that were never built here.
    cargo(&["fetch", "--locked"])?;
    cargo(&["deny", "--locked", "--offline", "check", SHORT, "bans", "licenses", "sources"])?;
    advisories()
}

fn advisories() -> anyhow::Result<()> {
    let fetched = fetch_advisories()?;
    if !fetched && !advisories_are_here() {
        println!(
            "check deny: advisories of our own dependencies were not looked at: their database could not be fetched \
             and there is no copy on this machine"
        );
        return Ok(());
    }
    if !fetched {
        println!("check deny: the advisory database could not be fetched; the copy on this machine may be old");
    }
    cargo(&["deny", "--locked", "--offline", "check", SHORT, "--disable-fetch", "advisories"])
}

fn fetch_advisories() -> anyhow::Result<bool> {
    let mut child = Command::new("cargo")
        .args(["deny", "--locked", "fetch", "db"])
        .current_dir(crate::root())
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("`cargo deny` could not be started")?;
    let start = Instant::now();
    while start.elapsed() < ADVISORIES_DEADLINE {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        std::thread::sleep(POLL);
    }
    child.kill()?;
    child.wait()?;
    Ok(false)
}

/// Whether cargo-deny has a clone of the advisory database. A fetch that failed leaves the folder, but without a
/// revision in it.
fn advisories_are_here() -> bool {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let Some(databases) = home.and_then(|home| std::fs::read_dir(home.join("advisory-dbs")).ok()) else {
        return false;
    };
    databases.flatten().any(|database| database.path().join(".git/HEAD").exists())
}

fn cargo(args: &[&str]) -> anyhow::Result<()> {
    if !succeeds("cargo", args)? {
        bail!("`cargo {}` failed", args.join(" "));
    }
    Ok(())
}

/// Runs a program with our own output. Its lines are the step's lines.
fn succeeds(program: &str, args: &[&str]) -> anyhow::Result<bool> {
    let status = Command::new(program)
        .args(args)
        .current_dir(crate::root())
        .status()
        .with_context(|| format!("`{program}` could not be started"))?;
    Ok(status.success())
}

/// Whether a program is here and ends well, without its output.
fn answers(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).current_dir(crate::root()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::chosen;

    fn names(args: &[&str]) -> Vec<&'static str> {
        chosen(args).unwrap().iter().map(|step| step.name).collect()
    }

    #[test]
    fn a_step_runs_alone_and_all_run_in_order() {
        assert_eq!(names(&["deny"]), ["deny"]);
        assert_eq!(names(&[]), ["prepare", "fmt", "clippy", "test", "tidy", "deny", "yara"]);
    }

    #[test]
    fn an_unknown_step_is_refused_with_the_known_ones() {
        let error = chosen(&["fnt"]).err().unwrap().to_string();
        assert_eq!(error, "`fnt` is no step of `check`; the steps are prepare, fmt, clippy, test, tidy, deny, yara");
        assert!(chosen(&["fmt", "test"]).is_err());
    }
}
