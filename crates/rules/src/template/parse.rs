//! From pieces to a tree.

use super::Template;
use super::functions;
use super::lex::{Piece, Token, pieces};
use crate::mistake::Mistake;

/// Blocks and parentheses within each other.
const DEPTH_MAX: usize = 50;

#[derive(Clone, Debug)]
pub(super) enum Node {
    Text(String),
    Action(Pipeline),
    /// Conditions with their bodies, and what stands behind `else`.
    If(Vec<(Pipeline, Vec<Node>)>, Vec<Node>),
    With(Pipeline, Vec<Node>, Vec<Node>),
    Range(Pipeline, Vec<Node>, Vec<Node>),
    Use(String, Option<Pipeline>),
    Break,
    Continue,
}

/// Commands whose answers go on as last arguments.
#[derive(Clone, Debug, Default)]
pub(super) struct Pipeline {
    /// Variables that take the answer.
    pub(super) names: Vec<String>,
    /// `:=` and not `=`.
    pub(super) declares: bool,
    pub(super) commands: Vec<Vec<Operand>>,
}

#[derive(Clone, Debug)]
pub(super) enum Operand {
    Dot(Vec<String>),
    Variable(String, Vec<String>),
    Function(String),
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    Nil,
    Inner(Box<Pipeline>, Vec<String>),
}

pub(super) fn template(text: &str) -> Result<Template, Mistake> {
    let pieces = pieces(text)?;
    let names = ["", "labels", "externalLabels", "externalURL", "value"].map(str::to_owned).to_vec();
    let mut parser = Parser { pieces: pieces.into_iter(), named: Vec::new(), names, depth: 0, loops: 0 };
    let (body, end) = parser.body()?;
    match end {
        Stop::Text => Ok(Template { body, named: parser.named }),
        Stop::End => Err(Mistake::new("unexpected {{end}}")),
        Stop::Else(_) => Err(Mistake::new("unexpected {{else}}")),
    }
}

struct Parser {
    pieces: std::vec::IntoIter<Piece>,
    named: Vec<(String, Vec<Node>)>,
    /// Variables that are known here.
    names: Vec<String>,
    depth: usize,
    loops: usize,
}

/// What ended a body.
enum Stop {
    Text,
    End,
    /// With what stands behind `else`.
    Else(Vec<Token>),
}

impl Parser {
    fn body(&mut self) -> Result<(Vec<Node>, Stop), Mistake> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Mistake::new(format!("blocks are nested deeper than {DEPTH_MAX}")));
        }
        let known = self.names.len();
        let mut nodes = Vec::new();
        let end = loop {
            let tokens = match self.pieces.next() {
                None => break Stop::Text,
                Some(Piece::Text(text)) => {
                    nodes.push(Node::Text(text));
                    continue;
                }
                Some(Piece::Action(tokens)) => tokens,
            };
            let word = match tokens.first() {
                Some(Token::Word(word)) => word.as_str(),
                _ => "",
            };
            let rest = tokens.get(1..).unwrap_or_default();
            match word {
                "end" => {
                    nothing_behind("end", rest)?;
                    break Stop::End;
                }
                "else" => break Stop::Else(rest.to_vec()),
                _ => nodes.extend(self.action(word, rest, &tokens)?),
            }
        };
        self.names.truncate(known);
        self.depth -= 1;
        Ok((nodes, end))
    }

    fn action(&mut self, word: &str, rest: &[Token], all: &[Token]) -> Result<Option<Node>, Mistake> {
        let known = self.names.len();
        let node = match word {
            "if" => self.branches(rest)?,
            "with" => {
                let (pipe, body, otherwise) = self.block("with", rest)?;
                Node::With(pipe, body, otherwise)
            }
            "range" => {
                self.loops += 1;
                let (pipe, body, otherwise) = self.block("range", rest)?;
                self.loops -= 1;
                Node::Range(pipe, body, otherwise)
            }
            "define" | "block" => return self.define(word, rest),
            "template" => {
                let (name, pipe) = self.named(rest)?;
                Node::Use(name, pipe)
            }
            "break" | "continue" => {
                nothing_behind(word, rest)?;
                if self.loops == 0 {
                    return Err(Mistake::new(format!("{{{{{word}}}}} outside {{{{range}}}}")));
                }
                if word == "break" { Node::Break } else { Node::Continue }
            }
            _ => return Ok(Some(Node::Action(self.pipeline(all)?))),
        };
        // Variables of a block's head are known in it only.
        self.names.truncate(known);
        Ok(Some(node))
    }

    fn branches(&mut self, head: &[Token]) -> Result<Node, Mistake> {
        let mut all = Vec::new();
        let mut head = head.to_vec();
        loop {
            let pipe = self.head("if", &head)?;
            let (body, end) = self.body()?;
            all.push((pipe, body));
            match end {
                Stop::Text => return Err(Mistake::new("unexpected end of the template: {{if}} has no {{end}}")),
                Stop::End => return Ok(Node::If(all, Vec::new())),
                Stop::Else(rest) => match rest.first() {
                    Some(Token::Word(word)) if word == "if" => head = rest.get(1..).unwrap_or_default().to_vec(),
                    _ => {
                        nothing_behind("else", &rest)?;
                        return Ok(Node::If(all, self.rest("if")?));
                    }
                },
            }
        }
    }

    /// A body that ends with `{{end}}`.
    fn rest(&mut self, of: &str) -> Result<Vec<Node>, Mistake> {
        match self.body()? {
            (nodes, Stop::End) => Ok(nodes),
            (_, Stop::Text) => {
                Err(Mistake::new(format!("unexpected end of the template: {{{{{of}}}}} has no {{{{end}}}}")))
            }
            (_, Stop::Else(_)) => Err(Mistake::new(format!("{{{{{of}}}}} has more than one {{{{else}}}}"))),
        }
    }

    fn block(&mut self, of: &str, head: &[Token]) -> Result<(Pipeline, Vec<Node>, Vec<Node>), Mistake> {
        let pipe = self.head(of, head)?;
        match self.body()? {
            (body, Stop::End) => Ok((pipe, body, Vec::new())),
            (body, Stop::Else(rest)) => {
                nothing_behind("else", &rest)?;
                Ok((pipe, body, self.rest(of)?))
            }
            (_, Stop::Text) => {
                Err(Mistake::new(format!("unexpected end of the template: {{{{{of}}}}} has no {{{{end}}}}")))
            }
        }
    }

    fn head(&mut self, of: &str, tokens: &[Token]) -> Result<Pipeline, Mistake> {
        if tokens.is_empty() {
            return Err(Mistake::new(format!("missing value for {of}")));
        }
        let pipe = self.pipeline(tokens)?;
        if pipe.names.len() > 1 && of != "range" {
            return Err(Mistake::new(format!("too many declarations in {of}")));
        }
        Ok(pipe)
    }

    fn define(&mut self, word: &str, rest: &[Token]) -> Result<Option<Node>, Mistake> {
        let (name, pipe) = self.named(rest)?;
        // A template of its own knows the variables of none but itself.
        let outer = std::mem::replace(&mut self.names, vec![String::new()]);
        let body = self.rest(word)?;
        self.names = outer;
        self.named.push((name.clone(), body));
        Ok((word == "block").then_some(Node::Use(name, pipe)))
    }

    fn named(&mut self, rest: &[Token]) -> Result<(String, Option<Pipeline>), Mistake> {
        let Some(Token::Text(name)) = rest.first() else {
            return Err(Mistake::new("a template's name in quotes is missing"));
        };
        let rest = rest.get(1..).unwrap_or_default();
        let pipe = if rest.is_empty() { None } else { Some(self.pipeline(rest)?) };
        Ok((name.clone(), pipe))
    }

    fn pipeline(&mut self, tokens: &[Token]) -> Result<Pipeline, Mistake> {
        let (names, declares, rest) = declaration(tokens);
        let mut reader = Reader { tokens: rest, depth: self.depth, names: &self.names };
        let mut pipe = reader.pipeline()?;
        if !reader.tokens.is_empty() {
            return Err(Mistake::new("unexpected \")\" in {{ .. }}"));
        }
        (pipe.names, pipe.declares) = (names, declares);
        for name in &pipe.names {
            if declares {
                self.names.push(name.clone());
            } else if !self.names.contains(name) {
                return Err(Mistake::new(format!("undefined variable \"${name}\"")));
            }
        }
        Ok(pipe)
    }
}

fn nothing_behind(word: &str, rest: &[Token]) -> Result<(), Mistake> {
    if rest.is_empty() { Ok(()) } else { Err(Mistake::new(format!("nothing may stand behind {word}"))) }
}

/// `$x :=`, `$i, $x :=` and `$x =` at the beginning.
fn declaration(tokens: &[Token]) -> (Vec<String>, bool, &[Token]) {
    match tokens {
        [Token::Variable(a), Token::Sign(","), Token::Variable(b), Token::Sign(sign @ (":=" | "=")), rest @ ..] => {
            (vec![a.clone(), b.clone()], *sign == ":=", rest)
        }
        [Token::Variable(a), Token::Sign(sign @ (":=" | "=")), rest @ ..] => (vec![a.clone()], *sign == ":=", rest),
        _ => (Vec::new(), false, tokens),
    }
}

struct Reader<'a> {
    tokens: &'a [Token],
    depth: usize,
    names: &'a [String],
}

impl Reader<'_> {
    fn next(&mut self) -> Option<Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first.clone())
    }

    /// Until the end, or a closing parenthesis that it leaves.
    fn pipeline(&mut self) -> Result<Pipeline, Mistake> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Mistake::new(format!("parentheses are nested deeper than {DEPTH_MAX}")));
        }
        let mut commands = Vec::new();
        let mut command = Vec::new();
        loop {
            match self.tokens.first() {
                None | Some(Token::Sign(")")) => break,
                Some(Token::Sign("|")) => {
                    self.next();
                    commands.push(self.command(std::mem::take(&mut command), commands.len())?);
                    continue;
                }
                Some(_) => {}
            }
            let operand = self.operand()?;
            command.push(operand);
        }
        let last = self.command(command, commands.len())?;
        commands.push(last);
        self.depth -= 1;
        Ok(Pipeline { names: Vec::new(), declares: false, commands })
    }

    fn command(&self, operands: Vec<Operand>, before: usize) -> Result<Vec<Operand>, Mistake> {
        match operands.first() {
            None => Err(Mistake::new("missing value for command")),
            Some(Operand::Function(_)) => Ok(operands),
            Some(_) if before > 0 => Err(Mistake::new("a value cannot follow |; a function must")),
            Some(_) if operands.len() > 1 => Err(Mistake::new("arguments stand behind something that is no function")),
            Some(_) => Ok(operands),
        }
    }

    fn operand(&mut self) -> Result<Operand, Mistake> {
        let token = self.next().ok_or_else(|| Mistake::new("missing value for command"))?;
        Ok(match token {
            Token::Word(word) => match word.as_str() {
                "true" => Operand::Bool(true),
                "false" => Operand::Bool(false),
                "nil" => Operand::Nil,
                _ if functions::is_known(&word) => Operand::Function(word),
                _ => return Err(Mistake::new(format!("function \"{word}\" not defined"))),
            },
            Token::Field(name, _) => {
                let mut path = vec![name];
                path.retain(|name| !name.is_empty());
                path.extend(self.fields());
                Operand::Dot(path)
            }
            Token::Variable(name) => {
                if !self.names.contains(&name) {
                    return Err(Mistake::new(format!("undefined variable \"${name}\"")));
                }
                Operand::Variable(name, self.fields())
            }
            Token::Text(text) => Operand::Text(text),
            Token::Int(value) => Operand::Int(value),
            Token::Float(value) => Operand::Float(value),
            Token::Sign("(") => {
                let inner = self.pipeline()?;
                if self.next() != Some(Token::Sign(")")) {
                    return Err(Mistake::new("unclosed left paren"));
                }
                Operand::Inner(Box::new(inner), self.fields())
            }
            Token::Sign(sign) => return Err(Mistake::new(format!("unexpected \"{sign}\" in {{{{ .. }}}}"))),
        })
    }

    /// `.a.b` right behind something.
    fn fields(&mut self) -> Vec<String> {
        let mut path = Vec::new();
        while let Some(Token::Field(name, true)) = self.tokens.first() {
            path.push(name.clone());
            self.next();
        }
        path
    }
}
