//! What a wheel and a source distribution run and need, as their metadata say.

mod ini;
pub(super) mod record;
mod requirement;
mod sdist;

use std::collections::BTreeSet;

use stockade_model::{Code, Trigger};

use super::ID;
use crate::archive::{ArtifactFormat, Files, Likeness, Manifest, Root, extension, is_test_or_doc, lossy};
use requirement::normal_name;

/// A wheel.
pub static WHEEL: ArtifactFormat = ArtifactFormat {
    name: "wheel",
    ecosystem: ID,
    extensions: &[".whl"],
    root: Root::Nothing,
    likeness: wheel_likeness,
    read: read_wheel,
    release: Some(wheel_release),
};

/// A source distribution.
pub static SDIST: ArtifactFormat = ArtifactFormat {
    name: "sdist",
    ecosystem: ID,
    extensions: &[".tar.gz", ".tgz", ".zip", ".tar", ".tar.bz2", ".tar.xz"],
    root: Root::Common,
    likeness: sdist::likeness,
    read: sdist::read,
    release: Some(sdist::release),
};

/// Groups of entry points that their tool loads all of, whenever it runs.
const LOADED_ALWAYS: &[&str] = &[
    "pytest11",
    "setuptools.finalize_distribution_options",
    "distutils.setup_keywords",
    "distutils.commands",
    "egg_info.writers",
    "virtualenv.activate",
    "virtualenv.discovery",
    "hatch",
    "poetry.plugin",
    "poetry.application.plugin",
    "pdm",
];
const SCRIPTS: [&str; 2] = ["console_scripts", "gui_scripts"];
/// Modules that the interpreter imports when it starts, if they are there.
const CUSTOMIZE: [&str; 2] = ["sitecustomize.py", "usercustomize.py"];
/// Folders of a wheel's data whose files go where packages are.
const LIBRARIES: [&str; 2] = ["purelib/", "platlib/"];

fn wheel_likeness(files: &Files<'_>) -> Likeness {
    let packed = files.paths().any(|path| {
        path.split_once('/').is_some_and(|(folder, file)| {
            folder.ends_with(".dist-info") && matches!(file, "WHEEL" | "METADATA" | "RECORD")
        })
    });
    Likeness::of(false, packed)
}

/// `left_demo-1.1.0-1-py3-none-any.whl`: name, version, a build's number perhaps, and three tags.
fn wheel_release(file: &str) -> Option<(String, String)> {
    let mut parts = file.strip_suffix(".whl")?.split('-');
    let release = (normal_name(parts.next()?), parts.next()?.replace('_', "-"));
    (3..=4).contains(&parts.count()).then_some(release)
}

fn read_wheel(files: &Files<'_>, manifest: &mut Manifest) {
    let folders: BTreeSet<&str> =
        files.paths().filter_map(|path| path.split_once('/')).map(|(folder, _)| folder).collect();
    let mut infos = folders.iter().filter(|folder| folder.ends_with(".dist-info"));
    let Some(info) = infos.next() else {
        return manifest.gaps.malformed("it has no .dist-info, so that nothing says what it is");
    };
    if infos.next().is_some() {
        manifest.gaps.malformed("it has several .dist-info folders, and installers differ in which one they read");
    }
    record::check(files, info, manifest);
    if let Some(text) = files.text(&format!("{info}/METADATA"), manifest) {
        metadata(&text, manifest);
    }
    let entries = format!("{info}/entry_points.txt");
    if let Some(text) = files.text(&entries, manifest) {
        for entry in ini::entries(&text) {
            entry_point(files, entry.section, entry.key, &entry.value, (&entries, entry.line), manifest);
        }
    }
    for path in files.paths() {
        let data = path.split_once(".data/").filter(|(folder, _)| !folder.contains('/')).map(|(_, rest)| rest);
        if data.is_some_and(|rest| rest.starts_with("scripts/")) {
            manifest.start(Trigger::Command, "script", Code::File(path.to_owned()), path, 0);
        }
        let library = data.and_then(|rest| LIBRARIES.iter().find_map(|folder| rest.strip_prefix(folder)));
        modules(path, library.unwrap_or(path), manifest);
    }
    at_start(files, manifest);
}

/// Adds a file if importing loads it: the modules beside the packages, and each package's own. `name` is its path among
/// the packages; a package can be called as tests are, so its own name tells nothing.
fn modules(path: &str, name: &str, manifest: &mut Manifest) {
    let file = || Code::File(path.to_owned());
    let Some((_, inner)) = name.split_once('/') else {
        if is_module(name) {
            manifest.start(Trigger::Import, "module", file(), path, 0);
        }
        return;
    };
    match inner.rsplit('/').next() {
        Some("__main__.py") if !is_test_or_doc(inner) => {
            manifest.start(Trigger::Command, "__main__", file(), path, 0);
        }
        Some("__init__.py") if !is_test_or_doc(inner) => {
            manifest.start(Trigger::Import, "package", file(), path, 0);
        }
        _ => {}
    }
}

fn is_module(name: &str) -> bool {
    matches!(extension(name), "py" | "so" | "pyd" | "pyc")
}

/// What the interpreter runs when it starts: lines of `.pth` files that begin with `import`, and two modules.
fn at_start(files: &Files<'_>, manifest: &mut Manifest) {
    for member in files.members {
        let path = member.path.as_str();
        let name = path.rsplit('/').next().unwrap_or(path);
        if CUSTOMIZE.contains(&name) && !is_test_or_doc(path) {
            manifest.start(Trigger::Start, name, Code::File(path.to_owned()), path, 0);
        }
        if extension(name) != "pth" {
            continue;
        }
        let Some(text) = lossy(&member.bytes) else {
            manifest
                .gaps
                .limit(format!("{} is too large for a path file, and was not read", crate::archive::shown(path)));
            continue;
        };
        for (line, number) in text.replace("\r\n", "\n").split(['\n', '\r']).zip(1_u32..) {
            if line.starts_with("import ") || line.starts_with("import\t") {
                manifest.start(Trigger::Start, name, Code::Python(line.to_owned()), path, number);
            }
        }
    }
}

/// `group`: `name = module:function`.
fn entry_point(
    files: &Files<'_>,
    group: &str,
    name: &str,
    value: &str,
    (path, line): (&str, u32),
    manifest: &mut Manifest,
) {
    let module = value.split([':', '[']).next().unwrap_or_default().trim();
    let Some(file) = module_file(files, module) else { return };
    let (trigger, title) = if SCRIPTS.contains(&group) {
        (Trigger::Command, format!("command {name}"))
    } else if LOADED_ALWAYS.contains(&group) {
        (Trigger::Start, format!("entry point {group}"))
    } else {
        (Trigger::Import, format!("entry point {group}"))
    };
    manifest.start(trigger, &title, Code::File(file), path, line);
}

/// The file of a module, where packages usually are.
fn module_file(files: &Files<'_>, module: &str) -> Option<String> {
    let path = module.replace('.', "/");
    let folders = ["", "src/", "lib/", "python/"];
    let mut places =
        folders.iter().flat_map(|folder| [format!("{folder}{path}.py"), format!("{folder}{path}/__init__.py")]);
    if path.is_empty() { None } else { places.find(|place| files.has(place)) }
}

/// `Requires-Dist` of the headers of a `METADATA` or `PKG-INFO`.
fn metadata(text: &str, manifest: &mut Manifest) {
    for line in text.lines().take_while(|line| !line.is_empty()) {
        let Some((key, value)) = line.split_once(':') else { continue };
        if key.eq_ignore_ascii_case("Requires-Dist") {
            requirement::need(value, false, stockade_model::NeedRole::Run, manifest);
        }
    }
}

#[cfg(test)]
mod tests;
