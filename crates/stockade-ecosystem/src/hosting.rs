//! Packages that live here: what clients send to publish and change them, and what they are answered.
//!
//! An ecosystem turns a request into [`Change`]s, which the engine makes or refuses. It also turns what is hosted into the
//! index that an upstream would write. From there on a hosted package is like any other: read, ruled on, steered, served.

use bytes::Bytes;
use jiff::Timestamp;
use stockade_model::{Algorithm, Digest, Integrity, Malformed, Package, Release, Secret};

use crate::{Denial, Refusal, Request};

/// How packages of a protocol are hosted.
pub trait Hosting: Sync {
    /// What a request to change something asks for: [`crate::Route::Change`] with all of its body. `content_type` is the
    /// header of that name.
    fn changes(&self, request: &Request<'_>, content_type: &str, body: &Bytes) -> Result<Vec<Change>, Malformed>;

    /// What a client is told when its changes were made. `notes` are for its user, where it shows any.
    fn changed(&self, changes: &[Change], notes: &[String]) -> Answer;

    /// The index of a package, as an upstream of this protocol would write it.
    fn index(&self, package: &Package, hosted: &Hosted) -> Vec<u8>;

    /// Whether its index can say that nobody should choose a release any more.
    fn discourages(&self) -> bool {
        true
    }

    /// What a [`crate::Route::Forward`] about a release is answered, if anything.
    fn fact(&self, _release: &Release, _path: &str, _hosted: &Hosted) -> Option<Vec<u8>> {
        None
    }

    /// The password in the body of a [`crate::Account::LogIn`], which has to be a token.
    fn password(&self, _body: &[u8]) -> Result<Secret, Malformed> {
        Err(Malformed::new("a request", "to log in", "this protocol has no such request"))
    }

    /// A refusal of what is asked for at a path, where it has another form than elsewhere.
    fn refusal(&self, _path: &str, _refusal: &Refusal) -> Option<Denial> {
        None
    }

    /// The answer to a question about who asks.
    fn told(&self, _told: &Told<'_>) -> Option<Answer> {
        None
    }
}

/// A change of what is hosted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A new file.
    Publish(Publication),
    /// The state in which a client wants to see a package: what it does not list is taken off. It brings no new release.
    State {
        /// The package.
        package: Package,
        /// The [`Hosted::revision`] that the client knows; the change is refused if there is a newer one.
        revision: Option<String>,
        /// The versions that stay, with words against using them.
        releases: Vec<(String, Option<String>)>,
        /// The tags.
        tags: Vec<(String, String)>,
    },
    /// A release, or the whole package, is taken off the index. Its files stay known, so that nothing else ever takes
    /// their place.
    Unlist {
        /// The package.
        package: Package,
        /// The version; `None` for all.
        version: Option<String>,
    },
    /// There are words against using a release, or no longer.
    Discourage {
        /// The release.
        release: Release,
        /// The words; they may be empty. `None` takes them back.
        why: Option<String>,
    },
    /// What a client says of a file that it has published just before. It changes nothing, and is refused if it is wrong.
    Claim {
        /// The release, with its file.
        release: Release,
        /// The digest.
        claimed: Integrity,
    },
    /// A tag names a version, or is removed.
    Tag {
        /// The package.
        package: Package,
        /// The tag.
        tag: String,
        /// The version.
        version: Option<String>,
    },
}

/// A file to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The release, with its file where it can have several.
    pub release: Release,
    /// The file.
    pub bytes: Bytes,
    /// What the client says of its bytes.
    pub claimed: Option<Integrity>,
    /// What the index says of it besides digests, in the ecosystem's own form.
    pub entry: String,
    /// The tags that are to name this version.
    pub tags: Vec<String>,
}

/// What is hosted of a package and listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosted {
    /// It changes with everything else here.
    pub revision: String,
    /// The files, in the order in which they were published.
    pub files: Vec<HostedFile>,
    /// The tags.
    pub tags: Vec<(String, String)>,
}

/// A file that was published here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostedFile {
    /// The release, with its file where it can have several.
    pub release: Release,
    /// The file's digests by every algorithm.
    pub digests: Vec<Digest>,
    /// How many bytes it has.
    pub size: u64,
    /// When it was published.
    pub at: Timestamp,
    /// Who published it.
    pub by: String,
    /// See [`Publication::entry`].
    pub entry: String,
    /// Words against using it; they may be empty.
    pub discouraged: Option<String>,
}

/// What a client wants to know of who it is to us, or to change in that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// Who asks?
    Who,
    /// It wants a token for a name and a password. There are no passwords here but tokens.
    LogIn,
    /// It gives a token up.
    Revoke {
        /// The token, or its identifier.
        token: Secret,
    },
    /// Which tokens do they have?
    Tokens,
    /// Which of the hosted packages may they change?
    Packages,
    /// Which hosted packages have a text in their name? Whoever may read may know.
    Find {
        /// The text.
        text: String,
        /// How many are wanted.
        most: usize,
    },
    /// Who has published releases of a package?
    Publishers {
        /// The package.
        package: Package,
    },
}

/// The answer to an [`Account`].
#[derive(Debug)]
pub enum Told<'a> {
    /// Their name.
    Who(&'a str),
    /// The token that they may go on with.
    LoggedIn(&'a Secret),
    /// It is given up.
    Revoked,
    /// Their tokens.
    Tokens(&'a [KnownToken]),
    /// The packages that they may change.
    Packages(&'a [Package]),
    /// What was found.
    Found(&'a [(Package, Hosted)]),
    /// The names of those who published.
    Publishers(&'a [String]),
}

/// A token without what is secret of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownToken {
    /// Its identifier.
    pub id: String,
    /// Whose it is.
    pub name: String,
    /// True if it changes nothing.
    pub only_reads: bool,
    /// When it was made.
    pub since: Timestamp,
}

/// A response of a success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The exact content type.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A document of JSON.
    pub(crate) fn json(status: u16, document: &serde_json::Value) -> Self {
        Self { status, content_type: "application/json", body: document.to_string().into_bytes() }
    }
}

impl Change {
    /// The longest [`Publication::entry`] in bytes.
    pub const MAX_ENTRY: usize = 1024 * 1024;

    /// The package that it is of.
    pub fn package(&self) -> &Package {
        match self {
            Self::Publish(Publication { release, .. })
            | Self::Discourage { release, .. }
            | Self::Claim { release, .. } => &release.package,
            Self::State { package, .. } | Self::Unlist { package, .. } | Self::Tag { package, .. } => package,
        }
    }
}

impl HostedFile {
    /// Its digest by an algorithm, in hexadecimal.
    pub(crate) fn hex(&self, algorithm: Algorithm) -> Option<String> {
        self.digests.iter().find(|digest| digest.algorithm() == algorithm).map(Digest::hex)
    }
}
