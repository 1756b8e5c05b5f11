//! CSAF 2.0 and 2.1: a tree of products, and for each vulnerability the status of each.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;
use stockade_model::Purl;

use super::{Budget, Statement, Status, Subject, Unusable, joined, purl};

#[derive(Deserialize)]
struct Csaf {
    document: About,
    #[serde(default)]
    product_tree: Tree,
    #[serde(default)]
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Deserialize)]
struct About {
    tracking: Option<Tracking>,
}

#[derive(Deserialize)]
struct Tracking {
    current_release_date: Option<Timestamp>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tree {
    branches: Vec<Branch>,
    full_product_names: Vec<Product>,
    product_groups: Vec<Group>,
    relationships: Vec<Relationship>,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(default)]
    branches: Vec<Branch>,
    product: Option<Product>,
}

#[derive(Deserialize)]
struct Product {
    product_id: String,
    #[serde(default)]
    product_identification_helper: Helper,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Helper {
    purl: Option<String>,
    /// Since 2.1.
    purls: Vec<String>,
}

#[derive(Deserialize)]
struct Group {
    group_id: String,
    product_ids: Vec<String>,
}

#[derive(Deserialize)]
struct Relationship {
    product_reference: String,
    relates_to_product_reference: String,
    full_product_name: Product,
}

#[derive(Deserialize)]
struct Vulnerability {
    cve: Option<String>,
    #[serde(default)]
    ids: Vec<Id>,
    #[serde(default)]
    product_status: Statuses,
    #[serde(default)]
    flags: Vec<Reason>,
    #[serde(default)]
    threats: Vec<Reason>,
}

#[derive(Deserialize)]
struct Id {
    text: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Statuses {
    known_not_affected: Vec<String>,
    fixed: Vec<String>,
    first_fixed: Vec<String>,
    known_affected: Vec<String>,
    first_affected: Vec<String>,
    last_affected: Vec<String>,
    under_investigation: Vec<String>,
}

/// A flag or a threat.
#[derive(Deserialize)]
struct Reason {
    label: Option<String>,
    details: Option<String>,
    #[serde(default)]
    product_ids: Vec<String>,
    #[serde(default)]
    group_ids: Vec<String>,
}

/// What the identifiers of a document's products mean; none for what has no package URL.
type Products<'a> = HashMap<&'a str, Vec<Subject>>;

/// What is written of a product's impact: a flag, a threat.
type Reasons<'a> = HashMap<&'a str, [Option<&'a str>; 2]>;

pub(super) fn read(document: &[u8], budget: &mut Budget) -> Result<Vec<Statement>, Unusable> {
    let document: Csaf = serde_json::from_slice(document)?;
    let products = products(&document.product_tree, budget)?;
    let groups = &document.product_tree.product_groups;
    let groups = groups.iter().map(|group| (group.group_id.as_str(), group.product_ids.as_slice())).collect();
    let at = document.document.tracking.and_then(|tracking| tracking.current_release_date);
    let mut statements = Vec::new();
    for (number, vulnerability) in document.vulnerabilities.iter().enumerate() {
        let place = format!("vulnerabilities[{number}]");
        let names: Vec<String> =
            vulnerability.cve.iter().chain(vulnerability.ids.iter().map(|id| &id.text)).cloned().collect();
        if names.is_empty() {
            return Err(Unusable::new(place, "has neither `cve` nor `ids`"));
        }
        let reasons = reasons(vulnerability, &groups, budget)?;
        for (status, id) in stated(&vulnerability.product_status) {
            let Some(about) = products.get(id.as_str()) else {
                let id = id.chars().take(80).collect::<String>();
                let what = format!("names the product `{}`, which `product_tree` does not have", id.escape_debug());
                return Err(Unusable::new(format!("{place}.product_status"), what));
            };
            budget.take(about.iter().map(|subject| 1 + subject.parts.len()).sum())?;
            let why = reasons.get(id.as_str()).and_then(|reasons| joined(reasons));
            statements.push(Statement { vulnerability: names.clone(), about: about.clone(), status, why, at });
        }
    }
    Ok(statements)
}

/// Each product with what is said of it; what is affected last, so that it counts if both are said.
fn stated(statuses: &Statuses) -> impl Iterator<Item = (Status, &String)> {
    let Statuses { known_not_affected, fixed, first_fixed, .. } = statuses;
    let Statuses { known_affected, first_affected, last_affected, under_investigation, .. } = statuses;
    let with = |status: Status| move |id| (status, id);
    let fixed = fixed.iter().chain(first_fixed).map(with(Status::Fixed));
    let affected = known_affected.iter().chain(first_affected).chain(last_affected).map(with(Status::Affected));
    known_not_affected
        .iter()
        .map(with(Status::NotAffected))
        .chain(fixed)
        .chain(under_investigation.iter().map(with(Status::UnderInvestigation)))
        .chain(affected)
}

fn products<'a>(tree: &'a Tree, budget: &mut Budget) -> Result<Products<'a>, Unusable> {
    let mut products = Products::new();
    for product in &tree.full_product_names {
        add(product, &mut products)?;
    }
    let mut branches: Vec<&Branch> = tree.branches.iter().collect();
    while let Some(branch) = branches.pop() {
        branches.extend(&branch.branches);
        if let Some(product) = &branch.product {
            add(product, &mut products)?;
        }
    }
    for relationship in &tree.relationships {
        let related = related(relationship, &products, budget)?;
        products.insert(&relationship.full_product_name.product_id, related);
    }
    Ok(products)
}

fn add<'a>(product: &'a Product, products: &mut Products<'a>) -> Result<(), Unusable> {
    let Product { product_id, product_identification_helper: helper } = product;
    let mut subjects = Vec::new();
    for text in helper.purl.iter().chain(&helper.purls) {
        let place = || format!("the product `{}`", product_id.escape_debug());
        subjects.extend(purl(text, place)?.map(|product| Subject { product, parts: Vec::new() }));
    }
    products.insert(product_id, subjects);
    Ok(())
}

/// A part in a product. A part of a part is about the outermost product.
fn related(
    relationship: &Relationship,
    products: &Products<'_>,
    budget: &mut Budget,
) -> Result<Vec<Subject>, Unusable> {
    let get = |id: &str| {
        let what =
            || Unusable::new("product_tree.relationships", format!("there is no product `{}`", id.escape_debug()));
        products.get(id).ok_or_else(what)
    };
    let parts: Vec<Purl> = get(&relationship.product_reference)?.iter().map(|part| part.product.clone()).collect();
    let whole = get(&relationship.relates_to_product_reference)?;
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    budget.take(whole.len() * (1 + parts.len()))?;
    let about = |whole: &Subject| Subject { product: whole.product.clone(), parts: parts.clone() };
    Ok(whole.iter().map(about).collect())
}

/// Why, for each product of which a vulnerability says so.
fn reasons<'a>(
    vulnerability: &'a Vulnerability,
    groups: &HashMap<&'a str, &'a [String]>,
    budget: &mut Budget,
) -> Result<Reasons<'a>, Unusable> {
    let flags = vulnerability.flags.iter().map(|flag| (0, flag, flag.label.as_deref()));
    let threats = vulnerability.threats.iter().map(|threat| (1, threat, threat.details.as_deref()));
    let mut reasons = Reasons::new();
    for (kind, reason, words) in flags.chain(threats) {
        let grouped = reason.group_ids.iter().filter_map(|group| groups.get(group.as_str()));
        for ids in grouped.copied().chain([reason.product_ids.as_slice()]) {
            budget.take(ids.len())?;
            for id in ids {
                reasons.entry(id.as_str()).or_default()[kind] = words;
            }
        }
    }
    Ok(reasons)
}
