//! What came of a behaviour, in a few words, and what a person could read of it.

use std::fmt;

use stockade_testkit::{Output, tidy};

use crate::stage::{Place, Stage};

/// How a client ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// It installed this version.
    Installs(String),
    /// It ended with an error, and installed nothing.
    Fails,
    /// It did what no client may do: it claims to be well and installed nothing, or the other way round.
    Strange(String),
    /// It has nothing of the kind.
    Lacks(&'static str),
}

/// A cell of the table.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) end: End,
    /// Everything that the client said.
    pub(crate) said: String,
    /// The word for a failure in this row.
    word: &'static str,
    /// Whether what a person has to read of it is there.
    pub(crate) told: bool,
    /// Which words in a line make it the one that is shown.
    looked_for: Vec<&'static str>,
}

impl Cell {
    pub(crate) fn of(stage: &Stage<'_>, place: &Place, output: &Output) -> Self {
        let end = match (output.ok(), stage.client.installed(place)) {
            (true, Some(version)) => End::Installs(version),
            (false, None) => End::Fails,
            (true, None) => End::Strange("ends well and installs nothing".to_owned()),
            (false, Some(version)) => End::Strange(format!("ends with an error and installs {version}")),
        };
        let said = format!("{}\n{}", output.stderr, output.stdout);
        Self { end, said, word: "fails", told: true, looked_for: Vec::new() }
    }

    /// Of what must not be published.
    pub(crate) fn unpublished(output: &Output) -> Self {
        let end = if output.ok() { End::Strange("publishes it".to_owned()) } else { End::Fails };
        let said = format!("{}\n{}", output.stderr, output.stdout);
        Self { end, said, word: "refused", told: true, looked_for: Vec::new() }
    }

    pub(crate) fn lacks(what: &'static str) -> Self {
        let said = String::new();
        Self { end: End::Lacks(what), said, word: "", told: true, looked_for: Vec::new() }
    }

    /// It may fail, and is then called this.
    #[must_use]
    pub(crate) fn called(mut self, word: &'static str) -> Self {
        self.word = word;
        self
    }

    /// If it fails, all of these words have to reach the person, on one line or on several.
    #[must_use]
    pub(crate) fn telling(mut self, words: &[&'static str]) -> Self {
        let joined = self.said.split_whitespace().collect::<Vec<_>>().join(" ");
        self.told = self.end != End::Fails || words.iter().all(|words| joined.contains(words));
        self.looked_for.extend(words);
        self
    }

    /// Lines with one of these words are worth being shown.
    #[must_use]
    pub(crate) fn showing(mut self, words: &[&'static str]) -> Self {
        self.looked_for.extend(words);
        self
    }

    /// It did what it must not.
    #[must_use]
    pub(crate) fn strange(mut self, what: String) -> Self {
        self.end = End::Strange(what);
        self
    }

    /// The line that matters most.
    fn line(&self) -> Option<String> {
        let tidied = tidy(&self.said);
        let lines: Vec<&str> = tidied.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let with = |word: &str| lines.iter().copied().find(|line| line.to_lowercase().contains(word));
        if let Some(line) = self.looked_for.iter().find_map(|word| with(&word.to_lowercase())) {
            return Some(plain(line));
        }
        let error = with("error").filter(|_| self.end == End::Fails)?;
        // What went wrong is in the next line where the first has only a heading.
        let next = lines.iter().skip_while(|line| **line != error).nth(1);
        Some(plain(&std::iter::once(error).chain(next.copied()).collect::<Vec<_>>().join(" / ")))
    }
}

/// What the system says of a connection follows, and is not always the same.
const NO_ANSWER: &str = "did not answer: ";

/// A line without what differs from run to run: digests, and the words of the system.
fn plain(line: &str) -> String {
    if let Some((before, _)) = line.split_once(NO_ANSWER) {
        return format!("{before}{NO_ANSWER}…");
    }
    let mut plain = String::new();
    let mut word = String::new();
    let end = |word: &mut String, plain: &mut String| {
        let is_digest = word.len() >= 12 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        plain.push_str(if is_digest { "…" } else { word });
        word.clear();
    };
    for next in line.chars() {
        if next.is_alphanumeric() {
            word.push(next);
        } else {
            end(&mut word, &mut plain);
            plain.push(next);
        }
    }
    end(&mut word, &mut plain);
    plain
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.end {
            End::Installs(version) => write!(f, "**installs {version}**")?,
            End::Fails => write!(f, "**{}**", self.word)?,
            End::Strange(what) => write!(f, "**{what}**")?,
            End::Lacks(what) => return write!(f, "**–** ({what})"),
        }
        if !self.told {
            write!(f, ", and does not say why")?;
        }
        match self.line() {
            Some(line) => write!(f, ": `` {line} ``"),
            None => Ok(()),
        }
    }
}
