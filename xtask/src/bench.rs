//! The benchmarks: how fast the parts are, one `cargo bench` target per crate.

use std::process::Command;

use anyhow::{Context, ensure};

/// Runs every benchmark of the workspace. `args` go to `cargo bench` as they are.
pub(crate) fn run(args: &[&str]) -> anyhow::Result<()> {
    let status = Command::new("cargo")
        .args(["bench", "--workspace", "--locked"])
        .args(args)
        .current_dir(crate::root())
        .status()
        .context("`cargo` could not be started")?;
    ensure!(status.success(), "`cargo bench` failed");
    Ok(())
}
