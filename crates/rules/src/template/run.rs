//! Writing a template out, with a bound on its work and on its text.

use super::parse::{Node, Operand, Pipeline};
use super::value::Value;
use super::{Data, Template, functions};

/// Most bytes of the text.
const BYTES_MAX: usize = 64 << 10;
/// Most nodes and commands that are run.
const STEPS_MAX: usize = 100_000;
/// Templates that use each other.
const DEPTH_MAX: usize = 20;

pub(super) fn expand(template: &Template, data: &Data<'_>) -> Result<String, String> {
    let labels = Value::Labels(data.labels.clone());
    let vars = [
        ("", Value::Root),
        ("labels", labels),
        ("externalLabels", Value::Labels(data.external_labels.clone())),
        ("externalURL", Value::Text(data.external_url.to_owned())),
        ("value", Value::Float(data.value)),
    ];
    let vars = vars.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let mut run = Run { template, data, out: String::new(), vars, steps: 0, depth: 0 };
    run.nodes(&template.body, &Value::Root)?;
    Ok(run.out)
}

pub(super) struct Run<'a> {
    template: &'a Template,
    pub(super) data: &'a Data<'a>,
    out: String,
    vars: Vec<(String, Value)>,
    steps: usize,
    depth: usize,
}

/// How a body ended.
#[derive(Clone, Copy, PartialEq)]
enum Flow {
    On,
    Break,
    Continue,
}

impl Run<'_> {
    fn step(&mut self) -> Result<(), String> {
        self.steps += 1;
        if self.steps > STEPS_MAX { Err(format!("the template takes more than {STEPS_MAX} steps")) } else { Ok(()) }
    }

    fn nodes(&mut self, nodes: &[Node], dot: &Value) -> Result<Flow, String> {
        let known = self.vars.len();
        let mut flow = Flow::On;
        for node in nodes {
            flow = self.node(node, dot)?;
            if flow != Flow::On {
                break;
            }
        }
        self.vars.truncate(known);
        Ok(flow)
    }

    fn put(&mut self, text: &str) -> Result<(), String> {
        self.out.push_str(text);
        if self.out.len() > BYTES_MAX {
            return Err(format!("the text is longer than {} KiB", BYTES_MAX >> 10));
        }
        Ok(())
    }

    fn node(&mut self, node: &Node, dot: &Value) -> Result<Flow, String> {
        self.step()?;
        let known = self.vars.len();
        let flow = match node {
            Node::Text(text) => {
                self.put(text)?;
                return Ok(Flow::On);
            }
            Node::Action(pipe) => {
                let value = self.pipeline(pipe, dot)?;
                if pipe.names.is_empty() {
                    self.put(&value.shown())?;
                }
                return Ok(Flow::On);
            }
            Node::If(branches, otherwise) => self.branches(branches, otherwise, dot)?,
            Node::With(pipe, body, otherwise) => {
                let value = self.pipeline(pipe, dot)?;
                if value.is_true() { self.nodes(body, &value)? } else { self.nodes(otherwise, dot)? }
            }
            Node::Range(pipe, body, otherwise) => self.range(pipe, body, otherwise, dot)?,
            Node::Use(name, pipe) => {
                let value = match pipe {
                    Some(pipe) => self.pipeline(pipe, dot)?,
                    None => Value::Nil,
                };
                self.named(name, value)?;
                Flow::On
            }
            Node::Break => Flow::Break,
            Node::Continue => Flow::Continue,
        };
        self.vars.truncate(known);
        Ok(flow)
    }

    fn branches(
        &mut self,
        branches: &[(Pipeline, Vec<Node>)],
        otherwise: &[Node],
        dot: &Value,
    ) -> Result<Flow, String> {
        for (condition, body) in branches {
            if self.pipeline(condition, dot)?.is_true() {
                return self.nodes(body, dot);
            }
        }
        self.nodes(otherwise, dot)
    }

    fn range(&mut self, pipe: &Pipeline, body: &[Node], otherwise: &[Node], dot: &Value) -> Result<Flow, String> {
        let bare = Pipeline { names: Vec::new(), ..pipe.clone() };
        let items = items(self.pipeline(&bare, dot)?)?;
        if items.is_empty() {
            return self.nodes(otherwise, dot);
        }
        for (key, value) in items {
            self.step()?;
            let known = self.vars.len();
            match pipe.names.as_slice() {
                [] => {}
                [one] => self.set(one, value.clone(), pipe.declares),
                [first, second, ..] => {
                    self.set(first, key, pipe.declares);
                    self.set(second, value.clone(), pipe.declares);
                }
            }
            let flow = self.nodes(body, &value)?;
            self.vars.truncate(known);
            if flow == Flow::Break {
                break;
            }
        }
        Ok(Flow::On)
    }

    /// Writes a template that was defined in this one.
    fn named(&mut self, name: &str, value: Value) -> Result<(), String> {
        let found = self.template.named.iter().rev().find(|(known, _)| known == name);
        let Some((_, body)) = found else { return Err(format!("template \"{name}\" not defined")) };
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("templates use each other deeper than {DEPTH_MAX}"));
        }
        let outer = std::mem::replace(&mut self.vars, vec![(String::new(), value.clone())]);
        let done = self.nodes(body, &value);
        self.vars = outer;
        self.depth -= 1;
        done.map(|_| ())
    }

    /// `tmpl`: as [`Self::named`], but as a value.
    pub(super) fn written(&mut self, name: &str, value: Value) -> Result<Value, String> {
        let before = std::mem::take(&mut self.out);
        let done = self.named(name, value);
        let text = std::mem::replace(&mut self.out, before);
        done.map(|()| Value::Text(text))
    }

    fn set(&mut self, name: &str, value: Value, declares: bool) {
        let found = self.vars.iter_mut().rev().find(|(known, _)| known == name);
        match found.filter(|_| !declares) {
            Some((_, known)) => *known = value,
            None => self.vars.push((name.to_owned(), value)),
        }
    }

    fn pipeline(&mut self, pipe: &Pipeline, dot: &Value) -> Result<Value, String> {
        let mut last = None;
        for command in &pipe.commands {
            last = Some(self.command(command, last, dot)?);
        }
        let value = last.unwrap_or(Value::Nil);
        if let Some(name) = pipe.names.first() {
            self.set(name, value.clone(), pipe.declares);
        }
        Ok(value)
    }

    fn command(&mut self, command: &[Operand], last: Option<Value>, dot: &Value) -> Result<Value, String> {
        self.step()?;
        let Some((first, rest)) = command.split_first() else { return Err("missing value for command".to_owned()) };
        let Operand::Function(name) = first else { return self.operand(first, dot) };
        if let "and" | "or" = name.as_str() {
            return self.first_that_decides(name == "or", rest, last, dot);
        }
        let mut args = rest.iter().map(|one| self.operand(one, dot)).collect::<Result<Vec<_>, _>>()?;
        args.extend(last);
        functions::call(self, name, args).map_err(|why| format!("error calling {name}: {why}"))
    }

    /// `and` and `or` look no further than they must.
    fn first_that_decides(
        &mut self,
        truth: bool,
        rest: &[Operand],
        last: Option<Value>,
        dot: &Value,
    ) -> Result<Value, String> {
        let mut value = None;
        for operand in rest {
            let one = self.operand(operand, dot)?;
            if one.is_true() == truth {
                return Ok(one);
            }
            value = Some(one);
        }
        last.or(value).ok_or_else(|| "wrong number of args: want at least 1 got 0".to_owned())
    }

    fn operand(&mut self, operand: &Operand, dot: &Value) -> Result<Value, String> {
        match operand {
            Operand::Dot(path) => self.fields(dot.clone(), path),
            Operand::Variable(name, path) => {
                let found = self.vars.iter().rev().find(|(known, _)| known == name);
                let value =
                    found.map(|(_, value)| value.clone()).ok_or_else(|| format!("undefined variable: ${name}"))?;
                self.fields(value, path)
            }
            Operand::Function(name) => functions::call(self, name, Vec::new()),
            Operand::Text(text) => Ok(Value::Text(text.clone())),
            Operand::Int(value) => Ok(Value::Int(*value)),
            Operand::Float(value) => Ok(Value::Float(*value)),
            Operand::Bool(value) => Ok(Value::Bool(*value)),
            Operand::Nil => Ok(Value::Nil),
            Operand::Inner(pipe, path) => {
                let value = self.pipeline(pipe, dot)?;
                self.fields(value, path)
            }
        }
    }

    fn fields(&self, mut value: Value, path: &[String]) -> Result<Value, String> {
        for name in path {
            value = self.field(value, name)?;
        }
        Ok(value)
    }

    fn field(&self, value: Value, name: &str) -> Result<Value, String> {
        let root = |name: &str| self.vars.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let found = match (&value, name) {
            (Value::Root, "Labels") => Some(Value::Labels(self.data.labels.clone())),
            (Value::Root, "ExternalLabels") => Some(Value::Labels(self.data.external_labels.clone())),
            (Value::Root, "ExternalURL") => Some(Value::Text(self.data.external_url.to_owned())),
            (Value::Root, "Value") => root("value").or(Some(Value::Float(self.data.value))),
            (Value::Sample(sample), "Labels") => Some(Value::Labels(sample.labels.clone())),
            (Value::Sample(sample), "Value") => Some(Value::Float(sample.value)),
            // A label that is not there is an empty text.
            (Value::Labels(labels), name) => Some(Value::Text(labels.get(name).unwrap_or_default().to_owned())),
            (Value::Map(all), name) => Some(all.get(name).cloned().unwrap_or(Value::Nil)),
            _ => None,
        };
        found.ok_or_else(|| format!("can't evaluate field {name} in type {}", value.kind()))
    }
}

/// What `range` goes through.
fn items(value: Value) -> Result<Vec<(Value, Value)>, String> {
    match value {
        Value::List(all) => Ok((0..).map(Value::Int).zip(all).collect()),
        Value::Labels(labels) => Ok(labels
            .iter()
            .map(|(name, value)| (Value::Text(name.to_owned()), Value::Text(value.to_owned())))
            .collect()),
        Value::Map(all) => Ok(all.into_iter().map(|(name, value)| (Value::Text(name), value)).collect()),
        Value::Int(count) => {
            let count = count.clamp(0, i64::try_from(STEPS_MAX).unwrap_or(i64::MAX));
            Ok((0..count).map(|one| (Value::Int(one), Value::Int(one))).collect())
        }
        Value::Nil => Ok(Vec::new()),
        other => Err(format!("range can't iterate over {}", other.shown())),
    }
}
