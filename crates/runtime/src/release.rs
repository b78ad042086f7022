//! What a release of the runtime consists of: [`Release`], [`Platform`], [`Archive`], [`PinnedFile`].

use std::borrow::Cow;

use crate::{Error, pin};

/// A release of the runtime with the hashes of everything in it.
///
/// [`Release::pinned`] is the one that this crate is for. Its values are written by
/// `cargo xtask generate-types` from `schema/runtime.lock.toml`. Other releases can be made by
/// whoever knows their hashes, and given to `Installer::release`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The version, such as `0.163.0`.
    pub version: Cow<'static, str>,
    /// The platforms it was published for.
    pub platforms: Cow<'static, [Platform]>,
}

impl Release {
    /// The pinned release.
    #[must_use]
    pub fn pinned() -> Self {
        Self::supported()[0].clone()
    }

    /// The releases that this crate knows the hashes of, newest first: the pinned one, and older ones
    /// that the SDK supports as well. Not every one is published for every package client.
    #[must_use]
    pub const fn supported() -> &'static [Self] {
        pin::RELEASES
    }

    /// The platform with this Rust target triple.
    ///
    /// # Errors
    ///
    /// [`Error::UnsupportedPlatform`] when the release has none, naming those it has.
    pub fn platform(&self, target: &str) -> Result<&Platform, Error> {
        self.platforms
            .iter()
            .find(|platform| platform.target == target)
            .ok_or_else(|| Error::UnsupportedPlatform {
                platform: target.to_owned(),
                supported: self
                    .platforms
                    .iter()
                    .map(|p| p.target.to_string())
                    .collect(),
            })
    }
}

/// A release for one platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// The Rust target triple that stands for the platform, such as `x86_64-unknown-linux-gnu`.
    pub target: Cow<'static, str>,
    /// The folder of bundled tools (`rg`), below the root of the unpacked release.
    pub path_dir: Cow<'static, str>,
    /// The runtime itself.
    pub binary: PinnedFile,
    /// The files beside the binary that it starts or reads.
    pub siblings: Cow<'static, [PinnedFile]>,
    /// The archive that uv and pip download, if it was published for them.
    pub wheel: Option<Archive>,
    /// The archive that npm downloads, if it was published for it.
    pub npm: Option<Archive>,
}

impl Platform {
    /// The archives that were published.
    pub fn archives(&self) -> impl Iterator<Item = &Archive> {
        self.wheel.iter().chain(&self.npm)
    }

    /// The binary and its siblings.
    pub fn files(&self) -> impl Iterator<Item = &PinnedFile> {
        std::iter::once(&self.binary).chain(self.siblings.iter())
    }
}

/// A file of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedFile {
    /// Where it lies below the root of the unpacked release, with `/` between the parts.
    pub path: Cow<'static, str>,
    /// Its size in bytes.
    pub size: u64,
    /// Its sha256, in lowercase hexadecimal digits.
    pub sha256: Cow<'static, str>,
}

/// An archive of a release, as a package client downloads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// What to ask the client for, such as `openai-codex-cli-bin==0.163.0`.
    pub spec: Cow<'static, str>,
    /// The platform's name there: a wheel's platform tag, or the suffix of an npm version.
    pub tag: Cow<'static, str>,
    /// The name of the file.
    pub file: Cow<'static, str>,
    /// Its size in bytes.
    pub size: u64,
    /// Its sha256, in lowercase hexadecimal digits.
    pub sha256: Cow<'static, str>,
    /// The folder in it that is unpacked, with `/` between the parts.
    pub root: Cow<'static, str>,
    /// The size of all files below `root`, in bytes.
    pub unpacked: u64,
}

/// The target triple that stands for the machine which this program was built for.
///
/// Platforms without a runtime get a name all the same, so that an error can say it.
#[must_use]
pub fn current_target() -> Cow<'static, str> {
    let arch = std::env::consts::ARCH;
    let rest = if cfg!(all(target_os = "linux", target_env = "musl")) {
        "unknown-linux-musl"
    } else if cfg!(all(target_os = "linux", target_env = "gnu")) {
        "unknown-linux-gnu"
    } else if cfg!(target_os = "macos") {
        "apple-darwin"
    } else if cfg!(windows) {
        // The runtime is a program of its own: it does not matter what built its caller.
        "pc-windows-msvc"
    } else {
        return Cow::Owned(format!("{arch} {}", std::env::consts::OS));
    };
    Cow::Owned(format!("{arch}-{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_releases_are_well_formed_and_the_pinned_one_is_first() {
        assert_eq!(Release::pinned().version, crate::VERSION);
        for release in Release::supported() {
            assert_eq!(release.platforms.len(), 8);
            for platform in release.platforms.iter() {
                let hashes = platform.files().map(|file| &file.sha256);
                let archives = platform.archives().map(|archive| &archive.sha256);
                for hash in hashes.chain(archives) {
                    assert_eq!(hash.len(), 64, "{}: {hash}", platform.target);
                    assert!(hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
                }
                assert!(platform.archives().count() > 0, "{}", platform.target);
                if let Some(wheel) = &platform.wheel {
                    assert!(wheel.spec.ends_with(&format!("=={}", release.version)));
                }
                if let Some(npm) = &platform.npm {
                    assert!(npm.spec.contains(&format!("@{}-", release.version)));
                }
            }
        }
    }

    #[test]
    fn each_client_can_have_a_supported_release_for_each_platform() {
        for platform in Release::pinned().platforms.iter() {
            let all = Release::supported().iter();
            let same: Vec<_> = all
                .filter_map(|it| it.platform(&platform.target).ok())
                .collect();
            assert!(
                same.iter().any(|it| it.wheel.is_some()),
                "{}",
                platform.target
            );
            assert!(
                same.iter().any(|it| it.npm.is_some()),
                "{}",
                platform.target
            );
        }
    }

    #[test]
    fn an_unknown_platform_is_named_with_those_supported() {
        let error = Release::pinned()
            .platform("sparc64 solaris")
            .expect_err("unsupported");
        let text = error.to_string();
        assert!(text.contains("sparc64 solaris"), "{text}");
        assert!(text.contains("aarch64-apple-darwin"), "{text}");
    }
}
