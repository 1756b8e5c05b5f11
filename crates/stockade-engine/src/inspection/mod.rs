//! Inspecting what strangers wrote, at arm's length.
//!
//! Parsers of many languages read bytes that an attacker chose, so they run in processes of their own that can do
//! nothing but compute (`stockade-sandbox`). One that crashes, loops or grows too large ends alone, and what it was
//! reading becomes a gap with the reason. There is no other way to an [`Inspection`]: the gateway, the command line and
//! the evaluation all go through an [`Inspector`].
//!
//! A worker is this same program again, with a hidden command. It reads one request after the other from its standard
//! input (`frame.rs`), and is replaced from time to time. Rules of YARA are the only ones that it needs: they speak of
//! bytes, which nobody else has.

mod fetch;
mod frame;
mod pool;
mod worker;

pub use pool::Inspector;
pub use stockade_inspect::capability::{Capability, Source};
pub use stockade_inspect::facts::{Act, Facts, FileGap, Moment, Spot};
pub use stockade_inspect::ir::Language;
pub use stockade_inspect::{
    Alone, Assessment, Change, CrossFlow, Difference, File, Finding, Inspection, Match, Place, RuleError, Rules,
    VERSION, assess,
};
pub use worker::{WorkerError, work};

/// The command that makes this program a worker.
pub const WORKER: &str = "inspect-worker";
/// The largest artifact that is inspected, in bytes: 256 MiB. It has to fit into a worker's memory with what it unpacks to.
pub const MAX_ARTIFACT: usize = 256 << 20;
