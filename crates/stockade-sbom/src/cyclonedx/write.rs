//! CycloneDX, out.

use crate::json::Out;
use crate::names::{References, uuid};
use crate::{Bom, Component, Coverage, Edge, Kind, Licence, Node, Target, Vulnerability, extras, vulnerability};

use super::{ALGORITHMS, COMPLETE, DISTRIBUTION, INCOMPLETE, KINDS, PHASES};

/// Writes a list in normal form, with what is known of its parts' vulnerabilities.
pub(crate) fn write(bom: &Bom, target: Target, vulnerabilities: &[Vulnerability]) -> Vec<u8> {
    let version = if target == Target::CycloneDx17 { "1.7" } else { "1.6" };
    let references = References::of(bom);
    Out::document(|out| {
        out.text("$schema", &format!("http://cyclonedx.org/schema/bom-{version}.schema.json"));
        out.text("bomFormat", "CycloneDX");
        out.text("specVersion", version);
        let uuid = if vulnerabilities.is_empty() { uuid(bom) } else { uuid(&(bom, vulnerabilities)) };
        out.text("serialNumber", &format!("urn:uuid:{uuid}"));
        out.number("version", 1);
        out.object("metadata", |out| metadata(out, bom, &references));
        out.each("components", bom.components.iter().enumerate(), |out, (at, part)| {
            component(out, part, references.get(Node::Component(at)));
        });
        dependencies(out, bom, &references);
        compositions(out, bom, &references);
        vulnerability::write(out, bom, &references, vulnerabilities);
    })
}

fn metadata(out: &mut Out, bom: &Bom, references: &References) {
    out.maybe("timestamp", bom.created.map(|created| created.to_string()).as_deref());
    let phase = PHASES.iter().find(|(_, context)| Some(*context) == bom.context);
    out.each("lifecycles", phase, |out, (phase, _)| out.text("phase", phase));
    if !bom.tools.is_empty() {
        out.object("tools", |out| {
            out.each("components", &bom.tools, |out, tool| {
                out.text("type", kind(Kind::Application));
                out.text("name", &tool.name);
                out.maybe("version", tool.version.as_deref());
            });
        });
    }
    out.each("authors", &bom.authors, |out, author| out.text("name", author));
    out.object("component", |out| component(out, &bom.subject, references.get(Node::Subject)));
    properties(out, &bom.gaps);
}

fn component(out: &mut Out, component: &Component, reference: &str) {
    let (group, name) = named(component);
    out.text("type", kind(component.kind));
    out.text("bom-ref", reference);
    if let Some(supplier) = &component.supplier {
        out.object("supplier", |out| out.text("name", supplier));
    }
    out.maybe("group", group);
    out.text("name", name);
    out.maybe("version", component.version.as_deref());
    out.maybe("scope", component.scope.map(crate::Scope::name));
    out.each("hashes", &component.hashes, |out, digest| {
        let algorithm = ALGORITHMS.iter().find(|(_, algorithm)| *algorithm == digest.algorithm());
        out.text("alg", algorithm.map_or("", |(name, _)| name));
        out.text("content", &digest.hex());
    });
    licences(out, &component.licences);
    out.maybe("purl", component.purl.as_ref().map(crate::PackageUrl::as_str));
    out.each("externalReferences", &component.download, |out, address| {
        out.text("type", DISTRIBUTION);
        out.text("url", address);
    });
    if !component.evidence.is_empty() {
        out.object("evidence", |out| {
            out.each("occurrences", &component.evidence, |out, evidence| {
                out.text("location", &evidence.file);
                if evidence.line > 0 {
                    out.number("line", evidence.line);
                }
            });
        });
    }
    properties(out, &component.gaps);
}

/// The namespace of a package goes into `group`, where other readers look for it.
fn named(component: &Component) -> (Option<&str>, &str) {
    let split = component.name.rsplit_once('/').filter(|_| component.purl.is_some());
    match split {
        Some((group, name)) if is_whole(group) && is_whole(name) => (Some(group), name),
        _ => (None, &component.name),
    }
}

fn is_whole(text: &str) -> bool {
    !text.is_empty() && text.trim() == text
}

fn kind(kind: Kind) -> &'static str {
    KINDS.iter().find(|(_, known)| *known == kind).map_or("library", |(name, _)| name)
}

/// An expression stands alone or not at all, so one of several is written as a name. It is read as what it is.
fn licences(out: &mut Out, licences: &[Licence]) {
    if let [only @ Licence::Expression(expression)] = licences
        && only.id().is_none()
    {
        out.each("licenses", [expression], |out, expression| out.text("expression", expression));
        return;
    }
    out.each("licenses", licences, |out, licence| {
        out.object("license", |out| match licence.id() {
            Some(id) => out.text("id", id),
            None => out.text("name", licence.text()),
        });
    });
}

fn properties(out: &mut Out, gaps: &[String]) {
    out.each("properties", extras::gaps(gaps), |out, (name, text)| {
        out.text("name", &format!("{}{name}", extras::PREFIX));
        out.text("value", &text);
    });
}

/// One entry for each part, those that need nothing included: some readers take what is missing as an error.
fn dependencies(out: &mut Out, bom: &Bom, references: &References) {
    let mut edges: &[Edge] = &bom.edges;
    out.each("dependencies", bom.nodes(), |out, (node, _)| {
        let (own, rest) = edges.split_at(edges.partition_point(|edge| edge.from <= node));
        edges = rest;
        out.text("ref", references.get(node));
        out.texts("dependsOn", own.iter().map(|edge| references.get(edge.to)));
    });
}

/// Which dependencies are complete, and what has gaps.
fn compositions(out: &mut Out, bom: &Bom, references: &References) {
    let covered = |coverage: Coverage| {
        let nodes = bom.nodes().filter(move |(_, component)| component.dependencies == coverage);
        nodes.map(|(node, _)| references.get(node)).collect::<Vec<_>>()
    };
    let has_gaps = |(node, component): &(Node, &Component)| {
        !component.gaps.is_empty() || (*node == Node::Subject && !bom.gaps.is_empty())
    };
    let gaps: Vec<&str> = bom.nodes().filter(has_gaps).map(|(node, _)| references.get(node)).collect();
    let all = [
        (COMPLETE, "dependencies", covered(Coverage::Complete)),
        (INCOMPLETE, "dependencies", covered(Coverage::Incomplete)),
        (INCOMPLETE, "assemblies", gaps),
    ];
    let said = all.iter().filter(|(_, _, references)| !references.is_empty());
    out.each("compositions", said, |out, (aggregate, of, references)| {
        out.text("aggregate", aggregate);
        out.texts(of, references);
    });
}
