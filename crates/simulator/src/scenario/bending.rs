//! What § 13 says of certificates: real ones, bent in every way.

use consensus::{
    Configuration, EntryHeader, Hash, Message, NodeId, Point, Term,
    certificate::{Counted, ElectionCertificate, QuorumCertificate},
    event::Recipient,
    message::Proof,
    types::Epoch,
};

use super::{
    Script,
    checks::{Count, all_hold, ask_often},
    faultless::{Faultless, settled},
};
use crate::{
    adversary::{Adversary, Tools},
    trace::Trace,
};

pub(super) static SCRIPTS: &[Script] = &[Script {
    id: "bent-certificates",
    rule: "P2.7, P4.7",
    summary: "real certificates with a signer twice, another term or epoch, or cut down to a point below base",
    published: "",
    play: bent_certificates,
}];

const D: NodeId = NodeId(3);

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
