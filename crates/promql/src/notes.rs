//! Warnings and infos: what an answer cannot say by itself.

use crate::error::place;
use crate::expr::Span;

/// No more notes of one kind than this; a query over many series would repeat itself.
const NOTES_MAX: usize = 50;

/// What was noted so far, each text once.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) warnings: Vec<String>,
    pub(crate) infos: Vec<String>,
    pub(crate) source: Vec<String>,
}

impl Notes {
    pub(crate) fn warn(&mut self, query: &str, span: Span, message: &str) {
        add(&mut self.warnings, placed("PromQL warning", query, span, message));
    }

    pub(crate) fn inform(&mut self, query: &str, span: Span, message: &str) {
        add(&mut self.infos, placed("PromQL info", query, span, message));
    }

    pub(crate) fn of_source(&mut self, notes: Vec<String>, infos: Vec<String>, warnings: Vec<String>) {
        notes.into_iter().for_each(|note| add(&mut self.source, note));
        infos.into_iter().for_each(|info| add(&mut self.infos, info));
        warnings.into_iter().for_each(|warning| add(&mut self.warnings, warning));
    }
}

fn placed(kind: &str, query: &str, span: Span, message: &str) -> String {
    let (line, column) = place(query, span.start);
    format!("{kind}: {message} ({line}:{column})")
}

fn add(notes: &mut Vec<String>, note: String) {
    if notes.len() < NOTES_MAX && !notes.contains(&note) {
        notes.push(note);
    }
}
