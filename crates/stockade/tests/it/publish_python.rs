//! Uploads with the real twine and the real uv, to a gateway that hosts some names.

use std::fs;
use std::path::Path;
use std::process::Command;

use stockade_testkit::{Distribution, Output, PythonRegistry, PythonTool, finished, skipped};

use crate::hosted::Hosted;

const TWINE: &str = "6.2.0";
const UV: &str = "0.13.9";
/// The system's: one that is a script of a version manager does more than pip.
const PIP: &str = "/usr/bin/pip";

struct World {
    registry: PythonRegistry,
    hosted: Hosted,
}

impl World {
    fn new() -> Self {
        let registry = PythonRegistry::start();
        let hosted = Hosted::new("pypi", &registry.index(), "acme-*", "");
        Self { registry, hosted }
    }

    /// The file of a distribution.
    fn file(&self, distribution: &Distribution) -> String {
        let path = self.hosted.folder(distribution.file_name());
        fs::write(&path, distribution.packed()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn run(&self, program: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut command = Command::new(program);
        command.current_dir(self.hosted.folder("home")).env_clear().env("HOME", self.hosted.folder("home"));
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("NO_COLOR", "1");
        finished(command.args(arguments).envs(environment.iter().copied()))
    }
}

#[test]
fn twine_uploads_and_is_told_why_not() {
    let Some(twine) = PythonTool::or_skip("twine", TWINE) else { return };
    let world = World::new();
    let legacy = format!("{}/pypi/legacy/", world.hosted.url);
    let upload = |distribution: &Distribution, token: &str| {
        let file = world.file(distribution);
        let arguments = ["upload", "--non-interactive", "--disable-progress-bar", "--repository-url", &legacy, &file];
        let environment = [("TWINE_USERNAME", "__token__"), ("TWINE_PASSWORD", token)];
        world.run(twine.program(), &arguments, &environment)
    };
    let token = world.hosted.token.clone();
    let wheel = Distribution::wheel("acme-left", "1.0");
    for distribution in [wheel.clone(), Distribution::sdist("acme-left", "1.0")] {
        let output = upload(&distribution, &token);
        assert!(output.ok(), "{output}");
    }
    let other = wheel.clone().file("acme_left/more.py", "x = 1");
    let taken = upload(&other, &token);
    assert!(!taken.ok() && format!("{taken}").contains("was published by `alice`"), "{taken}");
    let elsewhere = upload(&Distribution::wheel("left", "1.0"), &token);
    assert!(format!("{elsewhere}").contains("`left` is not published here"), "{elsewhere}");
    let nobody = upload(&Distribution::wheel("acme-right", "1.0"), "stockade_none");
    assert!(format!("{nobody}").contains("is not known here"), "{nobody}");
    assert_eq!(world.registry.count("*acme*"), 0, "no internal name is told");
}

#[test]
fn pip_does_not_choose_what_is_yanked_and_says_why_to_who_insists() {
    let Some(twine) = PythonTool::or_skip("twine", TWINE) else { return };
    if !Path::new(PIP).is_file() {
        skipped("what pip does: it is not installed");
        return;
    }
    let world = World::new();
    let legacy = format!("{}/pypi/legacy/", world.hosted.url);
    let files = ["1.0", "1.1"].map(|version| world.file(&Distribution::wheel("acme-left", version)));
    let upload = ["upload", "--non-interactive", "--disable-progress-bar", "--repository-url", &legacy];
    let upload: Vec<&str> = upload.into_iter().chain(files.iter().map(String::as_str)).collect();
    let environment = [("TWINE_USERNAME", "__token__"), ("TWINE_PASSWORD", world.hosted.token.as_str())];
    let uploaded = world.run(twine.program(), &upload, &environment);
    assert!(uploaded.ok(), "{uploaded}");

    let index = format!("{}/pypi/simple/", world.hosted.url);
    let pip = |wanted: &str| {
        let download =
            ["download", "--no-cache-dir", "--disable-pip-version-check", "--no-deps", "--index-url", &index];
        let output = world.run(Path::new(PIP), &[&download[..], &["--dest", "out", wanted]].concat(), &[]);
        assert!(output.ok(), "{output}");
        format!("{output}")
    };
    let yank = |arguments: &[&str]| finished(world.hosted.stockade().arg("yank").args(arguments));
    let yanked = yank(&["pkg:pypi/acme-left@1.1", "--reason", "it loses files"]);
    assert_eq!(
        yanked.stdout, "yanked pkg:pypi/acme-left@1.1; to take it back: stockade yank --undo pkg:pypi/acme-left@1.1\n",
        "{yanked}"
    );
    assert!(pip("acme-left").contains("acme_left-1.0-py3"));
    let insisted = pip("acme-left==1.1");
    assert!(insisted.contains("acme_left-1.1-py3") && insisted.contains("it loses files"), "{insisted}");
    assert!(yank(&["pkg:pypi/acme-left@1.1", "--undo"]).ok());
    assert!(pip("acme-left").contains("acme_left-1.1-py3"));

    for (arguments, why) in [
        (["pkg:pypi/acme-left@2.0", "--reason=x"], "is not published here"),
        (["pkg:pypi/acme-left@1.0", "--reason="], "the reason is empty"),
        (["pkg:maven/com.acme/left@1.0", "--reason=x"], "an index of maven has no word for"),
    ] {
        let refused = yank(&arguments);
        assert!(refused.status == Some(2) && refused.stderr.contains(why), "{refused}");
    }
    let log = finished(world.hosted.stockade().args(["log", "show"]));
    assert_eq!(log.stdout.matches("discourage").count(), 2, "{log}");
}

#[test]
fn uv_publishes_and_pip_installs_it() {
    let Some(uv) = PythonTool::or_skip("uv", UV) else { return };
    let mut world = World::new();
    let file = world.file(&Distribution::wheel("acme-left", "1.0"));
    let legacy = format!("{}/pypi/legacy/", world.hosted.url);
    let publish = ["publish", "--publish-url", &legacy, "--token", &world.hosted.token, &file];
    let output = world.run(uv.program(), &publish, &[]);
    assert!(output.ok(), "{output}");
    // What it was told is there whatever happens next.
    world.hosted.kill();
    world.hosted.start();
    let index = format!("{}/pypi/simple/", world.hosted.url);
    let target = world.hosted.folder("out");
    let install = [
        "pip",
        "install",
        "--no-config",
        "--no-cache",
        "--index-url",
        &index,
        "--target",
        target.to_str().unwrap(),
        "acme-left",
    ];
    let output = world.run(uv.program(), &install, &[("UV_PYTHON", "/usr/bin/python3")]);
    assert!(output.ok() && target.join("acme_left/__init__.py").exists(), "{output}");
    assert_eq!(world.registry.count("*acme*"), 0, "no internal name is told");
}
