//! The hook of the package: runs every probe in a process of its own, and writes down what each says.

use std::fs::OpenOptions;
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::attempts::all;
use crate::place::Place;
use crate::probe::{Report, Said};

/// Where the outcomes are, in the package; and what such a line begins with where it is printed.
pub(crate) const RESULTS: &str = "results";
pub(crate) const LINE: &str = "probe-result ";
/// How long a probe may take.
const DEADLINE: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_micros(500);

/// Runs all probes.
pub(crate) fn run_all() -> ExitCode {
    let mut file = OpenOptions::new().create(true).append(true).open(RESULTS).ok();
    for probe in all() {
        let said = run(probe.id).unwrap_or_else(|error| Said::of(&Err(error)));
        let report = Report { id: probe.id.to_owned(), said, effect: false };
        let line = serde_json::to_string(&report).unwrap_or_default();
        if let Some(file) = &mut file {
            let _ = writeln!(file, "{line}");
        }
        println!("{LINE}{line}");
    }
    ExitCode::SUCCESS
}

/// Runs one probe and says what came of it.
pub(crate) fn run_one(id: &str) -> ExitCode {
    let Some(probe) = all().find(|probe| probe.id == id) else { return ExitCode::FAILURE };
    let said = Said::of(&Place::read().and_then(|place| (probe.run)(&place)));
    println!("{}", serde_json::to_string(&said).unwrap_or_default());
    ExitCode::SUCCESS
}

fn run(id: &str) -> io::Result<Said> {
    let mut command = Command::new(std::env::current_exe().unwrap_or_else(|_| "./probe".into()));
    let mut child = command.args(["one", id]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let Some(status) = wait(&mut child)? else { return Ok(Said::Late) };
    if let Some(signal) = status.signal() {
        return Ok(Said::Killed(signal));
    }
    // Whatever a probe has left running closed this: it says one line, and short.
    let mut said = [0; 512];
    let read = child.stdout.as_mut().map_or(Ok(0), |stdout| stdout.read(&mut said))?;
    Ok(serde_json::from_slice(&said[..read]).unwrap_or(Said::Nothing))
}

fn wait(child: &mut Child) -> io::Result<Option<std::process::ExitStatus>> {
    let end = Instant::now() + DEADLINE;
    while Instant::now() < end {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        sleep(POLL);
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}
