//! One line for a message, for traces.

use consensus::{
    Message, Point,
    message::{AppendOutcome, Reason},
};

fn optional(point: Option<Point>) -> String {
    point.map_or_else(|| "-".to_owned(), |point| point.to_string())
}

/// What a message says, in short.
#[must_use]
pub fn message(message: &Message) -> String {
    let name = message.name();
    let signer = message.signer();
    let content = match message {
        Message::AppendEntries(signed) => format!(
            "term {} after {} entries {} commit {} {}",
            signed.body.term,
            signed.body.previous,
            entries(&signed.body.entries),
            commit(signed.body.commit.as_ref()),
            if signed.body.election.is_some() {
                "with election"
            } else {
                ""
            }
        ),
        Message::Heartbeat(signed) => format!(
            "term {} head {} commit {}",
            signed.body.term,
            signed.body.head,
            commit(signed.body.commit.as_ref())
        ),
        Message::Vote(signed) => format!(
            "term {} accepted {} locked {} applied {}",
            signed.body.term,
            optional(signed.body.accepted),
            optional(signed.body.locked),
            signed
                .body
                .applied
                .map_or_else(|| "-".to_owned(), |applied| applied.index.to_string())
        ),
        Message::Suspect(signed) => format!(
            "term {} commit {} {}",
            signed.body.term,
            signed.body.commit,
            reason(&signed.body.reason)
        ),
        Message::Leave(signed) => format!(
            "term {} {}{}",
            signed.body.term,
            reason(&signed.body.reason),
            if signed.body.followed {
                ", followed"
            } else {
                ""
            }
        ),
        Message::Report(signed) => report(&signed.body),
        Message::RequestVote(signed) => format!(
            "term {} base {} from {} reports",
            signed.body.term,
            signed.body.base,
            signed.body.reports.len()
        ),
        Message::VoteGranted(signed) => {
            format!("term {} base {}", signed.body.term, signed.body.base)
        }
        Message::Proof(signed) => format!(
            "election {} leave {} commit {}",
            signed
                .body
                .election
                .as_ref()
                .map_or_else(|| "-".to_owned(), |one| one.term().to_string()),
            signed
                .body
                .leave
                .as_ref()
                .map_or_else(|| "-".to_owned(), |one| one.term.to_string()),
            commit(signed.body.commit.as_ref())
        ),
        Message::Fetch(signed) => format!(
            "from {} to {}",
            signed.body.from,
            optional(signed.body.target)
        ),
        Message::FetchReply(signed) => format!(
            "from {} entries {} commit {}",
            signed.body.from,
            entries(&signed.body.entries),
            commit(signed.body.commit.as_ref())
        ),
        Message::Relay(signed) => format!(
            "{} requests{}",
            signed.body.requests.len(),
            if signed.body.complained {
                ", complained"
            } else {
                ""
            }
        ),
        Message::Accuse(signed) => signed.body.to_string(),
        Message::Testimony(signed) => format!(
            "{} headers {} votes {} grants, tells of {} reports, holds {} pieces of evidence",
            signed.body.headers.len(),
            signed.body.votes.len(),
            signed.body.grants.len(),
            signed.body.admissions.len(),
            signed.body.known.len()
        ),
        Message::RaftAppend(signed) => format!(
            "term {} after {} entries {} commit {} round {}",
            signed.body.term,
            signed.body.previous,
            entries(&signed.body.entries),
            signed.body.commit,
            signed.body.round
        ),
        Message::RaftAppendReply(signed) => format!(
            "term {} round {} {}",
            signed.body.term,
            signed.body.round,
            match signed.body.outcome {
                AppendOutcome::Matched(point) => format!("matched {point}"),
                AppendOutcome::Conflict { try_from } => format!("conflict, try from {try_from}"),
            }
        ),
        Message::RaftRequestVote(signed) => format!(
            "term {} last {} of term {}{}",
            signed.body.term,
            signed.body.last_index,
            signed.body.last_term,
            if signed.body.pre_vote {
                ", pre-vote"
            } else {
                ""
            }
        ),
        Message::RaftVote(signed) => format!(
            "term {} {}{}",
            signed.body.term,
            if signed.body.granted {
                "granted"
            } else {
                "refused"
            },
            if signed.body.pre_vote {
                ", pre-vote"
            } else {
                ""
            }
        ),
    };
    format!("{name}({signer}) {content}")
}

fn entries(entries: &[std::sync::Arc<consensus::Entry>]) -> String {
    match entries {
        [] => "none".to_owned(),
        [only] => only.point().to_string(),
        [first, .., last] => format!("{}..{}", first.index(), last.point()),
    }
}

fn commit(certificate: Option<&consensus::certificate::QuorumCertificate>) -> String {
    certificate.map_or_else(
        || "-".to_owned(),
        |certificate| certificate.header.index.to_string(),
    )
}

fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Starved(key) => format!("starved of request {}", key.nonce),
        other => other.name().to_owned(),
    }
}

fn report(report: &consensus::message::Report) -> String {
    format!(
        "term {} pair ({}, {}) with {} headers, accept {} commit {}",
        report.term,
        report.pair.term,
        report.pair.point,
        report.pair.headers.len(),
        commit(report.accept.as_ref()),
        commit(report.commit.as_ref())
    )
}
