//! A profile out of what a command did, for a person to read, to shorten and to keep.
//!
//! It has what the command did and nothing that it might do another time, with two exceptions: where a folder had several
//! files, it is the folder; and what looks as if it held credentials is left out and named, since whoever learns from a run
//! learns from what an attacker does in it, too.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use stockade_sandbox::profile::{Environment, Files, Network, Profile, Programs, Project, Resolved, Surroundings};
use stockade_sandbox::sandbox::is_everybodys;

use super::audit::{Audit, Use};
use super::report::Report;
use crate::output::line;

/// How many files of a folder make it the folder.
const SEVERAL: usize = 4;
/// Names of files and folders in a home that hold credentials.
const CREDENTIALS: [&str; 18] = [
    ".aws",
    ".azure",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".config/gcloud",
    ".config/gh",
    ".config/git/credentials",
    ".docker",
    ".git-credentials",
    ".gnupg",
    ".kube",
    ".m2/settings.xml",
    ".netrc",
    ".npmrc",
    ".password-store",
    ".pypirc",
    ".ssh",
    ".vault-token",
];
/// Folders of a home in which everybody's lie.
const SHARED: [&str; 6] = ["", ".cache", ".config", ".local", ".local/share", ".local/state"];
/// The port that needs no mention.
const TLS: u16 = 443;

/// The text of a profile for what was seen.
pub(super) fn profile(
    based_on: &Profile,
    audit: &Audit,
    report: &Report,
    around: &Surroundings,
    command: &[OsString],
) -> anyhow::Result<String> {
    let words = spoken(command);
    let (secret, files): (Vec<_>, Vec<_>) = audit.files.iter().partition(|(path, _)| is_credential(path, &around.home));
    let wanted = |does: Use| files.iter().filter(move |(_, done)| **done == does).map(|(path, _)| path.as_path());
    // What every command sees needs no mention.
    let base = Resolved::new(&Profile::base()?, command.first().context("there is no command")?, around)?;
    let shown = |path: &Path| path.starts_with(&around.project) || base.read.iter().any(|read| path.starts_with(read));
    let own = |path: &Path| path.starts_with(&around.home) || !is_everybodys(path);
    let elsewhere = |path: &&Path| own(path) && !shown(path);
    let write = folders(wanted(Use::Written).filter(elsewhere), &around.home);
    let read = folders(wanted(Use::Read).filter(elsewhere), &around.home);
    let read = read.into_iter().filter(|path| !write.iter().any(|written| path.starts_with(written)));
    let in_project = wanted(Use::Written).any(|path| path.starts_with(&around.project));
    let (mut odd, place) = (Vec::new(), |path: PathBuf| place(&path, around));
    let mut places = |paths: &mut dyn Iterator<Item = PathBuf>| -> Vec<String> {
        let (good, bad): (Vec<_>, Vec<_>) = paths.map(|path| place(path.clone()).ok_or(path)).partition(Result::is_ok);
        odd.extend(bad.into_iter().filter_map(Result::err));
        good.into_iter().filter_map(Result::ok).collect()
    };
    let profile = Profile {
        name: format!("learned: {words}"),
        commands: vec![words],
        files: Files {
            project: Some(if in_project { based_on.files.project.unwrap_or(Project::Write) } else { Project::Read }),
            read: places(&mut read.into_iter()),
            write: places(&mut write.into_iter().map(as_folder)),
            run_temporary: based_on.files.run_temporary,
            ..Files::default()
        },
        network: Network { hosts: hosts(audit), ..Network::default() },
        environment: without_base(based_on)?,
        programs: Programs { only: programs(report, around), ..Programs::default() },
        hooks: based_on.hooks.clone(),
    };
    let mut text = String::from(
        "# what a run of this command did, and nothing else; read it before you keep it.\n# use it with `--profile`.\n",
    );
    let left_out = secret.into_iter().map(|(path, _)| (path, "it looks as if it held credentials"));
    let unwritable = odd.iter().map(|path| (path, "a profile cannot name it"));
    for (path, why) in left_out.chain(unwritable) {
        let _ = writeln!(text, "# left out: {}: {why}", line(&path.to_string_lossy()));
    }
    if !report.variables.is_empty() {
        let _ = writeln!(text, "# variables that were there and are not passed: {}", report.variables.join(", "));
    }
    if audit.overflowed {
        text.push_str("# there was more than could be remembered; this is a part of it.\n");
    }
    Ok(text + "\n" + &toml::to_string_pretty(&profile).context("the profile cannot be written down")?)
}

/// The variables that a profile has besides those that every one has.
fn without_base(profile: &Profile) -> anyhow::Result<Environment> {
    let base = Profile::base()?.environment;
    let mut own = profile.environment.clone();
    own.pass.retain(|name| !base.pass.contains(name));
    own.set.retain(|name, _| !base.set.contains_key(name));
    Ok(own)
}

/// The program and the word that says what it is to do.
fn spoken(command: &[OsString]) -> String {
    let program = command.first().map(PathBuf::from).unwrap_or_default();
    let program = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let word = command.get(1).map(|word| word.to_string_lossy());
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|char| char.is_ascii_alphanumeric() || char == '-');
    match word.filter(|word| is_word(word) && !word.starts_with('-')) {
        Some(word) => format!("{program} {word}"),
        None => program,
    }
}

fn is_credential(path: &Path, home: &Path) -> bool {
    path.strip_prefix(home).is_ok_and(|below| CREDENTIALS.iter().any(|name| below.starts_with(name)))
}

/// Files, and in place of several of a folder the folder itself, unless that is everybody's.
fn folders<'a>(files: impl Iterator<Item = &'a Path>, home: &Path) -> BTreeSet<PathBuf> {
    let mut all: BTreeSet<PathBuf> = files.map(Path::to_owned).collect();
    loop {
        let mut inside: BTreeMap<&Path, usize> = BTreeMap::new();
        for folder in all.iter().filter_map(|path| path.parent()).filter(|folder| may_be_given(folder, home)) {
            *inside.entry(folder).or_default() += 1;
        }
        let Some(folder) = inside.into_iter().find(|(_, count)| *count >= SEVERAL).map(|(folder, _)| folder.to_owned())
        else {
            break;
        };
        all.retain(|path| !path.starts_with(&folder));
        all.insert(folder);
    }
    let shorter = |path: &PathBuf| all.iter().any(|other| other != path && path.starts_with(other));
    all.iter().filter(|path| !shorter(path)).cloned().collect()
}

/// Whether a whole folder may be given away.
fn may_be_given(folder: &Path, home: &Path) -> bool {
    match folder.strip_prefix(home) {
        Ok(below) => {
            let holds_secrets = CREDENTIALS.iter().any(|name| Path::new(name).starts_with(below));
            !holds_secrets && !SHARED.iter().any(|shared| below == Path::new(shared))
        }
        Err(_) => folder.components().count() > 2 && !home.starts_with(folder),
    }
}

/// What is written is a folder, since a file that is made anew is not there yet.
fn as_folder(path: PathBuf) -> PathBuf {
    if path.is_dir() { path.join("") } else { path }
}

/// A path as a profile says it; none if it cannot.
fn place(path: &Path, around: &Surroundings) -> Option<String> {
    let text = path.to_str().filter(|text| !text.contains('*') && !text.chars().any(char::is_control))?;
    let below = |folder: &Path| text.strip_prefix(folder.to_str()?).filter(|rest| rest.starts_with('/'));
    match (below(&around.project), below(&around.home)) {
        (Some(rest), _) => Some(format!("$PROJECT{rest}")),
        (None, Some(rest)) => Some(format!("~{rest}")),
        (None, None) => Some(text.to_owned()),
    }
}

fn hosts(audit: &Audit) -> Vec<String> {
    let host = |(host, port): &(String, u16)| match *port {
        TLS => host.clone(),
        port => format!("{host}:{port}"),
    };
    audit.hosts.iter().map(host).collect()
}

/// Programs by name where they are found by it, else by place.
fn programs(report: &Report, around: &Surroundings) -> Vec<String> {
    let search = around.search();
    let name = |path: &Path| {
        let found = search.iter().any(|folder| Some(folder.as_path()) == path.parent());
        let name = path.file_name().filter(|_| found).and_then(|name| name.to_str());
        name.filter(|name| !name.contains('*')).map(str::to_owned)
    };
    let paths = || report.programs.iter().map(|program| program.path.as_path());
    let named: BTreeSet<String> = paths().filter_map(name).collect();
    let others = folders(paths().filter(|path| name(path).is_none()), &around.home);
    named.into_iter().chain(others.iter().filter_map(|path| place(path, around))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_files_are_their_folder_and_no_shared_folder_is_given() {
        let home = Path::new("/users/me");
        let paths = |list: &[&str]| list.iter().map(PathBuf::from).collect::<Vec<_>>();
        let short = |list: &[&str]| {
            let all = paths(list);
            folders(all.iter().map(PathBuf::as_path), home).into_iter().collect::<Vec<_>>()
        };
        let tool = ["a", "b", "c", "d"].map(|name| format!("/users/me/.cache/tool/{name}"));
        let tool: Vec<&str> = tool.iter().map(String::as_str).collect();
        assert_eq!(short(&tool), paths(&["/users/me/.cache/tool"]));
        assert_eq!(short(&tool[..3]), paths(&tool[..3]));
        let shared = ["a", "b", "c", "d", "e"].map(|name| format!("/users/me/.cache/{name}"));
        let shared: Vec<&str> = shared.iter().map(String::as_str).collect();
        assert_eq!(short(&shared), paths(&shared));
        assert!(!may_be_given(Path::new("/users/me/.ssh"), home) && !may_be_given(Path::new("/srv"), home));
        assert!(!may_be_given(Path::new("/users"), home) && may_be_given(Path::new("/srv/data"), home));
    }

    #[test]
    fn commands_are_named_by_their_first_words() {
        let words = |text: &str| spoken(&text.split(' ').map(Into::into).collect::<Vec<_>>());
        assert_eq!(words("/usr/bin/npm ci --x"), "npm ci");
        assert_eq!(words("node app.js"), "node");
        assert_eq!(words("make -j2"), "make");
    }
}
