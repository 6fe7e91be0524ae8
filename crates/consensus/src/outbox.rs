//! Outputs in the making: what a replica shares whatever its mode.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    configuration::Configuration,
    entry::{Entry, EntryHeader, EntryKind, SignedHeader},
    event::{Output, Recipient, WriteId},
    merkle,
    message::Message,
    record::{Record, VoteState},
    request::RequestKey,
    signature::{Signature, Signer},
    signed::{Body, Signed},
    timers::Timers,
    types::{NodeId, Now, Point, Term},
};

/// What every replica needs to know from the start.
#[derive(Clone)]
pub struct Setup {
    /// The validators.
    pub configuration: Arc<Configuration>,
    /// Which of them this is.
    pub me: NodeId,
    /// Its key.
    pub signer: Arc<dyn Signer>,
    /// The timers.
    pub timers: Timers,
    /// Seeds what is random in a replica: Raft's election timeouts. The same seed and events give
    /// the same outputs.
    pub seed: u64,
}

/// Outputs in the making, with what is needed to sign and to number them.
pub(crate) struct Outbox {
    pub(crate) setup: Setup,
    outputs: VecDeque<Output>,
    last_write: WriteId,
    records: Vec<Record>,
    vote_state_changed: bool,
}

impl Outbox {
    pub(crate) fn new(setup: Setup) -> Self {
        Self {
            setup,
            outputs: VecDeque::new(),
            last_write: WriteId(0),
            records: Vec::new(),
            vote_state_changed: false,
        }
    }

    /// Adds a record to the write in the making.
    pub(crate) fn record(&mut self, record: Record) {
        self.records.push(record);
    }

    /// Notes that the vote state is no longer the stored one.
    pub(crate) const fn vote_state_changed(&mut self) {
        self.vote_state_changed = true;
    }

    /// Ends the write in the making, if it holds anything, and returns the last write's number:
    /// what a message must wait for that depends on anything recorded so far.
    pub(crate) fn flush(&mut self, vote_state: &VoteState) -> WriteId {
        if self.vote_state_changed || !self.records.is_empty() {
            self.last_write.0 += 1;
            self.vote_state_changed = false;
            self.outputs.push_back(Output::Write {
                id: self.last_write,
                vote_state: Box::new(vote_state.clone()),
                records: std::mem::take(&mut self.records),
            });
        }
        self.last_write
    }

    /// Signs and sends a statement.
    pub(crate) fn send<T: Body>(&mut self, to: Recipient, body: T, after: Option<WriteId>)
    where
        Message: From<Signed<T>>,
    {
        let signed = self.sign(body);
        self.forward(to, signed, after);
    }

    /// Sends a statement that is already signed.
    pub(crate) fn forward<T>(&mut self, to: Recipient, signed: Signed<T>, after: Option<WriteId>)
    where
        Message: From<Signed<T>>,
    {
        self.outputs.push_back(Output::Send {
            to,
            message: Arc::new(Message::from(signed)),
            after,
        });
    }

    /// Signs a statement of this node.
    pub(crate) fn sign<T: Body>(&self, body: T) -> Signed<T> {
        Signed::new(
            &self.setup.configuration,
            self.setup.me,
            &*self.setup.signer,
            body,
        )
    }

    /// Creates an entry of this node as leader that extends `previous` (P2.4).
    pub(crate) fn create_entry(
        &self,
        kind: EntryKind,
        term: Term,
        (previous, previous_timestamp): (Point, u64),
        requests: Vec<(RequestKey, Arc<[u8]>)>,
        now: Now,
    ) -> Arc<Entry> {
        let (keys, payloads): (Vec<_>, Vec<_>) = requests.into_iter().unzip();
        self.create_entry_of(
            kind,
            term,
            (previous, previous_timestamp),
            payloads,
            keys,
            now,
        )
    }

    /// As [`Outbox::create_entry`], for payloads that are no requests.
    pub(crate) fn create_entry_of(
        &self,
        kind: EntryKind,
        term: Term,
        (previous, previous_timestamp): (Point, u64),
        payloads: Vec<Arc<[u8]>>,
        keys: Vec<RequestKey>,
        now: Now,
    ) -> Arc<Entry> {
        let configuration = &self.setup.configuration;
        let header = EntryHeader {
            kind,
            epoch: configuration.epoch(),
            term,
            index: previous.index.next(),
            author: self.setup.me,
            previous: previous.hash,
            body_root: merkle::root(&payloads),
            count: u32::try_from(payloads.len()).expect("limits keep entries small"),
            timestamp: now.wall.max(previous_timestamp),
        };
        let signature = if configuration.mode().signs() {
            let hash = header.hash(configuration);
            let digest = EntryHeader::signing_digest(configuration, header.epoch, &hash);
            self.setup.signer.sign(&digest)
        } else {
            Signature::NONE
        };
        let mut entry = Entry::new(configuration, SignedHeader { header, signature }, payloads);
        entry.set_keys(keys);
        Arc::new(entry)
    }

    /// Any other output.
    pub(crate) fn push(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(crate) fn pop(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}
