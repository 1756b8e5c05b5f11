//! What is in effect after changes is what would be if everything were read anew.

use std::fs;
use std::path::Path;

use serde_json::json;
use stockade_model::{EcosystemId, Name};
use tempfile::TempDir;

use super::*;

const NOW: &str = "2026-06-01T12:00:00Z";

/// A folder of data with records in it.
struct Data(TempDir);

impl Data {
    /// So many records, each about one package.
    fn with(count: usize) -> Self {
        let data = Self(TempDir::with_prefix("stockade-").unwrap());
        (0..count).for_each(|at| data.record(&format!("a/{at}"), &format!("MAL-{at}"), &format!("left-{at}"), "1.0.0"));
        data
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(crate::ADVISORIES).join(format!("{name}.json"))
    }

    fn record(&self, file: &str, id: &str, package: &str, version: &str) {
        let affected = json!([{"package": {"ecosystem": "npm", "name": package}, "versions": [version]}]);
        let record = json!({"id": id, "modified": NOW, "summary": "bad", "affected": affected}).to_string();
        self.text(file, &record);
    }

    fn text(&self, file: &str, text: &str) {
        let path = self.file(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test writes files")]
        fs::write(path, text).unwrap();
    }

    fn remove(&self, file: &str) {
        #[expect(clippy::disallowed_methods, reason = "a test removes files")]
        fs::remove_file(self.file(file)).unwrap();
    }

    fn open(&self) -> Advisories {
        Advisories::open(&Sources::default(), self.0.path(), NOW.parse().unwrap()).unwrap()
    }

    fn index(&self) -> PathBuf {
        self.0.path().join(INDEX)
    }
}

/// The versions of these packages that are malicious.
fn bad(advisories: &Advisories, packages: &[&str]) -> Vec<String> {
    let versions = ["1.0.0", "1.0.1", "2.0.0"];
    let of = |package: &&str| {
        let named = Package { ecosystem: EcosystemId::read("npm"), name: Name::normalised(*package) };
        let questions = versions.map(Question::version);
        let answers = advisories.answers(&named, &questions).unwrap();
        let found = answers.into_iter().zip(versions).filter(|(answer, _)| !answer.matches.is_empty());
        found.map(|(_, version)| format!("{package}@{version}")).collect::<Vec<_>>()
    };
    packages.iter().flat_map(of).collect()
}

fn overlays(advisories: &Advisories) -> usize {
    advisories.status().unwrap().overlays
}

#[test]
fn little_that_changes_is_laid_over_and_much_is_made_anew() {
    let data = Data::with(100);
    let first = data.open();
    assert_eq!((first.records, overlays(&first), bad(&first, &["left-7"])), (100, 0, vec!["left-7@1.0.0".into()]));
    // Changed, new, gone, and one that now is about another package.
    data.record("a/7", "MAL-7", "left-7", "1.0.1");
    data.record("b", "MAL-b", "right", "2.0.0");
    data.remove("a/8");
    data.record("a/9", "MAL-9", "other-9", "1.0.0");
    let second = data.open();
    let asked = ["left-7", "right", "left-8", "left-9", "other-9", "left-10"];
    let expected = ["left-7@1.0.1", "right@2.0.0", "other-9@1.0.0", "left-10@1.0.0"];
    assert_eq!((second.records, overlays(&second)), (100, 1));
    assert_eq!(bad(&second, &asked), expected);
    assert!(second.status().unwrap().sequence > first.status().unwrap().sequence);
    // What has an index open keeps it, and what is made anew says the same.
    assert_eq!(bad(&first, &["left-7"]), ["left-7@1.0.0"]);
    #[expect(clippy::disallowed_methods, reason = "a test removes files")]
    fs::remove_dir_all(data.index()).unwrap();
    let anew = data.open();
    assert_eq!((overlays(&anew), bad(&anew, &asked)), (0, expected.map(String::from).to_vec()));
    (0..20).for_each(|at| data.record(&format!("c/{at}"), &format!("MAL-c{at}"), "many", "1.0.0"));
    assert_eq!(overlays(&data.open()), 0, "a fifth of all records is not laid over the others");
}

#[test]
fn a_record_at_two_places_is_there_until_it_is_gone_from_both() {
    let data = Data::with(50);
    data.record("one", "MAL-twice", "twice", "1.0.0");
    data.record("two", "MAL-twice", "twice", "1.0.0");
    data.open();
    data.remove("one");
    let left = data.open();
    assert_eq!((overlays(&left), bad(&left, &["twice"])), (1, vec!["twice@1.0.0".into()]));
    data.remove("two");
    let gone = data.open();
    assert_eq!((overlays(&gone), bad(&gone, &["twice"])), (2, vec![]));
}

#[test]
fn what_could_not_be_read_is_a_gap_until_it_is_mended() {
    let data = Data::with(50);
    data.open();
    data.text("a/3", "{");
    let broken = data.open();
    assert_eq!(broken.problems.len(), 1, "{:?}", broken.problems);
    data.record("a/3", "MAL-3", "left-3", "1.0.0");
    let mended = data.open();
    assert!(mended.problems.is_empty(), "{:?}", mended.problems);
    assert_eq!(bad(&mended, &["left-3"]), ["left-3@1.0.0"]);
}

#[test]
fn overlays_do_not_grow_without_end() {
    let data = Data::with(400);
    let mut most = 0;
    for round in 0..40 {
        data.record("a/3", "MAL-3", "left-3", if round % 2 == 0 { "2.0.0" } else { "1.0.1" });
        data.text("pad", &format!("{{\"id\":\"X-{round}\"}}"));
        most = most.max(overlays(&data.open()));
    }
    assert_eq!(most, 16);
    assert_eq!(bad(&data.open(), &["left-3"]), ["left-3@1.0.1"]);
    let kept = fs::read_dir(data.index()).unwrap().count();
    assert!(kept < 20, "{kept} files are kept");
}

#[test]
fn a_damaged_file_is_made_anew() {
    let data = Data::with(50);
    data.open();
    let files = |ending: &str| {
        let files = fs::read_dir(data.index()).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.to_string_lossy().ends_with(ending)).collect::<Vec<_>>()
    };
    for ending in [".ledger", ".index", "current.json"] {
        for path in files(ending) {
            fs::File::options().write(true).open(path).unwrap().set_len(10).unwrap();
        }
        data.record("a/3", "MAL-3", "left-3", "1.0.1");
        assert_eq!(bad(&data.open(), &["left-3"]), ["left-3@1.0.1"], "{ending}");
        data.record("a/3", "MAL-3", "left-3", "2.0.0");
    }
}

#[test]
fn a_list_counts_at_once_and_a_line_that_cannot_be_read_is_a_gap() {
    let data = Data::with(50);
    data.open();
    let list = |text: &str| data.text_at("ours.list", text);
    list("pkg:npm/listed@1.0.0 stolen token\n");
    assert_eq!(bad(&data.open(), &["listed"]), ["listed@1.0.0"]);
    list("pkg:npm/listed@2.0.0\nnonsense\n");
    let broken = data.open();
    assert_eq!(bad(&broken, &["listed"]), ["listed@2.0.0"]);
    assert!(broken.problems[0].contains("ours.list: line 2"), "{:?}", broken.problems);
}

#[test]
fn estimates_may_be_packed_and_are_laid_over_by_none() {
    let data = Data::with(50);
    data.record("cve", "CVE-2026-1", "left", "1.0.0");
    let scores = |probability: &str| {
        let path = data.0.path().join(crate::ADVISORIES).join("scores.epss");
        files::write(&path, |to| {
            let mut packed = flate2::write::GzEncoder::new(to, flate2::Compression::fast());
            let text = format!("#model_version:v1\ncve,epss,percentile\nCVE-2026-1,{probability},0.75\n");
            std::io::Write::write_all(&mut packed, text.as_bytes())?;
            packed.finish().map(drop)
        })
        .unwrap();
    };
    let likely = || {
        let named = Package { ecosystem: EcosystemId::read("npm"), name: Name::normalised("left") };
        let answers = data.open().answers(&named, &[Question::version("1.0.0")]).unwrap();
        answers[0].matches[0].likelihood.map(|likelihood| likelihood.probability.to_string())
    };
    assert_eq!(likely(), None);
    scores("0.25");
    assert_eq!(likely().as_deref(), Some("0.25"));
    scores("0.5");
    assert_eq!(likely().as_deref(), Some("0.5"));
    assert_eq!(overlays(&data.open()), 0);
}

impl Data {
    fn text_at(&self, name: &str, text: &str) {
        let path = self.0.path().join(crate::ADVISORIES).join(name);
        #[expect(clippy::disallowed_methods, reason = "a test writes files")]
        fs::write(path, text).unwrap();
    }
}

fn exported(data: &Data, to: &Path) -> PublicKey {
    export(&Sources::default(), data.0.path(), to, NOW.parse().unwrap()).unwrap().1
}

#[test]
fn a_bundle_is_taken_from_whom_one_trusts_and_not_otherwise() {
    let (from, to) = (Data::with(3), Data::with(0));
    let file = from.0.path().join("bundle.zip");
    let key = exported(&from, &file);
    let import = |trust: &[PublicKey], file: &Path| {
        let sources = Sources { trust: trust.to_vec(), ..Sources::default() };
        import(&sources, to.0.path(), file, (None, false)).map_err(|error| error.to_string())
    };
    let open = |trust: &[PublicKey], now: &str| {
        let sources = Sources { trust: trust.to_vec(), ..Sources::default() };
        Advisories::open(&sources, to.0.path(), now.parse().unwrap()).unwrap()
    };
    let other = exported(&Data::with(1), &from.0.path().join("other.zip"));
    assert!(import(&[], &file).unwrap_err().contains("does not name"));
    assert!(import(&[other], &file).unwrap_err().contains("does not name"));
    assert_eq!(open(&[key], NOW).records, 0);
    assert!(matches!(import(&[key], &file), Ok(Brought::Bundle(Imported { already: false, .. }))));
    assert!(matches!(import(&[key], &file), Ok(Brought::Bundle(Imported { already: true, .. }))));
    let there = open(&[key], NOW);
    assert_eq!((there.records, bad(&there, &["left-1"])), (3, vec!["left-1@1.0.0".into()]));
    assert_eq!((there.problems.len(), there.stale.len()), (0, 0));
    let later = open(&[key], "2026-06-04T12:00:00Z");
    assert!(
        later.stale[0].starts_with("the bundle that was imported is stale: last answered 2026-06-01"),
        "{:?}",
        later.stale
    );
    let distrusted = open(&[other], NOW);
    assert_eq!((distrusted.records, distrusted.problems.len()), (0, 1), "{:?}", distrusted.problems);
    // What the bundle says and what is here are one answer.
    to.record("here", "MAL-here", "left-1", "2.0.0");
    assert_eq!(bad(&open(&[key], NOW), &["left-1"]), ["left-1@1.0.0", "left-1@2.0.0"]);
}

#[test]
fn a_bundle_that_is_older_or_was_changed_is_refused() {
    let (from, to) = (Data::with(30), Data::with(0));
    let path = |name: &str| from.0.path().join(name);
    let key = exported(&from, &path("old.zip"));
    from.record("a/1", "MAL-1", "left-1", "1.0.1");
    exported(&from, &path("new.zip"));
    let sources = Sources { trust: vec![key], ..Sources::default() };
    let import = |file: &Path| import(&sources, to.0.path(), file, (None, false)).map_err(|error| error.to_string());
    let open = || Advisories::open(&sources, to.0.path(), NOW.parse().unwrap()).unwrap();
    import(&path("old.zip")).unwrap();
    import(&path("new.zip")).unwrap();
    let refused = import(&path("old.zip")).unwrap_err();
    assert!(refused.contains("it is older than what is there"), "{refused}");
    assert_eq!(bad(&open(), &["left-1"]), ["left-1@1.0.1"]);
    // One byte of each file of a bundle, and its signature, taken away.
    from.record("a/1", "MAL-1", "left-1", "2.0.0");
    exported(&from, &path("newest.zip"));
    for changed in ["manifest.json", "manifest.sig", "base.index"] {
        rewrite(&path("newest.zip"), &path("changed.zip"), |name, bytes| {
            let is_it = name == changed || changed == "base.index" && name.contains("-base");
            if is_it {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            }
            true
        });
        let refused = import(&path("changed.zip")).unwrap_err();
        assert!(refused.contains("was not imported"), "{changed}: {refused}");
    }
    rewrite(&path("newest.zip"), &path("changed.zip"), |name, _| name != "manifest.sig");
    assert!(import(&path("changed.zip")).unwrap_err().contains("it is not signed"));
    assert_eq!(bad(&open(), &["left-1"]), ["left-1@1.0.1"], "what was there is still there");
    // What is changed on this machine's disk is found when it is read.
    let folder = to.0.path().join("advisory-bundle");
    for entry in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let manifest = entry.join("manifest.json");
        let mut bytes = files::read_short(&manifest).unwrap();
        let number = bytes.windows(9).position(|text| text == b"\"records\"").unwrap();
        bytes[number + 11] ^= 1;
        files::put(&manifest, &bytes).unwrap();
    }
    let broken = open();
    assert_eq!((broken.records, broken.problems.len()), (0, 1), "{:?}", broken.problems);
}

fn rewrite(from: &Path, to: &Path, mut change: impl FnMut(&str, &mut Vec<u8>) -> bool) {
    use std::io::{Read as _, Write as _};
    let mut zip = zip::ZipArchive::new(files::open(from).unwrap()).unwrap();
    let made = files::write(to, |to| {
        let mut out = zip::ZipWriter::new_stream(to);
        for at in 0..zip.len() {
            let mut file = zip.by_index(at).unwrap();
            let (name, mut bytes) = (file.name().to_owned(), Vec::new());
            file.read_to_end(&mut bytes).unwrap();
            if change(&name, &mut bytes) {
                out.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
                out.write_all(&bytes).unwrap();
            }
        }
        out.finish().map(drop).map_err(std::io::Error::other)
    });
    made.unwrap();
}
