//! From the bytes of one file to its facts: which language it is, and what is done when it is none or does not parse.

use std::borrow::Cow;

use stockade_model::{Digest, Member};

use crate::facts::{Facts, FileGap, Mark, MarkKind, Moment, Spot};
use crate::ir::Language;
use crate::lower::Reading;
use crate::{eval, native, surface};

/// The largest text that is parsed, in bytes: 16 MiB. What a parser makes of it is a dozen times as large, and an
/// inspector has 384 MiB for everything.
const MAX_SOURCE: usize = 16 * 1024 * 1024;
/// How much of a file is looked at to see what it is, in bytes.
const HEAD: usize = 512;

/// What a file is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Code(Language),
    Class,
    Native,
    /// JSON, Markdown, styles: text that nothing runs.
    Text,
    Data,
}

/// What a file is, by its name and its first bytes.
pub(crate) fn kind(path: &str, bytes: &[u8]) -> Kind {
    if native::is_native(bytes) {
        return Kind::Native;
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
    if path.ends_with(".d.ts") || path.ends_with(".d.mts") || path.ends_with(".d.cts") {
        return Kind::Text;
    }
    match &*extension {
        "class" if bytes.starts_with(b"\xca\xfe\xba\xbe") => Kind::Class,
        "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" | "es6" => Kind::Code(Language::JavaScript),
        "py" | "pyw" => Kind::Code(Language::Python),
        "rs" => Kind::Code(Language::Rust),
        "sh" | "bash" | "zsh" | "bat" | "cmd" => Kind::Code(Language::Shell),
        "ps1" | "psm1" => Kind::Code(Language::PowerShell),
        _ => by_content(bytes),
    }
}

fn by_content(bytes: &[u8]) -> Kind {
    let head = &bytes[..bytes.len().min(HEAD)];
    if let Some(line) = head.strip_prefix(b"#!") {
        let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        return match &*line {
            line if line.contains("node") || line.contains("bun") || line.contains("deno") => {
                Kind::Code(Language::JavaScript)
            }
            line if line.contains("python") => Kind::Code(Language::Python),
            line if line.contains("pwsh") => Kind::Code(Language::PowerShell),
            line if line.contains("sh") => Kind::Code(Language::Shell),
            _ => Kind::Text,
        };
    }
    let control = head.iter().filter(|byte| **byte < 9 || (**byte > 13 && **byte < 32 && **byte != 27)).count();
    if control == 0 && (std::str::from_utf8(head).is_ok() || head.len() == HEAD) { Kind::Text } else { Kind::Data }
}

/// The language of a file by what it is.
pub(crate) fn language(member: &Member) -> Option<Language> {
    match kind(&member.path, &member.bytes) {
        Kind::Code(language) => Some(language),
        Kind::Class => Some(Language::Jvm),
        _ => None,
    }
}

/// Whether a file need not be read as long as nothing loads it: code in a language whose programs say what they load.
/// Scripts of a shell are run by names that are put together on the way.
pub(crate) fn can_wait(member: &Member) -> bool {
    matches!(language(member), Some(Language::JavaScript | Language::Python | Language::Rust | Language::Jvm))
}

/// The facts of a file as what it is, or as the language that whoever runs it says it is. `layers` is shown its text as
/// code, and each layer of it.
pub(crate) fn facts(
    path: &str,
    bytes: &[u8],
    run_as: Option<Language>,
    reading: Reading,
    layers: &mut dyn FnMut(&eval::Unit),
) -> Facts {
    let kind = match (run_as, kind(path, bytes)) {
        (Some(language), Kind::Text | Kind::Data) => Kind::Code(language),
        (_, kind) => kind,
    };
    match kind {
        Kind::Code(language) => source_facts(path, bytes, language, reading, layers),
        Kind::Class => eval::class_facts(bytes, reading),
        Kind::Native => {
            let mut facts = native::facts(bytes, path);
            facts.marks.extend(surface::of_bytes(path, bytes));
            facts
        }
        Kind::Text => {
            let text = text(bytes);
            let mut facts = Facts { marks: surface::of_text(&text), ..Facts::default() };
            facts.marks.retain(|mark| {
                matches!(mark.kind, MarkKind::Invisible | MarkKind::Bidirectional | MarkKind::OpaqueLiteral)
            });
            facts.marks.extend(surface::of_bytes(path, bytes));
            facts
        }
        Kind::Data => Facts { marks: surface::of_bytes(path, bytes), ..Facts::default() },
    }
}

fn source_facts(
    path: &str,
    bytes: &[u8],
    language: Language,
    reading: Reading,
    layers: &mut dyn FnMut(&eval::Unit),
) -> Facts {
    if bytes.len() > MAX_SOURCE {
        return too_long(path, bytes, language);
    }
    let text = decoded(bytes);
    let mut facts = eval::facts_and_layers(&text, language, reading, layers);
    facts.marks = surface::of_text(&text);
    if bytes.contains(&0) && !is_wide(bytes) {
        facts.marks.push(Mark { kind: MarkKind::Disguised, at: Spot::default(), amount: 1 });
    }
    if facts.gaps.iter().any(|gap| gap.whole) {
        lexical(&text, language, &mut facts);
    }
    facts
}

/// What is done with a source that there is no room to parse.
fn too_long(path: &str, bytes: &[u8], language: Language) -> Facts {
    let what = format!("`{path}` has {} bytes of source, more than the limit of {MAX_SOURCE}", bytes.len());
    let gaps = vec![FileGap { what, line: 0, whole: true }];
    let text = text(bytes);
    let mut facts = Facts { language: Some(language), gaps, marks: surface::of_text(&text), ..Facts::default() };
    lexical(&text, language, &mut facts);
    facts
}

/// The text of a source: UTF-8, or UTF-16 with its mark.
fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    if is_wide(bytes) {
        let little = bytes.starts_with(b"\xff\xfe");
        let units = bytes[2..].chunks_exact(2).map(|pair| {
            let pair = [pair[0], pair[1]];
            if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) }
        });
        return char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    }
    text(bytes)
}

/// Bytes as a text. Asked whether it is UTF-8 at all, the standard library answers many times as fast as it finds where
/// it is not.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

fn is_wide(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff")
}

/// What is left to do with a source that cannot be parsed: the strings and names in it are looked up as if each stood
/// alone. The gap stays.
fn lexical(text: &str, language: Language, facts: &mut Facts) {
    for (at, line) in text.lines().enumerate().take(MAX_LINES) {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        for word in line.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '$' | '/' | '-'))) {
            if word.len() < 4 || word.len() > 80 {
                continue;
            }
            for (capability, detail) in eval::named(word, language) {
                let snippet = line.trim().chars().take(120).collect();
                facts.acts.push(crate::facts::Act {
                    capability,
                    detail,
                    at: Spot { line: number, column: 1, snippet },
                    function: None,
                    moment: Moment::Load,
                    layers: Vec::new(),
                    conditions: Vec::new(),
                });
            }
        }
        if facts.acts.len() > MAX_LEXICAL {
            return;
        }
    }
}

/// What becomes of a byte in a shape: nothing of what formatters add and take away, one of the quotes. Zero is left out.
static SHAPED: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "it is below 256")]
        let is = byte as u8;
        table[byte] = match is {
            b' ' | b'\t' | b'\r' | b';' | b',' => 0,
            b'\'' | b'`' => b'"',
            0 => 1,
            is => is,
        };
        byte += 1;
    }
    table
};

/// How many lines a lexical pass reads, and how many acts it gives.
const MAX_LINES: usize = 200_000;
const MAX_LEXICAL: usize = 2_000;

/// A digest that is the same for texts that differ only in blanks, quotes and final punctuation; empty for what is no
/// code.
///
/// What changes the meaning stays in it: comments, where a line ends that may have one (a line break brings back to life
/// what was commented out), and what a line of Python is indented with.
///
/// Bytecode has no blanks: what it is, its own digest says.
pub(crate) fn shape(bytes: &[u8], language: Option<Language>, digest: &str) -> String {
    let (marker, indented): (&[u8], bool) = match language {
        None => return String::new(),
        Some(Language::Jvm) => return digest.to_owned(),
        Some(Language::Python) => (b"#", true),
        Some(Language::Shell | Language::PowerShell) => (b"#", false),
        Some(_) => (b"//", false),
    };
    let marker = memchr::memmem::Finder::new(marker);
    let lines = memchr::memchr_iter(b'\n', bytes).count() + 1;
    // A line gets at most two more bytes.
    let mut plain = vec![0; bytes.len() + 2 * lines];
    let mut length = 0;
    for line in bytes.split(|byte| *byte == b'\n') {
        let code = line.trim_ascii_start();
        if indented && !code.is_empty() {
            let indent = &line[..line.len() - code.len()];
            plain[length] = b'\n';
            plain[length + 1..][..indent.len()].copy_from_slice(indent);
            length += 1 + indent.len();
        }
        for byte in code {
            plain[length] = SHAPED[usize::from(*byte)];
            length += usize::from(plain[length] != 0);
        }
        if marker.find(code).is_some() {
            plain[length] = b'\n';
            length += 1;
        }
    }
    plain.truncate(length);
    Digest::of(&plain).hex()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sources of this crate.
    const SOURCES: [&str; 14] = [
        include_str!("apis/mod.rs"),
        include_str!("decode.rs"),
        include_str!("difference.rs"),
        include_str!("eval/calls.rs"),
        include_str!("eval/tests.rs"),
        include_str!("facts.rs"),
        include_str!("lib.rs"),
        include_str!("link.rs"),
        include_str!("lower/rust.rs"),
        include_str!("lower/rust/sieve.rs"),
        include_str!("native.rs"),
        include_str!("native/strings.rs"),
        include_str!("rules/programs.rs"),
        include_str!("surface.rs"),
    ];

    #[test]
    fn nothing_is_lost_by_sifting() {
        let class: String = include_str!("lower/jvm/testdata/Sample.class.hex").split_whitespace().collect();
        let class = ("Sample.class", hex::decode(class).unwrap());
        let mut sifted = 0;
        for (path, bytes) in SOURCES.map(|text| ("a.rs", text.as_bytes().to_vec())).into_iter().chain([class]) {
            let read = |reading| {
                let mut facts = facts(path, &bytes, None, reading, &mut |_| ());
                // What is used counts where it runs at the install, and all of that is read.
                facts.uses.clear();
                for export in &mut facts.exports {
                    (export.reach.uses, export.reach.imports) = (Vec::new(), Vec::new());
                    export.calls.clear();
                }
                facts.exports.retain(|export| {
                    !(export.reach.is_empty() && export.returns.is_empty() && export.passes.is_empty())
                });
                facts.imports.retain(|import| import.module.starts_with("./"));
                for import in &mut facts.imports {
                    import.line = 0;
                }
                facts
            };
            let ours = read(Reading::Sifted);
            sifted += u32::from(ours.sifted);
            assert_eq!(Facts { sifted: false, ..ours }, read(Reading::Whole));
        }
        assert!(sifted >= 7, "{sifted} files were sifted");
    }

    #[test]
    fn a_source_that_is_too_long_to_be_parsed_is_a_gap_and_its_names_are_looked_up() {
        let mut source = b"require('child_process').execSync(x);\nfetch(y);\n".to_vec();
        let facts = facts("index.js", &source, None, Reading::Whole, &mut |_| ());
        assert!(facts.gaps.is_empty());
        source.resize(MAX_SOURCE + 1, b'\n');
        let long = super::facts("index.js", &source, None, Reading::Whole, &mut |_| ());
        assert_eq!(long.gaps.len(), 1);
        assert!(long.gaps[0].whole && long.gaps[0].what.contains("more than the limit of 16777216"), "{:?}", long.gaps);
        assert!(!long.acts.is_empty() && !facts.acts.is_empty());
    }
}
