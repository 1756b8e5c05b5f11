//! Takes from a process what it does not need, before it reads what a stranger wrote.
//!
//! Parsers of hostile input are where attackers get in. The process that runs them can therefore do nothing but compute:
//! no files, no network, no programs, bounded memory and time ([`confine_worker`]). What the system at hand cannot take
//! away is said, never passed over.
//!
//! What strangers' programs do, when an install or the result of one runs them, is kept in a world of its own
//! ([`sandbox`]), and on macOS bounded by rules ([`seatbelt`]).
//!
//! This is the only crate that starts programs of ours again ([`ourselves`]) and that may hold `unsafe`.

mod confine;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(unix)]
pub mod profile;
#[cfg(target_os = "linux")]
pub mod sandbox;
#[cfg(unix)]
pub mod seatbelt;
mod start;

pub use confine::{ConfineError, Confined, Limits, confine_worker};
pub use start::ourselves;
