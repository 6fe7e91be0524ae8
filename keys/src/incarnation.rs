//! What makes a data directory the one that genesis lists (P9.4).
//!
//! A validator's promises are in its data directory, and a key alone does not say whether they still
//! are: a directory that was lost and made again would vote anew under the old key. So a directory
//! gets a random number when it is made, genesis lists its hash beside the key, and the number goes
//! wherever the directory goes.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::file::{self, FileError, Overwrite};
use crate::hash::{from_hex, tagged_hash, to_hex};

const TAG: &str = "hawser/incarnation/v1";
const SEED_TAG: &str = "hawser/incarnation-seed/v1";
const FILE: &str = "incarnation";
const FORMAT: u32 = 1;
const MAX_BYTES: u64 = 1024;

/// The random number of one data directory. No secret, but nobody can make another with its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incarnation([u8; 32]);

impl Incarnation {
    /// A new one.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub fn generate() -> Result<Self, crate::RandomnessError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(crate::RandomnessError::from)?;
        Ok(Self(bytes))
    }

    /// That of a name, for tests and for networks that can be made again: whoever knows the name can
    /// make the directory again, too.
    #[must_use]
    pub fn from_seed(name: &str) -> Self {
        Self(tagged_hash(SEED_TAG, name.as_bytes()))
    }

    /// What genesis lists.
    #[must_use]
    pub fn hash(&self) -> IncarnationHash {
        IncarnationHash(tagged_hash(TAG, &self.0))
    }

    /// Makes a data directory that has this number and in which nothing was promised yet.
    ///
    /// # Errors
    /// [`FileError::Exists`] if it has one already; otherwise those of the operating system.
    pub fn create(&self, data: &Path) -> Result<(), FileError> {
        self.write(data, false, Overwrite::Refuse)
    }

    fn write(&self, data: &Path, begun: bool, overwrite: Overwrite) -> Result<(), FileError> {
        let content = Content {
            format: FORMAT,
            incarnation: to_hex(&self.0),
            begun,
        };
        let mut json =
            serde_json::to_vec_pretty(&content).expect("a number, a text and a truth value");
        json.push(b'\n');
        file::write(&data.join(FILE), &json, 0o600, 0o700, overwrite)
    }
}

/// What is in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    format: u32,
    incarnation: String,
    begun: bool,
}

/// Why there is no incarnation to be read.
#[derive(Debug, Error)]
pub enum IncarnationError {
    /// The file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It holds something else.
    #[error("{} holds no incarnation", .0.display())]
    Malformed(PathBuf),
}

/// The incarnation of a data directory as its file tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncarnationRecord {
    /// The directory's number.
    pub incarnation: Incarnation,
    /// Whether a node ever started there: then its stream must be there, too.
    pub begun: bool,
}

impl IncarnationRecord {
    /// Reads that of a data directory.
    ///
    /// # Errors
    /// [`IncarnationError`], with [`FileError::NotFound`] if the directory was never made or is lost.
    pub fn load(data: &Path) -> Result<Self, IncarnationError> {
        let path = data.join(FILE);
        let bytes = file::read(&path, &file::open(&path)?, MAX_BYTES)?;
        Self::parse(&bytes).ok_or(IncarnationError::Malformed(path))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        // The derived reader would take an array as well.
        if first != Some(&b'{') {
            return None;
        }
        let content: Content = serde_json::from_slice(bytes).ok()?;
        if content.format != FORMAT {
            return None;
        }
        Some(Self {
            incarnation: Incarnation(from_hex(&content.incarnation)?),
            begun: content.begun,
        })
    }

    /// Notes, durably, that a node started there and its stream is there. Before that the node must
    /// promise nothing.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn begin(&mut self, data: &Path) -> Result<(), FileError> {
        if !self.begun {
            self.incarnation.write(data, true, Overwrite::Replace)?;
            self.begun = true;
        }
        Ok(())
    }
}

/// The hash of an [`Incarnation`], as genesis lists it; 64 hexadecimal digits as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IncarnationHash([u8; 32]);

impl IncarnationHash {
    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for IncarnationHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&to_hex(&self.0))
    }
}

/// A text that is no incarnation's hash.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("an incarnation is written as 64 hexadecimal digits")]
pub struct NoIncarnationHash;

impl FromStr for IncarnationHash {
    type Err = NoIncarnationHash;

    fn from_str(text: &str) -> Result<Self, NoIncarnationHash> {
        from_hex(text).map(Self).ok_or(NoIncarnationHash)
    }
}

impl Serialize for IncarnationHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IncarnationHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_directory_has_one_incarnation_and_remembers_its_beginning() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        let missing = IncarnationRecord::load(&data);
        assert!(matches!(
            missing,
            Err(IncarnationError::File(FileError::NotFound(_)))
        ));
        let incarnation = Incarnation::generate().unwrap();
        incarnation.create(&data).unwrap();
        let again = Incarnation::generate().unwrap();
        assert!(matches!(again.create(&data), Err(FileError::Exists(_))));
        assert_ne!(again.hash(), incarnation.hash());
        let mut record = IncarnationRecord::load(&data).unwrap();
        assert_eq!(record.incarnation, incarnation);
        assert!(!record.begun);
        record.begin(&data).unwrap();
        let record = IncarnationRecord::load(&data).unwrap();
        assert!(record.begun);
        assert_eq!(record.incarnation.hash(), incarnation.hash());
    }

    #[test]
    fn anything_else_in_the_file_is_refused() {
        let root = tempfile::tempdir().unwrap();
        Incarnation::from_seed("n0").create(root.path()).unwrap();
        let path = root.path().join(FILE);
        let good = fs::read_to_string(&path).unwrap();
        let cases = [
            String::new(),
            good.replace("\"format\": 1", "\"format\": 2"),
            good.replacen('}', ",\"more\": 1}", 1),
            format!("[1, \"{}\", true]", "0".repeat(64)),
            good.replacen("\": \"", "\": \"0", 1),
        ];
        for case in cases {
            fs::write(&path, &case).unwrap();
            let refused = IncarnationRecord::load(root.path());
            assert!(
                matches!(refused, Err(IncarnationError::Malformed(_))),
                "{case}"
            );
        }
        fs::write(&path, " ".repeat(2000)).unwrap();
        assert!(IncarnationRecord::load(root.path()).is_err());
    }

    #[test]
    fn a_hash_is_read_as_it_is_printed() {
        let hash = Incarnation::from_seed("n0").hash();
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!("n0".parse::<IncarnationHash>(), Err(NoIncarnationHash));
    }
}
