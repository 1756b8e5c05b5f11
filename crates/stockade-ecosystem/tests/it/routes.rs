//! Paths and routes.

use proptest::prelude::*;
use stockade_ecosystem::npm::NPM;
use stockade_ecosystem::{PathError, Request, Route, Segments};

/// What paths are made of that somebody wants to confuse us with.
const PARTS: [&str; 30] = [
    "-",
    "..",
    ".",
    "",
    "%2e%2e",
    "%2E.",
    "%2f",
    "%2F",
    "%5c",
    "\\",
    "%00",
    "%25",
    "%252e",
    "%ff",
    "%",
    "%zz",
    "@acme",
    "%40acme",
    "@acme%2fleft",
    "left",
    "left-1.0.0.tgz",
    "1.0.0",
    "latest",
    "npm",
    "v1",
    "attestations",
    "left@1.0.0",
    "package",
    "dist-tags",
    "?text=..%2f&size=%0d",
];

fn path() -> impl Strategy<Value = String> {
    let joined = proptest::collection::vec(prop::sample::select(&PARTS[..]), 0..9);
    prop_oneof![
        3 => joined.prop_map(|parts| format!("/{}", parts.join("/"))),
        2 => "/[-a-z@%.0-9A-F/\\\\?]{0,40}",
        1 => "\\PC{0,60}",
        1 => any::<String>(),
    ]
}

/// One part after another, and no part that is not what it says.
fn is_plain(text: &str) -> bool {
    let forbidden = |c: char| c.is_control() || c == '\\' || c == '%';
    !text.contains(forbidden) && !text.split('/').any(|part| matches!(part, "" | "." | ".."))
}

proptest! {
    #[test]
    fn no_accepted_segment_can_leave_its_place(path in path()) {
        if let Ok(segments) = Segments::of(&path) {
            for segment in segments.as_slice() {
                prop_assert!(is_plain(segment), "{path:?} has {segment:?}");
            }
        }
    }

    #[test]
    fn decoding_happens_once(path in path()) {
        // Encoded once more, no path with an escape is accepted.
        let again = path.replace('%', "%25");
        if path.contains('%') && again.len() <= Segments::MAX_BYTES {
            let refused = Segments::of(&again);
            prop_assert!(matches!(refused, Err(PathError::Forbidden | PathError::NotCanonical)), "{again:?}: {refused:?}");
        }
    }

    #[test]
    fn every_request_has_a_route(
        method in prop_oneof![Just("GET".to_owned()), Just("HEAD".to_owned()), Just("POST".to_owned()), Just("PUT".to_owned()), Just("DELETE".to_owned()), any::<String>()],
        path in path(),
        accept in any::<String>(),
    ) {
        let request = Request { method: &method, path: &path, accept: &accept };
        let package = match NPM.registry.unwrap().route(&request) {
            Route::Index { package, .. } | Route::Tags { package } => package,
            Route::Manifest { package, wanted } => {
                prop_assert!(is_plain(&wanted), "{wanted:?}");
                package
            }
            Route::Artifact { package, file } => {
                prop_assert!(is_plain(&file) && !file.contains('/'), "{file:?}");
                package
            }
            Route::Forward { about: Some(release), path } => {
                prop_assert!(is_plain(&release.version) && !release.version.contains('/'), "{release:?}");
                prop_assert!(path.starts_with("-/npm/v1/attestations/") && path.matches('/').count() == 4, "{path}");
                release.package
            }
            Route::Refuse { status, .. } => {
                prop_assert!(matches!(status, 400 | 403 | 404));
                return Ok(());
            }
            Route::Search { path } | Route::Forward { about: None, path } => {
                prop_assert!(path.bytes().all(|byte| byte.is_ascii_graphic()), "{path:?}");
                return Ok(());
            }
            Route::Audit(_) | Route::Configuration | Route::Ping | Route::Change | Route::Account(_) => return Ok(()),
            other @ (Route::Checksum { .. } | Route::Summary { .. }) => panic!("this protocol has no {other:?}"),
        };
        prop_assert!((NPM.name)(package.name.as_str()).is_ok(), "{package:?}");
    }

    #[test]
    fn what_is_asked_in_any_encoding_is_the_same(name in name(), encodings in any::<[bool; 3]>()) {
        let [at, slash, upper] = encodings;
        let slashed = match (slash, upper) {
            (false, _) => name.clone(),
            (true, false) => name.replace('/', "%2f"),
            (true, true) => name.replace('/', "%2F"),
        };
        let path = format!("/{}", if at { slashed.replace('@', "%40") } else { slashed });
        let route = NPM.registry.unwrap().route(&Request { method: "GET", path: &path, accept: "" });
        let Route::Index { package, .. } = route else { panic!("{path} is {route:?}") };
        prop_assert_eq!(package.name.as_str(), name);
    }
}

pub(crate) fn name() -> impl Strategy<Value = String> {
    let scope = prop_oneof![Just(String::new()), "@[a-z0-9~-][a-z0-9._~-]{0,8}/"];
    let name = (scope, "[a-zA-Z0-9-][a-zA-Z0-9._~!*'()-]{0,12}").prop_map(|(scope, name)| scope + &name);
    name.prop_filter("a name", |name| (NPM.name)(name).is_ok())
}
