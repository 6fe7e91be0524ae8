//! A3, A8 and S16, and what § 13 says of certificates: seizing a term without an election, terms far
//! ahead, certificates bent in every way.

use std::sync::Arc;

use consensus::{
    Configuration, EntryHeader, Hash, Message, NodeId, Point, RequestKey, Signature, Signed, Term,
    certificate::{Counted, ElectionCertificate, LeaveCertificate, QuorumCertificate},
    event::Recipient,
    message::{AppendEntries, Grant, Heartbeat, Proof, Reason, RequestVote, Suspect, Vote},
    types::Epoch,
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
        summary: "signatures given for other things pose as grants, suspicions and reports, to seize the next term",
        published: "A3",
        play: usurped_term,
    },
    Script {
        id: "inflated-terms",
        rule: "P4.3",
        summary: "suspicions, votes, grants and heartbeats of the largest terms, and of this one for every reason",
        published: "A8",
        play: inflated_terms,
    },
    Script {
        id: "bent-certificates",
        rule: "P2.7, P4.7",
        summary: "real certificates with a signer twice, another term or epoch, or cut down to a point below base",
        published: "",
        play: bent_certificates,
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
            let suspects = self.signatures.iter().map(|&(signer, signature)| Signed {
                signer,
                body: suspect(configuration, term, Reason::Silent),
                signature,
            });
            let leave = LeaveCertificate {
                epoch,
                term,
                suspects: suspects.collect(),
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

/// Bends every certificate that it sees.
#[derive(Default)]
struct Bender {
    headers: Vec<EntryHeader>,
    commit: Option<QuorumCertificate>,
    election: Option<ElectionCertificate>,
    bent: Count,
    of_later_terms: Count,
    believed: Count,
}

impl Bender {
    fn header(&self, configuration: &Configuration, point: Point) -> Option<EntryHeader> {
        let mut headers = self.headers.iter();
        headers
            .find(|header| header.point(configuration) == point)
            .cloned()
    }

    fn bent_commits(
        &self,
        configuration: &Configuration,
        real: &QuorumCertificate,
    ) -> Vec<QuorumCertificate> {
        let bend = |change: &dyn Fn(&mut QuorumCertificate)| {
            let mut bent = real.clone();
            change(&mut bent);
            bent
        };
        let mut all = vec![
            bend(&|bent| bent.votes[1] = bent.votes[0].clone()),
            bend(&|bent| bent.votes.truncate(2)),
            bend(&|bent| bent.votes[0].signer = D),
            bend(&|bent| bent.votes[0].signer = NodeId(60)),
            bend(&|bent| bent.header.term = bent.header.term.next()),
            bend(&|bent| bent.header.epoch = Epoch(9)),
            bend(&|bent| bent.header.index = bent.header.index.next()),
            bend(&|bent| bent.header.timestamp += 1),
            bend(&|bent| bent.votes[0].body.term = bent.votes[0].body.term.next()),
            bend(&|bent| {
                bent.votes
                    .iter_mut()
                    .for_each(|vote| vote.signature.0[40] ^= 1)
            }),
            bend(&|bent| {
                let before = bent.header.clone();
                bent.following = vec![before];
            }),
        ];
        if real.votes.iter().any(|vote| vote.body.locked.is_none()) {
            all.push(bend(&|bent| bent.counted = Counted::Locked));
        }
        // Cut down to what stands before the term: its votes do extend it.
        let base = self.election.as_ref().map(ElectionCertificate::base);
        if let Some(base) = base.and_then(|base| self.header(configuration, base)) {
            let mut following: Vec<EntryHeader> = self
                .headers
                .iter()
                .filter(|header| header.index > base.index && header.index <= real.header.index)
                .cloned()
                .collect();
            following.sort_by_key(|header| header.index);
            following.extend(real.following.clone());
            following.dedup();
            all.push(QuorumCertificate {
                header: base,
                following,
                ..real.clone()
            });
        }
        all
    }

    fn bent_elections(real: &ElectionCertificate) -> Vec<ElectionCertificate> {
        let bend = |change: &dyn Fn(&mut ElectionCertificate)| {
            let mut bent = real.clone();
            change(&mut bent);
            bent
        };
        vec![
            bend(&|bent| bent.grants[1] = bent.grants[0]),
            bend(&|bent| bent.grants.truncate(2)),
            bend(&|bent| bent.grants[0].0 = NodeId(60)),
            bend(&|bent| bent.grant.term = Term(7)),
            bend(&|bent| bent.grant.epoch = Epoch(9)),
            bend(&|bent| bent.grant.base.index = bent.grant.base.index.previous()),
            bend(&|bent| bent.grant.reports = Hash([4; 32])),
        ]
    }
}

impl Adversary for Bender {
    fn receives(&mut self, _: &mut Tools<'_>, _: NodeId, message: &Message) -> bool {
        match message {
            Message::AppendEntries(signed) => {
                let headers = signed
                    .body
                    .entries
                    .iter()
                    .map(|entry| entry.header().clone());
                self.headers.extend(headers);
                self.election = signed.body.election.clone().or(self.election.take());
            }
            Message::Heartbeat(signed) => {
                self.commit = signed.body.commit.clone().or(self.commit.take());
                self.election = signed.body.election.clone().or(self.election.take());
            }
            _ => {}
        }
        true
    }

    fn ticks(&mut self, tools: &mut Tools<'_>, _: Term) {
        let configuration = tools.configuration();
        let commits = self
            .commit
            .as_ref()
            .map_or_else(Vec::new, |real| self.bent_commits(configuration, real));
        let elections = self
            .election
            .as_ref()
            .map_or_else(Vec::new, Self::bent_elections);
        let commits = commits.into_iter().map(|commit| (Some(commit), None));
        let elections = elections.into_iter().map(|election| (None, Some(election)));
        for (commit, election) in commits.chain(elections) {
            let proof = tools.sign(Proof {
                epoch: configuration.epoch(),
                election,
                leave: None,
                commit,
            });
            self.bent.add();
            if self.election.is_some() {
                self.of_later_terms.add();
            }
            if tools.verified(tools.me(), &proof).is_ok() {
                self.believed.add();
            }
            tools.pass(Recipient::Others, &proof);
        }
    }
}

fn bent_certificates(trace: Trace) -> Result<String, String> {
    let bender = Bender::default();
    let (bent, later) = (bender.bent.clone(), bender.of_later_terms.clone());
    let believed = bender.believed.clone();
    let mut simulation = Faultless {
        traitors: vec![(D, Box::new(bender))],
        ..Faultless::FOUR
    }
    .start(22, trace);
    let mut requests = ask_often(&mut simulation, NodeId(1), 10, 100);
    simulation.hosts[0].crash();
    requests.extend(ask_often(&mut simulation, NodeId(1), 30, 100));
    settled(&mut simulation)?;
    all_hold(&simulation, &requests)?;
    later.happened("bent certificate after an election")?;
    if believed.get() > 0 {
        return Err(format!("{} bent certificates were valid", believed.get()));
    }
    Ok(format!(
        "{} bent certificates, each refused",
        bent.happened("bent certificate")?
    ))
}
