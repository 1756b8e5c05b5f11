//! The files of an image that matter, as they are after a layer was put on those below.

use std::collections::BTreeMap;

use super::Seen;
use super::store::inside;

/// How many links may lead from one to the next.
const MAX_LINKS: usize = 40;
/// What systems keep of what they installed, and who does.
const SYSTEMS: [(&str, &str); 6] = [
    ("var/lib/dpkg/status", "dpkg"),
    ("var/lib/dpkg/status.d/", "dpkg"),
    ("lib/apk/db/installed", "apk"),
    ("usr/lib/apk/db/installed", "apk"),
    ("var/lib/rpm/", "rpm"),
    ("usr/lib/sysimage/rpm/", "rpm"),
];

/// What is known of the files of an image, or of one layer of it.
#[derive(Default)]
pub(super) struct Merged {
    /// What each file that was looked at says, by its path.
    files: BTreeMap<String, Seen>,
    /// Where links lead.
    links: BTreeMap<String, String>,
    /// Files by which systems know what they installed.
    systems: BTreeMap<String, &'static str>,
}

impl Merged {
    /// Where a path leads if links among its folders are followed; `None` if that is nowhere.
    pub(super) fn resolved(&self, lower: &Self, path: &str) -> Option<String> {
        let mut done: Vec<String> = Vec::new();
        let mut rest: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
        let mut links = 0;
        while let Some(part) = rest.pop() {
            done.push(part);
            // The last one is what the path is about.
            if rest.is_empty() {
                break;
            }
            let here = done.join("/");
            let Some(target) = self.links.get(&here).or_else(|| lower.links.get(&here)) else { continue };
            links += 1;
            if links > MAX_LINKS {
                return None;
            }
            done.pop();
            let folder = if target.starts_with('/') { String::new() } else { done.join("/") };
            let target = inside(&format!("{folder}/{target}"))?;
            done.clear();
            rest.extend(target.split('/').rev().map(str::to_owned));
        }
        Some(done.join("/"))
    }

    /// Forgets what is at a path, and below it.
    pub(super) fn remove(&mut self, path: &str) {
        self.files.remove(path);
        self.links.remove(path);
        self.systems.remove(path);
        self.clear(path);
    }

    /// Forgets what is below a path.
    pub(super) fn clear(&mut self, path: &str) {
        remove_below(&mut self.files, path);
        remove_below(&mut self.links, path);
        remove_below(&mut self.systems, path);
    }

    /// A folder is where a file or a link may have been.
    pub(super) fn make_folder(&mut self, path: &str) {
        self.files.remove(path);
        self.links.remove(path);
    }

    pub(super) fn put(&mut self, path: String, seen: Seen) {
        self.files.insert(path, seen);
    }

    pub(super) fn link(&mut self, path: String, target: String) {
        self.links.insert(path, target);
    }

    pub(super) fn get(&self, path: &str) -> Option<&Seen> {
        self.files.get(path)
    }

    /// Notes a file if a system knows by it what it installed.
    pub(super) fn note_system(&mut self, path: &str) {
        let of = SYSTEMS.iter().find(|(place, _)| path == *place || (place.ends_with('/') && path.starts_with(place)));
        if let Some((_, system)) = of {
            self.systems.insert(path.to_owned(), system);
        }
    }

    /// Puts a layer on top. What it replaces or deletes is gone already.
    pub(super) fn cover(&mut self, layer: Self) {
        self.files.extend(layer.files);
        self.links.extend(layer.links);
        self.systems.extend(layer.systems);
    }

    /// Says what is in the image.
    pub(super) fn finish(self, name: &str, seen: &mut Seen) {
        let mut systems: Vec<&str> = self.systems.into_values().collect();
        systems.sort_unstable();
        systems.dedup();
        let told =
            systems.iter().map(|system| format!("{name}: packages of the operating system (`{system}`) are not read"));
        seen.left_out.extend(told);
        for of_file in self.files.into_values() {
            seen.found.extend(of_file.found);
            seen.unseen.extend(of_file.unseen);
            seen.unseen.extend(of_file.includes.iter().map(|(by, include, _)| {
                let (by, path) = (by.display(), include.path.escape_debug());
                format!("{by}: line {}: it takes more from `{path}`, which is not followed in an image", include.line)
            }));
            seen.left_out.extend(of_file.left_out);
        }
    }
}

fn remove_below<T>(map: &mut BTreeMap<String, T>, path: &str) {
    let folder = if path.is_empty() { String::new() } else { format!("{path}/") };
    let below: Vec<String> = map
        .range(folder.clone()..)
        .take_while(|(key, _)| key.starts_with(&folder))
        .map(|(key, _)| key.clone())
        .collect();
    for key in below {
        map.remove(&key);
    }
}
