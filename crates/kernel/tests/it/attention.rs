//! "Needs you now": who sees which need.

use kernel::attention::Attention;
use kernel::world::World;
use kernel::*;

use crate::notes;

fn put(world: &World, id: i64, team: Option<i64>, user: Option<i64>) {
    let since = world.kernel.now();
    let need = move |cx: &mut Cx| {
        cx.needs_attention(&Attention {
            subject: Ref::new("note", id),
            need: "read",
            title: format!("Note {id}"),
            why: "It is new.".into(),
            mark: Mark::Info,
            word: "New",
            weight: 100,
            since,
            action: "Read it",
            href: format!("/notes/{id}"),
            team,
            user,
            grant: "notes.note.list",
        })
    };
    world.kernel.write_as(Actor::os("boss"), "notes.need", need).unwrap();
}

/// What somebody of team 3 sees whose grant reaches this far.
fn seen(world: &World, scope: Scope) -> Vec<i64> {
    let grants = vec![Grant { pattern: "notes.note.list".into(), scope, expires_at: None }];
    let member = Actor { ident: Ident::User(7), grants, teams: vec![3], ..Actor::nobody() };
    let mut ids: Vec<i64> =
        world.kernel.read_as(&member, |cx| cx.attention(10)).unwrap().iter().map(|need| need.subject.id).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn a_member_sees_the_needs_of_a_team_only_as_far_as_the_grant_reaches() {
    let world = World::new(vec![notes::domain()]).unwrap();
    put(&world, 1, Some(3), None);
    put(&world, 2, Some(4), None);
    put(&world, 3, None, None);
    put(&world, 4, None, Some(7));
    put(&world, 5, Some(3), Some(8));
    assert_eq!(seen(&world, Scope::Own), [4], "to be in a team is not enough");
    assert_eq!(seen(&world, Scope::Places(vec![1])), [4]);
    assert_eq!(seen(&world, Scope::Teams(vec![3])), [1, 4]);
    assert_eq!(seen(&world, Scope::Teams(vec![4])), [2, 4]);
    assert_eq!(seen(&world, Scope::Everything), [1, 2, 3, 4]);
}
