//! PyPI: the index of Python packages.
//!
//! How code of a release gets to run. A *source distribution* is a program that builds: installing it runs `setup.py`,
//! or the backend that `pyproject.toml` names, which can be part of the package. A *wheel* is only copied, and runs
//! nothing then; but a `.pth` file that it puts beside the packages has lines that the interpreter executes at every
//! start, imported or not, and so have `sitecustomize.py` and `usercustomize.py`. Importing a package runs its
//! `__init__.py`; a console script runs when the user calls it, and a plugin of a tool whenever the tool runs.
//!
//! A package's index is its *project page*, which lists files: for each release a source distribution and wheels for
//! several platforms, uploaded one by one, at any time after the release. So each file is a subject of its own. Clients
//! read the page, pick a version and of it a file, fetch its metadata from beside it if the page says that they are there,
//! and then the file. `uv sync --locked` goes straight to the file, whose address its lockfile has.
//!
//! What a gateway can say to the user: a file that is `yanked` is chosen only by who names its version exactly, and pip and
//! uv then print the reason; a refusal reaches pip's user through the reason phrase and uv's through RFC 9457.

mod archive;
mod client;
mod file;
mod hosting;
mod installed;
mod lockfile;
mod manifest;
mod name;
mod page;
mod path;
mod render;
mod route;
mod summary;
mod version;
mod wheel;

use std::time::Duration;

use stockade_model::{EcosystemId, Malformed, Package, Release};

use crate::{
    Denial, Ecosystem, Hosting, Index, Refusal, Registry, Request, Rope, Route, Steering, Summary, Variant, denial,
};

pub use archive::{SDIST, WHEEL};
pub use name::parse as parse_name;
pub(crate) use wheel::WHEELS;

/// The descriptor.
pub static PYPI: Ecosystem = Ecosystem {
    id: ID,
    purl_type: "pypi",
    osv: "PyPI",
    name: name::parse,
    version: version::parse,
    lockfiles: &[
        &lockfile::UV_LOCK,
        &lockfile::POETRY_LOCK,
        &lockfile::PDM_LOCK,
        &lockfile::PIPFILE_LOCK,
        &lockfile::PYLOCK,
        &lockfile::REQUIREMENTS,
    ],
    linked: None,
    manifests: &[&manifest::PYPROJECT, &manifest::SETUP_CFG, &manifest::SETUP_PY],
    installed: Some(&installed::INSTALLED),
    registry: Some(&Protocol),
    clients: &[&client::PIP, &client::UV, &client::POETRY],
    joins_alike: false,
    interpreted: Some(client::module),
    artifacts: &[&WHEEL, &SDIST],
};

const ID: EcosystemId = EcosystemId::new("pypi");

/// What its clients, and programs of its language, may do in a sandbox.
pub(crate) const PROFILES: &[&str] = &[include_str!("profiles/install.toml"), include_str!("profiles/python.toml")];

/// The Simple API.
struct Protocol;

impl Registry for Protocol {
    fn route(&self, request: &Request<'_>) -> Route {
        route::route(request)
    }

    fn root(&self) -> &'static str {
        "simple/"
    }

    fn index_path(&self, package: &Package) -> String {
        format!("{}/", package.name)
    }

    /// Only JSON has the times of files.
    fn index_accept(&self) -> &'static str {
        route::JSON
    }

    fn index(&self, package: &Package, document: &[u8]) -> Result<Index, Malformed> {
        page::read(package, document)
    }

    fn render(&self, index: &Index, steering: &Steering<'_>) -> Rope {
        render::page(index, steering)
    }

    fn index_type(&self, variant: Variant) -> &'static str {
        match variant {
            Variant::Full | Variant::Abbreviated => route::JSON,
            Variant::Html => route::HTML,
        }
    }

    fn artifact_file(&self, release: &Release) -> String {
        release.file.clone().unwrap_or_default()
    }

    /// The metadata of a wheel (PEP 658).
    fn description(&self) -> Option<&'static str> {
        Some(".metadata")
    }

    fn hosting(&self) -> Option<&'static dyn Hosting> {
        Some(&hosting::PyPi)
    }

    fn files_are_elsewhere(&self) -> bool {
        true
    }

    fn summary(&self) -> Option<&'static Summary> {
        Some(&summary::SUMMARY)
    }

    /// pip waits 15 seconds, and comes back as it is told. uv waits 30, and comes back soon and only a few times.
    fn patience(&self, agent: &str) -> Duration {
        Duration::from_secs(if agent.starts_with("uv/") { 25 } else { 10 })
    }

    fn denial(&self, refusal: &Refusal) -> Denial {
        denial::problem(refusal)
    }
}

fn package(name: &str) -> Result<Package, Malformed> {
    Ok(Package { ecosystem: ID, name: name::parse(name)? })
}
