//! Items: imports, functions, methods, modules, constants, and what runs without being called.

use std::collections::BTreeMap;

use syn::{Attribute, FnArg, ForeignItem, ImplItem, Item, ReturnType, Signature, TraitItem, Type, UseTree, Visibility};

use super::Lowering;
use crate::ir::{Block, Class, Expression, Function, Imported, Parameter, Statement, Sym};

/// The most levels of modules, and of groups in an import.
const MAX_NESTING: u32 = 40;

/// What `use std::process::*` brings, where it matters.
const GLOBS: &[(&str, &[&str])] = &[
    ("std.process", &["Command", "Stdio"]),
    ("std.fs", &["File", "OpenOptions", "read", "read_to_string", "write", "remove_file", "remove_dir_all", "copy"]),
    ("std.net", &["TcpStream", "TcpListener", "UdpSocket"]),
    ("std.env", &["var", "vars", "var_os", "vars_os"]),
    ("tokio.process", &["Command"]),
    ("tokio.net", &["TcpStream", "TcpListener", "UdpSocket"]),
];

impl Lowering<'_> {
    /// The statements of a file; what runs without being called comes last.
    pub(super) fn file(&mut self, file: &syn::File) -> Block {
        self.collect_modules(&file.items, 0);
        let mut block = self.apart(|this| this.items(file.items.iter(), 0));
        for name in std::mem::take(&mut self.at_load) {
            let call = self.b.call_name(&name, Vec::new(), 0);
            block.push(Statement::Do(call));
        }
        block
    }

    fn collect_modules(&mut self, items: &[Item], depth: u32) {
        for item in items {
            if let Item::Mod(module) = item
                && let Some((_, items)) = &module.content
                && depth < MAX_NESTING
            {
                self.modules.insert(module.ident.to_string());
                self.collect_modules(items, depth + 1);
            }
        }
    }

    /// Items in the order in which they can be used: imports, functions, types, values.
    pub(super) fn items<'s>(&mut self, items: impl Iterator<Item = &'s Item>, depth: u32) {
        let items: Vec<&Item> = items.filter(|item| !is_test(attributes(item))).collect();
        for item in &items {
            self.import_item(item);
        }
        let mut methods: BTreeMap<String, Vec<&ImplItem>> = BTreeMap::new();
        for item in &items {
            match item {
                Item::Fn(function) => self.function_item(function, depth),
                Item::Impl(one) => {
                    methods.entry(type_name(&one.self_ty)).or_default().extend(&one.items);
                }
                Item::Trait(one) => self.provided(&one.items),
                Item::ForeignMod(foreign) => self.foreign(&foreign.items),
                _ => {}
            }
        }
        for (name, methods) in methods {
            self.class(&name, &methods);
        }
        for item in items {
            self.value_item(item, depth);
        }
    }

    fn import_item(&mut self, item: &Item) {
        match item {
            Item::Use(import) => {
                self.import_tree(&import.tree, &mut Vec::new(), 0);
                if !matches!(import.vis, Visibility::Inherited) {
                    self.pass_on(&import.tree, 0);
                }
            }
            Item::ExternCrate(one) => {
                let local = one.rename.as_ref().map_or_else(|| one.ident.to_string(), |(_, name)| name.to_string());
                let local = self.b.sym(&local);
                let module = one.ident.to_string().into();
                self.push(Statement::Import { module, names: vec![Imported { name: None, local }] });
            }
            Item::Mod(module) if module.content.is_none() => {
                let path = module.attrs.iter().find(|attribute| attribute.path().is_ident("path"));
                let path = path.and_then(literal_value);
                let path = path.unwrap_or_else(|| module.ident.to_string());
                let import = super::module(&mut self.b, &module.ident.to_string(), &path);
                self.push(import);
            }
            _ => {}
        }
    }

    /// `pub use`: what is imported is exported.
    fn pass_on(&mut self, tree: &UseTree, depth: u32) {
        let name = match tree {
            UseTree::Path(path) if depth < MAX_NESTING => return self.pass_on(&path.tree, depth + 1),
            UseTree::Group(group) if depth < MAX_NESTING => {
                return group.items.iter().for_each(|tree| self.pass_on(tree, depth + 1));
            }
            UseTree::Name(name) => &name.ident,
            UseTree::Rename(rename) => &rename.rename,
            _ => return,
        };
        let at = self.offset(name.span());
        let name = self.b.sym(&name.to_string());
        self.export(name, at);
    }

    fn import_tree(&mut self, tree: &UseTree, prefix: &mut Vec<String>, depth: u32) {
        if depth > MAX_NESTING {
            return;
        }
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.import_tree(&path.tree, prefix, depth + 1);
                prefix.pop();
            }
            UseTree::Name(name) if name.ident == "self" => {
                if let Some((last, before)) = prefix.split_last() {
                    self.import(before, last, last);
                }
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                self.import(prefix, &name, &name);
            }
            UseTree::Rename(rename) => self.import(prefix, &rename.ident.to_string(), &rename.rename.to_string()),
            UseTree::Glob(_) => {
                let module = prefix.join(".");
                let known = GLOBS.iter().find(|(known, _)| *known == module).map_or(&[][..], |(_, names)| names);
                for name in known {
                    self.import(prefix, name, name);
                }
                if known.is_empty() {
                    self.push(Statement::Import { module: module.into(), names: Vec::new() });
                }
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import_tree(tree, prefix, depth + 1);
                }
            }
        }
    }

    fn import(&mut self, prefix: &[String], name: &str, local: &str) {
        let here = |name: &&String| matches!(name.as_str(), "self" | "super" | "crate") || self.modules.contains(*name);
        let within = prefix.iter().take_while(here).count();
        // What leads to modules of this file is left out, and what is in them has its name already.
        if local == "_" || (within > 0 && within == prefix.len() && name == local) {
            return;
        }
        let (name, local) = (self.b.sym(name), self.b.sym(local));
        let (module, name) = match &prefix[within..] {
            [] if within > 0 => (prefix.join(".").into(), Some(name)),
            [] => (self.b.text_of(name), None),
            outer => (outer.join(".").into(), Some(name)),
        };
        self.push(Statement::Import { module, names: vec![Imported { name, local }] });
    }

    fn function_item(&mut self, function: &syn::ItemFn, depth: u32) {
        let name = function.sig.ident.to_string();
        let sym = self.b.sym(&name);
        self.define(sym, &function.sig, &function.block);
        if runs_at_load(&function.attrs) || (name == "main" && depth == 0) {
            self.at_load.push(name);
        }
        if !matches!(function.vis, Visibility::Inherited) {
            self.export(sym, self.offset(function.sig.ident.span()));
        }
    }

    fn export(&mut self, name: Sym, at: u32) {
        let value = self.b.add(Expression::Name(name), at);
        self.push(Statement::Export(name, value));
    }

    fn define(&mut self, name: Sym, signature: &Signature, block: &syn::Block) {
        let at = self.offset(signature.ident.span());
        let around = (std::mem::take(&mut self.locals), std::mem::take(&mut self.commands));
        let mut parameters = Vec::new();
        let mut patterns = Vec::new();
        for input in &signature.inputs {
            let FnArg::Typed(typed) = input else { continue };
            let at = self.place(super::spans::pattern(&typed.pat));
            let target = self.target(&typed.pat, 0).unwrap_or_else(|| {
                let name = self.fresh();
                patterns.push((&*typed.pat, name.clone()));
                self.b.name(&name, at)
            });
            parameters.push(Parameter { target, default: None, rest: false });
        }
        let returns = !matches!(signature.output, ReturnType::Default);
        let body = self.apart(|this| {
            for (pattern, name) in patterns {
                let value = this.b.name(&name, at);
                this.bind(pattern, value);
            }
            this.body(block, returns);
        });
        let (locals, commands) = around;
        let locals = std::mem::replace(&mut self.locals, locals);
        self.commands = commands;
        let function = self.b.define(Function { name: Some(name), parameters, body, locals, offset: at });
        self.push(Statement::Define(name, function));
    }

    /// The statements of a function; the last value is what it returns.
    fn body(&mut self, block: &syn::Block, returns: bool) {
        if let Some(value) = self.block_value(block) {
            self.push(if returns { Statement::Return(Some(value)) } else { Statement::Do(value) });
        }
    }

    /// The methods of a type, as a class.
    fn class(&mut self, name: &str, items: &[&ImplItem]) {
        let around = self.owner.replace(name.to_owned());
        let mut members = Vec::new();
        let mut at = 0;
        let body = self.apart(|this| {
            for item in items {
                match item {
                    ImplItem::Fn(method) if !is_test(&method.attrs) => {
                        at = this.offset(method.sig.ident.span());
                        let sym = this.b.sym(&method.sig.ident.to_string());
                        members.push(sym);
                        this.define(sym, &method.sig, &method.block);
                    }
                    ImplItem::Const(constant) => {
                        at = this.offset(constant.ident.span());
                        let name = constant.ident.to_string();
                        let value = this.expr(&constant.expr);
                        members.push(this.b.sym(&name));
                        this.set(&name, value, at);
                    }
                    _ => {}
                }
            }
        });
        self.owner = around;
        if members.is_empty() || name.is_empty() {
            self.out.extend(body);
            return;
        }
        let sym = self.b.sym(name);
        let class = Class { name: Some(sym), bases: Vec::new(), body, members };
        let class = self.b.add(Expression::Class(Box::new(class)), at);
        self.set(name, class, at);
        self.export(sym, at);
    }

    fn provided(&mut self, items: &[TraitItem]) {
        for item in items {
            if let TraitItem::Fn(method) = item
                && let Some(block) = &method.default
            {
                let sym = self.b.sym(&method.sig.ident.to_string());
                self.define(sym, &method.sig, block);
            }
        }
    }

    fn foreign(&mut self, items: &[ForeignItem]) {
        for item in items {
            if let ForeignItem::Fn(function) = item {
                let at = self.offset(function.sig.ident.span());
                let foreign = super::foreign(&mut self.b, &function.sig.ident.to_string(), at);
                self.push(foreign);
            }
        }
    }

    fn value_item(&mut self, item: &Item, depth: u32) {
        match item {
            Item::Const(constant) => {
                let at = self.offset(constant.ident.span());
                let value = self.expr(&constant.expr);
                self.set(&constant.ident.to_string(), value, at);
            }
            Item::Static(constant) => {
                let at = self.offset(constant.ident.span());
                let value = self.expr(&constant.expr);
                self.set(&constant.ident.to_string(), value, at);
                if runs_at_load(&constant.attrs) {
                    let call = self.b.call(value, Vec::new(), at);
                    self.push(Statement::Do(call));
                }
            }
            Item::Mod(module) if depth < MAX_NESTING => {
                if let Some((_, items)) = &module.content {
                    let block = self.apart(|this| this.items(items.iter(), depth + 1));
                    self.push(Statement::Block(block));
                }
            }
            Item::Macro(one) if one.ident.is_none() => {
                let at = self.place(super::spans::path(&one.mac.path));
                let value = self.mac(&one.mac, at);
                self.push(Statement::Do(value));
            }
            Item::Macro(one) => self.template(&one.mac.tokens),
            _ => {}
        }
    }
}

/// The name of a type without its path and parameters.
fn type_name(kind: &Type) -> String {
    match kind {
        Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default(),
        _ => String::new(),
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Fn(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        Item::Const(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        _ => &[],
    }
}

/// Tests are not built by whoever depends on the crate.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        let last = path.segments.last().is_some_and(|last| last.ident == "test");
        let configured =
            path.is_ident("cfg") && attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "test");
        last || configured
    })
}

/// Entry points of procedural macros, and what the linker puts before `main`.
fn runs_at_load(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let last = attribute.path().segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        let macros = matches!(&*last, "proc_macro" | "proc_macro_derive" | "proc_macro_attribute");
        let section = || literal_value(attribute).unwrap_or_default();
        let initial =
            last == "link_section" && [".init_array", "__mod_init_func", ".CRT$"].iter().any(|s| section().contains(s));
        let unsafe_section = last == "unsafe" && {
            let tokens = attribute.meta.require_list().map(|list| list.tokens.to_string()).unwrap_or_default();
            tokens.contains("link_section") && (tokens.contains("init") || tokens.contains(".CRT$"))
        };
        macros || initial || unsafe_section || matches!(&*last, "ctor" | "dtor" | "global_allocator")
    })
}

/// The text of `#[name = "text"]`.
fn literal_value(attribute: &Attribute) -> Option<String> {
    let value = attribute.meta.require_name_value().ok()?;
    match &value.value {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}
