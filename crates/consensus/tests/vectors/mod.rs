//! The test vectors of `docs/wire.md`: what they are made of, how they are named, how they are
//! read back.

mod evidence;
mod messages;
mod network;
mod raft;
mod scenes;
mod statements;

use consensus::{
    Configuration, Entry, EntryHeader, Evidence, Message, Mode, SignedHeader,
    certificate::{ElectionCertificate, LeaveCertificate, QuorumCertificate},
    encoding::{Canonical, DecodeError, Reader, Writer},
    message::TermRecord,
};

use crate::flat_json::{Object, to_hex};
pub use network::Network;

/// One file of vectors.
pub struct File {
    pub name: &'static str,
    pub objects: Vec<Object>,
}

/// Every file, made anew by the code under test.
pub fn files() -> Vec<File> {
    let file = |name, objects| File { name, objects };
    vec![
        file("keys.json", network::keys()),
        file("hashes.json", statements::hashes()),
        file("entries.json", statements::entries()),
        file("certificates.json", statements::certificates()),
        file("messages.json", messages::messages()),
        file("raft-messages.json", raft::raft_messages()),
        file("evidence.json", evidence::evidence()),
    ]
}

/// Where a file lies.
pub fn path(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/wire")
        .join(name)
}

/// Collects the fields of a vector.
struct Fields(Vec<(String, String)>);

impl Fields {
    fn new(name: &str, what: &str) -> Self {
        Self(Vec::new()).text("name", name).text("what", what)
    }

    fn text(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    fn hex(self, name: &str, value: &[u8]) -> Self {
        self.text(name, &to_hex(value))
    }

    fn object(self) -> Object {
        Object(self.0)
    }
}

/// The network that a vector was made in.
pub fn network_of(vector: &Object) -> Network {
    let mode = vector.get("mode").parse::<Mode>();
    Network::new(mode.expect("vectors name their mode"))
}

/// Reads bytes as the layout of that name and writes them again.
pub fn recode(
    configuration: &Configuration,
    layout: &str,
    bytes: &[u8],
) -> Result<Vec<u8>, DecodeError> {
    fn canonical<T: Canonical>(bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
        T::from_bytes(bytes).map(|value| value.to_bytes())
    }
    match layout {
        "message" => Message::from_bytes(configuration, bytes).map(|message| message.to_bytes()),
        "entry" => {
            let mut reader = Reader::new(bytes);
            let entry = Entry::decode(configuration, &mut reader)?;
            reader.finish()?;
            let mut writer = Writer::default();
            entry.encode(&mut writer);
            Ok(writer.into_bytes())
        }
        "entry header" => canonical::<EntryHeader>(bytes),
        "signed header" => canonical::<SignedHeader>(bytes),
        "term record" => canonical::<TermRecord>(bytes),
        "quorum certificate" => canonical::<QuorumCertificate>(bytes),
        "election certificate" => canonical::<ElectionCertificate>(bytes),
        "leave certificate" => canonical::<LeaveCertificate>(bytes),
        "evidence" => canonical::<Evidence>(bytes),
        other => panic!("unknown layout {other}"),
    }
}
