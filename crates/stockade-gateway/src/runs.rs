//! What happened in one run of a client, for its summary. A run is told apart by the name that it carries in its
//! `User-Agent`, or in its `Authorization` where a client says no more of itself; nothing rests on it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stockade_ecosystem::{Client, Ecosystem};
use stockade_engine::{Cleared, Listing, Refused};
use stockade_model::{Purl, Verdict};

/// How many runs are remembered.
const MAX_RUNS: usize = 256;
/// How many notices of each kind a run has.
const MAX_NOTICES: usize = 1000;
/// The longest name of a run in bytes.
const MAX_NAME: usize = 64;

/// What happened in one run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// How many files were given out.
    pub served: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were asked for and refused.
    pub refused: Vec<Notice>,
    /// Releases that clients would choose, or that are malware, and that the client was steered around.
    pub steered: Vec<Notice>,
    /// Files that were given out because the policy only records, and that it would refuse otherwise.
    pub audited: Vec<Notice>,
    /// The upstream did not answer for some packages, and older copies of their indexes were used.
    pub stale: Option<String>,
}

/// A release that is not to be had now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The release.
    pub purl: String,
    /// Hold or deny.
    pub verdict: Verdict,
    /// The whole sentence.
    pub sentence: String,
    /// When time alone ends it.
    pub until: Option<Timestamp>,
    /// The version that is cleared instead.
    pub instead: Option<String>,
    /// The ruling's identifier.
    pub ruling: String,
}

impl Notice {
    fn of(refused: &Refused) -> Self {
        let ruling = &refused.ruling;
        Self {
            purl: Purl::of(&ruling.release).to_string(),
            verdict: ruling.verdict,
            sentence: ruling.sentence(),
            until: ruling.lifted(),
            instead: refused.instead.clone().filter(|other| *other != ruling.release.version),
            ruling: refused.id.clone(),
        }
    }
}

#[derive(Debug, Default)]
struct Run {
    served: u64,
    bytes: u64,
    refused: BTreeMap<String, Notice>,
    steered: BTreeMap<String, Notice>,
    audited: BTreeMap<String, Notice>,
    stale: Option<String>,
}

/// The newest runs.
#[derive(Debug, Default)]
pub(crate) struct Runs(Mutex<(BTreeMap<String, Run>, VecDeque<String>)>);

/// The name of the run that a request belongs to.
pub(crate) fn name_of<'a>(ecosystem: &Ecosystem, headers: [&'a str; 3]) -> Option<&'a str> {
    let of_client = |client: &&Client| headers.iter().find_map(|header| (client.run_of)(header));
    let mut names = ecosystem.clients.iter().filter_map(of_client);
    names.next().filter(|name| name.len() <= MAX_NAME && name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

impl Runs {
    pub(crate) fn report(&self, name: &str) -> Option<RunReport> {
        let runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let run = runs.0.get(name)?;
        Some(RunReport {
            served: run.served,
            bytes: run.bytes,
            refused: run.refused.values().cloned().collect(),
            steered: run.steered.values().filter(|notice| !run.refused.contains_key(&notice.purl)).cloned().collect(),
            audited: run.audited.values().cloned().collect(),
            stale: run.stale.clone(),
        })
    }

    pub(crate) fn served(&self, name: &str, cleared: &Cleared) {
        let audited = cleared.would().map(Notice::of);
        self.with(name, |run| {
            run.served += 1;
            run.bytes += cleared.size();
            if let Some(notice) = audited {
                insert(&mut run.audited, notice);
            }
        });
    }

    pub(crate) fn refused(&self, name: &str, refused: &Refused) {
        let notice = Notice::of(refused);
        self.with(name, |run| insert(&mut run.refused, notice));
    }

    /// A listing was rendered: notes what it no longer offers as the first choice.
    pub(crate) fn listed(&self, name: &str, listing: &Listing) {
        let first = listing.document.index.first_choices();
        let notices: Vec<Notice> = listing
            .rulings
            .refused
            .iter()
            .filter(|refused| refused.ruling.malware() || first.contains(refused.ruling.release.version.as_str()))
            .map(Notice::of)
            .collect();
        let stale = listing.rulings.stale.as_ref().map(|gap| gap.detail.clone());
        self.with(name, |run| {
            for notice in notices {
                insert(&mut run.steered, notice);
            }
            run.stale = run.stale.take().or(stale);
        });
    }

    fn with(&self, name: &str, change: impl FnOnce(&mut Run)) {
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (by_name, order) = &mut *runs;
        if !by_name.contains_key(name) {
            order.push_back(name.to_owned());
            if order.len() > MAX_RUNS
                && let Some(oldest) = order.pop_front()
            {
                by_name.remove(&oldest);
            }
        }
        change(by_name.entry(name.to_owned()).or_default());
    }
}

fn insert(notices: &mut BTreeMap<String, Notice>, notice: Notice) {
    if notices.len() < MAX_NOTICES {
        notices.insert(notice.purl.clone(), notice);
    }
}
