//! What is installed below a folder of gems: `specifications/left-1.0.0.gemspec` for each, the platform behind the version.
//! A specification is Ruby, which is not run; its second line has a summary for those who do not want to. The name of the
//! file and the summary must agree, since a gem can change both.

use super::release;
use crate::locked::{Locked, Out, read};
use crate::{Parsed, ReadInstalled};

pub(super) static INSTALLED: ReadInstalled = ReadInstalled {
    matches: |path| stem(path).is_some(),
    parse: |path, bytes| {
        read(bytes, |text, out| {
            if let Some(stem) = stem(path) {
                specification(stem, text, out);
            }
        })
    },
    lists: |_| false,
    files: |_| Parsed::default(),
};

/// The name of a specification's file, without its end. Those of gems that came with Ruby are in a folder of their own.
fn stem(path: &str) -> Option<&str> {
    let (folder, file) = path.rsplit_once('/')?;
    let is_of_gems = ["specifications", "specifications/default"]
        .iter()
        .any(|name| folder.strip_suffix(name).is_some_and(|above| above.is_empty() || above.ends_with('/')));
    file.strip_suffix(".gemspec").filter(|_| is_of_gems)
}

fn specification(stem: &str, text: &str, out: &mut Out) {
    let stub = text.lines().zip(1..).take(4).find_map(|(line, number)| Some((line.strip_prefix("# stub: ")?, number)));
    let Some((stub, line)) = stub else {
        let Some((name, version)) = split(stem) else {
            return out.problem(1, format!("`{}` does not tell its version", stem.escape_debug()));
        };
        return add(name, version, 1, out);
    };
    let mut words = stub.split(' ');
    let (name, version) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let rest = stem.strip_prefix(name).and_then(|rest| rest.strip_prefix('-')?.strip_prefix(version));
    if !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-')) {
        let (stem, name) = (stem.escape_debug(), name.escape_debug());
        out.problem(
            line,
            format!("the file is of `{stem}` and says that it is of `{name}` {}", version.escape_debug()),
        );
    }
    add(name, version, line, out);
}

/// The first part that may be a version, and what is before it.
pub(super) fn split(stem: &str) -> Option<(&str, &str)> {
    stem.match_indices('-').find_map(|(at, _)| {
        let rest = &stem[at + 1..];
        let version = rest.split('-').next().unwrap_or(rest);
        (at > 0 && version.starts_with(|c: char| c.is_ascii_digit())).then_some((&stem[..at], version))
    })
}

fn add(name: &str, version: &str, line: u32, out: &mut Out) {
    if let Some(release) = out.take(line, release(name, version)) {
        out.push(Locked::new(release, line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str, text: &str) -> (Vec<String>, usize) {
        assert!((INSTALLED.matches)(path), "{path}");
        let parsed = (INSTALLED.parse)(path, text.as_bytes());
        (parsed.value.iter().map(|entry| entry.release.to_string()).collect(), parsed.problems.len())
    }

    #[test]
    fn a_specification_names_a_gem() {
        let stub = "# -*- encoding: utf-8 -*-\n# stub: left-2-demo 1.0.0 x86_64-linux lib\n";
        let path = "vendor/bundle/ruby/3.2.0/specifications/left-2-demo-1.0.0-x86_64-linux.gemspec";
        assert_eq!(told(path, stub), (vec!["left-2-demo@1.0.0".to_owned()], 0));
        assert_eq!(told("specifications/default/left-1.0.gemspec", ""), (vec!["left@1.0".to_owned()], 0));
        assert_eq!(told("specifications/other-1.0.0.gemspec", stub), (vec!["left-2-demo@1.0.0".to_owned()], 1));
        assert_eq!(told("specifications/left.gemspec", ""), (vec![], 1));
        assert_eq!(told("specifications/left-1.x!.gemspec", ""), (vec![], 1));
        for path in ["left.gemspec", "specifications/a/left-1.0.gemspec", "myspecifications/left-1.0.gemspec"] {
            assert!(!(INSTALLED.matches)(path), "{path}");
        }
    }
}
