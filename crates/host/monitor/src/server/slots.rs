//! Things by a key that is never used twice.

use std::collections::BTreeMap;

/// A map that hands out its keys.
#[derive(Debug)]
pub(super) struct Slots<T> {
    next: u32,
    items: BTreeMap<u32, T>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { next: 0, items: BTreeMap::new() }
    }
}

impl<T> Slots<T> {
    /// The key that the next [`Self::insert`] uses.
    pub(super) fn next_key(&self) -> u32 {
        self.next
    }

    pub(super) fn insert(&mut self, item: T) -> u32 {
        let key = self.next;
        self.next = self.next.wrapping_add(1);
        self.items.insert(key, item);
        key
    }

    pub(super) fn get(&self, key: u32) -> Option<&T> {
        self.items.get(&key)
    }

    pub(super) fn get_mut(&mut self, key: u32) -> Option<&mut T> {
        self.items.get_mut(&key)
    }

    pub(super) fn remove(&mut self, key: u32) -> Option<T> {
        self.items.remove(&key)
    }

    pub(super) fn keys(&self) -> Vec<u32> {
        self.items.keys().copied().collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.items.iter().map(|(key, item)| (*key, item))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut T)> {
        self.items.iter_mut().map(|(key, item)| (*key, item))
    }
}
