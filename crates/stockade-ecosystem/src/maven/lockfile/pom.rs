//! `pom.xml`: what a project asks for itself.
//!
//! A version may stand in the file, in a property of it, or in its own list of versions (`dependencyManagement`). It may as
//! well be in a parent, or in a list that is imported, and those are other files: the ones that are there are read
//! together, and of the others it is said.

mod build;
mod chain;
mod model;

use stockade_model::Release;

use crate::locked::{Locked, Out, Parsed, read};
use build::Build;
use model::Model;

/// Reads one alone, as if it had nothing beside it.
pub(super) fn parse(text: &str, out: &mut Out) {
    Build::default().tell(None, &Model::read(text, out), out);
}

/// Where its parent may be, relative to its own folder: a file, or the folder of one.
pub(super) fn parents(bytes: &[u8]) -> Vec<String> {
    model(bytes).parent.and_then(|parent| parent.path).into_iter().collect()
}

/// Reads several together. Each has its place, with `/`, and what is in it.
pub(super) fn together(files: &[(&str, &[u8])]) -> Vec<Parsed<Vec<Locked>>> {
    let build = Build::of(files.iter().map(|(path, bytes)| (*path, model(bytes))));
    let one = |(at, (_, bytes)): (usize, &(&str, &[u8]))| {
        read(bytes, |text, out| build.tell(Some(at), &Model::read(text, out), out))
    };
    files.iter().enumerate().map(one).collect()
}

/// Of descriptions from a repository, what Maven reads with the first and is not among them, parents and lists that are
/// imported; and what the first needs to run, as far as these tell.
pub(super) fn foreseen(files: &[(Release, impl AsRef<[u8]>)]) -> (Vec<Release>, Vec<Release>) {
    let build = Build::published(files.iter().map(|(release, bytes)| (release, model(bytes.as_ref()))));
    (build.absent_ones(), build.needs())
}

/// What others take from a file. Of one that was not merged to the end, it is what the first side has.
fn model(bytes: &[u8]) -> Model {
    let first = std::cell::OnceCell::new();
    read(bytes, |text, out| {
        first.get_or_init(|| Model::read(text, out));
    });
    first.into_inner().unwrap_or_default()
}

#[cfg(test)]
mod tests;
