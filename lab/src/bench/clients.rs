//! The other clients' installs of real projects of middle size: from the registry itself, through a gateway that knows
//! nothing, through one that knows everything. The client's own cache is empty each time.
//!
//! The policy only records: releases that a person would have to look at once must not end a benchmark, and everything is
//! inspected and ruled on all the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, ensure};
use stockade_testkit::PythonTool;

use super::server::Server;
use super::{median, stockade};

/// How often each way is taken; the ways take turns.
const ROUNDS: usize = 3;
/// The release of uv that is measured.
const UV: &str = "0.13.9";
/// The release of pip.
const PIP: &str = "26.3";
/// What a gateway is told.
const SETTINGS: &str = "[policy]\nmode = \"audit\"\n";

/// An install by a client. It gets an empty folder, and the address of a gateway.
struct Install {
    name: &'static str,
    ecosystem: &'static str,
    command: fn(folder: &Path, gateway: Option<&str>) -> anyhow::Result<Command>,
}

const INSTALLS: [Install; 4] = [
    Install { name: "uv sync", ecosystem: "pypi", command: uv },
    Install { name: "pip install", ecosystem: "pypi", command: pip },
    Install { name: "cargo fetch", ecosystem: "cargo", command: cargo },
    Install { name: "mvn dependency:go-offline", ecosystem: "maven", command: mvn },
];

/// Measures the installs whose name begins with `wanted`.
pub(super) fn run(wanted: &str) -> anyhow::Result<()> {
    let program = stockade()?;
    for install in INSTALLS.iter().filter(|install| install.name.starts_with(wanted)) {
        install.measure(&program)?;
    }
    Ok(())
}

impl Install {
    fn measure(&self, program: &Path) -> anyhow::Result<()> {
        let warm_folder = tempfile::tempdir()?;
        let warm = self.gateway(program, warm_folder.path())?;
        self.time(Some(&warm)).context("the warm gateway could not be filled")?;
        let [mut direct, mut cold, mut warmed] = [const { Vec::new() }; 3];
        for _ in 0..ROUNDS {
            direct.push(self.time(None)?);
            let folder = tempfile::tempdir()?;
            let fresh = self.gateway(program, folder.path())?;
            cold.push(self.time(Some(&fresh))?);
            warmed.push(self.time(Some(&warm))?);
        }
        let all = [&direct, &cold, &warmed].map(|seconds| {
            let seconds: Vec<String> = seconds.iter().map(|seconds| format!("{seconds:.1}")).collect();
            seconds.join(" ")
        });
        let (base, cold, warmed) = (median(direct), median(cold), median(warmed));
        println!(
            "{}: direct {base:.1} s ({}), cold {cold:.1} s ({}), {:.2} of direct, warm {warmed:.1} s ({}), {:.2} of direct; peak \
             of the warm gateway {} MiB",
            self.name,
            all[0],
            all[1],
            cold / base,
            all[2],
            warmed / base,
            warm.peak_memory()
        );
        Ok(())
    }

    fn gateway(&self, program: &Path, folder: &Path) -> anyhow::Result<Server> {
        let settings = folder.join("config/stockade");
        fs::create_dir_all(&settings)?;
        fs::write(settings.join("stockade.toml"), SETTINGS)?;
        Server::stockade_of(program, folder, self.ecosystem)
    }

    /// Installs once, and returns the seconds it took.
    fn time(&self, through: Option<&Server>) -> anyhow::Result<f64> {
        let folder = tempfile::tempdir()?;
        let gateway = through.map(|server| server.url(&format!("/{}", self.ecosystem)));
        let mut command = (self.command)(folder.path(), gateway.as_deref())?;
        let start = Instant::now();
        let output = command.output().with_context(|| format!("`{}` could not be started", self.name))?;
        let took = start.elapsed().as_secs_f64();
        let said = || format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "`{}` failed: {}", self.name, said());
        Ok(took)
    }
}

fn project(name: &str) -> PathBuf {
    crate::root().join("benchmarks/projects").join(name)
}

fn python_tool(name: &str, version: &str) -> anyhow::Result<PythonTool> {
    PythonTool::installed(name, version).map_err(anyhow::Error::msg)
}

fn uv(folder: &Path, gateway: Option<&str>) -> anyhow::Result<Command> {
    fs::copy(project("python").join("pyproject.toml"), folder.join("pyproject.toml"))?;
    let mut uv = Command::new(python_tool("uv", UV)?.program());
    uv.args(["sync", "--no-cache", "--no-install-project", "--quiet"]).current_dir(folder);
    uv.env("UV_PYTHON", "/usr/bin/python3").envs(gateway.map(|base| ("UV_DEFAULT_INDEX", format!("{base}/simple/"))));
    Ok(uv)
}

fn pip(folder: &Path, gateway: Option<&str>) -> anyhow::Result<Command> {
    let mut pip = Command::new(python_tool("pip", PIP)?.python());
    pip.args(["-m", "pip", "install", "--no-cache-dir", "--quiet", "--disable-pip-version-check", "--target", "out"]);
    pip.arg("--requirement").arg(project("python").join("requirements.txt")).current_dir(folder);
    pip.envs(gateway.map(|base| ("PIP_INDEX_URL", format!("{base}/simple/"))));
    Ok(pip)
}

/// Our own lockfile.
fn cargo(folder: &Path, gateway: Option<&str>) -> anyhow::Result<Command> {
    if let Some(base) = gateway {
        let config = format!(
            "[source.crates-io]\nreplace-with = \"stockade\"\n[registries.stockade]\nindex = \"sparse+{base}/index/\"\n"
        );
        fs::write(folder.join("config.toml"), config)?;
    }
    let mut cargo = Command::new("cargo");
    cargo.args(["fetch", "--locked", "--quiet", "--manifest-path"]).arg(crate::root().join("Cargo.toml"));
    cargo.env("CARGO_HOME", folder).current_dir(folder);
    Ok(cargo)
}

fn mvn(folder: &Path, gateway: Option<&str>) -> anyhow::Result<Command> {
    let mirror = gateway.map_or_else(String::new, |base| {
        format!("<mirrors><mirror><id>stockade</id><mirrorOf>*</mirrorOf><url>{base}/</url></mirror></mirrors>")
    });
    fs::write(folder.join("settings.xml"), format!("<settings>{mirror}</settings>"))?;
    let mut mvn = Command::new("mvn");
    mvn.args(["-B", "-q", "-s", "settings.xml", "dependency:go-offline", "-f"]).arg(project("maven"));
    mvn.arg(format!("-Dmaven.repo.local={}", folder.join("repository").display())).current_dir(folder);
    Ok(mvn)
}
