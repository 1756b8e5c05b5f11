//! Which request means what, and how our own addresses are spelt.
//!
//! The index lies at `index/` below our mount, files at `crates/`, and the API at `api/`, as `index/config.json` says. The
//! API is that of what is hosted.

use stockade_model::{Package, Release};

use super::name::prefix;
use super::{package, version};
use crate::{Account, Request, Route, Segments, Variant};

/// What clients ask first, below the index.
pub(super) const CONFIGURATION: &str = "config.json";

/// What a file's name ends with.
const CRATE_END: &str = ".crate";

/// Routes a request. Total.
pub(super) fn route(request: &Request<'_>) -> Route {
    let path = request.path.split_once('?').map_or(request.path, |(path, _)| path);
    let segments = match Segments::of(path) {
        Ok(segments) => segments,
        Err(error) => return refuse(400, error.why()),
    };
    let segments = segments.as_slice();
    match (request.method, segments.as_slice()) {
        (_, ["api", "v1", rest @ ..]) => api(request, rest),
        ("GET" | "HEAD", ["index", file]) if *file == CONFIGURATION => Route::Configuration,
        ("GET" | "HEAD", ["index", folder @ .., name]) => index(folder, name),
        ("GET" | "HEAD", ["crates", name, version, "download"]) => download(name, version),
        ("GET" | "HEAD", _) => refuse(403, "this gateway does not offer that address"),
        _ => refuse(403, "this gateway does not offer that"),
    }
}

fn api(request: &Request<'_>, rest: &[&str]) -> Route {
    match (request.method, rest) {
        ("GET", ["crates"]) => {
            let query = request.path.split_once('?').map_or("", |(_, query)| query);
            let value = |wanted: &str| {
                url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == wanted).map(|(_, value)| value)
            };
            let text = value("q").unwrap_or_default().into_owned();
            let most = value("per_page").and_then(|number| number.parse().ok()).unwrap_or(FOUND);
            Route::Account(Account::Find { text, most: most.min(MAX_FOUND) })
        }
        ("GET", ["crates", name, "owners"]) => match package(name) {
            Ok(package) => Route::Account(Account::Publishers { package }),
            Err(malformed) => refuse(400, &malformed.to_string()),
        },
        ("PUT" | "DELETE", ["crates", _, "owners"]) => {
            refuse(403, "who may publish a crate is said by tokens: `stockade token create`")
        }
        _ => match of_api(request) {
            Some(_) => Route::Change,
            None => refuse(403, "this gateway does not offer that address"),
        },
    }
}

/// How many crates a search finds unless it asks for another number, and at most.
const FOUND: usize = 10;
const MAX_FOUND: usize = 100;

/// What a request to the API changes.
pub(super) enum Api {
    /// A release is to be published.
    Publish,
    /// It is to be yanked.
    Yank(Release),
    /// It is no longer to be yanked.
    Unyank(Release),
}

/// What a request changes, if its address is one of those where something is changed.
pub(super) fn of_api(request: &Request<'_>) -> Option<Api> {
    let path = request.path.split_once('?').map_or(request.path, |(path, _)| path);
    let segments = Segments::of(path).ok()?;
    let release = |name: &str, stated: &str| {
        let package = package(name).ok()?;
        version::read(stated).ok().map(|_| package.release(stated))
    };
    match (request.method, segments.as_slice().as_slice()) {
        ("PUT", ["api", "v1", "crates", "new"]) => Some(Api::Publish),
        ("DELETE", ["api", "v1", "crates", name, version, "yank"]) => release(name, version).map(Api::Yank),
        ("PUT", ["api", "v1", "crates", name, version, "unyank"]) => release(name, version).map(Api::Unyank),
        _ => None,
    }
}

/// An index file has one path, and another one does not become it.
fn index(folder: &[&str], name: &str) -> Route {
    let package = match package(name) {
        Ok(package) => package,
        Err(malformed) => return refuse(400, &malformed.to_string()),
    };
    if format!("{}/{name}", folder.join("/")) != index_path(&package) || folder.iter().any(|part| part.contains('/')) {
        return refuse(400, "no crate has its index at this path");
    }
    Route::Index { package, variant: Variant::Full }
}

fn download(name: &str, stated: &str) -> Route {
    let release = package(name).and_then(|package| version::read(stated).map(|_| package.release(stated)));
    match release {
        Ok(release) => Route::Artifact { file: file(&release), package: release.package },
        Err(malformed) => refuse(400, &malformed.to_string()),
    }
}

fn refuse(status: u16, why: &str) -> Route {
    Route::Refuse { status, why: why.to_owned() }
}

/// The path of a crate's file below an index.
pub(super) fn index_path(package: &Package) -> String {
    let name = package.name.as_str();
    format!("{}/{name}", prefix(name))
}

/// The name of a release's file.
pub(super) fn file(release: &Release) -> String {
    format!("{}-{}{CRATE_END}", release.package.name, release.version)
}

/// The version in the name of a file.
pub(super) fn version_of<'a>(package: &Package, file: &'a str) -> Option<&'a str> {
    file.strip_prefix(package.name.as_str())?.strip_prefix('-')?.strip_suffix(CRATE_END)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn get(path: &str) -> Route {
        route(&Request { method: "GET", path, accept: "" })
    }

    fn status(method: &str, path: &str) -> u16 {
        match route(&Request { method, path, accept: "" }) {
            Route::Refuse { status, .. } => status,
            other => panic!("{method} {path} is {other:?}"),
        }
    }

    #[test]
    fn an_index_file_has_one_path() {
        for (path, name) in [
            ("/index/1/a", "a"),
            ("/index/2/ab", "ab"),
            ("/index/3/a/abc", "abc"),
            ("/index/ab/cd/abcd", "abcd"),
            ("/index/le/ft/left-demo", "left-demo"),
            ("/index/le/ft/left_demo", "left_demo"),
            ("/index/le/ft/left%2ddemo", "left-demo"),
        ] {
            assert_eq!(get(path), Route::Index { package: package(name).unwrap(), variant: Variant::Full }, "{path}");
        }
        for path in [
            "/index/a",
            "/index/1/ab",
            "/index/3/b/abc",
            "/index/ab/cd/abce",
            "/index/Ab/cd/Abcd",
            "/index/ab/cd/Abcd",
            "/index/ab%2fcd/abcd",
            "/index/ab/cd%2fabcd",
            "/index/x/ab/cd/abcd",
            "/index/1/1",
            "/index/_a/bc/_abcd",
            "/index/ab/c%C3%A4/abc%C3%A4",
        ] {
            assert_eq!(status("GET", path), 400, "{path}");
        }
    }

    #[test]
    fn the_configuration_is_at_its_place() {
        assert_eq!(get("/index/config.json"), Route::Configuration);
        assert_eq!(get("/index/config.json?x"), Route::Configuration);
        assert_eq!(status("GET", "/config.json"), 403);
        assert_eq!(status("GET", "/index/x/config.json"), 400);
    }

    #[test]
    fn a_file_is_asked_for_by_name_and_version() {
        for (path, file) in [
            ("/crates/left-demo/1.0.0/download", "left-demo-1.0.0.crate"),
            ("/crates/Left-Demo/1.0.0/download", "left-demo-1.0.0.crate"),
            ("/crates/left-demo/1.0.0-rc.1+b.2/download", "left-demo-1.0.0-rc.1+b.2.crate"),
            ("/crates/left-demo/1.0.0%2Bb/download", "left-demo-1.0.0+b.crate"),
        ] {
            let package = package("left-demo").unwrap();
            assert_eq!(get(path), Route::Artifact { package, file: file.to_owned() }, "{path}");
        }
        for path in [
            "/crates/left-demo/1.0/download",
            "/crates/left-demo/1.0.0%2fx/download",
            "/crates/left-demo/..%2f1.0.0/download",
            "/crates/left-demo/1.0.0%252b/download",
            "/crates/left-demo/1.0.0%0a/download",
            "/crates/left%2fdemo/1.0.0/download",
            "/crates/left-demo/../download",
            "/crates//1.0.0/download",
        ] {
            assert_eq!(status("GET", path), 400, "{path}");
        }
    }

    #[test]
    fn a_files_name_tells_the_version() {
        let package = package("left-1").unwrap();
        let version = "1.0.0-left-1.0.0+b";
        assert_eq!(version_of(&package, &file(&package.release(version))), Some(version));
        for name in ["left-1.crate", "left-1-.crat", "right-1-1.0.0.crate", "left-11.0.0.crate", ""] {
            assert_eq!(version_of(&package, name), None, "{name}");
        }
    }

    #[test]
    fn the_api_is_of_what_is_hosted() {
        let route = |method, path| super::route(&Request { method, path, accept: "" });
        for (method, path) in [
            ("PUT", "/api/v1/crates/new"),
            ("DELETE", "/api/v1/crates/left-demo/1.0.0/yank"),
            ("PUT", "/api/v1/crates/left-demo/1.0.0/unyank"),
        ] {
            assert_eq!(route(method, path), Route::Change, "{method} {path}");
        }
        let find = |text: &str, most| Route::Account(Account::Find { text: text.to_owned(), most });
        assert_eq!(route("GET", "/api/v1/crates?q=left%20x&per_page=7"), find("left x", 7));
        assert_eq!(route("GET", "/api/v1/crates?per_page=9999"), find("", MAX_FOUND));
        let publishers = Route::Account(Account::Publishers { package: package("left").unwrap() });
        assert_eq!(route("GET", "/api/v1/crates/Left/owners"), publishers);
    }

    #[test]
    fn what_is_unknown_is_refused() {
        for (method, path) in [
            ("PUT", "/api/v1/crates/left-demo/owners"),
            ("DELETE", "/api/v1/crates/left-demo/1.0/yank"),
            ("POST", "/api/v1/crates/new"),
            ("GET", "/api/v1/me"),
            ("PUT", "/index/1/a"),
            ("POST", "/crates/left-demo/1.0.0/download"),
            ("GET", "/"),
            ("GET", "/index"),
            ("GET", "/crates/left-demo/1.0.0"),
            ("GET", "/me"),
        ] {
            assert_eq!(status(method, path), 403, "{method} {path}");
        }
    }

    proptest! {
        #[test]
        fn routing_is_total_and_an_index_is_where_it_was_asked_for(path in "(/(index|crates|[a-z0-9%._-]{0,4}|\\PC{0,6})){0,6}") {
            if let Route::Index { package, .. } = get(&path) {
                let plain = percent_encoding::percent_decode_str(&path).decode_utf8().unwrap().into_owned();
                prop_assert_eq!(plain, format!("/index/{}", index_path(&package)));
            }
        }
    }
}
