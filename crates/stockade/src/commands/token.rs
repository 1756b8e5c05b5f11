//! `stockade token`: who may publish, decide and read. There is no token to begin with, so nobody may.

use anyhow::Context as _;
use serde::Serialize;
use stockade_ecosystem::ALL;
use stockade_engine::access::{CHANCE, Right, Token as Known, TokenRequest};
use stockade_model::Secret;

use super::decide::somebody;
use super::{Context, Exit};
use crate::args::Token;
use crate::errors::hinted;
use crate::output::columns;
use crate::subject;

/// A token as it is shown, once.
#[derive(Serialize)]
struct Created<'a> {
    token: &'a str,
    #[serde(flatten)]
    known: &'a Known,
}

/// Makes, lists or revokes.
pub(super) async fn token(context: Context<'_>, arguments: Token) -> anyhow::Result<Exit> {
    match arguments {
        Token::Create { who, may, expires } => create(&context, who, may, &expires).await,
        Token::List => list(&context).await,
        Token::Revoke { id, by } => revoke(&context, &id, by).await,
    }
}

async fn create(context: &Context<'_>, name: String, rights: Vec<Right>, expires: &str) -> anyhow::Result<Exit> {
    let expires = subject::end(expires, (context.clock)())?;
    rights.iter().try_for_each(is_of_somebody)?;
    let engine = context.engine_of_records().await?;
    let mut chance = [0; CHANCE];
    getrandom::fill(&mut chance).context("the system gives no random numbers, and without them there is no token")?;
    let (secret, known) = engine.create_token(chance, TokenRequest { name, rights, expires }).await?;
    let created = Created { token: secret.reveal(), known: &known };
    context.printer.answer(&created, || told(&secret))?;
    let Known { id, name, .. } = &known;
    context.printer.talk(&format!(
        "stockade: this is the token of `{name}` until {expires}; it is not shown again\n\
         to end it before: stockade token revoke {id}\n"
    ));
    Ok(Exit::Allowed)
}

fn told(secret: &Secret) -> String {
    format!("{}\n", secret.reveal())
}

/// A right on names of nobody would be good for nothing.
fn is_of_somebody(right: &Right) -> anyhow::Result<()> {
    let Right::Publish(pattern) = right else { return Ok(()) };
    let Some(purl_type) = pattern.ecosystem() else { return Ok(()) };
    if ALL.iter().any(|ecosystem| ecosystem.purl_type == purl_type) {
        return Ok(());
    }
    let known: Vec<String> = ALL.iter().map(|ecosystem| format!("`pkg:{}/…`", ecosystem.purl_type)).collect();
    Err(hinted(format!("`{pattern}` is of no ecosystem that stockade knows"), format!("there is {}", known.join(", "))))
}

async fn list(context: &Context<'_>) -> anyhow::Result<Exit> {
    let engine = context.engine_of_records().await?;
    let tokens = engine.tokens().await?;
    let now = engine.now();
    context.printer.answer(&tokens, || shown(&tokens, now))?;
    Ok(Exit::Allowed)
}

fn shown(tokens: &[Known], now: jiff::Timestamp) -> String {
    if tokens.is_empty() {
        return "there are no tokens; `stockade token create` makes one\n".to_owned();
    }
    let row = |token: &Known| {
        let rights: Vec<String> = token.rights.iter().map(Right::to_string).collect();
        let end = match token.revoked {
            Some(at) => format!("revoked {at}"),
            None if token.is_good(now) => format!("until {}", token.expires),
            None => format!("expired {}", token.expires),
        };
        vec![token.id.clone(), token.name.clone(), rights.join(" "), end]
    };
    columns(0, &tokens.iter().map(row).collect::<Vec<_>>())
}

async fn revoke(context: &Context<'_>, id: &str, by: Option<String>) -> anyhow::Result<Exit> {
    let engine = context.engine_of_records().await?;
    if !engine.revoke_token(id, &somebody(by)?).await? {
        return Err(hinted(
            format!("no token has the identifier `{id}` and is still good"),
            "`stockade token list` shows them",
        ));
    }
    context.printer.talk(&format!("stockade: the token `{id}` is good for nothing from now on\n"));
    Ok(Exit::Allowed)
}
