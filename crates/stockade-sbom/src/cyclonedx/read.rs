//! CycloneDX, in.

use std::collections::HashMap;

use stockade_model::Digest;

use crate::format::MAX_COMPONENTS;
use crate::json::{Json, Object};
use crate::notes::{Fields, Notes, ProblemKind, shown};
use crate::{Bom, Component, Context, Coverage, Edge, Evidence, Kind, Licence, Node, Scope, Tool, extras};

use super::{ALGORITHMS, COMPLETE, DISTRIBUTION, INCOMPLETE, KINDS, PHASES, UNKNOWN};

/// The place of parts in messages.
const PARTS: &str = "components[]";
/// The gap of a part that the document calls incomplete without a reason.
const PARTLY: &str = "the document calls its list of parts incomplete";

const DOCUMENT: [&str; 9] = [
    "$schema",
    "bomFormat",
    "specVersion",
    "serialNumber",
    "version",
    "metadata",
    "components",
    "dependencies",
    "compositions",
];
const METADATA: [&str; 6] = ["timestamp", "tools", "authors", "component", "lifecycles", "properties"];
const COMPONENT: [&str; 17] = [
    "type",
    "bom-ref",
    "supplier",
    "manufacturer",
    "publisher",
    "author",
    "group",
    "name",
    "version",
    "scope",
    "hashes",
    "licenses",
    "purl",
    "externalReferences",
    "evidence",
    "properties",
    "components",
];

/// What is known of names while a document is read.
#[derive(Default)]
struct Reader<'j> {
    places: HashMap<&'j str, Node>,
}

pub(crate) fn read(document: &Object<'_>, notes: &mut Notes) -> Bom {
    let document = Fields::new(document, "", &DOCUMENT, notes);
    let metadata = document.object("metadata", "metadata", &METADATA, notes);
    let mut reader = Reader::default();
    let mut bom = Bom::new(Component::new(Kind::Application, ""));
    let subject = metadata.and_then(|metadata| metadata.object("component", "metadata.component", &COMPONENT, notes));
    if let Some(subject) = subject {
        bom.subject = reader.component(subject, Node::Subject, notes);
        reader.parts(subject, "components", &mut bom, notes);
    } else {
        notes.malformed("metadata.component", "is missing: it is not said what this is a list of");
    }
    reader.parts(document, "components", &mut bom, notes);
    if let Some(metadata) = metadata {
        read_metadata(metadata, &mut bom, notes);
    }
    reader.dependencies(document, &mut bom, notes);
    reader.compositions(document, &mut bom, notes);
    bom
}

fn read_metadata(metadata: Fields<'_, '_>, bom: &mut Bom, notes: &mut Notes) {
    bom.created = metadata.time("timestamp", notes);
    for author in metadata.objects("authors", "metadata.authors[]", &["name", "bom-ref"], notes) {
        bom.authors.extend(author.needed("name", notes).map(str::to_owned));
    }
    read_tools(metadata, bom, notes);
    let phases = metadata.objects("lifecycles", "metadata.lifecycles[]", &["phase"], notes);
    let contexts: Vec<Context> = phases.into_iter().filter_map(|phase| context(phase, notes)).collect();
    bom.context = contexts.first().copied();
    if contexts.len() > 1 {
        notes.lost("metadata.lifecycles[]", "are several; the first is taken");
    }
    for property in metadata.objects("properties", "metadata.properties[]", &["name", "value"], notes) {
        let name = property.text("name", notes).unwrap_or_default();
        let text = property.text("value", notes).unwrap_or_default();
        if !extras::read_document(name, text, bom, "metadata.properties[]", notes) {
            notes.lost("metadata.properties[]", "is not carried over");
        }
    }
}

fn context(phase: Fields<'_, '_>, notes: &mut Notes) -> Option<Context> {
    let name = phase.needed("phase", notes)?;
    let known = PHASES.iter().find(|(known, _)| *known == name).map(|(_, context)| *context);
    if known.is_none() {
        notes.lost("metadata.lifecycles[].phase", format!("is {}, which has no counterpart", shown(name)));
    }
    known
}

/// A list of tools until 1.4, an object with components since 1.5.
fn read_tools(metadata: Fields<'_, '_>, bom: &mut Bom, notes: &mut Notes) {
    const PLACE: &str = "metadata.tools[]";
    const KNOWN: [&str; 4] = ["type", "name", "version", "bom-ref"];
    let tools = match metadata.get("tools") {
        Some(Json::Object(_)) => metadata
            .object("tools", "metadata.tools", &["components"], notes)
            .map(|tools| tools.objects("components", PLACE, &KNOWN, notes))
            .unwrap_or_default(),
        _ => metadata.objects("tools", PLACE, &KNOWN, notes),
    };
    for tool in tools {
        if let Some(name) = tool.needed("name", notes) {
            let version = tool.text("version", notes).map(str::to_owned);
            bom.tools.push(Tool { name: name.to_owned(), version });
        }
    }
}

impl<'j> Reader<'j> {
    /// Parts, and the parts within them, which lie beside them here.
    fn parts<'a>(&mut self, of: Fields<'j, 'a>, key: &str, bom: &mut Bom, notes: &mut Notes) {
        for part in of.objects(key, PARTS, &COMPONENT, notes) {
            if bom.components.len() >= MAX_COMPONENTS {
                notes.note(ProblemKind::Limit, PARTS, format!("are more than {MAX_COMPONENTS}; this one is not read"));
                continue;
            }
            let node = Node::Component(bom.components.len());
            let component = self.component(part, node, notes);
            bom.components.push(component);
            if !part.list("components", notes).is_empty() {
                notes.lost("components[].components", "are read as parts of the whole");
            }
            self.parts(part, "components", bom, notes);
        }
    }

    fn component(&mut self, of: Fields<'j, '_>, node: Node, notes: &mut Notes) -> Component {
        if let Some(reference) = of.text("bom-ref", notes)
            && self.places.insert(reference, node).is_some()
        {
            notes.malformed(of.at("bom-ref"), format!("{} is there twice; the last one is meant", shown(reference)));
        }
        let name = of.needed("name", notes).unwrap_or_default();
        let name = of.text("group", notes).map_or(name.to_owned(), |group| format!("{group}/{name}"));
        let mut component = Component::new(kind(of, notes), name);
        component.version = of.text("version", notes).map(str::to_owned);
        component.purl = purl(of, notes);
        component.supplier = supplier(of, notes);
        component.scope = scope(of, notes);
        hashes(of, &mut component, notes);
        licences(of, &mut component, notes);
        references(of, &mut component, notes);
        evidence(of, &mut component, notes);
        let place = of.at("properties[]");
        for property in of.objects("properties", "components[].properties[]", &["name", "value"], notes) {
            let name = property.text("name", notes).unwrap_or_default();
            let text = property.text("value", notes).unwrap_or_default();
            if !extras::read_component(name, text, &mut component, &place, notes) {
                notes.lost(place.as_str(), "is not carried over");
            }
        }
        component
    }

    fn node(&self, reference: &str, place: &str, notes: &mut Notes) -> Option<Node> {
        let node = self.places.get(reference).copied();
        if node.is_none() {
            notes.malformed(place, format!("names {}, which is no part", shown(reference)));
        }
        node
    }

    fn dependencies(&self, document: Fields<'j, '_>, bom: &mut Bom, notes: &mut Notes) {
        const PLACE: &str = "dependencies[]";
        for entry in document.objects("dependencies", PLACE, &["ref", "dependsOn"], notes) {
            let from = entry.needed("ref", notes).and_then(|from| self.node(from, "dependencies[].ref", notes));
            for to in entry.texts("dependsOn", notes) {
                let to = self.node(to, "dependencies[].dependsOn", notes);
                bom.edges.extend(from.zip(to).map(|(from, to)| Edge { from, to }));
            }
        }
    }

    fn compositions(&self, document: Fields<'j, '_>, bom: &mut Bom, notes: &mut Notes) {
        const PLACE: &str = "compositions[]";
        for entry in document.objects("compositions", PLACE, &["aggregate", "dependencies", "assemblies"], notes) {
            let aggregate = entry.needed("aggregate", notes).unwrap_or(UNKNOWN);
            let coverage = match aggregate {
                COMPLETE => Coverage::Complete,
                UNKNOWN | "not_specified" => Coverage::Unknown,
                _ if aggregate.starts_with(INCOMPLETE) => Coverage::Incomplete,
                other => {
                    notes.malformed("compositions[].aggregate", format!("is {}, which is unknown", shown(other)));
                    Coverage::Unknown
                }
            };
            for of in entry.texts("dependencies", notes) {
                match self.node(of, "compositions[].dependencies", notes) {
                    Some(Node::Subject) => bom.subject.dependencies = coverage,
                    Some(Node::Component(at)) => bom.components[at].dependencies = coverage,
                    None => {}
                }
            }
            for of in entry.texts("assemblies", notes) {
                match self.node(of, "compositions[].assemblies", notes) {
                    Some(_) if coverage == Coverage::Complete => {}
                    Some(Node::Subject) if bom.gaps.is_empty() && bom.subject.gaps.is_empty() => {
                        bom.gaps.push(PARTLY.to_owned());
                    }
                    Some(Node::Component(at)) if bom.components[at].gaps.is_empty() => {
                        bom.components[at].gaps.push(PARTLY.to_owned());
                    }
                    _ => {}
                }
            }
        }
    }
}

fn kind(of: Fields<'_, '_>, notes: &mut Notes) -> Kind {
    let Some(name) = of.needed("type", notes) else { return Kind::Library };
    let known = KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    known.unwrap_or_else(|| {
        notes.lost(of.at("type"), format!("is {}, and is read as a library", shown(name)));
        Kind::Library
    })
}

/// The package URL, if it is one. Only an identity that can be compared is one.
fn purl(of: Fields<'_, '_>, notes: &mut Notes) -> Option<crate::PackageUrl> {
    let text = of.text("purl", notes)?;
    let purl = text.parse();
    if purl.is_err() {
        notes.malformed(of.at("purl"), format!("{} is no package URL", shown(text)));
    }
    purl.ok()
}

/// Who supplies a part; else who makes, publishes or wrote it. The others are told as lost.
fn supplier(of: Fields<'_, '_>, notes: &mut Notes) -> Option<String> {
    let organisation = |key, place, notes: &mut Notes| {
        of.object(key, place, &["name", "bom-ref"], notes).and_then(|party| party.text("name", notes))
    };
    let parties = [
        ("supplier", organisation("supplier", "components[].supplier", notes)),
        ("manufacturer", organisation("manufacturer", "components[].manufacturer", notes)),
        ("publisher", of.text("publisher", notes)),
        ("author", of.text("author", notes)),
    ];
    let mut named = parties.into_iter().filter_map(|(key, name)| Some((key, name?)));
    let first = named.next();
    for (key, _) in named {
        notes.lost(of.at(key), "is not carried over");
    }
    first.map(|(_, name)| name.to_owned())
}

fn scope(of: Fields<'_, '_>, notes: &mut Notes) -> Option<Scope> {
    let name = of.text("scope", notes)?;
    let scope = Scope::ALL.into_iter().find(|scope| scope.name() == name);
    if scope.is_none() {
        notes.malformed(of.at("scope"), format!("is {}, which is unknown", shown(name)));
    }
    scope
}

fn hashes(of: Fields<'_, '_>, component: &mut Component, notes: &mut Notes) {
    for hash in of.objects("hashes", "components[].hashes[]", &["alg", "content"], notes) {
        let (Some(name), Some(digits)) = (hash.needed("alg", notes), hash.needed("content", notes)) else { continue };
        match ALGORITHMS.iter().find(|(known, _)| *known == name) {
            None => notes.lost("components[].hashes[]", format!("is {}, which is not kept", shown(name))),
            Some((_, algorithm)) => match Digest::from_hex(*algorithm, digits) {
                Ok(digest) => component.hashes.push(digest),
                Err(error) => notes.malformed("components[].hashes[]", format!("is no digest: {error}")),
            },
        }
    }
}

fn licences(of: Fields<'_, '_>, component: &mut Component, notes: &mut Notes) {
    const KNOWN: [&str; 4] = ["license", "expression", "acknowledgement", "bom-ref"];
    for choice in of.objects("licenses", "components[].licenses[]", &KNOWN, notes) {
        let known = ["id", "name", "url", "acknowledgement", "bom-ref"];
        let licence = choice.object("license", "components[].licenses[].license", &known, notes);
        let text = match licence {
            Some(licence) => {
                licence.text("id", notes).or_else(|| licence.text("name", notes)).or_else(|| licence.text("url", notes))
            }
            None => choice.text("expression", notes),
        };
        match text {
            // The normal form finds out what it is.
            Some(text) => component.licences.push(Licence::Name(text.to_owned())),
            None => notes.malformed("components[].licenses[]", "names no licence"),
        }
    }
}

fn references(of: Fields<'_, '_>, component: &mut Component, notes: &mut Notes) {
    const PLACE: &str = "components[].externalReferences[]";
    for reference in of.objects("externalReferences", PLACE, &["type", "url"], notes) {
        let (kind, address) = (reference.text("type", notes), reference.text("url", notes));
        match address {
            Some(address) if kind == Some(DISTRIBUTION) && component.download.is_none() => {
                component.download = Some(address.to_owned());
            }
            _ => notes.lost(PLACE, format!("of the type {} is not carried over", shown(kind.unwrap_or_default()))),
        }
    }
}

fn evidence(of: Fields<'_, '_>, component: &mut Component, notes: &mut Notes) {
    const PLACE: &str = "components[].evidence.occurrences[]";
    let Some(evidence) = of.object("evidence", "components[].evidence", &["occurrences"], notes) else { return };
    for occurrence in evidence.objects("occurrences", PLACE, &["location", "line", "bom-ref"], notes) {
        let line = match occurrence.get("line") {
            Some(Json::Number(Some(line))) => u32::try_from(*line).unwrap_or_default(),
            _ => 0,
        };
        if let Some(file) = occurrence.needed("location", notes) {
            component.evidence.push(Evidence { file: file.to_owned(), line });
        }
    }
}
