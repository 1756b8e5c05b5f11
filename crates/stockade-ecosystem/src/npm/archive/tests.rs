use bytes::Bytes;
use stockade_model::{Code, NeedFrom, NeedRole, Tree};

use crate::archive::of_directory;

fn tree(files: &[(&str, &str)]) -> Tree {
    let file = |(name, text): &(&str, &str)| ((*name).to_owned(), Bytes::copy_from_slice(text.as_bytes()), false);
    of_directory(files.iter().map(file).collect())
}

/// When, what, and where it is said.
fn starts(files: &[(&str, &str)]) -> Vec<String> {
    let tree = tree(files);
    assert!(tree.gaps.is_empty(), "{:?}", tree.gaps);
    let code = |code: &Code| match code {
        Code::File(path) => path.clone(),
        Code::Shell(command) => format!("$ {command}"),
        Code::Python(line) => format!("> {line}"),
    };
    let show = |s: &stockade_model::Start| {
        format!("{} {}: {} ({}:{})", s.trigger.name(), s.name, code(&s.code), s.path, s.line)
    };
    tree.starts.iter().map(show).collect()
}

#[test]
fn scripts_of_an_install_run_and_others_do_not() {
    let manifest = "\u{feff}{\n\"scripts\": {\n\"postinstall\": \"node \\\"x\\\"\",\n\"pre\\u0069nstall\": \"echo a\",\n\"prepare\": \"no\", \"test\": \"no\", \"install\": 7\n}}";
    assert_eq!(
        starts(&[("package.json", manifest)]),
        ["install preinstall: $ echo a (package.json:4)", "install postinstall: $ node \"x\" (package.json:3)"]
    );
    let twice = r#"{"scripts":{"install":"echo a","install":"echo b"}}"#;
    assert_eq!(starts(&[("package.json", twice)]), ["install install: $ echo b (package.json:1)"]);
}

#[test]
fn a_build_description_runs_without_a_script() {
    let gyp = r#"{
  'targets': [{ 'target_name': 'a', # '<!(no)'
    'include_dirs': [ "<!@(node -p \"require('x').include\")", "\u003c!(echo b)" ],
    'conditions': [ ['OS=="mac"', { 'defines': [] }], ["\x5f\x5fimport__('x')", { 'a': '>!(pymod_do_main helper a)' }] ],
    'actions': [{ 'action_name': 'c', 'inputs': ['<(no)'], 'action': ['python', 'a b.py', '<@(_outputs)'] }],
  }] }"#;
    let files = [
        ("package.json", "{}"),
        ("binding.gyp", gyp),
        ("common.gypi", "{'a': '^!(echo d)'}"),
        ("tests/a.gypi", "{'a': '<!(echo e)'}"),
        ("helper.py", ""),
    ];
    let expected = [
        "install binding.gyp: binding.gyp (binding.gyp:0)",
        "install binding.gyp: $ node -p \"require('x').include\" (binding.gyp:3)",
        "install binding.gyp: $ echo b (binding.gyp:3)",
        "install binding.gyp: > __import__('x') (binding.gyp:4)",
        "install binding.gyp: $ python 'a b.py' <@(_outputs) (binding.gyp:5)",
        "install binding.gyp: $ echo d (common.gypi:1)",
        "install binding.gyp: $ echo e (tests/a.gypi:1)",
    ];
    let found = starts(&files);
    assert_eq!(
        found.iter().filter(|start| !start.contains("helper")).collect::<Vec<_>>(),
        expected.iter().collect::<Vec<_>>()
    );
    let own = starts(&[("package.json", r#"{"scripts":{"install":"echo a"}}"#), ("binding.gyp", "{'a':'<!(echo b)'}")]);
    assert_eq!(own, ["install install: $ echo a (package.json:1)", "install binding.gyp: $ echo b (binding.gyp:1)"]);
}

#[test]
fn a_module_of_a_build_description_is_its_file() {
    let files = [
        ("package.json", "{}"),
        ("binding.gyp", "{'a': '<!(pymod_do_main helper)', 'b': '<!pymod_do_main(other x)'}"),
        ("helper.py", ""),
        ("other.py", ""),
    ];
    let found = starts(&files);
    assert_eq!(
        found[1..],
        ["install binding.gyp: helper.py (binding.gyp:1)", "install binding.gyp: other.py (binding.gyp:1)"]
    );
}

#[test]
fn what_is_loaded_is_resolved_as_node_does() {
    let manifest = r#"{
        "main": "./lib", "module": "esm/a.mjs", "types": "a.d.ts",
        "browser": {"./lib/x.js": "./browser.js", "y": false},
        "exports": {
            ".": {"types": "./a.d.ts", "import": "./esm/a.mjs", "require": ["./cjs.cjs", null]},
            "./features/*": "./features/*.js", "./private/*": null
        },
        "imports": {"/hash": "./internal.js", "dep": "other"},
        "bin": {"git": "cli"}
    }"#;
    let files = [
        ("package.json", manifest),
        ("lib/index.js", ""),
        ("esm/a.mjs", ""),
        ("a.d.ts", ""),
        ("browser.js", ""),
        ("cjs.cjs", ""),
        ("features/deep/a.js", ""),
        ("features/a.css", ""),
        ("internal.js", ""),
        ("cli.js", ""),
        ("index.js", ""),
    ];
    let expected = [
        "import main: lib/index.js (package.json:2)",
        "import module: esm/a.mjs (package.json:2)",
        "import browser: browser.js (package.json:3)",
        "import exports: cjs.cjs (package.json:5)",
        "import exports: features/deep/a.js (package.json:0)",
        "import imports: internal.js (package.json:8)",
        "command bin git: cli.js (package.json:9)",
    ];
    assert_eq!(starts(&files), expected);
    assert_eq!(starts(&[("package.json", "{}"), ("index.js", "")]), ["import main: index.js (package.json:0)"]);
    assert_eq!(
        starts(&[("package.json", r#"{"main":"../x"}"#), ("index.js", "")]),
        ["import main: index.js (package.json:0)"]
    );
    let folder = [("package.json", r#"{"directories":{"bin":"./tools/"}}"#), ("tools/a.sh", "")];
    assert_eq!(starts(&folder), ["command bin a.sh: tools/a.sh (package.json:0)"]);
}

#[test]
fn scripts_of_bundled_packages_run_too() {
    let script = r#"{"scripts":{"install":"echo b"}}"#;
    let files = [
        ("package.json", r#"{"bundleDependencies":["b"],"dependencies":{"b":"1"}}"#),
        ("node_modules/b/package.json", script),
        ("node_modules/@s/c/package.json", r#"{"scripts":{"install":"echo c"}}"#),
        ("lib/package.json", script),
    ];
    let expected = [
        "install install: $ echo b (node_modules/b/package.json:1)",
        "install install: $ echo c (node_modules/@s/c/package.json:1)",
    ];
    assert_eq!(starts(&files), expected);
}

#[test]
fn needs_say_where_they_come_from_and_what_for() {
    let manifest = r#"{
        "name": "left-demo",
        "dependencies": {"a": "^1", "b": "npm:c@2", "o": "1", "left-demo": "1"},
        "optionalDependencies": {"o": "1", "g": "github:x/y"},
        "peerDependencies": {"p": "*"},
        "bundleDependencies": ["a"]
    }"#;
    let needs = tree(&[("package.json", manifest)]).needs;
    let found: Vec<_> = needs.iter().map(|n| (n.name.as_str(), n.wanted.as_str(), n.from, n.role)).collect();
    let expected = [
        ("g", "github:x/y", NeedFrom::Git, NeedRole::Optional),
        ("o", "1", NeedFrom::Registry, NeedRole::Optional),
        ("a", "^1", NeedFrom::Registry, NeedRole::Run),
        ("b", "npm:c@2", NeedFrom::Alias, NeedRole::Run),
        ("left-demo", "1", NeedFrom::Registry, NeedRole::Run),
        ("p", "*", NeedFrom::Registry, NeedRole::Peer),
        ("a", "*", NeedFrom::Path, NeedRole::Bundled),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_manifest_that_cannot_be_read_is_a_gap() {
    for broken in ["{", "[]", "7", ""] {
        let tree = tree(&[("package.json", broken)]);
        assert_eq!(tree.gaps.len(), 1, "{broken}");
        assert_eq!(tree.gaps[0].detail, "`package.json` is no JSON object, and was not read");
    }
}
