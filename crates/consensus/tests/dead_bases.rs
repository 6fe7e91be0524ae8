//! A base that nobody can adopt costs the term of the traitor that got itself elected with it, and no
//! other (P4.5). Reports of it are sound, of the highest term, and chosen by P4.8.

#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod cluster;
#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod plot;

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, sync::Arc};

use cluster::Cluster;
use consensus::{
    Configuration, Entry, Message, NodeId, Point, Signature, Signed, SignedHeader, Term,
    certificate::{ElectionCertificate, QuorumCertificate},
    message::{
        FetchReply, Justification, Leave, PairReport, Proof, Reason, Report, RequestVote, Suspect,
    },
    mutation::Mutation,
};
use plot::{append, best_commit, chain_of, entry, harms_only_under, serves_within, sign};

/// What is wrong with the base.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    /// The body of an entry below it is never shown.
    Withheld,
    /// It was signed by a clock far ahead.
    FarAhead,
    /// It was signed by a clock that goes back.
    GoesBack,
    /// Control: as `Withheld`, but the traitors are silent once it is elected.
    Silent,
}

/// What traitors do to be elected in `term` with `base` and to report it ever after.
struct Plot {
    configuration: Arc<Configuration>,
    term: Term,
    traitors: Vec<usize>,
    correct: Vec<usize>,
    base: Arc<Entry>,
    /// From what is committed to the base.
    headers: Vec<SignedHeader>,
    commit: QuorumCertificate,
    fault: Fault,
    reports: BTreeMap<NodeId, Signed<Report>>,
    request: Option<RequestVote>,
    grants: BTreeMap<NodeId, Signature>,
    election: Option<ElectionCertificate>,
    newest: Term,
}

type Said = Vec<(usize, usize, Message)>;

impl Plot {
    fn new(cluster: &Cluster, term: u64, traitors: &[usize], fault: Fault) -> Self {
        let configuration = Arc::clone(&cluster.setups[0].configuration);
        let commit = best_commit(cluster);
        let last = commit.point(&configuration);
        let now = cluster.now.wall;
        let chain = match fault {
            Fault::Withheld | Fault::Silent => {
                chain_of(&configuration, Term::ZERO, last, now, 98, 2)
            }
            Fault::FarAhead => vec![entry(&configuration, Term::ZERO, last, u64::MAX / 2, 98)],
            Fault::GoesBack => vec![entry(&configuration, Term::ZERO, last, 5, 98)],
        };
        Self {
            term: Term(term),
            traitors: traitors.to_vec(),
            correct: (0..cluster.setups.len())
                .filter(|node| !traitors.contains(node))
                .collect(),
            base: Arc::clone(&chain[chain.len() - 1]),
            headers: chain.iter().map(|entry| entry.signed.clone()).collect(),
            commit,
            fault,
            reports: BTreeMap::new(),
            request: None,
            grants: BTreeMap::new(),
            election: None,
            newest: Term(term),
            configuration,
        }
    }

    fn point(&self) -> Point {
        self.base.point()
    }

    /// Installs the plot as the cluster's hook.
    fn begin(self, cluster: &mut Cluster) -> Rc<RefCell<Self>> {
        let plot = Rc::new(RefCell::new(self));
        let acting = Rc::clone(&plot);
        cluster.hook =
            Box::new(move |from, to, message| acting.borrow_mut().act(from, to, message));
        plot
    }

    fn act(&mut self, from: usize, to: usize, message: &Message) -> Said {
        let goes_on = self.fault != Fault::Silent && self.election.is_some();
        match message {
            Message::Report(report) if report.body.term == self.term => self.stand(from, report),
            Message::Report(report) if goes_on && report.body.term > self.newest => {
                self.repeat(report)
            }
            Message::VoteGranted(grant) if grant.body.term == self.term => {
                let asked = self.request.as_ref().map(RequestVote::grant);
                if asked == Some(grant.body.clone()) {
                    self.grants.insert(grant.signer, grant.signature);
                }
                self.win()
            }
            Message::Fetch(fetch) if goes_on && fetch.body.target == Some(self.point()) => {
                let reply = FetchReply {
                    epoch: self.configuration.epoch(),
                    from: fetch.body.from,
                    target: fetch.body.target,
                    entries: vec![Arc::clone(&self.base)],
                    commit: None,
                };
                vec![self.said(to, from, reply)]
            }
            _ => Vec::new(),
        }
    }

    /// Something in a traitor's name. What its own replica says is lost, so another passes it on.
    fn said<T: consensus::signed::Body>(
        &self,
        traitor: usize,
        to: usize,
        body: T,
    ) -> (usize, usize, Message)
    where
        Message: From<Signed<T>>,
    {
        let mut carriers = self.correct.iter().copied();
        let carrier = carriers.find(|&carrier| carrier != to).unwrap();
        let signed = sign(&self.configuration, traitor, body);
        (carrier, to, signed.into())
    }

    fn report(&self, term: Term, pair: PairReport, like: &Report) -> Report {
        Report {
            epoch: self.configuration.epoch(),
            term,
            pair,
            accept: None,
            commit: Some(self.commit.clone()),
            leave: like.leave.clone(),
        }
    }

    /// Asks for grants with the traitors' reports and as few others as it takes.
    fn stand(&mut self, from: usize, report: &Signed<Report>) -> Said {
        let sizes = self.configuration.sizes();
        if !self.correct.contains(&from) || self.request.is_some() {
            return Vec::new();
        }
        self.reports.insert(report.signer, report.clone());
        if self.reports.len() + self.traitors.len() < sizes.reports() {
            return Vec::new();
        }
        let pair = PairReport {
            term: Term::ZERO,
            point: self.point(),
            headers: self.headers.clone(),
            justification: Justification::Opening,
        };
        let lie = self.report(self.term, pair, &report.body);
        let lies = self.traitors.iter();
        let mut reports: Vec<Signed<Report>> = lies
            .map(|&traitor| sign(&self.configuration, traitor, lie.clone()))
            .collect();
        reports.extend(self.reports.values().cloned());
        let request = RequestVote {
            epoch: self.configuration.epoch(),
            term: self.term,
            base: self.point(),
            reports,
        };
        self.request = Some(request.clone());
        let leader = self.configuration.leader(self.term).position();
        let correct = self.correct.iter();
        correct
            .map(|&to| self.said(leader, to, request.clone()))
            .collect()
    }

    /// Shows the certificate, and the body of an entry that a clock is wrong in.
    fn win(&mut self) -> Said {
        let Some(request) = &self.request else {
            return Vec::new();
        };
        let quorum = self.configuration.sizes().quorum();
        if self.election.is_some() || self.grants.len() + self.traitors.len() < quorum {
            return Vec::new();
        }
        let grant = request.grant();
        for &traitor in &self.traitors {
            let own = sign(&self.configuration, traitor, grant.clone());
            self.grants.insert(own.signer, own.signature);
        }
        let election = ElectionCertificate {
            grant,
            grants: self.grants.iter().map(|(&node, &by)| (node, by)).collect(),
        };
        self.election = Some(election.clone());
        let proof = Proof {
            epoch: self.configuration.epoch(),
            election: Some(election),
            leave: None,
            commit: None,
        };
        let mut said = Vec::new();
        for &to in &self.correct {
            said.push(self.said(self.traitors[0], to, proof.clone()));
            if matches!(self.fault, Fault::FarAhead | Fault::GoesBack) {
                let shown = append(
                    &self.configuration,
                    Term::ZERO,
                    vec![Arc::clone(&self.base)],
                );
                said.push((self.traitors[0], to, shown.into()));
            }
        }
        said
    }

    /// Reports the dead base to the leader of a later term, ahead of all others.
    fn repeat(&mut self, seen: &Signed<Report>) -> Said {
        self.newest = seen.body.term;
        let election = self.election.clone().expect("it was elected");
        let pair = PairReport {
            term: self.term,
            point: self.point(),
            headers: Vec::new(),
            justification: Justification::Election(election),
        };
        let lie = self.report(self.newest, pair, &seen.body);
        let leader = self.configuration.leader(self.newest).position();
        let traitors = self.traitors.iter();
        traitors
            .map(|&traitor| self.said(traitor, leader, lie.clone()))
            .collect()
    }
}

/// n = 7: n0 = leader(0) and n1 = leader(1) are traitors, and the network is timely throughout. n0
/// signs after the committed head; n1 is elected with what it signed, which no correct node can adopt;
/// from then on both report (1, base(1)). Whether a request is served all the same.
fn serves_at_seven(fault: Fault, millis: u64) -> bool {
    let mut cluster = Cluster::hostile(7);
    cluster.run_for(100);
    let plot = Plot::new(&cluster, 1, &[0, 1], fault);
    cluster.stop(0);
    // n1's own replica runs, but nobody hears it; the plot speaks for it.
    cluster.filter = Box::new(|from, _, _| from != 1);
    let plot = plot.begin(&mut cluster);
    cluster.submit(2, 7);
    let served = serves_within(&mut cluster, 2, 7, millis);
    println!("{fault:?}: {:?}", cluster.status(2));
    assert!(plot.borrow().election.is_some(), "n1 was elected");
    served
}

#[test]
fn traitors_that_fall_silent_after_an_election_halt_nothing() {
    assert!(serves_at_seven(Fault::Silent, 20_000));
}

#[test]
fn a_base_with_a_withheld_body_is_elected_once() {
    harms_only_under(Mutation::DeadBaseSelected, || {
        !serves_at_seven(Fault::Withheld, 60_000)
    });
}

#[test]
fn a_base_far_ahead_is_elected_once() {
    harms_only_under(Mutation::DeadBaseSelected, || {
        !serves_at_seven(Fault::FarAhead, 60_000)
    });
}

#[test]
fn a_base_whose_clock_goes_back_is_elected_once() {
    harms_only_under(Mutation::DeadBaseSelected, || {
        !serves_at_seven(Fault::GoesBack, 60_000)
    });
}

/// n = 4: n0 is a traitor. n1 is down from term 0 to term 4. n0 helps to leave terms 0 to 3 and lets
/// nobody be elected; in term 4 it is elected itself. Then n1 comes back, so that three correct nodes
/// are up and timely.
fn serves_at_four(fault: Fault, millis: u64) -> bool {
    let mut cluster = Cluster::hostile(4);
    cluster.run_for(100);
    let plot = Plot::new(&cluster, 4, &[0], fault);
    // n0's own replica runs, but only its agreement with others' suspicion is heard.
    cluster.filter = Box::new(|from, _, message| {
        let reason = match message {
            Message::Suspect(signed) => Some(signed.body.reason),
            Message::Leave(signed) => Some(signed.body.reason),
            _ => None,
        };
        from != 0 || reason == Some(Reason::Crawling)
    });
    cluster.stop(1);
    let configuration = Arc::clone(&plot.configuration);
    let plot = plot.begin(&mut cluster);
    cluster.submit(2, 7);
    for _ in 0..600 {
        if plot.borrow().election.is_some() {
            break;
        }
        // n0 suspects whatever n2 suspects, and leaves with it.
        let term = cluster.status(2).term;
        if cluster.status(2).suspicion.is_some() && term < Term(4) {
            let suspect = Suspect {
                epoch: configuration.epoch(),
                term,
                commit: cluster.status(2).commit,
                uncommitted: None,
                reason: Reason::Crawling,
            };
            let leave = Leave {
                epoch: configuration.epoch(),
                term,
                reason: Reason::Crawling,
                followed: false,
            };
            for to in 2..4 {
                cluster.say(0, to, sign(&configuration, 0, suspect.clone()));
                cluster.say(0, to, sign(&configuration, 0, leave.clone()));
            }
        }
        cluster.run_for(100);
    }
    assert!(plot.borrow().election.is_some(), "n0 was elected");
    cluster.start(1);
    let served = serves_within(&mut cluster, 2, 7, millis);
    println!("{fault:?}: {:?}", cluster.status(2));
    served
}

#[test]
fn at_four_nodes_a_silent_traitor_halts_nothing() {
    assert!(serves_at_four(Fault::Silent, 60_000));
}

#[test]
fn at_four_nodes_a_base_with_a_withheld_body_is_elected_once() {
    harms_only_under(Mutation::DeadBaseSelected, || {
        !serves_at_four(Fault::Withheld, 120_000)
    });
}
