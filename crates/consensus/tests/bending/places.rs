//! Every place in a message where a certificate, a header or entries can stand: each function gives all
//! of them, in messages that are signed rightly and hold nothing else.

use std::sync::Arc;

use consensus::{
    Entry, Epoch, Message, Signed, SignedHeader, Term,
    certificate::{ElectionCertificate, LeaveCertificate, QuorumCertificate},
    message::{
        AppendEntries, FetchReply, Heartbeat, Justification, PairReport, Proof, Report,
        RequestVote, Testimony,
    },
};

use super::network::{BASE, Network};

/// The term of the pairs and certificates here, and the one after, which reports are for.
pub const TERM: u64 = 2;
pub const NEXT: u64 = 3;

pub fn append(network: &Network, entries: Vec<Arc<Entry>>) -> AppendEntries {
    AppendEntries {
        epoch: network.configuration.epoch(),
        term: Term(TERM),
        previous: BASE,
        entries,
        commit: None,
        election: None,
    }
}

pub fn heartbeat(network: &Network) -> Heartbeat {
    Heartbeat {
        epoch: network.configuration.epoch(),
        term: Term(TERM),
        head: BASE,
        commit: None,
        election: None,
    }
}

pub fn proof() -> Proof {
    Proof {
        epoch: Epoch::ZERO,
        election: None,
        leave: None,
        commit: None,
    }
}

pub fn reply(entries: Vec<Arc<Entry>>) -> FetchReply {
    FetchReply {
        epoch: Epoch::ZERO,
        from: BASE,
        target: None,
        entries,
        commit: None,
    }
}

pub fn report(network: &Network) -> Report {
    Report {
        epoch: Epoch::ZERO,
        term: Term(NEXT),
        pair: PairReport {
            term: Term(TERM),
            point: BASE,
            headers: Vec::new(),
            justification: Justification::Opening,
        },
        accept: None,
        commit: None,
        leave: network.leave(TERM),
    }
}

pub fn testimony() -> Testimony {
    Testimony {
        epoch: Epoch::ZERO,
        known: Vec::new(),
        headers: Vec::new(),
        votes: Vec::new(),
        grants: Vec::new(),
        admissions: Vec::new(),
    }
}

/// A request of leader(NEXT) with reports of n0 and n1, of which the second is this one.
pub fn request(network: &Network, reports: Vec<Signed<Report>>) -> Message {
    let request = RequestVote {
        epoch: Epoch::ZERO,
        term: Term(NEXT),
        base: BASE,
        reports,
    };
    network.sign(network.leader(NEXT), request).into()
}

/// The messages in which a report can come: its reporter's own, and a request for votes.
pub fn reported(network: &Network, report: Report) -> Vec<(&'static str, Message)> {
    let signed = network.sign(1, report);
    let other = network.sign(0, self::report(network));
    vec![
        ("a report", signed.clone().into()),
        ("a request for votes", request(network, vec![other, signed])),
    ]
}

/// Every place where a quorum certificate can stand.
pub fn with_quorum(
    network: &Network,
    certificate: &QuorumCertificate,
) -> Vec<(&'static str, Message)> {
    let some = || Some(certificate.clone());
    let leader = network.leader(TERM);
    let mut places: Vec<(&str, Message)> = vec![
        (
            "entries",
            network
                .sign(
                    leader,
                    AppendEntries {
                        commit: some(),
                        ..append(network, Vec::new())
                    },
                )
                .into(),
        ),
        (
            "a heartbeat",
            network
                .sign(
                    leader,
                    Heartbeat {
                        commit: some(),
                        ..heartbeat(network)
                    },
                )
                .into(),
        ),
        (
            "a proof",
            network
                .sign(
                    1,
                    Proof {
                        commit: some(),
                        ..proof()
                    },
                )
                .into(),
        ),
        (
            "a fetch reply",
            network
                .sign(
                    1,
                    FetchReply {
                        commit: some(),
                        ..reply(Vec::new())
                    },
                )
                .into(),
        ),
    ];
    let mut accepted = report(network);
    accepted.accept = some();
    let mut committed = report(network);
    committed.commit = some();
    let mut justified = report(network);
    justified.pair.justification = Justification::Commit(certificate.clone());
    for report in [accepted, committed, justified] {
        places.extend(reported(network, report));
    }
    places
}

pub fn with_election(
    network: &Network,
    certificate: &ElectionCertificate,
) -> Vec<(&'static str, Message)> {
    let some = || Some(certificate.clone());
    let leader = network.leader(TERM);
    let mut places: Vec<(&str, Message)> = vec![
        (
            "entries",
            network
                .sign(
                    leader,
                    AppendEntries {
                        election: some(),
                        ..append(network, Vec::new())
                    },
                )
                .into(),
        ),
        (
            "a heartbeat",
            network
                .sign(
                    leader,
                    Heartbeat {
                        election: some(),
                        ..heartbeat(network)
                    },
                )
                .into(),
        ),
        (
            "a proof",
            network
                .sign(
                    1,
                    Proof {
                        election: some(),
                        ..proof()
                    },
                )
                .into(),
        ),
    ];
    let mut justified = report(network);
    justified.pair.justification = Justification::Election(certificate.clone());
    places.extend(reported(network, justified));
    places
}

pub fn with_leave(
    network: &Network,
    certificate: &LeaveCertificate,
) -> Vec<(&'static str, Message)> {
    let proved = Proof {
        leave: Some(certificate.clone()),
        ..proof()
    };
    let mut left = report(network);
    left.leave = certificate.clone();
    let mut places = vec![("a proof", network.sign(1, proved).into())];
    places.extend(reported(network, left));
    places
}

pub fn with_header(network: &Network, signed: &SignedHeader) -> Vec<(&'static str, Message)> {
    let mut shown = report(network);
    shown.pair.headers = vec![signed.clone()];
    let told = Testimony {
        headers: vec![signed.clone()],
        ..testimony()
    };
    let mut places = vec![("a testimony", network.sign(1, told).into())];
    places.extend(reported(network, shown));
    places
}

pub fn with_entries(network: &Network, entries: &[Arc<Entry>]) -> Vec<(&'static str, Message)> {
    let append = append(network, entries.to_vec());
    let reply = reply(entries.to_vec());
    vec![
        ("entries", network.sign(network.leader(TERM), append).into()),
        ("a fetch reply", network.sign(1, reply).into()),
    ]
}
