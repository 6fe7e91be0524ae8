//! Exit codes, the same for every command.

use std::process::ExitCode;

/// How a command ended, as the shell sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Code {
    /// Done.
    Ok = 0,
    /// Something failed that is not the user's doing: the disk, the system, a defect.
    Internal = 1,
    /// The command line, or a file it names, cannot be used so.
    Usage = 2,
    /// Too few nodes answer; the outcome may be unknown.
    NoQuorum = 3,
    /// The ledger refused the request.
    Rejected = 4,
    /// A file, signature, receipt or proof does not hold.
    VerificationFailed = 5,
    /// An invariant or an audit failed.
    AssertionFailed = 6,
    /// The local network is not in the state that the command needs.
    TestnetState = 7,
    /// A receipt holds and does not prove that the payment was applied.
    Unproven = 8,
    /// Stopped by Ctrl-C.
    Interrupted = 130,
}

impl Code {
    /// The number that the process ends with.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The name in JSON output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Internal => "internal",
            Self::Usage => "usage",
            Self::NoQuorum => "no-quorum",
            Self::Rejected => "rejected",
            Self::VerificationFailed => "verification-failed",
            Self::AssertionFailed => "assertion-failed",
            Self::TestnetState => "testnet-state",
            Self::Unproven => "unproven",
            Self::Interrupted => "interrupted",
        }
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code.number())
    }
}
