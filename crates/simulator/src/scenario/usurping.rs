//! A3, A8 and S16: seizing a term without an election, and terms far ahead.

use std::sync::Arc;

use consensus::{
    Configuration, Hash, Message, NodeId, RequestKey, Signature, Signed, Term,
    certificate::{ElectionCertificate, LeaveCertificate},
    event::Recipient,
    message::{AppendEntries, Grant, Heartbeat, Leave, Proof, Reason, RequestVote, Suspect, Vote},
};

use super::{
    Script,
    checks::{Count, all_hold, ask_often, nobody_left, pass},
    faultless::{Faultless, settled},
};
use crate::{
    adversary::{Adversary, Tools},
    trace::Trace,
};

pub(super) static SCRIPTS: &[Script] = &[
    Script {
        id: "usurped-term",
        rule: "P4.1, P4.7",
        summary: "signatures given for other things pose as grants, Leaves and reports, to seize the next term",
        published: "A3",
        play: usurped_term,
    },
    Script {
        id: "inflated-terms",
        rule: "P4.3",
        summary: "suspicions, Leaves, votes, grants and heartbeats of the largest terms, and of this one for every reason",
        published: "A8",
        play: inflated_terms,
    },
];

const D: NodeId = NodeId(3);

/// Collects signatures of the others and puts them under other statements.
#[derive(Default)]
struct Usurper {
    signatures: Vec<(NodeId, Signature)>,
    forged: Count,
    believed: Count,
}

impl Usurper {
    fn try_out(&self, tools: &mut Tools<'_>, message: &Arc<Message>) {
        self.forged.add();
        if tools.verified(tools.me(), message).is_ok() {
            self.believed.add();
        }
        tools.pass(Recipient::Others, message);
    }
}

impl Adversary for Usurper {
    fn receives(&mut self, _: &mut Tools<'_>, _: NodeId, message: &Message) -> bool {
        if let Message::Vote(signed) = message
            && self
                .signatures
                .iter()
                .all(|(node, _)| *node != signed.signer)
        {
            self.signatures.push((signed.signer, signed.signature));
        }
        true
    }

    fn ticks(&mut self, tools: &mut Tools<'_>, term: Term) {
        if self.signatures.len() < 3 {
            return;
        }
        let configuration = tools.configuration();
        let (epoch, base) = (configuration.epoch(), configuration.opening());
        // The next term that is its own, and the term that has a leader already.
        for term in [term, Term(3), Term(7)] {
            let grant = Grant {
                epoch,
                term,
                base,
                reports: Hash([0; 32]),
            };
            let election = Some(ElectionCertificate {
                grant,
                grants: self.signatures.clone(),
            });
            let heartbeat = tools.sign(Heartbeat {
                epoch,
                term,
                head: base,
                commit: None,
                election: election.clone(),
            });
            self.try_out(tools, &heartbeat);
            let leaves = self.signatures.iter().map(|&(signer, signature)| Signed {
                signer,
                body: leave(configuration, term, Reason::Silent),
                signature,
            });
            let leave = LeaveCertificate {
                epoch,
                term,
                leaves: leaves.collect(),
            };
            for proof in [(election.clone(), None), (None, Some(leave))] {
                let proof = tools.sign(Proof {
                    epoch,
                    election: proof.0,
                    leave: proof.1,
                    commit: None,
                });
                self.try_out(tools, &proof);
            }
            // Well signed, and without any proof.
            if configuration.leader(term) == tools.me() {
                let append = tools.sign(AppendEntries {
                    epoch,
                    term,
                    previous: base,
                    entries: Vec::new(),
                    commit: None,
                    election: None,
                });
                tools.pass(Recipient::Others, &append);
                let request = tools.sign(RequestVote {
                    epoch,
                    term,
                    base,
                    reports: Vec::new(),
                });
                tools.pass(Recipient::Others, &request);
            }
        }
    }
}

fn suspect(configuration: &Configuration, term: Term, reason: Reason) -> Suspect {
    Suspect {
        epoch: configuration.epoch(),
        term,
        commit: configuration.opening(),
        uncommitted: None,
        reason,
    }
}

fn leave(configuration: &Configuration, term: Term, reason: Reason) -> Leave {
    Leave {
        epoch: configuration.epoch(),
        term,
        reason,
        followed: false,
    }
}

fn usurped_term(trace: Trace) -> Result<String, String> {
    let usurper = Usurper::default();
    let (forged, believed) = (usurper.forged.clone(), usurper.believed.clone());
    let requests = undisturbed(Box::new(usurper), 20, trace)?;
    if believed.get() > 0 {
        return Err(format!("{} forged proofs were valid", believed.get()));
    }
    Ok(format!(
        "{} forged proofs refused; the leader of term 0 served {requests} requests at once",
        forged.happened("forged proof")?
    ))
}

/// The traitor does not keep anybody from serving 40 requests in term 0.
fn undisturbed(traitor: Box<dyn Adversary>, seed: u64, trace: Trace) -> Result<usize, String> {
    let mut simulation = Faultless {
        traitors: vec![(D, traitor)],
        ..Faultless::FOUR
    }
    .start(seed, trace);
    let requests = ask_often(&mut simulation, NodeId(1), 40, 100);
    pass(&mut simulation, 100);
    nobody_left(&simulation, Term::ZERO)?;
    all_hold(&simulation, &requests)?;
    settled(&mut simulation)?;
    Ok(requests.len())
}

/// Speaks of terms that nobody is in, and gives every reason to leave this one.
#[derive(Default)]
struct Inflater {
    said: Count,
}

impl Adversary for Inflater {
    fn ticks(&mut self, tools: &mut Tools<'_>, term: Term) {
        let configuration = tools.configuration();
        let (epoch, opening) = (configuration.epoch(), configuration.opening());
        let key = RequestKey {
            account: [0xac; 32],
            nonce: 1,
        };
        for term in [
            term,
            term.next(),
            Term(term.0 + 1_000_000),
            Term(u64::MAX - 1),
            Term(u64::MAX),
        ] {
            let mut messages = Vec::new();
            for reason in [
                Reason::Silent,
                Reason::Starved(key),
                Reason::Misbehaved,
                Reason::Crawling,
                Reason::Restarted,
            ] {
                messages.push(tools.sign(suspect(configuration, term, reason)));
                messages.push(tools.sign(leave(configuration, term, reason)));
            }
            messages.push(tools.sign(Vote {
                epoch,
                term,
                accepted: Some(opening),
                locked: Some(opening),
                applied: None,
            }));
            messages.push(tools.sign(Grant {
                epoch,
                term,
                base: opening,
                reports: Hash([1; 32]),
            }));
            messages.push(tools.sign(Heartbeat {
                epoch,
                term,
                head: opening,
                commit: None,
                election: None,
            }));
            for message in messages {
                tools.pass(Recipient::Others, &message);
                self.said.add();
            }
        }
    }
}

fn inflated_terms(trace: Trace) -> Result<String, String> {
    let inflater = Inflater::default();
    let said = inflater.said.clone();
    let requests = undisturbed(Box::new(inflater), 21, trace)?;
    Ok(format!(
        "{} messages of other terms move nobody; {requests} requests served at once",
        said.happened("message of another term")?
    ))
}
