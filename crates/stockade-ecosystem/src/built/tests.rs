use super::*;

/// Where programs that are made here are loaded.
pub(crate) const BASE: u64 = 0x40_0000;
/// Where their first section is.
pub(crate) const FIRST: u64 = BASE + 0x80;

/// A program of 64 bits for Linux with these sections, each at a multiple of 16.
pub(crate) fn elf(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0; 0x80];
    let mut names = b"\0.shstrtab\0".to_vec();
    let mut headers = vec![[0_u64; 8]];
    let named = |names: &mut Vec<u8>, name: &str| {
        let at = names.len() as u64;
        names.extend(name.as_bytes());
        names.push(0);
        at
    };
    for (name, content) in sections {
        let name = named(&mut names, name);
        headers.push([name, 1, 2, BASE + bytes.len() as u64, bytes.len() as u64, content.len() as u64, 0, 16]);
        bytes.extend(*content);
        bytes.resize(bytes.len().next_multiple_of(16), 0);
    }
    headers.push([1, 3, 0, 0, bytes.len() as u64, names.len() as u64, 0, 1]);
    bytes.extend(&names);
    bytes.resize(bytes.len().next_multiple_of(16), 0);
    let table = bytes.len() as u64;
    for [name, kind, flags, address, offset, size, link, align] in &headers {
        bytes.extend(u32::try_from(*name).unwrap().to_le_bytes());
        bytes.extend(u32::try_from(*kind).unwrap().to_le_bytes());
        for value in [*flags, *address, *offset, *size, *link, *align, 0] {
            bytes.extend(value.to_le_bytes());
        }
    }
    let count = u16::try_from(headers.len()).unwrap();
    let mut head = b"\x7fELF\x02\x01\x01".to_vec();
    head.resize(16, 0);
    for half in [2_u16, 62] {
        head.extend(half.to_le_bytes());
    }
    head.extend(1_u32.to_le_bytes());
    for value in [BASE, 0x40, table] {
        head.extend(value.to_le_bytes());
    }
    head.extend(0_u32.to_le_bytes());
    for half in [64, 56, 1, 64, count, count - 1] {
        head.extend(half.to_le_bytes());
    }
    head.extend(1_u32.to_le_bytes());
    head.extend(6_u32.to_le_bytes());
    let length = bytes.len() as u64;
    for value in [0, BASE, BASE, length, length, 0x1000] {
        head.extend(value.to_le_bytes());
    }
    bytes[..head.len()].copy_from_slice(&head);
    bytes
}

/// The kinds and the releases that a program says.
pub(crate) fn said(program: &[u8]) -> Vec<(&'static str, Vec<String>, usize)> {
    let lists = super::program(program).lists.into_iter();
    let releases = |list: &List| list.parsed.value.iter().map(|locked| locked.release.to_string()).collect();
    lists.map(|list| (list.kind, releases(&list), list.parsed.problems.len())).collect()
}

#[test]
fn a_program_that_says_nothing_is_no_problem_and_a_broken_one_is() {
    let contents = program(&elf(&[(".text", b"code")]));
    assert!(contents.lists.is_empty() && contents.gaps.is_empty() && contents.nameless.is_empty());
    let contents = program(b"\x7fELF and no more");
    assert_eq!(contents.gaps.len(), 1);
    assert!(
        is_program(b"MZ\x90\0\x03\0\0\0") && !is_program(b"\xca\xfe\xba\xbe\0\0\0\x34") && !is_program(b"#!/bin/sh")
    );
}

#[test]
fn programs_are_read_however_they_are_cut_or_changed() {
    let whole = elf(&[(".go.buildinfo", b"\xff Go buildinf:\x08\x02"), (".dep-v0", b"x\x9c")]);
    for end in 0..whole.len() {
        let _ = program(&whole[..end]);
    }
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0xff;
        let _ = program(&changed);
    }
}
