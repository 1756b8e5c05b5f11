//! Texts as JavaScript counts them: in units of UTF-16.
//!
//! Decoders ask for one unit after the other, so the units of the texts that were asked for last are kept; counting from
//! the beginning each time would take the square of the length.

use std::cell::RefCell;
use std::rc::Rc;

/// How long a text is at least, in bytes, that is worth to be kept as units.
const WORTH_KEEPING: usize = 48;
/// How many texts are kept as units.
const KEPT: usize = 4;
/// The most bytes of a text that is kept: 16 MB.
const MAX_KEPT: usize = 16 * 1024 * 1024;

/// A text and its units.
type Kept = (Rc<str>, Rc<[u16]>);

thread_local! {
    static UNITS: RefCell<Vec<Kept>> = const { RefCell::new(Vec::new()) };
}

/// The units of a text.
pub(crate) fn units(text: &Rc<str>) -> Rc<[u16]> {
    if text.len() < WORTH_KEEPING || text.len() > MAX_KEPT {
        return text.encode_utf16().collect();
    }
    UNITS.with_borrow_mut(|kept| {
        // The text itself is kept as well, so no other text can have its address.
        if let Some((_, units)) = kept.iter().find(|(known, _)| Rc::ptr_eq(known, text)) {
            return Rc::clone(units);
        }
        let units: Rc<[u16]> = text.encode_utf16().collect();
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push((Rc::clone(text), Rc::clone(&units)));
        units
    })
}

/// A text of units. A half of a pair becomes the replacement character.
pub(super) fn of_units(units: &[u16]) -> String {
    String::from_utf16_lossy(units)
}
