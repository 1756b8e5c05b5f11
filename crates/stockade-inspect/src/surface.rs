//! How a file looks, whatever it means: what hides from a reader, and what only a program can read.
//!
//! One pass over the bytes of every file, text or not. Nothing here is an accusation: minified code is opaque too. What
//! counts is that a file begins to look like this, and what it can do.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::naive_bytecount,
    reason = "numbers of the languages that are read are 64-bit floats, and each cast is bounded by a limit"
)]

use crate::facts::{Mark, MarkKind, Spot};

/// How many blanks in front of code push it out of sight.
const FAR_RIGHT: usize = 150;
/// How many characters in a row that are not shown encode something: emoji use one or two, and lists of the names of
/// characters a few more. A byte of what is hidden takes at least one.
const INVISIBLE: usize = 8;
/// How long a literal must be to be opaque, in bytes.
const OPAQUE: usize = 600;
/// How many escapes in a row hide plain characters.
const ESCAPES: usize = 12;
/// How many mangled names tell of a tool that mangled them.
const MIN_MANGLED: usize = 10;
/// How long a line must be to be called long, in bytes.
const LONG_LINE: usize = 2_000;
/// The least length at which the entropy of a file says something, in bytes.
const MIN_ENTROPY: usize = 4 * 1024;
/// Bits a byte, in hundredths: what compressed and enciphered data have.
const HIGH_ENTROPY: u32 = 760;
/// How many marks of one kind are kept of one file.
const MAX_MARKS: usize = 5;
/// How much of a file is looked at for words of code, in bytes.
const HEAD: usize = 4 * 1024;
/// How many bytes after the end of an image are padding.
const PADDING: usize = 64;

/// The marks of a text.
pub(crate) fn of_text(text: &str) -> Vec<Mark> {
    let mut marks = Marks::default();
    let mut longest = (0, 1);
    let (plain, escaped) =
        (text.is_ascii(), ["\\x", "\\u"].iter().any(|escape| contains(text.as_bytes(), escape.as_bytes())));
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]);
    let mut start = 0;
    for (at, end) in ends.enumerate() {
        let (number, line) = (at + 1, &text[start..end]);
        start = end + 1;
        if line.len() > longest.0 {
            longest = (line.len(), number);
        }
        if line.len() > FAR_RIGHT {
            far_right(line, number, &mut marks);
        }
        if line.len() > OPAQUE {
            opaque(line, number, &mut marks);
        }
        if escaped && line.len() > ESCAPES * 4 {
            escapes(line, number, &mut marks);
        }
        if !plain && !line.is_ascii() {
            unseen(line, number, &mut marks);
        }
    }
    if longest.0 > LONG_LINE {
        marks.add(MarkKind::LongLine, longest.1, "", longest.0);
    }
    mangled(text, &mut marks);
    marks.all
}

/// The marks of a file that is no text, or whose name says that it is none.
pub(crate) fn of_bytes(path: &str, bytes: &[u8]) -> Vec<Mark> {
    let mut marks = Marks::default();
    let kind = Format::of(bytes);
    if let Some(end) = kind.and_then(|kind| kind.end(bytes))
        && bytes.len() > end + PADDING
        && bytes[end..].iter().any(|byte| *byte != 0)
    {
        marks.add(MarkKind::Polyglot, 0, "", bytes.len() - end);
    }
    if disguised(path, kind, bytes) {
        marks.add(MarkKind::Disguised, 0, "", bytes.len());
    }
    if kind.is_none() && bytes.len() >= MIN_ENTROPY {
        let entropy = entropy(bytes);
        if entropy >= HIGH_ENTROPY {
            marks.add(MarkKind::HighEntropy, 0, "", entropy as usize);
        }
    }
    marks.all
}

#[derive(Default)]
struct Marks {
    all: Vec<Mark>,
}

impl Marks {
    fn add(&mut self, kind: MarkKind, line: usize, snippet: &str, amount: usize) {
        if self.all.iter().filter(|mark| mark.kind == kind).count() >= MAX_MARKS {
            return;
        }
        let to_u32 = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let snippet = snippet.trim().chars().filter(|c| !c.is_control()).take(80).collect();
        self.all.push(Mark { kind, at: Spot { line: to_u32(line), column: 1, snippet }, amount: to_u32(amount) });
    }
}

/// Only every [`FAR_RIGHT`]th byte is looked at until one is blank: a run that long has one of them.
fn far_right(line: &str, number: usize, marks: &mut Marks) {
    let bytes = line.as_bytes();
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let mut at = FAR_RIGHT - 1;
    while at < bytes.len() {
        if !blank(&bytes[at]) {
            at += FAR_RIGHT;
            continue;
        }
        let start = at - bytes[..at].iter().rev().take_while(|byte| blank(byte)).count();
        let end = at + bytes[at..].iter().take_while(|byte| blank(byte)).count();
        let rest = &bytes[end..];
        let code = rest.len() > 8 && !rest.starts_with(b"//") && !rest.starts_with(b"#") && !rest.starts_with(b"*");
        let begins = |byte: &u8| byte.is_ascii_alphabetic() || b"(!;[_$".contains(byte);
        if end - start >= FAR_RIGHT && code && rest.first().is_some_and(begins) {
            marks.add(MarkKind::FarRight, number, line.get(end..).unwrap_or_default(), end - start);
        }
        at = end + FAR_RIGHT;
    }
}

/// A run of characters of base64 or hexadecimal that no person wrote. Pictures and source maps inside a text are plain
/// about what they are.
///
/// Only every [`OPAQUE`]th byte is looked at until one may be part of such a run.
fn opaque(line: &str, number: usize, marks: &mut Marks) {
    let bytes = line.as_bytes();
    let mut at = OPAQUE - 1;
    while at < bytes.len() {
        if !is_encoded(bytes[at]) {
            at += OPAQUE;
            continue;
        }
        let start = at - bytes[..at].iter().rev().take_while(|byte| is_encoded(**byte)).count();
        let end = at + bytes[at..].iter().take_while(|byte| is_encoded(**byte)).count();
        if end - start >= OPAQUE && varied(&bytes[start..end]) {
            let before = &bytes[start.saturating_sub(60)..start];
            let plain =
                contains(before, b"data:") || contains(before, b"sourceMappingURL") || contains(before, b"integrity");
            let format = bytes[start..].starts_with(b"AGFzbQ");
            if !plain && !format {
                let snippet = line.get(start..(start + 60).min(line.len())).unwrap_or_default();
                marks.add(MarkKind::OpaqueLiteral, number, snippet, end - start);
            }
        }
        at = end + OPAQUE;
    }
}

fn is_encoded(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
}

/// True if a run has the variety of encoded data: words and paths of code have few digits or one case.
fn varied(run: &[u8]) -> bool {
    let mut seen = [false; 128];
    for byte in run.iter().take(4 * OPAQUE) {
        seen[usize::from(*byte & 0x7f)] = true;
    }
    let digits = (b'0'..=b'9').filter(|byte| seen[usize::from(*byte)]).count();
    let letters = (b'A'..=b'z').filter(|byte| seen[usize::from(*byte)]).count();
    digits >= 8 && letters >= 5
}

fn escapes(line: &str, number: usize, marks: &mut Marks) {
    let bytes = line.as_bytes();
    let mut from = 0;
    while let Some(start) = memchr::memchr(b'\\', &bytes[from..]).map(|at| from + at) {
        let (mut end, mut run) = (start, 0);
        while let Some(width) = escape(&bytes[end..]) {
            end += width;
            run += 1;
        }
        if run >= ESCAPES {
            marks.add(MarkKind::Escapes, number, line.get(start..).unwrap_or_default(), run);
        }
        from = end.max(start + 1);
    }
}

/// How long the escape of a character is that could be written plainly, if one stands here.
fn escape(bytes: &[u8]) -> Option<usize> {
    let (width, zeros): (usize, &[u8]) = match bytes {
        [b'\\', b'x', ..] => (4, b""),
        [b'\\', b'u', ..] => (6, b"00"),
        _ => return None,
    };
    let digits = bytes.get(2..width)?;
    (digits.iter().all(u8::is_ascii_hexdigit) && digits.starts_with(zeros) && !digits.starts_with(b"d"))
        .then_some(width)
}

fn unseen(line: &str, number: usize, marks: &mut Marks) {
    let (mut run, mut bidirectional, mut mixed) = (0, 0, 0);
    let mut word = (false, false);
    for c in line.chars() {
        if is_invisible(c) {
            run += 1;
            if run == INVISIBLE {
                let all = line.chars().filter(|c| is_invisible(*c)).count();
                marks.add(MarkKind::Invisible, number, "", all);
            }
        } else {
            run = 0;
        }
        bidirectional += usize::from(matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'));
        if c.is_alphanumeric() || c == '_' {
            word.0 |= c.is_ascii_alphabetic();
            word.1 |= matches!(c, '\u{370}'..='\u{52f}');
        } else {
            mixed += usize::from(word.0 && word.1);
            word = (false, false);
        }
    }
    if bidirectional > 0 {
        marks.add(MarkKind::Bidirectional, number, "", bidirectional);
    }
    if mixed > 0 {
        marks.add(MarkKind::Homoglyph, number, line, mixed);
    }
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{200c}' | '\u{2060}'..='\u{2064}' | '\u{fe00}'..='\u{fe0e}' | '\u{e0000}'..='\u{e01ef}' | '\u{3164}' | '\u{115f}' | '\u{1160}' | '\u{ffa0}' | '\u{180e}')
}

/// Identifiers such as `_0x3fa1`.
fn mangled(text: &str, marks: &mut Marks) {
    let bytes = text.as_bytes();
    if memchr::memmem::find_iter(bytes, b"_0x").take(MIN_MANGLED).count() < MIN_MANGLED {
        return;
    }
    let (mut names, mut found, mut at) = (0_usize, 0_usize, 0);
    let mut first = 0;
    while at < bytes.len() {
        if bytes[at].is_ascii_alphabetic() || bytes[at] == b'_' || bytes[at] == b'$' {
            let length =
                bytes[at..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_' || **b == b'$').count();
            let name = &bytes[at..at + length];
            names += 1;
            let rest = name.strip_prefix(b"_0x").or_else(|| name.strip_prefix(b"a0_0x"));
            if rest.is_some_and(|rest| rest.len() >= 3 && rest.iter().all(u8::is_ascii_hexdigit)) {
                first = if found == 0 { at } else { first };
                found += 1;
            }
            at += length;
        } else {
            at += 1;
        }
    }
    if found >= MIN_MANGLED && found * 20 >= names {
        let line = bytes[..first].iter().filter(|byte| **byte == b'\n').count() + 1;
        marks.add(
            MarkKind::MangledNames,
            line,
            text.get(first..(first + 80).min(text.len())).unwrap_or_default(),
            found * 100 / names.max(1),
        );
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(haystack, needle).is_some()
}

/// Bits a byte, in hundredths.
fn entropy(bytes: &[u8]) -> u32 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let total = bytes.len() as f64;
    let bits = counts.iter().filter(|count| **count > 0).map(|count| {
        let share = f64::from(*count) / total;
        -share * share.log2()
    });
    (bits.sum::<f64>() * 100.0) as u32
}

/// A format that is as random as ciphertext for a known reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Png,
    Jpeg,
    Gif,
    Riff,
    Archive,
    Native,
    Other,
}

impl Format {
    fn of(bytes: &[u8]) -> Option<Self> {
        let starts = |magic: &[u8]| bytes.starts_with(magic);
        Some(match bytes {
            _ if starts(b"\x89PNG\r\n\x1a\n") => Self::Png,
            _ if starts(b"\xff\xd8\xff") => Self::Jpeg,
            _ if starts(b"GIF8") => Self::Gif,
            _ if starts(b"RIFF") => Self::Riff,
            _ if starts(b"PK\x03\x04")
                || starts(b"\x1f\x8b")
                || starts(b"BZh")
                || starts(b"\xfd7zXZ")
                || starts(b"\x28\xb5\x2f\xfd")
                || starts(b"7z\xbc\xaf") =>
            {
                Self::Archive
            }
            _ if crate::native::is_native(bytes) => Self::Native,
            _ if starts(b"wOFF")
                || starts(b"wOF2")
                || starts(b"OTTO")
                || starts(b"\0\x01\0\0")
                || starts(b"ID3")
                || starts(b"OggS")
                || starts(b"fLaC")
                || starts(b"\xff\xfb")
                || starts(b"%PDF")
                || starts(b"\0asm")
                || starts(b"\x93NUMPY")
                || starts(b"\x89HDF")
                || starts(b"II*\0")
                || starts(b"MM\0*")
                || starts(b"\xca\xfe\xba\xbe")
                || starts(b"SQLite")
                || starts(b"\0\0\x01\0")
                || starts(b"DICM")
                || starts(b"PAR1")
                || starts(b"\x1aE\xdf\xa3") =>
            {
                Self::Other
            }
            _ if bytes.get(4..8) == Some(b"ftyp") => Self::Other,
            _ => return None,
        })
    }

    /// Where the content ends, in bytes, if the format says so.
    fn end(self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Png => {
                let mut at = 8;
                loop {
                    let length = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize;
                    let kind = bytes.get(at + 4..at + 8)?;
                    at = at.checked_add(length)?.checked_add(12)?;
                    if kind == b"IEND" {
                        return Some(at);
                    }
                }
            }
            Self::Riff => {
                let length = u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?) as usize;
                length.checked_add(8)
            }
            _ => None,
        }
    }
}

/// True if the name promises a picture, a sound, a font or a text, and the content is something else that can run.
fn disguised(path: &str, kind: Option<Format>, bytes: &[u8]) -> bool {
    let extension = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let media =
        ["png", "jpg", "jpeg", "gif", "ico", "bmp", "wav", "mp3", "mp4", "woff", "woff2", "ttf", "webp", "avif"];
    let text = ["txt", "md", "json", "css", "html", "svg", "map", "lock", "yml", "yaml", "csv", "log"];
    let runs = matches!(kind, Some(Format::Native)) || bytes.starts_with(b"#!");
    (media.contains(&&*extension) && (runs || (kind.is_none() && looks_like_code(bytes))))
        || (text.contains(&&*extension) && (matches!(kind, Some(Format::Native))))
}

fn looks_like_code(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(HEAD)];
    let Ok(text) = std::str::from_utf8(head) else { return false };
    ["require(", "import ", "function", "eval(", "exec(", "<script"].iter().any(|word| text.contains(word))
}
