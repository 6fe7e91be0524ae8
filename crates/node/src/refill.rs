//! Getting damaged entries back from the others (P11.2).
//!
//! Which entry belongs where is known without anybody's word: an entry's successor holds its hash,
//! and the last one's hash is in the vote state or in the best commit certificate. So one peer that
//! has the entry is enough, whoever it is. The node votes only after it has been put back.

use std::{sync::Arc, time::Duration};

use consensus::{
    Configuration, Entry, Hash, Index, Mode, Record, SignedHeader, VoteState,
    encoding::{Canonical, Reader},
};
use keys::{Genesis, KeyPair};
use storage::Position;
use tokio::time::{Instant, sleep, timeout};
use transport::{ClientConnection, ClientEndpoint, Identity, Limits, Network};

use crate::{
    error::StartError,
    frames::{self, BlockFrame, ClientFrame, ServerFrame},
    recovery::Opened,
};

/// How long the others are asked before the node gives up.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one of them may take to answer.
const ANSWER: Duration = Duration::from_secs(5);
/// Between two rounds of asking everybody.
const PAUSE: Duration = Duration::from_millis(500);

/// A stored entry whose body is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) index: Index,
    pub(crate) position: Position,
}

/// Asks the other validators for every missing entry and puts it back where it was.
///
/// # Errors
/// A sentence that says what could not be had.
pub(crate) async fn from_peers(
    genesis: &Genesis,
    key: &KeyPair,
    configuration: &Arc<Configuration>,
    opened: &mut Opened,
) -> Result<(), String> {
    let asking = Asking::new(genesis, key, configuration).map_err(|error| error.to_string())?;
    // From the last to the first: each tells the hash of the one before it.
    let mut successor: Option<Arc<Entry>> = None;
    while let Some(missing) = opened.missing.pop() {
        let next = missing.index.next();
        let successor_here = successor
            .take()
            .filter(|entry| entry.index() == next)
            .or_else(|| opened.chain.entry(next));
        let expected = match successor_here {
            Some(entry) => Some(entry.header().previous),
            None => end_of_chain(opened, configuration, missing.index),
        };
        let entry = asking.entry(missing.index, expected).await?;
        successor = Some(Arc::clone(&entry));
        let (_, bytes) = Record::Entry(entry).to_bytes();
        opened
            .storage
            .refill(missing.position, &bytes)
            .map_err(|error| error.to_string())?;
        tracing::warn!(index = missing.index.0, "a damaged entry was put back");
    }
    Ok(())
}

/// What the hash of the last entry must be, if it stands at `index`. `None` in the Raft modes, where
/// nothing but the checksum on disk says what stood there.
fn end_of_chain(opened: &Opened, configuration: &Configuration, index: Index) -> Option<Hash> {
    let pair = opened
        .vote_state
        .as_ref()
        .map(|state: &VoteState| state.pair_point);
    let commit = opened.fold.commit.as_ref();
    let certified = commit.map(|commit| commit.point(configuration));
    pair.into_iter()
        .chain(certified)
        .find(|point| point.index == index)
        .map(|point| point.hash)
}

/// The other validators, as a client of theirs.
struct Asking<'a> {
    genesis: &'a Genesis,
    me: [u8; 32],
    configuration: &'a Arc<Configuration>,
    endpoint: ClientEndpoint,
}

impl<'a> Asking<'a> {
    fn new(
        genesis: &'a Genesis,
        key: &KeyPair,
        configuration: &'a Arc<Configuration>,
    ) -> Result<Self, StartError> {
        let identity = Identity::new(key.signing_key().clone())?;
        let network = Network {
            id: genesis.id(),
            mode: configuration.mode().number(),
        };
        let loopback = genesis
            .validators()
            .iter()
            .all(|validator| validator.address.ip().is_loopback());
        let local = if loopback {
            (std::net::Ipv4Addr::LOCALHOST, 0).into()
        } else {
            (std::net::Ipv4Addr::UNSPECIFIED, 0).into()
        };
        let endpoint = ClientEndpoint::bind(local, &identity, network, Limits::default()).map_err(
            |source| StartError::Listen {
                address: local,
                source,
            },
        )?;
        Ok(Self {
            genesis,
            me: *key.public_key().as_bytes(),
            configuration,
            endpoint,
        })
    }

    /// The entry at an index, from whoever has it first.
    async fn entry(&self, index: Index, expected: Option<Hash>) -> Result<Arc<Entry>, String> {
        let deadline = Instant::now() + PATIENCE;
        if expected.is_none() && self.configuration.mode() == Mode::Byzantine {
            return Err(format!("nothing says what entry {index} was"));
        }
        loop {
            for validator in self.genesis.validators() {
                let server = *validator.key.as_bytes();
                if server == self.me {
                    continue;
                }
                let asked = timeout(ANSWER, self.ask(validator.address, server, index)).await;
                match asked {
                    Ok(Some(entry))
                        if expected.is_none_or(|hash| entry.point().hash == hash)
                            && entry.index() == index =>
                    {
                        return Ok(entry);
                    }
                    Ok(Some(_)) => {
                        tracing::warn!(peer = validator.name, %index, "offered another entry");
                    }
                    Ok(None) | Err(_) => {}
                }
            }
            if Instant::now() >= deadline {
                return Err(format!(
                    "no other node gave entry {index} within {} s; start the node again once others are up",
                    PATIENCE.as_secs()
                ));
            }
            sleep(PAUSE).await;
        }
    }

    async fn ask(
        &self,
        address: std::net::SocketAddr,
        server: [u8; 32],
        index: Index,
    ) -> Option<Arc<Entry>> {
        let mut connection = self.endpoint.connect(address, server).await.ok()?;
        let question = ClientFrame::Block {
            id: 1,
            index: index.0,
        };
        connection
            .send(frames::encode(&question).ok()?)
            .await
            .ok()?;
        let block = answer(&mut connection).await?;
        entry_of(self.configuration, &block)
    }
}

async fn answer(connection: &mut ClientConnection) -> Option<BlockFrame> {
    loop {
        let frame = connection.recv().await.ok()??;
        if let ServerFrame::Block { block, .. } = ServerFrame::decode(&frame).ok()? {
            return block;
        }
    }
}

/// The entry in a frame, if header and body belong together.
fn entry_of(configuration: &Configuration, block: &BlockFrame) -> Option<Arc<Entry>> {
    let mut reader = Reader::new(&block.header);
    let signed = SignedHeader::decode(&mut reader).ok()?;
    reader.finish().ok()?;
    let payloads: Vec<Arc<[u8]>> = block
        .payloads
        .as_ref()?
        .iter()
        .map(|payload| Arc::from(payload.0.as_slice()))
        .collect();
    let whole = usize::try_from(signed.header.count).ok()? == payloads.len()
        && consensus::merkle::root(&payloads) == signed.header.body_root;
    whole.then(|| Arc::new(Entry::new(configuration, signed, payloads)))
}
