//! Files and functions stay short enough to be read in one go. A flat list may be long: it says so.

use super::Finding;
use super::rust::{Code, Kind};
use super::tree::{File, Tree};

const MOST_LINES_OF_A_FILE: usize = 1000;
const MOST_LINES_OF_A_FUNCTION: usize = 70;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let sources = tree.rust().filter(|file| file.path.starts_with("crates/") && file.path.contains("/src/"));
    sources.flat_map(|file| long_file(file).into_iter().chain(long_functions(file))).collect()
}

fn long_file(file: &File) -> Option<Finding> {
    let lines = file.lines().count();
    let what = format!("{lines} lines; split the file, or say why not in a `// tidy: <reason>` above its first item");
    // The head of a file is all that stands before its first item.
    let head = file.code().tokens.first().map_or(1, |token| token.line);
    (lines > MOST_LINES_OF_A_FILE).then(|| Finding::new(&file.path, 1, what).excused_on(1..=head))
}

fn long_functions(file: &File) -> Vec<Finding> {
    let code = file.code();
    let named = |index: usize| code.is(index, "fn") && code.tokens.get(index + 1).is_some_and(|t| t.kind == Kind::Word);
    let functions = (0..code.tokens.len()).filter(|&index| named(index) && !code.in_attribute[index]);
    functions.filter_map(|index| long_function(file, &code, index)).collect()
}

fn long_function(file: &File, code: &Code<'_>, index: usize) -> Option<Finding> {
    let start = code.tokens[index].line;
    let end = code.tokens[code.item_end(index)].line;
    let lines = end - start + 1;
    if lines <= MOST_LINES_OF_A_FUNCTION {
        return None;
    }
    let name = code.tokens[index + 1].text;
    let what = format!("`{name}` has {lines} lines; split it, or say why not in a `// tidy: <reason>` above it");
    Some(Finding::new(&file.path, start, what).excused_on(head(file, start)..=start))
}

/// The first line of the comments and attributes that stand right above a line.
fn head(file: &File, line: usize) -> usize {
    let above: Vec<&str> = file.text.lines().take(line - 1).collect();
    let belongs = |text: &&&str| text.trim_start().starts_with("//") || text.trim_start().starts_with("#[");
    line - above.iter().rev().take_while(belongs).count()
}

#[cfg(test)]
mod tests {
    use super::super::{Tree, findings, found};
    use super::check;

    const PATH: &str = "crates/stockade-model/src/a.rs";

    fn function(head: &str, body: usize) -> String {
        format!(
            "fn short() {{}}\n\n{head}fn long<T>(x: [u8; 3]) -> T\nwhere\n    T: A,\n{{\n{}}}\n",
            "    x();\n".repeat(body)
        )
    }

    #[test]
    fn a_long_function_is_found() {
        let expected = "crates/stockade-model/src/a.rs:3: `long` has 71 lines; split it, or say why not in a `// tidy: <reason>` above it";
        assert_eq!(found(&[(PATH, &function("", 66))], check), [expected]);
        assert!(found(&[(PATH, &function("", 65))], check).is_empty());
        assert!(found(&[("crates/stockade-model/tests/a.rs", &function("", 66))], check).is_empty());
    }

    #[test]
    fn a_long_file_is_found() {
        let long = "const X: u8 = 1;\n".repeat(1001);
        let expected = "crates/stockade-model/src/a.rs:1: 1001 lines; split the file, or say why not in a `// tidy: <reason>` above its first item";
        assert_eq!(found(&[(PATH, &long)], check), [expected]);
        assert!(found(&[(PATH, &"\n".repeat(1000))], check).is_empty());
    }

    #[test]
    fn a_reason_above_them_excuses_both() {
        let all = |source: &str| findings(&Tree::of(&[(PATH, source)])).len();
        assert_eq!(all(&function("// tidy: a flat table\n/// Long.\n#[inline]\n", 66)), 0);
        assert_eq!(all(&format!("//! Words.\n\n// tidy: a flat table\n{}", "const X: u8 = 1;\n".repeat(1001))), 0);
        assert_eq!(all(&format!("const Y: u8 = 1;\n// tidy: late\n{}", "const X: u8 = 1;\n".repeat(1001))), 2);
    }
}
