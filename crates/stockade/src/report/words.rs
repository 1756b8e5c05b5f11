//! What code can do, in plain words.

use stockade_engine::inspection::Capability;
use stockade_model::{Need, NeedFrom, NeedRole, Trigger};

/// When something runs, as a heading and as a part of a sentence.
pub(super) fn when(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Install => "when it is installed",
        Trigger::Start => "at every start of the interpreter",
        Trigger::Import => "when it is loaded",
        Trigger::Command => "when one of its commands runs",
        Trigger::Call => "when something of it is called",
        Trigger::Never => "in tests, examples and documentation",
    }
}

/// Every trigger, the earliest first.
pub(super) const TRIGGERS: [Trigger; 6] =
    [Trigger::Install, Trigger::Start, Trigger::Import, Trigger::Command, Trigger::Call, Trigger::Never];

/// What it does, once before the details, and once where there are none. Those that matter most come first.
const PHRASES: &[(Capability, &str, &str)] = &[
    (Capability::ReadSecret, "reads secrets:", "reads secrets"),
    (
        Capability::CloudSecret,
        "asks a build server or cloud for credentials:",
        "asks a build server or cloud for credentials",
    ),
    (Capability::Wallet, "handles the secrets of wallets:", "handles the secrets of wallets"),
    (Capability::Publish, "publishes releases:", "publishes releases"),
    (Capability::Persist, "arranges to be run again:", "arranges to be run again"),
    (Capability::Inject, "gets into other processes or their memory:", "gets into other processes or their memory"),
    (Capability::Hook, "replaces functions of others:", "replaces functions of others"),
    (Capability::Capture, "records what the user does:", "records what the user does"),
    (Capability::RunAgent, "brings or finds something that runs code:", "brings or finds something that runs code"),
    (Capability::SelfModify, "changes or deletes itself:", "changes or deletes itself"),
    (Capability::Conceal, "hides what it does:", "hides what it does"),
    (Capability::TlsOff, "does not verify whom it talks to:", "does not verify whom it talks to"),
    (Capability::Hang, "never ends, on purpose:", "never ends, on purpose"),
    (Capability::DynamicCode, "runs text as code:", "runs text as code"),
    (Capability::Execute, "runs programs:", "runs programs that it computes"),
    (Capability::Network, "talks to", "talks to hosts that it computes"),
    (Capability::EnvironmentAll, "reads the whole environment:", "reads the whole environment"),
    (Capability::Clipboard, "uses the clipboard:", "uses the clipboard"),
    (Capability::MakeExecutable, "makes files executable:", "makes files executable"),
    (Capability::Delete, "deletes", "deletes files"),
    (Capability::LoadNative, "loads native code:", "loads native code"),
    (Capability::Listen, "waits for connections:", "waits for connections"),
    (Capability::Resolve, "resolves names:", "resolves names"),
    (Capability::DynamicImport, "loads modules by a computed name:", "loads modules by a computed name"),
    (Capability::Write, "writes", "writes files"),
    (Capability::SystemInfo, "asks about the machine or user:", "asks about the machine or user"),
    (Capability::Environment, "reads variables of the environment:", "reads variables of the environment"),
    (Capability::Read, "reads", "reads files"),
    (Capability::Decode, "decodes data:", "decodes data"),
    (Capability::Encode, "encodes data:", "encodes data"),
];

/// The words for a capability, before details or without any.
pub(super) fn does(capability: Capability, has_details: bool) -> &'static str {
    let phrase = PHRASES.iter().find(|(known, _, _)| *known == capability);
    phrase.map_or(capability.name(), |(_, with, without)| if has_details { with } else { without })
}

/// The place of a capability in a report: the lower, the more it matters.
pub(super) fn rank(capability: Capability) -> usize {
    PHRASES.iter().position(|(known, _, _)| *known == capability).unwrap_or(PHRASES.len())
}

/// What is said of a need besides its name and range.
pub(super) fn remark(need: &Need) -> Option<&'static str> {
    match (need.from, need.role) {
        (NeedFrom::Git, _) => Some("from a repository"),
        (NeedFrom::Url, _) => Some("from an address"),
        (NeedFrom::Path, _) => Some("from a path"),
        (NeedFrom::Alias, _) => Some("under another name"),
        (NeedFrom::Registry, NeedRole::Optional) => Some("if it can be had"),
        (NeedFrom::Registry, NeedRole::Build) => Some("to build"),
        (NeedFrom::Registry, NeedRole::Peer) => Some("to be brought by the user"),
        (NeedFrom::Registry, NeedRole::Bundled) => Some("contained"),
        (NeedFrom::Registry, NeedRole::Run) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_capability_has_words() {
        for capability in Capability::ALL {
            assert_ne!(does(*capability, false), capability.name(), "{capability:?}");
        }
        assert_eq!(PHRASES.len(), Capability::ALL.len());
    }
}
