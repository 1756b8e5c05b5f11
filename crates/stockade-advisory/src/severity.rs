//! How severe a vulnerability is: the base score of its vector, and the word that its database gives it.

use std::str::FromStr as _;

use serde::{Deserialize, Serialize};

use crate::osv;

/// How severe a vulnerability is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Severity {
    /// The CVSS score of the vector in tenths, computed from it. `None` if there is no vector, or none that can be read.
    pub tenths: Option<u8>,
    /// The vector, of the newest version of CVSS that the record has one of.
    pub vector: Option<String>,
    /// The word of the database in lower case: `moderate`, `high`.
    pub word: Option<String>,
}

/// The longest vector in bytes. The longest that CVSS 4.0 knows has less than 250.
const MAX_VECTOR: usize = 512;
/// The longest word in bytes.
const MAX_WORD: usize = 32;

impl Severity {
    /// Of these vectors the one of the newest version that can be read; else the newest.
    pub(crate) fn of<'a>(
        severities: impl Iterator<Item = &'a osv::Severity>,
        words: impl Iterator<Item = &'a String>,
    ) -> Self {
        let vectors =
            severities.filter(|severity| severity.kind.starts_with("CVSS_") && severity.score.len() <= MAX_VECTOR);
        let mut scored: Vec<(bool, &str, Option<u8>, &str)> = vectors
            .map(|severity| {
                let tenths = tenths(&severity.score);
                (tenths.is_some(), severity.kind.as_str(), tenths, severity.score.as_str())
            })
            .collect();
        // The names of the types sort as their versions do.
        scored.sort_unstable();
        let best = scored.pop();
        Self {
            tenths: best.and_then(|(_, _, tenths, _)| tenths),
            vector: best.map(|(.., vector)| vector.to_owned()),
            word: words.map(|word| word.to_lowercase()).find(|word| !word.is_empty() && word.len() <= MAX_WORD),
        }
    }
}

/// The metrics that a vector must have, by what it begins with. The library counts what is missing in some as harmless.
const MANDATORY: [(&str, &[&str]); 3] = [
    ("CVSS:4.", &["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"]),
    ("CVSS:3.", &["AV", "AC", "PR", "UI", "S", "C", "I", "A"]),
    ("", &["AV", "AC", "Au", "C", "I", "A"]),
];

/// The score of a vector, in tenths; `None` of one that cannot be read or lacks something.
fn tenths(vector: &str) -> Option<u8> {
    let (_, mandatory) = MANDATORY.iter().find(|(begin, _)| vector.starts_with(begin))?;
    let has =
        |metric: &&str| vector.split('/').any(|part| part.split_once(':').is_some_and(|(name, _)| name == *metric));
    if !mandatory.iter().all(has) {
        return None;
    }
    let score = cvss::Cvss::from_str(vector).ok()?.score() * 10.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is checked to be in the range")]
    (0.0..=100.0).contains(&score).then(|| score.round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(vectors: &[(&str, &str)], word: &str) -> Severity {
        let vectors: Vec<_> = vectors
            .iter()
            .map(|(kind, score)| osv::Severity { kind: (*kind).to_owned(), score: (*score).to_owned() })
            .collect();
        Severity::of(vectors.iter(), [word.to_owned()].iter())
    }

    /// Scores that the specifications and their calculators give.
    #[test]
    fn scores_are_computed_from_vectors() {
        for (vector, expected) in [
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", Some(93)),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N", Some(0)),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", Some(100)),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Some(98)),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", Some(100)),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", Some(61)),
            ("AV:N/AC:L/Au:N/C:P/I:P/A:P", Some(75)),
            ("AV:N/AC:L/Au:N/C:C/I:C/A:C", Some(100)),
            ("CVSS:3.1/AV:N", None),
            ("7.5", None),
            ("", None),
        ] {
            assert_eq!(tenths(vector), expected, "{vector}");
        }
    }

    #[test]
    fn the_newest_vector_that_can_be_read_is_taken() {
        let old = ("CVSS_V3", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H");
        let new = ("CVSS_V4", "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N");
        assert_eq!(of(&[new, old], "").tenths, Some(93));
        assert_eq!(of(&[old, ("CVSS_V4", "CVSS:4.0/AV:N")], "").tenths, Some(98));
        let unread = of(&[("CVSS_V4", "CVSS:4.0/AV:N"), ("Ubuntu", "medium")], "MODERATE");
        assert_eq!((unread.tenths, unread.vector.as_deref()), (None, Some("CVSS:4.0/AV:N")));
        assert_eq!(unread.word.as_deref(), Some("moderate"));
    }
}
