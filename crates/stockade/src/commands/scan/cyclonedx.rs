//! CycloneDX: the bill of materials with what was found, and with what was said to do nothing.

use std::collections::{BTreeMap, HashMap};

use stockade_engine::advisory::Class;
use stockade_engine::sbom::{Analysis, Bom, PackageUrl, Vulnerability, write_vulnerabilities};
use stockade_model::Purl;

use super::{Answer, Finding};
use crate::output::line;

pub(super) fn write(answer: &Answer, mut bom: Bom, newest: bool) -> anyhow::Result<String> {
    bom.gaps = answer.coverage.gaps().map(line).collect();
    let vulnerabilities = vulnerabilities(answer, &parts(&bom));
    Ok(String::from_utf8(write_vulnerabilities(&bom, newest, &vulnerabilities))?)
}

/// What the parts are called that are a release, by its package URL: one from a repository has that in its own.
type Parts = HashMap<String, Vec<PackageUrl>>;

fn parts(bom: &Bom) -> Parts {
    let mut parts = Parts::new();
    for url in bom.components.iter().filter_map(|component| component.purl.as_ref()) {
        let Ok(purl) = url.as_str().parse::<Purl>() else { continue };
        parts.entry(purl.to_string()).or_default().push(url.clone());
    }
    parts
}

/// One for each advisory, unless it does something to one release and nothing to another.
fn vulnerabilities(answer: &Answer, parts: &Parts) -> Vec<Vulnerability> {
    let mut all: BTreeMap<(&str, Option<Analysis>), Vulnerability> = BTreeMap::new();
    for finding in &answer.findings {
        let analysis = finding
            .lifted
            .as_ref()
            .map(|lifted| Analysis { status: lifted.status, why: lifted.why.as_deref().map(line) });
        let one = all.entry((&finding.id, analysis.clone())).or_insert_with(|| vulnerability(finding, analysis));
        one.affects.extend(parts.get(&finding.purl.to_string()).into_iter().flatten().cloned());
    }
    let mut all: Vec<Vulnerability> = all.into_values().collect();
    for one in &mut all {
        one.affects.sort();
        one.affects.dedup();
    }
    all
}

fn vulnerability(finding: &Finding, analysis: Option<Analysis>) -> Vulnerability {
    let is_malicious = finding.class == Class::Malicious;
    let recommendation = match finding.fixed.as_slice() {
        _ if is_malicious => Some("remove it, and take every secret that it could reach for stolen".to_owned()),
        [] => None,
        fixed => Some(line(&format!("update to {}", fixed.join(", ")))),
    };
    Vulnerability {
        id: line(&finding.id),
        aliases: finding.aliases.iter().map(|alias| line(alias)).collect(),
        is_malicious,
        description: line(&finding.summary),
        recommendation,
        tenths: finding.severity.tenths,
        vector: finding.severity.vector.clone(),
        affects: Vec::new(),
        analysis,
    }
}
