//! `setup.cfg` and `setup.py`: what projects asked for before there was `pyproject.toml`.
//!
//! The first is a list in sections. The second is a program: lists that stand in it as they are, are read, and of any other
//! it is said that only running it tells.

use super::{NEEDS, PLACES, requirement};
use crate::locked::{Out, is_below, read};
use crate::{Lockfile, Manifest, Scope};

pub(in crate::pypi) static SETUP_CFG: Manifest = Manifest {
    file: Lockfile {
        name: "setup.cfg",
        matches: |path| is_one(path, "setup.cfg"),
        parse: |bytes| read(bytes, settings),
    },
    answered_by: PLACES,
    below: &[],
};

pub(in crate::pypi) static SETUP_PY: Manifest = Manifest {
    file: Lockfile { name: "setup.py", matches: |path| is_one(path, "setup.py"), parse: |bytes| read(bytes, program) },
    answered_by: PLACES,
    below: &[],
};

/// The lists, by their name in both, with what they are for.
const LISTS: [(&str, Scope); 3] =
    [("install_requires", Scope::Run), ("tests_require", Scope::Dev), ("extras_require", Scope::Optional)];
/// The section of a `setup.cfg` with the lists, and that in which each is one.
const OPTIONS: &str = "options";
const EXTRAS: &str = "options.extras_require";

fn is_one(path: &str, name: &str) -> bool {
    path.rsplit('/').next() == Some(name) && !is_below(path, "site-packages")
}

fn settings(text: &str, out: &mut Out) {
    let (mut section, mut list, mut asks) = ("", None, false);
    for (line, text) in (1..).zip(text.lines()) {
        let bare = text.trim();
        if bare.is_empty() || bare.starts_with(['#', ';']) {
            continue;
        }
        let wanted = if text.starts_with(char::is_whitespace) {
            bare
        } else if let Some(name) = bare.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            (section, list) = (name.trim(), None);
            continue;
        } else {
            let (key, value) = bare.split_once(['=', ':']).unwrap_or((bare, ""));
            list = scope_of(section, key.trim());
            value.trim()
        };
        let Some(scope) = list.filter(|_| !wanted.is_empty()) else { continue };
        asks = true;
        if wanted.starts_with("file:") {
            out.problem(line, "what it asks for stands in another file, which only its build reads");
        } else {
            requirement(wanted, scope, line, out);
        }
    }
    if asks {
        out.problem_of_all(NEEDS);
    }
}

fn scope_of(section: &str, key: &str) -> Option<Scope> {
    match section {
        OPTIONS => LISTS.iter().find(|(name, _)| *name == key).map(|(_, scope)| *scope),
        EXTRAS => Some(Scope::Optional),
        _ => None,
    }
}

fn program(text: &str, out: &mut Out) {
    let mut asks = false;
    for (name, scope) in LISTS {
        for (at, _) in text.match_indices(name) {
            let line =
                |at: usize| u32::try_from(text[..at].matches('\n').count()).unwrap_or(u32::MAX).saturating_add(1);
            let begun = text[..at].rsplit('\n').next().unwrap_or_default();
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let end = at + name.len();
            if begun.contains('#') || begun.ends_with(is_word) || text[end..].starts_with(is_word) {
                continue;
            }
            asks = true;
            match list(&text[end..]) {
                Some(items) => {
                    for (offset, wanted) in items {
                        requirement(wanted, scope, line(end + offset), out);
                    }
                }
                None => out.problem(line(at), format!("what `{name}` is, only running it tells")),
            }
        }
    }
    if asks {
        out.problem_of_all(NEEDS);
    }
}

/// The texts of a list, or of a table of lists, that stands behind a name as it is, each with where it stands. `None` if
/// anything else stands there.
fn list(text: &str) -> Option<Vec<(usize, &str)>> {
    let bytes = text.as_bytes();
    let (mut at, mut open, mut items) = (0, Vec::new(), Vec::new());
    // A name may stand in quotes, as a key of the arguments.
    let start = bytes.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'=' | b':' | b'"' | b'\''))?;
    at += start;
    if !text[..start].contains(['=', ':']) {
        return None;
    }
    loop {
        let byte = *bytes.get(at)?;
        match byte {
            b'[' | b'(' | b'{' => open.push(byte),
            b']' | b')' | b'}' => {
                open.pop()?;
                if open.is_empty() {
                    return Some(items);
                }
            }
            b'#' => at += text[at..].find('\n')?,
            b'"' | b'\'' => {
                let end = at + 1 + text[at + 1..].find(['"', '\'', '\\', '\n'])?;
                if bytes[end] != byte {
                    return None;
                }
                // A key of a table is the name of an extra.
                let is_key = text[end + 1..].trim_start().starts_with(':');
                if !is_key && end > at + 1 {
                    items.push((at, &text[at + 1..end]));
                }
                at = end;
            }
            byte if byte.is_ascii_whitespace() || b",:".contains(&byte) => {}
            _ => return None,
        }
        if open.is_empty() {
            return None;
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(manifest: &Manifest, text: &str) -> (Vec<String>, Vec<Option<u32>>) {
        let parsed = (manifest.file.parse)(text.as_bytes());
        let told = parsed.value.iter().map(|entry| format!("{} {} {:?}", entry.line, entry.release, entry.scope));
        (told.collect(), parsed.problems.iter().map(|problem| problem.line).collect())
    }

    #[test]
    fn lists_of_settings_are_read() {
        let text = "[metadata]\nname = x\n\n[options]\ninstall_requires =\n    left==1.0\n    # no\n    right>=2; python_version > '3'\nzip_safe = no\ntests_require = dev==3.0\n[options.extras_require]\nall =\n    more==4.0\n[other]\ninstall_requires = no==1\n";
        assert_eq!(
            told(&SETUP_CFG, text),
            (
                vec!["6 left@1.0 Run".to_owned(), "10 dev@3.0 Dev".to_owned(), "13 more@4.0 Optional".to_owned()],
                vec![Some(8), None]
            )
        );
        assert_eq!(told(&SETUP_CFG, "[options]\ninstall_requires = file: requirements.txt\n").1, [Some(2), None]);
        assert_eq!(told(&SETUP_CFG, "[metadata]\nname = x\n"), (vec![], vec![]));
    }

    #[test]
    fn lists_that_stand_in_a_program_are_read_and_others_are_said() {
        let text = "setup(\n    name='x',\n    install_requires=[\n        'left==1.0',  # why\n        \"right>=2\",\n    ],\n    extras_require={'all': ['more==4.0', ], \"none\": []},\n)\n";
        assert_eq!(
            told(&SETUP_PY, text),
            (vec!["4 left@1.0 Run".to_owned(), "7 more@4.0 Optional".to_owned()], vec![Some(5), None])
        );
        for (text, lines) in [
            ("setup(install_requires=read('requirements.txt'))", vec![Some(1), None]),
            ("setup(install_requires=['left==1.0'] + more)", vec![None]),
            ("wanted = {'install_requires': ['left==1.0']}", vec![None]),
            ("setup(install_requires=[f'left=={x}'])", vec![Some(1), None]),
            ("setup(install_requires=['left\\x3d=1'])", vec![Some(1), None]),
            ("setup(install_requires=[", vec![Some(1), None]),
            ("setup(name='x')\n# install_requires=['left']", vec![]),
            ("my_install_requires = 1", vec![]),
        ] {
            assert_eq!(told(&SETUP_PY, text).1, lines, "{text}");
        }
    }
}
