//! Free ports on the loopback interface.

use std::{
    collections::BTreeSet,
    hash::{BuildHasher, RandomState},
    net::{Ipv4Addr, SocketAddr, UdpSocket},
};

use crate::failure::{Failure, Outcome};

/// Ports are taken from here: above those of well-known services, below those that systems hand
/// out to clients, so that a stopped node's port is likely to be free when it starts again.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// The address of a port.
#[must_use]
pub fn address(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// Whether nobody listens there now.
#[must_use]
pub fn is_free(address: SocketAddr) -> bool {
    UdpSocket::bind(address).is_ok()
}

/// So many free ports, none of them in `taken`. Where the search begins is left to chance, so that
/// two networks that are made at once hardly meet.
///
/// # Errors
/// If there are not that many.
pub fn pick(count: usize, taken: &BTreeSet<u16>) -> Outcome<Vec<u16>> {
    let width = RANGE.end - RANGE.start;
    let chance = RandomState::new().hash_one(std::process::id()) % u64::from(width);
    let chance = u16::try_from(chance).expect("less than the width of the range");
    let ports: Vec<u16> = (0..width)
        .map(|step| RANGE.start + (chance + step) % width)
        .filter(|port| !taken.contains(port) && is_free(address(*port)))
        .take(count)
        .collect();
    if ports.len() == count {
        Ok(ports)
    } else {
        Err(Failure::system(
            format!("find {count} free ports"),
            format!(
                "of those from {} to {} only {} are free",
                RANGE.start,
                RANGE.end - 1,
                ports.len()
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_in_use_are_passed_over() {
        let first = pick(3, &BTreeSet::new()).unwrap();
        let socket = UdpSocket::bind(address(first[1])).unwrap();
        assert!(!is_free(address(first[1])));
        let taken = BTreeSet::from([first[0]]);
        let all = pick(usize::from(RANGE.end - RANGE.start), &taken);
        assert!(all.is_err(), "two ports at least are not to be had");
        drop(socket);
        assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 3);
    }
}
