//! Who is affected by an advisory: under its identifier the index has the packages that it is about, under those the
//! inventory has the releases that anybody has, and the index says which of these it means. What is asked grows with the
//! releases of those packages, and not with the projects.

use std::collections::BTreeMap;

use stockade_advisory::{Answer, Damage, Grade, Question, Subjects};
use stockade_model::{Algorithm, Digest, Purl};

use super::Hit;
use super::ask::{Component, of_digest, of_package};
use super::hits::hits;
use crate::store::Store;
use crate::{Advisories, EngineError};

/// Who is affected by an advisory.
#[derive(Debug, Clone, PartialEq)]
pub struct Advised {
    /// Who has, or had, what it is about, and how well it fits.
    pub hits: Vec<(Hit, Grade)>,
    /// What could not be compared with it.
    pub unclear: Vec<String>,
}

impl Store {
    /// Who is affected by the advisory with this identifier; `None` if no record that could be read has it.
    pub async fn who_is_affected(&self, advisories: &Advisories, id: &str) -> Result<Option<Advised>, EngineError> {
        let damaged = |damage: Damage| EngineError::Refused(damage.to_string());
        let Some(Subjects { ids, packages, digests }) = advisories.subjects(id).map_err(damaged)? else {
            return Ok(None);
        };
        let (of_packages, of_digests) = self
            .read(move |connection| {
                let of_packages = packages.iter().map(|package| of_package(connection, package));
                let of_packages = of_packages.collect::<rusqlite::Result<Vec<_>>>()?;
                let of_digests = digests.iter().map(|digest| of_digest(connection, digest));
                Ok((of_packages, of_digests.collect::<rusqlite::Result<Vec<_>>>()?))
            })
            .await?;
        let mut chosen = BTreeMap::new();
        let mut unclear = Vec::new();
        for components in of_packages {
            let meant = meant(advisories, &ids, components, &mut unclear).map_err(damaged)?;
            chosen.extend(meant.into_iter().map(|(component, grade)| (component.id, (component, grade))));
        }
        let exactly = of_digests.into_iter().flatten();
        chosen.extend(exactly.map(|component| (component.id, (component, Grade::Hash))));
        let found = self
            .read(move |connection| {
                let grades: BTreeMap<i64, Grade> = chosen.iter().map(|(id, (_, grade))| (*id, *grade)).collect();
                let components: Vec<Component> = chosen.into_values().map(|(component, _)| component).collect();
                let hits = hits(connection, &components)?.into_iter();
                let graded = hits.filter_map(|hit| Some((grades.get(&hit.place.component).copied()?, hit)));
                Ok(graded.map(|(grade, hit)| (hit, grade)).collect())
            })
            .await?;
        Ok(Some(Advised { hits: found, unclear }))
    }
}

/// The components of one package that one of these records means.
fn meant(
    advisories: &Advisories,
    ids: &[String],
    components: Vec<Component>,
    unclear: &mut Vec<String>,
) -> Result<Vec<(Component, Grade)>, Damage> {
    let Some(package) = components.first().map(|first| first.release.package.clone()) else { return Ok(Vec::new()) };
    let digests: Vec<Vec<Digest>> = components.iter().map(|component| split(&component.digests)).collect();
    let questions: Vec<Question<'_>> = components
        .iter()
        .zip(&digests)
        .map(|(component, digests)| Question { digests, ..Question::version(&component.release.version) })
        .collect();
    let answers = advisories.answers(&package, &questions)?;
    let mut chosen = Vec::new();
    for (component, Answer { matches, unclear: open, .. }) in components.into_iter().zip(answers) {
        let open = open.iter().filter(|open| ids.contains(&open.id));
        let purl = Purl::of(&component.release);
        unclear.extend(open.map(|open| format!("`{}` cannot be compared with {purl}", open.id)));
        let reasons = matches.iter().flat_map(|found| &found.because).filter(|because| ids.contains(&because.id));
        if let Some(grade) = reasons.map(|because| because.grade).min() {
            chosen.push((component, grade));
        }
    }
    Ok(chosen)
}

/// Digests from the form in which the store has them.
fn split(mut joined: &[u8]) -> Vec<Digest> {
    let all = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512];
    let mut digests = Vec::new();
    while let Some((length, rest)) = joined.split_first() {
        let Some((digest, rest)) = rest.split_at_checked(usize::from(*length)) else { break };
        digests.extend(all.into_iter().find_map(|algorithm| Digest::new(algorithm, digest).ok()));
        joined = rest;
    }
    digests
}
