//! Class files as far as they matter here. Every number in them may be a lie: what does not hold is left out, and only a
//! file whose structure cannot be followed is refused.

use std::borrow::Cow;

/// An entry of the constant pool; other entries by their numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Entry<'a> {
    Utf8(&'a [u8]),
    Number(f64),
    Class(u16),
    Text(u16),
    Member(u16, u16),
    Pair(u16, u16),
    Handle(u16),
    /// What is computed when it is first used: the number of the method that does it, name and type.
    Dynamic(u16, u16),
    Other,
}

/// A method.
#[derive(Debug)]
pub(super) struct Method<'a> {
    pub(super) name: u16,
    pub(super) descriptor: u16,
    pub(super) is_static: bool,
    pub(super) is_private: bool,
    pub(super) code: Option<Code<'a>>,
}

/// The body of a method.
#[derive(Debug)]
pub(super) struct Code<'a> {
    pub(super) bytes: &'a [u8],
    /// Where handlers of exceptions begin.
    pub(super) handlers: Vec<u16>,
    /// From which instruction on which line of the source, in order.
    pub(super) lines: Vec<(u16, u16)>,
}

/// A class.
#[derive(Debug)]
pub(super) struct Class<'a> {
    pool: Vec<Entry<'a>>,
    pub(super) name: String,
    /// What it extends and implements.
    pub(super) parents: Vec<String>,
    /// Fields with a constant: name and value.
    pub(super) constants: Vec<(u16, u16)>,
    pub(super) methods: Vec<Method<'a>>,
    /// What computes at first use: a method handle and its arguments.
    pub(super) bootstraps: Vec<(u16, Vec<u16>)>,
}

/// The flag of a member that belongs to the class and not to its instances.
const STATIC: u16 = 0x0008;
/// The flag of a member that only its class may use.
const PRIVATE: u16 = 0x0002;

impl<'a> Class<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, &'static str> {
        let mut reader = Reader { rest: bytes };
        if reader.take(4) != Some(&[0xca, 0xfe, 0xba, 0xbe]) {
            return Err("it does not begin like one");
        }
        reader.take(4).ok_or("it ends early")?;
        let pool = reader.pool().ok_or("its constants cannot be followed")?;
        let mut class = Self {
            pool,
            name: String::new(),
            parents: Vec::new(),
            constants: Vec::new(),
            methods: Vec::new(),
            bootstraps: Vec::new(),
        };
        class.body(&mut reader).ok_or("it ends early")?;
        Ok(class)
    }

    fn body(&mut self, reader: &mut Reader<'a>) -> Option<()> {
        reader.u2()?;
        self.name = self.class_name(reader.u2()?).unwrap_or_default();
        let parent = reader.u2()?;
        let interfaces = reader.u2()?;
        let mut parents = vec![parent];
        for _ in 0..interfaces {
            parents.push(reader.u2()?);
        }
        self.parents = parents.into_iter().filter_map(|parent| self.class_name(parent)).collect();
        for _ in 0..reader.u2()? {
            self.field(reader)?;
        }
        for _ in 0..reader.u2()? {
            let method = self.method(reader)?;
            self.methods.push(method);
        }
        for _ in 0..reader.u2()? {
            let (name, mut content) = reader.attribute()?;
            if self.is(name, b"BootstrapMethods") {
                // A damaged table costs only itself.
                self.bootstraps = content.bootstraps();
            }
        }
        Some(())
    }

    fn field(&mut self, reader: &mut Reader<'a>) -> Option<()> {
        reader.u2()?;
        let name = reader.u2()?;
        reader.u2()?;
        for _ in 0..reader.u2()? {
            let (attribute, mut content) = reader.attribute()?;
            if self.is(attribute, b"ConstantValue")
                && let Some(value) = content.u2()
            {
                self.constants.push((name, value));
            }
        }
        Some(())
    }

    fn method(&self, reader: &mut Reader<'a>) -> Option<Method<'a>> {
        let flags = reader.u2()?;
        let (name, descriptor) = (reader.u2()?, reader.u2()?);
        let mut code = None;
        for _ in 0..reader.u2()? {
            let (attribute, mut content) = reader.attribute()?;
            if self.is(attribute, b"Code") {
                code = self.code(&mut content);
            }
        }
        let (is_static, is_private) = (flags & STATIC != 0, flags & PRIVATE != 0);
        Some(Method { name, descriptor, is_static, is_private, code })
    }

    fn code(&self, reader: &mut Reader<'a>) -> Option<Code<'a>> {
        reader.take(4)?;
        let length = usize::try_from(reader.u4()?).ok()?;
        let bytes = reader.take(length)?;
        let mut code = Code { bytes, handlers: Vec::new(), lines: Vec::new() };
        // What follows the instructions only adds to them.
        self.after_code(reader, &mut code);
        Some(code)
    }

    fn after_code(&self, reader: &mut Reader<'a>, code: &mut Code<'a>) -> Option<()> {
        for _ in 0..reader.u2()? {
            reader.take(4)?;
            code.handlers.push(reader.u2()?);
            reader.u2()?;
        }
        for _ in 0..reader.u2()? {
            let (attribute, mut content) = reader.attribute()?;
            if self.is(attribute, b"LineNumberTable") {
                for _ in 0..content.u2()? {
                    code.lines.push((content.u2()?, content.u2()?));
                }
            }
        }
        code.lines.sort_unstable();
        Some(())
    }

    pub(super) fn entry(&self, index: u16) -> Entry<'a> {
        self.pool.get(usize::from(index)).copied().unwrap_or(Entry::Other)
    }

    /// Every entry of the constant pool.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry<'a>> {
        self.pool.iter().copied()
    }

    fn is(&self, index: u16, text: &[u8]) -> bool {
        matches!(self.entry(index), Entry::Utf8(bytes) if bytes == text)
    }

    /// The text of an entry; nothing if it is none.
    pub(super) fn text(&self, index: u16) -> Cow<'a, str> {
        match self.entry(index) {
            Entry::Utf8(bytes) => modified_utf8(bytes),
            _ => Cow::Borrowed(""),
        }
    }

    /// The name of a class, with slashes.
    pub(super) fn class_name(&self, index: u16) -> Option<String> {
        match self.entry(index) {
            Entry::Class(name) => Some(self.text(name).into_owned()),
            _ => None,
        }
    }

    /// The names of all classes that are named.
    pub(super) fn classes(&self) -> impl Iterator<Item = Cow<'a, str>> {
        self.pool.iter().filter_map(|entry| match entry {
            Entry::Class(name) => Some(self.text(*name)),
            _ => None,
        })
    }

    /// Class, name and type of a member.
    pub(super) fn member(&self, index: u16) -> Option<(String, String, String)> {
        let Entry::Member(class, pair) = self.entry(index) else { return None };
        let (name, descriptor) = self.pair(pair)?;
        Some((self.class_name(class)?, name, descriptor))
    }

    pub(super) fn pair(&self, index: u16) -> Option<(String, String)> {
        let Entry::Pair(name, descriptor) = self.entry(index) else { return None };
        Some((self.text(name).into_owned(), self.text(descriptor).into_owned()))
    }
}

/// For each parameter of a type whether it takes two slots, and the same of the result; no result if it is void.
pub(super) fn parameters(descriptor: &str) -> (Vec<bool>, Option<bool>) {
    let mut wide = Vec::new();
    let Some(inner) = descriptor.strip_prefix('(') else {
        return (wide, Some(matches!(descriptor, "J" | "D")));
    };
    let mut rest = inner;
    while let Some(first) = rest.chars().next() {
        let array = rest.trim_start_matches('[');
        let is_array = array.len() < rest.len();
        match first {
            ')' => {
                let result = rest.get(1..).unwrap_or_default();
                return (wide, (result != "V").then_some(matches!(result, "J" | "D")));
            }
            _ if array.starts_with('L') => {
                rest = array.split_once(';').map_or("", |(_, after)| after);
                wide.push(false);
            }
            _ => {
                let length = array.chars().next().map_or(0, char::len_utf8);
                rest = array.get(length..).unwrap_or_default();
                wide.push(!is_array && matches!(first, 'J' | 'D'));
            }
        }
    }
    (wide, None)
}

/// Text as class files have it: a zero as two bytes, and characters past the first plane as two surrogates.
fn modified_utf8(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut units = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, after)) = rest.split_first() {
        let (unit, length) = match (first, after) {
            (0..=0x7f, _) => (u16::from(first), 0),
            (0xc0..=0xdf, [second, ..]) => (u16::from(first & 0x1f) << 6 | u16::from(second & 0x3f), 1),
            (0xe0..=0xef, [second, third, ..]) => {
                (u16::from(first & 0xf) << 12 | u16::from(second & 0x3f) << 6 | u16::from(third & 0x3f), 2)
            }
            _ => (0xfffd, 0),
        };
        units.push(unit);
        rest = after.get(length..).unwrap_or_default();
    }
    Cow::Owned(String::from_utf16_lossy(&units))
}

/// Reads numbers with the highest byte first.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn u1(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u2(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u4(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u8(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    fn pool(&mut self) -> Option<Vec<Entry<'a>>> {
        let count = usize::from(self.u2()?);
        let mut pool = Vec::with_capacity(count);
        pool.push(Entry::Other);
        while pool.len() < count {
            let tag = self.u1()?;
            pool.push(self.entry(tag)?);
            if matches!(tag, 5 | 6) {
                // Numbers of eight bytes take two places.
                pool.push(Entry::Other);
            }
        }
        Some(pool)
    }

    #[expect(clippy::cast_precision_loss, reason = "the form keeps numbers up to 2^53 exactly, which it says")]
    fn entry(&mut self, tag: u8) -> Option<Entry<'a>> {
        Some(match tag {
            1 => {
                let length = self.u2()?;
                Entry::Utf8(self.take(length.into())?)
            }
            3 => Entry::Number(f64::from(self.u4()?.cast_signed())),
            4 => Entry::Number(f64::from(f32::from_bits(self.u4()?))),
            5 => Entry::Number(self.u8()?.cast_signed() as f64),
            6 => Entry::Number(f64::from_bits(self.u8()?)),
            7 => Entry::Class(self.u2()?),
            8 => Entry::Text(self.u2()?),
            9..=11 => Entry::Member(self.u2()?, self.u2()?),
            12 => Entry::Pair(self.u2()?, self.u2()?),
            15 => {
                self.u1()?;
                Entry::Handle(self.u2()?)
            }
            16 | 19 | 20 => {
                self.u2()?;
                Entry::Other
            }
            17 | 18 => Entry::Dynamic(self.u2()?, self.u2()?),
            _ => return None,
        })
    }

    /// The name of an attribute, and a reader of its content.
    fn attribute(&mut self) -> Option<(u16, Reader<'a>)> {
        let name = self.u2()?;
        let length = usize::try_from(self.u4()?).ok()?;
        Some((name, Reader { rest: self.take(length)? }))
    }

    fn bootstraps(&mut self) -> Vec<(u16, Vec<u16>)> {
        let mut all = Vec::new();
        for _ in 0..self.u2().unwrap_or(0) {
            let (Some(handle), Some(count)) = (self.u2(), self.u2()) else { break };
            let arguments: Vec<u16> = (0..count).map_while(|_| self.u2()).collect();
            all.push((handle, arguments));
        }
        all
    }
}
