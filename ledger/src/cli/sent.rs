//! What was sent from here: enough to say later that a transaction which nobody knows has expired,
//! and to send it once more.

use std::{fs, io, path::PathBuf};

use consensus::Hash;
use serde::{Deserialize, Serialize};

use super::setup::Common;
use crate::hexadecimal::HexBytes;

/// Most bytes of a note that are read: the largest transaction in hexadecimal, and room.
const LIMIT: u64 = 256 * 1024;

/// A note about a transaction, written before it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The network's id.
    pub network: String,
    /// The words of the command that repeats it safely, if it was made under a reference.
    pub repeat: Vec<String>,
    /// The signed transaction in hexadecimal: to send it again is safe.
    pub payload: HexBytes,
    /// The last index at which it may execute.
    pub valid_until: u64,
}

fn folder(common: &Common) -> PathBuf {
    common.directory().join("sent")
}

fn file(common: &Common, id: &Hash) -> PathBuf {
    folder(common).join(format!("{id}.json"))
}

impl Sent {
    /// Keeps the note. It only helps to explain things later, so a failure is no reason to stop.
    pub fn store(&self, common: &Common, id: &Hash) {
        let json = serde_json::to_string(self).expect("a note holds plain values");
        let written = fs::create_dir_all(folder(common))
            .and_then(|()| fs::write(file(common, id), json.as_bytes()));
        if let Err(error) = written {
            tracing::debug!(%error, "no note was kept of what is sent");
        }
    }

    /// The note about a transaction, if one is here.
    pub fn load(common: &Common, id: &Hash) -> Option<Self> {
        let mut text = String::new();
        let file = fs::File::open(file(common, id)).ok()?;
        io::Read::read_to_string(&mut io::Read::take(file, LIMIT), &mut text).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Forgets a transaction whose outcome is known.
    pub fn forget(common: &Common, id: &Hash) {
        // It may never have been kept, and the folder may hold others.
        let _ = fs::remove_file(file(common, id));
        let _ = fs::remove_dir(folder(common));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_kept_until_it_is_forgotten() {
        let root = tempfile::tempdir().unwrap();
        let common = Common {
            data: Some(root.path().to_owned()),
            ..Common::default()
        };
        let (id, other) = (Hash([7; 32]), Hash([8; 32]));
        let note = Sent {
            network: "aa".to_owned(),
            repeat: vec!["transfer".to_owned()],
            payload: HexBytes(vec![0xab]),
            valid_until: 9,
        };
        note.store(&common, &id);
        assert_eq!(Sent::load(&common, &id), Some(note));
        assert_eq!(Sent::load(&common, &other), None);
        Sent::forget(&common, &id);
        assert_eq!(Sent::load(&common, &id), None);
    }
}
