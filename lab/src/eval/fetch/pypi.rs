//! pip's own finder and session, by a script: `pip download` would run the build of a source distribution.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use super::Order;

/// Given to Python as it is; it takes lines of a name and versions.
const SCRIPT: &str = include_str!("pypi.py");

pub(super) fn fetch(order: &Order<'_>) -> anyhow::Result<()> {
    let mut python = Command::new("python3");
    python.args(["-c", SCRIPT]).arg(&order.folder).stdin(Stdio::piped());
    let mut child = python.spawn().context("`python3` could not be started")?;
    let mut lines = child.stdin.take().context("`python3` has no input")?;
    for package in &order.missing {
        writeln!(lines, "{} {}", package.name, package.versions.join(" "))?;
    }
    drop(lines);
    ensure!(child.wait()?.success(), "pip could not be driven; `python3 -m pip` must work");
    Ok(())
}
