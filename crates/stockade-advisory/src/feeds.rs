//! What is not OSV: estimates and reports of use, and one's own list of what is malicious.

use serde::Deserialize;
use stockade_model::{Digest, Purl};

use crate::answer::Likelihood;
use crate::builder::{Builder, Problem};
use crate::codec::{Cursor, Truncated};
use crate::file::hash;
use crate::order::Scheme;
use crate::osv::{Affected, Event, Osv, Package, Range, Specific};

/// What the name of an entry with an estimate begins with.
const EPSS: u8 = b'e';
/// What the name of an entry with a report of use begins with.
const KEV: u8 = b'k';
/// The longest feed in bytes. The estimates for all vulnerabilities have 15 MB.
const MAX_FEED: usize = 256 << 20;
/// The longest identifier of a vulnerability in bytes.
const MAX_CVE: usize = 32;

pub(crate) fn epss_name(cve: &str) -> Vec<u8> {
    [&[EPSS], cve.as_bytes()].concat()
}

pub(crate) fn kev_name(cve: &str) -> Vec<u8> {
    [&[KEV], cve.as_bytes()].concat()
}

pub(crate) fn is_cve(name: &str) -> bool {
    name.starts_with("CVE-") && name.len() <= MAX_CVE
}

/// What feeds say of a vulnerability.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) likelihood: Option<Likelihood>,
    pub(crate) exploited: bool,
}

impl Facts {
    /// Adds what an entry says. Of several estimates the highest counts.
    pub(crate) fn note(&mut self, name: &[u8], content: &[u8]) -> Result<(), Truncated> {
        if name.first() == Some(&KEV) {
            self.exploited = true;
            return Ok(());
        }
        let mut from = Cursor::new(content);
        let mut number = || from.fixed().map(f32::from_be_bytes);
        let found = Likelihood { probability: number()?, percentile: number()? };
        if self.likelihood.is_none_or(|known| known.probability < found.probability) {
            self.likelihood = Some(found);
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Exploited {
    vulnerabilities: Vec<ExploitedOne>,
}

#[derive(Deserialize)]
struct ExploitedOne {
    #[serde(rename = "cveID")]
    id: String,
}

impl Builder {
    /// Adds estimates of EPSS: lines of `cve,epss,percentile`, after a comment and a line of titles.
    pub fn add_epss(&mut self, feed: &[u8]) -> Result<(), Problem> {
        let text = self.feed(feed)?;
        let lines = text.lines().enumerate();
        for (number, line) in lines.filter(|(_, line)| !line.starts_with(['#']) && !line.trim().is_empty()) {
            let mut values = line.trim().split(',');
            let (cve, probability, percentile) = (values.next(), values.next(), values.next());
            if cve == Some("cve") {
                continue;
            }
            let share = |text: Option<&str>| text?.parse().ok().filter(|share: &f32| (0.0..=1.0).contains(share));
            match (cve.filter(|cve| is_cve(cve)), share(probability), share(percentile)) {
                (Some(cve), Some(probability), Some(percentile)) => {
                    let content = [probability.to_be_bytes(), percentile.to_be_bytes()].concat();
                    self.fact(&epss_name(cve), &content);
                }
                _ => {
                    self.problem(&format!("line {}", number + 1), "this is no `cve,epss,percentile`");
                }
            }
        }
        Ok(())
    }

    /// Adds the catalog of vulnerabilities that are known to be used: JSON with `vulnerabilities[].cveID`.
    pub fn add_kev(&mut self, feed: &[u8]) -> Result<(), Problem> {
        let text = self.feed(feed)?;
        let catalog: Exploited = serde_json::from_str(text).map_err(|error| {
            self.lost("", format!("this is no catalog of known exploited vulnerabilities: {error}"))
        })?;
        for found in catalog.vulnerabilities {
            if is_cve(&found.id) {
                self.fact(&kev_name(&found.id), &[]);
            } else {
                self.problem(&found.id, "this is no identifier of a vulnerability");
            }
        }
        Ok(())
    }

    /// Adds one's own list of what is malicious. A line names a package URL or a digest, and then says why; `#` begins a
    /// comment. A package URL without a version condemns the package as a whole.
    pub fn add_list(&mut self, list: &[u8]) -> Result<(), Problem> {
        let text = self.feed(list)?;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (subject, why) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let outcome = match subject.parse::<Digest>() {
                Ok(digest) if digest.algorithm().proves() => {
                    let record = self.keep_listed(subject, why, Vec::new());
                    self.post_digest(record, &digest);
                    Ok(())
                }
                Ok(_) => Err("a digest of this kind does not prove what it names".to_owned()),
                Err(_) => listed(subject).map(|affected| {
                    self.keep_listed(subject, why, vec![affected]);
                }),
            };
            // What cannot be read of a list may be about anything.
            if let Err(what) = outcome {
                self.lost(&format!("line {}", number + 1), what);
            }
        }
        Ok(())
    }

    fn feed<'a>(&mut self, feed: &'a [u8]) -> Result<&'a str, Problem> {
        if feed.len() > MAX_FEED {
            return Err(self.lost("", format!("the file has more than {MAX_FEED} bytes")));
        }
        std::str::from_utf8(feed).map_err(|_| self.lost("", "the file is no text"))
    }

    /// Keeps a line of a list as a record, and returns its number.
    fn keep_listed(&mut self, subject: &str, why: &str, affected: Vec<Affected>) -> u32 {
        let malware = Specific { kind: vec!["malware".to_owned()], ..Specific::default() };
        let osv = Osv {
            id: format!("LOCAL-{:016x}", hash(subject.as_bytes())),
            summary: if why.trim().is_empty() { "on a list of one's own".to_owned() } else { why.trim().to_owned() },
            details: String::new(),
            published: None,
            modified: None,
            withdrawn: None,
            aliases: Vec::new(),
            severity: Vec::new(),
            affected,
            database_specific: malware,
        };
        self.keep(&osv, hash(osv.id.as_bytes()), None)
    }
}

/// The package, and the version if there is one, of a package URL.
fn listed(subject: &str) -> Result<Affected, String> {
    let purl: Purl = subject.parse().map_err(|error: stockade_model::MalformedPurl| {
        format!("this is neither a digest nor a package URL: {error}")
    })?;
    let ecosystem = Scheme::of_id(purl.package.ecosystem.as_str()).osv().to_owned();
    let package = Some(Package { ecosystem, name: purl.package.name.as_str().to_owned() });
    if let Some(version) = purl.version {
        return Ok(Affected { package, versions: vec![version], ..Affected::default() });
    }
    let event = Event { introduced: Some("0".to_owned()), ..Event::default() };
    let range = Range { kind: "ECOSYSTEM".to_owned(), events: vec![event] };
    Ok(Affected { package, ranges: vec![range], ..Affected::default() })
}
