//! Cuts the text of a query into words.

use crate::expr::{BinaryOp, Span};
use crate::number::{parse_duration, parse_float};
use crate::token::{Token, TokenKind};

/// All words of `text`; the last is the end, or says why the rest cannot be read.
pub(crate) fn lex(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0, parens: 0, brace: false, bracket: false };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next();
        let last = matches!(token.kind, TokenKind::End | TokenKind::Broken(_));
        tokens.push(token);
        if last {
            return tokens;
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    parens: usize,
    brace: bool,
    bracket: bool,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn next(&mut self) -> Token {
        self.skip_space();
        let start = self.at;
        let kind = match self.rest().chars().next() {
            None => self.end(),
            Some(c) if self.brace => self.inside_braces(c),
            Some(c) => self.outside(c),
        };
        let kind = kind.unwrap_or_else(TokenKind::Broken);
        Token { kind, span: Span { start, end: self.at } }
    }

    fn skip_space(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r']);
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with('#') {
                return;
            }
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    fn end(&self) -> Result<TokenKind, String> {
        match (self.brace, self.bracket, self.parens) {
            (true, ..) => Err("unexpected end of input inside braces".to_owned()),
            (_, true, _) => Err("unclosed left bracket".to_owned()),
            (.., 1..) => Err("unclosed left parenthesis".to_owned()),
            _ => Ok(TokenKind::End),
        }
    }

    fn take(&mut self, bytes: usize, kind: TokenKind) -> Result<TokenKind, String> {
        self.at += bytes;
        Ok(kind)
    }

    fn inside_braces(&mut self, c: char) -> Result<TokenKind, String> {
        let rest = self.rest();
        match c {
            ',' => self.take(1, TokenKind::Comma),
            '"' | '\'' | '`' => self.quoted(c),
            '=' if rest.starts_with("=~") => self.take(2, TokenKind::RegexEqual),
            '=' => self.take(1, TokenKind::Assign),
            '!' if rest.starts_with("!~") => self.take(2, TokenKind::RegexNot),
            '!' if rest.starts_with("!=") => self.take(2, TokenKind::Op(BinaryOp::NotEqual)),
            '!' => Err(format!("unexpected character after '!' inside braces: {}", shown(rest.chars().nth(1)))),
            '{' => Err("unexpected left brace '{'".to_owned()),
            '}' => {
                self.brace = false;
                self.take(1, TokenKind::RightBrace)
            }
            'a'..='z' | 'A'..='Z' | '_' => {
                let length = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
                self.take(length, TokenKind::Identifier)
            }
            _ => Err(format!("unexpected character inside braces: {}", shown(Some(c)))),
        }
    }

    fn outside(&mut self, c: char) -> Result<TokenKind, String> {
        let rest = self.rest();
        match c {
            '(' => {
                self.parens += 1;
                self.take(1, TokenKind::LeftParen)
            }
            ')' => {
                self.parens = self.parens.checked_sub(1).ok_or("unexpected right parenthesis ')'")?;
                self.take(1, TokenKind::RightParen)
            }
            '{' => {
                self.brace = true;
                self.take(1, TokenKind::LeftBrace)
            }
            '}' => Err("unexpected right brace '}'".to_owned()),
            '[' if self.bracket => Err("unexpected left bracket '['".to_owned()),
            '[' => {
                self.bracket = true;
                self.take(1, TokenKind::LeftBracket)
            }
            ']' if !self.bracket => Err("unexpected right bracket ']'".to_owned()),
            ']' => {
                self.bracket = false;
                self.take(1, TokenKind::RightBracket)
            }
            ',' => self.take(1, TokenKind::Comma),
            '@' => self.take(1, TokenKind::At),
            ':' if self.bracket => self.take(1, TokenKind::Colon),
            '"' | '\'' | '`' => self.quoted(c),
            '0'..='9' => self.number(),
            '.' if rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit()) => self.number(),
            _ if is_word(c) || c == ':' => Ok(self.word()),
            _ => self.operator(rest, c),
        }
    }

    fn operator(&mut self, rest: &str, c: char) -> Result<TokenKind, String> {
        const OPERATORS: [(&str, BinaryOp); 12] = [
            ("==", BinaryOp::Equal),
            ("!=", BinaryOp::NotEqual),
            (">=", BinaryOp::GreaterEqual),
            ("<=", BinaryOp::LessEqual),
            (">", BinaryOp::Greater),
            ("<", BinaryOp::Less),
            ("+", BinaryOp::Add),
            ("-", BinaryOp::Sub),
            ("*", BinaryOp::Mul),
            ("/", BinaryOp::Div),
            ("%", BinaryOp::Mod),
            ("^", BinaryOp::Pow),
        ];
        if let Some((text, op)) = OPERATORS.into_iter().find(|(text, _)| rest.starts_with(text)) {
            return self.take(text.len(), TokenKind::Op(op));
        }
        match c {
            '=' if rest.starts_with("=~") => Err(format!("unexpected character after '=': {}", shown(Some('~')))),
            '=' => self.take(1, TokenKind::Assign),
            '!' => Err(format!("unexpected character after '!': {}", shown(rest.chars().nth(1)))),
            _ => Err(format!("unexpected character: {}", shown(Some(c)))),
        }
    }

    fn word(&mut self) -> TokenKind {
        let rest = self.rest();
        let colon = |c: char| c == ':' && !self.bracket;
        let length = rest.find(|c: char| !is_word(c) && !colon(c)).unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or_default();
        self.at += length;
        if word.contains(':') {
            return TokenKind::Metric;
        }
        TokenKind::of_word(word).unwrap_or(TokenKind::Identifier)
    }

    fn number(&mut self) -> Result<TokenKind, String> {
        let rest = self.rest();
        let length = number_length(rest);
        let text = rest.get(..length).unwrap_or_default();
        self.at += length;
        if let Some(value) = parse_float(text) {
            return Ok(TokenKind::Number(value));
        }
        let bad = || Err(format!("bad number or duration syntax: {text:?}"));
        match parse_duration(text) {
            Some(ms) => Ok(TokenKind::Duration(ms)),
            None if text.ends_with(['s', 'm', 'h', 'd', 'w', 'y']) && !text.contains(['.', '_']) => {
                Err(format!("not a valid duration string: {text:?}"))
            }
            None => bad(),
        }
    }

    fn quoted(&mut self, quote: char) -> Result<TokenKind, String> {
        let raw = quote == '`';
        let mut escaped = false;
        for (index, c) in self.rest().char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' if !raw => escaped = true,
                '\n' if !raw => return Err("unterminated quoted string".to_owned()),
                c if c == quote => return self.take(index + 1, TokenKind::Text),
                _ => {}
            }
        }
        Err(if raw { "unterminated raw string" } else { "unterminated quoted string" }.to_owned())
    }
}

/// Bytes of the number or duration that `text` starts with: an exponent may have a sign.
fn number_length(text: &str) -> usize {
    let hex = text.starts_with("0x") || text.starts_with("0X");
    let mut before = ' ';
    for (index, c) in text.char_indices() {
        let sign = matches!(c, '+' | '-') && matches!(before, 'e' | 'E') && !hex;
        if !(is_word(c) || c == '.' || sign) {
            return index;
        }
        before = c;
    }
    text.len()
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn shown(c: Option<char>) -> String {
    c.map_or_else(|| "end of input".to_owned(), |c| format!("{c:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[TokenKind]) {
        let got: Vec<TokenKind> = lex(text).into_iter().map(|token| token.kind).collect();
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn words_depend_on_where_they_stand() {
        use TokenKind::*;
        check(
            "sum{sum=`x`}",
            &[Aggregate(crate::AggregateOp::Sum), LeftBrace, Identifier, Assign, Text, RightBrace, End],
        );
        check("a:b[5m:1m]", &[Metric, LeftBracket, Duration(300_000), Colon, Duration(60_000), RightBracket, End]);
        check("1e-3 # rest", &[Number(1e-3), End]);
        check("0x1e-3", &[Number(30.0), Op(BinaryOp::Sub), Number(3.0), End]);
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let cases = [
            ("(", "unclosed left parenthesis"),
            ("a{", "unexpected end of input inside braces"),
            ("a[5m", "unclosed left bracket"),
            (")", "unexpected right parenthesis ')'"),
            ("'a", "unterminated quoted string"),
            ("1d1x", "bad number or duration syntax: \"1d1x\""),
            ("a ~ b", "unexpected character: '~'"),
            ("{1}", "unexpected character inside braces: '1'"),
        ];
        for (text, message) in cases {
            assert_eq!(lex(text).pop().map(|token| token.kind), Some(TokenKind::Broken(message.to_owned())), "{text}");
        }
    }
}
