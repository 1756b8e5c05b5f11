//! Indicators of OSV records: `database_specific.iocs`, of the record or of what is affected, and the versions that the
//! record lists. Those who write records spell the keys in more than one way.

use anyhow::Context as _;
use serde_json::{Deserializer, Value};
use stockade_ecosystem::ALL;
use stockade_model::Package;

use super::indicators::{Indicator, Indicators, What};

/// How deep digests may be nested: a name of an algorithm, a list, a digest.
const MAX_DEPTH: usize = 4;

/// Reads records: one, a list, or one after the other.
pub(super) fn read(text: &str) -> anyhow::Result<Indicators> {
    let mut indicators = Indicators::default();
    for document in Deserializer::from_str(text).into_iter::<Value>() {
        let document = document.context("it is not JSON")?;
        match document {
            Value::Array(records) => {
                for record in &records {
                    indicators.record(record);
                }
            }
            record => indicators.record(&record),
        }
    }
    Ok(indicators)
}

impl Indicators {
    fn record(&mut self, record: &Value) {
        let id = record["id"].as_str().unwrap_or("a record without an identifier").to_owned();
        self.iocs(&record["database_specific"]["iocs"], &id);
        for affected in items(&record["affected"]) {
            self.iocs(&affected["database_specific"]["iocs"], &id);
            self.versions(affected, &id);
        }
    }

    fn iocs(&mut self, iocs: &Value, id: &str) {
        for (key, value) in iocs.as_object().into_iter().flatten() {
            let make = match key.as_str() {
                "domains" | "domain" | "hosts" | "ips" | "ip" | "ip_addresses" => What::host,
                "urls" | "url" => What::text,
                "hashes" | "digests" => {
                    self.digests(None, value, id, 0);
                    continue;
                }
                "files" => {
                    for file in items(value) {
                        self.file(file, id);
                    }
                    continue;
                }
                other => {
                    self.unread.push(format!("{id}: indicators of the kind `{}` are not known", other.escape_debug()));
                    continue;
                }
            };
            for item in items(value) {
                match item.as_str() {
                    Some(text) => self.add(make(text), id),
                    None => self.unread.push(format!("{id}: something in `{key}` is no text")),
                }
            }
        }
    }

    /// A file is its digest, if there is one: what it is called in a package is what harmless ones are called.
    fn file(&mut self, file: &Value, id: &str) {
        let before = self.all.len();
        for (key, value) in file.as_object().into_iter().flatten() {
            match key.as_str() {
                "hashes" | "digests" | "hash" => self.digests(None, value, id, 0),
                "md5" | "sha1" | "sha256" | "sha512" => self.digests(Some(key), value, id, 0),
                _ => {}
            }
        }
        if self.all.len() > before {
            return;
        }
        let paths = ["paths", "path", "names", "name"].iter().flat_map(|key| items(&file[*key]));
        for path in paths.chain(std::slice::from_ref(file)).filter_map(Value::as_str) {
            self.add(What::file(path), id);
        }
        if self.all.len() == before {
            self.unread.push(format!("{id}: a file has neither a digest nor a path that can be looked for"));
        }
    }

    fn digests(&mut self, algorithm: Option<&str>, value: &Value, id: &str, depth: usize) {
        match value {
            Value::String(text) => {
                let (named, digits) =
                    text.split_once(':').map_or((algorithm, text.as_str()), |(name, rest)| (Some(name), rest));
                self.add(What::digest(named, digits), id);
            }
            Value::Array(values) if depth < MAX_DEPTH => {
                for value in values {
                    self.digests(algorithm, value, id, depth + 1);
                }
            }
            Value::Object(values) if depth < MAX_DEPTH => {
                for (name, value) in values {
                    self.digests(Some(name), value, id, depth + 1);
                }
            }
            _ => self.unread.push(format!("{id}: a digest is no text")),
        }
    }

    /// The versions that are listed. Ranges are for those who know an order: `stockade scan` without a list.
    fn versions(&mut self, affected: &Value, id: &str) {
        let package = &affected["package"];
        let versions = items(&affected["versions"]);
        if versions.is_empty() {
            if !items(&affected["ranges"]).is_empty() {
                self.unread.push(format!("{id}: it lists no versions, and ranges are not looked for here"));
            }
            return;
        }
        let named = package["ecosystem"].as_str().zip(package["name"].as_str());
        let of_osv = named.and_then(|(osv, name)| Some((ALL.iter().find(|ecosystem| ecosystem.osv == osv)?, name)));
        let known = of_osv.and_then(|(ecosystem, name)| Some((ecosystem, (ecosystem.name)(name).ok()?)));
        let Some((ecosystem, name)) = known else {
            return self.unread.push(format!("{id}: the package that it names is of no ecosystem that is known"));
        };
        let package = Package { ecosystem: ecosystem.id.clone(), name };
        for version in versions.iter().filter_map(Value::as_str) {
            self.add(Ok(What::Package(package.release(version))), id);
        }
    }

    fn add(&mut self, what: Result<What, String>, id: &str) {
        match what {
            Ok(what) => self.all.push(Indicator { what, source: id.to_owned() }),
            Err(why) => self.unread.push(format!("{id}: {why}")),
        }
    }
}

/// The items of a list; what is none is its only item.
fn items(value: &Value) -> &[Value] {
    match value {
        Value::Null => &[],
        Value::Array(items) => items,
        item => std::slice::from_ref(item),
    }
}

#[cfg(test)]
mod tests;
