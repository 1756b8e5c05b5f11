//! What could not be looked at, collected: a hostile archive has a million faults, and a person reads a few.

use std::collections::HashSet;

use stockade_model::{Gap, GapKind};

/// How many gaps of one artifact are told apart; the rest is counted.
const MAX_GAPS: usize = 100;
/// How many characters of a name a gap repeats.
const MAX_SHOWN: usize = 160;

/// Gaps in the order they were found, each once.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    all: Vec<Gap>,
    seen: HashSet<String>,
    more: usize,
}

impl Gaps {
    /// Something is not what it should be.
    pub(crate) fn malformed(&mut self, detail: impl Into<String>) {
        self.push(Gap::new(GapKind::Malformed, detail));
    }

    /// There was more than is looked at.
    pub(crate) fn limit(&mut self, detail: impl Into<String>) {
        self.push(Gap::new(GapKind::Limit, detail));
    }

    /// Adds what was found elsewhere.
    pub(crate) fn extend(&mut self, gaps: impl IntoIterator<Item = Gap>) {
        for gap in gaps {
            self.push(gap);
        }
    }

    /// Adds one.
    pub(crate) fn push(&mut self, gap: Gap) {
        if self.seen.contains(&gap.detail) {
            return;
        }
        if self.all.len() >= MAX_GAPS {
            self.more = self.more.saturating_add(1);
            return;
        }
        self.seen.insert(gap.detail.clone());
        self.all.push(gap);
    }

    /// All of them, and one that counts those that were too many.
    pub(crate) fn into_vec(mut self) -> Vec<Gap> {
        if self.more > 0 {
            let detail = format!("{} more faults of the artifact are not listed", self.more);
            self.all.push(Gap::new(GapKind::Limit, detail));
        }
        self.all
    }
}

/// A name as it can be printed: in backticks, without control characters, cut.
pub(crate) fn shown(name: &str) -> String {
    let plain = name.chars().take(MAX_SHOWN).map(|c| if c.is_control() { '\u{fffd}' } else { c });
    let rest = if name.chars().nth(MAX_SHOWN).is_some() { "…" } else { "" };
    format!("`{}{rest}`", plain.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_told_once_and_too_many_are_counted() {
        let mut gaps = Gaps::default();
        for number in 0..MAX_GAPS + 7 {
            gaps.malformed(format!("fault {number}"));
            gaps.malformed("fault 0");
        }
        let all = gaps.into_vec();
        assert_eq!(all.len(), MAX_GAPS + 1);
        assert_eq!(all.last().map(|gap| gap.detail.as_str()), Some("7 more faults of the artifact are not listed"));
    }

    #[test]
    fn a_name_that_moves_the_cursor_does_not_reach_the_terminal() {
        assert_eq!(shown("a\x1b[2Jb"), "`a\u{fffd}[2Jb`");
        assert_eq!(shown(&"a".repeat(300)).chars().count(), MAX_SHOWN + 3);
    }
}
