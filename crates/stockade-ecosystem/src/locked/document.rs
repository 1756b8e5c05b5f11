//! From bytes to text: encodings as clients meet them, and files that a merge left in two states.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{Locked, MAX_BYTES, Out, Parsed};

/// What `git` writes at the begin, in the middle and at the end of what it could not merge. A style of it has the common
/// ancestor between.
const OURS: &str = "<<<<<<<";
const ANCESTOR: &str = "|||||||";
const MIDDLE: &str = "=======";
const THEIRS: &str = ">>>>>>>";

/// Reads a file. If a merge left it in two states, both are read, since nobody knows which will be kept.
pub(crate) fn read(bytes: &[u8], parse: impl Fn(&str, &mut Out)) -> Parsed<Vec<Locked>> {
    let mut out = Out::default();
    let Some(text) = decoded(bytes, &mut out) else { return out.parsed() };
    let Some(line) = conflict(&text) else {
        parse(&text, &mut out);
        return out.parsed();
    };
    out.problem(line, "a merge was not finished here; what both sides have is read");
    parse(&side(&text, false), &mut out);
    let mut theirs = Out::default();
    parse(&side(&text, true), &mut theirs);
    join(&mut out, theirs);
    out.parsed()
}

/// The text of a file. Clients take a byte order mark, and on Windows files are redirected in UTF-16.
fn decoded<'a>(bytes: &'a [u8], out: &mut Out) -> Option<Cow<'a, str>> {
    if bytes.len() > MAX_BYTES {
        out.problem_of_all(format!("it has more than {MAX_BYTES} bytes, so it was not read"));
        return None;
    }
    let wide = |unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).skip(1).map(|pair| unit([pair[0], pair[1]]));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>()
    };
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Some(Cow::Borrowed(text.strip_prefix('\u{feff}').unwrap_or(text)));
    }
    let text = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        [0xff, 0xfe, ..] => Cow::Owned(wide(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => Cow::Owned(wide(u16::from_be_bytes)),
        _ => String::from_utf8_lossy(bytes),
    };
    let is_odd = !bytes.len().is_multiple_of(2) && matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
    if let Some(at) = text.find(char::REPLACEMENT_CHARACTER) {
        let line = text[..at].matches('\n').count().saturating_add(1);
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        out.problem(line, "it has bytes that are no text in its encoding; they are read as `\u{fffd}`");
    }
    if is_odd {
        out.problem_of_all("it breaks off in the middle of a character");
    }
    Some(text)
}

/// The first line of what could not be merged.
fn conflict(text: &str) -> Option<u32> {
    let begins = |at: usize| at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n');
    let (at, _) = text.match_indices(OURS).find(|(at, _)| begins(*at) && is_marker(&text[*at..], OURS))?;
    u32::try_from(text[..at].matches('\n').count()).ok()?.checked_add(1)
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\n', '\r']))
}

/// The text as one side has it. Lines of the other are empty, so that each keeps its number.
fn side(text: &str, theirs: bool) -> String {
    let mut kept = String::with_capacity(text.len());
    // Whether the lines now are of a side, and of which.
    let mut state = None;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        let next = match state {
            None if is_marker(content, OURS) => Some(Some(false)),
            // What both came from is of no side.
            Some(_) if is_marker(content, ANCESTOR) => Some(None),
            Some(_) if is_marker(content, MIDDLE) => Some(Some(true)),
            Some(_) if is_marker(content, THEIRS) => {
                state = None;
                kept.push('\n');
                continue;
            }
            _ => {
                let is_kept = state.is_none_or(|side| side == Some(theirs));
                kept.push_str(if is_kept { line } else { "\n" });
                continue;
            }
        };
        state = next;
        kept.push('\n');
    }
    kept
}

/// Adds what only the other side has.
fn join(ours: &mut Out, theirs: Out) {
    let known: HashMap<_, u32> =
        ours.entries.iter().zip(0..).map(|(entry, at)| ((entry.line, entry.release.clone()), at)).collect();
    let count = u32::try_from(ours.entries.len()).unwrap_or(u32::MAX);
    let mut theirs = theirs.parsed();
    let entries = std::mem::take(&mut theirs.value);
    let mut new = count..;
    let places: Vec<u32> = entries
        .iter()
        .map(|entry| {
            known.get(&(entry.line, entry.release.clone())).copied().or_else(|| new.next()).unwrap_or(u32::MAX)
        })
        .collect();
    for (mut entry, place) in entries.into_iter().zip(&places) {
        entry.needs = entry.needs.iter().filter_map(|need| places.get(usize::try_from(*need).ok()?).copied()).collect();
        match usize::try_from(*place).ok().and_then(|place| ours.entries.get_mut(place)) {
            Some(same) => {
                same.needs.extend(entry.needs);
                same.needs.sort_unstable();
                same.needs.dedup();
            }
            None => ours.entries.push(entry),
        }
    }
    ours.join(theirs);
}
