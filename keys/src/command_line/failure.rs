//! What went wrong, what to run next, and the exit code.

use keys::{
    FileError, GenesisError, IncarnationError, KeyFileError, KeyStoreError, NameError,
    PassphraseError, RandomnessError,
};
use serde_json::json;
use terminal::{Output, exit::Code};

/// A command that failed.
pub struct Failure {
    pub code: Code,
    pub message: String,
    /// A command to type, or a hint.
    pub next: Option<String>,
}

impl Failure {
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            code: Code::Usage,
            message: message.into(),
            next: None,
        }
    }

    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    fn new(code: Code, error: &dyn std::error::Error) -> Self {
        Self {
            code,
            message: error.to_string(),
            next: None,
        }
    }

    /// Says it.
    pub fn tell(&self, output: Output) {
        let json = json!({"error": {
            "code": self.code.as_str(),
            "message": self.message,
            "next": self.next,
        }});
        output.failure(&json, &self.message, &self.next);
    }
}

fn file_code(error: &FileError) -> Code {
    match error {
        FileError::NotFound(_) | FileError::Exists(_) | FileError::NotAFile(_) => Code::Usage,
        FileError::TooLarge { .. } => Code::VerificationFailed,
        FileError::System { .. } => Code::Internal,
    }
}

fn key_file_code(error: &KeyFileError) -> Code {
    match error {
        KeyFileError::File(error) => file_code(error),
        KeyFileError::Locked { source, .. } => passphrase_code(source),
        KeyFileError::Randomness(_) => Code::Internal,
        _ => Code::VerificationFailed,
    }
}

fn passphrase_code(error: &PassphraseError) -> Code {
    match error {
        PassphraseError::File(error) => file_code(error),
        PassphraseError::Terminal(_) => Code::Internal,
        _ => Code::Usage,
    }
}

impl From<PassphraseError> for Failure {
    fn from(error: PassphraseError) -> Self {
        Self::new(passphrase_code(&error), &error)
    }
}

impl From<IncarnationError> for Failure {
    fn from(error: IncarnationError) -> Self {
        let code = match &error {
            IncarnationError::File(error) => file_code(error),
            IncarnationError::Malformed(_) => Code::VerificationFailed,
        };
        Self::new(code, &error)
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::new(file_code(&error), &error)
    }
}

impl From<KeyFileError> for Failure {
    fn from(error: KeyFileError) -> Self {
        Self::new(key_file_code(&error), &error)
    }
}

impl From<NameError> for Failure {
    fn from(error: NameError) -> Self {
        Self::new(Code::Usage, &error)
    }
}

impl From<RandomnessError> for Failure {
    fn from(error: RandomnessError) -> Self {
        Self::new(Code::Internal, &error)
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
        let code = match &error {
            GenesisError::File(error) => file_code(error),
            _ => Code::VerificationFailed,
        };
        Self::new(code, &error)
    }
}

/// Whether the failure is that a key file is not there, or that it is there already.
pub fn missing(error: &KeyStoreError) -> bool {
    matches!(
        error,
        KeyStoreError::File(KeyFileError::File(FileError::NotFound(_)))
    )
}

/// See [`missing`].
pub fn exists(error: &KeyStoreError) -> bool {
    matches!(
        error,
        KeyStoreError::File(KeyFileError::File(FileError::Exists(_)))
    )
}
