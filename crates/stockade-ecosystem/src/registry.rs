//! A registry's protocol, as pure functions over requests and documents.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use stockade_model::{Integrity, Malformed, Package, Release};

use crate::{Account, Advice, Artifact, Audit, AuditForm, Hosting, Index, Listed, Rope, Steering, Variant};

/// What a client asks, as far as a protocol cares.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// `GET`, `HEAD`, `POST` …
    pub method: &'a str,
    /// The path below the ecosystem's mount, still percent-encoded, with its leading `/`.
    pub path: &'a str,
    /// The `Accept` header, or nothing.
    pub accept: &'a str,
}

/// What a request means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// The document that lists a package's releases.
    Index {
        /// The package.
        package: Package,
        /// How much of it.
        variant: Variant,
    },
    /// One release's part of the index: by version, or by the tag that names one.
    Manifest {
        /// The package.
        package: Package,
        /// A version or a tag.
        wanted: String,
    },
    /// The tags of a package, alone.
    Tags {
        /// The package.
        package: Package,
    },
    /// The description of a package in an older form.
    Summary {
        /// The package.
        package: Package,
        /// The release that it is to be of, if not of the package as a whole.
        version: Option<String>,
    },
    /// One file of a release.
    Artifact {
        /// The package.
        package: Package,
        /// The file's name as the client spells it.
        file: String,
    },
    /// The checksum of what another request would be answered with. It is computed from the bytes that are served: what we
    /// wrote has another one than the upstream's.
    Checksum {
        /// The other request; neither a checksum nor a refusal.
        of: Box<Route>,
        /// Of which sort.
        sum: Sum,
    },
    /// The document about the registry that clients ask first.
    Configuration,
    /// Which of these releases have advisories? The body names them.
    Audit(AuditForm),
    /// Public facts that the gateway does not judge (keys, attestations): fetched from the package's upstream and passed
    /// on unaltered.
    Forward {
        /// The release it is about; `None` for the registry as a whole.
        about: Option<Release>,
        /// The path below the upstream's address, encoded canonically.
        path: String,
    },
    /// A search, passed on with its query.
    Search {
        /// The path below the upstream's address.
        path: String,
    },
    /// Something hosted is to change; [`Hosting::changes`] reads what.
    Change,
    /// A question about who asks.
    Account(Account),
    /// Are you there?
    Ping,
    /// Not something this gateway does.
    Refuse {
        /// 400 for a malformed request, 403 for what is not offered, 404 for what cannot be there.
        status: u16,
        /// Why, for a person.
        why: String,
    },
}

/// A checksum that has an address of its own. Clients compare it with what they received; it proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    /// MD5.
    Md5,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Sum {
    /// Every sort.
    pub const ALL: [Self; 4] = [Self::Md5, Self::Sha1, Self::Sha256, Self::Sha512];

    /// What ends the name of a file with such a checksum, after a point.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

/// A refusal in neutral words, before a dialect has its say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// A short title: `held by stockade`.
    pub title: String,
    /// The whole sentence: what and why.
    pub sentence: String,
    /// What now.
    pub hint: Option<String>,
    /// Where to read more.
    pub see: Option<String>,
}

/// A refusal as this ecosystem's clients show it to their users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The HTTP status.
    pub status: u16,
    /// The HTTP/1.1 reason phrase: ASCII, one line, at most [`Denial::MAX_PHRASE`] bytes.
    pub phrase: String,
    /// The exact content type.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

impl Denial {
    /// The longest reason phrase in bytes.
    pub const MAX_PHRASE: usize = 160;

    /// A sentence as a reason phrase: printable ASCII on one line, cut with `...`.
    pub fn phrase_of(sentence: &str) -> String {
        let ascii = |c: char| {
            if c.is_ascii_graphic() || c == ' ' {
                c
            } else if c.is_whitespace() {
                ' '
            } else {
                '?'
            }
        };
        let phrase: String = sentence.chars().map(ascii).collect();
        if phrase.len() <= Self::MAX_PHRASE {
            return phrase;
        }
        let cut: String = phrase.chars().take(Self::MAX_PHRASE - 3).collect();
        cut + "..."
    }
}

/// A registry protocol.
pub trait Registry: Sync {
    /// What the request means. Total: what is unknown is [`Route::Refuse`].
    fn route(&self, request: &Request<'_>) -> Route;

    /// The path below our mount that stands for the upstream's address.
    fn root(&self) -> &'static str {
        ""
    }

    /// The path of a package's index below the upstream's address.
    fn index_path(&self, package: &Package) -> String;

    /// The media types of an index that an upstream is asked for.
    fn index_accept(&self) -> &'static str;

    /// Reads an index. An error means that nothing in it can be used; what is wrong with parts is in the index.
    fn index(&self, package: &Package, document: &[u8]) -> Result<Index, Malformed>;

    /// Writes the index for clients: steered, with our addresses, every other byte as it was.
    fn render(&self, index: &Index, steering: &Steering<'_>) -> Rope;

    /// Writes one release's part of the index, or `None` if `wanted` names none that is listed.
    fn render_manifest(&self, _index: &Index, _steering: &Steering<'_>, _wanted: &str) -> Option<Rope> {
        None
    }

    /// Writes the tags alone, where there are tags.
    fn render_tags(&self, _index: &Index, _steering: &Steering<'_>) -> Option<Vec<u8>> {
        None
    }

    /// The media type of an index.
    fn index_type(&self, variant: Variant) -> &'static str;

    /// The name of the artifact file in our addresses.
    fn artifact_file(&self, release: &Release) -> String;

    /// What the file of this name is, if the index lists it.
    fn file(&self, index: &Index, file: &str) -> Option<Listed> {
        index.by_file(file, |listed| self.artifact_file(&index.release(listed))).cloned()
    }

    /// True if there are files of packages that have no index: it is only for who does not know the version.
    fn files_stand_alone(&self) -> bool {
        false
    }

    /// What is added to a file's address for the files beside it that claim its digest, the strongest first. They are asked
    /// for, until there is one, where the index claims none.
    fn claims(&self) -> &'static [&'static str] {
        &[]
    }

    /// The digest that such a file claims.
    fn claim(&self, ending: &str, _claim: &[u8]) -> Result<Integrity, Malformed> {
        Err(Malformed::new("a file with a digest", ending, "this protocol has no such files"))
    }

    /// The address, relative to the index, of the file whose `Last-Modified` at the upstream says when the release of this
    /// one was published, which is named as in [`Route::Artifact`]. It is looked at where the index does not say.
    fn dated_by(&self, _package: &Package, _file: &str) -> Option<String> {
        None
    }

    /// By when everything that the index lists had been published, if it says that and not when each was.
    fn published_by(&self, _index: &Index) -> Option<Timestamp> {
        None
    }

    /// Why nothing can be ruled on the file of this name, if it has other bytes from time to time.
    fn moving(&self, _file: &str) -> Option<&'static str> {
        None
    }

    /// True if there may be code in a file of this name, so that it is to be inspected.
    fn has_content(&self, _file: &str) -> bool {
        true
    }

    /// What a file's name ends with that describes another one, lies beside it at the upstream, and has the other's address
    /// with this ending.
    fn description(&self) -> Option<&'static str> {
        None
    }

    /// How it is read from a file of this name which files a client that has it asks for next, if they are asked for one
    /// after the other.
    fn foresight(&self, _file: &str) -> Option<Foresight> {
        None
    }

    /// Where the upstream says, below its address, from where files are to be had, if its index does not.
    fn locator(&self) -> Option<&'static str> {
        None
    }

    /// The address of a release's file, as the document at [`Registry::locator`] has it.
    fn locate(&self, _locator: &[u8], release: &Release, _file: &Artifact) -> Result<String, Malformed> {
        Err(Malformed::new("a release with an address", &release.version, "this protocol has no such document"))
    }

    /// True if an upstream's index may name hosts of files that are not its own. They are fetched from if they are
    /// public, and reached by TLS.
    fn files_are_elsewhere(&self) -> bool {
        false
    }

    /// What this protocol's clients ask first: a document about the registry, with our address. `needs_token` if only those
    /// may read who show a token.
    fn configuration(&self, _base: &str, _needs_token: bool) -> Option<Vec<u8>> {
        None
    }

    /// How packages are hosted, if they can be.
    fn hosting(&self) -> Option<&'static dyn Hosting> {
        None
    }

    /// How a client is asked for a token (RFC 9110, section 11.6.1).
    fn challenge(&self) -> &'static str {
        "Basic realm=\"stockade\""
    }

    /// How the older description of a package is made, if there is one.
    fn summary(&self) -> Option<&'static Summary> {
        None
    }

    /// How audits of a form are asked and answered.
    fn audit(&self, _form: AuditForm) -> Option<&'static Audit> {
        None
    }

    /// How long a client waits for the first byte of a file, with some to spare, by its `User-Agent`; after that it is told
    /// to ask again.
    fn patience(&self, agent: &str) -> Duration;

    /// The header of a response that these clients print to their users, if there is one.
    fn notice(&self) -> Option<&'static str> {
        None
    }

    /// The refusal in the dialect that these clients show to a person.
    fn denial(&self, refusal: &Refusal) -> Denial;
}

/// Reads what a client asks for next that has the first of these files. The others are what [`Foreseen::with`] named of
/// those before them.
pub type Foresight = fn(files: &[(Release, Bytes)]) -> Foreseen;

/// What a client asks for when it has read a file. It may as well ask for something else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Foreseen {
    /// What is read together with it: more is foreseen when that is known.
    pub with: Vec<Release>,
    /// What comes then.
    pub needs: Vec<Release>,
}

/// How the description of a package in an older form is made: of what the upstream says of a release, and of our own index.
pub struct Summary {
    /// Where an upstream says something of a release, relative to its address.
    pub path: fn(release: &Release) -> String,
    /// Writes the description.
    pub render: fn(described: &Described<'_>) -> Result<Vec<u8>, Malformed>,
}

/// What a [`Summary`] is made of.
#[derive(Debug, Clone, Copy)]
pub struct Described<'a> {
    /// The release that it speaks of.
    pub release: &'a Release,
    /// True if it is of the whole package, false if it is of the release alone.
    pub whole: bool,
    /// The package's index.
    pub index: &'a Index,
    /// The index as clients are given it: steered, with our addresses.
    pub index_document: &'a [u8],
    /// What the upstream says of the release; `None` if it has no such documents, as many mirrors.
    pub theirs: Option<&'a [u8]>,
    /// What the advisories say of the release.
    pub advice: &'a [Advice],
    /// Our address of the ecosystem's mount, without a trailing `/`.
    pub base: &'a str,
}
