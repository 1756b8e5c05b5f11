//! The body of an audit, and the registry's answer to one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_ecosystem::npm::NPM;

fuzz_target!(|data: &[u8]| {
    let audit = NPM.registry.unwrap().audit().unwrap();
    let _ = (audit.answer)(data, &[]);
    if let Ok(releases) = (audit.asked)(data) {
        assert!(releases.iter().all(|release| (NPM.name)(release.package.name.as_str()).is_ok()));
        // What we ask the registry is what we were asked.
        assert_eq!((audit.asked)(&(audit.question)(&releases)).unwrap(), releases);
    }
});
