//! Methods in which there is nothing to find are not walked.
//!
//! Most classes compute something and ask the platform for nothing. A class can only ask for what its constant pool names:
//! the members that it calls, what it extends, the texts that it has. Where none of these is known to the catalogue or
//! the lexicon, nothing would come of its methods.

use std::collections::HashSet;
use std::sync::LazyLock;

use rustc_hash::FxHashSet;

use super::class::{Class, Entry};
use super::dotted;
use crate::apis::Catalogue;
use crate::eval::DECODING;
use crate::ir::Language;
use crate::lexicon;

/// Members from which a path of the catalogue goes on or where one ends: `java.net.URL.openStream`.
static MEMBERS: LazyLock<FxHashSet<String>> = LazyLock::new(|| {
    let paths = Catalogue::of(Language::Jvm).telling();
    let prefixes = paths.flat_map(|path| (1..=path.len()).map(|end| path[..end].join(".")).collect::<Vec<_>>());
    prefixes.collect()
});

/// True if a class asks for something, or says something, that the catalogue or the lexicon knows.
pub(super) fn asks(class: &Class<'_>) -> bool {
    let parents = class.parents.iter().any(|parent| MEMBERS.contains(&format!("{}.implement", dotted(parent))));
    parents || class.entries().any(|entry| asks_with(class, entry))
}

fn asks_with(class: &Class<'_>, entry: Entry<'_>) -> bool {
    match entry {
        Entry::Text(text) => lexicon::says_something(&class.text(text)),
        Entry::Member(owner, pair) => {
            let (Some(owner), Some((name, _))) = (class.class_name(owner), class.pair(pair)) else { return false };
            let called = if name == "<init>" { "new" } else { &name };
            DECODING.contains(&&*name) || MEMBERS.contains(&format!("{}.{called}", dotted(&owner)))
        }
        _ => false,
    }
}

/// The names of the methods that run when the class is loaded, or may be called by one of its own.
pub(super) fn own_called(class: &Class<'_>) -> HashSet<String> {
    let members = class.entries().filter_map(|entry| match entry {
        Entry::Member(owner, pair) if class.class_name(owner)? == class.name => Some(class.pair(pair)?.0),
        _ => None,
    });
    members.chain(["<clinit>".to_owned()]).collect()
}
