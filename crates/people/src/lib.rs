//! People: users, teams, the tree of places, roles and grants, on-call rotas, sign-in, sessions and tokens. It tells the kernel who an
//! identity is and what they may do. It sends no mail and knows no HTTP: the server brings tokens and takes them away.

use kernel::db::Migration;
use kernel::{Domain, Entry, EventEntry, Noun, Operation};

pub mod actor;
mod attempts;
mod choices;
pub mod filter;
pub mod grants;
pub mod me;
mod names;
mod pages;
mod password;
pub mod place;
mod random;
pub mod roles;
pub mod rota;
pub mod sessions;
pub mod setup;
mod sweep;
pub mod team;
pub mod tokens;
pub mod user;

pub use choices::{PEOPLE_MAX, Person, Persons, place_choices, team_choices, typed as typed_person};
pub use grants::give::GiveGrant;
pub use grants::list::{ListGrants, ListRoles};
pub use grants::revoke::RevokeGrant;
pub use names::*;
pub use place::Place;
pub use place::change::{CreatePlace, RemovePlace, UpdatePlace};
pub use place::list::{ListPlaces, ShowPlace};
pub use rota::change::{CreateRota, DeleteRota, UpdateRota};
pub use rota::feed::{CreateFeed, ListFeeds, RevokeFeed};
pub use rota::import::ImportCalendar;
pub use rota::list::{ListRotas, ShowRota};
pub use rota::now::WhoIsOnCall;
pub use rota::overrides::{AddOverride, RemoveOverride};
pub use rota::preview::PreviewRota;
pub use rota::shifts::{ListGaps, ListMyShifts, ListShifts};
pub use sessions::list::ListSessions;
pub use sessions::prove::Prove;
pub use sessions::sign_in::SignIn;
pub use sessions::sign_out::{SignOut, SignOutEverywhere};
pub use setup::CompleteSetup;
pub use team::Team;
pub use team::change::{AddMember, CreateTeam, RemoveMember, UpdateTeam};
pub use team::list::{ListTeams, ShowTeam};
pub use tokens::create::CreateToken;
pub use tokens::list::ListTokens;
pub use tokens::revoke::RevokeToken;
pub use user::User;
pub use user::change::{DisableUser, EnableUser, SetPassword, UpdateUser};
pub use user::create::CreateUser;
pub use user::list::ListUsers;
pub use user::show::ShowUser;

const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "first tables", sql: include_str!("../migrations/0001_first_tables.sql") },
    Migration { number: 2, name: "sign-in limits", sql: include_str!("../migrations/0002_sign_in_limits.sql") },
    Migration { number: 3, name: "folded names", sql: include_str!("../migrations/0003_folded_names.sql") },
    Migration { number: 4, name: "rotas", sql: include_str!("../migrations/0004_rota.sql") },
    Migration {
        number: 5,
        name: "who made an override, and what came of a calendar",
        sql: include_str!("../migrations/0005_rota_makers.sql"),
    },
];

/// What people declare.
pub fn domain() -> web::Domain {
    web::Domain {
        kernel: declarations(),
        pages: pages::all(),
        nav: pages::nav(),
        creates: pages::creates(),
        ..web::Domain::default()
    }
}

fn declarations() -> Domain {
    Domain {
        name: "people",
        migrations: MIGRATIONS,
        operations: operations(),
        events: events(),
        jobs: vec![sweep::JOB, rota::watch::JOB],
        schedules: vec![sweep::SCHEDULE, rota::watch::SCHEDULE],
        nouns: nouns(),
        actors: Some(actor::resolve),
        start: Some(fold_names),
        ..Domain::default()
    }
}

/// Folds the names that an earlier version wrote, in small steps. Each row is done once.
fn fold_names(kernel: &kernel::Handle) -> kernel::Result<()> {
    use kernel::db::Priority::Background;
    while kernel.db.write("people.names.fold", Background, user::store::fold_some)? > 0 {}
    while kernel.db.write("people.names.fold", Background, place::store::fold_some)? > 0 {}
    Ok(())
}

fn operations() -> Vec<Entry> {
    let mut all = about_people();
    all.extend(about_rotas());
    all
}

fn about_rotas() -> Vec<Entry> {
    vec![
        Entry::of::<ListRotas>(),
        Entry::of::<ShowRota>(),
        Entry::of::<WhoIsOnCall>(),
        Entry::of::<ListShifts>(),
        Entry::of::<ListMyShifts>(),
        Entry::of::<ListGaps>(),
        Entry::of::<PreviewRota>(),
        Entry::of::<CreateRota>(),
        Entry::of::<UpdateRota>(),
        Entry::of::<DeleteRota>(),
        Entry::of::<AddOverride>(),
        Entry::of::<RemoveOverride>(),
        Entry::of::<ImportCalendar>(),
        Entry::of::<CreateFeed>(),
        Entry::of::<ListFeeds>(),
        Entry::of::<RevokeFeed>(),
    ]
}

fn about_people() -> Vec<Entry> {
    vec![
        Entry::of::<ListUsers>(),
        Entry::of::<ShowUser>(),
        Entry::of::<CreateUser>(),
        Entry::of::<UpdateUser>(),
        Entry::of::<DisableUser>(),
        Entry::of::<EnableUser>(),
        Entry::of::<SetPassword>(),
        Entry::of::<ListTeams>(),
        Entry::of::<ShowTeam>(),
        Entry::of::<CreateTeam>(),
        Entry::of::<UpdateTeam>(),
        Entry::of::<AddMember>(),
        Entry::of::<RemoveMember>(),
        Entry::of::<ListPlaces>(),
        Entry::of::<ShowPlace>(),
        Entry::of::<CreatePlace>(),
        Entry::of::<UpdatePlace>(),
        Entry::of::<RemovePlace>(),
        Entry::of::<ListRoles>(),
        Entry::of::<ListGrants>(),
        Entry::of::<GiveGrant>(),
        Entry::of::<RevokeGrant>(),
        Entry::of::<SignIn>(),
        Entry::of::<SignOut>(),
        Entry::of::<SignOutEverywhere>(),
        Entry::of::<Prove>(),
        Entry::of::<ListSessions>(),
        Entry::of::<CreateToken>(),
        Entry::of::<ListTokens>(),
        Entry::of::<RevokeToken>(),
        Entry::of::<me::ShowMe>(),
        Entry::of::<me::UpdateMe>(),
        Entry::of::<CompleteSetup>(),
    ]
}

fn events() -> Vec<EventEntry> {
    vec![
        EventEntry::of::<user::UserCreated>(),
        EventEntry::of::<user::UserDisabled>(),
        EventEntry::of::<user::UserEnabled>(),
        EventEntry::of::<user::PasswordSet>(),
        EventEntry::of::<team::MemberAdded>(),
        EventEntry::of::<team::MemberRemoved>(),
        EventEntry::of::<grants::GrantGiven>(),
        EventEntry::of::<grants::GrantRevoked>(),
        EventEntry::of::<sessions::SessionStarted>(),
        EventEntry::of::<sessions::SessionEnded>(),
        EventEntry::of::<tokens::TokenCreated>(),
        EventEntry::of::<tokens::TokenRevoked>(),
        EventEntry::of::<rota::events::RotaCreated>(),
        EventEntry::of::<rota::events::RotaChanged>(),
        EventEntry::of::<rota::events::RotaDeleted>(),
        EventEntry::of::<rota::events::OverrideAdded>(),
        EventEntry::of::<rota::events::OverrideRemoved>(),
    ]
}

fn nouns() -> Vec<Noun> {
    vec![
        Noun { kind: "user", list: ListUsers::NAME, resolve: user::list::resolve, set: Some(user::change::set_back) },
        Noun { kind: "team", list: ListTeams::NAME, resolve: team::list::resolve, set: Some(team::change::set_back) },
        Noun {
            kind: "place",
            list: ListPlaces::NAME,
            resolve: place::list::resolve,
            set: Some(place::change::set_back),
        },
        Noun { kind: "rota", list: ListRotas::NAME, resolve: rota::resolve, set: Some(rota::change::set_back) },
    ]
}
