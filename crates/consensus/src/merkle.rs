//! The RFC 9162 Merkle tree over an entry's payloads and results (P2.4, P7.1).

use sha2::{Digest, Sha256};

use crate::types::Hash;

fn leaf(data: &[u8]) -> Hash {
    Hash(
        Sha256::new()
            .chain_update([0])
            .chain_update(data)
            .finalize()
            .into(),
    )
}

fn branch(left: &Hash, right: &Hash) -> Hash {
    Hash(
        Sha256::new()
            .chain_update([1])
            .chain_update(left.0)
            .chain_update(right.0)
            .finalize()
            .into(),
    )
}

/// The largest power of two below `size`, which is at least two.
const fn split(size: usize) -> usize {
    1 << (usize::BITS - 1 - (size - 1).leading_zeros())
}

fn root_of(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash(Sha256::digest([]).into()),
        [only] => *only,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            branch(&root_of(left), &root_of(right))
        }
    }
}

fn path_of(leaves: &[Hash], position: usize, path: &mut Vec<Hash>) {
    if leaves.len() < 2 {
        return;
    }
    let middle = split(leaves.len());
    let (left, right) = leaves.split_at(middle);
    if position < middle {
        path_of(left, position, path);
        path.push(root_of(right));
    } else {
        path_of(right, position - middle, path);
        path.push(root_of(left));
    }
}

fn leaves_of<T: AsRef<[u8]>>(items: &[T]) -> Vec<Hash> {
    items.iter().map(|item| leaf(item.as_ref())).collect()
}

/// The tree's root. Of no items it is SHA-256 of nothing.
#[must_use]
pub fn root<T: AsRef<[u8]>>(items: &[T]) -> Hash {
    root_of(&leaves_of(items))
}

/// The inclusion path of the item at `position`, lowest sibling first, or `None` if there is none.
#[must_use]
pub fn path<T: AsRef<[u8]>>(items: &[T], position: usize) -> Option<Vec<Hash>> {
    let mut path = Vec::new();
    (position < items.len()).then(|| path_of(&leaves_of(items), position, &mut path))?;
    Some(path)
}

/// Whether `path` leads from `item` at `position` among `count` items to `root` (RFC 9162 §2.1.3.2).
#[must_use]
pub fn includes(root: &Hash, count: u64, position: u64, item: &[u8], path: &[Hash]) -> bool {
    if position >= count {
        return false;
    }
    let (mut node, mut last) = (position, count - 1);
    let mut hash = leaf(item);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = branch(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = branch(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(count: u64) -> Vec<[u8; 8]> {
        (0..count).map(u64::to_le_bytes).collect()
    }

    #[test]
    fn every_item_has_a_path_and_no_other_position_takes_it() {
        for count in 1..40 {
            let items = items(count);
            let root = root(&items);
            for position in 0..count {
                let path = path(&items, usize::try_from(position).unwrap()).unwrap();
                let item = &items[usize::try_from(position).unwrap()];
                for claimed in 0..count {
                    assert_eq!(
                        includes(&root, count, claimed, item, &path),
                        claimed == position
                    );
                }
                assert!(!includes(&root, count, position, b"another item", &path));
                assert!(!includes(
                    &root,
                    count,
                    position,
                    item,
                    &[&path[..], &[root]].concat()
                ));
            }
        }
        assert!(path(&items(3), 3).is_none());
    }

    #[test]
    fn the_roots_are_those_of_an_independent_implementation() {
        use ct_merkle::mem_backed_tree::MemoryBackedTree;
        for count in 0..70 {
            let mut tree = MemoryBackedTree::<sha2::Sha256, [u8; 8]>::new();
            items(count).into_iter().for_each(|item| tree.push(item));
            assert_eq!(tree.root().as_bytes().as_slice(), root(&items(count)).0);
        }
    }
}
