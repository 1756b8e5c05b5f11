use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::*;
use crate::built::program;
use crate::built::tests::{elf, said};

fn compressed(text: &str) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

const LIST: &str = r#"{"packages":[
    {"name":"demo","version":"0.1.0","source":"local","dependencies":[2],"root":true},
    {"name":"left-demo","version":"1.1.0","source":"crates.io","kind":"build"},
    {"name":"right-demo","version":"1.0.0","source":"git","dependencies":[1]}
]}"#;

#[test]
fn a_program_says_which_crates_are_in_it() {
    let program = program(&elf(&[(".dep-v0", &compressed(LIST))]));
    let [list] = &program.lists[..] else { panic!("{program:?}") };
    assert_eq!(list.parsed.problems, []);
    let told: Vec<_> = list
        .parsed
        .value
        .iter()
        .map(|entry| (entry.release.to_string(), entry.scope, entry.direct, entry.needs.clone()))
        .collect();
    assert_eq!(
        told,
        [
            ("left-demo@1.1.0".to_owned(), Scope::Build, Some(false), vec![]),
            ("right-demo@1.0.0".to_owned(), Scope::Run, Some(true), vec![0]),
        ]
    );
}

#[test]
fn a_list_that_cannot_be_read_is_a_problem() {
    let broken = [b"no zlib".to_vec(), compressed("{"), compressed(r#"{"packages":[{"name":"../x","version":"1"}]}"#)];
    for list in broken {
        assert_eq!(said(&elf(&[(".dep-v0", &list)])), [(KIND, vec![], 1)]);
    }
    let dangling = compressed(r#"{"packages":[{"name":"a","version":"1.0.0","dependencies":[9]}]}"#);
    assert_eq!(said(&elf(&[(".dep-v0", &dangling)])), [(KIND, vec!["a@1.0.0".to_owned()], 1)]);
}

#[test]
fn a_list_has_a_limit() {
    let zeros = " ".repeat(usize::try_from(MAX_LIST).unwrap() + 1);
    assert_eq!(said(&elf(&[(".dep-v0", &compressed(&zeros))])), [(KIND, vec![], 1)]);
}
