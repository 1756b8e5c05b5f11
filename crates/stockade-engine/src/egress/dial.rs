//! The way out: the name is looked up here, and only here.
//!
//! A name leads wherever its owner says. A company's own registry is at a private address, so those are dialled; what is
//! never meant is this machine itself and what answers on the link alone, such as the service that hands a cloud's
//! credentials to its machines. Whoever means those forwards a port, or allows the address.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long looking up a name and connecting may take together, in seconds.
const PATIENCE: u64 = 10;
/// How long one address is waited for before the next is tried besides. Source: RFC 8305, 5.
const HEAD_START: Duration = Duration::from_millis(250);
/// The most addresses of a name that are tried.
const MAX_ADDRESSES: usize = 16;

/// Resolves a name outside.
pub(super) type Resolve = fn(String, u16) -> Resolving;
pub(super) type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Resolves a name as the system does.
pub(super) fn by_system(name: String, port: u16) -> Resolving {
    Box::pin(async move {
        let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), port)).await?.collect();
        elsewhere(&name, &found)
    })
}

/// The addresses that a name may lead to.
fn elsewhere(name: &str, found: &[SocketAddr]) -> io::Result<Vec<SocketAddr>> {
    let elsewhere: Vec<SocketAddr> = found.iter().copied().filter(|found| is_elsewhere(found.ip())).collect();
    match found.first() {
        Some(here) if elsewhere.is_empty() => Err(io::Error::other(format!(
            "`{name}` is at `{}`, where no name may lead; allow the address itself, or forward a port",
            here.ip()
        ))),
        _ => Ok(elsewhere),
    }
}

/// False for addresses of this machine, of the link, and of many machines at once.
fn is_elsewhere(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            !(address.is_loopback()
                || address.is_link_local()
                || address.is_multicast()
                || address.is_broadcast()
                || address.octets()[0] == 0)
        }
        IpAddr::V6(address) => {
            // Addresses of IPv4 once began so; the unspecified and the loopback one do still.
            let is_old = address.segments()[..6] == [0; 6];
            !(is_old || address.is_unicast_link_local() || address.is_multicast())
        }
    }
}

/// Connects to the first of the addresses that answers.
pub(super) async fn dial(addresses: impl Future<Output = io::Result<Vec<SocketAddr>>>) -> Result<TcpStream, String> {
    let dialled = timeout(Duration::from_secs(PATIENCE), async { first_of(addresses.await?).await }).await;
    match dialled {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(format!("it could not be connected to: {error}")),
        Err(_) => Err(format!("it did not answer within {PATIENCE} seconds")),
    }
}

async fn first_of(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut waiting = addresses.into_iter().take(MAX_ADDRESSES);
    let mut tried = JoinSet::new();
    let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        let next = waiting.next();
        let is_last = next.is_none();
        if let Some(address) = next {
            tried.spawn(TcpStream::connect(address));
        }
        tokio::select! {
            done = tried.join_next() => match done {
                Some(Ok(Ok(stream))) => {
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Some(Ok(Err(error))) => failed = error,
                Some(Err(error)) => failed = error.into(),
                None => return Err(failed),
            },
            () = sleep(HEAD_START), if !is_last => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn no_name_leads_to_this_machine_or_the_link() {
        let here = [
            "127.0.0.1",
            "0.0.0.0",
            "169.254.169.254",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "fe80::1",
            "ff02::1",
        ];
        for address in here {
            assert!(!is_elsewhere(address.parse().unwrap()), "{address}");
        }
        for address in ["10.0.0.1", "192.168.0.1", "192.0.2.1", "fd00::1", "2001:db8::1"] {
            assert!(is_elsewhere(address.parse().unwrap()), "{address}");
        }
        let at = |address: &str| SocketAddr::new(address.parse().unwrap(), 80);
        assert_eq!(elsewhere("a.example", &[at("::1"), at("10.0.0.1")]).unwrap(), [at("10.0.0.1")]);
        let error = elsewhere("a.example", &[at("169.254.169.254")]).unwrap_err().to_string();
        assert!(error.starts_with("`a.example` is at `169.254.169.254`, where no name may lead"), "{error}");
        assert_eq!(elsewhere("a.example", &[]).unwrap(), []);
    }

    #[tokio::test]
    async fn the_address_that_answers_is_taken() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = listener.local_addr().unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let stream = dial(async move { Ok(vec![closed, good]) }).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good);
        assert!(dial(async move { Ok(vec![closed]) }).await.unwrap_err().contains("could not be connected to"));
        assert!(dial(async { Ok(Vec::new()) }).await.is_err());
    }
}
