//! A whole house to measure in: every domain on a database on disk, one organisation with teams, people of every role,
//! tickets and things.

use std::collections::BTreeMap;
use std::path::Path;

use kernel::db::{Options, Source};
use kernel::{Actor, Clock, Error, Handle, Ident, Kernel, KernelSettings, Proof, Result};
use mainstay::demo_company::{self, Company};
pub(crate) use mainstay::demo_company::{login, number};
use serde_json::Value;
use server::Site;

/// The password of everybody in the house.
pub(crate) const PASSWORD: &str = "correct horse battery staple";
/// People who ask for help.
const REQUESTERS: u64 = 150;

/// An open house.
pub(crate) struct House {
    pub(crate) kernel: Handle,
    pub(crate) site: Option<Site>,
    /// Sign-in names by role.
    pub(crate) people: BTreeMap<String, i64>,
    pub(crate) teams: Vec<i64>,
}

impl House {
    /// Opens or makes a house in a data folder.
    pub(crate) fn open(data: &Path) -> Result<Self> {
        std::fs::create_dir_all(data).map_err(|error| crate::unusable(data, &error))?;
        let (domains, site) = mainstay::domains::split();
        let paths = mainstay::folder::Folder::new(data, None);
        let settings = KernelSettings {
            source: Source::Sqlite(paths.database()),
            options: Options::default(),
            data: data.to_owned(),
            key_file: paths.key_file,
            clock: Clock::System,
            domains,
        };
        let kernel = Kernel::open(settings)?;
        Ok(Self { kernel, site: Some(site), people: BTreeMap::new(), teams: Vec::new() })
    }

    fn company(&self) -> Company<'_> {
        Company::new(&self.kernel, PASSWORD)
    }

    /// Sets up the organisation with its teams, places and people, unless that was done before.
    pub(crate) fn furnish(mut self) -> Result<Self> {
        self.company().set_up(REQUESTERS)?;
        self.look_around()?;
        Ok(self)
    }

    fn look_around(&mut self) -> Result<()> {
        for role in people::roles::ROLES {
            let found = self.kernel.db.read(|tx| people::user_by_login(tx, &login(role.name)))?;
            self.people.extend(found.map(|user| (role.name.to_owned(), user)));
        }
        self.teams = self.kernel.db.read(people::team_options)?.into_iter().map(|(id, _)| id).collect();
        Ok(())
    }

    /// Writes tickets; `searchable` makes them findable by words.
    pub(crate) fn tickets(self, total: u64, searchable: bool) -> Result<Self> {
        self.tickets_from(0, total, searchable, &[], |_| Ok(()))
    }

    /// The same from the ticket on where an earlier load ended, some about these things.
    pub(crate) fn tickets_from(
        self,
        from: u64,
        total: u64,
        searchable: bool,
        things: &[i64],
        told: impl Fn(u64) -> Result<()>,
    ) -> Result<Self> {
        self.company().tickets(from, total, searchable, things, &told)?;
        Ok(self)
    }

    /// Adds things; answers their numbers.
    pub(crate) fn things(&self, count: u64) -> Result<Vec<i64>> {
        self.company().things(count)
    }

    /// Calls an operation, confirmed.
    pub(crate) fn call(&self, actor: &Actor, operation: &str, input: Value) -> Result<Value> {
        demo_company::call(&self.kernel, actor, operation, input)
    }

    /// The person of a role, as the doors know them.
    pub(crate) fn actor(&self, role: &str) -> Result<Actor> {
        let user = self.people.get(role).copied().ok_or_else(|| Error::internal("nobody-of-role", role))?;
        let actor = self.kernel.db.read(|tx| self.kernel.actor(tx, &Ident::User(user)))?;
        Ok(Actor { proof: Proof::Standing, ..actor })
    }

    /// Ends it in order.
    pub(crate) fn close(self) {
        self.kernel.shut_down();
    }
}
