//! `npm ci` of a real project: from the registry itself, through a gateway that knows nothing, through one that knows
//! everything. npm's own cache is empty each time.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, ensure};

use super::server::Server;
use super::{median, stockade};

/// How often each way is taken; the ways take turns.
const ROUNDS: usize = 5;

pub(super) fn run(project: &Path) -> anyhow::Result<()> {
    let program = stockade()?;
    let warm_folder = tempfile::tempdir()?;
    let warm = Server::stockade(&program, warm_folder.path())?;
    install(project, Some(&warm)).context("the warm gateway could not be filled")?;
    let [mut direct, mut cold, mut warmed] = [const { Vec::new() }; 3];
    let (mut cold_cpu, mut warm_cpu) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        direct.push(install(project, None)?);
        let folder = tempfile::tempdir()?;
        let fresh = Server::stockade(&program, folder.path())?;
        cold.push(install(project, Some(&fresh))?);
        cold_cpu.push(fresh.cpu());
        let before = warm.cpu();
        warmed.push(install(project, Some(&warm))?);
        warm_cpu.push(warm.cpu() - before);
        println!(
            "round {round}: direct {:.1} s, cold {:.1} s ({} MiB), warm {:.1} s",
            direct[round - 1],
            cold[round - 1],
            fresh.peak_memory(),
            warmed[round - 1]
        );
    }
    let base = median(direct);
    for (name, seconds, cpu) in [("cold", cold, cold_cpu), ("warm", warmed, warm_cpu)] {
        let seconds = median(seconds);
        println!(
            "{name}: {seconds:.1} s, {:.2} of direct ({base:.1} s); gateway {:.2} CPU s",
            seconds / base,
            median(cpu)
        );
    }
    println!("warm gateway: peak {} MiB", warm.peak_memory());
    Ok(())
}

/// Installs a copy of the project and returns the seconds it took.
fn install(project: &Path, through: Option<&Server>) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(project.join(file), folder.path().join(file)).with_context(|| format!("the project has no {file}"))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--cache"]);
    npm.arg(folder.path().join("cache")).current_dir(folder.path());
    if let Some(server) = through {
        npm.args(["--registry", &server.url("/npm/")]);
    }
    let start = Instant::now();
    let output = npm.output().context("`npm` could not be started")?;
    let took = start.elapsed().as_secs_f64();
    ensure!(output.status.success(), "`npm ci` failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(took)
}
