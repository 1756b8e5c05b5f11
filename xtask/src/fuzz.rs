//! `cargo xtask fuzz`: throws anything at the parsers, each for some seconds, with the compiler that everything else needs.
//!
//! libFuzzer needs nothing of a compiler but that it counts what runs, and the flags by which cargo-fuzz makes a nightly one
//! count are taken by a stable one. A sanitizer, which only a nightly one has, finds nothing in safe code.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

/// What makes code count its branches and what it compares, and check its assertions.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions --cfg fuzzing";
/// The longest input in bytes: what is longer runs the same code more often.
const MAX_LEN: usize = 8192;
/// An input that takes as many seconds has found something, too.
const TIMEOUT: u32 = 20;

/// Runs the targets that are named, or all of them.
pub(crate) fn run(args: &[&str]) -> anyhow::Result<()> {
    let (seconds, named) = args.split_first().context("for how many seconds each?")?;
    let seconds: u32 = seconds.parse().with_context(|| format!("`{seconds}` is no number of seconds"))?;
    let fuzz = crate::root().join("fuzz");
    let known = targets(&fuzz)?;
    if let Some(unknown) = named.iter().find(|name| !known.iter().any(|known| known == *name)) {
        anyhow::bail!("`{unknown}` is no target; they are {}", known.join(", "));
    }
    let programs = build(&fuzz)?;
    let mut broken = Vec::new();
    for target in known.iter().filter(|target| named.is_empty() || named.contains(&target.as_str())) {
        println!("fuzz {target}: {seconds} s");
        if !throw(&fuzz, &programs.join(target), target, seconds)? {
            broken.push(target.as_str());
        }
    }
    ensure!(broken.is_empty(), "what broke {} is in fuzz/artifacts", broken.join(", "));
    Ok(())
}

fn targets(fuzz: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for file in std::fs::read_dir(fuzz.join("fuzz_targets"))? {
        names.extend(file?.path().file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// Builds all targets and returns where they are. With a target platform that is named, build scripts get no flags.
fn build(fuzz: &Path) -> anyhow::Result<std::path::PathBuf> {
    let version = Command::new("rustc").arg("-vV").output().context("`rustc` could not be started")?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc does not say its host")?;
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--locked", "--bins", "--target", host]).current_dir(fuzz);
    let status = cargo.env("RUSTFLAGS", FLAGS).status().context("`cargo` could not be started")?;
    ensure!(status.success(), "the targets could not be built");
    let built = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| fuzz.join("target"), Into::into);
    Ok(built.join(host).join("release"))
}

/// Runs one target; false if something broke it.
fn throw(fuzz: &Path, program: &Path, target: &str, seconds: u32) -> anyhow::Result<bool> {
    let (corpus, artifacts) = (fuzz.join("corpus").join(target), fuzz.join("artifacts").join(target));
    for folder in [&corpus, &artifacts] {
        std::fs::create_dir_all(folder).with_context(|| format!("`{}` could not be made", folder.display()))?;
    }
    let seeds = Some(fuzz.join("seeds").join(target)).filter(|seeds| seeds.is_dir());
    let mut run = Command::new(program);
    run.arg(corpus).args(seeds).arg(format!("-artifact_prefix={}/", artifacts.display()));
    run.arg(format!("-max_total_time={seconds}")).arg(format!("-max_len={MAX_LEN}"));
    run.arg(format!("-timeout={TIMEOUT}")).args(["-print_funcs=0", "-print_final_stats=1", "-verbosity=0"]);
    Ok(run.status().with_context(|| format!("`{}` could not be started", program.display()))?.success())
}
