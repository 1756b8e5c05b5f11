//! One project: made, done bare, and done in the sandbox.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use serde::Deserialize;

use super::project::Project;
use super::table::{Outcome, Row};

/// How many seconds one command may take.
const DEADLINE: &str = "1500";
/// What makes the folder a repository, so that it can be had again as it was.
const COMMIT: &str = "git init -q . && git add -A -f . ':!.venv' ':!node_modules' ':!target' && \
    git -c user.name=ordinary -c user.email=ordinary@example.org commit -q --no-verify -m before";
/// What makes it as it was.
const AGAIN: &str = "git clean -xdffq && git checkout -q -f . && rm -f .git/hooks/*";

/// What is measured is the sandbox: what the policy holds is told, and served all the same.
const POLICY: &str = "mode = \"audit\"\n";

pub(super) struct Trial {
    program: PathBuf,
    place: PathBuf,
}

/// What `stockade run` says of a run, as far as it matters.
#[derive(Deserialize)]
struct Report {
    #[serde(default)]
    refused: Vec<Refused>,
    #[serde(default)]
    audited: Vec<Refused>,
    sandbox: Option<Sandboxed>,
    command_status: Option<i32>,
}

#[derive(Deserialize)]
struct Refused {
    sentence: String,
}

#[derive(Deserialize)]
struct Sandboxed {
    profile: String,
    gaps: Vec<serde_json::Value>,
    blocked: Vec<Blocked>,
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Blocked {
    cause: Option<Cause>,
    tried: String,
}

#[derive(Deserialize)]
struct Cause {
    package: String,
}

#[derive(Deserialize)]
struct Change {
    path: PathBuf,
    fate: String,
}

/// What came of the commands in the sandbox.
#[derive(Default)]
struct Tally {
    profiles: Vec<String>,
    broken: Option<String>,
    excused: Vec<String>,
}

impl Trial {
    pub(super) fn new(program: PathBuf, place: PathBuf) -> anyhow::Result<Self> {
        fs::create_dir_all(&place)?;
        fs::write(place.join("policy.toml"), POLICY)?;
        Ok(Self { program, place })
    }

    pub(super) fn of(&self, project: &Project) -> anyhow::Result<Row> {
        let place = self.place.join(project.name.replace(['/', ' ', '@'], "-"));
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        let folder = place.join("project");
        write(&folder, project)?;
        let row = |outcome, tally: Tally| Row {
            name: project.name.clone(),
            client: project.client.to_owned(),
            run: project.run.clone(),
            profiles: tally.profiles,
            outcome,
            exceptions: tally.excused,
        };
        if let Some(reason) = bare(&folder, project)? {
            return Ok(row(Outcome::NotHere(reason), Tally::default()));
        }
        shell(AGAIN, &folder, project, "again")?;
        let mut tally = self.sandboxed(&folder, project)?;
        let outcome = tally.broken.take().map_or(Outcome::Passed, Outcome::Broken);
        if matches!(outcome, Outcome::Passed) {
            fs::remove_dir_all(&place)?;
        }
        Ok(row(outcome, tally))
    }

    fn sandboxed(&self, folder: &Path, project: &Project) -> anyhow::Result<Tally> {
        let mut tally = Tally::default();
        if let Some(line) = project.start() {
            shell(line, folder, project, "start")?;
        }
        for (number, line) in project.run.iter().enumerate() {
            let report = self.run(line, folder, project, number)?;
            for audited in &report.audited {
                eprintln!("ordinary: {}: the policy would not let it in: {}", project.name, audited.sentence);
            }
            tally.broken = judge(&report, project, &mut tally).map(|reason| format!("`{line}` {reason}"));
            if tally.broken.is_some() {
                break;
            }
        }
        for exception in project.exceptions.iter().filter(|exception| !tally.excused.contains(&exception.why)) {
            eprintln!("ordinary: {}: not needed: the exception {:?}", project.name, exception.blocked);
        }
        Ok(tally)
    }

    fn run(&self, line: &str, folder: &Path, project: &Project, number: usize) -> anyhow::Result<Report> {
        let mut command = limited(folder, project);
        command.arg(&self.program).args(["--format", "json", "--data"]).arg(self.place.join("data"));
        command.arg("--policy").arg(self.place.join("policy.toml"));
        command.args(["run", "--"]).args(line.split_whitespace());
        let log = beside(folder, &format!("sandbox-{number}.log"))?;
        let output = command.stdout(Stdio::piped()).stderr(log).spawn()?.wait_with_output()?;
        fs::write(folder.with_file_name(format!("sandbox-{number}.json")), &output.stdout)?;
        if output.stdout.is_empty() {
            // It did not come to a report: the reason is in the log.
            return Ok(Report {
                refused: Vec::new(),
                audited: Vec::new(),
                sandbox: None,
                command_status: output.status.code(),
            });
        }
        serde_json::from_slice(&output.stdout).with_context(|| format!("the report of `{line}`"))
    }
}

/// Why a run in the sandbox is none that passes.
fn judge(report: &Report, project: &Project, tally: &mut Tally) -> Option<String> {
    let Some(sandbox) = &report.sandbox else { return Some("ended without a report of the sandbox".to_owned()) };
    if !tally.profiles.contains(&sandbox.profile) {
        tally.profiles.push(sandbox.profile.clone());
    }
    let mut faults = Vec::new();
    for tried in tries(sandbox) {
        match project.exceptions.iter().find(|exception| tried.contains(&exception.blocked)) {
            Some(exception) if tally.excused.contains(&exception.why) => {}
            Some(exception) => tally.excused.push(exception.why.clone()),
            None => faults.push(tried),
        }
    }
    faults.extend(sandbox.gaps.iter().map(|gap| format!("gap: {gap}")));
    faults.extend(report.refused.iter().map(|refused| refused.sentence.clone()));
    if report.command_status != Some(0) {
        faults.insert(0, report.command_status.map_or("was ended".to_owned(), |status| format!("ended with {status}")));
    }
    (!faults.is_empty()).then(|| faults.join("; "))
}

/// What was tried in vain, in words.
fn tries(sandbox: &Sandboxed) -> Vec<String> {
    let blocked = sandbox.blocked.iter().map(|blocked| {
        let by = blocked.cause.as_ref().map_or("the command", |cause| cause.package.as_str());
        format!("{by} tried to {}", blocked.tried.trim_start_matches("to "))
    });
    let protected = sandbox.changes.iter().filter(|change| change.fate == "protected");
    blocked.chain(protected.map(|change| format!("not taken over: {}", change.path.display()))).collect()
}

/// Makes the project ready and does it bare; the reason if that does not work.
fn bare(folder: &Path, project: &Project) -> anyhow::Result<Option<String>> {
    let start = project.start().map(str::to_owned);
    for line in start.iter().chain(&project.preparation()).chain(std::iter::once(&COMMIT.to_owned())) {
        if !shell(line, folder, project, "prepare")? {
            return Ok(Some(format!("cannot be made ready: `{line}` fails")));
        }
    }
    shell(AGAIN, folder, project, "again")?;
    if let Some(line) = start {
        shell(&line, folder, project, "start")?;
    }
    for (number, line) in project.run.iter().enumerate() {
        let log = beside(folder, &format!("bare-{number}.log"))?;
        let mut command = limited(folder, project);
        command.args(line.split_whitespace()).stdout(log.try_clone()?).stderr(log);
        if !command.status()?.success() {
            return Ok(Some(format!("`{line}` fails without the sandbox as well")));
        }
    }
    Ok(None)
}

fn shell(line: &str, folder: &Path, project: &Project, log: &str) -> anyhow::Result<bool> {
    let log = beside(folder, &format!("{log}.log"))?;
    let mut command = limited(folder, project);
    command.args(["sh", "-c", line]).stdout(log.try_clone()?).stderr(log);
    Ok(command.status()?.success())
}

/// A command that ends in time.
fn limited(folder: &Path, project: &Project) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=10", DEADLINE]).current_dir(folder).stdin(Stdio::null());
    command.envs(project.variables(folder)).env("BESIDE", crate::root().join(".."));
    // What Cargo tells the task is not meant for what the task runs.
    let own = std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("CARGO"));
    for name in own.filter(|name| name != "CARGO_HOME").chain(["RUSTUP_TOOLCHAIN".into(), "LD_LIBRARY_PATH".into()]) {
        command.env_remove(name);
    }
    command
}

fn beside(folder: &Path, name: &str) -> anyhow::Result<File> {
    let path = folder.with_file_name(name);
    File::options().create(true).append(true).open(&path).with_context(|| path.display().to_string())
}

fn write(folder: &Path, project: &Project) -> anyhow::Result<()> {
    for (name, content) in project.sources()? {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(&path, content)?;
    }
    Ok(())
}
