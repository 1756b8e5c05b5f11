//! What `setup` leaves in a configuration file, so that it can be undone to the byte. Both formats have comments that
//! begin with `#`.

use std::fmt::Write as _;

/// Stands in front of a line that `setup` put away, before one that it wrote, and after one to which it gave an end.
pub(super) const PUT_AWAY: &str = "# stockade setup put away: ";
const WRITTEN: &str = "# stockade setup wrote the next line";
const ENDED: &str = "# stockade setup ended the line before";

/// Adds a line of ours.
pub(super) fn write(out: &mut String, line: &str) {
    let _ = write!(out, "{WRITTEN}\n{line}\n");
}

/// Gives the last line its end if it has none, and remembers it.
pub(super) fn end_line(out: &mut String) {
    if !out.is_empty() && !out.ends_with('\n') {
        let _ = write!(out, "\n{ENDED}\n");
    }
}

/// The text as it was.
pub(super) fn undone(text: &str) -> String {
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
