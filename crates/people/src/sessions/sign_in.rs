//! Sign in with login and password.

use kernel::{Access, Cx, Effect, Error, Operation, PrepareCx, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Started;
use crate::{attempts, password, user};

/// Sign in. The answer holds the session's secret, which is not shown again. After five wrong passwords for a login from one
/// network each further try from there has to wait, longer each time.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct SignIn {
    /// Your login.
    pub login: String,
    /// Your password.
    pub password: String,
    /// Where you sign in from, shown in the list of your sessions. The console fills this in.
    #[serde(default)]
    pub origin: String,
    /// The network that failed tries count for. The server fills this in, whatever is sent.
    #[serde(default)]
    pub source: String,
    /// Whether somebody has this login.
    #[serde(skip)]
    known: bool,
    #[serde(skip)]
    verified: Option<(i64, String)>,
    #[serde(skip)]
    counted: Vec<attempts::Counter>,
}

impl SignIn {
    /// A sign-in from somewhere.
    pub fn new(login: impl Into<String>, password: impl Into<String>, origin: impl Into<String>) -> Self {
        Self {
            login: login.into(),
            password: password.into(),
            origin: origin.into(),
            source: String::new(),
            known: false,
            verified: None,
            counted: Vec::new(),
        }
    }

    /// The user and the stored form of the password, when it is right.
    fn check(&self, cx: &PrepareCx<'_>) -> Result<Option<(i64, String)>> {
        let login = self.login.trim().to_lowercase();
        let known = cx.kernel.db.read(|tx| user::store::password(tx, &login))?;
        let stored = known.as_ref().map_or("", |(_, hash)| hash.as_str());
        let right = password::verify(stored, &self.password)?;
        Ok(known.filter(|_| right))
    }
}

impl Operation for SignIn {
    const NAME: &'static str = "people.session.sign-in";
    const ROUTE: Route = post("/people/sessions");
    const ACCESS: Access = Access::Anyone;
    const EFFECT: Effect = Effect::Write;
    const SECRETS: &'static [&'static str] = &["password"];
    const FIELD_BYTES_MAX: usize = 2_000;
    type Output = Started;

    fn prepare(&mut self, cx: &PrepareCx<'_>) -> Result<()> {
        self.counted = attempts::begin_sign_in(cx, &self.login, &self.source)?;
        let login = self.login.trim().to_lowercase();
        self.known = cx.kernel.db.read(|tx| user::store::password(tx, &login))?.is_some();
        self.verified = attempts::checked(cx, &self.counted, self.check(cx))?;
        Ok(())
    }

    fn run(&self, cx: &mut Cx) -> Result<Started> {
        let wrong = || {
            let source = kernel::text::shorten(&self.source, 80);
            // What is no login may be a password in the wrong field: it is not written down.
            let who =
                if self.known { format!("\"{}\"", self.login.trim().to_lowercase()) } else { "nobody we know".into() };
            Error::invalid("password", "The login or the password is wrong. Check both and try again.")
                .refused(format!("sign-in as {who} from \"{source}\""))
        };
        let (id, hash) = self.verified.as_ref().ok_or_else(wrong)?;
        let user = user::store::get(cx.tx, *id)?.filter(|user| user.disabled_at.is_none()).ok_or_else(wrong)?;
        // The password may have been changed between the check and now.
        if user::store::password_of(cx.tx, *id)?.as_ref() != Some(hash) {
            return Err(wrong());
        }
        attempts::succeeded(cx.tx, &self.counted)?;
        attempts::store::note_source(cx.tx, *id, self.source.trim(), cx.now)?;
        super::start(cx, *id, &user.name, &self.origin)
    }
}
