//! What was found out about one artifact, self-contained: it is kept by the artifact's digest, compared with that of
//! another release, and judged by rules that may change later, all without the artifact.

use serde::{Deserialize, Serialize};
use stockade_model::{Gap, Need, Start, Trigger, Verdict};

use crate::capability::{Capability, Source};
use crate::facts::{Act, Facts, Spot};

/// The version of the facts: what another version found is found again.
pub const VERSION: u32 = 6;

/// What was found out about one artifact.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// [`VERSION`] of the inspector.
    pub version: u32,
    /// The files with what each can do.
    pub files: Vec<File>,
    /// Where code starts to run, as the manifests say.
    pub starts: Vec<Start>,
    /// What is installed with it.
    pub needs: Vec<Need>,
    /// Data that goes from one file to another and to a sink there.
    pub flows: Vec<CrossFlow>,
    /// What could not be looked at.
    pub gaps: Vec<Gap>,
    /// The digest of the rules of YARA that were looked for; empty if there were none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub searched: String,
}

/// One file of an artifact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct File {
    /// The path inside the package.
    pub path: String,
    /// SHA-256 of the content, in hexadecimal.
    pub digest: String,
    /// In bytes.
    pub size: u64,
    /// The earliest event that loads it.
    pub trigger: Trigger,
    /// What was found out about its content. The acts of a hook's command are those of the file that declares it.
    pub facts: Facts,
    /// For each act, the earliest event that reaches it.
    pub triggers: Vec<Trigger>,
    /// A digest of the code in it, the same for a file that was renamed or reformatted. Empty if it is no code.
    pub shape: String,
    /// The rules of YARA that match its content or a layer of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<Match>,
    /// True if not all of it could be searched for them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsearched: bool,
    /// True if it was not read as code: a test, example or document that nothing loads.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unread: bool,
}

/// A match of a rule of YARA.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Match {
    /// The rule's name, in kebab case.
    pub rule: String,
    /// What matches first: `match $a`.
    pub what: String,
    /// Where. In what is no text there is no line, and the snippet says at which byte.
    pub at: Spot,
    /// The layers that were peeled off to see it.
    pub layers: Vec<String>,
}

/// Data that crosses files.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CrossFlow {
    /// What the data comes from, the file of that, and the act there.
    pub from: Vec<(Source, u32, Option<u32>)>,
    /// The file of the sink, and the act there.
    pub to: (u32, u32),
}

/// A rule's match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's name, in kebab case.
    pub rule: String,
    /// What it asks for.
    pub verdict: Verdict,
    /// From 0 to 100.
    pub score: u8,
    /// A predicate that follows the release's name: `sends the environment to x.invalid when it is installed`.
    pub sentence: String,
    /// Where, the most telling first.
    pub places: Vec<Place>,
}

/// A place in an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The file.
    pub path: String,
    /// From 1; 0 for the whole file.
    pub line: u32,
    /// What is there: `execute curl`, in the words of [`Capability`].
    pub what: String,
    /// The line, shortened.
    pub snippet: String,
    /// The layers that were peeled off to see it.
    pub layers: Vec<String>,
}

/// What a release can do that no cleared release before it could, and the reverse.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Gained capabilities: those that matter most first.
    pub gained: Vec<Change>,
    /// Capabilities that the newest cleared release had and this one has not.
    pub lost: Vec<Change>,
    /// New starts of code.
    pub starts: Vec<Start>,
    /// New needs.
    pub needs: Vec<Need>,
    /// Needs that are gone.
    pub dropped_needs: Vec<Need>,
    /// Hosts that no cleared release named.
    pub hosts: Vec<String>,
    /// Paths of files that are new in content, renamed and reformatted ones left out.
    pub changed: Vec<String>,
    /// How many files are the same, or were only moved or reformatted.
    pub unchanged: u32,
    /// Paths of files that are gone.
    pub removed: Vec<String>,
}

/// Code of one artifact that no other artifact of its release has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alone {
    /// The file.
    pub path: String,
    /// True if another artifact has a file there, with another content.
    pub differs: bool,
    /// What it can do, of what no other artifact can on such a line.
    pub can: Vec<Change>,
}

/// A capability that was gained or lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What.
    pub capability: Capability,
    /// When it runs.
    pub trigger: Trigger,
    /// The details, at most a few.
    pub details: Vec<String>,
    /// Where.
    pub places: Vec<Place>,
}

/// An inspection judged: what the rules say of it, alone and against the releases before it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// The rules that match, the strongest first.
    pub findings: Vec<Finding>,
    /// The difference, where there was something to compare with.
    pub difference: Option<Difference>,
    /// The code that no other artifact of the release has, where there was one to compare with: what can do the most first.
    pub alone: Option<Vec<Alone>>,
}

impl Assessment {
    /// The strongest verdict of a rule.
    pub fn verdict(&self) -> Verdict {
        self.findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Allow)
    }

    /// The highest score.
    pub fn score(&self) -> u8 {
        self.findings.iter().map(|finding| finding.score).max().unwrap_or(0)
    }
}

impl Inspection {
    /// The acts with their files and triggers.
    pub fn acts(&self) -> impl Iterator<Item = (&File, &Act, Trigger)> {
        self.files.iter().flat_map(|file| {
            let triggers = file.triggers.iter().copied().chain(std::iter::repeat(file.trigger));
            file.facts.acts.iter().zip(triggers).map(move |(act, trigger)| (file, act, trigger))
        })
    }
}
