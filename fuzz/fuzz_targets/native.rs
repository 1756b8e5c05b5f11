//! A program or a library. The first byte says of which system, unless the content says so itself.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_fuzz::look_at;

const MAGICS: [&[u8]; 6] =
    [b"\x7fELF\x02\x01\x01", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe\0\0\0\x02", b"\0asm\x01\0\0\0", b""];

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let is_whole = MAGICS.iter().any(|magic| !magic.is_empty() && data.starts_with(magic));
    let magic = MAGICS[usize::from(*first) % MAGICS.len()];
    let content = if is_whole { data.to_vec() } else { [magic, rest].concat() };
    look_at("lib/demo.so", &content);
});
