//! What is tried: the lists, and how a project of each client is made.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

const LISTS: &[(&str, &str)] = &[
    ("npm", include_str!("npm.toml")),
    ("pip", include_str!("python.toml")),
    ("Cargo", include_str!("rust.toml")),
    ("Java", include_str!("java.toml")),
    ("others", include_str!("others.toml")),
];
/// What npm may take for what is not pinned: no release is as young as a policy minds.
const BEFORE: &str = "2026-09-01";
/// Where pip finds what it downloaded before.
const WHEELS: &str = "wheelhouse";

/// A project, and what is done in it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Project {
    pub(super) name: String,
    /// Whose list it is in.
    #[serde(skip)]
    pub(super) client: &'static str,
    /// The releases that it depends on, in the client's own way of writing them.
    #[serde(default)]
    packages: Vec<String>,
    /// Scripts of the manifest, for npm.
    #[serde(default)]
    scripts: BTreeMap<String, String>,
    /// Files of the project, by their path in it.
    #[serde(default)]
    pub(super) files: BTreeMap<String, String>,
    /// Lines for a shell which make it ready, bare, with the network.
    #[serde(default)]
    prepare: Vec<String>,
    /// Commands, bare and in the sandbox.
    pub(super) run: Vec<String>,
    #[serde(default)]
    pub(super) exceptions: Vec<Exception>,
}

/// Something that is blocked, and that the project does not need.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exception {
    /// What its words contain.
    pub(super) blocked: String,
    pub(super) why: String,
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    project: Vec<Project>,
}

/// All of them, in the order of the table.
pub(super) fn all() -> anyhow::Result<Vec<Project>> {
    let mut all = Vec::new();
    for (client, text) in LISTS {
        let list: List = toml::from_str(text).with_context(|| format!("the list of {client}"))?;
        all.extend(list.project.into_iter().map(|project| Project { client, ..project }));
    }
    Ok(all)
}

impl Project {
    /// The files that it consists of.
    pub(super) fn sources(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let mut files = self.files.clone();
        files.insert(".gitignore".to_owned(), "node_modules\ntarget\n.venv\n__pycache__\n".to_owned());
        match self.client {
            "npm" if !self.packages.is_empty() => {
                files.insert("package.json".to_owned(), self.package_json()?);
            }
            "Cargo" if !self.packages.is_empty() => {
                files.insert("Cargo.toml".to_owned(), self.cargo_toml());
            }
            _ => {}
        }
        Ok(files)
    }

    /// Lines for a shell which make it ready.
    pub(super) fn preparation(&self) -> Vec<String> {
        let packages = self.packages.join(" ");
        let before = match self.client {
            "npm" if !packages.is_empty() => {
                format!("npm install --package-lock-only --ignore-scripts --no-audit --before={BEFORE}")
            }
            "pip" if !packages.is_empty() => format!("pip download -d {WHEELS} {packages}"),
            "Cargo" if !packages.is_empty() => "cargo fetch".to_owned(),
            _ => String::new(),
        };
        let lines = std::iter::once(before).filter(|line| !line.is_empty());
        lines.chain(self.prepare.iter().cloned()).collect()
    }

    /// A line for a shell which is run each time before the commands, bare.
    pub(super) fn start(&self) -> Option<&'static str> {
        (self.client == "pip").then_some("python3 -m venv .venv")
    }

    /// Variables for everything that is run in `folder`, as a person there has them.
    pub(super) fn variables(&self, folder: &Path) -> Vec<(&'static str, String)> {
        if self.client != "pip" {
            return Vec::new();
        }
        let venv = folder.join(".venv");
        let path = std::env::var("PATH").unwrap_or_default();
        let active = format!("{}:{path}", venv.join("bin").display());
        // What is compiled runs once: the time is better spent on more projects.
        let fast = "-O0 -w".to_owned();
        vec![("PATH", active), ("VIRTUAL_ENV", venv.display().to_string()), ("CFLAGS", fast)]
    }

    fn package_json(&self) -> anyhow::Result<String> {
        let dependencies: BTreeMap<_, _> =
            self.packages.iter().filter_map(|package| package.rsplit_once('@')).collect();
        let manifest = serde_json::json!({
            "name": "ordinary", "version": "1.0.0", "private": true,
            "scripts": self.scripts, "dependencies": dependencies,
        });
        Ok(serde_json::to_string_pretty(&manifest)?)
    }

    /// A package of Cargo is written as in a manifest: `name = "=1.2.3"`.
    fn cargo_toml(&self) -> String {
        let mut manifest =
            "[package]\nname = \"ordinary\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\n".to_owned();
        for package in &self.packages {
            let _ = writeln!(manifest, "{package}");
        }
        manifest
    }
}
