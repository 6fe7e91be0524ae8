//! Nobody passes for the holder of a key without holding it.

use ed25519_dalek::SigningKey;

use super::support::*;
use crate::hello::Role;
use crate::{ConnectError, Disconnect, Identity, Peer, quic, tls};

#[tokio::test]
async fn a_client_with_a_stolen_certificate_is_turned_away() {
    let node = node(1);
    let thief = Identity::with_stolen_certificate(&identity(2), SigningKey::from_bytes(&[66; 32]));
    let quinn = quic::dial_only(loopback(0)).unwrap();
    let Peer { key, address } = peer(&node);
    let (config, _) = quic::client_config(&thief, key, Role::Validator).unwrap();
    // The client's side of QUIC is done before its certificate is judged, so connecting may work.
    let ended = match quinn
        .connect_with(config, address, tls::SERVER_NAME)
        .unwrap()
        .await
    {
        Ok(connection) => connection.closed().await,
        Err(error) => error,
    };
    assert!(
        matches!(ended, quinn::ConnectionError::ConnectionClosed(_)),
        "{ended}"
    );
}

#[tokio::test]
async fn a_server_with_a_stolen_certificate_is_turned_down() {
    let victim = identity(2);
    let thief = Identity::with_stolen_certificate(&victim, SigningKey::from_bytes(&[66; 32]));
    let server = quic::listen(loopback(0), &thief, &crate::Limits::default()).unwrap();
    let serving = tokio::spawn({
        let server = server.clone();
        async move { server.accept().await.unwrap().await.map(|_| ()) }
    });
    let address = server.local_addr().unwrap();
    let error = client(20)
        .connect(address, victim.public_key())
        .await
        .unwrap_err();
    assert!(
        matches!(error, ConnectError::Disconnected(Disconnect::Failed(_))),
        "{error}"
    );
    assert!(serving.await.unwrap().is_err());
}

#[tokio::test]
async fn a_server_with_another_key_is_named() {
    let node = node(3);
    let expected = identity(2).public_key();
    let error = client(20)
        .connect(peer(&node).address, expected)
        .await
        .unwrap_err();
    assert_eq!(
        error,
        ConnectError::WrongKey {
            expected,
            presented: node.public_key()
        }
    );
}
