//! A settings file, as it is written.
//!
//! Every check happens inside `Deserialize`, so that the parser still knows the place and an error can name it.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use jiff::SignedDuration;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use stockade_ecosystem::{ALL, Stated, by_id};
use stockade_engine::advisories::{self, Claims, Kind, PublicKey, Sources};
use stockade_model::{Malformed, Name};
use url::Url;

use crate::subject::duration;

/// Where the gateway listens unless it is said otherwise.
pub(crate) const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), PORT);
const PORT: u16 = 4873;
/// The tables that a project may have.
const POLICY: &str = "policy";
const SANDBOX: &str = "sandbox";
/// The longest settings file in bytes.
const MAX_DOCUMENT: usize = 1024 * 1024;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Written {
    listen: Option<Listen>,
    public_url: Option<Address>,
    pub(super) data: Option<PathBuf>,
    pub(super) artifact_hosts: Vec<String>,
    upstream: BTreeMap<Ecosystem, Upstream>,
    pub(super) access: Access,
    pub(super) advisories: Advisories,
    pub(super) inspection: Inspection,
    /// What every command in the sandbox may do besides, or may not: a profile, which is read where there is a sandbox.
    pub(super) sandbox: Option<toml::Value>,
    /// Read by the policy's own crate.
    #[serde(rename = "policy")]
    _policy: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Access {
    pub(super) read: Option<Readers>,
}

/// Who may read what a gateway serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Readers {
    /// Whoever reaches it.
    Anybody,
    /// Whoever shows a token.
    Token,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Advisories {
    pub(super) sources: Vec<PathBuf>,
    feeds: Vec<Feed>,
    max_age: Option<MaxAge>,
    pub(super) every: Option<Every>,
    trust: Vec<Key>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Feed {
    url: Address,
    kind: Option<FeedKind>,
}

impl Advisories {
    /// Where advisories come from, with these folders.
    pub(super) fn with(&self, folders: Vec<PathBuf>, claims: Claims) -> Sources {
        let feed = |feed: &Feed| advisories::Feed {
            url: feed.url.0.clone(),
            kind: feed.kind.as_ref().map_or(Kind::Osv, |kind| kind.0),
        };
        Sources {
            folders,
            feeds: self.feeds.iter().map(feed).collect(),
            max_age: self.max_age.as_ref().map_or(advisories::MAX_AGE, |age| age.0),
            trust: self.trust.iter().map(|key| key.0).collect(),
            claims,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Inspection {
    pub(super) own_rules: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Upstream {
    url: Option<Address>,
    scopes: BTreeMap<String, Address>,
    /// To whom names belong, as patterns.
    claims: BTreeMap<String, Owner>,
}

impl Written {
    pub(super) fn listen(&self) -> SocketAddr {
        self.listen.as_ref().map_or(DEFAULT_LISTEN, |listen| listen.0)
    }

    pub(super) fn public_url(&self) -> Option<Url> {
        self.public_url.as_ref().map(|address| address.0.clone())
    }

    pub(super) fn stated(&self) -> BTreeMap<String, Stated> {
        let text = |address: &Address| address.0.to_string();
        let stated = |upstream: &Upstream| Stated {
            url: upstream.url.as_ref().map(text),
            scopes: upstream.scopes.iter().map(|(scope, address)| (scope.clone(), text(address))).collect(),
            claims: upstream.claims.iter().map(|(names, owner)| (names.clone(), owner.0.clone())).collect(),
            otherwise: None,
        };
        self.upstream.iter().map(|(ecosystem, upstream)| (ecosystem.0.clone(), stated(upstream))).collect()
    }

    /// Whose names are those of another registry than the other names of their ecosystem. Where these are from has to be
    /// stated: a claim may also give a name back to the registry that a client is configured for, which nobody asks here.
    pub(super) fn claims(&self) -> Claims {
        let of = |(id, upstream): (&Ecosystem, &Upstream)| {
            let purl_type = by_id(&id.0).map(|ecosystem| ecosystem.purl_type);
            let plain = |address: &str| address.trim_end_matches('/').to_owned();
            let others = upstream.url.as_ref().map(|url| plain(url.0.as_str()));
            let claims = upstream.claims.iter().filter_map(move |(names, owner)| {
                let pattern = format!("pkg:{}/{names}", purl_type?).parse().ok()?;
                Some((
                    pattern,
                    Some(owner.0.clone()).filter(|owner| others.as_ref().is_some_and(|others| plain(owner) != *others)),
                ))
            });
            claims.collect::<Vec<_>>()
        };
        self.upstream.iter().flat_map(of).collect()
    }

    /// A scope that no package can be in would be a registry that nobody asks, and a time for no feeds that of nothing.
    fn check(&self) -> Result<(), String> {
        if self.advisories.every.is_some() && self.advisories.feeds.is_empty() {
            return Err(
                "`advisories.every`: no feed is named that could be fetched, in `[[advisories.feeds]]`".to_owned()
            );
        }
        for (id, upstream) in &self.upstream {
            let Some(ecosystem) = by_id(&id.0) else { continue };
            for scope in upstream.scopes.keys() {
                if let Err(malformed) = (ecosystem.name)(&format!("{scope}/name")) {
                    return Err(format!("`upstream.{}.scopes`: no package is in `{scope}`: {}", id.0, malformed.why));
                }
            }
            for names in upstream.claims.keys() {
                let bare = names.replace('*', "x");
                if let Err(malformed) = (ecosystem.name)(&bare).and_then(|name| same(&name, &bare)) {
                    return Err(format!("`upstream.{}.claims`: no package is `{names}`: {}", id.0, malformed.why));
                }
            }
        }
        Ok(())
    }
}

/// Fails for a name that is not written in its normal form: a claim on another spelling covers nothing.
fn same(name: &Name, written: &str) -> Result<(), Malformed> {
    let why = "it is not in the normal form of names, in which `stockade why` shows them";
    if name.as_str() == written { Ok(()) } else { Err(Malformed::new("a package name", written, why)) }
}

/// Reads the settings of a user. `[policy]` is not looked into.
pub(super) fn settings(text: &str) -> anyhow::Result<Written> {
    let written: Written = read(text)?;
    written.check().map_err(anyhow::Error::msg)?;
    Ok(written)
}

/// Reads the settings of a project, which have nothing but a policy and what is taken from the sandbox.
pub(super) fn project(text: &str) -> anyhow::Result<Option<toml::Value>> {
    let mut tables = read::<BTreeMap<ProjectKey, toml::Value>>(text)?;
    Ok(tables.remove(&ProjectKey(SANDBOX.to_owned())))
}

fn read<T: DeserializeOwned>(text: &str) -> anyhow::Result<T> {
    if text.len() > MAX_DOCUMENT {
        bail!("it has {} bytes, more than the limit of {MAX_DOCUMENT}", text.len());
    }
    toml::from_str(text).map_err(|error| {
        let before = &text[..error.span().map_or(0, |span| text.floor_char_boundary(span.start))];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        anyhow::anyhow!("line {line}, column {column}: {}", error.message().trim_end())
    })
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
struct ProjectKey(String);

impl TryFrom<String> for ProjectKey {
    type Error = String;

    fn try_from(key: String) -> Result<Self, String> {
        if key == POLICY || key == SANDBOX {
            return Ok(Self(key));
        }
        Err(format!(
            "`{key}` belongs in the user's file: a project may only tighten the policy, in `[policy]`, and the sandbox"
        ))
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
struct Ecosystem(String);

impl TryFrom<String> for Ecosystem {
    type Error = String;

    fn try_from(id: String) -> Result<Self, String> {
        if by_id(&id).is_some() {
            return Ok(Self(id));
        }
        let known: Vec<String> = ALL.iter().map(|ecosystem| format!("`{}`", ecosystem.id)).collect();
        Err(format!("`{id}` is no ecosystem that stockade knows; there is {}", known.join(", ")))
    }
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Listen(SocketAddr);

impl TryFrom<String> for Listen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = |_| format!("`{text}` is not an address with a port, such as `{DEFAULT_LISTEN}`");
        text.parse().map(Self).map_err(wrong)
    }
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct MaxAge(SignedDuration);

impl TryFrom<String> for MaxAge {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let age = duration(&text).filter(SignedDuration::is_positive);
        age.map(Self).ok_or_else(|| format!("`{text}` is no duration; write `48h`, `3d` or `30m`"))
    }
}

/// How often feeds are fetched.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Every(pub(super) Duration);

/// Nobody's feeds are to be asked more often than that.
const MIN_EVERY: Duration = Duration::from_mins(1);

impl TryFrom<String> for Every {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let every =
            duration(&text).and_then(|every| Duration::try_from(every).ok()).filter(|every| *every >= MIN_EVERY);
        every.map(Self).ok_or_else(|| format!("`{text}` is no duration of at least a minute; write `15m` or `1h`"))
    }
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct FeedKind(Kind);

impl TryFrom<String> for FeedKind {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self)
    }
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Key(PublicKey);

impl TryFrom<String> for Key {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self)
    }
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Address(Url);

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        // The text may carry a credential.
        url.map(Self).ok_or_else(|| format!("`{}` is not an http or https address", stockade_model::redacted(&text)))
    }
}

/// Whose names are: those of the registry at an address, or [`Stated::HOSTED`].
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Owner(String);

impl TryFrom<String> for Owner {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == Stated::HOSTED {
            return Ok(Self(text));
        }
        let neither = |why| format!("{why}, nor `{}`", Stated::HOSTED);
        Address::try_from(text).map(|address| Self(address.0.to_string())).map_err(neither)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        settings(text).unwrap_err().to_string()
    }

    #[test]
    fn settings_are_read() {
        let written = settings(
            "listen = \"127.0.0.1:1\"\nartifact-hosts = [\"files.example\"]\n[upstream.npm]\nurl = \"https://registry.example/npm\"\n\
             scopes = { \"@acme\" = \"https://npm.acme.example\" }\n[policy]\nnonsense = 1\n",
        )
        .unwrap();
        assert_eq!(written.listen().port(), 1);
        let stated = &written.stated()["npm"];
        assert_eq!(stated.url.as_deref(), Some("https://registry.example/npm"));
        assert_eq!(stated.scopes["@acme"], "https://npm.acme.example/");
        let claims = "[upstream.npm.claims]\n\"@acme/*\" = \"hosted\"\n[access]\nread = \"token\"";
        let hosted = settings(claims).unwrap();
        assert_eq!(hosted.stated()["npm"].claims["@acme/*"], Stated::HOSTED);
        assert_eq!(hosted.access.read, Some(Readers::Token));
        assert_eq!(settings("").unwrap().listen().to_string(), "127.0.0.1:4873");
    }

    #[test]
    fn an_error_says_where_and_what() {
        let checks = [
            ("listen = \"here\"", "line 1, column 10: `here` is not an address with a port, such as `127.0.0.1:4873`"),
            (
                "\n[upstream.nmp]\n",
                "line 2, column 11: `nmp` is no ecosystem that stockade knows; there is `npm`, `pypi`, `cargo`, `maven`",
            ),
            (
                "[upstream.npm]\nurl = \"ftp://user:s3cr3t@x.example\"",
                "line 2, column 7: `ftp://x.example` is not an http or https address",
            ),
            (
                "[upstream.npm]\nscopes = { acme = \"https://x.example\" }",
                "`upstream.npm.scopes`: no package is in `acme`: it has a character that would have to be encoded in a URL",
            ),
            (
                "[upstream.npm]\nclaims = { \"acme-*\" = \"here\" }",
                "line 2, column 23: `here` is not an http or https address, nor `hosted`",
            ),
            (
                "[[advisories.feeds]]\nurl = \"https://x.example\"\nkind = \"cve\"",
                "line 3, column 8: `cve` is no kind of feed; there is `osv`, `epss`, `kev`, `list`",
            ),
            (
                "[advisories]\nevery = \"30s\"",
                "line 2, column 9: `30s` is no duration of at least a minute; write `15m` or `1h`",
            ),
            (
                "[advisories]\nevery = \"15m\"",
                "`advisories.every`: no feed is named that could be fetched, in `[[advisories.feeds]]`",
            ),
            ("[advisories]\nmax-age = \"0d\"", "line 2, column 11: `0d` is no duration; write `48h`, `3d` or `30m`"),
            (
                "[advisories]\ntrust = [\"ed25519:00\"]",
                "line 2, column 9: a key is `ed25519:` and 64 hexadecimal digits",
            ),
            ("[access]\nread = \"all\"", "line 2, column 8: unknown variant `all`, expected `anybody` or `token`"),
            (
                "[upstream.npm]\nclaims = { \"ac me*\" = \"https://x.example\" }",
                "`upstream.npm.claims`: no package is `ac me*`: it has a character that would have to be encoded in a URL",
            ),
        ];
        for (text, expected) in checks {
            assert_eq!(error(text), expected);
        }
        assert!(error("lisen = \"x\"").starts_with("line 1, column 1: unknown field `lisen`"));
    }

    #[test]
    fn a_project_has_a_policy_and_nothing_else() {
        assert!(project("[policy]\nmode = \"enforce\"\n").is_ok());
        assert!(project("").is_ok());
        assert_eq!(
            project("[policy]\n[upstream.npm]\nurl = \"https://evil.example\"").unwrap_err().to_string(),
            "line 2, column 2: `upstream` belongs in the user's file: a project may only tighten the policy, in `[policy]`, and the sandbox"
        );
        let table = project("[sandbox.network]\ndeny = [\"*\"]").unwrap().unwrap();
        assert_eq!(table["network"]["deny"][0].as_str(), Some("*"));
    }
}
