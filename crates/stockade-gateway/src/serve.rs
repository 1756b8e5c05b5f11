//! Connections: accepted, limited, and closed in order.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use crate::Gateway;
use crate::body::Body;

/// How many connections are open at once; the next one waits.
const MAX_CONNECTIONS: usize = 4096;
/// How long a client may take to send a request's head.
const HEAD_DEADLINE: Duration = Duration::from_secs(30);
/// The longest head of a request in bytes.
const MAX_HEAD: usize = 64 * 1024;
/// How long open requests may go on when the gateway stops.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// How long to wait after a connection could not be accepted: descriptors may be short.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// Who is on the other side of a connection, and how they reached us.
pub(crate) struct Peer {
    /// Whom the log says that bytes were given to.
    pub(crate) principal: Arc<str>,
    /// Our address as they reach it.
    pub(crate) root: Root,
}

/// Our address as a client reaches it, without a trailing `/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Root {
    pub(crate) url: Arc<str>,
    for_one_run: bool,
}

impl Root {
    /// Where a person reads more about a ruling.
    pub(crate) fn see(&self, ruling: &str) -> String {
        if self.for_one_run { format!("stockade explain {ruling}") } else { format!("{}/r/{ruling}", self.url) }
    }
}

impl Gateway {
    /// Serves until `stop` ends, then lets open requests finish. It also follows decisions and advisories of others, and,
    /// if it stays, inspects new releases before they are asked for and compares what was given out with the advisories.
    pub async fn serve(&self, listener: TcpListener, stop: impl Future<Output = ()>) -> io::Result<()> {
        let (stopping, stopped) = watch::channel(());
        let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let following = tokio::spawn({
            let engine = self.0.engine.clone();
            async move { engine.follow().await }
        });
        let warming = self.0.only_run.is_none().then(|| {
            let engine = self.0.engine.clone();
            tokio::spawn(async move { engine.warm().await })
        });
        let watching = self.0.only_run.is_none().then(|| {
            let engine = self.0.engine.clone();
            tokio::spawn(async move { engine.watch_served().await })
        });
        let mut stop = pin!(stop);
        loop {
            let slot = Arc::clone(&slots).acquire_owned();
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = async { (slot.await, listener.accept().await) } => accepted,
            };
            match accepted {
                (Ok(slot), Ok((stream, address))) => {
                    let connection = self.clone().connection(stream, address, stopped.clone());
                    tokio::spawn(async move {
                        connection.await;
                        drop(slot);
                    });
                }
                (_, Err(error)) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
                (Err(_), _) => break,
            }
        }
        following.abort();
        for task in warming.into_iter().chain(watching) {
            task.abort();
        }
        drop(listener);
        drop(stopped);
        let _ = stopping.send(());
        let _ = tokio::time::timeout(LAST_WORDS, stopping.closed()).await;
        Ok(())
    }

    async fn connection(self, stream: TcpStream, address: SocketAddr, mut stopped: watch::Receiver<()>) {
        let Ok(local) = stream.local_addr() else { return };
        let _ = stream.set_nodelay(true);
        let url = match &self.0.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://{local}"),
        };
        let root = Root { url: url.into(), for_one_run: self.0.only_run.is_some() };
        let peer = Arc::new(Peer { principal: address.ip().to_string().into(), root });
        let gateway = self;
        let service = service_fn(move |request: Request<Incoming>| {
            let (gateway, peer) = (gateway.clone(), Arc::clone(&peer));
            async move { Ok::<Response<Body>, Infallible>(gateway.answer(request, &peer).await) }
        });
        let mut serving = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_DEADLINE)
                .max_buf_size(MAX_HEAD)
                .serve_connection(TokioIo::new(stream), service)
        );
        let outcome = tokio::select! {
            outcome = serving.as_mut() => outcome,
            _ = stopped.changed() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };
        if let Err(error) = outcome {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}
