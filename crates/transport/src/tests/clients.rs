//! Sessions of clients.

use super::support::*;
use crate::limits::{MAX_CLIENT_FRAME, QueueLimit};
use crate::{
    CloseCode, ConnectError, Disconnect, Limits, Network, ReceiveError, RefusalReason, SessionError,
};

fn reason(result: Result<crate::ClientConnection, ConnectError>) -> RefusalReason {
    match result {
        Err(ConnectError::Refused(refusal)) => refusal.reason,
        other => panic!("expected a refusal, not {other:?}"),
    }
}

#[tokio::test]
async fn requests_and_answers_travel_on_one_connection() {
    let node = node(1);
    let client = client(20);
    let mut connection = client
        .connect(peer(&node).address, node.public_key())
        .await
        .unwrap();
    let mut session = accept_client(&node).await;
    assert_eq!(session.key, identity(20).public_key());
    assert_eq!(connection.server(), node.public_key());
    for number in 0..100 {
        connection
            .send(frame(format!("request {number}")))
            .await
            .unwrap();
    }
    for number in 0..100 {
        assert_eq!(
            next(&mut session.receiver).await,
            format!("request {number}")
        );
        session
            .sender
            .send(frame(format!("answer {number}")))
            .unwrap();
    }
    for number in 0..100 {
        let answer = connection.recv().await.unwrap().unwrap();
        assert_eq!(answer, format!("answer {number}"));
    }
    assert_eq!(node.traffic().frames_received, 100);
}

#[tokio::test]
async fn frames_larger_than_a_window_pass_in_both_directions() {
    let node = node(1);
    let mut connection = client(20)
        .connect(peer(&node).address, node.public_key())
        .await
        .unwrap();
    let mut session = accept_client(&node).await;
    let largest = bytes::Bytes::from(vec![5; MAX_CLIENT_FRAME]);
    connection.send(largest.clone()).await.unwrap();
    assert_eq!(next(&mut session.receiver).await, largest);
    session.sender.send(largest.clone()).unwrap();
    assert_eq!(connection.recv().await.unwrap().unwrap(), largest);
    let larger = bytes::Bytes::from(vec![5; MAX_CLIENT_FRAME + 1]);
    assert_eq!(
        connection.send(larger.clone()).await,
        Err(SessionError::TooLarge)
    );
    assert_eq!(session.sender.send(larger), Err(SessionError::TooLarge));
    assert_eq!(session.sender.send(frame("")), Err(SessionError::Empty));
}

#[tokio::test]
async fn another_network_or_mode_is_refused_with_the_reason() {
    let node = node(1);
    let (address, key) = (peer(&node).address, node.public_key());
    let stranger = client_of(
        20,
        Network {
            id: [9; 32],
            ..NETWORK
        },
    );
    assert_eq!(
        reason(stranger.connect(address, key).await),
        RefusalReason::WrongNetwork
    );
    let stranger = client_of(20, Network { mode: 0, ..NETWORK });
    assert_eq!(
        reason(stranger.connect(address, key).await),
        RefusalReason::WrongMode
    );
}

#[tokio::test]
async fn more_connections_of_a_key_than_allowed_are_refused_until_one_ends() {
    let limits = Limits {
        max_connections_per_client: 1,
        ..Limits::default()
    };
    let node = node_with(1, loopback(0), limits);
    let (address, key) = (peer(&node).address, node.public_key());
    let client = client(20);
    let first = client.connect(address, key).await.unwrap();
    assert_eq!(
        reason(client.connect(address, key).await),
        RefusalReason::TooManyConnections
    );
    let session = accept_client(&node).await;
    first.close().await;
    drop(session);
    // The place is given back by the session's task, which may not have run yet.
    let second = loop {
        match client.connect(address, key).await {
            Ok(connection) => break connection,
            Err(ConnectError::Refused(refusal)) => {
                assert_eq!(refusal.reason, RefusalReason::TooManyConnections);
            }
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(second.server(), key);
}

#[tokio::test]
async fn a_client_that_does_not_read_loses_its_session() {
    let limits = Limits {
        session_queue: QueueLimit {
            frames: 8,
            bytes: 1 << 20,
        },
        ..Limits::default()
    };
    let node = node_with(1, loopback(0), limits);
    let connection = client(20)
        .connect(peer(&node).address, node.public_key())
        .await
        .unwrap();
    let mut session = accept_client(&node).await;
    let answer = bytes::Bytes::from(vec![1; 64 * 1024]);
    let refused = loop {
        match session.sender.send(answer.clone()) {
            Ok(()) => tokio::task::yield_now().await,
            Err(error) => break error,
        }
    };
    assert_eq!(refused, SessionError::NotReading);
    let (sender, _receiver) = connection.split();
    assert_eq!(
        sender.closed().await,
        Disconnect::ByPeer(Some(CloseCode::NotReading))
    );
    let ended = session.receiver.recv().await;
    assert_eq!(ended, Err(ReceiveError::Disconnected(Disconnect::ByUs)));
    assert!(session.sender.is_closed());
    let late = session.sender.send(answer);
    assert_eq!(late, Err(SessionError::Disconnected(Disconnect::ByUs)));
}

#[tokio::test]
async fn closing_delivers_what_the_client_queued() {
    let node = node(1);
    let connection = client(20)
        .connect(peer(&node).address, node.public_key())
        .await
        .unwrap();
    let mut session = accept_client(&node).await;
    for number in 0..500 {
        connection.send(frame(format!("{number}"))).await.unwrap();
    }
    let reading = async {
        for number in 0..500 {
            assert_eq!(next(&mut session.receiver).await, format!("{number}"));
        }
        assert_eq!(session.receiver.recv().await, Ok(None));
    };
    let (ended, ()) = tokio::join!(connection.close(), reading);
    assert_eq!(ended, Disconnect::ByUs);
}

#[tokio::test]
async fn a_stopping_node_delivers_its_answers_and_says_that_it_stops() {
    let node = node(1);
    let connection = client(20)
        .connect(peer(&node).address, node.public_key())
        .await
        .unwrap();
    let session = accept_client(&node).await;
    for number in 0..500 {
        session.sender.send(frame(format!("{number}"))).unwrap();
    }
    let (sender, mut receiver) = connection.split();
    let reading = async {
        for number in 0..500 {
            assert_eq!(next(&mut receiver).await, format!("{number}"));
        }
        assert_eq!(receiver.recv().await, Ok(None));
    };
    tokio::join!(node.close(), reading);
    assert_eq!(
        sender.closed().await,
        Disconnect::ByPeer(Some(CloseCode::ShuttingDown))
    );
}

#[tokio::test]
async fn a_dropped_session_ends_after_its_answers() {
    let node = node(1);
    let mut connection = client(20)
        .connect(peer(&node).address, node.public_key())
        .await
        .unwrap();
    let session = accept_client(&node).await;
    session.sender.send(frame("goodbye")).unwrap();
    drop(session);
    assert_eq!(connection.recv().await.unwrap().unwrap(), "goodbye");
    assert_eq!(connection.recv().await, Ok(None));
}

#[tokio::test]
async fn clients_that_do_not_read_share_a_bounded_memory() {
    let limits = Limits {
        // A quarter is for strangers.
        unread_bytes: 4 * 256 * 1024 / 3,
        ..Limits::default()
    };
    let node = node_with(1, loopback(0), limits);
    let mut connections = Vec::new();
    let mut sessions = Vec::new();
    for number in 20..23 {
        let client = client(number);
        let dialled = client.connect(peer(&node).address, node.public_key()).await;
        connections.push((dialled.unwrap(), client));
        sessions.push(accept_client(&node).await);
    }
    let answer = bytes::Bytes::from(vec![1; 64 * 1024]);
    // Nothing is read on the other side, and nothing is written while nobody yields.
    for _ in 0..4 {
        sessions[0].sender.send(answer.clone()).unwrap();
    }
    sessions[1].sender.send(answer.clone()).unwrap();
    let refused = sessions[1].sender.send(answer.clone());
    assert_eq!(refused, Err(SessionError::NotReading));
    // What it had is free again.
    sessions[2].sender.send(answer.clone()).unwrap();
    // A prompt client's small answers need nothing of what the others share.
    let prompt = client(30);
    let mut connection = prompt
        .connect(peer(&node).address, node.public_key())
        .await
        .unwrap();
    let session = accept_client(&node).await;
    session.sender.send(frame("small")).unwrap();
    assert_eq!(connection.recv().await.unwrap().unwrap(), "small");
}

#[tokio::test]
async fn a_node_that_stops_does_not_say_that_it_has_too_many_connections() {
    let node = node(1);
    let (address, key) = (peer(&node).address, node.public_key());
    node.close().await;
    let limits = Limits {
        hello_timeout: std::time::Duration::from_millis(200),
        ..Limits::default()
    };
    let local = loopback(0);
    let client = crate::ClientEndpoint::bind(local, &identity(20), NETWORK, limits).unwrap();
    let late = client.connect(address, key).await.unwrap_err();
    assert!(!matches!(late, ConnectError::Refused(_)), "{late}");
}
