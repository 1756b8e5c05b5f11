//! Fixed instants. A test that asks the machine for the time is a test that fails on another day.

use jiff::{SignedDuration, Timestamp};

/// The instant at which tests happen: 2026-06-01T12:00:00Z.
pub const NOW: Timestamp = Timestamp::constant(1_780_315_200, 0);

/// The instant that is `hours` before `now`; a negative number is in the future.
pub fn hours_before(now: Timestamp, hours: i64) -> Timestamp {
    now.checked_sub(SignedDuration::from_hours(hours)).expect("an instant of a test is in the range of the clock")
}

/// The machine's time, for what has to be as old as it says: the demonstration, and runs against real registries.
pub fn now() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn now_is_what_it_says() {
        assert_eq!(NOW.to_string(), "2026-06-01T12:00:00Z");
        assert_eq!(hours_before(NOW, 73).to_string(), "2026-05-29T11:00:00Z");
        assert_eq!(hours_before(NOW, -1).to_string(), "2026-06-01T13:00:00Z");
    }
}
