//! The way in: this machine reaches a port of a program in a sandbox.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, spawn_blocking};

use super::connection::pause;

/// How many connections there may be at once. More wait.
const MAX_CONNECTIONS: usize = 512;

/// Lets in whoever connects to the listener, by connections that `connect` makes, until it is dropped. What cannot be
/// connected to in there is closed.
pub async fn publish(
    listener: TcpListener,
    connect: impl Fn() -> io::Result<TcpStream> + Clone + Send + Sync + 'static,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let (room, mut connections) = (Arc::new(Semaphore::new(MAX_CONNECTIONS)), JoinSet::new());
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return Ok(()) };
        let Ok((outside, _)) = listener.accept().await else {
            pause().await;
            continue;
        };
        let connect = connect.clone();
        connections.spawn(async move {
            let _permit = permit;
            // Either side may go at any time.
            let _ = join(outside, connect).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn join(
    mut outside: tokio::net::TcpStream,
    connect: impl FnOnce() -> io::Result<TcpStream> + Send + 'static,
) -> io::Result<()> {
    let inside = spawn_blocking(connect).await.map_err(io::Error::other)??;
    inside.set_nonblocking(true)?;
    let mut inside = tokio::net::TcpStream::from_std(inside)?;
    copy_bidirectional(&mut outside, &mut inside).await.map(drop)
}
