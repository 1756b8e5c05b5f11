//! The project's own tools, in the language of the project: `cargo xtask` needs nothing but Cargo.
//!
//! `cargo xtask check` is exactly what continuous integration runs, so a change that passes here passes there. The
//! rules of the repository that no compiler knows are in [`tidy`], which is also a test of this crate.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the project's tools run processes, read files and print; they are no part of the product"
)]

mod check;
mod conformance;
mod fuzz;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, ensure};

const USAGE: &str = "\
cargo xtask check [STEP]      everything that has to pass, or one step of it
cargo xtask demo              an inert replay of a hijacked release, with and without a guard
cargo xtask tidy              the repository's own rules
cargo xtask tidy digest HOST  the digest under which tidy knows a host name
cargo xtask bench [ARG…]      the benchmarks of the parts; arguments go to `cargo bench`
cargo xtask bench gateway     requests a second beside nginx and Verdaccio
cargo xtask bench python      pages and wheels a second beside devpi
cargo xtask bench clients [ID] uv, pip, cargo and Maven: direct, through a cold gateway, through a warm one
cargo xtask bench inventory   10,000 projects of 1,000 releases: taking one in, and who has what
cargo xtask bench inspect     inspections beside GuardDog, on the corpora of `cargo xtask eval`
cargo xtask bench scan [DIR]  `scan` and `sbom` of a large lockfile beside cdxgen and npm; with DIR, of that project
cargo xtask bench sandbox [DIR] what the sandbox costs, beside bubblewrap and strace; with DIR, for `npm ci` of that project
cargo xtask bench sweep [PROGRAM] a quarter of a million files searched for indicators, beside grep and sha256sum
cargo xtask bench install DIR `npm ci` of the project in DIR: direct, through a cold gateway, through a warm one
cargo xtask eval [CORPUS]     what is caught of malware and held of harmless releases; `--sample N`, `--peer`
cargo xtask eval fetch        fills the corpora of harmless releases, beside the repository
cargo xtask eval build-hijacks  writes inert replays of hijacked releases beside them
cargo xtask fuzz SECONDS [TARGET…] throws anything at each parser, or at those that are named
cargo xtask conformance       what a person sees in each client; writes `docs/conformance.md`
cargo xtask ordinary [NAME…]  what popular packages do, bare and in the sandbox; writes `docs/ordinary.md`";

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
        ["check", rest @ ..] => check::run(rest),
        ["tidy"] => tidy::run(),
        ["tidy", "digest", host] => {
            println!("{}", tidy::digest_of(host));
            Ok(())
        }
        ["bench" | "demo" | "eval" | "ordinary", ..] => lab(args),
        ["fuzz", rest @ ..] => fuzz::run(rest),
        ["conformance"] => conformance::run(),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => anyhow::bail!("no such task\n{USAGE}"),
    }
}

/// Hands over to the program that runs the product. It is built here and not with us, so that a check begins at once.
fn lab(args: &[&str]) -> anyhow::Result<()> {
    let run = ["run", "--quiet", "--locked", "--package", "lab", "--"];
    let status = Command::new("cargo").args(run).args(args).status().context("`cargo` could not be started")?;
    ensure!(status.success(), "`{}` did not end well", args.join(" "));
    Ok(())
}

/// The root of the repository. Tasks work from any folder inside it.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}
