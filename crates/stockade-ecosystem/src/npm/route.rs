//! Which request means what, and how our own addresses are spelt.

use stockade_model::{Malformed, Package, Secret};

use super::package;
use crate::{Account, AuditForm, PathError, Request, Route, Segments, Variant};

/// The media type with which a client asks for the abbreviated packument.
pub(super) const ABBREVIATED: &str = "application/vnd.npm.install-v1+json";

/// Routes a request. Total; names come in every encoding that clients use (`@a/b`, `@a%2fb`, `@a%2Fb`).
pub(super) fn route(request: &Request<'_>) -> Route {
    let (path, query) = request.path.split_once('?').unwrap_or((request.path, ""));
    let segments = match segments_of(path) {
        Ok(segments) => segments,
        Err(error) => return refuse(400, error.why()),
    };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match request.method {
        "GET" | "HEAD" => get(&segments, query, request.accept),
        "POST" => post(&segments),
        "PUT" | "DELETE" => change(request.method, &segments),
        _ => refuse(403, "this gateway does not offer that"),
    }
}

/// The segments of a path. `@acme/left` in two of them is the same package as in one.
fn segments_of(path: &str) -> Result<Vec<String>, PathError> {
    let segments = Segments::of(path)?;
    let segments = segments.as_slice();
    let scoped = |scope: &str| scope.starts_with('@') && !scope.contains('/');
    let mut joined = Vec::with_capacity(segments.len());
    let mut at = 0;
    while let Some(segment) = segments.get(at) {
        // In front, and behind `/-/package/`.
        let is_place = at == 0 || (at == 2 && segments.starts_with(&["-", "package"]));
        match segments.get(at + 1) {
            Some(name) if is_place && scoped(segment) => {
                joined.push(format!("{segment}/{name}"));
                at += 1;
            }
            _ => joined.push((*segment).to_owned()),
        }
        at += 1;
    }
    Ok(joined)
}

fn get(segments: &[&str], query: &str, accept: &str) -> Route {
    match segments {
        ["-", "ping"] => Route::Ping,
        ["-", "v1", "search"] => Route::Search { path: format!("-/v1/search?{}", canonical_query(query)) },
        ["-", "npm", "v1", "keys"] => Route::Forward { about: None, path: "-/npm/v1/keys".to_owned() },
        ["-", "npm", "v1", "attestations", spec @ ..] => attestations(&spec.join("/")),
        ["-", "package", name, "dist-tags"] => with_package(name, |package| Route::Tags { package }),
        ["-", "package", name, "collaborators"] => {
            with_package(name, |package| Route::Account(Account::Publishers { package }))
        }
        ["-", "whoami"] => Route::Account(Account::Who),
        ["-", "npm", "v1", "tokens"] => Route::Account(Account::Tokens),
        ["-", "org" | "user", _, "package"] => Route::Account(Account::Packages),
        // npm asks for somebody before it makes them an owner.
        ["-", "user", _] => refuse(403, "who may publish is said by tokens, which `stockade token create` makes"),
        // There is a package whose name is `-`.
        ["-", wanted, ..] if *wanted != "-" => refuse(403, "this gateway does not offer that address"),
        [name] => with_package(name, |package| Route::Index { package, variant: variant(accept) }),
        [name, "-", file] if !file.contains('/') => {
            with_package(name, |package| Route::Artifact { package, file: (*file).to_owned() })
        }
        [name, wanted] if *wanted != "-" => {
            with_package(name, |package| Route::Manifest { package, wanted: (*wanted).to_owned() })
        }
        [_, .., "-", file] => moved(segments, file),
        _ => refuse(403, "this gateway does not offer that address"),
    }
}

/// A tarball below a path of somebody else's. With `replace-registry-host` npm puts our address in the place of a
/// registry's and keeps the path, so that a mirror's mount, and with npm 10 our own once more, stands before the name.
fn moved(segments: &[&str], file: &str) -> Route {
    let elsewhere = || refuse(403, "this gateway does not offer that address");
    let [before @ .., last, _, _] = segments else { return elsewhere() };
    let bare = last.rsplit('/').next().unwrap_or(last);
    if !file.strip_prefix(bare).is_some_and(|rest| rest.starts_with('-')) || file.contains('/') {
        return elsewhere();
    }
    let scope = before.last().filter(|scope| scope.starts_with('@') && !last.contains('/'));
    let name = scope.map_or_else(|| (*last).to_owned(), |scope| format!("{scope}/{last}"));
    with_package(&name, |package| Route::Artifact { package, file: file.to_owned() })
}

fn post(segments: &[&str]) -> Route {
    match segments {
        ["-", "npm", "v1", "security", "advisories", "bulk"] => Route::Audit(AuditForm::Names),
        ["-", "npm", "v1", "security", "audits"] | ["-", "npm", "v1", "security", "audits", "quick"] => {
            Route::Audit(AuditForm::Tree)
        }
        // npm then asks for a name and a password.
        ["-", "v1", "login"] => refuse(404, "there is no page to log in; log in with a token as the password"),
        ["-", "npm", "v1", "tokens"] => refuse(403, "tokens are made by `stockade token create`"),
        _ => refuse(403, "this gateway does not offer that address"),
    }
}

fn change(method: &str, segments: &[&str]) -> Route {
    match (method, segments) {
        ("PUT", ["-", "user", _]) => Route::Account(Account::LogIn),
        ("DELETE", ["-", "user", "token", token] | ["-", "npm", "v1", "tokens", "token", token]) => {
            Route::Account(Account::Revoke { token: Secret::new(*token) })
        }
        _ => match of_change(method, segments) {
            Some(Ok(_)) => Route::Change,
            Some(Err(malformed)) => refuse(400, &malformed.to_string()),
            None => refuse(403, "this gateway does not offer that address"),
        },
    }
}

/// What a request changes.
pub(super) enum Written {
    /// The document of a package.
    Document(Package),
    /// A package as a whole, which is to go.
    Package(Package),
    /// A tarball, which is to go.
    File(Package, String),
    /// A tag.
    Tag(Package, String),
}

/// What a request changes, if its address is one of those where something is changed.
pub(super) fn written(request: &Request<'_>) -> Option<Written> {
    let path = request.path.split('?').next().unwrap_or_default();
    let segments = segments_of(path).ok()?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    of_change(request.method, &segments)?.ok()
}

fn of_change(method: &str, segments: &[&str]) -> Option<Result<Written, Malformed>> {
    Some(match (method, segments) {
        (_, ["-", "package", name, "dist-tags", tag]) => {
            package(name).map(|package| Written::Tag(package, (*tag).to_owned()))
        }
        (_, ["-", ..]) => return None,
        ("PUT", [name] | [name, "-rev", _]) => package(name).map(Written::Document),
        ("DELETE", [name, "-rev", _]) => package(name).map(Written::Package),
        ("DELETE", [tarball @ .., "-rev", _]) => match get(tarball, "", "") {
            Route::Artifact { package, file } => Ok(Written::File(package, file)),
            _ => return None,
        },
        _ => return None,
    })
}

fn attestations(spec: &str) -> Route {
    let parts = spec.rsplit_once('@').filter(|(_, version)| !version.is_empty() && !version.contains('/'));
    let Some((name, version)) = parts else {
        return refuse(400, "attestations are of a `name@version`");
    };
    let path = format!("-/npm/v1/attestations/{}@{}", encoded_name(name), encoded(version));
    with_package(name, |package| Route::Forward { about: Some(package.release(version)), path })
}

fn with_package(name: &str, route: impl FnOnce(Package) -> Route) -> Route {
    match package(name) {
        Ok(package) => route(package),
        Err(malformed) => refuse(400, &malformed.to_string()),
    }
}

fn refuse(status: u16, why: &str) -> Route {
    Route::Refuse { status, why: why.to_owned() }
}

/// The variant that an `Accept` header asks for: abbreviated if it is named with a higher quality than the whole.
fn variant(accept: &str) -> Variant {
    let quality = |wanted: &str| {
        let ranges = accept.split(',').map(str::trim);
        ranges
            .filter_map(|range| {
                let mut parts = range.split(';').map(str::trim);
                (parts.next() == Some(wanted)).then(|| {
                    parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse::<f32>().ok())
                })?
            })
            .fold(None, |best: Option<f32>, q| Some(best.map_or(q, |best| best.max(q))))
    };
    match (quality(ABBREVIATED), quality("application/json")) {
        (Some(short), whole) if short > 0.0 && whole.is_none_or(|whole| short >= whole) => Variant::Abbreviated,
        _ => Variant::Full,
    }
}

/// The members of a search that are passed on; whatever else a client adds is dropped.
fn canonical_query(query: &str) -> String {
    const PASSED: [&str; 6] = ["text", "size", "from", "quality", "popularity", "maintenance"];
    let mut passed = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if PASSED.contains(&&*key) {
            passed.append_pair(&key, &value);
        }
    }
    passed.finish()
}

/// A name as one path segment: `@acme%2fleft`, as npm itself asks for packuments.
pub(super) fn encoded_name(name: &str) -> String {
    name.replace('/', "%2f")
}

/// The file name of a release's tarball in the shape that clients leave out of lockfiles.
pub(super) fn tarball(name: &str, version: &str) -> String {
    format!("{}{version}{TARBALL_END}", tarball_name(name))
}

/// What a tarball's file name begins with: the name without its scope.
pub(super) fn tarball_name(name: &str) -> String {
    format!("{}-", name.rsplit('/').next().unwrap_or(name))
}

/// What a tarball's file name ends with.
pub(super) const TARBALL_END: &str = ".tgz";

/// The address of a package's tarballs below `base`, up to the version, which stands there encoded. The scope's `/` stays
/// bare: pnpm records the whole address in its lockfile if it is encoded. A name has nothing else to encode.
pub(super) fn tarball_start(base: &str, name: &str) -> String {
    format!("{base}/{name}/-/{}", tarball_name(name))
}

/// The address of the attestations of a package's releases below `base`, up to the version.
pub(super) fn attestations_start(base: &str, name: &str) -> String {
    format!("{base}/-/npm/v1/attestations/{}@", encoded_name(name))
}

/// Percent-encodes what a path segment may not carry. `+` in a version is legal in a path and stays.
pub(super) fn encoded(segment: &str) -> percent_encoding::PercentEncode<'_> {
    const KEEP: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~')
        .remove(b'+')
        .remove(b'!')
        .remove(b'*')
        .remove(b'\'')
        .remove(b'(')
        .remove(b')');
    percent_encoding::utf8_percent_encode(segment, KEEP)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str) -> Route {
        route(&Request { method: "GET", path, accept: "" })
    }

    fn left() -> Package {
        package("@acme/left").unwrap()
    }

    #[test]
    fn a_scoped_name_is_the_same_in_every_encoding() {
        for path in ["/@acme/left", "/@acme%2fleft", "/@acme%2Fleft", "/%40acme%2fleft", "/%40acme/left"] {
            assert_eq!(get(path), Route::Index { package: left(), variant: Variant::Full }, "{path}");
            let file = "left-1.0.0.tgz".to_owned();
            assert_eq!(get(&format!("{path}/-/left-1.0.0.tgz")), Route::Artifact { package: left(), file }, "{path}");
            let wanted = "latest".to_owned();
            assert_eq!(get(&format!("{path}/latest")), Route::Manifest { package: left(), wanted }, "{path}");
        }
        for path in ["/-/package/@acme/left/dist-tags", "/-/package/@acme%2fleft/dist-tags"] {
            assert_eq!(get(path), Route::Tags { package: left() }, "{path}");
        }
        for path in ["/-/npm/v1/attestations/@acme/left@1.0.0", "/-/npm/v1/attestations/@acme%2fleft@1.0.0"] {
            let path_out = "-/npm/v1/attestations/@acme%2fleft@1.0.0".to_owned();
            assert_eq!(get(path), Route::Forward { about: Some(left().release("1.0.0")), path: path_out }, "{path}");
        }
    }

    #[test]
    fn a_package_may_be_called_as_the_registrys_own_folder() {
        let dash = || package("-").unwrap();
        assert_eq!(get("/-"), Route::Index { package: dash(), variant: Variant::Full });
        let file = "--0.0.1.tgz".to_owned();
        assert_eq!(get("/-/-/--0.0.1.tgz"), Route::Artifact { package: dash(), file });
        assert_eq!(get("/-/package/-/dist-tags"), Route::Tags { package: dash() });
    }

    #[test]
    fn the_accept_header_chooses_the_variant() {
        let variant = |accept: &str| super::variant(accept);
        assert_eq!(variant(""), Variant::Full);
        assert_eq!(variant("application/json"), Variant::Full);
        assert_eq!(variant("*/*"), Variant::Full);
        assert_eq!(variant("application/vnd.npm.install-v1+json"), Variant::Abbreviated);
        let npm8 = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*";
        assert_eq!(variant(npm8), Variant::Abbreviated);
        assert_eq!(variant("application/json, application/vnd.npm.install-v1+json; q=0.5"), Variant::Full);
        assert_eq!(variant("application/vnd.npm.install-v1+json;q=0"), Variant::Full);
    }

    #[test]
    fn a_tarball_is_found_below_the_path_of_the_registry_that_a_lockfile_names() {
        for path in ["/npm/@acme/left", "/api/npm/all/@acme/left", "/npm/npm/@acme/left", "/npm/@acme%2fleft"] {
            let file = "left-1.0.0.tgz".to_owned();
            assert_eq!(get(&format!("{path}/-/left-1.0.0.tgz")), Route::Artifact { package: left(), file }, "{path}");
        }
        let file = "npm-1.0.0.tgz".to_owned();
        let npm = package("npm").unwrap();
        for path in ["/npm/-/npm-1.0.0.tgz", "/npm/npm/-/npm-1.0.0.tgz", "/npm/npm/npm/-/npm-1.0.0.tgz"] {
            assert_eq!(get(path), Route::Artifact { package: npm.clone(), file: file.clone() }, "{path}");
        }
        for path in [
            "/npm/left/-/right-1.0.0.tgz",
            "/npm/left/-/left",
            "/npm/.left/-/.left-1.0.0.tgz",
            "/-/x/left/-/left-1.0.0.tgz",
        ] {
            assert!(matches!(get(path), Route::Refuse { .. }), "{path}");
        }
    }

    #[test]
    fn what_is_unknown_is_refused() {
        let status = |method, path| match route(&Request { method, path, accept: "" }) {
            Route::Refuse { status, .. } => status,
            other => panic!("{path} is {other:?}"),
        };
        for path in ["/", "/-/user/token/x", "/-/all", "/a/-/b/c", "/a/1.0.0/x", "/-/npm/v1/user"] {
            assert_eq!(status("GET", path), 403, "{path}");
        }
        for path in ["/a/../b", "/a%2f..%2fb", "/a%00", "/a%252fb", "//a", "/.a", "/@a", "/a%2fb", "/@a%2fb%2fc"] {
            assert_eq!(status("GET", path), 400, "{path}");
        }
        for method in ["DELETE", "PATCH", "CONNECT"] {
            assert_eq!(status(method, "/left"), 403);
        }
        for path in ["/-/user/token/x", "/-/npm", "/left/-/left-1.0.0.tgz", "/left/1.0.0"] {
            assert_eq!(status("PUT", path), 403);
        }
        assert_eq!(status("PUT", "/.left"), 400);
        assert_eq!(status("POST", "/left"), 403);
    }

    #[test]
    fn what_changes_something_says_what() {
        let route = |method, path| super::route(&Request { method, path, accept: "" });
        let changes = [
            ("PUT", "/@acme%2fleft"),
            ("PUT", "/@acme/left/-rev/3"),
            ("DELETE", "/@acme%2fleft/-rev/3"),
            ("DELETE", "/@acme/left/-/left-1.0.0.tgz/-rev/3"),
            ("DELETE", "/npm/@acme/left/-/left-1.0.0.tgz/-rev/undefined"),
            ("PUT", "/-/package/@acme%2fleft/dist-tags/beta"),
            ("DELETE", "/-/package/@acme/left/dist-tags/beta"),
        ];
        for (method, path) in changes {
            assert_eq!(route(method, path), Route::Change, "{method} {path}");
        }
        let revoke = |token: &str| Route::Account(Account::Revoke { token: Secret::new(token) });
        assert_eq!(route("GET", "/-/whoami"), Route::Account(Account::Who));
        assert_eq!(route("PUT", "/-/user/org.couchdb.user:alice"), Route::Account(Account::LogIn));
        assert_eq!(route("DELETE", "/-/user/token/stockade_x"), revoke("stockade_x"));
        assert_eq!(route("DELETE", "/-/npm/v1/tokens/token/1f"), revoke("1f"));
        assert_eq!(route("GET", "/-/npm/v1/tokens"), Route::Account(Account::Tokens));
        let publishers = Route::Account(Account::Publishers { package: left() });
        assert_eq!(route("GET", "/-/package/@acme%2fleft/collaborators"), publishers);
    }

    #[test]
    fn a_search_passes_on_what_it_is_made_of() {
        let path = "-/v1/search?text=a+b&size=20".to_owned();
        assert_eq!(get("/-/v1/search?text=a%20b&size=20&evil=%0d%0a"), Route::Search { path });
    }

    #[test]
    fn our_addresses_have_the_standard_shape() {
        assert_eq!(
            tarball_start("http://127.0.0.1:1/x", "@acme/left") + "1.0.0",
            "http://127.0.0.1:1/x/@acme/left/-/left-1.0.0"
        );
        assert_eq!(tarball("@acme/left", "1.0.0+b"), "left-1.0.0+b.tgz");
        assert_eq!(encoded("1.0.0-rc.1+b %/").to_string(), "1.0.0-rc.1+b%20%25%2F");
        assert_eq!(attestations_start("b", "@acme/left"), "b/-/npm/v1/attestations/@acme%2fleft@");
    }
}
