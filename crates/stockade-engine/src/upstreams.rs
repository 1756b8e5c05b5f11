//! Which registry a package comes from. Each name belongs to exactly one origin, decided before anything is asked: what is
//! claimed for a registry, or is in a scope that has one of its own, is never looked for elsewhere. A name that is internal
//! is told to nobody outside, and a package that somebody publishes under it elsewhere is never seen.

use std::collections::BTreeMap;

use stockade_ecosystem::{Claim, ClientConfig, Registry, Stated, Upstream, by_id};
use stockade_model::{EcosystemId, Name, Package, Pattern};
use url::Url;

use crate::advisories::Claims;
use crate::{EngineError, UpstreamError};

/// Where a package comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin<'a> {
    /// From there.
    Upstream(&'a Upstream),
    /// From nowhere else: it is published here.
    Hosted,
}

impl<'a> Origin<'a> {
    /// The registry to ask. Of what is hosted nobody else is asked: what is not here is nowhere.
    pub(crate) fn upstream(self) -> Result<&'a Upstream, UpstreamError> {
        match self {
            Self::Upstream(upstream) => Ok(upstream),
            Self::Hosted => Err(UpstreamError::NotFound),
        }
    }

    pub(crate) fn is_hosted(self) -> bool {
        matches!(self, Self::Hosted)
    }
}

/// The upstreams of every ecosystem that is on.
#[derive(Debug, Clone, Default)]
pub struct Upstreams(BTreeMap<EcosystemId, ClientConfig>);

impl Upstreams {
    /// Adds what a client of this ecosystem is configured to use.
    #[must_use]
    pub fn with(mut self, ecosystem: EcosystemId, config: ClientConfig) -> Self {
        self.0.insert(ecosystem, config);
        self
    }

    /// The ecosystems that are on, with their upstreams.
    pub fn iter(&self) -> impl Iterator<Item = (&EcosystemId, &ClientConfig)> {
        self.0.iter()
    }

    /// Where a package comes from.
    pub(crate) fn of(&self, package: &Package) -> Result<(&'static dyn Registry, Origin<'_>), EngineError> {
        let (registry, config) = self.registry(&package.ecosystem)?;
        Ok((registry, owner(config, package).unwrap_or(Origin::Upstream(&config.default))))
    }

    /// The patterns of an ecosystem's names whose packages are published here.
    pub fn hosted(&self, id: &EcosystemId) -> impl Iterator<Item = &Pattern> {
        let claims = self.0.get(id).into_iter().flat_map(|config| &config.claims);
        claims.filter(|(_, claim)| *claim == Claim::Hosted).map(|(pattern, _)| pattern)
    }

    /// Whose names are those of another registry than all others are of.
    pub(crate) fn claims(&self) -> Claims {
        let of = |config: &ClientConfig| {
            let registry = |claim: &Claim| match claim {
                Claim::Hosted => Some(Stated::HOSTED.to_owned()),
                Claim::Upstream(upstream) => {
                    Some(&upstream.url).filter(|url| **url != config.default.url).map(Url::to_string)
                }
            };
            config.claims.iter().map(|(pattern, claim)| (pattern.clone(), registry(claim))).collect::<Vec<_>>()
        };
        self.0.values().flat_map(of).collect()
    }

    /// True if the package comes from the registry for names without one of their own.
    pub(crate) fn is_public(&self, package: &Package) -> bool {
        self.0.get(&package.ecosystem).is_some_and(|config| owner(config, package).is_none())
    }

    pub(crate) fn registry(&self, id: &EcosystemId) -> Result<(&'static dyn Registry, &ClientConfig), EngineError> {
        let config = self.0.get(id).ok_or_else(|| EngineError::Off(id.clone()))?;
        let registry = by_id(id.as_str()).and_then(|ecosystem| ecosystem.registry);
        Ok((registry.ok_or_else(|| EngineError::Off(id.clone()))?, config))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Upstream> {
        self.0.values().flat_map(|config| {
            let claimed = config.claims.iter().filter_map(|(_, claim)| match claim {
                Claim::Upstream(upstream) => Some(upstream),
                Claim::Hosted => None,
            });
            std::iter::once(&config.default).chain(config.scopes.values()).chain(claimed)
        })
    }

    pub(crate) fn cafiles(&self) -> Vec<String> {
        self.0.values().filter_map(|config| config.cafile.clone()).collect()
    }
}

/// To whom a name belongs, if not to the default registry: of several claims the longest counts.
fn owner<'a>(config: &'a ClientConfig, package: &Package) -> Option<Origin<'a>> {
    let claims = config.claims.iter().filter(|(pattern, _)| is_claimed(pattern, package));
    if let Some((_, claim)) = claims.max_by_key(|(pattern, _)| pattern.as_str().len()) {
        return Some(match claim {
            Claim::Upstream(upstream) => Origin::Upstream(upstream),
            Claim::Hosted => Origin::Hosted,
        });
    }
    let (scope, _) = package.name.split();
    config.scopes.get(scope?).map(Origin::Upstream)
}

/// True if a claim covers a name in one of its spellings: clients look for `acme-core` where there is no `acme_core`, and
/// would tell a registry of it.
pub(crate) fn is_claimed(pattern: &Pattern, package: &Package) -> bool {
    let covers = |name: String| {
        pattern.matches_package(&Package { ecosystem: package.ecosystem.clone(), name: Name::normalised(name) })
    };
    let name = package.name.as_str();
    pattern.matches_package(package) || covers(name.replace('-', "_")) || covers(name.replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_one_origin() {
        let upstream = |url: &str| Upstream { url: url.parse().unwrap(), credential: None };
        let claim = |pattern: &str, url: &str| (pattern.parse::<Pattern>().unwrap(), Claim::Upstream(upstream(url)));
        let ours = |pattern: &str| (pattern.parse::<Pattern>().unwrap(), Claim::Hosted);
        let config = ClientConfig {
            default: upstream("https://registry.example/"),
            scopes: BTreeMap::from([("@acme".to_owned(), upstream("https://scope.example/"))]),
            claims: vec![
                claim("pkg:npm/acme_*", "https://claim.example/"),
                claim("pkg:npm/acme_open", "https://open.example/"),
                claim("pkg:npm/@acme/x*", "https://x.example/"),
                ours("pkg:npm/@acme/our-*"),
            ],
            cafile: None,
            problems: Vec::new(),
        };
        let npm = stockade_ecosystem::npm::NPM.id.clone();
        let upstreams = Upstreams::default().with(npm.clone(), config);
        let origin = |name: &str| {
            let package = Package { ecosystem: npm.clone(), name: Name::normalised(name) };
            let origin = upstreams.of(&package).unwrap().1;
            let host = origin.upstream().map_or("", |upstream| upstream.url.host_str().unwrap()).to_owned();
            assert_eq!(origin.is_hosted(), host.is_empty());
            assert_eq!(upstreams.is_public(&package), host == "registry.example", "{name}");
            host
        };
        for (name, host) in [
            ("left", "registry.example"),
            ("acme", "registry.example"),
            ("acme_core", "claim.example"),
            ("acme-core", "claim.example"),
            ("acme-open", "open.example"),
            ("@acme/left", "scope.example"),
            ("@acme/xy", "x.example"),
            ("@acme/our-own", ""),
            ("@acme/our_own", ""),
            ("@acme/ours", "scope.example"),
            ("@acme-evil/left", "registry.example"),
        ] {
            assert_eq!(origin(name), host, "{name}");
        }
        assert_eq!(upstreams.all().count(), 5);
    }
}
