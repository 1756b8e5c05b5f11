//! Applies the edits of a replay to the members of a release. Whatever an edit names has to be there exactly once, so that
//! a corpus of newer releases does not quietly lose what is measured.

use anyhow::{Context, bail, ensure};

use super::json::Object;
use super::pack::{EXECUTABLE, Member};
use super::pieces::{Pieces, fill};
use super::spec::Edit;

/// Where the main section of a jar's manifest is.
pub(crate) const JAR_MANIFEST: &str = "META-INF/MANIFEST.MF";

/// Applies an edit that is no source of Java.
pub(crate) fn apply(edit: &Edit, root: &str, members: &mut Vec<Member>, pieces: &Pieces) -> anyhow::Result<()> {
    let path = format!("{root}{}", edit.path);
    edit_at(edit, &path, members, pieces).with_context(|| format!("the edit of `{path}`"))
}

fn edit_at(edit: &Edit, path: &str, members: &mut Vec<Member>, pieces: &Pieces) -> anyhow::Result<()> {
    if let Some(text) = &edit.add {
        let bytes = fill(text, pieces)?.into_bytes();
        return add(edit, path, bytes, members);
    }
    if let Some(piece) = &edit.blob {
        let bytes = pieces.get(piece).with_context(|| format!("there is no piece `{piece}`"))?;
        return add(edit, path, bytes.clone(), members);
    }
    let mut found = members.iter_mut().filter(|member| member.path == path);
    let (Some(member), None) = (found.next(), found.next()) else { bail!("it is not there exactly once") };
    let text = String::from_utf8(member.bytes.clone()).context("it is no text")?;
    member.bytes = changed(edit, text, pieces)?.into_bytes();
    Ok(())
}

fn add(edit: &Edit, path: &str, bytes: Vec<u8>, members: &mut Vec<Member>) -> anyhow::Result<()> {
    ensure!(members.iter().all(|member| member.path != path), "it is already there");
    let mut member = Member::file(path, bytes);
    if edit.executable {
        member.mode = EXECUTABLE;
    }
    members.push(member);
    Ok(())
}

fn changed(edit: &Edit, mut text: String, pieces: &Pieces) -> anyhow::Result<String> {
    let filled = |text: &Option<String>| fill(text.as_deref().unwrap_or_default(), pieces);
    if edit.rewrite.is_some() {
        text = filled(&edit.rewrite)?;
    }
    text = format!("{}{text}{}", filled(&edit.prepend)?, filled(&edit.append)?);
    let new = filled(&edit.text)?;
    for (anchor, whole) in
        [(&edit.after, [true, false]), (&edit.before, [false, true]), (&edit.replace, [false, false])]
    {
        let Some(anchor) = anchor else { continue };
        let count = text.matches(anchor.as_str()).count();
        ensure!(count == 1, "`{anchor}` is there {count} times");
        let [before, after] = whole.map(|keep| if keep { anchor.as_str() } else { "" });
        text = text.replacen(anchor.as_str(), &format!("{before}{new}{after}"), 1);
    }
    if !edit.set.is_empty() {
        let mut object = Object::parse(&text)?;
        for path in &edit.set {
            object.set(path)?;
        }
        text = format!("{}\n", object.text(1));
    }
    for [key, value] in &edit.main {
        text = with_main(&text, key, value)?;
    }
    Ok(text)
}

/// A jar's manifest with one more key in its main section, which ends at the first empty line.
fn with_main(text: &str, key: &str, value: &str) -> anyhow::Result<String> {
    ensure!(!text.contains(&format!("{key}:")), "`{key}` is already there");
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let (main, rest) = text.split_once(&format!("{end}{end}")).unwrap_or((text.trim_end(), ""));
    Ok(format!("{main}{end}{key}: {value}{end}{end}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(edit: &Edit, text: &str) -> anyhow::Result<String> {
        let mut members = vec![Member::file("r/a", text)];
        apply(edit, "r/", &mut members, &Pieces::from([("p".to_owned(), b"piece".to_vec())]))?;
        let last = members.pop().unwrap();
        Ok(String::from_utf8(last.bytes).unwrap())
    }

    fn edit() -> Edit {
        Edit { path: "a".to_owned(), ..Edit::default() }
    }

    #[test]
    fn a_place_is_there_exactly_once() {
        let after = Edit { after: Some("x".to_owned()), text: Some("{{p}}".to_owned()), ..edit() };
        assert_eq!(edited(&after, "axb").unwrap(), "axpieceb");
        assert!(edited(&after, "axbx").is_err() && edited(&after, "ab").is_err());
        let replace = Edit { replace: Some("x".to_owned()), text: Some("y".to_owned()), ..edit() };
        assert_eq!(edited(&replace, "axb").unwrap(), "ayb");
        let around = Edit { append: Some("2".to_owned()), prepend: Some("1".to_owned()), ..edit() };
        assert_eq!(edited(&around, "a").unwrap(), "1a2");
        let gone = Edit { append: Some("2".to_owned()), path: "b".to_owned(), ..Edit::default() };
        assert!(edited(&gone, "a").is_err());
    }

    #[test]
    fn a_file_is_added_once() {
        let add = Edit { add: Some("{{p}}\n".to_owned()), path: "b".to_owned(), executable: true, ..Edit::default() };
        let mut members = Vec::new();
        apply(&add, "r/", &mut members, &Pieces::from([("p".to_owned(), b"1".to_vec())])).unwrap();
        assert_eq!(members, [Member { path: "r/b".to_owned(), mode: EXECUTABLE, bytes: b"1\n".to_vec() }]);
        assert!(apply(&add, "r/", &mut members, &Pieces::new()).is_err());
        let blob = Edit { blob: Some("gone".to_owned()), path: "c".to_owned(), ..Edit::default() };
        assert!(apply(&blob, "r/", &mut members, &Pieces::new()).is_err());
    }

    #[test]
    fn a_jars_manifest_gets_a_key_in_its_main_section() {
        let main = Edit { main: vec![["Agent-Class".to_owned(), "a.B".to_owned()]], ..edit() };
        let expected = "Manifest-Version: 1.0\r\nAgent-Class: a.B\r\n\r\nName: x\r\n";
        assert_eq!(edited(&main, "Manifest-Version: 1.0\r\n\r\nName: x\r\n").unwrap(), expected);
        assert!(edited(&main, "Agent-Class: b\n").is_err());
    }
}
