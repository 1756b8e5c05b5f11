//! The numbered semantics of a ruling, one table after the other.

mod documents;
mod inspection;
mod properties;
mod rulings;

use jiff::Timestamp;
use stockade_model::{Clock, Comparison, Digest, Evidence, Gap, Integrity, Purl, Release, Verdict};

use crate::{Policy, Ruling};

/// Everything happens around this instant.
const NOW: &str = "2026-03-01T12:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at(NOW)
}

fn hours_ago(hours: i64) -> Timestamp {
    now() - jiff::SignedDuration::from_hours(hours)
}

fn release(purl: &str) -> Release {
    purl.parse::<Purl>().unwrap().release().unwrap()
}

fn left() -> Release {
    release("pkg:demo/left-demo@1.1.0")
}

fn policy(toml: &str) -> Policy {
    Policy::parse(toml).unwrap_or_else(|error| panic!("{error}"))
}

fn published(at: Timestamp) -> Evidence {
    Evidence::Published { at, clock: Clock::Registry }
}

/// Published long ago.
fn old() -> Evidence {
    published(hours_ago(10_000))
}

fn young() -> Evidence {
    published(hours_ago(5))
}

fn bytes() -> Digest {
    Digest::of(b"left-demo")
}

fn matches() -> Evidence {
    Evidence::Integrity { digest: bytes(), comparison: Comparison::Matches }
}

fn replaced() -> Evidence {
    let comparison = Comparison::NotAsPinned { pinned: Digest::of(b"first"), since: hours_ago(100) };
    Evidence::Integrity { digest: bytes(), comparison }
}

fn claimed(digest: Digest) -> Evidence {
    Evidence::Claimed { integrity: Integrity::from_digests(vec![digest]).unwrap() }
}

fn advisory(malware: bool) -> Evidence {
    let id = if malware { "MAL-2026-1" } else { "GHSA-demo" };
    Evidence::Advisory { id: id.to_owned(), malware, summary: "it is bad".to_owned() }
}

fn decision(verdict: Verdict, digest: Digest, expires: Option<&str>) -> Evidence {
    let (reason, by) = ("reviewed".to_owned(), "alice".to_owned());
    Evidence::Decision { verdict, digest, reason, by, expires: expires.map(at) }
}

fn approval(digest: Digest) -> Evidence {
    decision(Verdict::Allow, digest, Some("2026-03-02T00:00:00Z"))
}

fn manifest(install_hook: bool) -> Evidence {
    Evidence::Manifest { publisher: Some("bob".to_owned()), install_hook, provenance: false, deprecated: None }
}

/// The ruling as a few words: verdict, rules with their verdicts, and `cleared` if bytes may be served.
fn words(ruling: &Ruling) -> String {
    let reasons = ruling.reasons.iter().map(|reason| format!("{}={}", reason.rule, reason.verdict.name()));
    let cleared = ruling.clearance().map(|_| "cleared".to_owned());
    let words: Vec<_> = std::iter::once(ruling.verdict.name().to_owned()).chain(reasons).chain(cleared).collect();
    words.join(" ")
}

/// Rules on `left-demo` 1.1.0, twice, under the policy and under what its canonical form reads as.
#[track_caller]
fn rule(policy: &Policy, evidence: &[Evidence], gaps: &[Gap], now: Timestamp) -> Ruling {
    let ruling = policy.decide(&left(), evidence, gaps, now);
    let replayed = Policy::from_canonical(policy.canonical()).unwrap();
    assert_eq!(replayed.digest(), policy.digest());
    assert_eq!(replayed.decide(&left(), evidence, gaps, now), ruling, "a ruling replays bit for bit");
    ruling
}

#[track_caller]
fn check(toml: &str, evidence: &[Evidence], expect: &str) -> Ruling {
    check_gaps(toml, evidence, &[], expect)
}

#[track_caller]
fn check_gaps(toml: &str, evidence: &[Evidence], gaps: &[Gap], expect: &str) -> Ruling {
    let ruling = rule(&policy(toml), evidence, gaps, now());
    assert_eq!(words(&ruling), expect, "{:#?}", ruling.reasons);
    ruling
}
