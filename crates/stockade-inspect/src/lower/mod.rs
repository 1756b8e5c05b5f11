//! From each language into the one small form of [`crate::ir`].

pub(crate) mod javascript;
pub(crate) mod jvm;
pub(crate) mod powershell;
pub(crate) mod python;
pub(crate) mod rust;
pub(crate) mod shell;

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// The whole of it.
    Whole,
    /// Only as far as something may be found in it, in the languages where that is seen at a glance: Rust and bytecode.
    Sifted,
}
