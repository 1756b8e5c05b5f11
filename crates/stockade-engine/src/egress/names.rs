//! Answers to questions for names: an address of our own for each name that a rule allows, and none for any other.
//!
//! So whoever connects to that address says which name is meant, and nothing can be told to a stranger's server by asking
//! for names below it. Source: RFC 1035; RFC 6761 for `localhost`; RFC 2544 for the addresses, which nobody routes.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use simple_dns::rdata::{A, AAAA, OPT, RData};
use simple_dns::{CLASS, OPCODE, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};

use super::allowed::Allowed;
use super::attempt::{Reason, Reports};
use super::host::{Host, is_local, normal, printable};

/// The longest question, in bytes, that is read.
pub(super) const MAX_QUESTION: usize = 4096;
/// The first of the addresses that stand for names: 198.18.0.1.
const FIRST: u32 = 0xc612_0001;
/// The bit of the third byte that marks an answer.
const RESPONSE: u8 = 0x80;
/// How many names have an address.
const MAX_NAMES: usize = 4096;
/// The longest answer over UDP that we announce, in bytes. Source: DNS Flag Day 2020.
const MAX_ANSWER: u16 = 1232;
/// The most records beside the question: options, a signature.
const MAX_ADDITIONAL: u16 = 2;
/// How long an answer holds, in seconds.
const LIFE: u32 = 60;

/// The names that were asked for, and the addresses that stand for them.
#[derive(Default)]
pub(super) struct Names(Mutex<Known>);

#[derive(Default)]
struct Known {
    by_name: HashMap<Arc<str>, Ipv4Addr>,
    by_address: HashMap<Ipv4Addr, Arc<str>>,
}

impl Names {
    /// Whom an address stands for: a name, or itself.
    pub(super) fn host(&self, address: IpAddr) -> Host {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let name = match address {
            IpAddr::V4(address) => known.by_address.get(&address).cloned(),
            IpAddr::V6(_) => None,
        };
        name.map_or(Host::Address(address), Host::Name)
    }

    /// The address that stands for a name; none if there are too many.
    pub(super) fn address(&self, name: &str) -> Option<Ipv4Addr> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(address) = known.by_name.get(name) {
            return Some(*address);
        }
        let number = u32::try_from(known.by_name.len()).ok().filter(|number| (*number as usize) < MAX_NAMES)?;
        let (name, address) = (Arc::<str>::from(name), Ipv4Addr::from(FIRST + number));
        known.by_name.insert(Arc::clone(&name), address);
        known.by_address.insert(address, name);
        Some(address)
    }

    /// The answer to a question; none if it is not one that has an answer.
    pub(super) fn answer(
        &self,
        question: &[u8],
        (source, destination): (Option<SocketAddr>, SocketAddr),
        allowed: &Allowed,
        reports: &Reports,
    ) -> Option<Vec<u8>> {
        let asked = is_question(question).then(|| Packet::parse(question).ok()).flatten();
        let Some(asked) = asked.filter(|asked| asked.opcode() == OPCODE::StandardQuery) else {
            reports.name_refused(None, Reason::Unreadable, source, destination);
            return malformed(question);
        };
        let question = asked.questions.first()?;
        let written = question.qname.to_string();
        let name = normal(written.as_bytes());
        let mut answer = Packet::new_reply(asked.id());
        answer.set_flags(PacketFlag::RECURSION_AVAILABLE);
        if asked.has_flags(PacketFlag::RECURSION_DESIRED) {
            answer.set_flags(PacketFlag::RECURSION_DESIRED);
        }
        answer.questions.push(question.clone());
        if asked.opt().is_some() {
            *answer.opt_mut() = Some(OPT { opt_codes: Vec::new(), udp_packet_size: MAX_ANSWER, version: 0 });
        }
        match self.found(name.as_deref(), question.qtype, allowed) {
            Ok(data) => {
                let record = |data| ResourceRecord::new(question.qname.clone(), CLASS::IN, LIFE, data);
                answer.answers.extend(data.map(record));
            }
            Err(none) => {
                let shown = printable(written.as_bytes());
                let reason = if none { Reason::Name(shown.clone()) } else { Reason::TooManyNames(shown.clone()) };
                reports.name_refused(Some(shown), reason, source, destination);
                *answer.rcode_mut() = RCODE::NameError;
            }
        }
        answer.build_bytes_vec().ok()
    }

    /// What is known of a name; an error, which is true unless there are too many names, if nothing is.
    fn found(&self, name: Option<&str>, kind: QTYPE, allowed: &Allowed) -> Result<Option<RData<'static>>, bool> {
        let name = name.ok_or(true)?;
        let (four, six) = (matches!(kind, QTYPE::TYPE(TYPE::A)), matches!(kind, QTYPE::TYPE(TYPE::AAAA)));
        if is_local(name) {
            let six = six.then(|| RData::AAAA(AAAA { address: Ipv6Addr::LOCALHOST.into() }));
            return Ok(four.then(|| RData::A(A { address: Ipv4Addr::LOCALHOST.into() })).or(six));
        }
        if !allowed.means(&Host::Name(name.into())) {
            return Err(true);
        }
        let address = self.address(name).ok_or(false)?;
        Ok(four.then(|| RData::A(A { address: address.into() })))
    }
}

/// True if the header announces one question and nothing that has no place beside it. The library makes room for as many
/// records as are announced.
fn is_question(message: &[u8]) -> bool {
    let [_, _, flags, _, q1, q2, a1, a2, n1, n2, o1, o2, ..] = *message else { return false };
    flags & RESPONSE == 0
        && u16::from_be_bytes([q1, q2]) == 1
        && [a1, a2, n1, n2] == [0; 4]
        && u16::from_be_bytes([o1, o2]) <= MAX_ADDITIONAL
}

/// The answer to what cannot be read, if at least it says which question it is.
fn malformed(question: &[u8]) -> Option<Vec<u8>> {
    let [high, low, flags, ..] = *question else { return None };
    // Nobody answers answers: that could go on for ever.
    if flags & RESPONSE != 0 {
        return None;
    }
    let mut answer = Packet::new_reply(u16::from_be_bytes([high, low]));
    *answer.rcode_mut() = RCODE::FormatError;
    answer.build_bytes_vec().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use simple_dns::{Name, QCLASS, Question};

    use super::super::allowed::Rule;
    use super::*;

    fn world() -> (Names, Allowed, Reports, tokio::sync::mpsc::Receiver<super::super::Attempt>) {
        let rule = Rule { host: "ok.example".parse().unwrap(), ports: vec![443], upload: None, read_only: false };
        let (queue, attempts) = tokio::sync::mpsc::channel(8);
        (Names::default(), Allowed { rules: vec![rule], ..Allowed::default() }, Reports::new(queue), attempts)
    }

    const AT: (Option<SocketAddr>, SocketAddr) = (None, SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 53));

    fn asked(name: &str, kind: TYPE) -> Vec<u8> {
        let mut packet = Packet::new_query(7);
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
        packet.questions.push(Question::new(Name::new(name).unwrap(), kind.into(), QCLASS::CLASS(CLASS::IN), false));
        packet.build_bytes_vec().unwrap()
    }

    fn answered(world: &(Names, Allowed, Reports, impl Sized), question: &[u8]) -> (RCODE, Vec<IpAddr>) {
        let answer = world.0.answer(question, AT, &world.1, &world.2).unwrap();
        let answer = Packet::parse(&answer).unwrap();
        assert_eq!(answer.id(), 7);
        let address = |record: &ResourceRecord<'_>| match &record.rdata {
            RData::A(a) => IpAddr::V4(a.address.into()),
            RData::AAAA(a) => IpAddr::V6(a.address.into()),
            other => panic!("{other:?}"),
        };
        (answer.rcode(), answer.answers.iter().map(address).collect())
    }

    #[test]
    fn an_allowed_name_has_an_address_of_ours_and_no_other_has_any() {
        let mut world = world();
        let first = IpAddr::V4(Ipv4Addr::from(FIRST));
        assert_eq!(answered(&world, &asked("ok.example", TYPE::A)), (RCODE::NoError, vec![first]));
        assert_eq!(answered(&world, &asked("OK.Example", TYPE::A)), (RCODE::NoError, vec![first]), "case is no matter");
        assert_eq!(answered(&world, &asked("ok.example", TYPE::AAAA)), (RCODE::NoError, Vec::new()));
        assert_eq!(answered(&world, &asked("ok.example", TYPE::TXT)), (RCODE::NoError, Vec::new()));
        assert_eq!(world.0.host(first).to_string(), "ok.example");
        let local = answered(&world, &asked("a.localhost", TYPE::A));
        assert_eq!(local, (RCODE::NoError, vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]));
        for _ in 0..2 {
            assert_eq!(answered(&world, &asked("c2VjcmV0.evil.invalid", TYPE::A)), (RCODE::NameError, Vec::new()));
        }
        let attempt = world.3.try_recv().unwrap();
        assert_eq!(attempt.name.as_deref(), Some("c2vjcmv0.evil.invalid"));
        assert!(world.3.try_recv().is_err(), "it is told once");
        assert_eq!(world.2.counts().names_refused, 2);
    }

    #[test]
    fn what_is_no_question_is_said_to_be_none() {
        let world = world();
        assert_eq!(answered(&world, &[0, 7, 1, 0, 0, 9]), (RCODE::FormatError, Vec::new()));
        let good = asked("ok.example", TYPE::A);
        for (at, byte) in [(5, 2), (6, 255), (8, 255), (10, 255), (2, 0x28)] {
            let mut question = good.clone();
            question[at] = byte;
            assert_eq!(answered(&world, &question), (RCODE::FormatError, Vec::new()), "{at}");
        }
        let label = [&good[..12], b"\x0aok.example\0\0\x01\0\x01"].concat();
        assert_eq!(
            answered(&world, &label),
            (RCODE::NameError, Vec::new()),
            "a dot within a label is none between two"
        );
        assert!(world.0.answer(&[0, 7, 0x80, 0], AT, &world.1, &world.2).is_none(), "an answer is not answered");
        assert!(world.0.answer(&[0], AT, &world.1, &world.2).is_none());
    }

    proptest! {
        #[test]
        fn nothing_panics(question in proptest::collection::vec(any::<u8>(), 0..128)) {
            let world = world();
            let _ = world.0.answer(&question, AT, &world.1, &world.2);
        }
    }
}
