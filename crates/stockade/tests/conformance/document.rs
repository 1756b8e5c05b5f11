//! The outcome as a document, and what in it is no longer so.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::rows::ROWS;
use crate::{Found, clients, expected};

const INTRODUCTION: &str = "\
# conformance

What a person sees in each client, for each behaviour of the gateway. Real clients install through a `stockade serve`, to
which they point as `stockade setup` points them, in front of registries on loopback. Every user is a new one, with an empty
cache. In no answer that any of them got is the address of the registry.

Made by `cargo xtask conformance`; the tests make it again and compare.

";

/// By title of the row, then by column: what is in the cell.
pub(crate) struct Document(BTreeMap<(String, String), String>);

impl Document {
    /// What a document says.
    pub(crate) fn of(text: &str) -> Self {
        let (mut cells, mut title) = (BTreeMap::new(), "");
        for line in text.lines() {
            if let Some(next) = line.strip_prefix("## ") {
                title = next;
            } else if let Some((column, cell)) = line.strip_prefix("- ").and_then(|line| line.split_once(": ")) {
                cells.insert((title.to_owned(), column.to_owned()), cell.to_owned());
            }
        }
        Self(cells)
    }

    /// The same with what was found now.
    pub(crate) fn with(mut self, found: &[Found]) -> Self {
        for Found { row, column, cell } in found {
            self.0.insert((row.title.to_owned(), column.clone()), cell.clone());
        }
        self
    }

    fn cell(&self, title: &str, column: &str) -> Option<&str> {
        self.0.get(&(title.to_owned(), column.to_owned())).map(String::as_str)
    }

    pub(crate) fn render(&self) -> String {
        let names: Vec<&str> = clients::all().iter().map(|column| column.name).collect();
        let has = |column: &&&str| ROWS.iter().any(|row| self.cell(row.title, column).is_some());
        let columns: Vec<&str> = names.iter().filter(has).copied().collect();
        let mut text = INTRODUCTION.to_owned();
        let _ = writeln!(text, "| | {} |", columns.join(" | "));
        let _ = writeln!(text, "|---|{}", "---|".repeat(columns.len()));
        for row in ROWS {
            let cells: Vec<String> = columns.iter().map(|column| short(self.cell(row.title, column))).collect();
            let _ = writeln!(text, "| {} | {} |", row.title, cells.join(" | "));
        }
        for row in ROWS {
            let _ = writeln!(text, "\n## {}\n\n{}\n", row.title, row.what);
            for column in &columns {
                let cell = self.cell(row.title, column).unwrap_or("not looked at");
                let _ = writeln!(text, "- {column}: {cell}");
            }
            for (why, silent) in silent(row.title, &columns) {
                let _ = writeln!(text, "\nNo reason of {}: {why}.", silent.join(", "));
            }
        }
        text
    }

    /// Where another text differs.
    pub(crate) fn differences(&self, written: &str) -> Vec<String> {
        let made = self.render();
        if made == written {
            return Vec::new();
        }
        let (made, written): (Vec<&str>, Vec<&str>) = (made.lines().collect(), written.lines().collect());
        let added = made.iter().filter(|line| !written.contains(line)).map(|line| format!("+ {line}"));
        let gone = written.iter().filter(|line| !made.contains(line)).map(|line| format!("- {line}"));
        let heading = format!("{} is not what is seen; `cargo xtask conformance` writes it:", crate::DOCUMENT);
        std::iter::once(heading).chain(gone).chain(added).collect()
    }
}

/// The clients that are known to say no reason there, by why.
fn silent<'a>(title: &str, columns: &[&'a str]) -> BTreeMap<&'static str, Vec<&'a str>> {
    let mut silent: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for column in columns {
        if let Some(why) = expected::why_silent(column, title) {
            silent.entry(why).or_default().push(*column);
        }
    }
    silent
}

/// What is in bold, and whether there is no reason.
fn short(cell: Option<&str>) -> String {
    let Some(cell) = cell else { return "not looked at".to_owned() };
    let bold = cell.split("**").nth(1).unwrap_or_default();
    if cell.contains("does not say why") { format!("{bold}, no reason") } else { bold.to_owned() }
}
