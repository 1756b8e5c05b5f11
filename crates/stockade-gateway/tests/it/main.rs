//! The gateway over real sockets, between a fake registry that can fail in every way and a client that speaks plain HTTP.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without ends it")]
#![expect(clippy::disallowed_methods, reason = "tests read and damage files, and look at the clock")]

mod artifacts;
mod audits;
mod crates;
mod faults;
mod hosting;
mod human;
mod inspection;
mod inventory;
mod listings;
mod maven;
mod other_routes;
mod python;
mod world;
