//! What was typed into a form that was refused. The page it came from is drawn once more, and on it the form finds here
//! what stood in its fields and what was wrong, so that nobody types anything twice.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// A form that was refused.
#[derive(Debug, Default)]
pub struct Again {
    /// Where it was sent.
    pub action: String,
    /// Which of the forms that go there; nothing when it does not say.
    form: Option<String>,
    /// What was typed, in order.
    pub fields: Vec<(String, String)>,
    /// The field that was wrong, if it was one.
    pub field: Option<String>,
    /// What was wrong, in words.
    pub message: String,
    /// A form took it.
    met: Cell<bool>,
    /// The words stand at a field.
    told: Cell<bool>,
}

/// What a form says of itself that came back.
pub(crate) const MARK: &str = " data-again";

thread_local! {
    static AGAIN: RefCell<Option<Rc<Again>>> = const { RefCell::new(None) };
}

/// Ends it, however the drawing ends.
struct Over;

impl Drop for Over {
    fn drop(&mut self) {
        AGAIN.set(None);
    }
}

/// Draws with a form that was refused; answers what was drawn, and whether the form is on it.
pub fn drawn_again<T>(again: Again, draw: impl FnOnce() -> T) -> (T, bool) {
    let again = Rc::new(again);
    AGAIN.set(Some(Rc::clone(&again)));
    let _over = Over;
    let drawn = draw();
    (drawn, again.met.get())
}

/// What was typed into the form that goes to `action`, when it was refused.
pub(crate) fn of(action: &str) -> Option<Rc<Again>> {
    AGAIN.with_borrow(|again| again.as_ref().filter(|again| again.action == action).cloned())
}

impl Again {
    /// A form sent to `action` with these fields, and why it was refused.
    #[must_use]
    pub fn new(
        action: impl Into<String>,
        fields: Vec<(String, String)>,
        field: Option<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { action: action.into(), fields, field, message: message.into(), ..Self::default() }
    }

    /// Sent by the form with this mark, which it brings as `_form`.
    #[must_use]
    pub fn sent_by(mut self, mark: Option<&str>) -> Self {
        self.form = mark.map(str::to_owned);
        self
    }

    /// Whether the form with this mark was sent.
    pub(crate) fn was_sent_by(&self, mark: &str) -> bool {
        self.form.as_ref().is_none_or(|form| form == mark)
    }

    /// All that was typed under a name.
    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        self.fields.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect()
    }

    /// What is wrong with a field, when it is that one or a part of it.
    pub(crate) fn wrong(&self, name: &str) -> Option<String> {
        let at = self.field.as_deref()?;
        let it = at == name || at.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        if it {
            self.told.set(true);
        }
        it.then(|| self.message.clone())
    }

    /// The form is drawn: what stands at no field of it stands above them.
    pub(crate) fn above(&self) -> Option<&str> {
        self.met.set(true);
        (!self.told.get()).then_some(self.message.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::{Button, Field, Form};
    use maud::{Render as _, html};

    fn refused(field: Option<&str>) -> Again {
        let fields = [("id", "7"), ("name", "Web <2>"), ("kind", "b"), ("password", "secret"), ("on", "true")];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Again::new("/do/x", fields, field.map(str::to_owned), "It is taken.")
    }

    fn form(action: &str, id: &str) -> String {
        Form::post(action, "token")
            .field(Field::hidden("id", id))
            .fields([Field::text("name", "Name"), Field::select("kind", "Kind", [("a", "A"), ("b", "B")])])
            .field(Field::password("password", "Password"))
            .field(Field::checkbox("on", "On"))
            .action(Button::submit("Save"))
            .render()
            .into_string()
    }

    #[test]
    fn a_refused_form_keeps_what_was_typed_and_says_what_is_wrong_where_it_is() {
        let (html, met) = drawn_again(refused(Some("name")), || form("/do/x", "7"));
        assert!(met && html.contains("value=\"Web &lt;2&gt;\"") && html.contains("value=\"b\" selected"), "{html}");
        assert!(html.contains("id=\"f-name-e\"") && html.contains(" checked") && !html.contains("secret"), "{html}");
        assert_eq!(html.matches("It is taken.").count(), 1, "{html}");
        let (html, _) = drawn_again(refused(None), || form("/do/x", "7"));
        assert!(html.contains("role=\"alert\"") && html.contains("It is taken."), "{html}");
        let (html, _) = drawn_again(refused(Some("elsewhere")), || form("/do/x", "7"));
        assert!(html.contains("It is taken."), "{html}");
    }

    #[test]
    fn of_two_forms_that_go_to_one_place_only_the_one_that_was_sent_is_filled() {
        let decide = |approved: &str, plan: &str| {
            Form::post("/do/x", "token")
                .field(Field::hidden("approved", approved))
                .field(Field::hidden("plan_hash", plan))
                .field(Field::text("name", "Comment"))
        };
        let page = |plan: &str| html! { (decide("true", plan)) (decide("false", plan)) }.into_string();
        let marks = |html: &str| -> Vec<String> {
            let marks = html.split("name=\"_form\" value=\"").skip(1);
            marks.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
        };
        let before = marks(&page("a"));
        assert!(before.len() == 2 && before[0] != before[1], "{before:?}");
        let same = Form::post("/do/x", "token").field(Field::hidden("id", "7")).field(Field::text("name", "Name"));
        // Held fast: a form that was drawn by another version of Mainstay is the same one.
        assert_eq!(marks(&html! { (same) }.into_string()), ["5e1a685d79a6cbf2"]);
        let again = refused(None).sent_by(Some(&before[1]));
        let (html, met) = drawn_again(again, || page("what stood behind it changed"));
        let second = html.rfind("<form").unwrap();
        assert!(
            met && html.matches("Web &lt;2&gt;").count() == 1 && html[second..].contains("Web &lt;2&gt;"),
            "{html}"
        );
        assert!(html[second..].contains("It is taken.") && !html[..second].contains("It is taken."), "{html}");
        let (html, met) = drawn_again(refused(None).sent_by(Some("none of them")), || page("a"));
        assert!(!met && !html.contains("Web"), "{html}");
    }

    #[test]
    fn only_the_form_that_was_sent_is_filled_and_only_once() {
        let (html, met) = drawn_again(refused(None), || form("/do/x", "8"));
        assert!(!met && !html.contains("Web"), "another thing of the same kind: {html}");
        let dialog = |action: &str| {
            let body = html! { (Form::post(action, "token").field(Field::text("name", "Name"))) };
            crate::ui::Dialog::new("d", "New").body(body).render().into_string()
        };
        let (html, _) = drawn_again(refused(None), || dialog("/do/x"));
        assert!(html.contains("<dialog id=\"d\" open"), "what was refused is in view: {html}");
        assert!(!dialog("/do/x").contains(" open"));
        let (html, met) = drawn_again(refused(None), || form("/do/y", "7"));
        assert!(!met && !html.contains("Web"), "{html}");
        assert!(!form("/do/x", "7").contains("Web"), "the next page knows nothing of it");
    }
}
