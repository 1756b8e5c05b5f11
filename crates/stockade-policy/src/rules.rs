//! Custom rules: conditions over evidence in the Common Expression Language (CEL).
//!
//! The interpreter has no budget, so a rule is bounded by what it may contain. Length, nodes and depth are limited. A
//! macro (`exists`, `all`, …) runs over a list that the document or the evidence bounds, never inside another macro, so
//! the work is at most nodes times list length. Nothing may depend on the order of a map or on a function that this
//! module does not name, because a ruling must replay bit for bit.
//!
//! Names are checked while a policy is read: a typing error is an error of the policy and not, much later, a gap.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

use cel::common::ast::{ComprehensionExpr, Expr, IdedExpr, operators};
use cel::objects::Key;
use cel::{Context, Env, ExecutionError, Program, Value};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use stockade_model::{Digest, Evidence, Finding, GapKind, Purl, Release, Verdict};

use crate::document::Line;

/// How long an expression may be, in bytes.
pub(crate) const MAX_EXPRESSION: usize = 4096;
/// How many nodes its tree may have, macros expanded.
pub(crate) const MAX_NODES: usize = 512;
/// How deep its tree may be, macros expanded.
pub(crate) const MAX_DEPTH: usize = 64;
/// How many advisories or gaps a rule looks at; with more it is not evaluated, which is a gap.
pub(crate) const MAX_LISTED: usize = 1000;

/// Names that built-in reasons have.
pub(crate) const RESERVED: [&str; 11] =
    ["integrity", "malware", "denial", "deny", "allow-list", "advisory", "freeze", "cooldown", FIX, "gap", "approval"];
/// The name of the reason that a fix need not wait.
pub(crate) const FIX: &str = "fix";
/// CEL reserves the word `package`, so what names the package is a field of `release`.
const VARIABLES: [(&str, &[&str]); 3] = [
    ("release", &["ecosystem", "name", "scope", "version", "purl"]),
    (
        "evidence",
        &[
            "age_hours",
            "published",
            "publisher",
            "install_hook",
            "provenance",
            "deprecated",
            "advisories",
            "malware",
            "digest",
            "findings",
        ],
    ),
    ("gaps", &[]),
];
/// The fields of `evidence` that are lists.
const LISTS: [&str; 2] = ["advisories", "findings"];
const FUNCTIONS: [&str; 7] = ["size", "contains", "startsWith", "endsWith", "int", "double", "string"];
const OPERATORS: [&str; 18] = [
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::SUBSTRACT,
    operators::ADD,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER_EQUALS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::LESS,
    operators::NEGATE,
    operators::INDEX,
    operators::IN,
];

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// `[[rule]]`, compiled.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) struct Rule {
    written: Written,
    program: Program,
    reads_age: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    when: String,
    then: Verdict,
    message: Line,
}

impl Rule {
    /// The name, which reasons carry.
    pub(crate) fn name(&self) -> &str {
        &self.written.name
    }

    /// What it asks for where its condition holds.
    pub(crate) fn then(&self) -> Verdict {
        self.written.then
    }

    /// What it says there: a predicate that follows the release's name.
    pub(crate) fn message(&self) -> &str {
        self.written.message.as_str()
    }

    /// True if the outcome may depend on the release's age, and so change with time.
    pub(crate) fn reads_age(&self) -> bool {
        self.reads_age
    }

    /// Evaluates the condition; an error is why it is neither true nor false.
    pub(crate) fn holds(&self, facts: &Facts) -> Result<bool, String> {
        match &facts.0 {
            Err(limit) => Err((*limit).to_owned()),
            Ok(context) => match self.program.execute(context) {
                Ok(Value::Bool(holds)) => Ok(holds),
                Ok(other) => Err(format!("it gave `{}`, and a condition must give `bool`", other.type_of())),
                Err(error) => Err(why(&error)),
            },
        }
    }
}

impl Serialize for Rule {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written.serialize(serializer)
    }
}

impl TryFrom<Written> for Rule {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let name = &written.name;
        if !is_kebab(name) {
            let shown: String = name.chars().take(40).collect();
            return Err(format!("rule `{}`: a name is kebab case, such as `new-hook`", shown.escape_debug()));
        }
        if RESERVED.contains(&name.as_str()) {
            return Err(format!("rule `{name}`: built-in reasons have this name; choose another one"));
        }
        if written.then == Verdict::Allow {
            return Err(format!("rule `{name}`: a rule can only `hold` or `deny`; use `[[exception]]` to allow"));
        }
        let (program, reads_age) = compile(&written.when).map_err(|error| format!("rule `{name}`: {error}"))?;
        let rule = Self { written, program, reads_age };
        rule.try_out().map_err(|error| format!("rule `{}`: {error}", rule.name()))?;
        Ok(rule)
    }
}

impl Rule {
    /// Finds what is wrong whatever the evidence: each variable always has the same type.
    fn try_out(&self) -> Result<(), String> {
        let facts = Facts::sample();
        let Ok(context) = &facts.0 else { return Ok(()) };
        match self.program.execute(context) {
            Err(error @ (ExecutionError::NoSuchOverload(_) | ExecutionError::UndeclaredReference(_))) => {
                Err(why(&error))
            }
            Ok(Value::Bool(_)) | Err(_) => Ok(()),
            Ok(other) => {
                Err(format!("it gives `{}`; compare it with something, a condition must give `bool`", other.type_of()))
            }
        }
    }
}

/// True for a name such as `new-hook`.
pub(crate) fn is_kebab(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .split('-')
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}

fn compile(expression: &str) -> Result<(Program, bool), String> {
    if expression.trim().is_empty() {
        return Err("`when` is empty; write a condition such as `evidence.install_hook`".to_owned());
    }
    if expression.len() > MAX_EXPRESSION {
        return Err(format!("`when` has more than {MAX_EXPRESSION} bytes; split it into several rules"));
    }
    let program = Program::compile(expression).map_err(|errors| {
        let Some(first) = errors.errors.first() else { return "`when` is not understood".to_owned() };
        let what: String = first.msg.lines().next().unwrap_or_default().chars().take(160).collect();
        format!("`when`, line {}, column {}: {what}", first.pos.0.max(1), first.pos.1.max(1))
    })?;
    let mut check = Check { nodes: 0, reads_age: false, scope: Vec::new() };
    check.expression(program.expression(), 0)?;
    let reads_age = check.reads_age;
    Ok((program, reads_age))
}

/// Walks an expression and refuses what would be unbounded, or depend on more than the evidence.
struct Check<'a> {
    nodes: usize,
    reads_age: bool,
    /// The variables of the macro that we are in.
    scope: Vec<&'a str>,
}

impl<'a> Check<'a> {
    fn expression(&mut self, node: &'a IdedExpr, depth: usize) -> Result<(), String> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(format!("`when` has more than {MAX_NODES} parts; split it into several rules"));
        }
        if depth > MAX_DEPTH {
            return Err(format!("`when` is nested deeper than {MAX_DEPTH}; split it into several rules"));
        }
        match &node.expr {
            Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => self.variable(name),
            Expr::Select(select) => match &select.operand.expr {
                Expr::Ident(name) if !self.scope.contains(&name.as_str()) => self.field(name, &select.field),
                _ => self.all([&*select.operand], depth + 1),
            },
            Expr::Call(call) => {
                let name = call.func_name.as_str();
                let inside_macro = name == operators::NOT_STRICTLY_FALSE && !self.scope.is_empty();
                if !OPERATORS.contains(&name) && !FUNCTIONS.contains(&name) && !inside_macro {
                    return Err(format!("there is no function `{name}`; the functions are {}", listed(&FUNCTIONS)));
                }
                self.all(call.target.as_deref().into_iter().chain(&call.args), depth + 1)
            }
            Expr::List(list) => self.all(&list.elements, depth + 1),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension, depth),
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                Err("`when` may have lists, but neither maps nor structs".to_owned())
            }
        }
    }

    fn all(&mut self, nodes: impl IntoIterator<Item = &'a IdedExpr>, depth: usize) -> Result<(), String> {
        nodes.into_iter().try_for_each(|node| self.expression(node, depth))
    }

    fn variable(&mut self, name: &str) -> Result<(), String> {
        if self.scope.contains(&name) {
            return Ok(());
        }
        if !VARIABLES.iter().any(|(variable, _)| *variable == name) {
            let known = VARIABLES.map(|(variable, _)| variable);
            return Err(format!("there is no variable `{name}`; the variables are {}", listed(&known)));
        }
        self.reads_age |= name == "evidence";
        Ok(())
    }

    fn field(&mut self, variable: &str, field: &str) -> Result<(), String> {
        let Some((_, fields)) = VARIABLES.iter().find(|(known, _)| *known == variable) else {
            return self.variable(variable);
        };
        if !fields.contains(&field) {
            return Err(if fields.is_empty() {
                format!("`{variable}` is a list and has no field `{field}`")
            } else {
                format!("`{variable}` has no field `{field}`; the fields are {}", listed(fields))
            });
        }
        self.reads_age |= field == "age_hours";
        Ok(())
    }

    fn comprehension(&mut self, node: &'a ComprehensionExpr, depth: usize) -> Result<(), String> {
        if !self.scope.is_empty() {
            return Err(
                "a macro such as `exists` may not stand inside another one; split it into several rules".to_owned()
            );
        }
        let bounded = match &node.iter_range.expr {
            Expr::List(_) => true,
            Expr::Ident(name) => name == "gaps",
            Expr::Select(select) => {
                LISTS.contains(&select.field.as_str())
                    && matches!(&select.operand.expr, Expr::Ident(name) if name == "evidence")
            }
            _ => false,
        };
        if !bounded {
            return Err(
                "a macro such as `exists` runs over `evidence.advisories`, `evidence.findings`, `gaps` or a list `[…]`"
                    .to_owned(),
            );
        }
        self.expression(&node.iter_range, depth + 1)?;
        self.scope = [Some(&node.iter_var), node.iter_var2.as_ref(), Some(&node.accu_var)]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        if let Some(shadow) = self.scope.iter().find(|name| VARIABLES.iter().any(|(known, _)| known == *name)) {
            return Err(format!("`{shadow}` is a variable already; name the macro's variable otherwise"));
        }
        self.all([&node.accu_init, &node.loop_cond, &node.loop_step, &node.result], depth + 1)?;
        self.scope.clear();
        Ok(())
    }
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// An evaluation error in words that are the same every time: no values, whose maps print in any order.
fn why(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchOverload(error) => error.to_string(),
        ExecutionError::UndeclaredReference(name) => format!("there is no variable or function `{name}`"),
        ExecutionError::NoSuchKey(name) => format!("there is no field `{name}`"),
        ExecutionError::IndexOutOfBounds(_) => "a list has no such index; ask for its `size` first".to_owned(),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "it divides by zero".to_owned(),
        ExecutionError::Overflow(..) => "a number became too large".to_owned(),
        _ => "two values do not go together".to_owned(),
    }
}

/// What rules see of a case, or the limit that it exceeds.
pub(crate) struct Facts(Result<Context<'static, 'static>, &'static str>);

impl Facts {
    /// The variables for this release and its evidence.
    pub(crate) fn of(release: &Release, evidence: &[Evidence], gaps: &[GapKind], now: Timestamp) -> Self {
        let listed = evidence.iter().filter(|evidence| matches!(evidence, Evidence::Advisory { .. })).count();
        if listed > MAX_LISTED {
            return Self(Err("there are more advisories than a rule looks at"));
        }
        if gaps.len() > MAX_LISTED {
            return Self(Err("there are more gaps than a rule looks at"));
        }
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        let (scope, _) = release.package.name.split();
        context.add_variable_from_value(
            "release",
            map([
                ("ecosystem", release.package.ecosystem.as_str().into()),
                ("name", release.package.name.as_str().into()),
                ("scope", scope.unwrap_or_default().into()),
                ("version", release.version.as_str().into()),
                ("purl", Purl::of(release).to_string().into()),
            ]),
        );
        context.add_variable_from_value("evidence", seen(evidence, now));
        context.add_variable_from_value("gaps", gaps.iter().map(|gap| Value::from(gap.name())).collect::<Vec<_>>());
        Self(Ok(context))
    }

    /// A case with something in every variable.
    fn sample() -> Self {
        let package = stockade_model::Package {
            ecosystem: stockade_model::EcosystemId::new("demo"),
            name: stockade_model::Name::normalised("@acme/demo"),
        };
        let advisory =
            Evidence::Advisory { id: "DEMO-1".to_owned(), malware: false, summary: "a demonstration".to_owned() };
        let inspection = Evidence::Inspection {
            digest: Digest::of(&[]),
            against: None,
            findings: vec![Finding::new("demo", Verdict::Hold, "is a demonstration", "demo", 1)],
            needs: Vec::new(),
        };
        let evidence = [advisory, inspection];
        Self::of(&package.release("1.0.0"), &evidence, &[GapKind::Stale], Timestamp::UNIX_EPOCH)
    }
}

/// The variable `evidence`. Where several pieces of evidence speak of the same, what is worse is seen.
fn seen(evidence: &[Evidence], now: Timestamp) -> Value {
    let (mut published, mut bytes, mut malware) = (None, String::new(), false);
    let (mut publishers, mut deprecations) = (BTreeSet::new(), BTreeSet::new());
    let (mut install_hook, mut provenance) = (false, None);
    let (mut advisories, mut found) = (Vec::new(), Vec::new());
    for evidence in evidence {
        match evidence {
            Evidence::Published { at, .. } => published = published.max(Some(*at)),
            Evidence::Manifest { publisher, install_hook: hook, provenance: attested, deprecated } => {
                publishers.extend(publisher.as_deref());
                deprecations.extend(deprecated.as_deref());
                install_hook |= hook;
                provenance = Some(provenance.unwrap_or(true) && *attested);
            }
            Evidence::Advisory { id, malware: confirmed, summary } => {
                malware |= confirmed;
                advisories.push(map([
                    ("id", id.as_str().into()),
                    ("malware", Value::Bool(*confirmed)),
                    ("summary", summary.as_str().into()),
                ]));
            }
            Evidence::Integrity { digest, .. } => bytes = digest.to_string(),
            Evidence::Inspection { findings, .. } => found.extend(findings.iter().take(Finding::MAX).map(as_seen)),
            Evidence::Claimed { .. } | Evidence::Decision { .. } | Evidence::Fixes { .. } | Evidence::Frozen { .. } => {
            }
        }
    }
    let joined = |words: BTreeSet<&str>| words.into_iter().collect::<Vec<_>>().join(" ");
    map([
        ("age_hours", Value::Float(published.map_or(-1.0, |at| f64::from(age_hours(at, now))))),
        ("published", published.map(|at| at.to_string()).unwrap_or_default().into()),
        ("publisher", joined(publishers).into()),
        ("install_hook", Value::Bool(install_hook)),
        ("provenance", Value::Bool(provenance.unwrap_or(false))),
        ("deprecated", joined(deprecations).into()),
        ("advisories", advisories.into()),
        ("malware", Value::Bool(malware)),
        ("digest", bytes.into()),
        ("findings", found.into()),
    ])
}

/// What a rule sees of a finding.
fn as_seen(finding: &Finding) -> Value {
    map([
        ("rule", finding.rule.as_str().into()),
        ("verdict", finding.verdict.name().into()),
        ("path", finding.path.as_str().into()),
    ])
}

/// The age in whole hours: it changes at instants that can be named, so that a ruling can say how long it stands.
fn age_hours(at: Timestamp, now: Timestamp) -> u32 {
    u32::try_from(now.duration_since(at).as_hours().max(0)).unwrap_or(u32::MAX)
}

/// The next instant at which `evidence.age_hours` changes.
pub(crate) fn next_age(at: Timestamp, now: Timestamp) -> Timestamp {
    let hours = i64::from(age_hours(at, now)) + 1;
    at.checked_add(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MAX)
}

fn map<const N: usize>(fields: [(&'static str, Value); N]) -> Value {
    fields.into_iter().map(|(name, value)| (Key::from(name), value)).collect::<HashMap<Key, Value>>().into()
}
