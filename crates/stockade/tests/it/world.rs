//! A user with a project, a client, a registry and Stockade.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use stockade_testkit::{FakeRegistry, NOW, Npm, Output, Package, Project, Release, hours_before, tidy};

/// A world in which `left-demo` 1.1.0 was hijacked five hours ago.
pub(crate) struct World {
    pub(crate) registry: FakeRegistry,
    pub(crate) project: Project,
}

/// A release that steals, or would if it ran: it is inert.
pub(crate) fn hijacked() -> Release {
    Package::new("left-demo")
        .release("1.1.0")
        .published(hours_before(NOW, 5))
        .publisher("mallory")
        .script("postinstall", "node steal.js")
        .file("steal.js", "require('fs').writeFileSync('stolen', '')")
}

impl World {
    /// The world with the npm on the PATH; `None`, and a line that says so, where there is none.
    pub(crate) fn or_skip() -> Option<Self> {
        Npm::usual_or_skip().map(|npm| Self::with(&npm))
    }

    pub(crate) fn with(npm: &Npm) -> Self {
        Self::at(npm, "/")
    }

    /// The world with a registry below a path.
    pub(crate) fn at(npm: &Npm, mount: &str) -> Self {
        let registry = FakeRegistry::start_at(mount);
        registry.publish(&Package::new("left-demo").release("1.0.9"));
        registry.publish(&hijacked());
        let project = npm.project(json!({"dependencies": {"left-demo": "^1.0.0"}}));
        let project = project.registry(&registry.url()).env("USER", "alice").config("fetch-retries", "0");
        Self { registry, project }
    }

    /// Stockade with these arguments, at the instant of the tests.
    pub(crate) fn stockade<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        self.project.finish(self.command().args(arguments))
    }

    /// Stockade at the instant of the tests, to be changed before it is run.
    pub(crate) fn command(&self) -> Command {
        let mut command = self.project.command(env!("CARGO_BIN_EXE_stockade"));
        // Clients of other ecosystems are installed here as they are, and would be asked, or written to.
        command.args(["--now", &NOW.to_string(), "--ecosystem", "npm"]);
        command
    }

    /// The answer as JSON.
    pub(crate) fn json<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Value {
        let output = self.project.finish(self.command().args(["--format", "json"]).args(arguments));
        serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output}"))
    }

    /// The installed version of a package.
    pub(crate) fn installed(&self, name: &str) -> Option<String> {
        let manifest = self.project.read(&format!("node_modules/{name}/package.json"))?;
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        Some(manifest["version"].as_str()?.to_owned())
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.project.home().join(".local/share/stockade")
    }

    pub(crate) fn settings_file(&self) -> PathBuf {
        self.project.home().join(".config/stockade/stockade.toml")
    }

    /// Writes the user's settings.
    pub(crate) fn settings(&self, text: &str) {
        let file = self.settings_file();
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// Puts a record that says that a release is malware where Stockade looks for it.
    pub(crate) fn malware(&self, name: &str, version: &str) {
        let folder = self.data().join("advisories");
        fs::create_dir_all(&folder).unwrap();
        let affected = json!([{"package": {"ecosystem": "npm", "name": name}, "versions": [version]}]);
        let record = json!({"id": "MAL-2026-1", "summary": "Malicious code in left-demo (npm)", "affected": affected});
        fs::write(folder.join("MAL-2026-1.json"), record.to_string()).unwrap();
    }
}

/// A document of SARIF, valid by its official schema.
pub(crate) fn sarif(text: &str) -> Value {
    let schema = serde_json::from_str(include_str!("testdata/sarif-schema-2.1.0.json")).unwrap();
    let schema = jsonschema::options().offline().build(&schema).unwrap();
    let document: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let wrong: Vec<String> = schema.iter_errors(&document).map(|error| error.to_string()).collect();
    assert_eq!(wrong, [""; 0], "{document:#}");
    document
}

/// What a human sees.
pub(crate) fn seen(output: &Output) -> String {
    shown(&format!("{}{}status {}\n", output.stdout, output.stderr, output.status.unwrap_or(-1)))
}

/// Text without what differs from run to run or from machine to machine: digests, sizes, the words of the system.
pub(crate) fn shown(text: &str) -> String {
    let text = tidy(text).replace("[DIR]/home", "~");
    text.trim().lines().map(line).collect::<Vec<_>>().join("\n")
}

fn line(line: &str) -> String {
    let mut line = line.to_owned();
    for (before, after) in [("stockade explain ", "[RULING]"), ("did not answer: ", "[WHY]")] {
        if let Some(at) = line.find(before) {
            line.replace_range(at + before.len().., after);
        }
    }
    if let Some((start, end)) = line.find(" served (").zip(line.find(" bytes)")) {
        line.replace_range(start + " served (".len()..end, "[N]");
    }
    for algorithm in ["sha256:", "sha512:", "sha512-"] {
        let mut from = 0;
        while let Some(at) = line[from..].find(algorithm).map(|at| from + at + algorithm.len()) {
            let is_digit = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
            let end = line[at..].find(|c| !is_digit(c)).map_or(line.len(), |length| at + length);
            line.replace_range(at..end, "…");
            from = at;
        }
    }
    line
}

/// What a human sees of Stockade alone: standard error from the summary on.
pub(crate) fn summary(output: &Output) -> String {
    let whole = seen(&Output { stdout: String::new(), ..output.clone() });
    let start = whole.rfind("stockade: ").unwrap_or(0);
    whole[start..].to_owned()
}

/// Every file below a folder with its bytes and its mode, except npm's own cache.
pub(crate) fn contents(folder: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with(".npm") || path.ends_with(".local") {
            continue;
        }
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
            found.insert(path.clone(), (mode, fs::read(&path).unwrap()));
        }
    }
    found
}
