//! Pointing cargo's configuration file at the gateway, and back.
//!
//! Our lines are marked, and lines that would stand against them are put away as comments, so that undoing gives back every
//! byte. TOML has many ways to say the same, and this knows the usual ones: what comes out is read again, and if it does not
//! say what it should, and everything else as before, the text stays as it was.

use std::fmt::Write as _;

use toml::{Table, Value};

use super::ours;

/// Stands in front of a line that `setup` put away, before one that it wrote, and after one to which it gave an end.
const PUT_AWAY: &str = "# stockade setup put away: ";
const WRITTEN: &str = "# stockade setup wrote the next line";
const ENDED: &str = "# stockade setup ended the line before";

/// The table of the tables that are ours to write.
const SOURCE: &str = "source";

pub(super) fn point(text: &str, base: &str) -> String {
    let before = unpoint(text);
    let after = written(&before, base);
    if unpoint(&after) == before && says(&before, &after, base) { after } else { before }
}

/// Lines keep their own ends, and a last line without one is remembered.
fn written(before: &str, base: &str) -> String {
    let (mut out, mut table, ours) = (String::new(), Vec::new(), ours(base));
    for line in before.split_inclusive('\n') {
        let path = match header(line) {
            Some(path) => {
                table.clone_from(&path);
                path
            }
            None => line.split_once('=').map_or_else(Vec::new, |(key, _)| [table.clone(), dotted(key)].concat()),
        };
        if let [first, second, ..] = path.as_slice()
            && first == SOURCE
            && ours.iter().any(|(source, ..)| source == second)
        {
            out.push_str(PUT_AWAY);
        }
        out.push_str(line);
    }
    if !out.is_empty() && !out.ends_with('\n') {
        let _ = write!(out, "\n{ENDED}\n");
    }
    for (source, key, value) in ours {
        let _ = write!(out, "{WRITTEN}\n[{SOURCE}.{source}]\n{WRITTEN}\n{key} = {}\n", Value::from(value));
    }
    out
}

pub(super) fn unpoint(text: &str) -> String {
    let (mut out, mut ended) = (String::new(), None);
    let mut lines = text.split_inclusive('\n');
    while let Some(line) = lines.next() {
        match line.trim_end() {
            WRITTEN => drop(lines.next()),
            ENDED => ended = Some(out.len()),
            _ => out.push_str(line.strip_prefix(PUT_AWAY).unwrap_or(line)),
        }
    }
    // Where something was added after it since, the line needs its end.
    if ended == Some(out.len()) {
        out.pop();
    }
    out
}

/// The path of a table's header: `[source.crates-io]`. A list of tables (`[[…]]`) is none of ours, but ends the one before.
fn header(line: &str) -> Option<Vec<String>> {
    let inside = line.trim_start().strip_prefix('[')?;
    Some(dotted(inside.split(']').next().unwrap_or_default()))
}

/// The parts of a key, without quotes. None of ours has a dot in it.
fn dotted(key: &str) -> Vec<String> {
    key.split('.').map(|part| part.trim().trim_matches(['"', '\'']).to_owned()).collect()
}

/// True if the text points at the gateway, and says everything else that it said before.
fn says(before: &str, after: &str, base: &str) -> bool {
    let (Ok(mut before), Ok(mut after)) = (before.parse::<Table>(), after.parse::<Table>()) else { return false };
    let is_said = ours(base).into_iter().all(|(source, key, value)| {
        take(&mut before, source);
        let expected = Value::Table(Table::from_iter([(key.to_owned(), Value::from(value))]));
        take(&mut after, source) == Some(expected)
    });
    is_said && before == after
}

/// Takes a source out of the table of sources, which goes with its last one.
fn take(table: &mut Table, source: &str) -> Option<Value> {
    let sources = table.get_mut(SOURCE)?.as_table_mut()?;
    let taken = sources.remove(source);
    if sources.is_empty() {
        table.remove(SOURCE);
    }
    taken
}
