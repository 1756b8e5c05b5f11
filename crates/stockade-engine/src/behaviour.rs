//! What sandboxes saw releases do. A hook that does what no inspection of its release has found was not understood, so its
//! release is held for everybody until a person has looked: one machine's sandbox protects all others.
//!
//! It is written down as a decision about exactly these bytes, and a person's decision about them goes before it.

use serde::{Deserialize, Serialize};
use stockade_model::{Digest, Release, Trigger, Verdict};

use crate::gather::in_force;
use crate::inspection::{Act, Capability, File, Inspection, Language, VERSION};
use crate::store::About;
use crate::{Decision, Engine, EngineError};

/// What the hook of a release did, or tried, in a sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Behaviour {
    /// The release.
    pub release: Release,
    /// What it did.
    pub deed: Deed,
}

/// What tells a hook that was understood from one that was not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deed {
    /// It talked to a host, or asked for one: its name or address.
    Connect(String),
    /// It ran this program.
    Run(String),
}

impl Deed {
    /// Whether whoever can do this can do that: programs do anything.
    fn is_explained_by(&self, capability: Capability) -> bool {
        use Capability::{Execute, Inject, LoadNative, Network, Publish, Resolve, RunAgent};
        match self {
            Self::Connect(_) => matches!(capability, Network | Resolve | Publish | Execute | RunAgent | LoadNative),
            Self::Run(_) => matches!(capability, Execute | RunAgent | LoadNative | Inject),
        }
    }

    fn sentence(&self) -> String {
        let tried = match self {
            Self::Connect(host) => format!("tried to talk to `{host}`"),
            Self::Run(program) => format!("tried to run `{program}`"),
        };
        format!("when it was installed it {tried}, and nothing that was found in it does that")
    }
}

impl Engine {
    /// Holds the releases that did what nobody expected of them, and gives those that are held because of it. `by` is whose
    /// sandbox saw it. What was not inspected, or was decided on by a person, is left as it is.
    pub async fn behaved(&self, seen: &[Behaviour], by: &str) -> Result<Vec<Release>, EngineError> {
        let mut held = Vec::new();
        for Behaviour { release, deed } in seen {
            if held.contains(release) {
                continue;
            }
            let About { pin, decisions, .. } = self.0.store.about(release, &self.0.inspections.judge).await?;
            let Some(pin) = pin else { continue };
            let decided = in_force(&decisions, release, Some(&pin)).next().is_some();
            if decided || !self.is_unexpected(&pin.sha256, deed).await? {
                continue;
            }
            let decision = Decision {
                release: release.clone(),
                digest: pin.sha256,
                verdict: Verdict::Hold,
                reason: deed.sentence(),
                by: by.to_owned(),
                expires: None,
            };
            tracing::warn!(%release, reason = decision.reason, "a sandbox saw what was not expected");
            self.0.store.decide(self.now(), decision).await?;
            held.push(release.clone());
        }
        self.look(false).await?;
        Ok(held)
    }

    async fn is_unexpected(&self, digest: &Digest, deed: &Deed) -> Result<bool, EngineError> {
        let inspection = self.0.store.inspection(digest, VERSION).await?;
        Ok(inspection.is_some_and(|(inspection, _)| !explains(&inspection, deed)))
    }
}

/// Whether anything in it that runs at the installation can do this. What could not be looked into may.
fn explains(inspection: &Inspection, deed: &Deed) -> bool {
    let explains = |file: &File| {
        let acts = file.facts.acts.iter().zip(&file.triggers).filter(|(_, trigger)| **trigger == Trigger::Install);
        let others = acts.filter(|(act, _)| !runs_own_file(file, act));
        !file.facts.gaps.is_empty() || others.into_iter().any(|(act, _)| deed.is_explained_by(act.capability))
    };
    !inspection.gaps.is_empty() || inspection.files.iter().any(explains)
}

/// Whether a command runs a file of the release, of which it is known what that does: `node hook.js`.
fn runs_own_file(file: &File, act: &Act) -> bool {
    let commands = file.facts.acts.iter().filter(|act| act.capability == Capability::Execute);
    let own = file.facts.imports.iter().filter(|import| import.module.starts_with("./"));
    file.facts.language == Some(Language::Shell)
        && act.capability == Capability::Execute
        && commands.count() <= own.count()
}
