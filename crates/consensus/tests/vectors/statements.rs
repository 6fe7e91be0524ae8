//! Vectors of hashes, entries and certificates.

use consensus::{
    Entry, EntryHeader, Mode,
    encoding::{Canonical, Writer},
    hashing::tagged_hash,
    merkle,
};

use super::{Fields, Network, raft::RaftScene, scenes::Scene};
use crate::flat_json::Object;

/// A vector of a layout that is not signed as a whole.
pub fn canonical<T: Canonical>(name: &str, what: &str, layout: &str, value: &T) -> Object {
    Fields::new(name, what)
        .text("mode", Mode::Byzantine.as_str())
        .text("layout", layout)
        .hex("bytes", &value.to_bytes())
        .object()
}

fn entry(network: &Network, name: &str, what: &str, entry: &Entry) -> Object {
    let configuration = &network.configuration;
    let hash = entry.point().hash;
    let mut writer = Writer::default();
    entry.encode(&mut writer);
    let mut fields = Fields::new(name, what)
        .text("mode", configuration.mode().as_str())
        .text("layout", "entry")
        .text("author", &entry.header().author.0.to_string())
        .hex("header", &entry.header().to_bytes())
        .hex("hash", &hash.0);
    if configuration.mode().signs() {
        let digest = EntryHeader::signing_digest(configuration, entry.header().epoch, &hash);
        fields = fields
            .hex("digest", &digest.0)
            .hex("signature", &entry.signed.signature.0);
    }
    fields.hex("bytes", &writer.into_bytes()).object()
}

pub fn hashes() -> Vec<Object> {
    let mut vectors = Vec::new();
    for mode in Mode::ALL {
        let configuration = Network::new(mode).configuration;
        let name = format!("opening of {mode}");
        let what = "hash of the point that term 0 builds on: tagged hash of network id and mode";
        let opening = Fields::new(&name, what)
            .text("tag", "hawser/v1/opening")
            .hex("hash", &configuration.opening().hash.0);
        let name = format!("digest in {mode}");
        let digest = Fields::new(&name, "digest of a body in epoch 0")
            .text("tag", "hawser/v1/vote")
            .hex("body", b"body")
            .hex("hash", &configuration.digest("hawser/v1/vote", b"body").0);
        vectors.extend([opening.object(), digest.object()]);
    }
    let in_parts = tagged_hash("hawser/v1/reports", &[b"ab", b"c"]);
    vectors.push(
        Fields::new("tagged hash", "of three bytes, in however many parts")
            .text("tag", "hawser/v1/reports")
            .hex("body", b"abc")
            .hex("hash", &in_parts.0)
            .object(),
    );
    for count in 0..=5 {
        let items: Vec<Vec<u8>> = (0..count)
            .map(|position: u8| vec![position; usize::from(position)])
            .collect();
        let name = format!("tree of {count}");
        let what = "item p is p bytes of value p; the path is that of the last item";
        let mut fields = Fields::new(&name, what);
        for (position, item) in items.iter().enumerate() {
            fields = fields.hex(&format!("item {position}"), item);
        }
        let path = items.len().checked_sub(1);
        let path = path.and_then(|last| merkle::path(&items, last));
        for (position, hash) in path.unwrap_or_default().iter().enumerate() {
            fields = fields.hex(&format!("path {position}"), &hash.0);
        }
        vectors.push(fields.hex("root", &merkle::root(&items).0).object());
    }
    vectors
}

pub fn entries() -> Vec<Object> {
    let scene = Scene::new();
    let network = &scene.network;
    let raft = RaftScene::new(Mode::Raft);
    let signed = RaftScene::new(Mode::RaftSigned);
    vec![
        canonical(
            "header",
            "of three transactions",
            "entry header",
            scene.three.header(),
        ),
        canonical(
            "signed header",
            "the same, as reports show it",
            "signed header",
            &scene.three.signed,
        ),
        entry(
            network,
            "first term record",
            "of term 0: neither certificate nor reports",
            &scene.opening_record,
        ),
        entry(
            network,
            "transactions",
            "three payloads of one, two and three bytes",
            &scene.three,
        ),
        canonical(
            "term record",
            "payload of the entry below",
            "term record",
            &scene.term_record(),
        ),
        entry(
            network,
            "second term record",
            "of term 1: election certificate and three reports",
            &scene.second_record(),
        ),
        entry(
            &raft.network,
            "term record of raft",
            "no payloads, no signature",
            &raft.record,
        ),
        entry(
            &signed.network,
            "transactions of raft-signed",
            "two payloads",
            &signed.two,
        ),
    ]
}

pub fn certificates() -> Vec<Object> {
    let scene = Scene::new();
    let quorum = "quorum certificate";
    vec![
        canonical(
            "accepted",
            "three votes accepted index 2 or 3",
            quorum,
            &scene.accepted(),
        ),
        canonical(
            "locked",
            "three votes locked index 2",
            quorum,
            &scene.locked(),
        ),
        canonical(
            "election",
            "three grants of term 1",
            "election certificate",
            &scene.election(),
        ),
        canonical(
            "leave",
            "three suspicions of term 0",
            "leave certificate",
            &scene.leave(),
        ),
    ]
}
