//! Source distributions: whatever builds them is code that runs at the install.

use std::collections::BTreeSet;

use stockade_model::{Code, NeedRole, Trigger};
use toml::{Table, Value};

use super::requirement::{need, normal_name};
use super::{SDIST, at_start, entry_point, ini, metadata, module_file, modules, read_wheel, wheel_likeness};
use crate::archive::{Files, Likeness, Manifest, find_line, inside, is_test_or_doc, lossy};

const PROJECT: &str = "pyproject.toml";
const SETUP: &str = "setup.py";
const CONFIG: &str = "setup.cfg";
const METADATA: &str = "PKG-INFO";
/// Modules beside a project's packages that are its tools, not part of it.
const TOOLS: [&str; 9] = [
    SETUP,
    "conftest.py",
    "noxfile.py",
    "tasks.py",
    "fabfile.py",
    "versioneer.py",
    "hatch_build.py",
    "pdm_build.py",
    "build.py",
];
/// Where a backend of `pyproject.toml` finds code of the project that it runs, and what it runs if no file is named.
const HOOKS: [(&[&str], &str, &str); 4] = [
    (&["tool", "hatch", "build", "hooks", "custom"], "path", "hatch_build.py"),
    (&["tool", "hatch", "metadata", "hooks", "custom"], "path", "hatch_build.py"),
    (&["tool", "poetry", "build"], "script", "build.py"),
    (&["tool", "pdm", "build"], "custom-hook", "pdm_build.py"),
];

pub(super) fn likeness(files: &Files<'_>) -> Likeness {
    Likeness::of(files.has(SETUP) || files.has(PROJECT), files.has(METADATA))
}

/// `left_demo-1.1.0.tar.gz`, and with hyphens in the name as older tools wrote it.
pub(super) fn release(file: &str) -> Option<(String, String)> {
    let stem = SDIST.extensions.iter().find_map(|end| file.strip_suffix(end))?;
    let (name, version) = stem.rsplit_once('-')?;
    version.starts_with(|first: char| first.is_ascii_digit()).then(|| (normal_name(name), version.replace('_', "-")))
}

pub(super) fn read(files: &Files<'_>, manifest: &mut Manifest) {
    if likeness(files) == Likeness::None {
        manifest.gaps.malformed("it has neither setup.py nor pyproject.toml, so that nothing says what it runs");
        // A wheel under another name is no source distribution, and yet can be unpacked where packages are.
        if wheel_likeness(files) != Likeness::None {
            return read_wheel(files, manifest);
        }
    }
    if files.has(SETUP) {
        manifest.start(Trigger::Install, SETUP, Code::File(SETUP.to_owned()), SETUP, 0);
    }
    if let Some(text) = files.text(PROJECT, manifest) {
        match text.parse::<Table>() {
            Ok(document) => project(files, &text, &document, manifest),
            Err(_) => manifest.gaps.malformed("`pyproject.toml` is no TOML, and was not read"),
        }
    }
    if let Some(text) = files.text(CONFIG, manifest) {
        config(files, &text, manifest);
    }
    if let Some(text) = files.text(METADATA, manifest) {
        metadata(&text, manifest);
    }
    egg_info(files, manifest);
    crate::cargo::built(files, manifest);
    let packages = packages(files);
    for path in files.paths().filter(|path| !TOOLS.contains(path)) {
        let name = ["src/", "lib/", "python/"].iter().find_map(|folder| path.strip_prefix(folder)).unwrap_or(path);
        let top = name.split('/').next().unwrap_or(name);
        // Beside the packages lie tests and documents, that are no packages; unless the project is called that.
        if name != path || packages.contains(&normal_name(top)) || !is_test_or_doc(path) {
            modules(path, name, manifest);
        }
    }
    at_start(files, manifest);
}

/// The packages that the metadata name, in normal form.
fn packages(files: &Files<'_>) -> BTreeSet<String> {
    let text = |path: &str| files.get(path).and_then(|member| lossy(&member.bytes)).unwrap_or_default();
    let metadata = text(METADATA);
    let name = metadata.lines().find_map(|line| line.strip_prefix("Name:")).map(normal_name);
    let lists = files.paths().filter(|path| path.ends_with(".egg-info/top_level.txt")).map(text);
    let listed: Vec<String> = lists.flat_map(|list| list.lines().map(normal_name).collect::<Vec<_>>()).collect();
    name.into_iter().chain(listed).collect()
}

fn project(files: &Files<'_>, text: &str, document: &Table, manifest: &mut Manifest) {
    backend(files, text, document, manifest);
    for (place, key, default) in HOOKS {
        let Some(hook) = at(document, place).and_then(Value::as_table) else { continue };
        let stated = hook.get(key).and_then(Value::as_str);
        if let Some(path) = stated.or(Some(default)).filter(|path| files.has(path)) {
            let line = find_line(text, |line| line.contains(path));
            manifest.start(Trigger::Install, "build hook", Code::File(path.to_owned()), PROJECT, line);
        }
    }
    let list =
        |place: &[&str]| at(document, place).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    list(&["build-system", "requires"]).for_each(|line| need(line, false, NeedRole::Build, manifest));
    list(&["project", "dependencies"]).for_each(|line| need(line, false, NeedRole::Run, manifest));
    let extras = at(document, &["project", "optional-dependencies"]).and_then(Value::as_table);
    for line in
        extras.into_iter().flatten().filter_map(|(_, lines)| lines.as_array()).flatten().filter_map(Value::as_str)
    {
        need(line, true, NeedRole::Run, manifest);
    }
    let groups = [("scripts", "console_scripts"), ("gui-scripts", "gui_scripts")];
    for (key, group) in groups {
        points(files, text, at(document, &["project", key]), group, manifest);
    }
    for (group, entries) in at(document, &["project", "entry-points"]).and_then(Value::as_table).into_iter().flatten() {
        points(files, text, Some(entries), group, manifest);
    }
    points(files, text, at(document, &["tool", "poetry", "scripts"]), "console_scripts", manifest);
    let commands = at(document, &["tool", "setuptools", "cmdclass"]).and_then(Value::as_table);
    for (_, class) in commands.into_iter().flatten() {
        if let Some(class) = class.as_str() {
            command_class(files, class, PROJECT, 0, manifest);
        }
    }
}

/// A backend that is part of the project is code that builds, and so is everything it imports.
fn backend(files: &Files<'_>, text: &str, document: &Table, manifest: &mut Manifest) {
    let Some(system) = document.get("build-system").and_then(Value::as_table) else { return };
    let Some(backend) = system.get("build-backend").and_then(Value::as_str) else { return };
    let module = backend.split(':').next().unwrap_or_default().trim().replace('.', "/");
    let folders = system.get("backend-path").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    for folder in folders {
        for path in [format!("{module}.py"), format!("{module}/__init__.py")] {
            let Some(path) = inside(folder, &path) else { continue };
            if files.has(&path) {
                let line = find_line(text, |line| line.trim_start().starts_with("build-backend"));
                manifest.start(Trigger::Install, "build backend", Code::File(path), PROJECT, line);
            }
        }
    }
}

fn points(files: &Files<'_>, text: &str, entries: Option<&Value>, group: &str, manifest: &mut Manifest) {
    for (name, value) in entries.and_then(Value::as_table).into_iter().flatten() {
        let Some(value) = value.as_str() else { continue };
        let line = find_line(text, |line| line.contains(value) && line.contains(name));
        entry_point(files, group, name, value, (PROJECT, line), manifest);
    }
}

fn config(files: &Files<'_>, text: &str, manifest: &mut Manifest) {
    for entry in ini::entries(text) {
        let lines = || entry.value.lines().map(str::trim).filter(|line| !line.is_empty());
        match (entry.section, entry.key) {
            ("options", "install_requires") => lines().for_each(|line| need(line, false, NeedRole::Run, manifest)),
            ("options", "setup_requires") => lines().for_each(|line| need(line, false, NeedRole::Build, manifest)),
            ("options", "cmdclass") => {
                for class in lines().filter_map(|line| line.split_once('=')).map(|(_, class)| class.trim()) {
                    command_class(files, class, CONFIG, entry.line, manifest);
                }
            }
            ("options.extras_require", _) => lines().for_each(|line| need(line, true, NeedRole::Run, manifest)),
            ("options.entry_points", group) => {
                for (name, value) in lines().filter_map(|line| line.split_once('=')) {
                    entry_point(files, group, name.trim(), value.trim(), (CONFIG, entry.line), manifest);
                }
            }
            _ => {}
        }
    }
}

/// A class of the project that a command of the build is made of.
fn command_class(files: &Files<'_>, class: &str, path: &str, line: u32, manifest: &mut Manifest) {
    let module = class.trim().rsplit_once('.').map_or(class, |(module, _)| module);
    if let Some(file) = module_file(files, module) {
        manifest.start(Trigger::Install, "build command", Code::File(file), path, line);
    }
}

/// What setuptools wrote down when the distribution was made: requirements that `setup.py` computed are only there.
fn egg_info(files: &Files<'_>, manifest: &mut Manifest) {
    let is_of = |path: &&str, name: &str| {
        path.strip_suffix(name).is_some_and(|folder| folder.ends_with(".egg-info/") && !is_test_or_doc(folder))
    };
    for path in files.paths().filter(|path| is_of(path, "requires.txt")) {
        let Some(text) = files.text(path, manifest) else { continue };
        let mut is_extra = false;
        for line in text.lines().map(str::trim) {
            if let Some(section) = line.strip_prefix('[') {
                // `[:marker]` is no extra, `[name:marker]` is one.
                is_extra = !section.starts_with(':');
            } else {
                need(line, is_extra, NeedRole::Run, manifest);
            }
        }
    }
    for path in files.paths().filter(|path| is_of(path, "entry_points.txt")) {
        let Some(text) = files.text(path, manifest) else { continue };
        for entry in ini::entries(&text) {
            entry_point(files, entry.section, entry.key, &entry.value, (path, entry.line), manifest);
        }
    }
}

fn at<'a>(document: &'a Table, place: &[&str]) -> Option<&'a Value> {
    let (first, rest) = place.split_first()?;
    rest.iter().try_fold(document.get(*first)?, |value, key| value.get(key))
}
