//! Parts of a page that are drawn when its transaction is over: what takes long to read and stands in no database, such as
//! the samples of a figure. What they stand among is read, and who may see them is asked, within the transaction; no
//! reader of the database waits for the rest.

use kernel::{Handle, Result};
use maud::{Markup, PreEscaped, html};

use crate::ui::{Tone, notice};

/// Draws one part.
type Draw = Box<dyn FnOnce(&Handle) -> Result<Markup>>;

/// Where a part goes. Texts are escaped, so nothing that somebody typed looks like this.
const MARK: &str = "<!--later:";
const END: &str = "-->";

/// The parts of one page that are still to be drawn.
#[derive(Default)]
pub struct Later(Vec<Draw>);

impl Later {
    /// Keeps a part for later and answers its place. Its place is among elements, not inside of a tag.
    pub fn add(&mut self, draw: impl FnOnce(&Handle) -> Result<Markup> + 'static) -> Markup {
        let place = format!("{MARK}{}{END}", self.0.len());
        self.0.push(Box::new(draw));
        PreEscaped(place)
    }

    /// The page with every part in its place. One that cannot be drawn says so and leaves the page whole.
    pub fn fill(self, page: Markup, kernel: &Handle) -> Markup {
        if self.0.is_empty() {
            return page;
        }
        let mut parts: Vec<Option<Draw>> = self.0.into_iter().map(Some).collect();
        let PreEscaped(text) = page;
        let mut pieces = text.split(MARK);
        let mut out = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (number, rest) = piece.split_once(END).unwrap_or(("", piece));
            let part = number.parse().ok().and_then(|at: usize| parts.get_mut(at)?.take());
            if let Some(draw) = part {
                let drawn = draw(kernel).unwrap_or_else(|error| html! { (notice(Tone::Warn, &error.message)) });
                out.push_str(&drawn.into_string());
            }
            out.push_str(rest);
        }
        PreEscaped(out)
    }
}
