//! A tape archive, compressed or not.

#![no_main]

use std::collections::HashSet;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use stockade_ecosystem::archive::MAX_UNPACKED;

fuzz_target!(|data: &[u8]| {
    for (ecosystem, file) in [("npm", "a.tgz"), ("pypi", "a.tar.gz"), ("cargo", "a.crate")] {
        let tree = stockade_ecosystem::open(ecosystem, file, Bytes::copy_from_slice(data));
        let mut seen = HashSet::new();
        for member in &tree.members {
            assert!(seen.insert(member.path.as_str()), "a path is there twice");
            assert!(member.path.split('/').all(|part| !matches!(part, "" | "." | "..")), "a path leads somewhere");
        }
        assert!(tree.members.iter().map(|member| member.bytes.len()).sum::<usize>() <= 2 * MAX_UNPACKED);
    }
});
