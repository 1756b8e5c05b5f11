//! How fast an index is made of all records that there are, opened and asked, and laid over.
//!
//! The records are made here, the same in every run, in the shapes that real ones have: two of three are about malice, most
//! of those condemn a package as a whole, and one of eight lists many versions. Where `STOCKADE_BENCH_OSV` names a folder
//! with the zips of OSV's exporter below it, those are read instead, and repeated under other names.
//!
//! The files are on the disk, and the system has them in memory after the first run.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot begin has nothing to measure")]
#![expect(clippy::disallowed_methods, reason = "a benchmark has its own files and settings")]

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::PathBuf;
use std::sync::LazyLock;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use stockade_advisory::{Advisories, Builder, Header, Medium, Question};
use stockade_ecosystem::npm::NPM;
use stockade_model::{Name, Package};

/// All records of all ecosystems that OSV has today, and a third more.
const RECORDS: usize = 600_000;
/// The packages of a large lockfile.
const LOOKUPS: usize = 5_000;
/// One of so many of them has advisories.
const KNOWN: usize = 7;
/// The records of some minutes.
const OVERLAY: usize = 100;

fn main() {
    divan::main();
}

#[divan::bench(sample_count = 1, sample_size = 1)]
fn build(bencher: Bencher) {
    let read = std::env::var_os("STOCKADE_BENCH_OSV").map(|_| records());
    bencher.counter(ItemsCount::new(RECORDS)).bench_local(|| {
        let mut file = BufWriter::new(File::create(folder().join("built")).unwrap());
        match &read {
            Some(records) => make(records, None, &mut file),
            // One after the other, so that the memory that is used is the builder's.
            None => make((0..RECORDS).map(made), None, &mut file),
        }
    });
}

#[divan::bench]
fn open(bencher: Bencher) {
    bencher.bench_local(|| Advisories::open(base(), Vec::new()).unwrap());
}

#[divan::bench]
fn open_and_ask_5000(bencher: Bencher) {
    let asked = asked();
    bencher.counter(ItemsCount::new(LOOKUPS)).bench_local(|| {
        let advisories = Advisories::open(base(), Vec::new()).unwrap();
        ask(&advisories, &asked)
    });
}

#[divan::bench]
fn ask_5000(bencher: Bencher) {
    let asked = asked();
    let advisories = Advisories::open(base(), Vec::new()).unwrap();
    bencher.counter(ItemsCount::new(LOOKUPS)).bench_local(|| ask(&advisories, &asked));
}

#[divan::bench]
fn ask_3000_versions_of_a_package(bencher: Bencher) {
    let advisories = Advisories::open(base(), Vec::new()).unwrap();
    let package = asked().swap_remove(0);
    let versions: Vec<String> = (0..3_000).map(|patch| format!("1.0.{patch}")).collect();
    let questions: Vec<Question<'_>> = versions.iter().map(|version| Question::version(version)).collect();
    bencher.bench_local(|| advisories.of(&package).unwrap().about_all(black_box(&questions)).unwrap());
}

#[divan::bench]
fn make_and_open_overlay_of_100(bencher: Bencher) {
    let below = Advisories::open(base(), Vec::new()).unwrap().base().to_owned();
    let records: Vec<String> = records().into_iter().take(OVERLAY).collect();
    bencher.bench_local(|| {
        let mut overlay = Vec::new();
        make(&records, Some(&below), &mut overlay);
        Advisories::open(base(), vec![Box::new(overlay)]).unwrap()
    });
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn verify(bencher: Bencher) {
    let advisories = Advisories::open(base(), Vec::new()).unwrap();
    bencher.bench_local(|| advisories.verify().unwrap());
}

fn ask(advisories: &Advisories, asked: &[Package]) -> usize {
    let about = |package| advisories.of(package).unwrap().about(&Question::version("1.0.1")).unwrap().matches.len();
    asked.iter().map(|package| black_box(about(package))).sum()
}

fn make(records: impl IntoIterator<Item = impl AsRef<str>>, base: Option<&str>, to: &mut dyn std::io::Write) -> u64 {
    let mut builder = Builder::new();
    for record in records {
        let _ = builder.add(record.as_ref().as_bytes());
    }
    let header = Header {
        built: "2026-11-01T00:00:00Z".parse().unwrap(),
        sequence: 1 + u64::from(base.is_some()),
        base: base.map(str::to_owned),
    };
    builder.finish(&header, to).unwrap().records
}

/// Packages of which some have advisories.
fn asked() -> Vec<Package> {
    let package = |at: usize| {
        let name = if at.is_multiple_of(KNOWN) { name(at * 97 % RECORDS) } else { format!("right-{at}") };
        Package { ecosystem: NPM.id.clone(), name: Name::normalised(name) }
    };
    (0..LOOKUPS).map(package).collect()
}

fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join("stockade-bench-advisory");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The file that is asked; it is made once.
fn base() -> Box<dyn Medium> {
    static MADE: LazyLock<PathBuf> = LazyLock::new(|| {
        let path = folder().join("base");
        let mut file = BufWriter::new(File::create(&path).unwrap());
        make(records(), None, &mut file);
        file.flush().unwrap();
        path
    });
    Box::new(File::open(MADE.as_path()).unwrap())
}

fn name(at: usize) -> String {
    format!("left-{at}")
}

fn records() -> Vec<String> {
    match std::env::var_os("STOCKADE_BENCH_OSV") {
        Some(folder) => repeated(&read(PathBuf::from(folder))),
        None => (0..RECORDS).map(made).collect(),
    }
}

fn made(at: usize) -> String {
    let mut record = format!(
        r#"{{"id":"{}-2026-{at}","modified":"2026-06-01T00:00:00Z","published":"2026-06-01T00:00:00Z","#,
        if at.is_multiple_of(3) { "GHSA" } else { "MAL" }
    );
    let listed = match at % 8 {
        0 => 100,
        1 | 2 => 2,
        _ => 0,
    };
    let versions: Vec<String> = (0..listed).map(|patch| format!(r#""1.0.{patch}""#)).collect();
    let end = if at.is_multiple_of(3) { r#",{"fixed":"1.2.3"}"# } else { "" };
    let (osv, name, details) = (NPM.osv, name(at), "what was found, in some words ".repeat(30));
    write!(
        record,
        r#""summary":"something is wrong in {name}","details":"{details}","aliases":["CVE-2026-{at}"],"severity":[{{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}],"affected":[{{"package":{{"ecosystem":"{osv}","name":"{name}"}},"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}}{end}]}}],"versions":[{}]}}]}}"#,
        versions.join(",")
    )
    .unwrap();
    record
}

/// The records of all zips below a folder.
fn read(folder: PathBuf) -> Vec<String> {
    let mut records = Vec::new();
    for ecosystem in std::fs::read_dir(folder).unwrap() {
        let Ok(file) = File::open(ecosystem.unwrap().path().join("all.zip")) else { continue };
        let mut zip = zip::ZipArchive::new(file).unwrap();
        for at in 0..zip.len() {
            let mut text = String::new();
            zip.by_index(at).unwrap().read_to_string(&mut text).unwrap();
            records.push(text);
        }
    }
    records
}

/// As many records as there have to be: with each round, other identifiers and names.
fn repeated(records: &[String]) -> Vec<String> {
    let renamed = |at: usize| {
        let mut record: serde_json::Value = serde_json::from_str(&records[at % records.len()]).unwrap();
        let round = at / records.len();
        record["id"] = format!("{}-{round}", record["id"].as_str().unwrap()).into();
        for affected in record["affected"].as_array_mut().into_iter().flatten() {
            let package = &mut affected["package"];
            if let Some(old) = package["name"].as_str() {
                // One in some is a name that is asked for.
                let new = if package["ecosystem"] == NPM.osv { name(at) } else { format!("{old}{round}") };
                package["name"] = new.into();
            }
        }
        record.to_string()
    };
    (0..RECORDS).map(renamed).collect()
}
