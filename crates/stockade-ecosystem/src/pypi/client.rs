//! The clients of PyPI: what they use today, and how they are pointed at the gateway.
//!
//! None of them prints all of it in one place, and each has more than one way around an index: further indexes, folders and
//! pages of links. Whatever leads around the gateway is a problem that is told, or is emptied for one run.
//!
//! Both keep what they have installed, pip the wheels that it built and uv all of them, and install it again without a
//! question, whatever was learnt about it since. Neither has a setting by which it would ask, so pointed at the gateway they
//! keep nothing; the gateway does.

mod module;
mod pip;
mod poetry;
mod uv;

use std::collections::BTreeMap;

use crate::{ClientConfig, Problem, Stated, Upstream};

pub(super) use module::module;
pub(super) use pip::PIP;
pub(super) use poetry::POETRY;
pub(super) use uv::UV;

/// The word before a run's name in pip's `User-Agent`.
const RUN: &str = "stockade-run/";

/// Our index, as clients are configured with it.
fn index(base: &str) -> String {
    format!("{base}/simple/")
}

/// What is in effect: what the settings state, else what the client uses. The client's credential still counts for a stated
/// address at the same host.
fn effective(stated: &Stated, own: Option<Upstream>, name: &str) -> Result<ClientConfig, Problem> {
    let default = match (stated.url.as_deref().map(Upstream::at).transpose()?, own) {
        (Some(mut default), own) => {
            let own = own.filter(|own| own.url.origin() == default.url.origin());
            default.credential = default.credential.or(own.and_then(|own| own.credential));
            default
        }
        (None, Some(own)) => own,
        (None, None) => return Err(Problem::new(format!("{name} names no index"))),
    };
    let foreign =
        |scope: &String| Problem::new(format!("`{scope}` has a registry of its own, but there are no scopes"));
    let problems = stated.scopes.keys().map(foreign).collect();
    Ok(ClientConfig { default, scopes: BTreeMap::new(), claims: Vec::new(), cafile: None, problems })
}

/// True if a line has an address with a name or a password in it.
fn has_userinfo(line: &str) -> bool {
    let end = |rest: &str| rest.find(['/', '"', '\'', ' ', '?', '#']).unwrap_or(rest.len());
    line.split("://").skip(1).any(|rest| rest[..end(rest)].contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stated_address_keeps_the_clients_credential_at_its_own_host_only() {
        let own = || Upstream::at("https://user:pw@mirror.example/simple").ok();
        let stated = |url: &str| Stated { url: Some(url.to_owned()), ..Stated::default() };
        let kept = |url: &str| effective(&stated(url), own(), "x").unwrap().default.credential.is_some();
        assert!(kept("https://mirror.example/other/"));
        assert!(
            !kept("https://mirror.example:8443/other/")
                && !kept("http://mirror.example/")
                && !kept("https://b.example/")
        );
        assert!(effective(&Stated::default(), None, "pip").is_err());
    }
}
