//! Lies in its reports: too low, too high, an older pair, certificates left out; and tells every
//! node something else.

use std::sync::Arc;

use consensus::{
    Message, Signed, Term,
    event::Recipient,
    message::{Justification, PairReport, Report},
};

use super::{Adversary, Tools};

#[derive(Default)]
pub(super) struct ReportLiar {
    /// A pair that was true once.
    older: Option<PairReport>,
}

impl ReportLiar {
    pub(super) fn lie(&mut self, tools: &mut Tools<'_>, truth: &Report) -> Report {
        let mut lie = truth.clone();
        match tools.random.below(6) {
            // Nothing was ever accepted.
            0 => {
                lie.pair = PairReport {
                    term: Term::ZERO,
                    point: tools.configuration().opening(),
                    headers: Vec::new(),
                    justification: Justification::Opening,
                };
                lie.accept = None;
                lie.commit = None;
            }
            // What was accepted last is left out.
            1 => {
                if let Some(last) = lie.pair.headers.pop() {
                    let before = last.header.index.previous();
                    lie.pair.point.index = before;
                    lie.pair.point.hash = last.header.previous;
                }
                lie.accept = None;
            }
            // Certificates are hidden.
            2 => {
                lie.accept = None;
                lie.commit = None;
            }
            // The pair is claimed for a higher term.
            3 => lie.pair.term = Term(truth.term.0.saturating_sub(1)),
            // A pair that was true once.
            4 => {
                if let Some(older) = self.older.take() {
                    lie.pair = older;
                    lie.accept = None;
                }
            }
            // The second branch in place of the first, where an accomplice signed one.
            _ => {
                let configuration = tools.configuration();
                for header in &mut lie.pair.headers {
                    let hash = header.header.hash(configuration);
                    if let Some(second) = tools.coalition.beside(hash) {
                        *header = second.signed.clone();
                    }
                }
                lie.pair.point = tools.coalition.mapped(truth.pair.point);
            }
        }
        if self.older.is_none() || tools.random.chance(200) {
            self.older = Some(truth.pair.clone());
        }
        lie
    }

    fn reports(&mut self, tools: &mut Tools<'_>, to: Recipient, truth: &Signed<Report>) {
        for node in tools.recipients(to) {
            let lie = self.lie(tools, &truth.body);
            let message = tools.sign(lie);
            tools.send(node, message);
        }
    }
}

impl Adversary for ReportLiar {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        match &**message {
            Message::Report(signed) => self.reports(tools, to, signed),
            Message::RequestVote(signed) => {
                let mut request = signed.body.clone();
                let me = tools.me();
                if let Some(mine) = request.reports.iter_mut().find(|one| one.signer == me) {
                    let lie = self.lie(tools, &mine.body);
                    *mine = tools.signed(lie);
                }
                let message = tools.sign(request);
                tools.pass(to, &message);
            }
            _ => tools.pass(to, message),
        }
    }
}
