//! PyPI: the index of Python packages.
//!
//! How code of a release gets to run. A *source distribution* is a program that builds: installing it runs `setup.py`,
//! or the backend that `pyproject.toml` names, which can be part of the package. A *wheel* is only copied, and runs
//! nothing then; but a `.pth` file that it puts beside the packages has lines that the interpreter executes at every
//! start, imported or not, and so have `sitecustomize.py` and `usercustomize.py`. Importing a package runs its
//! `__init__.py`; a console script runs when the user calls it, and a plugin of a tool whenever the tool runs.

mod archive;
mod file;
mod name;
mod page;
mod path;
mod version;

use stockade_model::{EcosystemId, Malformed, Package};

pub use archive::{SDIST, WHEEL};

const ID: EcosystemId = EcosystemId::new("pypi");

fn package(name: &str) -> Result<Package, Malformed> {
    Ok(Package { ecosystem: ID, name: name::parse(name)? })
}

/// What its clients, and programs of its language, may do in a sandbox.
pub(crate) const PROFILES: &[&str] = &[include_str!("profiles/install.toml"), include_str!("profiles/python.toml")];
