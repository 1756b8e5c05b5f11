//! Malware advisories, read from OSV records in a directory or a zip.
//!
//! Only records about malice are kept: a `MAL-` identifier, or a CWE of the embedded-malicious-code family. A record whose
//! ranges say "every version since the beginning" and that also enumerates versions is taken by its enumeration alone:
//! hasty records of hijacked packages have both, and by the range every good release of a popular package would be
//! malware.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use stockade_ecosystem::{ALL, Ecosystem, Version};
use stockade_model::{Evidence, Package, Release};

/// The longest record in bytes.
const MAX_RECORD: u64 = 16 * 1024 * 1024;
/// The most records.
const MAX_RECORDS: usize = 2_000_000;
/// How deep directories are looked through.
pub(crate) const MAX_DEPTH: usize = 8;
/// How much of a summary is repeated, in characters.
const MAX_SUMMARY: usize = 200;
/// CWE-506 to 512 without those about accidents: embedded malicious code, trojans, viruses, trapdoors, bombs, spyware.
const MALICE: [&str; 6] = ["CWE-506", "CWE-507", "CWE-508", "CWE-509", "CWE-510", "CWE-512"];

/// The malware advisories that were found.
#[derive(Debug, Default)]
pub struct Advisories {
    by_package: HashMap<Package, Vec<Record>>,
    /// How many records there are about malice in ecosystems that Stockade knows.
    pub records: usize,
    /// Where they are from.
    pub sources: Vec<PathBuf>,
    /// What could not be read. While there is anything here, the advisories are a gap.
    pub problems: Vec<String>,
}

#[derive(Debug)]
struct Record {
    id: String,
    summary: String,
    versions: Vec<String>,
    spans: Vec<Span>,
}

/// Versions from `introduced` on, before `fixed`, up to `last_affected`.
#[derive(Debug, Default, Clone)]
struct Span {
    introduced: Option<Version>,
    fixed: Option<Version>,
    last_affected: Option<Version>,
}

#[derive(Deserialize)]
struct Osv {
    id: String,
    #[serde(default)]
    summary: String,
    withdrawn: Option<String>,
    #[serde(default)]
    affected: Vec<Affected>,
    database_specific: Option<Specific>,
}

#[derive(Deserialize)]
struct Affected {
    package: Option<OsvPackage>,
    #[serde(default)]
    ranges: Vec<Range>,
    #[serde(default)]
    versions: Vec<String>,
    database_specific: Option<Specific>,
}

#[derive(Deserialize)]
struct OsvPackage {
    ecosystem: String,
    name: String,
}

#[derive(Deserialize)]
struct Range {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    events: Vec<HashMap<String, String>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Specific {
    cwe_ids: Vec<String>,
    cwes: Vec<Cwe>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Cwe {
    #[serde(rename = "cweId")]
    id: String,
}

impl Advisories {
    /// Reads directories and zips. Total: what cannot be read is a problem, and the rest is there.
    pub fn read(paths: &[PathBuf]) -> Self {
        let mut advisories = Self { sources: paths.to_vec(), ..Self::default() };
        for path in paths {
            if path.is_dir() {
                advisories.read_directory(path, 0);
            } else if let Err(error) = advisories.read_zip(path) {
                advisories.problems.push(format!("{}: {error}", path.display()));
            }
        }
        advisories
    }

    /// What the advisories say of a release.
    pub fn about(&self, release: &Release) -> Vec<Evidence> {
        let Some(records) = self.by_package.get(&release.package) else { return Vec::new() };
        let order =
            ecosystem(release.package.ecosystem.as_str()).and_then(|found| (found.version)(&release.version).ok());
        records
            .iter()
            .filter(|record| record.covers(&release.version, order.as_ref()))
            .map(|record| Evidence::Advisory { id: record.id.clone(), malware: true, summary: record.summary.clone() })
            .collect()
    }

    #[expect(clippy::disallowed_methods, reason = "the engine is where the disk is read")]
    fn read_directory(&mut self, directory: &Path, depth: usize) {
        let entries = match std::fs::read_dir(directory) {
            Ok(entries) if depth < MAX_DEPTH => entries,
            Ok(_) => return self.problems.push(format!("{}: directories are nested too deeply", directory.display())),
            Err(error) => return self.problems.push(format!("{}: {error}", directory.display())),
        };
        for entry in entries {
            let path = match entry {
                Ok(entry) => entry.path(),
                Err(error) => return self.problems.push(format!("{}: {error}", directory.display())),
            };
            let is = |extension: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension));
            let outcome = if path.is_dir() {
                self.read_directory(&path, depth + 1);
                Ok(())
            } else if is("json") {
                std::fs::read(&path).map_err(|error| error.to_string()).and_then(|bytes| self.add(&bytes))
            } else if is("zip") {
                self.read_zip(&path)
            } else {
                Ok(())
            };
            if let Err(error) = outcome {
                self.problems.push(format!("{}: {error}", path.display()));
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the engine is where the disk is read")]
    fn read_zip(&mut self, path: &Path) -> Result<(), String> {
        let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
        let mut archive = zip::ZipArchive::new(std::io::BufReader::new(file)).map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        for at in 0..archive.len() {
            let entry = archive.by_index(at).map_err(|error| error.to_string())?;
            if !entry.name().to_ascii_lowercase().ends_with(".json") {
                continue;
            }
            let name = entry.name().to_owned();
            bytes.clear();
            entry.take(MAX_RECORD + 1).read_to_end(&mut bytes).map_err(|error| format!("{name}: {error}"))?;
            if let Err(error) = self.add(&bytes) {
                self.problems.push(format!("{}: {name}: {error}", path.display()));
            }
        }
        Ok(())
    }

    /// Adds one OSV record if it is about malice.
    fn add(&mut self, bytes: &[u8]) -> Result<(), String> {
        if bytes.len() as u64 > MAX_RECORD || self.records >= MAX_RECORDS {
            return Err("the limit on records is reached".to_owned());
        }
        // Most records are about vulnerabilities: a look at the raw text spares parsing them.
        let text = std::str::from_utf8(bytes).map_err(|_| "the record is not UTF-8".to_owned())?;
        if !text.contains("MAL-") && !MALICE.iter().any(|cwe| text.contains(cwe)) {
            return Ok(());
        }
        let osv: Osv = serde_json::from_str(text).map_err(|error| format!("the record is not OSV: {error}"))?;
        let malicious = |specific: &Option<Specific>| specific.as_ref().is_some_and(Specific::is_malice);
        let whole = osv.id.starts_with("MAL-") || malicious(&osv.database_specific);
        if osv.withdrawn.is_some() {
            return Ok(());
        }
        for affected in osv.affected.iter().filter(|affected| whole || malicious(&affected.database_specific)) {
            let Some(found) = affected.package.as_ref() else { continue };
            let Some(ecosystem) = ALL.iter().find(|ecosystem| ecosystem.osv == found.ecosystem) else { continue };
            let name = (ecosystem.name)(&found.name).map_err(|error| error.to_string())?;
            let package = Package { ecosystem: ecosystem.id.clone(), name };
            let record = Record {
                id: osv.id.clone(),
                summary: osv.summary.chars().take(MAX_SUMMARY).collect(),
                versions: affected.versions.clone(),
                spans: spans(ecosystem, affected),
            };
            self.by_package.entry(package).or_default().push(record);
            self.records += 1;
        }
        Ok(())
    }
}

impl Specific {
    fn is_malice(&self) -> bool {
        let named = self.cwe_ids.iter().map(String::as_str).chain(self.cwes.iter().map(|cwe| cwe.id.as_str()));
        named.into_iter().any(|cwe| MALICE.contains(&cwe))
    }
}

impl Record {
    fn covers(&self, version: &str, order: Option<&Version>) -> bool {
        self.versions.iter().any(|listed| listed == version)
            || self.spans.iter().any(|span| match order {
                Some(order) => span.covers(order),
                // A version without an order cannot be compared; only a span without ends covers it.
                None => span.is_everything(),
            })
    }
}

impl Span {
    fn covers(&self, version: &Version) -> bool {
        self.introduced.as_ref().is_none_or(|introduced| version >= introduced)
            && self.fixed.as_ref().is_none_or(|fixed| version < fixed)
            && self.last_affected.as_ref().is_none_or(|last| version <= last)
    }

    fn is_everything(&self) -> bool {
        self.introduced.is_none() && self.fixed.is_none() && self.last_affected.is_none()
    }
}

/// The spans of an entry's ranges. Where versions are enumerated too, ranges without an end do not count.
fn spans(ecosystem: &Ecosystem, affected: &Affected) -> Vec<Span> {
    let mut spans = Vec::new();
    for range in affected.ranges.iter().filter(|range| matches!(range.kind.as_str(), "SEMVER" | "ECOSYSTEM")) {
        let mut open: Option<Span> = None;
        for (event, version) in range.events.iter().flatten() {
            let parsed = (ecosystem.version)(version).ok();
            match event.as_str() {
                "introduced" => {
                    spans.extend(open.take());
                    open = Some(Span { introduced: parsed.filter(|_| version != "0"), ..Span::default() });
                }
                "fixed" => spans.extend(open.take().map(|span| Span { fixed: parsed, ..span })),
                "last_affected" => spans.extend(open.take().map(|span| Span { last_affected: parsed, ..span })),
                _ => {}
            }
        }
        spans.extend(open);
    }
    if !affected.versions.is_empty() {
        spans.retain(|span| span.fixed.is_some() || span.last_affected.is_some());
    }
    spans
}

fn ecosystem(id: &str) -> Option<&'static Ecosystem> {
    stockade_ecosystem::by_id(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(record: &str, version: &str) -> bool {
        let mut advisories = Advisories::default();
        advisories.add(record.as_bytes()).unwrap();
        let ecosystem = ALL[0];
        let name = (ecosystem.name)("left-demo").unwrap();
        let package = Package { ecosystem: ecosystem.id.clone(), name };
        !advisories.about(&package.release(version)).is_empty()
    }

    fn record(id: &str, affected: &str) -> String {
        let osv = ALL[0].osv;
        format!(r#"{{"id":"{id}","affected":[{{"package":{{"ecosystem":"{osv}","name":"left-demo"}},{affected}}}]}}"#)
    }

    #[test]
    fn an_enumerated_version_is_covered_and_others_are_not() {
        let hijack =
            record("MAL-1", r#""versions":["1.1.0"],"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]"#);
        assert!(covered(&hijack, "1.1.0"));
        assert!(!covered(&hijack, "1.0.0"), "a hasty `introduced: 0` must not make good releases malware");
    }

    #[test]
    fn a_package_that_is_malware_as_a_whole_is_covered() {
        let whole = record("MAL-1", r#""ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]"#);
        assert!(covered(&whole, "9.9.9"));
        assert!(covered(&whole, "not semver"));
    }

    #[test]
    fn ranges_have_ends() {
        let range = r#""ranges":[{"type":"SEMVER","events":[{"introduced":"1.1.0"},{"fixed":"1.2.0"},{"introduced":"2.0.0"},{"last_affected":"2.0.1"}]}]"#;
        let found: Vec<&str> = ["1.0.9", "1.1.0", "1.1.9", "1.2.0", "2.0.0", "2.0.1", "2.0.2"]
            .into_iter()
            .filter(|version| covered(&record("MAL-1", range), version))
            .collect();
        assert_eq!(found, ["1.1.0", "1.1.9", "2.0.0", "2.0.1"]);
    }

    #[test]
    fn malice_is_known_by_id_or_weakness_and_withdrawn_records_do_not_count() {
        let versions = r#""versions":["1.1.0"]"#;
        assert!(!covered(&record("GHSA-1", versions), "1.1.0"), "a vulnerability is not malware");
        let cwe = r#""versions":["1.1.0"],"database_specific":{"cwe_ids":["CWE-506"]}"#;
        assert!(covered(&record("GHSA-1", cwe), "1.1.0"));
        let withdrawn =
            record("MAL-1", versions).replace(r#""affected""#, r#""withdrawn":"2026-01-01T00:00:00Z","affected""#);
        assert!(!covered(&withdrawn, "1.1.0"));
    }

    #[test]
    fn what_cannot_be_read_is_a_problem() {
        let advisories = Advisories::read(&[PathBuf::from("/nonexistent.zip")]);
        assert_eq!(advisories.problems.len(), 1);
        assert!(Advisories::default().add(b"{\"id\":\"MAL-1\",\"affected\":7}").is_err());
    }
}
