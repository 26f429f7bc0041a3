//! What forms offer: the people, teams and places that the reader may see. Where there are more people than a list can hold, a
//! form takes a login or a name instead, and [`typed`] says who is meant.

use std::collections::BTreeMap;

use kernel::{Cx, Error, Operation, Reach, Result};
use web::ui::{Bulk, Field};

use crate::user::{self, with_self};
use crate::{ListPlaces, ListTeams, ListUsers, names, place, team};

/// Most people that a list of choices holds.
pub const PEOPLE_MAX: usize = 200;
/// Most teams or places that a list of choices holds.
const GROUPS_MAX: usize = 1_000;

/// How much of a list the reader sees; what is their own when they may not list at all.
fn seen(cx: &Cx, list: &str) -> Reach {
    with_self(cx.reach(list).unwrap_or_default(), cx.actor.user())
}

/// The teams that the reader may see, by name: number and name, at most 1,000.
pub fn team_choices(cx: &mut Cx) -> Result<Vec<(i64, String)>> {
    let reach = seen(cx, ListTeams::NAME);
    let teams = team::store::page(cx.tx, &reach, None, GROUPS_MAX)?;
    Ok(teams.into_iter().map(|team| (team.id, team.name)).collect())
}

/// The places that the reader may see in order of the tree, names indented by depth: at most 1,000.
pub fn place_choices(cx: &mut Cx) -> Result<Vec<(i64, String)>> {
    let reach = seen(cx, ListPlaces::NAME);
    let wanted = place::store::Wanted { below: None, after: "", limit: GROUPS_MAX };
    Ok(place::indented(place::store::page(cx.tx, &wanted, &reach)?))
}

/// Somebody as a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their number.
    pub id: i64,
    /// Their name.
    pub name: String,
    /// What they sign in with; empty when the reader may not see them.
    pub login: String,
}

impl Person {
    /// How a form that takes typed text writes them: a text that [`typed`] understands.
    fn text(&self) -> String {
        if self.login.is_empty() { format!("user:{}", self.id) } else { format!("{} ({})", self.name, self.login) }
    }
}

/// The people a form can choose from, and those it holds already.
#[derive(Clone, Debug, Default)]
pub struct Persons {
    known: Vec<Person>,
    /// There are more than are known here.
    more: bool,
    /// Who is chosen now, whether or not they may sign in and be seen.
    held: BTreeMap<i64, Person>,
}

impl Persons {
    /// The people that the reader may see and who may sign in; `held` are the numbers that the form holds already.
    pub fn load(cx: &mut Cx, held: &[i64]) -> Result<Self> {
        let reach = seen(cx, ListUsers::NAME);
        let mut known: Vec<Person> = user::store::choices(cx.tx, &reach, PEOPLE_MAX + 1)?
            .into_iter()
            .map(|(id, name, login)| Person { id, name, login })
            .collect();
        let more = known.len() > PEOPLE_MAX;
        known.truncate(PEOPLE_MAX);
        let mut persons = Self { known, more, held: BTreeMap::new() };
        let missing: Vec<i64> =
            held.iter().copied().filter(|id| persons.known.iter().all(|one| one.id != *id)).collect();
        if !missing.is_empty() {
            for (id, name) in names(cx.tx, "user", &missing)? {
                persons.held.insert(id, Person { id, name, login: String::new() });
            }
            for user in user::store::find(cx.tx, &missing, &reach)? {
                persons.held.insert(user.id, Person { id: user.id, name: user.name, login: user.login });
            }
        }
        Ok(persons)
    }

    /// Of people who are known already.
    pub fn of(known: Vec<Person>, more: bool) -> Self {
        Self { known, more, held: BTreeMap::new() }
    }

    /// True when there is nobody to choose.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// A field that holds one of them: a list while they are few, else a text with suggestions. `empty` is the choice of nobody.
    pub fn field(&self, name: &str, label: &str, empty: &str, current: Option<i64>) -> Field {
        let held = current.map(|id| {
            let known = self.known.iter().find(|one| one.id == id).or_else(|| self.held.get(&id));
            known.cloned().unwrap_or_else(|| Person { id, name: format!("user:{id}"), login: String::new() })
        });
        if self.more {
            let field =
                Field::person(name, label, self.texts()).help(format!("A login or a name. {empty} when left empty."));
            return field.value(held.map(|person| person.text()).unwrap_or_default());
        }
        let value = held.as_ref().map(|person| person.id.to_string()).unwrap_or_default();
        Field::select(name, label, self.options(empty))
            .value(value)
            .named(held.map(|person| person.name).unwrap_or_default())
    }

    /// A field for somebody whom an operation takes as text, a login or `user:17`: a list while they are few.
    pub(crate) fn text_field(&self, name: &str, label: &str, empty: &str) -> Field {
        if self.more {
            return Field::text(name, label)
                .help(format!("A login or a name. {empty} when left empty."))
                .length_max(200);
        }
        let first = std::iter::once((String::new(), empty.to_owned()));
        let known = self.known.iter().map(|one| (format!("user:{}", one.id), one.name.clone()));
        Field::select(name, label, first.chain(known))
    }

    /// What people sign in with, for a form that takes several; at most [`PEOPLE_MAX`].
    pub(crate) fn logins(&self) -> Vec<&str> {
        self.known.iter().map(|one| one.login.as_str()).filter(|login| !login.is_empty()).collect()
    }

    /// The same in the bar of a list.
    pub fn bulk(&self, bulk: Bulk, name: &str, label: &str, empty: &str) -> Bulk {
        if self.more { bulk.person(name, label, &self.texts()) } else { bulk.select(name, label, &self.options(empty)) }
    }

    fn texts(&self) -> Vec<String> {
        self.known.iter().map(Person::text).collect()
    }

    fn options(&self, empty: &str) -> Vec<(String, String)> {
        let first = std::iter::once((String::new(), empty.to_owned()));
        first.chain(self.known.iter().map(|one| (one.id.to_string(), one.name.clone()))).collect()
    }
}

/// Who is meant by a text in a form: a login, `Name (login)`, a name that only one of them has, or `user:17`. A number by
/// itself is a login; after `user:` it is taken as it is, and the operation it goes to says whether it fits.
///
/// # Errors
/// Nobody, or more than one, is meant among those the reader may see.
pub fn typed(cx: &mut Cx, text: &str) -> Result<i64> {
    let text = text.trim();
    if let Some(id) = text.strip_prefix("user:").and_then(|id| id.parse().ok()) {
        return Ok(id);
    }
    let in_brackets = text.strip_suffix(')').and_then(|rest| rest.rsplit_once('(')).map(|(_, login)| login.trim());
    let wanted = in_brackets.filter(|login| user::login(login).is_ok()).unwrap_or(text);
    let reach = seen(cx, ListUsers::NAME);
    let found = user::store::by_login_or_name(cx.tx, wanted, &reach)?;
    let shown = kernel::text::shorten(text, 60);
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(Error::invalid(
            "user",
            format!("Nobody is called \"{shown}\". Write a login, or choose from the list."),
        )),
        [first, ..] if user::store::get(cx.tx, *first)?.is_some_and(|user| user.login == wanted.to_lowercase()) => {
            Ok(*first)
        }
        _ => Err(Error::invalid("user", format!("More than one is called \"{shown}\". Write the login."))),
    }
}

#[cfg(test)]
mod tests {
    use maud::Render;

    use super::*;

    fn person(id: i64, name: &str) -> Person {
        Person { id, name: name.into(), login: format!("login-{id}") }
    }

    #[test]
    fn who_holds_it_stays_chosen_whether_they_are_in_the_list_or_not() {
        let mut persons = Persons::of(vec![person(1, "Ada")], false);
        persons.held.insert(7, person(7, "Gone <b>"));
        let html = persons.field("owner", "Owner", "Nobody", Some(7)).render().0;
        assert!(html.contains("<option value=\"7\" selected>Gone &lt;b&gt;</option>"), "{html}");
        let html = persons.field("owner", "Owner", "Nobody", Some(1)).render().0;
        assert!(html.contains("<option value=\"1\" selected>Ada</option>") && !html.contains("value=\"7\""), "{html}");
    }

    #[test]
    fn many_people_are_a_text_with_suggestions_that_says_who_holds_it() {
        let mut persons = Persons::of(vec![person(1, "Ada")], true);
        persons.held.insert(8, Person { login: String::new(), ..person(8, "Unseen") });
        let html = persons.field("owner", "Owner", "Nobody", Some(1)).render().0;
        assert!(html.contains("value=\"Ada (login-1)\"") && html.contains("<datalist"), "{html}");
        assert!(html.contains("name=\"_person\" value=\"owner\""), "{html}");
        assert!(persons.field("owner", "Owner", "Nobody", Some(8)).render().0.contains("value=\"user:8\""));
    }
}
