//! Requests a second: a warm gateway beside nginx with the same files and Verdaccio with the same upstream.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};

use stockade_testkit::{FakeRegistry, Fault};

use super::server::Server;
use super::{median, output, stockade};

/// How often each target is measured; the targets take turns.
const ROUNDS: usize = 3;
/// How long one measurement takes.
const DURATION: &str = "5s";
/// How many connections ask at once.
const CONNECTIONS: &str = "32";
/// What npm sends for a packument.
const PACKUMENT: [&str; 2] = ["Accept: application/json", "Accept-Encoding: gzip"];
/// The same, for who wants it as it is.
const PLAIN: [&str; 1] = ["Accept: application/json"];
/// How many large packuments are asked for at once.
const CROWD: usize = 32;
/// How often the large packument is rendered.
const RENDERINGS: usize = 7;
/// How long a gateway may take to see another process's decision.
const SEEN: Duration = Duration::from_millis(400);
/// The packument of 10 MB.
const LARGE: &str = "/npm/typescript";

pub(super) struct Target<'a> {
    pub(super) what: &'static str,
    pub(super) server: &'a Server,
    pub(super) path: String,
    pub(super) headers: &'static [&'static str],
}

#[derive(Default)]
pub(super) struct Measured {
    pub(super) rates: Vec<f64>,
    /// Milliseconds.
    p99: Vec<f64>,
    /// CPU milliseconds of the server for a request.
    cpu: Vec<f64>,
}

pub(super) fn run() -> anyhow::Result<()> {
    let program = stockade()?;
    let folder = tempfile::tempdir()?;
    let (files, peers) = (folder.path().join("files"), crate::root().join("target/bench-peers"));
    fs::create_dir_all(&files)?;
    let stockade = Server::stockade(&program, folder.path())?;
    for (path, file) in [
        ("/npm/ms/-/ms-2.1.3.tgz", "ms.tgz"),
        ("/npm/lodash/-/lodash-4.17.21.tgz", "lodash.tgz"),
        ("/npm/lodash", "lodash.json"),
    ] {
        download(&stockade.url(path), &files.join(file))?;
    }
    let nginx = Server::nginx(folder.path())?;
    let verdaccio = Server::verdaccio(&peers, folder.path())?;
    let targets = targets(&stockade, &nginx, &verdaccio);
    let mut measured: Vec<Measured> = targets.iter().map(|_| Measured::default()).collect();
    for target in &targets {
        warm(target)?;
    }
    for _ in 0..ROUNDS {
        for (target, measured) in targets.iter().zip(&mut measured) {
            measured.add(target)?;
        }
    }
    for (target, measured) in targets.iter().zip(&measured) {
        println!("{}", measured.line(target));
    }
    decisions(&stockade)?;
    large(&program, folder.path(), &stockade)
}

fn targets<'a>(stockade: &'a Server, nginx: &'a Server, verdaccio: &'a Server) -> Vec<Target<'a>> {
    let (ms, lodash) = ("tarball of 3 KB", "tarball of 319 KB");
    let (packed, plain) = ("packument, gzip", "packument, plain");
    let target = |what, server, path: &str, headers| Target { what, server, path: path.to_owned(), headers };
    vec![
        target(ms, stockade, "/npm/ms/-/ms-2.1.3.tgz", &[]),
        target(ms, nginx, "/ms.tgz", &[]),
        target(ms, verdaccio, "/ms/-/ms-2.1.3.tgz", &[]),
        target(lodash, stockade, "/npm/lodash/-/lodash-4.17.21.tgz", &[]),
        target(lodash, nginx, "/lodash.tgz", &[]),
        target(lodash, verdaccio, "/lodash/-/lodash-4.17.21.tgz", &[]),
        target(packed, stockade, "/npm/lodash", &PACKUMENT),
        target(packed, verdaccio, "/lodash", &PACKUMENT),
        target(plain, stockade, "/npm/lodash", &PLAIN),
        target(plain, nginx, "/lodash.json", &PLAIN),
        target(plain, verdaccio, "/lodash", &PLAIN),
    ]
}

fn download(url: &str, file: &Path) -> anyhow::Result<()> {
    output(Command::new("curl").args(["--silent", "--fail", "--output"]).arg(file).arg(url)).map(drop)
}

pub(super) fn warm(target: &Target<'_>) -> anyhow::Result<()> {
    for _ in 0..3 {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--fail", "--output", "/dev/null"]);
        for header in target.headers {
            curl.args(["--header", header]);
        }
        output(curl.arg(target.server.url(&target.path)))?;
    }
    Ok(())
}

impl Measured {
    pub(super) fn add(&mut self, target: &Target<'_>) -> anyhow::Result<()> {
        self.add_with(target, CONNECTIONS)
    }

    /// With as many connections.
    pub(super) fn add_with(&mut self, target: &Target<'_>, connections: &str) -> anyhow::Result<()> {
        let before = target.server.cpu();
        let mut wrk = Command::new("wrk");
        wrk.args(["-t2", "-c", connections, "-d", DURATION, "--latency"]);
        for header in target.headers {
            wrk.args(["-H", header]);
        }
        let text = output(wrk.arg(target.server.url(&target.path)))?;
        let all_well = !text.contains("Non-2xx") && !text.contains("Socket errors");
        ensure!(all_well, "{} did not answer all of {}:\n{text}", target.server.name, target.path);
        let field = |name: &str| text.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
        let rate: f64 = field("Requests/sec:").context("wrk prints no rate")?.parse()?;
        let requests: f64 = text
            .lines()
            .find_map(|line| line.split_once(" requests in "))
            .context("wrk prints no count")?
            .0
            .trim()
            .parse()?;
        self.rates.push(rate);
        self.p99.push(milliseconds(field("99%").context("wrk prints no latency")?)?);
        self.cpu.push((target.server.cpu() - before) * 1000.0 / requests);
        Ok(())
    }

    pub(super) fn line(&self, target: &Target<'_>) -> String {
        let rates: Vec<String> = self.rates.iter().map(|rate| format!("{rate:.0}")).collect();
        format!(
            "{:<18} {:<10} {:>8.0} requests/s ({}), p99 {:.2} ms, {:.4} CPU ms a request, peak {} MiB",
            target.what,
            target.server.name,
            median(self.rates.clone()),
            rates.join(" "),
            median(self.p99.clone()),
            median(self.cpu.clone()),
            target.server.peak_memory(),
        )
    }
}

/// wrk prints durations as `312.00us`, `1.70ms`, `1.02s`.
fn milliseconds(text: &str) -> anyhow::Result<f64> {
    let units = [("us", 0.001), ("ms", 1.0), ("s", 1000.0)];
    let (number, factor) = units
        .into_iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))
        .with_context(|| format!("`{text}` is no duration"))?;
    Ok(number.parse::<f64>()? * factor)
}

/// How long the policy's decision took inside the gateway, of all requests for files above.
fn decisions(stockade: &Server) -> anyhow::Result<()> {
    for name in ["stockade_decision_seconds", "stockade_listing_kept_seconds"] {
        print_p99(stockade, name)?;
    }
    Ok(())
}

fn print_p99(stockade: &Server, name: &str) -> anyhow::Result<()> {
    let text = output(Command::new("curl").args(["--silent", "--fail", &stockade.url("/metrics")]))?;
    let value = |line: &str| line.rsplit_once(' ').and_then(|(_, value)| value.parse::<f64>().ok());
    let count = text.lines().find(|line| line.starts_with(&format!("{name}_count"))).and_then(value);
    let count = count.context("the gateway has no such histogram")?;
    let buckets = text.lines().filter(|line| line.starts_with(&format!("{name}_bucket")));
    let bucket = buckets.into_iter().find(|line| value(line).is_some_and(|below| below >= count * 0.99));
    let bound = bucket.and_then(|line| line.split('"').nth(1)).context("the histogram has no bucket")?;
    println!("{name}: 99% of {count:.0} within {bound} s");
    Ok(())
}

/// The large packument: judged and rendered anew after each decision of a person, then asked for by 32 at once.
fn large(program: &Path, folder: &Path, stockade: &Server) -> anyhow::Result<()> {
    let target = Target { what: "packument of 10 MB", server: stockade, path: LARGE.to_owned(), headers: &PLAIN };
    warm(&target)?;
    let mut first_bytes = Vec::new();
    for _ in 0..RENDERINGS {
        // Any decision begins a new epoch, in which everything is judged again.
        let mut deny = Command::new(program);
        deny.env("XDG_CONFIG_HOME", folder.join("config")).args(["--quiet", "--data"]).arg(folder.join("data"));
        output(deny.args(["deny", "pkg:npm/ms@2.1.3", "--by", "nobody", "--reason", "a benchmark"]))?;
        std::thread::sleep(SEEN);
        first_bytes.push(first_byte(&target)?);
    }
    println!("packument of 10 MB, judged and rendered anew: first byte after {:.1} ms", median(first_bytes));
    let kept = (0..RENDERINGS).map(|_| first_byte(&target)).collect::<anyhow::Result<Vec<f64>>>()?;
    println!("packument of 10 MB, kept: first byte after {:.1} ms", median(kept));
    let mut measured = Measured::default();
    measured.add(&target)?;
    println!("{}", measured.line(&target));
    crowd(program, &target)
}

/// As many large packuments as there are connections, all different, all cold and all at once.
fn crowd(program: &Path, large: &Target<'_>) -> anyhow::Result<()> {
    let document = output(Command::new("curl").args(["--silent", "--fail", &large.server.url(&large.path)]))?;
    let registry = FakeRegistry::start();
    let names: Vec<String> = (0..CROWD).map(|number| format!("large-{number}")).collect();
    for name in &names {
        let body = document.replace("typescript", name).into_bytes();
        registry.fault(&format!("/{name}"), Fault::RawBody { body, content_type: "application/json".to_owned() });
    }
    let folder = tempfile::tempdir()?;
    let settings = folder.path().join("config/stockade");
    fs::create_dir_all(&settings)?;
    fs::write(settings.join("stockade.toml"), format!("[upstream.npm]\nurl = \"{}\"\n", registry.url()))?;
    let stockade = Server::stockade(program, folder.path())?;
    let before = stockade.peak_memory();
    let asking: Vec<_> = names
        .iter()
        .map(|name| {
            let mut curl = Command::new("curl");
            curl.args(["--silent", "--fail", "--output", "/dev/null", &stockade.url(&format!("/npm/{name}"))]).spawn()
        })
        .collect::<Result<_, _>>()?;
    for mut curl in asking {
        ensure!(curl.wait()?.success(), "a packument could not be had");
    }
    let size = document.len() / 1_000_000;
    println!(
        "{CROWD} packuments of {size} MB, cold, at once: peak {} MiB, {before} MiB before",
        stockade.peak_memory()
    );
    Ok(())
}

/// Milliseconds from the start of a request to the first byte of its answer.
fn first_byte(target: &Target<'_>) -> anyhow::Result<f64> {
    let mut curl = Command::new("curl");
    curl.args([
        "--silent",
        "--fail",
        "--output",
        "/dev/null",
        "--write-out",
        "%{time_pretransfer} %{time_starttransfer}",
    ]);
    let times = output(curl.arg(target.server.url(&target.path)))?;
    let (sent, began) = times.split_once(' ').context("curl prints no times")?;
    Ok((began.trim().parse::<f64>()? - sent.parse::<f64>()?) * 1000.0)
}
