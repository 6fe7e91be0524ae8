//! The Byzantine rules, §§ 3–7 of the protocol.
//!
//! Invariants, checked where they could break:
//! - the chain never changes at or below the commit point (P3.2);
//! - the accepted pair changes only by P3.3 (i)–(iii);
//! - a vote waits for the write that holds what it says (P11.1);
//! - inside a term the accepted points form one chain (P3.4).

mod accepting;
mod adopting;
mod branches;
mod committing;
mod crawling;
mod deposing;
mod electing;
mod examining;
mod fetching;
mod leading;
mod leaving;
mod reporting;
mod requests;
pub mod select_base;
mod serving;
mod suspecting;
pub mod void;
mod votes;
mod watching;
mod witness;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use crate::{
    certificate::{ElectionCertificate, LeaveCertificate, QuorumCertificate},
    configuration::Configuration,
    event::{Deposition, Divergence, Event, Notice, Output, Role, Status, WriteId},
    evidence::Evidence,
    limits,
    log::Log,
    message::{Applied, Fetch, Justification, Message, Reason, Report},
    mutation::{self, Mutation},
    outbox::{Outbox, Setup},
    record::{Record, Restored, VoteState},
    request::RequestKey,
    signed::{Signed, Verified},
    types::{Index, NodeId, Now, Point, Term, Time},
};

use accepting::Side;
use branches::Branches;
use crawling::Idleness;
use electing::Candidacy;
use fetching::Fetches;
use leaving::Leaves;
use requests::Requests;
use serving::Allowances;
use suspecting::{Suspects, Suspicion};
use votes::Votes;
use witness::Memory;

/// A replica of Byzantine mode.
pub struct Byzantine {
    out: Outbox,
    now: Now,

    /// What is promised: term, accepted pair, lock, grant, led.
    state: VoteState,
    /// What entitles this node to its pair.
    justification: Justification,
    /// The chain: what is committed, and beyond it this node's accepted branch, unless that is
    /// on [`Byzantine::side`].
    log: Log,
    /// The accepted branch, where a certificate of its term conflicts with it (P3.3).
    side: Option<Side>,
    /// Entries that are not on the chain: of other branches, or ahead of it.
    branches: Branches,

    commit: Point,
    /// Best commit certificate; none before the first.
    certificate: Option<Arc<QuorumCertificate>>,
    /// Commit certificates for the entries in memory, for peers that catch up.
    certificates: BTreeMap<Index, Arc<QuorumCertificate>>,
    /// A commit certificate for a point that is not on the chain yet, and since when.
    wanted: Option<(QuorumCertificate, Time)>,
    /// Accept certificate behind the lock.
    lock: Option<QuorumCertificate>,
    applied: Option<Applied>,

    votes: Votes,
    /// This node's votes that do not count yet, each with the write that it waits for.
    own_votes: VecDeque<(Signed<crate::message::Vote>, WriteId)>,
    durable: WriteId,
    /// When an `applied` point that moved alone is voted at the latest.
    applied_vote_due: Option<Time>,

    /// Election certificate of this node's term.
    election: Option<ElectionCertificate>,
    /// Leave certificate of the term before.
    leave: Option<LeaveCertificate>,
    candidacy: Candidacy,
    /// The write that holds `led`, for the first AppendEntries of a term (P3.8).
    led_write: Option<WriteId>,
    heartbeat_due: Time,

    suspicion: Option<Suspicion>,
    suspects: Suspects,
    leaves: Leaves,
    timer: Timer,
    idleness: Idleness,
    /// Per peer: when it was last told about this node's term.
    late_answers: BTreeMap<NodeId, Time>,
    /// This node's report for its term.
    report: Option<OwnReport>,
    deposed: Option<Deposition>,

    requests: Requests,
    /// Keys in the uncommitted part of the chain.
    in_chain: BTreeSet<RequestKey>,

    fetches: Fetches,
    allowances: Allowances,
    evidence: Vec<Arc<Evidence>>,
    /// What others signed lately, to be held against them (P7.3).
    witness: Memory,
    /// Set for good once this node's own results turn out to be wrong (P8.2).
    diverged: Option<Divergence>,
}

/// A report that is sent again until its term has a leader (P4.3).
struct OwnReport {
    signed: Signed<Report>,
    /// The write that it depends on.
    write: WriteId,
    /// When it was last sent to everybody.
    sent: Time,
}

/// What the timers of a term are measured from (P4.6).
struct Timer {
    level: u32,
    /// End of the term timer; `None` once the term committed something.
    term_deadline: Option<Time>,
    /// When the leader was last heard.
    heard: Time,
    /// Since when something waits without any commit; `None` while nothing waits.
    stalled_since: Option<Time>,
    /// Since when the leader has been steady; the level falls after ten timers of it.
    steady_since: Time,
}

impl Byzantine {
    pub(crate) fn new(setup: Setup, restored: Option<Restored>, now: Now) -> Self {
        let configuration = Arc::clone(&setup.configuration);
        let opening = configuration.opening();
        let mut log = Log::new(opening, Term::ZERO);
        let mut state = VoteState::new(&configuration);
        let mut replica_parts = None;
        if let Some(restored) = restored {
            let before_term = restored.tail.first().map_or(Term::ZERO, |first| {
                if restored.before == opening {
                    Term::ZERO
                } else {
                    first.term()
                }
            });
            log = Log::new(restored.before, before_term);
            for entry in &restored.tail {
                log.append(Arc::clone(entry));
            }
            state = restored.vote_state.clone();
            replica_parts = Some(restored);
        }
        let requests = Requests::new(setup.me, configuration.sizes().validators());
        let mut replica = Self {
            out: Outbox::new(setup),
            now,
            state,
            justification: Justification::Opening,
            log,
            side: None,
            branches: Branches::new(configuration.sizes()),
            commit: opening,
            certificate: None,
            certificates: BTreeMap::new(),
            wanted: None,
            lock: None,
            applied: None,
            votes: Votes::default(),
            own_votes: VecDeque::new(),
            durable: WriteId(0),
            applied_vote_due: None,
            election: None,
            leave: None,
            candidacy: Candidacy::default(),
            led_write: None,
            heartbeat_due: now.monotonic,
            suspicion: None,
            suspects: Suspects::default(),
            leaves: Leaves::default(),
            timer: Timer {
                level: 0,
                term_deadline: None,
                heard: now.monotonic,
                stalled_since: None,
                steady_since: now.monotonic,
            },
            idleness: Idleness::default(),
            late_answers: BTreeMap::new(),
            report: None,
            deposed: None,
            requests,
            in_chain: BTreeSet::new(),
            fetches: Fetches::default(),
            allowances: Allowances::default(),
            evidence: Vec::new(),
            witness: Memory::default(),
            diverged: None,
        };
        if let Some(restored) = replica_parts {
            replica.restore(restored);
        }
        replica.start_term_timer();
        replica.forget_idleness();
        replica.progress();
        replica
    }

    fn restore(&mut self, restored: Restored) {
        self.justification = restored.justification;
        if mutation::active(Mutation::LockForgotten) {
            self.state.locked = None;
        }
        self.lock = restored.lock.filter(|_| self.state.locked.is_some());
        self.election = restored
            .election
            .filter(|election| election.term() == self.state.term);
        self.leave = restored
            .leave
            .filter(|leave| leave.term.next() == self.state.term);
        self.evidence = restored.evidence;
        if let Some(commit) = restored.commit {
            let point = commit.point(&self.out.setup.configuration);
            if self.log.contains(point) {
                self.commit = point;
                let commit = Arc::new(commit);
                self.certificates.insert(point.index, Arc::clone(&commit));
                self.certificate = Some(commit);
            } else {
                self.commit = self.log.before();
                self.wanted = Some((commit, self.now.monotonic));
            }
        }
        if mutation::active(Mutation::PairForgotten) {
            self.forget_pair();
        }
        self.applied = (restored.applied.index > Index::ZERO).then_some(restored.applied);
        if let Some(applied) = self.applied {
            self.note_results(applied);
        }
        if !self.log.contains(self.state.pair_point) {
            self.side = Side::restore(restored.side, self.state.pair_point);
        }
        self.refresh_in_chain();
        if self.has_led() && self.leads_term() {
            self.suspect(Reason::Restarted);
        }
        if self.state.pair_term < self.state.term && self.election.is_none() {
            self.make_report();
        }
    }

    /// What [`Mutation::PairForgotten`] leaves of the accepted pair: what is committed.
    fn forget_pair(&mut self) {
        self.log.truncate(self.commit.index);
        let (term, justification) = match &self.certificate {
            Some(commit) => (commit.term(), Justification::Commit((**commit).clone())),
            None => (Term::ZERO, Justification::Opening),
        };
        self.justification = justification;
        self.lock = None;
        self.state.locked = None;
        self.state.pair_term = term;
        self.state.pair_point = self.commit;
    }

    pub(crate) fn handle(&mut self, now: Now, event: Event) {
        if self.diverged.is_some() {
            return;
        }
        self.now = now;
        self.measure_idleness();
        match event {
            Event::Message(message) => self.message(message),
            Event::Relayed {
                from,
                complained,
                requests,
            } => self.relayed(from, complained, &requests),
            Event::Judged { as_of, verdicts } => self.judged(as_of, &verdicts),
            Event::Submit(request) => self.submit(&request),
            Event::Complain(request) => self.complain(&request),
            Event::Written(id) => self.written(id),
            Event::Applied(applied) => self.applied(applied),
            Event::EntriesRead {
                to,
                from,
                entries,
                commit,
            } => self.entries_read(to, from, entries, commit),
            Event::Read { id } => self.out.push(Output::ReadReady {
                id,
                index: self.log.last().index,
            }),
            Event::Timeout => {}
            // A certificate that was learned last waits for something else to be written with.
            Event::Stopping => {
                self.flush();
                return;
            }
        }
        self.progress();
    }

    /// Whatever the state allows next. Everything that an event may have made possible happens
    /// here, in one order, so that no handler needs to know what waits for it.
    fn progress(&mut self) {
        self.check_timers();
        loop {
            let before = self.position();
            self.install_wanted();
            self.adopt();
            self.accept_waiting();
            self.count_votes();
            self.collect_reports();
            self.collect_grants();
            self.lead();
            if before == self.position() {
                break;
            }
        }
        self.vote();
        self.request_missing();
        self.flush_relays();
        self.settle_doubts();
        self.tell();
        self.forget_old();
    }

    /// What [`Byzantine::progress`] moves: it goes on until none of it does.
    fn position(&self) -> (Point, Point, VoteState, bool, bool) {
        (
            self.log.last(),
            self.commit,
            self.state.clone(),
            self.election.is_some(),
            self.led_write.is_some(),
        )
    }

    fn message(&mut self, message: Verified<Message>) {
        let (from, message) = message.into_parts();
        if from == self.me() {
            return;
        }
        self.answer_if_late(from, &message);
        match message {
            Message::AppendEntries(signed) => self.append_entries(from, signed),
            Message::Heartbeat(signed) => self.heartbeat(from, signed),
            Message::Vote(signed) => self.vote_received(from, signed),
            Message::Suspect(signed) => self.suspect_received(from, signed),
            Message::Leave(signed) => self.leave_received(signed),
            Message::Report(signed) => self.report_received(signed),
            Message::RequestVote(signed) => self.request_vote(signed),
            Message::VoteGranted(signed) => self.vote_granted(signed),
            Message::Proof(signed) => {
                let proof = signed.body;
                self.learn_commit(proof.commit);
                self.learn_election(proof.election);
                if let Some(leave) = proof.leave {
                    self.leave_term(leave);
                }
            }
            Message::Fetch(signed) => self.fetch_received(from, &signed.body),
            Message::FetchReply(signed) => self.fetch_reply(from, signed.body),
            Message::Accuse(signed) => self.accused(signed.body),
            Message::Testimony(signed) => self.testimony_received(from, signed),
            Message::Relay(_)
            | Message::RaftAppend(_)
            | Message::RaftAppendReply(_)
            | Message::RaftRequestVote(_)
            | Message::RaftVote(_) => {}
        }
    }

    pub(crate) fn next_output(&mut self) -> Option<Output> {
        self.out.pop()
    }

    pub(crate) fn next_deadline(&self) -> Option<Time> {
        if self.diverged.is_some() {
            return None;
        }
        let timer = [
            Some(self.timer_deadline()),
            Some(self.idleness_deadline()),
            self.applied_vote_due,
            (self.is_leader()).then_some(self.heartbeat_due),
            self.fetches.deadline(self.now.monotonic),
            self.wanted
                .as_ref()
                .map(|(_, since)| since.after(limits::FETCH_GRACE))
                .filter(|due| *due > self.now.monotonic),
        ];
        timer.into_iter().flatten().min()
    }

    pub(crate) fn status(&self) -> Status {
        let adopted = self.adopted();
        Status {
            role: if self.is_leader() {
                Role::Leader
            } else if adopted {
                Role::Follower
            } else {
                Role::Candidate
            },
            term: self.state.term,
            leader: (adopted || self.election.is_some()).then(|| self.leader()),
            commit: self.commit,
            head: self.log.last(),
            applied: self.applied,
            pending: self.requests.pending.len(),
            timer_level: self.timer.level,
            suspicion: self.suspicion.as_ref().map(|suspicion| suspicion.reason),
            evidence: self.evidence.len(),
            deposed: self.deposed.clone(),
            diverged: self.diverged,
        }
    }

    fn configuration(&self) -> &Arc<Configuration> {
        &self.out.setup.configuration
    }

    const fn me(&self) -> NodeId {
        self.out.setup.me
    }

    /// leader(T) of this node's term.
    fn leader(&self) -> NodeId {
        self.configuration().leader(self.state.term)
    }

    fn leads_term(&self) -> bool {
        self.leader() == self.me()
    }

    /// Whether the pair is of this node's term, so that it may accept and vote in it.
    fn adopted(&self) -> bool {
        self.state.pair_term == self.state.term
    }

    fn notice(&mut self, notice: Notice) {
        self.out.push(Output::Notice(notice));
    }

    /// Executed entries, votes that became durable.
    fn written(&mut self, id: WriteId) {
        self.durable = self.durable.max(id);
        while let Some((vote, write)) = self.own_votes.pop_front() {
            if write > self.durable {
                self.own_votes.push_front((vote, write));
                break;
            }
            self.votes.insert(vote);
        }
    }

    fn applied(&mut self, applied: Applied) {
        self.applied = Some(applied);
        let twins = self.requests.applied(applied.index);
        self.judge(twins);
        self.note_results(applied);
    }

    /// Memory follows the commit point (P12.1).
    fn forget_old(&mut self) {
        let applied = self.applied.map_or(Index::ZERO, |applied| applied.index);
        let floor = self
            .commit
            .index
            .min(applied)
            .0
            .saturating_sub(limits::RETAINED_ENTRIES);
        self.branches.forget(self.commit.index);
        if floor > self.log.before().index.0 {
            self.log.forget(Index(floor));
            self.certificates = self.certificates.split_off(&Index(floor));
        }
    }

    fn record(&mut self, record: Record) {
        self.out.record(record);
    }

    /// Ends the write in the making; what is sent after it depends on it.
    fn flush(&mut self) -> WriteId {
        self.out.flush(&self.state)
    }

    fn change_state(&mut self, change: impl FnOnce(&mut VoteState)) {
        change(&mut self.state);
        self.out.vote_state_changed();
    }

    fn fetch_from(&self, target: Option<Point>, from: Point) -> Fetch {
        Fetch {
            epoch: self.configuration().epoch(),
            from,
            target,
        }
    }
}
