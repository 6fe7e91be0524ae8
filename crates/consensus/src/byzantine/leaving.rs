//! Leaving a term (P4.3): a node that counts enough who suspect signs that it would leave, again and
//! again until it is beyond the term; Q of these statements take everybody along.

use std::collections::BTreeMap;

use super::Byzantine;
use crate::{
    certificate::LeaveCertificate,
    event::{Deposition, Leaver, Notice, Recipient},
    message::{Leave, Message, Reason},
    mutation::{self, Mutation},
    record::Record,
    signed::Signed,
    types::{NodeId, Term, Time},
};

/// Leaves held: the newest of each signer, none of a term that this node is beyond.
#[derive(Default)]
pub(super) struct Leaves {
    newest: BTreeMap<NodeId, Signed<Leave>>,
    /// When this node's own, if it signed one, is sent again.
    next_send: Option<Time>,
}

impl Leaves {
    /// Keeps a Leave, unless one of its signer and of that term or a later one is held.
    fn keep(&mut self, leave: Signed<Leave>) {
        let held = self.newest.get(&leave.signer);
        if held.is_none_or(|held| held.body.term < leave.body.term) {
            self.newest.insert(leave.signer, leave);
        }
    }

    fn of(&self, term: Term) -> impl Iterator<Item = &Signed<Leave>> {
        self.newest
            .values()
            .filter(move |leave| leave.body.term == term)
    }

    /// A new term: what was said of those before is worth nothing any more.
    fn forget_before(&mut self, term: Term) {
        self.newest.retain(|_, leave| leave.body.term >= term);
        self.next_send = None;
    }
}

impl Byzantine {
    /// P4.3: signs that it would leave, once it counted enough; and leaves on a certificate.
    pub(super) fn leave_if_suspected(&mut self) {
        if !self.would_leave() {
            self.sign_leave_if_counted();
        }
        let needed = LeaveCertificate::needed(self.configuration().sizes());
        let mut terms: Vec<Term> = self
            .leaves
            .newest
            .values()
            .map(|one| one.body.term)
            .collect();
        terms.sort_unstable();
        terms.dedup();
        let enough = |term: &Term| self.leaves.of(*term).count() >= needed;
        if let Some(term) = terms.into_iter().rev().find(enough) {
            let certificate = LeaveCertificate {
                epoch: self.configuration().epoch(),
                term,
                leaves: self.leaves.of(term).take(needed).cloned().collect(),
            };
            self.leave_term(certificate);
        }
    }

    /// Whether this node signed that it would leave its term.
    pub(super) const fn would_leave(&self) -> bool {
        self.leaves.next_send.is_some()
    }

    fn sign_leave_if_counted(&mut self) {
        let sizes = self.configuration().sizes();
        let term = self.state.term;
        let mut counted = self.suspecting();
        let quorum = match mutation::active(Mutation::LeavesOnFewSuspects) {
            true => sizes.faulty() + 1,
            false => sizes.quorum(),
        };
        let leaves = self.leaves.of(term).count();
        if !mutation::active(Mutation::LeavesNotCounted) {
            for leave in self.leaves.of(term) {
                counted.entry(leave.signer).or_insert(leave.body.reason);
            }
        }
        // Of f + 1 one is of a correct node, which counted for itself.
        let follows = leaves > sizes.faulty() && !mutation::active(Mutation::LeavesNotFollowed);
        if counted.len() < quorum && !follows {
            return;
        }
        let own = self.suspicion.as_ref().map(|suspicion| suspicion.reason);
        let Some(reason) = own.or_else(|| commonest(counted.values())) else {
            return;
        };
        let followed = own.is_none();
        let leave = self.out.sign(Leave {
            epoch: self.configuration().epoch(),
            term,
            reason,
            followed,
        });
        self.notice(Notice::Leaving {
            term,
            reason,
            followed,
        });
        self.leaves.newest.insert(self.me(), leave);
        self.send_leave();
    }

    /// Sends this node's own, once that it entered the term is durable (P11.1).
    fn send_leave(&mut self) {
        let Some(leave) = self.leaves.newest.get(&self.me()).cloned() else {
            return;
        };
        let next = match mutation::active(Mutation::LeaveSentOnce) {
            true => Time(u64::MAX),
            false => self.now.monotonic.after(self.half_timer()),
        };
        self.leaves.next_send = Some(next);
        let write = self.flush();
        self.out.forward(Recipient::Others, leave, Some(write));
        if !mutation::active(Mutation::LeavesKept) {
            self.pass_leaves_on();
        }
    }

    /// Whoever did not sign yet may not hear all who did: a link may be down. With this node's own, f
    /// others are as many as make it sign (P4.3).
    fn pass_leaves_on(&mut self) {
        let (me, term, sizes) = (self.me(), self.state.term, self.configuration().sizes());
        let lacking = |node: &NodeId| self.leaves.of(term).all(|leave| leave.signer != *node);
        let others = self.leaves.of(term).filter(|leave| leave.signer != me);
        let others: Vec<Signed<Leave>> = others.take(sizes.faulty()).cloned().collect();
        let lacking: Vec<NodeId> = sizes.nodes().filter(lacking).collect();
        for node in lacking {
            for leave in &others {
                self.out.forward(Recipient::Node(node), leave.clone(), None);
            }
        }
    }

    /// Says it again for as long as this node is in the term, whether its cause lasts or not: others
    /// may not have heard, and count it (P4.3).
    pub(super) fn repeat_leave(&mut self) {
        if self.leave_due() <= self.now.monotonic {
            self.send_leave();
        }
    }

    pub(super) fn leave_due(&self) -> Time {
        self.leaves.next_send.unwrap_or(Time(u64::MAX))
    }

    pub(super) fn leave_received(&mut self, signed: Signed<Leave>) {
        // This node's own, brought back, is of a time before a restart: it need not stand by it.
        if signed.body.term >= self.state.term && signed.signer != self.me() {
            self.leaves.keep(signed);
        }
    }

    /// P4.3: enters the term after the one that Q nodes would leave, and reports.
    pub(super) fn leave_term(&mut self, certificate: LeaveCertificate) {
        if certificate.term < self.state.term {
            return;
        }
        let reasons: Vec<Leaver> = certificate
            .leaves
            .iter()
            .map(|signed| Leaver {
                node: signed.signer,
                reason: signed.body.reason,
                followed: signed.body.followed,
            })
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
        self.suspects = super::Suspects::default();
        self.leaves.forget_before(term);
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
    pub(super) fn answer(&mut self, to: NodeId) {
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

    pub(super) fn resend_report_due(&self) -> Time {
        match &self.report {
            Some(report) if self.election.is_none() && !self.adopted() => {
                report.sent.after(self.half_timer())
            }
            _ => Time(u64::MAX),
        }
    }

    pub(super) fn resend_report(&mut self) {
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

/// The reason that most give; among as many the first.
fn commonest<'a>(reasons: impl Iterator<Item = &'a Reason>) -> Option<Reason> {
    let mut counts: Vec<(Reason, usize)> = Vec::new();
    for reason in reasons {
        match counts.iter_mut().find(|(known, _)| known == reason) {
            Some((_, count)) => *count += 1,
            None => counts.push((*reason, 1)),
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max()?;
    let first = counts.into_iter().find(|(_, count)| *count == most);
    first.map(|(reason, _)| reason)
}
