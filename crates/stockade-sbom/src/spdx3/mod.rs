//! SPDX 3.0.1, as JSON-LD.
//!
//! A document is a graph of elements that name each other: parts, relationships, agents, licences, the document itself.
//! It is read as the JSON that the specification fixes for it, without a processor of JSON-LD, which would have to fetch
//! contexts.

mod read;
mod write;

pub(crate) use read::read;
pub(crate) use write::write;

use stockade_model::Algorithm;

use crate::Kind;

/// What a document of this version says its words mean.
pub(crate) const CONTEXT: &str = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld";

const KINDS: [(&str, Kind); 8] = [
    ("application", Kind::Application),
    ("framework", Kind::Framework),
    ("library", Kind::Library),
    ("container", Kind::Container),
    ("operatingSystem", Kind::OperatingSystem),
    ("device", Kind::Device),
    ("firmware", Kind::Firmware),
    ("file", Kind::File),
];

const ALGORITHMS: [(&str, Algorithm); 4] = [
    ("sha1", Algorithm::Sha1),
    ("sha256", Algorithm::Sha256),
    ("sha384", Algorithm::Sha384),
    ("sha512", Algorithm::Sha512),
];

const NONE: &str = "NoneElement";
const NO_ASSERTION: &str = "NoAssertionElement";
const DEPENDS_ON: &str = "dependsOn";
const DECLARED: &str = "hasDeclaredLicense";
const COMPLETE: &str = "complete";
const INCOMPLETE: &str = "incomplete";
const PACKAGE: &str = "software_Package";
const SBOM: &str = "software_Sbom";
const DOCUMENT: &str = "SpdxDocument";
const EXPRESSION: &str = "simplelicensing_LicenseExpression";
const EXPRESSION_TEXT: &str = "simplelicensing_licenseExpression";
const LICENCE: &str = "simplelicensing_SimpleLicensingText";
const LICENCE_TEXT: &str = "simplelicensing_licenseText";
