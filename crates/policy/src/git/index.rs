//! Whether the index of a repository names other repositories.

/// What stands before the name of an entry: times, modes, sizes, the hash, flags.
const ENTRY: usize = 62;

/// Whether there is an entry for a repository of its own (a submodule), in which git
/// starts another git. `None` if the index is not understood.
pub(super) fn has_submodules(index: &[u8]) -> Option<bool> {
    let word = |at: usize| Some(u32::from_be_bytes(index.get(at..at + 4)?.try_into().ok()?));
    let version = word(4)?;
    if index.get(..4)? != b"DIRC" || !(2..=4).contains(&version) {
        return None;
    }
    let mut at = 12;
    for _ in 0..word(8)? {
        // A link to another repository is neither a file, nor a folder, nor a symbolic link.
        if word(at + 24)? & 0o170_000 == 0o160_000 {
            return Some(true);
        }
        let is_extended = index.get(at + 60)? & 0x40 != 0;
        let name = at + ENTRY + if is_extended { 2 } else { 0 };
        let mut end = name;
        if version == 4 {
            // How much of the name before this one is left out: seven bits a byte.
            while index.get(end)? & 0x80 != 0 {
                end += 1;
            }
            end += 1;
        }
        end += index.get(end..)?.iter().position(|byte| *byte == 0)?;
        at = match version {
            4 => end + 1,
            // Filled up to eight bytes, with one zero at least.
            _ => at + (end - at + 8) / 8 * 8,
        };
    }
    // What follows is extensions, then a hash of 20 bytes.
    while at + 20 < index.len() {
        if index.get(at..at + 4)? == b"link" {
            // The entries are in another file.
            return None;
        }
        at += 8 + usize::try_from(word(at + 4)?).ok()?;
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(mode: u32, name: &str) -> Vec<u8> {
        let mut entry = vec![0; ENTRY];
        entry[24..28].copy_from_slice(&mode.to_be_bytes());
        entry.extend(name.as_bytes());
        let padding = 8 - entry.len() % 8;
        entry.extend(vec![0; padding]);
        entry
    }

    fn index(entries: &[Vec<u8>], extension: &[u8]) -> Vec<u8> {
        let count = u32::try_from(entries.len()).unwrap();
        let mut index = [*b"DIRC", 2u32.to_be_bytes(), count.to_be_bytes()].concat();
        index.extend(entries.concat());
        index.extend(extension);
        index.extend([0; 20]);
        index
    }

    #[test]
    fn submodules_are_seen_wherever_they_are() {
        let file = |name| entry(0o100_644, name);
        let names = ["a", "a/b", "abcdefg", "abcdefgh", "abcdefghi"];
        let files: Vec<_> = names.into_iter().map(file).collect();
        assert_eq!(has_submodules(&index(&files, b"")), Some(false));
        for at in 0..=files.len() {
            let mut entries = files.clone();
            entries.insert(at, entry(0o160_000, "sub"));
            assert_eq!(has_submodules(&index(&entries, b"")), Some(true), "{at}");
        }
        let tree = [&b"TREE"[..], &[0, 0, 0, 2, 1, 1]].concat();
        assert_eq!(has_submodules(&index(&files, &tree)), Some(false));
    }

    #[test]
    fn what_is_not_understood_is_not_guessed() {
        let files = [entry(0o100_644, "a")];
        let whole = index(&files, b"");
        assert_eq!(has_submodules(b""), None);
        assert_eq!(has_submodules(&whole[..40]), None);
        let link = [&b"link"[..], &[0, 0, 0, 0]].concat();
        assert_eq!(has_submodules(&index(&files, &link)), None);
        let mut newer = whole;
        newer[7] = 5;
        assert_eq!(has_submodules(&newer), None);
    }
}
