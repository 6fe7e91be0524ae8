//! One node's disk: an ordered stream of writes of which a crash keeps some prefix, at least what
//! was synced (P11.1, P11.2).

use std::sync::Arc;

use consensus::{
    Configuration, Entry, Index, Point, Record, Recovery, Restored, Time, Verification, VoteState,
    WriteId, certificate::QuorumCertificate, limits,
};

use crate::{application::Application, durable::Durable, random::Random};

/// Where a record is: the write, and the record in it.
type Place = (usize, usize);

struct Write {
    id: WriteId,
    vote_state: Box<VoteState>,
    records: Vec<Record>,
}

/// How long a sync takes: anything between the two.
#[derive(Clone, Copy, Debug)]
pub struct SyncTime {
    /// At best.
    pub shortest: Time,
    /// At worst.
    pub longest: Time,
}

/// The disk.
pub struct Disk {
    writes: Vec<Write>,
    /// How many writes are durable.
    synced: usize,
    /// How many will be once the sync under way ends.
    syncing: Option<usize>,
    durable: Durable,
    /// Where the durable chain's entries are; position 0 holds index 1.
    places: Vec<Place>,
    /// Where durable commit certificates are, by the index that they commit.
    commits: Vec<(Index, Place)>,
    sync_time: SyncTime,
    random: Random,
}

/// What a restart finds.
pub struct Found {
    /// For the replica.
    pub restored: Restored,
    /// The application, executed again up to the commit point.
    pub application: Application,
}

impl Disk {
    /// An empty disk.
    #[must_use]
    pub fn new(sync_time: SyncTime, random: Random) -> Self {
        Self {
            writes: Vec::new(),
            synced: 0,
            syncing: None,
            durable: Durable::default(),
            places: Vec::new(),
            commits: Vec::new(),
            sync_time,
            random,
        }
    }

    /// What is on it for certain.
    #[must_use]
    pub const fn durable(&self) -> &Durable {
        &self.durable
    }

    /// How many writes are durable, over all lives.
    #[must_use]
    pub const fn durable_writes(&self) -> usize {
        self.synced
    }

    /// Everything that was written and is still there, in order.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.writes.iter().flat_map(|write| &write.records)
    }

    /// Makes syncs faster or slower from now on.
    pub const fn set_sync_time(&mut self, sync_time: SyncTime) {
        self.sync_time = sync_time;
    }

    /// Takes a write. If that starts a sync, returns how long it takes; a write that comes while
    /// one is under way waits for the next.
    pub fn write(
        &mut self,
        id: WriteId,
        vote_state: Box<VoteState>,
        records: Vec<Record>,
    ) -> Option<Time> {
        self.writes.push(Write {
            id,
            vote_state,
            records,
        });
        self.start_sync()
    }

    fn start_sync(&mut self) -> Option<Time> {
        if self.syncing.is_some() || self.synced == self.writes.len() {
            return None;
        }
        self.syncing = Some(self.writes.len());
        let SyncTime { shortest, longest } = self.sync_time;
        Some(Time(self.random.between(shortest.0, longest.0)))
    }

    /// The sync under way has ended. Returns the last durable write, and how long the next sync
    /// takes if one started.
    ///
    /// # Panics
    /// If none was under way.
    pub fn synced(&mut self) -> (WriteId, Option<Time>) {
        let until = self.syncing.take().expect("a sync is under way");
        self.make_durable(until);
        (self.writes[until - 1].id, self.start_sync())
    }

    fn make_durable(&mut self, until: usize) {
        for position in self.synced..until {
            let write = &self.writes[position];
            self.durable.write(&write.vote_state, &write.records);
            for (number, record) in write.records.iter().enumerate() {
                let place = (position, number);
                match record {
                    Record::Entry(entry) => {
                        self.places.truncate(before(entry.index()));
                        self.places.push(place);
                    }
                    Record::Truncate(last) => self.places.truncate(before(last.next())),
                    Record::Commit(certificate) => {
                        self.commits.push((certificate.header.index, place));
                    }
                    _ => {}
                }
            }
        }
        self.synced = until;
    }

    /// The machine stops: of the writes that were not yet synced some prefix survives.
    pub fn crash(&mut self) {
        let unsynced = self.writes.len() - self.synced;
        let surviving = self.synced + self.random.position(unsynced + 1);
        self.writes.truncate(surviving);
        self.syncing = None;
        self.make_durable(surviving);
    }

    /// Everything on it is lost.
    pub fn wipe(&mut self) {
        *self = Self::new(self.sync_time, self.random.fork(0));
    }

    /// Reads everything back through the records' bytes, as a real restart does. `None`: nothing
    /// was ever written.
    ///
    /// # Panics
    /// If what was written cannot be read back, or is not valid: the writer is a correct replica.
    #[must_use]
    pub fn recover(&self, verification: &Verification) -> Option<Found> {
        let configuration = verification.configuration();
        let vote_state = (*self.writes.last()?.vote_state).clone();
        let mut recovery: Recovery<Place> = Recovery::default();
        for (position, write) in self.writes.iter().enumerate() {
            for (number, record) in write.records.iter().enumerate() {
                recovery.record((position, number), reread(configuration, record));
            }
        }
        let committed = recovery.committed();
        let first_kept = committed.0.saturating_sub(limits::RETAINED_ENTRIES);
        let mut application = Application::new(configuration);
        let mut kept = Vec::new();
        for stored in &recovery.chain {
            let entry = self.entry(stored.place);
            if entry.index() <= committed {
                application.execute(entry);
            }
            if entry.index().0 > first_kept {
                kept.push(reread_entry(configuration, entry));
            }
        }
        verification
            .entries(&mut kept)
            .expect("a correct replica stores valid entries");
        let before = match recovery.chain.get(before(Index(first_kept))) {
            Some(stored) if first_kept > 0 => Point {
                index: Index(first_kept),
                hash: stored.hash,
            },
            _ => configuration.opening(),
        };
        Some(Found {
            restored: Restored {
                vote_state,
                before,
                tail: kept,
                applied: application.applied(),
                side: recovery.side,
                election: recovery.election,
                leave: recovery.leave,
                lock: recovery.lock,
                commit: recovery.commit,
                justification: recovery.justification,
                evidence: recovery.evidence,
            },
            application,
        })
    }

    /// The stored entries after `from`, as many as fit a message, with the furthest stored commit
    /// certificate that covers one of them. Empty if `from` is not on the stored chain.
    #[must_use]
    pub fn read_after(&self, from: Point) -> (Vec<Arc<Entry>>, Option<QuorumCertificate>) {
        if from.index != Index::ZERO && !self.durable.chain.contains(from) {
            return (Vec::new(), None);
        }
        let mut entries: Vec<Arc<Entry>> = Vec::new();
        let mut bytes = 0;
        let wanted = self.places.iter().skip(before(from.index.next()));
        for &place in wanted.take(limits::MESSAGE_ENTRIES) {
            let entry = self.entry(place);
            bytes += entry.body_bytes();
            if bytes > limits::MESSAGE_BYTES && !entries.is_empty() {
                break;
            }
            entries.push(Arc::clone(entry));
        }
        let last = entries.last().map_or(from.index, |entry| entry.index());
        let commit = self
            .commits
            .iter()
            .rev()
            .find(|(index, _)| *index > from.index && *index <= last)
            .map(|&(_, place)| self.certificate(place).clone());
        (entries, commit)
    }

    fn entry(&self, (write, record): Place) -> &Arc<Entry> {
        match &self.writes[write].records[record] {
            Record::Entry(entry) => entry,
            other => unreachable!("an entry was stored here, not {other:?}"),
        }
    }

    fn certificate(&self, (write, record): Place) -> &QuorumCertificate {
        match &self.writes[write].records[record] {
            Record::Commit(certificate) => certificate,
            other => unreachable!("a commit certificate was stored here, not {other:?}"),
        }
    }
}

/// How many entries lie below `index`.
fn before(index: Index) -> usize {
    usize::try_from(index.previous().0).unwrap_or(usize::MAX)
}

fn reread(configuration: &Configuration, record: &Record) -> Record {
    let (kind, bytes) = record.to_bytes();
    let read = Record::from_bytes(configuration, kind, &bytes).expect("what was written is whole");
    debug_assert_eq!(read.to_bytes().1, bytes);
    read
}

fn reread_entry(configuration: &Configuration, entry: &Arc<Entry>) -> Arc<Entry> {
    match reread(configuration, &Record::Entry(Arc::clone(entry))) {
        Record::Entry(entry) => entry,
        other => unreachable!("an entry was written, not {other:?}"),
    }
}
