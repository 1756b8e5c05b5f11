//! What a person sees in each real client, for each behaviour of the gateway.
//!
//! A gateway is as good as what reaches the person in front of a client, and no document of a client says that. So real
//! clients install from a real `stockade serve`, pointed at it as `stockade setup` points them, in front of registries on
//! loopback. What comes of each behaviour is `docs/conformance.md`. This test makes it again, and fails where it differs:
//! for the clients of exactly those versions that are here, or can be fetched. Of others it says that it did not look.
//!
//! Between client and gateway stands a relay that keeps every byte. The registries go by a name and a port that nobody else
//! has, and in no header and no body, unpacked, may either of them be: a client that learns where the registry is will go
//! there by itself.
//!
//! `cargo xtask conformance` writes the document. A behaviour is an entry in `rows`, a client a file in `clients`.

#![expect(clippy::disallowed_methods, reason = "tests write files and start programs")]
#![expect(clippy::print_stdout, reason = "a test without a harness says what it found")]
#![expect(clippy::unwrap_used, reason = "what a test cannot go on without ends it")]

mod cell;
mod clients;
mod document;
mod expected;
mod gateway;
mod leaks;
mod registries;
mod relay;
mod rows;
mod stage;
mod wire;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use clients::Column;
use document::Document;
use rows::{ROWS, Row};
use stage::Stage;

/// Where the outcome is written down.
const DOCUMENT: &str = "docs/conformance.md";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--list") {
        return ExitCode::SUCCESS;
    }
    leaks::prove();
    let start = Instant::now();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(DOCUMENT);
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let (found, mut wrong) = all();
    let made = Document::of(&written).with(&found);
    if words.iter().any(|word| word == "--write") {
        std::fs::write(&path, made.render()).unwrap();
    } else {
        wrong.extend(made.differences(&written));
    }
    for line in &wrong {
        println!("{line}");
    }
    let clients = found.iter().map(|found| &found.column).collect::<std::collections::BTreeSet<_>>().len();
    let seconds = start.elapsed().as_secs();
    println!("conformance: {} behaviours of {clients} clients in {seconds} s, {} wrong", ROWS.len(), wrong.len());
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What came of a behaviour in a client.
struct Found {
    row: &'static Row,
    column: String,
    cell: String,
}

/// Every behaviour in every client that is here, and what is not as it has to be.
fn all() -> (Vec<Found>, Vec<String>) {
    // The last ones take longest, and nobody shall wait for one alone.
    let queue: Mutex<VecDeque<Column>> = Mutex::new(clients::all().into_iter().rev().collect());
    let results = Mutex::new((Vec::new(), Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, std::num::NonZero::get) {
            scope.spawn(|| {
                while let Some(column) = { queue.lock().unwrap().pop_front() } {
                    let (found, wrong) = of(&column);
                    let mut results = results.lock().unwrap();
                    results.0.extend(found);
                    results.1.extend(wrong);
                }
            });
        }
    });
    results.into_inner().unwrap()
}

/// One column.
fn of(column: &Column) -> (Vec<Found>, Vec<String>) {
    let client = match (column.find)() {
        Ok(client) => client,
        Err(why) => {
            println!("skipped: the column of {} was not checked: {why}", column.name);
            return (Vec::new(), Vec::new());
        }
    };
    let start = Instant::now();
    let stage = Stage::new(column.name, client.as_ref());
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for row in ROWS {
        let cell = (row.play)(&stage, row);
        wrong.extend(expected::judge(column.name, row, &cell));
        found.push(Found { row, column: column.name.to_owned(), cell: cell.to_string() });
    }
    wrong.extend(stage.leaks());
    println!("conformance: {} took {:.1} s", column.name, start.elapsed().as_secs_f64());
    (found, wrong)
}

/// The program under test.
fn stockade() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_stockade"))
}
