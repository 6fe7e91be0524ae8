//! What keeps a node from starting, and says so; and what must not keep a running one from going on.

mod support;

use std::{fs, net::SocketAddr, path::Path};

use client::Wait;
use keys::{KeyPair, Mode};
use node::{
    Node, StartError,
    frames::{self, ClientFrame, Id, ServerFrame, Submission},
};
use storage::{Damage, OpenError};
use support::{TestNetwork, add, node_key, options};
use tokio::time::Duration;
use transport::{ClientEndpoint, ConnectError, Identity, Limits, Network, RefusalReason};

const LONG: Duration = Duration::from_secs(30);
const ANYWHERE: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

async fn refused(options: node::NodeOptions) -> StartError {
    match Node::start(options).await {
        Ok(_) => panic!("the node started"),
        Err(error) => error,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_keys_networks_and_directories_in_use_are_refused() {
    let mut network = TestNetwork::start(Mode::Raft, 3).await;
    let stranger = options(
        &network.genesis,
        KeyPair::from_seed("stranger"),
        &network.data(9),
    );
    assert!(matches!(refused(stranger).await, StartError::NotAValidator));

    let twice = options(&network.genesis, node_key(0), &network.data(0));
    let twice = refused(twice).await;
    assert!(
        matches!(twice, StartError::Storage(OpenError::Locked { .. })),
        "{twice}"
    );

    network.stop(0).await;
    let neighbour = options(&network.genesis, node_key(1), &network.data(0));
    let neighbour = refused(neighbour).await;
    assert!(
        matches!(neighbour, StartError::OtherIncarnation { .. }),
        "{neighbour}"
    );

    let other = support::genesis(Mode::RaftSigned, 3);
    let other = refused(options(&other, node_key(0), &network.data(0))).await;
    assert!(
        matches!(other, StartError::Storage(OpenError::OtherNetwork { .. })),
        "{other}"
    );

    let taken = network.node(1).local_addr().unwrap();
    let mut occupied = options(&network.genesis, node_key(0), &network.data(0));
    occupied.listen = Some(taken);
    let occupied = refused(occupied).await;
    assert!(matches!(occupied, StartError::Listen { address, .. } if address == taken));
    network.restart(0).await;
    network.shutdown().await;
}

fn first_segment(directory: &Path) -> std::path::PathBuf {
    let files = fs::read_dir(directory)
        .unwrap()
        .map(|file| file.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|found| found == "segment"))
        .min()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_with_damaged_data_does_not_start_and_the_others_go_on() {
    let mut network = TestNetwork::start(Mode::Raft, 3).await;
    let client = network.client();
    let key = KeyPair::from_seed("alice");
    for nonce in 1..=20 {
        client
            .submit_and_wait(add(&key, nonce, 1), Wait::Applied, LONG)
            .await
            .unwrap();
    }
    network.stop(2).await;
    let segment = first_segment(&network.data(2));
    let whole = fs::read(&segment).unwrap();

    // A flipped byte in the first entry, which lies behind the head of the segment.
    let mut flipped = whole.clone();
    let at = flipped
        .iter()
        .skip(4 * 4096 + 2048)
        .position(|byte| *byte != 0)
        .unwrap();
    flipped[4 * 4096 + 2048 + at] ^= 1;
    fs::write(&segment, &flipped).unwrap();
    let damaged = refused(options(&network.genesis, node_key(2), &network.data(2))).await;
    assert!(matches!(damaged, StartError::Damaged { .. }), "{damaged}");
    assert!(
        damaged.to_string().contains("segment"),
        "{damaged} says where"
    );

    fs::write(&segment, &whole[..5 * 4096]).unwrap();
    let cut = refused(options(&network.genesis, node_key(2), &network.data(2))).await;
    assert!(matches!(cut, StartError::Damaged { .. }), "{cut}");

    fs::remove_file(&segment).unwrap();
    fs::write(&segment, vec![0; whole.len()]).unwrap();
    let wiped = refused(options(&network.genesis, node_key(2), &network.data(2))).await;
    let lost = matches!(
        wiped,
        StartError::Damaged {
            damage: Damage::VoteStateLost,
            ..
        }
    );
    assert!(lost, "{wiped}");

    client
        .submit_and_wait(add(&key, 21, 1), Wait::Applied, LONG)
        .await
        .unwrap();
    fs::write(&segment, &whole).unwrap();
    network.restart(2).await;
    client
        .submit_and_wait(add(&key, 22, 1), Wait::Applied, LONG)
        .await
        .unwrap();
    network.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_clients_lose_their_connection_and_nothing_else() {
    let network = TestNetwork::start(Mode::Raft, 3).await;
    let identity = Identity::new(KeyPair::from_seed("mallory").signing_key().clone()).unwrap();
    let connect = async |id: [u8; 32]| {
        let here = Network { id, mode: 0 };
        let endpoint = ClientEndpoint::bind(
            SocketAddr::from(ANYWHERE),
            &identity,
            here,
            Limits::default(),
        );
        let address = network.node(0).local_addr().unwrap();
        endpoint
            .unwrap()
            .connect(address, *node_key(0).public_key().as_bytes())
            .await
    };
    let elsewhere = connect([1; 32]).await.unwrap_err();
    assert!(matches!(
        elsewhere,
        ConnectError::Refused(refusal) if refusal.reason == RefusalReason::WrongNetwork
    ));

    let mut trailing = frames::encode(&ClientFrame::Status { id: 1 })
        .unwrap()
        .to_vec();
    trailing.push(0);
    let endless = [&[0, 0, 0, 0][..], &u64::MAX.to_le_bytes()].concat();
    for nonsense in [vec![0xff; 100], trailing, endless, vec![7]] {
        let mut connection = connect(network.genesis.id()).await.unwrap();
        connection.send(nonsense.into()).await.unwrap();
        while let Ok(Some(frame)) = connection.recv().await {
            assert!(matches!(
                ServerFrame::decode(&frame),
                Ok(ServerFrame::Leader { .. })
            ));
        }
    }

    // Well-formed and still nonsense: refused one by one, and the connection stays.
    let mut connection = connect(network.genesis.id()).await.unwrap();
    let garbage = Submission {
        id: 5,
        payload: vec![1, 2, 3],
    };
    let far = ClientFrame::Block {
        id: 6,
        index: u64::MAX,
    };
    let none = ClientFrame::EvidenceGet {
        id: 7,
        evidence: Id([9; 32]),
    };
    for frame in [ClientFrame::Submit(vec![garbage]), far, none] {
        connection
            .send(frames::encode(&frame).unwrap())
            .await
            .unwrap();
    }
    let mut answered = Vec::new();
    while answered.len() < 3 {
        let frame = connection.recv().await.unwrap().unwrap();
        answered.extend(ServerFrame::decode(&frame).unwrap().id());
    }
    assert_eq!(answered, [5, 6, 7]);

    let key = KeyPair::from_seed("alice");
    let client = network.client();
    client
        .submit_and_wait(add(&key, 1, 1), Wait::Applied, LONG)
        .await
        .unwrap();
    network.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_started_while_its_predecessor_ends_takes_over() {
    let mut network = TestNetwork::start(Mode::Raft, 3).await;
    let listen = network.node(0).local_addr().unwrap();
    let mut successor = options(&network.genesis, node_key(0), &network.data(0));
    successor.listen = Some(listen);
    let (started, ()) = tokio::join!(Node::start(successor), network.stop(0));
    let started = started.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(started.local_addr().unwrap(), listen);
    started.shutdown().await;
    network.shutdown().await;
}
