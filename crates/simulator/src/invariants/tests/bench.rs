//! Shows an oracle what nodes do.

use std::sync::Arc;

use consensus::{
    ClientChecks, Configuration, Domain, Entry, EntryHeader, EntryKind, Hash, Message, Mode,
    NodeId, Notice, Point, Record, Signature, Signed, SignedHeader, Term, Time, Verification,
    VoteState,
    event::Recipient,
    merkle,
    message::{Applied, Vote},
};

use crate::{
    durable::Durable,
    oracle::{Observation, Oracle},
    payload::{Payment, PaymentSeal},
    random::Random,
    signing::{Keys, Signatures},
};

pub struct Bench {
    pub keys: Keys,
    pub configuration: Arc<Configuration>,
    pub verification: Verification,
    pub seal: PaymentSeal,
    pub oracle: Oracle,
}

pub const A: NodeId = NodeId(0);
pub const B: NodeId = NodeId(1);
/// The only node that is not correct.
pub const TRAITOR: NodeId = NodeId(3);

impl Bench {
    pub fn new(mode: Mode) -> Self {
        let keys = Keys::generate(Signatures::StandIn, 4, &mut Random::new(1));
        let domain = Domain {
            network: Hash([4; 32]),
            mode,
        };
        let configuration = Arc::new(
            Configuration::genesis(domain, keys.public.clone(), ClientChecks::default_of(mode))
                .unwrap(),
        );
        let seal = PaymentSeal::new(8);
        let verification = Verification::new(
            Arc::clone(&configuration),
            Arc::clone(&keys.verifier),
            Arc::new(seal),
        );
        Self {
            oracle: Oracle::new(verification.clone(), vec![true, true, true, false]),
            keys,
            configuration,
            verification,
            seal,
        }
    }

    pub fn state(&self) -> VoteState {
        VoteState::new(&self.configuration)
    }

    /// An entry of term 0 by its leader, with payments that nobody must have asked for.
    pub fn entry(&self, previous: Point, payments: &[Arc<[u8]>], timestamp: u64) -> Arc<Entry> {
        self.entry_of(Term(0), previous, payments, timestamp)
    }

    pub fn entry_of(
        &self,
        term: Term,
        previous: Point,
        payments: &[Arc<[u8]>],
        timestamp: u64,
    ) -> Arc<Entry> {
        let author = self.configuration.leader(term);
        let header = EntryHeader {
            kind: EntryKind::Transactions,
            epoch: self.configuration.epoch(),
            term,
            index: previous.index.next(),
            author,
            previous: previous.hash,
            body_root: merkle::root(payments),
            count: u32::try_from(payments.len()).unwrap(),
            timestamp,
        };
        let hash = header.hash(&self.configuration);
        let digest = EntryHeader::signing_digest(&self.configuration, header.epoch, &hash);
        let signature = match self.configuration.mode().signs() {
            true => self.keys.signers[author.position()].sign(&digest),
            false => Signature::NONE,
        };
        let signed = SignedHeader { header, signature };
        let mut entries = [Arc::new(Entry::new(
            &self.configuration,
            signed,
            payments.to_vec(),
        ))];
        // Notes the requests, where they are valid.
        let _ = self.verification.entries(&mut entries);
        let [entry] = entries;
        entry
    }

    pub fn payment(&self, nonce: u64) -> Arc<[u8]> {
        self.seal.seal(&Payment {
            from: 1,
            nonce,
            to: 2,
            amount: 3,
        })
    }

    pub fn see(&mut self, node: NodeId, observation: Observation<'_>) {
        self.oracle.observe(Time(1), node, observation);
    }

    pub fn write(&mut self, node: NodeId, records: &[Record]) {
        let vote_state = self.state();
        self.see(
            node,
            Observation::Wrote {
                vote_state: &vote_state,
                records,
            },
        );
    }

    pub fn write_entry(&mut self, node: NodeId, entry: &Arc<Entry>) {
        self.write(node, &[Record::Entry(Arc::clone(entry))]);
    }

    pub fn apply(&mut self, node: NodeId, entry: &Entry, digest: u8) {
        let applied = Applied {
            index: entry.index(),
            digest: Hash([digest; 32]),
        };
        self.see(node, Observation::Applied { entry, applied });
    }

    pub fn notice(&mut self, node: NodeId, notice: &Notice) {
        self.see(node, Observation::Notice(notice));
    }

    pub fn send(&mut self, node: NodeId, to: Recipient, message: &Message, durable: &Durable) {
        self.see(
            node,
            Observation::Sent {
                to,
                message,
                durable,
            },
        );
    }

    pub fn vote(&self, node: NodeId, term: Term, accepted: Point) -> Message {
        Message::from(Signed::new(
            &self.configuration,
            node,
            &*self.keys.signers[node.position()],
            Vote {
                epoch: self.configuration.epoch(),
                term,
                accepted: Some(accepted),
                locked: None,
                applied: None,
            },
        ))
    }

    /// The name of the invariant that was broken.
    pub fn broken(&self) -> Option<&'static str> {
        self.oracle.violation().map(|violation| violation.invariant)
    }

    pub fn fine(&self) {
        assert_eq!(self.oracle.violation(), None);
    }
}

pub fn byzantine() -> (Bench, Arc<Entry>, Arc<Entry>) {
    let bench = Bench::new(Mode::Byzantine);
    let opening = bench.configuration.opening();
    let one = bench.entry(opening, &[bench.payment(0)], 1);
    let other = bench.entry(opening, &[bench.payment(1)], 1);
    (bench, one, other)
}
