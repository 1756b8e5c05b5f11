//! `stockade run` with the real Poetry.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use stockade_testkit::{Distribution, NOW, Output, PythonRegistry, PythonTool, finished, hours_before};
use tempfile::TempDir;

/// The Poetry of these tests.
const POETRY: &str = "2.5.1";
/// The reason that everybody is told.
const SENTENCE: &str = "held by stockade: `left-demo` 1.1.0 is 5 hours old; policy asks 72 hours";

/// A user whose packages come from here, by pip's configuration. There is a release of `left-demo` of long ago and one of
/// five hours ago.
struct World {
    registry: PythonRegistry,
    root: TempDir,
    poetry: PathBuf,
}

impl World {
    fn or_skip() -> Option<Self> {
        let poetry = PythonTool::or_skip("poetry", POETRY)?.program().to_owned();
        let registry = PythonRegistry::start();
        registry.publish(&Distribution::wheel("left-demo", "1.0.9"));
        registry.publish(&Distribution::wheel("left-demo", "1.1.0").published(hours_before(NOW, 5)));
        let root = TempDir::with_prefix("stockade-").unwrap();
        for folder in ["home/.config/pip", "project/.git"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let config = format!("[global]\nindex-url = {}\n", registry.index());
        fs::write(root.path().join("home/.config/pip/pip.conf"), config).unwrap();
        Some(Self { registry, root, poetry })
    }

    fn project(&self) -> PathBuf {
        self.root.path().join("project")
    }

    fn want(&self, wanted: &str) {
        let project = format!(
            "[project]\nname = \"demo\"\nversion = \"0.1.0\"\nrequires-python = \">=3.8\"\n\
             dependencies = [\"left-demo{wanted}\"]\n\n[tool.poetry]\npackage-mode = false\n"
        );
        fs::write(self.project().join("pyproject.toml"), project).unwrap();
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.project()).env_clear();
        let folders = ["/usr/bin", "/bin"].map(PathBuf::from);
        let own = self.poetry.parent().unwrap().to_owned();
        command.env("PATH", std::env::join_paths([own].into_iter().chain(folders)).unwrap());
        command.envs(std::env::var_os("TMPDIR").map(|folder| ("TMPDIR", folder)));
        command.env("HOME", self.root.path().join("home")).env("USER", "alice").env("NO_COLOR", "1");
        command.env("POETRY_VIRTUALENVS_IN_PROJECT", "true");
        command
    }

    fn stockade<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_stockade")));
        finished(command.args(["--now", &NOW.to_string(), "--ecosystem", "pypi"]).args(arguments))
    }

    fn poetry(&self, arguments: &[&str]) -> Output {
        self.stockade(["run", "--", "poetry", "-n"].into_iter().chain(arguments.iter().copied()))
    }

    fn lockfile(&self) -> String {
        fs::read_to_string(self.project().join("poetry.lock")).unwrap_or_default()
    }

    fn installed(&self) -> Vec<String> {
        let lib = self.project().join(".venv/lib");
        let site = fs::read_dir(lib).into_iter().flatten().map(|entry| entry.unwrap().path().join("site-packages"));
        let names = site.flat_map(|folder| fs::read_dir(folder).into_iter().flatten());
        let names = names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with("left_demo") && name.ends_with(".dist-info")).collect()
    }
}

#[test]
fn what_is_young_is_steered_around_and_a_lockfile_names_no_gateway() {
    let Some(world) = World::or_skip() else { return };
    world.want(">=1");
    let output = world.poetry(&["install"]);
    assert!(output.ok(), "{output}");
    assert_eq!(world.installed(), ["left_demo-1.0.9.dist-info"], "{output}");
    let lock = world.lockfile();
    assert!(
        lock.contains("version = \"1.0.9\"") && !lock.contains("127.0.0.1") && !lock.contains("[package.source]"),
        "{lock}"
    );
    let agents = world.registry.requests().into_iter().filter_map(|seen| seen.header("user-agent").map(str::to_owned));
    assert!(agents.into_iter().all(|agent| !agent.starts_with("poetry")), "it asked the registry itself");
    // What was fetched is not kept, so that it is asked for again.
    fs::remove_dir_all(world.project().join(".venv")).unwrap();
    let output = world.poetry(&["sync"]);
    assert!(output.ok() && output.stderr.contains("1 package served"), "{output}");
    assert_eq!(world.installed(), ["left_demo-1.0.9.dist-info"], "{output}");
    assert_eq!(world.registry.count("/files/*left_demo-1.1.0*"), 0);
}

#[test]
fn who_insists_on_what_is_held_is_told_why() {
    let Some(world) = World::or_skip() else { return };
    world.want("==1.1.0");
    let output = world.poetry(&["install"]);
    assert_ne!(output.status, Some(0), "{output}");
    assert!(format!("{}{}", output.stdout, output.stderr).contains(SENTENCE), "{output}");
}

#[test]
fn a_lockfile_that_names_a_held_release_is_answered_with_the_reason_and_no_switch_leads_past_it() {
    let Some(world) = World::or_skip() else { return };
    world.want("==1.1.0");
    let output = world.poetry(&["lock"]);
    assert!(output.ok() && world.lockfile().contains("version = \"1.1.0\""), "{output}");
    let locked = world.lockfile();
    let output = world.poetry(&["install"]);
    assert_ne!(output.status, Some(0), "{output}");
    assert!(output.stdout.contains("Installing dependencies from lock file"), "{output}");
    assert!(format!("{}{}", output.stdout, output.stderr).contains(SENTENCE), "{output}");
    // Without plugins it asks its built-in index, which the sandbox lets nobody reach.
    let output = world.poetry(&["--no-plugins", "install"]);
    assert!(output.status != Some(0) && output.stderr.contains("0 packages served"), "{output}");
    assert_eq!((world.installed().len(), world.lockfile()), (0, locked));
    assert_eq!(world.registry.count("/files/*left_demo-1.1.0*"), 0);
}

#[test]
fn an_index_that_a_project_names_itself_is_told_of() {
    let Some(world) = World::or_skip() else { return };
    world.want(">=1");
    let other = PythonRegistry::start();
    other.publish(&Distribution::wheel("left-demo", "1.2.0"));
    let project = world.project().join("pyproject.toml");
    let source = format!("\n[[tool.poetry.source]]\nname = \"acme\"\nurl = \"{}\"\n", other.index());
    fs::write(&project, fs::read_to_string(&project).unwrap() + &source).unwrap();
    let output = world.poetry(&["lock"]);
    assert_ne!(output.status, Some(0), "{output}");
    let told = format!("stockade: the project's own source `acme` (`{}`) is asked by Poetry itself", other.index());
    assert!(output.stderr.contains(&told), "{output}");
    assert_eq!(other.requests().len(), 0, "and the sandbox keeps it from that");
}

#[test]
fn setup_says_what_to_write_into_a_project() {
    let Some(world) = World::or_skip() else { return };
    // A project's plugins are not run to be asked.
    let outside = world.root.path().join("home/outside");
    let plugins = world.project().join(".poetry/plugins");
    fs::create_dir_all(&plugins).unwrap();
    world.want(">=1");
    fs::write(plugins.join("x.pth"), format!("import os; open({:?}, 'w')\n", outside.to_string_lossy())).unwrap();
    let output = world.stockade(["setup", "poetry"]);
    assert!(!outside.exists(), "{output}");
    assert!(output.ok(), "{output}");
    insta::assert_snapshot!(output.stdout, @r#"
    poetry: has no setting for all projects; write into each one's own file:
      [[tool.poetry.source]]
      name = "stockade"
      url = "http://127.0.0.1:4873/pypi/simple/"
      priority = "primary"
    "#);
    assert_eq!(world.stockade(["setup", "--undo", "poetry"]).stdout, "poetry: nothing to undo\n");
    let output = world.stockade(["doctor"]);
    let line = output.stdout.lines().find(|line| line.contains(" poetry ")).unwrap_or_default();
    assert!(
        line.contains(&format!("Poetry (version {POETRY}), goes directly to {}", world.registry.index())),
        "{output}"
    );
}
