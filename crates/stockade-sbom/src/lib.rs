//! Bills of materials: CycloneDX and SPDX, in and out.
//!
//! One list of parts ([`Bom`]) stands between all formats. [`read`] makes it of a document and says everything that it
//! had no place for; [`write`] makes a document of it, and equal lists make equal bytes. [`convert`] is one after the
//! other. [`validate`] asks the official schemas, and [`missing`] what NTIA and CISA ask for.
//!
//! What stands in one format and has no place in another is written as a note that other programs pass over: a property
//! in CycloneDX and SPDX 3, an annotation in SPDX 2.3. So a list survives each of them.
//!
//! Documents are others' and may be hostile: nothing here panics, and everything is bounded. No file is opened, no clock
//! is asked, nothing is chance: when a list was made is a value, and what identifies a document is made of its content.

mod address;
mod bom;
mod cyclonedx;
mod elements;
mod extras;
mod format;
mod json;
mod licence;
mod names;
mod notes;
mod spdx2;
mod spdx3;
#[cfg(test)]
mod tests;
mod validate;
mod vex;
mod vulnerability;

pub use bom::{Bom, Component, Context, Coverage, Edge, Evidence, Kind, Node, PackageUrl, Scope, Tool};
pub use elements::{Element, Missing, Standard, missing};
pub use format::{
    Converted, Format, MAX_COMPONENTS, MAX_DOCUMENT, Read, Target, convert, read, write, write_vulnerabilities,
};
pub use licence::Licence;
pub use notes::{Problem, ProblemKind};
pub use validate::{Invalid, Unchecked, validate};
pub use vex::{Statement, Status, Subject, Unusable, read_vex};
pub use vulnerability::{Analysis, Vulnerability};
