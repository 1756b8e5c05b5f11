//! `stockade log`: what was recorded, and whether it still is what was recorded.

use anyhow::Context as _;
use serde::Serialize;
use serde_json::Value;
use stockade_engine::{Entry, Head, LogFault, Store, Verified};
use stockade_model::{Digest, Purl};

use super::{Context, Exit};
use crate::args::Log;
use crate::errors::hinted;
use crate::output::columns;
use crate::settings::Settings;

/// How many entries are shown at most.
const MAX_SHOWN: usize = 1_000_000;

#[derive(Serialize)]
#[serde(untagged)]
enum Checked {
    Holds(Verified),
    Broken(LogFault),
}

/// Shows or checks the log. Nothing is added to it by looking.
pub(super) async fn log(context: Context<'_>, command: Log) -> anyhow::Result<Exit> {
    let store = store(&context.settings)?;
    match command {
        Log::Show { number } => {
            let entries = store.newest_entries(number.min(MAX_SHOWN)).await?;
            context.printer.answer(&entries, || columns(0, &entries.iter().map(row).collect::<Vec<_>>()))?;
            Ok(Exit::Allowed)
        }
        Log::Verify { expect } => {
            let expected = expect.map(|text| head(&text)).transpose()?;
            let checked = match store.verify_log(expected).await? {
                Ok(verified) => Checked::Holds(verified),
                Err(fault) => Checked::Broken(fault),
            };
            context.printer.answer(&checked, || said(&checked))?;
            Ok(if matches!(checked, Checked::Holds(_)) { Exit::Allowed } else { Exit::Refused })
        }
        Log::Served { digest } => {
            let digest: Digest = digest.parse()?;
            let served = store.served(&digest).await?;
            if served.is_empty() {
                context.printer.talk(&format!("stockade: nobody was given {digest}\n"));
            }
            let row = |row: &stockade_engine::ServedRow| {
                vec![format!("{:.3}", row.at), row.principal.clone(), Purl::of(&row.release).to_string()]
            };
            context.printer.answer(&served, || columns(0, &served.iter().map(row).collect::<Vec<_>>()))?;
            Ok(Exit::Allowed)
        }
    }
}

/// True if anything was ever recorded.
pub(super) fn exists(settings: &Settings) -> bool {
    settings.data.join("stockade.db").is_file()
}

/// The store, if there is one. Looking at a log must not make one.
pub(super) fn store(settings: &Settings) -> anyhow::Result<Store> {
    let data = &settings.data;
    if !exists(settings) {
        let hint = "nothing was recorded there yet; `--data` names another folder";
        return Err(hinted(format!("there is no log in {}", data.display()), hint));
    }
    Ok(Store::open(data)?)
}

fn head(text: &str) -> anyhow::Result<Head> {
    let read = || {
        let (seq, hash) = text.split_once(':')?;
        Some(Head { seq: seq.parse().ok()?, hash: hash.to_ascii_lowercase() })
    };
    read().with_context(|| format!("`{text}` is no entry; write the number and the hash as `log verify` prints them"))
}

fn said(checked: &Checked) -> String {
    match checked {
        Checked::Holds(Verified { entries, head }) => {
            let end = format!("{}:{}", head.seq, head.hash);
            format!("the log holds together, all {entries} of its entries\nend: {end}\n")
        }
        Checked::Broken(fault) => format!("the log was tampered with: {fault}\n"),
    }
}

/// One line about an entry: what happened to what.
fn row(entry: &Entry) -> Vec<String> {
    let Entry { seq, at, kind, body, .. } = entry;
    vec![seq.to_string(), format!("{at:.3}"), kind.clone(), about(body)]
}

fn about(body: &Value) -> String {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let release = serde_json::from_value(body["release"].clone()).ok();
    let purl = release.map(|release| Purl::of(&release).to_string());
    let whole = [purl, text(&body["principal"]), text(&body["verdict"]), text(&body["by"]), text(&body["reason"])];
    text(&body["sentence"]).unwrap_or_else(|| {
        let known: Vec<String> = whole.into_iter().flatten().collect();
        if known.is_empty() { text(&body["digest"]).unwrap_or_default() } else { known.join("  ") }
    })
}
