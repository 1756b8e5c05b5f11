//! Who was given what is now known as malware.
//!
//! A record about malware comes hours after an attack, and what was given out until then is on somebody's machine. So what
//! was ever given out is compared with the advisories when these change, and what is given out from then on too: a ruling
//! may have been made just before.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use stockade_advisory::Question;
use stockade_model::{Digest, Package, Purl, Release};

use crate::{Advisories, Engine, EngineError, ServedRow, Store};

/// How often what was given out is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// A release that was given out, and that the advisories call malware.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServedMalware {
    /// The release, without a file.
    pub release: Release,
    /// The advisory.
    pub id: String,
    /// One line of what it says.
    pub summary: String,
    /// Who was given which file of it, the first first.
    pub given: Vec<ServedRow>,
}

/// What was found so far.
#[derive(Default)]
pub(crate) struct Watched {
    /// The last row that was looked at.
    row: i64,
    by: Option<Arc<Advisories>>,
    found: BTreeMap<Release, String>,
}

/// Versions of packages that were given out, each with digests of its files.
pub(crate) type Given = Vec<(Package, Vec<(String, Vec<Digest>)>)>;

impl ServedMalware {
    /// Everything that was given out and that these advisories call malware.
    pub async fn all(store: &Store, advisories: &Arc<Advisories>) -> Result<Vec<Self>, EngineError> {
        let (given, _) = store.given_after(0, advisories.know_bytes()).await?;
        let found = malicious(Arc::clone(advisories), given).await?;
        let given = store.given(found.keys().cloned().collect()).await?;
        let all = found.into_iter().zip(given);
        Ok(all.map(|((release, (id, summary)), given)| Self { release, id, summary, given }).collect())
    }
}

impl Engine {
    /// Compares what was given out with the advisories, for as long as it is polled, and says what is found once.
    pub async fn watch_served(&self) {
        loop {
            if let Err(error) = self.look_at_served().await {
                tracing::warn!(%error, "what was given out could not be compared with the advisories");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// How many releases were given out that the advisories call malware.
    pub fn served_malware(&self) -> usize {
        self.watched().found.len()
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.0.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn look_at_served(&self) -> Result<(), EngineError> {
        let advisories = self.advisories();
        let is_same = |by: &Arc<Advisories>| Arc::ptr_eq(by, &advisories);
        let (row, known) = {
            let watched = self.watched();
            let row = if watched.by.as_ref().is_some_and(is_same) { watched.row } else { 0 };
            (row, watched.found.clone())
        };
        let (given, last) = self.0.store.given_after(row, advisories.know_bytes()).await?;
        let found = malicious(Arc::clone(&advisories), given).await?;
        for (release, (id, summary)) in &found {
            if known.get(release) != Some(id) {
                let release = Purl::of(release).to_string();
                tracing::warn!(
                    release,
                    advisory = id,
                    summary,
                    "malware was given out; `stockade log served --malware` says to whom"
                );
            }
        }
        let found = found.into_iter().map(|(release, (id, _))| (release, id));
        // What a withdrawn record said is not found again.
        let kept = if row == 0 { BTreeMap::new() } else { known };
        let found = kept.into_iter().chain(found).collect();
        *self.watched() = Watched { row: last, by: Some(advisories), found };
        Ok(())
    }
}

/// The releases that the advisories call malware, each with the advisory and its summary.
async fn malicious(
    advisories: Arc<Advisories>,
    given: Given,
) -> Result<BTreeMap<Release, (String, String)>, EngineError> {
    let asking = move || {
        let mut found = BTreeMap::new();
        for (package, versions) in given {
            let questions =
                versions.iter().map(|(version, digests)| Question { digests, ..Question::version(version) });
            let questions: Vec<Question<'_>> = questions.collect();
            let answers = advisories.answers(&package, &questions);
            let answers = answers.map_err(|damage| EngineError::Advisories(damage.to_string()))?;
            for ((version, _), answer) in versions.iter().zip(answers) {
                let malware = answer.matches.into_iter().find(stockade_advisory::Match::blocks_by_default);
                if let Some(malware) = malware {
                    found.insert(package.release(version.as_str()), (malware.id, malware.summary));
                }
            }
        }
        Ok(found)
    };
    tokio::task::spawn_blocking(asking).await?
}
