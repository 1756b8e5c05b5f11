//! Which profile is in effect for a command.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize as _;
use stockade_sandbox::profile::Profile;

use crate::args::Run;
use crate::command::Started;
use crate::errors::hinted;
use crate::files;
use crate::settings::Settings;

/// Files that a project's folder has, if it is no repository.
pub(super) const MARKS: &[&str] = &[
    "Cargo.toml",
    "build.gradle",
    "build.gradle.kts",
    "deno.json",
    "go.mod",
    "package.json",
    "pom.xml",
    "pyproject.toml",
    "requirements.txt",
    "setup.py",
    "stockade.toml",
];

/// The base, the profile for the command or the one in its place, what the settings say, and what the arguments add.
pub(super) fn profile(
    arguments: &Run,
    settings: &Settings,
    program: &OsStr,
    words: &[OsString],
) -> anyhow::Result<Profile> {
    let own = match &arguments.profile {
        Some(path) => read(path)?,
        None => built_in(program, words)?,
    };
    let mut profile = Profile::base()?.and(own);
    let [users, projects] = &settings.sandbox;
    if let Some((file, table)) = users {
        profile = profile.and(table_of(file, table)?);
    }
    if let Some((file, table)) = projects {
        let tighter = Some(table_of(file, table)?).filter(Profile::only_takes_away).ok_or_else(|| loosens(file))?;
        profile = profile.and(tighter);
    }
    let text = |path: &Path| -> anyhow::Result<String> {
        let path = std::path::absolute(path)?;
        path.into_os_string().into_string().map_err(|path| anyhow::anyhow!("`{}` is not UTF-8", path.display()))
    };
    for path in &arguments.allow_read {
        profile.files.read.push(text(path)?);
    }
    for path in &arguments.allow_write {
        profile.files.write.push(text(path)?);
    }
    profile.network.publish.extend(&arguments.publish);
    profile.environment.pass.extend(arguments.allow_env.iter().cloned());
    Ok(profile)
}

/// What a settings file says of the sandbox.
fn table_of(file: &Path, table: &toml::Value) -> anyhow::Result<Profile> {
    let read = Profile::deserialize(table.clone());
    read.with_context(|| format!("`sandbox` in `{}` is no profile", file.display()))
}

fn loosens(file: &Path) -> anyhow::Error {
    hinted(
        format!("`sandbox` in `{}` would allow more, and a project may only take away", file.display()),
        "it may have `files.protect`, `files.hide`, `network.deny`, `environment.deny` and `programs.deny`; the rest \
         belongs in a profile for `--profile`, or in your own settings",
    )
}

fn read(path: &Path) -> anyhow::Result<Profile> {
    let text = files::read_text(path)?.with_context(|| format!("`{}` does not exist", path.display()))?;
    Profile::parse(&text).with_context(|| format!("`{}` is no profile", path.display()))
}

/// The built-in profile that fits best.
fn built_in(program: &OsStr, words: &[OsString]) -> anyhow::Result<Profile> {
    let all = stockade_ecosystem::profiles().map(Profile::parse).collect::<Result<Vec<_>, _>>()?;
    // A client that an interpreter starts is itself, however the interpreter is called.
    let whole: Vec<OsString> = std::iter::once(program.to_owned()).chain(words.iter().cloned()).collect();
    let started = Started::by(&whole).filter(|started| started.own > 1);
    let (program, words) = match &started {
        Some(started) => (OsStr::new(started.client.name), &words[started.own - 1..]),
        None => (program, words),
    };
    let fitting = all.into_iter().filter_map(|profile| Some((profile.fits(program, words)?, profile)));
    match fitting.max_by_key(|(words, _)| *words) {
        Some((_, profile)) => Ok(profile),
        None => Ok(Profile::other()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(command: &str) -> String {
        let words: Vec<OsString> = command.split(' ').map(Into::into).collect();
        built_in(&words[0], &words[1..]).unwrap().name
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test reads the documents")]
    fn the_profile_in_the_documents_is_one() {
        let text =
            std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sandbox.md")).unwrap();
        let profile = text.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
        assert_eq!(Profile::parse(profile).unwrap().name, "mine");
    }

    #[test]
    fn every_client_has_its_profile() {
        for (command, name) in [
            ("npm ci", "npm install"),
            ("npm --loglevel=error install x", "npm install"),
            ("npm run build", "npm run"),
            ("npx -y cowsay", "npm run"),
            ("pnpm install", "pnpm, yarn or bun install"),
            ("yarn", "pnpm, yarn or bun install"),
            ("yarn run x", "npm run"),
            ("pip install x", "pip, uv or Poetry install"),
            ("python3 -m venv x", "python"),
            ("python3 -m pip install x", "pip, uv or Poetry install"),
            ("/usr/bin/python3.11 -I -m pip install x", "pip, uv or Poetry install"),
            ("uv sync", "pip, uv or Poetry install"),
            ("uv run x", "python"),
            ("cargo build --release", "cargo"),
            ("./mvnw package", "Maven or Gradle"),
            ("/usr/bin/java -jar x", "java"),
            ("node app.js", "node"),
            ("make", "any command"),
        ] {
            assert_eq!(chosen(command), name, "{command}");
        }
    }
}
