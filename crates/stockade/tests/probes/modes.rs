//! The ways in which an install is started, and the users and systems under which all of them are tried.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use stockade_testkit::kernel::call;

use crate::attempts::all;
use crate::hook::{LINE, RESULTS};
use crate::outside::{Outside, program};
use crate::place::{OVER, SECRET, SUPERVISOR};
use crate::probe::{Report, Said};
use crate::start::Start;

/// The hook is run by this, without asking any registry.
const NPM: [&str; 4] = ["npm", "rebuild", "evil", "--foreground-scripts"];
/// How long an install may take.
const DEADLINE: Duration = Duration::from_secs(40);
/// How long is waited for what was left behind.
const AFTERMATH: Duration = Duration::from_millis(500);
const POLL: Duration = Duration::from_millis(5);

/// A way to start an install.
pub(crate) struct Mode {
    pub(crate) name: &'static str,
    /// What stands before the client's words; `{stockade}` and `{data}` are filled in.
    pub(crate) before: &'static [&'static str],
}

/// Without any protection.
pub(crate) const BARE: Mode = Mode { name: "bare", before: &[] };
/// The sandbox, with what it may be told. A mode more is a line more, and a column in the table.
pub(crate) const SANDBOXED: &[Mode] =
    &[Mode { name: "sandbox", before: &["{stockade}", "--data", "{data}", "run", "--"] }];

/// A user and a system, under which a world is made and every mode is tried.
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    /// Whether it is tried by this user.
    pub(crate) applies: fn(is_root: bool) -> bool,
    pub(crate) nobody: bool,
    pub(crate) namespaces: bool,
}

pub(crate) const SETTINGS: &[Setting] = &[
    Setting { name: "root", applies: |is_root| is_root, nobody: false, namespaces: true },
    Setting { name: "root, no user namespaces", applies: |is_root| is_root, nobody: false, namespaces: false },
    Setting { name: "nobody", applies: |is_root| is_root, nobody: true, namespaces: true },
    Setting { name: "nobody, no user namespaces", applies: |is_root| is_root, nobody: true, namespaces: false },
    Setting { name: "user", applies: |is_root| !is_root, nobody: false, namespaces: true },
    Setting { name: "user, no user namespaces", applies: |is_root| !is_root, nobody: false, namespaces: false },
];

/// The user that owns nothing.
pub(crate) const NOBODY: u32 = 65534;

impl Setting {
    /// The words before a program that is to run under this setting.
    ///
    /// Without user namespaces means: in one whose limit of further ones is zero. The user is the same as before and has
    /// no capabilities, and the victim and the services are in it too, so that all else works as it does outside.
    pub(crate) fn before(&self, uid: u32) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        let mut add = |more: &[&str]| words.extend(more.iter().map(ToString::to_string));
        let user = if self.nobody { NOBODY } else { uid }.to_string();
        if self.nobody {
            add(&["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]);
            add(&["--bounding-set=-all"]);
        }
        if !self.namespaces {
            let (map_user, map_group) = (format!("--map-user={user}"), format!("--map-group={user}"));
            let script = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$@\"";
            add(&["unshare", "--user", "--keep-caps", &map_user, &map_group, "sh", "-c", script, "sh"]);
            add(&["setpriv", "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all"]);
        }
        words
    }
}

/// Runs the install once, in a world of its own, and reports on every probe.
pub(crate) fn run(mode: &Mode, root: &Path, stockade: &Path) -> io::Result<Ran> {
    let mut world = Outside::plant(root)?;
    let log = root.join("log");
    let started = Instant::now();
    let status = finish(start(&world, mode, stockade, &log)?)?;
    let took = started.elapsed();
    fs::write(world.place.own.join(OVER), "")?;
    sleep(AFTERMATH);
    world.look()?;
    let log = String::from_utf8_lossy(&fs::read(log)?).into_owned();
    let said = results(&world, &log);
    let reports: Vec<Report> = all()
        .map(|probe| {
            let found = said.iter().find(|report| report.id == probe.id);
            let said = found.map_or(Said::Nothing, |report| report.said.clone());
            let effect = world.effect(probe, &said);
            Report { id: probe.id.to_owned(), said, effect }
        })
        .collect();
    let talk: Vec<&str> = log.lines().filter(|line| !line.starts_with(LINE)).collect();
    Ok(Ran { reports, status: status.to_string(), talk: talk.join("\n"), took })
}

/// What came of a run.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Ran {
    pub(crate) reports: Vec<Report>,
    /// How the command ended, and what it said.
    pub(crate) status: String,
    pub(crate) talk: String,
    pub(crate) took: Duration,
}

fn start(world: &Outside, mode: &Mode, stockade: &Path, log: &Path) -> io::Result<Child> {
    let place = &world.place;
    let fill = |word: &&str| match *word {
        "{stockade}" => stockade.display().to_string(),
        "{data}" => place.root.join("data").display().to_string(),
        word => word.to_owned(),
    };
    let plan = Start {
        supervisor: place.own.join(SUPERVISOR),
        open: [place.key(), place.home.clone()],
        words: mode.before.iter().chain(&NPM).map(fill).collect(),
    };
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("start").arg(serde_json::to_string(&plan)?).current_dir(&place.project);
    command.env_clear().env("PATH", search_path(world)).env("HOME", &place.home).env("USER", "alice");
    command.env("STOCKADE_PROBE_TOKEN", SECRET).env("AWS_SECRET_ACCESS_KEY", SECRET).env("GITHUB_TOKEN", SECRET);
    command.env("SSH_AUTH_SOCK", place.root.join(crate::services::AGENT)).env("NO_UPDATE_NOTIFIER", "1");
    let log = File::create(log)?;
    command.stdin(Stdio::from(world.terminal.try_clone()?)).stdout(log.try_clone()?).stderr(log).spawn()
}

/// The user's own programs come first, as they often do.
fn search_path(world: &Outside) -> OsString {
    let npm = program("npm").and_then(|npm| npm.parent().map(Path::to_owned));
    let node = program("node").and_then(|node| node.parent().map(Path::to_owned));
    let folders = [world.place.home.join(".local/bin")].into_iter().chain(npm).chain(node);
    let folders = folders.chain(["/usr/local/bin".into(), "/usr/bin".into(), "/bin".into()]);
    std::env::join_paths(folders).unwrap_or_default()
}

fn finish(mut child: Child) -> io::Result<ExitStatus> {
    let end = Instant::now() + DEADLINE;
    while Instant::now() < end {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        sleep(POLL);
    }
    // It leads a group of its own.
    let _ = call(libc::SYS_kill, [-i64::from(child.id()), libc::SIGKILL.into()]);
    child.wait()
}

/// What the probes said: from the package's folder, or as it was printed.
fn results(world: &Outside, log: &str) -> Vec<Report> {
    let file = fs::read_to_string(world.place.own.join(RESULTS)).unwrap_or_default();
    let printed = log.lines().filter_map(|line| line.strip_prefix(LINE));
    let lines = file.lines().chain(printed);
    lines.filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Says something at once, although standard output may be a pipe.
pub(crate) fn say(what: &str) {
    println!("{what}");
    let _ = io::stdout().flush();
}
