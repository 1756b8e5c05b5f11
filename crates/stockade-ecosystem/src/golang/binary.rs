//! Programs of Go say which modules they are made of: the linker writes what `go version -m` prints. Stripping leaves it.
//!
//! Since Go 1.18 both texts, the compiler's version and the list of modules, stand behind a head, each after its length.
//! Before, the head had two addresses of strings. A module of which a folder took the place is no release.

use object::{Object as _, ObjectSection as _, ObjectSegment as _, ReadRef};

use super::{STDLIB, release};
use crate::locked::{Locked, Out};
use crate::{Parsed, Scope};

/// How the head begins, at an address that is a multiple of [`ALIGNED`].
const HEAD: &[u8] = b"\xff Go buildinf:";
const ALIGNED: usize = 16;
/// Where the texts begin that stand behind the head.
const INLINE: u64 = 32;
/// The section of its own, and the one that it is in where programs have no such section, as on Windows.
const SECTIONS: [&str; 3] = [".go.buildinfo", "__go_buildinfo", ".data"];
/// How much of a section is searched: 1 MiB. The linker puts it first.
const MAX_SEARCHED: u64 = 1 << 20;
/// Bits of the flags in the head.
const BIG_ENDIAN: u8 = 1;
const IS_INLINE: u8 = 2;
/// The most bytes of a section that is searched, and of a segment: 64 MiB and 1 GiB.
const MAX_SECTION: u64 = 64 << 20;
const MAX_SEGMENT: u64 = 1 << 30;
/// The most bytes of a text: 16 MiB.
const MAX_TEXT: u64 = 16 << 20;
/// The most bytes of a number of variable length, for a text of [`MAX_TEXT`].
const MAX_VARINT: u32 = 4;
/// How much stands before and behind the list of modules, to find it by.
const FRAME: usize = 16;
/// What a list is called where it is told.
const KIND: &str = "go build info";
/// The version of what was built where it was written.
const DEVELOPMENT: &str = "(devel)";

/// The modules that a program says it is made of, if it says so.
pub(crate) fn buildinfo<'d, R: ReadRef<'d>>(
    program: &object::File<'d, R>,
) -> Option<(&'static str, Parsed<Vec<Locked>>)> {
    let address = head(program)?;
    let mut out = Out::default();
    match texts(program, address) {
        Some((compiler, list)) => {
            standard(&String::from_utf8_lossy(compiler), &mut out);
            modules(&String::from_utf8_lossy(unframed(list)), &mut out);
        }
        None => out.problem(1, "it is a program of Go, and its list of modules cannot be read"),
    }
    Some((KIND, out.parsed()))
}

/// The address of the head: in the section of its own, or where data begins if there is none.
fn head<'d, R: ReadRef<'d>>(program: &object::File<'d, R>) -> Option<u64> {
    let mut named = SECTIONS.iter().filter_map(|name| program.section_by_name(name));
    let section = named.find(|section| section.size() <= MAX_SECTION)?;
    let length = section.size().min(MAX_SEARCHED);
    search(section.address(), section.data_range(section.address(), length).ok()??)
}

fn search(address: u64, data: &[u8]) -> Option<u64> {
    let skipped = usize::try_from(address.wrapping_neg() % ALIGNED as u64).ok()?;
    let at = data.get(skipped..)?.chunks(ALIGNED).position(|chunk| chunk.starts_with(HEAD))?;
    address.checked_add(u64::try_from(at.checked_mul(ALIGNED)?.checked_add(skipped)?).ok()?)
}

/// So many bytes at an address.
fn memory<'d, R: ReadRef<'d>>(program: &object::File<'d, R>, address: u64, length: u64) -> Option<&'d [u8]> {
    let mut segments = program.segments().filter(|segment| segment.file_range().1 <= MAX_SEGMENT);
    segments.find_map(|segment| segment.data_range(address, length).ok()?)
}

/// The compiler's version and the list of modules.
fn texts<'d, R: ReadRef<'d>>(program: &object::File<'d, R>, address: u64) -> Option<(&'d [u8], &'d [u8])> {
    let head = memory(program, address, INLINE)?;
    let (&width, &flags) = (head.get(HEAD.len())?, head.get(HEAD.len() + 1)?);
    if flags & IS_INLINE != 0 {
        let (compiler, next) = counted(program, address.checked_add(INLINE)?)?;
        return Some((compiler, counted(program, next)?.0));
    }
    let size = usize::from(width);
    let number = |bytes: &[u8]| number(bytes.get(..size)?, flags & BIG_ENDIAN != 0);
    let text = |address: u64| {
        let string = memory(program, address, 2 * u64::from(width))?;
        let (start, length) = (number(string)?, number(string.get(size..)?)?);
        if length == 0 { Some(&[][..]) } else { memory(program, start, length).filter(|_| length <= MAX_TEXT) }
    };
    let addresses = head.get(HEAD.len() + 2..)?;
    Some((text(number(addresses)?)?, text(number(addresses.get(size..)?)?)?))
}

fn number(bytes: &[u8], is_big: bool) -> Option<u64> {
    match (bytes.len(), is_big) {
        (4, true) => Some(u64::from(u32::from_be_bytes(bytes.try_into().ok()?))),
        (4, false) => Some(u64::from(u32::from_le_bytes(bytes.try_into().ok()?))),
        (8, true) => Some(u64::from_be_bytes(bytes.try_into().ok()?)),
        (8, false) => Some(u64::from_le_bytes(bytes.try_into().ok()?)),
        _ => None,
    }
}

/// A text after its length, which is a number of seven bits a byte, and the address of what follows.
fn counted<'d, R: ReadRef<'d>>(program: &object::File<'d, R>, address: u64) -> Option<(&'d [u8], u64)> {
    let (mut length, mut at) = (0_u64, address);
    for shift in (0..MAX_VARINT).map(|byte| 7 * byte) {
        let byte = *memory(program, at, 1)?.first()?;
        at = at.checked_add(1)?;
        length |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            let text =
                if length == 0 { &[][..] } else { memory(program, at, length).filter(|_| length <= MAX_TEXT)? };
            return Some((text, at.checked_add(length)?));
        }
    }
    None
}

/// The list without its frame. A program that was built without modules has none.
fn unframed(list: &[u8]) -> &[u8] {
    let is_framed = list.len().checked_sub(FRAME + 1).and_then(|at| list.get(at)) == Some(&b'\n');
    let inner = list.len().checked_sub(FRAME).and_then(|end| list.get(FRAME..end));
    inner.filter(|_| is_framed).unwrap_or_default()
}

/// The library that comes with the compiler: `go1.22.1`, and behind a blank how it was built.
fn standard(compiler: &str, out: &mut Out) {
    let version = compiler.strip_prefix("go").and_then(|rest| rest.split([' ', '-']).next());
    match version.filter(|version| version.starts_with(|c: char| c.is_ascii_digit())) {
        Some(version) => {
            if let Some(release) = out.take(1, release(STDLIB, version)) {
                out.push(Locked { scope: Scope::Run, ..Locked::new(release, 1) });
            }
        }
        None => out.problem(1, format!("of which version of Go it is, `{}`, cannot be told", compiler.escape_debug())),
    }
}

/// `dep PATH VERSION SUM`, with tabs between; a line `=>` says what took the place of the one before.
fn modules(list: &str, out: &mut Out) {
    let mut lines = list.lines().zip(1_u32..).peekable();
    while let Some((line, number)) = lines.next() {
        let mut fields = line.split('\t');
        let kind = fields.next();
        if !matches!(kind, Some("mod" | "dep")) {
            continue;
        }
        let replaced = lines.next_if(|(line, _)| line.starts_with("=>\t"));
        if let Some((line, _)) = replaced {
            fields = line.split('\t');
            fields.next();
        }
        let (path, version) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        // What is built where it is written, and what is a folder, has no version.
        if version.is_empty() || version == DEVELOPMENT {
            continue;
        }
        if let Some(release) = out.take(number, release(path, version)) {
            out.push(Locked { scope: Scope::Run, ..Locked::new(release, number) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::built::tests::{FIRST, elf, said};

    const LIST: &str = "path\tdemo\nmod\tdemo\t(devel)\t\n\
        dep\texample.org/left\tv1.2.3\th1:AAAA=\n\
        dep\texample.org/right\tv1.0.0\n=>\texample.org/fork\tv1.0.1\th1:AAAA=\n\
        dep\texample.org/here\tv1.0.0\n=>\t../here\n\
        build\t-compiler=gc\n";
    const RELEASES: [&str; 3] = ["stdlib@1.22.1", "example.org/left@v1.2.3", "example.org/fork@v1.0.1"];

    fn framed(list: &str) -> Vec<u8> {
        let (begin, end) =
            (b"0w\xaf\x0c\x92t\x08\x02A\xe1\xc1\x07\xe6\xd6\x18\xe6", b"\xf92C1\x86\x18 r\x00\x82B\x10A\x16\xd8\xf2");
        [&begin[..], list.as_bytes(), end].concat()
    }

    fn counted(text: &[u8]) -> Vec<u8> {
        let (mut length, mut bytes) = (text.len(), Vec::new());
        while length >= 0x80 {
            bytes.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
            length >>= 7;
        }
        bytes.push(u8::try_from(length).unwrap());
        [bytes, text.to_vec()].concat()
    }

    fn inline(compiler: &str, list: &[u8]) -> Vec<u8> {
        let mut bytes = [HEAD, &[8, IS_INLINE]].concat();
        bytes.resize(32, 0);
        [bytes, counted(compiler.as_bytes()), counted(list)].concat()
    }

    /// As compilers before 1.18 wrote it: the head, two strings as address and length, and the texts.
    fn pointers(compiler: &str, list: &[u8], is_big: bool) -> Vec<u8> {
        let number = |value: u64| if is_big { value.to_be_bytes() } else { value.to_le_bytes() };
        let text = FIRST + 64;
        let mut bytes = [HEAD, &[8, u8::from(is_big)]].concat();
        for value in
            [FIRST + 32, FIRST + 48, text, compiler.len() as u64, text + compiler.len() as u64, list.len() as u64]
        {
            bytes.extend(number(value));
        }
        [&bytes, compiler.as_bytes(), list].concat()
    }

    #[test]
    fn a_program_says_which_modules_are_in_it() {
        let list = framed(LIST);
        let forms = [
            inline("go1.22.1", &list),
            inline("go1.22.1 X:boringcrypto", &list),
            pointers("go1.22.1", &list, false),
            pointers("go1.22.1", &list, true),
        ];
        for info in forms {
            for section in [".go.buildinfo", ".data"] {
                let expected = RELEASES.map(str::to_owned).to_vec();
                assert_eq!(said(&elf(&[(section, &info)])), [(KIND, expected, 0)], "{section}");
            }
        }
    }

    #[test]
    fn what_was_built_without_modules_has_only_the_library() {
        assert_eq!(
            said(&elf(&[(".go.buildinfo", &inline("go1.21", b""))])),
            [(KIND, vec!["stdlib@1.21".to_owned()], 0)]
        );
    }

    #[test]
    fn what_cannot_be_read_is_a_problem() {
        let whole = inline("go1.22.1", &framed(LIST));
        let long = [&whole[..32], &[0xff; 12]].concat();
        let cut = [&whole[..32], &[0xff, 0x7f]].concat();
        for info in [&whole[..HEAD.len()], &long, &cut] {
            assert_eq!(said(&elf(&[(".go.buildinfo", info)])), [(KIND, vec![], 1)], "{info:?}");
        }
        assert_eq!(said(&elf(&[(".go.buildinfo", &inline("devel +abc", b""))])), [(KIND, vec![], 1)]);
    }
}
