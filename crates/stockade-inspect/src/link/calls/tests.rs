//! Ways from an installer to what another file does. Each is a title and a line for each file, the installer first; what is
//! led to is a function `f` of a file `b` that runs a program.

use stockade_model::Trigger;

use crate::capability::Capability;
use crate::link::tests::{file, runs, tree};

/// What is done, by the ending of the file that does it.
const DONE: [(&str, &str); 4] = [
    ("js", "exports.f = () => require('child_process').execSync('collect')"),
    ("mjs", "import {execSync} from 'child_process'; export function f() { execSync('collect') }"),
    ("py", "import os\ndef f(): os.system('collect')"),
    ("rs", "pub(crate) fn f() { std::process::Command::new(\"collect\").spawn(); }"),
];

const RUN_AT_THE_INSTALL: &str = r"
# straight
i.js: require('./b').f()
# by a second file
i.js: require('./a').run()
a.js: const b = require('./b'); exports.run = () => b.f()
# by a third file
i.js: require('./a').run()
a.js: exports.run = () => require('./c').run()
c.js: exports.run = () => require('./b').f()
# by a file that is loaded late
i.js: require('./a').run()
a.js: exports.run = () => require('./c')
c.js: require('./b').f()
# by a helper of two exports
i.js: require('./a').two()
a.js: const h = () => require('./b').f(); exports.one = () => h(); exports.two = () => h()
# a function that is passed on
i.js: require('./a').run()
a.js: exports.run = require('./b').f
# a module that is passed on
i.js: require('./a').f()
a.js: module.exports = require('./b')
# a module that is passed on by name
i.js: require('./a').b.f()
a.js: exports.b = require('./b')
# a module that is passed on in a spread
i.js: require('./a').f()
a.js: module.exports = {...require('./b')}
# a method
i.js: const {A} = require('./a'); new A().run()
a.js: class A { run() { require('./b').f() } } exports.A = A
# a method of a module that is a class
i.js: const A = require('./a'); new A().run()
a.js: module.exports = class A { run() { require('./b').f() } }
# a constructor
i.js: const A = require('./a'); new A()
a.js: module.exports = class A { constructor() { require('./b').f() } }
# a method of a prototype
i.js: const A = require('./a'); new A().run()
a.js: function A() {} A.prototype.run = function () { require('./b').f() }; module.exports = A
# a method of what a function makes
i.js: require('./a').make().run()
a.js: exports.make = () => ({ run: () => require('./b').f() })
# a method of what a module is
i.js: require('./a').run()
a.js: class A { run() { require('./b').f() } } module.exports = new A()
# a module that is a function
i.js: require('./a')()
a.js: module.exports = () => require('./b').f()
# what a function gives
i.js: require('./a').make()()
a.js: exports.make = () => () => require('./b').f()
# waiting
i.js: (async () => { await require('./a').run() })()
a.js: exports.run = async () => { await require('./b').f() }
# a function that is given
i.js: require('./a').run(() => require('./b').f())
a.js: exports.run = back => back()
# a function that is given in an object
i.js: require('./a').run({ done: () => require('./b').f() })
a.js: exports.run = options => options.done()
# another file's function that is given
i.js: require('./a').run(require('./b').f)
a.js: exports.run = back => back()
# a function that is given on
i.js: require('./a').run(() => require('./b').f())
a.js: exports.run = back => setTimeout(back, 1)
# a timer
i.js: setTimeout(require('./b').f, 1)
# a promise
i.js: new Promise(done => require('./b').f())
# what a promise of a module gives
i.js: import('./a').then(a => a.run())
a.js: exports.run = () => import('./b').then(b => b.f())
# as a compiler of TypeScript writes what is passed on
i.js: const a_1 = require('./a'); (0, a_1.run)()
a.js: var b_1 = require('./b'); Object.defineProperty(exports, 'run', { enumerable: true, get: function () { return b_1.f; } })
# as it writes all that is passed on
i.js: const a_1 = require('./a'); (0, a_1.f)()
a.js: var __exportStar = (this && this.__exportStar) || function (m, exports) { for (var p in m) if (p !== 'default') exports[p] = m[p] }; __exportStar(require('./b'), exports)
# as another compiler writes that
i.js: const a_1 = require('./a'); (0, a_1.f)()
a.js: var _b = require('./b'); Object.keys(_b).forEach(function (key) { if (key === 'default') return; Object.defineProperty(exports, key, { enumerable: true, get: function () { return _b[key] } }) })
# as a compiler writes a default
i.js: var __importDefault = (this && this.__importDefault) || function (mod) { return (mod && mod.__esModule) ? mod : { 'default': mod } }; const a_1 = __importDefault(require('./a')); a_1.default()
a.js: exports.default = () => require('./b').f()
# as a compiler writes a wait
i.js: require('./a').run()
a.js: var __awaiter = (this && this.__awaiter) || function (self, all, P, generator) { return new (P || (P = Promise))(function (resolve) { function step(result) { result.done ? resolve(result.value) : 1 } step((generator = generator.apply(self, all || [])).next()) }) }; const b_1 = require('./b'); function run() { return __awaiter(this, void 0, void 0, function* () { yield (0, b_1.f)() }) } exports.run = run
# modules
i.mjs: import {run} from './a.mjs'; run()
a.mjs: import {f} from './b.mjs'; export function run() { f() }
# modules as objects
i.mjs: import * as a from './a.mjs'; a.run()
a.mjs: import * as b from './b.mjs'; export const run = () => b.f()
# a default
i.mjs: import run from './a.mjs'; run()
a.mjs: import {f} from './b.mjs'; export default function () { f() }
# exported from
i.mjs: import {run} from './a.mjs'; run()
a.mjs: export {f as run} from './b.mjs'
# imported and exported
i.mjs: import {f} from './a.mjs'; f()
a.mjs: import {f} from './b.mjs'; export {f}
# everything exported from
i.mjs: import {f} from './a.mjs'; f()
a.mjs: export * from './b.mjs'
# everything exported from, by a name
i.mjs: import {b} from './a.mjs'; b.f()
a.mjs: export * as b from './b.mjs'
# straight, in Python
i.py: import b\nb.f()
# by name
i.py: from b import f\nf()
# by a second file
i.py: import a\na.run()
a.py: import b\ndef run(): b.f()
# by what is imported late
i.py: import a\na.run()
a.py: def run():\n    from b import f\n    f()
# everything imported
i.py: from b import *\nf()
# everything imported, twice
i.py: from a import *\nf()
a.py: from b import *
# from a package
i.py: from a import f\nf()
a/__init__.py: from .c import f
a/c.py: from b import f
# a module of a package
i.py: from a import c\nc.run()
a/__init__.py:
a/c.py: from b import f as run
# a module of a package by its whole name
i.py: import a.c\na.c.run()
a/__init__.py:
a/c.py: import b\ndef run(): b.f()
# a module beside
i.py: import a\na.run()
a/__init__.py: from . import c\ndef run(): c.run()
a/c.py: import b\ndef run(): b.f()
# a method
i.py: from a import A\nA().run()
a.py: import b\nclass A:\n    def run(self): b.f()
# making one
i.py: from a import A\nA()
a.py: import b\nclass A:\n    def __init__(self): b.f()
# a method of what is extended
i.py: from a import A\nclass B(A): pass\nB().run()
a.py: import b\nclass A:\n    def run(self): b.f()
# a method of what is extended elsewhere
i.py: from c import C\nC().run()
c.py: from a import A\nclass C(A): pass
a.py: import b\nclass A:\n    def run(self): b.f()
# a command of a build
i.py: from setuptools import setup\nfrom a import A\nsetup(cmdclass={'install': A})
a.py: import b\nfrom setuptools.command.install import install\nclass A(install):\n    def run(self): b.f()
# a thread
i.py: import threading, b\nthreading.Thread(target=b.f).start()
# straight, in Rust
build.rs: mod b; fn main() { b::f(); }
# by name
build.rs: mod b; use b::f; fn main() { f(); }
# from the root
build.rs: mod a; mod b; fn main() { a::run(); }
a.rs: pub fn run() { crate::b::f(); }
# from the module around
build.rs: mod a; mod b; fn main() { a::run(); }
a.rs: use super::b; pub fn run() { b::f(); }
# by name, from the root
build.rs: mod a; mod b; fn main() { a::run(); }
a.rs: use crate::b::f; pub fn run() { f(); }
# passed on
build.rs: mod a; mod b; fn main() { a::f(); }
a.rs: pub use crate::b::f;
# a method
build.rs: mod a; mod b; fn main() { a::A::new().run(); }
a.rs: pub struct A; impl A { pub fn new() -> A { A } pub fn run(&self) { crate::b::f(); } }
";

const RUN_WHEN_SOMEBODY_CALLS: &str = r"
# loaded and not called
i.js: require('./b')
# another function
i.js: require('./a').one()
a.js: exports.one = () => 1; exports.two = () => require('./b').f()
# another name that is passed on
i.js: require('./a').one()
a.js: exports.one = () => 1; exports.two = require('./b').f
# a function that is given and not called
i.js: require('./a').keep(() => require('./b').f())
a.js: const kept = []; exports.keep = back => { kept.push(back) }
# of two functions the one that is not called
i.js: require('./a').run(() => 1, () => require('./b').f())
a.js: exports.run = (one, two) => one()
# a helper that calls what it is given
i.js: require('./a').one()
a.js: const call = back => back(); exports.one = () => call(() => 1); exports.two = () => call(() => require('./b').f())
# a function that is given to what another gives
i.js: require('./a').keep('name')(() => require('./b').f())
a.js: exports.keep = name => { name(); return back => { } }
# loaded and not called, in Python
i.py: import b
# another function
i.py: import a\na.one()
a.py: import b\ndef one(): pass\ndef two(): b.f()
# a class that is not made
i.py: from a import A
a.py: import b\nclass A:\n    def __init__(self): b.f()
# another function, in Rust
build.rs: mod a; mod b; fn main() { a::one(); }
a.rs: pub fn one() {} pub fn two() { crate::b::f(); }
";

/// The title of each way, and when what it leads to is run.
fn ways(text: &str) -> Vec<(String, Option<Trigger>)> {
    let ways = text.split("\n# ").skip(1).map(|way| way.split_once('\n').unwrap());
    let run = |(title, lines): (&str, &str)| {
        let files = lines.lines().map(|line| line.split_once(':').unwrap());
        let mut files: Vec<(&str, String)> =
            files.map(|(path, text)| (path, text.trim().replace(r"\n", "\n"))).collect();
        let installer = files[0].0;
        let (ending, done) = DONE.into_iter().find(|(ending, _)| installer.ends_with(&format!(".{ending}"))).unwrap();
        let path = format!("b.{ending}");
        files.push((&path, done.to_owned()));
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, &**text)).collect();
        (title.to_owned(), runs(&tree(&[(Trigger::Install, file(installer))], &files), &path))
    };
    ways.map(run).collect()
}

#[test]
fn what_an_installer_leads_to_is_run_by_it_through_however_many_files() {
    let others: Vec<_> =
        ways(RUN_AT_THE_INSTALL).into_iter().filter(|(_, run)| *run != Some(Trigger::Install)).collect();
    assert_eq!(others, []);
}

#[test]
fn what_it_does_not_lead_to_is_run_when_somebody_calls_it() {
    let others: Vec<_> =
        ways(RUN_WHEN_SOMEBODY_CALLS).into_iter().filter(|(_, run)| *run != Some(Trigger::Call)).collect();
    assert_eq!(others, []);
}

#[test]
fn a_class_that_a_build_runs_leads_through_other_classes() {
    let class = |text: &str| hex::decode(text.split_whitespace().collect::<String>()).unwrap();
    let classes = [
        ("Start.class", class(include_str!("testdata/Start.class.hex"))),
        ("Middle.class", class(include_str!("testdata/Middle.class.hex"))),
        ("End.class", class(include_str!("testdata/End.class.hex"))),
        ("Other.class", class(include_str!("testdata/Other.class.hex"))),
    ];
    let files: Vec<(&str, &[u8])> = classes.iter().map(|(path, bytes)| (*path, &**bytes)).collect();
    let built = tree(&[(Trigger::Install, file("Start.class"))], &files);
    assert_eq!(runs(&built, "End.class"), Some(Trigger::Install), "by a method");
    assert_eq!(runs(&built, "Other.class"), Some(Trigger::Install), "by a constructor");
    let end = built.files.iter().find(|file| file.path == "End.class").unwrap();
    let mut acts = end.facts.acts.iter().zip(&end.triggers);
    let (_, written) = acts.find(|(act, _)| act.capability == Capability::Write).unwrap();
    assert_eq!(*written, Trigger::Call, "nothing that the build runs calls it");
    assert_eq!(runs(&tree(&[(Trigger::Import, file("Start.class"))], &files), "End.class"), Some(Trigger::Call));
}

#[test]
fn what_passes_itself_on_ends_and_is_a_gap() {
    let files = [("i.js", "require('./a').f()"), ("a.js", "module.exports = require('./a').x")];
    let package = tree(&[(Trigger::Install, file("i.js"))], &files);
    let gap = package.gaps.iter().find(|gap| gap.detail.contains("too many functions"));
    assert!(gap.is_some(), "{:?}", package.gaps);
}
