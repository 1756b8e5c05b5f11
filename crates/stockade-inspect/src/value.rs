//! What is known of a value without running the program: a constant, a part of the platform, a function, or nothing; and
//! what it comes from.

use std::cell::RefCell;
use std::rc::Rc;

use crate::capability::Source;
use crate::ir::{Fun, Sym};

/// Stands in a partly known text for a part that is not known: the object replacement character.
pub(crate) const HOLE: char = '\u{fffc}';

/// A value: what it is, as far as that is known, and what it comes from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Value {
    pub(crate) known: Known,
    pub(crate) taint: Taint,
}

/// The items of a list, shared as in the program.
pub(crate) type List = Rc<RefCell<Vec<Value>>>;
/// The entries of a map or object, in order of insertion.
pub(crate) type Entries = indexmap::IndexMap<Rc<str>, Value, rustc_hash::FxBuildHasher>;
/// The entries of a map or object, shared as in the program.
pub(crate) type Map = Rc<RefCell<Entries>>;

/// What a value is.
#[derive(Debug, Clone, Default)]
pub(crate) enum Known {
    /// Anything.
    #[default]
    Unknown,
    /// `null`, `undefined`, `None`.
    Nothing,
    /// A truth value.
    Boolean(bool),
    /// A number.
    Number(f64),
    /// A text. Binary strings of JavaScript have one character a byte.
    Text(Rc<str>),
    /// A text with [`HOLE`]s where something unknown stands.
    Partial(Rc<str>),
    /// Bytes: Python's, a `Buffer`, a typed array.
    Bytes(Rc<[u8]>),
    /// A list, shared as in the program.
    List(List),
    /// A map or object, in order of insertion, shared as in the program.
    Map(Map),
    /// A part of the platform or of another package by its canonical path: `child_process.exec`, `os.environ`. What a
    /// call of it returns is the path with `()`: `requests.Session().get`.
    Api(Rc<str>),
    /// A function of the program, with the variables around it.
    Function(Closure),
    /// A regular expression: pattern and flags. Boxed, since it is rare and values are copied all the time.
    Pattern(Rc<(Rc<str>, Rc<str>)>),
}

/// A function of a program, with the variables around it.
#[derive(Debug, Clone)]
pub(crate) struct Closure {
    /// The program that it is part of: layers are programs of their own.
    pub(crate) program: u32,
    /// The function.
    pub(crate) function: Fun,
    /// The variables around it.
    pub(crate) scope: Rc<Scope>,
}

/// Variables, and the variables around them.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    pub(crate) variables: RefCell<Variables>,
    pub(crate) outer: Option<Rc<Scope>>,
}

/// Variables by their names, in the order in which they were entered.
///
/// Most functions have a handful, and each call makes them anew: among few, looking at every name is faster than a table.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    names: Vec<Sym>,
    values: Vec<Value>,
    /// Where each name is, once there are many.
    places: rustc_hash::FxHashMap<Sym, usize>,
}

impl Variables {
    /// How many names are looked at one by one.
    const FEW: usize = 16;

    /// Variables that have no value yet.
    pub(crate) fn declared(names: &[Sym]) -> Self {
        let mut all = Self::default();
        all.names.reserve(names.len() + 2);
        all.values.reserve(names.len() + 2);
        for name in names {
            all.insert(*name, Known::Nothing.into());
        }
        all
    }

    fn place(&self, name: Sym) -> Option<usize> {
        if self.names.len() <= Self::FEW {
            return self.names.iter().position(|known| *known == name);
        }
        self.places.get(&name).copied()
    }

    pub(crate) fn get(&self, name: Sym) -> Option<&Value> {
        self.values.get(self.place(name)?)
    }

    pub(crate) fn get_mut(&mut self, name: Sym) -> Option<&mut Value> {
        let place = self.place(name)?;
        self.values.get_mut(place)
    }

    pub(crate) fn insert(&mut self, name: Sym, value: Value) {
        if let Some(old) = self.get_mut(name) {
            *old = value;
            return;
        }
        self.names.push(name);
        self.values.push(value);
        match self.names.len() {
            few if few <= Self::FEW => {}
            many if many == Self::FEW + 1 => {
                self.places = self.names.iter().enumerate().map(|(place, name)| (*name, place)).collect();
            }
            many => {
                self.places.insert(name, many - 1);
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Sym, &Value)> {
        self.names.iter().copied().zip(&self.values)
    }
}

/// What a value comes from: at most [`Taint::MAX`] origins.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taint(Option<Rc<Vec<Origin>>>);

/// A source and the act that reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Origin {
    pub(crate) source: Source,
    /// The act that reads it; a parameter's position, or a use's position, where `source` is [`Source::Parameter`].
    pub(crate) act: u32,
}

impl Taint {
    /// The most origins that one value keeps.
    pub(crate) const MAX: usize = 12;

    pub(crate) fn of(source: Source, act: u32) -> Self {
        Self(Some(Rc::new(vec![Origin { source, act }])))
    }

    pub(crate) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn origins(&self) -> &[Origin] {
        self.0.as_deref().map(Vec::as_slice).unwrap_or_default()
    }

    /// The sources, each a bit.
    pub(crate) fn sources(&self) -> u32 {
        self.origins().iter().fold(0, |all, origin| all | 1 << origin.source as u32)
    }

    /// True if it is the same, not only alike.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(mine), Some(theirs)) => Rc::ptr_eq(mine, theirs),
            (mine, theirs) => mine.is_none() && theirs.is_none(),
        }
    }

    /// This and the other. Keeps one origin of each source before a second of any.
    pub(crate) fn with(&self, other: &Self) -> Self {
        let (Some(mine), Some(theirs)) = (&self.0, &other.0) else {
            return if self.is_none() { other.clone() } else { self.clone() };
        };
        if Rc::ptr_eq(mine, theirs) || theirs.iter().all(|origin| mine.contains(origin)) {
            return self.clone();
        }
        let mut all: Vec<Origin> = mine.to_vec();
        all.extend(theirs.iter().filter(|origin| !mine.contains(origin)));
        if all.len() > Self::MAX {
            let mut seen = 0_u32;
            let is_first = |origin: &Origin| {
                let before = seen;
                seen |= 1 << origin.source as u32;
                seen != before
            };
            let (first, again): (Vec<Origin>, Vec<Origin>) = all.into_iter().partition(is_first);
            all = first.into_iter().chain(again).take(Self::MAX).collect();
        }
        Self(Some(Rc::new(all)))
    }
}

impl Value {
    /// Something of which nothing is known, with an origin.
    pub(crate) fn unknown(taint: Taint) -> Self {
        Self { known: Known::Unknown, taint }
    }

    pub(crate) fn text(text: &str) -> Self {
        Known::Text(text.into()).into()
    }

    pub(crate) fn bytes(bytes: &[u8]) -> Self {
        Known::Bytes(bytes.into()).into()
    }

    pub(crate) fn number(number: f64) -> Self {
        Known::Number(number).into()
    }

    pub(crate) fn list(items: Vec<Self>) -> Self {
        Known::List(Rc::new(RefCell::new(items))).into()
    }

    pub(crate) fn map(entries: Entries) -> Self {
        Known::Map(Rc::new(RefCell::new(entries))).into()
    }

    pub(crate) fn api(path: &str) -> Self {
        Known::Api(path.into()).into()
    }

    /// The text, if it is known whole.
    pub(crate) fn as_text(&self) -> Option<&Rc<str>> {
        match &self.known {
            Known::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number.
    pub(crate) fn as_number(&self) -> Option<f64> {
        match self.known {
            Known::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The text as far as it is known, with holes.
    pub(crate) fn as_partial(&self) -> Option<&Rc<str>> {
        match &self.known {
            Known::Text(text) | Known::Partial(text) => Some(text),
            _ => None,
        }
    }

    /// Text as UTF-8, or bytes.
    pub(crate) fn as_bytes(&self) -> Option<Rc<[u8]>> {
        match &self.known {
            Known::Text(text) => Some(text.as_bytes().into()),
            Known::Bytes(bytes) => Some(Rc::clone(bytes)),
            _ => None,
        }
    }

    /// The same, coming from something more.
    #[must_use]
    pub(crate) fn tainted(mut self, taint: &Taint) -> Self {
        self.taint = self.taint.with(taint);
        self
    }
}

impl From<Known> for Value {
    fn from(known: Known) -> Self {
        Self { known, taint: Taint::default() }
    }
}

/// The arguments of a call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arguments {
    /// Those without a name, in order. Known spreads are spread.
    pub(crate) positional: Vec<Value>,
    /// Those with a name.
    pub(crate) named: Vec<(Rc<str>, Value)>,
}

impl Arguments {
    /// The argument at a position.
    pub(crate) fn at(&self, position: usize) -> Option<&Value> {
        self.positional.get(position)
    }

    /// The argument of a name.
    pub(crate) fn named(&self, name: &str) -> Option<&Value> {
        self.named.iter().find(|(key, _)| &**key == name).map(|(_, value)| value)
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Value> {
        self.positional.iter().chain(self.named.iter().map(|(_, value)| value))
    }
}

/// Calls a function of the program from a builtin, such as the callback of `map`.
pub(crate) type Apply<'a> = dyn FnMut(&Value, &[Value]) -> Value + 'a;

#[cfg(test)]
mod tests {
    use super::{Source, Taint};

    #[test]
    fn a_source_is_not_lost_among_many_of_another() {
        let parameters = (0..40).fold(Taint::default(), |all, at| all.with(&Taint::of(Source::Parameter, at)));
        let mixed = parameters.with(&Taint::of(Source::Secret, 7));
        assert!(mixed.origins().iter().any(|origin| origin.source == Source::Secret));
        assert_eq!(mixed.origins().len(), Taint::MAX);
    }
}
