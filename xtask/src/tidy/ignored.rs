//! No test is switched off. One that cannot run here says so when it runs; one that is wrong is mended.

use super::Finding;
use super::rust::Kind;
use super::tree::{File, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust().flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let code = file.code();
    let is_ignore = |index: usize| {
        let in_attribute = code.in_attribute.get(index).is_some_and(|inside| *inside);
        let begins = code.is(index.wrapping_sub(1), "[") || code.is(index.wrapping_sub(1), ",");
        in_attribute && begins && (code.is(index + 1, "]") || code.is(index + 1, "=") || code.is(index + 1, ")"))
    };
    let words = code.tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Word && token.is("ignore"));
    let ignored = words.filter(|(index, _)| is_ignore(*index));
    let what = "a test that is ignored tells nothing; let it run, or remove it";
    ignored.map(|(_, token)| Finding::new(&file.path, token.line, what)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::check;

    fn lines(source: &str) -> usize {
        found(&[("crates/a/tests/it/main.rs", source)], check).len()
    }

    #[test]
    fn an_ignored_test_is_found() {
        let expected = "crates/a/tests/it/main.rs:2: a test that is ignored tells nothing; let it run, or remove it";
        assert_eq!(found(&[("crates/a/tests/it/main.rs", "#[test]\n#[ignore]\nfn f() {}\n")], check), [expected]);
        assert_eq!(lines("#[test] #[ignore = \"slow\"] fn f() {}"), 1);
        assert_eq!(lines("#[cfg_attr(windows, ignore)] #[test] fn f() {}"), 1);
    }

    #[test]
    fn the_word_elsewhere_is_fine() {
        assert_eq!(lines("// #[ignore]\nfn ignore() { x.ignore(); [ignore] }\n#[doc = \"#[ignore]\"] fn f() {}"), 0);
        assert_eq!(lines("#[rule(ignore(a))] fn f() {}"), 0);
    }
}
