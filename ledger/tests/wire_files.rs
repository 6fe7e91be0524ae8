//! The files of `docs/wire.md` that people exchange, as test vectors: genesis, keys, receipts and
//! evidence.
//!
//! `cargo test -p ledger --test wire_files -- --ignored regenerate` writes the vectors anew. They
//! change only together with the version of the format.

mod common;
mod support;

use std::{
    fs,
    path::{Path, PathBuf},
};

use common::{
    Network, key,
    vectors::{network, receipt},
};
use consensus::{Evidence, Hash, Term, encoding::Canonical, message::Applied};
use keys::{Genesis, KeyPair, Mode, Passphrase, PassphraseSource, to_hex};
use ledger::Receipt;
use serde_json::{Value, json};

const PASSPHRASE: &str = "correct horse battery staple";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/wire/files.json")
}

fn receipts() -> Vec<Value> {
    let genesis = |network: &Network| network.genesis.to_json().unwrap();
    let vector = |name: &str, what: &str, shows: &str, network: &Network, receipt: Receipt| {
        json!({
            "name": name,
            "what": what,
            "layout": "receipt file",
            "shows": shows,
            "genesis": genesis(network),
            "text": receipt.to_json(),
        })
    };
    let byzantine = network(Mode::Byzantine, 4);
    let signed = network(Mode::RaftSigned, 4);
    let raft = network(Mode::Raft, 3);
    vec![
        vector(
            "applied",
            "headers between, two results roots, votes of two entries",
            "applied",
            &byzantine,
            receipt(&byzantine, 0, true),
        ),
        vector(
            "rejected",
            "the payer had too little",
            "rejected",
            &byzantine,
            receipt(&byzantine, 1, true),
        ),
        vector(
            "without result",
            "it proves the place alone",
            "unproven",
            &byzantine,
            receipt(&byzantine, 2, false),
        ),
        vector(
            "acknowledged",
            "the leader and two followers, who hold different entries",
            "unproven",
            &signed,
            receipt(&signed, 0, true),
        ),
        vector(
            "inclusion only",
            "in mode raft nobody signs anything",
            "unproven",
            &raft,
            receipt(&raft, 0, true),
        ),
    ]
}

/// Validator 3 claims two results for entry 3.
fn two_results(network: &Network) -> Evidence {
    let point = network.entries[2].point();
    let claim = |digest| {
        let applied = Applied {
            index: network.entries[2].index(),
            digest,
        };
        network.vote(3, Term(0), point, applied)
    };
    Evidence {
        epoch: consensus::Epoch::ZERO,
        offence: consensus::evidence::Offence::TwoResults {
            first: claim(network.applied[2].digest),
            second: claim(Hash([7; 32])),
        },
    }
}

fn evidence() -> Value {
    let network = network(Mode::Byzantine, 4);
    let evidence = two_results(&network);
    let file = json!({
        "format": 1,
        "network": to_hex(&network.genesis.id()),
        "evidence": to_hex(&evidence.to_bytes()),
    });
    json!({
        "name": "two results",
        "what": "validator 3 claimed two results for entry 3",
        "layout": "evidence file",
        "genesis": network.genesis.to_json().unwrap(),
        "text": format!("{file:#}\n"),
        "id": node::evidence_id(&evidence).to_string(),
        "accused": "n3",
    })
}

fn genesis() -> Vec<Value> {
    let vector = |name: &str, what: &str, genesis: &Genesis| {
        json!({
            "name": name,
            "what": what,
            "layout": "genesis file",
            "text": genesis.to_json().unwrap(),
            "network id": to_hex(&genesis.id()),
        })
    };
    let members = support::genesis("members", Mode::Byzantine, &support::placeholders(4));
    vec![
        vector("members", "with readers, for members", &members),
        vector(
            "anybody",
            "two assets, for anybody",
            &common::genesis_of(Mode::RaftSigned, 5),
        ),
    ]
}

/// What the file of a key says in public.
fn key_vector(name: &str, what: &str, key: &KeyPair, text: &str) -> Value {
    json!({
        "name": name,
        "what": what,
        "layout": "key file",
        "text": text,
        "public key": key.public_key().to_string(),
        "address": key.public_key().address().to_string(),
    })
}

fn plain_key() -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    let key = key("alice");
    key.write_pem(&file, keys::Overwrite::Refuse).unwrap();
    key_vector(
        "plain key",
        "as it is written",
        &key,
        &fs::read_to_string(file).unwrap(),
    )
}

/// The salt is drawn, so no two files are the same: this one is kept.
fn locked_key() -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    let key = key("alice");
    let passphrase = Passphrase::new(PASSPHRASE.to_owned()).unwrap();
    key.write_locked_pem(&file, &passphrase, keys::Overwrite::Refuse)
        .unwrap();
    let mut vector = key_vector(
        "locked key",
        "under a passphrase",
        &key,
        &fs::read_to_string(file).unwrap(),
    );
    vector["passphrase"] = PASSPHRASE.into();
    vector
}

fn made(locked_key: Value) -> Value {
    let mut vectors = genesis();
    vectors.extend([plain_key(), locked_key]);
    vectors.extend(receipts());
    vectors.push(evidence());
    Value::Array(vectors)
}

fn stored() -> Vec<Value> {
    let vectors: Value = serde_json::from_slice(&fs::read(path()).unwrap()).unwrap();
    vectors.as_array().unwrap().clone()
}

fn stored_of(layout: &str) -> Vec<Value> {
    let mut vectors = stored();
    vectors.retain(|vector| vector["layout"] == layout);
    assert!(!vectors.is_empty(), "{layout}");
    vectors
}

#[test]
#[ignore = "writes the vectors anew"]
fn regenerate() {
    let mut text = serde_json::to_string_pretty(&made(locked_key())).unwrap();
    text.push('\n');
    fs::write(path(), text).unwrap();
}

#[test]
fn the_code_makes_every_vector_byte_for_byte() {
    let stored = stored();
    let locked = stored.iter().find(|vector| vector["name"] == "locked key");
    assert_eq!(Value::Array(stored.clone()), made(locked.unwrap().clone()));
}

#[test]
fn key_files_are_read() {
    let source = PassphraseSource::Known(Passphrase::new(PASSPHRASE.to_owned()).unwrap());
    for vector in stored_of("key file") {
        let text = vector["text"].as_str().unwrap();
        let key = KeyPair::from_pem(Path::new("key.pem"), text.as_bytes(), &source).unwrap();
        assert_eq!(key.public_key().to_string(), vector["public key"]);
    }
}

/// The command says of every receipt and every evidence what the vector says.
#[test]
fn the_command_judges_files_as_the_vectors_say() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &Value| {
        fs::write(folder.path().join(name), text.as_str().unwrap()).unwrap();
    };
    for vector in stored_of("receipt file") {
        write("genesis.json", &vector["genesis"]);
        write("receipt.json", &vector["text"]);
        let run = support::run(folder.path(), "receipt verify ~/receipt.json --json");
        let code = match vector["shows"].as_str() {
            Some("applied") => 0,
            Some("rejected") => 4,
            _ => 8,
        };
        let judged = run.ends(code).json();
        assert_eq!(judged["valid"], true, "{}", vector["name"]);
        assert_eq!(judged["shown"], vector["shows"], "{}", vector["name"]);
    }
    for vector in stored_of("evidence file") {
        write("genesis.json", &vector["genesis"]);
        write("evidence.json", &vector["text"]);
        let run = support::run(folder.path(), "evidence verify ~/evidence.json --json");
        let shown = run.ends(0).json();
        assert_eq!(shown["id"], vector["id"]);
        assert_eq!(shown["accused"], vector["accused"]);
    }
}
