//! What hangs on one thing, as a drawing from left to right: the cause first, then what stands on it, by the kind of relation.
//! Wide fans are cut to a few with a count of the others. The same as a list stands beside it, and instead of it on phones.

use super::href;
use super::status::drawing;
use super::tone::Tone;
use maud::{Markup, Render, html};

/// Size of a box, the room between two columns, and how far rows are apart.
const BOX: (i32, i32) = (172, 40);
const GAP: i32 = 104;
const ROW: i32 = 48;
/// The lines of a branch part and meet so far from the boxes.
const ELBOW: i32 = 12;
/// Letters that fit into a box, and into the words on a line.
const TITLE_CHARS: usize = 19;
const NOTE_CHARS: usize = 25;
const WORDS_CHARS: usize = 14;

/// A thing of the drawing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MapNode {
    /// What it is called.
    pub title: String,
    /// How it stands, in a word.
    pub word: String,
    /// What else there is to say, in a few words.
    pub note: String,
    /// How it looks.
    pub tone: Tone,
    /// Where it leads.
    pub href: Option<String>,
    /// What hangs on it.
    pub branches: Vec<MapBranch>,
}

/// What hangs on a thing in one way.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MapBranch {
    /// How, read from the thing to what hangs on it: "powers".
    pub words: String,
    /// Nobody knows of a relation: drawn as a broken line.
    pub loose: bool,
    /// The first of them.
    pub nodes: Vec<MapNode>,
    /// How many more there are, in words, and where all of them are listed.
    pub more: Option<(String, String)>,
}

/// A drawing of what hangs on a thing.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    label: String,
    root: MapNode,
}

impl Map {
    /// A drawing that shows what `label` says, beginning at a thing.
    pub fn new(label: impl Into<String>, root: MapNode) -> Self {
        Self { label: label.into(), root }
    }
}

/// What is drawn, back to front.
#[derive(Default)]
struct Drawing {
    width: i32,
    height: i32,
    lines: Vec<(String, bool)>,
    words: Vec<(i32, i32, String)>,
    boxes: Vec<Markup>,
}

impl Drawing {
    /// Draws a thing with what hangs on it from a row downwards; answers the height of its middle and of the next free row.
    fn node(&mut self, node: &MapNode, depth: i32, top: i32) -> (i32, i32) {
        let x = depth * (BOX.0 + GAP);
        let mut next = top;
        let mut branches = Vec::new();
        for branch in &node.branches {
            let (middles, below) = self.branch(branch, depth + 1, next);
            next = below;
            branches.push((branch, middles));
        }
        let all: Vec<i32> = branches.iter().flat_map(|(_, middles)| middles.iter().copied()).collect();
        let middle = match (all.first(), all.last()) {
            (Some(first), Some(last)) => i32::midpoint(*first, *last),
            _ => top + ROW / 2,
        };
        for (branch, middles) in branches {
            self.connect((x + BOX.0, middle), x + BOX.0 + GAP, &middles, branch);
        }
        self.boxes.push(thing(node, x, middle - BOX.1 / 2));
        self.width = self.width.max(x + BOX.0);
        self.height = self.height.max(middle + ROW / 2);
        (middle, next.max(top + ROW))
    }

    /// Draws what hangs on a thing in one way; answers the height of the middle of each.
    fn branch(&mut self, branch: &MapBranch, depth: i32, top: i32) -> (Vec<i32>, i32) {
        let mut next = top;
        let mut middles = Vec::new();
        for node in &branch.nodes {
            let (middle, below) = self.node(node, depth, next);
            middles.push(middle);
            next = below;
        }
        if let Some((words, to)) = &branch.more {
            let x = depth * (BOX.0 + GAP);
            self.boxes.push(bundle(words, to, x, next + ROW / 2 - BOX.1 / 2));
            self.width = self.width.max(x + BOX.0);
            middles.push(next + ROW / 2);
            next += ROW;
            self.height = self.height.max(next);
        }
        (middles, next)
    }

    /// The lines from a thing to what hangs on it, with the words on them.
    fn connect(&mut self, (x, y): (i32, i32), to: i32, middles: &[i32], branch: &MapBranch) {
        let (Some(first), Some(last)) = (middles.first(), middles.last()) else { return };
        let level = i32::midpoint(*first, *last);
        let (part, meet) = (x + ELBOW, to - ELBOW);
        let mut path = format!("M{x} {y}H{part}V{level}H{meet}M{meet} {first}V{last}");
        for middle in middles {
            path.push_str(&format!("M{meet} {middle}H{to}"));
        }
        self.lines.push((path, branch.loose));
        self.words.push((i32::midpoint(part, meet), level, short(&branch.words, WORDS_CHARS)));
    }
}

/// As much of a text as there is room for.
fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let cut: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

/// How a thing stands and what else there is to say.
fn said(node: &MapNode) -> String {
    [node.word.as_str(), node.note.as_str()].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" · ")
}

fn thing(node: &MapNode, x: i32, y: i32) -> Markup {
    let said = said(node);
    let inside = html! {
        title { (node.title) ": " (said) }
        rect x=(x) y=(y) width=(BOX.0) height=(BOX.1) rx="6" {}
        svg.sign x=(x + 10) y=(y + 8) width="11" height="11" { (drawing(node.tone)) }
        text.t x=(x + 28) y=(y + 17) { (short(&node.title, TITLE_CHARS)) }
        text.s x=(x + 28) y=(y + 32) { (short(&said, NOTE_CHARS)) }
    };
    // Where it begins stands out.
    let class = format!("{} {}", if x == 0 { "thing cause" } else { "thing" }, node.tone.class());
    match &node.href {
        Some(to) => html! { a class=(class) href=(href(to)) aria-label={ (node.title) ": " (said) } { (inside) } },
        None => html! { g class=(class) { (inside) } },
    }
}

fn bundle(words: &str, to: &str, x: i32, y: i32) -> Markup {
    html! {
        a.bundle href=(href(to)) {
            rect x=(x + 4) y=(y + 4) width=(BOX.0) height=(BOX.1) rx="6" {}
            rect x=(x) y=(y) width=(BOX.0) height=(BOX.1) rx="6" {}
            text x=(x + 12) y=(y + 24) { (short(words, NOTE_CHARS)) }
        }
    }
}

fn picture(map: &Map) -> Markup {
    let mut drawn = Drawing::default();
    drawn.node(&map.root, 0, 0);
    // Room for the line around a box that has the focus, and for the edge of a bundle.
    let view = format!("-3 -1 {} {}", drawn.width + 10, drawn.height + 4);
    html! {
        svg.map width=(drawn.width + 10) height=(drawn.height + 4) viewBox=(view) role="group" aria-label=(map.label) {
            @for (path, loose) in &drawn.lines { path.line.loose[*loose] d=(path) {} }
            @for (x, y, words) in &drawn.words { text.way x=(x) y=(y - 4) { (words) } }
            @for one in &drawn.boxes { (one) }
        }
    }
}

fn listed(node: &MapNode) -> Markup {
    html! {
        span class={ "shape " (node.tone.class()) } { (drawing(node.tone)) } " "
        @match &node.href {
            Some(to) => { a href=(href(to)) dir="auto" { (node.title) } },
            None => { span dir="auto" { (node.title) } },
        }
        " " span.why { (said(node)) }
        @for branch in &node.branches {
            p.way { (branch.words) }
            ul {
                @for one in &branch.nodes { li { (listed(one)) } }
                @if let Some((words, to)) = &branch.more { li { a href=(href(to)) { (words) } } }
            }
        }
    }
}

impl Render for Map {
    fn render(&self) -> Markup {
        let list = html! { div.map-list { (listed(&self.root)) } };
        html! {
            div.map-wide {
                div.scroll tabindex="0" role="group" aria-label=(self.label) { (picture(self)) }
                details { summary { "As a list" } (list) }
            }
            div.map-narrow { (list) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(title: &str, branches: Vec<MapBranch>) -> MapNode {
        MapNode {
            title: title.into(),
            word: "Firing".into(),
            href: Some("/assets/1".into()),
            branches,
            ..MapNode::default()
        }
    }

    fn branch(words: &str, nodes: Vec<MapNode>) -> MapBranch {
        MapBranch { words: words.into(), nodes, ..MapBranch::default() }
    }

    #[test]
    fn no_two_boxes_of_a_map_overlap_and_every_thing_stands_beside_what_hangs_on_it() {
        let hosts = branch("hosts", vec![node("a", vec![]), node("b", vec![])]);
        let root = node(
            "cause",
            vec![
                branch("uplink of", vec![node("h", vec![hosts]), node("i", vec![])]),
                branch("powers", vec![node("j", vec![])]),
            ],
        );
        let mut drawn = Drawing::default();
        assert_eq!(drawn.node(&root, 0, 0), (108, 4 * ROW), "the cause stands in the middle of h (48) and j (168)");
        assert_eq!((drawn.width, drawn.height), (2 * (BOX.0 + GAP) + BOX.0, 4 * ROW));
        assert_eq!(drawn.lines.len(), 3);
    }

    #[test]
    fn a_wide_fan_is_cut_to_a_count_that_leads_to_all_of_them() {
        let more = Some(("297 more, 290 out".to_owned(), "/monitoring/groups/9/alerts".to_owned()));
        let fan = MapBranch { more, ..branch("uplink of", vec![node("a", vec![]); 3]) };
        let html = Map::new("What is affected", node("switch", vec![fan])).render().0;
        assert_eq!(html.matches("297 more, 290 out").count(), 3, "the drawing and both lists: {html}");
        assert!(html.contains("/monitoring/groups/9/alerts"));
    }

    #[test]
    fn text_is_cut_to_its_box_said_in_full_and_escaped() {
        let long = "<b>a-very-long-name-of-a-machine</b>";
        let html = Map::new("What", node(long, vec![])).render().0;
        assert!(!html.contains("<b>") && html.contains("&lt;b&gt;a-very-long-na…"), "{html}");
        assert!(html.contains("aria-label=\"&lt;b&gt;a-very-long-name-of-a-machine&lt;/b&gt;: Firing\""));
        assert_eq!(short("ab", 2), "ab");
        assert_eq!(short("abc", 2), "a…");
    }
}
