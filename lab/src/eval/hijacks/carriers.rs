//! Files that are not what they seem: sound and pictures with other data in them, and programs that do nothing but end.

/// Samples a second of the sound.
const RATE: u32 = 22_050;
/// Pixels of a line of the picture.
const WIDTH: usize = 64;
/// Where a program is loaded.
const ADDRESS: u64 = 0x40_0000;
/// `exit(0)` of Linux on x86-64.
const EXIT: [u8; 9] = [0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05];
const ELF_HEADERS: u64 = 64 + 56;

/// Sound of one channel whose samples are the bytes.
pub(super) fn wav(bytes: &[u8]) -> Vec<u8> {
    let mut file = b"RIFF".to_vec();
    file.extend(length(bytes.len() + 36).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend([1, 0, 1, 0]);
    file.extend(RATE.to_le_bytes());
    file.extend(RATE.to_le_bytes());
    file.extend([1, 0, 8, 0]);
    file.extend(b"data");
    file.extend(length(bytes.len()).to_le_bytes());
    file.extend(bytes);
    file
}

/// A grey picture whose pixels are the bytes.
pub(super) fn png(bytes: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> = bytes.chunks(WIDTH).collect();
    let mut pixels = Vec::new();
    for line in &lines {
        pixels.push(0);
        pixels.extend(*line);
        pixels.resize(pixels.len() + WIDTH - line.len(), 0);
    }
    let mut header = length(WIDTH).to_be_bytes().to_vec();
    header.extend(length(lines.len()).to_be_bytes());
    header.extend([8, 0, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let pixels = super::pieces::zlib(&pixels).unwrap_or_default();
    for (kind, data) in [(b"IHDR", header), (b"IDAT", pixels), (b"IEND", Vec::new())] {
        file.extend(length(data.len()).to_be_bytes());
        let named: Vec<u8> = kind.iter().copied().chain(data).collect();
        let mut sum = flate2::Crc::new();
        sum.update(&named);
        file.extend(&named);
        file.extend(sum.sum().to_be_bytes());
    }
    file
}

/// A program for Linux that ends at once, with the bytes after it as a packer would have them.
pub(super) fn elf(bytes: &[u8]) -> Vec<u8> {
    let size = ELF_HEADERS + EXIT.len() as u64 + bytes.len() as u64;
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    for field in [ADDRESS + ELF_HEADERS, 64, 0] {
        file.extend(field.to_le_bytes());
    }
    file.extend([0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 64, 0, 0, 0, 0, 0]);
    file.extend([1, 0, 0, 0, 5, 0, 0, 0]);
    for field in [0, ADDRESS, ADDRESS, size, size, 0x1000] {
        file.extend(field.to_le_bytes());
    }
    file.extend(EXIT);
    file.extend(bytes);
    file
}

/// The head of a library for Windows that has no section, so that nothing loads it, and the bytes.
pub(super) fn pe(bytes: &[u8]) -> Vec<u8> {
    let mut file = b"MZ".to_vec();
    file.resize(0x3c, 0);
    file.extend(0x40_u32.to_le_bytes());
    file.extend(b"PE\0\0\x64\x86\0\0");
    file.resize(0x54, 0);
    file.extend([0xf0, 0, 0x22, 0x20, 0x0b, 0x02]);
    file.resize(0x148, 0);
    file.extend(bytes);
    file
}

fn length(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carriers_begin_as_what_they_seem_to_be_and_have_the_data() {
        let data = [7, 8, 9];
        assert!(wav(&data).starts_with(b"RIFF\x27\0\0\0WAVE") && wav(&data).ends_with(&data));
        assert!(png(&data).starts_with(b"\x89PNG") && png(&data).ends_with(b"IEND\xae\x42\x60\x82"));
        assert!(elf(&data).starts_with(b"\x7fELF") && elf(&data).ends_with(&data));
        assert_eq!(elf(&data).len() as u64, ELF_HEADERS + 12);
        assert!(pe(&data).starts_with(b"MZ") && pe(&data).ends_with(&data));
    }
}
