//! Everything that is printed. Standard output is data, standard error is talk.
//!
//! Nobody may be listening, as in `stockade log show | head`. Then there is nobody to tell, so what cannot be written is
//! not written, and nothing panics. Text of strangers is in nearly everything, so characters that print nothing, or
//! rearrange a terminal, are taken out here and nowhere else. Colours are for reports on a terminal, and for nobody who
//! sets `NO_COLOR`.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

use serde::Serialize;

use crate::args::{Format, Global};
use crate::settings::variable;

/// Prints.
pub(crate) struct Printer {
    format: Format,
    quiet: bool,
    verbose: bool,
}

impl Printer {
    /// A printer as the arguments want it.
    pub(crate) fn new(global: &Global) -> Self {
        Self { format: global.format.unwrap_or_default(), quiet: global.quiet, verbose: global.verbose > 0 }
    }

    /// How the answer is written.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// True if nothing is to be left out.
    pub(crate) fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// True if only the answer and errors are to be said.
    #[cfg(target_os = "linux")]
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// True if the answer is for a program.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// True if standard output is for a document alone.
    pub(crate) fn has_document(&self) -> bool {
        self.format != Format::Text
    }

    /// The answer: as JSON, or as text of whole lines.
    pub(crate) fn answer(&self, value: &impl Serialize, text: impl FnOnce() -> String) -> anyhow::Result<()> {
        let text = match self.format {
            Format::Json => serde_json::to_string_pretty(value)? + "\n",
            // Only reports have other formats, and print themselves.
            _ => plain(&text()),
        };
        self.document(&text);
        Ok(())
    }

    /// The answer, as a document that is complete: whoever wrote it knows what its format makes of which characters.
    #[expect(clippy::unused_self, reason = "whoever has no printer does not print")]
    pub(crate) fn document(&self, text: &str) {
        let _ = io::stdout().lock().write_all(text.as_bytes());
    }

    /// The answer as text with styles.
    pub(crate) fn styled(&self, text: &Styled) {
        let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let dumb = variable("TERM").is_none_or(|terminal| terminal == "dumb");
        let colours = io::stdout().is_terminal() && !dumb && !is_set("NO_COLOR");
        self.document(&text.rendered(colours));
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

/// The longest answer to a question in bytes.
const MAX_ANSWER: u64 = 100;

/// Asks a person who sits at a terminal: true if they say yes. `None` if nobody sits there.
pub(crate) fn confirm(question: &str) -> Option<bool> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return None;
    }
    insist(&format!("{question} [y/N] "));
    let mut answer = Vec::new();
    let _ = io::stdin().lock().take(MAX_ANSWER).read_until(b'\n', &mut answer);
    Some(matches!(String::from_utf8_lossy(&answer).trim(), "y" | "Y" | "yes"))
}

/// How a piece of text looks on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Bold,
    Dim,
    /// A stranger's words, or a name: in backticks where there are no colours.
    Literal,
    Warning,
    Alarm,
}

/// Text with styles.
#[derive(Debug, Default)]
pub(crate) struct Styled(Vec<(Option<Style>, String)>);

impl Styled {
    /// Adds text.
    pub(crate) fn plain(&mut self, text: &str) {
        self.0.push((None, plain(text)));
    }

    /// Adds text in a style.
    pub(crate) fn add(&mut self, style: Style, text: &str) {
        self.0.push((Some(style), plain(text)));
    }

    /// The text, with escapes of a terminal or without.
    pub(crate) fn rendered(&self, colours: bool) -> String {
        let piece = |(style, text): &(Option<Style>, String)| match (style, colours) {
            (Some(Style::Literal), false) => format!("`{text}`"),
            (Some(style), true) => format!("\u{1b}[{}m{text}\u{1b}[0m", style.code()),
            (None, _) | (_, false) => text.clone(),
        };
        self.0.iter().map(piece).collect()
    }
}

impl Style {
    /// The parameter of the terminal's escape (ECMA-48, SGR).
    const fn code(self) -> &'static str {
        match self {
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Literal => "36",
            Self::Warning => "1;33",
            Self::Alarm => "1;31",
        }
    }
}

/// A stranger's text as a part of a line.
pub(crate) fn line(text: &str) -> String {
    plain(text).replace('\n', " ")
}

/// Text without characters that print nothing or change how others print. Its lines stay.
fn plain(text: &str) -> String {
    let hides = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    if !text.contains(hides) {
        return text.to_owned();
    }
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
    fn colours_are_around_text_and_never_in_it() {
        let mut text = Styled::default();
        text.add(Style::Alarm, "deny");
        text.plain(" ");
        text.add(Style::Literal, "a\u{1b}[0mb");
        assert_eq!(text.rendered(false), "deny `a [0mb`");
        assert_eq!(text.rendered(true), "\u{1b}[1;31mdeny\u{1b}[0m \u{1b}[36ma [0mb\u{1b}[0m");
        assert_eq!(line("a\nb\r\n"), "a b  ");
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
