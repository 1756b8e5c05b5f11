//! Instructions as a table: how long they are, and which operator they are.

use crate::ir::Binary;

/// The operator of an instruction that takes two values and leaves one.
pub(super) fn binary(opcode: u8) -> Option<Binary> {
    Some(match opcode {
        0x60..=0x63 => Binary::Add,
        0x64..=0x67 => Binary::Subtract,
        0x68..=0x6b => Binary::Multiply,
        0x6c..=0x6f => Binary::Divide,
        0x70..=0x73 => Binary::Remainder,
        0x78 | 0x79 => Binary::ShiftLeft,
        0x7a | 0x7b => Binary::ShiftRight,
        0x7c | 0x7d => Binary::ShiftRightUnsigned,
        0x7e | 0x7f => Binary::And,
        0x80 | 0x81 => Binary::Or,
        0x82 | 0x83 => Binary::Xor,
        _ => return None,
    })
}

/// The comparison that holds if a conditional jump is not taken.
pub(super) fn stays(opcode: u8) -> Binary {
    match opcode {
        0x99 | 0x9f | 0xa5 | 0xc6 => Binary::NotEqual,
        0x9b | 0xa1 => Binary::GreaterOrEqual,
        0x9c | 0xa2 => Binary::Less,
        0x9d | 0xa3 => Binary::LessOrEqual,
        0x9e | 0xa4 => Binary::Greater,
        _ => Binary::Equal,
    }
}

/// How many bytes follow an instruction; those of the switches and of `wide` are counted where they are read.
pub(super) fn operands(opcode: u8) -> usize {
    match opcode {
        0x10 | 0x12 | 0x15..=0x19 | 0x36..=0x3a | 0xa9 | 0xbc => 1,
        0x11 | 0x13 | 0x14 | 0x84 | 0x99..=0xa8 | 0xb2..=0xb8 | 0xbb | 0xbd | 0xc0 | 0xc1 | 0xc6 | 0xc7 => 2,
        0xc5 => 3,
        0xb9 | 0xba | 0xc8 | 0xc9 => 4,
        _ => 0,
    }
}

/// True if the value of an arithmetic instruction takes two slots.
pub(super) fn is_wide(opcode: u8) -> bool {
    match opcode {
        // Arithmetic goes round: int, long, float, double; shifts and bits: int, long.
        0x60..=0x83 => opcode % 2 == 1,
        _ => false,
    }
}
