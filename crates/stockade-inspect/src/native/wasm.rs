//! The imports of WebAssembly: names of the interface to the system, which is all of the outside that it can reach by
//! itself.

/// The most imports that are looked at.
const MAX_IMPORTS: u32 = 20_000;
/// The number of the section of imports.
const IMPORTS: u8 = 2;

/// The names that are imported from the system's interface; `None` if the module cannot be followed.
pub(super) fn imports(bytes: &[u8]) -> Option<Vec<String>> {
    let mut reader = Reader { rest: bytes.get(8..)? };
    while let Some(section) = reader.byte() {
        let size = usize::try_from(reader.number()?).ok()?;
        let content = reader.take(size)?;
        if section == IMPORTS {
            return Reader { rest: content }.imports();
        }
    }
    Some(Vec::new())
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// A number in groups of seven bits, lowest first.
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn name(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(length)
    }

    fn imports(&mut self) -> Option<Vec<String>> {
        let mut names = Vec::new();
        let count = self.number()?.min(MAX_IMPORTS.into());
        for _ in 0..count {
            let (module, name) = (self.name()?, self.name()?);
            if module.starts_with(b"wasi") {
                let interface = String::from_utf8_lossy(module).into_owned();
                let name = String::from_utf8_lossy(name).into_owned();
                let versioned = interface.contains(':');
                names.push(if versioned { interface.split('@').next().unwrap_or_default().to_owned() } else { name });
            }
            self.description()?;
        }
        Some(names)
    }

    /// What kind of thing is imported.
    fn description(&mut self) -> Option<()> {
        match self.byte()? {
            0 => {
                self.number()?;
            }
            1 => {
                self.byte()?;
                self.limits()?;
            }
            2 => self.limits()?,
            3 => {
                self.take(2)?;
            }
            4 => {
                self.byte()?;
                self.number()?;
            }
            _ => return None,
        }
        Some(())
    }

    fn limits(&mut self) -> Option<()> {
        let flags = self.byte()?;
        self.number()?;
        if flags & 1 == 1 {
            self.number()?;
        }
        Some(())
    }
}
