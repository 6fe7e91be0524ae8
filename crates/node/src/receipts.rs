//! What a receipt is made of (P7.1), as far as this node has it.

use consensus::{
    Hash, Index, Mode, Signed,
    encoding::{Canonical, Writer},
    merkle,
    message::Applied,
    signed::Body,
};

use crate::{
    frames::{BlockFrame, CanonicalBytes, Id, ReceiptParts},
    limits::{BLOCK_BYTES, RECEIPT_HEADERS, RECEIPT_ROOTS},
    outcomes::EntryOutcomes,
    shared::Shared,
};

/// The parts for a transaction; `None` if it is not among the recent ones.
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

/// The results roots from the entry on, up to an index about which f + 1 votes agree with us.
fn result_votes(shared: &Shared, outcomes: &EntryOutcomes) -> (Vec<Id>, Vec<CanonicalBytes>) {
    let own = vec![Id(outcomes.results_root.0)];
    if shared.configuration.mode() != Mode::Byzantine {
        return (own, Vec::new());
    }
    let needed = shared.configuration.sizes().matching_answers();
    let digest = |at: u64| shared.outcomes.of_entry(at).map(|entry| entry.applied);
    let range = (outcomes.index(), outcomes.index() + RECEIPT_ROOTS);
    let fits = |at: u64, vote: &Signed<consensus::message::Vote>| {
        let ours: Option<Applied> = digest(at);
        ours.is_some() && vote.body.applied == ours
    };
    let Some((to, votes)) = shared.result_votes.enough(range, needed, fits) else {
        return (own, Vec::new());
    };
    let roots: Option<Vec<Id>> = (outcomes.index()..=to)
        .map(|at| {
            shared
                .outcomes
                .of_entry(at)
                .map(|entry| Id(entry.results_root.0))
        })
        .collect();
    match roots {
        Some(roots) => (roots, votes.iter().map(signed_bytes).collect()),
        None => (own, Vec::new()),
    }
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
