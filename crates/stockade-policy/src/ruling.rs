//! Rulings: what was decided and why, and the clearance that a ruling may carry.

use jiff::Timestamp;
use serde::Serialize;
use stockade_model::{Digest, Evidence, Gap, Reason, Release, Verdict};

use crate::document::Mode;
use crate::words;

/// The rule of reasons that nothing waives and no mode overlooks.
pub(crate) const INTEGRITY: &str = "integrity";
/// The rule of confirmed malware.
pub(crate) const MALWARE: &str = "malware";

/// What was decided on a release, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ruling {
    /// What was ruled on.
    pub release: Release,
    /// The strongest verdict of the reasons; `Allow` without any.
    pub verdict: Verdict,
    /// Everything that applies, strongest first. Reasons with the verdict `Allow` are waived ones, and gaps that the
    /// policy accepts.
    pub reasons: Vec<Reason>,
    /// The first instant at which time alone may change the verdict or the rules of the reasons. Until then the ruling
    /// stands for the same evidence, gaps and policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Whether the verdict is enforced.
    pub mode: Mode,
    #[serde(skip)]
    clearance: Option<Clearance>,
}

impl Ruling {
    /// How long [`Ruling::sentence`] may be: it travels in a line of a protocol.
    pub const MAX_SENTENCE: usize = 160;
    /// How many reasons are kept; the weakest go.
    pub const MAX_REASONS: usize = 64;

    /// The ruling that follows from reasons, and the only place where a clearance is made: `matching` is the digest of
    /// bytes that compared equal with everything that was claimed of them.
    pub(crate) fn new(
        release: &Release,
        mut reasons: Vec<Reason>,
        until: Option<Timestamp>,
        mode: Mode,
        matching: Option<&Digest>,
    ) -> Self {
        reasons.truncate(Self::MAX_REASONS);
        let verdict = reasons.iter().map(|reason| reason.verdict).max().unwrap_or(Verdict::Allow);
        let mut ruling = Self { release: release.clone(), verdict, reasons, until, mode, clearance: None };
        if let Some(digest) = matching
            && ruling.enforced() == Verdict::Allow
        {
            ruling.clearance = Some(Clearance { release: release.clone(), digest: digest.clone() });
        }
        ruling
    }

    /// The leave to serve exactly these bytes. There is one if bytes were compared and matched, and nothing that is
    /// enforced speaks against them.
    pub fn clearance(&self) -> Option<&Clearance> {
        self.clearance.as_ref()
    }

    /// What is to be done: the verdict, or `Allow` in audit mode, except for bytes that failed the integrity
    /// comparison.
    pub fn enforced(&self) -> Verdict {
        match self.mode {
            Mode::Audit if !self.tampered() => Verdict::Allow,
            Mode::Audit | Mode::Enforce => self.verdict,
        }
    }

    /// Denied because of confirmed malware, which is also removed from listings.
    pub fn malware(&self) -> bool {
        self.denied_by(MALWARE)
    }

    /// Denied because bytes are not what was claimed of them, or cannot be shown to be.
    pub fn tampered(&self) -> bool {
        self.denied_by(INTEGRITY)
    }

    /// When time alone lifts what is held or denied; `None` if something speaks against it that time does not end, or
    /// nothing does.
    pub fn lifted(&self) -> Option<Timestamp> {
        let against = self.reasons.iter().filter(|reason| reason.verdict > Verdict::Allow);
        against.map(|reason| reason.until).try_fold(None, |last, until| until.map(|until| last.max(Some(until))))?
    }

    /// The ruling in one line of printable ASCII, at most [`Ruling::MAX_SENTENCE`] characters, with the strongest
    /// reason: ``held by stockade: `left-demo` 1.1.0 is 5 hours old; policy asks 72 hours``.
    pub fn sentence(&self) -> String {
        /// What leaves room for the reason.
        const NAME: usize = 64;
        const VERSION: usize = 32;
        let (name, version) = (self.release.package.name.as_str(), self.release.version.as_str());
        let only_recorded = self.enforced() != self.verdict;
        let (would, done) = (if only_recorded { "would be " } else { "" }, self.verdict.done());
        let mut sentence =
            format!("{would}{done} by stockade: `{}` {}", words::cut(name, NAME), words::cut(version, VERSION));
        if let Some(reason) = self.reasons.first() {
            sentence.push(' ');
            sentence.push_str(&reason.sentence);
        }
        words::cut(&words::ascii(&sentence), Self::MAX_SENTENCE)
    }

    /// The id of this ruling under a policy with that digest; see [`ruling_id`].
    pub fn key(&self, evidence: &[Evidence], gaps: &[Gap], policy: &Digest) -> String {
        ruling_id(policy, &self.release, evidence, gaps, self.verdict)
    }

    fn denied_by(&self, rule: &str) -> bool {
        self.reasons.iter().any(|reason| reason.verdict == Verdict::Deny && reason.rule == rule)
    }
}

/// Proof that the policy lets exactly these bytes pass as this release. Only a ruling makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clearance {
    release: Release,
    digest: Digest,
}

impl Clearance {
    /// The content address of the cleared bytes.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The release that they are.
    pub fn release(&self) -> &Release {
        &self.release
    }
}

/// The id of a ruling, derived from everything that it rests on but time: the same inputs and verdict have the same id,
/// so asking again does not fill the log. 26 characters, 128 bits, without letters that are misread.
pub fn ruling_id(policy: &Digest, release: &Release, evidence: &[Evidence], gaps: &[Gap], verdict: Verdict) -> String {
    #[derive(Serialize)]
    struct Inputs<'a> {
        policy: &'a Digest,
        release: &'a Release,
        evidence: &'a [Evidence],
        gaps: &'a [Gap],
        verdict: Verdict,
    }
    let json = canonical(&Inputs { policy, release, evidence, gaps, verdict });
    base32(&Digest::of(&json).as_bytes()[..16])
}

fn canonical(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("the words of the model are plain data with text keys")
}

/// Crockford's alphabet in lower case: no `i`, `l`, `o` and `u`.
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut pending, mut bits) = (0_u16, 0);
    for &byte in bytes {
        pending = (pending << 8) | u16::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[usize::from(pending >> bits & 31)]));
        }
        pending &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[usize::from(pending << (5 - bits) & 31)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_loses_no_bit() {
        assert_eq!(base32(&[0; 16]), "0".repeat(26));
        assert_eq!(base32(&[0xff; 16]), "z".repeat(25) + "w");
        assert_eq!(base32(b"foobar"), "csqpyrk1e8");
    }
}
