//! Reports without end: true ones, old ones, and every lie there is, to whoever may lead next.

use std::sync::Arc;

use consensus::{Message, Term, event::Recipient, message::Report};

use super::{Adversary, Tools, report_liar::ReportLiar};

/// Reports that it keeps.
const KEPT: usize = 16;
/// Reports for each tick.
const BURST: u64 = 6;

#[derive(Default)]
pub(super) struct ReportFlooder {
    liar: ReportLiar,
    kept: Vec<Report>,
}

impl Adversary for ReportFlooder {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        if let Message::Report(signed) = &**message {
            if self.kept.len() == KEPT {
                self.kept.remove(0);
            }
            self.kept.push(signed.body.clone());
        }
        tools.pass(to, message);
    }

    fn ticks(&mut self, tools: &mut Tools<'_>, _: Term) {
        for _ in 0..BURST {
            let Some(truth) = tools.random.pick(&self.kept).cloned() else {
                return;
            };
            let lie = self.liar.lie(tools, &truth);
            let leader = tools.configuration().leader(truth.term);
            let message = tools.sign(lie);
            if leader == tools.me() {
                tools.pass(Recipient::Others, &message);
            } else {
                tools.send(leader, message);
            }
        }
    }
}
