//! Where advisories come from: folders and zips that are named, feeds that are fetched, and a bundle that is brought.
//!
//! A feed's answer lies in the data folder beside what is known of the feed: when it last answered, and what went wrong
//! since. That it has not answered for too long, or ever, is a gap: advisories that are not there name nobody.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use stockade_model::{Digest, redacted};
use url::Url;

use super::claims::Claims;
use super::files;
use super::signing::PublicKey;

/// The folder of the data folder in which the answers of feeds are.
pub(super) const FOLDER: &str = "advisory-feeds";
/// How long a feed may be silent unless the settings say otherwise: an update a day may fail once.
pub const MAX_AGE: SignedDuration = SignedDuration::from_hours(48);

/// Where advisories come from, as the settings say.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Folders and zips of records.
    pub folders: Vec<PathBuf>,
    /// What is fetched.
    pub feeds: Vec<Feed>,
    /// How old the last answer of a feed, or a bundle, may be.
    pub max_age: SignedDuration,
    /// Whose bundles are taken.
    pub trust: Vec<PublicKey>,
    /// Whose packages advisories do not mean, though they may have the name.
    pub claims: Claims,
}

/// Something that is fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// Its address.
    pub url: Url,
    /// What it is.
    pub kind: Kind,
}

/// What a file of advisories is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Records of OSV: a zip of them, or one.
    Osv,
    /// Estimates of EPSS.
    Epss,
    /// The catalog of vulnerabilities that are known to be used.
    Kev,
    /// A list of what is malicious.
    List,
}

/// What is known of a feed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// When it last answered, if only that nothing has changed.
    pub answered: Option<Timestamp>,
    /// When its answer last was another one.
    pub changed: Option<Timestamp>,
    /// Why it did not answer after that, and when.
    pub failed: Option<Failure>,
    /// The digest of its answer.
    #[serde(default)]
    pub(super) sha256: Option<Digest>,
    #[serde(default)]
    pub(super) etag: Option<String>,
    #[serde(default)]
    pub(super) last_modified: Option<String>,
}

/// Why a feed did not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: String,
}

/// A file or folder to be read.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    /// What it is called where something is said of it.
    pub(crate) name: String,
}

impl Default for Sources {
    fn default() -> Self {
        Self { folders: Vec::new(), feeds: Vec::new(), max_age: MAX_AGE, trust: Vec::new(), claims: Claims::default() }
    }
}

impl From<Vec<PathBuf>> for Sources {
    fn from(folders: Vec<PathBuf>) -> Self {
        Self { folders, ..Self::default() }
    }
}

impl Sources {
    /// What there is to read, in the order in which it is read.
    pub(crate) fn places(&self, data: &Path) -> Vec<Place> {
        let folders = self.folders.iter().map(|path| Place { path: path.clone(), name: path.display().to_string() });
        let feeds = self.feeds.iter().map(|feed| Place { path: feed.content(data), name: feed.name() });
        folders.chain(feeds.filter(|place| place.path.exists())).collect()
    }

    /// What is wrong with the feeds at an instant.
    pub(crate) fn gaps(&self, data: &Path, now: Timestamp) -> Vec<String> {
        self.feeds.iter().filter_map(|feed| feed.gap(&feed.checked(data), self.max_age, now)).collect()
    }

    /// When the feed that was silent for the longest time last answered; `None` if one never did, or there is none.
    pub(super) fn fresh(&self, data: &Path) -> Option<Timestamp> {
        self.feeds.iter().map(|feed| feed.checked(data).answered).min().flatten()
    }
}

impl Feed {
    /// Its address, without what is secret in it.
    pub fn name(&self) -> String {
        redacted(self.url.as_str())
    }

    /// What is known of it.
    pub fn checked(&self, data: &Path) -> Checked {
        // What cannot be read is not known, and what is not known is a gap.
        let text = files::read_short(&self.state(data)).unwrap_or_default();
        let checked: Checked = serde_json::from_slice(&text).unwrap_or_default();
        if self.content(data).exists() { checked } else { Checked { failed: checked.failed, ..Checked::default() } }
    }

    /// Where its answer is.
    pub(super) fn content(&self, data: &Path) -> PathBuf {
        data.join(FOLDER).join(format!("{}.{}", self.id(), self.kind.as_str()))
    }

    pub(super) fn state(&self, data: &Path) -> PathBuf {
        data.join(FOLDER).join(format!("{}.state", self.id()))
    }

    fn id(&self) -> String {
        Digest::of(format!("{} {}", self.kind.as_str(), self.url).as_bytes()).hex()[..16].to_owned()
    }

    /// What is wrong with it.
    pub fn gap(&self, checked: &Checked, max_age: SignedDuration, now: Timestamp) -> Option<String> {
        let name = self.name();
        match (checked.answered, &checked.failed) {
            (None, None) => Some(format!("`{name}` was never fetched; `stockade advisories update` fetches it")),
            (None, Some(failure)) => Some(format!("`{name}` was never fetched: {}", failure.why)),
            (Some(at), Some(failure)) => Some(format!("`{name}` failed: {}; last answered {at}", failure.why)),
            (Some(at), None) => stale(at, max_age, now).map(|stale| format!("`{name}` is {stale}")),
        }
    }
}

/// Says that something is too old, if it is.
pub(super) fn stale(at: Timestamp, max_age: SignedDuration, now: Timestamp) -> Option<String> {
    let allowed = crate::duration(max_age);
    (now.duration_since(at) > max_age).then(|| format!("stale: last answered {at}, more than {allowed} ago"))
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Osv, Self::Epss, Self::Kev, Self::List];

    /// Its name, which is also what names of such files end with.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Osv => "osv",
            Self::Epss => "epss",
            Self::Kev => "kev",
            Self::List => "list",
        }
    }

    /// What a file is, by its name.
    pub(super) fn of_name(path: &Path) -> Option<Self> {
        let ending = path.extension()?;
        Self::ALL.into_iter().find(|kind| ending.eq_ignore_ascii_case(kind.as_str()))
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = || Self::ALL.map(|kind| format!("`{}`", kind.as_str())).join(", ");
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| format!("`{text}` is no kind of feed; there is {}", all()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_that_is_silent_is_a_gap() {
        let url = "https://user:s3cr3t@feeds.example/all.zip".parse().unwrap();
        let feed = Feed { url, kind: Kind::Osv };
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-06-03T00:00:01Z");
        let gap = |checked: &Checked| feed.gap(checked, MAX_AGE, now);
        let failed = Some(Failure { at: now, why: "no route".to_owned() });
        let answered = Some(at("2026-06-01T00:00:00Z"));
        let never = gap(&Checked::default()).unwrap();
        assert_eq!(never, "`https://feeds.example/all.zip` was never fetched; `stockade advisories update` fetches it");
        let never = gap(&Checked { failed: failed.clone(), ..Checked::default() }).unwrap();
        assert_eq!(never, "`https://feeds.example/all.zip` was never fetched: no route");
        let stale = gap(&Checked { answered, ..Checked::default() }).unwrap();
        let expected =
            "`https://feeds.example/all.zip` is stale: last answered 2026-06-01T00:00:00Z, more than 2 days ago";
        assert_eq!(stale, expected);
        let last = gap(&Checked { answered: Some(now), failed, ..Checked::default() }).unwrap();
        assert!(last.ends_with("failed: no route; last answered 2026-06-03T00:00:01Z"), "{last}");
        let answered = Some(at("2026-06-01T00:00:01Z"));
        assert_eq!(gap(&Checked { answered, ..Checked::default() }), None);
    }
}
