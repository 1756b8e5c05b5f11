//! The index of what lies on this machine: a base that is made of everything, and overlays with what has changed since.
//!
//! Making a base takes as long as reading everything. When little has changed, an overlay is made instead, of the records
//! that changed and of nothing else; when overlays have become many or large, a base takes their place. A short file names
//! what is in effect, and is put in the place of the one before when all that it names is durable: a process that is
//! killed at any instant leaves the old index or the new one. Numbers only go up, so that an older file is never taken for
//! a newer one.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stockade_advisory::{Advisories, Builder, Damage, Header, Ledger, Medium, Reading};
use stockade_model::Digest;

use super::files;
use super::reading::add_all;
use super::sources::Place;

/// The file that names what is in effect.
pub(super) const CURRENT: &str = "current.json";
/// How many overlays there may be.
const MAX_OVERLAYS: usize = 16;
/// Overlays may have one of so many records of the base.
const SHARE: u64 = 10;
/// The longest ledger in bytes.
const MAX_LEDGER: u64 = 128 << 20;

/// What is in effect.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Current {
    /// What of the sources' files was read.
    stamp: Digest,
    pub(super) sequence: u64,
    /// The names of the files, that of the base first.
    pub(super) layers: Vec<String>,
    ledger: String,
}

impl Current {
    pub(super) fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&files::read_short(&folder.join(CURRENT)).ok()?).ok()
    }

    pub(super) fn open(&self, folder: &Path) -> Result<Advisories, Damage> {
        open(folder, &self.layers)
    }

    fn write(&self, folder: &Path) -> io::Result<()> {
        files::put(&folder.join(CURRENT), &serde_json::to_vec(self)?)?;
        let is_wanted = |name: &str| {
            matches!(name, CURRENT | files::LOCK)
                || name == self.ledger
                || self.layers.iter().any(|layer| layer == name)
        };
        files::sweep(folder, is_wanted);
        Ok(())
    }
}

/// Opens files of a folder, the base first.
pub(super) fn open(folder: &Path, layers: &[String]) -> Result<Advisories, Damage> {
    let mut media = Vec::new();
    for layer in layers {
        media.push(Box::new(files::open(&folder.join(layer))?) as Box<dyn Medium>);
    }
    if media.is_empty() {
        return Err(Damage::Foreign);
    }
    let overlays = media.split_off(1);
    media.pop().map_or(Err(Damage::Foreign), |base| Advisories::open(base, overlays))
}

/// The index, if it is of what is there now.
pub(super) fn current(folder: &Path, stamp: &Digest) -> Option<Advisories> {
    Current::read(folder).filter(|current| current.stamp == *stamp)?.open(folder).ok()
}

/// True if another process is making an index.
pub(super) fn is_being_made(folder: &Path) -> bool {
    files::open(&folder.join(files::LOCK))
        .is_ok_and(|lock| matches!(lock.try_lock(), Err(std::fs::TryLockError::WouldBlock)))
}

/// The index of these places; it is made if it is not there, which another process may be doing.
pub(super) fn of(places: &[Place], folder: &Path, stamp: &Digest, now: Timestamp) -> Result<Advisories, Damage> {
    if let Some(index) = current(folder, stamp) {
        return Ok(index);
    }
    let _lock = files::lock(folder)?;
    if let Some(index) = current(folder, stamp) {
        return Ok(index);
    }
    let known = Current::read(folder);
    // The clock goes on where the number was lost.
    let second = u64::try_from(now.as_second()).unwrap_or_default();
    let sequence = known.as_ref().map_or(0, |known| known.sequence).saturating_add(1).max(second);
    let making = Making { places, folder, stamp, now, sequence };
    let made = match known.and_then(|known| making.overlay(known).transpose()) {
        Some(made) => made?,
        None => making.base()?,
    };
    let index = made.open(folder)?;
    made.write(folder)?;
    Ok(index)
}

struct Making<'a> {
    places: &'a [Place],
    folder: &'a Path,
    stamp: &'a Digest,
    now: Timestamp,
    sequence: u64,
}

impl Making<'_> {
    /// An index of everything.
    fn base(&self) -> io::Result<Current> {
        let builder = self.met(Reading::All);
        let ledger = builder.ledger();
        let base = self.finish(builder, None)?;
        self.current(vec![base], &ledger)
    }

    /// The index that is there with what has changed; `None` if a base has to be made.
    fn overlay(&self, known: Current) -> io::Result<Option<Current>> {
        let ledger = files::read(&self.folder.join(&known.ledger), MAX_LEDGER).ok();
        let Some(old) = ledger.and_then(|bytes| Ledger::from_bytes(&bytes)) else { return Ok(None) };
        let Ok(index) = known.open(self.folder) else { return Ok(None) };
        let listing = self.met(Reading::Nothing);
        // What was lost may have been mended: only a base can tell.
        if listing.first_lost().is_some() || index.status().lost > 0 {
            return Ok(None);
        }
        let listing = listing.ledger();
        let changes = old.changes(&listing);
        if changes.is_empty() {
            return Ok(Some(Current { stamp: self.stamp.clone(), ..known }));
        }
        let size = |records: u64| records + changes.places.len().max(changes.before.len()) as u64;
        let (base, overlays) = sizes(&index);
        if changes.whole || known.layers.len() > MAX_OVERLAYS || size(overlays) * SHARE > base {
            return Ok(None);
        }
        let found = self.met(Reading::Only(changes.places.clone())).ledger();
        let ids: HashSet<u64> = found.ids().chain(changes.before).collect();
        // A record that is at several places is what all of them say.
        let places = old.places_of(&ids).chain(changes.places).collect();
        let mut builder = self.met(Reading::Only(places));
        let below: HashSet<u64> = old.ids().filter(|id| ids.contains(id)).collect();
        builder.replaces(ids, below.len() as u64);
        let overlay = self.finish(builder, Some(index.base().to_owned()))?;
        let layers = known.layers.into_iter().chain([overlay]).collect();
        self.current(layers, &listing.named_by(&[&found, &old])).map(Some)
    }

    fn met(&self, reading: Reading) -> Builder {
        let mut builder = Builder::reading(reading);
        add_all(&mut builder, self.places);
        builder
    }

    fn finish(&self, builder: Builder, base: Option<String>) -> io::Result<String> {
        let name = format!("{}-{}.index", self.sequence, if base.is_some() { "overlay" } else { "base" });
        let header = Header { built: self.now, sequence: self.sequence, base };
        files::write(&self.folder.join(&name), |to| builder.finish(&header, to))?;
        Ok(name)
    }

    fn current(&self, layers: Vec<String>, ledger: &Ledger) -> io::Result<Current> {
        let name = format!("{}.ledger", self.sequence);
        files::put(&self.folder.join(&name), &ledger.to_bytes())?;
        Ok(Current { stamp: self.stamp.clone(), sequence: self.sequence, layers, ledger: name })
    }
}

/// How many records the base has, and how many the overlays.
fn sizes(index: &Advisories) -> (u64, u64) {
    let mut records = index.manifests().map(|manifest| manifest.records);
    (records.next().unwrap_or_default(), records.sum())
}
