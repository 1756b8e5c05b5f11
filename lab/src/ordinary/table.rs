//! The table in the documentation. It is read again before it is written, so that rows can be made one at a time.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs;
use std::path::{Path, PathBuf};

use super::project::Project;

const HEAD: &str = "| project | client | what is run | profile | result | exceptions |\n|---|---|---|---|---|---|\n";

/// What came of a project.
pub(super) enum Outcome {
    Passed,
    /// The sandbox was in the way.
    Broken(String),
    /// It does not work bare.
    NotHere(String),
}

pub(super) struct Row {
    pub(super) name: String,
    pub(super) client: String,
    pub(super) run: Vec<String>,
    pub(super) profiles: Vec<String>,
    pub(super) outcome: Outcome,
    pub(super) exceptions: Vec<String>,
}

/// The rows by the names of their projects, as they are written.
pub(super) struct Table {
    path: PathBuf,
    rows: BTreeMap<String, String>,
}

impl Table {
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = if path.exists() { fs::read_to_string(path)? } else { String::new() };
        let rows = text.lines().filter_map(|line| {
            let name = line.strip_prefix("| ")?.split(" | ").next()?;
            Some((name.to_owned(), line.to_owned()))
        });
        Ok(Self { path: path.to_owned(), rows: rows.collect() })
    }

    pub(super) fn put(&mut self, row: Row) {
        let line = row.line();
        self.rows.insert(row.name, line);
    }

    pub(super) fn write(&self, projects: &[Project]) -> anyhow::Result<()> {
        let rows: Vec<&String> = projects.iter().filter_map(|project| self.rows.get(&project.name)).collect();
        let count = |mark: &str| rows.iter().filter(|row| row.contains(mark)).count();
        let (passed, not) = (count("| passed |"), count("| not runnable here"));
        let mut text = include_str!("intro.md").to_owned();
        let broken = rows.len() - passed - not;
        let _ = writeln!(text, "{} rows: {passed} passed, {broken} broken, {not} not runnable here.\n", rows.len());
        text.push_str(HEAD);
        for row in rows {
            text.push_str(row);
            text.push('\n');
        }
        Ok(fs::write(&self.path, text)?)
    }
}

impl Row {
    fn line(&self) -> String {
        let commands: Vec<_> = self.run.iter().map(|line| format!("`{line}`")).collect();
        let cells = [
            self.name.clone(),
            self.client.clone(),
            commands.join(", "),
            self.profiles.join(", "),
            self.outcome.to_string(),
            self.exceptions.join("; "),
        ];
        // A committed file has no folder of this machine.
        let home = std::env::var("HOME").unwrap_or_else(|_| "~".to_owned());
        let plain = |cell: String| cell.replace('|', "\\|").replace('\n', " ").replace(&home, "~");
        format!("| {} |", cells.map(plain).join(" | "))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("passed"),
            Self::Broken(reason) => write!(f, "broken: {reason}"),
            Self::NotHere(reason) => write!(f, "not runnable here: {reason}"),
        }
    }
}

pub(super) fn names(projects: &[Project]) -> String {
    projects.iter().map(|project| project.name.as_str()).collect::<Vec<_>>().join(", ")
}
