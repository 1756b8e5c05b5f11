use bytes::Bytes;
use stockade_model::{Code, Tree};

use crate::archive::of_directory;

fn tree(files: &[(&str, &str)]) -> Tree {
    let file = |(name, text): &(&str, &str)| ((*name).to_owned(), Bytes::copy_from_slice(text.as_bytes()), false);
    of_directory(files.iter().map(file).collect())
}

fn starts(files: &[(&str, &str)]) -> Vec<String> {
    let file = |code: &Code| if let Code::File(path) = code { path.clone() } else { String::new() };
    let show = |s: &stockade_model::Start| {
        format!("{} {}: {} ({}:{})", s.trigger.name(), s.name, file(&s.code), s.path, s.line)
    };
    tree(files).starts.iter().map(show).collect()
}

#[test]
fn build_scripts_and_macros_run_in_the_build() {
    let manifest = "[package]\nbuild = \"./src/make.rs\"\n[lib]\nproc-macro = true\npath = \"src/m.rs\"\n";
    let files = [("Cargo.toml", manifest), ("build.rs", ""), ("src/make.rs", ""), ("src/m.rs", "")];
    let expected =
        ["install build script: src/make.rs (Cargo.toml:2)", "install procedural macro: src/m.rs (Cargo.toml:5)"];
    assert_eq!(starts(&files), expected);
    let files = [("Cargo.toml", "[package]\nbuild = false\n"), ("build.rs", ""), ("src/lib.rs", "")];
    assert_eq!(starts(&files), ["import library: src/lib.rs (Cargo.toml:0)"]);
    let files = [("Cargo.toml", "[package]\n"), ("build.rs", "")];
    assert_eq!(starts(&files), ["install build script: build.rs (Cargo.toml:0)"]);
}

#[test]
fn programs_are_found_where_cargo_looks() {
    let files = [
        ("Cargo.toml", "[[bin]]\nname = \"a\"\npath = \"tools/a.rs\"\n"),
        ("tools/a.rs", ""),
        ("src/main.rs", ""),
        ("src/bin/b.rs", ""),
        ("src/bin/c/main.rs", ""),
        ("src/bin/c/other.rs", ""),
    ];
    let found = starts(&files);
    let expected = [
        "command program: src/bin/b.rs (Cargo.toml:0)",
        "command program: src/bin/c/main.rs (Cargo.toml:0)",
        "command program: src/main.rs (Cargo.toml:0)",
        "command program: tools/a.rs (Cargo.toml:3)",
    ];
    assert_eq!(found, expected);
}

#[test]
fn needs_are_read_for_every_target() {
    let manifest = r#"
[dependencies]
a = "1"
b = { version = "2", package = "c", optional = true }
d = { git = "https://git.example/d" }
e = { path = "../e" }
f = { path = "../f", version = "3" }
[build-dependencies.g]
version = "4"
[dev-dependencies]
no = "1"
[target.'cfg(unix)'.dependencies]
h = "5"
"#;
    let needs = tree(&[("Cargo.toml", manifest)]).needs;
    let found: Vec<_> = needs.iter().map(|n| format!("{} {} {:?} {:?}", n.name, n.wanted, n.from, n.role)).collect();
    let expected = [
        "a 1 Registry Run",
        "c 2 Registry Optional",
        "d https://git.example/d Git Run",
        "e ../e Path Run",
        "f 3 Registry Run",
        "g 4 Registry Build",
        "h 5 Registry Run",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_manifest_that_cannot_be_read_is_a_gap() {
    let gaps = tree(&[("Cargo.toml", "[")]).gaps;
    assert_eq!(gaps[0].detail, "`Cargo.toml` is no TOML, and was not read");
}
