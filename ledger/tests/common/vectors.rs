//! What the vectors of files are made of.

use consensus::Term;
use keys::Mode;
use ledger::Receipt;

use super::Network;

/// A network whose three entries hold three payments each, the second of which fails.
pub fn network(mode: Mode, validators: usize) -> Network {
    let mut network = Network::new(mode, validators);
    for _ in 0..3 {
        let payloads = vec![
            network.pay("alice", "bob", 10),
            network.pay("alice", "bob", 5000),
            network.pay("carol", "bob", 1),
        ];
        network.apply(payloads);
    }
    network
}

/// A receipt of the first entry, with everything that its mode can show.
pub fn receipt(network: &Network, position: u32, with_result: bool) -> Receipt {
    let last = &network.entries[2];
    let mut parts = network.parts(1, position);
    match network.genesis.mode() {
        Mode::Byzantine => {
            parts.commit = Some(network.certificate(3, 3));
            let result = parts.result.as_mut().unwrap();
            result.votes = vec![
                network.vote(0, Term(0), last.point(), network.applied[2]),
                network.vote(3, Term(1), last.point(), network.applied[1]),
            ];
        }
        Mode::RaftSigned => {
            parts.acknowledgements = vec![
                network.reply(1, last.term(), last.point()),
                network.reply(2, last.term(), network.entries[1].point()),
            ];
        }
        Mode::Raft => {}
    }
    if !with_result {
        parts.result = None;
    }
    Receipt::build(&network.configuration, &parts).unwrap()
}
