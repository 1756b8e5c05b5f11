//! For a terminal.

use stockade_model::Verdict;

use super::Report;
use super::sections::{Item, Part, Section};
use crate::output::{Style, Styled};

/// How far the columns of places are aligned, in characters: a longer path moves its own line only.
const WIDEST: usize = 40;

pub(super) fn write(report: &Report<'_>, all: bool) -> Styled {
    let mut out = Styled::default();
    out.add(style(report.assessment.verdict()), &report.headline());
    out.plain("\n");
    let sections = report.sections(all);
    for section in &sections {
        write_section(&mut out, section);
    }
    if !all && !sections.is_empty() {
        out.add(Style::Dim, "-v shows everything\n");
    }
    out
}

fn write_section(out: &mut Styled, section: &Section) {
    out.add(Style::Bold, &format!("{}:\n", section.title));
    for item in &section.items {
        write_item(out, item);
    }
}

fn write_item(out: &mut Styled, item: &Item) {
    out.plain("  ");
    if let Some(verdict) = item.verdict {
        out.add(style(verdict), &format!("{:<5} ", verdict.name()));
    }
    for part in &item.parts {
        match part {
            Part::Words(words) => out.plain(words),
            Part::Literal(literal) => out.add(Style::Literal, literal),
        }
    }
    out.plain("\n");
    let width = item.places.iter().map(|place| place.at.chars().count()).filter(|width| *width <= WIDEST).max();
    for place in &item.places {
        let pad = width.unwrap_or(0).saturating_sub(place.at.chars().count()) + 2;
        out.add(Style::Dim, &format!("    {}", place.at));
        if !place.snippet.is_empty() {
            out.plain(&format!("{:pad$}{}", "", place.snippet));
        }
        if !place.remark.is_empty() {
            out.add(Style::Dim, &format!("  ({})", place.remark));
        }
        out.plain("\n");
    }
    if item.more > 0 {
        let places = if item.more == 1 { "place" } else { "places" };
        out.add(Style::Dim, &format!("    and {} more {places}\n", item.more));
    }
}

fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Allow => Style::Bold,
        Verdict::Hold => Style::Warning,
        Verdict::Deny => Style::Alarm,
    }
}
