//! Which release a wheel is, or an egg: its metadata is what an installer leaves in `site-packages`.

use bytes::Bytes;

use super::installed::INSTALLED;
use crate::archive::{Selected, extension, select};
use crate::built::{Contents, List, Packed};

/// What a list is called where it is told.
const KIND: &str = "wheel";

/// The descriptor.
pub(crate) static WHEELS: Packed =
    Packed { matches: |path| matches!(extension(path).to_ascii_lowercase().as_str(), "whl" | "egg"), read };

fn read(_: &str, bytes: &Bytes) -> Contents {
    let Selected { archives, gaps } = select(bytes, is_metadata, |_| false);
    let mut contents = Contents { gaps, ..Contents::default() };
    for (name, bytes) in archives.into_iter().flat_map(|archive| archive.files) {
        let parsed = (INSTALLED.parse)(&name, &bytes);
        contents.lists.push(List { place: name, kind: KIND, parsed });
    }
    if contents.lists.is_empty() {
        contents.nameless.push(String::new());
    }
    contents
}

/// Eggs have it without the name of the release in the folder's.
fn is_metadata(name: &str) -> bool {
    name == "EGG-INFO/PKG-INFO" || (INSTALLED.matches)(name)
}
