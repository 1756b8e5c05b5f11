//! The layout of a repository: what a path names.
//!
//! A release is a folder, `org/acme/left-demo/1.0/`, and its files begin with `left-demo-1.0`. Most clients never ask for
//! a list of versions or of files; they put a path together and ask for that, so that a path is all that is known of a
//! file. It says enough: package, version, and what the file is.

use stockade_model::Package;

use super::{package, version};
use crate::registry::Sum;

/// What ends the name of a version that is not released yet and changes.
pub(super) const SNAPSHOT: &str = "-SNAPSHOT";
/// The longest name of a file in bytes, as file systems have it.
const MAX_NAME: usize = 255;
/// What may stand before the last point of an extension.
const TAR: &str = "tar";

/// A file of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The package.
    pub(super) package: Package,
    /// The version, which is the name of the file's folder.
    pub(super) version: String,
    /// The file's name, without the ending of a checksum.
    pub(super) name: String,
    /// What distinguishes it from the release's other files: `sources`, `linux-x86_64`.
    pub(super) classifier: Option<String>,
    /// `jar`, `pom`, `tar.gz`; that of the signed file for a signature.
    pub(super) extension: String,
    /// What it is.
    pub(super) kind: Kind,
    /// Of what sort it is a checksum, if it is that of the file.
    pub(super) sum: Option<Sum>,
}

/// What a file is of its release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// What is put on a path: a jar, and whatever else has no classifier.
    Primary,
    /// The build description, which names what the release needs.
    Pom,
    /// Gradle's description.
    Module,
    /// A file beside it: tests, another platform's.
    Attached,
    /// Sources, for people.
    Sources,
    /// Documentation, for people.
    Javadoc,
    /// The signature of one of these.
    Signature,
}

impl Place {
    /// What the segments of a path name; `None` if no repository has a file there.
    pub(super) fn of(segments: &[&str]) -> Option<Self> {
        let [group @ .., artifact, version, name] = segments else { return None };
        if group.iter().any(|part| part.contains('.')) {
            return None;
        }
        let package = package(&format!("{}:{artifact}", group.join("."))).ok()?;
        Self::in_folder(package, version, name)
    }

    /// The file of a package whose path in the package's folder is `version/name`.
    pub(super) fn in_package(package: Package, path: &str) -> Option<Self> {
        let (version, name) = path.split_once('/')?;
        Self::in_folder(package, version, name)
    }

    fn in_folder(package: Package, version: &str, name: &str) -> Option<Self> {
        version::parse(version).ok()?;
        if name.len() > MAX_NAME || !version::is_in_paths(name) {
            return None;
        }
        let (name, sum) = without_sum(name);
        let (signed, is_signature) = name.strip_suffix(".asc").map_or((name, false), |signed| (signed, true));
        let artifact = package.name.split().1;
        let rest = signed.strip_prefix(artifact)?.strip_prefix('-')?;
        let rest = rest.strip_prefix(version).or_else(|| of_snapshot(rest, version))?;
        let (classifier, extension) = parts(rest)?;
        // A checksum's checksum, and a signature of either, is what nobody makes.
        if extension == "asc" || without_sum(signed).1.is_some() {
            return None;
        }
        let kind = if is_signature { Kind::Signature } else { Kind::of(classifier, extension) };
        let (classifier, extension) = (classifier.map(str::to_owned), extension.to_owned());
        Some(Self { version: version.to_owned(), name: name.to_owned(), package, classifier, extension, kind, sum })
    }

    /// The path in the package's folder, which names the file in our addresses.
    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.version, self.name)
    }

    /// What it is of a release: `jar`, `sources.jar`, `pom.asc`.
    pub(super) fn form(&self) -> String {
        let classifier = self.classifier.iter().map(|classifier| format!("{classifier}."));
        classifier.collect::<String>() + &self.extension_with_signature()
    }

    /// The extension as metadata have it: that of a signature is with the signed file's.
    pub(super) fn extension_with_signature(&self) -> String {
        let signature = if self.kind == Kind::Signature { ".asc" } else { "" };
        format!("{}{signature}", self.extension)
    }

    /// The name of the release's build description, which every release has.
    pub(super) fn pom(&self) -> String {
        let own = self.name.strip_suffix(".asc").unwrap_or(&self.name);
        let end = self.classifier.as_ref().map_or(0, |classifier| classifier.len() + 1) + self.extension.len() + 1;
        let stem = own.get(..own.len().saturating_sub(end)).unwrap_or_default();
        format!("{}/{stem}.pom", self.version)
    }
}

impl Kind {
    fn of(classifier: Option<&str>, extension: &str) -> Self {
        match (classifier, extension) {
            (None, "pom") => Self::Pom,
            (None, "module") => Self::Module,
            (None, _) => Self::Primary,
            (Some("sources"), _) => Self::Sources,
            (Some("javadoc"), _) => Self::Javadoc,
            (Some(_), _) => Self::Attached,
        }
    }
}

/// The folder of a package: `org/acme/left-demo`.
pub(super) fn folder(package: &Package) -> String {
    let (group, artifact) = package.name.split();
    format!("{}/{artifact}", group.unwrap_or_default().replace('.', "/"))
}

/// A file's name without the ending of a checksum, and of which sort that is.
pub(super) fn without_sum(name: &str) -> (&str, Option<Sum>) {
    let of = |sum: Sum| Some((name.strip_suffix(sum.name())?.strip_suffix('.')?, Some(sum)));
    Sum::ALL.into_iter().find_map(of).unwrap_or((name, None))
}

/// What follows the version in the name of a snapshot's file. The folder is called `1.0-SNAPSHOT`, the file
/// `left-demo-1.0-20260601.120000-1.jar`.
fn of_snapshot<'a>(rest: &'a str, version: &str) -> Option<&'a str> {
    let rest = rest.strip_prefix(version.strip_suffix(SNAPSHOT)?)?.strip_prefix('-')?;
    let rest = digits(rest, 8)?.strip_prefix('.')?;
    let rest = digits(rest, 6)?.strip_prefix('-')?;
    let number = rest.find(|c: char| !c.is_ascii_digit())?;
    rest.get(number..).filter(|_| number > 0)
}

fn digits(text: &str, count: usize) -> Option<&str> {
    let (digits, rest) = text.split_at_checked(count)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(rest)
}

/// Classifier and extension of what follows the version: `-sources.jar`, `.tar.gz`. A classifier may have points in it.
fn parts(rest: &str) -> Option<(Option<&str>, &str)> {
    let (before, last) = rest.rsplit_once('.')?;
    let (before, extension) = match before.strip_suffix(TAR).and_then(|before| before.strip_suffix('.')) {
        Some(before) => (before, rest.get(before.len() + 1..)?),
        None => (before, last),
    };
    if last.is_empty() {
        return None;
    }
    match before.strip_prefix('-') {
        Some(classifier) => (!classifier.is_empty()).then_some((Some(classifier), extension)),
        None => before.is_empty().then_some((None, extension)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str) -> Option<Place> {
        Place::of(&path.split('/').collect::<Vec<_>>())
    }

    fn show(path: &str) -> String {
        place(path).map_or_else(
            || "nothing".to_owned(),
            |place| {
                let sum = place.sum.map_or("no sum", Sum::name);
                let of = place.package.name.as_str();
                format!("{of} {} {:?} {} {} {sum}", place.version, place.kind, place.form(), place.path())
            },
        )
    }

    #[test]
    fn a_path_says_what_a_file_is() {
        let files = [
            "left-1.0.jar",
            "left-1.0.pom",
            "left-1.0.module",
            "left-1.0-sources.jar",
            "left-1.0-javadoc.jar",
            "left-1.0-linux-x86_64.exe",
            "left-1.0.jar.asc",
            "left-1.0-sources.jar.asc.sha512",
            "left-1.0.pom.md5",
            "left-1.0-bin.tar.gz",
            "left-1.0.tar.gz.sha1",
            "left-1.0-jdk1.5.jar",
            "left-1.0-1.jar",
        ];
        let shown: Vec<String> = files.iter().map(|file| show(&format!("org/acme/left/1.0/{file}"))).collect();
        insta::assert_snapshot!(shown.join("\n"), @r#"
        org.acme/left 1.0 Primary jar 1.0/left-1.0.jar no sum
        org.acme/left 1.0 Pom pom 1.0/left-1.0.pom no sum
        org.acme/left 1.0 Module module 1.0/left-1.0.module no sum
        org.acme/left 1.0 Sources sources.jar 1.0/left-1.0-sources.jar no sum
        org.acme/left 1.0 Javadoc javadoc.jar 1.0/left-1.0-javadoc.jar no sum
        org.acme/left 1.0 Attached linux-x86_64.exe 1.0/left-1.0-linux-x86_64.exe no sum
        org.acme/left 1.0 Signature jar.asc 1.0/left-1.0.jar.asc no sum
        org.acme/left 1.0 Signature sources.jar.asc 1.0/left-1.0-sources.jar.asc sha512
        org.acme/left 1.0 Pom pom 1.0/left-1.0.pom md5
        org.acme/left 1.0 Attached bin.tar.gz 1.0/left-1.0-bin.tar.gz no sum
        org.acme/left 1.0 Primary tar.gz 1.0/left-1.0.tar.gz sha1
        org.acme/left 1.0 Attached jdk1.5.jar 1.0/left-1.0-jdk1.5.jar no sum
        org.acme/left 1.0 Attached 1.jar 1.0/left-1.0-1.jar no sum
        "#);
        assert_eq!(show("junit/junit/4.13/junit-4.13.jar"), "junit/junit 4.13 Primary jar 4.13/junit-4.13.jar no sum");
    }

    #[test]
    fn files_of_snapshots_have_an_instant_in_their_name() {
        for name in ["left-1.0-SNAPSHOT.jar", "left-1.0-20260601.120000-12.jar"] {
            let path = format!("org/acme/left/1.0-SNAPSHOT/{name}");
            let expect = format!("org.acme/left 1.0-SNAPSHOT Primary jar 1.0-SNAPSHOT/{name} no sum");
            assert_eq!(show(&path), expect);
        }
        let sources = place("org/acme/left/1.0-SNAPSHOT/left-1.0-20260601.120000-12-sources.jar").unwrap();
        assert_eq!((sources.kind, sources.form()), (Kind::Sources, "sources.jar".to_owned()));
        assert_eq!(sources.pom(), "1.0-SNAPSHOT/left-1.0-20260601.120000-12.pom");
        for name in ["left-1.0-2026060.120000-1.jar", "left-1.0-20260601.120000-.jar", "left-1.0-20260601.120000.jar"] {
            assert_eq!(place(&format!("org/acme/left/1.0-SNAPSHOT/{name}")), None, "{name}");
        }
    }

    #[test]
    fn every_file_has_a_build_description() {
        for name in
            ["left-1.0.jar", "left-1.0.pom", "left-1.0-sources.jar.asc", "left-1.0.tar.gz", "left-1.0-a.b.tar.gz"]
        {
            assert_eq!(place(&format!("org/acme/left/1.0/{name}")).unwrap().pom(), "1.0/left-1.0.pom", "{name}");
        }
    }

    #[test]
    fn what_no_repository_has_is_no_place() {
        for path in [
            "",
            "left-1.0.jar",
            "1.0/left-1.0.jar",
            "left/1.0/left-1.0.jar",
            "org/acme/left/1.0/right-1.0.jar",
            "org/acme/left/1.0/left-1.1.jar",
            "org/acme/left/1.0/left-1.0",
            "org/acme/left/1.0/left-1.0.",
            "org/acme/left/1.0/left-1.0-.jar",
            "org/acme/left/1.0/left-1.01.jar",
            "org/acme/left/1.0/left-1.0.jar.asc.asc",
            "org/acme/left/1.0/left-1.0.jar.sha1.md5",
            "org/acme/left/1.0/left-1.0.jar.sha1.asc",
            "org/acme/left/1.0/left-1.0.sha1",
            "org.acme/left/1.0/left-1.0.jar",
            "org/acme/left/../left-...jar",
            "org/acme/left/1.0/left-1.0-a b.jar",
            "org/acme/left/1 0/left-1 0.jar",
        ] {
            assert_eq!(place(path), None, "{path}");
        }
        // An encoded `/` is still in its segment.
        assert_eq!(Place::of(&["org", "acme/left", "1.0", "left-1.0.jar"]), None);
        assert_eq!(Place::of(&["org", "left", "1.0", "left-1.0/../x.jar"]), None);
    }

    #[test]
    fn two_releases_have_no_file_in_common() {
        let (a, b) = (place("a/left/1.0/left-1.0-2.jar").unwrap(), place("a/left/1.0-2/left-1.0-2.jar").unwrap());
        assert_eq!((a.name.as_str(), b.name.as_str()), ("left-1.0-2.jar", "left-1.0-2.jar"));
        assert_ne!(a.path(), b.path());
        for place in [a, b] {
            assert_eq!(Place::in_package(place.package.clone(), &place.path()), Some(place));
        }
    }
}
