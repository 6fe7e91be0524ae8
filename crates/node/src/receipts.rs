//! What a receipt is made of (P7.1), as far as this node has it.

use consensus::{
    Hash, Index, Mode, Signed,
    encoding::{Canonical, Writer},
    merkle,
    message::{Applied, Vote},
    signed::Body,
};

use crate::{
    archive::Row,
    frames::{BlockFrame, CanonicalBytes, Id, ReceiptParts},
    limits::{BLOCK_BYTES, CERTIFICATES_READ, RECEIPT_HEADERS, RECEIPT_ROOTS},
    outcomes::EntryOutcomes,
    shared::Shared,
    statements::Statements,
};

/// The parts for a transaction; `None` if this node has not executed it.
pub(crate) fn parts(shared: &Shared, transaction: &[u8; 32]) -> Option<ReceiptParts> {
    let (outcomes, position) = shared.outcomes.of_transaction(transaction)?;
    let index = outcomes.applied.index;
    let entry = shared.chain.entry(index)?;
    let results: Vec<&[u8]> = outcomes
        .outcomes
        .iter()
        .map(|one| &one.result[..])
        .collect();
    let (following, commit, acknowledgements) = commitment(shared, index);
    let (results_roots, result_votes) = result_votes(shared, &outcomes);
    Some(ReceiptParts {
        payload: entry.payloads.get(position)?.to_vec(),
        position: u32::try_from(position).ok()?,
        path: ids(&merkle::path(&entry.payloads, position)?),
        header: entry.signed.to_bytes(),
        following,
        commit,
        acknowledgements,
        result: results.get(position)?.to_vec(),
        result_path: ids(&merkle::path(&results, position)?),
        result_count: u32::try_from(results.len()).ok()?,
        digest_before: Id(outcomes.digest_before.0),
        results_roots,
        result_votes,
    })
}

type Commitment = (
    Vec<CanonicalBytes>,
    Option<CanonicalBytes>,
    Vec<CanonicalBytes>,
);

/// What shows that the entry is committed, and the headers that lead there.
fn commitment(shared: &Shared, index: Index) -> Commitment {
    let furthest = Index(index.0 + RECEIPT_HEADERS).min(Index(shared.applied()));
    let (to, commit, acknowledgements) = match shared.configuration.mode() {
        Mode::Raft => return (Vec::new(), None, Vec::new()),
        Mode::RaftSigned => {
            // The author's signature under the entry stands beside the others' acknowledgements.
            let needed = shared.configuration.sizes().quorum() - 1;
            let fits = |at: u64, reply: &Signed<consensus::message::RaftAppendReply>| {
                matches!(reply.body.outcome, consensus::message::AppendOutcome::Matched(point)
                    if point.index.0 == at && shared.chain.contains(point))
            };
            let range = (index.0, furthest.0);
            match shared.acknowledgements.enough(range, needed, fits) {
                Some((to, replies)) => {
                    (Index(to), None, replies.iter().map(signed_bytes).collect())
                }
                None => (index, None, Vec::new()),
            }
        }
        Mode::Byzantine => {
            let recent = shared
                .certificates
                .first(index, furthest)
                .map(|found| (*found).clone());
            match recent.or_else(|| shared.chain.first_commit(index, furthest)) {
                Some(found) => (
                    found.header.index,
                    Some(CanonicalBytes(found.to_bytes())),
                    Vec::new(),
                ),
                None => (index, None, Vec::new()),
            }
        }
    };
    let headers: Option<Vec<CanonicalBytes>> = (index.0 + 1..=to.0)
        .map(|at| {
            let entry = shared.chain.entry(Index(at))?;
            Some(CanonicalBytes(entry.signed.to_bytes()))
        })
        .collect();
    match headers {
        Some(headers) => (headers, commit, acknowledgements),
        None => (Vec::new(), None, Vec::new()),
    }
}

/// Whether nothing is missing that may come a moment later. In mode `raft` nobody proves anything,
/// and in `raft-signed` only the leader collects acknowledgements.
pub(crate) fn is_whole(mode: Mode, parts: &ReceiptParts) -> bool {
    match mode {
        Mode::Byzantine => parts.commit.is_some() && !parts.result_votes.is_empty(),
        Mode::Raft | Mode::RaftSigned => true,
    }
}

/// So many entries beyond a receipt's own are looked at first: its proof is near, as a rule.
const NEAR: u64 = 64;

/// The results roots from the entry on, up to an index about which f + 1 votes agree with us.
fn result_votes(shared: &Shared, outcomes: &EntryOutcomes) -> (Vec<Id>, Vec<CanonicalBytes>) {
    let own = vec![Id(outcomes.results_root.0)];
    if shared.configuration.mode() != Mode::Byzantine {
        return (own, Vec::new());
    }
    let from = outcomes.index();
    for (entries, stored) in [
        (NEAR, false),
        (RECEIPT_ROOTS + 1, false),
        (RECEIPT_ROOTS + 1, true),
    ] {
        let rows = shared.outcomes.rows(from, entries);
        let found = match stored {
            false => heard_votes(shared, from, &rows),
            true => stored_votes(shared, from, &rows),
        };
        if let Some((to, votes)) = found {
            let roots = rows.iter().zip(from..=to);
            let roots = roots.map(|(row, _)| Id(row.results_root.0)).collect();
            return (roots, votes.iter().map(signed_bytes).collect());
        }
    }
    (own, Vec::new())
}

type Found = Option<(u64, Vec<Signed<Vote>>)>;

fn agrees(from: u64, rows: &[Row], at: u64, vote: &Signed<Vote>) -> bool {
    let offset = at.checked_sub(from).and_then(|at| usize::try_from(at).ok());
    let ours = offset.and_then(|offset| rows.get(offset));
    ours.is_some_and(|ours| {
        let applied = Applied {
            index: Index(at),
            digest: ours.digest,
        };
        vote.body.applied == Some(applied)
    })
}

/// Votes that were heard lately.
fn heard_votes(shared: &Shared, from: u64, rows: &[Row]) -> Found {
    let needed = shared.configuration.sizes().matching_answers();
    let to = from + (rows.len() as u64).checked_sub(1)?;
    let fits = |at: u64, vote: &Signed<Vote>| agrees(from, rows, at, vote);
    shared.result_votes.enough((from, to), needed, fits)
}

/// Votes in the commit certificates that are stored: they say what is applied, too, so old results
/// are proved by what the log holds.
fn stored_votes(shared: &Shared, from: u64, rows: &[Row]) -> Found {
    let needed = shared.configuration.sizes().matching_answers();
    let found = Statements::new(shared.configuration.sizes().validators());
    let to = from + (rows.len() as u64).checked_sub(1)?;
    for certificate in shared
        .chain
        .commits(Index(from), CERTIFICATES_READ)
        .into_iter()
        .filter_map(|place| shared.chain.commit_at(place))
    {
        for vote in &certificate.votes {
            if let Some(applied) = vote.body.applied {
                found.add(applied.index.0, vote);
            }
        }
        let fits = |at: u64, vote: &Signed<Vote>| agrees(from, rows, at, vote);
        if let Some(enough) = found.enough((from, to), needed, fits) {
            return Some(enough);
        }
    }
    None
}

/// The committed entry at an index.
pub(crate) fn block(shared: &Shared, index: u64) -> Option<BlockFrame> {
    if index > shared.applied() {
        return None;
    }
    let entry = shared.chain.entry(Index(index))?;
    // Every payload has a length of its own in the frame.
    let bytes = entry.body_bytes() + 16 * entry.payloads.len();
    let payloads = (bytes <= BLOCK_BYTES).then(|| {
        entry
            .payloads
            .iter()
            .map(|payload| CanonicalBytes(payload.to_vec()))
            .collect()
    });
    Some(BlockFrame {
        header: entry.signed.to_bytes(),
        hash: Id(entry.point().hash.0),
        payloads,
    })
}

fn signed_bytes<T: Body>(signed: &Signed<T>) -> CanonicalBytes {
    let mut writer = Writer::default();
    signed.encode(&mut writer);
    CanonicalBytes(writer.into_bytes())
}

fn ids(hashes: &[Hash]) -> Vec<Id> {
    hashes.iter().map(|hash| Id(hash.0)).collect()
}
