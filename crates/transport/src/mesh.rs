//! Links to all other validators.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;

use crate::counters::Traffic;
use crate::endpoint::Endpoint;
use crate::error::Dropped;
use crate::fault::LinkPolicy;
use crate::frame::Class;
use crate::identity::PeerKey;
use crate::link::{Link, LinkState};

/// A validator and where to dial it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its key.
    pub key: PeerKey,
    /// Its listening address.
    pub address: SocketAddr,
}

/// One link to each peer, numbered as given to [`Mesh::start`]; cheap to clone.
///
/// Links live until the endpoint is closed or dropped, and dial again for ever when lost.
#[derive(Debug, Clone)]
pub struct Mesh {
    /// `None` in the place of this node itself.
    links: Arc<[Option<Arc<Link>>]>,
}

impl Mesh {
    /// Starts dialling `peers` from `endpoint`. If this node itself is among them, its number
    /// stays without a link, so numbers may be those of the validators in the configuration.
    #[must_use]
    pub fn start(endpoint: &Endpoint, peers: &[Peer]) -> Self {
        let dialler = endpoint.dialler();
        let start_link = |peer: &Peer| {
            if peer.key == endpoint.public_key() {
                return None;
            }
            let registry = endpoint.registry();
            let (redial, meter) = (
                registry.redial_signal(peer.key),
                registry.validator_meter(peer.key),
            );
            let link = Arc::new(Link::new(
                peer.key,
                peer.address,
                endpoint.limits(),
                redial,
                meter,
            ));
            tokio::spawn(
                link.clone()
                    .run(dialler.clone(), endpoint.shutdown().clone()),
            );
            Some(link)
        };
        Self {
            links: peers.iter().map(start_link).collect(),
        }
    }

    /// Queues a frame for a peer; never waits. `Ok` is no promise: links lose frames.
    ///
    /// When the queue of [`Class::Urgent`] is full, its oldest frames make room; when that of
    /// [`Class::Bulk`] is full, or the peer away, the new frame is refused.
    ///
    /// # Errors
    /// [`Dropped`] says why this frame was not taken.
    pub fn send(&self, peer: usize, class: Class, frame: Bytes) -> Result<(), Dropped> {
        self.link(peer)
            .ok_or(Dropped::NoSuchPeer)?
            .send(class, frame)
    }

    /// Changes what the link does to frames sent to a peer from now on.
    ///
    /// # Errors
    /// [`Dropped::NoSuchPeer`].
    pub fn set_link_policy(&self, peer: usize, policy: LinkPolicy) -> Result<(), Dropped> {
        self.link(peer)
            .ok_or(Dropped::NoSuchPeer)?
            .set_policy(policy);
        Ok(())
    }

    /// The policy in force for frames to a peer.
    #[must_use]
    pub fn link_policy(&self, peer: usize) -> Option<LinkPolicy> {
        self.link(peer).map(|link| link.policy())
    }

    /// Dials a peer at another address from now on; a link to the old one is given up.
    ///
    /// # Errors
    /// [`Dropped::NoSuchPeer`].
    pub fn set_peer_address(&self, peer: usize, address: SocketAddr) -> Result<(), Dropped> {
        self.link(peer)
            .ok_or(Dropped::NoSuchPeer)?
            .set_address(address);
        Ok(())
    }

    /// Where a peer is dialled.
    #[must_use]
    pub fn peer_address(&self, peer: usize) -> Option<SocketAddr> {
        self.link(peer).map(|link| link.address())
    }

    /// What is known about the link to a peer.
    #[must_use]
    pub fn link_state(&self, peer: usize) -> Option<LinkState> {
        self.link(peer).map(|link| link.state().borrow().clone())
    }

    /// Waits until the link to a peer is in a state that `wanted` accepts. Never ends for a
    /// number without a link.
    pub async fn wait_for(&self, peer: usize, wanted: impl Fn(&LinkState) -> bool) -> LinkState {
        if let Some(link) = self.link(peer)
            && let Ok(state) = link.state().wait_for(|state| wanted(state)).await
        {
            return state.clone();
        }
        std::future::pending().await
    }

    /// What was exchanged with a peer, over this link and the connections it dialled.
    #[must_use]
    pub fn traffic(&self, peer: usize) -> Option<Traffic> {
        self.link(peer).map(|link| link.meter().peer.read())
    }

    /// How many numbers there are, this node's own included if it was given.
    #[must_use]
    pub fn len(&self) -> usize {
        self.links.len()
    }

    /// Whether no peers were given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    fn link(&self, peer: usize) -> Option<&Link> {
        self.links.get(peer)?.as_deref()
    }
}
