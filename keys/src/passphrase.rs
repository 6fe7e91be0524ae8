//! Passphrases of key files, and where they come from.

use std::env;
use std::fmt;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use thiserror::Error;
use zeroize::Zeroizing;

use crate::file::{self, FileError};

/// The environment variable that names the file with the passphrase.
pub const PASSPHRASE_VARIABLE: &str = "HAWSER_PASSPHRASE_FILE";
/// The longest passphrase, in bytes.
pub const MAX_PASSPHRASE_BYTES: usize = 1024;

/// Why there is no passphrase.
#[derive(Debug, Error)]
pub enum PassphraseError {
    /// It is empty.
    #[error("a passphrase must not be empty")]
    Empty,
    /// It is longer than [`MAX_PASSPHRASE_BYTES`].
    #[error("a passphrase has at most {MAX_PASSPHRASE_BYTES} bytes")]
    TooLong,
    /// The file holds more than a line of text.
    #[error("{} must hold the passphrase on one line, as UTF-8, and nothing else", .0.display())]
    NotOneLine(PathBuf),
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Others than the owner may read or write the file.
    #[error("{path} is open to others; run: chmod 600 {path}", path = .0.display())]
    OpenToOthers(PathBuf),
    /// There is nobody to ask.
    #[error(
        "there is no terminal to ask for the passphrase: name a file that holds it with --passphrase-file, or in {PASSPHRASE_VARIABLE}"
    )]
    NoTerminal,
    /// The terminal failed.
    #[error("the passphrase could not be read from the terminal: {0}")]
    Terminal(#[source] io::Error),
    /// The second time, something else was typed.
    #[error("the two passphrases differ; nothing was changed")]
    Different,
}

/// A passphrase. It is wiped from memory when it is dropped, and shown by nothing.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes a text.
    ///
    /// # Errors
    /// [`PassphraseError::Empty`] or [`PassphraseError::TooLong`].
    pub fn new(text: impl Into<Zeroizing<String>>) -> Result<Self, PassphraseError> {
        let text = text.into();
        match text.len() {
            0 => Err(PassphraseError::Empty),
            1..=MAX_PASSPHRASE_BYTES => Ok(Self(text)),
            _ => Err(PassphraseError::TooLong),
        }
    }

    /// Reads the one line of a file that is open to nobody but its owner.
    ///
    /// # Errors
    /// [`PassphraseError`].
    pub fn from_file(path: &Path) -> Result<Self, PassphraseError> {
        let file = file::open(path)?;
        if file::mode(path, &file)? & 0o077 != 0 {
            return Err(PassphraseError::OpenToOthers(path.to_owned()));
        }
        let bytes = file::read(path, &file, MAX_PASSPHRASE_BYTES as u64 + 2)?;
        let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match std::str::from_utf8(line) {
            Ok(text) if !text.contains(['\n', '\r']) => Self::new(text.to_owned()),
            _ => Err(PassphraseError::NotOneLine(path.to_owned())),
        }
    }

    /// Asks at the terminal, showing nothing of what is typed.
    ///
    /// # Errors
    /// [`PassphraseError::NoTerminal`], or what went wrong there.
    pub fn ask(question: &str) -> Result<Self, PassphraseError> {
        // With one of them elsewhere, a program has started this one: it would wait for ever.
        if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
            return Err(PassphraseError::NoTerminal);
        }
        let text = rpassword::prompt_password(question).map_err(PassphraseError::Terminal)?;
        Self::new(text)
    }

    /// Asks for a new one, twice.
    ///
    /// # Errors
    /// As [`Passphrase::ask`], and [`PassphraseError::Different`].
    pub fn ask_new(question: &str) -> Result<Self, PassphraseError> {
        let first = Self::ask(question)?;
        let second = Self::ask("The same again: ")?;
        if *first.0 == *second.0 {
            Ok(first)
        } else {
            Err(PassphraseError::Different)
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Passphrase")
    }
}

/// Where the passphrase of a locked key file comes from. It is asked for only when such a file is
/// read.
#[derive(Clone, Debug, Default)]
pub enum PassphraseSource {
    /// The file that [`PASSPHRASE_VARIABLE`] names, else whoever sits at the terminal.
    #[default]
    Usual,
    /// This file.
    File(PathBuf),
    /// This passphrase.
    Known(Passphrase),
    /// Nowhere: locked keys stay locked.
    Nowhere,
}

impl PassphraseSource {
    /// That file, or the usual source.
    #[must_use]
    pub fn file_or_usual(file: Option<PathBuf>) -> Self {
        file.map_or(Self::Usual, Self::File)
    }

    /// The passphrase of that key file.
    ///
    /// # Errors
    /// [`PassphraseError`].
    pub fn passphrase(&self, key_file: &Path) -> Result<Passphrase, PassphraseError> {
        match self {
            Self::Known(passphrase) => Ok(passphrase.clone()),
            Self::File(path) => Passphrase::from_file(path),
            Self::Usual => match env::var_os(PASSPHRASE_VARIABLE) {
                Some(path) if !path.is_empty() => Passphrase::from_file(Path::new(&path)),
                _ => Passphrase::ask(&format!("Passphrase of {}: ", key_file.display())),
            },
            Self::Nowhere => Err(PassphraseError::NoTerminal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_holds_one_line_for_its_owner() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("passphrase");
        let read = |contents: &[u8], mode| {
            fs::write(&path, contents).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            Passphrase::from_file(&path).map(|it| it.0.to_string())
        };
        for same in ["open sesame", "open sesame\n", "open sesame\r\n"] {
            assert_eq!(read(same.as_bytes(), 0o600).unwrap(), "open sesame");
        }
        assert_eq!(
            read(" spaces stay ".as_bytes(), 0o400).unwrap(),
            " spaces stay "
        );
        let refused = |contents, mode| read(contents, mode).unwrap_err();
        assert!(matches!(refused(b"\n", 0o600), PassphraseError::Empty));
        for bad in [&b"two\nlines"[..], b"\xff\xfe"] {
            assert!(matches!(
                refused(bad, 0o600),
                PassphraseError::NotOneLine(_)
            ));
        }
        let shared = refused(b"x", 0o644);
        assert!(
            matches!(shared, PassphraseError::OpenToOthers(_)),
            "{shared}"
        );
        let long = vec![b'x'; MAX_PASSPHRASE_BYTES + 1];
        assert!(matches!(refused(&long, 0o600), PassphraseError::TooLong));
        let longer = vec![b'x'; 10 * MAX_PASSPHRASE_BYTES];
        assert!(matches!(refused(&longer, 0o600), PassphraseError::File(_)));
    }

    #[test]
    fn nothing_shows_it() {
        let passphrase = Passphrase::new("open sesame".to_owned()).unwrap();
        let shown = format!(
            "{passphrase:?} {:?}",
            PassphraseSource::Known(passphrase.clone())
        );
        assert!(!shown.contains("sesame"));
    }
}
