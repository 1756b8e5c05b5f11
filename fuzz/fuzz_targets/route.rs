//! A request: method, path and `Accept`, one a line.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_ecosystem::npm::NPM;
use stockade_ecosystem::{Request, Route, Segments};

fuzz_target!(|data: &str| {
    let mut lines = data.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (method, path, accept) = (line(), line(), line());
    if let Ok(segments) = Segments::of(path) {
        assert!(segments.as_slice().into_iter().all(is_plain));
    }
    match NPM.registry.unwrap().route(&Request { method, path, accept }) {
        Route::Index { package, .. } | Route::Tags { package } | Route::Manifest { package, .. } => {
            assert!((NPM.name)(package.name.as_str()).is_ok());
        }
        Route::Artifact { package, file } => {
            assert!((NPM.name)(package.name.as_str()).is_ok() && is_plain(&file) && !file.contains('/'));
        }
        Route::Forward { path, .. } | Route::Search { path } => {
            assert!(path.starts_with("-/") && path.bytes().all(|byte| byte.is_ascii_graphic()));
        }
        Route::Audit(_) | Route::Configuration | Route::Ping | Route::Refuse { .. } => {}
        Route::Change | Route::Account(_) => {}
        Route::Checksum { .. } | Route::Summary { .. } => unreachable!("this protocol has none"),
    }
});

fn is_plain(segment: &str) -> bool {
    let forbidden = |c: char| c.is_control() || c == '\\' || c == '%';
    !segment.contains(forbidden) && !segment.split('/').any(|part| matches!(part, "" | "." | ".."))
}
