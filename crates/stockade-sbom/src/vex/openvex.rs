//! `OpenVEX` 0.0.1 to 0.2.0. Before 0.2 a vulnerability and a product were texts, and parts stood beside the products.

use jiff::Timestamp;
use serde::Deserialize;
use stockade_model::Purl;

use super::{Budget, Statement, Status, Subject, Unusable, joined, purl};

#[derive(Deserialize)]
struct Document {
    timestamp: Option<Timestamp>,
    statements: Vec<Written>,
}

#[derive(Deserialize)]
struct Written {
    vulnerability: Vulnerability,
    timestamp: Option<Timestamp>,
    #[serde(default)]
    products: Vec<Product>,
    #[serde(default)]
    subcomponents: Vec<Product>,
    status: Status,
    justification: Option<String>,
    impact_statement: Option<String>,
    status_notes: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Vulnerability {
    Name(String),
    Described {
        #[serde(rename = "@id")]
        id: Option<String>,
        name: Option<String>,
        #[serde(default)]
        aliases: Vec<String>,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Product {
    Id(String),
    Described {
        #[serde(rename = "@id")]
        id: Option<String>,
        #[serde(default)]
        identifiers: Identifiers,
        #[serde(default)]
        subcomponents: Vec<Product>,
    },
}

impl Product {
    /// The parts of it that are meant.
    fn within(&self) -> &[Self] {
        match self {
            Self::Described { subcomponents, .. } => subcomponents,
            Self::Id(_) => &[],
        }
    }
}

#[derive(Default, Deserialize)]
struct Identifiers {
    purl: Option<String>,
}

pub(super) fn read(document: &[u8], budget: &mut Budget) -> Result<Vec<Statement>, Unusable> {
    let document: Document = serde_json::from_slice(document)?;
    let mut statements = Vec::new();
    for (at, written) in document.statements.iter().enumerate() {
        let place = format!("statements[{at}]");
        let statement = statement(written, &place, budget)?;
        statements.push(Statement { at: statement.at.or(document.timestamp), ..statement });
    }
    Ok(statements)
}

fn statement(written: &Written, place: &str, budget: &mut Budget) -> Result<Statement, Unusable> {
    let Written { justification, impact_statement, status_notes, status, .. } = written;
    if *status == Status::NotAffected && joined(&[justification.as_deref(), impact_statement.as_deref()]).is_none() {
        let what = "says `not_affected` and neither a justification nor an impact statement";
        return Err(Unusable::new(place, what));
    }
    let mut about = Vec::new();
    for (at, product) in written.products.iter().enumerate() {
        budget.take(1 + product.within().len() + written.subcomponents.len())?;
        about.extend(subject(product, &written.subcomponents, &format!("{place}.products[{at}]"))?);
    }
    let vulnerability = names(&written.vulnerability);
    if vulnerability.is_empty() {
        return Err(Unusable::new(format!("{place}.vulnerability"), "has no name"));
    }
    Ok(Statement {
        vulnerability,
        about,
        status: *status,
        why: joined(&[justification.as_deref(), impact_statement.as_deref(), status_notes.as_deref()]),
        at: written.timestamp,
    })
}

fn names(vulnerability: &Vulnerability) -> Vec<String> {
    match vulnerability {
        Vulnerability::Name(name) => vec![name.clone()],
        Vulnerability::Described { id, name, aliases } => name.iter().chain(id).chain(aliases).cloned().collect(),
    }
}

/// A product; `None` if it has no package URL, or parts that have none.
fn subject(product: &Product, beside: &[Product], place: &str) -> Result<Option<Subject>, Unusable> {
    let within = product.within();
    let mut parts = Vec::new();
    for part in within.iter().chain(beside) {
        parts.extend(identified(part, place)?);
    }
    let is_narrowed = !within.is_empty() || !beside.is_empty();
    let named = identified(product, place)?.filter(|_| !is_narrowed || !parts.is_empty());
    Ok(named.map(|product| Subject { product, parts }))
}

fn identified(product: &Product, place: &str) -> Result<Option<Purl>, Unusable> {
    let of = |text: &str| purl(text, || place.to_owned());
    match product {
        Product::Id(id) => of(id),
        Product::Described { id, identifiers, .. } => {
            let by_id = id.as_deref().map(of).transpose()?.flatten();
            let other = identifiers.purl.as_deref().map(of).transpose()?.flatten();
            Ok(by_id.or(other))
        }
    }
}
