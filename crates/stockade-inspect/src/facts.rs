//! Facts: what was found out about the content of one file, and of nothing else.
//!
//! Facts depend on the bytes and the language alone, so they are kept by the digest of the bytes: a file that a release
//! has in common with its predecessor is never parsed again. What depends on the rest of the package (which file loads
//! which, what runs at the install) is added when facts are linked.

use serde::{Deserialize, Serialize};

use crate::capability::{Capability, Source};
use crate::ir::Language;

/// What was found out about one file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The language it was read as; `None` if it is no code.
    pub language: Option<Language>,
    /// What the code can do, where.
    pub acts: Vec<Act>,
    /// What goes where.
    pub flows: Vec<Flow>,
    /// The modules that it loads.
    pub imports: Vec<Import>,
    /// What others can call.
    pub exports: Vec<Export>,
    /// What it uses of modules of the same package.
    pub uses: Vec<Use>,
    /// What its texts speak of.
    pub mentions: Vec<Mention>,
    /// How it looks, whatever it means.
    pub marks: Vec<Mark>,
    /// What could not be looked at.
    pub gaps: Vec<FileGap>,
    /// True if it was not parsed, since nothing is to be found in it, unless it calls other files.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sifted: bool,
}

/// One thing that the code can do, at one place.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Act {
    /// What.
    pub capability: Capability,
    /// To whom, with what: a host, a command, a path, a name. See [`Capability`]. At most [`Act::MAX_DETAIL`] characters.
    pub detail: String,
    /// Where.
    pub at: Spot,
    /// The function it stands in, and `None` if it runs when the file is loaded.
    pub function: Option<String>,
    /// When it runs.
    pub moment: Moment,
    /// The layers that were peeled off to see it, outermost first: `base64`, `zlib`, `string table`.
    pub layers: Vec<String>,
    /// The conditions that guard it, as written: `process.platform === 'win32'`.
    pub conditions: Vec<String>,
}

impl Act {
    /// The most characters of a detail.
    pub const MAX_DETAIL: usize = 300;
}

/// When code of a file runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// When the file is loaded: outside of functions, or in one that is called there.
    Load,
    /// When the file is run as a program: under Python's `if __name__ == "__main__"`.
    Script,
    /// When somebody calls it.
    #[default]
    Later,
}

/// A place in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Spot {
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// The line, shortened around the place.
    pub snippet: String,
}

/// Data that goes from sources to a sink.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Flow {
    /// What the data comes from, with the act that reads it, if it is in this file.
    pub from: Vec<(Source, Option<u32>)>,
    /// The act that it reaches.
    pub to: u32,
}

/// A module that is loaded.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Import {
    /// As written: `./x`, `fs`, `.x`, `os.path`.
    pub module: String,
    /// What of it is imported by name in Python: each may be a module in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// When it is loaded.
    pub moment: Moment,
    /// From 1.
    pub line: u32,
}

impl Import {
    /// The modules that are loaded, if they are there: the one that is named, and those in it.
    pub(crate) fn modules(&self) -> impl Iterator<Item = String> {
        let inner = self.names.iter().map(|name| module_in(&self.module, name));
        std::iter::once(self.module.clone()).chain(inner)
    }
}

/// A module of Python in another one.
pub(crate) fn module_in(package: &str, name: &str) -> String {
    let dot = if package.ends_with('.') { "" } else { "." };
    format!("{package}{dot}{name}")
}

/// What a call leads to in its own file, by position there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reach {
    /// The acts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acts: Vec<u32>,
    /// The uses of other files' exports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<u32>,
    /// The modules that are loaded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub imports: Vec<u32>,
}

impl Reach {
    /// True if it leads to nothing.
    pub fn is_empty(&self) -> bool {
        self.acts.is_empty() && self.uses.is_empty() && self.imports.is_empty()
    }
}

/// A parameter that is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Called {
    /// Which, from 0.
    pub parameter: u8,
    /// True if it is a member of it that is called.
    pub member: bool,
}

/// Something that other files can call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// The name; `default` for the module itself, a method as `Class.method`, `*` for whatever [`Self::of`] has.
    pub name: String,
    /// The module and the name there, if it is another file's and only passed on: `*` for all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<(String, String)>,
    /// What a call leads to.
    #[serde(default, skip_serializing_if = "Reach::is_empty")]
    pub reach: Reach,
    /// The parameters that a call calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Called>,
    /// What a call returns comes from these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<(Source, Option<u32>)>,
    /// Arguments that reach an act: which, and the act.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passes: Vec<(u8, u32)>,
}

impl Export {
    pub(crate) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            of: None,
            reach: Reach::default(),
            calls: Vec::new(),
            returns: Vec::new(),
            passes: Vec::new(),
        }
    }
}

/// A use of another file's export.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Use {
    /// The module, as written in the import.
    pub module: String,
    /// The export's name.
    pub name: String,
    /// When it is called.
    pub moment: Moment,
    /// What the arguments come from, up to the last that comes from anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Vec<(Source, Option<u32>)>>,
    /// The acts of this file that the result reaches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reaches: Vec<u32>,
    /// The functions among the arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub callbacks: Vec<Callback>,
}

/// A function that is given to another file's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Callback {
    /// In which argument, and how it is called from there; `None` in one that is named.
    pub argument: Option<Called>,
    /// What a call of it leads to.
    pub reach: Reach,
}

/// Something about the looks of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mark {
    /// What.
    pub kind: MarkKind,
    /// Where.
    pub at: Spot,
    /// How much, in the unit of the kind; for a person and for thresholds.
    pub amount: u32,
}

/// How a file can look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarkKind {
    /// Code after a run of blanks that pushes it out of sight. Amount: blanks.
    FarRight,
    /// Characters that are not shown, in a number that encodes something. Amount: characters.
    Invisible,
    /// Controls that show text in another order than it is read. Amount: characters.
    Bidirectional,
    /// Identifiers as obfuscators make them. Amount: percent of the identifiers.
    MangledNames,
    /// Strings written in escapes where plain characters would do. Amount: characters.
    Escapes,
    /// A literal that only a program can read. Amount: bytes.
    OpaqueLiteral,
    /// Strings kept in a table and fetched by number through a function. Amount: strings.
    StringTable,
    /// Minified: a long line. Amount: bytes of the longest.
    LongLine,
    /// Content as random as ciphertext in a file that is none of the formats that are. Amount: bits a byte, in hundredths.
    HighEntropy,
    /// Two formats in one file, or data after the end of one. Amount: bytes after the end.
    Polyglot,
    /// A native executable or library. Amount: bytes.
    Native,
    /// A packed native executable. Amount: bytes.
    Packed,
    /// The file's name says another type than its content. Amount: bytes.
    Disguised,
    /// Letters of another script that look like Latin ones, in an identifier. Amount: characters.
    Homoglyph,
}

/// Something in a file that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileGap {
    /// What and why, for a person.
    pub what: String,
    /// From 1; 0 for the whole file.
    pub line: u32,
    /// True if nothing of the file was understood, so that it was only searched for words.
    pub whole: bool,
}

/// A word in a text of the file, or of a layer, that says something wherever it stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mention {
    /// What it is about.
    pub topic: crate::lexicon::Topic,
    /// The word, or the host of an address.
    pub word: String,
    /// Where.
    pub at: Spot,
    /// How many layers were peeled off to see it.
    pub layers: u8,
}
