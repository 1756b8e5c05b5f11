//! What imported functions can do: `<symbol> <capability> [detail=…]`, one a line; a symbol that ends in `*` is a prefix.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::capability::Capability;

/// What a function can do.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) capability: Capability,
    pub(super) detail: Option<String>,
}

struct Table {
    exact: HashMap<String, Vec<Entry>>,
    prefixes: Vec<(String, Entry)>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::parse(include_str!("../apis/native.txt")));

/// What is known of a function.
pub(super) fn find(symbol: &str) -> impl Iterator<Item = &'static Entry> {
    let exact = TABLE.exact.get(symbol).map_or(&[][..], Vec::as_slice);
    let wanted = if exact.is_empty() { symbol.to_owned() } else { String::new() };
    let prefixes = TABLE.prefixes.iter().filter(move |(prefix, _)| wanted.starts_with(prefix.as_str()));
    exact.iter().chain(prefixes.map(|(_, entry)| entry))
}

impl Table {
    fn parse(text: &str) -> Self {
        let mut table = Self { exact: HashMap::new(), prefixes: Vec::new() };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.split_whitespace();
            let (Some(symbols), Some(Ok(capability))) = (words.next(), words.next().map(str::parse)) else { continue };
            let detail = words.find_map(|word| word.strip_prefix("detail=")).map(|detail| detail.replace('_', " "));
            for symbol in symbols.split('|') {
                let entry = Entry { capability, detail: detail.clone() };
                match symbol.strip_suffix('*') {
                    Some(prefix) => table.prefixes.push((prefix.to_owned(), entry)),
                    None => table.exact.entry(symbol.to_owned()).or_default().push(entry),
                }
            }
        }
        table
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_line_of_the_table_is_understood() {
        let lines =
            include_str!("../apis/native.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        for line in lines {
            let symbol = line.split(['|', ' ']).next().unwrap().trim_end_matches('*');
            assert!(super::find(symbol).next().is_some(), "{line}");
        }
    }
}
