//! As the leader of a new term, asks for a base that does not follow from the reports, leaves
//! reports out, repeats one, or asks different nodes for different bases.

use std::sync::Arc;

use consensus::{Message, Point, event::Recipient, message::RequestVote};

use super::{Adversary, Tools};

pub(super) struct BaseForger;

impl BaseForger {
    fn forge(tools: &mut Tools<'_>, truth: &RequestVote) -> RequestVote {
        let mut forged = truth.clone();
        match tools.random.below(5) {
            0 => forged.base = tools.configuration().opening(),
            1 => {
                forged.reports.pop();
            }
            2 => {
                if let Some(first) = forged.reports.first().cloned() {
                    forged.reports.pop();
                    forged.reports.push(first);
                }
            }
            3 => {
                let points: Vec<Point> = forged
                    .reports
                    .iter()
                    .map(|report| report.body.pair.point)
                    .collect();
                if let Some(&point) = tools.random.pick(&points) {
                    forged.base = point;
                }
            }
            _ => forged.reports.reverse(),
        }
        forged
    }
}

impl Adversary for BaseForger {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        let Message::RequestVote(signed) = &**message else {
            return tools.pass(to, message);
        };
        for node in tools.recipients(to) {
            if tools.random.chance(300) {
                tools.send(node, Arc::clone(message));
            } else {
                let forged = Self::forge(tools, &signed.body);
                let message = tools.sign(forged);
                tools.send(node, message);
            }
        }
    }
}
