//! No method of the protocol is called by its name in the sources: what is known of methods comes
//! out of the schema and `schema/methods.toml`, and reaches the code as data.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use support::checkout;
use syn::{Attribute, Item, Lit};

/// Crates that script or describe the other side, and so speak of methods.
const SCRIPTED: &[&str] = &["fleet", "testkit", "testkit-cli"];

/// Methods that are words of every day, and stand for other things as well.
const WORDS: &[&str] = &["error", "warning"];

/// What is named all the same: the file, the method, and why.
const NAMED: &[(&str, &str, &str)] = &[
    (
        "handshake.rs",
        "initialized",
        "the one notification of the client's, which ends the handshake",
    ),
    (
        "protocol.rs",
        "initialize",
        "the role of the request that begins a connection has this name too",
    ),
];

/// Every method of the schema.
fn methods() -> BTreeSet<String> {
    let text = fs::read_to_string(checkout().join("schema/app-server.json")).unwrap();
    let bundle: serde_json::Value = serde_json::from_str(&text).unwrap();
    let unions = [
        "ClientRequest",
        "ClientNotification",
        "ServerRequest",
        "ServerNotification",
    ];
    let methods: BTreeSet<String> = unions
        .iter()
        .flat_map(|union| bundle["definitions"][union]["oneOf"].as_array().unwrap())
        .map(|branch| branch["properties"]["method"]["enum"][0].as_str().unwrap())
        .filter(|method| !WORDS.contains(method))
        .map(str::to_owned)
        .collect();
    assert!(methods.len() > 250, "{} methods", methods.len());
    methods
}

/// The text of every string in a source file, less its documentation and tests; and the files of
/// its modules.
#[derive(Default)]
struct Source {
    strings: Vec<String>,
    modules: Vec<PathBuf>,
}

impl Source {
    /// Reads a file whose modules stand in `folder`.
    fn read(path: &Path, folder: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let file = syn::parse_file(&text).unwrap_or_else(|error| {
            panic!("{}: {error}", path.display());
        });
        let mut source = Self::default();
        source.items(file.items, folder);
        source
    }

    fn items(&mut self, items: Vec<Item>, folder: &Path) {
        for item in items {
            match item {
                Item::Mod(module) if is_test(&module.attrs) => {}
                Item::Mod(module) => {
                    let name = named(&module.attrs).unwrap_or_else(|| module.ident.to_string());
                    match module.content {
                        Some((_, items)) => self.items(items, &folder.join(name)),
                        None => self.modules.push(folder.join(name)),
                    }
                }
                item => self.tokens(item.into_token_stream()),
            }
        }
    }

    /// The strings in tokens: those in macros too, and not those in attributes.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Punct(mark) if mark.as_char() == '#' => {
                    tokens.next_if(
                        |next| matches!(next, TokenTree::Punct(it) if it.as_char() == '!'),
                    );
                    tokens.next_if(|next| {
                        matches!(next, TokenTree::Group(it) if it.delimiter() == Delimiter::Bracket)
                    });
                }
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Literal(literal) => match Lit::new(literal) {
                    Lit::Str(text) => self.strings.push(text.value()),
                    Lit::ByteStr(text) => {
                        self.strings
                            .push(String::from_utf8_lossy(&text.value()).into_owned());
                    }
                    _ => {}
                },
                _ => {}
            }
        }
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let text = attribute.meta.to_token_stream().to_string();
        let text: String = text.split_whitespace().collect();
        text == "cfg(test)"
            || text.starts_with("cfg(all(test,")
            || text.starts_with("cfg(all(doctest,")
    })
}

/// The file that `#[path = "…"]` names, without `.rs`.
fn named(attributes: &[Attribute]) -> Option<String> {
    let path = attributes.iter().find(|it| it.path().is_ident("path"))?;
    let value = &path.meta.require_name_value().unwrap().value;
    let text: syn::LitStr = syn::parse2(value.to_token_stream()).unwrap();
    Some(text.value().trim_end_matches(".rs").to_owned())
}

/// The strings of a crate by file, from its roots on along its modules.
fn strings(crate_folder: &Path) -> BTreeMap<PathBuf, Vec<String>> {
    let src = crate_folder.join("src");
    let mut waiting: Vec<(PathBuf, PathBuf)> = ["lib.rs", "main.rs"]
        .iter()
        .map(|root| (src.join(root), src.clone()))
        .filter(|(path, _)| path.is_file())
        .collect();
    if let Ok(programs) = fs::read_dir(src.join("bin")) {
        waiting.extend(programs.map(|it| (it.unwrap().path(), src.join("bin"))));
    }
    let mut strings = BTreeMap::new();
    while let Some((path, folder)) = waiting.pop() {
        let source = Source::read(&path, &folder);
        for module in source.modules {
            let file = module.with_extension("rs");
            let path = if file.is_file() {
                file
            } else {
                module.join("mod.rs")
            };
            assert!(
                path.is_file(),
                "no file for the module {}",
                module.display()
            );
            waiting.push((path, module));
        }
        strings.insert(path, source.strings);
    }
    strings
}

#[test]
fn no_method_is_called_by_its_name() {
    let methods = methods();
    let mut found = Vec::new();
    let (mut files, mut exceptions) = (0, BTreeSet::new());
    for entry in fs::read_dir(checkout().join("crates")).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if SCRIPTED.contains(&name.as_str()) {
            continue;
        }
        for (path, strings) in strings(&folder) {
            files += 1;
            let named = strings.into_iter().filter(|text| methods.contains(text));
            for method in named {
                let exception = NAMED
                    .iter()
                    .find(|(file, named, _)| path.ends_with(file) && *named == method);
                match exception {
                    Some((_, method, _)) if exceptions.insert(*method) => {}
                    _ => found.push(format!("{}: {method:?}", path.display())),
                }
            }
        }
    }
    assert!(files > 100, "only {files} files were looked into");
    assert!(
        found.is_empty(),
        "methods are called by their names; use `X::METHOD` of the params, or a role of the \
         protocol:\n{}",
        found.join("\n")
    );
    let all: BTreeSet<_> = NAMED.iter().map(|(_, method, _)| *method).collect();
    assert_eq!(exceptions, all, "an exception is not needed any more");
}

#[test]
fn strings_are_found_wherever_code_has_them_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let src = folder.path().join("src");
    fs::create_dir_all(src.join("inner")).unwrap();
    let write = |path: &str, text: &str| fs::write(src.join(path), text).unwrap();
    write(
        "lib.rs",
        r####"
        //! "doc/inner"
        mod inner;
        #[cfg(test)]
        mod tests;
        /// "doc/outer" `doc/code`
        #[deprecated = "attribute"]
        pub fn f() -> &'static str {
            // "comment"
            let _ = matches!(x, "in/macro" | r#"in/raw"#);
            b"in/bytes";
            "in/\u{66}unction"
        }
        macro_rules! m { () => { "in/rules" } }
        mod inline { const IT: &str = "in/inline"; mod deep; }
        #[cfg(test)]
        mod more { const IT: &str = "test"; }
        "####,
    );
    write("inner.rs", r#"mod deeper; const IT: &str = "in/module";"#);
    write("inner/deeper.rs", r#"const IT: &str = "in/deeper";"#);
    write("tests.rs", r#"const IT: &str = "test";"#);
    fs::create_dir_all(src.join("inline/deep")).unwrap();
    write("inline/deep/mod.rs", r#"const IT: &str = "in/deep";"#);
    let mut found: Vec<_> = strings(folder.path()).into_values().flatten().collect();
    found.sort();
    assert_eq!(
        found,
        [
            "in/bytes",
            "in/deep",
            "in/deeper",
            "in/function",
            "in/inline",
            "in/macro",
            "in/module",
            "in/raw",
            "in/rules",
        ]
    );
}
