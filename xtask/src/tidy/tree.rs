//! The files that the rules look at: what git tracks or would track.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

use super::rust::{Code, Kind};

pub(super) struct Tree {
    pub(super) files: Vec<File>,
}

pub(super) struct File {
    /// From the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    /// Not UTF-8, or with a zero byte; `text` is then only good for a search.
    pub(super) binary: bool,
}

impl Tree {
    pub(super) fn read(root: &Path) -> anyhow::Result<Self> {
        let output = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .context("tidy lists files with `git`, which could not be started")?;
        ensure!(output.status.success(), "`git ls-files` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        let names = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
        let mut names: Vec<&str> = names.split_terminator('\0').collect();
        names.sort_unstable();
        names.dedup();
        let files = names.into_iter().filter_map(|name| File::read(root, name).transpose());
        Ok(Self { files: files.collect::<anyhow::Result<_>>()? })
    }

    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let file = |&(path, text): &(&str, &str)| File { path: path.to_owned(), text: text.to_owned(), binary: false };
        Self { files: files.iter().map(file).collect() }
    }

    pub(super) fn text(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| !file.binary)
    }

    pub(super) fn rust(&self) -> impl Iterator<Item = &File> {
        self.text().filter(|file| file.has_extension("rs") && !file.is_foreign())
    }

    /// The Rust code of the product: what is under `crates/` and not only for tests.
    pub(super) fn product(&self) -> impl Iterator<Item = &File> {
        let tests: Vec<String> = self.rust().flat_map(File::test_modules).collect();
        let is_test = move |file: &File| file.is_test() || tests.iter().any(|module| file.is_module(module));
        self.rust().filter(move |file| file.path.starts_with("crates/") && !is_test(file))
    }

    pub(super) fn manifests(&self) -> impl Iterator<Item = &File> {
        self.text().filter(|file| file.name() == "Cargo.toml" && !file.is_foreign())
    }
}

impl File {
    /// `None` for what is listed but is no file here: deleted and not yet staged, or a link.
    fn read(root: &Path, name: &str) -> anyhow::Result<Option<Self>> {
        let path = root.join(name);
        if !path.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
            return Ok(None);
        }
        let bytes = std::fs::read(&path).with_context(|| format!("`{name}` could not be read"))?;
        let binary = bytes.contains(&0) || std::str::from_utf8(&bytes).is_err();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Some(Self { path: name.to_owned(), text, binary }))
    }

    pub(super) fn code(&self) -> Code<'_> {
        Code::read(&self.text)
    }

    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    pub(super) fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == extension)
    }

    /// Written by somebody else's tool, byte for byte: samples for parsers, schemas, and recorded snapshots.
    pub(super) fn is_foreign(&self) -> bool {
        self.path.split('/').any(|part| part == "testdata" || part == "schemas") || self.has_extension("snap")
    }

    /// Code that only tests and benchmarks run, by its place.
    pub(super) fn is_test(&self) -> bool {
        const PLACES: [&str; 4] = ["tests", "benches", "examples", "stockade-testkit"];
        const TOOLS: [&str; 3] = ["fuzz/", "lab/", "xtask/"];
        let place = self.path.split('/').any(|part| PLACES.contains(&part));
        place || self.name() == "tests.rs" || TOOLS.iter().any(|tool| self.path.starts_with(tool))
    }

    /// Where the modules live that this file declares with `#[cfg(test)] mod name;`, without `.rs`.
    fn test_modules(&self) -> Vec<String> {
        let code = self.code();
        let stem = self.path.trim_end_matches(".rs");
        let is_root = matches!(self.name(), "lib.rs" | "main.rs" | "mod.rs");
        let folder = if is_root { stem.rsplit_once('/').map_or("", |(folder, _)| folder) } else { stem };
        let declared = code.tokens.windows(3).zip(&code.in_test).filter(|(window, in_test)| {
            **in_test && window[0].is("mod") && window[1].kind == Kind::Word && window[2].is(";")
        });
        declared.map(|(window, _)| format!("{folder}/{}", window[1].text)).collect()
    }

    fn is_module(&self, module: &str) -> bool {
        let rest = self.path.strip_prefix(module);
        rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    }

    /// The lines, numbered from one.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

#[cfg(test)]
mod tests {
    use super::Tree;

    #[test]
    fn modules_for_tests_are_no_product() {
        let tree = Tree::of(&[
            ("crates/a/src/lib.rs", "#[cfg(test)]\nmod checks;\nmod real;"),
            ("crates/a/src/checks.rs", ""),
            ("crates/a/src/checks/deep.rs", ""),
            ("crates/a/src/real.rs", "#[cfg(test)] mod samples;"),
            ("crates/a/src/real/samples.rs", ""),
            ("crates/a/tests/it/main.rs", ""),
            ("xtask/src/main.rs", ""),
        ]);
        let product: Vec<&str> = tree.product().map(|file| file.path.as_str()).collect();
        assert_eq!(product, ["crates/a/src/lib.rs", "crates/a/src/real.rs"]);
    }

    #[test]
    fn the_list_of_files_has_this_one() {
        let tree = Tree::read(&crate::root()).unwrap();
        let here = tree.rust().find(|file| file.path == "xtask/src/tidy/tree.rs").unwrap();
        assert!(here.is_test() && here.text.contains("the_list_of_files_has_this_one"));
        assert!(!tree.files.iter().any(|file| file.path.starts_with("target/")));
    }
}
