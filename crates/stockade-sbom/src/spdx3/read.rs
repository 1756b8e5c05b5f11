//! SPDX 3.0.1, in.

use std::collections::HashMap;

use stockade_model::Digest;

use crate::format::MAX_COMPONENTS;
use crate::json::{Json, Object};
use crate::notes::{Fields, Notes, ProblemKind, shown};
use crate::{Bom, Component, Context, Coverage, Edge, Kind, Licence, Node, extras};

use super::{
    ALGORITHMS, COMPLETE, DECLARED, DEPENDS_ON, DOCUMENT, EXPRESSION, EXPRESSION_TEXT, INCOMPLETE, KINDS, LICENCE,
    LICENCE_TEXT, NO_ASSERTION, NONE, PACKAGE, SBOM,
};

const GRAPH: &str = "@graph[]";
const PACKAGE_MEMBERS: [&str; 13] = [
    "type",
    "spdxId",
    "creationInfo",
    "extension",
    "name",
    "verifiedUsing",
    "suppliedBy",
    "software_primaryPurpose",
    "software_packageVersion",
    "software_packageUrl",
    "software_downloadLocation",
    "externalIdentifier",
    "originatedBy",
];
const DOCUMENT_MEMBERS: [&str; 9] = [
    "type",
    "spdxId",
    "creationInfo",
    "extension",
    "name",
    "rootElement",
    "element",
    "profileConformance",
    "software_sbomType",
];
const NAMED_MEMBERS: [&str; 6] =
    ["type", "spdxId", "@id", "creationInfo", "name", "simplelicensing_licenseListVersion"];
const RELATIONSHIP_MEMBERS: [&str; 7] =
    ["type", "spdxId", "creationInfo", "relationshipType", "from", "to", "completeness"];

/// What is known of names while a document is read.
#[derive(Default)]
struct Reader<'j> {
    packages: HashMap<&'j str, usize>,
    /// Names of agents and tools, texts of licences, by the type of the element.
    texts: HashMap<&'j str, (&'j str, &'j str)>,
    /// What lists name as what they are of.
    roots: Vec<&'j str>,
}

pub(crate) fn read(document: &Object<'_>, notes: &mut Notes) -> Bom {
    let graph = elements(document, notes);
    let mut bom = Bom::new(Component::new(Kind::Application, ""));
    let mut reader = Reader::default();
    for (kind, element) in &graph {
        reader.text(kind, element, notes);
    }
    for (kind, element) in &graph {
        match *kind {
            PACKAGE => reader.package(element, &mut bom, notes),
            SBOM | "Bom" | DOCUMENT => reader.document(kind, element, &mut bom, notes),
            "CreationInfo" => reader.creation(element, &mut bom, notes),
            _ => {}
        }
    }
    for (kind, element) in &graph {
        if matches!(*kind, "Relationship" | "LifecycleScopedRelationship") {
            reader.relationship(element, &mut bom, notes);
        }
    }
    document_notes(&graph, &mut bom, notes);
    reader.with_subject(bom, notes)
}

/// The elements with their types. A document with one element may be that element.
fn elements<'j, 'a>(document: &'j Object<'a>, notes: &mut Notes) -> Vec<(&'j str, &'j Object<'a>)> {
    let Some(Json::List(graph)) = document.get("@graph") else {
        return document.get("type").and_then(Json::as_text).map(|kind| (kind, document)).into_iter().collect();
    };
    let mut elements = Vec::with_capacity(graph.len());
    for item in graph {
        let object = item.as_object();
        let kind = object.and_then(|object| object.get("type").or_else(|| object.get("@type"))).and_then(Json::as_text);
        match object.zip(kind) {
            Some((object, kind)) => elements.push((kind, object)),
            None => notes.malformed(GRAPH, "is not an object with a type"),
        }
    }
    elements
}

/// Notes come after the tools that they are about.
fn document_notes(graph: &[(&str, &Object<'_>)], bom: &mut Bom, notes: &mut Notes) {
    for (_, element) in graph.iter().filter(|(kind, _)| *kind == DOCUMENT) {
        // Its members have been told.
        let document = Fields::new(element, GRAPH, &DOCUMENT_MEMBERS, &mut Notes::default());
        for (name, text) in extension(document, notes) {
            if !extras::read_document(name, text, bom, GRAPH, notes) {
                notes.lost("@graph[].extension", "is not carried over");
            }
        }
    }
}

impl<'j> Reader<'j> {
    /// Keeps what an element is only named for, and tells the ones that are nothing here.
    fn text(&mut self, kind: &'j str, element: &'j Object<'_>, notes: &mut Notes) {
        let (place, member) = match kind {
            "Organization" | "Person" | "Agent" | "SoftwareAgent" | "Tool" => ("@graph[].agent", "name"),
            EXPRESSION => ("@graph[].license", EXPRESSION_TEXT),
            LICENCE => ("@graph[].license", LICENCE_TEXT),
            PACKAGE | SBOM | "Bom" | DOCUMENT | "CreationInfo" | "Relationship" | "LifecycleScopedRelationship" => {
                return;
            }
            _ => return notes.lost(GRAPH, format!("of the type {} is not carried over", shown(kind))),
        };
        let known: Vec<&str> = NAMED_MEMBERS.into_iter().chain([member]).collect();
        let fields = Fields::new(element, place, &known, notes);
        if let (Some(id), Some(text)) = (fields.needed("spdxId", notes), fields.needed(member, notes)) {
            self.texts.insert(id, (kind, text));
        }
    }

    fn creation(&self, element: &'j Object<'_>, bom: &mut Bom, notes: &mut Notes) {
        const KNOWN: [&str; 6] = ["type", "@id", "specVersion", "created", "createdBy", "createdUsing"];
        let creation = Fields::new(element, "@graph[].CreationInfo", &KNOWN, notes);
        let created = creation.time("created", notes);
        bom.created = bom.created.max(created);
        for id in creation.texts("createdBy", notes) {
            match self.texts.get(id) {
                Some(("SoftwareAgent", _)) => {}
                Some((_, name)) => bom.authors.push((*name).to_owned()),
                None => {
                    notes.malformed("@graph[].CreationInfo.createdBy", format!("names {}, which is nobody", shown(id)));
                }
            }
        }
        for id in creation.texts("createdUsing", notes) {
            match self.texts.get(id) {
                Some((_, name)) => bom.tools.push(extras::parted(name)),
                None => notes
                    .malformed("@graph[].CreationInfo.createdUsing", format!("names {}, which is no tool", shown(id))),
            }
        }
    }

    /// The document and the lists in it. What they are of is a part that one of them names as its root.
    fn document(&mut self, kind: &str, element: &'j Object<'_>, bom: &mut Bom, notes: &mut Notes) {
        let document = Fields::new(element, GRAPH, &DOCUMENT_MEMBERS, notes);
        self.roots.extend(document.texts("rootElement", notes));
        if kind == DOCUMENT && bom.subject.name.is_empty() {
            bom.subject = Component::new(Kind::Application, document.text("name", notes).unwrap_or_default());
        }
        let types = document.texts("software_sbomType", notes);
        let mut contexts =
            types.iter().filter_map(|name| Context::ALL.into_iter().find(|context| context.name() == *name));
        bom.context = bom.context.or(contexts.next());
        if types.len() > 1 {
            notes.lost("@graph[].software_sbomType", "are several; the first is taken");
        }
    }

    fn package(&mut self, element: &'j Object<'_>, bom: &mut Bom, notes: &mut Notes) {
        if bom.components.len() >= MAX_COMPONENTS {
            let what = format!("has more than {MAX_COMPONENTS} packages; this one is not read");
            return notes.note(ProblemKind::Limit, GRAPH, what);
        }
        let of = Fields::new(element, PACKAGE, &PACKAGE_MEMBERS, notes);
        if let Some(id) = of.needed("spdxId", notes)
            && self.packages.insert(id, bom.components.len()).is_some()
        {
            notes.malformed(of.at("spdxId"), format!("{} is there twice; the last one is meant", shown(id)));
        }
        let mut component = Component::new(kind(of, notes), of.needed("name", notes).unwrap_or_default());
        component.version = of.text("software_packageVersion", notes).map(str::to_owned);
        component.download = of.text("software_downloadLocation", notes).map(str::to_owned);
        component.supplier = self.supplier(of, notes);
        component.purl = purl(of, notes);
        for hash in
            of.objects("verifiedUsing", "software_Package.verifiedUsing[]", &["type", "algorithm", "hashValue"], notes)
        {
            digest(hash, &mut component, notes);
        }
        for (name, text) in extension(of, notes) {
            if !extras::read_component(name, text, &mut component, PACKAGE, notes) {
                notes.lost("software_Package.extension", "is not carried over");
            }
        }
        bom.components.push(component);
    }

    fn supplier(&self, of: Fields<'j, '_>, notes: &mut Notes) -> Option<String> {
        let named = |id: &str| self.texts.get(id).map(|(_, name)| (*name).to_owned());
        let supplier = of.text("suppliedBy", notes).and_then(named);
        if of.get("suppliedBy").is_some() && supplier.is_none() {
            notes.malformed(of.at("suppliedBy"), "names nobody in the document");
        }
        let originators = of.texts("originatedBy", notes);
        if supplier.is_some() && !originators.is_empty() {
            notes.lost(of.at("originatedBy"), "is not carried over");
        }
        supplier.or_else(|| originators.into_iter().find_map(named))
    }

    fn relationship(&self, element: &'j Object<'_>, bom: &mut Bom, notes: &mut Notes) {
        const PLACE: &str = "@graph[].Relationship";
        let of = Fields::new(element, PLACE, &RELATIONSHIP_MEMBERS, notes);
        let kind = of.needed("relationshipType", notes).unwrap_or_default();
        if !matches!(kind, DEPENDS_ON | DECLARED | "hasConcludedLicense") {
            return notes.lost(PLACE, format!("of the type {} is not carried over", shown(kind)));
        }
        let id = of.needed("from", notes).unwrap_or_default();
        let Some(&from) = self.packages.get(id) else {
            return notes.malformed("@graph[].Relationship.from", format!("names {}, which is no package", shown(id)));
        };
        let component = &mut bom.components[from];
        let to = of.texts("to", notes);
        match kind {
            DEPENDS_ON => {
                match of.text("completeness", notes) {
                    Some(COMPLETE) => component.dependencies = Coverage::Complete,
                    Some(INCOMPLETE) => component.dependencies = Coverage::Incomplete,
                    _ => {}
                }
                let to = to.into_iter().filter_map(|to| self.target(to, component, notes));
                bom.edges.extend(to.map(|to| Edge { from: Node::Component(from), to: Node::Component(to) }));
            }
            DECLARED => component.licences.extend(to.into_iter().filter_map(|to| self.licence(to, notes))),
            _ => notes.lost(PLACE, "of a concluded licence is not carried over"),
        }
    }

    fn target(&self, to: &str, component: &mut Component, notes: &mut Notes) -> Option<usize> {
        let node = self.packages.get(to).copied();
        match to {
            NONE => component.dependencies = Coverage::Complete,
            NO_ASSERTION => component.dependencies = Coverage::Incomplete,
            _ if node.is_none() => {
                notes.malformed("@graph[].Relationship.to", format!("names {}, which is no package", shown(to)));
            }
            _ => {}
        }
        node
    }

    fn licence(&self, id: &str, notes: &mut Notes) -> Option<Licence> {
        // The normal form finds out what it is.
        let licence = self.texts.get(id).map(|(_, text)| Licence::Name((*text).to_owned()));
        if licence.is_none() {
            notes.lost("@graph[].Relationship.to", format!("{} is a licence that is not described", shown(id)));
        }
        licence
    }

    /// The list with what it is of apart from the parts. Of several, none is the subject: the document is.
    fn with_subject(&self, mut bom: Bom, notes: &mut Notes) -> Bom {
        let mut roots: Vec<usize> = self.roots.iter().filter_map(|id| self.packages.get(id).copied()).collect();
        roots.sort_unstable();
        roots.dedup();
        match roots[..] {
            [] => notes.malformed("@graph[].rootElement", "names no package: it is not said what this is a list of"),
            [subject] => bom.promote(subject),
            _ => {
                notes.lost("@graph[].rootElement", "names several packages; they are parts of the document");
                bom.edges.extend(roots.iter().map(|&at| Edge { from: Node::Subject, to: Node::Component(at) }));
            }
        }
        bom
    }
}

fn kind(of: Fields<'_, '_>, notes: &mut Notes) -> Kind {
    let Some(name) = of.text("software_primaryPurpose", notes) else { return Kind::Library };
    let known = KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    known.unwrap_or_else(|| {
        notes.lost(of.at("software_primaryPurpose"), format!("is {}, and is read as a library", shown(name)));
        Kind::Library
    })
}

/// The package URL: a member of its own, or one of the identifiers.
fn purl(of: Fields<'_, '_>, notes: &mut Notes) -> Option<crate::PackageUrl> {
    const KNOWN: [&str; 3] = ["type", "externalIdentifierType", "identifier"];
    let mut text = of.text("software_packageUrl", notes);
    for other in of.objects("externalIdentifier", "software_Package.externalIdentifier[]", &KNOWN, notes) {
        let kind = other.text("externalIdentifierType", notes).unwrap_or_default();
        let identifier = other.text("identifier", notes);
        if kind == "packageUrl" && (text.is_none() || text == identifier) {
            text = identifier;
        } else {
            notes.lost(
                "software_Package.externalIdentifier[]",
                format!("of the type {} is not carried over", shown(kind)),
            );
        }
    }
    let purl = text?.parse();
    if purl.is_err() {
        notes.malformed(of.at("software_packageUrl"), format!("{} is no package URL", shown(text?)));
    }
    purl.ok()
}

fn digest(hash: Fields<'_, '_>, component: &mut Component, notes: &mut Notes) {
    const PLACE: &str = "software_Package.verifiedUsing[]";
    let (Some(name), Some(digits)) = (hash.text("algorithm", notes), hash.text("hashValue", notes)) else {
        return notes.lost(PLACE, "is not carried over");
    };
    match ALGORITHMS.iter().find(|(known, _)| *known == name) {
        None => notes.lost(PLACE, format!("is {}, which is not kept", shown(name))),
        Some((_, algorithm)) => match Digest::from_hex(*algorithm, digits) {
            Ok(digest) => component.hashes.push(digest),
            Err(error) => notes.malformed(PLACE, format!("is no digest: {error}")),
        },
    }
}

/// Names and texts of the properties in extensions.
fn extension<'j>(of: Fields<'j, '_>, notes: &mut Notes) -> Vec<(&'j str, &'j str)> {
    const PLACE: &str = "@graph[].extension[]";
    const ENTRY: [&str; 3] = ["type", "extension_cdxPropName", "extension_cdxPropValue"];
    let mut properties = Vec::new();
    for extension in of.objects("extension", PLACE, &["type", "extension_cdxProperty"], notes) {
        for entry in extension.objects("extension_cdxProperty", PLACE, &ENTRY, notes) {
            let name = entry.text("extension_cdxPropName", notes).unwrap_or_default();
            properties.push((name, entry.text("extension_cdxPropValue", notes).unwrap_or_default()));
        }
    }
    properties
}
