//! Links between validators.

use super::support::*;
use crate::{
    Class, CloseCode, ConnectError, Disconnect, Dropped, Endpoint, Limits, LinkPolicy, LinkState,
    Mesh, Peer, RefusalReason, limits,
};

fn is_up(state: &LinkState) -> bool {
    *state == LinkState::Up
}

#[tokio::test]
async fn frames_of_both_classes_arrive_in_order_and_both_ways() {
    let (one, two) = (node(1), node(2));
    let (to_two, mut at_two) = link(&one, &two).await;
    let (to_one, mut at_one) = link(&two, &one).await;
    assert_eq!(at_two.key, one.public_key());
    assert_eq!(at_one.key, two.public_key());
    to_two.wait_for(0, is_up).await;
    to_one.wait_for(0, is_up).await;
    for number in 0..1000 {
        for (mesh, class) in [
            (&to_two, Class::Urgent),
            (&to_two, Class::Bulk),
            (&to_one, Class::Bulk),
        ] {
            mesh.send(0, class, frame(format!("{class:?} {number}")))
                .unwrap();
        }
    }
    for number in 0..1000 {
        assert_eq!(next(&mut at_two.urgent).await, format!("Urgent {number}"));
        assert_eq!(next(&mut at_two.bulk).await, format!("Bulk {number}"));
        assert_eq!(next(&mut at_one.bulk).await, format!("Bulk {number}"));
    }
    let sent = to_two.traffic(0).unwrap();
    let received = two.peer_traffic(&one.public_key());
    assert_eq!((sent.frames_sent, sent.frames_received), (2000, 1000));
    assert_eq!(
        (received.frames_received, received.frames_sent),
        (2000, 1000)
    );
    assert_eq!(sent.bytes_sent, received.bytes_received);
    assert_eq!(two.traffic(), received);
}

#[tokio::test]
async fn the_largest_frames_arrive_and_larger_ones_are_not_taken() {
    let (one, two) = (node(1), node(2));
    let (mesh, mut connection) = link(&one, &two).await;
    mesh.wait_for(0, is_up).await;
    for class in Class::ALL {
        let largest = vec![7; class.max_frame()];
        assert_eq!(
            mesh.send(0, class, [&largest[..], &[7]].concat().into()),
            Err(Dropped::TooLarge)
        );
        assert_eq!(mesh.send(0, class, frame("")), Err(Dropped::Empty));
        mesh.send(0, class, largest.into()).unwrap();
    }
    assert_eq!(
        next(&mut connection.urgent).await.len(),
        limits::MAX_URGENT_FRAME
    );
    assert_eq!(
        next(&mut connection.bulk).await.len(),
        limits::MAX_BULK_FRAME
    );
}

#[tokio::test]
async fn bulk_that_nobody_reads_does_not_block_urgent_frames() {
    let (one, two) = (node(1), node(2));
    let (mesh, mut connection) = link(&one, &two).await;
    mesh.wait_for(0, is_up).await;
    let megabyte = bytes::Bytes::from(vec![1; 1024 * 1024]);
    // QUIC takes what the receiver's window allows; then the queue fills up and refuses.
    while mesh.send(0, Class::Bulk, megabyte.clone()).is_ok() {
        tokio::task::yield_now().await;
    }
    for number in 0..100 {
        mesh.send(0, Class::Urgent, frame(format!("{number}")))
            .unwrap();
        assert_eq!(next(&mut connection.urgent).await, format!("{number}"));
    }
    assert_eq!(
        mesh.send(0, Class::Bulk, megabyte.clone()),
        Err(Dropped::QueueFull)
    );
    assert_eq!(next(&mut connection.bulk).await, megabyte);
}

#[tokio::test]
async fn a_validator_with_an_unknown_key_is_refused_with_the_reason() {
    let (stranger, two) = (node(10), node(2));
    let mesh = Mesh::start(&stranger, &[peer(&two)]);
    let state = mesh
        .wait_for(0, |state| *state != LinkState::Connecting)
        .await;
    match state {
        LinkState::Unreachable(ConnectError::Refused(refusal)) => {
            assert_eq!(refusal.reason, RefusalReason::UnknownKey);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_impostor_is_noticed_by_the_dialler() {
    let (one, impostor) = (node(1), node(3));
    let expected = identity(2).public_key();
    let mesh = Mesh::start(
        &one,
        &[Peer {
            key: expected,
            address: peer(&impostor).address,
        }],
    );
    let state = mesh
        .wait_for(0, |state| *state != LinkState::Connecting)
        .await;
    let presented = impostor.public_key();
    assert_eq!(
        state,
        LinkState::Unreachable(ConnectError::WrongKey {
            expected,
            presented
        })
    );
}

#[tokio::test]
async fn a_changed_address_is_dialled() {
    let (one, two, wrong) = (node(1), node(2), node(3));
    let mesh = Mesh::start(
        &one,
        &[Peer {
            address: peer(&wrong).address,
            ..peer(&two)
        }],
    );
    mesh.wait_for(0, |state| *state != LinkState::Connecting)
        .await;
    mesh.set_peer_address(0, peer(&two).address).unwrap();
    mesh.wait_for(0, is_up).await;
    assert_eq!(mesh.peer_address(0), Some(peer(&two).address));
}

#[tokio::test]
async fn a_node_has_no_link_to_itself() {
    let (one, two) = (node(1), node(2));
    let mesh = Mesh::start(&one, &[peer(&one), peer(&two)]);
    assert_eq!(mesh.len(), 2);
    assert_eq!(
        mesh.send(0, Class::Urgent, frame("a")),
        Err(Dropped::NoSuchPeer)
    );
    assert_eq!(
        mesh.send(2, Class::Urgent, frame("a")),
        Err(Dropped::NoSuchPeer)
    );
    mesh.wait_for(1, is_up).await;
}

#[tokio::test]
async fn urgent_frames_wait_for_a_peer_that_is_away_and_bulk_does_not() {
    let (one, two, wrong) = (node(1), node(2), node(3));
    let mesh = Mesh::start(
        &one,
        &[Peer {
            address: peer(&wrong).address,
            ..peer(&two)
        }],
    );
    for number in 0..=limits::OFFLINE_URGENT_FRAMES {
        mesh.send(0, Class::Urgent, frame(format!("{number}")))
            .unwrap();
    }
    assert_eq!(
        mesh.send(0, Class::Bulk, frame("bulk")),
        Err(Dropped::LinkDown)
    );
    mesh.set_peer_address(0, peer(&two).address).unwrap();
    let mut connection = accept_validator(&two).await;
    assert_eq!(next(&mut connection.urgent).await, "1");
    assert_eq!(mesh.traffic(0).unwrap().frames_dropped, 2);
}

#[tokio::test]
async fn a_cut_link_swallows_frames_and_a_healed_one_delivers_again() {
    let (one, two) = (node(1), node(2));
    let (mesh, mut connection) = link(&one, &two).await;
    mesh.wait_for(0, is_up).await;
    mesh.send(0, Class::Urgent, frame("before")).unwrap();
    assert_eq!(next(&mut connection.urgent).await, "before");
    mesh.set_link_policy(0, LinkPolicy::CUT).unwrap();
    for class in Class::ALL {
        mesh.send(0, class, frame("during")).unwrap();
    }
    assert_eq!(mesh.link_policy(0), Some(LinkPolicy::CUT));
    mesh.set_link_policy(0, LinkPolicy::PASS).unwrap();
    for class in Class::ALL {
        mesh.send(0, class, frame("after")).unwrap();
    }
    assert_eq!(next(&mut connection.urgent).await, "after");
    assert_eq!(next(&mut connection.bulk).await, "after");
    assert_eq!(mesh.traffic(0).unwrap().frames_lost_on_purpose, 2);
}

#[tokio::test]
async fn a_newer_connection_of_a_validator_replaces_the_older() {
    let two = node(2);
    let (older, _streams) = Raw::validator(1, &two).await;
    let mut at_older = accept_validator(&two).await;
    let (_newer, [mut urgent, _bulk]) = Raw::validator(1, &two).await;
    let mut at_newer = accept_validator(&two).await;
    assert_eq!(
        older.closed().await,
        Disconnect::ByPeer(Some(CloseCode::Replaced))
    );
    assert!(at_older.urgent.recv().await.is_err());
    urgent.write_all(&[1, 0, 0, 0, b'x']).await.unwrap();
    assert_eq!(next(&mut at_newer.urgent).await, "x");
}

#[tokio::test]
async fn closing_delivers_what_is_queued() {
    let (one, two) = (node(1), node(2));
    let (mesh, mut connection) = link(&one, &two).await;
    mesh.wait_for(0, is_up).await;
    for number in 0..500 {
        mesh.send(0, Class::Bulk, frame(format!("{number}")))
            .unwrap();
    }
    let reading = async {
        for number in 0..500 {
            assert_eq!(next(&mut connection.bulk).await, format!("{number}"));
        }
        assert_eq!(connection.bulk.recv().await, Ok(None));
    };
    tokio::join!(one.close(), reading);
    assert_eq!(
        mesh.send(0, Class::Urgent, frame("late")),
        Err(Dropped::Closed)
    );
    assert!(one.accept().await.is_none());
}

/// A node in a runtime of its own, so that it can die without saying goodbye.
struct Mortal {
    runtime: tokio::runtime::Runtime,
    endpoint: Endpoint,
}

impl Mortal {
    fn born(number: u8, port: u16) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let context = runtime.enter();
        let endpoint = node_with(number, loopback(port), Limits::default());
        drop(context);
        Self { runtime, endpoint }
    }

    /// Stops every task of the node before any can send a farewell, and frees the port.
    async fn die(self) {
        let Self { runtime, endpoint } = self;
        tokio::task::spawn_blocking(move || {
            drop(runtime);
            drop(endpoint);
        })
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn a_peer_that_died_and_restarted_on_its_port_is_linked_again() {
    let one = node(1);
    let two = Mortal::born(2, 0);
    let address = peer(&two.endpoint).address;
    let (mesh, connection) = link(&one, &two.endpoint).await;
    mesh.wait_for(0, is_up).await;
    drop(connection);
    two.die().await;
    let two = Mortal::born(2, address.port());
    // Nothing but frames tells our side that the peer has forgotten the connection.
    let connection = loop {
        let _ = mesh.send(0, Class::Urgent, frame("are you there?"));
        tokio::select! {
            biased;
            connection = accept_validator(&two.endpoint) => break connection,
            () = tokio::task::yield_now() => {}
        }
    };
    assert_eq!(connection.key, one.public_key());
    two.die().await;
}

#[tokio::test]
async fn a_restarted_node_says_that_it_has_forgotten_a_connection() {
    let two = Mortal::born(2, 0);
    let address = peer(&two.endpoint).address;
    let (raw, [mut urgent, _bulk]) = Raw::validator(1, &two.endpoint).await;
    two.die().await;
    let two = Mortal::born(2, address.port());
    urgent.write_all(&[9; 100]).await.unwrap();
    assert_eq!(raw.closed().await, Disconnect::PeerRestarted);
    two.die().await;
}
