//! A registry under its mount: what the client asks, what the engine says.

use std::io::Read as _;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG,
    HeaderName, HeaderValue, IF_NONE_MATCH, IF_RANGE, RANGE, USER_AGENT, VARY,
};
use hyper::{Method, Request, Response, StatusCode};
use jiff::SignedDuration;
use stockade_ecosystem::{
    AuditForm, Denial, Ecosystem, Refusal, Registry, Request as Asked, Rope, Route, Steering, Sum, Variant,
};
use stockade_engine::access::{Action, Caller};
use stockade_engine::{EngineError, Listing, Outcome, Refused};
use stockade_model::{Gap, Package, Release};

use crate::body::Body;
use crate::metrics::{Stopwatch, count};
use crate::render::{base, message};
use crate::runs::name_of;
use crate::serve::{Peer, Root};
use crate::{Gateway, Reading};
use crate::{checksum, hosting, range, refuse};

/// The longest body of an audit in bytes, as it is sent.
const MAX_QUESTION: usize = 8 * 1024 * 1024;
/// The same, unpacked.
const MAX_UNPACKED: u64 = 32 * 1024 * 1024;
/// How long it is enough to have told somebody that the upstream is away.
const TELL_AGAIN: SignedDuration = SignedDuration::from_secs(10);

/// A request below a mount.
pub(crate) struct Mounted<'a> {
    pub(crate) gateway: &'a Gateway,
    pub(crate) ecosystem: &'static Ecosystem,
    pub(crate) registry: &'static dyn Registry,
    pub(crate) peer: &'a Peer,
    /// What follows the mount, with its leading `/` and its query.
    pub(crate) path: &'a str,
    /// Who asks.
    pub(crate) caller: Caller,
    /// True if they show a token, good or not.
    pub(crate) shows_token: bool,
    /// The run that the request belongs to.
    pub(crate) run: Option<String>,
    /// True if nobody is given what is answered: it is only computed with.
    unsent: bool,
}

impl<'a> Mounted<'a> {
    pub(crate) fn new(
        gateway: &'a Gateway,
        ecosystem: &'static Ecosystem,
        registry: &'static dyn Registry,
        peer: &'a Peer,
        request: &Request<Incoming>,
        path: &'a str,
    ) -> Self {
        let authorization = text(request, AUTHORIZATION);
        let pair = hosting::pair(authorization).unwrap_or_default();
        let headers = [text(request, USER_AGENT), authorization, &pair];
        let run = gateway.0.only_run.clone().or_else(|| name_of(ecosystem, headers).map(str::to_owned));
        let shown = hosting::shown(request);
        let anybody = Caller::at(Arc::clone(&peer.principal), gateway.0.reading == Reading::Anybody);
        let caller = gateway.0.engine.caller(shown.as_ref(), anybody);
        let shows_token = shown.is_some();
        Self { gateway, ecosystem, registry, peer, path, caller, shows_token, run, unsent: false }
    }

    /// Answers.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let asked = Asked { method: request.method().as_str(), path: self.path, accept: text(&request, ACCEPT) };
        let route = self.registry.route(&asked);
        let is_for_all = matches!(route, Route::Ping | Route::Account(_) | Route::Refuse { .. });
        if !is_for_all && !self.caller.may(Action::Read) {
            return self.unauthenticated();
        }
        match route {
            Route::Checksum { of, sum } => self.checksum(*of, sum, request).await,
            Route::Change => self.change(request).await,
            Route::Account(account) => self.account(account, request).await,
            route => self.routed(route, request).await,
        }
    }

    async fn routed(&self, route: Route, request: Request<Incoming>) -> Response<Body> {
        match route {
            Route::Artifact { package, file } => self.artifact(&package, &file, &request).await,
            Route::Index { package, variant } => {
                let outcome = self.index(&package, variant, &request).await;
                outcome.unwrap_or_else(|error| self.failed(&error, &format!("`{}`: ", package.name)))
            }
            Route::Manifest { package, wanted } => {
                let outcome = self.manifest(&package, &wanted).await;
                outcome.unwrap_or_else(|error| self.failed(&error, &format!("`{}`: ", package.name)))
            }
            Route::Summary { package, version } => {
                let outcome = self.summary(&package, version.as_deref()).await;
                outcome.unwrap_or_else(|error| self.failed(&error, &format!("`{}`: ", package.name)))
            }
            Route::Tags { package } => {
                let outcome = self.tags(&package).await;
                outcome.unwrap_or_else(|error| self.failed(&error, &format!("`{}`: ", package.name)))
            }
            Route::Configuration => self.configuration(),
            Route::Audit(form) => self.audit(form, request).await,
            Route::Forward { about, path } => {
                let fact = self.gateway.0.engine.fact(&self.ecosystem.id, about.as_ref(), &path).await;
                fact.map_or_else(|error| self.failed(&error, ""), json)
            }
            Route::Search { path } => {
                let found = self.gateway.0.engine.search(&self.ecosystem.id, &path).await;
                found.map_or_else(|error| self.failed(&error, ""), json)
            }
            Route::Checksum { .. } | Route::Change | Route::Account(_) => {
                self.refuse(&refuse::unserved(404, "there is no checksum of that"))
            }
            Route::Ping => json(Bytes::from_static(b"{}")),
            Route::Refuse { status, why } => self.refuse(&refuse::unserved(status, &why)),
        }
    }

    fn configuration(&self) -> Response<Body> {
        let needs_token = self.gateway.0.reading == Reading::Token;
        match self.registry.configuration(&base(&self.ecosystem.id, &self.peer.root), needs_token) {
            Some(document) => json(document.into()),
            None => self.refuse(&refuse::unserved(StatusCode::FORBIDDEN.as_u16(), "there is no such document")),
        }
    }

    /// The checksum of what another request is answered with, of exactly those bytes; or why there is no such answer.
    async fn checksum(&self, of: Route, sum: Sum, mut request: Request<Incoming>) -> Response<Body> {
        // It is of the whole as it is, whatever this request would take.
        for header in [ACCEPT_ENCODING, IF_NONE_MATCH, IF_RANGE, RANGE] {
            request.headers_mut().remove(header);
        }
        let (run, caller) = (self.run.clone(), self.caller.clone());
        let other = Mounted { run, caller, unsent: true, ..*self };
        let response = other.routed(of, request).await;
        if response.status() != StatusCode::OK {
            return response;
        }
        match checksum::of(sum, response.into_body()).await {
            Ok(digits) => plain(digits),
            Err(error) => self.failed(&error.into(), "a checksum: "),
        }
    }

    /// True if a file only describes another one: whoever is given it has nothing of the release yet.
    fn describes(&self, file: &str) -> bool {
        self.registry.description().is_some_and(|ending| file.ends_with(ending))
    }

    async fn artifact(&self, package: &Package, file: &str, request: &Request<Incoming>) -> Response<Body> {
        let metrics = &self.gateway.0.metrics;
        let patience = self.registry.patience(text(request, USER_AGENT));
        let watch = Stopwatch::start();
        let outcome = self.gateway.0.engine.artifact(package, file, &self.caller.name, patience).await;
        metrics.decisions.record(&watch);
        match outcome {
            Ok(Outcome::Cleared(cleared)) => match range::answer(&cleared, request) {
                Ok(response) if self.unsent || self.describes(file) => response,
                Ok(response) => {
                    count(&metrics.served, 1);
                    count(&metrics.served_bytes, cleared.size());
                    if let Some(run) = &self.run {
                        self.gateway.0.runs.served(run, &cleared);
                    }
                    response
                }
                Err(error) => self.failed(&error.into(), &format!("`{}`: ", package.name)),
            },
            Ok(Outcome::Refused(refused)) => {
                let tampered = refused.ruling.tampered();
                let counter = match refused.ruling.verdict {
                    stockade_model::Verdict::Deny => &metrics.denied,
                    _ => &metrics.held,
                };
                count(counter, 1);
                count(&metrics.tampered, tampered.into());
                if let Some(run) = &self.run {
                    self.gateway.0.runs.refused(run, &refused);
                }
                self.refuse(&refuse::ruled(&refused, &self.peer.root))
            }
            Err(error) => self.failed(&error, &format!("`{}`: ", package.name)),
        }
    }

    async fn index(
        &self,
        package: &Package,
        variant: Variant,
        request: &Request<Incoming>,
    ) -> Result<Response<Body>, EngineError> {
        let takes_gzip = accepts_gzip(text(request, ACCEPT_ENCODING));
        let rendered = &self.gateway.0.rendered;
        let mut again = true;
        loop {
            let watch = Stopwatch::start();
            let listing = self.listing(package).await?;
            let page = rendered.page(self.registry, &listing, variant, &self.peer.root).await;
            if let Ok(page) = &page {
                let metrics = &self.gateway.0.metrics;
                let histogram = if page.is_new() { &metrics.rendered } else { &metrics.kept };
                histogram.record(&watch);
            }
            let outcome = match page {
                Ok(page) if is_known(text(request, IF_NONE_MATCH), &page.etag) => Ok((page, None)),
                Ok(page) => rendered.body(&page, takes_gzip).await.map(|body| (page, Some(body))),
                Err(error) => Err(error),
            };
            match outcome {
                Ok((page, body)) => return Ok(self.indexed(&listing, variant, &page.etag, body)),
                // The document's file was replaced by a newer one in between; the newer one is there.
                Err(EngineError::Disk(_)) if std::mem::take(&mut again) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn indexed(&self, listing: &Listing, variant: Variant, etag: &str, body: Option<(Body, bool)>) -> Response<Body> {
        let status = if body.is_some() { StatusCode::OK } else { StatusCode::NOT_MODIFIED };
        let (body, packed) = body.unwrap_or_else(|| (Body::empty(), false));
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.registry.index_type(variant)));
        headers.insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
        // Everybody asks each time, so that a denial counts from the moment it is made.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if let Ok(etag) = HeaderValue::from_str(etag) {
            headers.insert(ETAG, etag);
        }
        if packed {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Some((name, words)) = listing.rulings.stale.as_ref().and_then(|stale| self.notice(listing, stale)) {
            headers.insert(name, words);
            // Clients print a notice only if they do not keep the response.
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        response
    }

    /// The header that tells a person that an index may be out of date. One of many that an install asks for carries it.
    fn notice(&self, listing: &Listing, stale: &Gap) -> Option<(HeaderName, HeaderValue)> {
        let name = HeaderName::from_static(self.registry.notice()?);
        let words = format!("stockade: `{}`: {}", listing.package.name, stale.detail);
        let words = HeaderValue::from_str(&words).ok()?;
        let now = self.gateway.0.engine.now();
        let mut told = self.gateway.0.told.lock().unwrap_or_else(PoisonError::into_inner);
        let again = told.is_none_or(|at| now.duration_since(at) >= TELL_AGAIN);
        again.then(|| {
            *told = Some(now);
            (name, words)
        })
    }

    async fn manifest(&self, package: &Package, wanted: &str) -> Result<Response<Body>, EngineError> {
        let listing = self.listing(package).await?;
        if let Some(refused) = refused_by(&listing, wanted) {
            return Ok(self.refuse(&refuse::ruled(refused, &self.peer.root)));
        }
        let (registry, root, wanted) = (self.registry, self.peer.root.clone(), wanted.to_owned());
        let reading = move || -> Result<Option<Bytes>, EngineError> {
            let rope = with_steering(&listing, &root, |steering| {
                registry.render_manifest(&listing.document.index, steering, &wanted)
            });
            rope.map(|rope| read(&listing, rope)).transpose()
        };
        match tokio::task::spawn_blocking(reading).await?? {
            Some(bytes) => Ok(json(bytes)),
            None => Err(EngineError::NoRelease(format!("`{}` has no such version or tag", package.name))),
        }
    }

    async fn tags(&self, package: &Package) -> Result<Response<Body>, EngineError> {
        let listing = self.listing(package).await?;
        let tags = with_steering(&listing, &self.peer.root, |steering| {
            self.registry.render_tags(&listing.document.index, steering)
        });
        match tags {
            Some(tags) => Ok(json(tags.into())),
            None => Err(EngineError::NoRelease(format!("`{}` has no tags", package.name))),
        }
    }

    pub(crate) async fn listing(&self, package: &Package) -> Result<Listing, EngineError> {
        let listing = self.gateway.0.engine.listing(package).await?;
        if let Some(run) = &self.run {
            self.gateway.0.runs.listed(run, &listing);
        }
        Ok(listing)
    }

    async fn audit(&self, form: AuditForm, request: Request<Incoming>) -> Response<Body> {
        let Some(audit) = self.registry.audit(form) else {
            let why = "audits are not offered for this ecosystem";
            return self.refuse(&refuse::unserved(StatusCode::FORBIDDEN.as_u16(), why));
        };
        let packed = text(&request, CONTENT_ENCODING).eq_ignore_ascii_case("gzip");
        let too_long = || refuse::unserved(StatusCode::PAYLOAD_TOO_LARGE.as_u16(), "the audit request is too long");
        let Ok(body) = Limited::new(request.into_body(), MAX_QUESTION).collect().await else {
            return self.refuse(&too_long());
        };
        let body = body.to_bytes();
        let Some(body) = (if packed { unpacked(&body) } else { Some(body.to_vec()) }) else {
            return self.refuse(&too_long());
        };
        let releases: Vec<Release> = match (audit.asked)(&body) {
            Ok(releases) => releases,
            Err(error) => {
                return self.refuse(&refuse::unserved(StatusCode::BAD_REQUEST.as_u16(), &error.to_string()));
            }
        };
        let answer = self.gateway.0.engine.audit(&self.ecosystem.id, form, &body, releases).await;
        answer.map_or_else(|error| self.failed(&error, "audit: "), |bytes| json(bytes.into()))
    }

    pub(crate) fn refuse(&self, refusal: &Refusal) -> Response<Body> {
        refuse::response(self.denial(refusal), None)
    }

    /// The refusal in the dialect of what was asked for.
    fn denial(&self, refusal: &Refusal) -> Denial {
        let own = self.registry.hosting().and_then(|hosting| hosting.refusal(self.path, refusal));
        own.unwrap_or_else(|| self.registry.denial(refusal))
    }

    pub(crate) fn failed(&self, error: &EngineError, about: &str) -> Response<Body> {
        count(&self.gateway.0.metrics.failed, 1);
        tracing::warn!(%error, about, "a request could not be answered");
        refuse::response(self.denial(&refuse::failed(error, about)), refuse::retry_after(error))
    }
}

/// The refused release that a version means, or a tag that goes on naming it because nothing is cleared in its track.
fn refused_by<'a>(listing: &'a Listing, wanted: &str) -> Option<&'a Refused> {
    let index = &listing.document.index;
    let of = |version: &str| listing.rulings.refused.iter().find(|refused| refused.ruling.release.version == version);
    let tagged = || {
        let (_, version) = index.tags.iter().find(|(tag, _)| tag == wanted)?;
        let steered = index.repaired_tag(version, &listing.rulings.cleared()).is_some();
        of(version).filter(|refused| !steered && !refused.ruling.malware())
    };
    if index.get(wanted).is_some() { of(wanted) } else { tagged() }
}

pub(crate) fn with_steering<T>(listing: &Listing, root: &Root, render: impl FnOnce(&Steering<'_>) -> T) -> T {
    let (message, base) = (message(listing, root), base(&listing.package.ecosystem, root));
    render(&Steering { standings: &listing.rulings.standings, message: &message, base: &base, variant: Variant::Full })
}

pub(crate) fn read(listing: &Listing, rope: Rope) -> Result<Bytes, EngineError> {
    let mut bytes = Vec::new();
    for piece in listing.document.bytes.pieces(Arc::new(rope))? {
        bytes.extend_from_slice(&piece?);
    }
    Ok(bytes.into())
}

pub(crate) fn json(bytes: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::whole(bytes));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn plain(text: String) -> Response<Body> {
    let mut response = Response::new(Body::whole(text.into()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

pub(crate) fn text<B>(request: &Request<B>, name: HeaderName) -> &str {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// True if gzip is among the encodings, and not with a quality of zero (RFC 9110, section 12.5.3).
fn accepts_gzip(header: &str) -> bool {
    header.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"))
            && !parts.any(|part| part.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0)))
    })
}

/// `If-None-Match`: weak comparison, several tags, or `*`.
fn is_known(header: &str, etag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    header.split(',').any(|tag| bare(tag) == bare(etag) || tag.trim() == "*")
}

fn unpacked(body: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let length = flate2::read::MultiGzDecoder::new(body).take(MAX_UNPACKED + 1).read_to_end(&mut bytes).ok()?;
    (length as u64 <= MAX_UNPACKED).then_some(bytes)
}

/// What a HEAD is answered: the head of the response to a GET.
pub(crate) fn headed(method: &Method, response: Response<Body>) -> Response<Body> {
    use hyper::body::Body as _;
    if method != Method::HEAD {
        return response;
    }
    let length = response.body().size_hint().exact().unwrap_or_default();
    let (mut parts, _) = response.into_parts();
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    Response::from_parts(parts, Body::empty())
}
