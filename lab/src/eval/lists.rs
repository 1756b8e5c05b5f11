//! The lists that fill the corpora of harmless releases: names and exact versions, so that a corpus that is filled again
//! is the same.
//!
//! A line is a name and its versions, oldest first. The last is what the corpus of newest releases has; each two
//! neighbours are an update.

/// A package and its releases.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pinned<'a> {
    pub(crate) name: &'a str,
    pub(crate) versions: Vec<&'a str>,
}

/// Ecosystems that have a list, and the list.
pub(crate) const ALL: [(&str, &str); 4] = [
    ("npm", include_str!("lists/npm.txt")),
    ("pypi", include_str!("lists/pypi.txt")),
    ("crates", include_str!("lists/crates.txt")),
    ("maven", include_str!("lists/maven.txt")),
];

/// The packages of a list.
pub(crate) fn read(list: &str) -> Vec<Pinned<'_>> {
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    let packages = lines.filter_map(|line| {
        let mut words = line.split_whitespace();
        Some(Pinned { name: words.next()?, versions: words.collect() })
    });
    packages.collect()
}

/// The folder of a package: a slash in a name is none in a path.
pub(crate) fn folder(name: &str) -> String {
    name.replace('/', "+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_names_each_package_once_with_each_version_once() {
        for (ecosystem, list) in ALL {
            let packages = read(list);
            let mut names: Vec<_> = packages.iter().map(|package| folder(package.name)).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), packages.len(), "{ecosystem}");
            for package in packages {
                let mut versions = package.versions.clone();
                versions.sort_unstable();
                versions.dedup();
                assert_eq!(versions.len(), package.versions.len(), "{}", package.name);
                assert!(!versions.is_empty(), "{}", package.name);
            }
        }
    }

    #[test]
    fn a_line_is_a_name_and_its_versions() {
        let read = read("# about\n\na 1 2\n@b/c 3\n");
        assert_eq!(read[0], Pinned { name: "a", versions: vec!["1", "2"] });
        assert_eq!(folder(read[1].name), "@b+c");
    }
}
