//! What became of every entry, on disk: what receipts and questions about old transactions need
//! (P7.1). Two files: a row of fixed size for each entry, and the outcomes one after another.

use std::{
    fs::File,
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use consensus::{
    Hash, Index, RequestKey,
    encoding::{DecodeError, Reader, Writer},
    message::Applied,
};

use crate::{
    application::Outcome,
    limits::{INDEX_BUFFER_BYTES, INDEXED_ENTRY_BYTES, RECEIPT_ROOTS},
    outcomes::EntryOutcomes,
};

/// Offset of the outcomes, their bytes, term, digest, results root.
const ROW_BYTES: usize = 8 + 8 + 8 + 32 + 32;

/// What is remembered of an entry apart from its outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    offset: u64,
    bytes: u64,
    pub(crate) term: u64,
    /// The digest after it (P2.6).
    pub(crate) digest: Hash,
    pub(crate) results_root: Hash,
}

/// The outcomes of consecutive entries.
pub(super) struct Results {
    rows: File,
    outcomes: File,
    /// The index and digest before the first entry.
    before: Applied,
    end: Mutex<End>,
}

/// What is not in the files yet.
#[derive(Default)]
struct End {
    /// Entries in all.
    entries: u64,
    /// Bytes of outcomes in the file.
    written: u64,
    rows: Vec<u8>,
    outcomes: Vec<u8>,
}

impl Results {
    /// Nothing yet; `before` is where execution starts.
    pub(super) fn new(directory: &Path, before: Applied) -> io::Result<Self> {
        let file = |name: &str| {
            File::options()
                .read(true)
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(directory.join(name))
        };
        Ok(Self {
            rows: file("entries")?,
            outcomes: file("outcomes")?,
            before,
            end: Mutex::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, End> {
        // Nothing in here panics halfway through a change.
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in the outcomes of the next entry.
    pub(super) fn add(&self, entry: &EntryOutcomes) -> io::Result<()> {
        let mut writer = Writer::default();
        writer.length(entry.outcomes.len());
        for outcome in &entry.outcomes {
            encode(&mut writer, outcome);
        }
        let outcomes = writer.into_bytes();
        let mut end = self.lock();
        if self.before.index.0 + end.entries + 1 != entry.index() {
            return Err(io::Error::other("outcomes are indexed in order"));
        }
        let offset = end.written + end.outcomes.len() as u64;
        let row = [
            &offset.to_le_bytes()[..],
            &(outcomes.len() as u64).to_le_bytes(),
            &entry.term.to_le_bytes(),
            &entry.applied.digest.0,
            &entry.results_root.0,
        ];
        end.rows.extend(row.concat());
        end.outcomes.extend(outcomes);
        end.entries += 1;
        if end.outcomes.len() + end.rows.len() >= INDEX_BUFFER_BYTES {
            self.flush(&mut end)?;
        }
        Ok(())
    }

    fn flush(&self, end: &mut End) -> io::Result<()> {
        self.outcomes.write_all_at(&end.outcomes, end.written)?;
        let rows = end.entries * ROW_BYTES as u64 - end.rows.len() as u64;
        self.rows.write_all_at(&end.rows, rows)?;
        end.written += end.outcomes.len() as u64;
        end.outcomes.clear();
        end.rows.clear();
        Ok(())
    }

    /// The rows of the entries from an index on, at most so many; fewer if there are no more.
    pub(super) fn rows(&self, from: u64, most: u64) -> io::Result<Vec<Row>> {
        let Some(first) = from.checked_sub(self.before.index.0 + 1) else {
            return Ok(Vec::new());
        };
        let count = {
            let mut end = self.lock();
            self.flush(&mut end)?;
            end.entries
                .saturating_sub(first)
                .min(most)
                .min(RECEIPT_ROOTS + 1)
        };
        let count = usize::try_from(count).unwrap_or(0);
        let mut bytes = vec![0; count * ROW_BYTES];
        self.rows
            .read_exact_at(&mut bytes, first * ROW_BYTES as u64)?;
        let read = |bytes: &[u8]| row(bytes).map_err(io::Error::other);
        bytes.chunks_exact(ROW_BYTES).map(read).collect()
    }

    /// The digest before the entry of an index.
    fn digest_before(&self, index: u64) -> io::Result<Option<Hash>> {
        if index == self.before.index.0 + 1 {
            return Ok(Some(self.before.digest));
        }
        let before = self.rows(index.saturating_sub(1), 1)?;
        Ok(before.first().map(|row| row.digest))
    }

    /// The outcomes of an entry.
    pub(super) fn entry(&self, index: u64) -> io::Result<Option<EntryOutcomes>> {
        let Some(&row) = self.rows(index, 1)?.first() else {
            return Ok(None);
        };
        let Some(digest_before) = self.digest_before(index)? else {
            return Ok(None);
        };
        let bytes = usize::try_from(row.bytes).ok();
        let bytes = bytes.filter(|bytes| *bytes <= INDEXED_ENTRY_BYTES);
        let bytes = bytes.ok_or_else(|| io::Error::other("an entry's outcomes are too long"))?;
        let mut bytes = vec![0; bytes];
        self.outcomes.read_exact_at(&mut bytes, row.offset)?;
        let mut reader = Reader::new(&bytes);
        let count = reader.length("outcomes", INDEXED_ENTRY_BYTES);
        let outcomes: Result<Vec<_>, _> = (0..count.map_err(io::Error::other)?)
            .map(|_| decode(&mut reader))
            .collect();
        Ok(Some(EntryOutcomes {
            term: row.term,
            digest_before,
            applied: Applied {
                index: Index(index),
                digest: row.digest,
            },
            results_root: row.results_root,
            outcomes: outcomes.map_err(io::Error::other)?,
        }))
    }
}

fn row(bytes: &[u8]) -> Result<Row, DecodeError> {
    let mut reader = Reader::new(bytes);
    Ok(Row {
        offset: reader.u64()?,
        bytes: reader.u64()?,
        term: reader.u64()?,
        digest: Hash(reader.array()?),
        results_root: Hash(reader.array()?),
    })
}

fn encode(writer: &mut Writer, outcome: &Outcome) {
    writer.raw(&outcome.key.account);
    writer.u64(outcome.key.nonce);
    writer.raw(&outcome.transaction);
    writer.bool(outcome.repeat);
    writer.bool(outcome.reference.is_some());
    if let Some(reference) = &outcome.reference {
        writer.raw(reference);
    }
    writer.bytes(&outcome.result);
}

fn decode(reader: &mut Reader<'_>) -> Result<Outcome, DecodeError> {
    Ok(Outcome {
        key: RequestKey {
            account: reader.array()?,
            nonce: reader.u64()?,
        },
        transaction: reader.array()?,
        repeat: reader.bool()?,
        reference: reader.bool()?.then(|| reader.array()).transpose()?,
        result: reader.bytes("a result", INDEXED_ENTRY_BYTES)?.to_vec(),
    })
}
