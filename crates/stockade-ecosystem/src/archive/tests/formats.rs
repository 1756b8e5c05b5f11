//! Which format something is taken for, and the files that editors and agents run.

use stockade_model::{Code, Start};

use super::build::{Item, gz, tar, zip};
use super::*;

fn starts(tree: &Tree) -> Vec<String> {
    let show = |start: &Start| {
        let code = match &start.code {
            Code::File(path) => path.clone(),
            Code::Shell(command) => format!("$ {command}"),
            Code::Python(line) => format!("> {line}"),
        };
        format!("{} {}: {code} ({}:{})", start.trigger.name(), start.name, start.path, start.line)
    };
    tree.starts.iter().map(show).collect()
}

#[test]
fn an_archive_is_taken_for_what_its_content_is() {
    let tgz = |name: &str, content: &[u8]| gz(&tar(&[(&format!("x-1/{name}"), b'0', "", content)]));
    let cases = [
        (tgz("package.json", br#"{"scripts":{"install":"echo a"}}"#), "install install: $ echo a (package.json:1)"),
        (tgz("setup.py", b""), "install setup.py: setup.py (setup.py:0)"),
        (
            zip(&[Item::new("a/__init__.py", b""), Item::new("a-1.dist-info/WHEEL", b"")]),
            "import package: a/__init__.py (a/__init__.py:0)",
        ),
        (
            zip(&[Item::new("META-INF/MANIFEST.MF", b"Main-Class: A\n"), Item::new("A.class", b"")]),
            "command Main-Class: A.class (META-INF/MANIFEST.MF:1)",
        ),
    ];
    for (bytes, expected) in cases {
        let tree = open_any("download", bytes.into());
        assert_eq!(starts(&tree).first().map(String::as_str), Some(expected));
    }
    let tree =
        open_any("download", gz(&tar(&[("x-1/Cargo.toml", b'0', "", b""), ("x-1/build.rs", b'0', "", b"")])).into());
    assert_eq!(starts(&tree), ["install build script: build.rs (Cargo.toml:0)"]);
}

#[test]
fn a_manifest_does_not_hide_another() {
    let parts: &[build::Part<'_>] = &[
        ("x-1/package.json", b'0', "", br#"{"scripts":{"install":"echo a"}}"#),
        ("x-1/setup.py", b'0', "", b""),
        ("x-1/PKG-INFO", b'0', "", b"Name: x\n"),
    ];
    let (script, setup) = ("install install: $ echo a (package.json:1)", "install setup.py: setup.py (setup.py:0)");
    let bytes = Bytes::from(gz(&tar(parts)));
    assert_eq!(starts(&open(crate::pypi::SDIST.ecosystem.as_str(), "x-1.tar.gz", bytes.clone())), [setup]);
    assert_eq!(starts(&open(crate::npm::TARBALL.ecosystem.as_str(), "x-1.tgz", bytes.clone())), [script]);
    // Nobody says which client unpacks it, so it may be any of them.
    assert_eq!(starts(&open_any("download", bytes)), [script, setup]);
}

#[test]
fn a_wheel_that_is_called_a_source_distribution_is_read_and_said() {
    let bytes = zip(&[Item::new("a/__init__.py", b""), Item::new("a-1.dist-info/RECORD", b"")]);
    let tree = open(crate::pypi::SDIST.ecosystem.as_str(), "a-1-py3-none-any.tar.gz", bytes.into());
    assert_eq!(starts(&tree), ["import package: a/__init__.py (a/__init__.py:0)"]);
    let what = "it has neither setup.py nor pyproject.toml, so that nothing says what it runs";
    assert!(details(&tree).contains(&what), "{:?}", details(&tree));
}

#[test]
fn a_file_that_is_no_archive_is_a_tree_of_one() {
    let tree = open_any("some/folder/a.js", Bytes::from_static(b"1"));
    check(&tree, &[("a.js", "1")], &[]);
    let tree = open(crate::npm::TARBALL.ecosystem.as_str(), "a-1.tgz", Bytes::from_static(b"no archive"));
    assert_eq!(details(&tree), ["it has no package.json, so that nothing says what it runs"]);
}

#[test]
fn a_folder_has_every_format_whose_manifest_is_there() {
    let file = |name: &str, text: &'static str| (name.to_owned(), Bytes::from_static(text.as_bytes()), false);
    let tree = of_directory(vec![
        file("package.json", r#"{"scripts":{"preinstall":"echo a"}}"#),
        file("Cargo.toml", "[package]\n"),
        file("build.rs", ""),
        file("../x.js", ""),
    ]);
    assert_eq!(
        starts(&tree),
        ["install preinstall: $ echo a (package.json:1)", "install build script: build.rs (Cargo.toml:0)"]
    );
    assert_eq!(details(&tree), ["the name `../x.js` leads upwards"]);
}

#[test]
fn commands_for_editors_agents_and_workflows_are_found() {
    let file = |name: &str, text: &'static str| (name.to_owned(), Bytes::from_static(text.as_bytes()), false);
    let tasks = r#"{
        // comment
        "tasks": [
            { "command": "echo \"a\"", "runOptions": { "runOn": "folderOpen" }, "args": ["b",], },
            { "command": "echo no" }
        ] /* end */
    }"#;
    let hooks = r#"{"hooks":{"SessionStart":[{"hooks":[{"type":"command","command":"node x.js"}]}]}}"#;
    let workflow = "jobs:\n  a:\n    steps:\n      - run: echo one\n      - name: b\n        run: |\n          echo two\n\n          echo three\n      - uses: x\n";
    let tree = of_directory(vec![
        file(".vscode/tasks.json", tasks),
        file("lib/.claude/settings.json", hooks),
        file(".github/workflows/a.yml", workflow),
    ]);
    let expected = [
        "command editor task: $ echo \"a\" b (.vscode/tasks.json:4)",
        "command agent hook: $ node x.js (lib/.claude/settings.json:1)",
        "never workflow: $ echo one (.github/workflows/a.yml:4)",
        "never workflow: $ echo two\n\necho three (.github/workflows/a.yml:6)",
    ];
    assert_eq!(starts(&tree), expected);
}
