//! SPDX 3.0.1, out.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::address::is_absolute;
use crate::extras::{self, Extra};
use crate::json::Out;
use crate::names::{References, identifier, uuid};
use crate::{Bom, Component, Coverage, Edge, Licence, Node, Tool};

use super::{
    ALGORITHMS, COMPLETE, CONTEXT, DECLARED, DEPENDS_ON, DOCUMENT, EXPRESSION, EXPRESSION_TEXT, INCOMPLETE, KINDS,
    LICENCE, LICENCE_TEXT, NO_ASSERTION, NONE, PACKAGE, SBOM,
};

const CREATION: &str = "_:creation";

/// What names the elements of one document.
struct Names {
    space: String,
    parts: References,
}

impl Names {
    fn of(&self, kind: &str, text: &str) -> String {
        format!("{}#{kind}-{}", self.space, identifier(text))
    }

    fn part(&self, node: Node) -> String {
        format!("{}#{}", self.space, self.parts.get(node))
    }

    fn tool(&self, tool: &Tool) -> String {
        self.of("tool", &extras::joined(tool))
    }

    fn organisation(&self, name: &str) -> String {
        self.of("organization", name)
    }

    fn licence(&self, licence: &Licence) -> String {
        self.of("license", licence.text())
    }
}

/// Writes a list in normal form.
pub(crate) fn write(bom: &Bom) -> Vec<u8> {
    let space = format!("https://spdx.org/spdxdocs/{}-{}", identifier(&bom.subject.name), uuid(bom));
    let names = Names { space, parts: References::of(bom).identifiers() };
    Out::document(|out| {
        out.text("@context", CONTEXT);
        out.list("@graph", |out| {
            creation(out, bom, &names);
            document(out, bom, &names);
            for (node, component) in bom.nodes() {
                package(out, component, &names.part(node), &names);
            }
            licences(out, bom, &names);
            relationships(out, bom, &names);
        });
    })
}

fn element(out: &mut Out, kind: &str, name: &str, members: impl FnOnce(&mut Out)) {
    out.item(|out| {
        out.text("type", kind);
        out.text("spdxId", name);
        out.text("creationInfo", CREATION);
        members(out);
    });
}

/// Who made the document and with what. Somebody has to; where nobody is named, it is the tool that writes.
fn creation(out: &mut Out, bom: &Bom, names: &Names) {
    let agent = format!("{}#agent", names.space);
    let nobody = bom.authors.is_empty().then_some(&agent).into_iter();
    let authors = bom.authors.iter().map(|author| names.organisation(author)).chain(nobody.cloned());
    out.item(|out| {
        out.text("type", "CreationInfo");
        out.text("@id", CREATION);
        out.text("specVersion", "3.0.1");
        // Without a time there is no document; the first second of all stands for none.
        out.text("created", &bom.created.unwrap_or(Timestamp::UNIX_EPOCH).to_string());
        out.texts("createdBy", authors);
        out.texts("createdUsing", bom.tools.iter().map(|tool| names.tool(tool)));
    });
    if bom.authors.is_empty() {
        element(out, "SoftwareAgent", &agent, |out| out.text("name", "stockade"));
    }
    for tool in &bom.tools {
        element(out, "Tool", &names.tool(tool), |out| out.text("name", &extras::joined(tool)));
    }
    let suppliers = bom.nodes().filter_map(|(_, component)| component.supplier.as_ref());
    for name in suppliers.chain(&bom.authors).collect::<BTreeSet<_>>() {
        element(out, "Organization", &names.organisation(name), |out| out.text("name", name));
    }
}

fn document(out: &mut Out, bom: &Bom, names: &Names) {
    let sbom = format!("{}#sbom", names.space);
    element(out, DOCUMENT, &names.space, |out| {
        extension(out, extras::document(bom));
        out.text("name", if bom.subject.name.is_empty() { "unnamed" } else { &bom.subject.name });
        out.texts("rootElement", [&sbom]);
        out.texts("profileConformance", ["core", "software", "simpleLicensing", "extension"]);
    });
    element(out, SBOM, &sbom, |out| {
        out.texts("rootElement", [names.part(Node::Subject)]);
        out.texts("element", bom.nodes().map(|(node, _)| names.part(node)));
        out.texts("software_sbomType", bom.context.map(crate::Context::name));
    });
}

fn package(out: &mut Out, component: &Component, name: &str, names: &Names) {
    element(out, PACKAGE, name, |out| {
        extension(out, extras::component(component));
        out.text("name", &component.name);
        out.each("verifiedUsing", &component.hashes, |out, digest| {
            let algorithm = ALGORITHMS.iter().find(|(_, algorithm)| *algorithm == digest.algorithm());
            out.text("type", "Hash");
            out.text("algorithm", algorithm.map_or("", |(name, _)| name));
            out.text("hashValue", &digest.hex());
        });
        out.maybe("suppliedBy", component.supplier.as_ref().map(|name| names.organisation(name)).as_deref());
        let kind = KINDS.iter().find(|(_, kind)| *kind == component.kind);
        out.maybe("software_primaryPurpose", kind.map(|(name, _)| *name));
        out.maybe("software_packageVersion", component.version.as_deref());
        out.maybe("software_packageUrl", component.purl.as_ref().map(crate::PackageUrl::as_str));
        let download = component.download.as_deref().filter(|address| is_absolute(address));
        out.maybe("software_downloadLocation", download);
    });
}

fn extension(out: &mut Out, notes: Vec<Extra>) {
    if notes.is_empty() {
        return;
    }
    out.each("extension", [notes], |out, notes| {
        out.text("type", "extension_CdxPropertiesExtension");
        out.each("extension_cdxProperty", notes, |out, (name, text)| {
            out.text("type", "extension_CdxPropertyEntry");
            out.text("extension_cdxPropName", &format!("{}{name}", extras::PREFIX));
            out.text("extension_cdxPropValue", &text);
        });
    });
}

fn licences(out: &mut Out, bom: &Bom, names: &Names) {
    let all: BTreeSet<&Licence> = bom.nodes().flat_map(|(_, component)| &component.licences).collect();
    for licence in all {
        let name = names.licence(licence);
        match licence {
            Licence::Expression(text) => element(out, EXPRESSION, &name, |out| out.text(EXPRESSION_TEXT, text)),
            Licence::Name(text) => element(out, LICENCE, &name, |out| out.text(LICENCE_TEXT, text)),
        }
    }
}

fn relationships(out: &mut Out, bom: &Bom, names: &Names) {
    let mut edges: &[Edge] = &bom.edges;
    for (node, component) in bom.nodes() {
        let (own, rest) = edges.split_at(edges.partition_point(|edge| edge.from <= node));
        edges = rest;
        let (completeness, nothing) = match component.dependencies {
            Coverage::Complete => (Some(COMPLETE), Some(NONE)),
            Coverage::Incomplete => (Some(INCOMPLETE), Some(NO_ASSERTION)),
            Coverage::Unknown => (None, None),
        };
        let nothing = nothing.filter(|_| own.is_empty()).map(str::to_owned);
        let to: Vec<String> = own.iter().map(|edge| names.part(edge.to)).chain(nothing).collect();
        relationship(out, names, node, (DEPENDS_ON, completeness), &to);
        let licences: Vec<String> = component.licences.iter().map(|licence| names.licence(licence)).collect();
        relationship(out, names, node, (DECLARED, None), &licences);
    }
}

fn relationship(out: &mut Out, names: &Names, from: Node, (kind, completeness): (&str, Option<&str>), to: &[String]) {
    if to.is_empty() {
        return;
    }
    let name = format!("{}#{kind}-{}", names.space, names.parts.get(from));
    element(out, "Relationship", &name, |out| {
        out.text("relationshipType", kind);
        out.text("from", &names.part(from));
        out.texts("to", to);
        out.maybe("completeness", completeness);
    });
}
