//! `stockade run` with the real pip.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;
use stockade_testkit::{Distribution, NOW, Output, PythonRegistry, finished, hours_before, skipped};
use tempfile::TempDir;

use crate::world::summary;

/// The system's: one that is a script of a version manager does more than pip.
const PIP: &str = "/usr/bin/pip";
/// Its interpreter.
const PYTHON: &str = "/usr/bin/python3";

/// A release whose build writes where its own things are and where others' are, and puts what it could into its package. It
/// is inert: nobody has the address.
pub(crate) fn curious(project: &Path) -> Distribution {
    Distribution::sdist("curious-demo", "1.0").build_script(&CURIOUS.replace("PROJECT", &project.to_string_lossy()))
}

const CURIOUS: &str = r#"
import os, socket, tempfile
def could(path):
    try: return open(path, "w").close() is None
    except OSError: return False
try: socket.create_connection(("192.0.2.1", 443), 1)
except OSError: pass
tried = {
    "own": could("made"), "temporary": could(os.path.join(tempfile.gettempdir(), "made")),
    "home": could(os.path.expanduser("~/made")), "beside": could("../made"), "others": could("/tmp/made"),
    "project": could("PROJECT/made"),
}
open("curious_demo/could.py", "w").write(repr(" ".join(name for name in tried if tried[name])))
"#;

/// A user whose pip fetches from here. There is a release of `left-demo` of long ago and one of five hours ago.
struct World {
    registry: PythonRegistry,
    root: TempDir,
}

impl World {
    /// The world; `None`, and a line that says so, where there is no pip.
    fn or_skip() -> Option<Self> {
        if !Path::new(PIP).is_file() {
            skipped("what pip does: it is not installed");
            return None;
        }
        let registry = PythonRegistry::start();
        registry.publish(&Distribution::wheel("left-demo", "1.0.9"));
        registry.publish(&Distribution::wheel("left-demo", "1.1.0").published(hours_before(NOW, 5)));
        let root = TempDir::with_prefix("stockade-").unwrap();
        for folder in ["home/.config/pip", "project/.git"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let config = format!("[global]\nindex-url = {}\ndisable-pip-version-check = true\n", registry.index());
        fs::write(root.path().join("home/.config/pip/pip.conf"), config).unwrap();
        Some(Self { registry, root })
    }

    fn stockade<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stockade"));
        command.current_dir(self.root.path().join("project")).env_clear();
        command.envs(["PATH", "TMPDIR"].iter().filter_map(|key| Some((key, std::env::var_os(key)?))));
        command.env("HOME", self.root.path().join("home")).env("USER", "alice").env("NO_COLOR", "1");
        finished(command.args(["--now", &NOW.to_string()]).args(arguments))
    }

    fn installed(&self) -> Vec<String> {
        let names = fs::read_dir(self.root.path().join("project/out")).into_iter().flatten();
        let names = names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter(|name| name.ends_with(".dist-info")).collect();
        names.sort();
        names
    }
}

#[test]
fn what_is_young_is_steered_around_and_who_insists_is_told_why() {
    let Some(world) = World::or_skip() else { return };
    let output = world.stockade(["run", "--", PIP, "install", "--target", "out", "left-demo"]);
    assert!(output.ok(), "{output}");
    assert_eq!(world.installed(), ["left_demo-1.0.9.dist-info"]);
    assert_snapshot!(summary(&output), @"
    stockade: 1 package served ([N] bytes), 1 steered around
      held  pkg:pypi/left-demo@1.1.0?file_name=left_demo-1.1.0-py3-none-any.whl  is 5 hours old; policy asks 72 hours
            until [INSTANT]; 1.0.9 is cleared
            why: stockade explain [RULING]
    status 0
    ");

    let output = world.stockade(["run", "--", PIP, "install", "--target", "out", "left-demo==1.1.0"]);
    assert_ne!(output.status, Some(0), "{output}");
    let sentence = "held by stockade: `left-demo` 1.1.0 is 5 hours old; policy asks 72 hours";
    assert!(output.stderr.contains(sentence), "{output}");
    assert_eq!(world.registry.count("*left_demo-1.1.0*"), 0, "nothing of it was fetched");
}

#[test]
fn an_interpreter_that_is_told_to_run_pip_is_pip() {
    let Some(world) = World::or_skip() else { return };
    let pip = ["-I", "-m", "pip", "install", "--target", "out"];
    let run = |wanted: &'static str| world.stockade(["run", "--", PYTHON].into_iter().chain(pip).chain([wanted]));
    let output = run("left-demo");
    assert!(output.ok(), "{output}");
    assert!(output.stderr.contains("through a gateway for this run, in a sandbox (profile: pip"), "{output}");
    assert_eq!(world.installed(), ["left_demo-1.0.9.dist-info"]);
    let output = run("left-demo==1.1.0");
    assert!(output.stderr.contains("is 5 hours old; policy asks 72 hours"), "{output}");
    assert!(world.registry.requests().iter().all(|seen| !seen.header("user-agent").unwrap_or("").starts_with("pip/")));
}

#[test]
fn a_build_writes_what_it_makes_and_nothing_else() {
    let Some(world) = World::or_skip() else { return };
    world.registry.publish(&curious(&world.root.path().join("project")));
    // What it does is found when it is inspected; somebody has looked.
    let reason = ["--reason", "looked", "--expires", "30d", "--yes"];
    let approved = world.stockade(["approve", "pkg:pypi/curious-demo@1.0"].iter().chain(&reason));
    assert!(approved.ok(), "{approved}");
    let output = world.stockade(["run", "--", PIP, "install", "--target", "out", "curious-demo"]);
    let line = "stockade: blocked: curious-demo (build) tried to connect to 192.0.2.1:443";
    assert!(output.stderr.contains(line), "{output}");
    let could = fs::read_to_string(world.root.path().join("project/out/curious_demo/could.py"));
    assert_eq!(could.unwrap_or_default(), "'own temporary home'", "{output}");
}

#[test]
fn a_projects_own_module_is_not_run_to_be_asked() {
    let Some(world) = World::or_skip() else { return };
    let outside = world.root.path().join("home/outside");
    let module = format!("open({:?}, 'w')\n", outside.to_string_lossy());
    fs::create_dir_all(world.root.path().join("project/pip")).unwrap();
    for name in ["__init__.py", "__main__.py"] {
        fs::write(world.root.path().join("project/pip").join(name), &module).unwrap();
    }
    let output = world.stockade(["run", "--", PYTHON, "-m", "pip", "install", "left-demo"]);
    assert!(!outside.exists(), "in the sandbox it may run, and writes nothing there: {output}");
    assert!(output.stderr.contains("through a gateway for this run"), "{output}");
}
