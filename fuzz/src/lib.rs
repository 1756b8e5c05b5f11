//! Looks at one file as the inspector does, in the way all targets that read code share.

use std::thread;

use bytes::Bytes;
use stockade_inspect::{Inspection, Rules, assess, inspect};
use stockade_model::{Code, Member, Start, Tree, Trigger};

/// The stack of what looks, in bytes: 256 MiB, as a sanitizer makes several times as much of what an inspector's thread
/// needs.
const STACK: usize = 256 << 20;

/// A package of one file, which runs when the package is installed: what is only sifted elsewhere is read in full, too.
pub fn package(path: &str, content: &[u8]) -> Tree {
    let start = Start {
        trigger: Trigger::Install,
        name: "main".to_owned(),
        code: Code::File(path.to_owned()),
        path: "manifest".to_owned(),
        line: 1,
    };
    let member = Member { path: path.to_owned(), bytes: Bytes::copy_from_slice(content), executable: false };
    Tree { members: vec![member], starts: vec![start], ..Tree::default() }
}

/// Inspects a package, and asserts what an inspection says of itself.
pub fn look(tree: &Tree, earlier: &[&Inspection]) -> Inspection {
    let work = || {
        let inspection = inspect(tree.clone(), earlier, |_| false, None);
        check(tree, &inspection);
        inspection
    };
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).expect("a thread starts");
        thread.join().expect("an inspection does not panic")
    })
}

/// Inspects a file.
pub fn look_at(path: &str, content: &[u8]) -> Inspection {
    look(&package(path, content), &[])
}

/// What holds for every inspection: acts have triggers and places, flows lead to acts, and what is sent is what arrives.
fn check(tree: &Tree, inspection: &Inspection) {
    for file in &inspection.files {
        let facts = &file.facts;
        assert_eq!(facts.acts.len(), file.triggers.len(), "each act has its trigger");
        let lines = tree.get(&file.path).map_or(usize::MAX, |member| lines(&member.bytes));
        let line = facts.acts.iter().map(|act| act.at.line).max().unwrap_or(0);
        let is_source = facts.language.is_some() && !file.path.ends_with(".class");
        assert!(!is_source || line as usize <= lines, "line {line} of {lines}");
        for flow in &facts.flows {
            assert!((flow.to as usize) < facts.acts.len(), "data flows to an act");
        }
    }
    let sent = serde_json::to_vec(inspection).expect("an inspection can be written");
    let arrived: Inspection = serde_json::from_slice(&sent).expect("an inspection can be read");
    assert!(arrived == *inspection, "what is sent is what arrives");
    assess(inspection, &[], &[], Rules::builtin());
}

/// The most lines that anybody may count in a text.
fn lines(bytes: &[u8]) -> usize {
    let ends = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
    // Two of the ends of lines that some languages know have three bytes of UTF-8.
    ends + bytes.windows(2).filter(|pair| *pair == [0xe2, 0x80]).count() + 1
}
