//! The first message of a TLS client, read for the name of the server and nothing else.
//!
//! Source: RFC 8446, 4.1.2 and 5.1; RFC 6066, 3; RFC 9849 for Encrypted `ClientHello`. The message may be spread over
//! records, and records over segments. What two readers could understand in two ways is refused: a list of several names,
//! a repeated extension, bytes after an end.

use super::host::printable;

/// The longest start of a connection, in bytes, that is read for this message: 16 KiB.
pub(super) const MAX_HELLO: usize = 16 << 10;
/// The longest record in clear text. Source: RFC 8446, 5.1.
const MAX_RECORD: usize = 16 << 10;
/// Types of records, messages, names and extensions.
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const HOST_NAME: u8 = 0;
const SERVER_NAME: u16 = 0;
const ENCRYPTED_HELLO: u16 = 0xfe0d;
/// The draft before it, which some servers still understand.
const ENCRYPTED_NAME: u16 = 0xffce;
/// The first byte of every version of TLS.
const MAJOR_VERSION: u8 = 3;
const RANDOM: usize = 32;

/// What the first message says about the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hello {
    /// The name, fit to be shown, if there is one.
    pub(super) name: Option<String>,
    /// There is another one that cannot be read.
    pub(super) is_hidden: bool,
}

/// Why the bytes are not the start of a TLS connection.
pub(super) type NotTls = &'static str;

const CUT: NotTls = "the TLS message contradicts itself";

/// Reads the start of a connection. `None`: more has to come.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Hello>, NotTls> {
    let mut records = Input(bytes);
    let mut message = Vec::new();
    loop {
        if let Some(length) = length_of(&message)?
            && let Some(body) = message.get(4..4 + length)
        {
            return hello(body).map(Some);
        }
        match record(&mut records)? {
            Some(part) => message.extend_from_slice(part),
            None if bytes.len() >= MAX_HELLO => return Err("the first TLS message is too long"),
            None => return Ok(None),
        }
    }
}

/// The next record as far as it is there. `None`: nothing of it is.
fn record<'a>(records: &mut Input<'a>) -> Result<Option<&'a [u8]>, NotTls> {
    match records.0 {
        [kind, ..] if *kind != HANDSHAKE => return Err("it does not begin with a TLS handshake"),
        [_, version, ..] if *version != MAJOR_VERSION => return Err("the TLS record has no known version"),
        [_, _, _, high, low, ..] => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            if length == 0 || length > MAX_RECORD {
                return Err("the TLS record is empty or too long");
            }
        }
        _ => return Ok(None),
    }
    let header = records.take(3).and_then(|_| records.number(2));
    let there = header.unwrap_or_default().min(records.0.len());
    Ok(records.take(there).filter(|part| !part.is_empty()))
}

/// The length of the message that begins here, if that has come.
fn length_of(message: &[u8]) -> Result<Option<usize>, NotTls> {
    match *message {
        [kind, ..] if kind != CLIENT_HELLO => Err("the first TLS message is no ClientHello"),
        [_, a, b, c, ..] => {
            let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap_or(usize::MAX);
            if length > MAX_HELLO { Err("the first TLS message is too long") } else { Ok(Some(length)) }
        }
        _ => Ok(None),
    }
}

fn hello(body: &[u8]) -> Result<Hello, NotTls> {
    let mut input = Input(body);
    let found = (|| {
        input.take(2 + RANDOM)?;
        input.vector(1)?; // the session
        input.vector(2)?; // cipher suites
        input.vector(1)?; // compression
        let extensions = if input.0.is_empty() { Input(&[]) } else { input.vector(2)? };
        input.0.is_empty().then_some(extensions)
    })();
    let mut extensions = found.ok_or(CUT)?;
    let mut hello = Hello { name: None, is_hidden: false };
    while !extensions.0.is_empty() {
        let kind = extensions.number(2).ok_or(CUT)?;
        let content = extensions.vector(2).ok_or(CUT)?;
        match u16::try_from(kind).unwrap_or_default() {
            SERVER_NAME if hello.name.is_some() => return Err("there is more than one server name"),
            SERVER_NAME => hello.name = Some(server_name(content)?),
            ENCRYPTED_HELLO | ENCRYPTED_NAME => hello.is_hidden = true,
            _ => {}
        }
    }
    Ok(hello)
}

fn server_name(mut content: Input<'_>) -> Result<String, NotTls> {
    let mut list = content.vector(2).filter(|_| content.0.is_empty()).ok_or(CUT)?;
    let kind = list.number(1).ok_or(CUT)?;
    let name = list.vector(2).ok_or(CUT)?;
    if !list.0.is_empty() || kind != usize::from(HOST_NAME) {
        return Err("there is more than one server name, or one of an unknown kind");
    }
    Ok(printable(name.0))
}

/// Bytes that are yet to be read.
#[derive(Clone, Copy)]
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A big-endian number of up to three bytes.
    fn number(&mut self, width: usize) -> Option<usize> {
        Some(self.take(width)?.iter().fold(0, |number, byte| (number << 8) | usize::from(*byte)))
    }

    /// Bytes after their length.
    fn vector(&mut self, width: usize) -> Option<Self> {
        let length = self.number(width)?;
        self.take(length).map(Input)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vector(width: usize, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&length[4 - width..], content].concat()
    }

    fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
        [&kind.to_be_bytes(), vector(2, content).as_slice()].concat()
    }

    fn name_extension(name: &str) -> Vec<u8> {
        let entry = [vec![HOST_NAME], vector(2, name.as_bytes())].concat();
        extension(SERVER_NAME, &vector(2, &entry))
    }

    fn message(extensions: &[u8]) -> Vec<u8> {
        let body = [&[3, 3][..], &[7; RANDOM], &[0], &[0, 2, 0x13, 1], &[1, 0], &vector(2, extensions)].concat();
        [vec![CLIENT_HELLO], vector(3, &body)].concat()
    }

    fn records(message: &[u8], size: usize) -> Vec<u8> {
        message.chunks(size).flat_map(|part| [vec![HANDSHAKE, 3, 1], vector(2, part)].concat()).collect()
    }

    /// The start of a connection for a name.
    pub(in super::super) fn hello_for(name: Option<&str>) -> Vec<u8> {
        let name = name.map(name_extension).unwrap_or_default();
        records(&message(&[extension(0x2b, &[2, 3, 4]), name].concat()), MAX_RECORD)
    }

    /// The start of a connection with Encrypted `ClientHello`.
    pub(in super::super) fn hidden_hello(name: &str) -> Vec<u8> {
        let extensions = [name_extension(name), extension(ENCRYPTED_HELLO, &[0; 40])].concat();
        records(&message(&extensions), MAX_RECORD)
    }

    #[test]
    fn the_name_is_found_however_it_is_cut() {
        let expected = Hello { name: Some("registry.example".to_owned()), is_hidden: false };
        let whole = message(&name_extension("Registry.example"));
        for size in [1, 3, 50, MAX_RECORD] {
            let bytes = records(&whole, size);
            assert_eq!(read(&bytes), Ok(Some(expected.clone())));
            for end in 0..bytes.len() {
                assert_eq!(read(&bytes[..end]), Ok(None), "{size}, {end}");
            }
        }
        assert_eq!(read(&hello_for(None)), Ok(Some(Hello { name: None, is_hidden: false })));
        assert_eq!(read(&hidden_hello("a.example")).unwrap().map(|hello| hello.is_hidden), Some(true));
    }

    #[test]
    fn what_can_be_understood_in_two_ways_is_refused() {
        let read = |extensions: &[u8]| read(&records(&message(extensions), MAX_RECORD));
        let name = name_extension("a.example");
        assert!(read(&[name.clone(), name_extension("b.example")].concat()).is_err());
        let entry = |kind: u8| [vec![kind], vector(2, b"a.example")].concat();
        for list in [vector(2, &[entry(0), entry(0)].concat()), vector(2, &entry(1)), vector(2, &[])] {
            assert!(read(&extension(SERVER_NAME, &list)).is_err());
        }
        let trailing = [vector(2, &entry(0)), vec![0]].concat();
        assert!(read(&extension(SERVER_NAME, &trailing)).is_err());
        assert!(read(&name[..name.len() - 1]).is_err());
    }

    #[test]
    fn other_protocols_are_told_apart_at_once() {
        for bytes in [&b"GET / HTTP/1.1"[..], &[22, 9], &[21, 3, 1], &[22, 3, 1, 0, 0], &[22, 3, 1, 0, 1, 2], b"\x80"] {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
        let endless = [vec![CLIENT_HELLO, 0, 0x3f, 0xff], vec![0; MAX_HELLO]].concat();
        assert!(read(&records(&endless, 100)[..MAX_HELLO]).is_err());
        assert!(read(&[22, 3, 1, 0, 4, CLIENT_HELLO, 1, 0, 0]).is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = read(&bytes);
        }

        #[test]
        fn a_changed_message_does_not_panic(at in 0_usize..120, byte in any::<u8>(), size in 1_usize..200) {
            let mut bytes = records(&message(&name_extension("registry.example")), size);
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = read(&bytes);
        }

        #[test]
        fn any_extensions_do_not_panic(extensions in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&records(&message(&extensions), 64));
        }
    }
}
