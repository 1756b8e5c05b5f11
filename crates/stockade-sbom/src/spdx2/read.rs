//! SPDX 2.2 and 2.3, in.

use std::collections::HashMap;

use stockade_model::Digest;

use crate::format::MAX_COMPONENTS;
use crate::json::Object;
use crate::licence::{Licence, references};
use crate::notes::{Fields, Notes, ProblemKind, shown};
use crate::{Bom, Component, Context, Coverage, Edge, Kind, Node, Scope, extras};

use super::{
    ALGORITHMS, CONTEXT, DEPENDS_ON, DESCRIBES, DOCUMENT, KINDS, NO_ASSERTION, NONE, ORGANISATION, PERSON, TOOL,
};

const KNOWN: [&str; 11] = [
    "spdxVersion",
    "dataLicense",
    "SPDXID",
    "name",
    "documentNamespace",
    "creationInfo",
    "packages",
    "relationships",
    "hasExtractedLicensingInfos",
    "annotations",
    "documentDescribes",
];
const PACKAGE: [&str; 15] = [
    "name",
    "SPDXID",
    "versionInfo",
    "primaryPackagePurpose",
    "supplier",
    "originator",
    "downloadLocation",
    "filesAnalyzed",
    "checksums",
    "licenseConcluded",
    "licenseDeclared",
    "licenseInfoFromFiles",
    "copyrightText",
    "externalRefs",
    "annotations",
];
const ANNOTATION: [&str; 4] = ["annotationDate", "annotationType", "annotator", "comment"];
/// The end of the types of relationships that say what needs the first element.
const DEPENDENCY_OF: &str = "DEPENDENCY_OF";

/// What is known of names while a document is read.
struct Reader<'j> {
    packages: HashMap<&'j str, usize>,
    licences: HashMap<&'j str, &'j str>,
    described: Vec<&'j str>,
}

pub(crate) fn read(document: &Object<'_>, notes: &mut Notes) -> Bom {
    let document = Fields::new(document, "", &KNOWN, notes);
    let described = document.texts("documentDescribes", notes);
    let mut reader = Reader { packages: HashMap::new(), licences: definitions(document, notes), described };
    let mut bom = Bom::new(Component::new(Kind::Application, document.text("name", notes).unwrap_or_default()));
    creation(document, &mut bom, notes);
    for (name, text) in annotations(document, "annotations[]", notes) {
        if !extras::read_document(name, text, &mut bom, "annotations[]", notes) {
            notes.lost("annotations[]", "is not carried over");
        }
    }
    reader.packages(document, &mut bom, notes);
    reader.relationships(document, &mut bom, notes);
    let subject = reader.subject(notes);
    with_subject(bom, &subject)
}

/// The list with what it describes apart from the parts. Of several, none is the subject: the document is.
fn with_subject(mut bom: Bom, described: &[usize]) -> Bom {
    let [subject] = described[..] else {
        bom.edges.extend(described.iter().map(|&at| Edge { from: Node::Subject, to: Node::Component(at) }));
        return bom;
    };
    bom.promote(subject);
    bom
}

fn creation(document: Fields<'_, '_>, bom: &mut Bom, notes: &mut Notes) {
    let known = ["created", "creators", "comment", "licenseListVersion"];
    let Some(creation) = document.object("creationInfo", "creationInfo", &known, notes) else { return };
    bom.created = creation.time("created", notes);
    for creator in creation.texts("creators", notes) {
        if let Some(tool) = creator.strip_prefix(TOOL) {
            bom.tools.extend(said(tool.trim()).map(extras::parted));
        } else if let Some(author) = creator.strip_prefix(ORGANISATION).or_else(|| creator.strip_prefix(PERSON)) {
            bom.authors.extend(said(author.trim()).map(str::to_owned));
        } else {
            notes.malformed("creationInfo.creators", "is neither a person, nor an organisation, nor a tool");
        }
    }
    let Some(comment) = creation.text("comment", notes) else { return };
    let name = comment.strip_prefix(CONTEXT);
    bom.context = Context::ALL.into_iter().find(|context| Some(context.name()) == name);
    if bom.context.is_none() {
        notes.lost("creationInfo.comment", "is not carried over");
    }
}

/// A value, unless it says that nothing is said.
fn said(text: &str) -> Option<&str> {
    (!text.is_empty() && text != NO_ASSERTION && text != NONE).then_some(text)
}

/// What the document says of licences that the list does not have.
fn definitions<'j>(document: Fields<'j, '_>, notes: &mut Notes) -> HashMap<&'j str, &'j str> {
    let known = ["licenseId", "extractedText", "name"];
    let mut licences = HashMap::new();
    for info in document.objects("hasExtractedLicensingInfos", "hasExtractedLicensingInfos[]", &known, notes) {
        let name = info.text("name", notes).and_then(said);
        let text = info.text("extractedText", notes).and_then(said);
        if let (Some(id), Some(name)) = (info.needed("licenseId", notes), name.or(text)) {
            licences.insert(id, name);
            if text.is_some_and(|text| text != name) {
                notes.lost("hasExtractedLicensingInfos[].extractedText", "is not carried over");
            }
        }
    }
    licences
}

/// The notes of ours among annotations. A comment that is none has an empty name.
fn annotations<'j>(of: Fields<'j, '_>, place: &'static str, notes: &mut Notes) -> Vec<(&'j str, &'j str)> {
    let annotations = of.objects("annotations", place, &ANNOTATION, notes);
    let comments = annotations.into_iter().filter_map(|annotation| annotation.text("comment", notes));
    comments.map(|comment| comment.split_once('=').unwrap_or(("", comment))).collect()
}

impl<'j> Reader<'j> {
    fn packages(&mut self, document: Fields<'j, '_>, bom: &mut Bom, notes: &mut Notes) {
        for package in document.objects("packages", "packages[]", &PACKAGE, notes) {
            if bom.components.len() >= MAX_COMPONENTS {
                let what = format!("are more than {MAX_COMPONENTS}; this one is not read");
                notes.note(ProblemKind::Limit, "packages[]", what);
                continue;
            }
            if let Some(id) = package.needed("SPDXID", notes)
                && self.packages.insert(id, bom.components.len()).is_some()
            {
                notes.malformed("packages[].SPDXID", format!("{} is there twice; the last one is meant", shown(id)));
            }
            bom.components.push(self.package(package, notes));
        }
    }

    fn package(&self, of: Fields<'j, '_>, notes: &mut Notes) -> Component {
        let mut component = Component::new(kind(of, notes), of.needed("name", notes).unwrap_or_default());
        component.version = of.text("versionInfo", notes).and_then(said).map(str::to_owned);
        component.supplier = supplier(of, notes);
        component.download = of.text("downloadLocation", notes).and_then(said).map(str::to_owned);
        component.licences = self.licences(of, notes);
        if of.text("copyrightText", notes).and_then(said).is_some() {
            notes.lost("packages[].copyrightText", "is not carried over");
        }
        for hash in of.objects("checksums", "packages[].checksums[]", &["algorithm", "checksumValue"], notes) {
            checksum(hash, &mut component, notes);
        }
        external(of, &mut component, notes);
        for (name, text) in annotations(of, "packages[].annotations[]", notes) {
            if !extras::read_component(name, text, &mut component, "packages[].annotations[]", notes) {
                notes.lost("packages[].annotations[]", "is not carried over");
            }
        }
        component
    }

    /// What is declared, or else what was concluded.
    fn licences(&self, of: Fields<'j, '_>, notes: &mut Notes) -> Vec<Licence> {
        let declared = of.text("licenseDeclared", notes).and_then(said);
        let concluded = of.text("licenseConcluded", notes).and_then(said);
        if declared.is_some() && concluded.is_some_and(|concluded| Some(concluded) != declared) {
            notes.lost("packages[].licenseConcluded", "is not carried over, since another one is declared");
        }
        let Some(text) = declared.or(concluded) else { return Vec::new() };
        let resolved = |licence: Licence| match self.licences.get(licence.text()) {
            Some(name) => Licence::read(name),
            None => licence,
        };
        let licences: Vec<Licence> = Licence::read(text).normal().into_iter().map(resolved).collect();
        let inner =
            |licence: &Licence| references(licence.text()).any(|reference| self.licences.contains_key(reference));
        if licences.iter().any(inner) {
            notes.lost("hasExtractedLicensingInfos[]", "is not carried over, since it is one of a choice");
        }
        licences
    }

    fn relationships(&mut self, document: Fields<'j, '_>, bom: &mut Bom, notes: &mut Notes) {
        const KNOWN: [&str; 3] = ["spdxElementId", "relationshipType", "relatedSpdxElement"];
        for relationship in document.objects("relationships", "relationships[]", &KNOWN, notes) {
            let [from, kind, to] = KNOWN.map(|key| relationship.needed(key, notes).unwrap_or_default());
            match kind {
                DESCRIBES if from == DOCUMENT => self.described.push(to),
                "DESCRIBED_BY" if to == DOCUMENT => self.described.push(from),
                DEPENDS_ON => self.depends(from, to, bom, notes),
                _ if kind.ends_with(DEPENDENCY_OF) => self.dependency_of(from, kind, to, bom, notes),
                _ => notes.lost("relationships[]", format!("of the type {} is not carried over", shown(kind))),
            }
        }
    }

    fn node(&self, id: &str, notes: &mut Notes) -> Option<usize> {
        let node = self.packages.get(id).copied();
        if node.is_none() {
            notes.malformed("relationships[]", format!("names {}, which is no package", shown(id)));
        }
        node
    }

    fn depends(&self, from: &str, to: &str, bom: &mut Bom, notes: &mut Notes) {
        let Some(from) = self.node(from, notes) else { return };
        match to {
            NONE => bom.components[from].dependencies = Coverage::Complete,
            NO_ASSERTION => bom.components[from].dependencies = Coverage::Incomplete,
            _ => bom.edges.extend(self.node(to, notes).map(|to| edge(from, to))),
        }
    }

    /// The reverse of `DEPENDS_ON`. Its types say what the first element is needed for.
    fn dependency_of(&self, from: &str, kind: &str, to: &str, bom: &mut Bom, notes: &mut Notes) {
        let (Some(from), Some(to)) = (self.node(from, notes), self.node(to, notes)) else { return };
        bom.edges.push(edge(to, from));
        let scope = match kind.strip_suffix(DEPENDENCY_OF) {
            Some("OPTIONAL_") => Scope::Optional,
            Some("DEV_" | "TEST_" | "BUILD_") => Scope::Excluded,
            Some("RUNTIME_") => Scope::Required,
            _ => return,
        };
        let known = &mut bom.components[from].scope;
        // What one needs at run time is needed, whoever else needs it for less.
        *known = Some(known.map_or(scope, |known| known.min(scope)));
    }

    /// The places of what the document describes, each once.
    fn subject(&self, notes: &mut Notes) -> Vec<usize> {
        let mut places: Vec<usize> = self.described.iter().filter_map(|id| self.node(id, notes)).collect();
        places.sort_unstable();
        places.dedup();
        match places.len() {
            0 => notes.malformed("relationships[]", "do not say which package the document describes"),
            1 => {}
            _ => notes.lost("relationships[]", "describe several packages; they are parts of the document"),
        }
        places
    }
}

fn edge(from: usize, to: usize) -> Edge {
    Edge { from: Node::Component(from), to: Node::Component(to) }
}

fn kind(of: Fields<'_, '_>, notes: &mut Notes) -> Kind {
    let Some(name) = of.text("primaryPackagePurpose", notes) else { return Kind::Library };
    // The schema writes it with `_`, the specification with `-`.
    let known = KINDS.iter().find(|(known, _)| *known == name.replace('-', "_")).map(|(_, kind)| *kind);
    known.unwrap_or_else(|| {
        notes.lost(of.at("primaryPackagePurpose"), format!("is {}, and is read as a library", shown(name)));
        Kind::Library
    })
}

fn supplier(of: Fields<'_, '_>, notes: &mut Notes) -> Option<String> {
    let party = |text: &'_ str| {
        let name = text.strip_prefix(ORGANISATION).or_else(|| text.strip_prefix(PERSON)).unwrap_or(text);
        said(name.trim()).map(str::to_owned)
    };
    let supplier = of.text("supplier", notes).and_then(party);
    let originator = of.text("originator", notes).and_then(party);
    if supplier.is_some() && originator.as_ref().is_some_and(|name| Some(name) != supplier.as_ref()) {
        notes.lost("packages[].originator", "is not carried over");
    }
    supplier.or(originator)
}

fn checksum(hash: Fields<'_, '_>, component: &mut Component, notes: &mut Notes) {
    let (Some(name), Some(digits)) = (hash.needed("algorithm", notes), hash.needed("checksumValue", notes)) else {
        return;
    };
    match ALGORITHMS.iter().find(|(known, _)| *known == name) {
        None => notes.lost("packages[].checksums[]", format!("is {}, which is not kept", shown(name))),
        Some((_, algorithm)) => match Digest::from_hex(*algorithm, digits) {
            Ok(digest) => component.hashes.push(digest),
            Err(error) => notes.malformed("packages[].checksums[]", format!("is no digest: {error}")),
        },
    }
}

fn external(of: Fields<'_, '_>, component: &mut Component, notes: &mut Notes) {
    const PLACE: &str = "packages[].externalRefs[]";
    const KNOWN: [&str; 3] = ["referenceCategory", "referenceType", "referenceLocator"];
    for reference in of.objects("externalRefs", PLACE, &KNOWN, notes) {
        let kind = reference.needed("referenceType", notes).unwrap_or_default();
        let Some(locator) = reference.needed("referenceLocator", notes) else { continue };
        if kind != "purl" || component.purl.is_some() {
            notes.lost(PLACE, format!("of the type {} is not carried over", shown(kind)));
            continue;
        }
        match locator.parse() {
            Ok(purl) => component.purl = Some(purl),
            Err(_) => notes.malformed(PLACE, format!("{} is no package URL", shown(locator))),
        }
    }
}
