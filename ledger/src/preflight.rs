//! What a node should do with a transaction that is not in the log yet.

use crate::outcome::Rejection;

/// The answer of [`Ledger::preflight`](crate::Ledger::preflight).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preflight {
    /// Execution would take it up now: it is applied, or rejected for what it does, and uses its
    /// nonce.
    Fits,
    /// It was executed before; its first outcome is the answer.
    Repeat,
    /// It cannot be executed any more, whatever comes: its time is over, or its nonce is used.
    Never(Rejection),
    /// It would be refused now, but may fit later: the account may be opened, the window of nonces
    /// or of validity may reach it. A node that lags behind says this of much that fits already.
    NotNow(Rejection),
}

impl Preflight {
    /// Whether it may be proposed now.
    #[must_use]
    pub const fn fits(&self) -> bool {
        matches!(self, Self::Fits)
    }

    /// Why it is refused, now or for ever.
    #[must_use]
    pub const fn rejection(&self) -> Option<Rejection> {
        match self {
            Self::Fits | Self::Repeat => None,
            Self::Never(rejection) | Self::NotNow(rejection) => Some(*rejection),
        }
    }
}
