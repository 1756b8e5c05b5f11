//! `go.sum`: a digest of each module that Go ever looked at for the project. Of modules with `/go.mod` behind the version
//! only the description was fetched, and they are not built.

use super::release;
use crate::locked::{Locked, Out};

pub(super) fn parse(text: &str, out: &mut Out) {
    for (content, line) in text.lines().zip(1..) {
        let words: Vec<&str> = content.split_whitespace().collect();
        match words[..] {
            [] => {}
            [_, version, _] if version.ends_with("/go.mod") => {}
            [name, version, digest] => {
                if !digest.starts_with("h1:") {
                    out.problem(line, "its digest is of a kind that is not known");
                }
                if let Some(release) = out.take(line, release(name, version)) {
                    out.push(Locked::new(release, line));
                }
            }
            _ => out.problem(line, "it is no module with a version and a digest"),
        }
    }
    if !out.entries.is_empty() {
        out.problem_of_all("it lists more than is built, and no `go.mod` of it is among what is read");
    }
}
