//! How long: the durations of a policy document, such as `72h`.
//!
//! A duration is a whole number and one unit, because two people must read the same policy in the same way: no months,
//! no fractions, no sums. In canonical form the unit is the largest one that keeps the number whole.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize, de};

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;
const WEEK: u32 = 7 * DAY;

/// A minimum age: a duration in whole seconds, at most [`Age::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Age(u32);

impl Age {
    /// No minimum.
    pub(crate) const ZERO: Self = Self(0);
    /// Ten years: beyond that, a deny entry says better what is meant.
    pub(crate) const MAX: Self = Self(3650 * DAY);

    /// So many hours.
    pub(crate) const fn hours(hours: u32) -> Self {
        Self(hours * HOUR)
    }

    /// The duration as the standard library has it.
    pub(crate) fn duration(self) -> Duration {
        Duration::from_secs(self.0.into())
    }
}

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shown: String = text.chars().take(40).collect();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        if number.is_empty() {
            return Err(format!("`{}` is not a duration; write `72h`, `3d` or `30m`", shown.escape_debug()));
        }
        let unit = match unit {
            "s" => 1,
            "m" => MINUTE,
            "h" => HOUR,
            "d" => DAY,
            "w" => WEEK,
            "" if number.bytes().all(|digit| digit == b'0') => 1,
            "" => return Err(format!("`{shown}` has no unit; write `{shown}h` for hours or `{shown}d` for days")),
            _ => {
                let shown = shown.escape_debug();
                return Err(format!("`{shown}` has an unknown unit; the units are `s`, `m`, `h`, `d` and `w`"));
            }
        };
        let seconds = number.parse::<u32>().ok().and_then(|number| number.checked_mul(unit));
        seconds
            .map(Self)
            .filter(|age| *age <= Self::MAX)
            .ok_or_else(|| format!("`{shown}` is longer than 10 years; use a `[[deny]]` entry to keep something out"))
    }
}

/// The canonical spelling, which [`Age::from_str`] reads.
impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("0"),
            age if age % DAY == 0 => write!(f, "{}d", age / DAY),
            age if age % HOUR == 0 => write!(f, "{}h", age / HOUR),
            age if age % MINUTE == 0 => write!(f, "{}m", age / MINUTE),
            age => write!(f, "{age}s"),
        }
    }
}

impl Serialize for Age {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Age {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Age;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration in quotes, such as \"72h\", \"3d\" or \"0\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Age, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// A duration in words, exactly: `72 hours`, `30 minutes`, `14 days`.
pub(crate) fn exactly(duration: Duration) -> String {
    let (hour, minute) = (u64::from(HOUR), u64::from(MINUTE));
    match duration.as_secs() {
        seconds if seconds > 4 * 24 * hour && seconds % (24 * hour) == 0 => words(seconds / (24 * hour), "day"),
        seconds if seconds != 0 && seconds % hour == 0 => words(seconds / hour, "hour"),
        seconds if seconds != 0 && seconds % minute == 0 => words(seconds / minute, "minute"),
        seconds => words(seconds, "second"),
    }
}

/// A duration in words, rounded down to one unit: `5 hours`, `less than a minute`.
pub(crate) fn roughly(seconds: i64) -> String {
    let seconds = u64::try_from(seconds).unwrap_or(0);
    let (day, hour, minute) = (u64::from(DAY), u64::from(HOUR), u64::from(MINUTE));
    match seconds {
        0..60 => "less than a minute".to_owned(),
        _ if seconds < hour => words(seconds / minute, "minute"),
        _ if seconds < 4 * day => words(seconds / hour, "hour"),
        _ => words(seconds / day, "day"),
    }
}

fn words(number: u64, unit: &str) -> String {
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_reads_what_it_prints() {
        let canonical = |text: &str| text.parse::<Age>().unwrap().to_string();
        for (text, expect) in
            [("72h", "3d"), ("3d", "3d"), ("90m", "90m"), ("0", "0"), ("0h", "0"), ("2w", "14d"), ("61s", "61s")]
        {
            assert_eq!(canonical(text), expect);
            assert_eq!(canonical(expect), expect);
        }
        assert_eq!("3650d".parse(), Ok(Age::MAX));
    }

    #[test]
    fn what_is_no_duration_is_refused_with_what_to_write() {
        let error = |text: &str| text.parse::<Age>().unwrap_err();
        assert_eq!(error("72"), "`72` has no unit; write `72h` for hours or `72d` for days");
        assert_eq!(error("-1h"), "`-1h` is not a duration; write `72h`, `3d` or `30m`");
        assert_eq!(error("3 days"), "`3 days` has an unknown unit; the units are `s`, `m`, `h`, `d` and `w`");
        assert!(error("3651d").contains("longer than 10 years"));
        assert!(error("99999999999999999999d").contains("longer than 10 years"));
        assert!(error("1d12h").contains("unknown unit"));
        assert!(error("").contains("not a duration"));
    }

    #[test]
    fn durations_have_words() {
        assert_eq!(exactly(Age::hours(72).duration()), "72 hours");
        assert_eq!(exactly(Age::hours(1).duration()), "1 hour");
        assert_eq!(exactly(Age::hours(24 * 14).duration()), "14 days");
        assert_eq!(exactly(Duration::from_mins(90)), "90 minutes");
        assert_eq!(exactly(Duration::ZERO), "0 seconds");
        assert_eq!(roughly(59), "less than a minute");
        assert_eq!(roughly(5 * 3600 + 1), "5 hours");
        assert_eq!(roughly(5 * 86400), "5 days");
    }
}
