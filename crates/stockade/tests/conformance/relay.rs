//! Stands between clients and the gateway and keeps every byte that either of them says.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// How much is passed on at once.
const PIECE: usize = 16 * 1024;

/// One connection: what the client said, and what it was answered.
#[derive(Default)]
pub(crate) struct Conversation {
    asked: Mutex<Vec<u8>>,
    said: Mutex<Vec<u8>>,
}

impl Conversation {
    pub(crate) fn asked(&self) -> Vec<u8> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn said(&self) -> Vec<u8> {
        self.said.lock().unwrap().clone()
    }
}

/// A relay on a loopback port of its own.
pub(crate) struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    target: Mutex<SocketAddr>,
    conversations: Mutex<Vec<Arc<Conversation>>>,
}

impl Relay {
    /// It lives as long as the process: nobody is left waiting for its threads.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { target: Mutex::new(address), conversations: Mutex::default() });
        let listening = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&listening);
                thread::spawn(move || shared.relay(client));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on, connections lead there.
    pub(crate) fn lead_to(&self, target: SocketAddr) {
        *self.shared.target.lock().unwrap() = target;
    }

    /// Everything that was said so far.
    pub(crate) fn conversations(&self) -> Vec<Arc<Conversation>> {
        self.shared.conversations.lock().unwrap().clone()
    }
}

impl Shared {
    fn relay(&self, client: TcpStream) {
        let target = *self.target.lock().unwrap();
        let Ok(server) = TcpStream::connect(target) else { return };
        let conversation = Arc::new(Conversation::default());
        self.conversations.lock().unwrap().push(Arc::clone(&conversation));
        let (Ok(from), Ok(to)) = (client.try_clone(), server.try_clone()) else { return };
        let asking = Arc::clone(&conversation);
        let upwards = thread::spawn(move || pass(from, to, &asking.asked));
        pass(server, client, &conversation.said);
        let _ = upwards.join();
    }
}

/// Passes on what is said, after it is kept.
fn pass(mut from: TcpStream, mut to: TcpStream, kept: &Mutex<Vec<u8>>) {
    let mut piece = [0; PIECE];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        kept.lock().unwrap().extend_from_slice(&piece[..length]);
        if to.write_all(&piece[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}
