//! Sound reports, to be bent.

use consensus::{
    Hash, Term,
    byzantine::void::{Path, Void, judge},
    certificate::Counted,
    message::{Justification, PairReport, Report},
};

use super::network::{BASE, Network};

/// w: the term of the pairs here. Reports are for a later one, and terms need not follow at once.
pub const W: u64 = 2;
pub const NEXT: u64 = 5;

/// A report whose pair hangs from an elected base, three entries beyond it.
pub fn elected(network: &Network) -> Report {
    let headers = network.headers(W, BASE, 3);
    Report {
        epoch: network.configuration.epoch(),
        term: Term(NEXT),
        pair: PairReport {
            term: Term(W),
            point: network.point(&headers[2]),
            headers: headers
                .into_iter()
                .map(|header| network.signed_header(header))
                .collect(),
            justification: Justification::Election(network.election(W, BASE, Hash([3; 32]))),
        },
        accept: None,
        commit: None,
        leave: network.leave(NEXT - 1),
    }
}

/// A report that shows no base: its pair hangs from what is committed in its term, two entries
/// before.
pub fn committed(network: &Network) -> Report {
    let mut report = elected(network);
    let headers = network.headers(W, BASE, 3);
    let quorum = u16::try_from(network.configuration.sizes().fast_quorum()).unwrap();
    let certificate = network.certificate(Counted::Accepted, &headers[..1], quorum);
    report.pair.headers.remove(0);
    report.pair.justification = Justification::Commit(certificate);
    report
}

pub fn verdict(network: &Network, report: &Report) -> Result<Path, Void> {
    judge(&network.configuration, report)
}

/// Replaces a header, and lets everything after it hang from the new one.
pub fn rehang(
    network: &Network,
    report: &mut Report,
    from: usize,
    bend: impl FnOnce(&mut consensus::EntryHeader),
) {
    let headers = &mut report.pair.headers;
    bend(&mut headers[from].header);
    for position in from..headers.len() {
        let mut header = headers[position].header.clone();
        if position > from {
            header.previous = network.point(&headers[position - 1].header).hash;
        }
        headers[position] = network.signed_header(header);
    }
    report.pair.point = network.point(&headers[headers.len() - 1].header);
}
