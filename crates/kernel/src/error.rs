//! The one error type: what kind of refusal or failure it is, in words a user can act on, with the cause kept for the log.

use std::fmt;

use crate::reference::Ref;

/// What went wrong, as a class a caller can branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// It does not exist, or the actor may not see it.
    NotFound,
    /// A field or a message is not acceptable.
    Invalid,
    /// Somebody changed it meanwhile, or the state does not allow it.
    Conflict,
    /// Nobody is signed in.
    SignIn,
    /// The actor may not do this.
    Denied,
    /// The operation is dangerous and was not confirmed, or the proof of identity is too old.
    Unconfirmed,
    /// Larger, longer or more often than allowed.
    OverLimit,
    /// Not done yet: it waits for somebody's approval.
    Held,
    /// Cannot be done right now; trying again later helps.
    Unavailable,
    /// A broken invariant of ours.
    Internal,
}

impl ErrorKind {
    /// The stable word for this class, used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Invalid => "invalid",
            Self::Conflict => "conflict",
            Self::SignIn => "sign_in",
            Self::Denied => "denied",
            Self::Unconfirmed => "unconfirmed",
            Self::OverLimit => "over_limit",
            Self::Held => "held",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
}

/// A refusal or failure: class, words for the user, the field it is about, and the cause for the log.
#[derive(Clone, Debug)]
pub struct Error {
    /// The class.
    pub kind: ErrorKind,
    /// Names the thing, what happened, and what to do next.
    pub message: String,
    /// The input field it is about, as a dotted path.
    pub field: Option<String>,
    /// What to look at: the approval that a held call waits for.
    pub subject: Option<Ref>,
    /// For the log only.
    pub cause: Option<String>,
    pub(crate) retry: bool,
    pub(crate) roll_back: bool,
    /// The database could not take it at this moment: nothing is wrong with what was asked.
    pub(crate) passing: bool,
    /// Somebody may not be who they say: audit keeps a row, with the cause.
    pub(crate) refusal: bool,
}

/// What everything here returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            field: None,
            subject: None,
            cause: None,
            retry: false,
            roll_back: false,
            passing: false,
            refusal: false,
        }
    }

    /// The thing does not exist, or the actor may not see it: both look the same.
    pub fn not_found(what: impl fmt::Display) -> Self {
        Self::new(
            ErrorKind::NotFound,
            format!("{what} was not found. It may have been removed, or you may not be allowed to see it."),
        )
    }

    /// A field is not acceptable; the message says what would be.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), ..Self::new(ErrorKind::Invalid, message) }
    }

    /// The state does not allow it, or somebody was faster.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    /// Nobody is signed in.
    pub fn sign_in() -> Self {
        Self::new(ErrorKind::SignIn, "Sign in first: this needs to know who you are.")
    }

    /// The actor lacks the grant for an operation.
    pub fn denied(operation: &str) -> Self {
        Self::new(
            ErrorKind::Denied,
            format!("You have no grant for \"{operation}\". Ask an administrator for a role that has it."),
        )
    }

    /// The token that came leaves this operation out.
    pub fn outside_token(operation: &str) -> Self {
        Self::new(
            ErrorKind::Denied,
            format!("The token is not for \"{operation}\". Use one whose patterns name it, or one without patterns."),
        )
    }

    /// A dangerous operation came without confirmation or with an old proof of identity.
    pub fn unconfirmed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unconfirmed, message)
    }

    /// Over a named limit.
    pub fn over_limit(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::OverLimit, message)
    }

    /// A dangerous call waits for an approval.
    pub(crate) fn held(approval: i64) -> Self {
        let message =
            format!("This needs an approval. It waits as approval:{approval} and runs once somebody has approved it.");
        Self { subject: Some(Ref::new("approval", approval)), ..Self::new(ErrorKind::Held, message) }
    }

    /// Not possible right now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unavailable, message)
    }

    /// A broken invariant: the name finds it in the code, the cause goes to the log.
    pub fn internal(name: &str, cause: impl fmt::Display) -> Self {
        let message = format!(
            "Something is wrong inside Mainstay ({name}). Nothing was changed; the server log has the details."
        );
        Self { cause: Some(cause.to_string()), ..Self::new(ErrorKind::Internal, message) }
    }

    /// An error of a class that came from elsewhere, such as another server's answer.
    pub fn of_kind(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::new(kind, message)
    }

    /// The same error in other words.
    #[must_use]
    pub fn says(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// Adds the cause, for the log only.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Adds the field an error is about.
    #[must_use]
    pub fn at(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }

    /// Marks the refusal of somebody who may not be who they say: audit gets a row that says `what`.
    #[must_use]
    pub fn refused(self, what: impl fmt::Display) -> Self {
        Self { refusal: true, ..self.because(what) }
    }

    /// True for what the database could not take at this moment: away, overloaded, collided. Trying again later may do,
    /// while what took too long will take too long again.
    pub fn is_passing(&self) -> bool {
        self.passing
    }

    /// Marks an error of something that is away or overloaded for the moment, such as the database: what met it is tried
    /// again without counting the try.
    #[must_use]
    pub fn passing(mut self) -> Self {
        self.passing = true;
        self
    }

    /// True when audit keeps a row of it.
    pub(crate) fn is_refusal(&self) -> bool {
        self.refusal || matches!(self.kind, ErrorKind::SignIn | ErrorKind::Denied | ErrorKind::Unconfirmed)
    }

    /// Ends a write without keeping it: the carrier of a dry run.
    pub(crate) fn roll_back() -> Self {
        Self { roll_back: true, ..Self::new(ErrorKind::Internal, "dry run") }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Error {}
