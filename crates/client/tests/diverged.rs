//! A node whose own results are not the certified ones answers nothing but questions about itself
//! and the evidence that it holds (P8.2).

mod support;

use std::sync::Arc;

use client::Wait;
use consensus::{Entry, Hash, Payloads, message::Applied};
use keys::{KeyPair, Mode};
use node::{
    Application, AppliedEntry,
    frames::{self, ClientFrame, Id, Refusal, ServerFrame, Submission},
};
use support::{Sum, TestNetwork, add, node_key};
use tokio::time::Duration;
use transport::{ClientConnection, ClientEndpoint, Identity, Limits};

const LONG: Duration = Duration::from_secs(30);
const WRONG: usize = 3;

/// Comes to other results than everybody else.
struct Mistaken(Sum);

impl Application for Mistaken {
    fn payloads(&self) -> Arc<dyn Payloads> {
        self.0.payloads()
    }

    fn applied(&self) -> Applied {
        self.0.applied()
    }

    fn apply(&mut self, entry: &Entry) -> AppliedEntry {
        let mut applied = self.0.apply(entry);
        applied.applied.digest = Hash([7; 32]);
        applied
    }

    fn query(&self, question: &[u8]) -> Vec<u8> {
        self.0.query(question)
    }
}

async fn ask(connection: &mut ClientConnection, question: &ClientFrame) -> ServerFrame {
    let bytes = frames::encode(question).unwrap();
    connection.send(bytes).await.unwrap();
    loop {
        let answer = connection.recv().await.unwrap().expect("it is connected");
        match ServerFrame::decode(&answer).unwrap() {
            // Comes by itself.
            ServerFrame::Leader { .. } => {}
            answer => return answer,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_diverged_node_refuses_everything_but_questions_about_itself() {
    let network = TestNetwork::start_with(Mode::Byzantine, 4, |node, options| {
        if node == WRONG {
            options.application = Box::new(Mistaken(Sum::new()));
        }
    })
    .await;
    let client = network.client();
    client.wait_connected(4, LONG).await;
    let payment = add(&KeyPair::from_seed("alice"), 1, 7);
    let done = client.submit_and_wait(payment.clone(), Wait::Applied, LONG);
    done.await.unwrap();

    let identity = Identity::new(KeyPair::from_seed("asker").signing_key().clone()).unwrap();
    let of = transport::Network {
        id: network.genesis.id(),
        mode: consensus::Mode::Byzantine.number(),
    };
    let anywhere = ([127, 0, 0, 1], 0).into();
    let endpoint = ClientEndpoint::bind(anywhere, &identity, of, Limits::default()).unwrap();
    let address = network.node(WRONG).local_addr().unwrap();
    let key = *node_key(WRONG).public_key().as_bytes();
    let mut connection = endpoint.connect(address, key).await.unwrap();
    // It learns that it is wrong from the votes of f + 1 others.
    loop {
        let answer = ask(&mut connection, &ClientFrame::Status { id: 1 }).await;
        let ServerFrame::Status { id: 1, report } = answer else {
            panic!("{answer:?}");
        };
        if report.diverged.is_some() {
            break;
        }
        tokio::task::yield_now().await;
    }

    let transaction = Id(payment.transaction);
    let refused = |id| ServerFrame::Refused {
        id,
        refusal: Refusal::Stopping,
    };
    let submit = ClientFrame::Submit(vec![Submission {
        id: 10,
        payload: payment.payload.clone(),
    }]);
    let complain = ClientFrame::Complain {
        id: 11,
        term: 0,
        leader: 0,
        signature: [0; 64],
        payload: payment.payload,
    };
    let query = ClientFrame::Query {
        id: 12,
        at_least: 0,
        question: Vec::new(),
    };
    for (question, id) in [
        (submit, 10),
        (complain, 11),
        (query, 12),
        (ClientFrame::Watch(vec![Id([1; 32])]), 0),
        (ClientFrame::ReadIndex { id: 13 }, 13),
        (
            ClientFrame::Transaction {
                id: 14,
                transaction,
            },
            14,
        ),
        (
            ClientFrame::Receipt {
                id: 15,
                transaction,
            },
            15,
        ),
        (ClientFrame::Block { id: 16, index: 1 }, 16),
    ] {
        let answer = ask(&mut connection, &question).await;
        assert_eq!(answer, refused(id), "{question:?}");
    }
    let answer = ask(&mut connection, &ClientFrame::EvidenceList { id: 17 }).await;
    assert!(
        matches!(answer, ServerFrame::EvidenceList { id: 17, .. }),
        "{answer:?}"
    );
    let evidence = Id([0; 32]);
    let answer = ask(
        &mut connection,
        &ClientFrame::EvidenceGet { id: 18, evidence },
    )
    .await;
    assert!(
        matches!(answer, ServerFrame::Evidence { id: 18, .. }),
        "{answer:?}"
    );
    connection.close().await;
    network.shutdown().await;
}
