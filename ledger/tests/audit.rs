//! Data directories of nodes, audited offline (P7.3).

use std::{path::Path, sync::Arc};

use consensus::{
    Configuration, Entry, EntryHeader, EntryKind, Epoch, Evidence, Index, NodeId, Record, Signed,
    SignedHeader, Signer, Term, VoteState,
    certificate::{Counted, QuorumCertificate},
    encoding::Canonical,
    merkle,
    message::{Applied, TermRecord, Vote},
};
use keys::{Genesis, KeyPair};
use ledger::{
    Ledger,
    audit::{Audit, AuditError, Problem, Unreadable, audit, audit_telling},
};
use storage::{Batch, DirectoryDisk, Identity, Options, Storage};

mod support;

struct Network {
    keys: Vec<KeyPair>,
    genesis: Genesis,
    configuration: Configuration,
}

impl Network {
    fn new() -> Self {
        let keys = (0..4).map(|number| KeyPair::from_seed(&format!("n{number}")));
        let address = |port| std::net::SocketAddr::from(([127, 0, 0, 1], port));
        let addresses: Vec<_> = (1..=4).map(address).collect();
        let genesis = support::genesis("audit", keys::Mode::Byzantine, &addresses);
        let keys: Vec<KeyPair> = keys.collect();
        let configuration = node::configuration(&genesis, None).unwrap();
        Self {
            keys,
            genesis,
            configuration,
        }
    }

    /// The first entry of term 0, made by its leader at a time of its choice.
    fn entry(&self, timestamp: u64) -> Arc<Entry> {
        let opening = self.configuration.opening();
        let payloads: Vec<Arc<[u8]>> = vec![Arc::from(TermRecord::default().to_bytes())];
        let header = EntryHeader {
            kind: EntryKind::TermRecord,
            epoch: Epoch::ZERO,
            term: Term::ZERO,
            index: Index(1),
            author: NodeId(0),
            previous: opening.hash,
            body_root: merkle::root(&payloads),
            count: 1,
            timestamp,
        };
        let hash = header.hash(&self.configuration);
        let digest = EntryHeader::signing_digest(&self.configuration, Epoch::ZERO, &hash);
        let signature = self.keys[0].signing_key().sign(&digest);
        let signed = SignedHeader { header, signature };
        Arc::new(Entry::new(&self.configuration, signed, payloads))
    }

    /// A commit certificate by three nodes, which claim these results.
    fn commit(
        &self,
        entry: &Entry,
        voters: [u16; 3],
        applied: Option<Applied>,
    ) -> QuorumCertificate {
        let vote = |voter: u16| {
            let vote = Vote {
                epoch: Epoch::ZERO,
                term: Term::ZERO,
                accepted: Some(entry.point()),
                locked: None,
                applied,
            };
            let key = self.keys[usize::from(voter)].signing_key();
            Signed::new(&self.configuration, NodeId(voter), key, vote)
        };
        QuorumCertificate {
            counted: Counted::Accepted,
            header: entry.header().clone(),
            following: Vec::new(),
            votes: voters.map(vote).into(),
        }
    }

    fn store(&self, folder: &Path, node: usize, records: &[Record]) {
        let disk = Arc::new(DirectoryDisk::new(folder.join("data")).unwrap());
        let identity = Identity {
            network: self.genesis.id(),
            node: *self.keys[node].public_key().as_bytes(),
        };
        let (mut storage, _) = Storage::open(disk, identity, Options::default(), |_| {}).unwrap();
        let encoded: Vec<_> = records.iter().map(Record::to_bytes).collect();
        let stored: Vec<_> = encoded
            .iter()
            .map(|(kind, bytes)| storage::Record { kind: *kind, bytes })
            .collect();
        let vote_state = VoteState::new(&self.configuration).to_bytes();
        let batch = Batch {
            vote_state: &vote_state,
            records: &stored,
        };
        storage.append(&batch).unwrap();
        storage.sync().unwrap();
    }

    fn audit(&self, folders: &[&Path]) -> Audit {
        let folders: Vec<_> = folders.iter().map(|folder| folder.to_path_buf()).collect();
        audit(&self.genesis, &self.configuration, &folders).unwrap()
    }
}

#[test]
fn two_ledgers_that_agree_and_two_that_part() {
    let network = Network::new();
    let root = tempfile::tempdir().unwrap();
    let folder = |name: &str| root.path().join(name);
    let (one, other) = (network.entry(1), network.entry(2));
    let entry = |entry: &Arc<Entry>| Record::Entry(Arc::clone(entry));
    let commit = |entry, voters| Record::Commit(network.commit(entry, voters, None));
    network.store(&folder("a"), 2, &[entry(&one), commit(&one, [0, 1, 2])]);
    network.store(&folder("b"), 3, &[entry(&other), commit(&other, [0, 1, 3])]);
    network.store(&folder("c"), 1, &[entry(&one), commit(&one, [0, 1, 2])]);

    let agreeing = network.audit(&[&folder("a"), &folder("c")]);
    assert!(agreeing.holds());
    assert_eq!(agreeing.agreed, Index(1));

    let parting = network.audit(&[&folder("c"), &folder("a"), &folder("b")]);
    assert!(!parting.holds());
    assert!(parting.inspected.iter().all(|one| one.problem.is_none()));
    assert_eq!(parting.agreed, Index(0));
    let parting = parting.parting.unwrap();
    assert_eq!((parting.index, parting.between), (Index(1), (0, 2)));
    let culprits: Vec<NodeId> = parting.culprits().into_iter().collect();
    assert_eq!(culprits, [NodeId(0), NodeId(1)]);
    let offences: Vec<&str> = parting.evidence.iter().map(Evidence::name).collect();
    assert_eq!(offences, ["equivocation", "forked-votes", "forked-votes"]);
}

#[test]
fn what_is_wrong_with_a_ledger_is_said() {
    let network = Network::new();
    let root = tempfile::tempdir().unwrap();
    let one = network.entry(1);
    let mut ledger = Ledger::new(&network.genesis, &network.configuration);
    ledger.apply(&one);
    let results = ledger.applied();
    let mut wrong = results;
    wrong.digest.0[0] ^= 1;
    let mut forged = network.commit(&one, [0, 1, 2], None);
    forged.votes[1].signature.0[5] ^= 1;
    let entry = Record::Entry(Arc::clone(&one));
    let commit = |applied| Record::Commit(network.commit(&one, [0, 1, 2], applied));
    let mut body = (*one).clone();
    body.payloads = vec![Arc::from(&b"other"[..])];
    let cases = [
        ("sound", vec![entry.clone(), commit(Some(results))], None),
        (
            "results",
            vec![entry.clone(), commit(Some(wrong))],
            Some(Problem::Results(Index(1))),
        ),
        (
            "other",
            vec![Record::Entry(network.entry(3)), commit(None)],
            Some(Problem::OtherEntry(Index(1))),
        ),
    ];
    for (name, records, expected) in cases {
        let folder = root.path().join(name);
        network.store(&folder, 2, &records);
        let audit = network.audit(&[&folder]);
        assert_eq!(audit.inspected[0].problem, expected, "{name}");
        assert_eq!(audit.holds(), expected.is_none(), "{name}");
    }
    let folder = root.path().join("forged");
    network.store(&folder, 2, &[entry.clone(), Record::Commit(forged)]);
    let problem = network.audit(&[&folder]).inspected[0].problem.clone();
    assert!(matches!(problem, Some(Problem::Certificate(Index(1), _))));
    let folder = root.path().join("body");
    network.store(&folder, 2, &[Record::Entry(Arc::new(body)), commit(None)]);
    let problem = network.audit(&[&folder]).inspected[0].problem.clone();
    assert!(matches!(problem, Some(Problem::Invalid(Index(1), _))));
}

/// A folder that is read is left as it was.
#[test]
fn an_audit_writes_nothing() {
    let network = Network::new();
    let root = tempfile::tempdir().unwrap();
    let one = network.entry(1);
    let records = [
        Record::Entry(Arc::clone(&one)),
        Record::Commit(network.commit(&one, [0, 1, 2], None)),
    ];
    network.store(root.path(), 2, &records);
    // Nor is a lock made where there is none, as on a file system that nobody can write to.
    std::fs::remove_file(root.path().join("data/lock")).unwrap();
    let contents = || {
        let files = std::fs::read_dir(root.path().join("data")).unwrap();
        let mut files: Vec<_> = files
            .map(|file| {
                let path = file.unwrap().path();
                (path.clone(), std::fs::read(&path).unwrap())
            })
            .collect();
        files.sort();
        files
    };
    let before = contents();
    let mut told = Vec::new();
    let folders = [root.path().to_owned()];
    let found = audit_telling(
        &network.genesis,
        &network.configuration,
        &folders,
        &mut |_, percent| told.push(percent),
    );
    assert!(found.unwrap().holds());
    assert!(told.is_sorted() && told.last() <= Some(&100), "{told:?}");
    assert!(!told.is_empty());
    assert!(before == contents());
    let absent = root.path().join("absent");
    assert!(
        audit(
            &network.genesis,
            &network.configuration,
            std::slice::from_ref(&absent)
        )
        .is_err()
    );
    assert!(!absent.exists());
}

/// Where nothing is, nothing holds.
#[test]
fn an_empty_folder_is_no_ledger_that_holds() {
    let network = Network::new();
    let root = tempfile::tempdir().unwrap();
    let refused = audit(
        &network.genesis,
        &network.configuration,
        &[root.path().to_owned()],
    );
    let empty = matches!(
        refused,
        Err(AuditError::Unreadable(Unreadable::Empty(ref path))) if *path == root.path().display().to_string()
    );
    assert!(empty, "{refused:?}");
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
fn entries_that_nothing_shows_to_be_committed_are_counted_apart() {
    let network = Network::new();
    let root = tempfile::tempdir().unwrap();
    let one = network.entry(1);
    network.store(root.path(), 2, &[Record::Entry(one)]);
    let audit = network.audit(&[root.path()]);
    assert!(audit.holds());
    let inspected = &audit.inspected[0];
    assert_eq!((inspected.hashes.len(), inspected.undecided), (0, 1));
}
