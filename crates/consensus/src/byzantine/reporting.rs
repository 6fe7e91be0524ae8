//! This node's own report (P4.4).

use super::{Byzantine, OwnReport};
use crate::{
    entry::SignedHeader,
    event::Recipient,
    message::{PairReport, Report},
    types::Point,
};

impl Byzantine {
    /// Makes and broadcasts the report for this node's term. It reads the pair as it stands in the
    /// write stream, so it covers every vote that is still queued (P4.4), and waits for that
    /// stream.
    pub(super) fn make_report(&mut self) {
        let Some(leave) = self.leave.clone() else {
            return;
        };
        let term = self.state.pair_term;
        let report = Report {
            epoch: self.configuration().epoch(),
            term: self.state.term,
            pair: PairReport {
                term,
                point: self.state.pair_point,
                headers: self.headers_of_pair(),
                justification: self.justification.clone(),
            },
            accept: self.lock.clone().filter(|lock| lock.term() == term),
            commit: self
                .certificate
                .as_ref()
                .map(|certificate| (**certificate).clone())
                .filter(|certificate| certificate.term() <= term),
            leave,
        };
        let write = self.flush();
        let signed = self.out.sign(report);
        self.out
            .forward(Recipient::Others, signed.clone(), Some(write));
        if self.leads_term() {
            self.collect(signed.clone());
        }
        self.report = Some(OwnReport {
            signed,
            write,
            sent: self.now.monotonic,
        });
    }

    /// The signed headers from the anchor to the accepted point.
    fn headers_of_pair(&self) -> Vec<SignedHeader> {
        let signed = |entry: &std::sync::Arc<crate::entry::Entry>| entry.signed.clone();
        if let Some(side) = &self.side {
            return side.entries.iter().map(signed).collect();
        }
        let anchor: Point = self.anchor(self.state.pair_point);
        self.log
            .after(anchor.index)
            .take_while(|entry| entry.index() <= self.state.pair_point.index)
            .map(signed)
            .collect()
    }
}
