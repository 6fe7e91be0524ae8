//! How long things may take, and the wait for them when nobody asks for more.

use consensus::{FaultModel, Mode, NodeId, RequestKey, Role, Status, Term, Time, Timers, limits};

use super::Simulation;
use crate::{
    client::RESEND,
    host::Host,
    world::{FOLLOWED_WITHIN, Happening},
};

/// So many entries behind what is committed a node is caught up.
const CAUGHT_UP: u64 = 2 * limits::WINDOW;

/// The rules that make requests commit in time.
const LIVENESS_RULES: &str = "P1.1, P3.7, P4.2, P4.3, P6.2";

/// Byzantine mode: how many terms a request may take in a timely network, beyond one for each
/// traitor (see [`liveness_bound`]).
pub const TERMS_TO_COMMIT: u64 = 2;

/// How long a request may take in a timely network, with f active attackers, if nodes are as
/// patient as timers at `level` are (P4.6) when it is asked or when the faults end.
///
/// Byzantine mode. A client complains after [`RESEND`]. A term in which the request is not
/// committed ends at the latest after the longest of three spans: the term timer; twice the silence
/// timer, since other nodes take up the cause of the first that suspects and then wait as long; the
/// starvation timer. Each such term makes the next one more patient by a level. At most f of the
/// terms from then on have a Byzantine leader, one after the other; one more may be under way with
/// what was lost before; the next has a correct leader and commits. So the request takes
/// [`TERMS_TO_COMMIT`] + f terms, each at most the longest timer.
///
/// Raft: elections take few timeouts; twenty leave room for split votes.
#[must_use]
pub fn liveness_bound(sizes: FaultModel, timers: &Timers, level: u32) -> Time {
    match sizes.mode() {
        Mode::Byzantine => {
            let terms = TERMS_TO_COMMIT + sizes.faulty() as u64;
            let levels = (level..).map(|level| level.min(timers.highest_level()));
            levels
                .zip(0..terms)
                .map(|(level, _)| term_at_most(timers, level))
                .fold(RESEND, Time::after)
        }
        Mode::Raft | Mode::RaftSigned => Time(timers.silence_longest.0 * 20),
    }
}

/// How long a term may last that does not commit what it should.
fn term_at_most(timers: &Timers, level: u32) -> Time {
    let silence = timers.grown(timers.silence_shortest, level);
    timers
        .at_level(timers.term, level)
        .max(Time(2 * silence.0))
        .max(timers.grown(timers.starvation, level))
}

impl Simulation {
    pub(super) fn report_late(&mut self, key: &RequestKey) {
        let detail = format!("request {} is not answered in time", key.nonce);
        self.report("liveness", LIVENESS_RULES, None, detail);
    }

    /// How long a request may take that is asked now, or open when the network becomes timely.
    pub(super) fn patience(&self) -> Time {
        let correct = self.hosts.iter().filter(|host| !host.is_byzantine());
        let levels = correct.filter_map(|host| host.status().map(|status| status.timer_level));
        let level = levels.max().unwrap_or(0);
        liveness_bound(self.configuration().sizes(), &Timers::DEFAULT, level).after(self.skew())
    }

    /// Faults have ended and clocks are right: from here on everything has its bound.
    pub(super) fn timely(&mut self) {
        let patience = self.patience();
        self.world.clients.healed(self.world.now, patience);
        if self.world.timely_since.is_some() {
            return;
        }
        self.world.timely_since = Some(self.world.now);
        let terms = self.correct().filter_map(|host| host.status());
        if self.configuration().mode() == Mode::Byzantine
            && let Some(term) = terms.map(|status| status.term).max()
        {
            self.world.expect_followers(term);
        }
    }

    fn correct(&self) -> impl Iterator<Item = &Host> {
        self.hosts.iter().filter(|host| !host.is_byzantine())
    }

    /// How far the clocks of correct nodes are apart.
    fn skew(&self) -> Time {
        let walls = || self.correct().map(|host| host.wall(self.world.now));
        let apart = walls().max().zip(walls().min());
        Time::from_millis(apart.map_or(0, |(latest, earliest)| latest - earliest))
    }

    /// A while ago a term got a correct leader, or had one when the network became timely. Whoever is
    /// up and caught up follows it by now, unless the term is over (P4.5, P4.9).
    pub(super) fn check_followed(&mut self, term: Term) {
        if self.configuration().mode() != Mode::Byzantine {
            return;
        }
        let leader = self.configuration().leader(term);
        let host = &self.hosts[leader.position()];
        let elected = host.status().is_some_and(|status| {
            status.term == term && (status.leader == Some(leader) || term == Term::ZERO)
        });
        if host.is_byzantine() || !elected {
            return;
        }
        let statuses = || {
            self.correct()
                .filter_map(|host| Some((host.id(), host.status()?)))
        };
        if statuses().any(|(_, status)| status.term > term) {
            return;
        }
        let committed = self.world.oracle.committed();
        let caught_up = |status: &Status| committed.beyond(status.commit.index) <= CAUGHT_UP;
        let follows = |status: &Status| status.term == term && status.role != Role::Candidate;
        let (skew, bound) = (self.skew(), FOLLOWED_WITHIN);
        let Some((node, _)) = statuses().find(|(_, status)| !follows(status)) else {
            return;
        };
        if statuses().all(|(_, status)| follows(&status) || !caught_up(&status)) {
            return;
        }
        // Clocks that are apart may refuse a timestamp for as long as they are (P3.2).
        if skew > Time(0)
            && self
                .world
                .now
                .since(self.world.timely_since.unwrap_or_default())
                < bound.after(skew)
        {
            self.world.after(skew, Happening::Elected(term));
            return;
        }
        let detail = format!("{leader} was elected in term {term}, and does not lead it");
        self.report(
            "who is elected leads",
            "P4.5, P4.8, P4.9",
            Some(node),
            detail,
        );
    }

    pub(super) fn adjust_patience(&mut self) {
        if self.world.clients.is_healed() {
            let patience = self.patience();
            self.world.clients.set_patience(patience);
        }
    }

    /// Whether every request is answered and every correct node has executed everything.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.world.clients.is_done() && self.laggard().is_none()
    }

    /// A correct node that has not executed everything that is committed.
    #[must_use]
    pub fn laggard(&self) -> Option<NodeId> {
        let committed = self.world.oracle.committed();
        self.hosts
            .iter()
            .find(|host| {
                !host.is_byzantine()
                    && host
                        .applied()
                        .is_none_or(|applied| applied.index < committed)
            })
            .map(Host::id)
    }

    /// Nobody asks for more. Lets the network finish what was asked, within the liveness bound.
    pub fn settle(&mut self) {
        self.world.clients.stop();
        // The requests have their deadlines; a node that lags has as long from here.
        let from = self.world.timely_since.unwrap_or(self.world.now);
        let mut end = self.world.now.max(from).after(self.patience());
        while self.violation().is_none() && !self.is_settled() {
            if self.world.timely_since.is_none() {
                end = self.world.now.after(self.patience());
            }
            let late = self.world.clients.first_late(self.world.now);
            if let Some(key) = late {
                self.report_late(&key);
            } else if self.world.clients.is_done() && self.world.now > end {
                let node = self.laggard();
                let detail = "has not executed everything that is committed".to_owned();
                self.report("liveness", LIVENESS_RULES, node, detail);
            }
            let next = self.world.now.after(Time::from_millis(50));
            self.run_until(next);
        }
        if let Some(key) = self.world.clients.late {
            self.report_late(&key);
        }
        self.settle_evidence();
    }

    /// Lets evidence reach everybody: each node tells one peer at a time what it has, and waits for
    /// a while before it shows what it cannot judge.
    fn settle_evidence(&mut self) {
        let rounds = self.hosts.len() as u64 + 4;
        let span = Time(consensus::limits::TESTIMONY_INTERVAL.0 * rounds);
        let end = self.world.now.after(span);
        while self.violation().is_none()
            && let Some(missing) = self.world.oracle.unfound()
        {
            if self.world.now > end {
                let (holder, detail) = (missing.holder, missing.to_string());
                self.report("contradictions are found", "P7.3", Some(holder), detail);
            }
            let next = self.world.now.after(Time::from_millis(50));
            self.run_until(next);
        }
    }
}
