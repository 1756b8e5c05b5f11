//! `stockade run` with the real uv, whose lockfile names the address of every file.

use std::ffi::OsStr;
use std::fs;
use std::process::{Command, Stdio};

use insta::assert_snapshot;
use stockade_testkit::{Distribution, Guard, NOW, Output, PythonRegistry, PythonTool, finished, hours_before};
use tempfile::TempDir;

use crate::python::curious;
use crate::serve::wait_until;
use crate::world::summary;

const UV: &str = "0.13.9";

/// A user whose uv fetches from here. There is a release of `left-demo` of long ago and one of five hours ago.
struct World {
    registry: PythonRegistry,
    uv: PythonTool,
    root: TempDir,
}

impl World {
    fn or_skip() -> Option<Self> {
        let uv = PythonTool::or_skip("uv", UV)?;
        let registry = PythonRegistry::start();
        registry.publish(&Distribution::wheel("left-demo", "1.0.9"));
        registry.publish(&Distribution::wheel("left-demo", "1.1.0").published(hours_before(NOW, 5)));
        let root = TempDir::with_prefix("stockade-").unwrap();
        for folder in ["home/.config/uv", "home/.config/stockade", "project/.git"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let (index, home) = (registry.index(), root.path().join("home/.config"));
        let index = index.trim_end_matches('/');
        let config = format!("index-url = \"{index}\"\npython-downloads = \"never\"\n");
        fs::write(home.join("uv/uv.toml"), config).unwrap();
        // A gateway that stays has pip's upstream otherwise.
        fs::write(home.join("stockade/stockade.toml"), format!("[upstream.pypi]\nurl = \"{index}\"\n")).unwrap();
        let world = Self { registry, uv, root };
        world.want("left-demo");
        Some(world)
    }

    fn want(&self, wanted: &str) {
        let project = "[project]\nname = \"app\"\nversion = \"1.0.0\"\nrequires-python = \">=3.8\"\n";
        let text = format!("{project}dependencies = [\"{wanted}\"]\n");
        fs::write(self.root.path().join("project/pyproject.toml"), text).unwrap();
    }

    fn lockfile(&self) -> String {
        fs::read_to_string(self.root.path().join("project/uv.lock")).unwrap()
    }

    fn in_project(&self, mut command: Command) -> Command {
        command.current_dir(self.root.path().join("project")).env_clear();
        command.envs(["PATH", "TMPDIR"].iter().filter_map(|key| Some((key, std::env::var_os(key)?))));
        command.env("HOME", self.root.path().join("home")).env("USER", "alice").env("NO_COLOR", "1");
        command.env("UV_PYTHON", "/usr/bin/python3");
        command
    }

    fn stockade<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = self.in_project(Command::new(env!("CARGO_BIN_EXE_stockade")));
        command.args(["--now", &NOW.to_string(), "--ecosystem", "pypi"]).args(arguments);
        command
    }

    /// uv alone.
    fn plain(&self, arguments: &[&str]) -> Output {
        finished(self.in_project(Command::new(self.uv.program())).args(arguments))
    }

    /// uv in a run, with nothing installed before.
    fn guarded(&self, arguments: &[&str]) -> Output {
        let _ = fs::remove_dir_all(self.root.path().join("project/.venv"));
        let words = [OsStr::new("run"), OsStr::new("--"), self.uv.program().as_os_str()];
        finished(&mut self.stockade(words.into_iter().chain(arguments.iter().map(OsStr::new))))
    }

    fn serve(&self) -> Guard {
        let mut command = self.stockade(["serve", "--listen", "127.0.0.1:0"]);
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let guard = Guard::spawn(command).unwrap();
        assert!(wait_until(|| self.root.path().join("home/.local/share/stockade/gateway.json").exists()));
        guard
    }
}

/// What a lockfile must not have after a run.
fn assert_portable(lockfile: &str) {
    for ours in ["/pypi/", "stockade"] {
        assert!(!lockfile.contains(ours), "{lockfile}");
    }
}

#[test]
fn what_a_lockfile_names_goes_through_the_gateway_and_it_stays_as_it_was() {
    let Some(world) = World::or_skip() else { return };
    world.want("left-demo==1.0.9");
    let output = world.plain(&["lock"]);
    assert!(output.ok(), "{output}");
    let lockfile = world.lockfile();
    for how in ["--frozen", "--locked"] {
        let output = world.guarded(&["sync", how]);
        assert!(output.ok() && output.stderr.contains("stockade: 1 package served"), "{how}: {output}");
        assert_eq!(world.lockfile(), lockfile, "{how}");
    }
    // What was there keeps its address beside what is new.
    world.registry.publish(&Distribution::wheel("right-demo", "2.0"));
    let output = world.guarded(&["add", "right-demo"]);
    assert!(output.ok(), "{output}");
    let project = fs::read_to_string(world.root.path().join("project/pyproject.toml")).unwrap();
    assert!(project.contains("right-demo>=2.0") && !project.contains("tool.uv"), "{project}");
    let after = world.lockfile();
    assert!(after.contains("right_demo-2.0-py3-none-any.whl"), "{after}");
    assert!(lockfile.lines().filter(|line| line.contains("url = ")).all(|line| after.contains(line)), "{after}");
    assert_portable(&after);
    let output = world.plain(&["sync", "--locked"]);
    assert!(output.ok(), "{output}\n{}", world.lockfile());
}

#[test]
fn a_locked_release_that_is_held_is_refused_and_its_user_is_told_why() {
    let Some(world) = World::or_skip() else { return };
    assert!(world.plain(&["lock"]).ok());
    let lockfile = world.lockfile();
    let check = |output: Output| {
        assert_eq!(output.status, Some(2), "uv's own: {output}");
        assert!(
            output
                .stderr
                .contains("held by stockade: `left-demo` 1.1.0 is 5 hours old; policy asks 72 hours\n  cause: HTTP"),
            "{output}"
        );
        insta::allow_duplicates! {
            assert_snapshot!(summary(&output), @"
    stockade: 0 packages served, 1 refused
      held  pkg:pypi/left-demo@1.1.0?file_name=left_demo-1.1.0-py3-none-any.whl  is 5 hours old; policy asks 72 hours
            until [INSTANT]; 1.0.9 is cleared
            why: stockade explain [RULING]
    status 2
    ");
        }
        assert_eq!(world.lockfile(), lockfile);
    };
    for how in ["--frozen", "--locked"] {
        check(world.guarded(&["sync", how]));
    }
    // A gateway that was there is told whose run it is.
    let _served = world.serve();
    let output = world.guarded(&["sync", "--frozen"]);
    assert!(output.stderr.contains("through the gateway at"), "{output}");
    check(output);
}

#[test]
fn what_a_run_writes_names_neither_the_gateway_nor_the_run() {
    let Some(world) = World::or_skip() else { return };
    let _served = world.serve();
    let output = world.guarded(&["sync"]);
    assert!(output.ok() && output.stderr.contains("1 package served"), "{output}");
    assert!(output.stderr.contains("left-demo==1.0.9"), "{output}");
    assert_portable(&world.lockfile());
    let output = world.plain(&["sync", "--locked"]);
    assert!(output.ok(), "{output}\n{}", world.lockfile());
}

#[test]
fn a_build_writes_what_it_makes_and_nothing_else() {
    let Some(world) = World::or_skip() else { return };
    world.registry.publish(&curious(&world.root.path().join("project")));
    world.want("curious-demo");
    // What it does is found when it is inspected; somebody has looked.
    let reason = ["--reason", "looked", "--expires", "30d", "--yes"];
    let approved = finished(&mut world.stockade(["approve", "pkg:pypi/curious-demo@1.0"].iter().chain(&reason)));
    assert!(approved.ok(), "{approved}");
    let output = world.guarded(&["sync"]);
    let line = "stockade: blocked: curious-demo 1.0 (build) tried to connect to 192.0.2.1:443";
    assert!(output.stderr.contains(line), "{output}");
    let could = world.root.path().join("project/.venv/lib");
    let versions = fs::read_dir(could).into_iter().flatten().map(|entry| entry.unwrap().path());
    let could: Vec<_> = versions.map(|path| path.join("site-packages/curious_demo/could.py")).collect();
    let could = could.iter().find_map(|path| fs::read_to_string(path).ok());
    // What lies beside its source is of the same release.
    assert_eq!(could.unwrap_or_default(), "'own temporary home beside'", "{output}");
}
