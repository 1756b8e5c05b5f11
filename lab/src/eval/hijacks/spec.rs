//! What a replay is, as it is written in `replays/`: one file for each, named by the row of the catalogue of incidents.

use std::path::Path;

use anyhow::{Context, ensure};
use serde::Deserialize;

/// Where the replays are, in the repository.
const FOLDER: &str = "lab/src/eval/hijacks/replays";

/// The last of the techniques that replays are sorted by. Those after it are about when a release was published, which
/// no content shows.
pub(crate) const LAST_TECHNIQUE: u8 = 32;

/// A replay: which harmless release it changes, and how.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replay {
    /// The name of its file, which also seeds what is generated for it.
    #[serde(skip)]
    pub(crate) key: String,
    /// The row of the catalogue.
    pub(crate) incident: u8,
    pub(crate) ecosystem: String,
    /// The package that is hijacked here. In the incident it was another.
    pub(crate) host: String,
    /// The sort of file, where a release has several.
    #[serde(default)]
    pub(crate) file: Option<String>,
    /// What the hijacked release was made of.
    #[serde(default)]
    pub(crate) base: Base,
    /// Numbers of techniques, from 1 to 32. None, if the incident was plain sabotage.
    pub(crate) classes: Vec<u8>,
    pub(crate) change: Change,
    /// What a person would say is wrong with the release, at least. Only for the report.
    pub(crate) expect: String,
    /// What had to be changed to replay it in an ecosystem that is guarded here.
    #[serde(default)]
    pub(crate) translated: Option<String>,
    #[serde(default, rename = "piece")]
    pub(crate) pieces: Vec<Piece>,
    #[serde(default, rename = "edit")]
    pub(crate) edits: Vec<Edit>,
    #[serde(default)]
    pub(crate) dependency: Option<Dependency>,
}

/// What the hijacked release was made of.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Base {
    /// The release after the one that it is compared with, so that an honest release's changes are there as well.
    #[default]
    Next,
    /// The release that it is compared with: nothing else changed.
    Same,
}

/// Where it shows most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Change {
    /// In code that was there and runs when it is used.
    Code,
    /// In something that runs on its own: at installation, at a build, when an interpreter starts.
    Trigger,
    /// In what the release depends on.
    Dependency,
    /// In a file that is no source.
    Blob,
    /// In a file for editors, agents or continuous integration.
    Settings,
}

impl Change {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Trigger => "trigger",
            Self::Dependency => "dependency",
            Self::Blob => "blob",
            Self::Settings => "settings",
        }
    }
}

/// Text or bytes that are made when the replay is built, so that nothing opaque is in the repository.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Piece {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) text: String,
    /// What is generated instead of a text.
    #[serde(default)]
    pub(crate) generate: Option<Generate>,
    #[serde(default)]
    pub(crate) kilobytes: usize,
    /// What is done with it, in order.
    #[serde(default)]
    pub(crate) steps: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Generate {
    /// Functions with random names that do nothing.
    Javascript,
    /// Random bytes.
    Noise,
}

/// A change of one file of a release. `{{name}}` in a text is a piece.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    /// Below the folder that every path of the archive begins with.
    pub(crate) path: String,
    /// A file that was not there.
    pub(crate) add: Option<String>,
    /// A file that was not there: the bytes of a piece.
    pub(crate) blob: Option<String>,
    /// The file has this instead.
    pub(crate) rewrite: Option<String>,
    pub(crate) append: Option<String>,
    pub(crate) prepend: Option<String>,
    /// Places for `text`. What is named has to be there exactly once.
    pub(crate) after: Option<String>,
    pub(crate) before: Option<String>,
    pub(crate) replace: Option<String>,
    pub(crate) text: Option<String>,
    /// Keys that lead to a string of a JSON file, and the string.
    #[serde(default)]
    pub(crate) set: Vec<Vec<String>>,
    /// Keys of the main section of a jar's manifest, and their values.
    #[serde(default)]
    pub(crate) main: Vec<[String; 2]>,
    /// A source of Java; what it compiles to is added, or comes instead of what was there.
    pub(crate) java: Option<String>,
    #[serde(default)]
    pub(crate) executable: bool,
}

/// A package that the hijacked release needs from now on: first without, then with what it was published for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) old: String,
    pub(crate) new: String,
    #[serde(rename = "file")]
    pub(crate) files: Vec<Clean>,
    #[serde(rename = "edit")]
    pub(crate) edits: Vec<Edit>,
}

/// A file of the release that only makes its package look used.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Clean {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Replay {
    pub(crate) fn parse(key: &str, text: &str) -> anyhow::Result<Self> {
        let mut replay: Self = toml::from_str(text).with_context(|| format!("the replay `{key}`"))?;
        key.clone_into(&mut replay.key);
        ensure!(
            key.split('-').next() == Some(&format!("{:02}", replay.incident)),
            "the replay `{key}` is named by another incident than its own"
        );
        let known = |class: &u8| (1..=LAST_TECHNIQUE).contains(class);
        ensure!(replay.classes.iter().all(known), "the replay `{key}` has a technique that is none");
        Ok(replay)
    }

    /// The sort of file of its ecosystem.
    pub(crate) fn kind(&self) -> &str {
        self.file.as_deref().unwrap_or(match self.ecosystem.as_str() {
            "npm" => "tarball",
            "pypi" => "wheel",
            "crates" => "crate",
            _ => "jar",
        })
    }
}

/// Every replay, by name.
pub(crate) fn all() -> anyhow::Result<Vec<Replay>> {
    let folder = crate::root().join(FOLDER);
    let entries = std::fs::read_dir(&folder).with_context(|| format!("`{FOLDER}` cannot be listed"))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry?.path());
    }
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> anyhow::Result<Replay> {
    let key = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let text = std::fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
    Replay::parse(key, &text)
}
