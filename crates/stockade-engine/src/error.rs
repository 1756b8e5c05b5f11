//! What can go wrong that is not a verdict.

use std::sync::Arc;

use stockade_model::{EcosystemId, Malformed};

use crate::{StoreError, UpstreamError};

/// Why the engine could not answer. Nothing was served and nothing wrong was kept.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// No upstream is configured for this ecosystem.
    #[error(
        "`{0}` is off: no upstream is known; install its client, or write `[upstream.{0}]` with `url` into stockade.toml"
    )]
    Off(EcosystemId),
    /// The upstream did not give what was asked.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// The upstream's document cannot be used.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The package's index lists no such release.
    #[error("the registry lists no such release: {0}")]
    NoRelease(String),
    /// A file whose bytes are others from time to time, and why that will not do.
    #[error("`{0}` {1}")]
    Moving(String, &'static str),
    /// There is no ruling with this identifier.
    #[error("no ruling, or more than one, begins with `{0}`; `stockade held` lists those that are open")]
    NoRuling(String),
    /// The file is still on its way, or being looked into.
    #[error("`{0}` is still being fetched and inspected; ask again in a few seconds")]
    Inspecting(String),
    /// Whoever asks may not do that.
    #[error("{0}")]
    NotPermitted(String),
    /// It would take the place of something that is there.
    #[error("{0}")]
    Conflict(String),
    /// What was sent is not what it has to be.
    #[error("{0}")]
    Unacceptable(String),
    /// Somebody asked for what cannot be done.
    #[error("{0}")]
    Refused(String),
    /// No record that could be read has this identifier.
    #[error("no advisory here is called `{0}`; `stockade doctor` says where advisories are put")]
    NoAdvisory(String),
    /// The advisories could not be asked, or do not know.
    #[error("{0}")]
    Advisories(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The disk failed.
    #[error("the data folder could not be used: {0}")]
    Disk(Arc<std::io::Error>),
    /// A piece of work was given up while the process ends.
    #[error("the work was interrupted")]
    Interrupted,
}

impl EngineError {
    /// In words for those who ask the gateway: they do not name the upstream's host.
    pub fn told(&self) -> String {
        match self {
            Self::Upstream(error) => error.told(),
            other => other.to_string(),
        }
    }
}

impl From<std::io::Error> for EngineError {
    fn from(error: std::io::Error) -> Self {
        Self::Disk(Arc::new(error))
    }
}

impl From<tokio::task::JoinError> for EngineError {
    fn from(_: tokio::task::JoinError) -> Self {
        Self::Interrupted
    }
}
