//! A map by ids of the server's.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Ids are looked up for every event, and they are UUIDs that the server makes:
/// a hash that an enemy could defeat is good enough, and three times as fast.
pub(super) type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// Multiplies and rotates, a word at a time.
#[derive(Default)]
pub(super) struct IdHasher(u64);

impl IdHasher {
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0xf135_7aea_2e62_a9c5);
    }
}

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.add(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.add(u64::from_le_bytes(last));
    }

    fn write_u8(&mut self, byte: u8) {
        self.add(byte.into());
    }

    fn finish(&self) -> u64 {
        // The map takes its bits from both ends, and a product has its best in
        // the middle and above.
        self.0.rotate_left(26)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::{BuildHasher, BuildHasherDefault};

    use super::IdHasher;

    #[test]
    fn ids_that_differ_in_little_are_spread() {
        let hash = |text: String| BuildHasherDefault::<IdHasher>::default().hash_one(text);
        for ids in [
            (0..4096)
                .map(|n| format!("01a1fd37-f37c-7f93-8b56-{n:012x}"))
                .collect::<Vec<_>>(),
            (0..4096)
                .map(|n| format!("{n:08x}-f37c-7f93-8b56-02031c937ab5"))
                .collect(),
            (0..4096).map(|n| format!("t{n}")).collect(),
        ] {
            let hashes: Vec<_> = ids.into_iter().map(hash).collect();
            let low: HashSet<_> = hashes.iter().map(|hash| hash & 0xfff).collect();
            let high: HashSet<_> = hashes.iter().map(|hash| hash >> 52).collect();
            // Of 4,096 random ones, 2,589 differ.
            assert!(low.len() > 2300, "{}", low.len());
            assert!(high.len() > 2300, "{}", high.len());
        }
    }
}
