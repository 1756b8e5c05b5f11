//! The clients, one file for each. A client says how a project that wants a package is made, how it is installed, and how
//! its lockfile is; what points it at the gateway is what `stockade setup` would write.

mod cargo;
mod gradle;
mod maven;
mod npm;
mod others;
mod pip;
mod poetry;
mod uv;

use std::process::Command;

use crate::stage::Place;

/// A column of the document.
pub(crate) struct Column {
    /// The client and its version: what is said in the column is true of no other.
    pub(crate) name: &'static str,
    /// The client, or in one line why it is not here.
    pub(crate) find: fn() -> Result<Box<dyn Client>, String>,
}

/// All columns, in their order.
pub(crate) fn all() -> Vec<Column> {
    vec![
        Column { name: "npm 10.9.9", find: || npm::find("10.9.9") },
        Column { name: "npm 11.19.1", find: || npm::find("11.19.1") },
        Column { name: "npm 12.2.0", find: || npm::find("12.2.0") },
        Column { name: "pnpm 10.34.9", find: || others::find("pnpm", 10) },
        Column { name: "pnpm 12.21.0", find: || others::find("pnpm", 12) },
        Column { name: "Yarn 4.18.1", find: || others::find("yarn", 4) },
        Column { name: "Bun 1.4.5", find: || others::find("bun", 1) },
        Column { name: "pip 26.3", find: || pip::find("26.3") },
        Column { name: "uv 0.13.9", find: || uv::find("0.13.9") },
        Column { name: "Poetry 2.5.1", find: || poetry::find("2.5.1") },
        Column { name: "cargo 1.95.0", find: || cargo::find("1.95.0") },
        Column { name: "mvn 3.8.7", find: || maven::find("3.8.7") },
        Column { name: "Gradle 4.4.1", find: || gradle::find("4.4.1") },
    ]
}

/// What a project wants of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Any release from 1.0.0 and before 2.
    Range,
    /// This one.
    Exact(&'static str),
}

/// A client.
pub(crate) trait Client {
    /// Its name among stockade's clients.
    fn descriptor(&self) -> &'static str;
    /// The file in the user's home which says where packages come from.
    fn configured_in(&self) -> &'static str;
    /// What is in that file besides.
    fn configuration(&self) -> &'static str {
        ""
    }
    /// Makes the project want the place's package.
    fn want(&self, place: &Place, wanted: Wanted);
    /// Installs what is wanted.
    fn install(&self, place: &Place) -> Command;
    /// Writes the lockfile with the newest release, as the registry alone would have it; where a lockfile names addresses of
    /// files, those at the gateway. False if the client has no lockfile.
    fn lock(&self, place: &Place, registry: &str, gateway: &str) -> bool;
    /// Installs exactly what the lockfile says.
    fn install_locked(&self, place: &Place) -> Command;
    /// Publishes 1.0.0 of the place's package, with `mark` in its file, or says why this client does not.
    fn publish(&self, place: &Place, mark: &str, token: &str) -> Result<Command, &'static str>;
    /// The version of the place's package that is installed.
    fn installed(&self, place: &Place) -> Option<String>;
}

/// A client of another version than that of its column.
fn other_version(name: &str, wanted: &str, found: &str) -> String {
    format!("this machine has {name} {found}, and not {wanted}")
}

/// The rest of the first name in a folder that begins so.
fn rest_of_name(folder: &std::path::Path, start: &str, end: &str) -> Option<String> {
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.find_map(|name| Some(name.strip_prefix(start)?.strip_suffix(end)?.to_owned()))
}
