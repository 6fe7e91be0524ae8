//! The targets: one for everything that reads what somebody else wrote.

mod clients;
pub(crate) mod cluster;
mod connections;
pub(crate) mod disk;
pub(crate) mod files;
pub(crate) mod ledger;
mod people;
mod statements;

/// How much memory an input may make a target ask for, all requests added up.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Bytes for each byte of input.
    pub factor: usize,
    /// Bytes besides.
    pub fixed: usize,
}

impl Memory {
    /// Bytes for an input of that length.
    #[must_use]
    pub const fn allowed(self, input: usize) -> usize {
        self.fixed + self.factor * input
    }
}

/// A function of bytes that panics if a promise is broken.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: on the command line and of the corpus folder.
    pub name: &'static str,
    /// What it reads, and what it promises.
    pub about: &'static str,
    /// Runs it on one input.
    pub run: fn(&[u8]),
    /// What an input may cost.
    pub memory: Memory,
    /// The longest input that is tried, in bytes.
    pub longest: usize,
    /// How many mutations the replay tries: fewer for what takes longer.
    pub replayed: u64,
}

/// Every target.
pub const TARGETS: &[Target] = &[
    statements::MESSAGE,
    statements::PART,
    statements::CERTIFICATE,
    statements::EVIDENCE,
    statements::TERM_RECORD,
    disk::VOTE_STATE,
    disk::RECORDS,
    disk::SEGMENT,
    disk::DAMAGE,
    cluster::TARGET,
    connections::HELLO,
    connections::REPLY,
    connections::FRAMES,
    connections::CERTIFICATE,
    clients::CLIENT_FRAME,
    clients::SERVER_FRAME,
    clients::QUERY,
    clients::ANSWER,
    ledger::TRANSACTION,
    ledger::EXECUTION,
    ledger::RESULT,
    files::RECEIPT,
    files::GENESIS,
    files::EVIDENCE_FILE,
    files::KEY_FILE,
    people::SUBMIT_LINE,
    people::TEXT,
];

/// The target of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
