//! When what is in a package runs.

use bytes::Bytes;
use stockade_model::{Code, Member, Start, Tree, Trigger};

use crate::capability::Capability;
use crate::inspection::Inspection;
use crate::ir::Language;
use crate::{inspect, read};

pub(super) fn tree<T: AsRef<[u8]>>(starts: &[(Trigger, Code)], files: &[(&str, T)]) -> Inspection {
    tree_after(&[], starts, files)
}

fn tree_after<T: AsRef<[u8]>>(earlier: &[&Inspection], starts: &[(Trigger, Code)], files: &[(&str, T)]) -> Inspection {
    let start = |(trigger, code): &(Trigger, Code)| Start {
        trigger: *trigger,
        name: "sample".to_owned(),
        code: code.clone(),
        path: "manifest".to_owned(),
        line: 1,
    };
    let tree = Tree {
        starts: starts.iter().map(start).collect(),
        members: files.iter().map(member).collect(),
        ..Tree::default()
    };
    inspect(tree, earlier, |path| path.starts_with("tests/"), None)
}

fn member<T: AsRef<[u8]>>((path, content): &(&str, T)) -> Member {
    Member { path: (*path).to_owned(), bytes: Bytes::copy_from_slice(content.as_ref()), executable: false }
}

pub(super) fn file(path: &str) -> Code {
    Code::File(path.to_owned())
}

/// When the first program of a file is run.
pub(super) fn runs(inspection: &Inspection, path: &str) -> Option<Trigger> {
    let file = inspection.files.iter().find(|file| file.path == path).unwrap();
    let acts = file.facts.acts.iter().zip(&file.triggers);
    acts.filter(|(act, _)| act.capability == Capability::Execute).map(|(_, trigger)| *trigger).min()
}

const GUARDED: &str = "import os\nif __name__ == '__main__':\n    os.system('collect')\n";

#[test]
fn what_is_for_programs_runs_when_the_file_is_one() {
    let package = tree(&[(Trigger::Import, file("a/__init__.py"))], &[("a/__init__.py", ""), ("a/tool.py", GUARDED)]);
    assert_eq!(runs(&package, "a/tool.py"), Some(Trigger::Command));
    let installer = tree(&[(Trigger::Install, file("setup.py"))], &[("setup.py", GUARDED)]);
    assert_eq!(runs(&installer, "setup.py"), Some(Trigger::Install));
    let hook = Code::Shell("python tool.py".to_owned());
    let called = tree(&[(Trigger::Install, hook)], &[("tool.py", GUARDED)]);
    assert_eq!(runs(&called, "tool.py"), Some(Trigger::Install));
    let renamed = GUARDED.replace("__name__", "__name__ and '__main__'");
    let always = tree(&[(Trigger::Import, file("a/__init__.py"))], &[("a/__init__.py", &renamed)]);
    assert_eq!(runs(&always, "a/__init__.py"), Some(Trigger::Import), "only the usual question is believed");
}

#[test]
fn a_test_is_read_if_something_loads_it() {
    let import = "import tests.helper\n";
    let files = [
        ("tests/helper.py", "import os, tests.deeper\nos.system('x')\n"),
        ("tests/deeper.py", "import os\nos.system('y')\n"),
        ("tests/test_a.py", "import os\nos.system('z')\n"),
        ("tests/run.js", "require('child_process').exec('x')"),
    ];
    let unread = |inspection: &Inspection| {
        let unread = inspection.files.iter().filter(|file| file.unread);
        unread.map(|file| file.path.clone()).collect::<Vec<_>>()
    };
    let package = |main| [&[("a/__init__.py", main)], &files[..]].concat();
    let alone = tree(&[(Trigger::Import, file("a/__init__.py"))], &package(""));
    assert_eq!(unread(&alone).len(), 4);
    assert!(alone.files.iter().all(|file| file.facts.language.is_some() && !file.shape.is_empty()));
    let loaded = tree(&[(Trigger::Import, file("a/__init__.py"))], &package(import));
    assert_eq!(unread(&loaded), ["tests/test_a.py", "tests/run.js"]);
    assert_eq!(runs(&loaded, "tests/helper.py"), Some(Trigger::Import));
    assert_eq!(runs(&loaded, "tests/deeper.py"), Some(Trigger::Import));
    let hook = Code::Shell("node tests/run.js".to_owned());
    let hooked = tree(&[(Trigger::Install, hook)], &package(""));
    assert_eq!(runs(&hooked, "tests/run.js"), Some(Trigger::Install));
    let started = tree(&[(Trigger::Install, file("tests/run.js"))], &package(""));
    assert_eq!(runs(&started, "tests/run.js"), Some(Trigger::Install));
    // What was not read is not known, when the next release loads it.
    let loads = Tree {
        starts: loaded.starts.clone(),
        members: package(import).iter().map(member).collect(),
        ..Tree::default()
    };
    let next = inspect(loads, &[&alone], |path| path.starts_with("tests/"), None);
    assert_eq!(runs(&next, "tests/helper.py"), Some(Trigger::Import));
}

#[test]
fn what_only_a_maintainer_asks_for_is_not_run_by_an_install() {
    let setup = |word: &str| {
        let text = format!("import os, sys\nif sys.argv[-1] == '{word}':\n    os.system('collect')\n");
        runs(&tree(&[(Trigger::Install, file("setup.py"))], &[("setup.py", &text)]), "setup.py")
    };
    assert_eq!(setup("publish"), Some(Trigger::Call));
    assert_eq!(setup("install"), Some(Trigger::Install));
}

#[test]
fn what_nothing_of_a_package_speaks_is_not_run() {
    let files = [("build.rs", "fn main() {}"), ("etc/a.py", "import os\nos.system('x')"), ("etc/a.sh", "collect")];
    let package = tree(&[(Trigger::Install, file("build.rs"))], &files);
    let trigger = |path: &str| package.files.iter().find(|file| file.path == path).unwrap().trigger;
    assert_eq!(trigger("etc/a.py"), Trigger::Never);
    assert_eq!(trigger("etc/a.sh"), Trigger::Never);
    let named = tree(&[(Trigger::Install, Code::Shell("sh etc/a.sh".to_owned()))], &[("etc/a.sh", "collect")]);
    assert_eq!(runs(&named, "etc/a.sh"), Some(Trigger::Install));
}

#[test]
fn tools_beside_the_packages_are_not_run_unless_something_leads_to_them() {
    let files =
        [("setup.py", "x = 1"), ("tools/a.py", "import os"), ("tools/b.py", "import os"), ("etc/c.py", "x = 1")];
    let package = tree(&[(Trigger::Install, file("setup.py"))], &files);
    let trigger =
        |package: &Inspection, path: &str| package.files.iter().find(|file| file.path == path).unwrap().trigger;
    assert_eq!(trigger(&package, "tools/a.py"), Trigger::Never);
    assert_eq!(trigger(&package, "etc/c.py"), Trigger::Call);
    let called =
        [("setup.py", "import os\nos.system('python tools/a.py')"), ("tools/a.py", "import os"), ("tools/b.py", "")];
    let package = tree(&[(Trigger::Install, file("setup.py"))], &called);
    assert_eq!(trigger(&package, "tools/a.py"), Trigger::Install);
    assert_eq!(trigger(&package, "tools/b.py"), Trigger::Never);
    for call in [
        "subprocess.call([sys.executable, os.path.join(os.path.dirname(__file__), 'tools', 'a.py')])",
        "os.system(f'{sys.executable} \"{os.path.join(os.path.dirname(__file__), \"tools/a.py\")}\"')",
        "eval('os.sys' + 'tem')('python3 ./tools/a.py')",
    ] {
        let setup = format!("import os, subprocess, sys\n{call}");
        let package =
            tree(&[(Trigger::Install, file("setup.py"))], &[("setup.py", &*setup), ("tools/a.py", "import os")]);
        assert_eq!(trigger(&package, "tools/a.py"), Trigger::Install, "{call}");
    }
    // A package that is called so is a package.
    let package =
        tree(&[(Trigger::Import, file("tools/__init__.py"))], &[("tools/__init__.py", ""), ("tools/a.py", "")]);
    assert_eq!(trigger(&package, "tools/a.py"), Trigger::Import);
}

#[test]
fn every_command_of_one_name_is_seen() {
    let commands = ["collect --one", "sh two.sh"].map(|text| (Trigger::Install, Code::Shell(text.to_owned())));
    let package = tree(&commands, &[("two.sh", "collect --two")]);
    assert_eq!(runs(&package, "two.sh"), Some(Trigger::Install));
    let hooks = package.files.iter().filter(|file| file.path == "manifest#sample");
    assert!(hooks.clone().count() == 2 && hooks.clone().all(|file| file.trigger == Trigger::Install));
}

#[test]
fn what_cannot_be_parsed_is_a_gap_where_it_may_run() {
    let template = "var a = {% for x in y %}";
    let python = [("a/__init__.py", ""), ("a/catalog.js", template)];
    let package = tree(&[(Trigger::Import, file("a/__init__.py"))], &python);
    assert!(package.gaps.is_empty(), "{:?}", package.gaps);
    let package = tree(&[(Trigger::Import, file("index.js"))], &[("index.js", ""), ("a/catalog.js", template)]);
    assert_eq!(package.gaps.len(), 1, "it may be loaded by a name that is put together");
}

#[test]
fn the_shape_of_a_file_is_its_code() {
    let shape = |text: &str, language| read::shape(text.as_bytes(), Some(language), "");
    let js = |text: &str| shape(text, Language::JavaScript);
    assert_eq!(js("f('a', 1);\n  g()"), js("f(\"a\",1)\ng();"));
    assert_ne!(js("x = '//'"), js("x = '//'; collect()"), "what looks like a comment hides nothing");
    assert_ne!(js("f() // collect()"), js("f() //\ncollect()"), "a line break brings a comment to life");
    let py = |text: &str| shape(text, Language::Python);
    assert_ne!(py("if a:\n    b()\n    c()"), py("if a:\n    b()\nc()"), "an indent says what runs");
    assert_eq!(py("f( 'a' )"), py("f(\"a\")"));
    assert_eq!(read::shape(b"text", None, "d"), "");
    assert_eq!(read::shape(b"text", Some(Language::Jvm), "d"), "d");
}

#[test]
fn what_may_run_at_the_install_is_read_in_full_and_the_rest_is_sifted() {
    let plain = "pub fn f() -> u32 { 1 }\n";
    let library = ("src/lib.rs", "mod a;\npub fn g() -> u32 { a::f() }\n");
    let sifted = |inspection: &Inspection| -> Vec<String> {
        let files = inspection.files.iter().filter(|file| file.facts.sifted);
        files.map(|file| file.path.clone()).collect()
    };
    let before = tree(&[(Trigger::Import, file("src/lib.rs"))], &[library, ("src/a.rs", plain), ("b.rs", plain)]);
    assert_eq!(sifted(&before), ["src/lib.rs", "src/a.rs", "b.rs"]);
    // A file of a build script is read again, also one that an earlier release had.
    let starts = [(Trigger::Import, file("src/lib.rs")), (Trigger::Install, file("build.rs"))];
    let files = [library, ("src/a.rs", plain), ("build.rs", "mod b;\nfn main() { b::f(); }\n"), ("b.rs", plain)];
    let after = tree_after(&[&before], &starts, &files);
    assert_eq!(sifted(&after), ["src/lib.rs", "src/a.rs"]);
    assert_eq!(after.files.iter().find(|file| file.path == "b.rs").unwrap().trigger, Trigger::Install);
}
