//! Statements that may contradict each other: two branches of a term, and votes, grants, results and a
//! report about them.

use consensus::{
    EntryHeader, Epoch, Hash, Index, Point, Signed, Term,
    message::{Applied, Grant, Justification, PairReport, Report, Vote},
};

use super::network::{BASE, Network};

/// The term of the votes here, and the one that reports are for.
pub const TERM: u64 = 2;
pub const NEXT: u64 = 3;

/// Two branches of `TERM` after [`BASE`], three entries each.
pub fn branches(network: &Network) -> [Vec<EntryHeader>; 2] {
    let one = network.headers(TERM, BASE, 3);
    let mut other = one.clone();
    for position in 0..3 {
        other[position].timestamp += 1;
        if position > 0 {
            other[position].previous = network.point(&other[position - 1]).hash;
        }
    }
    [one, other]
}

pub fn points(network: &Network, headers: &[EntryHeader]) -> Vec<Point> {
    headers.iter().map(|header| network.point(header)).collect()
}

pub fn vote(network: &Network, node: u16, term: u64, points: [Option<Point>; 2]) -> Signed<Vote> {
    let vote = Vote {
        epoch: Epoch::ZERO,
        term: Term(term),
        accepted: points[0],
        locked: points[1],
        applied: None,
    };
    network.sign(node, vote)
}

pub fn result(network: &Network, node: u16, term: u64, index: u64, digest: u8) -> Signed<Vote> {
    let vote = Vote {
        epoch: Epoch::ZERO,
        term: Term(term),
        accepted: None,
        locked: None,
        applied: Some(Applied {
            index: Index(index),
            digest: Hash([digest; 32]),
        }),
    };
    network.sign(node, vote)
}

pub fn grant(network: &Network, node: u16, term: u64, base: Point, reports: u8) -> Signed<Grant> {
    let grant = Grant {
        epoch: Epoch::ZERO,
        term: Term(term),
        base,
        reports: Hash([reports; 32]),
    };
    network.sign(node, grant)
}

/// A report for `NEXT` of a pair of `TERM`, two entries beyond [`BASE`] on the first branch.
pub fn report(network: &Network) -> Report {
    let [one, _] = branches(network);
    let headers = &one[..2];
    Report {
        epoch: Epoch::ZERO,
        term: Term(NEXT),
        pair: PairReport {
            term: Term(TERM),
            point: network.point(&headers[1]),
            headers: headers
                .iter()
                .map(|header| network.signed_header(header.clone()))
                .collect(),
            justification: Justification::Election(network.election(TERM, BASE, Hash::default())),
        },
        accept: None,
        commit: None,
        leave: network.leave(NEXT - 1),
    }
}
