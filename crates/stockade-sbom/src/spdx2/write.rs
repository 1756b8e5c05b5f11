//! SPDX 2.3, out.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::address::is_absolute;
use crate::extras::{self, Extra};
use crate::json::Out;
use crate::licence::{self, references};
use crate::names::{References, identifier, licence_reference, uuid};
use crate::{Bom, Component, Coverage, Licence, Node};

use super::{ALGORITHMS, CONTEXT, DEPENDS_ON, DESCRIBES, DOCUMENT, KINDS, NO_ASSERTION, NONE, ORGANISATION, TOOL};

/// Writes a list in normal form.
pub(crate) fn write(bom: &Bom) -> Vec<u8> {
    let identifiers = References::of(bom).identifiers();
    let name = |node| format!("SPDXRef-{}", identifiers.get(node));
    // Without a time there is no document; the first second of all stands for none.
    let created = bom.created.unwrap_or(Timestamp::UNIX_EPOCH).to_string();
    Out::document(|out| {
        out.text("spdxVersion", "SPDX-2.3");
        out.text("dataLicense", "CC0-1.0");
        out.text("SPDXID", DOCUMENT);
        out.text("name", if bom.subject.name.is_empty() { "unnamed" } else { &bom.subject.name });
        let readable = identifier(&bom.subject.name);
        out.text("documentNamespace", &format!("https://spdx.org/spdxdocs/{readable}-{}", uuid(bom)));
        out.object("creationInfo", |out| creation(out, bom, &created));
        annotations(out, extras::document(bom), &created);
        out.each("packages", bom.nodes(), |out, (node, component)| {
            package(out, component, &name(node), complete(bom, node), &created);
        });
        relationships(out, bom, name);
        definitions(out, bom);
    })
}

fn creation(out: &mut Out, bom: &Bom, created: &str) {
    out.text("created", created);
    let tools = bom.tools.iter().map(|tool| format!("{TOOL} {}", extras::joined(tool)));
    let authors = bom.authors.iter().map(|author| format!("{ORGANISATION} {author}"));
    let nobody = bom.tools.is_empty() && bom.authors.is_empty();
    out.texts("creators", tools.chain(authors).chain(nobody.then(|| format!("{TOOL} {NO_ASSERTION}"))));
    out.maybe("comment", bom.context.map(|context| format!("{CONTEXT}{}", context.name())).as_deref());
}

/// A relationship to nothing says that a part needs nothing. Where it needs something, only a note can say that this is
/// all.
fn complete(bom: &Bom, node: Node) -> bool {
    let is_complete = bom.get(node).is_some_and(|component| component.dependencies == Coverage::Complete);
    let at = bom.edges.partition_point(|edge| edge.from < node);
    is_complete && bom.edges.get(at).is_some_and(|edge| edge.from == node)
}

fn package(out: &mut Out, component: &Component, name: &str, complete: bool, created: &str) {
    out.text("name", &component.name);
    out.text("SPDXID", name);
    out.maybe("versionInfo", component.version.as_deref());
    let kind = KINDS.iter().find(|(_, kind)| *kind == component.kind);
    out.maybe("primaryPackagePurpose", kind.map(|(name, _)| *name));
    out.maybe("supplier", component.supplier.as_ref().map(|name| format!("{ORGANISATION} {name}")).as_deref());
    let download = component.download.as_deref().filter(|address| is_absolute(address));
    out.text("downloadLocation", download.unwrap_or(NO_ASSERTION));
    out.no("filesAnalyzed");
    out.each("checksums", &component.hashes, |out, digest| {
        let algorithm = ALGORITHMS.iter().find(|(_, algorithm)| *algorithm == digest.algorithm());
        out.text("algorithm", algorithm.map_or("", |(name, _)| name));
        out.text("checksumValue", &digest.hex());
    });
    out.text("licenseConcluded", NO_ASSERTION);
    out.text("licenseDeclared", &declared(&component.licences));
    out.text("copyrightText", NO_ASSERTION);
    out.each("externalRefs", &component.purl, |out, purl| {
        out.text("referenceCategory", "PACKAGE-MANAGER");
        out.text("referenceType", "purl");
        out.text("referenceLocator", purl.as_str());
    });
    let notes = extras::component(component).into_iter().chain(complete.then(extras::complete));
    annotations(out, notes.collect(), created);
}

fn declared(licences: &[Licence]) -> String {
    if licences.is_empty() {
        return NO_ASSERTION.to_owned();
    }
    let written: Vec<String> = licences.iter().map(written).collect();
    licence::joined(written.iter().map(String::as_str))
}

fn written(licence: &Licence) -> String {
    match licence {
        Licence::Expression(text) => text.clone(),
        Licence::Name(name) => licence_reference(name),
    }
}

fn annotations(out: &mut Out, notes: Vec<Extra>, created: &str) {
    out.each("annotations", notes, |out, (name, text)| {
        out.text("annotationDate", created);
        out.text("annotationType", "OTHER");
        out.text("annotator", "Tool: stockade");
        out.text("comment", &format!("{}{name}={text}", extras::PREFIX));
    });
}

fn relationships(out: &mut Out, bom: &Bom, name: impl Fn(Node) -> String) {
    let mut all = vec![(DOCUMENT.to_owned(), DESCRIBES, name(Node::Subject))];
    let mut edges = bom.edges.iter().peekable();
    for (node, component) in bom.nodes() {
        let mut needs_nothing = true;
        while let Some(edge) = edges.next_if(|edge| edge.from == node) {
            all.push((name(node), DEPENDS_ON, name(edge.to)));
            needs_nothing = false;
        }
        match component.dependencies {
            Coverage::Complete if needs_nothing => all.push((name(node), DEPENDS_ON, NONE.to_owned())),
            Coverage::Incomplete => all.push((name(node), DEPENDS_ON, NO_ASSERTION.to_owned())),
            Coverage::Complete | Coverage::Unknown => {}
        }
    }
    out.each("relationships", all, |out, (from, kind, to)| {
        out.text("spdxElementId", &from);
        out.text("relationshipType", kind);
        out.text("relatedSpdxElement", &to);
    });
}

/// What the licences are that the list does not have.
fn definitions(out: &mut Out, bom: &Bom) {
    let mut definitions: BTreeMap<String, Option<&str>> = BTreeMap::new();
    for licence in bom.nodes().flat_map(|(_, component)| &component.licences) {
        match licence {
            Licence::Name(name) => {
                definitions.insert(licence_reference(name), Some(name));
            }
            Licence::Expression(text) => {
                for reference in references(text) {
                    definitions.entry(reference.trim_end_matches('+').to_owned()).or_default();
                }
            }
        }
    }
    out.each("hasExtractedLicensingInfos", definitions, |out, (reference, name)| {
        out.text("licenseId", &reference);
        out.text("extractedText", name.unwrap_or(NO_ASSERTION));
        out.maybe("name", name);
    });
}
