//! A bounded partial evaluator of the one small form.
//!
//! It runs a program as far as that can be known without an environment: constants are folded, pure functions are
//! executed (which is how decoders give away what they hide), branches on unknown conditions are both taken. What the
//! platform is asked for becomes an act; where the arguments come from becomes a flow. Nothing outside this process is
//! touched: a platform function is a path in a table, never a call.
//!
//! It is a search, not a proof: after the module's body every function that was not called is visited with unknown
//! arguments, and then every branch that was not taken, so that being wrong about a value hides no act.

mod calls;
mod expressions;
pub(crate) mod javascript;
mod layers;
pub(crate) mod operators;
mod publics;
pub(crate) mod python;
mod reach;
mod statements;
#[cfg(test)]
mod tests;
mod uses;

use std::rc::Rc;

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

pub(crate) use self::calls::{DECODING, OWN_RESOURCE};
use self::reach::Reached;
use crate::apis::{Catalogue, Entry};
use crate::capability::{Capability, Source};
use crate::facts::{Act, Facts, FileGap, Flow, Import, Moment, Spot, Use};
use crate::ir::{Expr, Language, Names, Program, Sym};
use crate::lexicon;
use crate::lower::Reading;
use crate::value::{Closure, Known, Origin, Scope, Taint, Value};

/// How many steps a file may take, and more for each byte of it: a step is about one expression.
const STEPS: u64 = 300_000;
const STEPS_A_BYTE: u64 = 1;
/// How many steps there are for the first visit of a function or branch, whatever was spent before.
const VISIT: u64 = 1_500;
/// How many steps there are for a statement that is seen for the first time after all steps were spent.
const GLANCE: u64 = 500;
/// How many steps may come to nothing in functions that were evaluated before.
const REPEATS: u64 = 200_000;
/// How deep calls may nest.
const MAX_CALLS: u32 = 40;
/// How often one function is evaluated anew with known arguments.
const MAX_ROUNDS: u32 = 5_000;
/// How many acts, flows, imports and uses one file may have.
const MAX_FACTS: usize = 20_000;
/// How many conditions of one act are kept, and how long each may be in characters.
const MAX_CONDITIONS: usize = 3;
const MAX_CONDITION: usize = 100;
/// How long a snippet may be, in characters.
const MAX_SNIPPET: usize = 160;
/// How many things that could not be looked at are listed of one file.
const MAX_GAPS: usize = 20;
/// The most lines of a class's source that are told apart.
const MAX_LINES: u32 = 200_000;
/// Marks an origin that is the result of a [`crate::facts::Use`]: the position follows.
const USE: u32 = 1 << 30;
/// Marks an origin that no act of the file reads: a parameter called like a key.
const NO_ACT: u32 = u32::MAX;

/// A program with what its places mean.
pub(crate) struct Unit {
    program: Program,
    source: Rc<str>,
    /// The offsets where lines begin.
    lines: Vec<u32>,
    /// What was peeled off to get here.
    layers: Vec<String>,
    /// The place in the file that this layer came out of.
    outer: Option<Spot>,
    at: u32,
    /// True if the unit's code is a command that is run: its words are acts of whoever runs it.
    quiet: bool,
}

/// How a statement ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Next,
    Break,
    Continue,
    Return,
    Throw,
}

/// A condition under which code runs.
#[derive(Clone)]
enum Condition {
    /// What stands at a place of a program holds, or does not.
    Test(Rc<Unit>, Expr, bool),
    /// One that is known not to hold, as far as anything is known.
    Never,
}

impl Condition {
    fn text(&self) -> String {
        match self {
            Self::Test(unit, at, true) => unit.excerpt(*at),
            Self::Test(unit, at, false) => format!("not ({})", unit.excerpt(*at)),
            Self::Never => "a condition that seems never to hold".to_owned(),
        }
    }
}

/// What became of the calls of a function.
#[derive(Debug, Clone, Copy, Default)]
struct CallsOf {
    /// How often it was asked for.
    rounds: u32,
    /// How many calls of it have not returned.
    active: u32,
    /// How often it was evaluated again for nothing.
    fruitless: u32,
    visited: bool,
    /// What its arguments came from so far: [`Taint::sources`].
    sources: u32,
}

/// The evaluator, for one file.
pub(crate) struct Machine {
    names: Names,
    reading: Reading,
    units: Vec<Rc<Unit>>,
    facts: Facts,
    steps: u64,
    /// The size of the largest text or list that the innermost loop has made or changed, in bytes or items.
    made: usize,
    calls: u32,
    loops: u32,
    uncertain: u32,
    /// A loop may have been left on a condition that is not known.
    may_leave: bool,
    conditions: Vec<Condition>,
    moment: Moment,
    function: Option<Rc<str>>,
    returned: Value,
    /// What the text that was evaluated last came to.
    evaluated: Value,
    known_acts: HashMap<(Capability, u32, u32, String), u32>,
    known_flows: HashSet<Flow>,
    known_code: HashSet<u64>,
    waiting: Vec<Closure>,
    /// Containers that were too large to be read by a builtin, by their addresses, which are theirs while they are kept.
    heavy: HashMap<usize, Value>,
    calls_of: HashMap<(u32, u32), CallsOf>,
    /// Steps that may still be spent on functions that were evaluated before, without anything coming of it.
    repeats: u64,
    summaries: HashMap<(u32, u32, Moment), (Value, Rc<Reached>)>,
    overrides: HashMap<Rc<str>, Value>,
    fields: HashMap<Sym, Value>,
    paths: HashMap<(usize, Sym), (Rc<str>, Rc<str>)>,
    entries: HashMap<usize, (Rc<str>, &'static [Entry])>,
    key_names: HashMap<Sym, bool>,
    modules: HashSet<Rc<str>>,
    /// Modules of which every name is imported.
    stars: Vec<Rc<str>>,
    known_uses: HashMap<Use, u32>,
    exported: Vec<(Rc<str>, Value)>,
    ran: HashSet<usize>,
    skipped: bool,
    /// The blocks that were looked at.
    begun: HashSet<usize>,
    /// The steps did not suffice to run everything as often as it runs.
    exhausted: bool,
    /// What the function leads to that is being evaluated; nothing outside of functions.
    reached: Option<Reached>,
    /// What each function led to when it was evaluated, with whatever arguments.
    leads_to: HashMap<(u32, u32), Reached>,
}

/// The facts of a text in a language.
pub(crate) fn facts(source: &str, language: Language) -> Facts {
    facts_and_layers(source, language, Reading::Whole, &mut |_| ())
}

/// The same. `layers` is shown the text, and each layer that was peeled off it.
pub(crate) fn facts_and_layers(
    source: &str,
    language: Language,
    reading: Reading,
    layers: &mut dyn FnMut(&Unit),
) -> Facts {
    let steps = STEPS + STEPS_A_BYTE * source.len() as u64;
    let mut machine = Machine::new(steps);
    machine.reading = reading;
    machine.facts.language = Some(language);
    let unit = machine.load(source, language, Vec::new(), None, false);
    machine.run(&unit);
    machine.units.iter().for_each(|unit| layers(unit));
    machine.finish(&unit)
}

/// The facts of a class file.
pub(crate) fn class_facts(bytes: &[u8], reading: Reading) -> Facts {
    let mut machine = Machine::new(STEPS + STEPS_A_BYTE * bytes.len() as u64);
    machine.facts.language = Some(Language::Jvm);
    let program = crate::lower::jvm::lower(bytes, reading, &mut machine.names);
    // A class file says lines, not offsets: each offset is a line of an empty source.
    let lines = program.offsets.iter().copied().max().unwrap_or(0).min(MAX_LINES);
    let unit = machine.enter(program, &"\n".repeat(lines as usize), Vec::new(), None, false);
    machine.run(&unit);
    machine.finish(&unit)
}

impl Machine {
    /// Whether a function was evaluated.
    fn is_visited(&self, key: (u32, u32)) -> bool {
        self.calls_of.get(&key).is_some_and(|calls| calls.visited)
    }

    fn new(steps: u64) -> Self {
        Self {
            names: Names::default(),
            reading: Reading::Whole,
            units: Vec::new(),
            facts: Facts::default(),
            steps,
            made: 0,
            calls: 0,
            loops: 0,
            uncertain: 0,
            may_leave: false,
            conditions: Vec::new(),
            moment: Moment::Load,
            function: None,
            returned: Value::default(),
            evaluated: Value::default(),
            known_acts: HashMap::default(),
            known_flows: HashSet::default(),
            known_code: HashSet::default(),
            waiting: Vec::new(),
            heavy: HashMap::default(),
            calls_of: HashMap::default(),
            repeats: REPEATS,
            summaries: HashMap::default(),
            overrides: HashMap::default(),
            fields: HashMap::default(),
            paths: HashMap::default(),
            entries: HashMap::default(),
            key_names: HashMap::default(),
            modules: HashSet::default(),
            stars: Vec::new(),
            known_uses: HashMap::default(),
            exported: Vec::new(),
            ran: HashSet::default(),
            skipped: false,
            begun: HashSet::default(),
            exhausted: false,
            reached: None,
            leads_to: HashMap::default(),
        }
    }

    fn load(
        &mut self,
        source: &str,
        language: Language,
        layers: Vec<String>,
        outer: Option<Spot>,
        quiet: bool,
    ) -> Rc<Unit> {
        let program = match language {
            Language::JavaScript => crate::lower::javascript::lower(source, &mut self.names),
            Language::Python => crate::lower::python::lower(source, &mut self.names),
            Language::Rust => crate::lower::rust::lower_as(source, self.reading, &mut self.names),
            Language::PowerShell => crate::lower::powershell::lower(source, &mut self.names),
            Language::Shell | Language::Jvm => crate::lower::shell::lower(source, &mut self.names),
        };
        self.enter(program, source, layers, outer, quiet)
    }

    fn enter(
        &mut self,
        program: Program,
        source: &str,
        layers: Vec<String>,
        outer: Option<Spot>,
        quiet: bool,
    ) -> Rc<Unit> {
        let newlines = memchr::memchr_iter(b'\n', source.as_bytes());
        let lines = std::iter::once(0).chain(newlines.map(|at| to_u32(at + 1))).collect();
        let at = to_u32(self.units.len());
        let unit = Rc::new(Unit { program, source: source.into(), lines, layers, outer, at, quiet });
        if unit.layers.is_empty() {
            for (what, offset) in unit.program.problems.iter().take(MAX_GAPS) {
                let line = unit.spot(*offset).line;
                self.facts.gaps.push(FileGap { what: what.clone(), line, whole: unit.program.body.is_empty() });
            }
        }
        self.units.push(Rc::clone(&unit));
        unit
    }

    /// The module's body, then what it left alone.
    fn run(&mut self, unit: &Rc<Unit>) {
        let scope = Rc::new(Scope::default());
        self.block(unit, &unit.program.body, &scope);
        self.publish(unit, &scope);
        self.visit_waiting();
        if self.skipped {
            self.visit_skipped(&scope);
            self.visit_waiting();
        }
    }

    /// Every function that nothing has called.
    fn visit_waiting(&mut self) {
        self.moment = Moment::Later;
        while let Some(closure) = self.waiting.pop() {
            let key = (closure.program, closure.function.0);
            if self.is_visited(key) || self.facts.acts.len() >= MAX_FACTS {
                continue;
            }
            self.steps = self.steps.max(VISIT);
            let count = self.unit_of(&closure).program.function(closure.function).parameters.len();
            let unknown = vec![Value::default(); count];
            self.apply(&closure, None, &unknown);
        }
    }

    fn unit_of(&self, closure: &Closure) -> Rc<Unit> {
        Rc::clone(&self.units[closure.program as usize])
    }

    fn finish(mut self, unit: &Unit) -> Facts {
        self.facts.sifted = unit.program.sifted;
        if self.facts.acts.len() >= MAX_FACTS {
            let what = format!("more than {MAX_FACTS} acts; the others are not listed");
            self.facts.gaps.push(FileGap { what, line: 0, whole: false });
        }
        if self.exhausted {
            let what = "it takes too long to evaluate; parts of it were not run as often as they are".to_owned();
            self.facts.gaps.push(FileGap { what, line: 0, whole: false });
        }
        for flow in std::mem::take(&mut self.facts.flows) {
            let mut own = Vec::new();
            for (source, act) in flow.from {
                match act {
                    Some(act) if act != NO_ACT && act & USE != 0 => {
                        if let Some(used) = self.facts.uses.get_mut((act & !USE) as usize) {
                            used.reaches.push(flow.to);
                        }
                    }
                    _ if source == Source::Parameter => {}
                    Some(NO_ACT) => own.push((source, None)),
                    act => own.push((source, act)),
                }
            }
            if !own.is_empty() {
                self.facts.flows.push(Flow { from: own, to: flow.to });
            }
        }
        lexicon::mentions(unit, &self.units, &mut self.facts);
        self.facts
    }

    fn spend(&mut self, steps: u64) -> bool {
        self.steps = self.steps.saturating_sub(steps);
        self.steps > 0
    }

    fn name(&self, name: Sym) -> Rc<str> {
        Rc::clone(self.names.text(name))
    }

    fn catalogue(unit: &Unit) -> &'static Catalogue {
        Catalogue::of(unit.program.language)
    }

    /// The entries of a path, looked up once.
    fn entries(&mut self, unit: &Unit, path: &Rc<str>) -> &'static [Entry] {
        let key = path.as_ptr() as usize ^ unit.program.language as usize;
        if let Some((_, entries)) = self.entries.get(&key) {
            return entries;
        }
        let entries = Self::catalogue(unit).find(path);
        self.entries.insert(key, (Rc::clone(path), entries));
        entries
    }

    fn is_key_name(&mut self, name: Sym) -> bool {
        let names = &self.names;
        *self.key_names.entry(name).or_insert_with(|| lexicon::is_key_material(names.text(name)))
    }

    /// Writes an act down, once for each place and detail, with what flows into it.
    fn act(&mut self, unit: &Unit, at: Expr, capability: Capability, detail: &str, taint: &Taint) -> u32 {
        let detail: String = detail.chars().take(Act::MAX_DETAIL).collect();
        let capability = lexicon::refine(capability, &detail);
        let offset = unit.program.offsets.get(at.0 as usize).copied().unwrap_or(0);
        let key = (capability, unit.at, offset, detail);
        let index = match self.known_acts.get(&key) {
            Some(&index) => index,
            None if self.facts.acts.len() >= MAX_FACTS => return NO_ACT,
            None => {
                let index = to_u32(self.facts.acts.len());
                self.facts.acts.push(Act {
                    capability,
                    detail: key.3.clone(),
                    at: unit.spot(offset),
                    function: self.function.as_deref().map(str::to_owned),
                    moment: self.moment,
                    layers: unit.layers.clone(),
                    conditions: self.conditions.iter().rev().take(MAX_CONDITIONS).map(Condition::text).collect(),
                });
                self.known_acts.insert(key, index);
                index
            }
        };
        if let Some(act) = self.facts.acts.get_mut(index as usize) {
            act.moment = act.moment.min(self.moment);
        }
        self.reached_act(index);
        self.flow(taint, index);
        index
    }

    fn flow(&mut self, taint: &Taint, to: u32) {
        if taint.is_none() || to == NO_ACT || self.facts.flows.len() >= MAX_FACTS {
            return;
        }
        let from = taint.origins().iter().filter(|origin| origin.act != to);
        let flow = Flow { from: from.map(|Origin { source, act }| (*source, Some(*act))).collect(), to };
        if !flow.from.is_empty() && self.known_flows.insert(flow.clone()) {
            self.facts.flows.push(flow);
        }
    }

    fn import(&mut self, unit: &Unit, module: &str, names: Vec<String>, offset: u32) {
        if self.facts.imports.len() >= MAX_FACTS {
            return;
        }
        let line = unit.spot(offset).line;
        let import = Import { module: module.to_owned(), names, moment: self.moment, line };
        let known = self.facts.imports.iter().enumerate().rev().take(64).find(|(_, known)| **known == import);
        let at = known.map_or(self.facts.imports.len(), |(at, _)| at);
        if at == self.facts.imports.len() {
            self.facts.imports.push(import);
        }
        self.reached_import(to_u32(at));
        self.modules.insert(module.into());
    }
}

impl Unit {
    /// The layers' texts are read by what looks for words.
    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    pub(crate) fn peeled(&self) -> &[String] {
        &self.layers
    }

    #[cfg(feature = "yara")]
    pub(crate) fn text(&self) -> &str {
        &self.source
    }

    /// The place of an offset. In a layer that was peeled off, the place in the file with the layer's own line.
    pub(crate) fn spot(&self, offset: u32) -> Spot {
        let line = self.lines.partition_point(|&start| start <= offset).saturating_sub(1);
        let start = self.lines.get(line).copied().unwrap_or(0) as usize;
        let end = self.lines.get(line + 1).map_or(self.source.len(), |&next| (next as usize).saturating_sub(1));
        let snippet = snippet(&self.source, start, end.max(start), offset as usize);
        if let Some(outer) = &self.outer {
            return Spot { snippet, ..outer.clone() };
        }
        let before = self.source.get(start..offset as usize).map_or(0, |text| text.chars().count());
        Spot { line: to_u32(line + 1), column: to_u32(before + 1), snippet }
    }

    /// The text from an expression on, for a condition.
    fn excerpt(&self, at: Expr) -> String {
        let offset = self.program.offsets.get(at.0 as usize).copied().unwrap_or(0) as usize;
        let rest = self.source.get(offset..).unwrap_or_default();
        let end = rest.find(['\n', '{']).unwrap_or(rest.len());
        rest[..end].trim().trim_end_matches([')', ':']).chars().take(MAX_CONDITION).collect()
    }
}

/// The part of a line around a place.
fn snippet(source: &str, start: usize, end: usize, at: usize) -> String {
    let mut from = if at.saturating_sub(start) > MAX_SNIPPET / 2 { at - MAX_SNIPPET / 4 } else { start };
    while from > start && !source.is_char_boundary(from) {
        from -= 1;
    }
    let line = source.get(from..end).unwrap_or_default();
    line.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_SNIPPET).collect()
}

fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Whether a value counts as true, if that is known.
fn truth(value: &Value, language: Language) -> Option<bool> {
    Some(match &value.known {
        Known::Unknown | Known::Partial(_) | Known::Api(_) => return None,
        Known::Nothing => false,
        Known::Boolean(truth) => *truth,
        Known::Number(number) => *number != 0.0 && !number.is_nan(),
        Known::Text(text) => !text.is_empty(),
        Known::Bytes(bytes) => !bytes.is_empty() || language == Language::JavaScript,
        Known::List(items) => !items.borrow().is_empty() || language == Language::JavaScript,
        Known::Map(entries) => !entries.borrow().is_empty() || language == Language::JavaScript,
        Known::Function(_) | Known::Pattern(..) => true,
    })
}

/// What a name alone says, for sources that cannot be parsed.
pub(crate) fn named(word: &str, language: Language) -> Vec<(Capability, String)> {
    let catalogue = Catalogue::of(language);
    let canonical = catalogue.canonical(word);
    let entries = catalogue.find(canonical.as_deref().unwrap_or(word));
    entries.iter().filter_map(|entry| Some((entry.capability?, word.to_owned()))).collect()
}
