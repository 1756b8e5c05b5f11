//! What was seen in a project at one time, as it is kept: for each file its parts, the line of each, and which needs which.
//! Of a thousand parts that are a few thousand bytes. Only who wants to know a way opens them.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::numbers::{Cursor, put, unzigzag, zigzag};

/// The version of the form.
const FORM: u64 = 1;
/// The most bytes of a body, unpacked: 256 MiB. More is none that we wrote.
const MAX_UNPACKED: u64 = 256 << 20;
/// What is known of whether a project asks for a part itself, by number.
const DIRECT: [Option<bool>; 3] = [Some(false), Some(true), None];

/// The body of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Body {
    pub(super) files: Vec<Listed>,
}

/// A file and what it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) path: String,
    pub(super) parts: Vec<Placed>,
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) component: i64,
    pub(super) direct: Option<bool>,
    pub(super) line: u32,
    /// The places of what it needs in the same file.
    pub(super) needs: Vec<u32>,
}

/// The components of a body, each with whether the project itself asks for it.
pub(super) type Contents = BTreeMap<i64, Option<bool>>;

/// The bytes are no body.
#[derive(Debug, thiserror::Error)]
#[error("a snapshot of the inventory is damaged")]
pub(super) struct Damaged;

impl Body {
    /// Everything that is in it, once. What is asked for in one place is asked for.
    pub(super) fn contents(&self) -> Contents {
        let mut contents = Contents::new();
        for part in self.files.iter().flat_map(|file| &file.parts) {
            let known = contents.entry(part.component).or_insert(part.direct);
            *known = match (*known, part.direct) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (None, _) | (_, None) => None,
                (Some(false), Some(false)) => Some(false),
            };
        }
        contents
    }

    pub(super) fn packed(&self) -> std::io::Result<Vec<u8>> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&self.written())?;
        encoder.finish()
    }

    pub(super) fn unpacked(packed: &[u8]) -> Result<Self, Damaged> {
        let mut bytes = Vec::new();
        ZlibDecoder::new(packed).take(MAX_UNPACKED).read_to_end(&mut bytes).map_err(|_| Damaged)?;
        let mut from = Cursor(&bytes);
        let body = Self::read(&mut from).filter(|_| from.0.is_empty());
        body.ok_or(Damaged)
    }

    fn written(&self) -> Vec<u8> {
        let mut to = Vec::new();
        put(&mut to, FORM);
        put(&mut to, self.files.len() as u64);
        for file in &self.files {
            put(&mut to, file.path.len() as u64);
            to.extend_from_slice(file.path.as_bytes());
            put(&mut to, file.parts.len() as u64);
            let mut line = 0;
            for part in &file.parts {
                put(&mut to, part.component.unsigned_abs());
                put(&mut to, direct_number(part.direct));
                put(&mut to, zigzag(i64::from(part.line) - line));
                line = i64::from(part.line);
                put(&mut to, part.needs.len() as u64);
                for need in &part.needs {
                    put(&mut to, u64::from(*need));
                }
            }
        }
        to
    }

    fn read(from: &mut Cursor<'_>) -> Option<Self> {
        if from.number()? != FORM {
            return None;
        }
        let count = from.count()?;
        let files = (0..count).map(|_| Listed::read(from)).collect::<Option<_>>()?;
        Some(Self { files })
    }
}

impl Listed {
    fn read(from: &mut Cursor<'_>) -> Option<Self> {
        let length = from.count()?;
        let path = from.text(length)?;
        let count = from.count()?;
        let mut line = 0;
        let part = |_| {
            let component = i64::try_from(from.number()?).ok()?;
            let direct = *DIRECT.get(usize::try_from(from.number()?).ok()?)?;
            line = unzigzag(from.number()?).checked_add(line)?;
            let count = from.count()?;
            let needs = (0..count).map(|_| u32::try_from(from.number()?).ok()).collect::<Option<_>>()?;
            Some(Placed { component, direct, line: u32::try_from(line).ok()?, needs })
        };
        let parts = (0..count).map(part).collect::<Option<_>>()?;
        Some(Self { path, parts })
    }

    /// The shortest way to a part from what the project asks for itself, as components; empty where the file does not tell.
    pub(super) fn way_to(&self, part: usize) -> Vec<i64> {
        let parents = self.parents();
        let mut at = part;
        let mut way = vec![self.parts[at].component];
        while let Some(parent) = parents[at] {
            at = parent;
            way.push(self.parts[at].component);
        }
        way.reverse();
        if self.parts[at].direct == Some(true) { way } else { Vec::new() }
    }

    fn parents(&self) -> Vec<Option<usize>> {
        let mut parents = vec![None; self.parts.len()];
        let mut known: Vec<bool> = self.parts.iter().map(|part| part.direct == Some(true)).collect();
        let mut next: VecDeque<usize> = (0..known.len()).filter(|at| known[*at]).collect();
        while let Some(at) = next.pop_front() {
            for need in self.parts[at].needs.iter().filter_map(|need| usize::try_from(*need).ok()) {
                if known.get(need) == Some(&false) {
                    (known[need], parents[need]) = (true, Some(at));
                    next.push_back(need);
                }
            }
        }
        parents
    }
}

fn direct_number(direct: Option<bool>) -> u64 {
    DIRECT.iter().position(|known| *known == direct).unwrap_or_default() as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part() -> impl Strategy<Value = Placed> {
        let needs = prop::collection::vec(0_u32..9, 0..4);
        let part = (0..i64::MAX, any::<Option<bool>>(), any::<u32>(), needs);
        part.prop_map(|(component, direct, line, needs)| Placed { component, direct, line, needs })
    }

    fn body() -> impl Strategy<Value = Body> {
        let file = (".{0,9}", prop::collection::vec(part(), 0..9)).prop_map(|(path, parts)| Listed { path, parts });
        prop::collection::vec(file, 0..4).prop_map(|files| Body { files })
    }

    proptest! {
        #[test]
        fn what_was_packed_is_unpacked(body in body()) {
            prop_assert_eq!(Body::unpacked(&body.packed().unwrap()).unwrap(), body);
        }

        #[test]
        fn any_bytes_are_read_to_an_end(bytes: Vec<u8>) {
            let _ = Body::read(&mut Cursor(&bytes));
            let _ = Body::unpacked(&bytes);
        }
    }

    #[test]
    fn a_way_is_the_shortest_from_what_is_asked_for() {
        let part = |component, direct, needs: &[u32]| Placed {
            component,
            direct: Some(direct),
            line: 1,
            needs: needs.to_vec(),
        };
        let parts = vec![part(10, true, &[1]), part(11, false, &[2, 0]), part(12, false, &[99]), part(13, false, &[])];
        let file = Listed { path: String::new(), parts };
        assert_eq!(file.way_to(2), [10, 11, 12]);
        assert_eq!(file.way_to(0), [10]);
        assert_eq!(file.way_to(3), Vec::<i64>::new(), "nothing needs it");
    }
}
