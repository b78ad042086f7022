//! The public surface of the SDK, as rustdoc sees it.
//!
//! The compiler says what is public, macros and re-exports included. Its JSON
//! output is not stable: `RUSTC_BOOTSTRAP` asks a stable toolchain for it, and
//! only the members that are read here matter.

mod render;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::Value;

use crate::output::{Mode, file};
use crate::reviewed;

const PACKAGE: &str = "openai-codex";

/// Whose types are public there under their own names.
const BELOW: &str = "openai-codex-connection";
const SNAPSHOT: &str = "crates/sdk/public-api.txt";

#[derive(Args)]
pub(crate) struct Options {
    /// Change nothing, and fail if the snapshot is not up to date
    #[arg(long)]
    check: bool,
}

/// Writes or checks the snapshot.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mode = match options.check {
        true => Mode::Check,
        false => Mode::Write,
    };
    let mut text = String::from(
        "# The public surface of openai-codex with all features, less `types`.\n\
         # Written by `cargo xtask public-api`. A change here is a change for every user.\n",
    );
    let surface = surface()?;
    reviewed::check_setters(&surface)?;
    check_examples(&surface)?;
    for line in lines(&surface) {
        text += &line;
        text.push('\n');
    }
    file(
        &crate::root().join(SNAPSHOT),
        &text,
        mode,
        "cargo xtask public-api",
    )
}

/// Something public.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// Its path within the crate, such as `blocking::Codex`.
    pub(crate) path: String,
    /// What it is, in one line.
    pub(crate) text: String,
    pub(crate) kind: Kind,
    /// Whether its documentation shows how it is used.
    pub(crate) has_example: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// A struct or an enum, with its functions and the traits it implements.
    Type {
        functions: Vec<Function>,
        traits: Vec<String>,
        members: Vec<String>,
    },
    Function(Function),
    Other,
}

#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) is_async: bool,
    /// How many arguments it takes, `self` included.
    pub(crate) arguments: usize,
    pub(crate) text: String,
}

/// Asks rustdoc for the surface.
pub(crate) fn surface() -> Result<Vec<Item>> {
    let mut items = surface_of(PACKAGE)?;
    // What is made elsewhere and public here is as much of the surface.
    for item in surface_of(BELOW)? {
        let its_place = items.iter_mut().find(|it| {
            it.path == item.path && it.text.starts_with(&format!("{}: use ", item.path))
        });
        if let Some(place) = its_place {
            // Its example stands with what returns it.
            *place = Item {
                has_example: true,
                ..item
            };
        }
    }
    Ok(items)
}

fn surface_of(package: &str) -> Result<Vec<Item>> {
    // Not the usual target folder: the variable would have all built anew there.
    let cache = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| crate::root().join("target"), Into::into)
        .join("public-api");
    let status = Command::new(env!("CARGO"))
        .args(["rustdoc", "--quiet", "--lib", "--all-features"])
        .args(["--package", package, "--target-dir"])
        .arg(&cache)
        .args(["--", "-Z", "unstable-options", "--output-format", "json"])
        .env("RUSTC_BOOTSTRAP", "1")
        .current_dir(crate::root())
        .status()
        .context("cannot run cargo rustdoc")?;
    ensure!(status.success(), "cargo rustdoc failed");
    let file = format!("doc/{}.json", package.replace('-', "_"));
    read(&cache.join(file))
}

fn read(path: &Path) -> Result<Vec<Item>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let docs: Value = serde_json::from_str(&text).context("rustdoc wrote no JSON")?;
    let version = &docs["format_version"];
    let mut items = Vec::new();
    Reader(&docs["index"])
        .module(&docs["root"], "", &mut items)
        .with_context(|| format!("rustdoc writes a form that is not known here: {version}"))?;
    items.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(items)
}

/// Every type, trait and function of ours shows in an example how it is used.
fn check_examples(items: &[Item]) -> Result<()> {
    let without: Vec<&str> = items
        .iter()
        .filter(|item| !item.has_example && !matches!(item.kind, Kind::Other))
        .map(|item| item.path.as_str())
        .collect();
    ensure!(
        without.is_empty(),
        "give these an example in their documentation: {}",
        without.join(", ")
    );
    Ok(())
}

/// One line for each item, member, function and trait.
fn lines(items: &[Item]) -> Vec<String> {
    let mut lines = BTreeSet::new();
    for item in items {
        lines.insert(item.text.clone());
        if let Kind::Type {
            functions,
            traits,
            members,
        } = &item.kind
        {
            let path = &item.path;
            lines.extend(functions.iter().map(|it| format!("{path}: {}", it.text)));
            lines.extend(traits.iter().map(|it| format!("{path}: impl {it}")));
            lines.extend(members.iter().map(|it| format!("{path}: {it}")));
        }
    }
    lines.into_iter().collect()
}

/// rustdoc's items by their ids.
struct Reader<'a>(&'a Value);

impl<'a> Reader<'a> {
    fn item(&self, id: &Value) -> Option<&'a Value> {
        self.0.get(id.to_string())
    }

    fn module(&self, id: &Value, prefix: &str, items: &mut Vec<Item>) -> Result<()> {
        let module = self.item(id).context("a module is not there")?;
        let children = module["inner"]["module"]["items"]
            .as_array()
            .context("a module has no items")?;
        for child in children {
            let Some(item) = self.item(child) else {
                continue;
            };
            let (name, id) = match item["inner"].get("use") {
                Some(it) => (&it["name"], &it["id"]),
                None => (&item["name"], child),
            };
            let name = name.as_str().context("an item has no name")?;
            let path = format!("{prefix}{name}");
            // Of the prelude and of other crates it is only said where it comes from.
            let source = item["inner"]["use"]["source"].as_str();
            match (self.item(id), source) {
                (Some(target), None) => self.named(target, id, path, items)?,
                (Some(target), Some(_)) if target["crate_id"] == 0 && prefix != "prelude::" => {
                    self.named(target, id, path, items)?;
                }
                (_, Some(source)) => items.push(Item {
                    text: format!("{path}: use {source}"),
                    path,
                    kind: Kind::Other,
                    has_example: false,
                }),
                (None, None) => bail!("{path} is not there"),
            }
        }
        Ok(())
    }

    fn named(&self, item: &Value, id: &Value, path: String, items: &mut Vec<Item>) -> Result<()> {
        let inner = item["inner"].as_object().context("an item is nothing")?;
        let (kind, inner) = inner.iter().next().context("an item is nothing")?;
        let (text, kind) = match kind.as_str() {
            "module" => return self.module(id, &format!("{path}::"), items),
            "struct" | "enum" | "union" => {
                let generics = render::generics(&inner["generics"]);
                (format!("{path}: {kind}{generics}"), self.members_of(inner)?)
            }
            "function" => {
                let function = function(item);
                (
                    format!("{path}: {}", function.text),
                    Kind::Function(function),
                )
            }
            "trait" => (
                format!("{path}: trait{}", render::generics(&inner["generics"])),
                Kind::Type {
                    functions: self.functions(&inner["items"]),
                    traits: Vec::new(),
                    members: Vec::new(),
                },
            ),
            "type_alias" => (
                format!(
                    "{path}: type{} = {}",
                    render::generics(&inner["generics"]),
                    render::ty(&inner["type"])
                ),
                Kind::Other,
            ),
            "constant" => (
                format!("{path}: const {}", render::ty(&inner["type"])),
                Kind::Other,
            ),
            other => (format!("{path}: {other}"), Kind::Other),
        };
        items.push(Item {
            path,
            text,
            kind,
            has_example: item["docs"].as_str().is_some_and(|it| it.contains("```")),
        });
        Ok(())
    }

    fn members_of(&self, inner: &Value) -> Result<Kind> {
        let (mut functions, mut traits) = (Vec::new(), Vec::new());
        for id in inner["impls"].as_array().context("a type has no impls")? {
            let Some(item) = self.item(id) else { continue };
            let it = &item["inner"]["impl"];
            if it["is_synthetic"] == true || !it["blanket_impl"].is_null() {
                continue;
            }
            match it["trait"].is_null() {
                true => functions.extend(self.functions(&it["items"])),
                false => {
                    let mut text = render::path(&it["trait"]);
                    // The compiler's own mark of a derived `PartialEq`.
                    if text == "StructuralPartialEq" {
                        continue;
                    }
                    // `impl From<Codex> for …` stands with `Codex` as well.
                    text += &format!(" for {}", render::ty(&it["for"]));
                    traits.push(text);
                }
            }
        }
        let mut members = Vec::new();
        for variant in self.items(&inner["variants"]) {
            members.push(self.variant(variant));
        }
        for field in self.items(&inner["kind"]["plain"]["fields"]) {
            members.push(self.field(field));
        }
        Ok(Kind::Type {
            functions,
            traits,
            members,
        })
    }

    fn items(&self, ids: &Value) -> Vec<&'a Value> {
        let ids = ids.as_array().into_iter().flatten();
        ids.filter_map(|id| self.item(id)).collect()
    }

    fn functions(&self, ids: &Value) -> Vec<Function> {
        let items = self.items(ids).into_iter();
        items
            .filter(|item| item["inner"].get("function").is_some())
            .map(function)
            .collect()
    }

    fn variant(&self, variant: &Value) -> String {
        let kind = &variant["inner"]["variant"]["kind"];
        let name = variant["name"].as_str().unwrap_or_default();
        let fields = |ids: &Value| -> Vec<String> {
            self.items(ids)
                .into_iter()
                .map(|field| self.field(field))
                .collect()
        };
        if kind.get("tuple").is_some() {
            let types: Vec<String> = self
                .items(&kind["tuple"])
                .into_iter()
                .map(|field| render::ty(&field["inner"]["struct_field"]))
                .collect();
            format!("{name}({})", types.join(", "))
        } else if kind.get("struct").is_some() {
            format!(
                "{name} {{ {} }}",
                fields(&kind["struct"]["fields"]).join(", ")
            )
        } else {
            name.to_owned()
        }
    }

    fn field(&self, field: &Value) -> String {
        let name = field["name"].as_str().unwrap_or_default();
        format!("{name}: {}", render::ty(&field["inner"]["struct_field"]))
    }
}

fn function(item: &Value) -> Function {
    let function = &item["inner"]["function"];
    let name = item["name"].as_str().unwrap_or_default().to_owned();
    Function {
        is_async: function["header"]["is_async"] == true,
        arguments: function["sig"]["inputs"].as_array().map_or(0, Vec::len),
        text: render::signature(&name, function),
        name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_snapshot_is_what_is_public() {
        run(&Options { check: true }).unwrap_or_else(|error| panic!("{error:#}"));
    }
}
