//! Gradle's lockfile, and its list of the digests of what a build may use.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use stockade_model::{Algorithm, Digest, Integrity};

use super::release;
use crate::Scope;
use crate::locked::{Lines, Locked, Out};

/// How deep elements may lie in each other.
const MAX_DEPTH: usize = 16;

/// `group:artifact:version=configuration,configuration`; in the older form, a file for each configuration, without it.
pub(super) fn lockfile(text: &str, out: &mut Out) {
    for (content, line) in text.lines().zip(1..) {
        let content = content.trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let (coordinates, configurations) = content.split_once('=').unwrap_or((content, ""));
        if coordinates == "empty" {
            continue;
        }
        let parts: Vec<&str> = coordinates.split(':').collect();
        let [group, artifact, version] = parts[..] else {
            out.problem(line, "this line is nothing that Gradle writes");
            continue;
        };
        let Some(release) = out.take(line, release(group, artifact, version)) else { continue };
        let mut locked = Locked::new(release, line);
        locked.scope = configurations.split(',').map(scope).min().unwrap_or(Scope::Unknown);
        out.push(locked);
    }
}

/// What a configuration is for, by the names that Gradle's own plugins give them.
fn scope(configuration: &str) -> Scope {
    let name = configuration.trim().to_ascii_lowercase();
    if name.is_empty() {
        Scope::Unknown
    } else if name.starts_with("test") || name.contains("test") {
        Scope::Dev
    } else if name.ends_with("annotationprocessor") || name == "classpath" {
        Scope::Build
    } else {
        Scope::Run
    }
}

/// `<component group name version><artifact><sha256 value>`: of each file, what it may hash to.
pub(super) fn verification(text: &str, out: &mut Out) {
    let lines = Lines::of(text);
    let mut reader = Reader::from_str(text);
    let mut state = Verification { now: None, digests: Vec::new(), depth: 0, has_root: false };
    loop {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let line = lines.line(at);
        match reader.read_event() {
            Ok(Event::Eof) => break,
            Ok(Event::Start(tag)) => {
                state.depth += 1;
                if state.depth > MAX_DEPTH {
                    return out.problem(line, "from here on it is nested too deep");
                }
                state.start(&tag, line, out);
            }
            Ok(Event::Empty(tag)) => {
                state.start(&tag, line, out);
                state.end(tag.name().as_ref(), out);
            }
            Ok(Event::End(tag)) => {
                state.depth = state.depth.saturating_sub(1);
                state.end(tag.name().as_ref(), out);
            }
            Ok(Event::DocType(_)) => out.problem(line, "it has a document type, which Gradle does not write"),
            Ok(_) => {}
            Err(_) => {
                out.problem(line, "from here on it is not XML");
                break;
            }
        }
    }
    if state.depth > 0 {
        out.problem_of_all("it breaks off");
    }
    if !state.has_root {
        out.problem(1, "it is no list of digests of Gradle");
    }
}

struct Verification {
    now: Option<Locked>,
    digests: Vec<Digest>,
    depth: usize,
    has_root: bool,
}

impl Verification {
    fn start(&mut self, tag: &BytesStart<'_>, line: u32, out: &mut Out) {
        let told = |name: &str| attribute(tag, name);
        match tag.name().as_ref() {
            "verification-metadata" => self.has_root = true,
            "component" => {
                let (group, name, version) = (told("group"), told("name"), told("version"));
                let release = release(
                    group.as_deref().unwrap_or_default(),
                    name.as_deref().unwrap_or_default(),
                    version.as_deref().unwrap_or_default(),
                );
                self.now = out.take(line, release).map(|release| Locked::new(release, line));
                self.digests.clear();
            }
            algorithm @ ("sha256" | "sha512" | "also-trust") => {
                let Some(digits) = told("value") else { return };
                let wide = digits.len() > 2 * Algorithm::Sha256.size();
                let algorithm = if algorithm == "sha512" || wide { Algorithm::Sha512 } else { Algorithm::Sha256 };
                match Digest::from_hex(algorithm, &digits) {
                    Ok(digest) => self.digests.push(digest),
                    Err(error) => out.problem(line, format!("a digest cannot be read: {error}")),
                }
            }
            "trust" | "trusted-artifacts" => {
                out.problem(line, "it trusts artifacts by their name, whatever their digest is");
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str, out: &mut Out) {
        if name == "component"
            && let Some(mut locked) = self.now.take()
        {
            locked.integrity = Integrity::from_digests(std::mem::take(&mut self.digests));
            out.push(locked);
        }
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = tag.attributes().filter_map(Result::ok).find(|attribute| attribute.key.as_ref() == name)?;
    Some(attribute.value.into_owned())
}
