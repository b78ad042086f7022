//! `release`: what must hold before the packages are published, and the tag from which they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;

use crate::root;

#[derive(Args)]
pub(crate) struct Options {
    /// Check everything, and tag nothing
    #[arg(long)]
    dry_run: bool,
}

/// A package that is published.
#[derive(Debug)]
struct Package {
    name: String,
    version: String,
    /// What a registry asks for, by its name in `Cargo.toml`, where it is missing.
    lacks: Vec<&'static str>,
    /// Of ours: name, and the version that it asks for.
    needs: Vec<(String, String)>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let root = root();
    let packages = packages(&metadata(&root)?)?;
    let version = packages
        .first()
        .map(|it| it.version.clone())
        .context("nothing is published")?;
    let order = ordered(&packages)?;
    println!("{version}: {}", order.join(", "));

    let mut problems = problems(&packages);
    problems.extend(changelog(&read(&root.join("CHANGELOG.md"))?, &version));
    let tag = format!("v{version}");
    if !git(&root, &["tag", "--list", &tag])?.is_empty() {
        problems.push(format!("there is a tag {tag} already"));
    }
    if !git(&root, &["status", "--porcelain"])?.is_empty() {
        problems.push("the checkout has changes that are not committed".to_owned());
    }
    match last_release(&root)? {
        Some(last) => problems.extend(semver(&root, &last, &order)),
        None => println!("no release before this one: nothing to compare the API with"),
    }
    println!("packaging, and compiling what was packaged");
    if !cargo(&root, &package_arguments(&order))? {
        problems
            .push("the packages do not compile as they would be published: see above".to_owned());
    }
    if !problems.is_empty() {
        bail!("not ready to be released:\n- {}", problems.join("\n- "));
    }
    if options.dry_run {
        println!("ready; without --dry-run this sets the tag {tag}");
        return Ok(());
    }
    git(
        &root,
        &[
            "tag",
            "--annotate",
            &tag,
            "--message",
            &format!("openai-codex {version}"),
        ],
    )?;
    println!("tagged {tag}; `git push origin {tag}` publishes it");
    Ok(())
}

fn package_arguments(order: &[String]) -> Vec<String> {
    let packages = order
        .iter()
        .flat_map(|name| ["--package".to_owned(), name.clone()]);
    // What is not committed is a problem of its own.
    let first = ["package", "--locked", "--quiet", "--allow-dirty"].map(str::to_owned);
    first.into_iter().chain(packages).collect()
}

fn metadata(root: &Path) -> Result<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .output()
        .context("cannot run cargo")?;
    serde_json::from_slice(&output.stdout).context("cargo metadata tells no JSON")
}

/// The packages that are published: all but those with `publish = false`.
fn packages(metadata: &Value) -> Result<Vec<Package>> {
    let all = metadata["packages"]
        .as_array()
        .context("there are no packages")?;
    let published = all.iter().filter(|it| it["publish"].is_null());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages = published.map(|it| {
        let is_missing = |name: &&str| match &it[*name] {
            Value::Array(all) => all.is_empty(),
            other => other.as_str().is_none_or(str::is_empty),
        };
        let wanted = [
            "description",
            "license",
            "readme",
            "keywords",
            "categories",
            "repository",
        ];
        let needs = it["dependencies"].as_array().into_iter().flatten();
        // What is only for its tests is left out of a package unless it has a version.
        let needs = needs.filter(|it| !it["path"].is_null() && it["kind"] != "dev");
        Package {
            name: text(&it["name"]),
            version: text(&it["version"]),
            lacks: wanted.into_iter().filter(is_missing).collect(),
            needs: needs
                .map(|it| (text(&it["name"]), text(&it["req"])))
                .collect(),
        }
    });
    Ok(packages.collect())
}

/// What is wrong with them.
fn problems(packages: &[Package]) -> Vec<String> {
    let mut problems = Vec::new();
    let versions: BTreeSet<&str> = packages.iter().map(|it| it.version.as_str()).collect();
    if versions.len() > 1 {
        let versions: Vec<_> = versions.iter().copied().collect();
        problems.push(format!(
            "the packages have different versions: {}",
            versions.join(", ")
        ));
    }
    for it in packages {
        for (name, asked) in &it.needs {
            if *asked != format!("^{}", it.version) {
                problems.push(format!(
                    "{} asks for {name} {asked} and not for {}",
                    it.name, it.version
                ));
            }
        }
        let lacks = it.lacks.iter().filter(|it| **it != "repository");
        problems.extend(lacks.map(|what| format!("{} has no {what}", it.name)));
    }
    if packages.iter().any(|it| it.lacks.contains(&"repository")) {
        problems.push(
            "no repository is known: set `repository` under [workspace.package] in Cargo.toml, and \
             `repository.workspace = true` in each package"
                .to_owned(),
        );
    }
    problems
}

/// The packages in an order in which each is published after what it needs.
fn ordered(packages: &[Package]) -> Result<Vec<String>> {
    let mut left: BTreeMap<&str, BTreeSet<&str>> = packages
        .iter()
        .map(|it| {
            (
                it.name.as_str(),
                it.needs.iter().map(|(name, _)| name.as_str()).collect(),
            )
        })
        .collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let ready = left
            .iter()
            .find(|(_, needs)| needs.iter().all(|it| !left.contains_key(it)));
        let Some(name) = ready.map(|(name, _)| *name) else {
            let names: Vec<_> = left.keys().copied().collect();
            bail!("these packages need each other: {}", names.join(", "));
        };
        left.remove(name);
        order.push(name.to_owned());
    }
    Ok(order)
}

/// What is wrong with the changelog.
fn changelog(text: &str, version: &str) -> Option<String> {
    let newest = text.lines().find_map(|line| line.strip_prefix("## "));
    match newest.and_then(|it| it.split_whitespace().next()) {
        Some(newest) if newest == version => None,
        Some(newest) => Some(format!(
            "the newest entry of CHANGELOG.md is for {newest} and not for {version}"
        )),
        None => Some("CHANGELOG.md has no entry".to_owned()),
    }
}

/// The newest tag of a release that this one descends from.
fn last_release(root: &Path) -> Result<Option<String>> {
    let tags = git(
        root,
        &[
            "tag",
            "--merged",
            "HEAD",
            "--sort=-version:refname",
            "--list",
            "v[0-9]*",
        ],
    )?;
    Ok(tags.lines().next().map(str::to_owned))
}

/// What `cargo semver-checks` says about the change since the last release.
fn semver(root: &Path, last: &str, order: &[String]) -> Vec<String> {
    let mut problems = Vec::new();
    for name in order {
        let arguments =
            ["semver-checks", "--package", name, "--baseline-rev", last].map(str::to_owned);
        match cargo(root, &arguments) {
            Ok(true) => {}
            Ok(false) => problems.push(format!(
                "cargo semver-checks does not take the change of {name} since {last}, or is not installed \
                 (cargo install cargo-semver-checks): see above"
            )),
            Err(error) => problems.push(format!("{error:#}")),
        }
    }
    problems
}

fn cargo(root: &Path, arguments: &[String]) -> Result<bool> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(arguments)
        .current_dir(root)
        .status()
        .context("cannot run cargo")?;
    Ok(status.success())
}

fn git(root: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(root)
        .output()
        .context("cannot run git")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("git {} failed: {}", arguments.join(" "), said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, version: &str, needs: &[(&str, &str)]) -> Value {
        let needs: Vec<_> = needs
            .iter()
            .map(|(name, req)| json!({"name": name, "req": req, "path": "/x", "kind": null}))
            .collect();
        json!({
            "name": name, "version": version, "publish": null, "dependencies": needs, "description": "d",
            "license": "l", "readme": "README.md", "keywords": ["k"], "categories": ["c"], "repository": "r",
        })
    }

    fn read_all(all: &[Value]) -> Vec<Package> {
        packages(&json!({"packages": all})).unwrap()
    }

    #[test]
    fn packages_come_after_what_they_need() {
        let mut hidden = package("tests", "1.0.0", &[]);
        hidden["publish"] = json!([]);
        let all = read_all(&[
            package("sdk", "1.0.0", &[("types", "^1.0.0"), ("wire", "^1.0.0")]),
            hidden,
            package("types", "1.0.0", &[("wire", "^1.0.0")]),
            package("wire", "1.0.0", &[]),
        ]);
        assert_eq!(ordered(&all).unwrap(), ["wire", "types", "sdk"]);
        assert_eq!(problems(&all), Vec::<String>::new());
        let circle = read_all(&[
            package("a", "1.0.0", &[("b", "^1.0.0")]),
            package("b", "1.0.0", &[("a", "^1.0.0")]),
        ]);
        assert!(ordered(&circle).unwrap_err().to_string().contains("a, b"));
    }

    #[test]
    fn what_differs_or_is_missing_is_told() {
        let mut bare = package("types", "1.0.1", &[("wire", "^1.0.0")]);
        bare["readme"] = Value::Null;
        bare["repository"] = Value::Null;
        let told = problems(&read_all(&[package("wire", "1.0.0", &[]), bare])).join("\n");
        for part in [
            "different versions: 1.0.0, 1.0.1",
            "types asks for wire ^1.0.0 and not for 1.0.1",
            "types has no readme",
            "[workspace.package]",
        ] {
            assert!(told.contains(part), "no {part} in: {told}");
        }
    }

    #[test]
    fn the_newest_entry_of_the_changelog_is_for_the_version() {
        assert_eq!(
            changelog("# Changelog\n\n## 1.0.0 (codex 1.0)\n", "1.0.0"),
            None
        );
        assert!(
            changelog("## 0.9.0 (codex 0.9)\n\n## 1.0.0\n", "1.0.0")
                .unwrap()
                .contains("0.9.0")
        );
        assert!(changelog("", "1.0.0").is_some());
    }
}
