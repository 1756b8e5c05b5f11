//! What was blocked, as it happens, in a file: a line of JSON for each, for whoever watches a service that does not end.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use stockade_engine::Clock;

use super::report::Blocked;
use crate::output::insist;

/// Who may do what with a new file: its owner alone.
const PRIVATE: u32 = 0o600;

/// A file that events are added to.
pub(super) struct Events {
    file: File,
    clock: Clock,
    /// Whether it could not be written to, which is said once.
    failed: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    at: jiff::Timestamp,
    /// Whether it was blocked, or only would have been.
    enforced: bool,
    #[serde(flatten)]
    blocked: &'a Blocked,
}

impl Events {
    pub(super) fn open(path: &Path, clock: Clock) -> anyhow::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(PRIVATE).open(path);
        let file = file.with_context(|| format!("`{}` cannot be written to", path.display()))?;
        Ok(Self { file, clock, failed: false })
    }

    /// Adds a line the first time, the second, the fourth and so on: what is tried for ever fills no disk.
    pub(super) fn add(&mut self, blocked: &Blocked, enforced: bool) {
        if !blocked.times.is_power_of_two() {
            return;
        }
        let line = Line { at: (self.clock)(), enforced, blocked };
        let written = serde_json::to_vec(&line).map_err(std::io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            self.file.write_all(&line)
        });
        if let Err(error) = written
            && !std::mem::replace(&mut self.failed, true)
        {
            insist(&format!("stockade: events are not written any more: {error}\n"));
        }
    }
}
