//! What clients can be told of releases that are too young.
//!
//! Many have a gate of their own. One that asks for more than the policy does keeps away what the gateway gives out, with
//! words that name nobody; one that asks for less is of no use, and of no harm. So what is rounded is rounded down, and a
//! client exempts a whole package where the policy lets in one release of it: the gateway decides about each.

use std::time::Duration;

/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// What the policy asks for.
#[derive(Debug, Clone, Copy)]
pub struct Gate<'a> {
    /// How old a release has to be.
    pub age: Duration,
    /// The names of packages of which less is asked; `*` stands for what has no `/` in it, `**` for anything.
    pub exempt: &'a [String],
}

/// The gate that a client has itself.
pub struct Native {
    /// The first version that knows the settings.
    pub since: &'static str,
    /// The file that they belong into.
    pub file: &'static str,
    /// The settings that ask for what the policy asks for.
    pub settings: fn(&Gate<'_>) -> Lines,
}

/// Lines of a client's configuration file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    /// The lines.
    pub text: String,
    /// What the client has no words for.
    pub unsaid: Vec<String>,
}

impl Gate<'_> {
    /// The age in days, which need not be whole ones.
    pub(crate) fn days(&self) -> f64 {
        self.age.as_secs_f64() / Duration::from_secs(DAY).as_secs_f64()
    }

    /// The days that have passed when the age is reached, and whether there is more of it.
    pub(crate) fn whole_days(&self) -> (u64, bool) {
        (self.age.as_secs() / DAY, !self.age.as_secs().is_multiple_of(DAY))
    }

    /// The age as a whole number of the largest unit that keeps it whole: `72 hours`.
    pub(crate) fn spelled(&self) -> String {
        const HOUR: u64 = 60 * 60;
        const MINUTE: u64 = 60;
        match self.age.as_secs() {
            seconds if seconds.is_multiple_of(HOUR) => format!("{} hours", seconds / HOUR),
            seconds if seconds.is_multiple_of(MINUTE) => format!("{} minutes", seconds / MINUTE),
            seconds => format!("{seconds} seconds"),
        }
    }
}

/// What is to be said of packages that a client cannot exempt.
pub(crate) fn not_exempted<'a>(names: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    names.into_iter().map(|name| format!("`{name}` cannot be exempted")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_the_same_in_every_unit() {
        let gate = |seconds| Gate { age: Duration::from_secs(seconds), exempt: &[] };
        let check = |seconds, days: &str, whole, spelled| {
            let gate = gate(seconds);
            assert_eq!((gate.days().to_string().as_str(), gate.whole_days()), (days, whole));
            assert_eq!(gate.spelled(), spelled);
        };
        check(3 * DAY, "3", (3, false), "72 hours");
        check(DAY * 3 / 2, "1.5", (1, true), "36 hours");
        check(DAY / 48, "0.020833333333333332", (0, true), "30 minutes");
        check(DAY / 16, "0.0625", (0, true), "90 minutes");
        assert_eq!(gate(DAY + 1).spelled(), "86401 seconds");
        check(0, "0", (0, false), "0 hours");
    }
}
