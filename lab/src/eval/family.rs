//! Families of malware: archives whose Python has one shape. Half of a collection can be one template, so a rate by
//! archive is mostly a rate of that template; a rate by family is not.

use std::collections::BTreeMap;
use std::path::Path;

use super::cases::{Case, Place};
use super::shape::Shape;
use super::store::{Store, digest_of};
use super::{archive, judging};

/// Of which rules the families are; other rules, other families.
const RULES: &str = "1";

/// The family of every case, in the order of the cases.
pub(crate) fn of_all(cases: &[Case], results: &Path) -> anyhow::Result<Vec<String>> {
    let store: Store<String> = Store::open(&results.join(format!("families-{RULES}.jsonl")))?;
    judging::in_threads(cases, |reader, case| {
        let key = key(case);
        if let Some(family) = store.get(&key) {
            return Ok(family);
        }
        let subject = reader.read(&case.new)?;
        let family = of(&subject.file, &subject.bytes);
        store.put(&key, &family)?;
        Ok(family)
    })
}

fn key(case: &Case) -> String {
    match &case.new.place {
        Place::Blob(object) => object.clone(),
        Place::File(path) => path.display().to_string(),
    }
}

/// The family of an archive. One without Python, or that cannot be read, is a family of its own bytes.
fn of(file: &str, bytes: &[u8]) -> String {
    let mut shape = Shape::default();
    for source in archive::python(file, bytes).unwrap_or_default() {
        shape.read(&source);
    }
    shape.digest().unwrap_or_else(|| digest_of(&[bytes]))
}

/// The members of each family by index, the largest family first.
pub(crate) fn members(families: &[String]) -> Vec<Vec<usize>> {
    let mut by_family: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, family) in families.iter().enumerate() {
        by_family.entry(family).or_default().push(index);
    }
    let mut members: Vec<Vec<usize>> = by_family.into_values().collect();
    members.sort_by_key(|members| (std::cmp::Reverse(members.len()), members.first().copied()));
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_family_is_first() {
        let families = ["a", "b", "c", "b"].map(str::to_owned);
        assert_eq!(members(&families), [vec![1, 3], vec![0], vec![2]]);
    }

    #[test]
    fn what_cannot_be_read_is_a_family_of_its_own() {
        assert_eq!(of("a.zip", b"PK no"), of("b.zip", b"PK no"));
        assert_ne!(of("a.zip", b"PK no"), of("a.zip", b"PK yes"));
    }
}
