//! Lockfiles outlive a run, and its gateway does not: an address of the gateway that a client wrote into a lockfile becomes
//! the registry's again.
//!
//! Only files that changed during the run are touched, and in them only the exact address. Everything else, formatting and
//! line ends included, stays as the client wrote it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;

use stockade_ecosystem::{Client, ClientConfig, Registry, Request, Route};
use stockade_engine::Engine;

use crate::{files, settings};

/// The lockfiles of a project, as they were before a run.
pub(crate) struct Lockfiles {
    noted: Vec<(PathBuf, Option<Vec<u8>>)>,
    /// Those that were rewritten for the run, with what they were given.
    rewritten: Vec<(PathBuf, Vec<u8>)>,
    /// The gateway's addresses that they were given, and whose place each took.
    led: BTreeMap<String, String>,
}

impl Lockfiles {
    /// Notes what there is: in the project's folders, and in folders that the command names, as in `--prefix web`.
    pub(crate) fn before(client: &Client, words: &[OsString]) -> anyhow::Result<Self> {
        let named = words.iter().skip(1).map(|word| {
            let word = word.to_string_lossy();
            PathBuf::from(word.split_once('=').map_or(&*word, |(_, value)| value))
        });
        let named = named.filter(|folder| folder.is_dir()).map(|folder| files::real(&folder));
        let mut folders: Vec<PathBuf> = settings::project_folders().iter().map(|folder| files::real(folder)).collect();
        folders.extend(named);
        folders.sort();
        folders.dedup();
        let paths = folders.iter().flat_map(|folder| client.lockfiles.iter().map(move |name| folder.join(name)));
        let noted = paths.map(|path| Ok((path.clone(), files::read(&path)?))).collect::<anyhow::Result<_>>()?;
        Ok(Self { noted, rewritten: Vec::new(), led: BTreeMap::new() })
    }

    /// Changes what in them would send the client past whatever it is pointed at. Where they can do without it, what they say
    /// then holds anywhere, also if nobody comes to give it back; else it leads to the gateway.
    pub(crate) fn prepare(&mut self, client: &Client, config: &ClientConfig, base: &str) -> anyhow::Result<()> {
        let registries: Vec<&str> = std::iter::once(&config.default)
            .chain(config.scopes.values())
            .map(|upstream| upstream.url.as_str())
            .collect();
        for (path, noted) in &self.noted {
            let Some(text) = noted.as_ref().and_then(|bytes| str::from_utf8(bytes).ok()) else { continue };
            let mut ours = client.unbound.map_or_else(|| text.to_owned(), |unbound| unbound(text, &registries));
            if let Some(led) = client.led {
                let pairs = led(text, config.default.url.as_str(), base);
                ours = with_quoted(&ours, &pairs.iter().cloned().collect());
                self.led.extend(pairs.into_iter().map(|(theirs, ours)| (ours, theirs)));
            }
            if ours != text {
                files::replace(path, ours.as_bytes())?;
                self.rewritten.push((path.clone(), ours.into_bytes()));
            }
        }
        Ok(())
    }

    /// Gives what has changed since the registry's addresses in place of the gateway's, and returns what was rewritten.
    pub(crate) async fn restore(self, client: &Client, addresses: &Addresses<'_>) -> anyhow::Result<Vec<PathBuf>> {
        let mut rewritten = Vec::new();
        for (path, before) in self.noted {
            let Some(bytes) = files::read(&path)? else { continue };
            let given = self.rewritten.iter().find(|(own, _)| *own == path).map(|(_, given)| given);
            if before.as_ref() == Some(&bytes) {
                continue;
            }
            if let Some(before) = before.as_ref().filter(|_| given == Some(&bytes)) {
                files::replace(&path, before)?;
                continue;
            }
            let own = own(client, before.as_deref(), &bytes, &self.led, addresses.base);
            let own = own.unwrap_or_else(|| bytes.clone());
            let restored = addresses.restored(&own).await?.or_else(|| (own != bytes).then_some(own));
            if let Some(restored) = restored {
                files::replace(&path, &restored)?;
                rewritten.push(path);
            }
        }
        Ok(rewritten)
    }
}

/// What a client left, without what it wrote of the gateway by itself. What stood there is known best by what stood there before.
fn own(
    client: &Client,
    before: Option<&[u8]>,
    after: &[u8],
    led: &BTreeMap<String, String>,
    base: &str,
) -> Option<Vec<u8>> {
    let after = str::from_utf8(after).ok()?;
    let before = before.and_then(|before| str::from_utf8(before).ok()).unwrap_or_default();
    let text = client.unwritten.map_or_else(|| after.to_owned(), |unwritten| unwritten(before, after, base));
    Some(with_quoted(&text, led).into_bytes())
}

/// A text with others in the place of whole ones in quotes.
fn with_quoted(text: &str, others: &BTreeMap<String, String>) -> String {
    let parts = text.split('"').map(|part| others.get(part).map_or(part, String::as_str));
    parts.collect::<Vec<_>>().join("\"")
}

/// What the gateway's addresses stand for.
pub(crate) struct Addresses<'a> {
    /// The gateway's mount, without a trailing `/`.
    pub(crate) base: &'a str,
    pub(crate) registry: &'static dyn Registry,
    pub(crate) config: &'a ClientConfig,
    /// Knows where files are that a registry has at another host.
    pub(crate) engine: Option<&'a Engine>,
    /// A client that has the registry built in, and does not write down what it has from there.
    pub(crate) silent: Option<&'static Client>,
}

impl Addresses<'_> {
    /// The bytes with the registry's addresses; `None` if the gateway's is not in them. A scope with a registry of its own
    /// gets that one's.
    pub(crate) async fn restored(&self, bytes: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
        let mount = format!("{}/", self.base);
        if find(bytes, mount.as_bytes()).is_none() {
            return Ok(None);
        }
        let mut out = bytes.to_vec();
        if let Some(engine) = self.engine {
            for address in addresses(bytes, &mount) {
                if let Some(original) = self.original(engine, &address).await? {
                    out = replaced(&out, address.as_bytes(), original.as_bytes());
                }
            }
        }
        let out = self.with_roots(&out);
        let unbound = self.silent.and_then(|client| client.unbound);
        Ok(Some(match (unbound, str::from_utf8(&out)) {
            (Some(unbound), Ok(text)) => unbound(text, &[self.config.default.url.as_str()]).into_bytes(),
            _ => out,
        }))
    }

    /// Where the upstream has what we have at this address, if that is a file.
    async fn original(&self, engine: &Engine, address: &str) -> anyhow::Result<Option<String>> {
        let path = address.strip_prefix(self.base).unwrap_or_default();
        let asked = Request { method: "GET", path, accept: "" };
        let Route::Artifact { package, file } = self.registry.route(&asked) else { return Ok(None) };
        Ok(engine.original(&package, &file).await?.map(String::from))
    }

    /// The addresses of what stands for a registry, which clients write with a `/` at the end and without.
    fn with_roots(&self, bytes: &[u8]) -> Vec<u8> {
        let root = format!("{}/{}", self.base, self.registry.root());
        let scopes = self.config.scopes.iter();
        let scoped = scopes.map(|(scope, upstream)| (format!("{root}{scope}/"), format!("{}{scope}/", upstream.url)));
        let default = self.config.default.url.as_str();
        let bare = |text: &str| text.trim_end_matches('/').to_owned();
        let mut out = bytes.to_vec();
        for (ours, theirs) in scoped.chain([(root.clone(), default.to_owned())]) {
            out = replaced(&out, ours.as_bytes(), theirs.as_bytes());
        }
        // Without its `/` the address could be the beginning of another one, so what follows must end it.
        for end in ["\"", "'", "\n", "\r"] {
            out = replaced(&out, (bare(&root) + end).as_bytes(), (bare(default) + end).as_bytes());
        }
        out
    }
}

/// Every address below a mount that stands in a text, once.
fn addresses(bytes: &[u8], mount: &str) -> BTreeSet<String> {
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"\"'<>,;)]}".contains(byte);
    let mut found = BTreeSet::new();
    let mut rest = bytes;
    while let Some(at) = find(rest, mount.as_bytes()) {
        rest = &rest[at..];
        let end = rest.iter().position(is_end).unwrap_or(rest.len());
        found.extend(std::str::from_utf8(&rest[..end]).ok().map(str::to_owned));
        rest = &rest[end..];
    }
    found
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = find(rest, from) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use stockade_ecosystem::Upstream;

    use super::*;

    #[test]
    fn only_the_gateways_address_is_replaced() {
        let upstream = |url: &str| Upstream { url: url.parse().unwrap(), credential: None };
        let config = ClientConfig {
            default: upstream("https://registry.example/npm/"),
            scopes: BTreeMap::from([("@acme".to_owned(), upstream("https://acme.example/"))]),
            claims: Vec::new(),
            cafile: None,
            problems: Vec::new(),
        };
        let registry = stockade_ecosystem::npm::NPM.registry.unwrap();
        let addresses =
            Addresses { base: "http://127.0.0.1:4000/x", registry, config: &config, engine: None, silent: None };
        let before = "\"http://127.0.0.1:4000/x/left/-/left-1.tgz\"\r\n \"http://127.0.0.1:40000/x/a\" \
                      \"http://127.0.0.1:4000/x/@acme/left/-/left-1.tgz\" \"http://127.0.0.1:4000/x/@acmes/left\" \
                      \"http://127.0.0.1:4000/x\" \"http://127.0.0.1:4000/xy\"";
        let after = "\"https://registry.example/npm/left/-/left-1.tgz\"\r\n \"http://127.0.0.1:40000/x/a\" \
                     \"https://acme.example/@acme/left/-/left-1.tgz\" \"https://registry.example/npm/@acmes/left\" \
                     \"https://registry.example/npm\" \"http://127.0.0.1:4000/xy\"";
        assert_eq!(String::from_utf8(addresses.with_roots(before.as_bytes())).unwrap(), after);
        assert_eq!(addresses.with_roots(after.as_bytes()), after.as_bytes());
    }

    #[test]
    fn the_addresses_of_a_mount_are_found_in_any_text() {
        let text = b"\"http://127.0.0.1:4000/x/a/b.whl\", hash http://127.0.0.1:4000/x/c' http://127.0.0.1:40000/x/d\nhttp://127.0.0.1:4000/x/c";
        let found: Vec<String> = addresses(text, "http://127.0.0.1:4000/x/").into_iter().collect();
        assert_eq!(found, ["http://127.0.0.1:4000/x/a/b.whl", "http://127.0.0.1:4000/x/c"]);
    }

    #[test]
    fn what_is_replaced_is_replaced_everywhere_and_nothing_else() {
        assert_eq!(replaced(b"a-b-ab", b"b", b"cc"), b"a-cc-acc");
        assert_eq!(replaced(b"abc", b"x", b"y"), b"abc");
    }
}
