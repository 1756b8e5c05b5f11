//! Which files nobody runs who uses a package.

/// Folders of tests, examples and documents, by the conventions of all ecosystems.
const FOLDERS: &[&str] = &[
    "test",
    "tests",
    "unittests",
    "__tests__",
    "__mocks__",
    "__fixtures__",
    "__snapshots__",
    "fixture",
    "fixtures",
    "testdata",
    "test-data",
    "test_data",
    "spec",
    "specs",
    "example",
    "examples",
    "sample",
    "samples",
    "demo",
    "demos",
    "doc",
    "docs",
    "documentation",
    "bench",
    "benches",
    "benchmark",
    "benchmarks",
    "coverage",
    "e2e",
];

/// What a test file's name begins or ends with, before its extension.
const BEGINS: &[&str] = &["test_", "test-", "conftest"];
const ENDS: &[&str] = &[".test", ".spec", "-test", "_test", "_tests", ".bench", ".stories", ".e2e"];

/// Whether a path is, by its name, a test, an example or a document. It says nothing of whether something loads it: a
/// package can run what it calls a test, so ask this only of files that nothing leads to.
pub fn is_test_or_doc(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    folders.split('/').any(is_folder)
        || BEGINS.iter().any(|begin| stem.starts_with(begin))
        || ENDS.iter().any(|end| stem.ends_with(end))
        || matches!(stem, "test" | "tests")
        || [".d.ts", ".d.mts", ".d.cts"].iter().any(|end| name.ends_with(end))
}

/// `tests`, and `test cases` or `test_data` likewise.
fn is_folder(name: &str) -> bool {
    FOLDERS.contains(&name) || name.strip_prefix("test").is_some_and(|rest| rest.starts_with([' ', '-', '_', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_and_documents_are_known_by_name() {
        for path in ["tests/a.py", "lib/__tests__/a.js", "a.test.ts", "pkg/test_a.py", "x/a_test.go", "index.d.ts"] {
            assert!(is_test_or_doc(path), "{path}");
        }
        for path in ["lib/a.js", "contest/a.py", "attest.js", "src/testament.rs", "index.ts", "latest.js"] {
            assert!(!is_test_or_doc(path), "{path}");
        }
    }
}
