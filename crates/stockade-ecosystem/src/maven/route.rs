//! Which request means what.
//!
//! Maven keeps a 404 for a day, and Gradle takes a 403 for a reason to stop: so what is not there is 404, also what can
//! not be there, and what is blocked is never 404.

use std::borrow::Cow;

use stockade_model::Package;

use super::layout::{Place, SNAPSHOT, folder, without_sum};
use super::package;
use crate::{Request, Route, Segments, Variant};

/// The name of a folder's metadata.
const METADATA: &str = "maven-metadata.xml";
/// Documents about a whole repository, which would list what nobody judged.
const CATALOGUES: [&str; 2] = ["archetype-catalog.xml", ".index"];

/// Routes a request. Total.
pub(super) fn route(request: &Request<'_>) -> Route {
    let path = request.path.split_once('?').map_or(request.path, |(path, _)| path);
    let listing = path.strip_suffix('/').filter(|path| !path.is_empty());
    let segments = match Segments::of(listing.unwrap_or(path)) {
        Ok(segments) => segments,
        Err(error) => return refuse(400, error.why()),
    };
    if request.method == "PUT" {
        return deployment(&segments.as_slice());
    }
    if !matches!(request.method, "GET" | "HEAD") {
        return refuse(403, "this gateway does not offer that");
    }
    if listing.is_some() {
        return refuse(404, "this gateway does not list folders");
    }
    let segments = segments.as_slice();
    match segments.as_slice() {
        [first, ..] if CATALOGUES.contains(&without_sum(first).0) => {
            refuse(403, "this gateway does not offer catalogues of a whole repository")
        }
        [folder @ .., name] => match without_sum(name) {
            (METADATA, None) => metadata(folder),
            (METADATA, Some(sum)) => match metadata(folder) {
                refusal @ Route::Refuse { .. } => refusal,
                of => Route::Checksum { of: Box::new(of), sum },
            },
            _ => file(&segments),
        },
        [] => nothing(),
    }
}

fn deployment(segments: &[&str]) -> Route {
    match deployed(segments) {
        Some(_) => Route::Change,
        None => refuse(400, "no repository has a file at that address"),
    }
}

/// What is deployed.
pub(super) enum Deployed {
    /// A file, or the checksum of one.
    File(Box<Place>),
    /// The metadata of a folder, or a checksum of them. We write our own.
    Metadata,
}

/// What is deployed with a request, by its address.
pub(super) fn of_deployment(request: &Request<'_>) -> Option<Deployed> {
    let path = request.path.split_once('?').map_or(request.path, |(path, _)| path);
    deployed(&Segments::of(path).ok()?.as_slice())
}

fn deployed(segments: &[&str]) -> Option<Deployed> {
    let (name, _) = segments.split_last()?;
    if without_sum(name).0 == METADATA {
        return Some(Deployed::Metadata);
    }
    Place::of(segments).map(|place| Deployed::File(Box::new(place)))
}

fn file(segments: &[&str]) -> Route {
    let Some(place) = Place::of(segments) else { return nothing() };
    let file = place.path();
    let route = Route::Artifact { package: place.package, file };
    match place.sum {
        Some(sum) => Route::Checksum { of: Box::new(route), sum },
        None => route,
    }
}

/// The metadata of an artifact; of a snapshot's folder; or of a group whose name is too short to be that of an artifact,
/// or has a part that no artifact has.
fn metadata(folder: &[&str]) -> Route {
    let [group @ .., last] = folder else { return nothing() };
    if folder.iter().any(|part| part.contains('/')) {
        return nothing();
    }
    let forward = |about| Route::Forward { about, path: format!("{}/{METADATA}", encoded_path(folder)) };
    if let [group @ .., artifact] = group
        && last.ends_with(SNAPSHOT)
        && let Some(package) = in_group(group, artifact)
    {
        return forward(Some(package.release(*last)));
    }
    match in_group(group, last) {
        Some(package) => Route::Index { package, variant: Variant::Full },
        None if group.is_empty() => forward(None),
        None => nothing(),
    }
}

fn in_group(group: &[&str], artifact: &str) -> Option<Package> {
    let is_plain = group.iter().all(|part| !part.contains('.'));
    package(&format!("{}:{artifact}", group.join("."))).ok().filter(|_| is_plain)
}

fn nothing() -> Route {
    refuse(404, "no repository has a file at that address")
}

fn refuse(status: u16, why: &str) -> Route {
    Route::Refuse { status, why: why.to_owned() }
}

/// The path of a package's metadata below an upstream.
pub(super) fn metadata_path(package: &Package) -> String {
    format!("{}/{METADATA}", folder(package))
}

/// Where a file lies, from its package's metadata.
pub(super) fn relative(path: &str) -> String {
    encoded_path(&path.split('/').collect::<Vec<_>>())
}

fn encoded_path(segments: &[&str]) -> String {
    const KEEP: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'+');
    let encoded = segments.iter().map(|segment| percent_encoding::utf8_percent_encode(segment, KEEP).into());
    encoded.collect::<Vec<Cow<'_, str>>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sum;

    fn get(path: &str) -> Route {
        route(&Request { method: "GET", path, accept: "" })
    }

    fn left() -> Package {
        package("org.acme:left").unwrap()
    }

    fn status(method: &str, path: &str) -> u16 {
        match route(&Request { method, path, accept: "" }) {
            Route::Refuse { status, .. } => status,
            other => panic!("{path} is {other:?}"),
        }
    }

    #[test]
    fn a_file_is_known_by_its_path() {
        let file = || "1.0+b/left-1.0+b-sources.jar".to_owned();
        let artifact = Route::Artifact { package: left(), file: file() };
        assert_eq!(get("/org/acme/left/1.0+b/left-1.0+b-sources.jar"), artifact);
        assert_eq!(get("/org/acme/left/1.0%2Bb/left-1.0%2bb-sources.jar?x=1"), artifact);
        let sum = get("/org/acme/left/1.0+b/left-1.0+b-sources.jar.sha256");
        assert_eq!(sum, Route::Checksum { of: Box::new(artifact), sum: Sum::Sha256 });
        assert_eq!(relative(&file()), file());
        assert_eq!(relative("1#a/left-1#a.jar"), "1%23a/left-1%23a.jar");
    }

    #[test]
    fn metadata_is_on_three_levels() {
        let index = Route::Index { package: left(), variant: Variant::Full };
        assert_eq!(get("/org/acme/left/maven-metadata.xml"), index);
        assert_eq!(metadata_path(&left()), "org/acme/left/maven-metadata.xml");
        let sum = get("/org/acme/left/maven-metadata.xml.sha1");
        assert_eq!(sum, Route::Checksum { of: Box::new(index), sum: Sum::Sha1 });
        let path = "org/acme/left/1.0-SNAPSHOT/maven-metadata.xml".to_owned();
        let snapshot = Route::Forward { about: Some(left().release("1.0-SNAPSHOT")), path: path.clone() };
        assert_eq!(get(&format!("/{path}")), snapshot);
        let group = Route::Forward { about: None, path: "acme/maven-metadata.xml".to_owned() };
        assert_eq!(get("/acme/maven-metadata.xml"), group);
    }

    #[test]
    fn what_cannot_be_there_is_not_found_and_what_is_not_offered_is_refused() {
        for path in [
            "/",
            "/maven-metadata.xml",
            "/org/acme/",
            "/org/acme/left",
            "/org/acme/left/1.0/right-1.0.jar",
            "/org/acme/left/1.0/left-1.0.jar.sha1.md5",
            "/org/acme/left/maven-metadata-central.xml",
            "/org/acme/left/maven-metadata.xml.asc",
            "/org/acme/left/maven-metadata.xml.sha1.sha1",
            "/org.acme/left/maven-metadata.xml",
            "/org%2facme/left/1.0/left-1.0.jar",
            "/org%2facme/left/maven-metadata.xml",
            "/a%2fb/maven-metadata.xml",
            "/org/acme/le%20ft/maven-metadata.xml",
            "/.meta/repository-metadata.xml",
        ] {
            assert_eq!(status("GET", path), 404, "{path}");
        }
        for path in ["/archetype-catalog.xml", "/archetype-catalog.xml.sha1", "/.index/nexus-maven-repository-index.gz"]
        {
            assert_eq!(status("GET", path), 403, "{path}");
        }
        for method in ["POST", "DELETE", "MKCOL", "PROPFIND"] {
            assert_eq!(status(method, "/org/acme/left/1.0/left-1.0.jar"), 403, "{method}");
        }
        for path in [
            "/org/acme/left/1.0/left-1.0.jar",
            "/org/acme/left/1.0/left-1.0.pom.sha1",
            "/org/acme/left/maven-metadata.xml",
        ] {
            assert_eq!(route(&Request { method: "PUT", path, accept: "" }), Route::Change, "{path}");
        }
        assert_eq!(status("PUT", "/org/acme/left/1.0/right-1.0.jar"), 400);
    }

    #[test]
    fn tricks_with_the_path_are_refused() {
        for path in [
            "/org/acme/../left/1.0/left-1.0.jar",
            "/org/acme/left/1.0/%2e%2e/x",
            "/org//left/1.0/left-1.0.jar",
            "//org/acme/left/1.0/left-1.0.jar",
            "/org/acme/left/1.0//",
            "/org/acme/left/1.0/left-1.0.jar%00",
            "/org/acme/left/1.0/left-1.0.jar%0d%0ax",
            "/org/acme/left/1.0/left-1.0%252f.jar",
            "/org/acme\\left/1.0/left-1.0.jar",
            &format!("/{}", "a/".repeat(Segments::MAX_SEGMENTS + 1)),
        ] {
            assert_eq!(status("GET", path), 400, "{path}");
        }
    }
}
