//! `Gemfile.lock`, which may be `gems.locked`: sections, and in those of a source the gems that it has, indented by four,
//! with what they need, indented by six.

use std::collections::HashMap;

use stockade_model::{Algorithm, Digest, Integrity};

use super::release;
use crate::locked::{Graph, Locked, Out, address, git_address, mark_direct, read};
use crate::{Lockfile, Origin, Scope};

pub(super) static GEMFILE_LOCK: Lockfile = Lockfile {
    name: "Gemfile.lock",
    matches: |path| {
        let file = path.rsplit('/').next().unwrap_or(path);
        // Bundler's own name for other files: `Gemfile.rails7.lock`, `gemfiles/rails7.gemfile.lock`.
        let named = file.strip_suffix(".lock");
        file == "gems.locked" || named.is_some_and(|name| name.starts_with("Gemfile") || name.ends_with(".gemfile"))
    },
    parse: |bytes| read(bytes, parse),
};

/// Where the gems of a section are from.
#[derive(Default)]
struct Source<'a> {
    kind: &'a str,
    remotes: Vec<&'a str>,
    commit: Option<&'a str>,
}

impl Source<'_> {
    fn origin(&self) -> Origin {
        let remote = self.remotes.first().copied().unwrap_or_default();
        match (self.kind, self.remotes.as_slice()) {
            ("GIT", _) => Origin::Git(git_address(remote, self.commit)),
            ("PATH", _) => Origin::Path(address(remote)),
            (_, [only]) => Origin::Registry(Some(address(only))),
            _ => Origin::Registry(None),
        }
    }
}

/// Whose needs are read.
#[derive(Default, Clone, Copy)]
enum Needing {
    /// What they are of could not be read.
    #[default]
    Nobody,
    Project,
    Entry(u32),
}

#[derive(Default)]
struct State<'a> {
    source: Source<'a>,
    /// The section that is read, if it is none of a source.
    section: &'a str,
    /// What the project asks for comes after all gems.
    has_end: bool,
    /// The entries of each name, `None` where the name is of a folder of the project.
    by_name: HashMap<&'a str, Vec<Option<u32>>>,
    /// The entry of each name and version in the section.
    same: HashMap<(&'a str, &'a str), u32>,
    now: Needing,
    digests: HashMap<(&'a str, &'a str), Vec<Digest>>,
}

fn parse(text: &str, out: &mut Out) {
    let mut state = State::default();
    let mut graph = Graph::new();
    for (content, line) in text.lines().zip(1..) {
        let told = content.trim();
        let indent = content.len() - content.trim_start().len();
        match (indent, state.section) {
            _ if told.is_empty() => {}
            (0, _) => state.begin(told, line, out),
            (_, "DEPENDENCIES") => graph.add(None, name_of(told.trim_end_matches('!')), Scope::Unknown, line),
            (_, "CHECKSUMS") => state.checksum(told, line, out),
            (_, "PLATFORMS" | "RUBY VERSION" | "BUNDLED WITH") => {}
            (2, "") => state.member(told, line, out),
            (4, "") => state.gem(told, line, out),
            (6, "") => match state.now {
                Needing::Nobody => {}
                Needing::Project => graph.add(None, name_of(told), Scope::Unknown, line),
                Needing::Entry(from) => graph.add(Some(from), name_of(told), Scope::Unknown, line),
            },
            _ => out.problem(line, "it cannot be said what it is"),
        }
    }
    if state.source.kind.is_empty() {
        out.problem_of_all("it has no section with gems, so it is no lockfile of Bundler");
    } else if !state.has_end {
        out.problem_of_all("it has no `DEPENDENCIES`, so it breaks off");
    }
    state.claim(out);
    let own = graph.join(out, |edge, out| {
        let found = state.by_name.get(edge.to).map(Vec::as_slice).unwrap_or_default();
        // Bundler itself is in no lockfile.
        if found.is_empty() && edge.to != "bundler" {
            out.problem(edge.line, format!("`{}` is needed and has no entry", edge.to.escape_debug()));
        }
        found.iter().filter_map(|at| *at).collect::<Vec<_>>()
    });
    mark_direct(&mut out.entries, &own);
}

impl<'a> State<'a> {
    fn begin(&mut self, section: &'a str, line: u32, out: &mut Out) {
        (self.section, self.now) = (section, Needing::Nobody);
        self.has_end |= section == "DEPENDENCIES";
        match section {
            "GEM" | "GIT" | "PATH" | "PLUGIN SOURCE" => {
                self.source = Source { kind: section, ..Source::default() };
                (self.section, self.same) = ("", HashMap::new());
            }
            "PLATFORMS" | "DEPENDENCIES" | "CHECKSUMS" | "RUBY VERSION" | "BUNDLED WITH" => {}
            _ => out.problem(line, format!("the section `{}` is not known", section.escape_debug())),
        }
    }

    /// What a section says of its source.
    fn member(&mut self, told: &'a str, line: u32, out: &mut Out) {
        match told.split_once(':').map(|(key, value)| (key, value.trim())) {
            Some(("remote", value)) => {
                self.source.remotes.push(value);
                if self.source.kind == "GEM" && self.source.remotes.len() == 2 {
                    out.notice(line, "the section has several registries, and whichever has a gem may give it");
                }
            }
            Some(("revision", value)) => self.source.commit = Some(value),
            Some(("specs" | "ref" | "branch" | "tag" | "submodules" | "glob" | "type", _)) => {}
            _ => out.problem(line, "it cannot be said what it is"),
        }
    }

    /// `left (1.0.0)`, `left (1.0.0-x86_64-linux)`
    fn gem(&mut self, told: &'a str, line: u32, out: &mut Out) {
        self.now = Needing::Nobody;
        let Some((name, version)) = pair(told) else {
            return out.problem(line, "a gem has no version, so it cannot be said what it is");
        };
        if self.source.kind == "PATH" {
            self.now = Needing::Project;
            return self.by_name.entry(name).or_default().push(None);
        }
        let known = self.same.get(&(name, version)).copied();
        let at = known.or_else(|| {
            let release = out.take(line, release(name, version))?;
            let at = out.push(Locked { origin: self.source.origin(), ..Locked::new(release, line) })?;
            self.same.insert((name, version), at);
            self.by_name.entry(name).or_default().push(Some(at));
            Some(at)
        });
        self.now = at.map_or(Needing::Nobody, Needing::Entry);
    }

    /// `left (1.0.0) sha256=…`
    fn checksum(&mut self, told: &'a str, line: u32, out: &mut Out) {
        let Some((gem, digests)) = told.split_once(") ") else { return };
        let Some(of) = pair(gem) else { return out.problem(line, "a digest is of nothing") };
        for digits in digests.split(',').filter_map(|digest| digest.trim().strip_prefix("sha256=")) {
            match Digest::from_hex(Algorithm::Sha256, digits) {
                Ok(digest) => self.digests.entry(of).or_default().push(digest),
                Err(error) => {
                    out.problem(line, format!("the digest of `{}` cannot be read: {error}", of.0.escape_debug()));
                }
            }
        }
    }

    /// Gives each entry of a registry the digests that its files may have.
    fn claim(&mut self, out: &mut Out) {
        for entry in out.entries.iter_mut().filter(|entry| matches!(entry.origin, Origin::Registry(_))) {
            let of = (entry.release.package.name.as_str(), entry.release.version.as_str());
            entry.integrity = self.digests.get(&of).cloned().and_then(Integrity::from_digests);
        }
    }
}

/// The name and the version, without the platform; no version in these files has a `-`.
fn pair(told: &str) -> Option<(&str, &str)> {
    let (name, version) = told.split_once(" (")?;
    let version = version.trim_end_matches(')');
    Some((name.trim(), version.split('-').next().unwrap_or(version)))
}

/// `left (~> 1.0)`
fn name_of(told: &str) -> &str {
    told.split(' ').next().unwrap_or(told).trim_end_matches('!')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_with_several_registries_is_said() {
        let text = "GEM\n  remote: https://a.example/\n  remote: https://u:s3cret@b.example/\n  specs:\n    left (1.0)\n\nDEPENDENCIES\n";
        let parsed = (GEMFILE_LOCK.parse)(text.as_bytes());
        assert_eq!((parsed.value[0].origin.clone(), parsed.problems.len()), (Origin::Registry(None), 0));
        assert_eq!(parsed.notices[0].line, Some(3));
        assert!(!format!("{parsed:?}").contains("s3cret"));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let problems = |text: &str| (GEMFILE_LOCK.parse)(text.as_bytes()).problems.len();
        let gems = |rest: &str| format!("GEM\n  remote: https://a.example/\n  specs:\n{rest}\nDEPENDENCIES\n");
        assert_eq!(problems(&gems("    left (1.0)\n")), 0);
        for rest in [
            "    left\n",
            "    left (x)\n",
            "    left (1.0)\n      gone\n",
            "   left (1.0)\n",
            "    left (1.0)\n\nSTRANGE\n",
            "    left (1.0)\n\nCHECKSUMS\n  left (1.0) sha256=zz\n",
            "    left (1.0)\n\nDEPENDENCIES\n  gone (~> 1)\n",
        ] {
            assert_eq!(problems(&gems(rest)), 1, "{rest}");
        }
        assert_eq!(problems(""), 1);
    }

    #[test]
    fn names_of_lockfiles() {
        for path in ["Gemfile.lock", "a/gems.locked", "Gemfile.rails7.lock", "gemfiles/rails7.gemfile.lock"] {
            assert!((GEMFILE_LOCK.matches)(path), "{path}");
        }
        for path in ["Gemfile", "a.lock", "gems.rb", "myGemfile.lock.txt"] {
            assert!(!(GEMFILE_LOCK.matches)(path), "{path}");
        }
    }
}
