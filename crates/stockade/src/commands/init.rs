//! `stockade init`: the settings file, from what is found.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;
use stockade_ecosystem::ClientConfig;
use stockade_model::redacted;

use super::Exit;
use crate::args::Global;
use crate::errors::hinted;
use crate::files;
use crate::inherit::{self, Inherited};
use crate::output::Printer;
use crate::settings::{DEFAULT_LISTEN, Settings};

const HEAD: &str = "\
# The settings of stockade, written by `stockade init`.
# Addresses only: credentials stay in the clients' own files, where stockade reads them.
";
const POLICY: &str = r#"
# [policy]
# mode = "audit"          # record what would be held, and serve it
#
# [policy.cooldown]
# default = "7d"          # how old a release has to be; 72h unless said
#
# [[policy.exception]]    # loosen something, for a time
# match = "pkg:TYPE/NAME@VERSION"
# reason = "why"
# by = "who"
# expires = 2030-01-01
"#;

#[derive(Serialize)]
struct Written<'a> {
    file: &'a Path,
    upstreams: Vec<String>,
}

/// Writes the file, unless there is one.
pub(super) async fn init(global: &Global, printer: &Printer, force: bool) -> anyhow::Result<Exit> {
    let settings = Settings::without_file(global)?;
    let file = &settings.file;
    if file.exists() && !force {
        return Err(hinted(format!("{} exists already", file.display()), "`--force` overwrites it"));
    }
    let all = inherit::all(&settings).await;
    for inherited in &all {
        inherited.refuse_ourselves(&settings)?;
    }
    let all = inherit::one_of_each(&all);
    files::replace(file, document(&all).as_bytes())?;
    let on = all.iter().filter(|inherited| inherited.config.is_ok());
    let written = Written { file, upstreams: on.map(|inherited| inherited.ecosystem.id.to_string()).collect() };
    printer.answer(&written, || format!("wrote {}\n", file.display()))?;
    Ok(Exit::Allowed)
}

fn document(all: &[&Inherited]) -> String {
    let mut text = format!("{HEAD}\nlisten = {}\n", quoted(&DEFAULT_LISTEN.to_string()));
    for inherited in all {
        let id = inherited.ecosystem.id.as_str();
        match &inherited.config {
            Ok(config) => text.push_str(&upstream(id, config)),
            Err(why) => {
                let _ = write!(text, "\n# {}\n# [upstream.{id}]\n# url = \"https://…/\"\n", why.replace('\n', " "));
            }
        }
    }
    text + POLICY
}

/// The table that states an upstream, without credentials.
pub(super) fn upstream(id: &str, config: &ClientConfig) -> String {
    let mut text = format!("\n[upstream.{id}]\nurl = {}\n", quoted(&redacted(config.default.url.as_str())));
    if !config.scopes.is_empty() {
        let scopes = config.scopes.iter();
        let pairs: Vec<String> = scopes
            .map(|(scope, upstream)| format!("{} = {}", quoted(scope), quoted(&redacted(upstream.url.as_str()))))
            .collect();
        let _ = writeln!(text, "scopes = {{ {} }}", pairs.join(", "));
    }
    text
}

/// A string as TOML has it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
