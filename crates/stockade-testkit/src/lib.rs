//! Fake registries on loopback, a package builder, a clock, snapshot filters.
//!
//! Stockade sits between real clients and real registries, and most of what goes wrong there goes wrong on the wire: an
//! answer that ends too early, a name in another encoding, a document that changed in between. A mock would only repeat
//! what we believe about the wire. So the suites talk to a real server on a real socket ([`FakeRegistry`]), with real
//! tarballs ([`Package`]), and drive the real client ([`Npm`]).
//!
//! ```
//! use stockade_testkit::{FakeRegistry, Fault, NOW, Package, hours_before};
//!
//! let registry = FakeRegistry::start();
//! let demo = Package::new("left-demo");
//! registry.publish(&demo.release("1.0.0"));
//! registry.publish(&demo.release("1.1.0").published(hours_before(NOW, 5)).script("postinstall", "node steal.js"));
//! registry.fault("/left-demo/-/*", Fault::Truncate(100));
//! assert!(registry.url().starts_with("http://127.0.0.1:"));
//! assert_eq!(registry.count("/left-demo"), 0);
//! ```
//!
//! This crate is only for tests, benchmarks and the demonstration: it does I/O, looks at the clock and starts processes.
//! It panics instead of returning errors where a test could do nothing else with them. Samples of attacks are inert:
//! they name endpoints below `.invalid` and nothing runs them outside of a test's temporary folder.

#![expect(
    clippy::disallowed_methods,
    reason = "a test kit serves sockets, writes temporary folders, looks at the clock and starts clients"
)]
#![expect(clippy::missing_panics_doc, reason = "whatever a test cannot go on without ends it, and says so")]

mod cargo;
mod client;
mod clock;
mod fault;
mod files;
mod filters;
mod http;
#[cfg(target_os = "linux")]
pub mod kernel;
mod maven;
mod npm;
mod package;
mod packument;
mod proc;
mod pypi;
mod server;
mod tool;

pub use cargo::{CrateRegistry, CrateRelease};
pub use client::{Npm, Other, Output, Project, finished, skipped};
pub use clock::{NOW, hours_before, now};
pub use fault::{Fault, Stall};
pub use files::{FileServer, zip_of};
pub use filters::tidy;
pub use maven::{JAVA_OPTIONS, MavenRegistry, MavenRelease};
pub use npm::FakeRegistry;
pub use package::{Package, Release};
pub use proc::{Guard, free_port, wait_for_port};
pub use pypi::{Distribution, PythonRegistry};
pub use server::{Seen, Server};
pub use tool::PythonTool;
