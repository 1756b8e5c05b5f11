//! VEX in CycloneDX: the analysis of a vulnerability, and what of the parts it is about.
//!
//! A part is named by the reference that it has in this document or in another one, which is a package URL in most. Where
//! the document says of which product it is, it speaks of the part in that product.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;
use stockade_model::Purl;

use super::{Budget, Statement, Status, Subject, Unusable, joined, purl};

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    components: Vec<Component>,
    #[serde(default)]
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    timestamp: Option<Timestamp>,
    component: Option<Component>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "bom-ref")]
    reference: Option<String>,
    purl: Option<String>,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Vulnerability {
    id: Option<String>,
    #[serde(default)]
    references: Vec<Alias>,
    analysis: Option<Analysis>,
    #[serde(default)]
    affects: Vec<Affected>,
}

#[derive(Deserialize)]
struct Alias {
    id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Analysis {
    state: Option<State>,
    justification: Option<String>,
    detail: Option<String>,
    last_updated: Option<Timestamp>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Resolved,
    ResolvedWithPedigree,
    Exploitable,
    InTriage,
    FalsePositive,
    NotAffected,
}

#[derive(Deserialize)]
struct Affected {
    #[serde(rename = "ref")]
    reference: String,
    #[serde(default)]
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct Version {
    version: Option<String>,
    status: Option<String>,
}

pub(super) fn read(document: &[u8], budget: &mut Budget) -> Result<Vec<Statement>, Unusable> {
    let document: Document = serde_json::from_slice(document)?;
    let mut parts = HashMap::new();
    let own = document.metadata.component.as_ref();
    for component in own.into_iter().chain(&document.components) {
        collect(component, &mut parts)?;
    }
    let product = own.and_then(|own| parts.get(own.reference.as_deref()?)).cloned();
    let product = match (product, own.and_then(|own| own.purl.as_deref())) {
        (None, Some(text)) => purl(text, || "metadata.component".to_owned())?,
        (product, _) => product,
    };
    let mut statements = Vec::new();
    for (at, written) in document.vulnerabilities.iter().enumerate() {
        let place = format!("vulnerabilities[{at}]");
        let Some((state, analysis)) = written.analysis.as_ref().and_then(|analysis| Some((analysis.state?, analysis)))
        else {
            continue;
        };
        let vulnerability: Vec<String> =
            written.id.iter().chain(written.references.iter().filter_map(|alias| alias.id.as_ref())).cloned().collect();
        if vulnerability.is_empty() {
            return Err(Unusable::new(place, "has no identifier"));
        }
        let mut about = Vec::new();
        for affected in &written.affects {
            budget.take(affected.versions.len().max(1))?;
            about.extend(subjects(affected, &parts, product.as_ref(), &place)?);
        }
        let why = joined(&[analysis.justification.as_deref(), analysis.detail.as_deref()]);
        let at = analysis.last_updated.or(document.metadata.timestamp);
        statements.push(Statement { vulnerability, about, status: status(state), why, at });
    }
    Ok(statements)
}

const fn status(state: State) -> Status {
    match state {
        State::Resolved | State::ResolvedWithPedigree => Status::Fixed,
        State::FalsePositive | State::NotAffected => Status::NotAffected,
        State::Exploitable => Status::Affected,
        State::InTriage => Status::UnderInvestigation,
    }
}

fn collect(component: &Component, parts: &mut HashMap<String, Purl>) -> Result<(), Unusable> {
    if let (Some(reference), Some(text)) = (&component.reference, &component.purl)
        && let Some(purl) = purl(text, || format!("the component `{}`", reference.escape_debug()))?
    {
        parts.insert(reference.clone(), purl);
    }
    component.components.iter().try_for_each(|inner| collect(inner, parts))
}

/// What a reference leads to, in each version that is named.
fn subjects(
    affected: &Affected,
    parts: &HashMap<String, Purl>,
    product: Option<&Purl>,
    place: &str,
) -> Result<Vec<Subject>, Unusable> {
    // One to another document ends with what it is called there.
    let name = affected.reference.rsplit_once('#').map_or(affected.reference.as_str(), |(_, name)| name);
    let known = parts.get(&affected.reference).or_else(|| parts.get(name)).cloned();
    let part = match known {
        Some(part) => Some(part),
        None => purl(&decoded(name), || format!("{place}.affects"))?,
    };
    let Some(part) = part else { return Ok(Vec::new()) };
    let about = |part: Purl| match product {
        Some(product) if *product != part => Subject { product: product.clone(), parts: vec![part] },
        _ => Subject { product: part, parts: Vec::new() },
    };
    if affected.versions.is_empty() {
        return Ok(vec![about(part)]);
    }
    // What is known not to be affected needs no analysis, and a range is of an order that is not told.
    let meant = affected.versions.iter().filter(|version| version.status.as_deref() != Some("unaffected"));
    let versions = meant.filter_map(|version| version.version.clone());
    Ok(versions.map(|version| about(Purl { version: Some(version), ..part.clone() })).collect())
}

/// The end of a link, in which a package URL may be encoded once more.
fn decoded(text: &str) -> String {
    if text.starts_with("pkg:") {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        let digits = (ahead.next().and_then(digit), ahead.next().and_then(digit));
        match (byte, digits) {
            (b'%', (Some(high), Some(low))) => {
                bytes.push(high << 4 | low);
                rest = ahead;
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

fn digit(byte: u8) -> Option<u8> {
    u8::try_from(char::from(byte).to_digit(16)?).ok()
}
