//! Telling others what a sandbox saw: the gateway that a package came from, if it is one, so that it holds the release for
//! all who get it there.
//!
//! A registry that is none is told nothing. Whether it is one is asked first, at the address that a gateway has beside its
//! registries; and it takes what it is told from those alone who show a token for it, which is the one that the client
//! gets its packages with.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::{Deserialize, Serialize};
use stockade_ecosystem::Upstream;
use stockade_model::{Purl, redacted};
use url::Url;

use crate::upstream::{Ask, Dialler};
use crate::{Behaviour, Deed, Engine, UpstreamError};

/// The longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 1 << 20;
/// How many sightings are told at once.
const MAX_TOLD: usize = 100;

/// What a sandbox saw, as gateways are told it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sighting {
    /// The release whose hook it was.
    pub purl: Purl,
    /// What that did.
    pub deed: Deed,
}

/// What a gateway answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighted {
    /// The releases that it holds from now on because of it, as package URLs.
    pub held: Vec<String>,
}

/// What became of telling one gateway.
#[derive(Debug)]
pub struct Told {
    /// Its address, without credentials.
    pub gateway: String,
    /// What it answered.
    pub outcome: Result<Sighted, UpstreamError>,
}

/// What of a gateway's word about itself says that it is one.
#[derive(Deserialize)]
#[expect(dead_code, reason = "that they are there is what counts")]
struct Status {
    epoch: String,
    upstreams: BTreeMap<String, serde_json::Value>,
}

impl Engine {
    /// Tells the gateways that these releases came from.
    pub async fn tell_gateways(&self, seen: &[Behaviour]) -> Vec<Told> {
        let mut by_gateway: BTreeMap<Url, (&Upstream, Vec<Sighting>)> = BTreeMap::new();
        for Behaviour { release, deed } in seen {
            let Ok((_, origin)) = self.0.upstreams.of(&release.package) else { continue };
            let Ok(upstream) = origin.upstream() else { continue };
            let Some(root) = root(&upstream.url, release.package.ecosystem.as_str()) else { continue };
            let (_, sightings) = by_gateway.entry(root).or_insert((upstream, Vec::new()));
            sightings.push(Sighting { purl: Purl::of(release), deed: deed.clone() });
        }
        let mut told = Vec::new();
        for (root, (upstream, sightings)) in by_gateway {
            let outcome = match self.is_gateway(&root, upstream).await {
                Ok(true) => Some(self.tell(&root, upstream, &sightings).await),
                Ok(false) => None,
                Err(error) => Some(Err(error)),
            };
            let gateway = redacted(root.as_str());
            told.extend(outcome.map(|outcome| Told { gateway, outcome }));
        }
        told
    }

    async fn is_gateway(&self, root: &Url, upstream: &Upstream) -> Result<bool, UpstreamError> {
        let Ok(url) = root.join("api/v1/status") else { return Ok(false) };
        let ask = Ask { credential: upstream.credential.as_ref(), ..Ask::get(url) };
        match self.0.dialler.send(&ask).await {
            Ok(response) => {
                let body = Dialler::body(response, MAX_ANSWER).await?;
                Ok(serde_json::from_slice::<Status>(&body).is_ok())
            }
            Err(UpstreamError::Unreachable { at, why }) => Err(UpstreamError::Unreachable { at, why }),
            Err(_) => Ok(false),
        }
    }

    async fn tell(&self, root: &Url, upstream: &Upstream, seen: &[Sighting]) -> Result<Sighted, UpstreamError> {
        let mut all = Sighted::default();
        for seen in seen.chunks(MAX_TOLD) {
            let url = root.join("api/v1/sightings").map_err(|error| UpstreamError::Storage(error.to_string()))?;
            let body = serde_json::to_vec(seen).map_err(|error| UpstreamError::Storage(error.to_string()))?;
            let credential = upstream.credential.as_ref();
            let ask = Ask { method: Method::POST, url, credential, headers: &[], body: Some(body) };
            let answer = Dialler::body(self.0.dialler.send(&ask).await?, MAX_ANSWER).await?;
            let answer = serde_json::from_slice::<Sighted>(&answer);
            all.held.extend(answer.map_err(|error| UpstreamError::Storage(error.to_string()))?.held);
        }
        Ok(all)
    }
}

/// Where a gateway would be whose registry of this ecosystem is there.
fn root(url: &Url, ecosystem: &str) -> Option<Url> {
    let segments: Vec<&str> = url.path_segments()?.collect();
    let at = segments.iter().rposition(|segment| *segment == ecosystem)?;
    let mut root = url.clone();
    root.set_query(None);
    root.set_fragment(None);
    root.set_path(&format!("{}/", segments[..at].join("/")));
    Some(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_above_its_registries() {
        let root = |url: &str, ecosystem: &str| root(&url.parse().unwrap(), ecosystem).map(String::from);
        assert_eq!(root("https://gate.example/npm/", "npm").unwrap(), "https://gate.example/");
        assert_eq!(root("https://gate.example/npm", "npm").unwrap(), "https://gate.example/");
        assert_eq!(root("https://gate.example/a/pypi/simple/?x=1", "pypi").unwrap(), "https://gate.example/a/");
        assert_eq!(root("https://registry.example/", "npm"), None);
    }
}
