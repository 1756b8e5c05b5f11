//! Every fault, as it arrives at the other end.

use std::io::Write as _;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use stockade_testkit::{FakeRegistry, Fault, Package, Release, Stall};

use crate::wire::{ask, get, read, send};

const TARBALL: &str = "/left-demo/-/left-demo-1.0.0.tgz";
const SOON: Duration = Duration::from_secs(10);

fn release() -> Release {
    Package::new("left-demo").release("1.0.0")
}

fn broken(pattern: &str, fault: Fault) -> FakeRegistry {
    let registry = FakeRegistry::start();
    registry.publish(&release());
    registry.fault(pattern, fault);
    registry
}

#[test]
fn a_status_replaces_the_answer_until_it_is_cleared() {
    let registry = broken("/left-demo", Fault::Status(500));
    let answer = get(&registry, "/left-demo");
    assert_eq!((answer.status, answer.json()["error"].as_str()), (500, Some("a fault of the test")));
    assert_eq!(get(&registry, TARBALL).status, 200, "the path is meant exactly");
    registry.clear_faults();
    assert_eq!(get(&registry, "/left-demo").status, 200);
}

#[test]
fn a_fault_can_wear_off_and_say_when_to_come_back() {
    let registry = FakeRegistry::start();
    registry.publish(&release());
    registry.fault_times("/left-demo*", Fault::RetryAfter(429, "3".to_owned()), 2);
    for path in ["/left-demo", TARBALL] {
        let answer = get(&registry, path);
        assert_eq!((answer.status, answer.header("retry-after")), (429, "3"));
    }
    assert_eq!(get(&registry, TARBALL).status, 200);
}

#[test]
fn a_body_can_end_too_early() {
    let registry = broken(TARBALL, Fault::Truncate(20));
    let answer = get(&registry, TARBALL);
    assert_eq!(answer.body, release().tarball()[..20]);
    assert!(answer.closed && !answer.is_whole());
    registry.fault(TARBALL, Fault::TruncateChunked(20));
    let answer = get(&registry, TARBALL);
    assert_eq!(answer.header("transfer-encoding"), "chunked");
    assert!(answer.closed && !answer.body.ends_with(b"0\r\n\r\n"));
}

#[test]
fn a_body_can_have_another_length() {
    let registry = broken(TARBALL, Fault::WrongLength(3));
    let whole = release().tarball();
    let expected = [format!("{:x}\r\n", whole.len() + 3).as_bytes(), &whole, b"   \r\n0\r\n\r\n"].concat();
    assert_eq!(get(&registry, TARBALL).body, expected);
    registry.fault(TARBALL, Fault::WrongLength(-3));
    let shorter = &whole[..whole.len() - 3];
    let expected = [format!("{:x}\r\n", shorter.len()).as_bytes(), shorter, b"\r\n0\r\n\r\n"].concat();
    assert_eq!(get(&registry, TARBALL).body, expected);
}

#[test]
fn bytes_can_be_other_bytes() {
    let registry = broken(TARBALL, Fault::Corrupt);
    let (whole, corrupt) = (release().tarball(), get(&registry, TARBALL));
    assert!(corrupt.is_whole());
    let differences = whole.iter().zip(&corrupt.body).filter(|(a, b)| a != b).count();
    assert_eq!((differences, corrupt.body.len()), (1, whole.len()));
    let other = release().file("index.js", "other").tarball();
    registry.fault(TARBALL, Fault::Replace(other.clone()));
    let replaced = get(&registry, TARBALL);
    assert_eq!((replaced.status, replaced.is_whole(), &replaced.body), (200, true, &other));
    assert_ne!(replaced.header("etag"), corrupt.header("etag"));
}

#[test]
fn a_fault_of_the_body_is_not_hidden_by_a_tag() {
    let registry = FakeRegistry::start();
    registry.publish(&release());
    let tag = format!("if-none-match: {}", get(&registry, TARBALL).header("etag"));
    for fault in [Fault::Truncate(5), Fault::Corrupt, Fault::Replace(b"other".to_vec())] {
        registry.fault(TARBALL, fault.clone());
        assert_eq!(ask(&registry, TARBALL, &[&tag, "connection: close"]).status, 200, "{fault:?}");
    }
}

#[test]
fn answers_can_be_elsewhere_or_hostile() {
    let registry = broken("/left-demo", Fault::Redirect("http://evil.invalid/".to_owned()));
    let answer = get(&registry, "/left-demo");
    assert_eq!((answer.status, answer.header("location")), (302, "http://evil.invalid/"));
    let body = b"{\"name\":".to_vec();
    registry.fault("/left-demo", Fault::RawBody { body: body.clone(), content_type: "text/html".to_owned() });
    let answer = get(&registry, "/left-demo");
    assert_eq!((answer.status, answer.header("content-type"), &answer.body), (200, "text/html", &body));
    registry.fault("/left-demo", Fault::RawResponse(b"HTTP/1.1 299 Odd\r\nx: y\r\n\r\n".to_vec()));
    assert_eq!(get(&registry, "/left-demo").status, 299);
}

#[test]
fn a_connection_can_close_without_a_word() {
    let registry = broken("*", Fault::Drop);
    let answer = get(&registry, "/left-demo");
    assert_eq!((answer.status, answer.closed), (0, true));
    assert_eq!(registry.count("/left-demo"), 1, "it was seen all the same");
}

#[test]
fn a_body_can_be_slow() {
    let length = u32::try_from(release().tarball().len()).unwrap();
    let registry = broken(TARBALL, Fault::Slow(length * 2));
    let start = Instant::now();
    assert!(get(&registry, TARBALL).is_whole());
    let took = start.elapsed();
    assert!(took > Duration::from_millis(300), "{took:?}");
}

#[test]
fn what_hangs_says_nothing_until_it_is_let_go() {
    let registry = broken("/left-demo", Fault::Hang(Stall::BeforeHeaders));
    let mut stream = TcpStream::connect(registry.address()).unwrap();
    stream.write_all(b"GET /left-demo HTTP/1.1\r\nconnection: close\r\n\r\n").unwrap();
    let nothing = read(&mut stream, Duration::from_millis(100));
    assert_eq!((nothing.status, nothing.closed), (0, false));
    registry.clear_faults();
    assert_eq!(read(&mut stream, SOON).status, 200);
}

#[test]
fn a_body_can_hang_in_the_middle() {
    let registry = broken(TARBALL, Fault::Hang(Stall::MidBody));
    let whole = release().tarball();
    let mut stream = TcpStream::connect(registry.address()).unwrap();
    stream.write_all(format!("GET {TARBALL} HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
    let half = read(&mut stream, Duration::from_secs(1));
    assert_eq!((half.status, half.closed, half.body.as_slice()), (200, false, &whole[..whole.len() / 2]));
    drop(stream);
    let start = Instant::now();
    drop(registry);
    assert!(start.elapsed() < SOON, "a registry ends while something hangs");
}

#[test]
fn requests_at_the_same_time_are_counted() {
    let registry = broken("/left-demo", Fault::Hang(Stall::BeforeHeaders));
    thread::scope(|scope| {
        let clients: Vec<_> = (0..5).map(|_| scope.spawn(|| get(&registry, "/left-demo").status)).collect();
        assert!(registry.wait_for("/left-demo", 5, SOON));
        registry.clear_faults();
        for client in clients {
            assert_eq!(client.join().unwrap(), 200);
        }
    });
    assert_eq!((registry.max_concurrent("/left-demo"), registry.max_concurrent("*")), (5, 5));
    assert_eq!(registry.max_concurrent(TARBALL), 0);
    registry.clear_requests();
    get(&registry, "/left-demo");
    assert_eq!((registry.count("*"), registry.max_concurrent("/left-demo")), (1, 1));
    for _ in 0..50 {
        get(&registry, TARBALL);
    }
    assert_eq!(registry.max_concurrent(TARBALL), 1, "one after the other is not at the same time");
    assert!(!registry.wait_for("/left-demo", 2, Duration::from_millis(20)));
}

#[test]
fn a_registry_can_be_gone_and_come_back() {
    let registry = FakeRegistry::start();
    registry.publish(&release());
    let mut open = TcpStream::connect(registry.address()).unwrap();
    open.write_all(b"GET /-/ping HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(read(&mut open, Duration::from_secs(1)).status, 200);
    registry.offline(true);
    assert!(read(&mut open, SOON).closed, "an open connection is cut");
    let answer = send(&registry, b"GET /left-demo HTTP/1.1\r\n\r\n");
    assert_eq!((answer.status, answer.closed), (0, true));
    assert_eq!(registry.count("/left-demo"), 0);
    registry.offline(false);
    assert_eq!(get(&registry, "/left-demo").status, 200);
}
