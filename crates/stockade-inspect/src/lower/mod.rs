//! From each language into the one small form of [`crate::ir`].

pub(crate) mod javascript;
pub(crate) mod jvm;
pub(crate) mod powershell;
pub(crate) mod python;
pub(crate) mod rust;
pub(crate) mod shell;
