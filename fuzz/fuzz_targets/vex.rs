//! Statements about vulnerabilities, in any format.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_sbom::read_vex;

fuzz_target!(|data: &[u8]| {
    match read_vex(data) {
        Ok(statements) => {
            for statement in statements {
                // What is named otherwise than by package URLs is about nothing, and lifts nothing.
                assert!(!statement.vulnerability.is_empty(), "{statement:?} says nothing");
            }
        }
        Err(why) => assert!(!why.to_string().is_empty()),
    }
});
