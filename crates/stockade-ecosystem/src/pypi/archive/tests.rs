use bytes::Bytes;
use stockade_model::{Code, NeedFrom, NeedRole, Start, Tree};

use crate::archive::{are_of_one_release, of_directory};

fn tree(files: &[(&str, &str)]) -> Tree {
    let file = |(name, text): &(&str, &str)| ((*name).to_owned(), Bytes::copy_from_slice(text.as_bytes()), false);
    of_directory(files.iter().map(file).collect())
}

fn starts(files: &[(&str, &str)]) -> Vec<String> {
    let code = |code: &Code| match code {
        Code::File(path) => path.clone(),
        Code::Shell(command) => format!("$ {command}"),
        Code::Python(line) => format!("> {line}"),
    };
    let show = |s: &Start| format!("{} {}: {} ({}:{})", s.trigger.name(), s.name, code(&s.code), s.path, s.line);
    tree(files).starts.iter().map(show).collect()
}

fn needs(files: &[(&str, &str)]) -> Vec<(String, String, NeedFrom, NeedRole)> {
    tree(files).needs.into_iter().map(|need| (need.name, need.wanted, need.from, need.role)).collect()
}

const RECORD: (&str, &str) = ("demo-1.dist-info/RECORD", "");

#[test]
fn a_wheel_runs_at_the_start_of_the_interpreter_and_when_it_is_imported() {
    let files = [
        RECORD,
        (
            "demo-1.dist-info/entry_points.txt",
            "[console_scripts]\ndemo = demo.cli:main [x]\n\n[pytest11]\nd=demo.plugin\n[demo.things]\nt = demo.plugin:T\n",
        ),
        ("demo/__init__.py", ""),
        ("demo/__main__.py", ""),
        ("demo/cli.py", ""),
        ("demo/plugin.py", ""),
        ("demo/inner/__init__.py", ""),
        ("demo/tests/__init__.py", ""),
        ("single.py", ""),
        ("demo-setup.pth", "# import no\nlib\n import no\nimport sys; print(1)\nimport\tos\n"),
        ("sitecustomize.py", ""),
        ("demo-1.data/scripts/tool", ""),
        ("demo-1.data/purelib/other.py", ""),
        ("demo-1.data/data/lib/x.pth", "\r\n\r\nimport x\r\n"),
    ];
    let expected = [
        "command command demo: demo/cli.py (demo-1.dist-info/entry_points.txt:2)",
        "start entry point pytest11: demo/plugin.py (demo-1.dist-info/entry_points.txt:5)",
        "import entry point demo.things: demo/plugin.py (demo-1.dist-info/entry_points.txt:7)",
        "import package: demo/__init__.py (demo/__init__.py:0)",
        "command __main__: demo/__main__.py (demo/__main__.py:0)",
        "import package: demo/inner/__init__.py (demo/inner/__init__.py:0)",
        "import module: single.py (single.py:0)",
        "import module: sitecustomize.py (sitecustomize.py:0)",
        "command script: demo-1.data/scripts/tool (demo-1.data/scripts/tool:0)",
        "import module: demo-1.data/purelib/other.py (demo-1.data/purelib/other.py:0)",
        "start demo-setup.pth: > import sys; print(1) (demo-setup.pth:4)",
        "start demo-setup.pth: > import\tos (demo-setup.pth:5)",
        "start sitecustomize.py: sitecustomize.py (sitecustomize.py:0)",
        "start x.pth: > import x (demo-1.data/data/lib/x.pth:3)",
    ];
    assert_eq!(starts(&files), expected);
}

#[test]
fn the_list_of_a_wheel_is_compared_with_its_files() {
    let record = "demo.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n\"a,b.py\",sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\ngone.py,,\ndemo-1.dist-info/RECORD,,\n";
    let files = [("demo-1.dist-info/RECORD", record), ("demo.py", ""), ("a,b.py", "changed"), ("added.pth", "")];
    let gaps: Vec<_> = tree(&files).gaps.into_iter().map(|gap| gap.detail).collect();
    let expected = [
        "RECORD lists `a,b.py` with another digest",
        "RECORD does not list `added.pth`",
        "RECORD lists `gone.py`, which is not in it",
    ];
    assert_eq!(gaps, expected);
    let gaps: Vec<_> = tree(&[("demo-1.dist-info/METADATA", "")]).gaps.into_iter().map(|gap| gap.detail).collect();
    assert_eq!(gaps, ["it has no RECORD, so that nothing says which files belong to it"]);
}

#[test]
fn a_source_distribution_runs_what_builds_it() {
    let project = r#"
[build-system]
requires = ["hatchling>=1", "own @ git+https://git.example/x"]
build-backend = "own.backend:api"
backend-path = ["./tools"]
[project]
dependencies = ["A.b_C>=1,<2; python_version>'3'", "d[e] (==1)"]
optional-dependencies = { f = ["g"] }
scripts = { demo = "demo.cli:main" }
[project.entry-points.pytest11]
p = "demo.plugin"
[tool.hatch.build.hooks.custom]
[tool.poetry.build]
script = "build.py"
"#;
    let files = [
        ("setup.py", ""),
        ("pyproject.toml", project),
        (
            "setup.cfg",
            "[options]\ninstall_requires =\n    h==1\n    i; extra == 'x'\ncmdclass =\n    build = demo.commands.Build\n[options.entry_points]\nconsole_scripts =\n    two = demo.cli:two\n",
        ),
        ("tools/own/backend.py", ""),
        ("hatch_build.py", ""),
        ("build.py", ""),
        ("conftest.py", ""),
        ("src/demo/__init__.py", ""),
        ("src/demo/cli.py", ""),
        ("src/demo/plugin.py", ""),
        ("src/demo/commands.py", ""),
        ("src/single.py", ""),
        ("tests/__init__.py", ""),
        ("native/Cargo.toml", ""),
        ("native/build.rs", ""),
    ];
    let expected = [
        "install setup.py: setup.py (setup.py:0)",
        "install build backend: tools/own/backend.py (pyproject.toml:4)",
        "install build hook: hatch_build.py (pyproject.toml:0)",
        "install build hook: build.py (pyproject.toml:14)",
        "command command demo: src/demo/cli.py (pyproject.toml:9)",
        "start entry point pytest11: src/demo/plugin.py (pyproject.toml:11)",
        "install build command: src/demo/commands.py (setup.cfg:5)",
        "install build script: native/build.rs (native/Cargo.toml:0)",
        "import package: src/demo/__init__.py (src/demo/__init__.py:0)",
        "import module: src/single.py (src/single.py:0)",
    ];
    assert_eq!(starts(&files), expected);
    let expected = [
        ("hatchling", ">=1", NeedFrom::Registry, NeedRole::Build),
        ("own", "git+https://git.example/x", NeedFrom::Git, NeedRole::Build),
        ("a-b-c", ">=1,<2", NeedFrom::Registry, NeedRole::Run),
        ("d", "==1", NeedFrom::Registry, NeedRole::Run),
        ("g", "", NeedFrom::Registry, NeedRole::Optional),
        ("h", "==1", NeedFrom::Registry, NeedRole::Run),
        ("i", "", NeedFrom::Registry, NeedRole::Optional),
    ];
    let expected: Vec<_> =
        expected.map(|(name, wanted, from, role)| (name.to_owned(), wanted.to_owned(), from, role)).into();
    assert_eq!(needs(&files), expected);
}

#[test]
fn metadata_say_what_is_needed() {
    let metadata = "Metadata-Version: 2.1\nRequires-Dist: A_b (>=1)\nrequires-dist: c @ https://files.example/c.zip ; extra == 'x'\nRequires-Dist: d @ file:///d\n\nRequires-Dist: no\n";
    let requires = "one\n\n[:python_version < '3']\ntwo>1\n\n[extra]\nthree\n";
    let files = [("PKG-INFO", metadata), ("demo.egg-info/requires.txt", requires)];
    let found: Vec<_> = needs(&files)
        .into_iter()
        .map(|(name, wanted, from, role)| format!("{name} {wanted} {from:?} {role:?}"))
        .collect();
    let expected = [
        "a-b >=1 Registry Run",
        "c https://files.example/c.zip Url Optional",
        "d file:///d Path Run",
        "one  Registry Run",
        "two >1 Registry Run",
        "three  Registry Optional",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_package_that_is_called_as_tests_are_is_a_package() {
    let wheel = [RECORD, ("sample/__init__.py", ""), ("sample/tests/__init__.py", "")];
    assert_eq!(starts(&wheel), ["import package: sample/__init__.py (sample/__init__.py:0)"]);
    let sdist = [
        ("PKG-INFO", "Name: sample\n"),
        ("demo.egg-info/top_level.txt", "demo\n"),
        ("sample/__init__.py", ""),
        ("demo/__init__.py", ""),
        ("tests/__init__.py", ""),
        ("src/example/__init__.py", ""),
    ];
    let expected = [
        "import package: sample/__init__.py (sample/__init__.py:0)",
        "import package: demo/__init__.py (demo/__init__.py:0)",
        "import package: src/example/__init__.py (src/example/__init__.py:0)",
    ];
    assert_eq!(starts(&sdist), expected);
}

#[test]
fn artifacts_of_one_release_are_known_by_their_names() {
    let (sdist, wheel) = ("Left-Demo-1.1.0.tar.gz", "left_demo-1.1.0-py3-none-any.whl");
    assert!(are_of_one_release(sdist, wheel) && are_of_one_release(wheel, sdist));
    assert!(are_of_one_release(wheel, "left_demo-1.1.0-1-cp312-cp312-win_amd64.whl"));
    for other in
        ["left_demo-1.1.1.tar.gz", "left_demos-1.1.0.tar.gz", "left_demo.whl", "left_demo-1.1.0.whl", "a", wheel]
    {
        assert!(!are_of_one_release(wheel, other), "{other}");
    }
    assert!(!are_of_one_release("left-demo", "left_demo"), "folders have no version");
}
