//! The product, from outside: the real binary, real clients, and registries that behave and misbehave.

#![expect(clippy::disallowed_methods, reason = "tests write files and start programs")]
#![expect(clippy::unwrap_used, reason = "what a test cannot go on without ends it")]

mod advisories;
mod audits;
mod cargo;
mod client_config;
mod clients;
mod crash;
mod decisions;
mod gradle;
mod hosted;
mod inspect;
mod inventory;
mod live;
mod lockfiles;
mod log;
mod maven;
mod poetry;
mod policy;
mod publish;
mod publish_crates;
mod publish_python;
mod python;
mod run;
#[cfg(target_os = "linux")]
mod sandbox;
mod sbom;
mod scan;
mod serve;
mod settings;
mod setup;
mod uv;
mod world;
#[cfg(feature = "yara")]
mod yara;
