//! The words of Stockade: what a package, a release, a digest, evidence, a gap and a verdict are.
//!
//! Everything that Stockade does is one sentence: *a subject gets evidence, evidence gets a verdict, a verdict is
//! enforced and recorded*. This crate holds the nouns of that sentence and nothing that acts. It is the only crate that
//! every other one may use, so what is here is what everybody must mean in the same way.
//!
//! All types are plain data that serialise to the JSON of the log, the API and `--format json`.

mod digest;
mod evidence;
mod package;
mod purl;
mod secret;
mod tree;
mod verdict;

pub use digest::{Algorithm, Digest, Integrity, MalformedDigest};
pub use evidence::{Clock, Comparison, Evidence, Finding, Gap, GapKind, NewNeed};
pub use package::{EcosystemId, Malformed, Name, Package, Release};
pub use purl::{MalformedPurl, Pattern, Purl, wildcard};
pub use secret::{Secret, redacted};
pub use tree::{Code, Member, Need, NeedFrom, NeedRole, Start, Tree, Trigger};
pub use verdict::{Reason, Verdict};
