//! The kit, looked at from the other end of the wire: by a client that sees every byte, and by the real npm.

#![expect(clippy::disallowed_methods, reason = "tests of deadlines look at the clock")]
#![expect(clippy::unwrap_used, reason = "what a test cannot go on without ends it")]

mod client;
mod faults;
mod registry;
mod wire;
