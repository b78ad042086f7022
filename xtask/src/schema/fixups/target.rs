//! Finding what a fixup is about, and saying where it was missed.

use schemars::schema::{Schema, SchemaObject};
use serde_json::Value;

use crate::schema::At;
use crate::schema::messages::method_of;
use crate::schema::read::{
    Definitions, branches_mut, literal, mark, object, object_mut, only_key, property_mut,
};

/// The branches of the definition `name`, if it is a union.
pub(super) fn union_of<'a>(
    definitions: &'a mut Definitions,
    name: &str,
) -> Option<&'a mut Vec<Schema>> {
    branches_mut(definitions.get_mut(name)?)
}

/// A request of the client's.
pub(super) fn request_of<'a>(
    definitions: &'a mut Definitions,
    method: &str,
) -> Option<&'a mut SchemaObject> {
    let requests = union_of(definitions, "ClientRequest")?.iter_mut();
    requests
        .map(object_mut)
        .find(|request| method_of(request) == Some(method))
}

/// A property of a definition, or of one kind of a union: by its tag, by its key, or by the name that a
/// fixup gave it.
pub(super) fn member_of<'a>(
    definitions: &'a mut Definitions,
    name: &str,
    kind: Option<&str>,
    member: &str,
) -> Option<&'a mut SchemaObject> {
    let schema = definitions.get_mut(name)?;
    let owner = match kind {
        None => schema,
        Some(kind) => {
            let is_of_kind = |branch: &&mut SchemaObject| {
                let properties = branch.object.iter().flat_map(|it| it.properties.values());
                let is_tagged = properties.map(object).any(|it| literal(it) == Some(kind));
                is_tagged || mark(branch, "x-name") == Some(kind)
            };
            let branches = branches_mut(schema)?.iter_mut().map(object_mut);
            let is_keyed =
                |branch: &SchemaObject| only_key(branch).is_some_and(|(key, _)| key == kind);
            let is_wanted = |branch: &&mut SchemaObject| is_of_kind(branch) || is_keyed(branch);
            let branch = branches.into_iter().find(is_wanted)?;
            match is_keyed(branch) {
                true => property_mut(branch, kind)?,
                false => branch,
            }
        }
    };
    property_mut(owner, member)
}

/// Sets an annotation on members, each of a definition or of one kind of a tagged union.
pub(super) fn annotate_members(
    definitions: &mut Definitions,
    targets: &[(&str, Option<&str>, &str)],
    annotation: &str,
    value: &Value,
) -> Vec<String> {
    missed_by(
        targets,
        |(name, kind, member)| member_place(name, *kind, member),
        |(name, kind, member)| {
            let member = member_of(definitions, name, *kind, member);
            annotate(member, annotation, value.clone())
        },
    )
}

/// Sets an annotation; false if the target is missing or bears it already.
pub(super) fn annotate(schema: Option<&mut SchemaObject>, annotation: &str, value: Value) -> bool {
    schema.is_some_and(|it| it.extensions.insert(annotation.to_owned(), value).is_none())
}

/// The definitions that were missed.
pub(super) fn missed(targets: &[&str], mut apply: impl FnMut(&str) -> bool) -> Vec<String> {
    missed_by(targets, |name| place(&[name]), |name| apply(name))
}

/// The place of something within the definitions.
pub(super) fn place(path: &[&str]) -> String {
    let at = At::definition("fixups", path.first().copied().unwrap_or_default());
    let within = path.iter().skip(1);
    within.fold(at, |at, segment| at.child(segment)).to_string()
}

/// The place of a member of a definition, or of one kind of a tagged union.
pub(crate) fn member_place(name: &str, kind: Option<&str>, member: &str) -> String {
    match kind {
        None => place(&[name, "properties", member]),
        Some(kind) => format!("{} `{kind}`, member {member}", place(&[name, "oneOf"])),
    }
}

/// The place of a request of the client's, which its number would not tell.
pub(super) fn request_place(method: &str) -> String {
    format!("{} `{method}`", place(&["ClientRequest", "oneOf"]))
}

pub(super) fn missed_by<T>(
    targets: &[T],
    name: impl Fn(&T) -> String,
    mut apply: impl FnMut(&T) -> bool,
) -> Vec<String> {
    targets
        .iter()
        .filter(|target| !apply(target))
        .map(name)
        .collect()
}
