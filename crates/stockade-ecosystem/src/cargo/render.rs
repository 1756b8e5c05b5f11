//! Writing an index file: the registry's lines, with `yanked` where a release is held.
//!
//! A line that is gone breaks the build of everybody who has the release in a lockfile, even if they have its file. One that
//! is yanked does not, and is not chosen by anybody else. So held releases are yanked, and only what must not be found at
//! all is removed. Nothing in an index file reaches a person: who insists on a held release is told at its file.

use crate::index::{Index, Listed, Rope, Standing, Steering};

use super::entry::YANKED;

pub(super) fn lines(index: &Index, steering: &Steering<'_>) -> Rope {
    let mut rope = Rope::default();
    for (listed, standing) in index.releases.iter().zip(steering.standings) {
        match standing {
            _ if !listed.is_usable() => {}
            Standing::Cleared => rope.document(listed.object.clone()),
            Standing::Held => held(&mut rope, listed),
            Standing::Removed => {}
        }
    }
    rope.shrink();
    rope
}

fn held(rope: &mut Rope, listed: &Listed) {
    let Some((what, place)) = listed.kept.first().filter(|_| listed.deprecated.is_none()) else {
        return rope.document(listed.object.clone());
    };
    rope.document(listed.object.start..place.start);
    rope.text(if *what == YANKED { "true" } else { "\"yanked\":true," });
    rope.document(place.end..listed.object.end);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Variant;
    use crate::cargo::{entry, package};

    const CKSUM: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn rendered(document: &str, standings: &[Standing]) -> String {
        let index = entry::read(&package("left").unwrap(), document.as_bytes()).unwrap();
        let base = "http://127.0.0.1:1/m";
        let rope = lines(&index, &Steering { standings, message: "held", base, variant: Variant::Full });
        let bytes = rope.flatten(document.as_bytes());
        assert_eq!(rope.len(), bytes.len() as u64);
        String::from_utf8(bytes).unwrap()
    }

    fn line(version: &str, more: &str) -> String {
        format!(
            "{{\"name\":\"left\", \"vers\":\"{version}\",\"deps\":[],\"cksum\":\"{CKSUM}\",\"features\":{{}}{more}}}"
        )
    }

    #[test]
    fn cleared_lines_are_the_registrys_bytes() {
        let document =
            format!("{}\n\n{}\r\n {}", line("1.0.0", ""), line("1.1.0", ",\"yanked\": true"), line("1.2.0", ""));
        assert_eq!(rendered(&document, &[Standing::Cleared; 3]), document.replace("\n\n", "\n"));
    }

    #[test]
    fn held_lines_differ_in_yanked_and_in_nothing_else() {
        for (before, after) in [
            (line("1.0.0", ",\"yanked\": false ,\"v\":2"), line("1.0.0", ",\"yanked\": true ,\"v\":2")),
            (line("1.0.0", ",\"yank\\u0065d\":false"), line("1.0.0", ",\"yank\\u0065d\":true")),
            (line("1.0.0", ",\"yanked\":null"), line("1.0.0", ",\"yanked\":true")),
            (line("1.0.0", ",\"yanked\":true"), line("1.0.0", ",\"yanked\":true")),
            (line("1.0.0", ""), line("1.0.0", "").replacen('{', "{\"yanked\":true,", 1)),
        ] {
            let document = format!("{before}\n{}\n", line("0.9.0", ",\"yanked\":false"));
            let expect = format!("{after}\n{}\n", line("0.9.0", ",\"yanked\":false"));
            assert_eq!(rendered(&document, &[Standing::Held, Standing::Cleared]), expect);
            let line: serde_json::Value = serde_json::from_str(&after).unwrap();
            assert_eq!(line["yanked"], true);
        }
    }

    #[test]
    fn what_is_removed_or_cannot_be_used_is_gone() {
        let (first, last) = (line("1.0.0", ""), line("1.2.0", ""));
        let unusable = line("1.1.0", ",\"yanked\":0");
        let document = format!("{first}\n{unusable}\nnot a line\n{last}");
        let standings = |first| [first, Standing::Cleared, Standing::Cleared];
        assert_eq!(rendered(&document, &standings(Standing::Cleared)), format!("{first}\n{last}"));
        assert_eq!(rendered(&document, &standings(Standing::Removed)), last);
        assert_eq!(rendered(&document, &[Standing::Removed, Standing::Held, Standing::Removed]), "");
    }
}
