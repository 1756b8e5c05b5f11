//! The rules of the inspection: those that come with stockade, and a team's own from a folder.

use std::path::Path;

use anyhow::Context as _;
use stockade_engine::inspection::Rules;

use crate::errors::hinted;
use crate::files;

/// The most bytes of a folder with rules: 16 MiB.
const MAX_BYTES: usize = 16 << 20;
/// How files of rules in Markdown end.
const RULE: &str = "md";

/// The rules that come with stockade, with those of a folder. One that cannot be used is an error: who wrote it counts on
/// it.
pub(crate) fn with(folder: Option<&Path>) -> anyhow::Result<Rules> {
    let Some(folder) = folder else { return Ok(Rules::builtin().with(&[])?) };
    read(folder).with_context(|| format!("the rules in `{}` cannot be used", folder.display()))
}

fn read(folder: &Path) -> anyhow::Result<Rules> {
    if !folder.is_dir() {
        return Err(hinted("it is no folder", "name a folder with rules: files that end in `.md`"));
    }
    let files::Folder { files, unseen, .. } = files::folder(folder, MAX_BYTES)?;
    if let Some(why) = unseen.first() {
        return Err(hinted(
            format!("not all of them could be read: {why}"),
            "put plain files there, and nothing but rules",
        ));
    }
    if let Some((path, ..)) = files.iter().find(|(path, ..)| Rules::is_yara(path) && !Rules::read_yara()) {
        return Err(hinted(
            format!("`{path}` has rules of YARA, and this build of stockade reads none"),
            "build one that does with `cargo build --release --features yara`, or move the file out of the folder",
        ));
    }
    let mut own = Vec::new();
    for (path, bytes, _) in files.into_iter().filter(|(path, ..)| ends(path, RULE) || Rules::is_yara(path)) {
        let text = String::from_utf8(bytes.to_vec()).ok();
        own.push((path.clone(), text.with_context(|| format!("`{path}` is not UTF-8"))?));
    }
    if own.is_empty() {
        return Err(hinted("there are none", "a rule is a file that ends in `.md`"));
    }
    Rules::builtin().with(&own).map_err(|error| hinted(error.to_string(), advice(&error.file)))
}

fn advice(file: &str) -> &'static str {
    if Rules::is_yara(file) {
        "correct the rule, or take the file out of the folder: what ends in `.yar` or `.yara` there has to be YARA"
    } else {
        "correct the file, or take it out of the folder: every file there that ends in `.md` has to be a rule"
    }
}

fn ends(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|own| own.eq_ignore_ascii_case(extension))
}
