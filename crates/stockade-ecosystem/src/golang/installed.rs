//! What a project has copied into its `vendor` folder: `modules.txt` lists it, and Go builds from there.

use super::release;
use crate::locked::{Locked, Out, read};
use crate::{Parsed, ReadInstalled};

pub(super) static INSTALLED: ReadInstalled = ReadInstalled {
    matches: |path| path == "vendor/modules.txt" || path.ends_with("/vendor/modules.txt"),
    parse: |_, bytes| read(bytes, modules),
    lists: |_| false,
    files: |_| Parsed::default(),
};

fn modules(text: &str, out: &mut Out) {
    let mut last = None;
    for (content, line) in text.lines().zip(1..) {
        if let Some(told) = content.strip_prefix("## ") {
            let is_explicit = told.split(';').any(|word| word.trim() == "explicit");
            if let Some(entry) = last.and_then(|at: usize| out.entries.get_mut(at)).filter(|_| is_explicit) {
                entry.direct = Some(true);
            }
            continue;
        }
        let Some(told) = content.strip_prefix("# ") else {
            // The packages of a module, one a line.
            continue;
        };
        let words: Vec<&str> = told.split_whitespace().collect();
        last = match words[..] {
            // What replaces a module without a version is at the end again, and what replaces by a folder is the project's.
            [_, "=>", ..] | [_, _, "=>", _] => None,
            [name, version] | [_, _, "=>", name, version] => out
                .take(line, release(name, version))
                .and_then(|release| out.push(Locked { direct: Some(false), ..Locked::new(release, line) }))
                .and_then(|at| usize::try_from(at).ok()),
            _ => {
                out.problem(line, "it is no module with a version");
                None
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vendor_folder_says_what_is_in_it() {
        let text = "# mod.example/left v1.0.0\n## explicit; go 1.17\nmod.example/left/inner\n# mod.example/right v2.0.0+incompatible\nmod.example/right\n# mod.example/a v1.0.0 => mod.example/b v1.1.0\n## explicit\n# mod.example/own v0.0.0 => ../own\n# mod.example/a => mod.example/b v1.1.0\n# bad\n";
        let parsed = (INSTALLED.parse)("vendor/modules.txt", text.as_bytes());
        let told = |entry: &Locked| format!("{}: {} {:?}", entry.line, entry.release, entry.direct);
        let told: Vec<String> = parsed.value.iter().map(told).collect();
        assert_eq!(
            told,
            [
                "1: mod.example/left@v1.0.0 Some(true)",
                "4: mod.example/right@v2.0.0+incompatible Some(false)",
                "6: mod.example/b@v1.1.0 Some(true)"
            ]
        );
        assert_eq!(parsed.problems.len(), 1, "{:?}", parsed.problems);
    }
}
