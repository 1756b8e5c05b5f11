//! The product, from outside: the real binary, real clients, and registries that behave and misbehave.

#![expect(clippy::disallowed_methods, reason = "tests write files and start programs")]
#![expect(clippy::unwrap_used, reason = "what a test cannot go on without ends it")]

mod cargo;
mod client_config;
mod crash;
mod decisions;
mod inspect;
mod live;
mod lockfiles;
mod log;
mod policy;
mod python;
mod run;
#[cfg(target_os = "linux")]
mod sandbox;
mod serve;
mod settings;
mod setup;
mod world;
#[cfg(feature = "yara")]
mod yara;
