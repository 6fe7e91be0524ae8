//! A map that remembers the most recent insertions, in bounded memory.

use std::{collections::HashMap, hash::Hash};

/// Holds between one and two generations of entries. When the current generation is full it
/// becomes the previous one, and what was the previous one is forgotten.
#[derive(Debug)]
pub(crate) struct Recent<K, V> {
    current: HashMap<K, V>,
    previous: HashMap<K, V>,
    generation: usize,
}

impl<K: Hash + Eq, V: Clone> Recent<K, V> {
    pub(crate) fn new(generation: usize) -> Self {
        Self {
            current: HashMap::new(),
            previous: HashMap::new(),
            generation,
        }
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.current.get(key).or_else(|| self.previous.get(key))
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        if self.current.len() >= self.generation {
            self.previous = std::mem::take(&mut self.current);
        }
        self.current.insert(key, value);
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let newer = self.current.remove(key);
        let older = self.previous.remove(key);
        newer.or(older)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_generation_is_always_remembered_and_memory_is_bounded() {
        let mut recent = Recent::new(10);
        for key in 0..1000 {
            recent.insert(key, key);
            for recently in (key - 9).max(0)..=key {
                assert_eq!(recent.get(&recently), Some(&recently));
            }
            assert!(recent.current.len() + recent.previous.len() <= 20);
        }
        assert_eq!(recent.get(&900), None);
        assert_eq!(recent.remove(&999), Some(999));
        assert_eq!(recent.get(&999), None);
    }
}
