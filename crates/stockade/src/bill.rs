//! A bill of materials of what was seen: each release once, wherever it is named.
//!
//! A lockfile and the installed tree beside it name the same release, and so do two lockfiles. They are one part, unless
//! their files contradict each other: other bytes, or another origin, are another thing under the same name. What a file
//! does not tell is not made up. A part of which no file says what it needs is one of which that is unknown.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use stockade_ecosystem::{ALL, Locked, Origin, Scope as For, by_id};
use stockade_engine::sbom::{
    Bom, Component, Context, Coverage, Edge, Evidence, Kind, Licence, Node, PackageUrl, Scope, Tool,
};
use stockade_model::{Digest, Purl};

use crate::files;
use crate::scan::{Found, Seen};

/// What the kind of an installed tree is called.
const INSTALLED: &str = "installed";

/// The folder from which paths are told; `None` if there are several.
pub(crate) fn base(paths: &[PathBuf]) -> Option<&Path> {
    match paths {
        [path] if path.is_dir() => Some(path),
        [path] => path.parent(),
        _ => None,
    }
}

/// A project of which nobody says what it is called: as its folder is.
pub(crate) fn project(base: Option<&Path>) -> Component {
    let folder = base.filter(|base| !base.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = files::real(folder);
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    Component::new(Kind::Application, name.unwrap_or_default())
}

/// The bill of what was seen below a folder, whose paths are told from there.
pub(crate) fn of(seen: &Seen, base: Option<&Path>, subject: Component) -> Bom {
    let mut bom = Bom::new(subject);
    bom.tools.push(Tool { name: "stockade".to_owned(), version: Some(env!("CARGO_PKG_VERSION").to_owned()) });
    bom.context = context(seen);
    bom.gaps = gaps(seen, base);
    let mut places = HashMap::new();
    for file in &seen.found {
        add(&mut bom, file, base, &mut places);
    }
    bom.subject.dependencies = coverage(&bom);
    bom
}

/// What could not be looked at, of everything.
fn gaps(seen: &Seen, base: Option<&Path>) -> Vec<String> {
    let in_file = |file: &Found| {
        let path = told(&file.path, base);
        file.problems.iter().map(move |problem| format!("{path}: {problem}")).collect::<Vec<_>>()
    };
    let prefix = base.map(|base| format!("{}/", base.display()));
    let unseen = seen.unseen.iter().map(|gap| {
        let bare = prefix.as_deref().and_then(|prefix| gap.strip_prefix(prefix));
        bare.unwrap_or(gap).to_owned()
    });
    let nothing =
        seen.found.is_empty().then(|| "there is no file that names a release, of those that are known".to_owned());
    unseen.chain(seen.found.iter().flat_map(in_file)).chain(nothing).collect()
}

/// What was looked at. A lockfile says what is to be installed, and a tree what is.
fn context(seen: &Seen) -> Option<Context> {
    let is_lockfile =
        |file: &Found| ALL.iter().flat_map(|ecosystem| ecosystem.lockfiles).any(|lockfile| lockfile.name == file.kind);
    match &seen.found {
        found if found.is_empty() => None,
        found if found.iter().any(is_lockfile) => Some(Context::Source),
        found if found.iter().any(|file| file.kind == INSTALLED) => Some(Context::Deployed),
        _ => Some(Context::Analyzed),
    }
}

/// A path as it is told: from the folder that was looked at.
fn told(path: &Path, base: Option<&Path>) -> String {
    let below = base.and_then(|base| path.strip_prefix(base).ok()).filter(|below| !below.as_os_str().is_empty());
    below.unwrap_or(path).to_string_lossy().into_owned()
}

/// The parts that have the same package URL.
type Places = HashMap<PackageUrl, Vec<usize>>;

/// Adds what a file names.
fn add(bom: &mut Bom, file: &Found, base: Option<&Path>, places: &mut Places) {
    let path = told(&file.path, base);
    let coverage = needs_of(file);
    let parts: Vec<usize> = file
        .locked
        .iter()
        .map(|locked| {
            let part = part(locked, &path, coverage);
            place(bom, part, places)
        })
        .collect();
    for (locked, from) in file.locked.iter().zip(&parts) {
        let to = locked.needs.iter().filter_map(|need| parts.get(usize::try_from(*need).ok()?));
        let to = to.filter(|to| *to != from);
        bom.edges.extend(to.map(|to| Edge { from: Node::Component(*from), to: Node::Component(*to) }));
        if locked.direct == Some(true) {
            bom.edges.push(Edge { from: Node::Subject, to: Node::Component(*from) });
        }
    }
}

/// Whether a file tells what its releases need. One that has no edge and calls everything direct is a list.
fn needs_of(file: &Found) -> Coverage {
    let tells = file.locked.iter().any(|locked| !locked.needs.is_empty() || locked.direct == Some(false));
    match (tells, file.problems.is_empty()) {
        (true, true) => Coverage::Complete,
        (true, false) => Coverage::Incomplete,
        (false, _) => Coverage::Unknown,
    }
}

fn part(locked: &Locked, path: &str, dependencies: Coverage) -> Component {
    let purl = Purl::of(&locked.release);
    let mut part = Component::new(Kind::Library, locked.release.package.name.as_str());
    part.version = Some(locked.release.version.clone());
    part.purl = Some(located(&purl, &locked.origin));
    part.hashes = locked.integrity.iter().flat_map(|integrity| integrity.deciding().cloned()).collect();
    part.licences = locked.licence.as_deref().map(Licence::read).into_iter().collect();
    part.download = download(locked);
    part.scope = match locked.scope {
        For::Run => Some(Scope::Required),
        For::Optional => Some(Scope::Optional),
        For::Build | For::Dev => Some(Scope::Excluded),
        For::Unknown => None,
    };
    part.evidence = vec![Evidence { file: path.to_owned(), line: locked.line }];
    part.dependencies = dependencies;
    part
}

/// The package URL, which says so where something is not from a registry: it only has the name of what is.
fn located(purl: &Purl, origin: &Origin) -> PackageUrl {
    let plain = PackageUrl::from(purl);
    let (key, address) = match origin {
        Origin::Git(address) => ("vcs_url", repository(address)),
        Origin::Url(address) => ("download_url", address.clone()),
        Origin::Registry(_) | Origin::Path(_) | Origin::Bundled => return plain,
    };
    let separator = if plain.as_str().contains('?') { '&' } else { '?' };
    format!("{plain}{separator}{key}={}", encoded(&address)).parse().unwrap_or(plain)
}

/// Where sources are and which, as SPDX and package URLs write it: `git+https://HOST/PATH@COMMIT`. Lockfiles have the commit
/// behind a `#`, and cargo's what was asked for before it.
///
/// Source: SPDX 2.3, 7.7; the package URL specification, `vcs_url`.
fn repository(address: &str) -> String {
    let (place, commit) = address.rsplit_once('#').unwrap_or((address, ""));
    let place = place.split('?').next().unwrap_or(place);
    let tool = if place.starts_with("git+") || !place.contains("://") { "" } else { "git+" };
    let separator = if commit.is_empty() { "" } else { "@" };
    format!("{tool}{place}{separator}{commit}")
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// The address of the file itself. Some lockfiles have that of the registry in its place, which is none.
fn download(locked: &Locked) -> Option<String> {
    let address = match &locked.origin {
        Origin::Url(address) => return Some(address.clone()),
        Origin::Git(address) => return Some(repository(address)),
        Origin::Registry(address) => address.as_ref()?,
        Origin::Path(_) | Origin::Bundled => return None,
    };
    let formats = by_id(locked.release.package.ecosystem.as_str())?.artifacts;
    let name = address.split(['?', '#']).next()?.to_ascii_lowercase();
    let is_file = formats.iter().flat_map(|format| format.extensions).any(|ending| name.ends_with(ending));
    is_file.then(|| address.clone())
}

/// Puts a part to the one that it is, or adds it, and says where that is.
fn place(bom: &mut Bom, part: Component, places: &mut Places) -> usize {
    let Some(purl) = part.purl.clone() else { return push(bom, part) };
    let known = places.entry(purl).or_default();
    if let Some(at) = known.iter().copied().find(|at| !contradict(&bom.components[*at], &part)) {
        join(&mut bom.components[at], part);
        return at;
    }
    let at = push(bom, part);
    known.push(at);
    at
}

fn push(bom: &mut Bom, part: Component) -> usize {
    bom.components.push(part);
    bom.components.len() - 1
}

/// Whether two that have the same name cannot be the same.
fn contradict(one: &Component, other: &Component) -> bool {
    let shares = one.hashes.iter().any(|digest| other.hashes.contains(digest));
    let of = |part: &Component| part.hashes.iter().map(Digest::algorithm).collect::<BTreeSet<_>>();
    let comparable = of(one).intersection(&of(other)).next().is_some();
    let elsewhere = one.download.as_ref().zip(other.download.as_ref()).is_some_and(|(one, other)| one != other);
    !shares && (comparable || elsewhere)
}

fn join(one: &mut Component, other: Component) {
    let Component { hashes, licences, download, scope, evidence, dependencies, .. } = other;
    for digest in hashes {
        if !one.hashes.contains(&digest) {
            one.hashes.push(digest);
        }
    }
    for licence in licences {
        if !one.licences.contains(&licence) {
            one.licences.push(licence);
        }
    }
    one.download = one.download.take().or(download);
    // The weightiest is the first.
    one.scope = one.scope.into_iter().chain(scope).min();
    one.evidence.extend(evidence);
    one.dependencies = one.dependencies.min(dependencies);
}

/// Whether all that the project needs is known: then a way leads from it to every part.
fn coverage(bom: &Bom) -> Coverage {
    let mut needs: HashMap<Node, Vec<Node>> = HashMap::new();
    for edge in &bom.edges {
        needs.entry(edge.from).or_default().push(edge.to);
    }
    if !needs.contains_key(&Node::Subject) {
        return Coverage::Unknown;
    }
    let mut reached = BTreeSet::from([Node::Subject]);
    let mut next = vec![Node::Subject];
    while let Some(node) = next.pop() {
        for to in needs.get(&node).into_iter().flatten() {
            if reached.insert(*to) {
                next.push(*to);
            }
        }
    }
    let all = reached.len() > bom.components.len() && bom.gaps.is_empty();
    if all { Coverage::Complete } else { Coverage::Incomplete }
}
