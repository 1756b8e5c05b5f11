//! CycloneDX, the bill of materials of OWASP (ECMA-424), as JSON.
//!
//! Read are 1.2 to 1.7, which differ in little that matters here: tools were a list before 1.5 and are components since;
//! the phase of life came with 1.5, the line of an occurrence with 1.6. Written are the newest two.
//!
//! Traps: a name without its `group` is another package; parts may lie within parts; the licence may be an identifier, a
//! name or an expression; what is not in `dependencies` may need anything, while an entry without `dependsOn` means
//! nothing before `compositions` says whether it is complete.

mod read;
mod write;

pub(crate) use read::read;
pub(crate) use write::write;

use stockade_model::Algorithm;

use crate::{Context, Kind};

const KINDS: [(&str, Kind); 8] = [
    ("application", Kind::Application),
    ("framework", Kind::Framework),
    ("library", Kind::Library),
    ("container", Kind::Container),
    ("operating-system", Kind::OperatingSystem),
    ("device", Kind::Device),
    ("firmware", Kind::Firmware),
    ("file", Kind::File),
];

const ALGORITHMS: [(&str, Algorithm); 4] = [
    ("SHA-1", Algorithm::Sha1),
    ("SHA-256", Algorithm::Sha256),
    ("SHA-384", Algorithm::Sha384),
    ("SHA-512", Algorithm::Sha512),
];

/// CISA's types of lists, and the phases of life in which they are made.
const PHASES: [(&str, Context); 6] = [
    ("design", Context::Design),
    ("pre-build", Context::Source),
    ("build", Context::Build),
    ("post-build", Context::Analyzed),
    ("discovery", Context::Deployed),
    ("operations", Context::Runtime),
];

const COMPLETE: &str = "complete";
const INCOMPLETE: &str = "incomplete";
const UNKNOWN: &str = "unknown";
const DISTRIBUTION: &str = "distribution";
