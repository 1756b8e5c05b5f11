//! What clients can be told of releases that are too young.
//!
//! Many have a gate of their own. One that asks for more than the policy does keeps away what the gateway gives out, with
//! words that name nobody; one that asks for less is of no use, and of no harm. So what is rounded is rounded down, and a
//! client exempts a whole package where the policy lets in one release of it: the gateway decides about each.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
/// Seconds of a day.
const DAY: u64 = 24 * HOUR;

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
    /// The file for what points the client at the gateway, if that is another one.
    pub pointed_in: Option<&'static str>,
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

    /// The whole days that have passed when the age is reached, and what a client who counts those cannot say.
    pub(crate) fn whole_days(&self, client: &str) -> (u64, Option<String>) {
        self.whole(DAY, client, "days")
    }

    /// The same in minutes.
    pub(crate) fn whole_minutes(&self, client: &str) -> (u64, Option<String>) {
        self.whole(MINUTE, client, "minutes")
    }

    fn whole(&self, unit: u64, client: &str, units: &str) -> (u64, Option<String>) {
        let seconds = self.age.as_secs();
        let rounded = || format!("{client} counts whole {units}, and the policy asks for {}", self.spelled());
        (seconds / unit, (!seconds.is_multiple_of(unit)).then(rounded))
    }

    /// The age as a whole number of the largest unit that keeps it whole: `72 hours`.
    pub(crate) fn spelled(&self) -> String {
        match self.age.as_secs() {
            seconds if seconds.is_multiple_of(HOUR) => format!("{} hours", seconds / HOUR),
            seconds if seconds.is_multiple_of(MINUTE) => format!("{} minutes", seconds / MINUTE),
            seconds => format!("{seconds} seconds"),
        }
    }
}

/// Names in quotes, as TOML and JSON have lists and YAML may have them.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("{name:?}")).collect();
    format!("[{}]", quoted.join(", "))
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
            let (count, rounded) = gate.whole_days("pip");
            assert_eq!((gate.days().to_string().as_str(), (count, rounded.is_some())), (days, whole));
            assert_eq!(gate.spelled(), spelled);
        };
        check(3 * DAY, "3", (3, false), "72 hours");
        check(DAY * 3 / 2, "1.5", (1, true), "36 hours");
        check(DAY / 48, "0.020833333333333332", (0, true), "30 minutes");
        check(DAY / 16, "0.0625", (0, true), "90 minutes");
        assert_eq!(gate(DAY + 1).spelled(), "86401 seconds");
        let rounded = "yarn counts whole minutes, and the policy asks for 90 seconds".to_owned();
        assert_eq!(gate(90).whole_minutes("yarn"), (1, Some(rounded)));
        assert_eq!(gate(HOUR).whole_minutes("yarn"), (60, None));
        check(0, "0", (0, false), "0 hours");
    }
}
