//! The product at work: `cargo xtask` hands over to this program what runs the product and not only its tests.
//!
//! It is a package of its own because it takes the engine, and half of the dependencies with it: a check begins sooner
//! without them.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the project's tools run processes, read files and print; they are no part of the product"
)]

mod bench;
mod demo;
mod eval;
mod ordinary;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[&str]) -> anyhow::Result<()> {
    match args {
        ["bench", rest @ ..] => bench::run(rest),
        ["demo"] => demo::run(),
        ["eval", rest @ ..] => eval::run(rest),
        ["ordinary", names @ ..] => ordinary::run(names),
        _ => anyhow::bail!("no such task; `cargo xtask help` names them"),
    }
}

/// The root of the repository. Tasks work from any folder inside it.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Where Cargo builds.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}
