//! `stockade scan` and `stockade sbom` as a user starts them: whole processes, on a large lockfile, with as many advisories
//! as there are in the world. Beside `sbom` run those who make the same from the same lockfile. The programs take turns.
//!
//! The lockfile and the records are made here, the same in every run. One package of a hundred has an advisory, which is
//! more than real projects have; and there is a second lockfile in which one of seven has.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use zip::write::SimpleFileOptions;

use super::{output, stockade};
use crate::eval::stats::quantile;

/// How often each is run, and how often one that takes seconds.
const RUNS: usize = 60;
const LONG_RUNS: usize = 3;
/// The records: all that OSV has, and a third more.
const RECORDS: usize = 600_000;
/// The packages of a large lockfile, and how many others each needs.
const PACKAGES: usize = 5_000;
const NEEDS: usize = 3;
/// One of so many of them has an advisory, and one of so many of another lockfile's.
const KNOWN: usize = 100;
const OFTEN_KNOWN: usize = 7;
/// How long the details of a record are that nobody reads, in words.
const WORDS: usize = 30;
/// The release of the peer that most people use.
const CDXGEN: &str = "@cyclonedx/cdxgen@12.8.4";
/// Runs a command and prints the most memory that it had, in KiB. The start of a child counts as the child's, so the
/// parent has to be small.
const MEASURE: &str = "import resource, subprocess, sys\n\
    subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n\
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)";

/// What is measured: words of a command, which statuses it ends with, and how often it is run.
struct Work {
    name: &'static str,
    folder: PathBuf,
    words: Vec<String>,
    statuses: &'static [i32],
    runs: usize,
}

/// Measures; `project` is a folder with a lockfile of npm's in place of the one that is made.
pub(super) fn run(project: Option<&Path>) -> anyhow::Result<()> {
    let program = stockade()?.display().to_string();
    let folder = tempfile::tempdir()?;
    let root = folder.path().join("project");
    fs::create_dir_all(&root)?;
    match project {
        Some(project) => copied(project, &root)?,
        None => fs::write(root.join("package-lock.json"), lockfile(KNOWN))?,
    }
    let crowded = folder.path().join("crowded");
    fs::create_dir_all(&crowded)?;
    fs::write(crowded.join("package-lock.json"), lockfile(OFTEN_KNOWN))?;
    let data = folder.path().join("data");
    let home = folder.path().display().to_string();
    fs::create_dir_all(data.join("advisories"))?;
    write_records(&data.join("advisories").join("all.zip"))?;
    let data = data.display().to_string();
    let own = |more: &[&str]| -> Vec<String> {
        [&[program.as_str(), "--data", &data], more].concat().into_iter().map(str::to_owned).collect()
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let work = |name, words| Work { name, folder: root.clone(), words, statuses: &[0], runs: RUNS };
    let peer = |name, words| Work { runs: LONG_RUNS, ..work(name, words) };
    let scan =
        |name, folder: &Path| Work { folder: folder.to_path_buf(), statuses: &[0, 1], ..work(name, own(&["scan"])) };
    let mut works = vec![
        work("stockade --version", own(&["--version"])),
        scan("stockade scan", &root),
        work("stockade sbom", own(&["sbom"])),
        scan("stockade scan, 1 of 7", &crowded),
    ];
    let npm = ["npm", "sbom", "--sbom-format=cyclonedx", "--package-lock-only"];
    works.push(peer("npm sbom", words(&npm)));
    match cdxgen(folder.path()) {
        Ok(cdxgen) => {
            let words = words(&[&cdxgen, "-t", "npm", "--no-install-deps", "-o", "/dev/null"]);
            works.push(peer("cdxgen", words));
        }
        Err(error) => println!("cdxgen is not measured: {error:#}"),
    }
    match output(Command::new("syft").arg("--version")) {
        Ok(version) => {
            println!("{}", version.trim());
            let words = words(&["syft", "scan", "dir:.", "-q", "-o", "cyclonedx-json"]);
            works.push(peer("syft", words));
        }
        Err(error) => println!("syft is not measured: {error:#}"),
    }
    let begun = Instant::now();
    once(&works[1], &home)?;
    println!("the first scan, which makes the index of {RECORDS} records: {:.1} s", begun.elapsed().as_secs_f64());
    race(&works, &home)
}

fn race(works: &[Work], home: &str) -> anyhow::Result<()> {
    let mut times = vec![Vec::new(); works.len()];
    for round in 0..RUNS {
        for (work, times) in works.iter().zip(&mut times).filter(|(work, _)| round < work.runs) {
            times.push(once(work, home)?);
        }
    }
    let mut ours: Vec<(&str, f64)> = Vec::new();
    for (work, times) in works.iter().zip(&mut times) {
        let mut at = |share| quantile(times, share).unwrap_or(f64::NAN) * 1e3;
        let [least, half, most] = [0.0, 0.5, 0.95].map(&mut at);
        let memory = memory(work, home)?;
        let name = work.name;
        let ratios: String = if name.starts_with("stockade") {
            ours.push((name, half));
            String::new()
        } else {
            ours.iter()
                .filter(|(ours, _)| matches!(*ours, "stockade scan" | "stockade sbom"))
                .fold(String::new(), |text, (ours, own)| format!("{text}, {:.0} times `{ours}`", half / own))
        };
        println!(
            "  {name:<21} least {least:>8.1} ms, p50 {half:>8.1} ms, p95 {most:>8.1} ms, peak {memory} MiB{ratios}"
        );
    }
    Ok(())
}

/// Runs it once and returns the seconds.
fn once(work: &Work, home: &str) -> anyhow::Result<f64> {
    let mut command = command(work, home)?;
    command.stdout(Stdio::null());
    let begun = Instant::now();
    let output = command.output().with_context(|| format!("`{}` could not be started", work.name))?;
    let took = begun.elapsed().as_secs_f64();
    let is_fine = output.status.code().is_some_and(|code| work.statuses.contains(&code));
    ensure!(is_fine, "{} failed: {}", work.name, String::from_utf8_lossy(&output.stderr));
    Ok(took)
}

fn command(work: &Work, home: &str) -> anyhow::Result<Command> {
    let [program, arguments @ ..] = work.words.as_slice() else { bail!("there is no command") };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(&work.folder).env("HOME", home).env_remove("XDG_CONFIG_HOME");
    command.env("SYFT_CHECK_FOR_APP_UPDATE", "false");
    Ok(command)
}

/// The most memory that it has, in MiB.
fn memory(work: &Work, home: &str) -> anyhow::Result<u64> {
    let mut python = Command::new("python3");
    python
        .args(["-c", MEASURE])
        .args(&work.words)
        .current_dir(&work.folder)
        .env("HOME", home)
        .env_remove("XDG_CONFIG_HOME");
    Ok(output(&mut python)?.trim().parse::<u64>()? / 1024)
}

fn copied(project: &Path, root: &Path) -> anyhow::Result<()> {
    for name in ["package.json", "package-lock.json"] {
        let copied = fs::copy(project.join(name), root.join(name));
        copied.with_context(|| format!("{} has no `{name}`", project.display()))?;
    }
    Ok(())
}

/// The peer, installed beside the benchmark.
fn cdxgen(folder: &Path) -> anyhow::Result<String> {
    let peers = folder.join("peers");
    fs::create_dir_all(&peers)?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", CDXGEN]);
    output(npm.arg("--prefix").arg(&peers))?;
    Ok(peers.join("node_modules/.bin/cdxgen").display().to_string())
}

/// The name of a package; those of the records are the same up to their number.
fn name(at: usize) -> String {
    format!("left-{at}")
}

/// A lockfile of packages, one of `known` of which has an advisory.
fn lockfile(known: usize) -> String {
    let named = |at: usize| if at.is_multiple_of(known) { name(at * 97 % RECORDS) } else { format!("right-{at}") };
    let root: Vec<String> = (0..NEEDS).map(|at| format!("\"{}\": \"1.0.0\"", named(at))).collect();
    let mut text = format!(
        "{{\n  \"name\": \"demo\",\n  \"version\": \"1.0.0\",\n  \"lockfileVersion\": 3,\n  \"packages\": {{\n    \"\": {{\n      \
         \"name\": \"demo\",\n      \"version\": \"1.0.0\",\n      \"dependencies\": {{ {} }}\n    }}",
        root.join(", ")
    );
    for at in 0..PACKAGES {
        // A tree, in which a way of some steps leads to each.
        let needs = (1..=NEEDS).map(|step| at * NEEDS + step).filter(|need| *need < PACKAGES);
        let needs: Vec<String> = needs.map(|need| format!("\"{}\": \"1.0.0\"", named(need))).collect();
        let (name, digest) = (named(at), format!("{at:0>85}A"));
        let _ = write!(
            text,
            ",\n    \"node_modules/{name}\": {{\n      \"version\": \"1.0.0\",\n      \"resolved\": \
             \"https://registry.example/{name}/-/{name}-1.0.0.tgz\",\n      \"integrity\": \"sha512-{digest}==\",\n      \
             \"license\": \"MIT\",\n      \"dependencies\": {{ {} }}\n    }}",
            needs.join(", ")
        );
    }
    text + "\n  }\n}\n"
}

/// Two of three are about malice, most of those condemn a package as a whole, and one of eight lists many versions.
fn write_records(path: &Path) -> anyhow::Result<()> {
    let mut zip = zip::ZipWriter::new(BufWriter::new(File::create(path)?));
    let options = SimpleFileOptions::default().compression_level(Some(1));
    let details = "what was found, in some words ".repeat(WORDS);
    for at in 0..RECORDS {
        let (kind, end) = if at.is_multiple_of(3) { ("GHSA", ",{\"fixed\":\"1.2.3\"}") } else { ("MAL", "") };
        let listed = match at % 8 {
            0 => 100,
            1 | 2 => 2,
            _ => 0,
        };
        let versions: Vec<String> = (0..listed).map(|patch| format!("\"1.0.{patch}\"")).collect();
        zip.start_file(format!("{kind}-2026-{at}.json"), options)?;
        write!(
            zip,
            r#"{{"id":"{kind}-2026-{at}","modified":"2026-06-01T00:00:00Z","summary":"something is wrong in {name}","details":"{details}","aliases":["CVE-2026-{at}"],"severity":[{{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}],"affected":[{{"package":{{"ecosystem":"npm","name":"{name}"}},"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}}{end}]}}],"versions":[{}]}}]}}"#,
            versions.join(","),
            name = name(at)
        )?;
    }
    zip.finish()?.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lockfile_has_all_packages_and_every_need_is_in_it() {
        let lockfile: serde_json::Value = serde_json::from_str(&lockfile(OFTEN_KNOWN)).unwrap();
        let packages = lockfile["packages"].as_object().unwrap();
        assert_eq!(packages.len(), PACKAGES + 1);
        let needs = packages.values().filter_map(|package| package["dependencies"].as_object());
        let missing =
            needs.flat_map(|needs| needs.keys()).find(|need| !packages.contains_key(&format!("node_modules/{need}")));
        assert_eq!(missing, None);
        let digests = packages.values().filter_map(|package| package["integrity"].as_str());
        assert!(digests.map(stockade_model::Integrity::parse).all(|digest| digest.is_ok()));
    }
}
