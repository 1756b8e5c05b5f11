//! The body of an audit, and the registry's answer to one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_ecosystem::npm::NPM;

fuzz_target!(|data: &[u8]| {
    let registry = NPM.registry.unwrap();
    let _ = registry.audit_answer(data, &[]);
    if let Ok(releases) = registry.audited(data) {
        assert!(releases.iter().all(|release| (NPM.name)(release.package.name.as_str()).is_ok()));
        // What we ask the registry is what we were asked.
        assert_eq!(registry.audited(&registry.audit_question(&releases)).unwrap(), releases);
    }
});
