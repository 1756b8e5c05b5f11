//! Programs that say which crates they are made of: `cargo auditable build` puts the part of `Cargo.lock` that was compiled
//! into a section `.dep-v0`, as JSON compressed with zlib. Stripping leaves it.

use std::io::Read as _;

use flate2::read::ZlibDecoder;
use object::{Object as _, ObjectSection as _, ReadRef};
use serde::Deserialize;

use super::lockfile::release;
use crate::locked::{Locked, Out};
use crate::{Origin, Parsed, Problem, Scope};

/// The most bytes of a list: 8 MiB. A thousand crates have less than a tenth of one.
const MAX_LIST: u64 = 8 << 20;
const SECTION: &str = ".dep-v0";
/// What a list is called where it is told.
const KIND: &str = "cargo auditable";

#[derive(Deserialize)]
struct List {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    dependencies: Vec<u32>,
    #[serde(default)]
    root: bool,
}

/// The crates that a program says it is made of, if it says so.
pub(crate) fn auditable<'d, R: ReadRef<'d>>(
    program: &object::File<'d, R>,
) -> Option<(&'static str, Parsed<Vec<Locked>>)> {
    let section = program.section_by_name(SECTION)?;
    if section.size() > MAX_LIST {
        return Some((
            KIND,
            unread(format!("the list of crates in it has more than {MAX_LIST} bytes, so it was not read")),
        ));
    }
    let list =
        section.data().map_or_else(|error| unread(format!("the list of crates in it cannot be read: {error}")), list);
    Some((KIND, list))
}

fn unread(what: String) -> Parsed<Vec<Locked>> {
    Parsed { problems: vec![Problem::new(what)], ..Parsed::default() }
}

fn list(compressed: &[u8]) -> Parsed<Vec<Locked>> {
    let mut text = Vec::new();
    if let Err(error) = ZlibDecoder::new(compressed).take(MAX_LIST + 1).read_to_end(&mut text) {
        return unread(format!("the list of crates in it cannot be unpacked: {error}"));
    }
    if text.len() as u64 > MAX_LIST {
        return unread(format!("the list of crates in it has more than {MAX_LIST} bytes, so it was not read"));
    }
    match serde_json::from_slice::<List>(&text) {
        Ok(list) => entries(&list),
        Err(error) => unread(format!("the list of crates in it cannot be read: {error}")),
    }
}

/// The entries. What is a folder of the project is no release, and what it needs, the project asks for itself.
fn entries(list: &List) -> Parsed<Vec<Locked>> {
    let mut out = Out::default();
    let is_own = |package: &Package| package.source == "local" || package.root;
    let places: Vec<Option<u32>> =
        list.packages.iter().map(|package| if is_own(package) { None } else { entry(package, &mut out) }).collect();
    for (package, place) in list.packages.iter().zip(&places) {
        let needed = |need: &u32| usize::try_from(*need).ok().and_then(|need| places.get(need));
        if package.dependencies.iter().any(|need| needed(need).is_none()) {
            out.problem(1, format!("`{}` needs an entry that is not there", package.name.escape_debug()));
        }
        let needs: Vec<u32> = package.dependencies.iter().filter_map(|need| *needed(need)?).collect();
        let own = place.and_then(|place| usize::try_from(place).ok());
        if let Some(entry) = own.and_then(|at| out.entries.get_mut(at)) {
            entry.needs = needs;
        } else if is_own(package) {
            for need in needs.iter().filter_map(|need| usize::try_from(*need).ok()) {
                if let Some(entry) = out.entries.get_mut(need) {
                    entry.direct = Some(true);
                }
            }
        }
    }
    out.parsed()
}

fn entry(package: &Package, out: &mut Out) -> Option<u32> {
    let mut locked = Locked::new(out.take(1, release(&package.name, &package.version))?, 1);
    locked.direct = Some(false);
    locked.scope = match package.kind.as_deref() {
        Some("build") => Scope::Build,
        Some("dev" | "development") => Scope::Dev,
        _ => Scope::Run,
    };
    locked.origin = match package.source.as_str() {
        "git" => Origin::Git(String::new()),
        _ => Origin::Registry(None),
    };
    out.push(locked)
}

#[cfg(test)]
mod tests;
