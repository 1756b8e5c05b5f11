//! `cargo xtask conformance`: writes down what a person sees in each client. The test that makes the document also compares
//! it, so that nothing runs twice: `cargo xtask check` runs it with all other tests.

use std::process::Command;

use anyhow::{Context, ensure};

/// Makes `docs/conformance.md` anew. Columns of clients that are not here stay as they are.
pub(crate) fn run() -> anyhow::Result<()> {
    let arguments = ["test", "--locked", "-p", "stockade", "--test", "conformance", "--", "--write"];
    let status = Command::new("cargo").args(arguments).current_dir(crate::root()).status();
    ensure!(status.context("`cargo` could not be started")?.success(), "not everything is as it has to be");
    Ok(())
}
