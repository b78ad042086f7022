//! From definitions to the text of the generated crate, pass by pass.

mod boxes;
mod cycles;
mod defaults;
mod docs;
mod emit;
mod facts;
#[cfg(test)]
mod golden;
mod layout;
mod lower;
mod methods;
pub(crate) mod model;
pub(crate) mod names;
pub(crate) mod notes;
mod open;
mod scopes;
#[cfg(test)]
mod tests;

pub(crate) use emit::print;
pub(crate) use lower::parts::numbered;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;

use anyhow::{Result, anyhow, bail};
use serde_json::Value;

use self::model::{Kind, Model, Shape, Struct, Type, TypeName};
use self::notes::Notes;
use crate::history::History;
use crate::manifest::{Counts, Manifest};
use crate::methods_file::MethodsFile;
use crate::schema::messages::{MESSAGES, is_left_out};
use crate::schema::normalise::Places;
use crate::schema::read::{Definitions, branches, object};
use crate::schema::stable::Stable;
use crate::schema::{At, fixups, normalise, own_types, renames, vocabulary};

/// What to generate from.
pub(crate) struct Input<'a> {
    pub(crate) bundle: Value,
    pub(crate) stable: &'a Stable,
    pub(crate) manifest: &'a Manifest,
    /// Descriptions where the schema has none.
    pub(crate) notes: &'a Notes,
    pub(crate) methods: &'a MethodsFile,
    /// Whether `methods` must fit the schema; else it is reported where it does not.
    pub(crate) methods_fit: bool,
    pub(crate) history: &'a History,
    pub(crate) runtime_version: &'a str,
    /// The oldest runtime that is supported.
    pub(crate) oldest_runtime: &'a str,
    /// Whether it is the pinned schema: then what was reviewed must hold; of another it is reported.
    pub(crate) pinned: bool,
    /// Whether a fixup that does not apply is reported instead of being an error.
    pub(crate) lenient_fixups: bool,
}

/// The generated files and what there is to say about them.
pub(crate) struct Output {
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) report: Vec<String>,
    /// How many requests were generated: those of the schema less those left out.
    pub(crate) requests: usize,
    /// The manifest that this schema would have.
    pub(crate) manifest: Manifest,
}

/// The files of the generated package besides its sources.
pub(crate) const FRAME: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("emit/frame/Cargo.toml.in")),
    ("README.md", include_str!("emit/frame/README.md.in")),
];

/// Definitions that the wire crate has by hand, because routing needs them.
const BY_HAND: &[&str] = &["RequestId", "ThreadId"];

/// Enough for a chain of 100,000 types. What is not used of it costs nothing.
const STACK: usize = 1 << 30;

/// Generates everything.
pub(crate) fn generate(input: Input<'_>) -> Result<Output> {
    let places = Places::of(&input.bundle);
    let generated = std::thread::scope(|scope| {
        // The passes follow a schema as deep as its types go.
        let thread = std::thread::Builder::new().stack_size(STACK);
        let thread = thread.spawn_scoped(scope, || from_definitions(input))?;
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    });
    let mut output = generated.map_err(|error| {
        // The passes know flat definitions; who reads this knows the bundle.
        anyhow!("{}", places.in_bundle(&format!("{error:#}")))
    })?;
    for line in &mut output.report {
        *line = places.in_bundle(line);
    }
    Ok(output)
}

fn from_definitions(input: Input<'_>) -> Result<Output> {
    let mut definitions = vocabulary::read(&normalise::flatten(input.bundle)?)?;
    let lenient = input.lenient_fixups;
    let mut stable = input.stable.clone();
    let mut report = Vec::new();
    if lenient {
        for (old, new) in renames::usable(&mut definitions) {
            stable.copy(&old, &new);
            report.push(renames::line(&old, &new));
        }
    }
    let total = definitions.len();
    let before = count_messages(&definitions);
    report.extend(fixups::apply(&mut definitions, lenient)?);
    for (method, own) in own_types::one_per_message(&mut definitions, lenient)? {
        stable.copy(&own.copy_of, &own.name);
        if !input.pinned {
            report.push(format!("a type of its own: {method} -> {}", own.name));
        }
    }

    let mut listing = methods::Listing {
        definitions: &definitions,
        stable: &stable,
        guess: !input.pinned,
        lenient,
        report: &mut report,
    };
    let mut model = Model {
        requests: listing.requests("ClientRequest")?,
        server_requests: listing.requests("ServerRequest")?,
        notifications: listing.notifications("ServerNotification")?,
        client_notifications: listing.notifications("ClientNotification")?,
        ..Model::default()
    };
    let roots: BTreeSet<TypeName> = (model.requests.iter().chain(&model.server_requests))
        .flat_map(|it| {
            [
                it.sends_params.then(|| it.params.clone()),
                (it.response != *methods::ANY).then(|| it.response.clone()),
            ]
        })
        .flatten()
        .chain(
            (model
                .notifications
                .iter()
                .chain(&model.client_notifications))
            .filter(|it| it.sends_params)
            .map(|it| it.params.clone()),
        )
        .collect();
    let roots = roots.iter().map(|it| it.to_string());
    model.types = lower::lower(&definitions, &stable, roots, lenient.then_some(&mut report))?;
    let misfits = input.notes.apply(&mut model);
    if let (Some(misfit), true) = (misfits.first(), input.pinned) {
        bail!("{misfit}; mend it there");
    }
    report.extend(misfits);
    add_absent_params(&mut model)?;
    open::close_below_untagged(&mut model)?;
    defaults::check(&model)?;
    mark_setters(&mut model);
    let (large, gone) = boxes::apply(&mut model, &input.manifest.boxed);
    let mut cyclic = BTreeSet::new();
    for path in cycles::apply(&mut model) {
        if !input.manifest.boxed.contains(&path) {
            report.push(format!(
                "boxed because it would hold itself, not yet in the manifest: {path}"
            ));
        }
        cyclic.insert(path);
    }
    for path in &large {
        report.push(format!(
            "boxed because it is large, not yet in the manifest: {path}"
        ));
    }
    for path in gone.iter().filter(|path| !cyclic.contains(*path)) {
        report.push(format!(
            "boxed in the manifest, but gone from the schema: {path}"
        ));
    }
    let facts = facts::of(
        &model,
        input.methods,
        input.history,
        input.runtime_version,
        input.methods_fit,
        &mut report,
    )?;

    let mut manifest = describe(
        &definitions,
        &model,
        total,
        before - count_messages(&definitions),
    );
    manifest.boxed.extend(cyclic);
    let messages = model.requests.len()
        + model.server_requests.len()
        + model.notifications.len()
        + model.client_notifications.len();
    let in_schema = count_messages(&definitions);
    // What is there twice was left out, and said.
    if messages != in_schema && !lenient {
        bail!(
            "/definitions (count): the schema has {in_schema} messages, {messages} were generated"
        );
    }
    manifest.differences(input.manifest, input.pinned, &mut report)?;
    Ok(Output {
        files: emit::files(&model, &facts, input.runtime_version, input.oldest_runtime)?,
        report,
        requests: model.requests.len(),
        manifest,
    })
}

fn count_messages(definitions: &Definitions) -> usize {
    let unions = MESSAGES
        .iter()
        .filter_map(|union| branches(definitions.get(*union)?));
    unions
        .flatten()
        .filter(|branch| !is_left_out(object(branch)))
        .count()
}

/// Types for the params of methods that have none, so that they can be called like the others.
fn add_absent_params(model: &mut Model) -> Result<()> {
    let requests = (model.requests.iter().chain(&model.server_requests))
        .filter(|it| !it.sends_params)
        .map(|it| (it.params.clone(), it.experimental));
    let notifications = (model
        .notifications
        .iter()
        .chain(&model.client_notifications))
    .filter(|it| !it.sends_params)
    .map(|it| (it.params.clone(), it.experimental));
    let absent: Vec<_> = requests.chain(notifications).collect();
    for (name, experimental) in absent {
        let ty = Type {
            doc: None,
            shape: Shape::Struct(Struct {
                absent: true,
                ..Struct::default()
            }),
            experimental,
            owner: None,
        };
        if model.types.insert(name.clone(), ty).is_some() {
            return Err(At::definition("methods", &name)
                .error("a method without params needs this name, which another type has"));
        }
    }
    Ok(())
}

/// Chained setters for what the client writes: parameters, and answers to the server.
///
/// Of these, only what the caller set is sent: a member with a default is
/// optional, and left to the server when it is absent.
fn mark_setters(model: &mut Model) {
    let roots = model
        .requests
        .iter()
        .map(|it| &it.params)
        .chain(model.server_requests.iter().map(|it| &it.response));
    let written: Vec<TypeName> = model.reachable(roots).into_iter().cloned().collect();
    for name in written {
        if let Some(Shape::Struct(record)) = model.types.get_mut(&name).map(|ty| &mut ty.shape) {
            record.setters = true;
            for field in &mut record.fields {
                if matches!(field.kind, Kind::Default(_)) {
                    field.kind = Kind::Optional;
                }
            }
        }
    }
}

/// What was generated, to be compared with the manifest.
fn describe(definitions: &Definitions, model: &Model, total: usize, left_out: usize) -> Manifest {
    let pruned = definitions
        .keys()
        .filter(|name| {
            !model.types.contains_key(name.as_str())
                && !MESSAGES.contains(&name.as_str())
                && !BY_HAND.contains(&name.as_str())
        })
        .cloned()
        .collect();
    let mut boxed = BTreeSet::new();
    for (name, ty) in &model.types {
        if let Shape::Tagged(union) = &ty.shape {
            boxed.extend(
                union
                    .kinds
                    .iter()
                    .filter(|kind| kind.boxed)
                    .map(|kind| format!("{name}::{}", kind.literal.name)),
            );
        }
    }
    boxed.extend(
        model
            .notifications
            .iter()
            .filter(|it| it.boxed)
            .map(|it| format!("{}::{}", boxes::NOTIFICATIONS, it.variant)),
    );
    Manifest {
        counts: Counts {
            definitions: total,
            client_requests: model.requests.len() + left_out,
            server_requests: model.server_requests.len(),
            notifications: model.notifications.len(),
            client_notifications: model.client_notifications.len(),
            types: model.types.len(),
        },
        left_out: fixups::METHODS_LEFT_OUT
            .iter()
            .map(|method| (*method).to_owned())
            .collect(),
        pruned,
        boxed,
    }
}
