//! Evidence in, ruling out; the only mint of a clearance.
//!
//! [`Policy::decide`] is a pure function of a release, its evidence, the gaps, the policy and an instant. It reads no
//! clock, does no I/O and draws no random number, so a ruling can be replayed bit for bit from what the log stores:
//! [`Policy::canonical`] and the arguments of `decide`.
//!
//! What the evidence asks for is gathered as reasons, each with a verdict of its own; the strongest verdict is the
//! ruling's. Approvals and exceptions waive reasons: they turn a reason's verdict to `allow` and keep the reason, so
//! that a person still sees it. Nothing waives a failed comparison of bytes.
//!
//! **Grammar.** Every [`Reason::sentence`](stockade_model::Reason) of this crate is a predicate that follows the
//! release's name: `is 5 hours old; policy asks 72 hours`. [`Ruling::sentence`] puts verdict and name in front of it.
//!
//! **Layers.** A policy is a base document and the documents of projects that tighten it. Where documents differ the
//! strictest wins: the longer cooldown, the stronger verdict, every list. Only the base has defaults and exceptions, so
//! a project's document cannot loosen anything by what it says or leaves out.

mod decide;
mod document;
mod duration;
mod index;
mod policy;
mod rules;
mod ruling;
#[cfg(test)]
mod tests;
mod words;

pub use decide::YOUNG_NEED;
pub use document::{Exception, Mode, Waivable};
pub use policy::{Cooldown, CooldownSource, Policy, PolicyError};
pub use ruling::{Clearance, Ruling, ruling_id};
