//! What every text file owes its readers: no trailing white space, no tabs, a last newline; nothing half-done, and
//! nothing that is only true on one machine.

use super::Finding;
use super::tree::{File, Tree};

/// The rule's own words, and those of the other rules.
const TIDY: &str = "xtask/src/tidy";
/// Words for work that is not done. An issue keeps it; a comment forgets it.
const UNDONE: [&str; 3] = ["TODO", "FIXME", "XXX"];
const MERGE_MARKERS: [&str; 3] = ["<<<<<<< ", "||||||| ", ">>>>>>> "];
const NO_TABS: [&str; 3] = ["rs", "md", "toml"];
/// Folders of one person or one machine. The second value: whether the name that follows counts, as in a home.
const MACHINES: [(&str, bool); 3] = [("/work/", false), ("/root/", false), ("/home/", true)];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.text().flat_map(|file| form(file).into_iter().chain(words(file))).collect()
}

/// How a file is written. Samples from other tools are as those tools write them.
fn form(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    if file.is_foreign() {
        return findings;
    }
    let find = |line: usize, what: &str| Finding::new(&file.path, line, what);
    let no_tabs = NO_TABS.iter().any(|extension| file.has_extension(extension));
    for (number, line) in file.text.split('\n').enumerate().map(|(index, line)| (index + 1, line)) {
        if line.ends_with(char::is_whitespace) {
            findings.push(find(number, "white space at the end of the line; remove it"));
        }
        if no_tabs && line.contains('\t') {
            findings.push(find(number, "a tab; write spaces, or `\\t` in a string"));
        }
        if MERGE_MARKERS.iter().any(|marker| line.starts_with(marker)) {
            findings.push(find(number, "a marker of an unfinished merge; finish it"));
        }
    }
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        findings.push(find(file.lines().count(), "no newline at the end of the file; add it"));
    }
    findings
}

/// What a file says.
fn words(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    if file.path.starts_with(TIDY) {
        return findings;
    }
    for (number, line) in file.lines() {
        // What others have not done is theirs.
        if let Some(word) = UNDONE.into_iter().find(|word| !file.is_foreign() && has_word(line, word)) {
            let what = format!("`{word}`; do it, or write down elsewhere that it is to be done");
            findings.push(Finding::new(&file.path, number, what));
        }
        if let Some(folder) = MACHINES.into_iter().find_map(|(folder, is_home)| machine(line, folder, is_home)) {
            let what =
                format!("`{folder}` is a folder of one machine; make it relative, or take it from the environment");
            findings.push(Finding::new(&file.path, number, what).excused_on(number.saturating_sub(1)..=number));
        }
    }
    findings
}

fn has_word(line: &str, word: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(is_word) && !line[at + word.len()..].starts_with(is_word))
}

/// An absolute path below `folder`. A folder of that name inside another one is none: `crate/work/`, `x.example/home/`.
fn machine<'a>(line: &'a str, folder: &str, is_home: bool) -> Option<&'a str> {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    line.match_indices(folder).find_map(|(at, _)| {
        let before = &line[..at];
        if before.ends_with(|c: char| is_name(c) || matches!(c, '}' | '>' | '*' | '~' | ')')) {
            return None;
        }
        let end = at + folder.len();
        let name = line[end..].find(|c| !is_name(c)).unwrap_or(line.len() - end);
        match (is_home, name) {
            (false, _) => Some(&line[at..end]),
            (true, 0) => None,
            (true, name) => Some(&line[at..end + name]),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::check;

    fn lines(path: &str, text: &str) -> Vec<String> {
        let prefix = format!("{path}:");
        found(&[(path, text)], check).iter().map(|finding| finding.replacen(&prefix, "", 1)).collect()
    }

    #[test]
    fn the_form_of_a_file_is_kept() {
        assert_eq!(
            lines("a.md", "a \nb\r\n"),
            ["1: white space at the end of the line; remove it", "2: white space at the end of the line; remove it",]
        );
        assert_eq!(lines("a.rs", "\ta\n"), ["1: a tab; write spaces, or `\\t` in a string"]);
        assert!(lines("Makefile", "\ta\n").is_empty());
        assert_eq!(lines("a.sh", "a\nb"), ["2: no newline at the end of the file; add it"]);
        assert_eq!(lines("a.rs", "<<<<<<< ours\n=======\n"), ["1: a marker of an unfinished merge; finish it"]);
        assert!(lines("crates/a/src/testdata/yarn.lock", "a \nb").is_empty());
    }

    #[test]
    fn undone_work_is_found() {
        assert_eq!(
            lines("a.rs", "// FIXME: later\n"),
            ["1: `FIXME`; do it, or write down elsewhere that it is to be done"]
        );
        assert!(lines("a.rs", "todo!(); MASTODONS; aXXXb\n").is_empty());
        assert!(lines("xtask/src/tidy/text.rs", "// TODO\n").is_empty());
    }

    #[test]
    fn folders_of_one_machine_are_found() {
        let what = "is a folder of one machine; make it relative, or take it from the environment";
        assert_eq!(lines("a.sh", "cd /work/x\n"), [format!("1: `/work/` {what}")]);
        assert_eq!(lines("a.md", "\"/home/alice/x\"\n"), [format!("1: `/home/alice` {what}")]);
        assert_eq!(lines("a.md", "a\n`/root/.npmrc`\n"), [format!("2: `/root/` {what}")]);
        assert!(lines("a.md", "registry.example/work/ /home/<you>/ {dir}/root/ /rootless/\n").is_empty());
    }
}
