//! The gateway's own addresses: health, numbers, runs, rulings. What changes something wants a token, so that no web
//! page can decide for whoever looks at it; so does what tells of a company's projects.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use stockade_ecosystem::{ALL, Claim, ClientConfig, Stated, by_id};
use stockade_engine::access::{Action, Caller};
use stockade_engine::{EngineError, Explained};
use stockade_model::{Evidence, redacted};

use crate::Gateway;
use crate::body::Body;
use crate::hosting::shown;
use crate::metrics::count;
use crate::mount::{Mounted, headed};
use crate::serve::Peer;

impl Gateway {
    pub(crate) async fn answer(&self, request: Request<Incoming>, peer: &Peer) -> Response<Body> {
        count(&self.0.metrics.requests, 1);
        let method = request.method().clone();
        let logged = tracing::enabled!(tracing::Level::INFO).then(|| request.uri().path().to_owned());
        let mut response = headed(&method, self.route(request, peer).await);
        // The address of a token to be revoked is the token; what is not offered is not worth a line either.
        if let Some(path) = logged.filter(|path| !path.contains("/token")) {
            tracing::info!(%method, path, status = response.status().as_u16(), peer = %peer.principal);
        }
        response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }

    async fn route(&self, request: Request<Incoming>, peer: &Peer) -> Response<Body> {
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned();
        let (mount, rest) = split(&target);
        if let Some(ecosystem) = by_id(mount)
            && let Some(registry) = ecosystem.registry
        {
            let mounted = Mounted::new(self, ecosystem, registry, peer, &request, rest);
            return mounted.answer(request).await;
        }
        if target == "/api/v1/decisions" && request.method() == Method::POST && self.is_addressed(&request) {
            return self.decide(request, peer).await;
        }
        if target == "/api/v1/sightings" && request.method() == Method::POST && self.is_addressed(&request) {
            return self.sighted(request, peer).await;
        }
        if mount == "osv" && request.method() == Method::POST && self.is_addressed(&request) {
            let path = rest.split('?').next().unwrap_or_default().to_owned();
            return self.osv(&path, request, peer).await;
        }
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        if path == "/api/v1/inventory" && self.is_addressed(&request) {
            return self.inventory(request, query, peer).await;
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "this address only reads\n");
        }
        if !self.is_addressed(&request) {
            return plain(
                StatusCode::MISDIRECTED_REQUEST,
                "this gateway is not known by that name; set `public-url`\n",
            );
        }
        self.own(&request, path, peer).await
    }

    async fn own(&self, request: &Request<Incoming>, path: &str, peer: &Peer) -> Response<Body> {
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match segments.as_slice() {
            ["healthz"] => plain(StatusCode::OK, "ok\n"),
            ["readyz"] => match self.0.engine.store().newest_entries(1).await {
                Ok(_) => plain(StatusCode::OK, "ok\n"),
                Err(error) => plain(StatusCode::SERVICE_UNAVAILABLE, &format!("{error}\n")),
            },
            ["metrics"] => {
                let inspected = crate::metrics::inspected(&self.0.engine.inspected());
                let malware = crate::metrics::served_malware(self.0.engine.served_malware());
                plain(StatusCode::OK, &(self.0.metrics.text() + &inspected + &malware))
            }
            ["r", id] => self.ruling(id, wants_json(request)).await,
            ["api", "v1", "status"] => json(StatusCode::OK, &self.status()),
            ["api", "v1", "malware"] => self.malware(request, peer).await,
            ["api", "v1", "rulings", id] => self.ruling(id, true).await,
            ["api", "v1", "runs", name] => match self.run_report(name) {
                Some(report) => json(StatusCode::OK, &report),
                None => plain(StatusCode::NOT_FOUND, "nothing was asked for in the name of this run\n"),
            },
            ["api", ..] => plain(StatusCode::NOT_FOUND, "there is nothing at this address\n"),
            _ => outside(),
        }
    }

    fn status(&self) -> Status {
        let upstreams = self.0.engine.upstreams().iter();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            epoch: self.0.engine.epoch().to_string(),
            upstreams: upstreams.map(|(id, config)| (id.to_string(), Origins::of(config))).collect(),
        }
    }

    async fn ruling(&self, id: &str, as_json: bool) -> Response<Body> {
        match self.0.engine.explain(id).await {
            Ok(explained) if as_json => json(StatusCode::OK, &explained),
            Ok(explained) => plain(StatusCode::OK, &page(&explained)),
            Err(error @ EngineError::NoRuling(_)) => plain(StatusCode::NOT_FOUND, &format!("{error}\n")),
            Err(error) => {
                tracing::warn!(%error, "a ruling could not be read");
                plain(StatusCode::INTERNAL_SERVER_ERROR, "the ruling could not be read; see the gateway's log\n")
            }
        }
    }

    /// Whoever has shown a token that is good for this, which needs one whoever may read; else why not, for a person.
    pub(crate) fn holder(
        &self,
        request: &Request<Incoming>,
        peer: &Peer,
        action: Action<'_>,
        right: &str,
    ) -> Result<Caller, String> {
        let caller = self.0.engine.caller(shown(request).as_ref(), Caller::at(peer.principal.clone(), false));
        if caller.may(action) {
            return Ok(caller);
        }
        let why = caller.unknown_token.unwrap_or_else(|| format!("this needs a token that may `{right}`"));
        Err(format!("{why}\n"))
    }

    /// A web page that resolves its own name to our address must not read what is here: we answer to addresses, to
    /// `localhost` and to the configured name.
    fn is_addressed(&self, request: &Request<Incoming>) -> bool {
        let Some(host) = request.headers().get(HOST).and_then(|host| host.to_str().ok()) else { return false };
        let name = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(host, |(name, _)| name);
        let name = name.trim_matches(['[', ']']);
        let public = self.0.public_url.as_ref().and_then(|url| url.host_str());
        name.parse::<IpAddr>().is_ok() || name.eq_ignore_ascii_case("localhost") || public == Some(name)
    }
}

/// What a gateway says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// Its version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// What changes with policy, advisories and decisions.
    pub epoch: String,
    /// Where each ecosystem's packages come from.
    pub upstreams: BTreeMap<String, Origins>,
}

/// The registries that packages of an ecosystem come from, without credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origins {
    /// For names without a registry of their own.
    pub url: String,
    /// For scopes with one.
    pub scopes: BTreeMap<String, String>,
    /// For names that are claimed for one, by pattern; `hosted` for those whose packages are published here.
    #[serde(default)]
    pub claims: BTreeMap<String, String>,
}

impl Origins {
    /// The origins that a client is configured to use.
    pub fn of(config: &ClientConfig) -> Self {
        let scopes = config.scopes.iter().map(|(scope, upstream)| (scope.clone(), redacted(upstream.url.as_str())));
        let claims = config.claims.iter().map(|(names, claim)| {
            let whose = match claim {
                Claim::Upstream(upstream) => redacted(upstream.url.as_str()),
                Claim::Hosted => Stated::HOSTED.to_owned(),
            };
            (names.to_string(), whose)
        });
        Self { url: redacted(config.default.url.as_str()), scopes: scopes.collect(), claims: claims.collect() }
    }
}

/// The first segment, and the rest with its leading `/`.
fn split(target: &str) -> (&str, &str) {
    let inner = target.strip_prefix('/').unwrap_or_default();
    inner.find('/').map_or((inner, "/"), |at| inner.split_at(at))
}

fn wants_json(request: &Request<Incoming>) -> bool {
    let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("application/json"))
}

/// A ruling for a person. Plain text: nothing in it can run.
fn page(explained: &Explained) -> String {
    let reasons = explained.ruling["reasons"].as_array().into_iter().flatten().map(|reason| {
        let word = |key| reason[key].as_str().unwrap_or_default();
        let until = reason["until"].as_str().map_or_else(String::new, |until| format!("       until {until}\n"));
        format!("{:<6} {}: {}\n{until}", word("verdict"), word("rule"), word("sentence"))
    });
    let reasons: String = reasons.collect();
    let Explained { sentence, at, id, purl, evidence, .. } = explained;
    let compared = evidence.iter().find_map(|evidence| match evidence {
        Evidence::Inspection { against: Some(version), .. } => {
            Some(format!("its content was compared with {version}\n"))
        }
        Evidence::Inspection { against: None, .. } => Some("its content was inspected alone\n".to_owned()),
        _ => None,
    });
    let compared = compared.unwrap_or_default();
    format!(
        "{sentence}\n\n{reasons}\n{compared}ruled on {at}\nwith everything it rests on: stockade explain {id}\n\
         what holds now: stockade why {purl}\n"
    )
}

/// Below no mount. A client that was led here by an address in a lockfile or a manifest shows `error` to its user.
fn outside() -> Response<Body> {
    let mounts: Vec<String> = ALL.iter().map(|ecosystem| format!("`/{}/`", ecosystem.id)).collect();
    let error = format!("refused by stockade: this gateway has its registries below {}", mounts.join(", "));
    json(StatusCode::FORBIDDEN, &serde_json::json!({ "error": error }))
}

pub(crate) fn plain(status: StatusCode, text: &str) -> Response<Body> {
    answer(status, "text/plain; charset=utf-8", text.to_owned().into())
}

pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    answer(status, "application/json", serde_json::to_vec(value).unwrap_or_default().into())
}

fn answer(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::whole(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    response
}
