//! `Gemfile`, which may be `gems.rb`: a program in Ruby, which is not run. What it calls `gem` with in a line of its own is
//! read; a gem that it names in another way is not seen, so there is always a gap if there is no lockfile.

use super::installed::split;
use super::lockfile::GEMFILE_LOCK;
use super::release;
use crate::locked::{Locked, Out, read};
use crate::{Lockfile, Manifest};

pub(super) static GEMFILE: Manifest = Manifest {
    file: Lockfile {
        name: "Gemfile",
        matches: |path| {
            let file = path.rsplit('/').next().unwrap_or(path);
            (file == "Gemfile" || file == "gems.rb") && !is_installed(path)
        },
        parse: |bytes| read(bytes, parse),
    },
    below: &[],
    answered_by: &[&GEMFILE_LOCK],
};

/// True of a file of an installed gem: `gems/left-1.0.0/Gemfile`.
fn is_installed(path: &str) -> bool {
    let folders: Vec<&str> = path.split('/').collect();
    folders.windows(2).any(|pair| pair[0] == "gems" && split(pair[1]).is_some())
}

fn parse(text: &str, out: &mut Out) {
    out.problem_of_all("no lockfile of it is among what is read, so what its gems need is not known");
    for (content, line) in text.lines().zip(1..) {
        let Some(asked) = content.trim().strip_prefix("gem").filter(|rest| rest.starts_with([' ', '(', '\'', '"']))
        else {
            continue;
        };
        let mut texts = asked.split(['\'', '"']).skip(1).step_by(2);
        let Some(name) = texts.next() else { continue };
        let wanted = texts.next().unwrap_or("any").trim();
        let version = wanted.strip_prefix('=').unwrap_or(wanted).trim();
        match release(name, version) {
            Ok(release) => {
                out.push(Locked { direct: Some(true), ..Locked::new(release, line) });
            }
            Err(_) => out.open(line, name, wanted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_an_installed_gem_is_not_the_projects() {
        assert!((GEMFILE.file.matches)("gems/own/Gemfile"));
        assert!(!(GEMFILE.file.matches)("vendor/ruby/3.2.0/gems/left-1.0.0/Gemfile"));
    }

    #[test]
    fn only_exact_versions_are_releases() {
        let text = "source 'https://registry.example'\ngem 'left', '= 1.0.0'\ngem \"right\", '~> 2.0'\n# gem 'no'\ngem 'any'\ngemspec\n";
        let parsed = (GEMFILE.file.parse)(text.as_bytes());
        assert_eq!(parsed.value.iter().map(|entry| entry.release.to_string()).collect::<Vec<_>>(), ["left@1.0.0"]);
        let problems: Vec<_> = parsed.problems.iter().map(|problem| (problem.line, problem.what.as_str())).collect();
        assert_eq!(
            problems[1..],
            [
                (Some(3), "which `right` is taken is not decided: ~> 2.0"),
                (Some(5), "which `any` is taken is not decided: any")
            ]
        );
    }
}
