//! The words of the language.

use crate::expr::{AggregateOp, BinaryOp, Span};

/// One word of a query.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TokenKind {
    End,
    /// The rest of the text cannot be read.
    Broken(String),
    Identifier,
    /// An identifier with colons.
    Metric,
    Number(f64),
    /// In ms.
    Duration(i64),
    /// In quotes, still escaped.
    Text,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    Comma,
    Colon,
    At,
    /// `=`.
    Assign,
    /// `=~`.
    RegexEqual,
    /// `!~`.
    RegexNot,
    Op(BinaryOp),
    Aggregate(AggregateOp),
    Keyword(Keyword),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyword {
    Offset,
    By,
    Without,
    On,
    Ignoring,
    GroupLeft,
    GroupRight,
    Bool,
    Start,
    End,
}

impl TokenKind {
    /// What an identifier is if it is a word of the language.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        let lower = word.to_ascii_lowercase();
        if let Some(op) = AggregateOp::ALL.into_iter().find(|op| op.name() == lower) {
            return Some(Self::Aggregate(op));
        }
        Some(match lower.as_str() {
            "and" => Self::Op(BinaryOp::And),
            "or" => Self::Op(BinaryOp::Or),
            "unless" => Self::Op(BinaryOp::Unless),
            "atan2" => Self::Op(BinaryOp::Atan2),
            "offset" => Self::Keyword(Keyword::Offset),
            "by" => Self::Keyword(Keyword::By),
            "without" => Self::Keyword(Keyword::Without),
            "on" => Self::Keyword(Keyword::On),
            "ignoring" => Self::Keyword(Keyword::Ignoring),
            "group_left" => Self::Keyword(Keyword::GroupLeft),
            "group_right" => Self::Keyword(Keyword::GroupRight),
            "bool" => Self::Keyword(Keyword::Bool),
            "start" => Self::Keyword(Keyword::Start),
            "end" => Self::Keyword(Keyword::End),
            "inf" => Self::Number(f64::INFINITY),
            "nan" => Self::Number(f64::NAN),
            _ => return None,
        })
    }

    /// True if the word may be a metric's name where an expression begins.
    pub(crate) fn names_metric(&self) -> bool {
        match self {
            Self::Identifier | Self::Metric | Self::Aggregate(_) => true,
            Self::Op(op) => op.is_set(),
            Self::Keyword(word) => {
                matches!(word, Keyword::Offset | Keyword::By | Keyword::Without | Keyword::Start | Keyword::End)
            }
            _ => false,
        }
    }

    /// True if the word may be a label's name in a list.
    pub(crate) fn names_label(&self) -> bool {
        match self {
            Self::Identifier | Self::Aggregate(_) | Self::Keyword(_) => true,
            Self::Op(op) => op.is_set() || *op == BinaryOp::Atan2,
            _ => false,
        }
    }

    /// How messages call it, `text` being how it was written.
    pub(crate) fn describe(&self, text: &str) -> String {
        match self {
            Self::End => "end of input".to_owned(),
            Self::Broken(message) => message.clone(),
            Self::Identifier => format!("identifier {text:?}"),
            Self::Metric => format!("metric identifier {text:?}"),
            Self::Number(_) => format!("number {text:?}"),
            Self::Duration(_) => format!("duration {text:?}"),
            Self::Text => format!("string {}", shortened(text)),
            Self::Op(op) if op.is_set() => format!("<op:{text}>"),
            Self::Op(_) => format!("<op:{text}>"),
            Self::Aggregate(_) => format!("<aggr:{text}>"),
            Self::Keyword(_) | Self::At => format!("<{text}>"),
            _ => format!("{text:?}"),
        }
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= 10 {
        return format!("{text:?}");
    }
    format!("{:?}...", text.chars().take(10).collect::<String>())
}
