//! Suspecting a leader, and leaving its term (P4.2, P4.3, P4.6).

use super::Byzantine;
use crate::{
    certificate::{LeaveCertificate, QuorumCertificate},
    event::{Deposition, Notice, Recipient},
    limits,
    message::{Message, Proof, Reason, Suspect},
    mutation::{self, Mutation},
    record::Record,
    signed::Signed,
    types::{NodeId, Term, Time},
};

/// Why this node suspects the leader of its term.
pub(super) struct Suspicion {
    pub(super) reason: Reason,
    /// Whether a sign of life ends it: nothing waits, the leader was just not heard.
    quiet: bool,
    next_send: Time,
}

impl Byzantine {
    /// The silence timer at the present level.
    pub(super) fn silence(&self) -> Time {
        let timers = &self.out.setup.timers;
        timers.grown(timers.silence_shortest, self.timer.level)
    }

    fn half_timer(&self) -> Time {
        Time(self.silence().0 / 2)
    }

    pub(super) fn start_term_timer(&mut self) {
        let timers = &self.out.setup.timers;
        let span = timers.at_level(timers.term, self.timer.level);
        let now = self.now.monotonic;
        self.timer.term_deadline = Some(now.after(span));
        self.timer.heard = now;
        self.timer.steady_since = now;
        self.timer.stalled_since = None;
        self.note_waiting();
    }

    /// Something was accepted or relayed: from now on commits are expected.
    pub(super) fn note_waiting(&mut self) {
        if self.timer.stalled_since.is_none() && self.something_waits() {
            self.timer.stalled_since = Some(self.now.monotonic);
        }
    }

    pub(super) fn something_waits(&self) -> bool {
        self.log.last().index > self.commit.index || !self.pending.is_empty()
    }

    /// A commit certificate was learned (P4.2, P4.6).
    pub(super) fn progressed(&mut self, certificate: &QuorumCertificate) {
        self.timer.stalled_since = None;
        self.note_waiting();
        let any_term = mutation::active(Mutation::OldCertificateEndsSuspicion);
        if certificate.term() == self.state.term || any_term {
            self.timer.term_deadline = None;
        }
        if mutation::active(Mutation::LevelResetByCommit) {
            self.timer.level = 0;
        }
        if certificate.term() >= self.state.term || any_term {
            let ends = |suspicion: &Suspicion| suspicion.reason == Reason::Silent;
            if self.suspicion.as_ref().is_some_and(ends) {
                self.suspicion = None;
            }
        }
    }

    /// A starved request was committed.
    pub(super) fn starvation_ended(&mut self, reason: Reason) {
        if self
            .suspicion
            .as_ref()
            .is_some_and(|suspicion| suspicion.reason == reason)
        {
            self.suspicion = None;
        }
    }

    pub(super) fn check_timers(&mut self) {
        let now = self.now.monotonic;
        if !self.something_waits() {
            self.timer.stalled_since = None;
        }
        let silence = self.silence();
        let waited = |since: Time| since.after(silence) <= now;
        let unheard = self.adopted() && !self.leads_term() && waited(self.timer.heard);
        let stalled = self.adopted() && self.timer.stalled_since.is_some_and(waited);
        let late = self.timer.term_deadline.is_some_and(|end| end <= now);
        match &self.suspicion {
            Some(suspicion) => {
                if suspicion.quiet && !unheard && !stalled && !late {
                    self.suspicion = None;
                } else if suspicion.next_send <= now {
                    self.send_suspect();
                }
            }
            None if stalled || late => {
                let reason = self.reason_of_stall();
                self.suspect(reason);
            }
            None if unheard => {
                self.suspect(Reason::Silent);
                if let Some(suspicion) = &mut self.suspicion {
                    suspicion.quiet = true;
                }
            }
            None => {
                let starved = self
                    .starving
                    .values()
                    .find(|(_, deadline, _)| *deadline <= now)
                    .map(|(key, ..)| *key);
                if let Some(key) = starved {
                    self.suspect(Reason::Starved(key));
                }
            }
        }
        self.check_crawling();
        self.leave_if_suspected();
        self.lower_level();
        self.resend_report();
        self.expire_pending();
    }

    /// Where nothing but requests waits and clients complained, the stall has a name.
    fn reason_of_stall(&self) -> Reason {
        let complained = self.starving.values().next();
        match complained {
            Some((key, ..)) if self.log.last() == self.commit => Reason::Starved(*key),
            _ => Reason::Silent,
        }
    }

    /// When one of the timers above runs out next.
    pub(super) fn timer_deadline(&self) -> Time {
        let silence = self.silence();
        let never = Time(u64::MAX);
        let mut deadline = self.resend_report_due();
        if let Some(suspicion) = &self.suspicion {
            return deadline.min(suspicion.next_send);
        }
        if self.timer.level > 0 && self.adopted() {
            deadline = deadline.min(self.timer.steady_since.after(Time(silence.0 * 10)));
        }
        if self.adopted() && !self.leads_term() {
            deadline = deadline.min(self.timer.heard.after(silence));
        }
        if self.adopted()
            && let Some(since) = self.timer.stalled_since
        {
            deadline = deadline.min(since.after(silence));
        }
        deadline.min(self.timer.term_deadline.unwrap_or(never)).min(
            self.starving
                .values()
                .map(|(_, deadline, _)| *deadline)
                .min()
                .unwrap_or(never),
        )
    }

    /// P4.6: the level falls by one after ten timers without a cause to suspect.
    fn lower_level(&mut self) {
        let now = self.now.monotonic;
        let steady = Time(self.silence().0 * 10);
        if self.timer.level > 0
            && self.suspicion.is_none()
            && self.adopted()
            && self.timer.steady_since.after(steady) <= now
        {
            self.timer.level -= 1;
            self.timer.steady_since = now;
        } else if self.suspicion.is_some() {
            self.timer.steady_since = now;
        }
    }

    /// Suspects the leader of this term, unless it is suspected already for a lasting reason.
    pub(super) fn suspect(&mut self, reason: Reason) {
        let lasting = |reason: &Reason| matches!(reason, Reason::Misbehaved | Reason::Restarted);
        if let Some(suspicion) = &self.suspicion
            && (lasting(&suspicion.reason) || !lasting(&reason))
        {
            return;
        }
        self.suspicion = Some(Suspicion {
            reason,
            quiet: false,
            next_send: self.now.monotonic,
        });
        self.notice(Notice::Suspecting {
            term: self.state.term,
            reason,
        });
        self.send_suspect();
    }

    fn send_suspect(&mut self) {
        let next = self.now.monotonic.after(self.half_timer());
        let Some(suspicion) = &mut self.suspicion else {
            return;
        };
        suspicion.next_send = next;
        let reason = suspicion.reason;
        // What took this node to its term goes ahead, so that every receiver can count (P4.2).
        self.send_proof(Recipient::Others);
        if reason == Reason::Misbehaved {
            self.repeat_evidence();
        }
        let suspect = Suspect {
            epoch: self.configuration().epoch(),
            term: self.state.term,
            commit: self.commit,
            uncommitted: (self.log.last().index > self.commit.index).then(|| self.log.last()),
            reason,
        };
        let write = self.flush();
        let signed = self.out.sign(suspect);
        self.out
            .forward(Recipient::Others, signed.clone(), Some(write));
        self.suspects
            .insert(self.me(), (signed, self.now.monotonic));
    }

    /// Shows what took this node to its term. A leave certificate may hold its own Suspect, which
    /// nobody may see before it would be sent itself (P11.1).
    fn send_proof(&mut self, to: Recipient) {
        let certificate = self.certificate.as_ref();
        let leave = self.leave.as_ref().filter(|_| self.election.is_none());
        let proof = Proof {
            epoch: self.configuration().epoch(),
            election: self.election.clone(),
            leave: leave.cloned(),
            commit: certificate.map(|certificate| (**certificate).clone()),
        };
        let write = Some(self.flush()).filter(|_| !mutation::active(Mutation::ProofBeforeWrite));
        self.out.send(to, proof, write);
    }

    pub(super) fn suspect_received(&mut self, from: NodeId, signed: Signed<Suspect>) {
        // A statement that lasts is repeated by who made it. From anybody else it may be an old
        // one, kept to be added to others of another time.
        if from != signed.signer {
            return;
        }
        let suspect = &signed.body;
        if suspect.commit.index < self.commit.index {
            self.answer(from);
        }
        if suspect.term != self.state.term {
            return;
        }
        // A point that the sender cannot get committed becomes this node's cause too (P4.2).
        if let Some(point) = suspect.uncommitted
            && point.index > self.log.last().index
        {
            self.fetches.ahead(from, point, self.now.monotonic);
        }
        if let Reason::Starved(key) = suspect.reason {
            self.watch_with(from, key);
        }
        let by_leader = signed.signer == self.leader();
        let reason = suspect.reason;
        self.suspects
            .insert(signed.signer, (signed, self.now.monotonic));
        if by_leader {
            self.suspect(reason);
        }
    }

    fn leave_if_suspected(&mut self) {
        let now = self.now.monotonic;
        let newest = Time(self.silence().0 * 2);
        self.suspects
            .retain(|_, (_, received)| received.after(newest) >= now);
        if self.suspicion.is_none() {
            self.suspects.remove(&self.out.setup.me);
        }
        let quorum = LeaveCertificate::needed(self.configuration().sizes());
        let mut suspects: Vec<&Signed<Suspect>> =
            self.suspects.values().map(|(signed, _)| signed).collect();
        suspects.sort_by_key(|signed| signed.body.commit.index);
        let together = suspects.windows(quorum).find(|window| {
            let (low, high) = (window[0], window[quorum - 1]);
            high.body.commit.index.beyond(low.body.commit.index) <= limits::WINDOW
        });
        let Some(together) = together else { return };
        let certificate = LeaveCertificate {
            epoch: self.configuration().epoch(),
            term: self.state.term,
            suspects: together.iter().map(|signed| (*signed).clone()).collect(),
        };
        self.leave_term(certificate);
    }

    /// P4.3: enters the term after the one that Q nodes suspect, and reports.
    pub(super) fn leave_term(&mut self, certificate: LeaveCertificate) {
        if certificate.term < self.state.term {
            return;
        }
        let reasons: Vec<(NodeId, Reason)> = certificate
            .suspects
            .iter()
            .map(|signed| (signed.signer, signed.body.reason))
            .collect();
        let leader = self.configuration().leader(certificate.term);
        self.deposed = Some(Deposition {
            term: certificate.term,
            leader,
            reasons: reasons.clone(),
        });
        self.notice(Notice::Deposed {
            term: certificate.term,
            leader,
            reasons,
        });
        let term = certificate.term.next();
        self.record(Record::Leave(certificate.clone()));
        self.leave = Some(certificate);
        self.enter_term(term, true);
        self.make_report();
    }

    /// Enters a term that a certificate proves. Everything that belonged to the old one ends.
    pub(super) fn enter_term(&mut self, term: Term, by_suspicion: bool) {
        assert!(term > self.state.term, "terms only grow (P4.3)");
        self.change_state(|state| state.term = term);
        self.election = None;
        if self
            .leave
            .as_ref()
            .is_some_and(|leave| leave.term.next() != term)
        {
            self.leave = None;
        }
        self.candidacy = super::Candidacy::default();
        self.led_write = None;
        self.report = None;
        self.suspicion = None;
        self.suspects.clear();
        if by_suspicion {
            let highest = self.out.setup.timers.highest_level();
            self.timer.level = (self.timer.level + 1).min(highest);
        }
        self.start_term_timer();
        self.forget_idleness();
        self.restart_starvation();
        self.notice(Notice::TermEntered { term });
        self.suspect_known_traitor();
    }

    /// P4.3: a message of an old term is answered with what took this node further.
    pub(super) fn answer_if_late(&mut self, from: NodeId, message: &Message) {
        if message.term().is_some_and(|term| term < self.state.term) {
            self.answer(from);
        }
    }

    /// Sends certificates to a peer that is behind, at most once per half timer.
    fn answer(&mut self, to: NodeId) {
        let now = self.now.monotonic;
        let due = self
            .late_answers
            .get(&to)
            .is_none_or(|last| last.after(self.half_timer()) <= now);
        if !due || mutation::active(Mutation::LateNodesUnanswered) {
            return;
        }
        self.late_answers.insert(to, now);
        self.send_proof(Recipient::Node(to));
        if self.election.is_none()
            && let Some(report) = &self.report
        {
            let (signed, write) = (report.signed.clone(), report.write);
            self.out.forward(Recipient::Node(to), signed, Some(write));
        }
    }

    fn resend_report_due(&self) -> Time {
        match &self.report {
            Some(report) if self.election.is_none() && !self.adopted() => {
                report.sent.after(self.half_timer())
            }
            _ => Time(u64::MAX),
        }
    }

    fn resend_report(&mut self) {
        let now = self.now.monotonic;
        if self.resend_report_due() > now {
            return;
        }
        if let Some(report) = &mut self.report {
            report.sent = now;
            let (signed, write) = (report.signed.clone(), report.write);
            self.out.forward(Recipient::Others, signed, Some(write));
        }
        self.resend_request();
    }
}
