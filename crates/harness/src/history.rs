//! What the clients of a run did and saw, and the file that keeps it: a line of JSON about the
//! accounts, and a line for each operation.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::linearizability::{Bank, Call, Interval, Verdict, check};

/// Most bytes of a history that is read.
const LIMIT: u64 = 1 << 30;
/// The accounts of a run. They are divided into groups, and money moves within a group only, so
/// that each group is an object of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    /// What the accounts of each group held in the beginning, in smallest units.
    pub groups: Vec<Vec<u64>>,
}

/// What a client did. Accounts are positions in the client's group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Operation {
    /// Money was to go from one account to another.
    Transfer {
        /// The payer.
        from: usize,
        /// The receiver.
        to: usize,
        /// How much, in smallest units.
        amount: u64,
    },
    /// A linearizable read of a balance.
    Balance {
        /// The account.
        account: usize,
    },
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The transfer was applied.
    Applied,
    /// The payer held too little.
    Insufficient,
    /// What the account held.
    Balance(u64),
    /// Nobody knows. A transfer may take effect later, or never.
    Unknown,
    /// Something that no correct network says to a correct client.
    Unexpected(String),
}

/// One operation of one client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The group that it was about.
    pub group: usize,
    /// Who.
    pub client: usize,
    /// When it was called, in nanoseconds since the run began, on a monotonic clock.
    pub invoked: u64,
    /// When the client stopped waiting.
    pub returned: u64,
    /// What was asked.
    pub operation: Operation,
    /// What came back.
    pub answer: Answer,
    /// A transfer's id, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
    /// The index of the entry that executed an acknowledged transfer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
}

/// A whole history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// What the accounts held in the beginning.
    pub accounts: Accounts,
    /// The operations, in any order.
    pub records: Vec<Record>,
}

/// Why a file is no history.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// It cannot be read or written.
    #[error("{0}")]
    System(#[from] io::Error),
    /// It is too long to be read.
    #[error("it has more than {LIMIT} bytes")]
    TooLong,
    /// A line is not what it should be.
    #[error("line {line} cannot be understood: {error}")]
    Line {
        /// The line, counted from one.
        line: usize,
        /// Why.
        error: serde_json::Error,
    },
    /// A line names a group or an account that the first line does not have.
    #[error("line {line} is about an account that there is not")]
    Account {
        /// The line, counted from one.
        line: usize,
    },
}

impl History {
    /// Reads a file.
    ///
    /// # Errors
    /// [`HistoryError`].
    pub fn load(path: &Path) -> Result<Self, HistoryError> {
        if fs::metadata(path)?.len() > LIMIT {
            return Err(HistoryError::TooLong);
        }
        Self::parse(&fs::read_to_string(path)?)
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// [`HistoryError`].
    pub fn parse(text: &str) -> Result<Self, HistoryError> {
        fn read<'a, T: Deserialize<'a>>(line: usize, text: &'a str) -> Result<T, HistoryError> {
            serde_json::from_str(text).map_err(|error| HistoryError::Line { line, error })
        }
        let mut lines = (1..).zip(text.lines());
        let accounts: Accounts = read(1, lines.next().map_or("", |(_, text)| text))?;
        let mut records = Vec::new();
        for (line, text) in lines.filter(|(_, text)| !text.trim().is_empty()) {
            let record: Record = read(line, text)?;
            if !accounts.hold(&record) {
                return Err(HistoryError::Account { line });
            }
            records.push(record);
        }
        Ok(Self { accounts, records })
    }

    /// Writes it down.
    ///
    /// # Errors
    /// [`HistoryError`].
    pub fn store(&self, path: &Path) -> Result<(), HistoryError> {
        let mut file = io::BufWriter::new(fs::File::create(path)?);
        let mut write = |line: String| writeln!(file, "{line}");
        write(serde_json::to_string(&self.accounts).expect("plain values"))?;
        for record in &self.records {
            write(serde_json::to_string(record).expect("plain values"))?;
        }
        Ok(file.flush()?)
    }

    /// Checks one group of accounts. Positions in the verdict are positions in
    /// [`History::records`].
    #[must_use]
    pub fn check_group(&self, group: usize, budget: u64) -> Verdict {
        let (numbers, intervals): (Vec<usize>, Vec<Interval<Call>>) = self
            .records
            .iter()
            .enumerate()
            .filter(|(_, record)| record.group == group)
            .filter_map(|(number, record)| Some((number, record.interval()?)))
            .unzip();
        let initial = self.accounts.groups.get(group).cloned().unwrap_or_default();
        match check(&Bank, initial, &intervals, budget) {
            Verdict::Violation(mut found) => {
                for stuck in &mut found.stuck {
                    *stuck = numbers[*stuck];
                }
                Verdict::Violation(found)
            }
            verdict => verdict,
        }
    }
}

impl Accounts {
    fn hold(&self, record: &Record) -> bool {
        let accounts = self.groups.get(record.group).map_or(0, Vec::len);
        match record.operation {
            Operation::Transfer { from, to, .. } => from < accounts && to < accounts && from != to,
            Operation::Balance { account } => account < accounts,
        }
    }
}

impl Record {
    /// What the checker is to explain; `None` for what tells it nothing, such as a read without an
    /// answer.
    fn interval(&self) -> Option<Interval<Call>> {
        let operation = match (self.operation, &self.answer) {
            (
                Operation::Transfer { from, to, amount },
                Answer::Applied | Answer::Unknown | Answer::Unexpected(_),
            ) => Call::Moved { from, to, amount },
            (Operation::Transfer { from, amount, .. }, Answer::Insufficient) => {
                Call::Insufficient { from, amount }
            }
            (Operation::Balance { account }, Answer::Balance(balance)) => Call::Read {
                account,
                balance: *balance,
            },
            _ => return None,
        };
        let known = !matches!(self.answer, Answer::Unknown | Answer::Unexpected(_));
        Some(Interval {
            invoked: self.invoked,
            returned: known.then_some(self.returned),
            operation,
        })
    }
}
