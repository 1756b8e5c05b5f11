//! Looks for all indicators in one file, which is read once, piece by piece, however long it is.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use aho_corasick::{AhoCorasick, MatchKind};
use anyhow::Context as _;
use bytes::Bytes;
use stockade_ecosystem::{Version, by_id};
use stockade_model::{Package, wildcard};

use super::indicators::{Indicator, Indicators, What};
use super::{Finding, Swept};
use crate::files;
use crate::scan::{Seen, Wanted, is_program, look, wanted};

mod hashes;

use hashes::{Algorithms, Hashes};

/// How much of a file is read at once: 1 MiB.
const PIECE: usize = 1 << 20;
/// The most bytes of a file: 64 GiB. What is longer is mostly holes.
const MAX_FILE: u64 = 64 << 30;
/// How many bytes tell whether a file is text.
const TOLD_BY: usize = 8192;
/// What has to be known behind and before a host to tell whether it is a word of its own.
const AROUND: usize = 3;

/// All indicators, arranged for looking.
pub(super) struct Matcher<'a> {
    indicators: &'a [Indicator],
    texts: Option<Texts>,
    algorithms: Algorithms,
    /// By the digest's bytes.
    digests: HashMap<Vec<u8>, usize>,
    /// Names of files and ends of paths, by the name of the file.
    names: HashMap<&'a str, Vec<(&'a str, usize)>>,
    /// Those with `*`, as patterns of whole paths.
    patterns: Vec<(String, usize)>,
    packages: HashMap<&'a Package, Vec<OfPackage<'a>>>,
}

struct OfPackage<'a> {
    version: &'a str,
    order: Option<Version>,
    at: usize,
}

/// Words: whether there is any, which is fast, and which, which is not.
struct Texts {
    any: AhoCorasick,
    each: AhoCorasick,
    /// The indicator of each word, and whether it has to stand by itself.
    owners: Vec<(usize, bool)>,
    longest: usize,
}

impl<'a> Matcher<'a> {
    pub(super) fn new(indicators: &'a Indicators) -> anyhow::Result<Self> {
        let mut matcher = Self {
            indicators: &indicators.all,
            texts: None,
            algorithms: Algorithms::default(),
            digests: HashMap::new(),
            names: HashMap::new(),
            patterns: Vec::new(),
            packages: HashMap::new(),
        };
        let (mut words, mut owners) = (Vec::new(), Vec::new());
        for (at, indicator) in indicators.all.iter().enumerate() {
            match &indicator.what {
                What::Md5(digits) | What::Sha1(digits) | What::Sha256(digits) | What::Sha512(digits) => {
                    let digest = hex::decode(digits).context("a digest is not hexadecimal")?;
                    matcher.algorithms.add(digest.len());
                    matcher.digests.insert(digest, at);
                }
                What::File(name) if name.contains('*') => matcher.patterns.push((format!("**/{name}"), at)),
                What::File(name) => matcher.names.entry(file_name(name)).or_default().push((name, at)),
                What::Package(release) => {
                    let ecosystem = by_id(release.package.ecosystem.as_str());
                    let order = ecosystem.and_then(|ecosystem| (ecosystem.version)(&release.version).ok());
                    let of_package = OfPackage { version: &release.version, order, at };
                    matcher.packages.entry(&release.package).or_default().push(of_package);
                }
                What::Host(text) | What::String(text) => {
                    words.push(text.as_bytes());
                    owners.push((at, matches!(indicator.what, What::Host(_))));
                }
            }
        }
        if !words.is_empty() {
            let build = |kind| AhoCorasick::builder().match_kind(kind).build(&words);
            let longest = words.iter().map(|word| word.len()).max().unwrap_or_default();
            let any = build(MatchKind::LeftmostFirst).context("there are too many texts to look for at once")?;
            let each = build(MatchKind::Standard).context("there are too many texts to look for at once")?;
            matcher.texts = Some(Texts { any, each, owners, longest });
        }
        Ok(matcher)
    }

    fn needs_content(&self) -> bool {
        self.texts.is_some() || !self.digests.is_empty()
    }

    /// How much of a piece is looked at again with the next.
    fn overlap(&self) -> usize {
        self.texts.as_ref().map_or(0, |texts| texts.longest + AROUND)
    }
}

/// The last part of a path.
fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Looks at files, one after the other.
pub(super) struct Searcher<'m> {
    matcher: &'m Matcher<'m>,
    buffer: Vec<u8>,
    swept: Swept,
}

/// Where an indicator is in the file that is looked at.
struct Place {
    offset: u64,
    line: u64,
    more: bool,
}

impl<'m> Searcher<'m> {
    pub(super) fn new(matcher: &'m Matcher<'m>) -> Self {
        let length = if matcher.needs_content() { PIECE + matcher.overlap() } else { 0 };
        Self { matcher, buffer: vec![0; length], swept: Swept::default() }
    }

    pub(super) fn finish(self) -> Swept {
        self.swept
    }

    /// Something could not be looked at.
    pub(super) fn unseen(&mut self, path: &Path, why: &dyn Display) {
        self.swept.unseen.push(format!("{}: {why}", path.display()));
    }

    /// Looks at a file.
    pub(super) fn file(&mut self, path: &Path) {
        self.swept.files += 1;
        let text = path.to_string_lossy();
        self.name(path, &text);
        if self.matcher.needs_content() {
            if let Err(error) = self.content(path, &text) {
                self.unseen(path, &error);
            }
        } else if !self.matcher.packages.is_empty() {
            let mut seen = Seen::default();
            seen.file(path);
            self.releases(seen);
        }
    }

    fn name(&mut self, path: &Path, text: &str) {
        let matcher = self.matcher;
        let named = matcher.names.get(file_name(text)).into_iter().flatten();
        let named = named
            .filter(|(name, _)| text.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('/')));
        let rooted = if matcher.patterns.is_empty() { String::new() } else { format!("/{text}") };
        let alike = matcher.patterns.iter().filter(|(pattern, _)| wildcard(pattern, &rooted));
        for at in named.map(|(_, at)| *at).chain(alike.map(|(_, at)| *at)) {
            self.found(at, path, None, None, false);
        }
    }

    fn found(&mut self, at: usize, path: &Path, line: Option<u64>, offset: Option<u64>, more: bool) {
        let indicator = self.matcher.indicators[at].clone();
        self.swept.findings.push(Finding { indicator, file: path.to_path_buf(), line, offset, more });
    }

    #[expect(clippy::disallowed_methods, reason = "the user asks to look at this file")]
    fn content(&mut self, path: &Path, text: &str) -> io::Result<()> {
        let mut file = File::open(path)?;
        let mut hashes = Hashes::new(self.matcher.algorithms);
        let mut places = BTreeMap::new();
        let (mut kept, mut base, mut lines) = (0, 0_u64, 0_u64);
        let mut is_text = true;
        loop {
            let read = fill(&mut file, &mut self.buffer[kept..])?;
            let length = kept + read;
            let is_last = length < self.buffer.len();
            let data = &self.buffer[..length];
            hashes.update(&data[kept..]);
            if let Some(texts) = &self.matcher.texts {
                texts.search(data, (base, lines, is_last), &mut places);
            }
            if base == 0 {
                is_text = memchr::memchr(0, &data[..length.min(TOLD_BY)]).is_none();
                let is_wanted = wanted(text) == Wanted::Whole || is_program(data);
                if !self.matcher.packages.is_empty() && is_wanted {
                    let whole = is_last.then(|| Bytes::copy_from_slice(data));
                    self.look(path, text, whole);
                }
            }
            self.swept.bytes += read as u64;
            if is_last {
                break;
            }
            let gone = length - self.matcher.overlap();
            lines += memchr::memchr_iter(b'\n', &self.buffer[..gone]).count() as u64;
            self.buffer.copy_within(gone..length, 0);
            (kept, base) = (length - gone, base + gone as u64);
            if base > MAX_FILE {
                return Err(io::Error::other(format!("it has more than {MAX_FILE} bytes; the rest was not looked at")));
            }
        }
        for (at, place) in places {
            let line = is_text.then_some(place.line);
            self.found(at, path, line, Some(place.offset), place.more);
        }
        for digest in hashes.finish() {
            if let Some(&at) = self.matcher.digests.get(&digest) {
                self.found(at, path, None, None, false);
            }
        }
        Ok(())
    }

    /// Looks for releases in a file, which is read once more if it is long.
    fn look(&mut self, path: &Path, text: &str, bytes: Option<Bytes>) {
        let bytes = match bytes {
            Some(bytes) => Ok(Some(bytes)),
            None => files::read(path).map(|bytes| bytes.map(Bytes::from)),
        };
        match bytes {
            Ok(Some(bytes)) => {
                let mut seen = Seen::default();
                look(text, &bytes, &mut seen);
                self.releases(seen);
            }
            Ok(None) => {}
            Err(error) => self.unseen(path, &format!("{error:#}")),
        }
    }

    fn releases(&mut self, seen: Seen) {
        self.swept.unseen.extend(seen.unseen);
        for file in seen.found {
            let problems = file.problems.iter().map(|problem| format!("{}: {problem}", file.path.display()));
            self.swept.unseen.extend(problems);
            for locked in &file.locked {
                let version = &locked.release.version;
                let of_package = self.matcher.packages.get(&locked.release.package).into_iter().flatten();
                let same =
                    of_package.filter(|one| one.version == version || one.is_version(&locked.release.package, version));
                for at in same.map(|one| one.at).collect::<Vec<_>>() {
                    self.found(at, &file.path, Some(u64::from(locked.line)), None, false);
                }
            }
        }
    }
}

impl OfPackage<'_> {
    /// Whether this is the same version in another spelling.
    fn is_version(&self, package: &Package, text: &str) -> bool {
        let Some(order) = &self.order else { return false };
        let other = by_id(package.ecosystem.as_str()).and_then(|ecosystem| (ecosystem.version)(text).ok());
        other.is_some_and(|other| other == *order)
    }
}

impl Texts {
    /// Looks for words in a piece of a file, which begins at a byte and behind so many lines.
    fn search(&self, data: &[u8], (base, lines, is_last): (u64, u64, bool), places: &mut BTreeMap<usize, Place>) {
        if !self.any.is_match(data) {
            return;
        }
        for found in self.each.find_overlapping_iter(data) {
            let (at, is_word) = self.owners[found.pattern().as_usize()];
            let (start, end) = (found.start(), found.end());
            // The piece before has decided on what it had whole, with what is around it.
            let was_decided = base > 0 && end <= self.longest;
            let is_decided_later = !is_last && end + AROUND > data.len();
            if was_decided || is_decided_later || (is_word && !stands_alone(data, start, end)) {
                continue;
            }
            let offset = base + start as u64;
            let place = places.entry(at).or_insert_with(|| Place {
                offset,
                line: lines + 1 + memchr::memchr_iter(b'\n', &data[..start]).count() as u64,
                more: false,
            });
            place.more |= place.offset != offset;
        }
    }
}

/// Whether a host is not a part of a longer name or number. What stands before a domain and a point is a part of it.
fn stands_alone(data: &[u8], start: usize, end: usize) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    let is_number = data[end - 1].is_ascii_digit();
    let before = start.checked_sub(1).and_then(|at| data.get(at));
    let goes_on = data.get(end) == Some(&b'.') && data.get(end + 1).is_some_and(is_part);
    !before.is_some_and(|byte| is_part(byte) || (is_number && *byte == b'.'))
        && !data.get(end).is_some_and(is_part)
        && !goes_on
}

/// Reads until the buffer is full or the file ends.
fn fill(file: &mut File, mut buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while !buffer.is_empty() {
        match file.read(buffer) {
            Ok(0) => break,
            Ok(read) => {
                length += read;
                buffer = &mut buffer[read..];
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests;
