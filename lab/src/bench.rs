//! The benchmarks. Those of the parts are `cargo bench` targets; those of the whole run the real program beside its
//! peers, interleaved in one run, because only a ratio means anything on another machine.

mod clients;
mod gateway;
mod inspect;
mod install;
mod python;
mod race;
mod sandbox;
mod scan;
mod server;
mod sweep;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};

/// Runs what `args` name, or every benchmark of the parts.
pub(crate) fn run(args: &[&str]) -> anyhow::Result<()> {
    match args {
        ["clients"] => clients::run(""),
        ["clients", wanted] => clients::run(wanted),
        ["gateway"] => gateway::run(),
        ["python"] => python::run(),
        ["inspect"] if cfg!(debug_assertions) => as_released(args),
        ["inspect"] => inspect::run(),
        ["inventory"] => parts(&["--package", "stockade-engine", "--bench", "inventory", "--", "full"]),
        ["install", project] => install::run(project.as_ref()),
        ["scan"] => scan::run(None),
        ["scan", project] => scan::run(Some(project.as_ref())),
        ["sandbox"] => sandbox::run(None),
        ["sandbox", project] => sandbox::run(Some(project.as_ref())),
        ["sweep"] => sweep::run(None),
        ["sweep", program] => sweep::run(Some(program.as_ref())),
        args => parts(args),
    }
}

/// Runs a benchmark in a build that is optimised: what this process does itself is part of what is measured.
fn as_released(args: &[&str]) -> anyhow::Result<()> {
    let status = Command::new("cargo")
        .args(["run", "--release", "--locked", "--quiet", "--package", "lab", "--", "bench"])
        .args(args)
        .current_dir(crate::root())
        .status()
        .context("`cargo` could not be started")?;
    ensure!(status.success(), "the benchmark failed");
    Ok(())
}

fn parts(args: &[&str]) -> anyhow::Result<()> {
    let status = Command::new("cargo")
        .args(["bench", "--locked"])
        .args(if args.contains(&"--package") { &[][..] } else { &["--workspace"][..] })
        .args(args)
        .current_dir(crate::root())
        .status()
        .context("`cargo` could not be started")?;
    ensure!(status.success(), "`cargo bench` failed");
    Ok(())
}

/// The program under test, built as it is released.
pub(crate) fn stockade() -> anyhow::Result<PathBuf> {
    let mut build = Command::new("cargo");
    build.args(["build", "--release", "--locked", "--package", "stockade"]).current_dir(crate::root());
    // What cargo told us about ourselves would make it build dependencies anew that ask for it.
    for (name, _) in std::env::vars_os() {
        let is_ours =
            name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"));
        if is_ours {
            build.env_remove(name);
        }
    }
    ensure!(build.status()?.success(), "`cargo build --release` failed");
    Ok(crate::target().join("release").join("stockade"))
}

/// The middle of the numbers; of two in the middle the lower.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len().saturating_sub(1) / 2;
    numbers.get(middle).copied().unwrap_or(f64::NAN)
}

/// The standard output of a command that must succeed.
fn output(command: &mut Command) -> anyhow::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("`{name}` could not be started"))?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`{name}` failed: {}", words.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_median_is_in_the_middle() {
        assert!((super::median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((super::median(vec![4.0, 1.0, 2.0, 3.0]) - 2.0).abs() < f64::EPSILON);
        assert!(super::median(Vec::new()).is_nan());
    }
}
