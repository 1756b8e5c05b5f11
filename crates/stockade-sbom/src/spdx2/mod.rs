//! SPDX 2.2 and 2.3 (ISO/IEC 5962), as JSON.
//!
//! Read are both, written is 2.3. Traps: the package URL is one of the external references, and there may be none; what
//! a document describes is a relationship like any other, or a list that is deprecated; `NOASSERTION` and `NONE` are
//! values; dependencies are written in either direction; a licence that the list does not have must be defined.

mod read;
mod write;

pub(crate) use read::read;
pub(crate) use write::write;

use stockade_model::Algorithm;

use crate::Kind;

const KINDS: [(&str, Kind); 8] = [
    ("APPLICATION", Kind::Application),
    ("FRAMEWORK", Kind::Framework),
    ("LIBRARY", Kind::Library),
    ("CONTAINER", Kind::Container),
    ("OPERATING_SYSTEM", Kind::OperatingSystem),
    ("DEVICE", Kind::Device),
    ("FIRMWARE", Kind::Firmware),
    ("FILE", Kind::File),
];

const ALGORITHMS: [(&str, Algorithm); 4] = [
    ("SHA1", Algorithm::Sha1),
    ("SHA256", Algorithm::Sha256),
    ("SHA384", Algorithm::Sha384),
    ("SHA512", Algorithm::Sha512),
];

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
/// Nobody says.
const NO_ASSERTION: &str = "NOASSERTION";
/// There is none.
const NONE: &str = "NONE";
/// What a comment on the creation begins with that names the context.
const CONTEXT: &str = "generation context: ";
const ORGANISATION: &str = "Organization:";
const PERSON: &str = "Person:";
const TOOL: &str = "Tool:";
const DEPENDS_ON: &str = "DEPENDS_ON";
const DESCRIBES: &str = "DESCRIBES";
