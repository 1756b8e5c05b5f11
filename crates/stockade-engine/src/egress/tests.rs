use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc::{Receiver, channel};

use super::*;

/// A service outside that answers everything with what it got, and the way out to it.
struct World {
    inside: SocketAddr,
    attempts: Receiver<Attempt>,
    egress: Arc<Egress>,
}

/// Where names lead in these tests: to a port of this machine that the name says.
fn resolve(name: String, _: u16) -> dial::Resolving {
    Box::pin(async move {
        let port =
            name.trim_start_matches('p').split('.').next().unwrap_or_default().parse().map_err(io::Error::other)?;
        Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))])
    })
}

async fn echo() -> u16 {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    port
}

/// A world in which a connection is meant for `to`.
fn world(rules: Vec<Rule>, forwards: Vec<Forward>, to: impl Fn(&Names) -> SocketAddr) -> World {
    let (queue, attempts) = channel(16);
    let egress = Arc::new(Egress::resolving(Allowed { rules, forwards, ..Allowed::default() }, queue, resolve));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let inside = listener.local_addr().unwrap();
    let to = to(&egress.names);
    tokio::spawn(Arc::clone(&egress).serve(vec![listener], None, move |_| Some(to)));
    World { inside, attempts, egress }
}

fn rule(host: &str, ports: &[u16], upload: Option<u64>) -> Rule {
    Rule { host: host.parse().unwrap(), ports: ports.to_vec(), upload, read_only: upload.is_some() }
}

/// The address that stands for a name, once it was asked for.
fn stands_for(name: &str, port: u16) -> impl Fn(&Names) -> SocketAddr {
    move |names| (names.address(name).unwrap(), port).into()
}

impl World {
    /// Sends something, says that this is all, and gives what came back, with what was told.
    async fn say(&mut self, words: &[u8]) -> (Vec<u8>, Attempt) {
        let mut stream = TcpStream::connect(self.inside).await.unwrap();
        let _ = stream.write_all(words).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await.unwrap();
        let attempt = tokio::time::timeout(Duration::from_secs(5), self.attempts.recv()).await.unwrap();
        (answer, attempt.unwrap())
    }
}

fn refused(attempt: &Attempt) -> String {
    match &attempt.outcome {
        Outcome::Refused(reason) => reason.to_string(),
        other => panic!("{other:?}"),
    }
}

/// The first message of a TLS client.
fn hello(name: &str) -> Vec<u8> {
    let with_length = |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat();
    let list = with_length(&[&[0_u8][..], &with_length(name.as_bytes())].concat());
    let extensions = with_length(&[&[0_u8, 0][..], &with_length(&list)].concat());
    let body = [&[3_u8, 3][..], &[0; 32], &[0, 0, 2, 0x13, 1, 1, 0], &extensions].concat();
    let message = [&[1_u8, 0][..], &with_length(&body)].concat();
    [&[22_u8, 3, 1][..], &with_length(&message)].concat()
}

#[tokio::test]
async fn a_forwarded_port_leads_to_its_place() {
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, echo().await));
    let mut world = world(Vec::new(), vec![Forward { port: 4873, to }], |_| ([127, 0, 0, 1], 4873).into());
    let (answer, attempt) = world.say(b"anything").await;
    assert_eq!((answer.as_slice(), attempt.sent, attempt.received), (&b"anything"[..], 8, 8));
    assert_eq!((attempt.outcome, attempt.reached), (Outcome::Allowed, Some(to)));
}

#[tokio::test]
async fn where_everything_is_let_out_it_is_told_what_would_not_have_been() {
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, echo().await));
    let (queue, attempts) = channel(16);
    let allowed =
        Allowed { rules: vec![rule("ok.example", &[to.port()], Some(1))], observe: true, ..Allowed::default() };
    let egress = Arc::new(Egress::resolving(allowed, queue, resolve));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let inside = listener.local_addr().unwrap();
    tokio::spawn(Arc::clone(&egress).serve(vec![listener], None, move |_| Some(to)));
    let mut world = World { inside, attempts, egress };
    let (answer, attempt) = world.say(&hello("ok.example")).await;
    assert_eq!((answer, attempt.outcome, attempt.reached), (hello("ok.example"), Outcome::Allowed, Some(to)));
    let (answer, attempt) = world.say(&hello("evil.invalid")).await;
    assert_eq!((answer, attempt.name.as_deref()), (hello("evil.invalid"), Some("evil.invalid")));
    assert_eq!(attempt.outcome, Outcome::Observed(Reason::Name("evil.invalid".to_owned())));
    let (answer, attempt) = world.say(b"SSH-2.0-x\r\n").await;
    assert_eq!((answer.as_slice(), attempt.outcome), (&b"SSH-2.0-x\r\n"[..], Outcome::Observed(Reason::Address(to))));
}

#[tokio::test]
async fn tls_is_let_out_to_the_name_that_was_resolved_and_to_no_other() {
    let name = format!("p{}.ok.example", echo().await);
    let rules = || vec![rule(&name, &[443], None)];
    let mut world = world(rules(), Vec::new(), stands_for(&name, 443));
    let mine = hello(&name.to_uppercase());
    let (answer, attempt) = world.say(&mine).await;
    assert_eq!((answer, attempt.outcome, attempt.protocol), (mine, Outcome::Allowed, Protocol::Tls));
    let (answer, attempt) = world.say(&hello("evil.invalid")).await;
    assert_eq!(answer, b"");
    assert_eq!(refused(&attempt), format!("`evil.invalid` was asked for at the address of `{name}`"));
    let (_, attempt) = world.say(b"SSH-2.0-x\r\n").await;
    assert!(refused(&attempt).contains("something else was spoken"), "{}", refused(&attempt));
}

#[tokio::test]
async fn every_request_of_a_plain_connection_is_for_the_same_host() {
    let name = format!("p{}.ok.example", echo().await);
    let mut world = world(vec![rule(&name, &[80], Some(1000))], Vec::new(), stands_for(&name, 80));
    let get = |host: &str| format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let (answer, attempt) = world.say(get(&name).repeat(2).as_bytes()).await;
    assert_eq!((answer, attempt.outcome), (get(&name).repeat(2).into_bytes(), Outcome::Allowed));
    let (_, attempt) = world.say((get(&name) + &get("evil.invalid")).as_bytes()).await;
    assert!(refused(&attempt).contains("`evil.invalid` was asked for"));
    let post = format!("POST / HTTP/1.1\r\nHost: {name}\r\nContent-Length: 1\r\n\r\nx");
    let (answer, attempt) = world.say(post.as_bytes()).await;
    assert!(answer.is_empty() && refused(&attempt).contains("`POST` was requested"));
}

#[tokio::test]
async fn what_may_be_sent_is_limited_for_the_whole_run() {
    let name = format!("p{}.ok.example", echo().await);
    let mut rule = rule(&name, &[9000], Some(10));
    rule.read_only = false;
    let mut world = world(vec![rule], Vec::new(), stands_for(&name, 9000));
    assert_eq!(world.say(b"123456").await.1.outcome, Outcome::Allowed);
    let (_, attempt) = world.say(b"123456").await;
    assert_eq!(refused(&attempt), format!("more than 10 bytes were to be sent to `{name}` in this run"));
    assert_eq!(attempt.sent, 0);
}

#[tokio::test]
async fn what_no_rule_allows_is_refused_and_named() {
    let rules = || vec![rule("ok.example", &[443], None), rule("192.0.2.7", &[9000], None)];
    let mut by_address = world(rules(), Vec::new(), |_| ([192, 0, 2, 1], 443).into());
    let (answer, attempt) = by_address.say(&hello("evil.invalid")).await;
    assert_eq!((answer.len(), refused(&attempt)), (0, "no rule allows `evil.invalid`".to_owned()));
    let (_, attempt) = by_address.say(&hello("ok.example")).await;
    assert_eq!(refused(&attempt), "no rule allows the address `192.0.2.1:443`");
    let mut other_port = world(rules(), Vec::new(), stands_for("ok.example", 22));
    assert_eq!(refused(&other_port.say(b"x").await.1), "no rule allows port 22 of `ok.example`");
    let six = SocketAddr::new("::ffff:192.0.2.1".parse::<IpAddr>().unwrap(), 80);
    let mut mapped = world(rules(), Vec::new(), move |_| six);
    let (_, attempt) = mapped.say(b"GET / HTTP/1.1\r\nHost: evil.invalid\r\n\r\n").await;
    assert_eq!(
        (attempt.name.as_deref(), attempt.destination.ip()),
        (Some("evil.invalid"), "192.0.2.1".parse().unwrap())
    );
    assert_eq!(mapped.egress.counts().dropped, 0);
}

#[tokio::test]
async fn names_are_answered_over_streams_as_well() {
    let (queue, _attempts) = channel(1);
    let egress = Arc::new(Egress::resolving(
        Allowed { rules: vec![rule("ok.example", &[443], None)], ..Allowed::default() },
        queue,
        resolve,
    ));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let inside = listener.local_addr().unwrap();
    tokio::spawn(egress.serve(vec![listener], None, |_| Some(([10, 0, 0, 2], 53).into())));
    let mut packet = simple_dns::Packet::new_query(7);
    let (name, class) =
        (simple_dns::Name::new("ok.example").unwrap(), simple_dns::QCLASS::CLASS(simple_dns::CLASS::IN));
    packet.questions.push(simple_dns::Question::new(name, simple_dns::TYPE::A.into(), class, false));
    let question = packet.build_bytes_vec().unwrap();
    let mut stream = TcpStream::connect(inside).await.unwrap();
    for _ in 0..2 {
        stream.write_u16(question.len().try_into().unwrap()).await.unwrap();
        stream.write_all(&question).await.unwrap();
        let mut answer = vec![0; stream.read_u16().await.unwrap().into()];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(simple_dns::Packet::parse(&answer).unwrap().answers.len(), 1);
    }
}

/// A program that is connected to a service that we are.
async fn connected() -> (TcpStream, TcpStream, World, tokio::task::JoinHandle<io::Result<()>>) {
    let outside = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let (queue, attempts) = channel(16);
    let forward = Forward { port: 4873, to: outside.local_addr().unwrap() };
    let allowed = Allowed { forwards: vec![forward], ..Allowed::default() };
    let egress = Arc::new(Egress::resolving(allowed, queue, resolve));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let inside = listener.local_addr().unwrap();
    let serving =
        tokio::spawn(Arc::clone(&egress).serve(vec![listener], None, |_| Some(([127, 0, 0, 1], 4873).into())));
    let program = TcpStream::connect(inside).await.unwrap();
    let (service, _) = outside.accept().await.unwrap();
    (program, service, World { inside, attempts, egress }, serving)
}

async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(5), work).await.unwrap()
}

#[tokio::test]
async fn a_reset_is_passed_on_as_one() {
    let (mut program, service, ..) = connected().await;
    service.set_zero_linger().unwrap();
    drop(service);
    assert!(soon(program.read(&mut [0])).await.is_err(), "the end of half an answer is no end");
    let (program, mut service, ..) = connected().await;
    program.set_zero_linger().unwrap();
    drop(program);
    assert!(soon(service.read(&mut [0])).await.is_err());
}

#[tokio::test]
async fn an_end_is_passed_on_and_the_other_direction_goes_on() {
    let (mut program, mut service, mut world, _serving) = connected().await;
    program.write_all(b"all").await.unwrap();
    program.shutdown().await.unwrap();
    let mut said = Vec::new();
    soon(service.read_to_end(&mut said)).await.unwrap();
    service.write_all(&said.repeat(100_000)).await.unwrap();
    drop(service);
    let mut answer = Vec::new();
    soon(program.read_to_end(&mut answer)).await.unwrap();
    assert!(answer == b"all".repeat(100_000));
    let attempt = soon(world.attempts.recv()).await.unwrap();
    assert_eq!((attempt.outcome, attempt.sent, attempt.received), (Outcome::Allowed, 3, 300_000));
}

#[tokio::test]
async fn a_connection_that_outlives_the_run_was_let_out_all_the_same() {
    let (mut program, mut service, mut world, serving) = connected().await;
    program.write_all(b"abc").await.unwrap();
    soon(service.read_exact(&mut [0; 3])).await.unwrap();
    serving.abort();
    let attempt = soon(world.attempts.recv()).await.unwrap();
    assert_eq!((attempt.outcome, attempt.sent), (Outcome::Allowed, 3));
    assert_eq!(soon(program.read(&mut [0])).await.unwrap_or_default(), 0);
}

#[tokio::test]
async fn what_is_refused_is_reset() {
    let name = format!("p{}.ok.example", echo().await);
    let mut world = world(vec![rule(&name, &[443], None)], Vec::new(), stands_for(&name, 443));
    for said in [hello("evil.invalid"), b"GET / HTTP/1.1\r\n\r\n".to_vec()] {
        let mut stream = TcpStream::connect(world.inside).await.unwrap();
        stream.write_all(&said).await.unwrap();
        assert!(soon(stream.read(&mut [0])).await.is_err());
        refused(&soon(world.attempts.recv()).await.unwrap());
    }
}
