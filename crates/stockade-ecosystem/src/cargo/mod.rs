//! crates.io: the registry of Rust crates.
//!
//! How code of a release gets to run. A crate is source, compiled on the user's machine, and compiling is enough: the
//! build script (`build.rs`) runs before the crate is compiled, with all rights of the user, and a procedural macro runs
//! inside the compiler of whoever uses it. An editor with a language server does both as soon as a folder is opened. The
//! library itself runs when the program that contains it calls it; nothing of it runs at a load.

mod archive;

use stockade_model::EcosystemId;

pub use archive::CRATE;
pub(crate) use archive::built;

const ID: EcosystemId = EcosystemId::new("cargo");

/// What its clients, and programs of its language, may do in a sandbox.
pub(crate) const PROFILES: &[&str] = &[include_str!("profiles/build.toml")];
