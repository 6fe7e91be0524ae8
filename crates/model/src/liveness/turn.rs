//! What a correct node does in a tick.

use super::{
    adversary::Choice,
    rules::{Broken, Disturbance, HIGHEST_LEVEL, LONGEST_TIMER, Network},
    state::{NEVER, Node, Nodes, Sent, Suspicion},
};

/// Lets a correct node act; says whether it committed a request of a client.
pub(super) fn take_turn(
    network: &Network,
    before: &[Node],
    position: usize,
    node: &mut Node,
    choice: Choice,
) -> bool {
    let mut turn = Turn {
        network,
        before,
        position,
        node,
        choice,
        sent: Sent::default(),
        progress: false,
    };
    turn.run();
    turn.progress
}

/// A correct node in a tick.
struct Turn<'a> {
    network: &'a Network,
    before: &'a [Node],
    position: usize,
    node: &'a mut Node,
    choice: Choice,
    sent: Sent,
    progress: bool,
}

impl Turn<'_> {
    fn run(&mut self) {
        for age in &mut self.node.heard {
            let oldest = Network::fresh(HIGHEST_LEVEL);
            let ages = self.network.broken != Broken::SuspectsNeverAge;
            *age = match *age {
                age if age >= oldest && ages => NEVER,
                NEVER => NEVER,
                age => age + u8::from(ages),
            };
        }
        self.node.waited = (self.node.waited + 1).min(LONGEST_TIMER + 1);
        let most = Network::starvation(HIGHEST_LEVEL) + 1;
        self.node.starving = (self.node.starving + 1).min(most);
        self.node.steady = self.node.steady.saturating_add(1);
        self.follow();
        self.elect();
        self.vote();
        self.time();
        self.count();
        self.tidy();
        self.node.sent = self.sent;
    }

    fn bit(&self) -> Nodes {
        1 << self.position
    }

    fn helped(&self, count: Nodes, needed: usize) -> bool {
        let count = count.count_ones() as usize;
        let help = usize::from(self.choice == Choice::Help) * self.network.sizes.faulty;
        count + help >= needed
    }

    /// Who sent such a thing in this node's term in the last tick, itself included.
    fn senders(&self, what: impl Fn(&Sent) -> bool) -> Nodes {
        let term = self.node.term;
        let said = |node: &Node| node.term == term && what(&node.sent);
        let bits = self.before.iter().enumerate();
        bits.filter(|(_, node)| said(node))
            .fold(0, |set, (position, _)| set | 1 << position)
    }

    fn enter(&mut self, term: u8, by_election: bool) {
        if term > self.node.term {
            let grows = self.network.broken != Broken::ConstantTimers;
            self.node.enter(term, by_election, grows);
            self.sent = Sent {
                report: !by_election,
                ..Sent::default()
            };
            self.node.repeat = Network::half_timer(self.node.level);
        } else if term == self.node.term && by_election {
            self.node.adopted = true;
        }
    }

    /// Goes where certificates lead, and answers who is behind (P4.3, P4.9).
    fn follow(&mut self) {
        let broken = self.network.broken;
        let alone = matches!(
            broken,
            Broken::SuspectsWithoutCertificate | Broken::CertificatesNeverRepeated
        );
        for peer in self.before {
            let sent = &peer.sent;
            let shown = sent.report
                || sent.ask
                || sent.append
                || sent.proof && !alone
                || sent.answers & self.bit() != 0;
            if shown && peer.term >= self.node.term {
                self.enter(peer.term, peer.adopted);
            }
        }
        match self.choice {
            Choice::Leave(term) => self.enter(term + 1, false),
            Choice::Elect(term) => self.enter(term, true),
            Choice::Ask(term) => {
                self.enter(term, false);
                self.node.granted = true;
            }
            _ => {}
        }
        let unanswered = matches!(
            broken,
            Broken::LateNodesUnanswered | Broken::CertificatesNeverRepeated
        );
        for (position, peer) in self.before.iter().enumerate() {
            if peer.term < self.node.term && peer.sent != Sent::default() && !unanswered {
                self.sent.answers |= 1 << position;
            }
        }
    }

    /// Reports, grants, and the election certificate of a correct leader (P4.7).
    fn elect(&mut self) {
        let leader = self.network.leader(self.node.term);
        if leader == Some(self.position) && !self.node.adopted {
            self.node.reports |= self.senders(|sent| sent.report);
            if self.node.reported {
                self.node.reports |= self.bit();
            }
            self.node.grants |= self.senders(|sent| sent.grant);
            if self.node.asked {
                self.node.grants |= self.bit();
            } else {
                self.node.asked = self.helped(self.node.reports, self.network.sizes.reports());
            }
            self.sent.ask = self.node.asked;
            if self.node.asked && self.helped(self.node.grants, self.network.sizes.quorum) {
                self.node.adopted = true;
                self.sent.ask = false;
            }
        }
        if leader.is_some_and(|leader| self.senders(|sent| sent.ask) & 1 << leader != 0)
            && !self.node.adopted
        {
            self.node.granted = true;
            self.sent.grant = true;
        }
        self.sent.append = leader == Some(self.position) && self.node.adopted;
    }

    /// Votes, and takes in commits.
    fn vote(&mut self) {
        let leader = self.network.leader(self.node.term);
        let asked = leader
            .is_some_and(|leader| self.senders(|sent| sent.append) & 1 << leader != 0)
            || self.sent.append;
        let stopped = self.network.broken == Broken::SuspectStopsVoting
            && self.node.suspicion != Suspicion::None;
        self.sent.vote = asked && self.node.adopted && !stopped;
        let votes = self.senders(|sent| sent.vote);
        if leader.is_some()
            && self.node.adopted
            && votes != 0
            && self.helped(votes, self.network.sizes.quorum)
        {
            self.commit(true);
        }
        match self.choice {
            Choice::Commit => self.commit(!self.network.complaints),
            Choice::Serve => self.commit(true),
            Choice::OldCertificate => {
                self.node.waited = 0;
                if self.node.suspicion == Suspicion::Silent {
                    self.node.suspicion = Suspicion::None;
                }
            }
            _ => {}
        }
    }

    fn commit(&mut self, request: bool) {
        self.node.waited = 0;
        self.node.committed = true;
        self.progress |= request;
        let included = request || self.network.broken == Broken::CommitEndsStarved;
        if included {
            self.node.starving = 0;
        }
        if self.network.broken == Broken::LevelResetByCommit {
            self.node.level = 0;
        }
        let ends = match self.node.suspicion {
            Suspicion::Silent => true,
            Suspicion::Starved => included,
            Suspicion::None | Suspicion::Lasting => false,
        };
        if ends {
            self.node.suspicion = Suspicion::None;
        }
    }

    /// Timers: what they end in, and when a level falls (P4.2, P4.6, P6.2).
    fn time(&mut self) {
        let by_leader = self.network.leader(self.node.term).and_then(|leader| {
            let peer = &self.before[leader];
            (self.senders(|sent| sent.suspect) & 1 << leader != 0).then_some(peer.suspicion)
        });
        let level = self.node.level;
        let late = !self.node.committed && self.node.waited > Network::term_timer(level);
        let stalled = self.node.adopted && self.node.waited > Network::silence(level);
        let starved = self.network.complaints && self.node.starving > Network::starvation(level);
        let cause = match (by_leader, self.choice) {
            (_, Choice::Accuse) | (Some(Suspicion::Lasting), _) => Suspicion::Lasting,
            (_, Choice::Err) => Suspicion::Silent,
            _ if late || stalled => Suspicion::Silent,
            _ if starved => Suspicion::Starved,
            _ => Suspicion::None,
        };
        let starts = cause > self.node.suspicion
            && (self.node.suspicion == Suspicion::None || cause == Suspicion::Lasting);
        if starts {
            self.node.suspicion = cause;
        }
        let due = self.node.repeat == 0;
        self.node.repeat = self.node.repeat.saturating_sub(1);
        if starts || due {
            let once = matches!(
                self.network.broken,
                Broken::ReportsNotResent | Broken::CertificatesNeverRepeated
            );
            self.sent.proof = self.node.suspicion != Suspicion::None;
            self.sent.report |= self.node.reported && !self.node.adopted && !once;
            let sent_once = self.network.broken == Broken::LeaveSentOnce;
            self.sent.leave = self.node.leaves & self.bit() != 0 && !sent_once;
            self.node.repeat = Network::half_timer(level).saturating_sub(1);
        }
        // Four in the shortest silence timer are one in each tick.
        self.sent.suspect = self.node.suspicion != Suspicion::None;
        let quiet = self.node.suspicion == Suspicion::None && self.node.adopted;
        match self.network.quiet_timers {
            Some(timers) if quiet && level > 0 => {
                if self.node.steady >= timers * Network::silence(level) {
                    self.node.level -= 1;
                    self.node.steady = 0;
                }
            }
            _ => self.node.steady = 0,
        }
    }

    /// Counts who suspects or would leave, signs that it would leave once they are enough, and leaves
    /// once enough would (P4.3).
    fn count(&mut self) {
        let faulty = self.network.sizes.faulty;
        let suspects = self.senders(|sent| sent.suspect) & !self.bit();
        for (position, age) in self.node.heard.iter_mut().enumerate() {
            if suspects >> position & 1 == 1 {
                *age = 0;
            }
        }
        self.node.leaves |= self.senders(|sent| sent.leave);
        let traitors = match self.network.disturbance {
            Disturbance::Errors => faulty,
            Disturbance::Traitors { .. } if self.choice == Choice::Urge => faulty,
            Disturbance::Traitors { .. } => 0,
        };
        let with_traitors = |set: Nodes| set.count_ones() as usize + traitors;
        if self.node.leaves & self.bit() == 0 {
            let counted = self.node.counted(self.position);
            let follows = with_traitors(self.node.leaves) > faulty;
            if with_traitors(counted) >= self.network.suspects() || follows {
                self.node.leaves |= self.bit();
                self.sent.leave = true;
                self.node.repeat = Network::half_timer(self.node.level).saturating_sub(1);
            }
        }
        if with_traitors(self.node.leaves) >= self.network.leaves() {
            self.enter(self.node.term + 1, false);
        }
    }

    /// Forgets what can no longer make a difference.
    fn tidy(&mut self) {
        let bit = self.bit();
        let node = &mut *self.node;
        if node.suspicion != Suspicion::None {
            node.waited = 0;
        }
        for age in &mut node.heard {
            if *age > Network::fresh(node.level) {
                *age = NEVER;
            }
        }
        if !self.network.complaints || node.suspicion >= Suspicion::Starved {
            node.starving = 0;
        }
        let repeats = node.suspicion != Suspicion::None || node.leaves & bit != 0;
        if !repeats && (node.adopted || !node.reported) {
            node.repeat = 0;
        }
        if node.adopted {
            node.granted = false;
            (node.reports, node.grants, node.asked) = (0, 0, false);
        }
    }
}
