//! Project pages: read, steered and written again; requests for them.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use stockade_ecosystem::pypi::PYPI;
use stockade_ecosystem::{Index, Registry, Request, Route, Standing, Steering, Variant};
use stockade_model::Package;

const BASE: &str = "http://127.0.0.1:4873/mount";

fn registry() -> &'static dyn Registry {
    PYPI.registry.unwrap()
}

fn package() -> Package {
    Package { ecosystem: PYPI.id.clone(), name: (PYPI.name)("left-demo").unwrap() }
}

fn rendered(index: &Index, standings: &[Standing], variant: Variant, document: &[u8]) -> Vec<u8> {
    let steering = Steering { standings, message: "held: `left-demo` 1.0 is \"young\"\u{7}", base: BASE, variant };
    let rope = registry().render(index, &steering);
    let bytes = rope.flatten(document);
    assert_eq!(rope.len(), bytes.len() as u64);
    bytes
}

/// What holds of every rendered page: what is listed is what shall be, held files are yanked, and each address is ours and
/// leads to its file.
fn check(index: &Index, standings: &[Standing], document: &[u8]) {
    let json: Value = serde_json::from_slice(&rendered(index, standings, Variant::Full, document)).unwrap();
    let shown: Vec<_> = index
        .releases
        .iter()
        .zip(standings)
        .filter(|(listed, standing)| **standing != Standing::Removed && listed.is_usable())
        .collect();
    let files = json["files"].as_array().unwrap();
    assert_eq!(files.len(), shown.len());
    for (file, (listed, standing)) in files.iter().zip(&shown) {
        let name = file["filename"].as_str().unwrap();
        assert_eq!(Some(name), listed.file.as_ref().map(|file| file.name.as_str()));
        assert!(
            **standing != Standing::Held || file["yanked"].as_str().is_some_and(|reason| reason.starts_with("held"))
        );
        let url = file["url"].as_str().unwrap();
        assert!(url.ends_with(name) || url.contains('%'), "{url}");
        let path = url.strip_prefix(BASE).unwrap();
        for end in ["", ".metadata"] {
            let route = registry().route(&Request { method: "GET", path: &format!("{path}{end}"), accept: "" });
            assert_eq!(route, Route::Artifact { package: package(), file: format!("{name}{end}") });
        }
        let found = registry().file(index, name).unwrap();
        assert_eq!(found.file, listed.file);
        assert!(
            !file["provenance"].is_string() && file["gpg-sig"] != json!(true) && file["core-metadata"] != json!(true)
        );
    }
    let html = String::from_utf8(rendered(index, standings, Variant::Html, document)).unwrap();
    assert!(html.is_ascii() && html.matches("<a href=\"").count() == shown.len(), "{html}");
    assert_eq!(html.matches('<').count(), 13 + 3 * shown.len(), "{html}");
}

fn standing() -> impl Strategy<Value = Standing> {
    select(vec![Standing::Cleared, Standing::Cleared, Standing::Held, Standing::Removed])
}

/// Any JSON, most of it in the words of pages.
fn json() -> impl Strategy<Value = Value> {
    let text = || {
        prop_oneof![
            4 => select(vec![
                "left-demo-1.0.tar.gz", "left_demo-1.0-py3-none-any.whl", "1.0", "1.1", "quarantined", "2024-01-01T00:00:00Z",
                "https://upstream.example/a/left-demo-1.0.tar.gz", "../left-demo-1.0.tar.gz#x", ">=3.8", "<b>\"&'",
                "0000000000000000000000000000000000000000000000000000000000000000",
            ]).prop_map(str::to_owned),
            1 => any::<String>(),
        ]
    };
    let key = prop_oneof![
        9 => select(vec![
            "filename", "url", "hashes", "sha256", "yanked", "core-metadata", "dist-info-metadata", "gpg-sig", "provenance",
            "requires-python", "upload-time", "status", "api-version", "files",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 48, 8, move |inner| {
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            3 => proptest::collection::vec((key.clone(), inner), 0..8).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// An entry that is good but for some of its members.
fn entry() -> impl Strategy<Value = Value> {
    let version = select(vec!["1.0", "1.0.0", "1.1", "2.0rc1", "1!3.0", "1.0+local", "x"]);
    let form = select(vec![".tar.gz", ".zip", "-py3-none-any.whl", "-1-cp312-cp312-linux_x86_64.whl", ".win32.exe"]);
    let key = select(vec![
        "url",
        "hashes",
        "yanked",
        "core-metadata",
        "dist-info-metadata",
        "gpg-sig",
        "provenance",
        "requires-python",
        "upload-time",
        "filename",
        "odd",
    ]);
    (version, form, proptest::collection::vec((key, json()), 0..3)).prop_map(|(version, form, changes)| {
        let name = format!("left_demo-{version}{form}");
        let mut entry = json!({"filename": name, "url": format!("https://upstream.example/p/{name}"), "hashes": {"sha256": "0".repeat(64)},
            "core-metadata": {"sha256": "1".repeat(64)}, "provenance": "https://upstream.example/x"});
        for (key, value) in changes {
            entry[key] = value;
        }
        entry
    })
}

fn page() -> impl Strategy<Value = Value> {
    let others = proptest::collection::vec((select(vec!["versions", "project-status", "odd", "tracks"]), json()), 0..2);
    (proptest::collection::vec(prop_oneof![9 => entry(), 1 => json()], 0..8), others).prop_map(|(files, others)| {
        let mut page = Map::from_iter([
            ("meta".to_owned(), json!({"api-version": "1.4"})),
            ("name".to_owned(), json!("Left.Demo")),
        ]);
        page.extend(others.into_iter().map(|(key, value)| (key.to_owned(), value)));
        page.insert("files".to_owned(), Value::from(files));
        Value::Object(page)
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = registry().index(&package(), &bytes);
    }

    #[test]
    fn any_page_is_rendered_as_one(page in page(), standings in proptest::collection::vec(standing(), 8)) {
        let document = page.to_string().into_bytes();
        if let Ok(index) = registry().index(&package(), &document) {
            check(&index, &standings[..index.releases.len()], &document);
        }
    }

    #[test]
    fn a_cut_page_is_refused(page in page(), cut in any::<prop::sample::Index>()) {
        let document = page.to_string().into_bytes();
        prop_assert!(registry().index(&package(), &document[..cut.index(document.len())]).is_err());
    }

    #[test]
    fn every_request_has_a_route(path in prop_oneof!["/(simple|files|pypi|legacy)(/[-a-zA-Z0-9._%+!]{0,12}){0,4}/?", any::<String>()], accept in any::<String>()) {
        match registry().route(&Request { method: "GET", path: &path, accept: &accept }) {
            Route::Index { package, .. } => prop_assert!((PYPI.name)(package.name.as_str()).is_ok()),
            Route::Artifact { package, file } => {
                prop_assert_eq!((PYPI.name)(package.name.as_str()).unwrap(), package.name);
                prop_assert!(!file.contains(['/', '\\', '%', '\0']) && !matches!(file.as_str(), "" | "." | ".."), "{}", file);
            }
            Route::Refuse { status, .. } => prop_assert!(status == 400 || status == 403),
            other => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn pointing_is_reversible(text in "([a-z\\[\\]=:# \t\r\n-]|\\[global\\]|index-url|extra-index-url|find-links){0,40}") {
        let client = PYPI.clients[0];
        let pointed = (client.point)(&text, BASE, &[]);
        prop_assert_eq!((client.unpoint)(&pointed), text);
        prop_assert_eq!((client.point)(&pointed, BASE, &[]), pointed);
    }

    #[test]
    fn anything_printed_is_read_or_refused(printed in proptest::collection::vec(any::<String>(), 0..4), file in any::<String>()) {
        let client = PYPI.clients[0];
        let files = [("/h/.netrc".to_owned(), file.into_bytes())];
        let _ = (client.read)(&printed, &files, &|_| None, &stockade_ecosystem::Stated::default());
        let _ = ((client.files)(&printed), (client.configured_in)(&printed), (client.cache)(&printed));
    }
}
