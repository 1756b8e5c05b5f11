//! What is passed on without a ruling: the registry's keys and attestations, which clients verify for themselves,
//! searches, and audits that are not answered here. Names that belong to a scope with a registry of its own are told to that registry only.

use std::time::Duration;

use bytes::Bytes;
use stockade_ecosystem::{Audit, Registry, Upstream};
use stockade_model::{EcosystemId, Release};

use crate::upstream::{Ask, Dialler, UpstreamError};
use crate::upstreams::Origin;
use crate::{Engine, EngineError};

/// How long an answer is remembered.
pub(crate) const REMEMBERED: Duration = Duration::from_mins(5);
/// The longest answer in bytes.
const MAX_ANSWER: u64 = 16 * 1024 * 1024;
/// The longest answer that is remembered, in bytes.
const MAX_REMEMBERED: usize = 256 * 1024;

impl Engine {
    /// A public fact of a registry, unaltered: of a release's own registry, or of the ecosystem's.
    pub async fn fact(
        &self,
        ecosystem: &EcosystemId,
        about: Option<&Release>,
        path: &str,
    ) -> Result<Bytes, EngineError> {
        let upstream = match about {
            Some(release) => match self.0.upstreams.of(&release.package)? {
                (_, Origin::Upstream(upstream)) => upstream,
                (registry, Origin::Hosted) => return self.hosted_fact(registry, release, path).await,
            },
            None => &self.0.upstreams.registry(ecosystem)?.1.default,
        };
        let key = format!("{}{path}", upstream.url);
        if let Some(answer) = self.0.passing.get(&key) {
            return Ok(answer);
        }
        let answer = self.ask(upstream, path).await?;
        if answer.len() <= MAX_REMEMBERED {
            self.0.passing.insert(key, answer.clone());
        }
        Ok(answer)
    }

    /// The same of what is published here.
    async fn hosted_fact(
        &self,
        registry: &'static dyn Registry,
        release: &Release,
        path: &str,
    ) -> Result<Bytes, EngineError> {
        let hosted = self.0.store.hosted(&release.package).await?.ok_or(UpstreamError::NotFound)?;
        let fact = registry.hosting().and_then(|hosting| hosting.fact(release, path, &hosted));
        Ok(fact.ok_or(UpstreamError::NotFound)?.into())
    }

    /// Whether the ecosystem's default registry answers at all.
    pub async fn reach(&self, ecosystem: &EcosystemId) -> Result<(), EngineError> {
        let upstream = &self.0.upstreams.registry(ecosystem)?.1.default;
        let method = reqwest::Method::HEAD;
        let ask = Ask { method, credential: upstream.credential.as_ref(), ..Ask::get(upstream.url.clone()) };
        self.0.dialler.send(&ask).await?;
        Ok(())
    }

    /// A search at the ecosystem's default registry.
    pub async fn search(&self, ecosystem: &EcosystemId, path: &str) -> Result<Bytes, EngineError> {
        let (_, config) = self.0.upstreams.registry(ecosystem)?;
        self.ask(&config.default, path).await
    }

    async fn ask(&self, upstream: &Upstream, path: &str) -> Result<Bytes, EngineError> {
        let url = upstream.url.join(path).map_err(|_| UpstreamError::NotFound)?;
        let headers = [("accept", "application/json")];
        let ask = Ask { credential: upstream.credential.as_ref(), headers: &headers, ..Ask::get(url) };
        let response = self.0.dialler.send(&ask).await?;
        Ok(Dialler::body(response, MAX_ANSWER).await?.into())
    }

    /// What a registry answers to an audit.
    pub(crate) async fn audit_upstream(
        &self,
        audit: &Audit,
        upstream: &Upstream,
        releases: &[Release],
    ) -> Result<Vec<u8>, EngineError> {
        let url = upstream.url.join(audit.path).map_err(|_| UpstreamError::NotFound)?;
        let ask = Ask {
            method: reqwest::Method::POST,
            credential: upstream.credential.as_ref(),
            body: Some((audit.question)(releases)),
            ..Ask::get(url)
        };
        let response = self.0.dialler.send(&ask).await?;
        Ok(Dialler::body(response, MAX_ANSWER).await?)
    }
}
