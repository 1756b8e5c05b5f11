//! Advisories: OSV records on one side, what is known of a release on the other, and a file between them.
//!
//! A gate that asks about five thousand packages while somebody waits cannot read half a gigabyte of JSON first. So records
//! are read once, by a [`Builder`], which writes a file that answers from the pages it needs ([`Advisories`]). A *base* is
//! made now and then from everything; an *overlay* is a small file of the same form with the records of the last minutes,
//! and what it says of a record replaces what is below it.
//!
//! What is decided here, and what is not. A record is evaluated as the schema of OSV says, and a [`Match`] says how well it
//! fits ([`Grade`]) and what makes it fit ([`Basis`]). Two things go beyond the schema, both about malice. Records of
//! hijacked packages list the versions that are bad and also say "every version", in haste: by the letter, every good
//! release would be malware, so the list counts alone. And records of several databases about one package are one match,
//! whether or not they name each other. What follows from a match is the policy's.
//!
//! Nothing is lost in silence. A record that cannot be read is a [`Problem`], and problems are counted in the file. A
//! version that cannot be compared is [`Unclear`], not unaffected. A page that is not what was written is [`Damage`], not
//! an advisory that is not there. A record that was withdrawn is kept, to tell those whom it alarmed.
//!
//! This crate opens no file, asks no clock and dials nowhere: it reads and writes what it is given.

mod advisories;
mod answer;
mod archive;
mod builder;
mod class;
mod codec;
mod feeds;
mod file;
mod matching;
mod order;
mod osv;
mod posting;
mod record;
mod severity;
mod spans;

use std::io;

pub use advisories::{Advisories, Known, Origin, Question, Status, Subjects, normal};
pub use answer::{Answer, Basis, Because, Grade, Likelihood, Match, Unclear};
pub use builder::{Builder, Built, Changes, Header, Ledger, Problem, Reading};
pub use class::Class;
pub use file::{Manifest, Medium, SourceStatus};
pub use severity::Severity;

/// The longest record in bytes.
pub const MAX_RECORD: usize = 16 << 20;
/// The most records in one file.
pub const MAX_RECORDS: usize = 2_000_000;

/// A file of advisories that is not what was written. It answers nothing, and is to be made anew.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// It could not be read.
    #[error("the advisories cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("the file is no index of advisories")]
    Foreign,
    /// It is of another version of this program.
    #[error("the index of advisories has the format {0}, which this version does not read; make it anew")]
    Format(u32),
    /// A part of it is not what was written.
    #[error("the index of advisories is damaged: {0}")]
    Part(&'static str),
    /// A page of it is not what was written.
    #[error("the index of advisories is damaged: page {number} of {part}")]
    Page {
        /// The part.
        part: &'static str,
        /// The page, from 0.
        number: u64,
    },
    /// An overlay does not belong to the base, or is older than the one below it.
    #[error("the overlay {sequence} does not belong to these advisories: {why}")]
    Overlay {
        /// The overlay's number.
        sequence: u64,
        /// What is wrong.
        why: &'static str,
    },
}
