//! Package URLs and patterns.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_model::{Pattern, Purl};

fuzz_target!(|data: &str| {
    let (first, second) = data.split_once('\n').unwrap_or((data, data));
    let Ok(purl) = first.parse::<Purl>() else { return };
    assert_eq!(purl.to_string().parse(), Ok(purl.clone()), "a purl reads what it prints");
    if let (Ok(pattern), Some(release)) = (second.parse::<Pattern>(), purl.release()) {
        let _ = pattern.matches(&release);
    }
});
