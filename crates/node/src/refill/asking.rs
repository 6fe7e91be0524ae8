//! The other validators, asked as a client asks, by a node that believes none of them.
//!
//! Each peer is asked by a task of its own, so that one that is silent, slow or lying costs the
//! others a head start at most. What a peer can make us read is bounded: one connection, a few
//! frames, one answer at a time.

use std::{sync::Arc, time::Duration};

use consensus::{
    Entry, Hash, Index, SignedHeader, Verification,
    encoding::{Canonical, Reader},
};
use keys::{Genesis, KeyPair};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{sleep, timeout},
};
use transport::{ClientConnection, ClientEndpoint, Identity, Limits, Network, dialling_from};

use crate::{
    error::StartError,
    frames::{self, BlockFrame, ClientFrame, ServerFrame},
};

/// How long a peer may take to answer, from the dialling on.
const ANSWER: Duration = Duration::from_secs(5);
/// Before a peer that had no answer is asked again.
const PAUSE: Duration = Duration::from_millis(500);
/// What each peer has before the next one is asked, too: whoever answers at once is the only one
/// that is asked.
const HEAD_START: Duration = Duration::from_millis(250);
/// Most frames read for one answer. A node says who leads before it answers, and when that changes.
const FRAMES: usize = 16;
/// Our name for the question on its connection.
const QUESTION: u64 = 1;

/// An entry that is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) index: Index,
    /// Its hash; `None` where nothing says it.
    pub(super) hash: Option<Hash>,
}

/// A validator that is asked.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) name: String,
    address: std::net::SocketAddr,
    key: [u8; 32],
}

/// What a peer answered.
pub(super) struct Offer {
    pub(super) peer: Arc<Peer>,
    /// An entry with the index, hash and body that are wanted; its signature was not looked at.
    /// `None` if the answer was something else. Each peer has one offer only.
    pub(super) entry: Option<Arc<Entry>>,
}

/// The answers about one entry, as they come. Dropping it ends the asking.
pub(super) struct Offers {
    offers: mpsc::Receiver<Offer>,
    _asking: JoinSet<()>,
}

impl Offers {
    /// The next answer; `None` if all peers have answered.
    pub(super) async fn next(&mut self) -> Option<Offer> {
        self.offers.recv().await
    }
}

/// The other validators, as a client of theirs.
pub(super) struct Asking {
    verification: Arc<Verification>,
    endpoint: Arc<ClientEndpoint>,
    /// In the order in which they are asked.
    peers: Vec<Arc<Peer>>,
}

impl Asking {
    pub(super) fn new(
        genesis: &Genesis,
        key: &KeyPair,
        verification: &Arc<Verification>,
    ) -> Result<Self, StartError> {
        let identity = Identity::new(key.signing_key().clone())?;
        let network = Network {
            id: genesis.id(),
            mode: verification.configuration().mode().number(),
        };
        let me = key.public_key();
        let others = genesis.validators().iter();
        let peers: Vec<Arc<Peer>> = others
            .map(|validator| Peer {
                name: validator.name.clone(),
                address: validator.address,
                key: *validator.key.as_bytes(),
            })
            .filter(|peer| peer.key != *me.as_bytes())
            .map(Arc::new)
            .collect();
        let local = dialling_from(peers.iter().map(|peer| peer.address));
        let endpoint = ClientEndpoint::bind(local, &identity, network, Limits::default()).map_err(
            |source| StartError::Listen {
                address: local,
                source,
            },
        )?;
        Ok(Self {
            verification: Arc::clone(verification),
            endpoint: Arc::new(endpoint),
            peers,
        })
    }

    /// From now on this peer is asked first.
    pub(super) fn prefer(&mut self, peer: &Arc<Peer>) {
        // A stable sort: the others stay as they are.
        self.peers.sort_by_key(|one| !Arc::ptr_eq(one, peer));
    }

    /// Begins to ask for an entry. Those that have no answer are asked again, for ever.
    pub(super) fn about(&self, wanted: Wanted) -> Offers {
        // One waits to be looked at; who offers the next one waits, too.
        let (sender, offers) = mpsc::channel(1);
        let mut asking = JoinSet::new();
        for (rank, peer) in (0..).zip(&self.peers) {
            let (peer, sender) = (Arc::clone(peer), sender.clone());
            let endpoint = Arc::clone(&self.endpoint);
            let verification = Arc::clone(&self.verification);
            asking.spawn(async move {
                sleep(HEAD_START * rank).await;
                let block = loop {
                    match timeout(ANSWER, ask(&endpoint, &peer, wanted.index)).await {
                        Ok(Some(answer)) => break answer,
                        Ok(None) | Err(_) => sleep(PAUSE).await,
                    }
                };
                let entry = block.and_then(|block| wanted.entry_in(&verification, &block));
                let _ = sender.send(Offer { peer, entry }).await;
            });
        }
        Offers {
            offers,
            _asking: asking,
        }
    }
}

/// `Some(None)` is an answer that no honest node gives. `None` is none, or one that the node does
/// not have, or whose body is too long to be sent.
async fn ask(endpoint: &ClientEndpoint, peer: &Peer, index: Index) -> Option<Option<BlockFrame>> {
    let mut connection = endpoint.connect(peer.address, peer.key).await.ok()?;
    let question = ClientFrame::Block {
        id: QUESTION,
        index: index.0,
    };
    let question = frames::encode(&question).ok()?;
    connection.send(question).await.ok()?;
    answer(&mut connection).await
}

async fn answer(connection: &mut ClientConnection) -> Option<Option<BlockFrame>> {
    // Counted, as a time limit alone does not end what never has to wait.
    for _ in 0..FRAMES {
        let frame = connection.recv().await.ok()??;
        match ServerFrame::decode(&frame) {
            Ok(ServerFrame::Block {
                id: QUESTION,
                block,
            }) => return block.filter(|block| block.payloads.is_some()).map(Some),
            Ok(ServerFrame::Refused { id: QUESTION, .. }) => return None,
            Ok(ServerFrame::Leader { .. } | ServerFrame::Outcomes { .. }) => {}
            Ok(_) | Err(_) => return Some(None),
        }
    }
    Some(None)
}

impl Wanted {
    /// The entry in an answer, if it has this index and hash and a body that belongs to it.
    pub(super) fn entry_in(
        &self,
        verification: &Verification,
        block: &BlockFrame,
    ) -> Option<Arc<Entry>> {
        let configuration = verification.configuration();
        let mut reader = Reader::new(&block.header);
        let signed = SignedHeader::decode(&mut reader).ok()?;
        reader.finish().ok()?;
        let point = signed.header.point(configuration);
        // The header says what the body is, and comes first.
        if point.index != self.index || self.hash.is_some_and(|hash| point.hash != hash) {
            return None;
        }
        let payloads = block.payloads.as_ref()?;
        if payloads.len() != signed.header.count as usize {
            return None;
        }
        let payloads = payloads.iter();
        let payloads = payloads.map(|payload| Arc::from(payload.0.as_slice()));
        let entry = Entry::new(configuration, signed, payloads.collect());
        entry.body_matches().then(|| Arc::new(entry))
    }
}
