//! Which registry a package comes from. Each name belongs to exactly one origin, decided before anything is asked: a
//! scope that has a registry of its own is never looked for elsewhere.

use std::collections::BTreeMap;

use stockade_ecosystem::{ClientConfig, Registry, Upstream, by_id};
use stockade_model::{EcosystemId, Package};

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
        let (scope, _) = package.name.split();
        let scoped = scope.and_then(|scope| config.scopes.get(scope));
        Ok((registry, scoped.unwrap_or(&config.default)))
    }

    /// True if the package comes from the registry for names without one of their own.
    pub(crate) fn is_public(&self, package: &Package) -> bool {
        let (scope, _) = package.name.split();
        self.0
            .get(&package.ecosystem)
            .is_some_and(|config| !scope.is_some_and(|scope| config.scopes.contains_key(scope)))
    }

    pub(crate) fn registry(&self, id: &EcosystemId) -> Result<(&'static dyn Registry, &ClientConfig), EngineError> {
        let config = self.0.get(id).ok_or_else(|| EngineError::Off(id.clone()))?;
        let registry = by_id(id.as_str()).and_then(|ecosystem| ecosystem.registry);
        Ok((registry.ok_or_else(|| EngineError::Off(id.clone()))?, config))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Upstream> {
        self.0.values().flat_map(|config| std::iter::once(&config.default).chain(config.scopes.values()))
    }

    pub(crate) fn cafiles(&self) -> Vec<String> {
        self.0.values().filter_map(|config| config.cafile.clone()).collect()
    }
}
