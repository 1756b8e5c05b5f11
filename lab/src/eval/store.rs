//! Results that survive a stopped run: lines of JSON, each with the digest of what it is the result of.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::Mutex;

use anyhow::Context;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// As much of a digest as names something among a few thousand.
const SHORT: usize = 16;

/// A file of results that only grows.
pub(crate) struct Store<T> {
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    known: HashMap<String, T>,
    file: File,
}

#[derive(Serialize, Deserialize)]
struct Line<T> {
    key: String,
    value: T,
}

impl<T: Clone + Serialize + DeserializeOwned> Store<T> {
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let folder = path.parent().context("a file of results is in a folder")?;
        std::fs::create_dir_all(folder).with_context(|| format!("`{}` cannot be made", folder.display()))?;
        let file = OpenOptions::new().create(true).read(true).append(true).open(path);
        let file = file.with_context(|| format!("`{}` cannot be opened", path.display()))?;
        let mut known = HashMap::new();
        for line in BufReader::new(&file).lines() {
            // The last line may have been cut off when the run was stopped; it is made again.
            if let Ok(line) = serde_json::from_str::<Line<T>>(&line?) {
                known.insert(line.key, line.value);
            }
        }
        Ok(Self { inner: Mutex::new(Inner { known, file }) })
    }

    pub(crate) fn get(&self, key: &str) -> Option<T> {
        let inner = self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        inner.known.get(key).cloned()
    }

    pub(crate) fn put(&self, key: &str, value: &T) -> anyhow::Result<()> {
        let mut line = vec![b'\n'];
        serde_json::to_writer(&mut line, &Line { key: key.to_owned(), value })?;
        let mut inner = self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // The newline comes first, so that a line that was cut off spoils no other.
        inner.file.write_all(&line)?;
        inner.known.insert(key.to_owned(), value.clone());
        Ok(())
    }
}

/// The digest that names a set of parts; no two different lists of parts have the same.
pub(crate) fn digest_of(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

/// The short digest of a file.
pub(crate) fn digest_of_file(path: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
    let mut digest = hex::encode(Sha256::digest(&bytes));
    digest.truncate(SHORT);
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_there_again_and_a_cut_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results").join("a.jsonl");
        let store: Store<u32> = Store::open(&path).unwrap();
        store.put("a", &1).unwrap();
        store.put("b", &2).unwrap();
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.truncate(text.len() - 2);
        std::fs::write(&path, &text).unwrap();
        let store: Store<u32> = Store::open(&path).unwrap();
        assert_eq!((store.get("a"), store.get("b")), (Some(1), None));
        store.put("b", &3).unwrap();
        let store: Store<u32> = Store::open(&path).unwrap();
        assert_eq!((store.get("a"), store.get("b")), (Some(1), Some(3)));
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(digest_of(&[b"ab", b"c"]), digest_of(&[b"a", b"bc"]));
    }
}
