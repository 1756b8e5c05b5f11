//! Evidence about a release from what the engine has at hand: its index, its pin, people's decisions, advisories.
//!
//! This runs for every release of a listing, so it does no I/O and is handed everything that it looks at.

use stockade_ecosystem::{Index, Listed};
use stockade_model::{Clock, Comparison, Digest, Evidence, Gap, GapKind, Integrity, Release, Verdict};

use crate::advisories::{Advised, Advisories};
use crate::asked::Dates;
use crate::store::Assessed;
use crate::{Decision, Freeze, Pin};

/// What is known of a package besides its index.
pub(crate) struct Known<'a> {
    pub(crate) advisories: &'a Advisories,
    pub(crate) decisions: &'a [Decision],
    /// Since when nothing new is used.
    pub(crate) freeze: Option<&'a Freeze>,
    /// The times that the index does not state.
    pub(crate) dates: &'a Dates,
    /// Why the index may be out of date.
    pub(crate) stale: Option<&'a Gap>,
    /// True if the package is published here.
    pub(crate) hosted: bool,
}

/// What was found out, and what could not be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gathered {
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) gaps: Vec<Gap>,
}

/// Evidence about one release. `pin` is what was first seen under its version, `assessed` what was found in it.
pub(crate) fn gather(
    index: &Index,
    listed: &Listed,
    release: &Release,
    pin: Option<&Pin>,
    assessed: Option<&Assessed>,
    advised: Advised,
    known: &Known<'_>,
) -> Gathered {
    let mut found = Gathered::default();
    match pin.filter(|_| known.hosted) {
        Some(pin) => found.evidence.push(Evidence::Published { at: pin.since, clock: Clock::Hosted }),
        None => found.time(index, listed, known.dates),
    }
    found.evidence.extend(known.freeze.and_then(Freeze::evidence));
    found.evidence.push(Evidence::Manifest {
        publisher: listed.publisher.clone(),
        install_hook: listed.install_hook,
        provenance: listed.provenance,
        deprecated: listed.deprecated.clone(),
    });
    found.claim(listed);
    let pinned = pin.into_iter().flat_map(|pin| &pin.digests);
    let bytes = listed.artifact.integrity.iter().flat_map(Integrity::digests).chain(pinned);
    found.advised(advised);
    found.advised(known.advisories.advised_of_bytes(&bytes));
    found.evidence.extend(in_force(known.decisions, release, pin).map(Decision::evidence));
    if let Some(pin) = pin {
        found.evidence.push(against_pin(listed, pin));
        found.content(assessed.filter(|assessed| assessed.digest == pin.sha256));
    }
    found.gaps.extend(known.stale.cloned());
    for problem in index.problems.iter().chain(&listed.problems) {
        found.gaps.push(Gap::new(GapKind::Malformed, problem.what.clone()));
    }
    found
}

/// Evidence about what only describes a file: how old it is, whether it is what the index claims, and what it was when it
/// was first seen. Who approved of the file meant its description too, whose digest nobody ever sees.
pub(crate) fn described(index: &Index, listed: &Listed, pin: Option<&Pin>, decisions: &[Decision]) -> Gathered {
    let mut found = Gathered::default();
    found.time(index, listed, &Dates::default());
    found.claim(listed);
    let claimed = listed.artifact.integrity.as_ref().and_then(|claim| claim.deciding().next());
    let approvals = decisions.iter().filter(|decision| decision.verdict == Verdict::Allow);
    found.evidence.extend(
        approvals
            .zip(claimed.into_iter().cycle())
            .map(|(decision, claimed)| Decision { digest: claimed.clone(), ..decision.clone() }.evidence()),
    );
    found.evidence.extend(pin.map(|pin| against_pin(listed, pin)));
    found
}

/// The decisions about a release that no later one about the same bytes replaces. Once the bytes are pinned it is known
/// which digests of different algorithms are the same bytes: people decide by what the index claims before that, and by
/// the content address afterwards.
pub(crate) fn in_force<'a>(
    decisions: &'a [Decision],
    release: &'a Release,
    pin: Option<&'a Pin>,
) -> impl Iterator<Item = &'a Decision> {
    let same = move |a: &Digest, b: &Digest| {
        a == b || pin.is_some_and(|pin| pin.digests.contains(a) && pin.digests.contains(b))
    };
    decisions.iter().enumerate().filter(move |(_, decision)| decision.release == *release).filter_map(
        move |(at, decision)| {
            let later = decisions.iter().skip(at + 1).filter(|later| later.release == *release);
            let replaced = later.into_iter().any(|later| same(&later.digest, &decision.digest));
            (!replaced).then_some(decision)
        },
    )
}

impl Gathered {
    /// Adds what advisories say that is not there yet.
    pub(crate) fn advised(&mut self, advised: Advised) {
        let more: Vec<Evidence> = advised.evidence.into_iter().filter(|one| !self.evidence.contains(one)).collect();
        self.evidence.extend(more);
        self.gaps.extend(advised.gaps);
    }

    fn time(&mut self, index: &Index, listed: &Listed, dates: &Dates) {
        match index.published(listed).or_else(|| dates.of(listed)) {
            Some((at, clock)) => self.evidence.push(Evidence::Published { at, clock }),
            None => self.gaps.push(Gap::new(GapKind::NoTime, "the index states no publish time for it")),
        }
    }

    fn claim(&mut self, listed: &Listed) {
        if listed.artifact.url.is_empty() {
            // A release of which the index names no file.
            return;
        }
        let Some(integrity) = &listed.artifact.integrity else {
            self.gaps.push(Gap::new(GapKind::NoIntegrity, "the index claims no digest for it"));
            return;
        };
        if !integrity.strongest().proves() {
            self.gaps.push(Gap::new(GapKind::WeakIntegrity, "the index claims only a SHA-1, which can be forged"));
        }
        self.evidence.push(Evidence::Claimed { integrity: integrity.clone() });
    }

    fn content(&mut self, assessed: Option<&Assessed>) {
        let Some(assessed) = assessed else { return };
        self.evidence.push(assessed.evidence.clone());
        self.gaps.extend(assessed.gaps.iter().cloned());
    }

    /// True if these bytes were inspected.
    pub(crate) fn is_inspected(&self, bytes: &Digest) -> bool {
        self.evidence.iter().any(|one| matches!(one, Evidence::Inspection { digest, .. } if digest == bytes))
    }

    /// Forgets what was found in other bytes.
    pub(crate) fn forget_inspections_but_of(&mut self, bytes: &Digest) {
        self.evidence.retain(|one| !matches!(one, Evidence::Inspection { digest, .. } if digest != bytes));
    }

    /// Puts the outcome of a comparison of bytes in the place of an earlier one.
    pub(crate) fn compared(&mut self, outcome: Evidence) {
        self.evidence.retain(|evidence| !matches!(evidence, Evidence::Integrity { .. }));
        self.evidence.push(outcome);
    }
}

/// Compares what the index claims now with what was first seen.
fn against_pin(listed: &Listed, pin: &Pin) -> Evidence {
    let claim = listed.artifact.integrity.as_ref();
    let contradicts = claim.is_some_and(|claim| {
        let algorithm = claim.strongest();
        pin.digests.iter().any(|digest| digest.algorithm() == algorithm)
            && !pin.digests.iter().any(|digest| claim.admits(digest))
    });
    match claim.and_then(|claim| claim.deciding().next()) {
        Some(claimed) if contradicts => Evidence::Integrity {
            digest: claimed.clone(),
            comparison: Comparison::NotAsPinned { pinned: pin.sha256.clone(), since: pin.since },
        },
        _ => Evidence::Integrity { digest: pin.sha256.clone(), comparison: Comparison::Matches },
    }
}
