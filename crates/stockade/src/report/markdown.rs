//! For comments on a pull request.
//!
//! Words of strangers stand in code spans, in which nothing means anything. Elsewhere they are escaped, and what a
//! renderer makes a link or a mention of by itself is taken apart by an empty comment, which renders as nothing.

use std::fmt::Write as _;

use stockade_model::Verdict;

use super::Report;
use super::sections::{Item, Part, Section};

/// What separates without being seen.
const APART: &str = "<!-- -->";

pub(super) fn write(report: &Report<'_>, all: bool) -> String {
    let mut out = format!("### stockade: {}\n", plain(&report.headline()));
    for section in report.sections(all) {
        out.push('\n');
        out.push_str(&written(&section));
    }
    out
}

fn written(section: &Section) -> String {
    let items: String = section.items.iter().map(item).collect();
    if section.matters {
        return format!("**{}**\n\n{items}", plain(&section.title));
    }
    format!("<details><summary>{}</summary>\n\n{items}\n</details>\n", plain(&section.title))
}

fn item(item: &Item) -> String {
    let mut out = String::from("- ");
    match item.verdict {
        Some(Verdict::Deny) => out.push_str("**deny** "),
        Some(Verdict::Hold) => out.push_str("**hold** "),
        Some(Verdict::Allow) => out.push_str("note "),
        None => {}
    }
    for part in &item.parts {
        match part {
            Part::Words(words) => out.push_str(&plain(words)),
            Part::Literal(literal) => out.push_str(&code(literal)),
        }
    }
    out.push('\n');
    for place in &item.places {
        out.push_str("  - ");
        out.push_str(&code(&place.at));
        if !place.snippet.is_empty() {
            out.push(' ');
            out.push_str(&code(&place.snippet));
        }
        if !place.remark.is_empty() {
            out.push_str(&plain(&format!(" ({})", place.remark)));
        }
        out.push('\n');
    }
    if item.more > 0 {
        let _ = writeln!(out, "  - and {} more", item.more);
    }
    out
}

/// Text that means nothing.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => {
                let _ = write!(out, "@{APART}");
            }
            ':' | '.' | '/' => {
                out.push(c);
                // `scheme://`, `www.` and `#1` become links by themselves.
                if out.ends_with("://") || out.to_ascii_lowercase().ends_with("www.") {
                    out.push_str(APART);
                }
            }
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '+' | '!' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

/// Text in a code span, whose fence is longer than any run of backticks in it.
pub(crate) fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.trim().is_empty() { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_span_cannot_be_left() {
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`` ` <script>"), "``` `` ` <script> ```");
        assert_eq!(code(""), "`  `");
    }

    #[test]
    fn words_of_strangers_are_no_markup_links_or_mentions() {
        assert_eq!(plain("[a](b) <b> **c**"), "\\[a\\]\\(b\\) &lt;b&gt; \\*\\*c\\*\\*");
        assert_eq!(plain("https://x.invalid"), "https://<!-- -->x.invalid");
        assert_eq!(plain("www.x.invalid @team #1"), "www.<!-- -->x.invalid @<!-- -->team \\#1");
    }
}
