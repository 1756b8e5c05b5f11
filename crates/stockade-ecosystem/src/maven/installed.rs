//! What a jar says of itself: `META-INF/maven/GROUP/ARTIFACT/pom.properties`, of each release that is in it. A jar with
//! others packed into it has several, and one that was shaded may have none.

use super::lockfile::release;
use crate::locked::{Locked, Out, read};
use crate::{Parsed, ReadInstalled};

pub(super) static INSTALLED: ReadInstalled = ReadInstalled {
    matches: |path| path.contains("META-INF/maven/") && path.ends_with("/pom.properties"),
    parse: |_, bytes| read(bytes, properties),
    lists: |_| false,
    files: |_| Parsed::default(),
};

fn properties(text: &str, out: &mut Out) {
    let (mut group, mut artifact, mut version) = (None, None, None);
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        let Some((key, value)) = line.split_once(['=', ':']).filter(|_| !line.starts_with(['#', '!'])) else {
            continue;
        };
        let field = match key.trim() {
            "groupId" => &mut group,
            "artifactId" => &mut artifact,
            "version" => &mut version,
            _ => continue,
        };
        if field.is_some() {
            out.problem(number, format!("`{}` is there twice", key.trim().escape_debug()));
        }
        *field = Some((value.trim(), number));
    }
    let (Some((group, _)), Some((artifact, _)), Some((version, line))) = (group, artifact, version) else {
        return out.problem(1, "it has no group, artifact or version, so it cannot be said what it is");
    };
    let Some(release) = out.take(line, release(group, artifact, version)) else { return };
    out.push(Locked::new(release, line));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jar_says_what_is_in_it() {
        let read = |text: &str| (INSTALLED.parse)("META-INF/maven/a/b/pom.properties", text.as_bytes());
        let parsed = read("#Created by Maven\r\nversion=1.0\r\ngroupId=example.left\r\nartifactId=left\r\n");
        assert_eq!(
            (parsed.value[0].release.to_string(), parsed.value[0].line),
            ("example.left/left@1.0".to_owned(), 2)
        );
        assert!(parsed.problems.is_empty());
        for text in ["", "version=1\n", "version=1\nversion=2\ngroupId=a\nartifactId=b\n"] {
            assert_eq!(read(text).problems.len(), 1, "{text}");
        }
    }
}
