//! From evidence to a ruling.
//!
//! Each rule adds what it found, with the verdict that it alone asks for. Then approvals and exceptions waive what they
//! can, and the strongest verdict that is left holds. Nothing is formatted or allocated where nothing is said, because
//! this runs for every version of a packument.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::cmp::Reverse;
use std::time::Duration;

use jiff::Timestamp;
use stockade_model::{
    Clock, Comparison, Digest, Evidence, Finding, Gap, GapKind, Integrity, NewNeed, Reason, Release, Verdict,
};

use crate::document::{Exception, Waivable};
use crate::duration::{exactly, roughly};
use crate::policy::{Layer, Policy};
use crate::rules::{self, next_age};
use crate::ruling::{INTEGRITY, MALWARE, Ruling};
use crate::words::shown;

/// See [`Policy::decide`].
pub(crate) fn decide(
    policy: &Policy,
    release: &Release,
    evidence: &[Evidence],
    gaps: &[Gap],
    now: Timestamp,
) -> Ruling {
    let facts = Facts::of(evidence);
    let mut case = Case { policy, release, evidence, gaps, now, facts, found: Vec::new(), until: None };
    case.integrity();
    case.advisories();
    case.decisions();
    case.lists();
    case.inspection();
    case.freeze();
    case.time();
    case.gaps();
    case.rules();
    case.waive();
    case.rule()
}

/// What kind of reason it is, strongest first: the order among reasons of one verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Integrity,
    Malware,
    Denial,
    Deny,
    AllowList,
    /// Before an advisory about a vulnerability: an attack is worse than a mistake, and nobody else has told of it yet.
    Inspection,
    Advisory,
    Freeze,
    Cooldown,
    Rule,
    Gap,
    Approval,
}

impl Class {
    /// What an exception must name to waive it; `None` if none can.
    fn waivable(self) -> Option<Waivable> {
        match self {
            Self::Malware => Some(Waivable::Malware),
            Self::Deny => Some(Waivable::Deny),
            Self::AllowList => Some(Waivable::AllowList),
            Self::Inspection => Some(Waivable::Inspection),
            Self::Advisory => Some(Waivable::Advisory),
            Self::Freeze => Some(Waivable::Freeze),
            Self::Cooldown => Some(Waivable::Cooldown),
            Self::Rule => Some(Waivable::Rule),
            Self::Gap => Some(Waivable::Gap),
            Self::Integrity | Self::Denial | Self::Approval => None,
        }
    }
}

struct Found<'a> {
    class: Class,
    rule: Cow<'a, str>,
    verdict: Verdict,
    sentence: String,
    until: Option<Timestamp>,
}

impl Found<'_> {
    /// True if the exception names the kind of reason, or the rule that found it.
    fn is_waived_by(&self, exception: &Exception) -> bool {
        let kind = self.class.waivable();
        exception.waives().iter().any(|waived| match waived {
            Waivable::Finding(rule) => self.class == Class::Inspection && *rule == self.rule,
            other => kind.as_ref() == Some(other),
        })
    }
}

/// A person's approval that is in effect.
#[derive(Clone, Copy)]
struct Approval<'a> {
    by: &'a str,
    reason: &'a str,
    expires: Timestamp,
}

struct Case<'a> {
    policy: &'a Policy,
    release: &'a Release,
    evidence: &'a [Evidence],
    gaps: &'a [Gap],
    now: Timestamp,
    facts: Facts<'a>,
    found: Vec<Found<'a>>,
    until: Option<Timestamp>,
}

impl<'a> Case<'a> {
    fn integrity(&mut self) {
        if let Bytes::Failed(failure) = &self.facts.bytes {
            let sentence = failure.sentence();
            self.add(Class::Integrity, INTEGRITY, Verdict::Deny, sentence, None);
        }
    }

    fn advisories(&mut self) {
        if !self.facts.advisories {
            return;
        }
        let vulnerable = self.policy.on_vulnerable();
        for evidence in self.evidence {
            let Evidence::Advisory { id, malware, summary } = evidence else { continue };
            let (id, summary) = (shown(id), shown(summary));
            if *malware {
                self.add(Class::Malware, MALWARE, Verdict::Deny, format!("is malware by `{id}`: {summary}"), None);
            } else if vulnerable > Verdict::Allow {
                self.add(Class::Advisory, "advisory", vulnerable, format!("is vulnerable by `{id}`: {summary}"), None);
            }
        }
    }

    fn decisions(&mut self) {
        if !self.facts.decisions {
            return;
        }
        for evidence in self.evidence {
            let Evidence::Decision { verdict, digest, reason, by, expires } = evidence else { continue };
            let in_effect = expires.is_none_or(|expires| self.now < expires);
            if *verdict > Verdict::Allow && in_effect && self.facts.are(digest) {
                let sentence = format!("was {} by `{}`: {}", verdict.done(), shown(by), shown(reason));
                self.add(Class::Denial, "denial", *verdict, sentence, *expires);
            }
        }
    }

    fn lists(&mut self) {
        for layer in self.policy.layers() {
            for at in layer.denied.candidates(&self.release.package) {
                let entry = &layer.document.deny[at];
                if entry.pattern.matches(self.release) {
                    let sentence = format!("is on the deny list as `{}`: {}", entry.pattern, entry.reason.as_str());
                    self.add(Class::Deny, "deny", Verdict::Deny, sentence, None);
                }
            }
            if !admits(layer, self.release) {
                let sentence = format!("is not on the allow-list for `{}`", self.release.package.ecosystem);
                self.add(Class::AllowList, "allow-list", Verdict::Deny, sentence, None);
            }
        }
    }

    fn inspection(&mut self) {
        if !self.facts.inspected || !self.policy.inspects() {
            return;
        }
        for evidence in self.evidence {
            let Evidence::Inspection { findings, needs, .. } = evidence else { continue };
            for finding in findings {
                self.finding(finding);
            }
            for need in needs {
                self.new_need(need);
            }
        }
    }

    /// A finding that by itself asks for nothing, and of which the policy asks nothing, is no reason.
    fn finding(&mut self, finding: &'a Finding) {
        let verdict = self.policy.on_finding(&finding.rule, finding.verdict);
        if verdict.max(finding.verdict) == Verdict::Allow {
            return;
        }
        let place = finding.unsaid_place().map(|place| format!(" (`{}`)", shown(&place))).unwrap_or_default();
        let sentence = format!("{}{place}", shown(&finding.sentence));
        // What ranks a reason is its name, and a finding must not pass for another kind of reason.
        let rule = finding.rule.as_str();
        let rule = if rules::is_kebab(rule) && !rules::RESERVED.contains(&rule) { rule } else { "inspection" };
        self.add(Class::Inspection, rule, verdict, sentence, None);
    }

    /// A package that nobody needed before, and that is hardly older than what needs it.
    fn new_need(&mut self, need: &NewNeed) {
        let matures = need.since.map(|since| since.checked_add(SETTLED).unwrap_or(Timestamp::MAX));
        let verdict = self.policy.on_finding(YOUNG_NEED, Verdict::Hold);
        if verdict == Verdict::Allow || matures.is_some_and(|matures| self.now >= matures) {
            return;
        }
        let age = match need.since {
            Some(since) if since > self.now => "was first published in the future".to_owned(),
            Some(since) => format!("is {} old", roughly(self.now.duration_since(since).as_secs())),
            None => "has no publish time".to_owned(),
        };
        let asked = exactly(SETTLED);
        let sentence = format!("began to need `{}`, which {age}; {asked} are asked", shown(&need.name));
        self.add(Class::Inspection, YOUNG_NEED, verdict, sentence, matures);
    }

    /// What was published since a freeze. What nobody knows the time of may have been.
    fn freeze(&mut self) {
        let Some((since, reason, by)) = self.facts.frozen else { return };
        let what = match self.facts.published {
            Some((at, _)) if at < since => return,
            Some(_) => "was published",
            None => "has no publish time, and may be",
        };
        let sentence = format!("{what} after {since}, when `{}` froze everything: {}", shown(by), shown(reason));
        self.add(Class::Freeze, "freeze", Verdict::Hold, sentence, None);
    }

    fn time(&mut self) {
        let Some((at, clock)) = self.facts.published else { return };
        let cooldown = match clock {
            Clock::Hosted => self.policy.cooldown_of_hosted(&self.release.package),
            _ => self.policy.cooldown(&self.release.package).age,
        };
        let matures = at.checked_add(cooldown).unwrap_or(Timestamp::MAX);
        if cooldown.is_zero() || self.now >= matures {
            return;
        }
        let clock = match clock {
            Clock::Registry | Clock::Hosted => "",
            Clock::Mirror { .. } => " by a mirror's clock",
            Clock::Files => " by the date of its files",
            Clock::Listed => " at the least, by the date of its index",
            Clock::FirstSeen => " since it was first seen",
        };
        let age = self.now.duration_since(at).as_secs();
        let age = if self.now < at {
            format!("was published in the future{clock}, at {at}")
        } else {
            format!("is {} old{clock}", roughly(age))
        };
        if let Some((id, of)) = self.facts.fixes.filter(|_| self.policy.lets_fixes_in()) {
            let (id, of) = (shown(id), shown(of));
            let sentence = format!("{age}, and need not wait: it fixes `{id}` of {of}, which was given out here");
            return self.add(Class::Cooldown, rules::FIX, Verdict::Allow, sentence, Some(matures));
        }
        let sentence = format!("{age}; policy asks {}", exactly(cooldown));
        self.add(Class::Cooldown, "cooldown", Verdict::Hold, sentence, Some(matures));
    }

    fn gaps(&mut self) {
        for gap in self.gaps {
            self.gap(gap.kind, &gap.detail);
        }
        if self.lacks_time() {
            self.gap(GapKind::NoTime, "nothing says when it was published");
        }
    }

    /// Absence of a publish time is no pass, also where nobody reported the gap.
    fn lacks_time(&self) -> bool {
        self.facts.published.is_none()
            && !self.gaps.iter().any(|gap| gap.kind == GapKind::NoTime)
            && !self.policy.cooldown(&self.release.package).age.is_zero()
    }

    fn gap(&mut self, kind: GapKind, detail: &str) {
        let verdict = match self.policy.on_gap(kind) {
            // Where no age is asked for, it does not matter that none is known.
            Verdict::Hold if kind == GapKind::NoTime && self.policy.cooldown(&self.release.package).age.is_zero() => {
                Verdict::Allow
            }
            verdict => verdict,
        };
        let sentence = format!("was not fully looked at (`{}`): {}", kind.name(), shown(detail));
        self.add(Class::Gap, "gap", verdict, sentence, None);
    }

    fn rules(&mut self) {
        let facts = OnceCell::new();
        for layer in self.policy.layers() {
            for rule in &layer.document.rule {
                let facts = facts.get_or_init(|| {
                    let no_time = self.lacks_time().then_some(GapKind::NoTime);
                    let kinds: Vec<_> = self.gaps.iter().map(|gap| gap.kind).chain(no_time).collect();
                    rules::Facts::of(self.release, self.evidence, &kinds, self.now)
                });
                if rule.reads_age()
                    && let Some((at, _)) = self.facts.published
                {
                    self.changes(next_age(at, self.now));
                }
                match rule.holds(facts) {
                    Ok(false) => {}
                    Ok(true) => self.add(Class::Rule, rule.name(), rule.then(), rule.message().to_owned(), None),
                    Err(why) => {
                        self.gap(GapKind::Rule, &format!("rule `{}` could not be evaluated: {why}", rule.name()));
                    }
                }
            }
        }
    }

    fn waive(&mut self) {
        if self.found.iter().all(|found| found.verdict == Verdict::Allow) {
            return;
        }
        let approval = self.approval();
        let exceptions = self.exceptions();
        let mut approved = None;
        for found in self.found.iter_mut().filter(|found| found.verdict > Verdict::Allow) {
            let approval = approval.filter(|_| found.verdict == Verdict::Hold);
            let exception = exceptions
                .iter()
                .filter(|exception| found.is_waived_by(exception))
                .max_by_key(|exception| exception.expires());
            // Whichever lasts longer is used, so that the end of the other one changes nothing.
            let (by, expires, what) = match (approval, exception) {
                (Some(approval), exception) if exception.is_none_or(|other| other.expires() < approval.expires) => {
                    approved = Some(approval);
                    (approval.by, approval.expires, "an approval")
                }
                (_, Some(exception)) => (exception.by(), exception.expires(), "an exception"),
                (_, None) => continue,
            };
            found.verdict = Verdict::Allow;
            found.sentence = format!("{}; waived until {expires} by {what} of `{}`", found.sentence, shown(by));
            found.until = Some(found.until.map_or(expires, |until| until.min(expires)));
        }
        if let Some(Approval { by, reason, expires }) = approved {
            let sentence = format!("was approved until {expires} by `{}`: {}", shown(by), shown(reason));
            self.add(Class::Approval, "approval", Verdict::Allow, sentence, Some(expires));
        }
    }

    /// The approval of these very bytes that lasts longest. An approval without an end does not count.
    fn approval(&self) -> Option<Approval<'a>> {
        if !self.facts.decisions {
            return None;
        }
        let approvals = self.evidence.iter().filter_map(|evidence| match evidence {
            Evidence::Decision { verdict: Verdict::Allow, digest, reason, by, expires: Some(expires) }
                if self.now < *expires && self.facts.prove(digest) =>
            {
                Some(Approval { by, reason, expires: *expires })
            }
            _ => None,
        });
        approvals.max_by_key(|approval| approval.expires)
    }

    /// The exceptions in effect for this release. Only the base document has any.
    fn exceptions(&self) -> Vec<&'a Exception> {
        let Some(base) = self.policy.layers().next() else { return Vec::new() };
        base.exceptions
            .candidates(&self.release.package)
            .map(|at| &base.document.exception[at])
            .filter(|exception| exception.matches(self.release) && !exception.expired(self.now))
            .collect()
    }

    fn rule(mut self) -> Ruling {
        self.found.sort_by_key(|found| (Reverse(found.verdict), found.class));
        for at in 0..self.found.len() {
            if let Some(until) = self.found[at].until {
                self.changes(until);
            }
        }
        let reasons = self.found.into_iter().map(|Found { rule, verdict, sentence, until, .. }| Reason {
            rule: rule.into_owned(),
            verdict,
            sentence,
            until,
        });
        let matching = match self.facts.bytes {
            Bytes::Match(digest) => Some(digest),
            Bytes::Unseen | Bytes::Failed(_) => None,
        };
        Ruling::new(self.release, reasons.collect(), self.until, self.policy.mode(), matching)
    }

    fn add(&mut self, class: Class, rule: &'a str, verdict: Verdict, sentence: String, until: Option<Timestamp>) {
        self.found.push(Found { class, rule: Cow::Borrowed(rule), verdict, sentence, until });
    }

    /// Notes an instant at which the ruling may change.
    fn changes(&mut self, at: Timestamp) {
        if at > self.now {
            self.until = Some(self.until.map_or(at, |until| until.min(at)));
        }
    }
}

/// The rule about packages that a release began to need, which is the policy's own.
pub const YOUNG_NEED: &str = "young-dependency-gained";
/// How old such a package must be.
const SETTLED: Duration = Duration::from_hours(30 * 24);

/// True if the layer's allow-list says nothing of the release's ecosystem, or covers the release.
fn admits(layer: &Layer, release: &Release) -> bool {
    let allowed = &layer.document.allow;
    if allowed.is_empty() {
        return true;
    }
    let covered = layer.allowed.candidates(&release.package).any(|at| allowed[at].pattern.matches(release));
    let ecosystem = release.package.ecosystem.as_str();
    covered || !allowed.iter().any(|entry| entry.pattern.ecosystem().is_none_or(|id| id == ecosystem))
}

/// What evidence says, gathered in one pass.
struct Facts<'a> {
    /// The latest publish time of several: the strictest.
    published: Option<(Timestamp, &'a Clock)>,
    bytes: Bytes<'a>,
    claims: Vec<&'a Integrity>,
    advisories: bool,
    decisions: bool,
    inspected: bool,
    /// The earliest freeze of several: the strictest. Since when, why, and by whom.
    frozen: Option<(Timestamp, &'a str, &'a str)>,
    /// The advisory that it is a fix of, and the version that was given out and has what it is about.
    fixes: Option<(&'a str, &'a str)>,
}

/// What became of the comparison of bytes.
enum Bytes<'a> {
    Unseen,
    Match(&'a Digest),
    Failed(Failure<'a>),
}

enum Failure<'a> {
    NotAsClaimed { digest: &'a Digest, claimed: &'a Integrity },
    NotAsPinned { digest: &'a Digest, pinned: &'a Digest, since: Timestamp },
    Contradiction { one: &'a Digest, other: &'a Digest },
    Weak { digest: &'a Digest },
}

impl<'a> Facts<'a> {
    fn of(evidence: &'a [Evidence]) -> Self {
        let mut facts = Self {
            published: None,
            bytes: Bytes::Unseen,
            claims: Vec::new(),
            advisories: false,
            decisions: false,
            inspected: false,
            frozen: None,
            fixes: None,
        };
        for evidence in evidence {
            match evidence {
                Evidence::Published { at, clock } => {
                    if facts.published.is_none_or(|(latest, _)| latest < *at) {
                        facts.published = Some((*at, clock));
                    }
                }
                Evidence::Integrity { digest, comparison } => facts.bytes = facts.bytes.and(digest, comparison),
                Evidence::Claimed { integrity } => facts.claims.push(integrity),
                Evidence::Advisory { .. } => facts.advisories = true,
                Evidence::Decision { .. } => facts.decisions = true,
                Evidence::Inspection { .. } => facts.inspected = true,
                Evidence::Frozen { since, reason, by } => {
                    if facts.frozen.is_none_or(|(earliest, ..)| *since < earliest) {
                        facts.frozen = Some((*since, reason, by));
                    }
                }
                Evidence::Fixes { id, of } => facts.fixes = Some((id, of)),
                Evidence::Manifest { .. } => {}
            }
        }
        facts
    }

    /// True if this digest is the bytes', or one that is claimed of them: what a denial is bound to.
    fn are(&self, digest: &Digest) -> bool {
        self.bytes.digests().into_iter().flatten().any(|bytes| bytes == digest)
            || self.claims.iter().any(|claim| claim.admits(digest))
    }

    /// What an approval is bound to. It is stricter: of several claims all must admit the digest, and where bytes are
    /// at hand a digest that can be forged does not stand for them.
    fn prove(&self, digest: &Digest) -> bool {
        let claimed = !self.claims.is_empty() && self.claims.iter().all(|claim| claim.admits(digest));
        match &self.bytes {
            Bytes::Unseen => claimed,
            Bytes::Match(bytes) => *bytes == digest || (digest.algorithm().proves() && claimed),
            Bytes::Failed(_) => false,
        }
    }
}

impl<'a> Bytes<'a> {
    /// Adds another comparison: all must match and speak of the same bytes.
    fn and(self, digest: &'a Digest, comparison: &'a Comparison) -> Self {
        match (self, comparison) {
            (Self::Failed(failure), _) => Self::Failed(failure),
            (_, Comparison::NotAsClaimed { claimed }) => Self::Failed(Failure::NotAsClaimed { digest, claimed }),
            (_, Comparison::NotAsPinned { pinned, since }) => {
                Self::Failed(Failure::NotAsPinned { digest, pinned, since: *since })
            }
            (Self::Match(one), Comparison::Matches) if one != digest => {
                Self::Failed(Failure::Contradiction { one, other: digest })
            }
            (_, Comparison::Matches) if !digest.algorithm().proves() => Self::Failed(Failure::Weak { digest }),
            (_, Comparison::Matches) => Self::Match(digest),
        }
    }

    fn digests(&self) -> [Option<&'a Digest>; 2] {
        match self {
            Self::Unseen => [None, None],
            Self::Match(digest)
            | Self::Failed(
                Failure::NotAsClaimed { digest, .. } | Failure::NotAsPinned { digest, .. } | Failure::Weak { digest },
            ) => [Some(digest), None],
            Self::Failed(Failure::Contradiction { one, other }) => [Some(one), Some(other)],
        }
    }
}

impl Failure<'_> {
    fn sentence(&self) -> String {
        match self {
            Self::NotAsClaimed { digest, claimed } => {
                let claimed = claimed.deciding().next().map(short).unwrap_or_default();
                format!("is not what the index claims: its bytes are `{}`, the claim is `{claimed}`", short(digest))
            }
            Self::NotAsPinned { digest, pinned, since } => {
                let (digest, pinned) = (short(digest), short(pinned));
                format!("was replaced: its bytes are `{digest}`, and `{pinned}` was first seen at {since}")
            }
            Self::Contradiction { one, other } => {
                format!("was compared twice with different bytes: `{}` and `{}`", short(one), short(other))
            }
            Self::Weak { digest } => {
                format!("has bytes known only by {}, which proves nothing", digest.algorithm().name())
            }
        }
    }
}

/// As much of a digest as a person compares; the evidence has all of it.
fn short(digest: &Digest) -> String {
    format!("{}:{}", digest.algorithm().name(), &digest.hex()[..12])
}
