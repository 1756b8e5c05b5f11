//! Digests and subresource integrity.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_model::{Digest, Integrity};

fuzz_target!(|data: &str| {
    if let Ok(digest) = data.trim_end().parse::<Digest>() {
        assert_eq!(digest.to_string().parse(), Ok(digest.clone()));
        assert_eq!(digest.sri().parse(), Ok(digest));
    }
    if let Ok(claim) = Integrity::parse(data) {
        let strongest = claim.strongest();
        assert!(claim.deciding().next().is_some());
        assert!(claim.deciding().all(|digest| digest.algorithm() == strongest && claim.admits(digest)));
        let again = Integrity::parse(&claim.to_string()).unwrap();
        assert!(again.deciding().eq(claim.deciding()));
    }
});
