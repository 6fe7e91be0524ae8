//! What went wrong, what to run next, and the exit code.

use std::fmt;

use keys::{FileError, GenesisError, KeyFileError, KeyStoreError, NameError};
use serde_json::json;
use terminal::{Output, exit::Code};

/// A command that failed.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub code: Code,
    /// What happened, and what it means.
    pub message: String,
    /// A command to type, or a hint.
    pub next: Option<String>,
    /// Whether the result, which was printed, says all: what is left is the exit code.
    pub told: bool,
}

/// What commands return.
pub type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// A failure of that kind.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            next: None,
            told: false,
        }
    }

    /// The exit code of a result that was printed and is not what a script may take for success.
    #[must_use]
    pub fn after_result(code: Code) -> Self {
        Self {
            told: true,
            ..Self::new(code, "")
        }
    }

    /// The command line cannot be used so.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Code::Usage, message)
    }

    /// The network is not in the state that the command needs.
    #[must_use]
    pub fn state(message: impl Into<String>) -> Self {
        Self::new(Code::TestnetState, message)
    }

    /// The system refused something.
    #[must_use]
    pub fn system(action: impl fmt::Display, error: impl fmt::Display) -> Self {
        Self::new(Code::Internal, format!("cannot {action}: {error}"))
    }

    /// Adds what to do next.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Says it.
    pub fn tell(&self, output: Output) {
        if self.told {
            return;
        }
        let json = json!({"error": {
            "code": self.code.as_str(),
            "message": self.message,
            "next": self.next,
        }});
        output.failure(&json, &self.message, &self.next);
    }

    /// Says it, where it does not end the command.
    pub fn tell_aside(&self, output: Output) {
        output.failure_aside(&self.message, &self.next);
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::new(Code::Internal, error.to_string())
    }
}

impl From<KeyFileError> for Failure {
    fn from(error: KeyFileError) -> Self {
        match error {
            KeyFileError::File(error) => error.into(),
            error => Self::new(Code::VerificationFailed, error.to_string()),
        }
    }
}

impl From<KeyStoreError> for Failure {
    fn from(error: KeyStoreError) -> Self {
        match error {
            KeyStoreError::Name(error) => error.into(),
            KeyStoreError::File(error) => error.into(),
            KeyStoreError::Randomness(error) => Self::new(Code::Internal, error.to_string()),
        }
    }
}

impl From<NameError> for Failure {
    fn from(error: NameError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<GenesisError> for Failure {
    fn from(error: GenesisError) -> Self {
        match error {
            GenesisError::File(error) => error.into(),
            error => Self::new(Code::VerificationFailed, error.to_string()),
        }
    }
}
