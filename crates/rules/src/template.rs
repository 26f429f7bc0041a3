//! The templates of labels and annotations: Go's text/template with the functions that Prometheus documents
//! (prometheus.io, "Template reference"), for text.

use promql::{Labels, Sample};

use crate::mistake::Mistake;

mod compare;
mod dates;
mod functions;
mod humanize;
mod lex;
mod parse;
mod printf;
mod run;
mod value;

/// A template that was read.
#[derive(Clone, Debug)]
pub struct Template {
    body: Vec<parse::Node>,
    named: Vec<(String, Vec<parse::Node>)>,
}

/// What a template may speak of.
pub struct Data<'a> {
    /// `$labels`: the labels of the sample that made the alert.
    pub labels: &'a Labels,
    /// `$value`.
    pub value: f64,
    /// `$externalLabels`.
    pub external_labels: &'a Labels,
    /// `$externalURL`.
    pub external_url: &'a str,
    /// The moment of the evaluation, in ms since 1970 UTC.
    pub now_ms: i64,
    /// Answers `query`, at the moment of the evaluation.
    pub query: &'a dyn Fn(&str) -> Result<Vec<Sample>, String>,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// Where it is wrong, and why; functions that are not there are named.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        parse::template(text)
    }

    /// Writes it out.
    ///
    /// # Errors
    /// In words: a function got what it cannot use, a query failed, or the template makes too much text.
    pub fn expand(&self, data: &Data<'_>) -> Result<String, String> {
        run::expand(self, data)
    }

    /// Writes a text out as Prometheus does: what goes wrong stands in the text.
    pub(crate) fn expanded(text: &str, data: &Data<'_>) -> String {
        // Most texts have nothing to fill in.
        if !text.contains("{{") {
            return text.to_owned();
        }
        let done = Self::parse(text).map_err(|wrong| wrong.to_string()).and_then(|template| template.expand(data));
        done.unwrap_or_else(|why| format!("<error expanding template: {why}>"))
    }
}

#[cfg(test)]
mod tests;
