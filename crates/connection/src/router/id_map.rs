//! A map by ids of the server's.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// A map by ids, looked up for every event.
#[derive(Debug)]
pub(super) struct IdMap<K, V>(HashMap<Key, (K, V), BuildHasherDefault<IdHasher>>);

impl<K, V> Default for IdMap<K, V> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<K: AsRef<str> + Clone, V> IdMap<K, V> {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn contains_key(&self, id: &str) -> bool {
        self.0.contains_key(id.as_bytes())
    }

    pub(super) fn get(&self, id: &str) -> Option<&V> {
        self.0.get(id.as_bytes()).map(|(_, value)| value)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut V> {
        self.0.get_mut(id.as_bytes()).map(|(_, value)| value)
    }

    pub(super) fn get_or_insert_with(&mut self, id: &K, make: impl FnOnce() -> V) -> &mut V {
        let entry = self.0.entry(Key::new(id.as_ref()));
        &mut entry.or_insert_with(|| (id.clone(), make())).1
    }

    pub(super) fn get_or_default(&mut self, id: &K) -> &mut V
    where
        V: Default,
    {
        self.get_or_insert_with(id, V::default)
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<V> {
        self.0.remove(id.as_bytes()).map(|(_, value)| value)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.values().map(|(id, _)| id)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.0.values().map(|(_, value)| value)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.values_mut().map(|(_, value)| value)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.0.values_mut().map(|(id, value)| (&*id, value))
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&mut V) -> bool) {
        self.0.retain(|_, (_, value)| keep(value));
    }

    /// Removes what matches, each as it is asked for.
    pub(super) fn extract_if(
        &mut self,
        mut is_out: impl FnMut(&V) -> bool,
    ) -> impl Iterator<Item = V> {
        let out = self.0.extract_if(move |_, (_, value)| is_out(value));
        out.map(|(_, (_, value))| value)
    }
}

/// An id as a key. One of the usual length, that of a UUID, stands in the map itself: the text of
/// another kind of id lies elsewhere, and with many turns that is mostly not in the cache.
#[derive(Debug)]
enum Key {
    Short { length: u8, bytes: [u8; Key::SHORT] },
    Long(Box<[u8]>),
}

impl Key {
    const SHORT: usize = 38;

    fn new(id: &str) -> Self {
        let id = id.as_bytes();
        let mut bytes = [0; Self::SHORT];
        match (u8::try_from(id.len()), bytes.get_mut(..id.len())) {
            (Ok(length), Some(place)) => {
                place.copy_from_slice(id);
                Self::Short { length, bytes }
            }
            _ => Self::Long(id.into()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Short { length, bytes } => &bytes[..usize::from(*length)],
            Self::Long(bytes) => bytes,
        }
    }
}

impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        self.bytes()
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes().hash(state);
    }
}

/// Ids are UUIDs that the server makes: a hash that an enemy could defeat is good enough, and three
/// times as fast. It multiplies and rotates, a word at a time.
#[derive(Default)]
struct IdHasher(u64);

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

    /// The length of a slice comes before it.
    fn write_usize(&mut self, number: usize) {
        self.add(number as u64);
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

    use super::{IdHasher, Key};

    #[test]
    fn ids_that_differ_in_little_are_spread() {
        let hash =
            |text: String| BuildHasherDefault::<IdHasher>::default().hash_one(Key::new(&text));
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
