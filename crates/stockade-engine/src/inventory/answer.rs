//! The whole answer to one question: who has it, who had it, and what could not be looked at to say so.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use stockade_advisory::Grade;
use stockade_model::{Digest, Package, Purl};

use super::{Asked, Coverage, Hit, Way, normal};
use crate::{Engine, EngineError};

/// A project that nobody has looked at for so long may have anything by now.
const OLD: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Who has something.
#[derive(Debug, Clone, Serialize)]
pub struct Affected {
    /// What was asked for.
    pub asked: String,
    /// Who has or had it.
    pub hits: Vec<Found>,
    /// What was looked at.
    pub coverage: Coverage,
    /// What could not be compared, or was not there to ask.
    pub unclear: Vec<String>,
}

/// A project that has or had it.
#[derive(Debug, Clone, Serialize)]
pub struct Found {
    /// True if the project has it now, as far as is known.
    pub now: bool,
    /// The project, and what it has.
    #[serde(flatten)]
    pub hit: Hit,
    /// How well the advisory fits, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grade: Option<Grade>,
    /// Where the project has it.
    pub places: Vec<Way>,
}

impl Affected {
    /// True if nobody has or had it, and everything was there to be asked.
    pub fn is_nobody(&self) -> bool {
        let whole = self.coverage.projects > 0 && self.coverage.unread.is_empty() && self.unclear.is_empty();
        self.hits.is_empty() && whole
    }
}

impl Engine {
    /// Who has, or had, a package or a release (a package URL), a file (its digest), or what an advisory is about (its
    /// identifier).
    pub async fn affected(&self, what: &str) -> Result<Affected, EngineError> {
        let store = self.store();
        let mut unclear = Vec::new();
        let found: Vec<(Hit, Option<Grade>)> = if let Some(asked) = asked(what)? {
            store.who_has(asked).await?.into_iter().map(|hit| (hit, None)).collect()
        } else {
            let advisories = self.advisories();
            unclear.extend(advisories.shortfalls());
            let advised = store.who_is_affected(&advisories, what).await?;
            let advised = advised.ok_or_else(|| EngineError::NoAdvisory(what.to_owned()))?;
            unclear.extend(advised.unclear);
            advised.hits.into_iter().map(|(hit, grade)| (hit, Some(grade))).collect()
        };
        let hits: Vec<Hit> = found.iter().map(|(hit, _)| hit.clone()).collect();
        let ways = store.ways(&hits).await?;
        let found = found.into_iter().zip(ways);
        let hits = found.map(|((hit, grade), places)| Found { now: hit.until.is_none(), hit, grade, places }).collect();
        let old = self.now().checked_sub(OLD).unwrap_or(Timestamp::MIN);
        Ok(Affected { asked: what.to_owned(), hits, coverage: store.looked_at(old).await?, unclear })
    }
}

/// What is asked for by itself; `None` for an advisory.
fn asked(what: &str) -> Result<Option<Asked>, EngineError> {
    let refused = |error: &dyn std::fmt::Display| EngineError::Refused(error.to_string());
    if what.starts_with("pkg:") {
        let Purl { package, version, .. } = what.parse().map_err(|error| refused(&error))?;
        let package: Package = normal(&package);
        return Ok(Some(match version {
            Some(version) => Asked::Release(package.release(version)),
            None => Asked::Package(package),
        }));
    }
    if !(what.starts_with("sha") && what.contains([':', '-'])) {
        return Ok(None);
    }
    let digest: Digest = what.parse().map_err(|error| refused(&error))?;
    Ok(Some(Asked::Digest(digest)))
}
