//! Bills of materials that somebody else made: what they name is looked for like what a lockfile names.
//!
//! A list may be of anything. Parts that are files, or of kinds of packages that are not known here, are counted and left
//! out; a part that is a package and does not say which release cannot be looked for, and that is said.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::Bytes;
use stockade_ecosystem::{Locked, Origin, Parsed, Problem, Scope, known};
use stockade_engine::sbom::{Bom, Component, Kind, Node, ProblemKind, Read, read};
use stockade_model::{Integrity, Package, Purl};

use super::{Found, Seen};

/// How the files are called by those who write them.
const NAMES: [&str; 3] = ["bom.json", "sbom.json", "cyclonedx.json"];
const ENDINGS: [&str; 5] = [".cdx.json", ".spdx.json", ".bom.json", ".sbom.json", ".spdx3.json"];

/// True if a file at this path is a bill of materials.
pub(super) fn is_one(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    NAMES.contains(&file.as_str()) || ENDINGS.iter().any(|ending| file.ends_with(ending))
}

/// Adds what a bill of materials names.
pub(super) fn look(path: &str, bytes: &Bytes, seen: &mut Seen) {
    let Read { format, bom, problems } = read(bytes);
    // What has no place in our list is none of what is looked for.
    let problems = problems.iter().filter(|problem| problem.kind != ProblemKind::Lost);
    let mut problems: Vec<Problem> = problems.map(|problem| Problem::new(problem.to_string())).collect();
    let bom = bom.unwrap_or_else(|| Bom::new(Component::new(Kind::File, path)));
    problems.extend(bom.gaps.iter().map(|gap| Problem::new(format!("whoever made it says: {gap}"))));
    let mut others: BTreeMap<String, usize> = BTreeMap::new();
    let value = entries(&bom, &mut problems, &mut others);
    let told = others.into_iter().map(|(kind, count)| format!("{path}: {count} of its parts: {kind}"));
    seen.left_out.extend(told);
    let kind = format.map_or("bill of materials", stockade_engine::sbom::Format::name);
    seen.found.push(Found::new(PathBuf::from(path), kind, Parsed { value, problems, ..Parsed::default() }));
}

fn entries(bom: &Bom, problems: &mut Vec<Problem>, others: &mut BTreeMap<String, usize>) -> Vec<Locked> {
    let mut entries = Vec::new();
    let mut places = BTreeMap::new();
    for (node, component) in bom.nodes() {
        match entry(component) {
            Ok(entry) => {
                places.insert(node, entries.len());
                entries.push(entry);
            }
            // What it is a list of need not be a release.
            Err(_) if node == Node::Subject => {}
            Err(Unnamed::Other(kind)) => *others.entry(kind).or_default() += 1,
            Err(Unnamed::Problem(what)) => problems.push(Problem::new(what)),
        }
    }
    for edge in &bom.edges {
        let Some(&to) = places.get(&edge.to) else { continue };
        if edge.from == Node::Subject
            && let Some(entry) = entries.get_mut(to)
        {
            entry.direct = Some(true);
        }
        let from = places.get(&edge.from).and_then(|from| entries.get_mut(*from));
        if let Some((from, to)) = from.zip(u32::try_from(to).ok()) {
            from.needs.push(to);
        }
    }
    for entry in &mut entries {
        entry.needs.sort_unstable();
        entry.needs.dedup();
    }
    entries
}

/// Why a part is no release that can be looked for.
enum Unnamed {
    /// It is of another kind.
    Other(String),
    /// It should be, and cannot be told.
    Problem(String),
}

fn entry(component: &Component) -> Result<Locked, Unnamed> {
    let name = component.name.escape_debug();
    let Some(text) = &component.purl else {
        return Err(match component.kind {
            Kind::Library | Kind::Framework => Unnamed::Other("packages without a package URL".to_owned()),
            _ => Unnamed::Other("no packages".to_owned()),
        });
    };
    let problem = |error: &dyn std::fmt::Display| Unnamed::Problem(format!("what `{name}` is cannot be told: {error}"));
    let purl: Purl = text.as_str().parse().map_err(|error| problem(&error))?;
    let kind = purl.package.ecosystem.as_str();
    let Some(ecosystem) = known().find(|ecosystem| ecosystem.purl_type == kind) else {
        return Err(Unnamed::Other(format!("of the kind `{kind}`, which is not known here")));
    };
    let name = (ecosystem.name)(purl.package.name.as_str()).map_err(|error| problem(&error))?;
    let version = purl.version.or_else(|| component.version.clone());
    let version = version.ok_or_else(|| problem(&"it has no version"))?;
    Ok(Locked {
        release: Package { ecosystem: ecosystem.id.clone(), name }.release(version),
        integrity: Integrity::from_digests(component.hashes.clone()),
        origin: Origin::Registry(None),
        licence: match component.licences.as_slice() {
            [licence] => Some(licence.text().to_owned()),
            _ => None,
        },
        line: 1,
        scope: match component.scope {
            Some(stockade_engine::sbom::Scope::Required) => Scope::Run,
            Some(stockade_engine::sbom::Scope::Optional) => Scope::Optional,
            Some(stockade_engine::sbom::Scope::Excluded) => Scope::Dev,
            None => Scope::Unknown,
        },
        direct: None,
        needs: Vec::new(),
    })
}
