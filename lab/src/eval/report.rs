//! Writes results: sections of `EVALS.md`, each between two markers so that the next run replaces it, and everything as
//! JSON beside the corpora.

use std::fmt::Write;
use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};

use super::stats::{balanced_precision, percent};
use super::tables::{self, Section};

/// The report, in the repository.
const REPORT: &str = "EVALS.md";

/// How a report begins that has no section yet.
const HEAD: &str = "\
# evaluation

How much malware is caught and how often a harmless release is held, on real releases. `cargo xtask eval` writes every
section; [lab/src/eval.rs](lab/src/eval.rs) says how. The corpora are not in the repository.

```sh
cargo xtask eval fetch           # fills the corpora of harmless releases again
cargo xtask eval                 # measures; goes on where a stopped run was
cargo xtask eval --peer          # the same files, judged by GuardDog
```
";

/// The longest line of prose.
const WIDTH: usize = 120;

/// Sections in their order.
const ORDER: [&str; 6] = ["precision", "malicious", "benign", "updates", "hijacks", "peer"];

/// Writes a section, and what follows from it together with another.
pub(crate) fn write(name: &str, section: &Section, corpora: &Path, inspector: &str) -> anyhow::Result<()> {
    keep(name, &section.json, corpora, inspector)?;
    replace(name, &section.markdown)?;
    if let Some(text) = precision(corpora, inspector)? {
        replace("precision", &text)?;
    }
    println!("{name}: written to `{REPORT}`");
    Ok(())
}

/// Keeps a section's results as JSON, with whose results they are.
pub(crate) fn keep(name: &str, json: &Value, corpora: &Path, subject: &str) -> anyhow::Result<()> {
    let path = super::results(corpora).join(format!("{name}.json"));
    let text = serde_json::to_vec_pretty(&json!({ "subject": subject, "results": json }))?;
    std::fs::write(&path, text).with_context(|| format!("`{}` cannot be written", path.display()))
}

/// The results of a section, if they are of the same inspector.
fn kept(name: &str, corpora: &Path, subject: &str) -> anyhow::Result<Option<Value>> {
    let Ok(text) = std::fs::read(super::results(corpora).join(format!("{name}.json"))) else { return Ok(None) };
    let mut json: Value = serde_json::from_slice(&text).with_context(|| format!("the results of `{name}`"))?;
    Ok((json["subject"] == subject).then(|| json["results"].take()))
}

/// Precision at equal class balance, once both classes were judged by one inspector.
fn precision(corpora: &Path, inspector: &str) -> anyhow::Result<Option<String>> {
    let malicious = kept("malicious", corpora, inspector)?;
    let benign = kept("benign", corpora, inspector)?;
    let (Some(malicious), Some(benign)) = (malicious, benign) else { return Ok(None) };
    let recall = tables::recall(&malicious);
    let of_pypi = tables::alarms(&benign, |case| case["ecosystem"] == "pypi");
    let of_all = tables::alarms(&benign, |_| true);
    let mut text =
        "## precision\n\nOf alarms, how many are right if there is as much malware as not. A release alone, \
                    without the one before it.\n\n| malware | caught | harmless releases | false alarms | precision \
                    |\n|---|---|---|---|---|\n"
            .to_owned();
    for (malware, caught) in [("archives", recall.archives), ("families", recall.families)] {
        for (harmless, alarms) in [("of PyPI", of_pypi), ("of all", of_all)] {
            let precision = balanced_precision(caught, alarms).map_or_else(|| "–".to_owned(), percent);
            let (caught, alarms) = (caught.words(), alarms.words());
            let _ = writeln!(text, "| {malware} | {caught} | {harmless} | {alarms} | {precision} % |");
        }
    }
    Ok(Some(text))
}

/// Puts a section into the report, in the place of the one before it.
pub(crate) fn replace(name: &str, text: &str) -> anyhow::Result<()> {
    let path = crate::root().join(REPORT);
    let report = std::fs::read_to_string(&path).unwrap_or_else(|_| HEAD.to_owned());
    std::fs::write(&path, with(&report, name, text)).with_context(|| format!("`{REPORT}` cannot be written"))
}

/// The report with a section in its place: instead of the same one, or before those that come after it.
fn with(report: &str, name: &str, text: &str) -> String {
    let section = format!("{}\n{}\n{}\n", begin(name), wrapped(text.trim()), end(name));
    if let Some((before, rest)) = report.split_once(&format!("{}\n", begin(name))) {
        let after = rest.split_once(&format!("{}\n", end(name))).map_or("", |(_, after)| after);
        return format!("{before}{section}{after}");
    }
    let later = ORDER.iter().skip_while(|each| **each != name).skip(1);
    match later.filter_map(|later| report.find(&begin(later))).min() {
        Some(at) => format!("{}{section}\n{}", &report[..at], &report[at..]),
        None => format!("{report}\n{section}"),
    }
}

/// Prose in lines that can be read; tables and lists in fences stay as they are.
fn wrapped(text: &str) -> String {
    let mut in_fence = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        in_fence ^= line.starts_with("```");
        if in_fence || line.starts_with(['|', '`']) {
            lines.push(line.to_owned());
            continue;
        }
        let mut short = String::new();
        for word in line.split(' ') {
            if !short.is_empty() && short.chars().count() + 1 + word.chars().count() > WIDTH {
                lines.push(std::mem::take(&mut short));
            } else if !short.is_empty() {
                short.push(' ');
            }
            short.push_str(word);
        }
        lines.push(short);
    }
    lines.join("\n")
}

fn begin(name: &str) -> String {
    format!("<!-- begin {name} -->")
}

fn end(name: &str) -> String {
    format!("<!-- end {name} -->")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_in_order_whatever_was_run_first() {
        let report = with("# head\n", "updates", "u");
        let report = with(&report, "malicious", "m");
        let report = with(&report, "peer", "p");
        let expected = "# head\n\n<!-- begin malicious -->\nm\n<!-- end malicious -->\n\n<!-- begin updates -->\nu\n\
                        <!-- end updates -->\n\n<!-- begin peer -->\np\n<!-- end peer -->\n";
        assert_eq!(report, expected);
        assert_eq!(with(&report, "updates", "u"), expected);
        let long = "word ".repeat(50);
        let text = wrapped(&format!("{long}\n| {long}|\n```text\n{long}\n```"));
        assert_eq!(text.lines().map(|line| line.trim_end().len()).collect::<Vec<_>>(), [119, 119, 9, 253, 7, 249, 3]);
        assert!(with(&report, "updates", "new\n").contains("<!-- begin updates -->\nnew\n<!-- end updates -->"));
    }
}
