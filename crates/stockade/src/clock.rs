//! Where time comes from: the machine, or the instant that `--now` names.

use std::sync::Arc;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use stockade_engine::Clock;

/// The machine's clock, or one that starts at an instant and runs on.
#[expect(clippy::disallowed_methods, reason = "this is where the clock that everybody is handed is made")]
pub(crate) fn clock(start: Option<Timestamp>) -> Clock {
    match start {
        None => Arc::new(Timestamp::now),
        Some(start) => {
            let since = Instant::now();
            let elapsed = move || SignedDuration::try_from(since.elapsed()).unwrap_or(SignedDuration::MAX);
            Arc::new(move || start.checked_add(elapsed()).unwrap_or(Timestamp::MAX))
        }
    }
}
