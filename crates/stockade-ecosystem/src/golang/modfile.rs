//! The form of `go.mod` and `go.work`: a verb and words in a line, or a verb and a block of lines.

use crate::locked::Out;

/// A line that says something, with the verb of its block.
pub(super) struct Directive<'a> {
    pub(super) verb: &'a str,
    pub(super) words: Vec<&'a str>,
    comment: &'a str,
    pub(super) line: u32,
}

impl Directive<'_> {
    /// True of what the project does not ask for itself.
    pub(super) fn is_indirect(&self) -> bool {
        self.comment == "indirect" || self.comment.starts_with("indirect;")
    }
}

/// The directives of a file. Texts in quotes lose them; nobody writes any with escapes, and such a one is a problem.
pub(super) fn directives<'a>(text: &'a str, out: &mut Out) -> Vec<Directive<'a>> {
    let mut directives = Vec::new();
    let mut block: Option<(&str, u32)> = None;
    for (content, line) in text.lines().zip(1..) {
        let (content, comment) = content.split_once("//").unwrap_or((content, ""));
        let words: Vec<&str> = content.split_whitespace().collect();
        let (verb, words) = match (block, words.as_slice()) {
            // Nothing, or a block with nothing in it.
            (_, []) | (None, [_, "(", ")"] | [_, "()"]) => continue,
            (Some(_), [")"]) => {
                block = None;
                continue;
            }
            (None, [verb, "("]) => {
                block = Some((*verb, line));
                continue;
            }
            (None, [verb, words @ ..]) => (*verb, words),
            (Some((verb, _)), words) => (verb, words),
        };
        if words.iter().any(|word| word.contains('\\') && word.starts_with('"')) {
            out.problem(line, "a text in it has escapes, and is not read");
            continue;
        }
        let words = words.iter().map(|word| word.trim_matches(['"', '`'])).collect();
        directives.push(Directive { verb, words, comment: comment.trim(), line });
    }
    if let Some((verb, line)) = block {
        out.problem(
            line,
            format!("the block of `{}` begins here and does not end: it breaks off", verb.escape_debug()),
        );
    }
    directives
}
