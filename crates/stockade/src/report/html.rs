//! A page of its own: no scripts, nothing from elsewhere, and a policy that would not let any run.

use std::fmt::Write as _;

use stockade_model::Verdict;

use super::Report;
use super::sections::{Item, Part, Section};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}\
h1{font-size:1.3rem}h2{font-size:1.05rem;margin:1.5rem 0 .3rem}ul{margin:0;padding-left:1.2rem}\
code{background:#8882;padding:0 .25em;border-radius:3px;overflow-wrap:anywhere}summary{cursor:pointer;font-weight:600}\
details{margin:1rem 0}.at{color:#667}.deny{color:#b00020;font-weight:600}.hold{color:#9a5b00;font-weight:600}\
@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}.at{color:#99a}.deny{color:#ff6b81}.hold{color:#ffb454}}";

pub(super) fn write(report: &Report<'_>) -> String {
    let headline = escaped(&report.headline());
    // Nothing is left out: what matters less is folded.
    let sections: String = report.sections(true).iter().map(section).collect();
    let class = class(report.assessment.verdict());
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>stockade: {headline}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1 class=\"{class}\">{headline}</h1>\n{sections}</body>\n</html>\n"
    )
}

fn section(section: &Section) -> String {
    let title = escaped(&section.title);
    let items: String = section.items.iter().map(item).collect();
    if section.matters {
        format!("<h2>{title}</h2>\n<ul>\n{items}</ul>\n")
    } else {
        format!("<details><summary>{title} ({})</summary>\n<ul>\n{items}</ul>\n</details>\n", section.items.len())
    }
}

fn item(item: &Item) -> String {
    let mut out = String::from("<li>");
    if let Some(verdict) = item.verdict {
        let _ = write!(out, "<span class=\"{}\">{}</span> ", class(verdict), verdict.name());
    }
    for part in &item.parts {
        match part {
            Part::Words(words) => out.push_str(&escaped(words)),
            Part::Literal(literal) => {
                let _ = write!(out, "<code>{}</code>", escaped(literal));
            }
        }
    }
    if !item.places.is_empty() {
        out.push_str("\n<ul>\n");
        for place in &item.places {
            let _ = write!(out, "<li><span class=\"at\">{}</span>", escaped(&place.at));
            if !place.snippet.is_empty() {
                let _ = write!(out, " <code>{}</code>", escaped(&place.snippet));
            }
            if !place.remark.is_empty() {
                let _ = write!(out, " ({})", escaped(&place.remark));
            }
            out.push_str("</li>\n");
        }
        out.push_str("</ul>\n");
    }
    out.push_str("</li>\n");
    out
}

fn class(verdict: Verdict) -> &'static str {
    verdict.name()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}
