//! "Needs you now": who sees which need.

use kernel::attention::Attention;
use kernel::world::World;
use kernel::*;

use crate::notes;

fn put(world: &World, id: i64, team: Option<i64>, user: Option<i64>) {
    put_heavy(world, id, team, user, 100);
}

fn put_heavy(world: &World, id: i64, team: Option<i64>, user: Option<i64>, weight: i64) {
    let since = world.kernel.now();
    let need = move |cx: &mut Cx| {
        cx.needs_attention(&Attention {
            subject: Ref::new("note", id),
            need: "read",
            title: format!("Note {id}"),
            why: "It is new.".into(),
            mark: Mark::Info,
            word: "New",
            weight,
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

#[test]
fn the_list_is_ranked_by_weight_age_and_whose_it_is_and_says_so() {
    let world = World::new(vec![notes::domain()]).unwrap();
    put_heavy(&world, 1, None, None, 100);
    world.pass(3 * time::HOUR).unwrap();
    put_heavy(&world, 2, Some(3), None, 60);
    put_heavy(&world, 3, None, Some(7), 10);
    put_heavy(&world, 4, None, None, 103);
    let grants = vec![Grant::everywhere("notes.note.list")];
    let member = Actor { ident: Ident::User(7), grants, teams: vec![3], ..Actor::nobody() };
    let needs = world.kernel.read_as(&member, |cx| cx.attention(10)).unwrap();
    let ranked: Vec<(i64, i64)> = needs.iter().map(|need| (need.subject.id, need.score)).collect();
    assert_eq!(ranked, [(2, 110), (3, 110), (1, 103), (4, 103)]);
    assert_eq!(needs[0].reason, "110: 60 for what it is, 0 for its age in hours, 50 because it is your team's");
    assert_eq!(needs[2].reason, "103: 100 for what it is, 3 for its age in hours");
}

#[test]
fn heavy_needs_of_others_do_not_crowd_out_a_light_one_of_mine() {
    let world = World::new(vec![notes::domain()]).unwrap();
    for id in 0..150 {
        put_heavy(&world, 1_000 + id, Some(4), None, 900);
    }
    put_heavy(&world, 1, Some(3), None, 1);
    assert_eq!(seen(&world, Scope::Teams(vec![3])), [1]);
    let grants = vec![Grant::everywhere("notes.note.list")];
    let chief = Actor { ident: Ident::User(9), grants, ..Actor::nobody() };
    let count = |actor: &Actor| world.kernel.read_as(actor, |cx| cx.attention_count(99)).unwrap();
    assert_eq!((count(&chief), count(&Actor::nobody())), (99, 0));
}
