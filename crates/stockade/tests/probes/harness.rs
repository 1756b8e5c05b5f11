//! Runs everything under every setting, judges, and reports.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use serde::{Deserialize, Serialize};

use crate::attempts::all;
use crate::expected::{self, Expected};
use crate::modes::{self, BARE, NOBODY, Ran, SANDBOXED, SETTINGS, Setting, say};
use crate::outside::program;
use crate::probe::{Probe, Report, Said};
use crate::table;

/// Where the world's process leaves what it found.
const FOUND: &str = "found.json";

/// What was found under one setting.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) setting: String,
    pub(crate) bare: Ran,
    /// By the mode's name.
    pub(crate) sandboxed: BTreeMap<String, Ran>,
}

pub(crate) fn main(words: &[&str]) -> ExitCode {
    if words.contains(&"--list") {
        return ExitCode::SUCCESS;
    }
    if program("npm").is_none() {
        say("skipped: there is no npm, whose hook the probes are");
        return ExitCode::SUCCESS;
    }
    let file = words.windows(2).find_map(|pair| (pair[0] == "--table").then_some(pair[1]));
    match probe(file) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("the probes could not be made: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Under one setting, in a process that runs under it.
pub(crate) fn world(name: &str, root: &Path) -> ExitCode {
    let stockade = root.with_file_name("programs").join("stockade");
    let found = find(name, root, &stockade).and_then(|found| fs::write(root.join(FOUND), serde_json::to_vec(&found)?));
    if let Err(error) = found {
        say(&format!("{name}: {error}"));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn find(name: &str, root: &Path, stockade: &Path) -> io::Result<Found> {
    let run = |mode: &modes::Mode| {
        let root = root.join(mode.name);
        fs::create_dir(&root)?;
        modes::run(mode, &root, stockade)
    };
    let bare = run(&BARE)?;
    let sandboxed = SANDBOXED.iter().map(|mode| Ok((mode.name.to_owned(), run(mode)?)));
    Ok(Found { setting: name.to_owned(), bare, sandboxed: sandboxed.collect::<io::Result<_>>()? })
}

fn probe(file: Option<&str>) -> io::Result<bool> {
    let folder = tempfile::Builder::new().prefix("stockade-probes-").tempdir_in("/var/tmp")?;
    let root = folder.path().canonicalize()?;
    let programs = plant_programs(&root)?;
    let uid = rustix::process::getuid();
    let mut found = Vec::new();
    for setting in SETTINGS.iter().filter(|setting| (setting.applies)(uid.is_root())) {
        match under(setting, &root, &programs, uid.as_raw()) {
            Ok(here) => found.push(here),
            Err(error) if !setting.namespaces && error.to_string().contains("unshare") => {
                say(&format!("skipped: {}: {error}", setting.name));
            }
            Err(error) => return Err(io::Error::other(format!("{}: {error}", setting.name))),
        }
    }
    let wrong: Vec<String> = found.iter().flat_map(judge).collect();
    if let Some(file) = file {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        fs::write(root.join(file), table::render(&found))?;
    }
    for found in &found {
        summarise(found);
    }
    for line in &wrong {
        say(line);
    }
    say(&format!("probes: {} under {} settings, {} are not as expected", all().count(), found.len(), wrong.len()));
    Ok(wrong.is_empty() && !found.is_empty())
}

/// The programs where everybody may read them.
fn plant_programs(root: &Path) -> io::Result<PathBuf> {
    fs::set_permissions(root, fs::Permissions::from_mode(0o755))?;
    let programs = root.join("programs");
    fs::create_dir(&programs)?;
    fs::copy(std::env::current_exe()?, programs.join("probes"))?;
    fs::copy(env!("CARGO_BIN_EXE_stockade"), programs.join("stockade"))?;
    Ok(programs)
}

fn under(setting: &Setting, root: &Path, programs: &Path, uid: u32) -> io::Result<Found> {
    let name: String = setting.name.chars().filter(char::is_ascii_alphabetic).collect();
    let world = root.join(name);
    fs::create_dir(&world)?;
    if setting.nobody {
        chown(&world, Some(NOBODY), Some(NOBODY))?;
    }
    let mut words = setting.before(uid);
    words.extend([programs.join("probes").display().to_string(), "world".into(), setting.name.into()]);
    let mut command = Command::new(&words[0]);
    let output = command.args(&words[1..]).arg(&world).current_dir("/var/tmp").output()?;
    let Ok(found) = fs::read(world.join(FOUND)) else {
        let said = [output.stdout, output.stderr].concat();
        return Err(io::Error::other(String::from_utf8_lossy(&said).trim().to_owned()));
    };
    Ok(serde_json::from_slice(&found)?)
}

/// What is not as it has to be.
fn judge(found: &Found) -> Vec<String> {
    let bare = all().zip(&found.bare.reports).filter_map(|(probe, report)| judge_bare(probe, report, found));
    let modes = found.sandboxed.iter().flat_map(|(mode, ran)| {
        all()
            .zip(&found.bare.reports)
            .zip(&ran.reports)
            .filter_map(move |((probe, bare), report)| judge_sandboxed(probe, bare, report, &column(found, mode)))
    });
    let unstarted = found
        .sandboxed
        .iter()
        .filter(|(_, ran)| never_ran(ran))
        .map(|(mode, ran)| format!("{}: the hook never ran ({}): {}", column(found, mode), ran.status, ran.talk));
    bare.chain(modes).chain(unstarted).collect()
}

fn judge_bare(probe: &Probe, report: &Report, found: &Found) -> Option<String> {
    if report.effect || expected::untestable(report).is_some() {
        return None;
    }
    let said = report.said.words();
    Some(format!("{}, bare: {} ({}) has to work, or it proves nothing: {said}", found.setting, probe.id, probe.what))
}

fn judge_sandboxed(probe: &Probe, bare: &Report, report: &Report, column: &str) -> Option<String> {
    if !bare.effect {
        return None;
    }
    let expected: Option<&Expected> = expected::allowed(probe.id, column);
    let said = report.said.words();
    match (report.effect, expected) {
        (true, None) => {
            Some(format!("{column}: {} ({}) has to be blocked: {said}, and its effect is real", probe.id, probe.what))
        }
        (false, Some(why)) => Some(format!(
            "{column}: {} ({}) is blocked ({said}), but listed as allowed: {}",
            probe.id, probe.what, why.reason
        )),
        _ => None,
    }
}

fn never_ran(ran: &Ran) -> bool {
    ran.reports.iter().all(|report| report.said == Said::Nothing)
}

/// The name of a column: the mode, and the setting.
pub(crate) fn column(found: &Found, mode: &str) -> String {
    format!("{mode} as {}", found.setting)
}

fn summarise(found: &Found) {
    let worked = |ran: &Ran| ran.reports.iter().filter(|report| report.effect).count();
    let total = found.bare.reports.len();
    let seconds = |ran: &Ran| ran.took.as_secs_f64();
    say(&format!("bare as {}: {} of {total} work ({:.1} s)", found.setting, worked(&found.bare), seconds(&found.bare)));
    for (mode, ran) in &found.sandboxed {
        say(&format!("{}: {} of {total} work ({:.1} s)", column(found, mode), worked(ran), seconds(ran)));
    }
}
