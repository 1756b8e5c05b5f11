//! Native files: this very test, and crafted ones.

use proptest::prelude::*;

use super::{facts, is_native};
use crate::capability::Capability;
use crate::facts::{Facts, MarkKind};

fn can(facts: &Facts, capability: Capability, detail: &str) -> bool {
    facts.acts.iter().any(|act| act.capability == capability && act.detail == detail)
}

#[expect(clippy::disallowed_methods, reason = "the test's own binary is a native file that is at hand")]
fn own() -> Vec<u8> {
    std::fs::read(std::env::current_exe().unwrap()).unwrap()
}

/// A module that imports two functions of the system's interface and holds an address.
fn wasm() -> Vec<u8> {
    let mut imports = vec![2];
    for name in ["sock_send", "fd_write"] {
        imports.push(22);
        imports.extend(b"wasi_snapshot_preview1");
        imports.push(u8::try_from(name.len()).unwrap());
        imports.extend(name.bytes());
        imports.extend([0, 0]);
    }
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    module.extend([2, u8::try_from(imports.len()).unwrap()]);
    module.extend(imports);
    module.extend(b"\0\x1ahttps://collect.invalid/up\0");
    module
}

#[test]
fn formats_are_known_by_how_they_begin() {
    assert!(is_native(b"\x7fELF"));
    assert!(is_native(&wasm()));
    assert!(is_native(&[0xcf, 0xfa, 0xed, 0xfe]));
    assert!(is_native(&[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 2]));
    assert!(!is_native(&[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 65]), "a class file");
    assert!(!is_native(b"MZ is how this text begins"));
    assert!(!is_native(b""));
}

#[test]
fn an_executable_can_do_what_it_is_linked_to() {
    let facts = facts(&own(), "bin/own");
    assert!(facts.gaps.is_empty(), "{:?}", facts.gaps);
    assert!(facts.marks.iter().any(|mark| mark.kind == MarkKind::Native));
    assert!(!facts.marks.iter().any(|mark| mark.kind == MarkKind::Packed));
    if cfg!(target_os = "linux") {
        assert!(facts.acts.iter().any(|act| act.capability == Capability::Environment), "{:?}", facts.acts);
    }
}

#[test]
fn web_assembly_can_do_what_it_imports() {
    let facts = facts(&wasm(), "a.wasm");
    assert!(can(&facts, Capability::Network, "socket"), "{:?}", facts.acts);
    assert!(can(&facts, Capability::Network, "collect.invalid"), "{:?}", facts.acts);
    assert_eq!(facts.acts.len(), 2);
    assert_eq!(facts.mentions.len(), 1);
    assert!(facts.marks.iter().any(|mark| mark.kind == MarkKind::Native));
}

#[test]
fn web_assembly_that_imports_nothing_of_a_system_is_bound_by_the_code_that_loads_it() {
    let facts = facts(b"\0asm\x01\0\0\0", "a.wasm");
    assert_eq!((facts.acts.len(), facts.marks.len(), facts.gaps.len()), (0, 0, 0));
}

#[test]
fn broken_headers_are_a_gap_and_texts_are_still_found() {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.extend(b"\0\0sh -c id; true\0\0");
    let facts = facts(&bytes, "a.so");
    assert_eq!(facts.gaps.len(), 1);
    assert!(can(&facts, Capability::Execute, "sh -c id; true"), "{:?}", facts.acts);
}

#[test]
fn texts_of_windows_are_read() {
    let mut bytes = b"MZ".to_vec();
    bytes.extend("x\u{1}https://wide.invalid/a".encode_utf16().flat_map(u16::to_le_bytes));
    let facts = facts(&bytes, "a.exe");
    assert!(can(&facts, Capability::Network, "wide.invalid"), "{:?}", facts.acts);
}

#[test]
fn what_is_as_random_as_ciphertext_is_packed() {
    let mut state = 1_u32;
    let noise: Vec<u8> = (0..100_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_le_bytes()[3]
        })
        .collect();
    assert!(super::entropy(&noise) > super::PACKED_BITS);
    assert!(super::entropy(&own()) < super::PACKED_BITS);
}

proptest! {
    #[test]
    fn nothing_panics(
        magic in prop::sample::select(vec![&b"\x7fELF\x02\x01\x01\0"[..], b"\0asm\x01\0\0\0", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe\0\0\0\x02"]),
        rest in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let mut bytes = magic.to_vec();
        bytes.extend(rest);
        facts(&bytes, "x");
    }
}

#[test]
fn damaged_executables_do_not_panic() {
    let own = own();
    let head = own.get(..own.len().min(300_000)).unwrap_or_default().to_vec();
    for at in (0..4096).step_by(31) {
        let mut bytes = head.clone();
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 0xff;
        }
        bytes.truncate(20_000 + at * 10);
        facts(&bytes, "x");
    }
}
