//! An ecosystem is named only at home, so that adding one touches one folder. Everybody else asks the descriptors.

use super::Finding;
use super::rust::Token;
use super::tree::{File, Tree};

const HOME: &str = "crates/stockade-ecosystem/src/";
const NAMES: [&str; 8] = ["npm", "pypi", "maven", "cargo", "golang", "gem", "composer", "nuget"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.product().flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let code = file.code();
    let tokens = code.tokens.iter().zip(&code.in_test).filter(|(_, in_test)| !**in_test);
    let named = tokens.filter_map(|(token, _)| Some((token, name_in(token)?)));
    let away = named.filter(|(_, name)| !file.path.starts_with(&format!("{HOME}{name}/")));
    away.map(|(token, name)| Finding::new(&file.path, token.line, refusal(name))).collect()
}

fn name_in<'a>(token: &Token<'a>) -> Option<&'a str> {
    token.content().filter(|content| NAMES.contains(content))
}

fn refusal(name: &str) -> String {
    format!("\"{name}\" is named away from {HOME}{name}/; take it from the ecosystem's descriptor")
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::check;

    #[test]
    fn an_ecosystem_named_abroad_is_found() {
        let source = "//! \"npm\"\nfn f(e: &str) {\n    e == \"npm\"; // \"pypi\"\n    b\"maven\";\n    r\"cargo\";\n    \"npm ci\";\n}\n";
        let expected = [
            "crates/a/src/lib.rs:3: \"npm\" is named away from crates/stockade-ecosystem/src/npm/; take it from the ecosystem's descriptor",
            "crates/a/src/lib.rs:4: \"maven\" is named away from crates/stockade-ecosystem/src/maven/; take it from the ecosystem's descriptor",
            "crates/a/src/lib.rs:5: \"cargo\" is named away from crates/stockade-ecosystem/src/cargo/; take it from the ecosystem's descriptor",
        ];
        assert_eq!(found(&[("crates/a/src/lib.rs", source)], check), expected);
    }

    #[test]
    fn at_home_is_its_own_folder_and_no_other() {
        let source = "const ID: &str = \"npm\";\n";
        assert_eq!(found(&[("crates/stockade-ecosystem/src/npm/mod.rs", source)], check).len(), 0);
        assert_eq!(found(&[("crates/stockade-ecosystem/src/pypi/mod.rs", source)], check).len(), 1);
        assert_eq!(found(&[("crates/stockade-ecosystem/src/lib.rs", source)], check).len(), 1);
    }

    #[test]
    fn tests_may_name_what_they_test() {
        let inside = "fn f() {}\n#[cfg(test)]\nmod tests {\n    const ID: &str = \"npm\";\n}\n";
        let outside = "const ID: &str = \"npm\";\n";
        let files = [
            ("crates/a/src/lib.rs", inside),
            ("crates/a/tests/it/main.rs", outside),
            ("crates/a/benches/b.rs", outside),
            ("crates/stockade-testkit/src/lib.rs", outside),
        ];
        assert!(found(&files, check).is_empty());
    }
}
