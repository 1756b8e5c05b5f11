//! Which releases a jar is made of, and the jars in it: a `.war` has libraries, a program packed as one file has dozens, and
//! a shaded jar has the code of others with their `pom.properties` left in place.
//!
//! Maven writes `pom.properties`; Gradle, Ant and others do not. What a jar's manifest says besides was never meant to
//! identify it, so a release that is put together from it and from the name of the file is told as a guess, and a jar
//! that allows none as nameless.

use bytes::Bytes;
use stockade_model::Release;

use super::installed::INSTALLED;
use super::lockfile::release;
use crate::Parsed;
use crate::archive::{Selected, extension, select};
use crate::built::{Contents, List, Packed};
use crate::locked::Locked;

const MANIFEST: &str = "META-INF/MANIFEST.MF";
/// The most bytes of a manifest that is read: 1 MiB. Signed ones have a line for each class.
const MAX_MANIFEST: usize = 1 << 20;
/// What lists are called where they are told.
const KIND: &str = "jar";
const GUESS: &str = "jar, by a guess from its manifest";

/// The descriptor.
pub(crate) static JARS: Packed = Packed { matches: is_jar, read };

fn is_jar(path: &str) -> bool {
    matches!(extension(path).to_ascii_lowercase().as_str(), "jar" | "war" | "ear" | "aar" | "hpi" | "jpi")
}

fn read(path: &str, bytes: &Bytes) -> Contents {
    let Selected { archives, gaps } = select(bytes, is_wanted, is_jar);
    let mut contents = Contents { gaps, ..Contents::default() };
    for archive in archives {
        let inside =
            |name: &str| if archive.place.is_empty() { name.to_owned() } else { format!("{}!/{name}", archive.place) };
        let mut is_named = false;
        for (name, bytes) in archive.files.iter().filter(|(name, _)| (INSTALLED.matches)(name)) {
            is_named = true;
            contents.lists.push(List { place: inside(name), kind: KIND, parsed: (INSTALLED.parse)(name, bytes) });
        }
        if is_named || archive.holds_only_archives {
            continue;
        }
        let manifest = archive.files.iter().find(|(name, _)| name == MANIFEST);
        let file = if archive.place.is_empty() { path } else { &archive.place };
        match manifest.and_then(|(_, bytes)| guess(bytes, file)) {
            Some(release) => {
                let parsed = Parsed { value: vec![Locked::new(release, 1)], ..Parsed::default() };
                contents.lists.push(List { place: inside(MANIFEST), kind: GUESS, parsed });
            }
            None => contents.nameless.push(archive.place),
        }
    }
    contents
}

fn is_wanted(name: &str) -> bool {
    name == MANIFEST || (INSTALLED.matches)(name)
}

/// The release of a manifest and the name of its file, `ARTIFACT-VERSION.jar`. The group is the vendor's identifier, or what
/// stands before the artifact in the name of the bundle.
fn guess(manifest: &[u8], file: &str) -> Option<Release> {
    let text = String::from_utf8_lossy(manifest.get(..MAX_MANIFEST).unwrap_or(manifest)).into_owned();
    let text = text.replace("\r\n", "\n").replace('\r', "\n").replace("\n ", "");
    let field = |name: &str| {
        let mut lines = text.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(':'));
        let value = lines.find(|(key, _)| key.eq_ignore_ascii_case(name))?.1.trim();
        value.split(';').next().map(str::trim).filter(|value| !value.is_empty())
    };
    let file = file.rsplit('/').next().unwrap_or(file);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let digit = |(at, _): &(usize, &str)| stem.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit);
    let split = stem.match_indices('-').find(digit).map(|(at, _)| (&stem[..at], &stem[at + 1..]));
    let (artifact, of_file) = split.map_or((stem, None), |(artifact, version)| (artifact, Some(version)));
    let version = of_file.or_else(|| field("Implementation-Version")).or_else(|| field("Bundle-Version"))?;
    let bundle = field("Bundle-SymbolicName").or_else(|| field("Automatic-Module-Name"));
    let group = field("Implementation-Vendor-Id").filter(|id| id.contains('.') && !id.contains(' ')).or_else(|| {
        let bundle = bundle.filter(|bundle| bundle.contains('.'))?;
        Some(bundle.strip_suffix(artifact).and_then(|group| group.strip_suffix('.')).unwrap_or(bundle))
    })?;
    release(group, artifact, version).ok()
}

#[cfg(test)]
mod tests;
