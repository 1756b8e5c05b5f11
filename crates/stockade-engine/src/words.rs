//! Quantities as people say them.

use jiff::SignedDuration;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A duration, rounded down to a unit of which there are at least two: `90 seconds`, `5 hours`, `3 days`.
pub fn duration(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let units = [(DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")];
    let (length, unit) = units.into_iter().find(|(length, _)| seconds >= 2 * length).unwrap_or((1, "second"));
    let count = seconds / length;
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_the_unit_that_fits() {
        let said = |seconds| duration(SignedDuration::from_secs(seconds));
        let expected =
            [(0, "0 seconds"), (1, "1 second"), (119, "119 seconds"), (120, "2 minutes"), (7_199, "119 minutes")];
        for (seconds, words) in expected {
            assert_eq!(said(seconds), words);
        }
        assert_eq!(
            (said(2 * HOUR), said(3 * DAY + HOUR), said(-5)),
            ("2 hours".into(), "3 days".into(), "0 seconds".into())
        );
    }
}
