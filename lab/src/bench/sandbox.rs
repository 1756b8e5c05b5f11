//! What the sandbox costs: the same work bare, in the sandbox, and with what people use today for a part of it. The ways
//! take turns, so that a machine that is busy is busy for all of them.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::{median, stockade};

/// How often each way is measured: what ends at once, what takes seconds, and what takes half a minute.
const SHORT: usize = 41;
const LONG: usize = 5;
const LONGEST: usize = 3;
/// The system's, since one that is a script of a version manager measures that script.
const PYTHON: &str = "/usr/bin/python3";
/// The files of the program in C, and of the tests in Python.
const SOURCES: usize = 200;
const FUNCTIONS: usize = 10;
const TESTS: usize = 60;
/// How long the supervisor is looked at.
const LOOKED_AT: Duration = Duration::from_millis(500);

/// A way to run something.
struct Way {
    name: &'static str,
    before: Vec<String>,
}

/// Something that is run.
struct Work {
    name: &'static str,
    command: Vec<String>,
    rounds: usize,
    /// What is removed before each run, and is not measured.
    removed: Vec<PathBuf>,
}

/// Measures; `project` is one of npm's with everything in npm's cache.
pub(super) fn run(project: Option<&Path>) -> anyhow::Result<()> {
    let program = stockade()?.display().to_string();
    let folder = tempfile::Builder::new().prefix("bench-sandbox").tempdir_in("/var/tmp")?;
    let root = folder.path().join("project");
    let data = folder.path().join("data").display().to_string();
    fs::create_dir_all(root.join(".git"))?;
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let run = [program.as_str(), "--quiet", "--data", &data, "run"];
    let sandbox = Way { name: "stockade", before: words(&[&run[..], &["--"]].concat()) };
    let bare = || Way { name: "bare", before: Vec::new() };
    let mut ways = vec![bare(), sandbox];
    let here = root.display().to_string();
    let own = ["bwrap", "--unshare-all", "--dev-bind", "/", "/", "--proc", "/proc", "--bind", &here, &here];
    ways.extend(is_there("bwrap").then(|| Way { name: "bubblewrap", before: words(&own) }));
    let traced = ["strace", "-f", "-e", "trace=file,network,process", "-o", "/dev/null"];
    ways.extend(is_there("strace").then(|| Way { name: "strace -f", before: words(&traced) }));
    let objects = (0..SOURCES).map(|number| root.join(format!("c/{number}.o"))).collect();
    write_sources(&root)?;
    let works = [
        Work { name: "nothing (`true`)", command: words(&["true"]), rounds: SHORT, removed: Vec::new() },
        Work {
            name: "200 files of C (`make -j2`)",
            command: words(&["make", "-s", "-j2", "-C", "c"]),
            rounds: LONG,
            removed: objects,
        },
        Work {
            name: "60 files of tests (`python3 -m unittest`)",
            command: words(&[PYTHON, "-B", "-m", "unittest", "discover", "-q", "-s", "py"]),
            rounds: LONG,
            removed: Vec::new(),
        },
    ];
    for work in &works {
        measure(work, &ways.iter().collect::<Vec<_>>(), &root)?;
    }
    if let Some(project) = project {
        npm_ci(project, folder.path(), &run, &ways)?;
    }
    println!("memory of the supervisor while a program runs: {} kB", supervisor(&run, &root)?);
    Ok(())
}

/// An installation, through a gateway that has everything: with the sandbox and without, and without either.
fn npm_ci(project: &Path, folder: &Path, run: &[&str], ways: &[Way]) -> anyhow::Result<()> {
    let copy = copied(project, &folder.join("npm"))?;
    // What is measured is the sandbox, whatever the policy would hold today.
    let policy = folder.join("policy.toml");
    fs::write(&policy, "mode = \"audit\"\n")?;
    let policy = policy.display().to_string();
    let through = |more: &[&str]| {
        let (program, rest) = run.split_at(1);
        [program, &["--policy", &policy], rest, more].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let own = [
        Way { name: "bare", before: Vec::new() },
        Way { name: "stockade, without its sandbox", before: through(&["--unsandboxed", "--"]) },
        Way { name: "stockade", before: through(&["--"]) },
    ];
    let ways: Vec<&Way> = own.iter().chain(ways.iter().skip(own.len() - 1)).collect();
    let words = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline"];
    let work = Work {
        name: "`npm ci`, everything at hand",
        command: words.map(str::to_owned).to_vec(),
        rounds: LONGEST,
        removed: vec![copy.join("node_modules")],
    };
    measure(&work, &ways, &copy)
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

fn measure(work: &Work, ways: &[&Way], folder: &Path) -> anyhow::Result<()> {
    let mut taken: Vec<Vec<f64>> = ways.iter().map(|_| Vec::new()).collect();
    // The first round warms up, and does not count.
    for round in 0..=work.rounds {
        for (way, taken) in ways.iter().zip(&mut taken) {
            let one = once(way, work, folder)?;
            if round > 0 {
                taken.push(one.as_secs_f64());
            }
        }
    }
    let medians: Vec<f64> = taken.into_iter().map(median).collect();
    println!("{}: median of {}", work.name, work.rounds);
    let bare = medians.first().copied().unwrap_or(f64::NAN);
    for (way, median) in ways.iter().zip(medians) {
        println!("  {:<30} {:>9.1} ms  {:.3} times bare", way.name, median * 1e3, median / bare);
    }
    Ok(())
}

fn once(way: &Way, work: &Work, folder: &Path) -> anyhow::Result<Duration> {
    for path in &work.removed {
        if path.is_dir() {
            fs::remove_dir_all(path)?;
        } else if path.exists() {
            fs::remove_file(path)?;
        }
    }
    let mut words = way.before.iter().chain(&work.command);
    let program = words.next().context("there is no command")?;
    let mut command = Command::new(program);
    command.args(words).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let begun = Instant::now();
    let output = command.output().with_context(|| format!("`{program}` could not be started"))?;
    let taken = begun.elapsed();
    ensure!(
        output.status.success(),
        "{} of {} failed: {}",
        work.name,
        way.name,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(taken)
}

/// A program of many files, with some work in each, and tests that start processes, and write and read. They write in the
/// project: `/tmp` is in memory for what is in the sandbox, and would make it look faster than it is.
fn write_sources(root: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(root.join("c"))?;
    fs::create_dir_all(root.join("py"))?;
    let mut makefile = "all:".to_owned();
    for number in 0..SOURCES {
        let mut source = "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n".to_owned();
        for one in 0..FUNCTIONS {
            let body = format!("int s = 0; for (int i = 0; i < x; i++) s += printf(\"%d\", i * {one}); return s;");
            let _ = writeln!(source, "int f{number}_{one}(int x) {{ {body} }}");
        }
        fs::write(root.join(format!("c/{number}.c")), source)?;
        let _ = write!(makefile, " {number}.o");
    }
    fs::write(root.join("c/Makefile"), makefile + "\n%.o: %.c\n\tcc -O1 -c $< -o $@\n")?;
    let test = "import json, os, re, subprocess, tempfile, unittest\n\n\nclass T(unittest.TestCase):\n    def test_it(self):\n        \
                text = json.dumps([{\"number\": i, \"name\": \"n%d\" % i} for i in range(4000)])\n        \
                self.assertEqual(len(re.findall(r'\"n\\d+\"', text)), 4000)\n        \
                with tempfile.TemporaryDirectory(dir=os.getcwd()) as d:\n            for i in range(50):\n                \
                with open(os.path.join(d, str(i)), \"w\") as f:\n                    f.write(text[:1000])\n            \
                self.assertEqual(len(os.listdir(d)), 50)\n        \
                self.assertEqual(subprocess.run([\"true\"]).returncode, 0)\n";
    for number in 0..TESTS {
        fs::write(root.join(format!("py/test_{number}.py")), test)?;
    }
    Ok(())
}

fn copied(project: &Path, to: &Path) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(to.join(".git"))?;
    for name in ["package.json", "package-lock.json"] {
        fs::copy(project.join(name), to.join(name))
            .with_context(|| format!("{} has no `{name}`", project.display()))?;
    }
    let fill = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    let filled = Command::new("npm").args(fill).current_dir(to).stdout(Stdio::null()).status()?;
    ensure!(filled.success(), "npm's cache could not be filled");
    Ok(to.to_owned())
}

/// The most memory that the supervisor had, in kB.
fn supervisor(run: &[&str], folder: &Path) -> anyhow::Result<u64> {
    let [program, arguments @ ..] = run else { anyhow::bail!("there is no command") };
    let mut child = Command::new(program).args(arguments).args(["--", "sleep", "1"]).current_dir(folder).spawn()?;
    std::thread::sleep(LOOKED_AT);
    let status = fs::read_to_string(format!("/proc/{}/status", child.id()))?;
    child.wait()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("the kernel does not say")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
