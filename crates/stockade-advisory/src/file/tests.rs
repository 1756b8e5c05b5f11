use proptest::prelude::*;

use super::*;
use crate::advisories::package_name;
use crate::{Advisories, Header};
use stockade_ecosystem::ALL;
use stockade_model::{Name, Package};

/// A file whose digests are right and whose content is anything: what somebody could sign who wishes us no good.
fn forged(entries: &[(u64, Vec<u8>, Vec<u8>)], texts: &[Vec<u8>]) -> Vec<u8> {
    let header = Header { built: "2026-11-01T00:00:00Z".parse().unwrap(), sequence: 1, base: None };
    let manifest = crate::Builder::new().manifest(&header, &[]);
    let mut file = Vec::new();
    let push_entries = |push: &mut dyn FnMut(&Entry<'_>) -> std::io::Result<()>| {
        entries.iter().try_for_each(|(hash, name, content)| push(&Entry { hash: *hash, name, content }))
    };
    let push_texts = |push: &mut dyn FnMut(&[u8]) -> std::io::Result<()>| texts.iter().try_for_each(|text| push(text));
    write(&mut file, Contents { ids: Vec::new(), manifest }, push_entries, push_texts).unwrap();
    file
}

proptest! {
    #[test]
    fn a_file_that_was_made_to_mislead_is_read_to_its_end(
        contents in prop::collection::vec((0_u64..4, prop::collection::vec(any::<u8>(), 0..80), 0_usize..6000), 0..12),
        texts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 0..3),
    ) {
        let package = Package { ecosystem: ALL[0].id.clone(), name: Name::normalised("left") };
        let name = package_name(package.ecosystem.as_str(), "left");
        let near = hash(&name);
        // Entries in no order, around the one that is looked for, some longer than a page.
        let entries: Vec<_> = contents
            .into_iter()
            .map(|(by, mut content, longer)| {
                content.extend(std::iter::repeat_n(0, longer));
                (near.wrapping_add(by).wrapping_sub(1), name.clone(), content)
            })
            .collect();
        let advisories = Advisories::open(Box::new(forged(&entries, &texts)), Vec::new()).unwrap();
        advisories.verify().unwrap();
        let _ = advisories.about(&package.release("1.0.0"));
        let _ = advisories.fixes(&package.release("1.0.0"));
    }
}
