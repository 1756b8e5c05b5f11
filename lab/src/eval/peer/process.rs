//! The peer in a virtual environment beside the corpora, and one process of it that takes archives from its input.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, ensure};
use serde_json::json;

use super::super::subject::Subject;
use super::Answer;

/// Given to Python as it is; it says how an archive is scanned.
const SCRIPT: &str = include_str!("guarddog.py");
/// The virtual environment.
const ENVIRONMENT: &str = "guarddog-venv";

/// The Python that has the peer; it is installed if it is not there.
pub(super) fn prepare(corpora: &Path, release: &str) -> anyhow::Result<PathBuf> {
    let environment = corpora.join(ENVIRONMENT);
    let python = environment.join("bin").join("python");
    if !python.exists() {
        let mut make = Command::new("python3");
        ensure!(make.args(["-m", "venv"]).arg(&environment).status()?.success(), "`python3 -m venv` failed");
    }
    let mut ask = Command::new(&python);
    ask.args(["-c", "import importlib.metadata as m; print(m.version('guarddog'))"]).stderr(Stdio::null());
    if String::from_utf8_lossy(&ask.output()?.stdout).trim() != release {
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", &format!("guarddog=={release}")]);
        ensure!(pip.status()?.success(), "GuardDog could not be installed");
    }
    Ok(python)
}

/// The process.
pub(super) struct Peer {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    pub(super) fn open(python: &Path) -> anyhow::Result<Self> {
        let mut nice = Command::new("nice");
        // Safe path: a file of the folder that this runs in is no module.
        nice.args(["-n", "19"]).arg(python).args(["-P", "-c", SCRIPT]);
        nice.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = nice.spawn().context("`nice` could not be started")?;
        let orders = child.stdin.take().context("GuardDog has no input")?;
        let answers = BufReader::new(child.stdout.take().context("GuardDog has no output")?);
        Ok(Self { child, orders, answers })
    }

    pub(super) fn ask(&mut self, key: &str, subject: &Subject) -> anyhow::Result<Answer> {
        let Subject { ecosystem, file, bytes, .. } = subject;
        let order = json!({ "key": key, "ecosystem": ecosystem, "file": file, "size": bytes.len() });
        writeln!(self.orders, "{order}").context("GuardDog ended")?;
        self.orders.write_all(bytes)?;
        self.orders.flush()?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        ensure!(!line.is_empty(), "GuardDog ended; its sandbox may not be available here");
        serde_json::from_str(&line).with_context(|| format!("GuardDog says `{}`", line.trim()))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It ends with its input, which is closed only after this.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
