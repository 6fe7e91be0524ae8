//! What nodes saw of others that no correct node does, and clocks that differ: sentences for somebody
//! who looks for a fault. Nobody is convicted by them.

use std::time::Duration;

use client::StatusReport;
use terminal::{plain, show_span};

/// Who leaves so many questions open is not merely slow.
const UNANSWERED: u64 = 8;

/// What stands out in what nodes say of their peers, f of whom may lie.
#[must_use]
pub fn notes(reports: &[&StatusReport], faulty: usize) -> Vec<String> {
    let mut notes = Vec::new();
    for report in reports {
        for peer in &report.peers {
            let (name, node) = (plain(&peer.name), plain(&report.name));
            if let Some(term) = peer.lone_term {
                notes.push(format!(
                    "{name} spoke to {node} of term {term}, which nobody else knows of: nothing \
                     follows from one node's word"
                ));
            }
            if peer.up && peer.asked >= UNANSWERED && peer.answered < peer.asked / 4 {
                notes.push(format!(
                    "{name} answered {} of {} questions of {node} for entries",
                    peer.answered, peer.asked
                ));
            }
        }
    }
    let mut names: Vec<&str> = reports
        .iter()
        .flat_map(|report| report.peers.iter().map(|peer| peer.name.as_str()))
        .collect();
    names.sort_unstable();
    names.dedup();
    notes.extend(
        names
            .into_iter()
            .filter_map(|name| clock(name, reports, faulty)),
    );
    notes
}

/// A clock that keeps a leader's entries from being accepted (P3.2).
fn clock(name: &str, reports: &[&StatusReport], faulty: usize) -> Option<String> {
    let seen: Vec<(&str, u64)> = reports
        .iter()
        .filter_map(|report| {
            let peer = report.peers.iter().find(|peer| peer.name == name)?;
            Some((report.name.as_str(), peer.clock_ahead?))
        })
        .collect();
    let least = seen.iter().map(|(_, ahead)| *ahead).min()?;
    let by: Vec<&str> = seen.iter().map(|(by, _)| *by).collect();
    // Beyond f of them one at least is honest, and the others agree with it.
    let wrong = if by.len() > faulty {
        name
    } else {
        "one of them"
    };
    Some(plain(&format!(
        "the last entries of {name} were dated {} ahead of the clock of {}, and were not accepted \
         there: set the clock of {wrong}",
        show_span(Duration::from_secs(least / 1000)),
        by.join(", "),
    )))
}

#[cfg(test)]
mod tests {
    use node::status::{CounterReport, PeerStatus, TimerReport};

    use super::*;

    fn peer(name: &str) -> PeerStatus {
        PeerStatus {
            name: name.to_owned(),
            node: 0,
            up: true,
            problem: None,
            fault: None,
            refused: 0,
            asked: 100,
            answered: 99,
            lone_term: None,
            clock_ahead: None,
        }
    }

    fn node(name: &str, peers: Vec<PeerStatus>) -> StatusReport {
        let timers = TimerReport {
            heartbeat: 0,
            silence_shortest: 0,
            silence_longest: 0,
            starvation: 0,
            term: 0,
            longest: 0,
        };
        StatusReport {
            name: name.to_owned(),
            node: 0,
            mode: "byzantine".to_owned(),
            role: "follower".to_owned(),
            term: 1,
            leader: None,
            commit: 1,
            commit_hash: [0; 32],
            lag: 0,
            head: 1,
            applied: 1,
            applied_digest: [0; 32],
            evidence: 0,
            timer_level: 0,
            suspicion: None,
            deposed: None,
            pending: 0,
            behaviour: None,
            diverged: None,
            peers,
            timers,
            counters: CounterReport::default(),
        }
    }

    #[test]
    fn a_clock_is_named_by_those_whose_clocks_agree() {
        let seen = |name: &str, ahead| {
            let peers = vec![PeerStatus {
                clock_ahead: ahead,
                ..peer("n0")
            }];
            node(name, peers)
        };
        let all = |one, other| {
            let reports = [node("n0", Vec::new()), seen("n1", one), seen("n2", other)];
            notes(&reports.each_ref(), 1)
        };
        let said = all(Some(3_600_900), Some(3_601_000));
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(
            said[0].contains("n0 were dated 1h ahead of the clock of n1, n2"),
            "{said:?}"
        );
        assert!(said[0].ends_with("set the clock of n0"), "{said:?}");
        // One node alone may be the one that is behind.
        assert!(all(Some(3_600_900), None)[0].ends_with("set the clock of one of them"));
        assert!(all(None, None).is_empty());
    }

    #[test]
    fn traitors_that_break_no_signed_rule_leave_a_trace() {
        let inflating = PeerStatus {
            lone_term: Some(900),
            ..peer("n3")
        };
        let withholding = PeerStatus {
            asked: 8,
            answered: 1,
            ..peer("n3")
        };
        let away = PeerStatus {
            up: false,
            ..withholding.clone()
        };
        let said = |peer: PeerStatus| notes(&[&node("n1", vec![peer])], 1).join("\n");
        assert!(said(inflating).contains("n3 spoke to n1 of term 900"));
        assert!(said(withholding).contains("n3 answered 1 of 8 questions of n1"));
        assert_eq!(said(away), "");
        assert_eq!(said(peer("n3")), "");
    }
}
