//! Who may do what.
//!
//! Whoever shows a token is the one whose it is; whoever shows none is their address. A token is 256 bits of chance, so
//! that its hash is all that is kept of it. There is no token to begin with, no password, and no privilege of being on the
//! same machine. All that is asked is asked of [`Caller::may`].

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use stockade_model::{Digest, MalformedPurl, Package, Pattern, Secret};

use crate::{Engine, EngineError};

/// What a token begins with, so that it is recognised where it should not be.
const PREFIX: &str = "stockade_";
/// How many bytes of chance are in a token.
pub const CHANCE: usize = 32;
/// How long a token's identifier is: so much of its hash.
const ID: usize = 12;
/// The longest name of somebody in characters.
const MAX_NAME: usize = 100;

/// Something that a token is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Right {
    /// To read what the gateway serves, where that is not everybody's.
    Read,
    /// To publish and change packages of these names, where they are hosted.
    Publish(Pattern),
    /// To decide about releases that are held.
    Approve,
    /// To tell what a sandbox saw of releases.
    Report,
    /// All of it.
    Admin,
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy)]
pub enum Action<'a> {
    /// Read.
    Read,
    /// Publish or change a package.
    Publish(&'a Package),
    /// Decide about a release.
    Approve,
    /// Tell what a sandbox saw of a release.
    Report,
}

impl Right {
    fn covers(&self, action: Action<'_>) -> bool {
        match (self, action) {
            (Self::Admin, _)
            // Who may write or decide has to see what.
            | (Self::Read | Self::Publish(_) | Self::Approve | Self::Report, Action::Read)
            | (Self::Approve, Action::Approve)
            | (Self::Report, Action::Report) => true,
            (Self::Publish(names), Action::Publish(package)) => names.matches_package(package),
            _ => false,
        }
    }
}

const PUBLISH: &str = "publish:";

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read => f.write_str("read"),
            Self::Publish(names) => write!(f, "{PUBLISH}{names}"),
            Self::Approve => f.write_str("approve"),
            Self::Report => f.write_str("report"),
            Self::Admin => f.write_str("admin"),
        }
    }
}

/// A text is no right.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NoRight {
    /// It begins as none does.
    #[error("`{0}` is no right; there is `read`, `publish:PATTERN`, `approve`, `report` and `admin`")]
    Unknown(String),
    /// The pattern is none.
    #[error(transparent)]
    Pattern(#[from] MalformedPurl),
    /// It would be good for versions, and who publishes may publish any.
    #[error("`{0}` names a version; a right is for all versions of a package, so leave it out")]
    Version(String),
}

impl FromStr for Right {
    type Err = NoRight;

    fn from_str(text: &str) -> Result<Self, NoRight> {
        match text {
            "read" => Ok(Self::Read),
            "approve" => Ok(Self::Approve),
            "report" => Ok(Self::Report),
            "admin" => Ok(Self::Admin),
            _ => {
                let names = text.strip_prefix(PUBLISH).ok_or_else(|| NoRight::Unknown(text.to_owned()))?;
                let pattern: Pattern = names.parse()?;
                if pattern.has_version() {
                    return Err(NoRight::Version(names.to_owned()));
                }
                Ok(Self::Publish(pattern))
            }
        }
    }
}

impl Serialize for Right {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A token without what is secret of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Token {
    /// Its identifier.
    pub id: String,
    #[serde(skip)]
    pub(crate) hash: Digest,
    /// Whose it is.
    pub name: String,
    /// What it is good for.
    pub rights: Vec<Right>,
    /// When it was made.
    pub since: Timestamp,
    /// When it ends by itself.
    pub expires: Timestamp,
    /// When somebody ended it.
    pub revoked: Option<Timestamp>,
}

impl Token {
    /// True if it is good for something at this instant.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && now < self.expires
    }
}

/// Somebody who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Whom the log names: whose the token is, or the address.
    pub name: Arc<str>,
    rights: Vec<Right>,
    /// Why a token that was shown is not good, for a person.
    pub unknown_token: Option<String>,
}

impl Caller {
    /// Somebody of whom only the address is known. They may read what is everybody's.
    pub fn at(address: Arc<str>, may_read: bool) -> Self {
        Self { name: address, rights: may_read.then_some(Right::Read).into_iter().collect(), unknown_token: None }
    }

    /// Whether they may.
    pub fn may(&self, action: Action<'_>) -> bool {
        self.rights.iter().any(|right| right.covers(action))
    }

    /// Whether there is a package that they may publish.
    pub fn publishes(&self) -> bool {
        self.rights.iter().any(|right| matches!(right, Right::Publish(_) | Right::Admin))
    }

    /// Fails unless they may publish a package.
    pub(crate) fn must_publish(&self, package: &Package) -> Result<(), EngineError> {
        if self.may(Action::Publish(package)) {
            return Ok(());
        }
        let (name, who) = (&package.name, &self.name);
        Err(EngineError::NotPermitted(format!("`{who}` may not publish `{name}`: no right of the token covers it")))
    }
}

/// What a new token is to be.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// Whose it is.
    pub name: String,
    /// What it is good for.
    pub rights: Vec<Right>,
    /// When it ends by itself.
    pub expires: Timestamp,
}

impl Engine {
    /// Makes a token of chance and returns it. It is shown this once.
    pub async fn create_token(
        &self,
        chance: [u8; CHANCE],
        request: TokenRequest,
    ) -> Result<(Secret, Token), EngineError> {
        let now = self.now();
        let TokenRequest { name, rights, expires } = request;
        let refused = |why: &str| Err(EngineError::Refused(why.to_owned()));
        if expires <= now {
            return refused("the token would be over already; give an end that is still to come");
        }
        if rights.is_empty() {
            return refused("a token without a right is good for nothing");
        }
        if name.trim().is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
            return refused("the name of whose token it is has to be one line of at most 100 characters");
        }
        if chance == [0; CHANCE] {
            return refused("there is no chance in the token");
        }
        let secret = format!("{PREFIX}{}", hex::encode(chance));
        let hash = Digest::of(secret.as_bytes());
        let id = hash.hex()[..ID].to_owned();
        let token = Token { id, hash, name, rights, since: now, expires, revoked: None };
        self.0.store.put_token(now, token.clone()).await?;
        self.look(false).await?;
        Ok((Secret::new(secret), token))
    }

    /// Every token that was ever made, oldest first.
    pub async fn tokens(&self) -> Result<Vec<Token>, EngineError> {
        Ok(self.0.store.tokens().await?)
    }

    /// Ends a token from this moment on, for every gateway of this data folder within a tenth of a second. False if there
    /// is none with this identifier that has not ended.
    pub async fn revoke_token(&self, id: &str, by: &str) -> Result<bool, EngineError> {
        let revoked = self.0.store.revoke_token(self.now(), id, by).await?;
        self.look(false).await?;
        Ok(revoked)
    }

    /// Who asks: whose the shown token is, or `anybody` if none is shown, or none that is good.
    pub fn caller(&self, shown: Option<&Secret>, anybody: Caller) -> Caller {
        let Some(shown) = shown else { return anybody };
        let unknown = |why: String| Caller { unknown_token: Some(why), ..anybody.clone() };
        let Some(token) = self.token(shown) else {
            return unknown("the token that was shown is not known here".to_owned());
        };
        match (token.revoked, token.expires) {
            (Some(at), _) => unknown(format!("the token `{}` was revoked at {at}", token.id)),
            (None, expires) if expires <= self.now() => {
                unknown(format!("the token `{}` expired at {expires}", token.id))
            }
            _ => Caller { name: token.name.as_str().into(), rights: token.rights, unknown_token: None },
        }
    }

    /// What is known of a token, good or not.
    pub fn token(&self, shown: &Secret) -> Option<Token> {
        self.state().tokens.get(&Digest::of(shown.reveal().as_bytes())).cloned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stockade_model::{EcosystemId, Name};

    use super::*;

    fn package(name: &str) -> Package {
        Package { ecosystem: EcosystemId::read("demo"), name: Name::normalised(name) }
    }

    fn caller(rights: &[&str]) -> Caller {
        let rights = rights.iter().map(|right| right.parse().unwrap()).collect();
        Caller { name: "alice".into(), rights, unknown_token: None }
    }

    #[test]
    fn rights_are_read_as_they_are_written() {
        for right in ["read", "publish:pkg:demo/@acme/*", "approve", "admin"] {
            assert_eq!(right.parse::<Right>().unwrap().to_string(), right);
        }
        for (wrong, why) in [
            ("", "`` is no right; there is `read`, `publish:PATTERN`, `approve`, `report` and `admin`"),
            ("Admin", "`Admin` is no right; there is `read`, `publish:PATTERN`, `approve`, `report` and `admin`"),
            ("publish", "`publish` is no right; there is `read`, `publish:PATTERN`, `approve`, `report` and `admin`"),
            (
                "publish:pkg:demo/a@1",
                "`pkg:demo/a@1` names a version; a right is for all versions of a package, so leave it out",
            ),
        ] {
            assert_eq!(wrong.parse::<Right>().unwrap_err().to_string(), why);
        }
        assert!("publish:".parse::<Right>().is_err());
    }

    #[test]
    fn a_right_is_good_for_what_it_says() {
        let (ours, theirs) = (package("@acme/left"), package("left"));
        let all = |caller: &Caller| {
            [Action::Read, Action::Publish(&ours), Action::Publish(&theirs), Action::Approve, Action::Report]
                .map(|action| caller.may(action))
        };
        assert_eq!(all(&caller(&[])), [false; 5]);
        assert_eq!(all(&caller(&["read"])), [true, false, false, false, false]);
        assert_eq!(all(&caller(&["publish:pkg:demo/@acme/*"])), [true, true, false, false, false]);
        assert_eq!(all(&caller(&["publish:pkg:other/@acme/*"])), [true, false, false, false, false]);
        assert_eq!(all(&caller(&["approve"])), [true, false, false, true, false]);
        assert_eq!(all(&caller(&["report"])), [true, false, false, false, true]);
        assert_eq!(all(&caller(&["admin"])), [true; 5]);
        let somebody = |may_read| Caller::at("192.0.2.1".into(), may_read);
        assert_eq!(all(&somebody(true)), [true, false, false, false, false]);
        assert_eq!(all(&somebody(false)), [false; 5]);
    }

    proptest! {
        #[test]
        fn nobody_publishes_but_by_a_pattern_that_covers_the_name(
            rights in prop::collection::vec(prop::sample::select(vec!["read", "approve", "publish:pkg:demo/@acme/*", "publish:pkg:demo/a*"]), 0..4),
            name in "(@acme/)?[a-c]{1,3}",
        ) {
            let covered = |right: &&str| match *right {
                "publish:pkg:demo/@acme/*" => name.starts_with("@acme/"),
                "publish:pkg:demo/a*" => name.starts_with('a'),
                _ => false,
            };
            let caller = caller(&rights);
            prop_assert_eq!(caller.may(Action::Publish(&package(&name))), rights.iter().any(covered));
            prop_assert_eq!(caller.may(Action::Approve), rights.contains(&"approve"));
            prop_assert_eq!(caller.may(Action::Read), !rights.is_empty());
        }
    }
}
