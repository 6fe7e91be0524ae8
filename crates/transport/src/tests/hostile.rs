//! Peers that prove a key and then do not keep to the protocol.

use std::time::Duration;

use super::support::*;
use crate::hello::{PROTOCOL_VERSION, Reply, Role, say};
use crate::limits::{MAX_BULK_FRAME, MAX_CLIENT_FRAME, MAX_HELLO_FRAME, MAX_URGENT_FRAME};
use crate::{
    CloseCode, ConnectError, Disconnect, Hello, Limits, ReceiveError, RefusalReason, codec,
};

fn closed_with(code: CloseCode) -> Disconnect {
    Disconnect::ByPeer(Some(code))
}

async fn still_serves(node: &crate::Endpoint) {
    client(30)
        .connect(peer(node).address, node.public_key())
        .await
        .unwrap();
}

#[tokio::test]
async fn another_version_is_refused_with_the_reason() {
    let node = node(1);
    let raw = Raw::connect(&identity(20), &node).await;
    let (mut send, mut receive) = raw.connection.open_bi().await.unwrap();
    let newer = Hello {
        version: PROTOCOL_VERSION + 1,
        ..hello(Role::Client)
    };
    say(&mut send, &newer).await.unwrap();
    let reply = receive.read_to_end(MAX_HELLO_FRAME).await.unwrap();
    match codec::decode::<Reply, MAX_HELLO_FRAME>(&reply[4..]).unwrap() {
        Reply::Refused(refusal) => assert_eq!(refusal.reason, RefusalReason::WrongVersion),
        Reply::Accepted => panic!("accepted"),
    }
}

#[tokio::test]
async fn garbage_instead_of_a_hello_closes_the_connection_and_hurts_nobody() {
    let node = node(1);
    let too_long = (MAX_HELLO_FRAME as u32 + 1).to_le_bytes();
    let garbage: [&[u8]; 4] = [
        b"GET / HTTP/1.1\r\n\r\n",
        &[3, 0, 0, 0, 1, 2, 3],
        &[0, 0, 0, 0],
        &too_long,
    ];
    for bytes in garbage {
        let raw = Raw::connect(&identity(20), &node).await;
        let (mut send, _receive) = raw.connection.open_bi().await.unwrap();
        send.write_all(bytes).await.unwrap();
        assert_eq!(
            raw.closed().await,
            closed_with(CloseCode::MalformedHello),
            "{bytes:?}"
        );
    }
    still_serves(&node).await;
}

#[tokio::test]
async fn half_a_hello_is_given_up_and_blocks_nobody_meanwhile() {
    let limits = Limits {
        hello_timeout: Duration::from_millis(500),
        ..Limits::default()
    };
    let node = node_with(1, loopback(0), limits);
    let mut halves = Vec::new();
    for _ in 0..8 {
        let raw = Raw::connect(&identity(20), &node).await;
        let (mut send, receive) = raw.connection.open_bi().await.unwrap();
        send.write_all(&[41, 0, 0, 0, 1, 0]).await.unwrap();
        halves.push((raw, send, receive));
    }
    still_serves(&node).await;
    for (raw, ..) in &halves {
        assert_eq!(raw.closed().await, closed_with(CloseCode::HelloTimeout));
    }
}

#[tokio::test]
async fn silence_after_the_handshake_is_given_up() {
    let limits = Limits {
        hello_timeout: Duration::from_millis(100),
        ..Limits::default()
    };
    let node = node_with(1, loopback(0), limits);
    let raw = Raw::connect(&identity(20), &node).await;
    assert_eq!(raw.closed().await, closed_with(CloseCode::HelloTimeout));
}

#[tokio::test]
async fn garbage_datagrams_hurt_nobody() {
    let node = node(1);
    let socket = std::net::UdpSocket::bind(loopback(0)).unwrap();
    for length in [0, 1, 21, 100, 1200, 1452, 20_000] {
        for first in [0x00, 0x40, 0x80, 0xc0, 0xff] {
            let mut datagram = vec![0x5a; length];
            datagram.iter_mut().take(1).for_each(|byte| *byte = first);
            socket.send_to(&datagram, peer(&node).address).unwrap();
        }
    }
    still_serves(&node).await;
}

#[tokio::test]
async fn an_oversized_frame_closes_the_connection_before_it_is_sent() {
    for (stream, maximum) in [(0, MAX_URGENT_FRAME), (1, MAX_BULK_FRAME)] {
        let node = node(2);
        let (raw, mut streams) = Raw::validator(1, &node).await;
        let mut connection = accept_validator(&node).await;
        let length = maximum + 1;
        streams[stream]
            .write_all(&(length as u32).to_le_bytes())
            .await
            .unwrap();
        let receiver = if stream == 0 {
            &mut connection.urgent
        } else {
            &mut connection.bulk
        };
        assert_eq!(
            receiver.recv().await,
            Err(ReceiveError::TooLarge { length, maximum })
        );
        assert_eq!(raw.closed().await, closed_with(CloseCode::FrameTooLarge));
    }
}

#[tokio::test]
async fn an_oversized_frame_of_a_client_ends_its_session_only() {
    let node = node(1);
    let raw = Raw::connect(&identity(20), &node).await;
    let (mut send, _receive) = raw.connection.open_bi().await.unwrap();
    say(&mut send, &hello(Role::Client)).await.unwrap();
    let mut session = accept_client(&node).await;
    let (length, maximum) = (MAX_CLIENT_FRAME + 1, MAX_CLIENT_FRAME);
    send.write_all(&(length as u32).to_le_bytes())
        .await
        .unwrap();
    assert_eq!(
        session.receiver.recv().await,
        Err(ReceiveError::TooLarge { length, maximum })
    );
    assert_eq!(raw.closed().await, closed_with(CloseCode::FrameTooLarge));
    still_serves(&node).await;
}

#[tokio::test]
async fn an_empty_frame_closes_the_connection() {
    let node = node(2);
    let (raw, [mut urgent, _bulk]) = Raw::validator(1, &node).await;
    let mut connection = accept_validator(&node).await;
    urgent.write_all(&[0; 4]).await.unwrap();
    assert_eq!(connection.urgent.recv().await, Err(ReceiveError::Empty));
    assert_eq!(raw.closed().await, closed_with(CloseCode::FrameEmpty));
}

#[tokio::test]
async fn a_frame_that_is_not_completed_closes_the_connection() {
    let limits = Limits {
        frame_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let node = node_with(2, loopback(0), limits);
    let (raw, [mut urgent, _bulk]) = Raw::validator(1, &node).await;
    let mut connection = accept_validator(&node).await;
    urgent
        .write_all(&[4, 0, 0, 0, b'h', b'a', b'l'])
        .await
        .unwrap();
    assert_eq!(
        connection.urgent.recv().await,
        Err(ReceiveError::Incomplete)
    );
    assert_eq!(raw.closed().await, closed_with(CloseCode::FrameTimeout));
}

#[tokio::test]
async fn a_stream_that_ends_within_a_frame_closes_the_connection() {
    let node = node(2);
    let (raw, [mut urgent, _bulk]) = Raw::validator(1, &node).await;
    let mut connection = accept_validator(&node).await;
    urgent.write_all(&[4, 0, 0, 0, b'h']).await.unwrap();
    urgent.finish().unwrap();
    assert_eq!(connection.urgent.recv().await, Err(ReceiveError::Truncated));
    assert_eq!(raw.closed().await, closed_with(CloseCode::FrameTruncated));
}

#[tokio::test]
async fn two_streams_of_one_class_are_no_validator() {
    let node = node(2);
    let raw = Raw::connect(&identity(1), &node).await;
    let (mut send, _receive) = raw.connection.open_bi().await.unwrap();
    say(&mut send, &hello(Role::Validator)).await.unwrap();
    for _ in 0..2 {
        let mut stream = raw.connection.open_uni().await.unwrap();
        stream.write_all(&[0]).await.unwrap();
    }
    assert_eq!(raw.closed().await, closed_with(CloseCode::UnexpectedStream));
}

#[tokio::test]
async fn a_server_that_talks_nonsense_is_given_up() {
    let identity = identity(2);
    let server = crate::quic::listen(loopback(0), &identity, &Limits::default()).unwrap();
    let address = server.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let connection = server.accept().await.unwrap().await.unwrap();
        let (mut send, _receive) = connection.accept_bi().await.unwrap();
        send.write_all(&[4, 0, 0, 0, 9, 9, 9, 9]).await.unwrap();
        connection.closed().await;
    });
    let error = client(20)
        .connect(address, identity.public_key())
        .await
        .unwrap_err();
    assert!(matches!(error, ConnectError::MalformedReply(_)), "{error}");
    serving.await.unwrap();
}

#[tokio::test]
async fn silent_diallers_use_up_only_the_places_for_handshakes() {
    let node = node_with(
        1,
        loopback(0),
        Limits {
            max_handshakes: 1,
            ..Limits::default()
        },
    );
    let silent = Raw::connect(&identity(20), &node).await;
    let refused = client(30)
        .connect(peer(&node).address, node.public_key())
        .await;
    match refused.unwrap_err() {
        ConnectError::Refused(refusal) => {
            assert_eq!(refusal.reason, RefusalReason::TooManyConnections);
        }
        other => panic!("{other}"),
    }
    assert_eq!(silent.closed().await, closed_with(CloseCode::HelloTimeout));
}

#[tokio::test]
async fn with_many_handshakes_under_way_an_honest_dialler_proves_its_address_and_gets_in() {
    let node = node_with(
        1,
        loopback(0),
        Limits {
            max_handshakes: 4,
            ..Limits::default()
        },
    );
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(Raw::connect(&identity(20), &node).await);
    }
    still_serves(&node).await;
}
