//! What an index does not say is asked at the upstream, beside the files: when a release was published, and which digest a
//! file has. Some registries are nothing but folders of files, and there it is all that is known.
//!
//! The date of a file is the upstream's own word (`Last-Modified`), as the times in other registries' indexes are. Where it
//! gives none, a release is as old as it has been known here.

use std::collections::HashMap;

use futures_util::stream::{self, StreamExt as _};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::Method;
use stockade_ecosystem::{Index, Listed, Registry, Upstream};
use stockade_model::{Clock, Integrity, Malformed, Package, Release};
use url::Url;

use crate::store::Dated;
use crate::upstream::{Ask, Dialler, UpstreamError};
use crate::upstreams::Origin;
use crate::{Engine, EngineError};

/// The longest file with a claim in bytes; a claim has some hundred.
const MAX_CLAIM: u64 = 16 * 1024;
/// How many releases of a listing are asked for their date at once, the highest first. What is left has the date of the
/// index until it is asked for.
const MAX_DATED: usize = 40;
/// How many requests for dates are under way at the same time.
const AT_ONCE: usize = 8;

/// The publish times of a package's releases that its index does not state.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dates {
    by_version: HashMap<String, Dated>,
    /// What holds for all others that the index lists.
    others: Option<Dated>,
}

impl Dates {
    pub(crate) fn of(&self, listed: &Listed) -> Option<Dated> {
        self.by_version.get(&listed.version).or(self.others.as_ref()).cloned()
    }
}

impl Engine {
    /// The dates that are needed to rule on all releases of an index.
    pub(crate) async fn dates_of_all(&self, index: &Index) -> Result<Dates, EngineError> {
        let (registry, origin) = self.0.upstreams.of(&index.package)?;
        if origin.is_hosted() {
            return self.dates_of_hosted(&index.package).await;
        }
        let Some(listed_by) = registry.published_by(index) else { return Ok(Dates::default()) };
        let known = self.0.store.dates(&index.package).await?;
        let mut dates = Dates { by_version: known.into_iter().collect(), others: Some((listed_by, Clock::Listed)) };
        // Where even the youngest that the index can list is old enough, nobody needs to know more.
        let cooldown = self.policy().cooldown(&index.package).age;
        let is_settled = listed_by.checked_add(cooldown).is_ok_and(|matures| matures <= self.now());
        if !is_settled || self.state().freeze.is_some() {
            let unknown: Vec<&Listed> =
                index.highest_first().filter(|listed| !dates.by_version.contains_key(&listed.version)).collect();
            let asked = unknown.into_iter().take(MAX_DATED).map(|listed| listed.version.clone());
            let bound = Some(listed_by);
            dates.by_version.extend(self.ask_dates(registry, &index.package, asked.collect(), bound).await?);
        }
        Ok(dates)
    }

    /// What is hosted has the date of its publication: of several files of a version that of the last.
    async fn dates_of_hosted(&self, package: &Package) -> Result<Dates, EngineError> {
        let hosted = self.0.store.hosted(package).await?.unwrap_or_default();
        let dated = hosted.files.into_iter().map(|file| (file.release.version, (file.at, Clock::Hosted)));
        Ok(Dates { by_version: dated.collect(), others: None })
    }

    /// The date of one release.
    pub(crate) async fn dates_of(&self, index: &Index, listed: &Listed) -> Result<Dates, EngineError> {
        let (registry, origin) = self.0.upstreams.of(&index.package)?;
        let file = registry.artifact_file(&index.release(listed));
        if origin.is_hosted() || listed.published.is_some() || registry.dated_by(&index.package, &file).is_none() {
            return Ok(Dates::default());
        }
        let known = self.0.store.dates(&index.package).await?;
        let mut dates = Dates { by_version: known.into_iter().collect(), others: None };
        if let Some(dated) = self.date_of_build(registry, index, listed, &dates).await? {
            dates.by_version.insert(listed.version.clone(), dated);
        } else if !dates.by_version.contains_key(&listed.version) {
            let asked = vec![listed.version.clone()];
            let bound = registry.published_by(index).filter(|_| index.get(&listed.version).is_some());
            dates.by_version.extend(self.ask_dates(registry, &index.package, asked, bound).await?);
        }
        Ok(dates)
    }

    /// Asks for what is beside a file before its index is there, where files need none: neither answer needs the other.
    /// What was learnt is known when it is needed; what was not is asked for then.
    pub(crate) async fn ask_beside(&self, package: &Package, file: &str) -> Result<(), EngineError> {
        let (registry, origin) = self.0.upstreams.of(package)?;
        if origin.is_hosted() || !registry.files_stand_alone() || self.0.documents.at_hand(package).is_some() {
            return Ok(());
        }
        let index = Index::empty(package.clone());
        let Some(listed) = registry.file(&index, file).filter(|_| registry.moving(file).is_none()) else {
            return Ok(());
        };
        let release = index.release(&listed);
        let _flight = self.0.asking.board(release.clone()).await;
        let (date, claim) = tokio::join!(self.ask_date_of(registry, &release), self.claim_of(&release, &listed));
        date?;
        claim?;
        Ok(())
    }

    /// Asks for the date that the files of a release have, and keeps it if they have one.
    async fn ask_date_of(&self, registry: &'static dyn Registry, release: &Release) -> Result<(), EngineError> {
        let package = &release.package;
        let dated_by = |release: &Release| registry.dated_by(package, &registry.artifact_file(release));
        let known = self.0.store.dates(package).await?;
        let is_known = known.iter().any(|(version, _)| *version == release.version);
        if is_known || dated_by(release) != dated_by(&release.clone().whole()) {
            return Ok(());
        }
        match self.ask_date(registry, release, None).await {
            Ok(dated) if dated.1 == Clock::Files => {
                Ok(self.0.store.keep_dates(package, vec![(release.version.clone(), dated)]).await?)
            }
            Ok(_) | Err(EngineError::Upstream(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The date of one build of a version, where several are published under it one after the other: each has a date of its
    /// own, and none is bounded by what the index says of the version.
    async fn date_of_build(
        &self,
        registry: &'static dyn Registry,
        index: &Index,
        listed: &Listed,
        known: &Dates,
    ) -> Result<Option<Dated>, EngineError> {
        let dated_by = |release: &Release| registry.dated_by(&index.package, &registry.artifact_file(release));
        let release = index.release(listed);
        let build = dated_by(&release).filter(|own| dated_by(&release.clone().whole()).as_ref() != Some(own));
        let Some(build) = build else { return Ok(None) };
        if let Some(known) = known.by_version.get(&build) {
            return Ok(Some(known.clone()));
        }
        let dated = self.ask_date(registry, &release, None).await?;
        self.0.store.keep_dates(&index.package, vec![(build, dated.clone())]).await?;
        Ok(Some(dated))
    }

    async fn ask_dates(
        &self,
        registry: &'static dyn Registry,
        package: &Package,
        versions: Vec<String>,
        bound: Option<Timestamp>,
    ) -> Result<Vec<(String, Dated)>, EngineError> {
        let asking = versions.into_iter().map(|version| async move {
            let dated = self.ask_date(registry, &package.release(version.clone()), bound).await;
            (version, dated)
        });
        let answers: Vec<_> = stream::iter(asking).buffer_unordered(AT_ONCE).collect().await;
        let mut dates = Vec::new();
        for (version, answer) in answers {
            match answer {
                Ok(dated) => dates.push((version, dated)),
                // What is not there has no date, and nobody who can be served.
                Err(EngineError::Upstream(UpstreamError::NotFound)) => {}
                Err(error @ EngineError::Upstream(_)) => {
                    tracing::warn!(package = %package.name, version, %error, "a date could not be had");
                }
                Err(error) => return Err(error),
            }
        }
        self.0.store.keep_dates(package, dates.clone()).await?;
        Ok(dates)
    }

    /// The date of a release's files. Where they have none, it was published by when its index, which lists it, was
    /// written, and else it is as old as it has been known here.
    async fn ask_date(
        &self,
        registry: &'static dyn Registry,
        release: &Release,
        bound: Option<Timestamp>,
    ) -> Result<Dated, EngineError> {
        let upstream = self.0.upstreams.of(&release.package)?.1.upstream()?;
        let file = registry.dated_by(&release.package, &registry.artifact_file(release));
        let file = file.ok_or_else(|| EngineError::NoRelease(release.to_string()))?;
        let url = beside_index(registry, upstream, &release.package, &file)?;
        let ask = Ask { method: Method::HEAD, credential: upstream.credential.as_ref(), ..Ask::get(url) };
        let response = self.0.dialler.send(&ask).await?;
        let header = response.headers().get(reqwest::header::LAST_MODIFIED).and_then(|value| value.to_str().ok());
        Ok(match (header.and_then(http_date), bound) {
            (Some(at), _) => (at, Clock::Files),
            (None, Some(at)) => (at, Clock::Listed),
            (None, None) => (self.now(), Clock::FirstSeen),
        })
    }

    /// The digest that is claimed of a file, where its index claims none: of the claims beside it the strongest that there
    /// is. What was claimed first stays.
    pub(crate) async fn claim_of(&self, release: &Release, listed: &Listed) -> Result<Option<Integrity>, EngineError> {
        let (registry, origin) = self.0.upstreams.of(&release.package)?;
        if listed.artifact.integrity.is_some() || registry.claims().is_empty() {
            return Ok(listed.artifact.integrity.clone());
        }
        let Origin::Upstream(upstream) = origin else {
            // It was hashed when it was published.
            let pin = self.0.store.pin(release).await?.ok_or(UpstreamError::NotFound)?;
            return Ok(Integrity::from_digests(pin.digests));
        };
        if let Some(known) = self.0.store.claim(release).await? {
            return Ok(Some(known));
        }
        let ask = |ending: &'static str| self.ask_claim(registry, upstream, (release, listed), ending);
        // Whoever deploys a release puts the same beside each of its files.
        if let Some(ending) = self.ending_of_others(registry, release).await? {
            match ask(ending).await {
                Err(EngineError::Upstream(UpstreamError::NotFound)) => {}
                answer => return self.keep_claim(release, answer?).await.map(Some),
            }
        }
        let asking = registry.claims().iter().map(|ending| ask(ending));
        let mut problem = None;
        for answer in futures_util::future::join_all(asking).await {
            match answer {
                Ok(claim) => return self.keep_claim(release, claim).await.map(Some),
                Err(EngineError::Upstream(UpstreamError::NotFound)) => {}
                // One that is there and cannot be read or had must not make way for a weaker one.
                Err(error) => {
                    problem = Some(error);
                    break;
                }
            }
        }
        if let Some(error) = problem {
            return Err(error);
        }
        // Nothing is claimed of what is not there, and that is another answer.
        self.is_there(&release.package, listed).await?;
        Ok(None)
    }

    async fn ask_claim(
        &self,
        registry: &'static dyn Registry,
        upstream: &Upstream,
        (release, listed): (&Release, &Listed),
        ending: &str,
    ) -> Result<Integrity, EngineError> {
        let url = beside_index(registry, upstream, &release.package, &format!("{}{ending}", listed.artifact.url))?;
        let ask = Ask { credential: upstream.credential.as_ref(), ..Ask::get(url) };
        let response = self.0.dialler.send(&ask).await?;
        let bytes = Dialler::body(response, MAX_CLAIM).await?;
        Ok(registry.claim(ending, &bytes)?)
    }

    async fn keep_claim(&self, release: &Release, claim: Integrity) -> Result<Integrity, EngineError> {
        self.0.store.keep_claim(release, &claim).await?;
        Ok(claim)
    }

    /// The ending of the strongest claim beside another file of the release, if one was asked for.
    async fn ending_of_others(
        &self,
        registry: &'static dyn Registry,
        release: &Release,
    ) -> Result<Option<&'static str>, EngineError> {
        let Some(claim) = self.0.store.claim_of_version(release).await? else { return Ok(None) };
        let name = claim.strongest().name();
        Ok(registry.claims().iter().find(|ending| ending.strip_prefix('.') == Some(name)).copied())
    }

    /// An error if nothing can be ruled on a file because its bytes are others from time to time; that it is not there is
    /// another one.
    pub(crate) async fn refuse_moving(&self, package: &Package, listed: &Listed) -> Result<(), EngineError> {
        let (registry, _) = self.0.upstreams.of(package)?;
        let moving = listed.file.as_ref().and_then(|file| Some((&file.name, registry.moving(&file.name)?)));
        let Some((file, why)) = moving else { return Ok(()) };
        self.is_there(package, listed).await?;
        Err(EngineError::Moving(file.rsplit('/').next().unwrap_or_default().to_owned(), why))
    }

    async fn is_there(&self, package: &Package, listed: &Listed) -> Result<(), EngineError> {
        let (registry, origin) = self.0.upstreams.of(package)?;
        let upstream = origin.upstream()?;
        let url = beside_index(registry, upstream, package, &listed.artifact.url)?;
        let ask = Ask { method: Method::HEAD, credential: upstream.credential.as_ref(), ..Ask::get(url) };
        self.0.dialler.send(&ask).await?;
        Ok(())
    }
}

/// An address that is relative to a package's index.
pub(crate) fn beside_index(
    registry: &'static dyn Registry,
    upstream: &Upstream,
    package: &Package,
    address: &str,
) -> Result<Url, UpstreamError> {
    let no_address = |_| UpstreamError::NotAllowed(address.chars().take(Malformed::SHOWN).collect());
    let index = upstream.url.join(&registry.index_path(package)).map_err(no_address)?;
    index.join(address).map_err(no_address)
}

/// A date of HTTP (RFC 9110, section 5.6.7), in the form that is written today.
fn http_date(text: &str) -> Option<Timestamp> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    PARSER.parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_http_are_read() {
        assert_eq!(http_date("Tue, 15 Nov 1994 12:45:26 GMT").unwrap().to_string(), "1994-11-15T12:45:26Z");
        for text in ["", "1994-11-15T12:45:26Z", "Tue, 15 Nov", "Tue, 99 Nov 1994 12:45:26 GMT"] {
            assert_eq!(http_date(text), None, "{text}");
        }
    }
}
