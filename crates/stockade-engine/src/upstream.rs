//! The only place that dials out.
//!
//! Addresses in documents are written by strangers, so they are looked at before they are followed: the host has to be an
//! upstream's or on the list of artifact hosts, on redirects too, and a host that is only on that list must not resolve
//! to an address of this machine or its network. Where a protocol keeps its files at another host than its index, that
//! host is put on the list when the index names it. The upstreams themselves are the operator's own configuration and may
//! be anywhere.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Method, StatusCode, redirect};
use stockade_ecosystem::{Credential, Upstream};
use stockade_model::redacted;
use url::Url;

/// How long an upstream may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How many redirects are followed.
const MAX_REDIRECTS: usize = 5;
/// How many idle connections are kept to each upstream.
const IDLE_CONNECTIONS: usize = 32;
/// How often a request that failed on the way, or with 5xx, is tried.
const TRIES: u32 = 2;
/// How long to wait before the second try.
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// How many hosts of files are learnt from indexes.
const MAX_LEARNT: usize = 64;

/// Talks to upstreams.
#[derive(Clone)]
pub(crate) struct Dialler {
    client: reqwest::Client,
    allowed: Arc<Allowed>,
}

/// Which hosts may be talked to, as `host:port`.
struct Allowed {
    upstreams: BTreeSet<String>,
    artifact_hosts: BTreeSet<String>,
    learnt: RwLock<BTreeSet<String>>,
}

/// Why nothing came back.
#[derive(Debug, Clone, thiserror::Error)]
pub enum UpstreamError {
    /// The address is not one that may be talked to.
    #[error("`{0}` is neither an upstream nor an allowed artifact host; if it should be, add it to `artifact-hosts`")]
    NotAllowed(String),
    /// Nobody answered, or the answer broke off.
    #[error("the upstream did not answer: {at}{why}")]
    Unreachable {
        /// The address that was asked, and what sets it off from the reason; empty if there is none.
        at: String,
        /// Why, in words that do not name the upstream's host.
        why: String,
    },
    /// It answered that there is no such thing.
    #[error("the upstream has no such thing (404)")]
    NotFound,
    /// It wants us to wait.
    #[error("the upstream asks to wait (429)")]
    Busy {
        /// For how many seconds, as it says.
        retry_after: Option<String>,
    },
    /// It answered with another error.
    #[error("the upstream answered {0}")]
    Status(u16),
    /// The answer is longer than the limit.
    #[error("the upstream's answer is longer than {0} bytes")]
    TooLong(u64),
    /// The bytes could not be stored.
    #[error("the bytes could not be stored: {0}")]
    Storage(String),
}

impl UpstreamError {
    /// The same for those who ask the gateway. They are not told where the upstream is: a client that knows goes there by
    /// itself.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Unreachable { why, .. } => Self::Unreachable { at: String::new(), why: why.clone() }.to_string(),
            other => other.to_string(),
        }
    }
}

/// A request to an upstream.
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) credential: Option<&'a Credential>,
    pub(crate) headers: &'a [(&'static str, &'a str)],
    pub(crate) body: Option<Vec<u8>>,
}

impl Ask<'_> {
    pub(crate) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, credential: None, headers: &[], body: None }
    }
}

impl Dialler {
    /// A dialler that may talk to these upstreams, and fetch artifacts from those further hosts.
    #[expect(clippy::disallowed_methods, reason = "this is the one vetted client")]
    pub(crate) fn new<'a>(
        upstreams: impl Iterator<Item = &'a Upstream>,
        artifact_hosts: &[String],
        cafiles: &[String],
        patience: Duration,
    ) -> Result<Self, UpstreamError> {
        let allowed = Arc::new(Allowed {
            upstreams: upstreams.filter_map(|upstream| authority(&upstream.url)).collect(),
            artifact_hosts: artifact_hosts.iter().map(|host| with_port(host)).collect(),
            learnt: RwLock::default(),
        });
        let on_redirect = Arc::clone(&allowed);
        let mut client = reqwest::Client::builder()
            .user_agent(concat!("stockade/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(patience)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .dns_resolver(Arc::new(Vetting(Arc::clone(&allowed))))
            .redirect(redirect::Policy::custom(move |attempt| {
                if attempt.previous().len() > MAX_REDIRECTS {
                    return attempt.error("too many redirects");
                }
                match on_redirect.vet(attempt.url()) {
                    Ok(()) => attempt.follow(),
                    Err(error) => attempt.error(error),
                }
            }));
        for cafile in cafiles {
            for certificate in certificates(Path::new(cafile))? {
                client = client.add_root_certificate(certificate);
            }
        }
        let client = client.build().map_err(|error| unreachable(&error))?;
        Ok(Self { client, allowed })
    }

    /// Puts the host of a file on the list, because an upstream's index names it. It has to be reached by TLS.
    pub(crate) fn learn(&self, url: &Url) {
        self.allowed.learn(url);
    }

    /// Sends a request; the answer is a success or 304. A request that failed on the way is tried once more.
    pub(crate) async fn send(&self, ask: &Ask<'_>) -> Result<reqwest::Response, UpstreamError> {
        self.allowed.vet(&ask.url)?;
        let mut tried = 0;
        loop {
            tried += 1;
            let mut request = self.client.request(ask.method.clone(), ask.url.clone());
            // Only the upstream that the credential is of sees it.
            if let Some(credential) = ask.credential.filter(|_| self.allowed.is_upstream(&ask.url)) {
                request = request.header(reqwest::header::AUTHORIZATION, credential.header().reveal());
            }
            for (name, value) in ask.headers {
                request = request.header(*name, *value);
            }
            if let Some(body) = &ask.body {
                request = request.header(reqwest::header::CONTENT_TYPE, "application/json").body(body.clone());
            }
            let outcome = match request.send().await {
                Ok(response) => judged(response),
                Err(error) => Err(unreachable(&error)),
            };
            let again = matches!(&outcome, Err(UpstreamError::Unreachable { .. } | UpstreamError::Status(500..)));
            if !again || tried == TRIES || ask.method != Method::GET {
                return outcome;
            }
            tokio::time::sleep(RETRY_AFTER).await;
        }
    }

    /// The body of an answer, up to a limit in bytes.
    pub(crate) async fn body(response: reqwest::Response, limit: u64) -> Result<Vec<u8>, UpstreamError> {
        let mut body = Vec::new();
        Self::each_chunk(response, limit, |chunk| {
            body.extend_from_slice(chunk);
            Ok(())
        })
        .await?;
        Ok(body)
    }

    /// Hands each piece of an answer's body to `take`, up to a limit in bytes. An answer that breaks off is an error.
    pub(crate) async fn each_chunk(
        response: reqwest::Response,
        limit: u64,
        mut take: impl FnMut(&Bytes) -> std::io::Result<()>,
    ) -> Result<(), UpstreamError> {
        if response.content_length().is_some_and(|length| length > limit) {
            return Err(UpstreamError::TooLong(limit));
        }
        let mut length = 0;
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| unreachable(&error))?;
            length += chunk.len() as u64;
            if length > limit {
                return Err(UpstreamError::TooLong(limit));
            }
            take(&chunk).map_err(|error| UpstreamError::Storage(error.to_string()))?;
        }
        Ok(())
    }
}

fn judged(response: reqwest::Response) -> Result<reqwest::Response, UpstreamError> {
    match response.status() {
        status if status.is_success() || status == StatusCode::NOT_MODIFIED => Ok(response),
        StatusCode::NOT_FOUND | StatusCode::GONE => Err(UpstreamError::NotFound),
        StatusCode::TOO_MANY_REQUESTS => {
            let retry_after = response.headers().get(reqwest::header::RETRY_AFTER);
            let retry_after = retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned);
            Err(UpstreamError::Busy { retry_after })
        }
        status => Err(UpstreamError::Status(status.as_u16())),
    }
}

/// An error with its address, without the credentials that it may carry.
fn unreachable(error: &reqwest::Error) -> UpstreamError {
    let at = error.url().map_or_else(String::new, |url| format!("{}: ", redacted(url.as_str())));
    let host = error.url().and_then(Url::host_str).unwrap_or_default();
    UpstreamError::Unreachable { at, why: without(&causes(error), host) }
}

/// A text without a host's name: some causes, such as a certificate of another, have it.
fn without(text: &str, host: &str) -> String {
    let is_name = |c: char| c.is_alphanumeric() || c == '-' || c == '.';
    let (mut out, mut from) = (String::new(), 0);
    for (at, found) in text.match_indices(host).filter(|(_, found)| !found.is_empty()) {
        let end = at + found.len();
        if !text[..at].ends_with(is_name) && !text[end..].starts_with(is_name) {
            out.push_str(&text[from..at]);
            out.push_str("its host");
            from = end;
        }
    }
    out + &text[from..]
}

/// The causes of an error.
fn causes(error: &reqwest::Error) -> String {
    use std::error::Error as _;
    let mut text = String::new();
    let mut cause = error.source();
    if cause.is_none() {
        text.push_str("the request failed");
    }
    while let Some(error) = cause {
        text.push_str(&error.to_string());
        cause = error.source();
        if cause.is_some() {
            text.push_str(": ");
        }
    }
    text
}

#[expect(clippy::disallowed_methods, reason = "the engine is where the disk is read")]
fn certificates(path: &Path) -> Result<Vec<reqwest::Certificate>, UpstreamError> {
    let unreadable = |why: String| {
        let why = format!("the client's `cafile` {} cannot be used: {why}", path.display());
        UpstreamError::Unreachable { at: String::new(), why }
    };
    let pem = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| unreadable(error.to_string()))
}

impl Allowed {
    fn is_upstream(&self, url: &Url) -> bool {
        authority(url).is_some_and(|authority| self.upstreams.contains(&authority))
    }

    fn learn(&self, url: &Url) {
        let Some(authority) = authority(url).filter(|_| url.scheme() == "https") else { return };
        let known = |learnt: &BTreeSet<String>| learnt.contains(&authority) || learnt.len() >= MAX_LEARNT;
        if !known(&self.learnt.read().unwrap_or_else(PoisonError::into_inner)) {
            self.learnt.write().unwrap_or_else(PoisonError::into_inner).insert(authority);
        }
    }

    fn is_listed(&self, authority: &str) -> bool {
        self.artifact_hosts.contains(authority)
            || self.learnt.read().unwrap_or_else(PoisonError::into_inner).contains(authority)
    }

    fn vet(&self, url: &Url) -> Result<(), UpstreamError> {
        let refused = || UpstreamError::NotAllowed(url.host_str().unwrap_or("an address without a host").to_owned());
        let authority = authority(url).ok_or_else(refused)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused());
        }
        if self.upstreams.contains(&authority) {
            return Ok(());
        }
        let literal = url.host_str().and_then(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().ok());
        let public = literal.is_none_or(is_public);
        if self.is_listed(&authority) && public { Ok(()) } else { Err(refused()) }
    }
}

fn authority(url: &Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

/// A configured host, with the port of HTTPS if it has none.
fn with_port(host: &str) -> String {
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if has_port { host.to_ascii_lowercase() } else { format!("{}:443", host.to_ascii_lowercase()) }
}

/// Resolves names and drops addresses of private networks for hosts that are not upstreams.
struct Vetting(Arc<Allowed>);

impl Resolve for Vetting {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let prefix = format!("{host}:");
        let upstream = self.0.upstreams.iter().any(|authority| authority.starts_with(&prefix));
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let vetted: Vec<SocketAddr> = found.into_iter().filter(|at| upstream || is_public(at.ip())).collect();
            if vetted.is_empty() {
                return Err(format!("`{host}` resolves to no public address").into());
            }
            Ok(Box::new(vetted.into_iter()) as Addrs)
        })
    }
}

/// True for addresses of the public internet: not this machine, not a private, link-local, shared, benchmark, multicast or
/// reserved one (IANA special-purpose registries), and not one of those in IPv6 clothing. Those for documentation are
/// nobody's, and count as public.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19));
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(inner) = ip.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let [a, b, ..] = ip.segments();
    // 2000::/3 is what is allocated; 2001:db8 is documentation, 2002 (6to4) and 2001:0 (Teredo) carry IPv4 inside.
    (a & 0xe000) == 0x2000 && !(a == 0x2001 && (b == 0xdb8 || b == 0)) && a != 0x2002
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> Allowed {
        Allowed {
            upstreams: ["registry.example:443".to_owned(), "127.0.0.1:4873".to_owned()].into(),
            artifact_hosts: ["files.example:443".to_owned(), "10.0.0.1:443".to_owned()].into(),
            learnt: RwLock::default(),
        }
    }

    #[test]
    fn only_known_hosts_are_talked_to() {
        let may = |url: &str| allowed().vet(&Url::parse(url).unwrap()).is_ok();
        for url in ["https://registry.example/a", "http://127.0.0.1:4873/a", "https://files.example/x"] {
            assert!(may(url), "{url}");
        }
        for url in [
            "http://registry.example/a",
            "https://registry.example:8443/a",
            "https://registry.example.evil/a",
            "http://127.0.0.1:80/a",
            "https://10.0.0.1/a",
            "https://[::1]/a",
            "http://169.254.169.254/latest",
            "file:///etc/passwd",
            "ftp://registry.example/a",
        ] {
            assert!(!may(url), "{url}");
        }
    }

    #[test]
    fn a_host_of_files_is_learnt_from_an_index() {
        let (allowed, url) = (allowed(), |url: &str| Url::parse(url).unwrap());
        allowed.learn(&url("https://more.example/a"));
        assert!(allowed.vet(&url("https://more.example/b")).is_ok());
        for at in ["http://plain.example/a", "https://10.0.0.2/a", "https://127.0.0.1/a"] {
            allowed.learn(&url(at));
            assert!(allowed.vet(&url(at)).is_err(), "{at}");
        }
    }

    #[test]
    fn who_asks_the_gateway_is_not_told_where_the_upstream_is() {
        let why =
            "certificate not valid for name \"registry.example\"; only for a.registry.example, registry.example.evil";
        let expected = why.replace("\"registry.example\"", "\"its host\"");
        assert_eq!(without(why, "registry.example"), expected);
        assert_eq!(without(why, ""), why);
        assert_eq!(without("`a` is a host", "a"), "`its host` is its host host");
        let error = UpstreamError::Unreachable { at: "https://registry.example/: ".to_owned(), why: "gone".to_owned() };
        assert_eq!(error.told(), "the upstream did not answer: gone");
        assert_eq!(error.to_string(), "the upstream did not answer: https://registry.example/: gone");
        assert_eq!(UpstreamError::Status(500).told(), "the upstream answered 500");
    }

    #[test]
    fn special_addresses_are_not_public() {
        for ip in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.1",
            "172.16.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "::ffff:127.0.0.1",
            "2001:db8::1",
            "2002:7f00:1::",
            "64:ff9b::7f00:1",
        ] {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["1.1.1.1", "9.9.9.9", "2606:4700::1111"] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
    }
}
