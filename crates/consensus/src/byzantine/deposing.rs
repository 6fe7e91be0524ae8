//! The timers of a term, and what their ends give cause for (P4.2, P4.6).

use super::{Byzantine, suspecting::Suspicion};
use crate::{
    certificate::QuorumCertificate,
    message::Reason,
    mutation::{self, Mutation},
    types::Time,
};

impl Byzantine {
    /// The silence timer at the present level.
    pub(super) fn silence(&self) -> Time {
        let timers = &self.out.setup.timers;
        timers.grown(timers.silence_shortest, self.timer.level)
    }

    pub(super) fn half_timer(&self) -> Time {
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
        self.log.last().index > self.commit.index || !self.requests.pending.is_empty()
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

    /// Requests were dropped that nobody need commit. If nothing else waits, silence ends like that of
    /// a leader that was not heard for a moment.
    pub(super) fn nothing_waits(&mut self) {
        if !self.something_waits()
            && let Some(suspicion) = &mut self.suspicion
        {
            suspicion.quiet |= suspicion.reason == Reason::Silent;
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
        let stalled = self.adopted()
            && self.timer.stalled_since.is_some_and(waited)
            && self.waits_for_good_reason(silence);
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
            None if unheard => self.suspect_quietly(),
            None => {}
        }
        self.check_watches();
        self.check_crawling();
        self.leave_if_suspected();
        self.repeat_leave();
        self.lower_level();
        self.resend_report();
        self.expire_pending();
    }

    /// Where nothing but requests waits and clients complained, the stall has a name.
    fn reason_of_stall(&self) -> Reason {
        match self.watched_request() {
            Some(key) if self.log.last() == self.commit => Reason::Starved(key),
            _ => Reason::Silent,
        }
    }

    /// When one of the timers above runs out next.
    pub(super) fn timer_deadline(&self) -> Time {
        let silence = self.silence();
        let never = Time(u64::MAX);
        let mut deadline = self
            .resend_report_due()
            .min(self.leave_due())
            .min(self.watch_deadline());
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
        deadline.min(self.timer.term_deadline.unwrap_or(never))
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
}
