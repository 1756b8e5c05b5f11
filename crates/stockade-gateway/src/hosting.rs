//! Publishing, and who somebody is to us: requests that carry a token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Request, Response, StatusCode};
use stockade_ecosystem::{Account, Answer, Hosting, KnownToken, Request as Asked, Told};
use stockade_engine::EngineError;
use stockade_engine::access::{Action, Right, Token};
use stockade_model::Secret;

use crate::body::Body;
use crate::mount::{Mounted, text};
use crate::refuse;

/// The longest body of a request that publishes, in bytes: 256 MiB. npm sends four bytes for three of the file.
const MAX_PUBLICATION: usize = 256 << 20;
/// The longest body of another request with a token, in bytes.
const MAX_ACCOUNT: usize = 64 * 1024;

/// The token that a request shows: as a bearer, as the password of any user, or alone.
pub(crate) fn shown(request: &Request<Incoming>) -> Option<Secret> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?.trim();
    let (scheme, rest) = header.split_once(' ').unwrap_or(("", header));
    let token = if scheme.eq_ignore_ascii_case("bearer") {
        rest.trim().to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let pair = pair(header)?;
        let (user, password) = pair.split_once(':')?;
        if password.is_empty() { user.to_owned() } else { password.to_owned() }
    } else {
        header.to_owned()
    };
    Some(Secret::new(token)).filter(|token| !token.reveal().is_empty())
}

/// The user and the password of an `Authorization`, with the colon between them.
pub(crate) fn pair(authorization: &str) -> Option<String> {
    let (scheme, rest) = authorization.split_once(' ')?;
    let bytes = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(rest.trim()).ok())?;
    String::from_utf8(bytes?).ok()
}

impl Mounted<'_> {
    /// Changes what is hosted.
    pub(crate) async fn change(&self, request: Request<Incoming>) -> Response<Body> {
        let Some(hosting) = self.registry.hosting() else { return self.not_hosted() };
        // Nobody without a right is read for long.
        if !self.caller.publishes() {
            return self.unauthenticated();
        }
        let method = request.method().clone();
        let content_type = text(&request, CONTENT_TYPE).to_owned();
        let asked = Asked { method: method.as_str(), path: self.path, accept: "" };
        let Ok(_turn) = self.gateway.0.publishing.acquire().await else { return self.not_hosted() };
        let body = match self.body(request, MAX_PUBLICATION).await {
            Ok(body) => body,
            Err(refused) => return refused,
        };
        match self.changed(hosting, &asked, &content_type, body).await {
            Ok(answer) => respond(answer),
            Err(EngineError::Malformed(malformed)) => {
                let why = malformed.to_string();
                self.refuse(&refuse::unserved(StatusCode::BAD_REQUEST.as_u16(), &why))
            }
            Err(error) => self.failed(&error, ""),
        }
    }

    async fn changed(
        &self,
        hosting: &'static dyn Hosting,
        asked: &Asked<'_>,
        content_type: &str,
        body: Bytes,
    ) -> Result<Answer, EngineError> {
        let (method, path) = (asked.method.to_owned(), asked.path.to_owned());
        let content_type = content_type.to_owned();
        // A tarball is unpacked for it.
        let reading = move || {
            let asked = Asked { method: &method, path: &path, accept: "" };
            hosting.changes(&asked, &content_type, &body)
        };
        let changes = tokio::task::spawn_blocking(reading).await??;
        self.gateway.0.engine.change(&self.caller, changes.clone()).await?;
        Ok(hosting.changed(&changes, &[]))
    }

    /// Answers who somebody is to us, and ends tokens.
    pub(crate) async fn account(&self, account: Account, request: Request<Incoming>) -> Response<Body> {
        let Some(hosting) = self.registry.hosting() else { return self.not_hosted() };
        let engine = &self.gateway.0.engine;
        let shown = shown(&request).and_then(|shown| engine.token(&shown)).filter(|token| token.is_good(engine.now()));
        let answer = match (account, shown) {
            (Account::LogIn, _) => return self.log_in(hosting, request).await,
            (Account::Find { text, most }, _) if self.caller.may(Action::Read) => engine
                .find_hosted(&self.ecosystem.id, &text, most)
                .await
                .map(|found| hosting.told(&Told::Found(&found))),
            (_, None) => return self.unauthenticated(),
            (account, Some(shown)) => self.told(hosting, account, &shown).await,
        };
        match answer {
            Ok(Some(answer)) => respond(answer),
            Ok(None) => self.not_hosted(),
            Err(error) => self.failed(&error, ""),
        }
    }

    async fn told(
        &self,
        hosting: &'static dyn Hosting,
        account: Account,
        shown: &Token,
    ) -> Result<Option<Answer>, EngineError> {
        let engine = &self.gateway.0.engine;
        Ok(match account {
            Account::Who | Account::LogIn | Account::Find { .. } => hosting.told(&Told::Who(&shown.name)),
            Account::Revoke { token } => {
                let wanted = engine.token(&token).map_or_else(|| token.reveal().to_owned(), |token| token.id);
                let mut own = engine.tokens().await?.into_iter().filter(|token| token.name == shown.name);
                if !own.any(|token| token.id == wanted) || !engine.revoke_token(&wanted, &shown.name).await? {
                    return Err(EngineError::NoRelease("there is no such token of yours".to_owned()));
                }
                hosting.told(&Told::Revoked)
            }
            Account::Tokens => {
                let own = engine.tokens().await?.into_iter();
                let own = own.filter(|token| token.name == shown.name && token.is_good(engine.now()));
                let own: Vec<KnownToken> = own.map(known).collect();
                hosting.told(&Told::Tokens(&own))
            }
            Account::Packages => {
                let packages = engine.packages_of(&self.caller, self.ecosystem.id.as_str()).await?;
                hosting.told(&Told::Packages(&packages))
            }
            Account::Publishers { package } => hosting.told(&Told::Publishers(&engine.publishers(&package).await?)),
        })
    }

    /// There are no passwords but tokens: whoever logs in with one goes on with it.
    async fn log_in(&self, hosting: &'static dyn Hosting, request: Request<Incoming>) -> Response<Body> {
        let body = match self.body(request, MAX_ACCOUNT).await {
            Ok(body) => body,
            Err(refused) => return refused,
        };
        let engine = &self.gateway.0.engine;
        let good = |token: &Secret| engine.token(token).is_some_and(|known| known.is_good(engine.now()));
        match hosting.password(&body) {
            Ok(token) if good(&token) => {
                hosting.told(&Told::LoggedIn(&token)).map_or_else(|| self.not_hosted(), respond)
            }
            Ok(_) => {
                let why = "the password is no token that is good here; `stockade token create` makes one";
                self.refuse(&refuse::unserved(StatusCode::UNAUTHORIZED.as_u16(), why))
            }
            Err(malformed) => self.refuse(&refuse::unserved(StatusCode::BAD_REQUEST.as_u16(), &malformed.to_string())),
        }
    }

    /// All of a request's body, or what is answered to one that is too long or breaks off.
    async fn body(&self, request: Request<Incoming>, limit: usize) -> Result<Bytes, Response<Body>> {
        let too_long = || {
            let why = format!("the request has more than {limit} bytes");
            self.refuse(&refuse::unserved(StatusCode::PAYLOAD_TOO_LARGE.as_u16(), &why))
        };
        let stated = text(&request, CONTENT_LENGTH).parse::<usize>();
        if stated.is_ok_and(|length| length > limit) {
            return Err(too_long());
        }
        let collected = Limited::new(request.into_body(), limit).collect().await;
        collected.map(http_body_util::Collected::to_bytes).map_err(|_| too_long())
    }

    fn not_hosted(&self) -> Response<Body> {
        let why = "this gateway hosts no packages of this ecosystem";
        self.refuse(&refuse::unserved(StatusCode::FORBIDDEN.as_u16(), why))
    }

    /// Who asks has to say who they are, or has no right to it.
    pub(crate) fn unauthenticated(&self) -> Response<Body> {
        let why = match &self.caller.unknown_token {
            Some(why) => why.clone(),
            None if self.shows_token => "no right of the token covers this".to_owned(),
            None => "this needs a token; `stockade token create` makes one".to_owned(),
        };
        let is_known = self.shows_token && self.caller.unknown_token.is_none();
        let status = if is_known { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
        let mut response = self.refuse(&refuse::unserved(status.as_u16(), &why));
        if !is_known {
            let challenge = self.registry.challenge();
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

fn known(token: Token) -> KnownToken {
    let only_reads = token.rights.iter().all(|right| *right == Right::Read);
    KnownToken { id: token.id, name: token.name, only_reads, since: token.since }
}

fn respond(answer: Answer) -> Response<Body> {
    let mut response = Response::new(Body::whole(answer.body.into()));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    response
}
