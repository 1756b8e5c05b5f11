//! Everything that is printed. Standard output is data, standard error is talk.
//!
//! Nobody may be listening, as in `stockade log show | head`. Then there is nobody to tell, so what cannot be written is
//! not written, and nothing panics. Text of strangers is in nearly everything, so characters that print nothing, or
//! rearrange a terminal, are taken out here and nowhere else. There are no colours.

use std::io::{self, Write as _};

use serde::Serialize;

use crate::args::{Format, Global};

/// Prints.
pub(crate) struct Printer {
    format: Format,
    quiet: bool,
}

impl Printer {
    /// A printer as the arguments want it.
    pub(crate) fn new(global: &Global) -> Self {
        Self { format: global.format, quiet: global.quiet }
    }

    /// True if the answer is for a program.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// The answer: as JSON, or as text of whole lines.
    pub(crate) fn answer(&self, value: &impl Serialize, text: impl FnOnce() -> String) -> anyhow::Result<()> {
        let text = match self.format {
            Format::Json => serde_json::to_string_pretty(value)? + "\n",
            Format::Text => plain(&text()),
        };
        let _ = io::stdout().lock().write_all(text.as_bytes());
        Ok(())
    }

    /// Something that a person may want to know: whole lines.
    pub(crate) fn talk(&self, text: &str) {
        if !self.quiet {
            insist(text);
        }
    }
}

/// Something that a person has to know, whatever they asked for: an error.
pub(crate) fn insist(text: &str) {
    let _ = io::stderr().lock().write_all(plain(text).as_bytes());
}

/// Text without characters that print nothing or change how others print. Its lines stay.
fn plain(text: &str) -> String {
    let hides = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    text.chars().map(|c| if hides(c) { ' ' } else { c }).collect()
}

/// Rows with aligned columns, each line indented by `indent` spaces.
pub(crate) fn columns(indent: usize, rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..count).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = " ".repeat(indent);
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width.saturating_sub(cell.chars().count()) + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// `3 packages`, `1 package`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// A number of bytes as people say it: `1.4 MB`.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match UNITS.into_iter().find(|(size, _)| count >= *size) {
        Some((size, unit)) => format!("{}.{} {unit}", count / size, count % size / (size / 10)),
        None => format!("{count} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_strangers_stays_on_its_line() {
        assert_eq!(plain("a\u{1b}[31mb\r\n\u{202e}c\n"), "a [31mb \n c\n");
    }

    #[test]
    fn columns_are_aligned_and_end_without_spaces() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        assert_eq!(columns(2, &[row(["a", "b"]), row(["long", ""])]), "  a     b\n  long\n");
    }

    #[test]
    fn bytes_have_the_unit_that_fits() {
        assert_eq!(
            [bytes(0), bytes(999), bytes(1_449), bytes(2_060_000)],
            ["0 bytes", "999 bytes", "1.4 kB", "2.0 MB"]
        );
    }
}
