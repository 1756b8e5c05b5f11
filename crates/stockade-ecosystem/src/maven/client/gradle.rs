//! Gradle's own configuration.
//!
//! A build says in its own scripts where its packages come from, repository by repository, and nothing that its user
//! configures goes before that but a script that runs in front of them all. So Gradle is given one (`stockade.gradle`): for a
//! run among its arguments, for good in its folder of such scripts. Where packages come from without us only a build knows
//! that runs; it is taken for what Maven uses, whose repositories they are.
//!
//! For a run there is no daemon: one that was started before is outside of the sandbox.

use serde::{Deserialize, Serialize};

use super::MAVEN;
use crate::{Client, ClientConfig, Configured, Environment, Given, Problem, Rewritten, Stated, Upstream};

/// The client.
pub(in super::super) static GRADLE: Client = Client {
    name: "gradle",
    programs: &["gradle", "gradlew"],
    // Nothing that it prints is needed, and a project's own program is not run to be asked.
    ask: &[],
    is_asked_outside: false,
    around: Some(|_, env| around(env)),
    files: |printed| script_of(printed).into_iter().collect(),
    read,
    cache: |printed| Some(Around::of(printed)?.home),
    without_secrets: str::to_owned,
    environment: |_, _, _| Vec::new(),
    arguments: |_, _, _, _| Vec::new(),
    rewritten: |_, _| Rewritten::default(),
    given: Some(Given {
        name: SCRIPT,
        text: |_, base, _, run| script(base, run),
        beside: &[],
        arguments: |path| ["--no-daemon", "--init-script", path].map(str::to_owned).to_vec(),
        environment: |_, _| Vec::new(),
        decides: true,
    }),
    // Its `User-Agent` has nothing that could be set, so a run is a user's password.
    run_of: |header| header.strip_prefix(USER)?.strip_prefix(':'),
    point: |text, base, _| format!("{}\n{}{}\n{}", WRITTEN.0, script(base, ""), WRITTEN.1, unpoint(text)),
    unpoint,
    configured_in: script_of,
    lockfiles: &[],
    like: Some(&MAVEN),
    in_project: None,
    by_hand: None,
    unbound: None,
    led: None,
    unwritten: None,
    native: None,
};

const SCRIPT: &str = "stockade.gradle";
const TEXT: &str = include_str!("stockade.gradle");
/// What stands in the script for our address, and around it there.
const ADDRESS: (&str, &str) = ("gradle.ext.stockade = '", "'");
const PLACE: &str = "BASE/";
/// What stands in it for the name of a run; for good there is none.
const PLACE_OF_RUN: &str = "'RUN'";
/// The user of our address in a run.
const USER: &str = "stockade-run";
/// Around what was written.
const WRITTEN: (&str, &str) = ("// stockade setup wrote this:", "// stockade setup: until here");

fn script(base: &str, run: &str) -> String {
    let plain = |text: &str| text.replace(['\\', '\''], "");
    TEXT.replace(PLACE, &format!("{}/", plain(base))).replace(PLACE_OF_RUN, &format!("'{}'", plain(run)))
}

/// Where Gradle's own files are.
#[derive(Serialize, Deserialize)]
struct Around {
    home: String,
}

impl Around {
    /// There is nothing else that Gradle would have printed.
    fn of(printed: &[String]) -> Option<Self> {
        serde_json::from_str(printed.last()?).ok()
    }
}

fn around(env: Environment<'_>) -> Option<String> {
    let stated = |name: &str| env(name).filter(|value| !value.is_empty());
    let users = || Some(format!("{}/.gradle", stated("HOME").or_else(|| stated("USERPROFILE"))?));
    let home = stated("GRADLE_USER_HOME").or_else(users)?;
    serde_json::to_string(&Around { home }).ok()
}

fn script_of(printed: &[String]) -> Option<String> {
    Some(format!("{}/init.d/{SCRIPT}", Around::of(printed)?.home))
}

/// What is stated, or the gateway that a script of ours leads to.
fn read(_: &[String], files: &[Configured], _: Environment<'_>, stated: &Stated) -> Result<ClientConfig, Problem> {
    let written = || {
        let text = files.iter().find_map(|(_, bytes)| std::str::from_utf8(bytes).ok())?;
        let (_, rest) = text.split_once(ADDRESS.0)?;
        rest.split_once(ADDRESS.1).map(|(address, _)| address.to_owned())
    };
    let url = stated.url.clone().or_else(written);
    let url = url.ok_or_else(|| Problem::new("Gradle does not say where packages come from"))?;
    let scopes = stated.scopes.iter().map(|(group, url)| Ok((group.clone(), Upstream::at(url)?)));
    Ok(ClientConfig {
        default: Upstream::at(&url)?,
        scopes: scopes.collect::<Result<_, Problem>>()?,
        claims: Vec::new(),
        cafile: None,
        problems: Vec::new(),
    })
}

/// Takes out what was written.
fn unpoint(text: &str) -> String {
    let (open, close) = (format!("{}\n", WRITTEN.0), format!("{}\n", WRITTEN.1));
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(&open) {
        let Some((_, after)) = after.split_once(&close) else { break };
        out.push_str(before);
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "http://127.0.0.1:4873/maven";

    fn printed(variables: &'static [(&str, &str)]) -> Vec<String> {
        let env = |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        around(&env).into_iter().collect()
    }

    #[test]
    fn its_script_is_in_its_own_folder() {
        let script = |variables| (GRADLE.configured_in)(&printed(variables));
        assert_eq!(script(&[("HOME", "/h")]).as_deref(), Some("/h/.gradle/init.d/stockade.gradle"));
        let own = &[("HOME", "/h"), ("GRADLE_USER_HOME", "/g")];
        assert_eq!(script(own).as_deref(), Some("/g/init.d/stockade.gradle"));
        assert_eq!((GRADLE.cache)(&printed(own)).as_deref(), Some("/g"));
        assert_eq!(script(&[]), None);
    }

    #[test]
    fn setup_is_reversible() {
        for text in ["", "// mine\n", "println 'x'", "// stockade setup wrote this:\n", "\n\n"] {
            let pointed = (GRADLE.point)(text, BASE, &[]);
            assert!(pointed.contains(&format!("gradle.ext.stockade = '{BASE}/'")), "{pointed}");
            assert_eq!((GRADLE.point)(&pointed, BASE, &[]), pointed, "{text:?}");
            assert_eq!((GRADLE.unpoint)(&pointed), text);
            assert_eq!((GRADLE.unpoint)(text), text);
        }
    }

    #[test]
    fn where_the_script_leads_is_read() {
        let read = |text: &str, stated: Option<&str>| {
            let files = [("/h/.gradle/init.d/stockade.gradle".to_owned(), text.as_bytes().to_vec())];
            let stated = Stated { url: stated.map(str::to_owned), ..Stated::default() };
            (GRADLE.read)(&[], &files, &|_| None, &stated).map(|config| config.default.url.to_string())
        };
        let pointed = (GRADLE.point)("", BASE, &[]);
        assert_eq!(read(&pointed, None).unwrap(), format!("{BASE}/"));
        assert_eq!(read(&pointed, Some("https://mirror.example/maven2")).unwrap(), "https://mirror.example/maven2/");
        assert!(read("", None).is_err() && read("gradle.ext.stockade = 'x", None).is_err());
    }

    #[test]
    fn an_address_stays_in_its_quotes() {
        let script = script("http://127.0.0.1:1/x'\\; evil", "r'1");
        assert!(script.contains("gradle.ext.stockade = 'http://127.0.0.1:1/x; evil/'"), "{script}");
        assert!(script.contains("def run = 'r1'"), "{script}");
        assert!(!script.contains(PLACE) && !script.contains(PLACE_OF_RUN));
        assert_eq!(((GRADLE.run_of)("stockade-run:r1"), (GRADLE.run_of)("alice:r1")), (Some("r1"), None));
    }
}
