//! `cargo xtask ordinary`: that the sandbox breaks no ordinary work.
//!
//! A sandbox that is in the way gets turned off, so what popular packages do when they are installed, built and tested
//! is done with each of them: bare first, where it has to work, and then with `stockade run`, where it has to work as
//! well and nothing may be blocked. What a package tries and does not need is an exception, with the reason in its list.
//! The lists are data beside this file; the table is `docs/ordinary.md`.

mod project;
mod table;
mod trial;

use std::path::{Path, PathBuf};

use anyhow::ensure;

use project::Project;
use table::{Outcome, Row, Table};
use trial::Trial;

/// Where the projects are made: outside of any repository, and not in `/tmp`, which is another one in the sandbox.
const PLACE: &str = "/var/tmp/stockade-ordinary";

/// Tries the projects that `names` name, or all; rows of the others stay in the table as they are.
pub(crate) fn run(names: &[&str]) -> anyhow::Result<()> {
    let projects = project::all()?;
    let unknown: Vec<_> = names.iter().filter(|name| projects.iter().all(|project| project.name != **name)).collect();
    ensure!(unknown.is_empty(), "no such project: {unknown:?}; there are {}", table::names(&projects));
    let trial = Trial::new(program()?, PathBuf::from(PLACE))?;
    let path = crate::root().join("docs").join("ordinary.md");
    let mut failed = Vec::new();
    for project in projects.iter().filter(|project| names.is_empty() || names.contains(&project.name.as_str())) {
        let row = tried(&trial, project)?;
        if matches!(row.outcome, Outcome::Broken(_)) {
            failed.push(project.name.clone());
        }
        let mut table = Table::read(&path)?;
        table.put(row);
        // At once: all of it takes hours, and what is done is done.
        table.write(&projects)?;
    }
    ensure!(failed.is_empty(), "in the way of {}; what they said is in {PLACE}", failed.join(", "));
    Ok(())
}

fn tried(trial: &Trial, project: &Project) -> anyhow::Result<Row> {
    eprintln!("ordinary: {}", project.name);
    let row = trial.of(project)?;
    eprintln!("ordinary: {}: {}", project.name, row.outcome);
    Ok(row)
}

/// The program under test: the one that is named, else as it is released.
fn program() -> anyhow::Result<PathBuf> {
    match std::env::var_os("STOCKADE_PROGRAM") {
        Some(program) => Ok(std::path::absolute(Path::new(&program))?),
        None => crate::bench::stockade(),
    }
}
