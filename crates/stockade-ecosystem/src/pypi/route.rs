//! Which request means what.
//!
//! A page is at `/simple/{name}/`. Registries redirect other spellings of the name, and an address without the last `/`, to
//! there; clients take the answer as well, so they get it at once.

use super::{file, name, package, path, version};
use crate::{Request, Route, Segments, Variant};

/// The media type of a page as JSON.
pub(super) const JSON: &str = "application/vnd.pypi.simple.v1+json";
/// The media type of a page as HTML, in the word that the oldest clients know.
pub(super) const HTML: &str = "text/html";

/// Routes a request. Total: what is unknown is refused.
pub(super) fn route(request: &Request<'_>) -> Route {
    let (path, _) = request.path.split_once('?').unwrap_or((request.path, ""));
    let bare = path.strip_suffix('/').filter(|bare| !bare.is_empty()).unwrap_or(path);
    let segments = match Segments::of(bare) {
        Ok(segments) => segments,
        Err(error) => return refuse(400, error.why()),
    };
    match request.method {
        "GET" | "HEAD" => get(&segments.as_slice(), path.ends_with('/'), request.accept),
        "POST" if segments.as_slice() == ["legacy"] => Route::Change,
        _ => refuse(403, "this gateway does not offer that: uploads go to `legacy/`"),
    }
}

fn get(segments: &[&str], is_folder: bool, accept: &str) -> Route {
    match segments {
        ["simple"] => refuse(403, "this gateway does not list all packages: ask for one by its name"),
        ["simple", name] => with_package(name, |package| Route::Index { package, variant: variant(accept) }),
        [path::FILES, name, .., file] if !is_folder && !file.contains('/') => {
            with_package(name, |package| Route::Artifact { package, file: (*file).to_owned() })
        }
        [path::INTEGRITY, name, version, file, path::PROVENANCE] if !is_folder => attestations(name, version, file),
        ["pypi", name, "json"] => with_package(name, |package| Route::Summary { package, version: None }),
        ["pypi", name, version, "json"] => summary(name, version),
        _ => refuse(403, "this gateway does not offer that address"),
    }
}

/// What the registry says of a file's origin lies beside its index.
fn attestations(name: &str, of: &str, file: &str) -> Route {
    if version::parse(of).is_err() || file::parse(&name::normalised(name), file).is_err() {
        return refuse(400, "attestations are of a file of a release");
    }
    with_package(name, |package| {
        let (folder, end) = (path::INTEGRITY, path::PROVENANCE);
        let path = format!("../{folder}/{}/{}/{}/{end}", package.name, path::encoded(of), path::encoded(file));
        Route::Forward { about: Some(package.release(of).with_file(file)), path }
    })
}

fn summary(name: &str, wanted: &str) -> Route {
    match version::parse(wanted) {
        Ok(_) => with_package(name, |package| Route::Summary { package, version: Some(wanted.to_owned()) }),
        Err(malformed) => refuse(400, &malformed.to_string()),
    }
}

fn with_package(name: &str, route: impl FnOnce(stockade_model::Package) -> Route) -> Route {
    match package(name) {
        Ok(package) => route(package),
        Err(malformed) => refuse(400, &malformed.to_string()),
    }
}

fn refuse(status: u16, why: &str) -> Route {
    Route::Refuse { status, why: why.to_owned() }
}

/// The media types that mean each form, and those of other registries and tools that mean it too.
const AS_JSON: [&str; 3] = [JSON, "application/vnd.pypi.simple.latest+json", "application/json"];
const AS_HTML: [&str; 3] = ["application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.latest+html", HTML];

/// The form that an `Accept` header asks for (RFC 9110, section 12.5.1): the one with the higher quality. Who names neither
/// gets HTML, as everywhere: such clients are older than JSON.
fn variant(accept: &str) -> Variant {
    let best = |types: [&str; 3]| types.iter().map(|wanted| quality(accept, wanted)).max().unwrap_or_default();
    let (json, html) = (best(AS_JSON), best(AS_HTML));
    if json.0 > 0 && (json.0 > html.0 || (json.0 == html.0 && json.1 > 0)) { Variant::Full } else { Variant::Html }
}

/// How much a media type is wanted, in thousandths, and how precisely it is named: 2 by itself, 1 with others of its kind,
/// 0 with all. The most precise range decides.
fn quality(accept: &str, wanted: &str) -> (u16, u8) {
    let kind = wanted.split('/').next().unwrap_or_default();
    let precision = |range: &str| match range.split_once('/') {
        _ if range.eq_ignore_ascii_case(wanted) => Some(2),
        Some((own, "*")) if own.eq_ignore_ascii_case(kind) => Some(1),
        Some(("*", "*")) => Some(0),
        _ => None,
    };
    let ranges = accept.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let precision = precision(parts.next()?)?;
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        Some((precision, weight.map_or(Some(WHOLE), thousandths)?))
    });
    ranges.max().map_or((0, 0), |(precision, weight)| (weight, precision))
}

/// The quality of what is asked for without one, in thousandths.
const WHOLE: u16 = 1000;

/// `0.75` in thousandths; RFC 9110 allows three digits.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_plain = part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "1" if is_plain => Some(WHOLE),
        "0" if is_plain => format!("{part:0<3}").parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str) -> Route {
        route(&Request { method: "GET", path, accept: JSON })
    }

    fn left() -> stockade_model::Package {
        package("left-demo").unwrap()
    }

    #[test]
    fn a_page_is_the_same_in_every_spelling() {
        for path in [
            "/simple/left-demo/",
            "/simple/left-demo",
            "/simple/Left.Demo/",
            "/simple/left__demo",
            "/simple/left%2ddemo/?x=1",
        ] {
            assert_eq!(get(path), Route::Index { package: left(), variant: Variant::Full }, "{path}");
            let head = route(&Request { method: "HEAD", path, accept: "" });
            assert_eq!(head, Route::Index { package: left(), variant: Variant::Html }, "{path}");
        }
    }

    #[test]
    fn a_file_is_below_any_path() {
        let name = "left_demo-1.0-py3-none-any.whl";
        for path in ["", "packages/", "packages/aa/bb/0123/", "a%20b/", "a%2fb/", "simple/x/json/"] {
            let file = name.to_owned();
            assert_eq!(
                get(&format!("/files/Left.Demo/{path}{name}")),
                Route::Artifact { package: left(), file },
                "{path}"
            );
            let file = format!("{name}.metadata");
            assert_eq!(
                get(&format!("/files/left-demo/{path}{file}#")),
                Route::Artifact { package: left(), file: file.clone() + "#" }
            );
        }
        let file = "left-demo-1!1.0+a,b.tar.gz".to_owned();
        assert_eq!(get("/files/left-demo/left-demo-1!1.0+a%2Cb.tar.gz?x"), Route::Artifact { package: left(), file });
    }

    #[test]
    fn what_is_said_of_a_files_origin_lies_beside_the_index() {
        let file = "left_demo-1!1.0-py3-none-any.whl";
        for name in ["left-demo", "Left.Demo"] {
            let about = Some(left().release("1!1.0+x").with_file(file));
            let path = format!("../integrity/left-demo/1!1.0+x/{file}/provenance");
            assert_eq!(get(&format!("/integrity/{name}/1!1.0%2Bx/{file}/provenance")), Route::Forward { about, path });
        }
    }

    #[test]
    fn the_older_interface_is_known() {
        for path in ["/pypi/left-demo/json", "/pypi/Left.Demo/json/", "/pypi/left_demo/json?x"] {
            assert_eq!(get(path), Route::Summary { package: left(), version: None }, "{path}");
        }
        let version = Some("1.0rc1".to_owned());
        assert_eq!(get("/pypi/left-demo/1.0rc1/json"), Route::Summary { package: left(), version });
    }

    #[test]
    fn the_accept_header_chooses_the_form() {
        let check = |accept: &str, expect| assert_eq!(variant(accept), expect, "{accept}");
        let (json, html) = (Variant::Full, Variant::Html);
        check("", html);
        check("*/*", html);
        check("application/*", json);
        check("text/*", html);
        check("text/html", html);
        check("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", html);
        check("application/vnd.pypi.simple.v1+json", json);
        check("application/vnd.pypi.simple.latest+json", json);
        check("APPLICATION/VND.PYPI.SIMPLE.V1+JSON ; Q=1.0", json);
        check("application/json", json);
        check("application/json, */*;q=0.5", json);
        check("application/vnd.pypi.simple.v1+html", html);
        check("application/vnd.pypi.simple.latest+html, application/json;q=0.9", html);
        let pip = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01";
        check(pip, json);
        let uv = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01";
        check(uv, json);
        check("application/vnd.pypi.simple.v1+json;q=0.2, text/html;q=0.9", html);
        check("application/vnd.pypi.simple.v1+json;q=0.2, text/html;q=0.19", json);
        check("application/vnd.pypi.simple.v1+json, text/html", json);
        check("application/vnd.pypi.simple.v1+json;q=0, */*", html);
        check("application/vnd.pypi.simple.v1+json;q=0", html);
        check("application/vnd.pypi.simple.v1+json;q=x, text/html;q=0.1", html);
        check("application/vnd.pypi.simple.v2+json, text/html;q=0.1", html);
        check("application/vnd.pypi.simple.v1+json;q=0.5, application/*;q=0.9, text/html;q=0.7", json);
    }

    #[test]
    fn what_is_unknown_is_refused() {
        let status = |method, path: &str| match route(&Request { method, path, accept: "" }) {
            Route::Refuse { status, .. } => status,
            other => panic!("{path} is {other:?}"),
        };
        for path in [
            "/",
            "/simple",
            "/simple/",
            "/pypi/left-demo",
            "/left-demo/json",
            "/pypi/left-demo/1.0/2.0/json",
            "/files",
            "/files/left-demo",
            "/files/left-demo/left-demo-1.0.tar.gz/",
            "/files/left-demo/a%2fleft-demo-1.0.tar.gz",
            "/simple/left-demo/left-demo-1.0.tar.gz",
            "/integrity/left-demo/1.0/left-demo-1.0.tar.gz",
            "/integrity/left-demo/1.0/left-demo-1.0.tar.gz/publish",
            "/packages/left-demo-1.0.tar.gz",
        ] {
            assert_eq!(status("GET", path), 403, "{path}");
        }
        for path in [
            "",
            "/simple//",
            "/simple/left-demo//",
            "/simple/../left",
            "/simple/%2e%2e/",
            "/simple/a%2fb/",
            "/simple/a%00/",
            "/simple/a%252fb/",
            "/simple/-a/",
            "/simple/a b/",
            "/files/-a/x.whl",
            "/files/a/../x.whl",
            "/files/a//x.whl",
            "/files/a/x%5cy.whl",
            "/pypi/-a/json",
            "/pypi/left-demo/latest/json",
            "/integrity/left-demo/x/left-demo-1.0.tar.gz/provenance",
            "/integrity/left-demo/1.0/right-demo-1.0.tar.gz/provenance",
            "/integrity/left-demo/1.0/..%2fx/provenance",
        ] {
            assert_eq!(status("GET", path), 400, "{path}");
        }
        for method in ["POST", "PUT", "DELETE", "PATCH", "CONNECT", "get", ""] {
            assert_eq!(status(method, "/simple/left-demo/"), 403);
        }
        for path in ["/legacy/", "/legacy"] {
            assert_eq!(route(&Request { method: "POST", path, accept: "" }), Route::Change);
            assert_eq!(status("PUT", path), 403);
        }
    }

    #[test]
    fn what_is_not_offered_is_said() {
        let why = |path: &str| match get(path) {
            Route::Refuse { why, .. } => why,
            other => panic!("{path} is {other:?}"),
        };
        assert_eq!(why("/simple/"), "this gateway does not list all packages: ask for one by its name");
    }
}
