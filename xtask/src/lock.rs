//! The pin: `schema/runtime.lock.toml`, and `crates/runtime/src/pin.rs` rendered from it.

use anyhow::{Context, Result, bail};
use proc_macro2::{Literal, TokenStream};
use quote::quote;
use serde::{Deserialize, Serialize};

use crate::codegen::print;
use crate::kept::Version;

/// `schema/runtime.lock.toml`. Members that are not listed here are for others.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Lock {
    /// The pinned version.
    pub(crate) version: String,
    /// The oldest version that is supported.
    pub(crate) oldest: String,
    /// Of `schema/app-server.json`, in lowercase hexadecimal.
    pub(crate) schema_sha256: String,
    /// The pinned runtime, then older ones that are supported, newest first.
    #[serde(rename = "runtime")]
    pub(crate) runtimes: Vec<Runtime>,
}

impl Lock {
    /// Reads the text of the file.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let lock: Self =
            toml::from_str(text).context("schema/runtime.lock.toml does not have its form")?;
        match lock.runtimes.first() {
            Some(first) if first.version == lock.version => Ok(lock),
            _ => bail!(
                "schema/runtime.lock.toml: the first [[runtime]] is not {}, the pinned one",
                lock.version
            ),
        }
    }
}

impl Lock {
    /// Adds a runtime, or takes it instead of what is known of it. The newest comes first.
    pub(crate) fn add(&mut self, runtime: Runtime) {
        self.runtimes.retain(|it| it.version != runtime.version);
        self.runtimes.push(runtime);
        self.runtimes
            .sort_by_key(|it| std::cmp::Reverse(Version::parse(&it.version)));
    }

    /// The text of the file, with the comments at the head of an earlier one.
    pub(crate) fn text(&self, earlier: &str) -> Result<String> {
        #[derive(Serialize)]
        struct Runtimes<'a> {
            runtime: &'a [Runtime],
        }
        let head = earlier.find("[[runtime]]\n").unwrap_or(earlier.len());
        let mut text = String::new();
        for line in earlier[..head].lines() {
            match line.split_once(" = ") {
                Some(("version", _)) => text += &format!("version = {:?}", self.version),
                Some(("schema_sha256", _)) => {
                    text += &format!("schema_sha256 = {:?}", self.schema_sha256);
                }
                _ => text += line,
            }
            text.push('\n');
        }
        let runtime = &self.runtimes;
        text += &toml::to_string(&Runtimes { runtime })?;
        Ok(text)
    }
}

/// A `[[runtime]]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Runtime {
    pub(crate) version: String,
    /// One per supported target.
    #[serde(rename = "platform")]
    pub(crate) platforms: Vec<Platform>,
}

/// A `[[runtime.platform]]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Platform {
    /// Rust target triple.
    pub(crate) target: String,
    /// Folder of bundled tools.
    pub(crate) path_dir: String,
    /// The runtime itself.
    pub(crate) binary: PinnedFile,
    /// The files beside it.
    #[serde(rename = "sibling")]
    pub(crate) siblings: Vec<PinnedFile>,
    /// The archive of uv and pip, if there is one.
    pub(crate) wheel: Option<Archive>,
    /// The archive of npm, if there is one.
    pub(crate) npm: Option<Archive>,
}

/// A file of the unpacked release.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct PinnedFile {
    /// Path below the root.
    pub(crate) path: String,
    /// Bytes.
    pub(crate) size: u64,
    /// Lowercase hexadecimal.
    pub(crate) sha256: String,
}

/// An archive of the release.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Archive {
    /// What to ask the client for.
    pub(crate) spec: String,
    /// The platform's name there.
    pub(crate) tag: String,
    /// File name.
    pub(crate) file: String,
    /// Bytes.
    pub(crate) size: u64,
    /// Lowercase hexadecimal.
    pub(crate) sha256: String,
    /// The folder in it that is unpacked.
    pub(crate) root: String,
    /// Bytes of all files below the root.
    pub(crate) unpacked: u64,
}

/// The text of `pin.rs`.
///
/// # Errors
///
/// When `lock_toml` is not TOML, lacks a member, or has a hash that is not one.
pub(crate) fn render(lock_toml: &str) -> Result<String> {
    let lock = Lock::parse(lock_toml)?;
    let version = &lock.version;
    let releases = lock.runtimes.iter().map(Runtime::tokens);
    let releases = releases.collect::<Result<Vec<_>>>()?;
    let text = print::file(quote! {
        //! The pinned release, and older ones that are supported.
        use std::borrow::Cow::Borrowed;
        use crate::release::{Archive, PinnedFile, Platform, Release};

        /// The version of the runtime that this crate is made for.
        pub const VERSION: &str = #version;

        /// The releases that it can install: the pinned one first, then older ones, newest first.
        pub(crate) static RELEASES: &[Release] = &[#(#releases,)*];
    })?;
    Ok(format!(
        "// @generated by `cargo xtask generate-types` from schema/runtime.lock.toml. Do not edit.\n\n{text}"
    ))
}

impl Runtime {
    fn tokens(&self) -> Result<TokenStream> {
        let version = &self.version;
        let platforms = self.platforms.iter().map(Platform::tokens);
        let platforms = platforms.collect::<Result<Vec<_>>>()?;
        Ok(quote! {
            Release { version: Borrowed(#version), platforms: Borrowed(&[#(#platforms,)*]) }
        })
    }
}

impl Platform {
    fn tokens(&self) -> Result<TokenStream> {
        let (target, path_dir, binary) = (&self.target, &self.path_dir, self.binary.tokens()?);
        let siblings = self.siblings.iter().map(PinnedFile::tokens);
        let siblings = siblings.collect::<Result<Vec<_>>>()?;
        let (wheel, npm) = (optional(&self.wheel)?, optional(&self.npm)?);
        Ok(quote! {
            Platform {
                target: Borrowed(#target),
                path_dir: Borrowed(#path_dir),
                binary: #binary,
                siblings: Borrowed(&[#(#siblings,)*]),
                wheel: #wheel,
                npm: #npm,
            }
        })
    }
}

fn optional(archive: &Option<Archive>) -> Result<TokenStream> {
    match archive {
        Some(archive) => archive.tokens().map(|it| quote!(Some(#it))),
        None => Ok(quote!(None)),
    }
}

impl PinnedFile {
    fn tokens(&self) -> Result<TokenStream> {
        let (path, size, sha256) = (&self.path, number(self.size), hash(&self.sha256)?);
        Ok(quote! {
            PinnedFile { path: Borrowed(#path), size: #size, sha256: Borrowed(#sha256) }
        })
    }
}

impl Archive {
    fn tokens(&self) -> Result<TokenStream> {
        let (spec, tag, file, root) = (&self.spec, &self.tag, &self.file, &self.root);
        let (size, unpacked) = (number(self.size), number(self.unpacked));
        let sha256 = hash(&self.sha256)?;
        Ok(quote! {
            Archive {
                spec: Borrowed(#spec),
                tag: Borrowed(#tag),
                file: Borrowed(#file),
                size: #size,
                sha256: Borrowed(#sha256),
                root: Borrowed(#root),
                unpacked: #unpacked,
            }
        })
    }
}

fn hash(sha256: &str) -> Result<&str> {
    let is_hexadecimal = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if sha256.len() != 64 || !sha256.bytes().all(is_hexadecimal) {
        bail!("`{sha256}` is not a sha256 in lowercase hexadecimal digits");
    }
    Ok(sha256)
}

fn number(value: u64) -> Literal {
    Literal::u64_unsuffixed(value)
}
