//! Which registry a package comes from. Each name belongs to exactly one origin, decided before anything is asked: what is
//! claimed for a registry, or is in a scope that has one of its own, is never looked for elsewhere. A name that is internal
//! is told to nobody outside, and a package that somebody publishes under it elsewhere is never seen.

use std::collections::BTreeMap;

use stockade_ecosystem::{ClientConfig, Registry, Upstream, by_id};
use stockade_model::{EcosystemId, Name, Package, Pattern};

use crate::EngineError;

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

    /// The registry that a package comes from.
    pub(crate) fn of(&self, package: &Package) -> Result<(&'static dyn Registry, &Upstream), EngineError> {
        let (registry, config) = self.registry(&package.ecosystem)?;
        Ok((registry, owner(config, package).unwrap_or(&config.default)))
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
            let claimed = config.claims.iter().map(|(_, upstream)| upstream);
            std::iter::once(&config.default).chain(config.scopes.values()).chain(claimed)
        })
    }

    pub(crate) fn cafiles(&self) -> Vec<String> {
        self.0.values().filter_map(|config| config.cafile.clone()).collect()
    }
}

/// The registry that a name belongs to besides the default one: of several claims the longest counts.
fn owner<'a>(config: &'a ClientConfig, package: &Package) -> Option<&'a Upstream> {
    let claims = config.claims.iter().filter(|(pattern, _)| is_claimed(pattern, package));
    if let Some((_, upstream)) = claims.max_by_key(|(pattern, _)| pattern.as_str().len()) {
        return Some(upstream);
    }
    let (scope, _) = package.name.split();
    config.scopes.get(scope?)
}

/// True if a claim covers a name in one of its spellings: clients look for `acme-core` where there is no `acme_core`, and
/// would tell a registry of it.
fn is_claimed(pattern: &Pattern, package: &Package) -> bool {
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
        let claim = |pattern: &str, url: &str| (pattern.parse::<Pattern>().unwrap(), upstream(url));
        let config = ClientConfig {
            default: upstream("https://registry.example/"),
            scopes: BTreeMap::from([("@acme".to_owned(), upstream("https://scope.example/"))]),
            claims: vec![
                claim("pkg:npm/acme_*", "https://claim.example/"),
                claim("pkg:npm/acme_open", "https://open.example/"),
                claim("pkg:npm/@acme/x*", "https://x.example/"),
            ],
            cafile: None,
            problems: Vec::new(),
        };
        let npm = stockade_ecosystem::npm::NPM.id.clone();
        let upstreams = Upstreams::default().with(npm.clone(), config);
        let origin = |name: &str| {
            let package = Package { ecosystem: npm.clone(), name: Name::normalised(name) };
            let host = upstreams.of(&package).unwrap().1.url.host_str().unwrap().to_owned();
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
            ("@acme-evil/left", "registry.example"),
        ] {
            assert_eq!(origin(name), host, "{name}");
        }
        assert_eq!(upstreams.all().count(), 5);
    }
}
