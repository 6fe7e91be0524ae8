//! What went wrong, what it means, what to run next, and the exit code.

use keys::{FileError, GenesisError, KeyFileError, KeyStoreError, NameError, RandomnessError};
use serde_json::{Map, Value, json};
use terminal::{Output, exit::Code};

/// A command that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The exit code.
    pub code: Code,
    /// What happened.
    pub message: String,
    /// What it means for the user's money, where that is a question.
    pub meaning: Option<String>,
    /// A command to type, or a hint.
    pub next: Option<String>,
    /// What is known all the same, for JSON.
    pub known: Map<String, Value>,
    /// Whether this call has sent nothing that could move money.
    pub unsent: bool,
    /// Whether the result, which was printed, says all: what is left is the exit code.
    pub told: bool,
}

/// What commands return.
pub type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            meaning: None,
            next: None,
            known: Map::new(),
            unsent: false,
            told: false,
        }
    }

    /// The exit code of a result that was printed and is not what a script may take for success.
    pub fn after_result(code: Code) -> Self {
        Self {
            told: true,
            ..Self::new(code, "")
        }
    }

    /// The command line, or a file it names, cannot be used so.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Code::Usage, message)
    }

    /// A file, signature or proof does not hold.
    pub fn unverified(message: impl Into<String>) -> Self {
        Self::new(Code::VerificationFailed, message)
    }

    /// The system refused something.
    pub fn system(action: impl std::fmt::Display, error: impl std::fmt::Display) -> Self {
        Self::new(Code::Internal, format!("cannot {action}: {error}"))
    }

    pub fn meaning(mut self, meaning: impl Into<String>) -> Self {
        self.meaning = Some(meaning.into());
        self
    }

    /// It was a question: that there is no such account says nothing about money.
    pub fn of_a_question(self) -> Self {
        match self.code {
            Code::Rejected => Self {
                meaning: None,
                ..self
            },
            _ => self,
        }
    }

    /// This call has sent nothing that could move money.
    pub fn unsent(mut self) -> Self {
        self.unsent = true;
        self.meaning("Nothing was sent, no money moved.")
    }

    /// The failure of a payment under a reference that the user gave: an earlier call may have made
    /// it.
    pub fn under_reference(self) -> Self {
        if self.unsent {
            self.meaning(
                "This call sent nothing; whether the payment with this reference was made before \
                 is not known.",
            )
        } else {
            self
        }
    }

    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    pub fn known(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.known.insert(name.to_owned(), value.into());
        self
    }

    /// Says it.
    pub fn tell(&self, output: Output) {
        if self.told {
            return;
        }
        let hints = self.meaning.iter().chain(&self.next);
        output.failure(&self.json(), &self.message, hints);
    }

    /// The object that a failure is for programs: what is known, and `error`.
    pub fn json(&self) -> Map<String, Value> {
        let mut object = self.known.clone();
        let error = json!({
            "code": self.code.as_str(),
            "message": self.message,
            "meaning": self.meaning,
            "next": self.next,
        });
        object.insert("error".to_owned(), error);
        object
    }
}

fn file_code(error: &FileError) -> Code {
    match error {
        FileError::NotFound(_) | FileError::Exists(_) | FileError::NotAFile(_) => Code::Usage,
        FileError::TooLarge { .. } => Code::VerificationFailed,
        FileError::System { .. } => Code::Internal,
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::new(file_code(&error), error.to_string())
    }
}

impl From<KeyFileError> for Failure {
    fn from(error: KeyFileError) -> Self {
        match error {
            KeyFileError::File(error) => error.into(),
            error @ KeyFileError::Locked { .. } => Self::usage(error.to_string()),
            error => Self::unverified(error.to_string()),
        }
    }
}

impl From<NameError> for Failure {
    fn from(error: NameError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<RandomnessError> for Failure {
    fn from(error: RandomnessError) -> Self {
        Self::new(Code::Internal, error.to_string())
    }
}

impl From<KeyStoreError> for Failure {
    fn from(error: KeyStoreError) -> Self {
        match error {
            KeyStoreError::Name(error) => error.into(),
            KeyStoreError::File(error) => error.into(),
            KeyStoreError::Randomness(error) => error.into(),
        }
    }
}

impl From<GenesisError> for Failure {
    fn from(error: GenesisError) -> Self {
        match error {
            GenesisError::File(error) => error.into(),
            error => Self::unverified(error.to_string()),
        }
    }
}

/// Whether the failure is that a key file is not there.
pub const fn missing(error: &KeyStoreError) -> bool {
    matches!(
        error,
        KeyStoreError::File(KeyFileError::File(FileError::NotFound(_)))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_what_is_known_beside_the_error() {
        let failure = Failure::new(Code::Rejected, "refused")
            .meaning("Nothing was moved.")
            .next("Try: less")
            .known("status", "rejected");
        let object = Value::Object(failure.json());
        assert_eq!(object["status"], "rejected");
        assert_eq!(object["error"]["code"], "rejected");
        assert_eq!(object["error"]["meaning"], "Nothing was moved.");
        assert_eq!(object["error"]["next"], "Try: less");
    }
}
