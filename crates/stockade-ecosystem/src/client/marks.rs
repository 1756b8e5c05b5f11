//! What `setup` leaves in a configuration file, so that it can be undone to the byte.

use std::fmt::Write as _;

/// Comments that `setup` makes, after what begins a comment in a format.
pub(crate) struct Marks(pub(crate) &'static str);

const PUT_AWAY: &str = "stockade setup put away: ";
const WRITTEN: &str = "stockade setup wrote the next line";
const ENDED: &str = "stockade setup ended the line before";

impl Marks {
    /// Adds a line of before that no longer counts.
    pub(crate) fn put_away(&self, out: &mut String, line: &str) {
        let _ = write!(out, "{}{PUT_AWAY}{line}", self.0);
    }

    /// Adds a line of ours.
    pub(crate) fn write(&self, out: &mut String, line: &str) {
        let _ = write!(out, "{}{WRITTEN}\n{line}\n", self.0);
    }

    /// Gives the last line its end if it has none, and remembers it.
    pub(crate) fn end_line(&self, out: &mut String) {
        if !out.is_empty() && !out.ends_with('\n') {
            let _ = write!(out, "\n{}{ENDED}\n", self.0);
        }
    }

    /// The text as it was.
    pub(crate) fn undone(&self, text: &str) -> String {
        let (mut out, mut ended) = (String::new(), None);
        let mut lines = text.split_inclusive('\n');
        while let Some(line) = lines.next() {
            let ours = line.strip_prefix(self.0);
            match ours.map(str::trim_end) {
                Some(WRITTEN) => drop(lines.next()),
                Some(ENDED) => ended = Some(out.len()),
                _ => out.push_str(ours.and_then(|ours| ours.strip_prefix(PUT_AWAY)).unwrap_or(line)),
            }
        }
        // Where something was added after it since, the line needs its end.
        if ended == Some(out.len()) {
            out.pop();
        }
        out
    }
}
