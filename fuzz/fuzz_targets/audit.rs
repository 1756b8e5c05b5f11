//! The body of an audit, and the registry's answer to one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_ecosystem::AuditForm;
use stockade_ecosystem::npm::NPM;

fuzz_target!(|data: &[u8]| {
    let audit = |form| NPM.registry.unwrap().audit(form).unwrap();
    let names = audit(AuditForm::Names);
    for form in [AuditForm::Names, AuditForm::Tree] {
        let audit = audit(form);
        let _ = (audit.answer)(data, data, &[]);
        let _ = (audit.answer)(data, audit.nothing, &[]);
        if let Ok(releases) = (audit.asked)(data) {
            assert!(releases.iter().all(|release| (NPM.name)(release.package.name.as_str()).is_ok()));
            // What we ask the registry is what we were asked.
            assert_eq!((names.asked)(&(audit.question)(&releases)).unwrap(), releases);
        }
    }
});
