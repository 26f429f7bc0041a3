//! The filter language of every list: `status:open team:infrastructure place:"Head office" due<2h words -tag:x`.
//!
//! A filter is a list of terms that all hold. A term is a word, or a field, an operator (`:`, `<` or `>`) and values
//! separated by commas of which one must hold; `-` in front turns it around. Quotes hold spaces and commas together;
//! inside them `\"` and `\\` stand for themselves. This module only reads and writes the text: each list says which
//! fields it knows.

use std::fmt;

use kernel::{Error, Result};

/// Longest filter, in bytes.
pub const BYTES_MAX: usize = 2_000;
/// Most terms in one filter.
pub const TERMS_MAX: usize = 32;
/// Most values in one term.
pub const VALUES_MAX: usize = 50;

/// How a field relates to its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `:` is one of the values.
    Is,
    /// `<` is less than the value.
    Less,
    /// `>` is more than the value.
    More,
}

impl Relation {
    fn of(c: char) -> Option<Self> {
        match c {
            ':' => Some(Self::Is),
            '<' => Some(Self::Less),
            '>' => Some(Self::More),
            _ => None,
        }
    }

    fn sign(self) -> char {
        match self {
            Self::Is => ':',
            Self::Less => '<',
            Self::More => '>',
        }
    }
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// It must not hold.
    pub negated: bool,
    /// The field; `None` for a word to look for anywhere.
    pub field: Option<String>,
    /// How the field relates to the values.
    pub relation: Relation,
    /// What it is compared with: at least one, and exactly one for a word.
    pub values: Vec<String>,
    /// Where it starts in the text, counted in characters from 1.
    pub at: usize,
}

impl Term {
    /// A term `field:value`.
    pub fn is(field: &str, value: &str) -> Self {
        Self {
            negated: false,
            field: Some(field.to_owned()),
            relation: Relation::Is,
            values: vec![value.to_owned()],
            at: 1,
        }
    }

    /// The first value.
    pub fn value(&self) -> &str {
        self.values.first().map_or("", String::as_str)
    }

    /// The error for a field or value a list does not know; `known` lists what it does.
    pub fn unknown(&self, known: &str) -> Error {
        wrong(self.at, &format!("\"{self}\" is not known here. Known: words and {known}."))
    }

    fn same(&self, other: &Self) -> bool {
        (self.negated, &self.field, self.relation, &self.values)
            == (other.negated, &other.field, other.relation, &other.values)
    }
}

/// A list of conditions that must all hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    terms: Vec<Term>,
}

fn wrong(at: usize, message: &str) -> Error {
    Error::invalid("filter", format!("At character {at}: {message}"))
}

impl Filter {
    /// Reads a filter; nothing filters nothing.
    ///
    /// # Errors
    /// The text is too long, a quote is not closed, or a field has no value; the message names the position.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > BYTES_MAX {
            return Err(wrong(1, &format!("The filter is longer than {BYTES_MAX} bytes. Shorten it.")));
        }
        let mut reader = Reader { rest: text, at: 1 };
        let mut terms = Vec::new();
        while reader.skip_spaces() {
            if terms.len() >= TERMS_MAX {
                return Err(wrong(reader.at, &format!("A filter has at most {TERMS_MAX} conditions. Leave some out.")));
            }
            terms.push(reader.term()?);
        }
        Ok(Self { terms })
    }

    /// A filter made of terms.
    pub fn of(terms: Vec<Term>) -> Self {
        Self { terms }
    }

    /// The conditions in order.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// True when everything passes.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The first plain (not negated) value of a field.
    pub fn value(&self, field: &str) -> Option<&str> {
        let found = self.terms.iter().find(|term| term.field.as_deref() == Some(field) && !term.negated)?;
        Some(found.value())
    }

    /// This filter without the term at a place in the list.
    #[must_use]
    pub fn without(&self, index: usize) -> Self {
        let kept = self.terms.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, term)| term.clone());
        Self { terms: kept.collect() }
    }

    /// This filter with a term more, unless it is there already.
    #[must_use]
    pub fn with(&self, term: Term) -> Self {
        let mut terms = self.terms.clone();
        if !terms.iter().any(|one| one.same(&term)) {
            terms.push(term);
        }
        Self { terms }
    }

    /// Whether both say the same, wherever their terms stand in the text.
    pub fn same(&self, other: &Self) -> bool {
        self.terms.len() == other.terms.len() && self.terms.iter().zip(&other.terms).all(|(one, two)| one.same(two))
    }
}

/// A text as words are looked for in it: lower case, letter by letter, by the rules of Unicode. SQL's own `lower` knows only the
/// letters of ASCII, so a table keeps what this answers in a column and compares with that.
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// A `LIKE` pattern (with `\` as escape) that finds a word anywhere in a text that was folded.
pub fn like(word: &str) -> String {
    let mut pattern = String::with_capacity(word.len() + 2);
    pattern.push('%');
    for c in word.chars().flat_map(char::to_lowercase) {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

struct Reader<'a> {
    rest: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        self.rest = chars.as_str();
        self.at += 1;
        Some(c)
    }

    /// Moves to the next term; false at the end.
    fn skip_spaces(&mut self) -> bool {
        while self.peek().is_some_and(char::is_whitespace) {
            self.next();
        }
        self.peek().is_some()
    }

    fn term(&mut self) -> Result<Term> {
        let at = self.at;
        let negated = self.peek() == Some('-') && self.rest.chars().nth(1).is_some_and(|c| !c.is_whitespace());
        if negated {
            self.next();
        }
        if let Some((field, relation)) = self.field() {
            let values = self.values(field)?;
            return Ok(Term { negated, field: Some(field.to_owned()), relation, values, at });
        }
        let word = if self.peek() == Some('"') { self.quoted()? } else { self.bare(false) };
        if word.is_empty() {
            return Err(wrong(at, "There is nothing between the quotes. Write a word."));
        }
        Ok(Term { negated, field: None, relation: Relation::Is, values: vec![word], at })
    }

    /// Takes `name:`, `name<` or `name>`; an address such as `https://x` is a word.
    fn field(&mut self) -> Option<(&'a str, Relation)> {
        let end = self.rest.find(|c: char| !(c.is_ascii_lowercase() || c == '_'))?;
        let (name, after) = self.rest.split_at_checked(end)?;
        let relation = Relation::of(after.chars().next()?)?;
        if name.is_empty() || after.starts_with("://") {
            return None;
        }
        self.at += end + 1;
        self.rest = after.get(1..)?;
        Some((name, relation))
    }

    fn values(&mut self, field: &str) -> Result<Vec<String>> {
        let mut values = Vec::new();
        loop {
            let at = self.at;
            let value = if self.peek() == Some('"') { self.quoted()? } else { self.bare(true) };
            if value.is_empty() {
                return Err(wrong(at, &format!("\"{field}\" needs a value, as in {field}:value.")));
            }
            values.push(value);
            if values.len() > VALUES_MAX {
                return Err(wrong(at, &format!("A field takes at most {VALUES_MAX} values.")));
            }
            match self.peek() {
                Some(',') => self.next(),
                Some('"') => return Err(wrong(self.at, "A quote may only stand at the start of a value.")),
                _ => return Ok(values),
            };
        }
    }

    fn quoted(&mut self) -> Result<String> {
        let start = self.at;
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                Some('"') => return Ok(text),
                Some('\\') => text.extend(self.next()),
                Some(c) => text.push(c),
                None => return Err(wrong(start, "This quote is not closed. Add a \" at the end.")),
            }
        }
    }

    fn bare(&mut self, listed: bool) -> String {
        let mut text = String::new();
        while let Some(c) = self.peek() {
            if c.is_whitespace() || (listed && matches!(c, ',' | '"')) {
                break;
            }
            text.push(c);
            self.next();
        }
        text
    }
}

fn write_value(f: &mut fmt::Formatter<'_>, value: &str, word: bool) -> fmt::Result {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '/' | '@' | '+' | '-' | '#' | '*');
    let starts_well = if word { !value.starts_with('-') } else { !value.starts_with("//") };
    if !value.is_empty() && starts_well && value.chars().all(plain) {
        return f.write_str(value);
    }
    f.write_str("\"")?;
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            f.write_str("\\")?;
        }
        write!(f, "{c}")?;
    }
    f.write_str("\"")
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negated {
            f.write_str("-")?;
        }
        if let Some(field) = &self.field {
            write!(f, "{field}{}", self.relation.sign())?;
        }
        for (index, value) in self.values.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            write_value(f, value, self.field.is_none())?;
        }
        Ok(())
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, term) in self.terms.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{term}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
